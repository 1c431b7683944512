/* What an answer means for its row and for the run. */
#include "engine_case.h"

#include <stdlib.h>
#include <string.h>

#define ALREADY "{\"code\":400,\"message\":\"customer already on click to pay\"}"
#define BAD "{\"code\":400,\"message\":\"bad request\"}"

/* Card n is answered by ends[n - 1]; every later attempt as `then` says, or 202. */
struct script {
    enum http_end end;
    int status;
    const char *body;
    int then_status; /* 0: 202 */
    const char *state, *code;
    int attempts, uncertain, http_status;
    bool resent;
};

static const struct script scripts[] = {
    {HTTP_ANSWERED, 202, "", 0, "accepted", "accepted", 1, 0, 202, false},
    {HTTP_ANSWERED, 202, "<html>whatever</html>", 0, "accepted", "accepted", 1, 0, 202, false},
    {HTTP_ANSWERED, 400, ALREADY, 0, "already", "already_on_click_to_pay", 1, 0, 400, false},
    {HTTP_ANSWERED, 400, BAD, 0, "rejected", "bad_request", 1, 0, 400, false},
    {HTTP_ANSWERED, 422, "", 0, "rejected", "http_422", 1, 0, 422, false},
    {HTTP_ANSWERED, 408, "", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_ANSWERED, 409, BAD, 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_ANSWERED, 425, "", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_ANSWERED, 429, "", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_ANSWERED, 500, "", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_ANSWERED, 503, "<html>busy</html>", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_NOT_SENT, 0, "", 0, "accepted", "accepted", 2, 0, 202, false},
    {HTTP_NOT_SENT, 0, "", 400, "already", "already_on_click_to_pay", 2, 0, 400, false},
    {HTTP_LOST, 0, "", 0, "accepted", "accepted", 2, 1, 202, false},
    {HTTP_LOST, 0, "", 400, "accepted", "already_on_click_to_pay", 2, 1, 400, false},
    {HTTP_BROKEN, 0, "", 400, "accepted", "already_on_click_to_pay", 2, 1, 400, false},
    {HTTP_ANSWERED, 502, "", 400, "already", "already_on_click_to_pay", 2, 0, 400, false},
    {HTTP_ANSWERED, 400, ALREADY, 0, "accepted", "already_on_click_to_pay", 1, 1, 400, true},
    {HTTP_NOT_SENT, 0, "", 400, "accepted", "already_on_click_to_pay", 2, 1, 400, true},
    {HTTP_BROKEN, 202, "", 0, "accepted", "accepted", 1, 0, 202, false},
    {HTTP_LOST, 202, "", 0, "accepted", "accepted", 1, 0, 202, false},
    {HTTP_LOST, 400, ALREADY, 0, "accepted", "accepted", 2, 1, 202, false},
};

enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

static void by_script(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct script *script = &scripts[request->card - 1];

    (void)context;
    if (request->nth == 1) {
        answer->end = script->end;
        answer->status = script->status;
        answer->body = script->body;
        answer->resent = script->resent;
    } else if (script->then_status) {
        answer->status = script->then_status;
        answer->body = ALREADY;
    }
}

static void expect_script(struct rig *rig, int64_t card, const struct script *script)
{
    rig_expect(rig, card, script->state, script->attempts);
    assert_string_equal(rig_text(rig, "SELECT code FROM card_now WHERE card_id = %d", (int)card),
                        script->code);
    assert_int_equal(rig_number(rig, "SELECT uncertain FROM card_now WHERE card_id = %d", (int)card),
                     script->uncertain);
    assert_int_equal(rig_number(rig, "SELECT http_status FROM card_now WHERE card_id = %d", (int)card),
                     script->http_status);
    for (int i = 0; i < script->attempts; i++)
        assert_string_equal(fake_header(fake_card(card, i), "x-cid"),
                            fake_header(fake_card(card, 0), "x-cid"));
    assert_null(fake_card(card, script->attempts));
}

static void each_answer_has_its_verdict(void **state)
{
    struct rig *rig = *state;

    fake_serve(by_script, NULL, NULL);
    rig_cards(rig, 1, SCRIPTS, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    for (int i = 0; i < SCRIPTS; i++)
        expect_script(rig, i + 1, &scripts[i]);
    for (int i = 0; i < SCRIPTS; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(fake_header(fake_card(i + 1, 0), "x-cid"),
                                    fake_header(fake_card(k + 1, 0), "x-cid"));
}

static void every_attempt_is_kept(void **state)
{
    struct rig *rig = *state;

    fake_serve(by_script, NULL, NULL);
    rig_cards(rig, 1, SCRIPTS, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_string_equal(
        rig_text(rig, "SELECT group_concat(c.card_id || ' ' || a.attempt || ' ' || a.code || ' ' || "
                      "coalesce(a.http_status, '-'), ', ') FROM (SELECT * FROM attempt ORDER BY card) "
                      "AS a JOIN card AS c ON c.id = a.card"),
        "6 1 request_timeout 408, 7 1 conflict 409, 8 1 too_early 425, 9 1 too_many_requests 429, "
        "10 1 server_error 500, 11 1 http_503 503, 12 1 connect_failed -, 13 1 connect_failed -, "
        "14 1 answer_lost -, 15 1 answer_lost -, 16 1 answer_lost -, 17 1 http_502 502, "
        "19 1 connect_failed -, 22 1 answer_lost -");
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = 202"), 13);
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = 400"), 8);
}

/* A lost answer on every attempt: exhausted, and uncertain to the end. */
static void lost(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->end = HTTP_LOST;
}

static void lost_answers_exhaust_a_row_as_uncertain(void **state)
{
    struct rig *rig = *state;

    fake_serve(lost, NULL, NULL);
    rig->options.max_attempts = 3;
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "exhausted", 3);
    assert_int_equal(rig_number(rig, "SELECT uncertain FROM card_now"), 1);
    assert_int_equal(fake_count(false), 3);
    assert_string_equal(fake_header(fake_card(1, 2), "x-cid"), fake_header(fake_card(1, 0), "x-cid"));
}

/* ---- retry.on_lost_answer = hold ---- */

/* Card 1 loses its answer, 2 meets a connection that breaks off, 3 a closed port, 4 a bad moment, 5 was sent
 * by libcurl a second time before it failed; 6 is a further card of customer 1. */
static void loses(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    static const enum http_end ends[] = {HTTP_LOST, HTTP_BROKEN, HTTP_NOT_SENT, HTTP_ANSWERED, HTTP_ANSWERED};

    (void)context;
    if (request->nth > 1)
        return;
    answer->end = ends[request->card - 1];
    answer->status = request->card < 4 ? 0 : 500;
    answer->resent = request->card == 5;
}

static void expect_held(struct rig *rig, int64_t card, int attempts)
{
    rig_expect(rig, card, "held", attempts);
    assert_string_equal(rig_text(rig, "SELECT code FROM card_now WHERE card_id = %d", (int)card),
                        "answer_lost");
    assert_int_equal(rig_number(rig, "SELECT uncertain FROM card_now WHERE card_id = %d", (int)card), 1);
    assert_int_equal(rig_number(rig, "SELECT due_ms FROM card_now WHERE card_id = %d", (int)card), -1);
    assert_int_equal(rig_number(rig,
                                "SELECT count(*) FROM attempt AS a JOIN card AS c ON c.id = a.card "
                                "WHERE c.card_id = %d AND a.code = 'answer_lost'",
                                (int)card),
                     1);
}

static void lost_answers_can_be_held(void **state)
{
    struct rig *rig = *state;

    rig->hold_lost = true;
    fake_serve(loses, NULL, NULL);
    rig_cards(rig, 1, 5, 7);
    rig_card(rig, 1000001, 7, 6);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    expect_held(rig, 1, 1);
    expect_held(rig, 2, 1);
    rig_expect(rig, 3, "accepted", 2);
    rig_expect(rig, 4, "accepted", 2);
    expect_held(rig, 5, 1);
    rig_expect(rig, 6, "held", 0);
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'state' AND key = 2"), 4);
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 7);
}

/* Behind the closed gate a failure costs nothing, and the row would be due again. */
static void a_probe_whose_answer_is_lost_is_held(void **state)
{
    struct rig *rig = *state;

    rig->hold_lost = true;
    fake_serve(lost, NULL, NULL);
    rig->options.pace.breaker_failures = 2;
    rig->options.pace.concurrency = 1;
    rig_cards(rig, 1, 6, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "held"), 6);
    assert_int_equal(fake_count(false), 6);
}

static void a_killed_run_leaves_its_rows_held(void **state)
{
    struct rig *rig = *state;
    int sent;

    rig->hold_lost = true;
    rig->options.pace.rate = 20;
    rig_cards(rig, 1, 60, 7);
    rig_load(rig);
    rig->kill_at_ms = 1000;
    assert_int_equal(rig_run(rig), RUN_KILLED);
    sent = rig_count(rig, "sent");
    assert_true(sent > 0);
    rig_restart(rig, true);
    rig->kill_at_ms = 0;
    assert_int_equal(rig->recovered, sent);
    assert_int_equal(rig_number(rig,
                                "SELECT count(*) FROM card_now WHERE state = 2 AND uncertain AND due_ms = -1 "
                                "AND code = 'answer_lost' AND attempts = 1"),
                     sent);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "held"), sent);
    assert_int_equal(rig_count(rig, "accepted"), 60 - sent);
    for (int64_t card = 1; card <= 60; card++)
        assert_null(fake_card(card, 1));
}

/* ---- what the server says ---- */

static void quotes_the_request(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 400;
    answer->body = "{\"code\":400,\"message\":\"bad request\",\"details\":"
                   "[\"name Modelo is not liked\",\"a.modelo@example.com is not an email\"]}";
}

static void give_one_customer(struct rig *rig)
{
    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id\n5,7,1\n");
    buf_add_text(&rig->customers,
                 "customer_id,first_name,last_name,emails\n5,Ana,Modelo,a.modelo@example.com\n");
    rig_load(rig);
}

static void no_value_of_the_request_enters_the_ledger(void **state)
{
    struct rig *rig = *state;
    const char *message;

    fake_serve(quotes_the_request, NULL, NULL);
    give_one_customer(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "rejected", 1);
    message = rig_text(rig, "SELECT message FROM card_now");
    assert_non_null(strstr(message, "bad request"));
    assert_non_null(strstr(message, "is not liked"));
    assert_null(strstr(message, "Modelo"));
    assert_null(strstr(message, "modelo"));
    assert_null(strstr(message, "example.com"));
}

static void forge_cards(void *context)
{
    struct rig *rig = context;

    rig_write(rig->cards_path, SPAN("customer_id,account_id,card_id\n5,9,1\n"));
}

/* The numbers are the same: only the change itself tells that the name would mask nothing. */
static void forge_customers(void *context)
{
    struct rig *rig = context;

    rig_write(rig->customers_path,
              SPAN("customer_id,first_name,last_name,emails\n5,Eva,Sample,e.sample@example.com\n"));
}

static void expect_no_message(struct rig *rig, void (*forge)(void *))
{
    fake_serve(quotes_the_request, NULL, NULL);
    give_one_customer(rig);
    fake_at(50, forge, rig);
    assert_int_equal(rig_run(rig), FAIL_INPUT);
    rig_expect(rig, 1, "rejected", 1);
    assert_string_equal(rig_text(rig, "SELECT message FROM card_now"), "");
}

static void what_cannot_be_masked_is_not_kept(void **state)
{
    expect_no_message(*state, forge_cards);
}

static void what_another_file_would_mask_is_not_kept(void **state)
{
    expect_no_message(*state, forge_customers);
}

/* ---- what ends the run ---- */

static const struct fatal {
    enum http_end end;
    int status;
    const char *body, *words;
} fatals[] = {
    {HTTP_ANSWERED, 400, "{\"message\":\"click to pay not enabled to tenant\"}",
     "not_enabled_to_tenant (400)"},
    {HTTP_ANSWERED, 400, "{\"message\":\"AccountID: cannot be blank\"}", "account_blank (400)"},
    {HTTP_ANSWERED, 400, "{\"message\":\"x\",\"details\":[\"OrgID: cannot be blank\"]}", "org_blank (400)"},
    {HTTP_ANSWERED, 403, "<html>edge</html>", "forbidden (403)"},
    {HTTP_ANSWERED, 404, "", "not_found (404)"},
    {HTTP_ANSWERED, 405, "", "method_not_allowed (405)"},
    {HTTP_ANSWERED, 302, "", "redirected (302)"},
    {HTTP_TLS, 0, "", "tls_failed (0)"},
};

static void fatal_for_card_10(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct fatal *fatal = context;

    answer->after_ms = request->card < 10 ? 300 : 200;
    if (request->card != 10)
        return;
    answer->end = fatal->end;
    answer->status = fatal->status;
    answer->body = fatal->body;
}

/* 20 a second; answers take 200 or 300 ms. What flies when card 10's answer comes is waited for and settled;
 * the claimed rows go back as they were. */
static void expect_fatal(struct rig *rig, const struct fatal *fatal)
{
    int sent;

    fake_serve(fatal_for_card_10, NULL, (void *)(uintptr_t)fatal);
    rig->options.pace.rate = 20;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    if (!strstr(rig->fail.text, fatal->words))
        fail_msg("%s; expected: %s", rig->fail.text, fatal->words);
    sent = fake_count(false);
    assert_in_range(sent, 11, 16);
    assert_true(fake_request(false, sent - 1)->at_ms <= fake_card(10, 0)->ended_ms);
    rig_expect(rig, 10, "ready", 0);
    assert_int_equal(rig_count(rig, "accepted"), sent - 1);
    assert_int_equal(rig_count(rig, "ready"), 40 - sent + 1);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), sent - 1);
    assert_int_equal(rig->figures.accepted, sent - 1);
    assert_true(rig->figures.stopping);
}

static void a_fatal_answer_stops_sends_and_leaves_every_row(void **state)
{
    struct rig **rig = (struct rig **)state;

    for (size_t i = 0; i < sizeof fatals / sizeof fatals[0]; i++) {
        expect_fatal(*rig, &fatals[i]);
        assert_int_equal(rig_close(state), 0);
        assert_int_equal(rig_open(state), 0);
    }
}

/* The next run takes up what the fatal answer left. */
static void a_run_after_a_fatal_answer_finishes(void **state)
{
    struct rig *rig = *state;

    expect_fatal(rig, &fatals[0]);
    rig_restart(rig, false);
    assert_int_equal(rig->recovered, 0);
    fake_serve(NULL, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 40);
    rig_expect(rig, 10, "accepted", 1);
    assert_string_equal(fake_header(fake_card(10, 1), "x-cid"), fake_header(fake_card(10, 0), "x-cid"));
    assert_int_equal(fake_count(false), 41);
}

static void two_fatal_answers(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    answer->status = request->card == 1 ? 403 : 404;
}

static void the_first_fatal_answer_is_the_one_told(void **state)
{
    struct rig *rig = *state;

    fake_serve(two_fatal_answers, NULL, NULL);
    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_non_null(strstr(rig->fail.text, "forbidden (403)"));
}

/* ---- [verdicts] ---- */

static void answers_409(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->nth == 1)
        answer->status = request->card == 1 ? 409 : 403;
    answer->body = "{\"message\":\"Under Maintenance\"}";
}

static void the_configurations_verdicts_come_first(void **state)
{
    struct rig *rig = *state;
    const struct api_verdict verdicts[] = {{409, 409, "", VERDICT_REJECTED, NULL},
                                           {403, 403, "maintenance", VERDICT_TRANSIENT, NULL}};

    rig->options.verdicts = verdicts;
    rig->options.verdict_count = 2;
    fake_serve(answers_409, NULL, NULL);
    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "rejected", 1);
    rig_expect(rig, 2, "accepted", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(each_answer_has_its_verdict),
        RIG_TEST(every_attempt_is_kept),
        RIG_TEST(lost_answers_exhaust_a_row_as_uncertain),
        RIG_TEST(lost_answers_can_be_held),
        RIG_TEST(a_probe_whose_answer_is_lost_is_held),
        RIG_TEST(a_killed_run_leaves_its_rows_held),
        RIG_TEST(no_value_of_the_request_enters_the_ledger),
        RIG_TEST(what_cannot_be_masked_is_not_kept),
        RIG_TEST(what_another_file_would_mask_is_not_kept),
        RIG_TEST(a_fatal_answer_stops_sends_and_leaves_every_row),
        RIG_TEST(a_run_after_a_fatal_answer_finishes),
        RIG_TEST(the_first_fatal_answer_is_the_one_told),
        RIG_TEST(the_configurations_verdicts_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
