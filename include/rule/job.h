/* job: the states of a row and the single function that moves a row between them.
 *
 *                         a later file brings the card again, still to be sent
 *          +-----------------------------------------------------------------------------+
 *          v                                                                             |
 *      (loaded) --valid, first of its customer--> READY --claim--> SENT --202--> ACCEPTED ---> ENROLLED
 *          |  \--valid, further card----------> HELD -^  ^  |       |                    \---> DECLINED
 *          |                                             |  |       +--already-------> ALREADY
 *          +--problem--> INVALID                         |  |       +--refused-------> REJECTED
 *          +--status---> SKIPPED                         |  |       +--last attempt--> EXHAUSTED
 *                                                        +--+-------+  transient, token, lost, given back
 *
 * Two calls (enum job_call): a customer's first card goes by the customer call, further ones by the card
 * call, where api.enroll_card_path names it. Then a first card whose customer call is answered "already" goes
 * on to READY and the card call (job_settle), since the customer is there but the card may not be; without a
 * path it is ALREADY, until a run has one (ledger_set_card_path). The customer's next HELD card becomes READY
 * (card_lead*.sql, `lead`) when no row of the customer is READY or SENT, and
 *   none of its cards leads (job_state_leads): by the customer call, or
 *   a path is set, no customer call awaits its event, and the customer is known to be there: a card of it is
 *   ENROLLED, ALREADY or has the card call: by the card call.
 *
 * RETRY: `retry` moves DECLINED, ALREADY, REJECTED, EXHAUSTED, overdue ACCEPTED and HELD-for-its-lost-answer
 * rows to HELD, from where `lead` takes them; the same correlation ID, the attempts counted on, but
 * retry.max_attempts counted from there. ACCEPTED and DECLINED ones are uncertain no longer: what was lost is
 * answered, so "already" is not their own.
 *
 * Where retry.on_lost_answer is `hold`, a row that would go back to READY with its answer just lost goes on
 * to HELD (job_hold) and stays there, uncertain, until `retry` or an event frees it. It holds its customer's
 * further cards back as if it were READY; the ledger knows it by its due time, -1.
 *
 * EVENT (job_event): success moves ACCEPTED and DECLINED to ENROLLED, and so it does with every row of which
 * a request may have been taken (HELD, READY, EXHAUSTED, INVALID, SKIPPED once they were sent; ALREADY,
 * REJECTED if they were sent before that answer, or are uncertain); failure moves ACCEPTED, and HELD for its
 * lost answer, to DECLINED. While a row is SENT, and a failure also while it is to be sent again, the event
 * waits for the answer. Evidence by numbers instead of the correlation ID settles ACCEPTED and DECLINED rows
 * only, and waits for the answer of every other row that was sent and is not finished.
 *
 * Invariants (the tests name them):
 * I1 every card ever loaded and every refused record is in exactly one state, and the totals add up.
 * I2 a request leaves only for a row whose SENT is committed.
 * I3 SENT is left in job_settle and job_recover (for sets: sql/recover*.sql) only, and only by a SENT row.
 * I4 final states are left only by an explicit command, a newer event, a corrected row, or, ALREADY, by the
 *    card call's path being set.
 * I5 at most one process works a ledger.
 * I6 at most one request is in flight per customer: one row of a customer is READY or SENT, others HELD. */
#ifndef RULE_JOB_H
#define RULE_JOB_H

#include "kit/fail.h"

#include <stdbool.h>
#include <stdint.h>

/* The number is what the ledger stores: never renumber.   id  name  final  failed */
#define JOB_STATE_TABLE(X)                   \
    X(INVALID, 0, "invalid", false, true)    \
    X(SKIPPED, 1, "skipped", true, false)    \
    X(HELD, 2, "held", false, false)         \
    X(READY, 3, "ready", false, false)       \
    X(SENT, 4, "sent", false, false)         \
    X(ACCEPTED, 5, "accepted", false, false) \
    X(ENROLLED, 6, "enrolled", true, false)  \
    X(DECLINED, 7, "declined", true, true)   \
    X(ALREADY, 8, "already", true, false)    \
    X(REJECTED, 9, "rejected", true, true)   \
    X(EXHAUSTED, 10, "exhausted", true, true)

enum job_state {
#define X(id, number, name, final, failed) JOB_##id = number,
    JOB_STATE_TABLE(X)
#undef X
        JOB_STATE_COUNT = 11
};

/* What an answer, or the want of one, means for its row. */
enum job_verdict {
    VERDICT_ACCEPTED,
    VERDICT_ALREADY,
    VERDICT_REJECTED,
    VERDICT_TRANSIENT, /* an attempt is spent; due again later, or exhausted */
    VERDICT_TOKEN,     /* 401: a new token, no attempt spent */
    VERDICT_FATAL,     /* ends the run; the row goes back, no attempt spent */
    VERDICT_RELEASED,  /* claimed, never started: goes back as it was */
    VERDICT_INVALID,   /* the record read again no longer passes the rules */
    VERDICT_SKIPPED    /* the record read again is one to be skipped */
};

const char *job_state_name(enum job_state state);
int job_state_parse(const char *name, enum job_state *out) MUST_CHECK; /* -1: no such state */
bool job_state_final(enum job_state state);
bool job_state_failed(enum job_state state); /* makes the run end with exit code 3 */
bool job_state_leads(enum job_state state);  /* holds the customer's further cards back: READY SENT ACCEPTED
                                                ENROLLED ALREADY */
const char *job_verdict_name(enum job_verdict verdict);
int job_verdict_parse(const char *name, enum job_verdict *out) MUST_CHECK;

/* By which call a row goes. The number is what the ledger stores. */
enum job_call {
    CALL_CUSTOMER,
    CALL_CARD,  /* a further card of a customer that is there */
    CALL_FOLLOW /* the card call too, after the card's own customer call was answered "already" */
};

/* A row as the transition sees it. */
struct job {
    enum job_state state;
    int attempts;   /* counted when the row is claimed */
    int before;     /* of these: before the last retry, or before the card call; not counted for exhaustion */
    bool uncertain; /* an earlier attempt's answer was lost: it may have been taken */
    enum job_call call;
};

struct job_rules {
    int max_attempts;
    bool card_path; /* the card call can be made */
};

/* READY -> SENT, counting the attempt. */
void job_claim(struct job *job);

/* SENT -> what the verdict says. `lost`: the request may have reached the server though no answer came.
 * A row that is not SENT is an assert. */
void job_settle(struct job *job, enum job_verdict verdict, bool lost, const struct job_rules *rules);

/* SENT -> READY after a crash: the answer, if any, is lost. */
void job_recover(struct job *job);

/* READY -> HELD by choice, right after one of the two above and in the same transaction (for sets:
 * sql/recover_hold.sql). A row that is not uncertain is an assert. */
void job_hold(struct job *job);

/* Whether a row that was just settled may let the customer's next HELD card go: it came to nothing, or, where
 * there is a card path, it needs no more waiting for. */
bool job_frees(const struct job *job, const struct job_rules *rules);

/* What an outcome event does to its row. */
enum job_event {
    JOB_EVENT_SETTLES, /* the row has a new state */
    JOB_EVENT_WAITS,   /* the row's answer is not on record yet: to be asked again then */
    JOB_EVENT_STANDS   /* the row stays as it is */
};

/* `well`: the card was enrolled. `weak`: matched by numbers. `lost_held`: a HELD row is held for its lost
 * answer. */
enum job_event job_event(struct job *job, bool well, bool weak, bool lost_held);

/* States that `retry` may leave (of HELD only rows held for their lost answer, of ACCEPTED only overdue
 * ones). NULL: it may; else why not, and what to do instead. */
const char *job_retry_refused(enum job_state state);

#endif
