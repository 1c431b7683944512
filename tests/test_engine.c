/* The way of a row through the engine: claimed, committed, sent as it should be, settled. */
#include "engine_case.h"

#include <string.h>

static void refuse(struct fake_answer *answer)
{
    answer->status = 400;
    answer->body = "{\"code\":400,\"message\":\"bad request\"}";
}

static void every_row_is_sent_once(void **state)
{
    struct rig *rig = *state;

    rig_cards(rig, 1, 20, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 20);
    assert_int_equal(fake_count(true), 1);
    for (int64_t card = 1; card <= 20; card++)
        rig_expect(rig, card, "accepted", 1);
    assert_int_equal(rig->figures.requests, 20);
    assert_int_equal(rig->figures.accepted, 20);
    assert_int_equal(rig->figures.tokens, 1);
    assert_int_equal(rig_number(rig, "SELECT requests * 100 + tokens FROM run"), 2001);
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = 202"), 20);
}

static void an_empty_ledger_is_done_at_once(void **state)
{
    struct rig *rig = *state;

    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false) + fake_count(true), 0);
    assert_int_equal(fake_now_ms(), 0);
}

/* 40 a second: what can leave within 250 ms, and the token at hand. */
static void claims_no_more_than_can_leave(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.rate = 40;
    rig_cards(rig, 1, 200, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 200);
    assert_in_range(rig->waiting_most, 1, 11);
}

/* ---- settling ---- */

static void still_sent(void *context)
{
    rig_expect(context, 1, "sent", 1);
    assert_int_equal(rig_count(context, "sent"), 8);
}

static void one_after_another(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    answer->after_ms = request->card == 8 ? 10000 : request->card * 50;
}

/* The token comes at 20 ms, an answer at 70, 120 ... 370: the age of the first counts. */
static void an_answer_is_in_the_ledger_250_ms_later(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.concurrency = 9; /* the claim finds less than it wants: no further one is made */
    fake_serve(one_after_another, NULL, NULL);
    fake_at(319, still_sent, rig);
    rig_cards(rig, 1, 8, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    for (int card = 1; card <= 7; card++)
        assert_int_equal(rig_number(rig, "SELECT updated_ms FROM card_now WHERE card_id = %d", card),
                         FAKE_WALL_MS + (card <= 6 ? 320 : 620));
}

static void a_thousand_accepted(void *context)
{
    assert_int_equal(rig_count(context, "accepted"), 1000);
}

/* The first thousand are answered in one millisecond, when nothing is left to claim. */
static void a_thousand_answers_do_not_wait(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.concurrency = 1300;
    fake_at(71, a_thousand_accepted, rig);
    rig_cards(rig, 1, 1200, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
}

/* ---- held cards ---- */

static void three_of_one_customer(struct rig *rig, fake_host *api)
{
    fake_serve(api, NULL, NULL);
    rig_card(rig, 5, 7, 1);
    rig_card(rig, 5, 7, 2);
    rig_card(rig, 5, 7, 3);
    rig_card(rig, 6, 7, 4);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
}

static void held_cards_stay_behind_an_accepted_one(void **state)
{
    struct rig *rig = *state;

    three_of_one_customer(rig, NULL);
    assert_int_equal(fake_count(false), 2);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "held", 0);
    rig_expect(rig, 3, "held", 0);
    rig_expect(rig, 4, "accepted", 1);
}

static void already_enrolled(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 400;
    answer->body = "{\"code\":400,\"message\":\"customer already on click to pay\"}";
}

static void held_cards_stay_behind_an_already_enrolled_one(void **state)
{
    struct rig *rig = *state;

    three_of_one_customer(rig, already_enrolled);
    assert_int_equal(fake_count(false), 2);
    rig_expect(rig, 1, "already", 1);
    rig_expect(rig, 2, "held", 0);
    rig_expect(rig, 3, "held", 0);
}

static void refuses_card_1(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->card == 1)
        refuse(answer);
}

static void the_next_card_goes_when_the_first_is_rejected(void **state)
{
    struct rig *rig = *state;

    three_of_one_customer(rig, refuses_card_1);
    assert_int_equal(fake_count(false), 3);
    rig_expect(rig, 1, "rejected", 1);
    rig_expect(rig, 2, "accepted", 1);
    rig_expect(rig, 3, "held", 0);
    assert_true(fake_card(2, 0)->at_ms >= fake_card(1, 0)->ended_ms);
}

static void fails_card_1(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->card == 1)
        answer->status = 500;
}

static void the_next_card_goes_when_the_first_is_exhausted(void **state)
{
    struct rig *rig = *state;

    rig->options.max_attempts = 3;
    three_of_one_customer(rig, fails_card_1);
    assert_int_equal(fake_count(false), 5);
    rig_expect(rig, 1, "exhausted", 3);
    rig_expect(rig, 2, "accepted", 1);
    rig_expect(rig, 3, "held", 0);
}

/* ---- the request ---- */

static void expect_header(const struct fake_request *request, size_t at, const char *line)
{
    assert_true(at < request->header_count);
    assert_string_equal(request->headers[at], line);
}

static void give_full_record(struct rig *rig)
{
    rig->tables.columns.allow_internal = rig->tables.rules.allow_internal = rig->load.allow_internal = false;
    buf_reset(&rig->cards);
    buf_add_text(&rig->cards,
                 "card_id,account_id,customer_id,owner_bid,billing_address_line1,billing_address_line2,"
                 "billing_city,billing_state,billing_postal_code,billing_country_code\n"
                 "9223372036854775806,9007199254740993,9223372036854775807,0010052,"
                 "\"Rua das Flores, 10\",,Rio  de Janeiro,BR-RJ,20000-000,BR\n");
    buf_add_text(&rig->customers,
                 "customer_id,locale,first_name,middle_name,last_name,country_code,emails,phones,"
                 "national_identifiers,consent_time,consent_version,consent_presenter\n"
                 "9223372036854775807,pt-br,An\xC3\xA1,,Modelo,076,ana@EXAMPLE.COM;a.modelo@example.com,"
                 "+55 (45) 99999-9999,,2025-01-31T10:00:00-03:00,1.0,Example Bank\n");
}

static void the_request_is_what_the_api_describes(void **state)
{
    struct rig *rig = *state;
    const struct fake_request *request;
    char cid[UUID_TEXT_SIZE];

    give_full_record(rig);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 1);
    request = fake_request(false, 0);
    assert_string_equal(request->url,
                        "https://api.example.com/cards-tokenization/v1/clicktopay/visa/enroll/customer");
    assert_int_equal(request->header_count, 5);
    expect_header(request, 0, "Content-Type: application/json");
    expect_header(request, 1, "x-tenant: TN-example");
    expect_header(request, 2, "x-customer-id: 9223372036854775807");
    assert_string_equal(fake_header(request, "x-cid"), ledger_cid(rig->ledger, 1, cid));
    assert_int_equal(strspn(fake_header(request, "x-cid"), "0123456789abcdef-"), 36);
    assert_int_equal(strncmp(request->headers[4], "Authorization: Bearer eyJhbGciOiJIUzUxMiJ9.", 43), 0);
    assert_int_equal(request->bearer, 1);
    assert_string_equal(
        request->body,
        "{\"owner_bid\":\"0010052\",\"card_information\":{\"card_id\":9223372036854775806,\"billing_"
        "address\":{"
        "\"address_line1\":\"Rua das Flores, 10\",\"city\":\"Rio de Janeiro\",\"state\":\"RJ\","
        "\"postal_code\":\"20000-000\",\"country_code\":\"BRA\"}},\"customer_information\":{"
        "\"locale\":\"pt_BR\",\"first_name\":\"An\xC3\xA1\",\"last_name\":\"Modelo\",\"country_code\":"
        "\"BRA\","
        "\"emails\":[\"ana@example.com\",\"a.modelo@example.com\"],\"phones\":[\"5545999999999\"],"
        "\"consent\":{\"time_of_consent\":\"2025-01-31T13:00:00.000Z\",\"version\":\"1.0\","
        "\"presenter\":\"Example Bank\"}}}");
    assert_true(request->once);
}

static void the_token_request_is_what_the_passport_wants(void **state)
{
    struct rig *rig = *state;
    const struct fake_request *request;

    give_full_record(rig);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 1);
    request = fake_request(true, 0);
    assert_string_equal(request->url, "https://auth.example.com/passport/v2/s2s/access-token");
    assert_int_equal(request->header_count, 2);
    expect_header(request, 0, "Content-Type: application/json");
    expect_header(request, 1, "Accept: application/json");
    assert_string_equal(request->body, "{\"server_key\":\"key-1\",\"server_secret\":\"secret-1\","
                                       "\"account_id\":9007199254740993}");
    assert_true(request->secret);
}

static void an_empty_cell_leaves_its_key_out(void **state)
{
    struct rig *rig = *state;

    rig_card(rig, 9007199254740995, 9007199254740993, 9007199254740997);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_string_equal(fake_request(false, 0)->body,
                        "{\"owner_bid\":\"1000052\",\"card_information\":{\"card_id\":9007199254740997},"
                        "\"customer_information\":{\"locale\":\"pt_BR\"}}");
    assert_string_equal(fake_header(fake_request(false, 0), "x-customer-id"), "9007199254740995");
}

static void slashes_at_the_end_of_the_base_url_do_no_harm(void **state)
{
    struct rig *rig = *state;

    rig->options.base_url = "https://api.example.com/prefix//";
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_string_equal(fake_request(false, 0)->url,
                        "https://api.example.com/prefix/v1/clicktopay/visa/enroll/customer");
}

static int check_with(struct rig *rig, const char *base_url, const char *tenant)
{
    rig->options.base_url = base_url;
    rig->options.tenant = tenant;
    return engine_check(&rig->options, &rig->fail) == 0 ? 0 : (int)rig->fail.kind;
}

static void base_url_and_tenant_are_asked_for(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(check_with(rig, NULL, "TN-1"), FAIL_USAGE);
    assert_non_null(strstr(rig->fail.text, "api.base_url is not set"));
    assert_int_equal(check_with(rig, "", "TN-1"), FAIL_USAGE);
    assert_int_equal(check_with(rig, "http://api.example.com", "TN-1"), FAIL_USAGE);
    assert_int_equal(check_with(rig, "https://api.example.com", NULL), FAIL_USAGE);
    assert_non_null(strstr(rig->fail.text, "api.tenant is not set"));
    assert_int_equal(check_with(rig, "https://api.example.com", "TN\r\nx-evil: 1"), FAIL_USAGE);
    assert_int_equal(check_with(rig, "https://api.example.com", "TN 1"), FAIL_USAGE);
    assert_int_equal(check_with(rig, "https://api.example.com", "TN-1"), 0);
    assert_int_equal(check_with(rig, "http://127.0.0.1:8080/x", "TN-1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(every_row_is_sent_once),
        RIG_TEST(an_empty_ledger_is_done_at_once),
        RIG_TEST(claims_no_more_than_can_leave),
        RIG_TEST(an_answer_is_in_the_ledger_250_ms_later),
        RIG_TEST(a_thousand_answers_do_not_wait),
        RIG_TEST(held_cards_stay_behind_an_accepted_one),
        RIG_TEST(held_cards_stay_behind_an_already_enrolled_one),
        RIG_TEST(the_next_card_goes_when_the_first_is_rejected),
        RIG_TEST(the_next_card_goes_when_the_first_is_exhausted),
        RIG_TEST(the_request_is_what_the_api_describes),
        RIG_TEST(the_token_request_is_what_the_passport_wants),
        RIG_TEST(an_empty_cell_leaves_its_key_out),
        RIG_TEST(slashes_at_the_end_of_the_base_url_do_no_harm),
        RIG_TEST(base_url_and_tenant_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
