/* ledger: the portfolio's one SQLite file: every row's state, and the durability of each change. The only
 * user of SQLite, in three headers: this one (open, lock, the engine's exchange), ledger_load.h (files in),
 * ledger_read.h (reports out).
 *
 * WAL, synchronous=FULL, mode 0600, no personal data. Every change of a row is one transaction together with
 * the totals that count it, so a process killed at any instant leaves a ledger that needs no repair. Times
 * are wall-clock milliseconds. Unless said otherwise functions return 0 or -1 with FAIL_LEDGER; a ledger that
 * is not there is FAIL_INPUT. */
#ifndef DRIVER_LEDGER_H
#define DRIVER_LEDGER_H

#include "kit/uuid.h"
#include "rule/job.h"

struct ledger;

enum ledger_mode {
    LEDGER_RUN,    /* made when missing; locked: a second holder gets FAIL_BUSY, which names the first */
    LEDGER_RESUME, /* as LEDGER_RUN, but must exist */
    LEDGER_WRITE,  /* must exist; beside a running run */
    LEDGER_EVENTS, /* the same for many changes in the order of the rows: with less memory */
    LEDGER_READ,   /* must exist; beside a running run; changes nothing */
    LEDGER_SCRATCH /* a private temporary ledger, gone with the handle; a copy of `path` where that exists */
};

/* `path` may be NULL with LEDGER_SCRATCH. Refuses network file systems (WAL needs shared memory), files that
 * are not ledgers, and ledgers of a newer version. */
int ledger_open(struct ledger **out, const char *path, enum ledger_mode mode, struct fail *fail) MUST_CHECK;
void ledger_close(struct ledger *ledger);

/* Takes the lock that a run holds, for a handle that has it not: FAIL_BUSY where a run holds it. It is kept
 * until the handle is closed. */
int ledger_hold(struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* The correlation ID of a row: a UUID, the same for ever. Returns `out`. */
char *ledger_cid(const struct ledger *ledger, int64_t row, char out[UUID_TEXT_SIZE]);
/* The ledger's own random seed: of the correlation IDs, and the key of digest_mark. */
const struct uuid_seed *ledger_seed(const struct ledger *ledger);

/* From now on a row whose answer is lost is held (rule/job.h) instead of being due again: in ledger_run_begin
 * and ledger_exchange. */
void ledger_set_hold_lost(struct ledger *ledger, bool hold);

/* Whether this run can make the card call (api.enroll_card_path): to be told right after ledger_run_begin.
 * Where it is another answer than the last run's, rows that wait for that call become READY, or HELD or
 * ALREADY again. */
int ledger_set_card_path(struct ledger *ledger, bool card_path, int64_t now_ms, struct fail *fail) MUST_CHECK;

/* What the last run said: it decides for whoever changes rows between two runs. */
int ledger_card_path(struct ledger *ledger, bool *out, struct fail *fail) MUST_CHECK;

/* The tenant that this run sends for (api.tenant), and that of the last run: whose events are ours. Appended;
 * nothing: no run yet. */
int ledger_set_tenant(struct ledger *ledger, const char *tenant, struct fail *fail) MUST_CHECK;
int ledger_tenant(struct ledger *ledger, struct buf *out, struct fail *fail) MUST_CHECK;

/* Opens a run: checks the file's integrity when the last run did not end, and makes rows whose answers were
 * lost with it due again, or held, marked uncertain. *recovered tells how many. */
int ledger_run_begin(struct ledger *ledger, const char *version, int64_t now_ms, int64_t *recovered,
                     struct fail *fail) MUST_CHECK;
/* `reason`: why it ended so, masked, for people; NULL: nothing went wrong. */
int ledger_run_end(struct ledger *ledger, int exit_code, const char *reason, int64_t now_ms,
                   struct fail *fail) MUST_CHECK;

/* How one request ended. Strings are borrowed for the call. */
struct ledger_outcome {
    int64_t id, customer_id;
    struct job job; /* the row as it was claimed */
    enum job_verdict verdict;
    bool lost;
    int http_status;                  /* 0: no answer */
    const char *code;                 /* stable reason; for VERDICT_INVALID the problem codes joined by ';' */
    const char *field;                /* only for VERDICT_INVALID: fields in the order of the codes */
    const char *own_code, *own_field; /* of these the card record's own; NULL: none */
    const char *message;              /* masked; NULL or "": none */
    int64_t due_ms;                   /* when a row that goes back is due again; 0: as it was, or at once */
    int64_t at_ms;                    /* when the answer came */
    int64_t latency_us;               /* -1: no request was made */
};

struct ledger_place {
    int64_t file; /* 0: none */
    int64_t offset;
    size_t length;
};

/* A row handed out: its SENT is committed. */
struct ledger_claim {
    int64_t id, card_id, customer_id, account_id;
    struct ledger_place card, customer; /* customer.file 0: the card's record carries its customer */
    struct job job;
    int64_t due_ms; /* card.due_ms: 0 never tried, 1 at once (sql/schema.sql) */
    bool retry;     /* it was due at a time of its own */
};

struct ledger_exchange {
    const struct ledger_outcome *outcomes;
    size_t outcome_count;
    int max_attempts;
    int64_t tokens;              /* mints since the last exchange, for the run's figures */
    int64_t unauthorized;        /* answers 401 since then that cost their rows nothing */
    bool untried_first;          /* claim rows never tried before retries: for probes */
    bool retry_limited;          /* claim at most ... */
    size_t retry_most;           /* ... so many that were tried before; not for probes */
    size_t retries;              /* out: how many of them are among the claims, ... */
    bool untried_out;            /* ... and whether rows never tried were fewer than there was room for */
    size_t want;                 /* rows that can leave before the next exchange */
    struct ledger_claim *claims; /* room for `want` */
    size_t claimed;              /* out */
    int64_t next_due_ms; /* out, unless as many were claimed as wanted: the next row's time, -1: none left */
    int64_t now_ms;
};

/* ONE transaction: settles the outcomes, then claims up to `want` rows that are due, retries before new rows.
 * When it fails nothing of it has happened. A row that is no longer SENT is FAIL_INTERNAL (invariant I3). */
int ledger_exchange(struct ledger *ledger, struct ledger_exchange *exchange, struct fail *fail) MUST_CHECK;

/* Counts rows by state against the kept totals, and files' records against their parts: FAIL_INTERNAL when
 * anything does not add up (invariant I1). */
int ledger_check(struct ledger *ledger, struct fail *fail) MUST_CHECK;

const char *ledger_version(void); /* SQLite's, for --version */

#endif
