/* Further cards on the wire: which URL and body, one request of a customer at a time, and what a killed run,
 * a refusal or an "already" makes of them. */
#include "engine_case.h"

#include <string.h>

#define ALREADY "{\"code\":400,\"message\":\"customer already on click to pay\"}"
#define CARD_URL "https://api.example.com/cards-tokenization/v1/clicktopay/visa/enroll/card"
#define CUSTOMER_URL "https://api.example.com/cards-tokenization/v1/clicktopay/visa/enroll/customer"

static void set_path(struct rig *rig)
{
    rig->options.card_path = "/v1/clicktopay/visa/enroll/card";
    assert_int_equal(ledger_set_card_path(rig->ledger, true, FAKE_WALL_MS, &rig->fail), 0);
}

/* The customer call finds every customer there. */
static void customers_are_there(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (strcmp(request->url, CUSTOMER_URL) != 0)
        return;
    answer->status = 400;
    answer->body = ALREADY;
}

static void three_cards_of_one_customer(struct rig *rig)
{
    rig_card(rig, 11, 21, 501);
    rig_card(rig, 11, 21, 502);
    rig_card(rig, 11, 22, 503); /* of another account: another token */
    rig_load(rig);
}

static void the_same_card_goes_on_by_the_card_call(void **state)
{
    struct rig *rig = *state;
    const struct fake_request *request;

    three_cards_of_one_customer(rig);
    set_path(rig);
    fake_serve(customers_are_there, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 4);
    request = fake_request(false, 0);
    assert_string_equal(request->url, CUSTOMER_URL);
    assert_int_equal(request->card, 501);
    request = fake_request(false, 1);
    assert_string_equal(request->url, CARD_URL);
    assert_string_equal(request->body, "{\"owner_bid\":\"1000052\",\"card_id\":501}");
    assert_string_equal(fake_header(request, "x-customer-id"), "11");
    assert_string_equal(fake_header(request, "x-tenant"), "TN-example");
    assert_string_equal(fake_header(request, "x-cid"), fake_header(fake_request(false, 0), "x-cid"));
    request = fake_request(false, 2);
    assert_string_equal(request->url, CARD_URL);
    assert_string_equal(request->body, "{\"owner_bid\":\"1000052\",\"card_id\":502}");
    assert_string_not_equal(fake_header(request, "x-cid"), fake_header(fake_request(false, 0), "x-cid"));
    request = fake_request(false, 3);
    assert_string_equal(request->url, CARD_URL);
    assert_int_equal(request->card, 503);
    for (int i = 0; i < 4; i++)
        assert_int_equal(fake_request(false, i)->flying, 1);
    rig_expect(rig, 501, "accepted", 2);
    rig_expect(rig, 502, "accepted", 1);
    rig_expect(rig, 503, "accepted", 1);
}

static void without_a_path_it_ends_there(void **state)
{
    struct rig *rig = *state;

    three_cards_of_one_customer(rig);
    fake_serve(customers_are_there, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 1);
    rig_expect(rig, 501, "already", 1);
    rig_expect(rig, 502, "held", 0);
}

/* A transient answer to the card call is tried again by that call. */
static void busy_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    int *cards = context;

    customers_are_there(request, answer, NULL);
    if (strcmp(request->url, CARD_URL) == 0 && (*cards)++ == 0) {
        answer->status = 503;
        answer->body = "";
    }
}

static void a_busy_server_is_asked_again_by_the_same_call(void **state)
{
    struct rig *rig = *state;
    int cards = 0;

    three_cards_of_one_customer(rig);
    set_path(rig);
    fake_serve(busy_once, NULL, &cards);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(cards, 4);
    assert_string_equal(fake_card(501, 2)->url, CARD_URL);
    rig_expect(rig, 501, "accepted", 3);
    rig_expect(rig, 503, "accepted", 1);
}

/* A path that leads nowhere is fatal: nothing is lost, and the next run with the right one carries on. */
static void no_such_path(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    customers_are_there(request, answer, context);
    if (strcmp(request->url, CUSTOMER_URL) != 0) {
        answer->status = 404;
        answer->body = "";
    }
}

static void a_wrong_path_ends_the_run(void **state)
{
    struct rig *rig = *state;

    three_cards_of_one_customer(rig);
    set_path(rig);
    fake_serve(no_such_path, NULL, NULL);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    rig_expect(rig, 501, "ready", 1);
    rig_restart(rig, false);
    set_path(rig);
    fake_serve(customers_are_there, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 501, "accepted", 2);
    rig_expect(rig, 502, "accepted", 1);
    rig_expect(rig, 503, "accepted", 1);
}

/* Killed while the card call flies: the same call again, under the same correlation ID; "already" then counts
 * as accepted, and the next card goes. */
static void killed(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    struct rig *rig = context;

    customers_are_there(request, answer, NULL);
    if (strcmp(request->url, CARD_URL) != 0)
        return;
    if (rig->kill_at_ms > 0)
        answer->after_ms = FAKE_NEVER;
    else if (request->card == 501) {
        answer->status = 400;
        answer->body = ALREADY;
    }
}

static void a_killed_run_asks_by_the_same_call(void **state)
{
    struct rig *rig = *state;

    three_cards_of_one_customer(rig);
    set_path(rig);
    rig->kill_at_ms = 2000;
    fake_serve(killed, NULL, rig);
    assert_int_equal(rig_run(rig), RUN_KILLED);
    rig_restart(rig, true);
    assert_int_equal(rig->recovered, 1);
    set_path(rig);
    rig->kill_at_ms = 0;
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_string_equal(fake_card(501, 2)->url, CARD_URL);
    assert_string_equal(fake_header(fake_card(501, 2), "x-cid"), fake_header(fake_card(501, 0), "x-cid"));
    rig_expect(rig, 501, "accepted", 3);
    assert_int_equal(rig_number(rig, "SELECT uncertain FROM card_now WHERE card_id = 501"), 1);
    rig_expect(rig, 502, "accepted", 1);
    rig_expect(rig, 503, "accepted", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_same_card_goes_on_by_the_card_call),
        RIG_TEST(without_a_path_it_ends_there),
        RIG_TEST(a_busy_server_is_asked_again_by_the_same_call),
        RIG_TEST(a_wrong_path_ends_the_run),
        RIG_TEST(a_killed_run_asks_by_the_same_call),
    };

    return cmocka_run_group_tests_name("engine_cards", tests, NULL, NULL);
}
