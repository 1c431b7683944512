/* pace: the budget of retries, and the times at which a timetable closes it. */
#include "rule/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>

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

static void test_closed_lets_nothing_through(void **state)
{
    struct pace_options options = plain(50, 50, 8);
    struct pace *pace = opened(options);
    (void)state;

    for (int i = 0; i < 3; i++) /* closes the gate */
        pace_answer(pace, PACE_FAILURE, T0, -1, T0);
    assert_true(pace_broken(pace));
    options.closed = true;
    pace_set(pace, &options, T0 + 1000);
    assert_true(pace_take(pace, 0, T0 + 5000) == INT64_MAX);
    assert_int_equal(pace_ahead(pace, 0, 250, T0 + 5000), 0);
    assert_false(pace_given_up(pace, T0 + 86400000));
    options.closed = false;
    pace_set(pace, &options, T0 + 86400000);
    assert_int_equal(pace_take(pace, 0, T0 + 86400000), 0);
    assert_false(pace_given_up(pace, T0 + 86400000 + 1798000)); /* 1 s of 30 minutes was used before */
    assert_true(pace_given_up(pace, T0 + 86400000 + 1799000));
    pace_close(pace);
}

static void test_retries_have_a_budget(void **state)
{
    struct pace_options options = plain(0, 1, 8);
    struct pace *pace = opened(options);
    (void)state;

    assert_int_equal(pace_retries(pace, T0), INT_MAX);
    options.retry_share = 0.2;
    options.retry_floor = 4;
    pace_set(pace, &options, T0);
    assert_int_equal(pace_retries(pace, T0), 50); /* 40 of ten seconds, of the 80 % that others leave */
    pace_claimed(pace, 100, 0, T0);
    assert_int_equal(pace_retries(pace, T0), 75);
    pace_claimed(pace, 0, 75, T0 + 3000);
    assert_int_equal(pace_retries(pace, T0 + 3000), 0);
    pace_retried(pace, T0 + 3000);
    pace_retried(pace, T0 + 3000);
    assert_int_equal(pace_retries(pace, T0 + 3000), 2);
    assert_int_equal(pace_retries(pace, T0 + 9999), 2);
    assert_int_equal(pace_retries(pace, T0 + 10000), 0);  /* the first attempts are forgotten, ... */
    assert_int_equal(pace_retries(pace, T0 + 13000), 50); /* ... and the retries */
    assert_int_equal(pace_retries(pace, T0 + 86400000), 50);
    options.retry_share = 1;
    pace_set(pace, &options, T0);
    assert_int_equal(pace_retries(pace, T0 + 3000), INT_MAX);
    pace_close(pace);
}

static void test_a_count_a_second_is_a_budget_too(void **state)
{
    struct pace_options options = plain(0, 1, 8);
    struct pace *pace;
    (void)state;

    options.retry_floor = 3;
    pace = opened(options);
    pace_claimed(pace, 5000, 0, T0);
    assert_int_equal(pace_retries(pace, T0), 30);
    pace_close(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_lets_nothing_through),
        cmocka_unit_test(test_retries_have_a_budget),
        cmocka_unit_test(test_a_count_a_second_is_a_budget_too),
    };

    return cmocka_run_group_tests_name("pace_budget", tests, NULL, NULL);
}
