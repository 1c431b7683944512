/* Tokens as the run needs them: one an account, renewed in time, replaced when refused; what a missing, a
 * foreign or a refused one means for the run. */
#include "engine_case.h"

#include <string.h>

/* ---- minting ---- */

static void one_mint_serves_an_account(void **state)
{
    struct rig *rig = *state;

    rig_cards(rig, 1, 20, 7);
    rig_cards(rig, 101, 5, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 2);
    assert_int_equal(fake_request(true, 0)->account, 7);
    assert_int_equal(fake_request(true, 1)->account, 8);
    for (int i = 0; i < 25; i++)
        assert_int_equal(fake_request(false, i)->bearer, fake_request(false, i)->card <= 20 ? 1 : 2);
}

static void slow_for_account_7(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    answer->after_ms = request->account == 7 ? 5000 : 20;
}

static void an_account_that_waits_holds_up_no_other(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, slow_for_account_7, NULL);
    rig_cards(rig, 1, 3, 7);
    rig_cards(rig, 101, 3, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_card(101, 0)->at_ms, 20);
    assert_int_equal(fake_card(103, 0)->at_ms, 20);
    assert_int_equal(fake_card(1, 0)->at_ms, 5000);
    assert_int_equal(fake_card(3, 0)->at_ms, 5000);
}

/* One row a second. The token of 20 ms ends at 600,000; a minute before that it is no longer used. */
static void a_token_is_renewed_before_its_end(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.rate = 1;
    rig_cards(rig, 1, 600, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 2);
    assert_in_range(fake_request(true, 1)->at_ms, 540000, 541100);
    for (int i = 0; i < 600; i++)
        assert_int_equal(fake_request(false, i)->bearer, fake_request(false, i)->at_ms < 540000 ? 1 : 2);
}

static void lives_10_s(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    fake_token(answer, request->account, 10000);
}

/* fake_token is asked twice for each, once for the answer that is replaced: the bearers are 2, 4, 6 ... */
static void of_a_short_life_half_is_used(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, lives_10_s, NULL);
    rig->options.pace.rate = 2;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_in_range(fake_count(true), 4, 5);
    for (int i = 0; i < 40; i++) {
        const struct fake_request *request = fake_request(false, i);
        const struct fake_request *mint = fake_request(true, request->bearer / 2 - 1);
        assert_true(request->at_ms - mint->at_ms <= 5000);
    }
}

/* ---- 401 ---- */

/* How many bearers, counted from the first, are refused. */
static void refuses_bearers(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const int *refused = context;

    if (request->bearer > *refused)
        return;
    answer->status = 401;
    answer->body = "{\"message\":\"Unauthorized\"}";
}

static void a_refused_token_costs_no_attempt(void **state)
{
    struct rig *rig = *state;
    int refused = 1;

    fake_serve(refuses_bearers, NULL, &refused);
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    assert_int_equal(fake_count(false), 2);
    assert_int_equal(fake_count(true), 2);
    assert_int_equal(fake_card(1, 1)->at_ms, 90); /* token, answer, token: no delay between them */
    assert_string_equal(fake_header(fake_card(1, 1), "x-cid"), fake_header(fake_card(1, 0), "x-cid"));
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM attempt"), 0);
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = 401"), 1);
}

static void a_storm_of_refusals_costs_one_mint(void **state)
{
    struct rig *rig = *state;
    int refused = 1;

    fake_serve(refuses_bearers, NULL, &refused);
    rig_cards(rig, 1, 8, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 16);
    assert_int_equal(fake_count(true), 2);
    for (int64_t card = 1; card <= 8; card++)
        rig_expect(rig, card, "accepted", 1);
}

/* The refusals come one after the other: the later ones when the new token is there. */
static void refuses_at_length(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    answer->after_ms = 50 + 40 * (request->card % 4);
    refuses_bearers(request, answer, context);
}

/* All tokens are revoked while rows of three accounts fly. */
static void a_revocation_costs_a_mint_an_account(void **state)
{
    struct rig *rig = *state;
    int refused = 3;

    fake_serve(refuses_at_length, NULL, &refused);
    rig->options.pace.concurrency = 12;
    for (int64_t account = 7; account <= 9; account++)
        rig_cards(rig, account * 100, 4, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 24);
    assert_int_equal(fake_count(true), 6);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE attempts <> 1 OR state <> 5"), 0);
}

static void the_second_refusal_in_a_row_costs_an_attempt(void **state)
{
    struct rig *rig = *state;
    int refused = 2;

    fake_serve(refuses_bearers, NULL, &refused);
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 2);
    assert_int_equal(fake_count(false), 3);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM attempt WHERE code = 'unauthorized' AND "
                                     "http_status = 401 AND attempt = 1"),
                     1);
}

/* Bearer 1 is refused; bearer 2 serves until it is revoked when card 5 comes. */
static void revokes_at_card_5(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->bearer == 1 || (request->card == 5 && request->bearer == 2))
        answer->status = 401;
}

static void a_token_that_served_is_no_longer_fresh(void **state)
{
    struct rig *rig = *state;

    fake_serve(revokes_at_card_5, NULL, NULL);
    rig->options.pace.concurrency = 1;
    rig_cards(rig, 1, 6, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    for (int64_t card = 1; card <= 6; card++)
        rig_expect(rig, card, "accepted", 1);
    assert_int_equal(fake_count(true), 3);
}

static void refused_rows(struct rig *rig, fake_host *api, int refused, int outcome)
{
    fake_serve(api, NULL, &refused);
    rig->options.pace.concurrency = 1;
    rig->options.pace.retry_base_ms = rig->options.pace.retry_cap_ms = 3600000;
    for (int64_t account = 1; account <= 12; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), outcome);
}

static void ten_refused_rows_in_a_row_end_the_run(void **state)
{
    struct rig *rig = *state;
    int sent;

    refused_rows(rig, refuses_bearers, 1000, FAIL_REMOTE);
    assert_non_null(strstr(rig->fail.text, "401"));
    assert_int_equal(rig_count(rig, "ready"), 12);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 10);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE attempts > 1"), 0);
    sent = fake_count(false);
    assert_int_equal(sent, 21); /* while a refused row waits for its token, the next one leaves */
    assert_int_equal(fake_request(false, sent - 1)->ended_ms, fake_now_ms());
}

/* Of account 6 the first token is good. */
static void refuses_but_6(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->card != 6 && request->nth <= 2)
        answer->status = 401;
}

static void a_row_that_passes_breaks_the_series(void **state)
{
    struct rig *rig = *state;

    refused_rows(rig, refuses_but_6, 0, RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 12);
    rig_expect(rig, 6, "accepted", 1);
    rig_expect(rig, 7, "accepted", 2);
}

/* ---- what ends the run ---- */

struct mint_fault {
    int64_t account;
    int64_t claims; /* the account that its token names; 0: no token */
    int status;
    enum http_end end;
    const char *body;
};

static void fault(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct mint_fault *is = context;

    if (request->account != is->account)
        return;
    if (is->claims) {
        fake_token(answer, is->claims, FAKE_TOKEN_LIFE_MS);
        return;
    }
    answer->end = is->end;
    answer->status = is->status;
    answer->body = is->body ? is->body : "{\"message\":\"no\"}";
}

/* Account 8's token is at fault, after account 7's three rows have left. */
static void expect_end(struct rig *rig, struct mint_fault is, const char *words)
{
    fake_serve(NULL, fault, &is);
    rig->options.pace.concurrency = 1;
    rig_cards(rig, 1, 3, 7);
    rig_cards(rig, 101, 3, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    if (!strstr(rig->fail.text, words))
        fail_msg("%s; expected: %s", rig->fail.text, words);
    assert_null(fake_card(101, 0));
    assert_int_equal(fake_request(true, fake_count(true) - 1)->account, 8);
    assert_int_equal(rig_count(rig, "sent"), 0);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now WHERE account_id = 8"), 0);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), rig_count(rig, "accepted"));
}

static void a_token_of_another_account_ends_the_run(void **state)
{
    expect_end(*state, (struct mint_fault){.account = 8, .claims = 9}, "account 8 is another account's");
}

static void refused_credentials_end_the_run(void **state)
{
    expect_end(*state, (struct mint_fault){.account = 8, .status = 401}, "refuses the credentials");
}

static void forbidden_credentials_end_the_run(void **state)
{
    expect_end(*state, (struct mint_fault){.account = 8, .status = 403}, "refuses the credentials");
}

static void tls_trouble_with_the_token_host_ends_the_run(void **state)
{
    expect_end(*state, (struct mint_fault){.account = 8, .end = HTTP_TLS}, "TLS");
}

static void an_answer_without_a_token_ends_the_run(void **state)
{
    expect_end(*state, (struct mint_fault){.account = 8, .status = 200, .body = "{}"}, "cannot be read");
}

/* ---- accounts without a token ---- */

static void no_token_for(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const int64_t *from = context; /* this account and those after it */

    if (request->account < *from)
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"account not found\"}";
}

static void an_account_without_a_token_spends_its_attempts(void **state)
{
    struct rig *rig = *state;
    int64_t from = 8;

    fake_serve(NULL, no_token_for, &from);
    rig_cards(rig, 1, 3, 7);
    rig_cards(rig, 101, 3, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE state = 10 AND account_id = 8 AND "
                                     "code = 'no_token' AND http_status IS NULL"),
                     3);
    assert_string_equal(rig_text(rig, "SELECT message FROM card_now WHERE card_id = 101"),
                        "HTTP 400: account not found");
    assert_int_equal(fake_count(false), 3);
}

static void ten_accounts_without_a_token_end_the_run(void **state)
{
    struct rig *rig = *state;
    int64_t from = 2;

    fake_serve(NULL, no_token_for, &from);
    rig->options.token_pace.concurrency = 1;
    for (int64_t account = 1; account <= 15; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_non_null(strstr(rig->fail.text, "no token for 10 accounts in a row"));
    assert_int_equal(fake_count(true), 11);
    assert_int_equal(rig_count(rig, "rejected"), 0);
    assert_int_equal(rig_count(rig, "ready"), 14);
}

/* Twelve exchanges of one account's rows are not twelve accounts. */
static void one_account_without_a_token_is_one(void **state)
{
    struct rig *rig = *state;
    int64_t from = 8;

    fake_serve(NULL, no_token_for, &from);
    rig->options.pace.rate = rig->options.pace.burst = 20;
    rig_cards(rig, 1, 3, 7);
    rig_cards(rig, 101, 400, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3);
    assert_int_equal(rig_count(rig, "exhausted"), 400);
}

/* Nine without, one with, nine without. */
static void no_token_but_for_two(const struct fake_request *request, struct fake_answer *answer,
                                 void *context)
{
    (void)context;
    if (request->account == 1 || request->account == 11)
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"account not found\"}";
}

static void an_account_with_a_token_breaks_the_series(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, no_token_but_for_two, NULL);
    rig->options.token_pace.concurrency = 1;
    for (int64_t account = 1; account <= 20; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "exhausted"), 18);
    assert_int_equal(rig_count(rig, "accepted"), 2);
}

static void when_the_first_account_has_no_token_nothing_is_rejected(void **state)
{
    struct rig *rig = *state;
    int64_t from = 1;

    fake_serve(NULL, no_token_for, &from);
    rig_cards(rig, 1, 5, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_int_equal(rig_count(rig, "ready"), 5);
    assert_int_equal(fake_count(true), 1);
}

static void quick_to_refuse_7(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->account != 7)
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"no such account\"}";
    answer->after_ms = 1;
}

static void a_refusal_that_comes_first_waits_for_the_mints_under_way(void **state)
{
    struct rig *rig = *state;

    rig->options.max_attempts = 2;
    fake_serve(NULL, quick_to_refuse_7, NULL);
    rig_cards(rig, 1, 2, 7);
    rig_cards(rig, 11, 3, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "exhausted"), 2);
    assert_int_equal(rig_count(rig, "accepted"), 3);
}

/* ---- the token host away ---- */

static void busy_for_30_s(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const char *const *retry_after = context;

    if (request->at_ms >= 30000)
        return;
    answer->status = 503;
    answer->body = "busy";
    answer->retry_after = *retry_after;
}

static void expect_token_hold(struct rig *rig, const char *retry_after)
{
    fake_serve(NULL, busy_for_30_s, &retry_after);
    rig_cards(rig, 1, 5, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    for (int64_t card = 1; card <= 5; card++)
        rig_expect(rig, card, "accepted", 1);
    assert_int_equal(fake_count(false), 5);
    assert_true(fake_request(false, 0)->at_ms >= 30020);
}

static void a_busy_token_host_is_a_hold(void **state)
{
    expect_token_hold(*state, "");
    assert_in_range(fake_count(true), 4, 15); /* with growing pauses */
    assert_in_range(fake_request(true, 1)->at_ms, 20, 1021);
}

static void fails_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->nth == 1)
        answer->status = 500;
}

static void a_failed_mint_is_tried_again_in_time(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, fails_once, NULL);
    rig->options.token_pace.retry_base_ms = rig->options.token_pace.retry_cap_ms = 100;
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_in_range(fake_request(true, 1)->at_ms, 20, 121);
    assert_int_equal(fake_count(true), 2);
}

/* Four mints fail in one millisecond: that is one failure, with the delay of a first. */
static void mints_that_fail_together_are_one_failure(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, fails_once, NULL);
    for (int64_t account = 1; account <= 4; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 8);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fake_request(true, i)->at_ms, 0);
        assert_in_range(fake_request(true, 4 + i)->at_ms, 21, 1021);
    }
    assert_int_equal(rig_logs(rig, "no token for now"), 1);
}

/* Five failures for account 7, one for account 8: its delay is a first one's again. */
static void fails_five_times_then_once(const struct fake_request *request, struct fake_answer *answer,
                                       void *context)
{
    (void)context;
    if (request->nth <= (request->account == 7 ? 5 : 1))
        answer->status = 500;
}

static void a_mint_that_succeeds_ends_the_series_of_delays(void **state)
{
    struct rig *rig = *state;
    const struct fake_request *failed;

    fake_serve(NULL, fails_five_times_then_once, NULL);
    rig->options.token_pace.concurrency = 1;
    rig_cards(rig, 1, 1, 7);
    rig_cards(rig, 2, 1, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 8);
    failed = fake_request(true, 6);
    assert_int_equal(failed->account, 8);
    assert_in_range(fake_request(true, 7)->at_ms - failed->ended_ms, 0, 1000);
    assert_true(fake_request(true, 5)->at_ms > 4000);
}

static void the_token_hosts_retry_after_holds_its_mints(void **state)
{
    expect_token_hold(*state, "40");
    assert_int_equal(fake_count(true), 2);
    assert_int_equal(fake_request(true, 1)->at_ms, 40020);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(one_mint_serves_an_account),
        RIG_TEST(an_account_that_waits_holds_up_no_other),
        RIG_TEST(a_token_is_renewed_before_its_end),
        RIG_TEST(of_a_short_life_half_is_used),
        RIG_TEST(a_refused_token_costs_no_attempt),
        RIG_TEST(a_storm_of_refusals_costs_one_mint),
        RIG_TEST(a_revocation_costs_a_mint_an_account),
        RIG_TEST(the_second_refusal_in_a_row_costs_an_attempt),
        RIG_TEST(a_token_that_served_is_no_longer_fresh),
        RIG_TEST(ten_refused_rows_in_a_row_end_the_run),
        RIG_TEST(a_row_that_passes_breaks_the_series),
        RIG_TEST(a_token_of_another_account_ends_the_run),
        RIG_TEST(refused_credentials_end_the_run),
        RIG_TEST(forbidden_credentials_end_the_run),
        RIG_TEST(tls_trouble_with_the_token_host_ends_the_run),
        RIG_TEST(an_answer_without_a_token_ends_the_run),
        RIG_TEST(an_account_without_a_token_spends_its_attempts),
        RIG_TEST(ten_accounts_without_a_token_end_the_run),
        RIG_TEST(an_account_with_a_token_breaks_the_series),
        RIG_TEST(when_the_first_account_has_no_token_nothing_is_rejected),
        RIG_TEST(a_refusal_that_comes_first_waits_for_the_mints_under_way),
        RIG_TEST(one_account_without_a_token_is_one),
        RIG_TEST(a_busy_token_host_is_a_hold),
        RIG_TEST(a_failed_mint_is_tried_again_in_time),
        RIG_TEST(mints_that_fail_together_are_one_failure),
        RIG_TEST(a_mint_that_succeeds_ends_the_series_of_delays),
        RIG_TEST(the_token_hosts_retry_after_holds_its_mints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
