/* ledger_change: what people change by command, beside what runs and events change: retry and purge.
 *
 * Both work in bounded transactions, each complete in itself together with its totals, so that a run or a
 * reader beside them waits little and an end in the middle leaves a sound ledger; the command given again
 * does the rest. */
#ifndef DRIVER_LEDGER_CHANGE_H
#define DRIVER_LEDGER_CHANGE_H

#include "driver/ledger.h"
#include "kit/buf.h"

/* Which rows; within one kind any, between kinds all. */
struct ledger_retry {
    unsigned states;          /* bits 1 << state, of states that rule/job lets be retried */
    const struct span *codes; /* ours, or of the remote side in the row's message (api_event_has_code) */
    size_t code_count;        /* 0: any code */
    const int64_t *cards;
    size_t card_count;  /* 0: any card */
    int64_t overdue_ms; /* of ACCEPTED rows those that wait for their event since then or longer */
    const char *reason; /* for the rows' story; NULL: none */
    int64_t now_ms;
};

struct ledger_retried {
    int64_t from[JOB_STATE_COUNT]; /* rows by the state that they had */
    int64_t rows, ready;           /* all of them, and the cards that became READY; the others are HELD */
};

/* Makes the rows due again (rule/job.h, RETRY). A card of a customer whose other card is on its way becomes
 * HELD, so that I6 holds. Safe beside a run. */
int ledger_retry(struct ledger *ledger, const struct ledger_retry *retry, struct ledger_retried *out,
                 struct fail *fail) MUST_CHECK;

struct ledger_purged {
    int64_t from[JOB_STATE_COUNT]; /* rows by state */
    int64_t rows, attempts;
};

/* Erases the story and the place of rows that are final since `before_ms` or longer. Their Pismo numbers and
 * states stay: so the totals stay what they were, a newer extract finds the card known and does not enrol it
 * again, and a further card still knows that its customer is there. Files, their digests and totals stay.
 * Only under the run's lock. */
int ledger_purge(struct ledger *ledger, int64_t before_ms, struct ledger_purged *out,
                 struct fail *fail) MUST_CHECK;
/* Gives the room of what was erased back to the disk, also of a purge that was cut off before this; needs as
 * much free as the ledger is large, and the run's lock. When it fails the ledger is as it was. */
int ledger_shrink(struct ledger *ledger, struct fail *fail) MUST_CHECK;

#endif
