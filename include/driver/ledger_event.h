/* ledger_event: outcome events into the ledger.
 *
 * The end does not depend on the order, the repetition or the grouping of events: of those that match a row
 * the highest decides, by (success before failure, matched by correlation ID before matched by numbers, its
 * own time, its identifier); every other one is kept in the row's story (ledger_attempts_begin), once. So
 * reading events again changes nothing and needs no list of them. `enrolled` is never undone, and a failure
 * of before the last retry does not decline. An event for a row whose answer is not on record yet waits in
 * the ledger for it: SENT is the run's alone (rule/job.h), whose exchange settles such a row together with
 * its answer. All of it is safe beside a run. */
#ifndef DRIVER_LEDGER_EVENT_H
#define DRIVER_LEDGER_EVENT_H

#include "driver/ledger.h"

/* What an event says. Texts are borrowed for the call. */
struct ledger_event {
    int64_t row;                              /* from its correlation ID; 0: it has none of this ledger */
    int64_t account_id, card_id, customer_id; /* 0: not given */
    bool well;
    int64_t at_ms;        /* its own time; 0: none */
    const char *event_id; /* "": none */
    const char *message;  /* masked; "": none */
};

enum ledger_fate {
    FATE_UNMATCHED,   /* no row */
    FATE_CONTRADICTS, /* its correlation ID is a row's, its card or customer is not */
    FATE_ENROLLED,
    FATE_DECLINED,
    FATE_DUPLICATE, /* known already */
    FATE_FURTHER,   /* an older one, or the same outcome again */
    FATE_LATE,      /* a failure after the success: the row stays enrolled */
    FATE_WAITS,     /* for the answer of its row */
    FATE_LISTED     /* its row is in a state that this event cannot change */
};

struct ledger_event_result {
    enum ledger_fate fate;
    int64_t row, card_id, customer_id; /* 0: unmatched */
    enum job_state was, state;         /* of the row, before and after */
    bool weak;                         /* matched by the numbers of card and account (or customer) */
};

/* ONE transaction. results[i] belongs to events[i]; when it fails nothing has happened. A weak match settles
 * only rows that await an event, and only if the event is not older than their request, or, of those that
 * were sent several times, than the load of their file. */
int ledger_events_apply(struct ledger *ledger, const struct ledger_event *events, size_t count,
                        int64_t now_ms, struct ledger_event_result *results, struct fail *fail) MUST_CHECK;

/* What would become of it; changes nothing. */
int ledger_event_look(struct ledger *ledger, const struct ledger_event *event,
                      struct ledger_event_result *out, struct fail *fail) MUST_CHECK;

/* Events that wait for their row's answer: applied as far as that is on record by now; *left still wait. */
int ledger_events_resume(struct ledger *ledger, int64_t now_ms, int64_t *left, struct fail *fail) MUST_CHECK;

const char *ledger_fate_name(enum ledger_fate fate);

#endif
