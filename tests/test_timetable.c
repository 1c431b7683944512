/* The weekly timetable: its words, which rule holds when, and when it opens again. */
#include "rule/timetable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

/* No rule holds. */
static const double NONE = -1;

static int at(int day, int hour, int minute)
{
    return (day * 24 + hour) * 60 + minute;
}

static struct timetable table(const char *text)
{
    struct timetable out;
    struct fail fail = {.kind = FAIL_NONE};

    if (timetable_parse(span_of(text), &out, &fail) != 0)
        fail_msg("%s: %s", text, fail.text);
    return out;
}

static double rate_at(const struct timetable *timetable, int minute)
{
    double rate = 0;

    return timetable_rate(timetable, minute, &rate) ? rate : NONE;
}

struct look {
    int minute;
    double rate;
};

static void expect(const char *text, const struct look *looks, size_t count)
{
    struct timetable timetable = table(text);

    for (size_t i = 0; i < count; i++)
        if (rate_at(&timetable, looks[i].minute) != looks[i].rate)
            fail_msg("%s: day %d %02d:%02d: %g instead of %g", text, looks[i].minute / 1440,
                     looks[i].minute % 1440 / 60, looks[i].minute % 60, rate_at(&timetable, looks[i].minute),
                     looks[i].rate);
}

#define EXPECT(text, ...)                            \
    expect(text, (const struct look[]){__VA_ARGS__}, \
           sizeof((const struct look[]){__VA_ARGS__}) / sizeof(struct look))

static void the_first_rule_that_holds_counts(void **state)
{
    (void)state;
    EXPECT("Mon-Fri 08:00-20:00 5/s; * 50/s", {at(MON, 7, 59), 50}, {at(MON, 8, 0), 5}, {at(MON, 19, 59), 5},
           {at(MON, 20, 0), 50}, {at(FRI, 12, 0), 5}, {at(SAT, 12, 0), 50}, {at(SUN, 23, 59), 50});
    EXPECT("* 50/s; Mon-Fri 08:00-20:00 5/s", {at(MON, 12, 0), 50});
}

static void without_a_rule_the_rate_stays(void **state)
{
    (void)state;
    EXPECT("Tue 09:00-10:00 300/m", {at(TUE, 8, 59), NONE}, {at(TUE, 9, 0), 5}, {at(TUE, 10, 0), NONE},
           {at(WED, 9, 0), NONE});
    EXPECT("", {at(MON, 0, 0), NONE});
}

static void days_are_lists_and_ranges(void **state)
{
    (void)state;
    EXPECT("Mon,Wed,Sat-Sun 1/s", {at(MON, 3, 0), 1}, {at(TUE, 3, 0), NONE}, {at(WED, 3, 0), 1},
           {at(THU, 3, 0), NONE}, {at(FRI, 3, 0), NONE}, {at(SAT, 3, 0), 1}, {at(SUN, 3, 0), 1});
    EXPECT("Fri-Mon 2", {at(THU, 23, 59), NONE}, {at(FRI, 0, 0), 2}, {at(SUN, 12, 0), 2},
           {at(MON, 23, 59), 2}, {at(TUE, 0, 0), NONE});
    EXPECT("fri 2;SAT 3", {at(FRI, 1, 0), 2}, {at(SAT, 1, 0), 3});
    EXPECT("Sun-Sat 7/s", {at(MON, 0, 0), 7}, {at(SAT, 23, 59), 7}, {at(SUN, 23, 59), 7});
}

static void times_without_days_hold_every_day(void **state)
{
    (void)state;
    EXPECT("08:00-20:00 0; * 00:00-24:00 9/s", {at(THU, 8, 0), 0}, {at(SUN, 19, 59), 0}, {at(SUN, 20, 0), 9},
           {at(SUN, 23, 59), 9});
}

static void a_span_over_midnight_belongs_to_the_day_it_begins_on(void **state)
{
    (void)state;
    EXPECT("Fri 22:00-06:00 4/s", {at(FRI, 5, 0), NONE}, {at(FRI, 21, 59), NONE}, {at(FRI, 22, 0), 4},
           {at(SAT, 5, 59), 4}, {at(SAT, 6, 0), NONE}, {at(SAT, 22, 0), NONE});
    EXPECT("Sun 22:00-06:00 4/s", {at(SUN, 22, 0), 4}, {at(MON, 0, 0), 4}, {at(MON, 5, 59), 4},
           {at(MON, 6, 0), NONE});
    EXPECT("Fri 22:00-24:00 4/s", {at(FRI, 23, 59), 4}, {at(SAT, 0, 0), NONE});
}

static void closed_opens_where_a_rate_begins(void **state)
{
    struct timetable office = table("Mon-Fri 08:00-20:00 0; * 50/s");
    struct timetable weekend = table("Fri 20:00-24:00 0; Sat-Sun 0");
    struct timetable never = table("* 0");

    (void)state;
    assert_int_equal(timetable_opens(&office, at(MON, 8, 0)), at(MON, 20, 0));
    assert_int_equal(timetable_opens(&office, at(MON, 20, 0)), at(MON, 20, 0));
    assert_int_equal(timetable_opens(&weekend, at(FRI, 20, 0)), at(MON, 0, 0));
    assert_int_equal(timetable_opens(&weekend, at(SUN, 23, 59)), at(MON, 0, 0));
    assert_int_equal(timetable_opens(&never, at(WED, 1, 0)), -1);
}

static void a_plan_takes_closed_hours_into_account(void **state)
{
    struct timetable none = {.count = 0}, week = table("Mon-Fri 08:00-20:00 0; Sat,Sun 0; * 2/s"),
                     closed = table("* 0");

    (void)state;
    assert_true(timetable_seconds(&none, at(MON, 7, 0), 50, 1000) == 20);
    assert_true(timetable_seconds(&none, at(MON, 7, 0), 50, 0) == 0);
    /* an hour until it closes, 7,200 requests; the rest twelve hours later */
    assert_true(timetable_seconds(&week, at(MON, 7, 0), 50, 7200) == 3600);
    assert_true(timetable_seconds(&week, at(MON, 7, 0), 50, 7320) == 13 * 3600 + 60);
    /* a week has 60 open hours, 432,000 requests */
    assert_true(timetable_seconds(&week, at(MON, 7, 0), 50, 2 * 432000 + 7200) == 2 * 7 * 86400 + 3600);
    assert_true(timetable_seconds(&closed, at(MON, 7, 0), 50, 1) == -1);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"Mon-Fri 08:00-20:00 5/s; Mom 5/s", "character 26: 'Mom' is no day"},
        {"Mon-Fri", "character 1: 'Mon-Fri' is no rule: its rate is missing"},
        {"Mon-Fri 08:00-20:00", "character 1: 'Mon-Fri 08:00-20:00' is no rule: its rate is missing"},
        {"* fast", "character 3: 'fast' is no rate"},
        {"* 8:00-20:00 5", "character 3: '8:00-20:00' is no span of time"},
        {"* 08:00-08:00 5", "character 3: '08:00-08:00' is no span of time"},
        {"* 08:00-24:01 5", "'08:00-24:01' is no span of time"},
        {"* 24:00-06:00 5", "'24:00-06:00' is no span of time"},
        {"* 08:00 5", "'08:00' is no span of time"},
        {"* 08:60-09:00 5", "'08:60-09:00' is no span of time"},
        {"* 08:00-20:00 5/s 6/s", "character 19: '6/s' is no part of a rule"},
        {"5/s Mon", "character 5: 'Mon' is no part of a rule"},
        {"Mon, 5/s", "character 5: '' is no day"},
        {"Mon--Fri 5/s", "'Mon--Fri' is no day"},
        {"* 200000/s", "'200000/s' is no rate within"},
        {"* 0.0001/s", "is no rate"},
        {"* -5/s", "'-5/s' is no rate"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct timetable out = {.count = 77};
        struct fail fail = {.kind = FAIL_NONE};
        assert_int_equal(timetable_parse(span_of(cases[i].text), &out, &fail), -1);
        assert_int_equal(fail.kind, FAIL_USAGE);
        if (!strstr(fail.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, fail.text);
        assert_int_equal(out.count, 77);
    }
}

static void blanks_and_a_last_separator_are_harmless(void **state)
{
    struct timetable timetable = table("  Mon\t08:00-09:00   5/s ;; * 0 ; ");

    (void)state;
    assert_int_equal(timetable.count, 2);
    assert_true(rate_at(&timetable, at(MON, 8, 30)) == 5);
    assert_true(rate_at(&timetable, at(MON, 9, 0)) == 0);
}

static void rules_have_a_limit(void **state)
{
    char text[65 * 4 + 1];
    struct timetable out;
    struct fail fail = {.kind = FAIL_NONE};

    (void)state;
    for (int i = 0; i < 65; i++)
        (void)snprintf(text + (size_t)i * 4, 5, "* 5;");
    assert_int_equal(timetable_parse((struct span){text, 64 * 4}, &out, &fail), 0);
    assert_int_equal(timetable_parse((struct span){text, 65 * 4}, &out, &fail), -1);
    assert_non_null(strstr(fail.text, "more than 64 rules"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_holds_counts),
        cmocka_unit_test(without_a_rule_the_rate_stays),
        cmocka_unit_test(days_are_lists_and_ranges),
        cmocka_unit_test(times_without_days_hold_every_day),
        cmocka_unit_test(a_span_over_midnight_belongs_to_the_day_it_begins_on),
        cmocka_unit_test(closed_opens_where_a_rate_begins),
        cmocka_unit_test(a_plan_takes_closed_hours_into_account),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(blanks_and_a_last_separator_are_harmless),
        cmocka_unit_test(rules_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
