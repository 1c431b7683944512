/* Rows are emptied, not deleted: what stays is what keeps a card from being enrolled twice. Runs of row
 * numbers are a transaction each, so that readers and events beside this wait little. */
#include "driver/ledger_change.h"

#include "ledger_impl.h"

enum { ROWS_AT_ONCE = 20000 };

/* Not 0: rows were emptied since the file was last written anew; a purge that was cut off leaves it so. */
static const char KEY[] = "unshrunk";

static int empty_rows(struct ledger *ledger, int64_t first, int64_t before_ms, struct ledger_purged *out,
                      struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_PURGE_CARDS, fail);
    struct ledger_purged done = *out;
    int64_t last = first + ROWS_AT_ONCE - 1;
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "iii", first, last, before_ms) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t state = sqlite3_column_int64(row, 0);
        if (ledger_state_known(state))
            done.from[state]++;
        done.rows++;
    }
    if (rc != 0 || ledger_tally(ledger, "purged", 0, done.rows - out->rows, fail) != 0 ||
        ledger_run(ledger, ST_PURGE_ATTEMPTS, fail, "ii", first, last) != 0)
        return -1;
    done.attempts += sqlite3_changes64(ledger->db);
    if (done.rows > out->rows && ledger_run(ledger, ST_META_SET, fail, "ti", KEY, INT64_C(1)) != 0)
        return -1;
    *out = done;
    return 0;
}

int ledger_purge(struct ledger *ledger, int64_t before_ms, struct ledger_purged *out, struct fail *fail)
{
    struct ledger_purged done = {.rows = 0};
    int64_t last;

    if (ledger_value(ledger, ST_CARD_LAST, &last, fail) != 0)
        return -1;
    for (int64_t first = 1; first <= last; first += ROWS_AT_ONCE) {
        if (ledger_transaction(ledger, fail) != 0)
            return -1;
        if (empty_rows(ledger, first, before_ms, &done, fail) != 0) {
            ledger_rollback(ledger);
            return -1;
        }
        if (ledger_commit(ledger, fail) != 0)
            return -1;
    }
    *out = done;
    return 0;
}

int ledger_shrink(struct ledger *ledger, struct fail *fail)
{
    int64_t unshrunk;

    if (ledger_meta_number(ledger, KEY, &unshrunk, fail) != 0)
        return -1;
    if (unshrunk == 0)
        return 0;
    if (ledger_script(ledger, "VACUUM", fail) != 0 ||
        ledger_run(ledger, ST_META_SET, fail, "ti", KEY, INT64_C(0)) != 0)
        return -1;
    return ledger_script(ledger, "PRAGMA wal_checkpoint(TRUNCATE)", fail);
}
