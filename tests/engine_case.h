/* engine_case: what the engine's tests share: small CSV files and a real ledger in a folder of their own, the
 * engine over the fake network, and a second connection that looks at the ledger as another process would.
 *
 * Whatever a test is about, every request is held against the invariants when it leaves: its row is SENT in
 * the committed ledger (I2), and no other request of its customer is in the air (I6); after every run the
 * totals must add up (I1). */
#ifndef TESTS_ENGINE_CASE_H
#define TESTS_ENGINE_CASE_H

#include "driver/ledger_load.h"
#include "fake.h"
#include "flow/engine.h"

#include <sqlite3.h>

/* The tests' own headers of cmocka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RUN_DONE = 1000, RUN_STOPPED, RUN_KILLED }; /* beside enum fail_kind */

struct rig {
    char *folder, *cards_path, *customers_path, *ledger_path, *token_path;
    struct buf cards, customers; /* the files' text; customers empty: one file */
    struct table_options tables;
    struct ledger_load_options load;
    struct engine_options options;
    struct mint_options minting;
    bool with_signals;
    bool hold_lost;     /* retry.on_lost_answer = hold */
    int64_t kill_at_ms; /* the process dies at this moment; 0: it does not */

    struct ledger *ledger;
    struct portfolio *portfolio;
    struct signals *signals;
    struct mint *mint;
    struct http *http;
    struct engine *engine;
    struct engine_figures figures; /* at the end of the last run */
    struct log log;
    sqlite3 *look;        /* the second connection */
    int64_t waiting_most; /* the most rows SENT beyond those flying, seen when a request left */
    int turns;            /* of the last run */
    int64_t recovered;
    struct fail fail; /* of the last run */
};

/* cmocka's set-up and tear-down: *state is the rig, with settings under which nothing is held back: no rate,
 * 8 requests in flight, 4 mints. */
int rig_open(void **state);
int rig_close(void **state);

/* A line of the cards file (one-file mode: customer_id,account_id,card_id). */
void rig_card(struct rig *rig, int64_t customer, int64_t account, int64_t card);
/* Cards first ... first + count - 1, each of a customer of its own (1000000 more), all of one account. */
void rig_cards(struct rig *rig, int64_t first, int count, int64_t account);

/* Writes the files, opens ledger and run, and loads. */
void rig_load(struct rig *rig);
/* Submits until the engine ends: RUN_DONE, RUN_STOPPED, RUN_KILLED or the kind of the failure (rig->fail). */
int rig_run(struct rig *rig);
/* The end of the process (of a killed one without the end of its run), and the start of a new one, which
 * opens the files that the ledger names: rig->recovered. */
void rig_restart(struct rig *rig, bool killed);

/* One value of the committed ledger. */
int64_t rig_number(struct rig *rig, const char *sql, ...) PRINTF_LIKE(2, 3);
/* The same as text, borrowed until the next call; NULL becomes "". */
const char *rig_text(struct rig *rig, const char *sql, ...) PRINTF_LIKE(2, 3);
/* State and attempts of a card's row. */
void rig_expect(struct rig *rig, int64_t card, const char *state, int attempts);
int rig_count(struct rig *rig, const char *state);
/* How often the log so far holds this text. */
int rig_logs(struct rig *rig, const char *text);

void rig_write(const char *path, struct span text);

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)

#endif
