/* ledger_load: the control totals of a load, which the ledger remembers, and the limit of refused records. */
#include "ledger_case.h"

#include "driver/ledger_read.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* "CODE=RECORDS@LINE ..." of the n-th file, 0 the first. */
static const char *codes_of(struct desk *desk, size_t n)
{
    struct ledger_files files;

    assert_int_equal(ledger_files_all(desk->ledger, &files, &desk->fail), 0);
    assert_in_range(n, 0, files.count - 1);
    buf_reset(&desk->text);
    for (int code = 0; code < PROBLEM_COUNT; code++)
        if (files.problems[n].records[code] > 0)
            buf_addf(&desk->text, "%s%s=%" PRId64 "@%" PRId64, desk->text.len > 0 ? " " : "",
                     problem_name((enum problem_code)code), files.problems[n].records[code],
                     files.problems[n].line[code]);
    ledger_files_free(&files);
    return buf_text(&desk->text);
}

static int64_t without_card(struct desk *desk, size_t n)
{
    struct ledger_files files;
    int64_t count;

    assert_int_equal(ledger_files_all(desk->ledger, &files, &desk->fail), 0);
    assert_in_range(n, 0, files.count - 1);
    count = files.file[n].without_card;
    ledger_files_free(&files);
    return count;
}

/* ---- codes ---- */

static void a_record_counts_once_under_each_of_its_codes(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\nx,22,502\n\n12,x,503\nx,y,504\n13,21,501\n14,x,501\n", NULL);
    assert_string_equal(desk_counts(desk, false), "6 1 0 0 0 5");
    assert_string_equal(codes_of(desk, 0), "bad_integer=4@3 duplicate_card=2@7");
    desk_check(desk);
}

static void codes_of_the_join_count_as_well(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,x,502\n13,21,503\n13,x,504\n14,21,505\n",
              "customer_id,country_code,status\n11,,\n12,XX,\n14,,CLOSED\n12,,\nx,YY,\n15,ZZ,\n");
    assert_string_equal(desk_counts(desk, true), "6 1 0 0 1 4");
    assert_string_equal(codes_of(desk, 0), "bad_integer=1@6 bad_country=3@3 duplicate_customer=1@5");
    assert_string_equal(desk_counts(desk, false), "5 1 0 0 1 3");
    assert_string_equal(codes_of(desk, 1), "bad_integer=2@3 no_customer=2@4 customer_invalid=1@3");
    desk_check(desk);
}

static void skipped_and_known_records_have_no_problems(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_settle(desk, &claims[1], VERDICT_TRANSIENT, "http_503");
    desk_load(desk,
              "customer_id,account_id,card_id,status\n11,x,501,\n12,21,502,\n13,x,503,CLOSED\n14,21,504,\n",
              NULL);
    assert_string_equal(desk_counts(desk, false), "4 1 1 1 1 0");
    assert_string_equal(codes_of(desk, 2), "");
    desk_check(desk);
}

/* A corrected file changes what is refused, not what the first load was. */
static void totals_stay_those_of_the_load(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n12,21,502\n", CUSTOMERS "11,\n12,\n13,\n");
    assert_string_equal(codes_of(desk, 1), "bad_integer=1@2");
    desk_load(desk, CARDS "11,21,501\n13,21,503\n", CUSTOMERS "11,\n12,\n13,\n14,\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CARDS), "");
    desk_reopen(desk, LEDGER_READ);
    assert_string_equal(codes_of(desk, 1), "bad_integer=1@2");
    assert_int_equal(without_card(desk, 0), 1);
    assert_string_equal(codes_of(desk, 3), "");
    assert_int_equal(without_card(desk, 2), 2);
    desk_check(desk);
}

/* ---- customers without a card ---- */

static void customers_that_no_card_record_names_are_counted(void **state)
{
    struct desk *desk = *state;

    /* 12 is named by a refused card, 13 by a skipped one; 15 is skipped, 16 refused, 17 comes twice. */
    desk_load(desk,
              "customer_id,account_id,card_id,status\n11,21,501,\n11,21,502,\n12,x,503,\n13,21,504,CLOSED\n"
              "19,21,505,\n",
              "customer_id,country_code,status\n11,,\n12,,\n13,,\n14,,\n15,,CLOSED\n16,XX,\n17,,\n17,,\n");
    assert_string_equal(desk_counts(desk, true), "8 5 0 0 1 2");
    assert_int_equal(without_card(desk, 0), 2); /* 14 and 17 */
    assert_int_equal(without_card(desk, 1), 0);
    desk_check(desk);
}

/* Not of the cards file: cards that an earlier one brought do not count. */
static void of_a_load_only_its_own_cards_file_counts(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n12,\n");
    desk_load(desk, CARDS "12,21,502\n", CUSTOMERS "11,\n12,\n13,\n");
    assert_string_equal(desk_counts(desk, true), "3 1 2 0 0 0");
    assert_int_equal(without_card(desk, 0), 1);
    assert_int_equal(without_card(desk, 2), 2);
    desk_load(desk, CARDS "11,21,503\n", CUSTOMERS "20,\n"); /* 11 is of an earlier file */
    assert_int_equal(without_card(desk, 4), 1);
    desk_check(desk);
}

static void a_customers_file_alone_is_held_against_the_ledger(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,x,502\n", CUSTOMERS "11,\n12,\n");
    desk_load(desk, CARDS "13,21,503\n", CUSTOMERS "13,\n");
    desk->customers_files++;
    (void)scratch_write("customers.3.csv", SPAN(CUSTOMERS "11,\n12,\n13,\n14,\n15,\n16,CLOSED\n"));
    desk_load_again(desk);
    assert_true(desk->result.cards_known);
    assert_string_equal(desk_counts(desk, true), "6 2 3 0 1 0");
    assert_int_equal(without_card(desk, 4), 2);
    desk_check(desk);
}

/* ---- totals that do not add up ---- */

/* Two cards of three are invalid; then the ledger is changed by hand. */
static void check_fails(struct desk *desk, const char *sql, enum fail_kind kind, const char *words)
{
    sqlite3 *db;

    desk_load(desk, CARDS "11,x,501\n12,y,502\n13,21,503\n", CUSTOMERS "11,\n12,\n13,\n14,\n");
    desk_check(desk);
    assert_int_equal(sqlite3_open_v2(desk_path(), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, kind);
    if (!strstr(desk->fail.text, words))
        fail_msg("%s", desk->fail.text);
}

static void expect_mismatch(struct desk *desk, const char *sql)
{
    check_fails(desk, sql, FAIL_INTERNAL, "totals do not add up: records of ");
}

static void a_row_that_is_not_counted_is_noticed(void **state)
{
    check_fails(*state, "UPDATE card SET state = 3 WHERE card_id = 502", FAIL_INTERNAL,
                "totals do not add up: 1 rows are invalid, 2 are counted");
}

static void a_count_without_rows_is_noticed(void **state)
{
    check_fails(*state, "INSERT INTO tally VALUES ('state', 9, 0), ('state', 10, 2)", FAIL_INTERNAL,
                "totals do not add up: 0 rows are exhausted, 2 are counted");
}

static void a_state_that_does_not_exist_is_damage(void **state)
{
    check_fails(*state,
                "PRAGMA ignore_check_constraints = 1; UPDATE card SET state = 11 WHERE card_id = 502; "
                "UPDATE tally SET n = 1 WHERE kind = 'state' AND key = 0",
                FAIL_LEDGER, "damaged: a state that does not exist");
}

static void a_count_of_a_state_that_does_not_exist_is_damage(void **state)
{
    check_fails(*state, "INSERT INTO tally VALUES ('state', -1, 1)", FAIL_LEDGER,
                "damaged: a state that does not exist");
}

static void records_that_do_not_add_up_are_noticed(void **state)
{
    expect_mismatch(*state, "UPDATE file SET added = added + 1 WHERE carries = 1");
}

static void an_invalid_record_without_a_code_is_noticed(void **state)
{
    expect_mismatch(*state, "UPDATE file_problem SET n = 1 WHERE code = 'bad_integer'");
}

static void a_code_of_more_records_than_are_invalid_is_noticed(void **state)
{
    expect_mismatch(*state, "UPDATE file_problem SET n = 3 WHERE code = 'bad_integer'");
}

static void more_customers_without_a_card_than_valid_ones_are_noticed(void **state)
{
    expect_mismatch(*state, "UPDATE file SET without_card = 5 WHERE carries = 2");
}

/* ---- the limit ---- */

#define STATUS "customer_id,account_id,card_id,status\n"
#define LAND "customer_id,country_code,status\n"

/* Of ten records two are refused, one of them a duplicate; the invalid one to be skipped does not count, yet
 * is a record. */
#define TWO_OF_TEN_CARDS                                                                                 \
    STATUS                                                                                               \
    "1,21,501,\n2,21,502,\n3,21,503,\n4,21,504,\n5,21,505,\n6,21,506,\n7,21,507,\n8,x,508,\n9,21,501,\n" \
    "x,x,x,CLOSED\n"
#define TWO_OF_TEN_CUSTOMERS LAND "1,,\n2,,\n3,,\n4,,\n5,,\n6,,\n7,,\n8,XX,\n1,,\n9,XX,CLOSED\n"
#define TEN_CARDS                                                                                      \
    CARDS "1,21,601\n2,21,602\n3,21,603\n4,21,604\n5,21,605\n6,21,606\n7,21,607\n1,21,608\n2,21,609\n" \
          "3,21,610\n"
#define TEN_CUSTOMERS CUSTOMERS "1,\n2,\n3,\n4,\n5,\n6,\n7,\n8,\n9,\nx,CLOSED\n"

static void refuse_and_leave_nothing(struct desk *desk, const char *cards, const char *customers,
                                     const char *words)
{
    desk_refuse(desk, cards, customers);
    assert_int_equal(desk->fail.kind, FAIL_INPUT);
    if (!strstr(desk->fail.text, words))
        fail_msg("%s", desk->fail.text);
    assert_int_equal(desk_number("SELECT count(*) FROM file"), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM file_problem"), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM customer"), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer"), 0);
}

static void a_count_may_be_reached_not_passed(void **state)
{
    struct desk *desk = *state;

    desk->load.bad_most = 1;
    refuse_and_leave_nothing(desk, TWO_OF_TEN_CARDS, TEN_CUSTOMERS,
                             "/cards.1.csv: 2 of 10 records are refused, more than input.max_bad allows");
    refuse_and_leave_nothing(desk, TEN_CARDS, TWO_OF_TEN_CUSTOMERS,
                             "/customers.2.csv: 2 of 10 records are refused, more than input.max_bad allows");
    desk->load.bad_most = 2;
    desk_load(desk, TWO_OF_TEN_CARDS, TEN_CUSTOMERS);
    assert_string_equal(desk_counts(desk, false), "10 7 0 0 1 2");
    desk_load(desk, TEN_CARDS, TWO_OF_TEN_CUSTOMERS);
    assert_string_equal(desk_counts(desk, true), "10 0 7 0 1 2");
    desk_check(desk);
}

static void a_share_may_be_reached_not_passed(void **state)
{
    struct desk *desk = *state;

    desk->load.bad_share = 0.1999;
    refuse_and_leave_nothing(desk, TWO_OF_TEN_CARDS, TEN_CUSTOMERS, "/cards.1.csv: 2 of 10 records");
    refuse_and_leave_nothing(desk, TEN_CARDS, TWO_OF_TEN_CUSTOMERS, "/customers.2.csv: 2 of 10 records");
    desk->load.bad_share = 0.20;
    desk_load(desk, TWO_OF_TEN_CARDS, TEN_CUSTOMERS);
    desk_load(desk, TEN_CARDS, TWO_OF_TEN_CUSTOMERS);
    desk_check(desk);
}

/* 0.29 * 100 is a little less than 29 in binary. */
static void a_share_is_a_decimal_number(void **state)
{
    struct ledger_load_options options = {.bad_most = -1};
    struct ledger_file file = {.path = (char[]){"cards.csv"}, .records = 100};
    struct fail fail;

    (void)state;
    for (int percent = 0; percent < 100; percent++) {
        options.bad_share = percent / 100.0;
        file.invalid = percent;
        assert_int_equal(ledger_file_limit(&file, &options, &fail), 0);
        file.invalid = percent + 1;
        assert_int_equal(ledger_file_limit(&file, &options, &fail), -1);
    }
    file.records = INT64_C(1000000000);
    options.bad_share = 0.29;
    file.invalid = 290000000;
    assert_int_equal(ledger_file_limit(&file, &options, &fail), 0);
    file.invalid++;
    assert_int_equal(ledger_file_limit(&file, &options, &fail), -1);
    options.bad_share = -1;
    assert_int_equal(ledger_file_limit(&file, &options, &fail), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_record_counts_once_under_each_of_its_codes),
        DESK_TEST(codes_of_the_join_count_as_well),
        DESK_TEST(skipped_and_known_records_have_no_problems),
        DESK_TEST(totals_stay_those_of_the_load),
        DESK_TEST(customers_that_no_card_record_names_are_counted),
        DESK_TEST(of_a_load_only_its_own_cards_file_counts),
        DESK_TEST(a_customers_file_alone_is_held_against_the_ledger),
        DESK_TEST(a_row_that_is_not_counted_is_noticed),
        DESK_TEST(a_count_without_rows_is_noticed),
        DESK_TEST(a_state_that_does_not_exist_is_damage),
        DESK_TEST(a_count_of_a_state_that_does_not_exist_is_damage),
        DESK_TEST(records_that_do_not_add_up_are_noticed),
        DESK_TEST(an_invalid_record_without_a_code_is_noticed),
        DESK_TEST(a_code_of_more_records_than_are_invalid_is_noticed),
        DESK_TEST(more_customers_without_a_card_than_valid_ones_are_noticed),
        DESK_TEST(a_count_may_be_reached_not_passed),
        DESK_TEST(a_share_may_be_reached_not_passed),
        DESK_TEST(a_share_is_a_decimal_number),
    };

    return cmocka_run_group_tests_name("ledger_totals", tests, scratch_open, scratch_close);
}
