/* event_case: a desk with a few cards and the outcome events about them, for the tests of the ledger's
 * events. */
#ifndef EVENT_CASE_H
#define EVENT_CASE_H

#include "driver/ledger_event.h"

#include "ledger_case.h"

/* Customer 11 of account 21 has the cards 501 and 502, customer 12 of account 22 has 503. */
#define THREE CARDS "11,21,501\n11,21,502\n12,22,503\n"

enum { DAY_MS = 86400000 };

/* Loads THREE; 501 and 503 are accepted, 502 is held. */
void event_accept_all(struct desk *desk);
/* Claims what is due and gives the card's claim. */
struct ledger_claim event_claim(struct desk *desk, int64_t card);
/* Puts card 503 into a state by hand. */
void event_force(enum job_state state, int attempts, bool uncertain, int64_t due_ms);
/* Sends what is in this state again, a day after NOW_MS. */
void event_retry(struct desk *desk, enum job_state from);

/* Events by the card's correlation ID, and by its numbers alone. */
struct ledger_event event_strong(int64_t card, bool well, int64_t at_ms, const char *id);
struct ledger_event event_weak(int64_t account, int64_t card, bool well, int64_t at_ms, const char *id);

/* Applies one; afterwards the totals add up. */
struct ledger_event_result event_put(struct desk *desk, struct ledger_event event);
#define FATE(desk, event, want) assert_string_equal(ledger_fate_name(event_put(desk, event).fate), want)

#endif
