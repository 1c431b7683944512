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
 * Where retry.on_lost_answer is `hold`, a row that would go back to READY with its answer just lost goes on
 * to HELD (job_hold) and stays there, uncertain, until `retry` or an event frees it. It holds its customer's
 * further cards back as if it were READY; the ledger knows it by its due time, -1.
 *
 * Invariants (the tests name them):
 * I1 every card ever loaded and every refused record is in exactly one state, and the totals add up.
 * I2 a request leaves only for a row whose SENT is committed.
 * I3 SENT is left in job_settle and job_recover (for sets: sql/recover*.sql) only, and only by a SENT row.
 * I4 final states are left only by an explicit command or a corrected row.
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

/* A row as the transition sees it. */
struct job {
    enum job_state state;
    int attempts;   /* counted when the row is claimed */
    bool uncertain; /* an earlier attempt's answer was lost: it may have been taken */
};

/* READY -> SENT, counting the attempt. */
void job_claim(struct job *job);

/* SENT -> what the verdict says. `lost`: the request may have reached the server though no answer came.
 * A row that is not SENT is an assert. */
void job_settle(struct job *job, enum job_verdict verdict, bool lost, int max_attempts);

/* SENT -> READY after a crash: the answer, if any, is lost. */
void job_recover(struct job *job);

/* READY -> HELD by choice, right after one of the two above and in the same transaction (for sets:
 * sql/recover_hold.sql). A row that is not uncertain is an assert. */
void job_hold(struct job *job);

#endif
