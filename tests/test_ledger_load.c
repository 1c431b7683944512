/* ledger_load: what becomes of records when files meet each other and the ledger. */
#include "ledger_case.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* ---- one load ---- */

static void each_good_card_becomes_ready(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,22,502\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/2 502 ready\n");
    assert_string_equal(desk_counts(desk, false), "2 2 0 0 0 0");
    assert_int_equal(desk->result.cards.carries, IN_BOTH);
    assert_int_equal(desk->result.customers.id, 0);
    assert_false(desk->result.cards_known);
    desk_check(desk);
}

static void a_row_is_a_place_in_its_file(void **state)
{
    struct desk *desk = *state;
    struct ledger_row_state row;

    desk_load(desk, CARDS "\n11,21,501\r\n12,22,\"502\"\n", NULL);
    assert_int_equal(ledger_card_begin(desk->ledger, 502, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(row.place.file, desk->result.cards.id);
    assert_int_equal(row.place.record, 2);
    assert_int_equal(row.place.line, 4);
    assert_int_equal(row.place.offset, 43);
    assert_int_equal(row.place.length, 11);
    assert_int_equal(row.customer_id, 12);
    assert_int_equal(row.account_id, 22);
    assert_int_equal(row.updated_ms, NOW_MS);
    assert_int_equal(row.due_ms, 0);
    assert_int_equal(row.attempts, 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 0);
    assert_int_equal(ledger_card_begin(desk->ledger, 503, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 0);
}

/* Rows of one account stand together, so that one token serves them. */
static void rows_are_sent_account_by_account(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[8];

    desk_load(desk, CARDS "11,22,501\n12,21,502\n13,22,503\n14,21,504\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 4);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[1].card_id, 504);
    assert_int_equal(claims[2].card_id, 501);
    assert_int_equal(claims[3].card_id, 503);
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 sent\n1/3 503 sent\n1/4 504 sent\n");
}

static void of_a_card_number_the_first_record_stands(void **state)
{
    struct desk *desk = *state;
    struct ledger_row_state row;

    desk_load(desk, CARDS "11,21,501\n12,22,502\n13,23,501\n14,x,501\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/2 502 ready\n"
                   "1/3 501 invalid duplicate_card card_id\n"
                   "1/4 501 invalid bad_integer;duplicate_card account_id;card_id\n");
    assert_string_equal(desk_counts(desk, false), "4 2 0 0 0 2");
    assert_int_equal(ledger_card_begin(desk->ledger, 501, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(row.place.record, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
        assert_int_equal(row.state, JOB_INVALID);
    }
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 0);
    desk_check(desk);
}

static void the_first_record_stands_whatever_it_is_worth(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "x,21,501\n12,22,501\n", NULL);
    ROWS_ARE(desk, "1/1 501 invalid bad_integer customer_id\n"
                   "1/2 501 invalid duplicate_card card_id\n");
}

static void a_status_to_skip_comes_before_problems(void **state)
{
    struct desk *desk = *state;

    desk_load(
        desk,
        "customer_id,account_id,card_id,status\n11,21,501,ACTIVE\n12,22,502, opted_out \n13,x,503,CLOSED\n",
        NULL);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 skipped\n1/3 503 skipped\n");
    assert_string_equal(desk_counts(desk, false), "3 1 0 0 2 0");
    desk_check(desk);
}

static void one_card_of_a_customer_leads(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, CARDS "11,22,501\n11,21,502\n12,21,503\n11,21,504\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 held\n1/3 503 ready\n1/4 504 held\n");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[1].card_id, 501);
    desk_settle(desk, &claims[1], VERDICT_REJECTED, "bad_request");
    ROWS_ARE(desk, "1/1 501 rejected bad_request\n1/2 502 ready\n1/3 503 sent\n1/4 504 held\n");
    desk_check(desk);
}

static void a_bad_card_does_not_lead(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n11,21,502\n11,21,503\n", NULL);
    ROWS_ARE(desk, "1/1 501 invalid bad_integer account_id\n1/2 502 ready\n1/3 503 held\n");
    desk_check(desk);
}

/* ---- customers ---- */

static void a_card_needs_a_good_customer(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,22,502\n13,23,503\n12,x,504\n14,24,505\n",
              CUSTOMERS "11,\nx,\n12,\n12,\n14,CLOSED\n15,\n");
    ROWS_ARE(desk, "2/1 501 ready\n"
                   "2/2 502 ready\n"
                   "2/3 503 invalid no_customer customer_id\n"
                   "2/4 504 invalid bad_integer account_id\n"
                   "2/5 505 skipped\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS),
                        "1/2 - invalid bad_integer customer_id\n"
                        "1/4 - invalid duplicate_customer customer_id\n");
    assert_string_equal(desk_counts(desk, true), "6 3 0 0 1 2");
    assert_string_equal(desk_counts(desk, false), "5 2 0 0 1 2");
    desk_check(desk);
}

/* Customers are walked through in the order of their numbers; one that is far is searched for. */
static void a_customer_is_found_among_many(void **state)
{
    struct desk *desk = *state;

    desk_load(desk,
              CARDS "970,21,501\n102,21,502\n937,21,503\n101,21,504\n936,21,505\n971,21,506\n102,21,507\n",
              CUSTOMERS "970,\n966,\n964,\n962,\n960,\n958,\n956,\n954,\n952,\n950,\n948,\n946,\n944,\n942,\n"
                        "940,\n938,\n936,\n934,\n932,\n930,\n928,\n926,\n924,\n922,\n920,\n918,\n916,\n914,\n"
                        "912,\n910,\n908,\n906,\n904,\n902,\n102,\n");
    ROWS_ARE(desk, "2/1 501 ready\n"
                   "2/2 502 ready\n"
                   "2/3 503 invalid no_customer customer_id\n"
                   "2/4 504 invalid no_customer customer_id\n"
                   "2/5 505 ready\n"
                   "2/6 506 invalid no_customer customer_id\n"
                   "2/7 507 held\n");
    assert_int_equal(desk_number("SELECT without_card FROM file WHERE id = 1"), 32);
    desk_check(desk);
}

static void a_card_of_a_refused_customer_is_refused(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n11,x,502\n12,21,503\n",
              "customer_id,country_code,status\n11,XX,\n12,XX,CLOSED\n");
    ROWS_ARE(desk, "2/1 501 invalid customer_invalid customer_id\n"
                   "2/2 502 invalid bad_integer;customer_invalid account_id;customer_id\n"
                   "2/3 503 skipped\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS), "1/1 - invalid bad_country country_code\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CARDS),
                        "2/1 501 invalid customer_invalid customer_id\n"
                        "2/2 502 invalid bad_integer;customer_invalid account_id;customer_id\n");
}

/* Of two records of a customer the first stands, also where it is the bad one. */
static void a_refused_customer_is_not_replaced_by_its_duplicate(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", "customer_id,country_code\n11,XX\n11,USA\n");
    ROWS_ARE(desk, "2/1 501 invalid customer_invalid customer_id\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS),
                        "1/1 - invalid bad_country country_code\n"
                        "1/2 - invalid duplicate_customer customer_id\n");
}

/* Whatever the later record says: the first one's customer stays, and what is to be skipped is not refused.
 */
static void only_the_first_record_of_a_customer_counts(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,22,502\n13,23,503\n",
              CUSTOMERS "11,\n11,#N/A\n12,\n12,OPTED_OUT\n13,OPTED_OUT\n13,\n14,OPTED_OUT\n");
    assert_string_equal(desk_counts(desk, true), "7 2 0 0 3 2");
    ROWS_ARE(desk, "2/1 501 ready\n2/2 502 ready\n2/3 503 skipped\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS),
                        "1/2 - invalid bad_format;duplicate_customer status;customer_id\n"
                        "1/6 - invalid duplicate_customer customer_id\n");
    assert_string_equal(
        desk_text("SELECT group_concat(customer_id || '/' || record || '/' || flags, ' ') FROM customer"),
        "11/1/0 12/3/0 13/5/1 14/7/1");
    assert_string_equal(desk_text("SELECT group_concat(record || '/' || flags, ' ') FROM refused_customer"),
                        "2/4 6/4");
    desk_check(desk);
}

static const char CARD_INDEXES[] =
    "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'index' AND "
    "tbl_name = 'card' ORDER BY name)";

static const char ALL_INDEXES[] = "card_customer card_duplicate card_live card_mark card_number card_refused";

static void a_first_load_leaves_all_indexes(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,22,502\n", NULL);
    assert_string_equal(desk_text(CARD_INDEXES), ALL_INDEXES);
    desk_check(desk);
}

/* Where they are many the indexes of refused records are built anew as well. */
static void so_does_one_of_many_refused_records(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n11,21,501\n12,22,\n", NULL);
    assert_string_equal(desk_text(CARD_INDEXES), ALL_INDEXES);
    desk_check(desk);
}

#define WIDE "first_name,last_name,emails,phones"
#define ANN "Ann,Example,ann@example.com,+49151123456"

static void an_address_is_needed_with_the_card_or_the_customer(void **state)
{
    struct desk *desk = *state;

    desk->tables.columns.allow_internal = desk->tables.rules.allow_internal = false;
    desk->load.allow_internal = false;
    desk_load(desk,
              "customer_id,account_id,card_id,billing_address_line1\n11,21,501,1 Main "
              "Street\n12,22,502,\n13,23,503,\n",
              "customer_id," WIDE ",billing_address_line1\n11," ANN ",\n12," ANN ",2 Main Street\n13," ANN
              ",\n");
    ROWS_ARE(desk, "2/1 501 ready\n"
                   "2/2 502 ready\n"
                   "2/3 503 invalid required billing_address_line1\n");
    desk_check(desk);
}

static void one_file_carries_its_customers(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk->tables.columns.allow_internal = desk->tables.rules.allow_internal = false;
    desk->load.allow_internal = false;
    desk_load(desk,
              "customer_id,account_id,card_id," WIDE ",billing_address_line1\n"
              "11,21,501," ANN ",1 Main Street\n12,22,502," ANN ",\n",
              NULL);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 invalid required billing_address_line1\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    assert_int_equal(claims[0].customer.file, 0);
    assert_int_equal(claims[0].card.file, 1);
}

static void two_files_make_two_places(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "10,\n11,\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    assert_int_equal(claims[0].card.file, 2);
    assert_int_equal(claims[0].card.offset, 31);
    assert_int_equal(claims[0].card.length, 9);
    assert_int_equal(claims[0].customer.file, 1);
    assert_int_equal(claims[0].customer.offset, 23);
    assert_int_equal(claims[0].customer.length, 3);
}

/* ---- settings ---- */

static void one_account_per_customer_is_a_setting(void **state)
{
    struct desk *desk = *state;

    desk->load.one_account = true;
    desk_load(desk, CARDS "11,21,501\n11,22,502\n11,21,503\n12,22,504\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/2 502 invalid customer_two_accounts account_id\n"
                   "1/3 503 held\n"
                   "1/4 504 ready\n");
    assert_string_equal(desk_counts(desk, false), "4 3 0 0 0 1");
    assert_int_equal(desk->result.cards.two_accounts, 0);
    desk_check(desk);
}

static void two_accounts_are_no_problem_by_default(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n11,22,502\n12,21,503\n12,21,504\n13,21,505\n13,x,506\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/2 502 held\n"
                   "1/3 503 ready\n"
                   "1/4 504 held\n"
                   "1/5 505 ready\n"
                   "1/6 506 invalid bad_integer account_id\n");
    assert_int_equal(desk->result.cards.two_accounts, 1); /* but worth a warning */
}

static void too_many_refused_records_load_nothing(void **state)
{
    struct desk *desk = *state;

    desk->load.bad_most = 1;
    desk_refuse(desk, CARDS "11,21,501\nx,22,502\n13,x,503\n", NULL);
    assert_int_equal(desk->fail.kind, FAIL_INPUT);
    assert_non_null(strstr(desk->fail.text,
                           "cards.1.csv: 2 of 3 records are refused, more than input.max_bad allows; "
                           "ctp-enroll check writes them out"));
    ROWS_ARE(desk, "");
    assert_int_equal(desk_number("SELECT count(*) FROM file"), 0);
    desk_load(desk, CARDS "11,21,501\nx,22,502\n13,23,503\n", NULL);
    assert_string_equal(desk_counts(desk, false), "3 2 0 0 0 1");
    desk_check(desk);
}

static void the_limit_may_be_a_share(void **state)
{
    struct desk *desk = *state;

    desk->load.bad_share = 0.25;
    desk_load(desk, CARDS "11,21,501\nx,22,502\n13,23,503\n14,24,504\n", NULL);
    desk_refuse(desk, CARDS "15,25,505\nx,22,506\n13,23,507\n", NULL);
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CARDS), "1/2 502 invalid bad_integer customer_id\n");
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 4);
    desk_check(desk);
}

static void the_limit_holds_for_customers_too(void **state)
{
    struct desk *desk = *state;

    desk->load.bad_most = 0;
    desk_refuse(desk, CARDS "11,21,501\n", CUSTOMERS "11,\nx,\n");
    assert_non_null(strstr(desk->fail.text, "customers.1.csv: 1 of 2 records"));
    assert_int_equal(desk_number("SELECT count(*) FROM customer"), 0);
    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n");
    ROWS_ARE(desk, "2/1 501 ready\n");
}

/* A check needs no indexes, and judges alike. */
static void a_throwaway_load_judges_alike(void **state)
{
    struct desk *desk = *state;
    struct ledger_totals totals;

    desk->load.throwaway = true;
    desk_load(desk,
              "customer_id,account_id,card_id,status\n11,21,501,\n11,21,502,\nx,21,503,\n12,21,504,CLOSED\n"
              "13,21,501,\n",
              NULL);
    assert_string_equal(desk_text(CARD_INDEXES), "card_refused");
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 5);
    assert_string_equal(desk_counts(desk, false), "5 2 0 0 1 2");
    assert_int_equal(ledger_totals(desk->ledger, &totals, &desk->fail), 0);
    assert_int_equal(totals.state[JOB_READY], 1);
    assert_int_equal(totals.state[JOB_HELD], 1);
    assert_int_equal(totals.state[JOB_SKIPPED], 1);
    assert_int_equal(totals.state[JOB_INVALID], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(each_good_card_becomes_ready),
        DESK_TEST(a_row_is_a_place_in_its_file),
        DESK_TEST(rows_are_sent_account_by_account),
        DESK_TEST(of_a_card_number_the_first_record_stands),
        DESK_TEST(the_first_record_stands_whatever_it_is_worth),
        DESK_TEST(a_status_to_skip_comes_before_problems),
        DESK_TEST(one_card_of_a_customer_leads),
        DESK_TEST(a_bad_card_does_not_lead),
        DESK_TEST(a_card_needs_a_good_customer),
        DESK_TEST(a_customer_is_found_among_many),
        DESK_TEST(a_card_of_a_refused_customer_is_refused),
        DESK_TEST(a_refused_customer_is_not_replaced_by_its_duplicate),
        DESK_TEST(only_the_first_record_of_a_customer_counts),
        DESK_TEST(a_first_load_leaves_all_indexes),
        DESK_TEST(so_does_one_of_many_refused_records),
        DESK_TEST(an_address_is_needed_with_the_card_or_the_customer),
        DESK_TEST(one_file_carries_its_customers),
        DESK_TEST(two_files_make_two_places),
        DESK_TEST(one_account_per_customer_is_a_setting),
        DESK_TEST(two_accounts_are_no_problem_by_default),
        DESK_TEST(too_many_refused_records_load_nothing),
        DESK_TEST(the_limit_may_be_a_share),
        DESK_TEST(the_limit_holds_for_customers_too),
        DESK_TEST(a_throwaway_load_judges_alike),
    };

    return cmocka_run_group_tests_name("ledger_load", tests, scratch_open, scratch_close);
}
