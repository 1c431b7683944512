/* What the parts of the ledger share: the handle, its prepared statements, binding, stepping,
 * transactions. */
#ifndef DRIVER_LEDGER_IMPL_H
#define DRIVER_LEDGER_IMPL_H

#include "driver/ledger_read.h"

#include <sqlite3.h>
#include <sys/types.h>

/* Prepared when first used, by the name of the file in sql/. */
#define STATEMENT_TABLE(X)         \
    X(META_SET)                    \
    X(META_GET)                    \
    X(STATE_ADD)                   \
    X(TALLY_RESET)                 \
    X(TALLY_ADD)                   \
    X(TALLY_READ)                  \
    X(CARD_STATES)                 \
    X(FILE_CHECK)                  \
    X(FILE_FIND)                   \
    X(FILE_NEXT)                   \
    X(FILE_SEEN)                   \
    X(FILE_SETTLED)                \
    X(FILE_LIST)                   \
    X(FILE_PROBLEMS)               \
    X(FILE_PROBLEM_ADD)            \
    X(FILE_DUE)                    \
    X(FILE_DUE_SOME)               \
    X(FILE_DUE_ROWS)               \
    X(FILE_WANTED)                 \
    X(FILE_IDLE)                   \
    X(REVIVE)                      \
    X(REVIVED)                     \
    X(FILE_LOST)                   \
    X(FILE_FORGET)                 \
    X(FILE_FOUND)                  \
    X(LOST_ANY)                    \
    X(FILE_UNFOLLOW)               \
    X(RUN_BEGIN)                   \
    X(RUN_END)                     \
    X(RUN_UNCLEAN)                 \
    X(RUN_CLOSE_UNCLEAN)           \
    X(RUN_COUNT)                   \
    X(RUN_TOTALS)                  \
    X(RUN_LAST)                    \
    X(RECOVER)                     \
    X(RECOVER_HOLD)                \
    X(SENT_LOST)                   \
    X(CLAIM)                       \
    X(CLAIM_FRESH)                 \
    X(CLAIM_REACH)                 \
    X(CLAIM_SETTLED)               \
    X(CLAIM_STORE)                 \
    X(CLAIM_RESET)                 \
    X(CLAIM_MARK)                  \
    X(SETTLE)                      \
    X(SETTLE_BACK)                 \
    X(SETTLE_FOLLOW)               \
    X(SETTLE_INVALID)              \
    X(ATTEMPT_ADD)                 \
    X(NEXT_DUE)                    \
    X(CARD_LEAD)                   \
    X(CARD_LEAD_ONE)               \
    X(CARD_PATH_ON)                \
    X(CARD_PATH_OFF)               \
    X(RETRY_SCAN)                  \
    X(RETRY_CARD)                  \
    X(RETRY_KEEP)                  \
    X(RETRY_ROW)                   \
    X(RETRY_MARK)                  \
    X(PURGE_CARDS)                 \
    X(PURGE_ATTEMPTS)              \
    X(CARD_LAST)                   \
    X(CUSTOMER_CARDS)              \
    X(PULSE_ADD)                   \
    X(LATENCY_ADD)                 \
    X(LATENCY_READ)                \
    X(PULSE_TOTALS)                \
    X(PULSE_LIST)                  \
    X(LATENCY_RUN)                 \
    X(RUN_LIST)                    \
    X(STAGE_ADD_CUSTOMER)          \
    X(STAGE_ADD_CARD)              \
    X(STAGE_ADD_BATCH)             \
    X(LOAD_CUSTOMER_DUPLICATE)     \
    X(LOAD_CUSTOMER_FILE)          \
    X(LOAD_CUSTOMER_SUPERSEDE)     \
    X(LOAD_CUSTOMER_WITHDRAW)      \
    X(LOAD_CUSTOMER_STORE)         \
    X(LOAD_CUSTOMER_REFUSE)        \
    X(LOAD_CUSTOMER_PROBLEMS)      \
    X(LOAD_CARD_RESTAGE)           \
    X(LOAD_CARD_CORRECTED)         \
    X(LOAD_CUSTOMER_CORRECTED)     \
    X(LOAD_CARD_LOST)              \
    X(LOAD_CUSTOMER_BACK)          \
    X(LOAD_CARD_DUPLICATE)         \
    X(LOAD_CARD_EXISTING)          \
    X(LOAD_CARD_MARKED)            \
    X(LOAD_CARD_CUSTOMERS)         \
    X(LOAD_CUSTOMER_FROM)          \
    X(LOAD_CUSTOMER_IS_REFUSED)    \
    X(LOAD_CARD_MARK)              \
    X(LOAD_SEVERAL_ADD)            \
    X(LOAD_CARD_ACCOUNTS)          \
    X(LOAD_CARD_TWO_ACCOUNTS)      \
    X(LOAD_CARD_FILE)              \
    X(LOAD_CARD_PROBLEMS)          \
    X(LOAD_NAMED_ALONE)            \
    X(LOAD_WITHOUT_CARD)           \
    X(LOAD_CARD_FORGET_DUPLICATES) \
    X(LOAD_CARD_INSERT)            \
    X(LOAD_CARD_INSERT_IN_ORDER)   \
    X(LOAD_CARD_REPOINT)           \
    X(FILE_COUNTS)                 \
    X(CARD_COUNT)                  \
    X(CARD_FIND)                   \
    X(CARD_READ)                   \
    X(CARD_ALL)                    \
    X(CARD_IN_ORDER)               \
    X(CARD_REFUSED)                \
    X(CUSTOMER_REFUSED)            \
    X(ATTEMPT_LIST)                \
    X(PROBLEM_LIST)                \
    X(PLAN)                        \
    X(OVERDUE)                     \
    X(REFUSED_COUNT)               \
    X(EVENT_ROW)                   \
    X(EVENT_CARD)                  \
    X(EVENT_SETTLE)                \
    X(EVENT_NOTE)                  \
    X(EVENT_HOLD)                  \
    X(EVENT_AGAINST)               \
    X(EVENT_WAIT_ADD)              \
    X(EVENT_WAIT_OF)               \
    X(EVENT_WAIT_NEXT)             \
    X(EVENT_WAIT_DROP)             \
    X(TALLY_DROP)                  \
    X(TALLY_LEAVE)                 \
    X(TALLY_WAITING)

enum statement {
#define X(name) ST_##name,
    STATEMENT_TABLE(X)
#undef X
        ST_COUNT
};

/* Of card.due_ms, what is no time. */
enum {
    DUE_NEVER = -1,  /* held until told */
    DUE_AT_ONCE = 1, /* but not as a row never tried, which has 0 */
};

struct sort;
struct ledger_files;

struct ledger {
    sqlite3 *db;
    enum ledger_mode mode;
    sqlite3_stmt *prepared[ST_COUNT];
    char *path; /* NULL: scratch without origin */
    int lock_fd;
    dev_t device; /* of the locked ledger's file */
    ino_t inode;
    struct uuid_seed seed;
    int64_t run;          /* 0: none begun */
    int64_t still_run;    /* the run that held the lock when ledger_still began; 0: none, or it is over */
    bool card_path;       /* the card call can be made: as of the run of this handle */
    bool hold_lost;       /* rows whose answers are lost are held, not sent again */
    bool staged;          /* the stage tables exist */
    bool by_account;      /* the cards were staged in the order of their accounts ... */
    int64_t last_account; /* ... up to this one, 0: none */
    int64_t staged_records, staged_skips; /* of customers, and of these to be skipped */
    struct sort *staged_cards;            /* number and record of each */
    struct sort *staged_customers;        /* ledger_staged.h */
    struct staged_batch *batch;
    struct fail staged_fail; /* what went wrong under SQLite, when it did */
    bool in_order;           /* the cards stand in input order: seen by ledger_check, until the next look */
    enum statement iterated; /* what ledger_rows_next pulls */
};

/* Fills `fail` with SQLite's words and returns -1. */
int ledger_trouble(struct ledger *ledger, const char *doing, struct fail *fail);

/* The statement, reset and unbound, or NULL. */
sqlite3_stmt *ledger_statement(struct ledger *ledger, enum statement which, struct fail *fail);

/* Binds the parameters in the order in which they first appear in the statement. `types`: i int64_t, d int,
 * t const char * (NULL becomes NULL), z int64_t where 0 becomes NULL. */
int ledger_bind(struct ledger *ledger, sqlite3_stmt *statement, struct fail *fail, const char *types,
                ...) MUST_CHECK;

/* 1 a row, 0 done (and reset), -1. */
int ledger_step(struct ledger *ledger, sqlite3_stmt *statement, struct fail *fail) MUST_CHECK;
/* Binds, runs to the end, resets: for statements without rows. */
int ledger_run(struct ledger *ledger, enum statement which, struct fail *fail, const char *types,
               ...) MUST_CHECK;
/* Runs a statement that yields one integer. */
int ledger_value(struct ledger *ledger, enum statement which, int64_t *out, struct fail *fail) MUST_CHECK;
/* The same with one parameter; 0 where there is no row. */
int ledger_value_of(struct ledger *ledger, enum statement which, int64_t key, int64_t *out,
                    struct fail *fail) MUST_CHECK;
/* A number of the table meta; 0: it was never set. */
int ledger_meta_number(struct ledger *ledger, const char *key, int64_t *out, struct fail *fail) MUST_CHECK;
/* Several statements without parameters, such as the schema. */
int ledger_script(struct ledger *ledger, const char *sql, struct fail *fail) MUST_CHECK;

/* Closes the connection and opens another, under the lock that is held all the while: what SQLite keeps for
 * the life of a connection goes with it, temporary tables too. Not for a scratch ledger, nor inside a
 * transaction. When it fails the handle can only be closed. */
int ledger_renew(struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* Takes the lock of a run; from then on the path is the real one. */
int ledger_lock(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Notes in the lock, where this handle holds it, that it is this run's. */
int ledger_lock_run(const struct ledger *ledger, int64_t run, struct fail *fail) MUST_CHECK;
/* The run that holds the lock; 0: none does, -1: that cannot be told. `who`: the holder's words, or "". */
int64_t ledger_lock_look(const struct ledger *ledger, char who[LEDGER_HOLDER_SIZE]);
/* FAIL_LEDGER when the ledger or its lock is no longer the file that was locked. */
int ledger_lock_check(const struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* Whether a number read from the file is a state: a damaged page may hold anything. */
bool ledger_state_known(int64_t state);
bool ledger_time_known(int64_t ms); /* of the years 1970 to 9999 */

/* Adds to a total inside the caller's transaction. */
int ledger_tally(struct ledger *ledger, const char *kind, int64_t key, int64_t n,
                 struct fail *fail) MUST_CHECK;

/* ledger_schema.c */
enum schema_age { SCHEMA_NONE, SCHEMA_OLD, SCHEMA_NOW };
/* Checks that the file is a ledger, or still empty: nothing was changed yet, it may be somebody else's
 * database. FAIL_LEDGER for another version, but for the one before where the caller may bring it up to date
 * (SCHEMA_OLD). */
int ledger_schema_look(struct ledger *ledger, bool may_change, enum schema_age *out,
                       struct fail *fail) MUST_CHECK;
int ledger_schema_make(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* One transaction; under the lock of a run, or in a private copy. */
int ledger_schema_upgrade(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Reads the ledger's seed. */
int ledger_schema_seed(struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* ledger_count.c */
/* Counts the rows by state anew, in the caller's transaction. */
int ledger_recount(struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* ledger_runs.c */
/* Appended; nothing: it was never set. */
int ledger_meta_text(struct ledger *ledger, const char *key, struct buf *out, struct fail *fail) MUST_CHECK;

/* ledger_read.c */
struct ledger_file;
/* What a file was read with, from two columns of a row. */
void ledger_read_form(sqlite3_stmt *row, int at, struct ledger_file *out);
int ledger_list_files(struct ledger *ledger, enum statement which, struct ledger_files *out,
                      struct fail *fail) MUST_CHECK;

/* ledger_due.c */
/* Rows have come to be sent, in the caller's transaction: files that none needed may be needed again. */
int ledger_revive(struct ledger *ledger, struct fail *fail) MUST_CHECK;

/* ledger_customer.c */
/* Lets the held cards go that may (card_lead.sql), of all customers; the totals are the caller's. */
int ledger_lead(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Of one customer; *moved counts the cards that became READY, the totals are the caller's. */
int ledger_lead_one(struct ledger *ledger, int64_t customer_id, bool card_path, int64_t now_ms,
                    int64_t *moved, struct fail *fail) MUST_CHECK;
/* An event settled a card of this customer; called in the same transaction, after the card's own row was
 * changed. Lets the customer's next held card go where it may and keeps its part of the totals. */
int ledger_customer_settled(struct ledger *ledger, int64_t customer_id, bool card_path, int64_t now_ms,
                            struct fail *fail) MUST_CHECK;

/* ledger_event_wait.c, and the last ledger_event.c; each inside the caller's transaction */
/* Whether events wait for answers. */
int ledger_events_wait(struct ledger *ledger, bool *out, struct fail *fail) MUST_CHECK;
/* An answer of this row is on record now; *moved: an event that waited for it has settled the row. Keeps its
 * part of the totals. */
int ledger_event_answered(struct ledger *ledger, int64_t row, int64_t now_ms, bool *moved,
                          struct fail *fail) MUST_CHECK;
/* The same of all rows. */
int ledger_events_recovered(struct ledger *ledger, int64_t now_ms, struct fail *fail) MUST_CHECK;
/* Adds to the number of rows that await their event since then; every row that becomes or was ACCEPTED counts
 * under its updated_ms. */
int ledger_waiting(struct ledger *ledger, int64_t since_ms, int64_t n, struct fail *fail) MUST_CHECK;

/* Ends what is being read: no row at hand outlives it. */
int ledger_transaction(struct ledger *ledger, struct fail *fail) MUST_CHECK;
int ledger_commit(struct ledger *ledger, struct fail *fail) MUST_CHECK;
void ledger_rollback(struct ledger *ledger);

#endif
