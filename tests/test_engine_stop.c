/* Ways to end before all is sent: signals, the deadline, the end of the grace, sudden death, a disk that is
 * full. And that the next run carries on from each of them. */
#include "engine_case.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static void answers_after_2_s(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->after_ms = 2000;
}

static void never_answers(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->after_ms = FAKE_NEVER;
}

static void send_signal(void *context)
{
    const int *number = context;

    assert_int_equal(raise(*number), 0);
}

static void send_two_signals(void *context)
{
    (void)context;
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGINT), 0);
}

/* 200 rows at 20 a second, 64 in flight. */
static void prepare(struct rig *rig, fake_host *api)
{
    fake_serve(api, NULL, NULL);
    rig->with_signals = true;
    rig->options.pace.rate = 20;
    rig->options.pace.concurrency = 64;
    rig_cards(rig, 1, 200, 7);
    rig_load(rig);
}

static int64_t last_left_ms(void)
{
    return fake_request(false, fake_count(false) - 1)->at_ms;
}

/* The second run gives every row its end, with the correlation ID of the first attempt. */
static void expect_second_run(struct rig *rig, int rows)
{
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), rows);
    for (int64_t card = 1; card <= rows; card++)
        for (int i = 1; fake_card(card, i); i++)
            assert_string_equal(fake_header(fake_card(card, i), "x-cid"),
                                fake_header(fake_card(card, 0), "x-cid"));
}

/* ---- drain ---- */

static void expect_drained_at_1005(struct rig *rig)
{
    int sent = fake_count(false);

    assert_in_range(sent, 15, 25);
    assert_true(last_left_ms() <= 1005);
    assert_int_equal(fake_now_ms(), last_left_ms() + 2000);
    assert_int_equal(rig_count(rig, "accepted"), sent);
    assert_int_equal(rig_count(rig, "ready"), 200 - sent);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), sent);
    rig_restart(rig, false);
    assert_int_equal(rig->recovered, 0);
    fake_serve(NULL, NULL, NULL);
    expect_second_run(rig, 200);
    assert_int_equal(fake_count(false), 200);
}

static void a_signal_drains(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    prepare(rig, answers_after_2_s);
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_true(rig->figures.stopping);
    expect_drained_at_1005(rig);
}

static void an_interrupt_drains_too(void **state)
{
    struct rig *rig = *state;
    int number = SIGINT;

    prepare(rig, answers_after_2_s);
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    expect_drained_at_1005(rig);
}

static void the_deadline_drains(void **state)
{
    struct rig *rig = *state;

    prepare(rig, answers_after_2_s);
    rig->options.deadline_ms = FAKE_WALL_MS + 1005;
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    rig->options.deadline_ms = 0;
    expect_drained_at_1005(rig);
}

static void a_deadline_that_has_passed_sends_nothing(void **state)
{
    struct rig *rig = *state;

    prepare(rig, NULL);
    rig->options.deadline_ms = FAKE_WALL_MS;
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_count(false) + fake_count(true), 0);
    assert_int_equal(rig_count(rig, "ready"), 200);
}

static void asks_to_wait(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 429;
    answer->retry_after = "3600";
}

static void a_signal_ends_a_hold(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    prepare(rig, asks_to_wait);
    fake_at(60000, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), 60000);
    assert_int_equal(rig_count(rig, "ready"), 200);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), fake_count(false));
}

/* A 401 that comes while draining costs nothing: there is no time for a new token. */
static void refused_after_2_s(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->after_ms = 2000;
    answer->status = 401;
}

static void a_token_refused_in_a_drain_costs_nothing(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    prepare(rig, refused_after_2_s);
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(rig_count(rig, "ready"), 200);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 0);
    assert_int_equal(fake_count(true), 1);
    assert_int_equal(rig_number(rig, "SELECT n FROM tally WHERE kind = 'http' AND key = 401"),
                     fake_count(false));
}

/* The last request flies when the signal comes: with its answer there is no work left. */
static void a_signal_at_the_very_end_leaves_no_work(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    fake_serve(answers_after_2_s, NULL, NULL);
    rig->with_signals = true;
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3);
}

/* ---- abort ---- */

static void already(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->nth == 1)
        return;
    answer->status = 400;
    answer->body = "{\"message\":\"customer already on click to pay\"}";
}

/* The rows that flew are uncertain now; "already" then means that the first attempt was taken. */
static void expect_recovery(struct rig *rig, int flown)
{
    assert_int_equal(rig->recovered, flown);
    assert_int_equal(
        rig_number(rig, "SELECT count(*) FROM card_now WHERE state = 3 AND uncertain AND attempts = 1"),
        flown);
    fake_serve(already, NULL, NULL);
    rig->kill_at_ms = 0;
    expect_second_run(rig, 200);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE uncertain AND attempts = 2 AND "
                                     "code = 'already_on_click_to_pay'"),
                     flown);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE NOT uncertain AND attempts = 1"),
                     200 - flown);
}

static void after_the_grace_rows_in_flight_stay_sent(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM, sent;

    prepare(rig, never_answers);
    rig->options.grace_ms = 5000;
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), 6005);
    sent = fake_count(false);
    assert_in_range(sent, 15, 25);
    assert_int_equal(rig_count(rig, "sent"), sent);
    assert_int_equal(rig_count(rig, "ready"), 200 - sent);
    rig_restart(rig, false);
    expect_recovery(rig, sent);
}

/* Nothing is left but what flies: that is work left all the same. */
static void the_last_rows_in_flight_are_work_left(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    fake_serve(never_answers, NULL, NULL);
    rig->with_signals = true;
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    fake_at(1005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), 31005);
    assert_int_equal(rig_count(rig, "sent"), 3);
}

static void a_second_signal_stops_at_once(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM, sent;

    prepare(rig, never_answers);
    fake_at(1005, send_signal, &number);
    fake_at(3005, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), 3005);
    sent = fake_count(false);
    assert_int_equal(rig_count(rig, "sent"), sent);
    rig_restart(rig, false);
    expect_recovery(rig, sent);
}

static void two_signals_together_stop_at_once(void **state)
{
    struct rig *rig = *state;

    prepare(rig, never_answers);
    fake_at(1005, send_two_signals, NULL);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), 1005);
    assert_int_equal(rig_count(rig, "sent"), fake_count(false));
}

/* ---- sudden death ---- */

/* Killed with requests in the air, answers not yet stored and rows claimed but not started. */
static void a_killed_run_is_carried_on(void **state)
{
    struct rig *rig = *state;
    int first;

    prepare(rig, NULL);
    rig->kill_at_ms = 2000;
    assert_int_equal(rig_run(rig), RUN_KILLED);
    first = fake_count(false);
    assert_in_range(first, 30, 45);
    assert_true(rig_count(rig, "sent") > 0);
    rig_restart(rig, true);
    assert_int_equal(rig->recovered, 200 - rig_count(rig, "accepted") -
                                         rig_number(rig, "SELECT count(*) FROM card_now WHERE attempts = 0"));
    rig->kill_at_ms = 0;
    expect_second_run(rig, 200);
    for (int64_t card = 1; card <= 200; card++)
        assert_null(fake_card(card, 2));
}

/* Killed again and again, two seconds into each run: every run gets further. */
static void a_run_that_is_killed_often_comes_to_its_end(void **state)
{
    struct rig *rig = *state;
    int outcome, runs = 1;

    prepare(rig, NULL);
    rig->kill_at_ms = 2000;
    while ((outcome = rig_run(rig)) == RUN_KILLED) {
        rig_restart(rig, true);
        rig->kill_at_ms += 2000;
        runs++;
    }
    assert_int_equal(outcome, RUN_DONE);
    assert_in_range(runs, 5, 8);
    assert_int_equal(rig_count(rig, "accepted"), 200);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM run WHERE exit_code = -1"), runs - 1);
}

/* ---- a full disk ---- */

static void fill_disk(void *context)
{
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};

    (void)context;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

static void free_disk(void)
{
    const struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
}

static void a_full_disk_ends_the_run_and_loses_nothing(void **state)
{
    struct rig *rig = *state;
    int outcome, accepted, first;

    prepare(rig, NULL);
    fake_at(1005, fill_disk, NULL);
    outcome = rig_run(rig);
    free_disk();
    assert_int_equal(outcome, FAIL_LEDGER);
    assert_non_null(strstr(rig->fail.text, "ledger.db: no room to write"));
    assert_true(fake_now_ms() <= 1255);
    accepted = rig_count(rig, "accepted");
    first = fake_count(false);
    assert_in_range(accepted, 5, first);
    rig_restart(rig, true);
    assert_in_range(rig->recovered, first - accepted, first - accepted + 6);
    expect_second_run(rig, 200);
    for (int64_t card = 1; card <= 200; card++)
        assert_null(fake_card(card, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_signal_drains),
        RIG_TEST(an_interrupt_drains_too),
        RIG_TEST(the_deadline_drains),
        RIG_TEST(a_deadline_that_has_passed_sends_nothing),
        RIG_TEST(a_signal_ends_a_hold),
        RIG_TEST(a_token_refused_in_a_drain_costs_nothing),
        RIG_TEST(a_signal_at_the_very_end_leaves_no_work),
        RIG_TEST(after_the_grace_rows_in_flight_stay_sent),
        RIG_TEST(the_last_rows_in_flight_are_work_left),
        RIG_TEST(a_second_signal_stops_at_once),
        RIG_TEST(two_signals_together_stop_at_once),
        RIG_TEST(a_killed_run_is_carried_on),
        RIG_TEST(a_run_that_is_killed_often_comes_to_its_end),
        RIG_TEST(a_full_disk_ends_the_run_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
