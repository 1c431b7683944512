/* quantity: what the notations mean, and what is none of them. */
#include "value/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct amount_case {
    const char *text;
    int64_t value;
};

static void durations(void **state)
{
    static const struct amount_case good[] = {{"250ms", 250},   {"30s", 30000},      {"5m", 300000},
                                              {"4h", 14400000}, {"90d", 7776000000}, {"0s", 0},
                                              {"007s", 7000}};
    static const char *const bad[] = {"",
                                      "30",
                                      "s",
                                      "1.5h",
                                      "-1s",
                                      "+1s",
                                      "30 s",
                                      "5m ",
                                      "1h5",
                                      "1h5m",
                                      "5M",
                                      "1w",
                                      "9223372036854775807d"};
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(quantity_duration(span_of(good[i].text), &value), 0);
        assert_int_equal(value, good[i].value);
    }
    value = -7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(quantity_duration(span_of(bad[i]), &value), -1);
    assert_int_equal(value, -7);
}

static void sizes(void **state)
{
    static const struct amount_case good[] = {
        {"65536", 65536}, {"64k", 65536}, {"1m", 1048576}, {"1M", 1048576}};
    static const char *const bad[] = {"", "k", "64kb", "64 k", "1.5m", "9223372036854775807k"};
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(quantity_size(span_of(good[i].text), &value), 0);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(quantity_size(span_of(bad[i]), &value), -1);
}

static void counts_fit_or_fail(void **state)
{
    int64_t value = 0;

    (void)state;
    assert_int_equal(quantity_count(span_of("9223372036854775807"), &value), 0);
    assert_int_equal(value, INT64_MAX);
    assert_int_equal(quantity_count(span_of("9223372036854775808"), &value), -1);
    assert_int_equal(quantity_count(span_of("12a"), &value), -1);
}

static void rates(void **state)
{
    static const char *const bad[] = {"", "/s", "50/d", "50/", "1.2345/s", "1./s", ".5/s", "-1/s", "50 /s"};
    double value = 0;

    (void)state;
    assert_int_equal(quantity_rate(span_of("50/s"), &value), 0);
    assert_true(value == 50.0);
    assert_int_equal(quantity_rate(span_of("3000/m"), &value), 0);
    assert_true(value == 50.0);
    assert_int_equal(quantity_rate(span_of("7200/h"), &value), 0);
    assert_true(value == 2.0);
    assert_int_equal(quantity_rate(span_of("0.5/s"), &value), 0);
    assert_true(value == 0.5);
    assert_int_equal(quantity_rate(span_of("20"), &value), 0);
    assert_true(value == 20.0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(quantity_rate(span_of(bad[i]), &value), -1);
}

static void limits(void **state)
{
    static const char *const bad[] = {"", "%", "101%", "100.001%", "5 %", "-1", "5%%", "none", "1.5"};
    struct quantity_limit limit = {0};

    (void)state;
    assert_int_equal(quantity_limit(span_of("250"), &limit), 0);
    assert_false(limit.is_share);
    assert_int_equal(limit.count, 250);
    assert_int_equal(quantity_limit(span_of("0.5%"), &limit), 0);
    assert_true(limit.is_share);
    assert_true(limit.percent == 0.5);
    assert_int_equal(quantity_limit(span_of("100%"), &limit), 0);
    assert_true(limit.percent == 100.0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(quantity_limit(span_of(bad[i]), &limit), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations), cmocka_unit_test(sizes),  cmocka_unit_test(counts_fit_or_fail),
        cmocka_unit_test(rates),     cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
