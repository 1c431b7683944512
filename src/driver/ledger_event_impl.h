/* What the parts of the ledger's events share: settling them one by one inside the caller's transaction. */
#ifndef DRIVER_LEDGER_EVENT_IMPL_H
#define DRIVER_LEDGER_EVENT_IMPL_H

#include "driver/ledger_event.h"

#include "ledger_impl.h"

struct settling;
void ledger_settling_open(struct settling **out, struct ledger *ledger, int64_t now_ms);
void ledger_settling_close(struct settling *s);

/* An event that waited for its row, event->row, as far as that can be told by now: FATE_WAITS, and it still
 * does. `weak`: it had been matched by numbers. */
int ledger_settling_again(struct settling *s, const struct ledger_event *event, bool weak,
                          enum ledger_fate *fate, struct fail *fail) MUST_CHECK;

/* What was settled since the last time, into the totals. */
int ledger_settling_store(struct settling *s, struct fail *fail) MUST_CHECK;

#endif
