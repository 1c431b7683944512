/* pace: delays of single rows, and the forms of Retry-After. */
#include "rule/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const int64_t T0 = 5000000; /* some moment */
static const struct pace_options DELAYS = {
    .burst = 1, .concurrency = 1, .retry_base_ms = 1000, .retry_cap_ms = 300000};

static void test_retry_after_values(void **state)
{
    static const struct {
        const char *text;
        int64_t expected_ms;
    } cases[] = {
        {"0", 0},
        {"120", 120000},
        {" 7 ", 7000},
        {"0000000007", 7000},
        {"86400", 86400000},
        {"86401", 86400000},
        {"99999999999999999999", 86400000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 7000},
        {"Sun, 06 Nov 1994 08:49:30 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:29 GMT", 0},
        {"Mon, 07 Nov 1994 08:49:29 GMT", 86399000},
        {"Tue, 08 Nov 1994 08:49:30 GMT", 86400000},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.5", -1},
        {"1 2", -1},
        {"soon", -1},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Wed, 31 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nox 1994 08:49:37 GMT", -1},
        {"Sxx, 06 Nov 1994 08:49:37 GMT", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pace_retry_after(span_of(cases[i].text), 784111770000), cases[i].expected_ms);
    assert_int_equal(pace_retry_after(span_of(NULL), 784111770000), -1);
    assert_int_equal(pace_retry_after(SPAN("Sun, 06 Nov 1994 08:49:37 GMT"), 784111776999), 1);
}

static void test_backoff(void **state)
{
    static const int64_t uppers_ms[] = {1000,  2000,   4000,   8000,   16000,  32000,
                                        64000, 128000, 256000, 300000, 300000, 300000};
    struct pace *pace;
    (void)state;

    pace_open(&pace, &DELAYS, 1, T0);
    for (int attempt = 1; attempt <= 12; attempt++) {
        int64_t upper_ms = uppers_ms[attempt - 1], least_ms = upper_ms, most_ms = 0, total_ms = 0;

        for (int i = 0; i < 4000; i++) {
            int64_t ms = pace_backoff(pace, attempt, -1);

            least_ms = ms < least_ms ? ms : least_ms;
            most_ms = ms > most_ms ? ms : most_ms;
            total_ms += ms;
        }
        assert_true(least_ms >= 0 && least_ms <= upper_ms / 100);
        assert_true(most_ms <= upper_ms && most_ms >= upper_ms - upper_ms / 100);
        assert_in_range(total_ms / 4000, upper_ms * 47 / 100, upper_ms * 53 / 100);
    }
    assert_true(pace_backoff(pace, INT32_MAX, -1) <= 300000);
    assert_true(pace_backoff(pace, 1, 5000) == 5000);
    assert_true(pace_backoff(pace, 3, 100) >= 100);
    pace_close(pace);
}

static void test_same_seed_same_delays(void **state)
{
    struct pace *a, *b, *c;
    int differ = 0;
    (void)state;

    pace_open(&a, &DELAYS, 7, T0);
    pace_open(&b, &DELAYS, 7, T0 + 5);
    pace_open(&c, &DELAYS, 8, T0);
    for (int i = 0; i < 20; i++) {
        int64_t ms = pace_backoff(a, 9, -1);

        assert_int_equal(ms, pace_backoff(b, 9, -1));
        differ += ms != pace_backoff(c, 9, -1);
    }
    assert_true(differ >= 19);
    pace_close(a);
    pace_close(b);
    pace_close(c);
    pace_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after_values),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_same_seed_same_delays),
    };

    return cmocka_run_group_tests_name("pace_delay", tests, NULL, NULL);
}
