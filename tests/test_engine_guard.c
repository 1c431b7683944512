/* Bugs that were found once: each case is what was seen then. */
#include "engine_case.h"

#include "flow/ingest.h"
#include "kit/clock.h"

#include <inttypes.h>
#include <string.h>

/* Loads the same cards beside other customers, as the next run of the process would. */
static void load_customers(struct rig *rig, const char *text)
{
    struct ingest_options options = {.cards = rig->cards_path,
                                     .customers = rig->customers_path,
                                     .tables = &rig->tables,
                                     .load = rig->load,
                                     .log = &rig->log};
    struct ingest_result result;

    rig_write(rig->customers_path, span_of(text));
    if (ingest(rig->ledger, &options, rig->portfolio, &result, &rig->fail) != 0)
        fail_msg("%s", rig->fail.text);
    assert_true(result.cards_known);
    assert_false(result.customers_known);
    ingest_result_free(&result);
}

static void code_is(struct rig *rig, int64_t card, const char *code)
{
    assert_string_equal(rig_text(rig, "SELECT code FROM card_now WHERE card_id = %" PRId64, card), code);
}

/* ---- statuses to be skipped ---- */

/* The customer alone is excluded now; card 3 is held behind card 2, and nothing may be left behind it. */
static void a_customer_that_is_now_to_be_skipped_is_not_sent(void **state)
{
    struct rig *rig = *state;

    buf_add_text(&rig->cards, "5,7,1\n6,7,2\n6,7,3\n");
    buf_add_text(&rig->customers, "customer_id,status\n5,ACTIVE\n6,OPTED_OUT\n");
    rig_load(rig);
    rig_expect(rig, 3, "held", 0);
    rig->tables.rules.skip_status = SPAN("OPTED_OUT;CLOSED");
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "skipped", 0);
    rig_expect(rig, 3, "skipped", 0);
    assert_int_equal(fake_count(false), 1);
}

/* Two cards before the one that may go. */
static void held_cards_behind_skipped_ones_take_their_turn(void **state)
{
    struct rig *rig = *state;

    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id,status\n"
                              "6,7,1,CLOSED\n6,7,2,OPTED_OUT\n6,7,3,ACTIVE\n6,7,4,ACTIVE\n");
    rig_load(rig);
    rig->tables.rules.skip_status = SPAN("OPTED_OUT;CLOSED");
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "skipped", 0);
    rig_expect(rig, 2, "skipped", 0);
    rig_expect(rig, 3, "accepted", 1);
    rig_expect(rig, 4, "held", 0);
    assert_int_equal(fake_count(false), 1);
}

/* What is to be skipped is skipped, also when it is not fit to be sent. */
static void a_record_to_be_skipped_is_not_called_invalid(void **state)
{
    struct rig *rig = *state;

    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id,owner_bid,status\n5,7,1,,OPTED_OUT\n");
    rig_load(rig);
    rig->tables.rules.skip_status = SPAN("OPTED_OUT");
    rig_restart(rig, false);
    rig->tables.rules.owner_bid = (struct span){"", 0};
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "skipped", 0);
    assert_int_equal(fake_count(false), 0);
}

/* ---- a 202 whose body does not come whole ---- */

struct ending {
    enum http_end end;
    int status;
};

static void ends_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct ending *ending = context;

    if (request->nth > 1)
        return;
    answer->end = ending->end;
    answer->status = ending->status;
    answer->body = "{\"cod";
}

static void expect_taken_at_once(struct rig *rig, struct ending ending)
{
    fake_serve(ends_once, NULL, &ending);
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 3);
    for (int64_t card = 1; card <= 3; card++)
        rig_expect(rig, card, "accepted", 1);
    assert_int_equal(
        rig_number(rig, "SELECT count(*) FROM card_now WHERE http_status = 202 AND uncertain = 0"), 3);
    assert_int_equal(rig->figures.accepted, 3);
    assert_int_equal(rig->figures.transient, 0);
}

static void a_202_with_a_lost_body_is_accepted_once(void **state)
{
    expect_taken_at_once(*state, (struct ending){HTTP_LOST, 202});
}

static void a_202_with_a_broken_body_is_accepted_once(void **state)
{
    expect_taken_at_once(*state, (struct ending){HTTP_BROKEN, 202});
}

/* Any other status behind a cut body says nothing: the row is sent again. */
static void another_status_with_a_lost_body_is_sent_again(void **state)
{
    struct rig *rig = *state;
    struct ending ending = {HTTP_LOST, 400};

    fake_serve(ends_once, NULL, &ending);
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 6);
    assert_int_equal(rig_count(rig, "accepted"), 3);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE uncertain = 1"), 3);
}

/* ---- refused at sending, healed by the next file ---- */

static void a_corrected_customer_heals_what_was_refused_at_sending(void **state)
{
    struct rig *rig = *state;

    buf_add_text(&rig->cards, "5,7,1\n6,7,2\n6,7,3\n");
    buf_add_text(&rig->customers, "customer_id,locale\n5,pt_BR\n6,\n");
    rig_load(rig);
    rig->tables.rules.locale = (struct span){"", 0};
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 2, "invalid", 0);
    rig_expect(rig, 3, "invalid", 0);
    code_is(rig, 2, "customer_invalid");
    rig_restart(rig, false);
    load_customers(rig, "customer_id,locale\n5,pt_BR\n6,en_GB\n");
    rig_expect(rig, 2, "ready", 0);
    rig_expect(rig, 3, "held", 0);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "accepted", 1);
    assert_int_equal(fake_count(false), 2);
    assert_non_null(strstr(fake_card(2, 0)->body, "\"en_GB\""));
}

#define ADDRESS "billing_address_line1,billing_city,billing_state,billing_postal_code,billing_country_code"
#define PERSON "Ada,Example,ada@example.com,441175552149"

/* Card and customer are each well, together they lack an address once Pismo's own is not to be used. */
static void a_missing_address_is_healed_by_the_customers_file(void **state)
{
    struct rig *rig = *state;
    static const char head[] = "customer_id,first_name,last_name,emails,phones," ADDRESS "\n";

    buf_add_text(&rig->cards, "6,7,2\n");
    buf_addf(&rig->customers, "%s6," PERSON ",,,,,\n", head);
    rig_load(rig);
    rig->tables.rules.allow_internal = rig->tables.columns.allow_internal = rig->load.allow_internal = false;
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 2, "invalid", 0);
    code_is(rig, 2, "required");
    assert_int_equal(fake_count(false), 0);
    rig_restart(rig, false);
    buf_reset(&rig->customers);
    buf_addf(&rig->customers, "%s6," PERSON ",7 Mill Road,Bristol,,BS2 5XY,GBR\n", head);
    load_customers(rig, buf_text(&rig->customers));
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 2, "accepted", 1);
}

/* ---- accounts without a token ---- */

static void no_token_from(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const int64_t *account = context; /* the first and the last of them */

    if (request->account < account[0] || request->account > account[1])
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"account not found\"}";
}

/* Twenty accounts have served when ten new ones in a row cannot: that is no longer the accounts' fault. */
static void ten_new_accounts_without_a_token_leave_every_row_resumable(void **state)
{
    struct rig *rig = *state;
    int64_t account[2] = {21, 30};

    fake_serve(NULL, no_token_from, account);
    rig->options.token_pace.concurrency = 1;
    for (int64_t i = 1; i <= 30; i++)
        rig_cards(rig, i, 1, i);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_int_equal(rig_count(rig, "accepted"), 20);
    assert_int_equal(rig_count(rig, "ready"), 10);
    assert_int_equal(fake_count(false), 20);
    rig_restart(rig, false);
    fake_serve(NULL, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 30);
}

static void one_account_without_a_token_is_no_reason_to_stop(void **state)
{
    struct rig *rig = *state;
    int64_t account[2] = {5, 5};

    fake_serve(NULL, no_token_from, account);
    rig->options.max_attempts = 12; /* more than would end the run, one after the other */
    for (int64_t i = 1; i <= 30; i++)
        rig_cards(rig, i, 1, i);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 5, "exhausted", 12);
    code_is(rig, 5, "no_token");
    assert_int_equal(rig_count(rig, "accepted"), 29);
    assert_int_equal(fake_count(true), 29 + 12);
    assert_null(fake_card(5, 0));
}

/* Key and secret that are words like any other do not reach the ledger nor the log. */
static void repeats_credentials(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->account != 8)
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"no account for lindenkey and MarmaladeHouse\"}";
}

static void repeated_credentials_are_kept_nowhere(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, repeats_credentials, NULL);
    rig->minting.server_key = "lindenkey";
    rig->minting.server_secret = "MarmaladeHouse";
    rig->options.max_attempts = 2;
    rig_cards(rig, 1, 1, 7);
    rig_cards(rig, 2, 1, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 2, "exhausted", 2);
    assert_string_equal(rig_text(rig, "SELECT message FROM card_now WHERE card_id = 2"), "HTTP 400");
    assert_int_equal(rig_logs(rig, "no token for an account"), 2);
    assert_int_equal(rig_logs(rig, "lindenkey"), 0);
    assert_int_equal(rig_logs(rig, "MarmaladeHouse"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_customer_that_is_now_to_be_skipped_is_not_sent),
        RIG_TEST(held_cards_behind_skipped_ones_take_their_turn),
        RIG_TEST(a_record_to_be_skipped_is_not_called_invalid),
        RIG_TEST(a_202_with_a_lost_body_is_accepted_once),
        RIG_TEST(a_202_with_a_broken_body_is_accepted_once),
        RIG_TEST(another_status_with_a_lost_body_is_sent_again),
        RIG_TEST(a_corrected_customer_heals_what_was_refused_at_sending),
        RIG_TEST(a_missing_address_is_healed_by_the_customers_file),
        RIG_TEST(ten_new_accounts_without_a_token_leave_every_row_resumable),
        RIG_TEST(one_account_without_a_token_is_no_reason_to_stop),
        RIG_TEST(repeated_credentials_are_kept_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
