/* ledger_load: cards that were given up with their file (--drop-lost) come back by that file, or by an older
 * one that has them, though these are known; and nothing else of them counts again. */
#include "ledger_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define OLDER CARDS "11,21,501\n12,21,502\n12,21,503\n13,21,504\n14,21,x\n15,21,501\n"

static void give_up(struct desk *desk, int64_t file, int64_t expected)
{
    int64_t rows;

    assert_int_equal(ledger_file_drop(desk->ledger, file, NOW_MS, &rows, &desk->fail), 0);
    assert_int_equal(rows, expected);
}

static void an_older_file_has_given_up_cards_back(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, OLDER, NULL);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n12,21,503\n16,21,506\n", NULL);
    give_up(desk, 2, 4);
    ROWS_ARE(desk, "1/4 504 ready\n"
                   "1/5 - invalid bad_integer card_id\n"
                   "2/1 501 invalid source_lost\n"
                   "2/2 502 invalid source_lost\n"
                   "2/3 503 invalid source_lost\n"
                   "2/4 506 invalid source_lost\n");
    desk_load(desk, OLDER, NULL);
    assert_true(desk->result.cards_known);
    assert_int_equal(desk->result.cards.id, 1);
    assert_int_equal(desk->result.cards.found, 3);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/2 502 ready\n"
                   "1/3 503 held\n"
                   "1/4 504 ready\n"
                   "1/5 - invalid bad_integer card_id\n"
                   "2/4 506 invalid source_lost\n");
    assert_string_equal(
        desk_text("SELECT group_concat(records || ' ' || added || ' ' || invalid, ', ') FROM file"),
        "6 4 2, 4 1 0");
    desk_check(desk);
    /* What it does not have stays given up. */
    desk_load(desk, OLDER, NULL);
    assert_int_equal(desk->result.cards.found, 0);
    desk_check(desk);
}

/* What a newer file says of a card stands, also when the older one was given up before it. */
static void a_file_that_is_back_moves_only_what_is_given_up(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n", NULL);
    give_up(desk, 1, 3);
    desk_load(desk, CARDS "11,22,501\n", NULL);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n", NULL);
    assert_int_equal(desk->result.cards.id, 1);
    assert_int_equal(desk->result.cards.found, 2);
    ROWS_ARE(desk, "1/2 502 ready\n1/3 503 ready\n2/1 501 ready\n");
    assert_int_equal(desk_number("SELECT account_id FROM card WHERE card_id = 501"), 22);
    desk_check(desk);
    /* It is no lost file any more, and can be given up again. */
    give_up(desk, 1, 2);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n", NULL);
    assert_int_equal(desk->result.cards.found, 2);
    assert_int_equal(desk_number("SELECT count(*) FROM file WHERE lost = 1"), 0);
    desk_check(desk);
}

static void a_customers_file_that_is_back_has_its_cards_judged_anew(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n11,OPTED_OUT\n");
    give_up(desk, 1, 2);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n11,OPTED_OUT\n");
    assert_int_equal(desk->result.customers.found, 2);
    assert_int_equal(desk->result.cards.found, 0);
    ROWS_ARE(desk, "2/1 501 ready\n2/2 502 ready\n");
    desk_check(desk);
}

/* What was taken before its file was given up is not sent again by any file. */
static void a_card_that_was_taken_does_not_come_back(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n,,\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, NULL);
    give_up(desk, 2, 1);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(desk->result.cards.found, 1);
    ROWS_ARE(desk, "1/2 502 ready\n2/1 501 accepted\n2/3 - invalid required;required;required "
                   "customer_id;account_id;card_id\n");
    desk_check(desk);
}

/* A refused record that was corrected, and a newer word about a card, are not undone by what the file says.
 */
static void newer_words_about_other_cards_stand(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\nx,21,502\n13,21,503\n", NULL);
    desk_load(desk, CARDS "12,21,502\n13,21,503,\n", NULL);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    give_up(desk, 3, 1);
    desk_load(desk, CARDS "11,21,501\nx,21,502\n13,21,503\n", NULL);
    assert_int_equal(desk->result.cards.found, 1);
    ROWS_ARE(desk, "1/1 501 ready\n"
                   "1/3 503 ready\n"
                   "2/1 502 ready\n"
                   "2/2 - invalid column_count\n");
    desk_check(desk);
}

/* The card is judged as the file has it now. */
static void a_card_that_comes_back_is_judged_anew(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    desk_load(desk, CARDS "11,22,501\n12,21,502\n", NULL);
    give_up(desk, 2, 2);
    desk->tables.rules.allow_internal = desk->tables.columns.allow_internal = desk->load.allow_internal =
        true;
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(desk_number("SELECT account_id FROM card WHERE card_id = 501"), 21);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 ready\n");
    desk_check(desk);
}

static void an_older_customers_file_has_given_up_customers_back(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n", CUSTOMERS "11,\n12,\n13,\n14,\n");
    desk_load(desk, CARDS "13,21,503\n", CUSTOMERS "13,\n");           /* files 3 and 4 */
    desk_load(desk, CARDS "15,21,505\n", CUSTOMERS "11,\n12,\n15,\n"); /* files 5 and 6 */
    give_up(desk, 5, 3);
    ROWS_ARE(desk, "2/1 501 invalid source_lost\n"
                   "2/2 502 invalid source_lost\n"
                   "4/1 503 ready\n"
                   "6/1 505 invalid source_lost\n");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n", CUSTOMERS "11,\n12,\n13,\n14,\n");
    assert_true(desk->result.customers_known);
    assert_int_equal(desk->result.customers.found, 2);
    assert_string_equal(desk_text("SELECT group_concat(customer_id || ':' || file, ' ') FROM customer"),
                        "11:1 12:1 13:3 14:1 15:5");
    ROWS_ARE(desk, "2/1 501 ready\n2/2 502 ready\n4/1 503 ready\n6/1 505 invalid source_lost\n");
    assert_int_equal(desk_number("SELECT without_card FROM file WHERE id = 1"), 1); /* as at its load */
    desk_check(desk);
}

/* Customers are given up first, so their cards are given up already when the cards' own file is. */
static void both_files_of_the_newer_extract_are_gone(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n,,\n", CUSTOMERS "11,\n12,\n,\n");
    give_up(desk, 3, 2);
    give_up(desk, 4, 0);
    /* The customers alone do not make cards due whose own records are gone. */
    desk_load(desk, CARDS "19,21,509\n", CUSTOMERS "11,\n12,\n");
    assert_int_equal(desk->result.customers.found, 2);
    assert_string_equal(desk_text("SELECT group_concat(card_id || ':' || state, ' ') FROM card"),
                        "501:0 502:0 509:0");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n");
    assert_int_equal(desk->result.cards.found, 2);
    assert_string_equal(
        desk_text("SELECT group_concat(card_id || ':' || state || ':' || file, ' ') FROM card "
                  "WHERE card_id < 509"),
        "501:3:2 502:3:2");
    desk_check(desk);
}

/* Customers that no card names are counted over all cards, not over those that came back. */
static void new_customers_with_an_older_cards_file(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n");
    desk_load(desk, CARDS "11,22,501\n", NULL);
    desk_load(desk, CARDS "11,22,501\n", CUSTOMERS "11,\n12,OPTED_OUT\n");
    give_up(desk, 5, 1);
    ROWS_ARE(desk, "2/2 502 skipped\n5/1 501 invalid source_lost\n");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n19,\n");
    assert_int_equal(desk->result.cards.found, 1);
    assert_int_equal(desk_number("SELECT without_card FROM file WHERE id = 6"), 1);
    ROWS_ARE(desk, "2/1 501 ready\n2/2 502 skipped\n");
    desk_check(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(an_older_file_has_given_up_cards_back),
        DESK_TEST(a_file_that_is_back_moves_only_what_is_given_up),
        DESK_TEST(a_customers_file_that_is_back_has_its_cards_judged_anew),
        DESK_TEST(a_card_that_was_taken_does_not_come_back),
        DESK_TEST(newer_words_about_other_cards_stand),
        DESK_TEST(a_card_that_comes_back_is_judged_anew),
        DESK_TEST(an_older_customers_file_has_given_up_customers_back),
        DESK_TEST(both_files_of_the_newer_extract_are_gone),
        DESK_TEST(new_customers_with_an_older_cards_file),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
