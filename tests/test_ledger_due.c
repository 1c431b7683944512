/* ledger_due: the files that rows to be sent need, also where most rows need another one, and how long it is
 * known that none needs a file. */
#include "ledger_case.h"

#include "driver/ledger_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The numbers of the files, joined by blanks. */
static const char *due(struct desk *desk)
{
    struct ledger_files files;

    buf_reset(&desk->text);
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    for (size_t i = 0; i < files.count; i++)
        buf_addf(&desk->text, i ? " %d" : "%d", (int)files.file[i].id);
    ledger_files_free(&files);
    return buf_text(&desk->text);
}

static int64_t due_rows(struct desk *desk, int64_t file)
{
    int64_t rows = -1;

    assert_int_equal(ledger_file_rows(desk->ledger, file, &rows, &desk->fail), 0);
    return rows;
}

static int64_t idle_files(void)
{
    return desk_number(
        "SELECT count(*) FROM file WHERE idle = (SELECT value FROM meta WHERE key = 'revived')");
}

static void settle_all(struct desk *desk, enum job_verdict verdict)
{
    struct ledger_claim claims[16];
    size_t count = desk_claim(desk, claims, 16, NOW_MS);

    for (size_t i = 0; i < count; i++)
        desk_settle(desk, &claims[i], verdict, verdict == VERDICT_ACCEPTED ? "accepted" : "bad_request");
}

/* More rows of one file than are looked at first. */
static void load_many(struct desk *desk)
{
    struct buf many;

    buf_init(&many, 1 << 16);
    buf_add_text(&many, CARDS);
    for (int i = 0; i < 1200; i++)
        buf_addf(&many, "%d,21,%d\n", 1000 + i, 5000 + i);
    desk_load(desk, buf_text(&many), NULL);
    buf_free(&many);
}

/* 1,200 rows of the first file stand before the one of the second. */
static void a_file_that_few_rows_need_is_found(void **state)
{
    struct desk *desk = *state;

    load_many(desk);
    desk_load(desk, CARDS "11,99,501\n", NULL);
    assert_string_equal(due(desk), "1 2");
    assert_int_equal(idle_files(), 0);
    assert_int_equal(due_rows(desk, 1), 1200);
    assert_int_equal(due_rows(desk, 2), 1);
}

static void a_customers_file_is_needed_by_its_customers_cards(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n12,21,503\n", CUSTOMERS "11,\n12,\n");
    assert_string_equal(due(desk), "1 2");
    assert_int_equal(due_rows(desk, 1), 2);
    settle_all(desk, VERDICT_ACCEPTED);
    assert_string_equal(due(desk), "1 2"); /* 503 is held */
    assert_int_equal(due_rows(desk, 1), 0);
    assert_int_equal(due_rows(desk, 2), 0);
}

/* It is looked at once, and again when rows have come to be sent. */
static void what_no_row_needs_is_known_until_rows_come(void **state)
{
    struct desk *desk = *state;
    struct ledger_retry retry = {.states = 1U << JOB_REJECTED, .now_ms = NOW_MS};
    struct ledger_retried retried;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    settle_all(desk, VERDICT_REJECTED);
    desk_load(desk, CARDS "12,21,502\n", NULL);
    assert_int_equal(idle_files(), 0);
    assert_string_equal(due(desk), "2");
    assert_int_equal(idle_files(), 1);
    assert_string_equal(due(desk), "2");
    assert_int_equal(ledger_retry(desk->ledger, &retry, &retried, &desk->fail), 0);
    assert_int_equal(retried.rows, 1);
    assert_int_equal(idle_files(), 0);
    assert_string_equal(due(desk), "1 2");
    settle_all(desk, VERDICT_ACCEPTED);
    assert_string_equal(due(desk), "");
    assert_int_equal(idle_files(), 2);
    desk_load(desk, CARDS "13,21,503\n", NULL);
    assert_int_equal(idle_files(), 0);
    assert_string_equal(due(desk), "3");
}

static void a_card_path_brings_the_file_of_its_cards_back(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    settle_all(desk, VERDICT_ALREADY);
    assert_string_equal(due(desk), "");
    assert_int_equal(idle_files(), 1);
    assert_int_equal(ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail), 0);
    assert_int_equal(idle_files(), 0);
    assert_string_equal(due(desk), "1");
}

static void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* As if a retry had come between the two looks: as many files are needed as were asked about, but others.
 * 502, held, is among the rows that are looked at; 503, behind 1,200 others, is not. */
static void as_many_files_are_not_the_same_files(void **state)
{
    struct desk *desk = *state;

    load_many(desk);
    desk_load(desk, CARDS "11,99,503\n", NULL);
    desk_load(desk, CARDS "1000,21,502\n", NULL);
    assert_string_equal(due(desk), "1 2 3");
    run_sql("UPDATE file SET idle = (SELECT value FROM meta WHERE key = 'revived') WHERE id = 3");
    assert_string_equal(due(desk), "1 2 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_file_that_few_rows_need_is_found),
        DESK_TEST(a_customers_file_is_needed_by_its_customers_cards),
        DESK_TEST(what_no_row_needs_is_known_until_rows_come),
        DESK_TEST(a_card_path_brings_the_file_of_its_cards_back),
        DESK_TEST(as_many_files_are_not_the_same_files),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
