/* pace, part by part and to the millisecond: rate, limits in flight, hold, breaker, looking ahead. How it
 * finds the limits of a server is in test_pace_sim.c, delays of single rows are in test_pace_delay.c. */
#include "rule/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const int64_t T0 = 5000000; /* some moment */

static struct pace_options plain(double rate, double burst, int concurrency)
{
    return (struct pace_options){.rate = rate,
                                 .burst = burst,
                                 .concurrency = concurrency,
                                 .adaptive = false,
                                 .retry_base_ms = 1000,
                                 .retry_cap_ms = 300000,
                                 .breaker_failures = 3,
                                 .breaker_pause_ms = 1000,
                                 .breaker_pause_cap_ms = 120000,
                                 .breaker_limit_ms = 1800000};
}

static struct pace *opened(struct pace_options options)
{
    struct pace *pace;

    pace_open(&pace, &options, 1, T0);
    return pace;
}

static void answer(struct pace *pace, enum pace_signal signal, int64_t now_ms)
{
    pace_answer(pace, signal, now_ms - 20, -1, now_ms);
}

/* ---- the rate ---- */

static void test_no_rate_is_no_limit(void **state)
{
    struct pace *pace = opened(plain(0, 1, 100));
    (void)state;

    for (int i = 0; i < 100000; i++)
        assert_int_equal(pace_take(pace, 0, T0), 0);
    pace_close(pace);
}

static void test_bucket_spaces_requests(void **state)
{
    struct pace *pace = opened(plain(50, 1, 100));
    (void)state;

    assert_int_equal(pace_take(pace, 0, T0), 0);
    assert_int_equal(pace_take(pace, 1, T0), 20);
    assert_int_equal(pace_take(pace, 1, T0 + 5), 15);
    assert_int_equal(pace_take(pace, 1, T0 + 19), 1);
    assert_int_equal(pace_take(pace, 1, T0 + 20), 0);
    assert_int_equal(pace_take(pace, 2, T0 + 20), 20);
    pace_close(pace);
}

static void test_slow_rates(void **state)
{
    struct pace *half = opened(plain(0.5, 1, 9)), *per_minute = opened(plain(100 / 60.0, 1, 9));
    int sent = 0;
    (void)state;

    assert_int_equal(pace_take(half, 0, T0), 0);
    assert_int_equal(pace_take(half, 0, T0), 2000);
    assert_int_equal(pace_take(half, 0, T0 + 1999), 1);
    assert_int_equal(pace_take(half, 0, T0 + 2000), 0);
    for (int64_t ms = 0; ms < 60000; ms++)
        sent += pace_take(per_minute, 0, T0 + ms) == 0;
    assert_int_equal(sent, 100);
    pace_close(half);
    pace_close(per_minute);
}

/* Sends whenever it is allowed to, in steps of `step_ms`; returns how many left, and asserts that no 1,000 ms
 * hold more than `most`. */
static int greedy(struct pace *pace, int most, int duration_ms, int step_ms)
{
    static int sent[30000];
    int total = 0, window = 0;

    for (int ms = 0; ms < duration_ms; ms++) {
        sent[ms] = 0;
        while (ms % step_ms == 0 && pace_take(pace, 0, T0 + ms) == 0)
            sent[ms]++;
        total += sent[ms];
        window += sent[ms] - (ms >= 1000 ? sent[ms - 1000] : 0);
        assert_true(window <= most);
    }
    return total;
}

static void test_rate_holds_in_any_second(void **state)
{
    static const struct {
        double rate, burst;
        int most, step_ms, least;
    } cases[] = {
        {50, 50, 50, 1, 1470},
        {50, 1, 50, 1, 1470},
        {50, 50, 50, 7, 1470},
        {50, 1000, 50, 1, 1470},
        {1000, 1000, 1000, 1, 29400},
        {1000, 1, 1000, 1, 29400},
        {7, 7, 7, 1, 205},
        {3000 / 60.0, 50, 50, 3, 1470},
        {1, 1, 1, 1, 29},
        {0.5, 1, 1, 1, 15},
        {100000, 100000, 100000, 1, 2940000},
        {2.5, 2, 3, 1, 74},
        {12345, 12345, 12345, 2, 362943},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pace *pace = opened(plain(cases[i].rate, cases[i].burst, 100));

        assert_true(greedy(pace, cases[i].most, 30000, cases[i].step_ms) >= cases[i].least);
        pace_close(pace);
    }
}

/* The first second's worth leaves at once; after that the sends are spread and not a heap a second. */
static void test_burst_then_even(void **state)
{
    struct pace *pace = opened(plain(50, 50, 100));
    int sent = 0;
    (void)state;

    for (int i = 0; i < 50; i++)
        assert_int_equal(pace_take(pace, 0, T0), 0);
    assert_int_equal(pace_take(pace, 0, T0), 1010);
    for (int ms = 1; ms < 1010; ms++)
        assert_int_equal(pace_take(pace, 0, T0 + ms), 1010 - ms);
    for (int ms = 1010; ms < 1510; ms++)
        sent += pace_take(pace, 0, T0 + ms) == 0;
    assert_int_equal(sent, 25);
    pace_close(pace);
}

static void test_set_changes_limits_in_mid_run(void **state)
{
    struct pace_options options = plain(1000, 100, 10);
    struct pace *pace = opened(options);
    (void)state;

    for (int i = 0; i < 100; i++)
        assert_int_equal(pace_take(pace, 0, T0), 0);
    options.rate = 10;
    options.burst = 1;
    options.concurrency = 4;
    pace_set(pace, &options, T0 + 50); /* what left in the last second counts against the new rate */
    assert_int_equal(pace_take(pace, 3, T0 + 50), 960);
    assert_int_equal(pace_take(pace, 3, T0 + 1010), 0);
    assert_int_equal(pace_take(pace, 3, T0 + 1010), 100);
    assert_true(pace_take(pace, 4, T0 + 1200) == INT64_MAX);
    assert_int_equal(pace_limit(pace), 4);
    pace_close(pace);
}

/* ---- requests in flight ---- */

static void test_fixed_limit(void **state)
{
    struct pace *pace = opened(plain(0, 1, 5));
    (void)state;

    assert_int_equal(pace_limit(pace), 5);
    assert_int_equal(pace_take(pace, 4, T0), 0);
    assert_true(pace_take(pace, 5, T0) == INT64_MAX);
    answer(pace, PACE_PUSHBACK, T0 + 30);
    assert_int_equal(pace_limit(pace), 5);
    pace_close(pace);
}

static struct pace *adaptive(int concurrency)
{
    struct pace_options options = plain(0, 1, concurrency);

    options.adaptive = true;
    options.breaker_failures = 1000;
    return opened(options);
}

/* Fills all places, then answers them all: one round trip. Returns how many left. */
static int one_round(struct pace *pace, enum pace_signal signal, int64_t now_ms)
{
    int flying = 0;

    while (pace_take(pace, flying, now_ms) == 0)
        flying++;
    for (int i = 0; i < flying; i++)
        pace_answer(pace, signal, now_ms, -1, now_ms + 20);
    return flying;
}

static void test_slow_start_doubles(void **state)
{
    struct pace *pace = adaptive(100), *small = adaptive(3);
    (void)state;

    assert_int_equal(pace_limit(small), 3);
    assert_int_equal(pace_limit(pace), 16);
    assert_int_equal(one_round(pace, PACE_OK, T0), 16);
    assert_int_equal(one_round(pace, PACE_OK, T0 + 20),
                     16); /* use shows at the first send that had to wait */
    assert_int_equal(one_round(pace, PACE_OK, T0 + 40), 32);
    assert_int_equal(one_round(pace, PACE_OK, T0 + 60), 64);
    assert_int_equal(one_round(pace, PACE_OK, T0 + 80), 100); /* never above the operator's limit */
    assert_int_equal(pace_limit(pace), 100);
    pace_close(pace);
    pace_close(small);
}

static void test_limit_does_not_grow_unused(void **state)
{
    struct pace *pace = adaptive(100);
    (void)state;

    for (int64_t ms = 0; ms < 10000; ms += 20) {
        for (int flying = 0; flying < 3; flying++)
            assert_int_equal(pace_take(pace, flying, T0 + ms), 0);
        for (int i = 0; i < 3; i++)
            pace_answer(pace, PACE_OK, T0 + ms, -1, T0 + ms + 20);
    }
    assert_int_equal(pace_limit(pace), 16);
    pace_close(pace);
}

static void test_one_cut_a_window(void **state)
{
    struct pace *pace = adaptive(100);
    (void)state;

    assert_int_equal(one_round(pace, PACE_OK, T0), 16);
    assert_int_equal(one_round(pace, PACE_OK, T0 + 20), 16);
    assert_int_equal(one_round(pace, PACE_OK, T0 + 40), 32);
    assert_int_equal(pace_limit(pace), 64);
    for (int flying = 0; flying < 64; flying++)
        assert_int_equal(pace_take(pace, flying, T0 + 60), 0);
    for (int i = 0; i < 20; i++)
        pace_answer(pace, PACE_PUSHBACK, T0 + 60, -1, T0 + 80);
    assert_int_equal(pace_limit(pace), 44); /* 0.7 of 64, once */
    pace_answer(pace, PACE_PUSHBACK, T0 + 60, -1, T0 + 85);
    assert_int_equal(pace_limit(pace), 44); /* it left before the cut */
    pace_answer(pace, PACE_OK, T0 + 60, -1, T0 + 86);
    pace_answer(pace, PACE_PUSHBACK, T0 + 81, -1, T0 + 101);
    assert_int_equal(pace_limit(pace), 33); /* and this one after it: 0.75 of 44.8 */
    pace_close(pace);
}

/* ---- Retry-After ---- */

static void test_hold(void **state)
{
    struct pace *pace = opened(plain(0, 1, 5));
    (void)state;

    assert_int_equal(pace_held(pace, T0), 0);
    pace_answer(pace, PACE_PUSHBACK, T0, 3000, T0 + 10);
    assert_int_equal(pace_held(pace, T0 + 10), 3000);
    assert_int_equal(pace_take(pace, 0, T0 + 1010), 2000);
    pace_answer(pace, PACE_OK, T0, 1000, T0 + 1100); /* a shorter one does not shorten */
    assert_int_equal(pace_take(pace, 0, T0 + 1110), 1900);
    assert_int_equal(pace_ahead(pace, 0, 5000, T0 + 1110), 0);
    assert_int_equal(pace_take(pace, 0, T0 + 3009), 1);
    assert_int_equal(pace_held(pace, T0 + 3010), 0);
    assert_int_equal(pace_take(pace, 0, T0 + 3010), 0);
    pace_close(pace);
}

/* ---- the breaker ---- */

static void test_failures_in_a_row_close_the_gate(void **state)
{
    struct pace *pace = opened(plain(0, 1, 100));
    (void)state;

    answer(pace, PACE_FAILURE, T0);
    answer(pace, PACE_FAILURE, T0);
    answer(pace, PACE_OK, T0); /* starts the count anew */
    answer(pace, PACE_FAILURE, T0);
    answer(pace, PACE_FAILURE, T0);
    assert_false(pace_broken(pace));
    answer(pace, PACE_FAILURE, T0);
    assert_true(pace_broken(pace));
    int64_t wait_ms = pace_take(pace, 5, T0);
    assert_true(wait_ms >= 750 && wait_ms <= 950);
    assert_int_equal(pace_ahead(pace, 5, 500, T0), 0);
    assert_int_equal(pace_ahead(pace, 5, 500, T0 + 950), 1);
    pace_close(pace);
}

static struct pace *broken(void)
{
    struct pace *pace = opened(plain(0, 1, 100));

    for (int i = 0; i < 3; i++)
        answer(pace, PACE_FAILURE, T0);
    assert_true(pace_broken(pace));
    return pace;
}

static void test_one_probe_at_a_time(void **state)
{
    struct pace *pace = broken();
    (void)state;

    assert_int_equal(pace_take(pace, 5, T0 + 950), 0);
    assert_true(pace_take(pace, 6, T0 + 950) == INT64_MAX);
    assert_true(pace_take(pace, 6, T0 + 99000) == INT64_MAX);
    assert_int_equal(pace_ahead(pace, 6, 500, T0 + 99000), 0);
    pace_answer(pace, PACE_FAILURE, T0 - 10, -1, T0 + 1000); /* an older request is not the probe */
    assert_true(pace_take(pace, 5, T0 + 9000) == INT64_MAX);
    pace_answer(pace, PACE_FAILURE, T0 + 950, -1, T0 + 10000);
    int64_t wait_ms = pace_take(pace, 4, T0 + 10000);
    assert_true(wait_ms >= 1500 && wait_ms <= 1900); /* twice the first pause */
    assert_int_equal(pace_take(pace, 4, T0 + 11900), 0);
    assert_int_equal(pace_ahead(pace, 0, 500, T0 + 12000), 1);
    assert_int_equal(pace_take(pace, 0, T0 + 12000), 0); /* nothing flies: that probe was lost */
    pace_answer(pace, PACE_OK, T0 + 12000, -1, T0 + 12020);
    assert_false(pace_broken(pace));
    for (int flying = 0; flying < 100; flying++)
        assert_int_equal(pace_take(pace, flying, T0 + 12020), 0);
    pace_close(pace);
}

/* Fails every probe until `until_ms` after closing and returns the moment of the first probe after that. */
static int64_t probe_until(struct pace *pace, int64_t until_ms, int64_t *longest_ms, int *probes)
{
    int64_t now_ms = T0, last_ms = T0;

    for (*probes = 0;; ++*probes) {
        int64_t wait_ms = pace_take(pace, 1, now_ms);

        if (wait_ms > 0) {
            now_ms += wait_ms;
            assert_int_equal(pace_take(pace, 1, now_ms), 0);
        }
        if (now_ms - last_ms > *longest_ms)
            *longest_ms = now_ms - last_ms;
        if (now_ms - T0 > until_ms)
            return now_ms - T0;
        last_ms = now_ms;
        pace_answer(pace, PACE_FAILURE, now_ms, -1, now_ms + 20);
        now_ms += 20;
    }
}

static void test_end_of_outage_is_noticed(void **state)
{
    struct pace_options options = plain(0, 1, 100);
    struct pace *pace = broken(), *slow;
    int64_t longest_ms = 0;
    int probes;
    (void)state;

    assert_true(probe_until(pace, 60000, &longest_ms, &probes) < 65000);
    assert_true(longest_ms < 5000 && longest_ms > 3000); /* pauses grew from one second */
    assert_true(probes >= 14 && probes <= 24);
    pace_close(pace);
    options.breaker_pause_ms = 5000;
    slow = opened(options);
    for (int i = 0; i < 3; i++)
        answer(slow, PACE_FAILURE, T0);
    longest_ms = 0;
    assert_true(probe_until(slow, 60000, &longest_ms, &probes) < 65000);
    assert_true(longest_ms < 5000);
    longest_ms = 0;
    pace_close(slow);
    slow = broken();
    assert_true(probe_until(slow, 7200000, &longest_ms, &probes) > 7200000);
    assert_true(longest_ms > 90000 && longest_ms <= 120000); /* the cap */
    pace_close(slow);
}

static void test_limits_survive_an_outage(void **state)
{
    struct pace *pace = adaptive(100);
    int64_t now_ms = T0 + 80;
    (void)state;

    for (int i = 0; i < 4; i++)
        (void)one_round(pace, PACE_OK, T0 + i * 20);
    assert_int_equal(pace_limit(pace), 100);
    for (int i = 0; i < 40; i++, now_ms += 20)
        (void)one_round(pace, i % 2 ? PACE_FAILURE : PACE_PUSHBACK, now_ms);
    while (!pace_broken(pace)) {
        (void)one_round(pace, PACE_FAILURE, now_ms);
        now_ms += 20;
    }
    assert_int_equal(pace_take(pace, 0, now_ms + 1000), 0);
    pace_answer(pace, PACE_OK, now_ms + 1000, -1, now_ms + 1020);
    assert_false(pace_broken(pace));
    assert_int_equal(pace_limit(pace), 100);
    pace_close(pace);
}

/* 503 for minutes: no failure by name, yet an outage. */
static void test_nothing_but_pushback_closes_the_gate(void **state)
{
    struct pace *pace = opened(plain(0, 1, 100));
    (void)state;

    for (int i = 0; i < 50; i++)
        answer(pace, PACE_PUSHBACK, T0 + i);
    assert_false(pace_broken(pace));
    answer(pace, PACE_PUSHBACK, T0 + 999);
    assert_false(pace_broken(pace));
    answer(pace, PACE_OK, T0 + 999);
    for (int i = 0; i < 50; i++)
        answer(pace, PACE_PUSHBACK, T0 + 1000 + i);
    answer(pace, PACE_PUSHBACK, T0 + 1999);
    assert_false(pace_broken(pace));
    answer(pace, PACE_PUSHBACK, T0 + 2000);
    assert_true(pace_broken(pace));
    pace_close(pace);
}

static void test_what_counts_as_an_attempt(void **state)
{
    struct pace *pace = broken();
    (void)state;

    assert_false(pace_counts(pace)); /* closed, and nothing ever succeeded */
    answer(pace, PACE_OK, T0 + 2000);
    assert_true(pace_counts(pace)); /* open */
    for (int i = 0; i < 3; i++)
        answer(pace, PACE_FAILURE, T0 + 2000);
    assert_false(pace_counts(pace)); /* the success that opened it was the only one */
    answer(pace, PACE_OK, T0 + 4000);
    answer(pace, PACE_OK, T0 + 4000);
    for (int i = 0; i < 3; i++)
        answer(pace, PACE_FAILURE, T0 + 4000);
    assert_true(pace_broken(pace));
    assert_true(pace_counts(pace)); /* another row succeeded while it was open */
    pace_close(pace);
}

static void test_given_up(void **state)
{
    struct pace *pace = broken();
    (void)state;

    assert_false(pace_given_up(pace, T0 + 1799999));
    assert_true(pace_given_up(pace, T0 + 1800000));
    answer(pace, PACE_OK, T0 + 1800001);
    assert_false(pace_given_up(pace, T0 + 9999999));
    pace_close(pace);
}

/* ---- looking ahead ---- */

static void test_ahead(void **state)
{
    struct pace *idle = opened(plain(0, 1, 64)), *rated = opened(plain(50, 1, 64)),
                *wide = opened(plain(0, 1, 4096)), *busy = opened(plain(0, 1, 20));
    struct pace *slow = opened(plain(0.5, 1, 64)), *full = opened(plain(50, 50, 64));
    (void)state;

    assert_int_equal(pace_ahead(idle, 0, 250, T0), 64); /* nothing measured yet: the free places */
    assert_int_equal(pace_ahead(idle, 60, 250, T0), 4);
    assert_int_equal(pace_ahead(idle, 64, 250, T0), 0);
    for (int ms = 0; ms < 2000; ms++) {
        answer(idle, PACE_OK, T0 + ms);
        answer(busy, PACE_OK, T0 + ms);
    }
    assert_int_equal(pace_ahead(busy, 20, 250, T0 + 2000), 250); /* 1,000 answers a second */
    assert_int_equal(pace_ahead(busy, 16, 250, T0 + 2000), 254);
    /* Answers take 20 ms, so 64 places could bring 3,200 a second: twice the measured speed is tried. */
    assert_int_equal(pace_ahead(idle, 64, 250, T0 + 2000), 505);
    /* After a pause of our own nothing is measured: the first claim is small, but not the smallest. */
    assert_int_equal(pace_ahead(idle, 64, 250, T0 + 4000), 5);
    assert_int_equal(pace_ahead(wide, 0, 250, T0), 1000);
    assert_int_equal(pace_ahead(rated, 0, 250, T0), 13); /* one token and 12.5 more */
    assert_int_equal(pace_take(rated, 0, T0), 0);
    assert_int_equal(pace_ahead(rated, 0, 19, T0), 0);
    assert_int_equal(pace_ahead(rated, 0, 20, T0), 1);
    assert_int_equal(pace_take(slow, 0, T0), 0);
    assert_int_equal(pace_ahead(slow, 0, 1999, T0), 0);
    assert_int_equal(pace_ahead(slow, 0, 2000, T0), 1);
    for (int i = 0; i < 49; i++)
        assert_int_equal(pace_take(full, 0, T0), 0);
    assert_int_equal(pace_ahead(full, 0, 500, T0), 1); /* the second is used up but for one */
    assert_int_equal(pace_ahead(full, 0, 1009, T0), 1);
    assert_int_equal(pace_ahead(full, 0, 1009, T0 + 1), 50);
    pace_close(idle);
    pace_close(busy);
    pace_close(rated);
    pace_close(wide);
    pace_close(slow);
    pace_close(full);
}

/* A short measurement is as good as a long one, and idle time does not count. */
static void test_ahead_measures_from_the_first_answer(void **state)
{
    struct pace *pace = opened(plain(0, 1, 20));
    (void)state;

    for (int ms = 0; ms < 200; ms++)
        answer(pace, PACE_OK, T0 + ms);
    assert_int_equal(pace_ahead(pace, 20, 250, T0 + 200), 250);
    for (int ms = 5000; ms < 5200; ms++)
        answer(pace, PACE_OK, T0 + ms);
    assert_int_equal(pace_ahead(pace, 20, 250, T0 + 5200), 250);
    assert_int_equal(pace_ahead(pace, 20, 250, T0 + 9000), 5);
    pace_close(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rate_is_no_limit),
        cmocka_unit_test(test_bucket_spaces_requests),
        cmocka_unit_test(test_slow_rates),
        cmocka_unit_test(test_rate_holds_in_any_second),
        cmocka_unit_test(test_burst_then_even),
        cmocka_unit_test(test_set_changes_limits_in_mid_run),
        cmocka_unit_test(test_fixed_limit),
        cmocka_unit_test(test_slow_start_doubles),
        cmocka_unit_test(test_limit_does_not_grow_unused),
        cmocka_unit_test(test_one_cut_a_window),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_failures_in_a_row_close_the_gate),
        cmocka_unit_test(test_one_probe_at_a_time),
        cmocka_unit_test(test_end_of_outage_is_noticed),
        cmocka_unit_test(test_limits_survive_an_outage),
        cmocka_unit_test(test_nothing_but_pushback_closes_the_gate),
        cmocka_unit_test(test_what_counts_as_an_attempt),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_ahead_measures_from_the_first_answer),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
