/* ledger_case: a real ledger and real CSV files in the scratch folder, for the tests of ledger, load and
 * report.
 *
 * Files are written as cards.1.csv, customers.1.csv, cards.2.csv ... in the order of the loads and stay
 * there. A step that fails ends the test; loads that are to fail have a function of their own. */
#ifndef LEDGER_CASE_H
#define LEDGER_CASE_H

#include "flow/ingest.h"
#include "driver/ledger_read.h"

#include "scratch.h"

#include <sqlite3.h>

#define NOW_MS INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

struct desk {
    struct ledger *ledger;
    struct portfolio *portfolio;
    struct table_options tables; /* one-file rules: names, e-mails, phones and address may be missing */
    struct ledger_load_options load;
    struct ingest_result result; /* of the last load */
    struct log log;
    struct fail fail;
    struct buf text;
    int cards_files, customers_files;
};

/* cmocka's set-up and tear-down of a test: *state is the desk with an open, empty ledger. */
int desk_open(void **state);
int desk_close(void **state);
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

const char *desk_path(void);                                /* of the ledger */
void desk_reopen(struct desk *desk, enum ledger_mode mode); /* closes first what is open */

/* `customers` NULL: one file. The text behind the header; CARDS and CUSTOMERS are headers that the texts
 * begin with. */
#define CARDS "customer_id,account_id,card_id\n"
#define CUSTOMERS "customer_id,status\n"
void desk_load(struct desk *desk, const char *cards, const char *customers);
void desk_refuse(struct desk *desk, const char *cards, const char *customers); /* desk->fail says why */
/* Loads the files of the last load again. */
void desk_load_again(struct desk *desk);

/* "records new repointed known skipped invalid" of the last load. */
const char *desk_counts(struct desk *desk, bool customers);
/* A line each: "FILE/RECORD CARD STATE", then code and field where there are any. Borrowed until the next
 * call. */
const char *desk_rows(struct desk *desk, enum ledger_rows which);
#define ROWS_ARE(desk, text) assert_string_equal(desk_rows(desk, ROWS_CARDS), text)

/* Claims what is due, at most `want`, at a time; the claims are the caller's array. */
size_t desk_claim(struct desk *desk, struct ledger_claim *claims, size_t want, int64_t now_ms);
/* Settles one claimed row. */
void desk_settle(struct desk *desk, const struct ledger_claim *claim, enum job_verdict verdict,
                 const char *code);
struct ledger_outcome desk_outcome(const struct ledger_claim *claim, enum job_verdict verdict,
                                   const char *code);

/* One value of the ledger through a connection of its own. */
int64_t desk_number(const char *sql);
const char *desk_text(const char *sql); /* borrowed until the next call; NULL becomes "" */
/* In the place of the tables that src/driver/ledger_staged.c makes for the statements of a load. */
extern const char desk_staged[];
/* The totals add up, the file is sound, no customer has two leading cards, and no open row is overlooked. */
void desk_check(struct desk *desk);

#endif
