/* spool: a spool file goes when every row that is read from it is done, and not before. */
#include "flow/spool.h"

#include "ledger_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void change(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Its name, as that of a file in the scratch folder. */
static const char *spool_name(int file)
{
    static char name[2][64];
    const char *slash = strrchr(desk_path(), '/');
    char sql[64];

    (void)snprintf(sql, sizeof sql, "SELECT substr(sha256, 1, 16) FROM file WHERE id = %d", file);
    (void)snprintf(name[file - 1], sizeof name[0], "%s.%s.spool", slash ? slash + 1 : desk_path(),
                   desk_text(sql));
    return name[file - 1];
}

/* As if file 1 (customers) and 2 (cards) had been given packed; one card, in this state. */
static void pretend(struct desk *desk, int state)
{
    char sql[128];

    (void)desk;
    (void)snprintf(sql, sizeof sql, "UPDATE card SET state = %d; UPDATE file SET spool = 1", state);
    change(sql);
    (void)scratch_write(spool_name(1), SPAN("customers"));
    (void)scratch_write(spool_name(2), SPAN("cards"));
}

static void remove_spools(struct desk *desk)
{
    if (spools_remove(desk->ledger, desk_path(), &desk->log, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

static void load_one(struct desk *desk)
{
    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n");
    assert_string_equal(desk_text("SELECT group_concat(carries) FROM file"), "2,1");
}

static void rows_that_may_be_sent_again_keep_both_files(void **state)
{
    static const int kept[] = {2, 3, 4, 5}; /* held, ready, sent, accepted */
    struct desk *desk = *state;

    load_one(desk);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        pretend(desk, kept[i]);
        remove_spools(desk);
        assert_true(scratch_exists(spool_name(1)));
        assert_true(scratch_exists(spool_name(2)));
        assert_int_equal(desk_number("SELECT sum(spool = 1) FROM file"), 2);
    }
}

static void rows_that_are_done_let_both_go(void **state)
{
    static const int done[] = {0, 1, 6, 7, 8, 9, 10};
    struct desk *desk = *state;

    load_one(desk);
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) {
        pretend(desk, done[i]);
        remove_spools(desk);
        assert_false(scratch_exists(spool_name(1)));
        assert_false(scratch_exists(spool_name(2)));
        assert_int_equal(desk_number("SELECT sum(spool = 2) FROM file"), 2);
    }
}

/* The card carries its customer: the customers file is not read for it. */
static void a_card_with_its_own_customer_needs_no_other_file(void **state)
{
    struct desk *desk = *state;

    load_one(desk);
    pretend(desk, 3);
    change("UPDATE card SET flags = flags | 8");
    remove_spools(desk);
    assert_false(scratch_exists(spool_name(1)));
    assert_true(scratch_exists(spool_name(2)));
    assert_string_equal(desk_text("SELECT group_concat(spool) FROM (SELECT spool FROM file ORDER BY id)"),
                        "2,1");
}

/* The same bytes as cards and as customers: one spool file for both. */
static void a_spool_file_of_two_files_waits_for_both(void **state)
{
    struct desk *desk = *state;

    load_one(desk);
    change("UPDATE file SET sha256 = (SELECT sha256 FROM file WHERE id = 2)");
    pretend(desk, 3);
    change("UPDATE card SET flags = flags | 8");
    remove_spools(desk);
    assert_true(scratch_exists(spool_name(2)));
    change("UPDATE card SET state = 8");
    remove_spools(desk);
    assert_false(scratch_exists(spool_name(2)));
}

/* What is beside the ledger and stands for no file of it: a killed run's, or one given plain since. */
static void a_sweep_changes_no_file_of_the_ledger(void **state)
{
    struct desk *desk = *state;

    load_one(desk);
    pretend(desk, 8);
    change("UPDATE file SET spool = 0 WHERE id = 1");
    assert_int_equal(spools_sweep(desk->ledger, desk_path(), &desk->log, &desk->fail), 0);
    assert_false(scratch_exists(spool_name(1)));
    assert_true(scratch_exists(spool_name(2)));
    assert_string_equal(desk_text("SELECT group_concat(spool) FROM (SELECT spool FROM file ORDER BY id)"),
                        "0,1");
}

/* Its new spool files may stand for no file yet: beside a run nothing is touched. */
static void beside_a_run_nothing_happens(void **state)
{
    struct desk *desk = *state;
    struct ledger *other;

    load_one(desk);
    pretend(desk, 8);
    assert_int_equal(ledger_open(&other, desk_path(), LEDGER_WRITE, &desk->fail), 0);
    assert_int_equal(spools_remove(other, desk_path(), &desk->log, &desk->fail), 0);
    assert_true(scratch_exists(spool_name(1)));
    assert_int_equal(desk_number("SELECT sum(spool = 1) FROM file"), 2);
    ledger_close(desk->ledger);
    desk->ledger = NULL;
    assert_int_equal(spools_remove(other, desk_path(), &desk->log, &desk->fail), 0);
    assert_false(scratch_exists(spool_name(1)));
    assert_int_equal(desk_number("SELECT sum(spool = 2) FROM file"), 2);
    assert_int_equal(ledger_open(&desk->ledger, desk_path(), LEDGER_RUN, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_BUSY);
    ledger_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(rows_that_may_be_sent_again_keep_both_files),
        DESK_TEST(rows_that_are_done_let_both_go),
        DESK_TEST(a_card_with_its_own_customer_needs_no_other_file),
        DESK_TEST(a_spool_file_of_two_files_waits_for_both),
        DESK_TEST(a_sweep_changes_no_file_of_the_ledger),
        DESK_TEST(beside_a_run_nothing_happens),
    };

    return cmocka_run_group_tests_name("spool", tests, scratch_open, scratch_close);
}
