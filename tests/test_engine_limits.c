/* Limits that change while the engine runs: the weekly timetable, and what SIGHUP brings. The clock of these
 * tests begins on a Monday at 12:00:00 UTC. */
#include "engine_case.h"

#include <signal.h>
#include <string.h>

enum { MON_13_00 = 13 * 60 };

static const int64_t MINUTE_MS = 60000, HOUR_MS = 3600000;

static void set_timetable(struct rig *rig, const char *text)
{
    if (timetable_parse(span_of(text), &rig->options.timetable, &rig->fail) != 0)
        fail_msg("%s", rig->fail.text);
}

static int64_t left_ms(int i)
{
    return fake_request(false, i)->at_ms;
}

static int left_within(int64_t from_ms, int64_t to_ms)
{
    int n = 0;

    for (int i = 0; i < fake_count(false); i++)
        n += left_ms(i) >= from_ms && left_ms(i) < to_ms;
    return n;
}

static void send_signal(void *context)
{
    const int *number = context;

    assert_int_equal(raise(*number), 0);
}

/* No second holds more than `most`, also across a change. */
static void expect_no_more_than(int most, int64_t from_ms)
{
    for (int i = 0; i + most < fake_count(false); i++)
        if (left_ms(i) >= from_ms && left_ms(i + most) - left_ms(i) < 1000)
            fail_msg("%d requests between %lld and %lld ms", most + 1, (long long)left_ms(i),
                     (long long)left_ms(i + most));
}

/* ---- a slow disk ---- */

/* The records of the first hundred rows, or their assertions, take 9 ms each. */
static void takes_long_at_first(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)answer;
    (void)context;
    if (request->host <= 100)
        fake_clock_set(fake_now_ms() + 9);
}

static void expect_no_more_leave_than(bool token, int most)
{
    for (int i = 0; i + most < fake_count(token); i++) {
        int64_t from_ms = fake_request(token, i)->left_ms, to_ms = fake_request(token, i + most)->left_ms;
        if (to_ms - from_ms < 1000)
            fail_msg("%d requests leave between %lld and %lld ms", most + 1, (long long)from_ms,
                     (long long)to_ms);
    }
}

static void the_rate_is_that_at_which_rows_leave(void **state)
{
    struct rig *rig = *state;

    fake_serve(takes_long_at_first, NULL, NULL);
    rig->options.pace.rate = rig->options.pace.burst = rig->options.pace.concurrency = 100;
    rig_cards(rig, 1, 400, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 400);
    expect_no_more_leave_than(false, 100);
    assert_true(fake_now_ms() < 6000);
}

static void so_is_that_of_tokens(void **state)
{
    struct rig *rig = *state;

    fake_serve(NULL, takes_long_at_first, NULL);
    rig->options.token_pace.rate = rig->options.token_pace.burst = rig->options.token_pace.concurrency = 100;
    rig->options.pace.concurrency = 100;
    for (int64_t account = 1; account <= 400; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 400);
    expect_no_more_leave_than(true, 100);
    assert_true(fake_now_ms() < 6000);
}

/* ---- the timetable ---- */

static void the_rate_follows_the_timetable(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "Mon 12:00-12:01 20/s; * 5/s");
    rig->options.pace.rate = 100;
    rig_cards(rig, 1, 1500, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 1500);
    expect_no_more_than(20, 0);
    expect_no_more_than(5, MINUTE_MS + 1010);
    assert_in_range(left_within(0, MINUTE_MS), 1150, 1200);
    assert_in_range(left_within(MINUTE_MS + 2000, MINUTE_MS + 32000), 145, 151);
    assert_in_range(rig_logs(rig, "pace.timetable sets another rate"), 2, 2);
}

static void without_a_rule_the_rate_is_that_of_pace(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "Tue 20/s");
    rig->options.pace.rate = rig->options.pace.burst = 10;
    rig_cards(rig, 1, 60, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    expect_no_more_than(10, 0);
    assert_in_range(left_ms(59), 4900, 6100);
}

static void look_into_closed(void *context)
{
    struct rig *rig = context;
    struct engine_figures figures;

    engine_figures(rig->engine, &figures);
    assert_true(figures.closed);
    assert_int_equal(figures.opens_at, MON_13_00);
    assert_int_equal(figures.flying, 0);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE state = 4"), 0);
}

static void slow(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->after_ms = 3000;
}

/* What flies is finished, what is claimed goes back untried, and at one o'clock it goes on. */
static void closed_hours_are_waited_for(void **state)
{
    struct rig *rig = *state;

    fake_serve(slow, NULL, NULL);
    set_timetable(rig, "Mon 12:01-13:00 0; * 10/s");
    rig->options.pace.rate = 10;
    rig->options.pace.concurrency = 64;
    rig_cards(rig, 1, 700, 7);
    rig_load(rig);
    fake_at(30 * MINUTE_MS, look_into_closed, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 700);
    assert_int_equal(fake_count(false), 700);
    assert_in_range(left_within(0, MINUTE_MS), 580, 610);
    assert_int_equal(left_within(MINUTE_MS, HOUR_MS), 0);
    assert_in_range(left_within(HOUR_MS, HOUR_MS + 2000), 10, 25);
    assert_int_equal(rig_number(rig, "SELECT max(attempts) FROM card_now"), 1);
    assert_int_equal(rig_logs(rig, "closed by pace.timetable; nothing is sent until=\"Mon 13:00\""), 1);
    assert_int_equal(rig_logs(rig, "open again by pace.timetable"), 1);
    assert_true(rig->turns < 15000);
}

static void a_deadline_ends_a_closed_time(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "* 0");
    rig->options.deadline_ms = FAKE_WALL_MS + 20 * MINUTE_MS;
    rig_cards(rig, 1, 5, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_in_range(fake_now_ms(), 20 * MINUTE_MS, 20 * MINUTE_MS + 1000);
    assert_int_equal(fake_count(false) + fake_count(true), 0);
    assert_int_equal(rig_count(rig, "ready"), 5);
    assert_int_equal(rig_logs(rig, "until=never"), 1);
}

static void a_signal_ends_a_closed_time(void **state)
{
    struct rig *rig = *state;
    int number = SIGTERM;

    set_timetable(rig, "* 0");
    rig->with_signals = true;
    rig_cards(rig, 1, 5, 7);
    rig_load(rig);
    fake_at(MINUTE_MS, send_signal, &number);
    assert_int_equal(rig_run(rig), RUN_STOPPED);
    assert_int_equal(fake_now_ms(), MINUTE_MS);
}

static void with_nothing_to_send_closed_is_no_reason_to_wait(void **state)
{
    struct rig *rig = *state;

    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    set_timetable(rig, "* 0");
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_true(fake_now_ms() < MINUTE_MS);
}

/* A token refused as the hour strikes: its row does not wait for the night in the state SENT. */
static void refuses(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    answer->after_ms = 90000;
    if (request->nth == 1)
        answer->status = 401;
}

static void a_row_refused_while_closed_goes_back(void **state)
{
    struct rig *rig = *state;

    fake_serve(refuses, NULL, NULL);
    set_timetable(rig, "Mon 12:01-13:00 0");
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    fake_at(30 * MINUTE_MS, look_into_closed, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    assert_int_equal(fake_count(true), 2);
}

static void away(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    if (fake_now_ms() < 2 * HOUR_MS)
        answer->end = HTTP_NOT_SENT;
}

/* Nothing is asked while closed, so the time does not count against the server. */
static void expect_patience(struct rig *rig)
{
    set_timetable(rig, "Mon 12:01-14:00 0");
    rig->options.pace.breaker_limit_ms = rig->options.token_pace.breaker_limit_ms = 10 * MINUTE_MS;
    rig->options.token_pace.breaker_failures = 3;
    rig_cards(rig, 1, 60, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 60);
    assert_true(fake_now_ms() >= 2 * HOUR_MS);
}

static void closed_hours_do_not_count_for_the_breaker(void **state)
{
    fake_serve(away, NULL, NULL);
    expect_patience(*state);
}

static void nor_do_they_for_the_token_hosts(void **state)
{
    fake_serve(NULL, away, NULL);
    expect_patience(*state);
}

static void an_hour_forward(void *context)
{
    (void)context;
    fake_zone(60);
}

static void an_hour_back(void *context)
{
    (void)context;
    fake_zone(-60);
}

/* At 12:30 the clocks go forward to 13:30, or back to 11:30. */
static void a_change_of_the_clocks_is_another_minute(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "Mon 12:00-13:00 0");
    rig_cards(rig, 1, 1, 7);
    rig_load(rig);
    fake_at(30 * MINUTE_MS, an_hour_forward, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_in_range(left_ms(0), 30 * MINUTE_MS, 30 * MINUTE_MS + 1100);
}

static void clocks_that_go_back_close_it_again(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "Mon 11:00-12:00 0");
    rig->options.pace.rate = 1;
    rig_cards(rig, 1, 2000, 7);
    rig_load(rig);
    fake_at(30 * MINUTE_MS, an_hour_back, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(left_within(30 * MINUTE_MS + 1000, HOUR_MS), 0);
    assert_in_range(left_within(HOUR_MS, 2 * HOUR_MS), 195, 225);
}

/* ---- engine_set ---- */

static void set_limits(void *context)
{
    struct rig *rig = context;
    struct engine_options fresh = rig->options;

    fresh.pace.rate = fresh.pace.burst = 40;
    fresh.pace.concurrency = 1000; /* there is room for 16 */
    engine_set(rig->engine, &fresh);
}

static void new_limits_hold_at_once(void **state)
{
    struct rig *rig = *state;
    int most = 0;

    fake_serve(slow, NULL, NULL);
    rig->options.pace.rate = rig->options.pace.burst = 2;
    rig->options.room = 16;
    rig_cards(rig, 1, 150, 7);
    rig_load(rig);
    fake_at(10500, set_limits, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 150);
    assert_in_range(left_within(0, 10000), 18, 22);
    for (int i = 0; i < fake_count(false); i++) {
        assert_true(fake_request(false, i)->flying <= (left_ms(i) < 10500 ? 8 : 16));
        most = fake_request(false, i)->flying > most ? fake_request(false, i)->flying : most;
    }
    assert_int_equal(most, 16);
}

static void set_fewer(void *context)
{
    struct rig *rig = context;
    struct engine_options fresh = rig->options;

    fresh.pace.concurrency = 2;
    fresh.token_pace.concurrency = 1;
    engine_set(rig->engine, &fresh);
}

/* More fly than may: none leaves until enough have come back. */
static void fewer_in_flight_is_obeyed_at_once(void **state)
{
    struct rig *rig = *state;

    fake_serve(slow, NULL, NULL);
    rig_cards(rig, 1, 20, 7);
    rig_load(rig);
    fake_at(1000, set_fewer, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 20);
    for (int i = 8; i < 20; i++)
        assert_true(fake_request(false, i)->flying <= 2);
}

static void open_it(void *context)
{
    struct rig *rig = context;
    struct engine_options fresh = rig->options;

    fresh.timetable.count = 0;
    engine_set(rig->engine, &fresh);
}

static void a_timetable_can_be_taken_away(void **state)
{
    struct rig *rig = *state;

    set_timetable(rig, "* 0");
    rig_cards(rig, 1, 3, 7);
    rig_load(rig);
    fake_at(5 * MINUTE_MS, open_it, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3);
    assert_in_range(left_ms(0), 5 * MINUTE_MS, 5 * MINUTE_MS + 1100);
}

/* ---- signals that do not stop ---- */

static void asked_twice(void *context)
{
    struct rig *rig = context;

    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(signals_reload(rig->signals));
    assert_false(signals_reload(rig->signals));
    assert_true(signals_status(rig->signals));
    assert_false(signals_status(rig->signals));
    assert_int_equal(signals_stops(rig->signals), 0);
}

static void questions_stop_nothing(void **state)
{
    struct rig *rig = *state;

    rig->with_signals = true;
    rig->options.pace.rate = 10;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    fake_at(1005, asked_twice, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    signals_unwatch(rig->signals);
    assert_int_equal(raise(SIGHUP), 0); /* outside the submission they wait */
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(signals_reload(rig->signals));
    assert_true(signals_status(rig->signals));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_rate_is_that_at_which_rows_leave),
        RIG_TEST(so_is_that_of_tokens),
        RIG_TEST(the_rate_follows_the_timetable),
        RIG_TEST(without_a_rule_the_rate_is_that_of_pace),
        RIG_TEST(closed_hours_are_waited_for),
        RIG_TEST(a_deadline_ends_a_closed_time),
        RIG_TEST(a_signal_ends_a_closed_time),
        RIG_TEST(with_nothing_to_send_closed_is_no_reason_to_wait),
        RIG_TEST(a_row_refused_while_closed_goes_back),
        RIG_TEST(closed_hours_do_not_count_for_the_breaker),
        RIG_TEST(nor_do_they_for_the_token_hosts),
        RIG_TEST(a_change_of_the_clocks_is_another_minute),
        RIG_TEST(clocks_that_go_back_close_it_again),
        RIG_TEST(new_limits_hold_at_once),
        RIG_TEST(fewer_in_flight_is_obeyed_at_once),
        RIG_TEST(a_timetable_can_be_taken_away),
        RIG_TEST(questions_stop_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
