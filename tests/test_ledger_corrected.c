/* ledger_load: rejects that come back corrected, and the rule of one account across files. */
#include "ledger_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define CORRECTED "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"

static void corrected_rejects_take_the_place_of_what_no_number_tells(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n11,21,\n12,22,501\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 - invalid required card_id\n1/3 501 invalid duplicate_card card_id\n");
    desk_load(desk, CORRECTED "11,21,502,required,card_id,fill it in\n", NULL);
    assert_string_equal(desk_counts(desk, false), "1 1 0 0 0 0");
    ROWS_ARE(desk, "1/1 501 ready\n2/1 502 held\n");
    desk_check(desk);
}

static void no_more_are_replaced_than_the_file_brings(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,\n12,22,x\n", NULL);
    desk_load(desk, CORRECTED "11,21,502,required,card_id,fill it in\n", NULL);
    ROWS_ARE(desk, "1/2 - invalid bad_integer card_id\n2/1 502 ready\n");
    /* Still wrong: the record is told by its bytes, nothing is lost and nothing doubled. */
    desk_load(desk, CORRECTED "12,22,y,bad_integer,card_id,digits only\n", NULL);
    ROWS_ARE(desk, "2/1 502 ready\n3/1 - invalid bad_integer card_id\n");
    desk_check(desk);
}

static void an_ordinary_file_replaces_nothing(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,\n", NULL);
    desk_load(desk, CARDS "11,21,502\n", NULL);
    ROWS_ARE(desk, "1/1 - invalid required card_id\n2/1 502 ready\n");
    desk_check(desk);
}

/* Two of three corrections are still to come: their records stay, though they stand first. */
static void the_record_of_the_corrected_customer_is_replaced(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,\n12,22,x\n13,23,\n", NULL);
    desk_load(desk, CORRECTED "13,23,503,required,card_id,fill it in\n", NULL);
    ROWS_ARE(desk, "1/1 - invalid required card_id\n1/2 - invalid bad_integer card_id\n2/1 503 ready\n");
    desk_check(desk);
}

static void a_record_fed_back_as_it_was_is_known_in_the_next_extract(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,\n12,22,502\n", NULL);
    desk_load(desk, CORRECTED "11,21,,required,card_id,fill it in\n", NULL);
    ROWS_ARE(desk, "1/2 502 ready\n2/1 - invalid required card_id\n");
    desk_load(desk, CARDS "11,21,\n12,22,502\n13,23,503\n", NULL);
    ROWS_ARE(desk, "3/1 - invalid required card_id\n3/2 502 ready\n3/3 503 ready\n");
    desk_check(desk);
}

static void corrected_customers_take_their_places(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n13,23,503\n", CUSTOMERS "11,\nx,\n11,\n");
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer"), 2);
    desk_load(
        desk, CARDS "11,21,501\n13,23,503\n",
        "customer_id,status,_ctp_code,_ctp_field,_ctp_message\n13,,bad_integer,customer_id,digits only\n");
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer"), 0);
    ROWS_ARE(desk, "2/1 501 ready\n2/2 503 ready\n");
    desk_check(desk);
}

#define REFUSED_CUSTOMERS "customer_id,status,_ctp_code,_ctp_field,_ctp_message\n"

/* A customer that its number tells takes no other's place. */
static void a_corrected_customer_takes_its_own_place_only(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,#N/A\nx,\n");
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer"), 2);
    desk_load(desk, CARDS "11,21,501\n13,23,503\n", REFUSED_CUSTOMERS "11,,bad_format,status,correct it\n");
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer WHERE customer_id IS NULL"), 1);
    desk_check(desk);
}

/* Nor does one that is refused for the same as before. */
static void a_customer_fed_back_as_it_was_takes_its_own_place_only(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "x,\ny,\n");
    desk_load(desk, CARDS "11,21,501\n13,23,503\n",
              REFUSED_CUSTOMERS "y,,bad_integer,customer_id,digits only\n");
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer"), 2);
    assert_int_equal(desk_number("SELECT count(*) FROM refused_customer WHERE file = 1 AND record = 1"), 1);
    desk_check(desk);
}

/* One that still tells no number is new, and takes the place of the first such one. */
static void a_customer_still_without_number_takes_a_place(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "x,\ny,\n");
    desk_load(desk, CARDS "11,21,501\n13,23,503\n",
              REFUSED_CUSTOMERS "z,,bad_integer,customer_id,digits only\n");
    assert_string_equal(desk_text("SELECT group_concat(file || '/' || record, ' ') FROM refused_customer"),
                        "1/2 3/1");
    desk_check(desk);
}

static void the_account_rule_looks_at_what_the_ledger_has(void **state)
{
    struct desk *desk = *state;

    desk->load.one_account = true;
    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n");
    desk_load(desk, CARDS "11,22,502\n11,21,503\n", CUSTOMERS "11,\n");
    ROWS_ARE(desk, "2/1 501 ready\n3/1 502 invalid customer_two_accounts account_id\n3/2 503 held\n");
    desk_check(desk);
}

static void a_new_customers_file_does_not_forget_the_account_rule(void **state)
{
    struct desk *desk = *state;

    desk->load.one_account = true;
    desk_load(desk, CARDS "11,21,501\n11,22,502\n", CUSTOMERS "11,\n");
    desk_load(desk, CARDS "11,21,501\n11,22,502\n", CUSTOMERS "11,\n12,\n");
    ROWS_ARE(desk, "2/1 501 ready\n2/2 502 invalid customer_two_accounts account_id\n");
    desk_check(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(corrected_rejects_take_the_place_of_what_no_number_tells),
        DESK_TEST(no_more_are_replaced_than_the_file_brings),
        DESK_TEST(an_ordinary_file_replaces_nothing),
        DESK_TEST(the_record_of_the_corrected_customer_is_replaced),
        DESK_TEST(a_record_fed_back_as_it_was_is_known_in_the_next_extract),
        DESK_TEST(corrected_customers_take_their_places),
        DESK_TEST(a_corrected_customer_takes_its_own_place_only),
        DESK_TEST(a_customer_fed_back_as_it_was_takes_its_own_place_only),
        DESK_TEST(a_customer_still_without_number_takes_a_place),
        DESK_TEST(the_account_rule_looks_at_what_the_ledger_has),
        DESK_TEST(a_new_customers_file_does_not_forget_the_account_rule),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
