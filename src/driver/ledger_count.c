/* The kept totals against the rows. Rows are counted here and not in SQL: there a GROUP BY sorts all of them,
 * and a sum for each state looks at each row eleven times. */
#include "ledger_impl.h"

#include <inttypes.h>

struct counts {
    int64_t state[JOB_STATE_COUNT];
    int64_t below, above; /* rows in states that do not exist */
};

static void count(struct counts *counts, int64_t state, int64_t n)
{
    if (ledger_state_known(state))
        counts->state[state] += n;
    else if (state < 0)
        counts->below += n != 0;
    else
        counts->above += n != 0;
}

/* Purged rows, of file 0, are in nobody's way. */
static int count_rows(struct ledger *ledger, struct counts *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_CARD_STATES, fail);
    int64_t last_file = 0, last_record = 0;
    bool in_order = true;
    int rc = row ? 1 : -1;

    while (rc == 1 && (rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t file = sqlite3_column_int64(row, 1), record = sqlite3_column_int64(row, 2);
        count(out, sqlite3_column_int64(row, 0), 1);
        if (file == 0)
            continue;
        in_order = in_order && (file > last_file || (file == last_file && record > last_record));
        last_file = file;
        last_record = record;
    }
    ledger->in_order = rc == 0 && in_order;
    return rc;
}

static int count_kept(struct ledger *ledger, struct counts *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_TALLY_READ, fail);
    int rc = row ? ledger_bind(ledger, row, fail, "t", "state") : -1;

    if (rc == 0)
        rc = 1;
    while (rc == 1 && (rc = ledger_step(ledger, row, fail)) == 1)
        count(out, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));
    return rc;
}

static int no_such_state(const struct ledger *ledger, struct fail *fail)
{
    return fail_set(fail, FAIL_LEDGER, "%s: damaged: a state that does not exist; restore it from a backup",
                    ledger->path);
}

int ledger_recount(struct ledger *ledger, struct fail *fail)
{
    struct counts rows = {.below = 0};

    if (ledger_run(ledger, ST_TALLY_RESET, fail, "") != 0 || count_rows(ledger, &rows, fail) != 0)
        return -1;
    if (rows.below + rows.above > 0)
        return no_such_state(ledger, fail);
    for (int64_t state = 0; state < JOB_STATE_COUNT; state++)
        if (ledger_tally(ledger, "state", state, rows.state[state], fail) != 0)
            return -1;
    return 0;
}

static int check_states(struct ledger *ledger, struct fail *fail)
{
    struct counts rows = {.below = 0}, kept = {.below = 0};

    if (count_rows(ledger, &rows, fail) != 0 || count_kept(ledger, &kept, fail) != 0)
        return -1;
    if (rows.below + kept.below > 0)
        return no_such_state(ledger, fail);
    for (int state = 0; state < JOB_STATE_COUNT; state++)
        if (rows.state[state] != kept.state[state])
            return fail_set(fail, FAIL_INTERNAL,
                            "totals do not add up: %" PRId64 " rows are %s, %" PRId64 " are counted",
                            rows.state[state], job_state_name((enum job_state)state), kept.state[state]);
    return rows.above + kept.above > 0 ? no_such_state(ledger, fail) : 0;
}

static int check(struct ledger *ledger, struct fail *fail)
{
    sqlite3_stmt *file;
    int64_t astray;
    int rc;

    if (check_states(ledger, fail) != 0)
        return -1;
    file = ledger_statement(ledger, ST_FILE_CHECK, fail);
    rc = file ? ledger_step(ledger, file, fail) : -1;
    if (rc == 1)
        return fail_set(fail, FAIL_INTERNAL, "totals do not add up: records of %s",
                        (const char *)sqlite3_column_text(file, 1));
    if (rc < 0 || ledger_value(ledger, ST_TALLY_WAITING, &astray, fail) != 0)
        return -1;
    if (astray != 0)
        return fail_set(
            fail, FAIL_INTERNAL,
            "totals do not add up: %" PRId64 " rows too many are counted as waiting for their event", astray);
    return 0;
}

/* In one snapshot, or a run beside would come between what is compared. */
int ledger_check(struct ledger *ledger, struct fail *fail)
{
    struct fail ignored = {.kind = FAIL_NONE};
    bool within = !sqlite3_get_autocommit(ledger->db);
    int rc;

    if (!within && ledger_script(ledger, "BEGIN", fail) != 0)
        return -1;
    rc = check(ledger, fail);
    if (!within && ledger_script(ledger, "COMMIT", rc == 0 ? fail : &ignored) != 0)
        return -1;
    return rc;
}
