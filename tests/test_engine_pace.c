/* When requests leave: rate, requests in flight, Retry-After, the delays between attempts, the breaker.
 * Proven on the times at which they left, in virtual time. */
#include "engine_case.h"

#include <string.h>

static int64_t left_ms(int i)
{
    return fake_request(false, i)->at_ms;
}

/* ---- rate and requests in flight ---- */

static void expect_rate(struct rig *rig, int rows, int rate)
{
    rig_cards(rig, 1, rows, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), rows);
    assert_int_equal(rig_count(rig, "accepted"), rows);
    for (int i = 0; i + rate < rows; i++)
        if (left_ms(i + rate) - left_ms(i) < 1000)
            fail_msg("%d requests between %lld and %lld ms", rate + 1, (long long)left_ms(i),
                     (long long)left_ms(i + rate));
}

static void no_second_holds_more_than_the_rate(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.rate = rig->options.pace.burst = 10;
    rig->options.pace.concurrency = 64;
    expect_rate(rig, 60, 10);
    assert_in_range(left_ms(59), 4900, 6100);
}

static void a_high_rate_is_held_and_reached(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.rate = rig->options.pace.burst = 400;
    rig->options.pace.concurrency = 64;
    expect_rate(rig, 2000, 400);
    assert_in_range(left_ms(1999), 4000, 5200);
}

static void slow(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->after_ms = 1000;
}

static int takes_time(void *context)
{
    (void)context;
    fake_clock_set(fake_now_ms() + 200);
    return 0;
}

static int slow_commits(sqlite3 *db, char **error, const struct sqlite3_api_routines *routines)
{
    (void)error;
    (void)routines;
    (void)sqlite3_commit_hook(db, takes_time, NULL);
    return SQLITE_OK;
}

/* Answers take 50 ms, so two places could bring 40 a second; 200 ms of each commit are lost. */
static void a_slow_disk_costs_a_share_only(void **state)
{
    struct rig *rig = *state;
    int64_t began_ms;

    rig->options.pace.concurrency = 2;
    rig_cards(rig, 1, 400, 7);
    assert_int_equal(sqlite3_auto_extension((void (*)(void))slow_commits), SQLITE_OK);
    rig_load(rig);
    began_ms = fake_now_ms();
    assert_int_equal(rig_run(rig), RUN_DONE);
    sqlite3_reset_auto_extension();
    assert_int_equal(rig_count(rig, "accepted"), 400);
    assert_in_range(left_ms(399) - began_ms, 10000, 14000);
}

/* The token comes at 20 ms; then five loads of 8, each leaving in the millisecond of the answers before
 * it. */
static void no_more_fly_than_may(void **state)
{
    struct rig *rig = *state;
    int most = 0;

    fake_serve(slow, NULL, NULL);
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    for (int i = 0; i < 40; i++) {
        most = fake_request(false, i)->flying > most ? fake_request(false, i)->flying : most;
        assert_int_equal(left_ms(i), 20 + i / 8 * 1000);
    }
    assert_int_equal(most, 8);
}

static void no_more_mints_fly_than_may(void **state)
{
    struct rig *rig = *state;
    int most = 0;

    rig->options.token_pace.concurrency = 2;
    for (int64_t account = 1; account <= 10; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 10);
    for (int i = 0; i < 10; i++) {
        most = fake_request(true, i)->flying > most ? fake_request(true, i)->flying : most;
        assert_int_equal(fake_request(true, i)->at_ms, i / 2 * 20);
    }
    assert_int_equal(most, 2);
}

static void the_token_host_has_a_rate_of_its_own(void **state)
{
    struct rig *rig = *state;

    rig->options.token_pace.rate = 5;
    for (int64_t account = 1; account <= 15; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 15);
    for (int i = 0; i + 5 < 15; i++)
        assert_true(fake_request(true, i + 5)->at_ms - fake_request(true, i)->at_ms >= 1000);
    assert_in_range(fake_request(true, 14)->at_ms, 2000, 3200);
}

/* ---- Retry-After ---- */

struct pushback {
    int64_t card;
    int status;
    const char *retry_after;
};

static void push_back(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct pushback *push = context;

    if (request->card != push->card || request->nth > 1)
        return;
    answer->status = push->status;
    answer->retry_after = push->retry_after;
}

static void look_into_hold(void *context)
{
    struct rig *rig = context;
    struct engine_figures figures;

    engine_figures(rig->engine, &figures);
    assert_in_range(figures.held_ms, 2000, 30000);
    assert_false(figures.broken);
    assert_int_equal(figures.limit, 8);
    assert_true(rig_number(rig, "SELECT due_ms FROM card_now WHERE card_id = 5") > FAKE_WALL_MS + 4270);
}

/* Nothing leaves between the answer and the moment that it names; then it goes on. */
static void expect_hold(struct rig *rig, struct pushback push, int64_t from_ms, int64_t to_ms)
{
    bool resumed = false;

    fake_serve(push_back, NULL, &push);
    fake_at(1200, look_into_hold, rig);
    rig->options.pace.rate = 20;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 40);
    rig_expect(rig, push.card, "accepted", 2);
    assert_int_equal(fake_card(push.card, 0)->ended_ms, from_ms);
    for (int i = 0; i < fake_count(false); i++) {
        int64_t at_ms = left_ms(i);
        if (at_ms > from_ms && at_ms < to_ms)
            fail_msg("a request left at %lld ms", (long long)at_ms);
        resumed = resumed || (at_ms >= to_ms && at_ms <= to_ms + 25);
    }
    assert_true(resumed);
    assert_true(fake_card(push.card, 1)->at_ms > to_ms);
    assert_int_equal(rig_logs(rig, "the server asks to wait; all sends are held"), 1);
}

static void retry_after_in_seconds_holds_all_sends(void **state)
{
    expect_hold(*state, (struct pushback){5, 429, "7"}, 270, 7270);
}

static void retry_after_as_a_date_holds_all_sends(void **state)
{
    expect_hold(*state, (struct pushback){5, 429, "Mon, 02 Mar 2026 12:00:30 GMT"}, 270, 30000);
}

static void retry_after_counts_with_503_too(void **state)
{
    expect_hold(*state, (struct pushback){5, 503, "4"}, 270, 4270);
}

/* Two days are not waited for: retry.after_cap is. The row itself is due no later. */
static void an_absurd_retry_after_is_cut(void **state)
{
    struct rig *rig = *state;
    struct pushback push = {5, 429, "172800"};

    fake_serve(push_back, NULL, &push);
    rig->options.pace.after_cap_ms = 3600000;
    rig->options.pace.rate = 20;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 40);
    assert_in_range(fake_card(5, 1)->at_ms, 3600270, 3602000);
}

static void token_host_pushes_back(const struct fake_request *request, struct fake_answer *answer,
                                   void *context)
{
    (void)request;
    (void)context;
    if (fake_count(true) != 3)
        return;
    answer->status = 429;
    answer->body = "";
    answer->retry_after = "Mon, 02 Mar 2026 12:00:20 GMT";
}

/* Rows whose tokens are there go on. */
static void retry_after_holds_all_token_requests(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, token_host_pushes_back, NULL);
    rig->options.token_pace.concurrency = 1;
    for (int64_t account = 1; account <= 10; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 10);
    assert_int_equal(fake_count(true), 11);
    assert_in_range(fake_request(true, 2)->at_ms, 40, 100);
    assert_in_range(fake_request(true, 3)->at_ms, 20000, 20050);
    assert_int_equal(rig_logs(rig, "the token host asks to wait; all token requests are held"), 1);
}

static void fails_then_pushes_back(const struct fake_request *request, struct fake_answer *answer,
                                   void *context)
{
    (void)context;
    if (request->nth > 1)
        return;
    answer->status = request->card == 1 ? 500 : 429;
    answer->after_ms = request->card == 1 ? 50 : 400;
    answer->retry_after = request->card == 1 ? "" : "60";
}

/* Card 1 is due again within a second, but the hold lasts for a minute: the loop must wait, not spin. */
static void a_row_that_is_due_in_a_hold_waits(void **state)
{
    struct rig *rig = *state;

    fake_serve(fails_then_pushes_back, NULL, NULL);
    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 2);
    rig_expect(rig, 2, "accepted", 2);
    assert_int_equal(fake_count(false), 4);
    assert_in_range(left_ms(2), 60420, 60445);
}

/* ---- the delays between attempts ---- */

static void fails_card_1_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->card == 1 && request->nth == 1)
        answer->status = 500;
}

static void retries_go_before_new_rows(void **state)
{
    struct rig *rig = *state;

    fake_serve(fails_card_1_once, NULL, NULL);
    rig->options.pace.rate = 10;
    rig_cards(rig, 1, 60, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_in_range(fake_card(1, 1)->at_ms, 71, 1071 + 500);
    assert_true(fake_card(60, 0)->at_ms >= 5900);
}

/* Every third row fails on each attempt but its sixth. */
static void fails_often(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->card % 3 != 0 && request->nth < 6)
        answer->status = 500;
}

/* Two of three rows fail: without a budget the retries would take two thirds of the rate, and push the new
 * rows aside. With it, while there are new rows, they are a fifth of any ten seconds and five a second. */
static void retries_have_a_budget(void **state)
{
    struct rig *rig = *state;
    int64_t last_first_ms = 0;
    int retries = 0, firsts = 0;

    fake_serve(fails_often, NULL, NULL);
    rig->options.pace.rate = 100;
    rig->options.pace.concurrency = 64;
    rig->options.pace.breaker_failures = 0;
    rig->options.pace.retry_share = 0.2;
    rig->options.pace.retry_floor = 5;
    rig_cards(rig, 1, 1600, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 1600);
    for (int64_t card = 1; card <= 1600; card++)
        last_first_ms = fake_card(card, 0)->at_ms > last_first_ms ? fake_card(card, 0)->at_ms : last_first_ms;
    for (int i = 0; i < fake_count(false) && left_ms(i) <= last_first_ms; i++) {
        retries += fake_request(false, i)->nth > 1;
        firsts += fake_request(false, i)->nth == 1;
    }
    assert_int_equal(firsts, 1600);
    assert_in_range(retries * 100 / (retries + firsts), 20, 27);
    assert_in_range(last_first_ms, 18500, 23000);
}

static void fails_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->nth == 1)
        answer->status = 500;
}

/* Every row needs a second attempt: when no first ones are left, the backlog goes at the full rate. */
static void a_healthy_server_works_a_backlog_off(void **state)
{
    struct rig *rig = *state;

    fake_serve(fails_once, NULL, NULL);
    rig->options.pace.rate = 100;
    rig->options.pace.concurrency = 64;
    rig->options.pace.breaker_failures = 0;
    rig->options.pace.retry_share = 0.2;
    rig->options.pace.retry_floor = 5;
    rig_cards(rig, 1, 1000, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 1000);
    assert_in_range(fake_now_ms(), 20000, 23000);
}

static void fails_always(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 500;
}

/* Nothing is ever answered well: a few a second, so nobody starves. */
static void retries_never_starve(void **state)
{
    struct rig *rig = *state;

    fake_serve(fails_always, NULL, NULL);
    rig->options.pace.breaker_failures = 0;
    rig->options.pace.retry_floor = 5;
    rig->options.pace.retry_cap_ms = 1000;
    rig->options.max_attempts = 3;
    rig_cards(rig, 1, 300, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "exhausted"), 300);
    assert_in_range(fake_now_ms(), 105000, 125000);
}

/* The loop turns once a second while nothing is to do. */
static void a_row_that_is_due_much_later_costs_nothing(void **state)
{
    struct rig *rig = *state;

    fake_serve(fails_card_1_once, NULL, NULL);
    rig->options.pace.retry_base_ms = rig->options.pace.retry_cap_ms = 3600000;
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 2);
    assert_true(fake_now_ms() > 600000);
    assert_true(rig->turns <= fake_now_ms() / 1000 + 20);
}

static void always_500(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 500;
}

/* From an answer to the next attempt: at most `upper_ms` and the millisecond in which the row is due, but an
 * answer may lie 250 ms before it is stored. */
static void expect_delays(int attempt, int64_t upper_ms)
{
    int64_t least = INT64_MAX, most = 0;

    for (int64_t card = 1; card <= 40; card++) {
        int64_t gap = fake_card(card, attempt)->at_ms - fake_card(card, attempt - 1)->ended_ms;
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
    }
    assert_in_range(least, 1, upper_ms * 3 / 10);
    assert_in_range(most, upper_ms * 8 / 10, upper_ms + 1);
}

static void attempts_back_off_and_end(void **state)
{
    struct rig *rig = *state;

    fake_serve(always_500, NULL, NULL);
    rig->options.pace.concurrency = 64;
    rig->options.pace.breaker_failures = 0;
    rig->options.pace.retry_cap_ms = 4000;
    rig->options.max_attempts = 5;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(false), 200);
    for (int64_t card = 1; card <= 40; card++)
        rig_expect(rig, card, "exhausted", 5);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM attempt WHERE code = 'server_error'"), 200);
    expect_delays(1, 1000);
    expect_delays(2, 2000);
    expect_delays(3, 4000);
    expect_delays(4, 4000);
}

/* ---- what the server takes ---- */

/* Ten at once; one more is told so. */
static void takes_ten(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const int *status = context;

    answer->after_ms = 100;
    if (request->flying > 10)
        answer->status = *status;
}

static void expect_adapted(struct rig *rig, int status)
{
    fake_serve(takes_ten, NULL, &status);
    rig->options.pace.concurrency = 64;
    rig->options.pace.adaptive = true;
    rig_cards(rig, 1, 2000, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 2000);
    assert_in_range(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = %d", status), 1, 60);
    assert_in_range(fake_now_ms(), 20000, 30000);
}

/* Eight at once, and after half a minute four; an answer takes 100 ms. */
static void takes_eight_then_four(const struct fake_request *request, struct fake_answer *answer,
                                  void *context)
{
    int *pushed = context, most = request->at_ms < 30000 ? 8 : 4;

    answer->after_ms = 100;
    if (request->flying <= most)
        return;
    answer->status = 429;
    pushed[request->at_ms / 1000]++;
}

static void expect_throughput(const int *pushed, int from_s, int to_s, int a_second)
{
    int sent = 0, pushes = 0;

    for (int i = 0; i < fake_count(false); i++)
        sent += left_ms(i) >= from_s * 1000 && left_ms(i) < to_s * 1000;
    for (int s = from_s; s < to_s; s++)
        pushes += pushed[s];
    if ((sent - pushes) * 100 < 90 * a_second * (to_s - from_s) || pushes * 100 >= sent)
        fail_msg("%d s to %d s: %d sent, %d pushed back", from_s, to_s, sent, pushes);
}

static void a_hidden_capacity_is_found_and_found_again(void **state)
{
    struct rig *rig = *state;
    static int pushed[600];

    fake_serve(takes_eight_then_four, NULL, pushed);
    rig->options.pace.concurrency = 64;
    rig->options.pace.adaptive = true;
    rig_cards(rig, 1, 3800, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3800);
    expect_throughput(pushed, 10, 30, 80);
    expect_throughput(pushed, 40, 60, 40);
}

static void the_limit_adapts_to_429(void **state)
{
    expect_adapted(*state, 429);
}

static void the_limit_adapts_to_503(void **state)
{
    expect_adapted(*state, 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(no_second_holds_more_than_the_rate),
        RIG_TEST(a_high_rate_is_held_and_reached),
        RIG_TEST(a_slow_disk_costs_a_share_only),
        RIG_TEST(no_more_fly_than_may),
        RIG_TEST(no_more_mints_fly_than_may),
        RIG_TEST(the_token_host_has_a_rate_of_its_own),
        RIG_TEST(retry_after_in_seconds_holds_all_sends),
        RIG_TEST(retry_after_as_a_date_holds_all_sends),
        RIG_TEST(retry_after_counts_with_503_too),
        RIG_TEST(an_absurd_retry_after_is_cut),
        RIG_TEST(retry_after_holds_all_token_requests),
        RIG_TEST(a_row_that_is_due_in_a_hold_waits),
        RIG_TEST(retries_go_before_new_rows),
        RIG_TEST(retries_have_a_budget),
        RIG_TEST(a_healthy_server_works_a_backlog_off),
        RIG_TEST(retries_never_starve),
        RIG_TEST(a_row_that_is_due_much_later_costs_nothing),
        RIG_TEST(attempts_back_off_and_end),
        RIG_TEST(a_hidden_capacity_is_found_and_found_again),
        RIG_TEST(the_limit_adapts_to_429),
        RIG_TEST(the_limit_adapts_to_503),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
