/* ledger: every statement of sql/ can be prepared, and those that run for each row, in each exchange, or
 * whenever somebody looks (status, progress, metrics) look up what they need instead of reading a table of
 * cards or customers. A statement that is new must be put into the table here. */
#include "ledger_case.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `scans`: what may be read from end to end, the names as the statement gives them, joined by blanks; all: it
 * runs once a load, a run or a command and may read what it likes; script: several statements. `uses`: stands
 * in the plan. */
struct plan {
    const char *name, *scans, *uses;
};
static const char ALL[] = "all", SCRIPT[] = "script";

static const struct plan plans[] = {
    /* each row and each exchange */
    {"claim", "", "INDEX card_live (state=? AND due_ms>? AND due_ms<?)"},
    {"claim_fresh", "", "INTEGER PRIMARY KEY (rowid>?)"},
    {"claim_reach", "", ""},
    {"claim_settled", "", "card USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    {"claim_store", "", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    {"claim_reset", "", ""},
    {"claim_mark", "", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    {"settle", "", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    {"settle_back", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"settle_follow", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"settle_invalid", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"attempt_add", "", ""},
    {"card_lead_one", "", "INDEX card_customer (customer_id=?)"},
    {"next_due", "(subquery", "COVERING INDEX card_live (state=?)"},
    {"tally_add", "", ""},
    {"latency_add", "", ""},
    {"pulse_add", "", ""},
    {"run_count", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"stage_add_card", "", ""},
    {"stage_add_batch", "staged_batch", ""},
    {"stage_add_customer", "", ""},
    {"load_card_duplicate", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"load_customer_duplicate", "", ""},
    {"load_customer_from", "", "INTEGER PRIMARY KEY (rowid>?)"},
    {"load_customer_is_refused", "CONSTANT", "INDEX refused_customer_id (customer_id=?)"},
    {"load_card_mark", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"load_several_add", "", ""},
    {"load_customer_problems", "", "refused_customer USING PRIMARY KEY (file=?)"},
    {"retry_keep", "", "c USING INTEGER PRIMARY KEY (rowid=?)"},
    {"retry_mark", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"retry_row", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"retry_scan", "", "INTEGER PRIMARY KEY (rowid>?)"}, /* a page at a time */
    {"purge_cards", "state", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    /* each event */
    {"event_row", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"event_card", "", "INDEX card_number (card_id=?)"},
    {"event_settle", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"event_hold", "", "INDEX card_customer (customer_id=?)"},
    {"event_note", "", "a USING INDEX attempt_event (card=? AND at_ms=? AND message=?)"},
    {"event_wait_add", "", ""},
    {"event_wait_next", "", "PRIMARY KEY (card>?)"},
    {"event_wait_of", "", "PRIMARY KEY (card=?)"},
    {"event_wait_drop", "", "PRIMARY KEY (card=? AND at_ms=? AND event_id=? AND well=? AND weak=?)"},
    {"tally_leave", "", "PRIMARY KEY (kind=? AND key=?)"},
    {"tally_drop", "", "PRIMARY KEY (kind=? AND key=?)"},
    /* whenever somebody looks */
    {"tally_read", "", "PRIMARY KEY (kind=?)"},
    {"problem_list", "refused_customer (subquery", "COVERING INDEX card_refused (state=?)"},
    {"file_list", "refused_customer (subquery file", "COVERING INDEX card_refused (state=?)"},
    {"file_problems", "file_problem", ""},
    {"refused_count", "refused_customer", "COVERING INDEX"},
    {"pulse_totals", "pulse", ""},
    {"run_totals", "run", ""},
    {"run_last", "run", ""},
    {"run_list", "r", "pulse USING PRIMARY KEY (run=?)"},
    {"pulse_list", "", "PRIMARY KEY (run>?)"},
    {"latency_read", "latency", ""},
    {"latency_run", "", "PRIMARY KEY (run=?)"},
    {"overdue", "", "PRIMARY KEY (kind=? AND key<?)"},
    {"meta_get", "", "(key=?)"},
    /* one card's story */
    {"card_find", "", "INDEX card_number (card_id=?)"},
    {"card_read", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"card_last", "", ""},
    {"card_count", "CONSTANT card", ""},
    {"customer_cards", "", "INDEX card_customer (customer_id=?)"},
    {"attempt_list", "", "INDEX attempt_card (card=?)"},
    {"retry_card", "", "INDEX card_number (card_id=?)"},
    /* small tables, or once a load, run or report */
    {"run_begin", "", ""},
    {"run_end", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"run_unclean", "run", ""},
    {"run_close_unclean", "run", ""},
    {"recover", "", "INDEX card_live (state=?)"},
    {"recover_hold", "", "INDEX card_live (state=?)"},
    {"sent_lost", "", "INDEX card_live (state=?)"},
    {"plan", "card_open", "INDEX card_live (state=?)"},
    {"meta_set", "", ""},
    {"state_add", "", ""},
    {"file_find", "file", ""},
    {"file_next", ALL, ""},
    {"file_seen", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"file_forget", "", ""},
    {"file_found", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"lost_any", "file CONSTANT", "COVERING INDEX card_refused (state=?)"},
    {"file_counts", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"file_problem_add", "", ""},
    {"file_check", "file", ""},
    {"file_due", ALL, "INDEX card_live (state=?)"},
    {"file_due_some", ALL, "INDEX card_live (state=?)"},
    {"file_due_rows", "card_open c", "INDEX card_live (state=?)"},
    {"file_wanted", "file", ""},
    {"file_idle", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"revive", "", ""},
    {"revived", "", "(key=?)"},
    {"file_lost", ALL, "INDEX card_live (state=?)"},
    {"file_unfollow", ALL, "INDEX card_live (state=?)"},
    {"file_settled", ALL, ""},
    {"tally_reset", "", ""},
    {"card_states", "card", ""},
    {"tally_waiting", "", "PRIMARY KEY (kind=?)"},
    {"event_against", ALL, ""},
    {"card_all", ALL, ""},
    {"card_in_order", ALL, ""},
    {"card_refused", "", "INDEX card_refused (state=?)"},
    {"card_lead", ALL, "SEARCH c USING INDEX card_customer (customer_id=?)"},
    {"card_path_on", ALL, ""},
    {"card_path_off", "card_open", "INDEX card_live (state=?)"},
    {"customer_refused", ALL, ""},
    {"purge_attempts", ALL, ""},
    {"load_card_accounts", ALL, ""},
    {"load_card_customers", "stage_card", ""},
    {"load_card_corrected", ALL, ""},
    {"load_card_existing", ALL, ""},
    {"load_card_file", ALL, ""},
    {"load_card_forget_duplicates", ALL, ""},
    {"load_card_insert", ALL, ""},
    {"load_card_insert_in_order", "s", ""},
    {"load_card_lost", ALL, "INDEX card_refused (state=? AND file=? AND code>? AND code<?)"},
    {"load_card_marked", ALL, ""},
    {"load_card_problems", ALL, ""},
    {"load_card_repoint", ALL, ""},
    {"load_card_restage", ALL, "SEARCH card USING INDEX card_live (state=?)"},
    {"load_card_two_accounts", ALL, "INDEX card_customer (customer_id=?)"},
    {"load_customer_corrected", ALL, ""},
    {"load_customer_file", ALL, ""},
    {"load_customer_back", ALL, ""},
    {"load_customer_refuse", ALL, ""},
    {"load_customer_store", ALL, ""},
    {"load_customer_supersede", ALL, ""},
    {"load_customer_withdraw", ALL, ""},
    {"load_named_alone", ALL, ""},
    {"load_without_card", "", "INTEGER PRIMARY KEY (rowid=?)"},
    {"schema", SCRIPT, ""},
    {"schema_claims", SCRIPT, ""},
    {"schema_indexes", SCRIPT, ""},
    {"schema_refused", SCRIPT, ""},
    {"drop_indexes", SCRIPT, ""},
    {"drop_live", SCRIPT, ""},
    {"drop_indexes_rare", SCRIPT, ""},
    {"drop_indexes_unsent", SCRIPT, ""},
    {"stage", SCRIPT, ""},
};

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        if (strcmp(plans[i].name, name) == 0)
            return &plans[i];
    fail_msg("sql/%s.sql: say in tests/test_ledger_plans.c what it may read", name);
    return NULL;
}

static void read_file(const char *name, struct buf *out)
{
    char block[4096];
    struct buf path;
    FILE *file;
    size_t got;

    buf_init(&path, 4096);
    buf_init(out, 1 << 16);
    buf_addf(&path, "sql/%s.sql", name);
    file = fopen(buf_text(&path), "r");
    assert_non_null(file);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        buf_add(out, block, got);
    assert_int_equal(fclose(file), 0);
    buf_free(&path);
}

static void run_script(sqlite3 *db, const char *name)
{
    struct buf text;

    read_file(name, &text);
    if (sqlite3_exec(db, buf_text(&text), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("sql/%s.sql: %s", name, sqlite3_errmsg(db));
    buf_free(&text);
}

/* Whether a line of a plan reads something from end to end that is not among `scans`. "SCAN 2 CONSTANT ROWS"
 * is none, and `claimed` is one row. */
static bool reads_all(const char *line, const char *scans)
{
    struct span rest = span_of(scans), word;
    const char *what = line + 5;

    if (strncmp(line, "SCAN ", 5) != 0 || strstr(line, "CONSTANT ROW") || strcmp(what, "claimed") == 0)
        return false;
    while (span_cut(&rest, ' ', &word))
        if (word.len > 0 && strncmp(what, word.ptr, word.len) == 0)
            return false;
    return true;
}

static void look_at_plan(sqlite3 *db, const struct plan *plan)
{
    sqlite3_stmt *statement;
    struct buf sql, text, lines;

    read_file(plan->name, &sql);
    buf_init(&text, 1 << 16);
    buf_init(&lines, 1 << 16);
    buf_addf(&text, "EXPLAIN QUERY PLAN %s", buf_text(&sql));
    if (sqlite3_prepare_v2(db, buf_text(&text), -1, &statement, NULL) != SQLITE_OK)
        fail_msg("sql/%s.sql: %s", plan->name, sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(statement, 3);
        buf_addf(&lines, "%s\n", line);
        if (plan->scans != ALL && reads_all(line, plan->scans))
            fail_msg("sql/%s.sql reads all: %s", plan->name, line);
    }
    if (!strstr(buf_text(&lines), plan->uses))
        fail_msg("sql/%s.sql: '%s' is not in its plan:\n%s", plan->name, plan->uses, buf_text(&lines));
    if (strncmp(plan->name, "claim", 5) == 0 && strstr(buf_text(&lines), "TEMP B-TREE"))
        fail_msg("sql/%s.sql sorts:\n%s", plan->name, buf_text(&lines));
    if (strstr(buf_text(&lines), "MATERIALIZE card_open")) /* all rows still to be sent, on disk */
        fail_msg("sql/%s.sql copies:\n%s", plan->name, buf_text(&lines));
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    buf_free(&sql);
    buf_free(&text);
    buf_free(&lines);
}

static sqlite3 *open_staged(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(scratch_path("plans.db"), &db), SQLITE_OK);
    run_script(db, "schema");
    run_script(db, "schema_claims");
    run_script(db, "drop_indexes");
    run_script(db, "schema_indexes");
    run_script(db, "schema_refused");
    run_script(db, "stage");
    assert_int_equal(sqlite3_exec(db, desk_staged, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void every_statement_is_prepared_and_reads_what_it_may(void **state)
{
    DIR *folder = opendir("sql");
    struct dirent *entry;
    sqlite3 *db;
    size_t seen = 0;

    (void)state;
    scratch_clear();
    db = open_staged();
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char *end = strstr(entry->d_name, ".sql");
        const struct plan *plan;
        if (!end)
            continue;
        *end = '\0';
        plan = find_plan(entry->d_name);
        if (plan->scans != SCRIPT)
            look_at_plan(db, plan);
        seen++;
    }
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(seen, sizeof plans / sizeof plans[0]); /* none is in the table that is no more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_is_prepared_and_reads_what_it_may),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
