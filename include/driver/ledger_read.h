/* ledger_read: what the ledger knows, for engines that need its files and for people who need its answers. */
#ifndef DRIVER_LEDGER_READ_H
#define DRIVER_LEDGER_READ_H

#include "driver/ledger_load.h"
#include "value/field.h"

/* Files: all (`rows`: the refused records each still has) or only those that rows still to be sent need
 * (`rows`: how many of those are not held). The array and its paths are the caller's: ledger_files_free. */
struct ledger_file_problems {
    int64_t records[PROBLEM_COUNT]; /* refused records with that code when the file was loaded */
    int64_t line[PROBLEM_COUNT];    /* the first one's */
};
struct ledger_files {
    struct ledger_file *file;
    int64_t *rows;                         /* refused records that each still has; only of ledger_files_all */
    struct ledger_file_problems *problems; /* one a file; only of ledger_files_all */
    size_t count;
};
int ledger_files_all(struct ledger *ledger, struct ledger_files *out, struct fail *fail) MUST_CHECK;
/* Files that rows still to be sent need, held ones too. As a rule a look at some of them, because what was
 * found to need no file is noted (FILE_IDLE); else at all. */
int ledger_files_due(struct ledger *ledger, struct ledger_files *out, struct fail *fail) MUST_CHECK;
/* How many rows that are to go now need it; 0: held ones at most. Reads all of them. */
int ledger_file_rows(struct ledger *ledger, int64_t file, int64_t *rows, struct fail *fail) MUST_CHECK;
void ledger_files_free(struct ledger_files *files);
/* Makes rows still to be sent from this file invalid (source_lost); *rows tells how many. */
int ledger_file_drop(struct ledger *ledger, int64_t file, int64_t now_ms, int64_t *rows,
                     struct fail *fail) MUST_CHECK;
/* Cards that need this file for nothing but to follow a customer call that was answered "already"
 * (CALL_FOLLOW) are ALREADY again; *rows tells how many. */
int ledger_file_unfollow(struct ledger *ledger, int64_t file, int64_t *rows, struct fail *fail) MUST_CHECK;

/* What stands where. */
enum { LEDGER_HTTP_MAX = 64, LEDGER_BUCKETS = 128 };
/* The longest time that latency bucket b holds: 2^(b/4) microseconds, four buckets to a doubling. */
int64_t ledger_bucket_us(size_t bucket);
struct ledger_totals {
    int64_t state[JOB_STATE_COUNT];
    int http_status[LEDGER_HTTP_MAX]; /* answers by status; the first http_count entries */
    int64_t http_answers[LEDGER_HTTP_MAX];
    size_t http_count;
    int64_t refused_customers;
    int64_t purged; /* of the rows counted by state: without place and story any more */
    int64_t runs, requests, tokens;
    int64_t run_ms; /* the runs' lengths together; of one that was killed, until its last answer */
    int64_t answers, latency_us;     /* sums */
    int64_t latency[LEDGER_BUCKETS]; /* answers by bucket */
};
int ledger_totals(struct ledger *ledger, struct ledger_totals *out, struct fail *fail) MUST_CHECK;

/* The runs there were. Times are 0 where there was none. */
struct ledger_last_run {
    int64_t started_ms; /* of the newest */
    bool open;          /* one has no end: it is at work, or was killed */
    int64_t ended_ms;   /* of the newest that has an end ... */
    int exit_code;      /* ... and how; -1: it was killed */
    int64_t success_ms; /* the newest end with 0 or 3: nothing was left to send */
};
int ledger_last_run(struct ledger *ledger, struct ledger_last_run *out, struct fail *fail) MUST_CHECK;

/* What became of a run. One without an end is at work where its process holds the ledger. */
enum ledger_life {
    LIFE_ENDED,
    LIFE_AT_WORK,
    LIFE_CUT_OFF, /* killed, or its machine went down */
    LIFE_UNTOLD   /* one of the two: its lock cannot be read, or does not say */
};

enum { LEDGER_HOLDER_SIZE = 128 };
/* One run. Times are 0 where there was none: of a run at work, or killed and not noticed yet, ended_ms. */
struct ledger_run {
    int64_t id, started_ms, last_ms, ended_ms;
    enum ledger_life life;
    char holder[LEDGER_HOLDER_SIZE];             /* at work: "process 4711 on host"; "": it has not said */
    int exit_code;                               /* where it ended; -1: it was killed */
    char reason[sizeof((struct fail *)0)->text]; /* why it ended so, masked; "": nothing went wrong */
    char version[32];
    int64_t requests, tokens;
    int64_t first_minute, last_minute; /* of its answers; the last before the first: there was none */
    int64_t latency[LEDGER_BUCKETS];   /* answers by bucket */
};
/* The newest runs, at most `most`, newest first. */
int ledger_runs(struct ledger *ledger, size_t most, struct ledger_run *out, size_t *count,
                struct fail *fail) MUST_CHECK;

/* What one minute of one run brought; minutes since 1970. */
struct ledger_minute {
    int64_t run, minute;
    int64_t answers, accepted, transient;
    int64_t latency_us, latency_max_us; /* sum, longest */
};
/* Minutes with answers of this run and later ones, in order: begin, then next until it returns 0. */
int ledger_minutes_begin(struct ledger *ledger, int64_t from_run, struct fail *fail) MUST_CHECK;
int ledger_minutes_next(struct ledger *ledger, struct ledger_minute *out, struct fail *fail) MUST_CHECK;

/* Between the two all reading sees the ledger at one instant, whoever works beside; nothing may be changed.
 */
int ledger_still(struct ledger *ledger, struct fail *fail) MUST_CHECK;
void ledger_still_end(struct ledger *ledger);

/* Rows accepted at or before a time and without their event. */
int ledger_overdue(struct ledger *ledger, int64_t before_ms, int64_t *out, struct fail *fail) MUST_CHECK;

/* What a run would send: rows ready now or later, and the accounts that need a token for them. Reads every
 * such row. */
int ledger_plan(struct ledger *ledger, int64_t *rows, int64_t *accounts, struct fail *fail) MUST_CHECK;

/* A row as people see it. */
struct ledger_row_state {
    int64_t id;
    struct ledger_file_place {
        int64_t file, record, line, offset; /* file 0: purged */
        size_t length;
    } place;
    int64_t card_id, customer_id, account_id; /* 0: none */
    enum job_state state;
    bool uncertain;
    int attempts, http_status, flags;
    enum job_call call;                         /* which its last request was, or its next will be, for */
    struct span code, field, message, event_id; /* borrowed until the next call */
    int64_t updated_ms, due_ms;
    int64_t event_ms; /* the time of the event that decided; 0: none, or it tells none */
};
enum ledger_rows { ROWS_CARDS, ROWS_REFUSED_CARDS, ROWS_REFUSED_CUSTOMERS };
/* Pulls rows in input order: begin, then next until it returns 0; one iteration at a time on a handle. Cards
 * cost less between ledger_still and its end, after ledger_check: it sees whether they need sorting. */
int ledger_rows_begin(struct ledger *ledger, enum ledger_rows which, struct fail *fail) MUST_CHECK;
int ledger_rows_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail) MUST_CHECK;

/* All rows of one card number (its row first, then refused duplicates): 1 / 0 / -1, pulled the same way. */
int ledger_card_begin(struct ledger *ledger, int64_t card_id, struct fail *fail) MUST_CHECK;
int ledger_card_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail) MUST_CHECK;

/* All rows of one customer in the order of sending, pulled the same way. */
int ledger_customer_begin(struct ledger *ledger, int64_t customer_id, struct fail *fail) MUST_CHECK;
int ledger_customer_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail) MUST_CHECK;

/* One step of a row's story: an attempt, or (code "retry", the message its reason) the command retry. */
struct ledger_attempt {
    int attempt, http_status;
    int64_t at_ms;
    struct span code, message;
};
int ledger_attempts_begin(struct ledger *ledger, int64_t row, struct fail *fail) MUST_CHECK;
int ledger_attempts_next(struct ledger *ledger, struct ledger_attempt *out, struct fail *fail) MUST_CHECK;

/* Cards with an event in their story that says otherwise than their state, by that state: begin, then next
 * until it returns 0. */
struct ledger_against {
    enum job_state state;
    bool well; /* the event is a success; else a failure after the success */
    int64_t cards;
    int64_t file, line; /* of the first of them */
};
int ledger_against_begin(struct ledger *ledger, struct fail *fail) MUST_CHECK;
int ledger_against_next(struct ledger *ledger, struct ledger_against *out, struct fail *fail) MUST_CHECK;

/* Code lists of the records of both kinds that are refused now, each with its count. */
struct ledger_problem {
    struct span codes;
    int64_t count;
};
int ledger_problems_begin(struct ledger *ledger, struct fail *fail) MUST_CHECK;
int ledger_problems_next(struct ledger *ledger, struct ledger_problem *out, struct fail *fail) MUST_CHECK;

#endif
