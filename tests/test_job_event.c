/* job: what an outcome event does to its row, by state, evidence and doubt. */
#include "rule/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

/* "settles STATE", "waits" or "stands". */
static const char *what(struct job job, bool well, bool weak, bool lost_held)
{
    static char text[64];
    enum job_state before = job.state;
    enum job_event event = job_event(&job, well, weak, lost_held);

    if (event != JOB_EVENT_SETTLES)
        assert_int_equal(job.state, before);
    (void)snprintf(text, sizeof text, "%s%s",
                   event == JOB_EVENT_SETTLES ? "settles "
                   : event == JOB_EVENT_WAITS ? "waits"
                                              : "stands",
                   event == JOB_EVENT_SETTLES ? job_state_name(job.state) : "");
    return text;
}

#define ROW(name, tries, doubt) ((struct job){.state = JOB_##name, .attempts = (tries), .uncertain = (doubt)})

static void success_by_correlation_id(void **state)
{
    (void)state;
    assert_string_equal(what(ROW(ACCEPTED, 1, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(DECLINED, 1, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(EXHAUSTED, 8, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(READY, 1, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(READY, 0, true), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(HELD, 1, true), true, false, true), "settles enrolled");
    assert_string_equal(what(ROW(SENT, 1, false), true, false, false), "waits");
    assert_string_equal(what(ROW(READY, 0, false), true, false, false), "stands");
    assert_string_equal(what(ROW(HELD, 0, false), true, false, false), "stands");
    assert_string_equal(what(ROW(ENROLLED, 1, true), true, false, false), "stands");
}

/* What was refused for certain is so; a lost answer may hide that it was taken. */
static void success_where_only_doubt_allows_it(void **state)
{
    static const enum job_state states[] = {JOB_INVALID, JOB_SKIPPED, JOB_ALREADY, JOB_REJECTED};

    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct job job = {.state = states[i], .attempts = states[i] >= JOB_ALREADY};
        assert_string_equal(what(job, true, false, false), "stands");
        job.uncertain = true;
        assert_string_equal(what(job, true, false, false), "settles enrolled");
        assert_string_equal(what(job, true, true, false), "stands");
        assert_string_equal(what(job, false, false, false), "stands");
    }
}

/* Whatever came of the last one, a request before it may have been taken. */
static void success_of_an_earlier_request(void **state)
{
    (void)state;
    assert_string_equal(what(ROW(INVALID, 1, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(SKIPPED, 1, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(ALREADY, 2, false), true, false, false), "settles enrolled");
    assert_string_equal(what(ROW(REJECTED, 2, false), true, false, false), "settles enrolled");
}

static void failure_by_correlation_id(void **state)
{
    (void)state;
    assert_string_equal(what(ROW(ACCEPTED, 1, false), false, false, false), "settles declined");
    assert_string_equal(what(ROW(HELD, 1, true), false, false, true), "settles declined");
    assert_string_equal(what(ROW(HELD, 1, true), false, false, false), "waits");
    assert_string_equal(what(ROW(HELD, 0, false), false, false, false), "stands");
    assert_string_equal(what(ROW(READY, 1, false), false, false, false), "waits");
    assert_string_equal(what(ROW(READY, 0, false), false, false, false), "stands");
    assert_string_equal(what(ROW(SENT, 1, false), false, false, false), "waits");
    assert_string_equal(what(ROW(ENROLLED, 1, false), false, false, false), "stands");
    assert_string_equal(what(ROW(DECLINED, 1, false), false, false, false), "stands");
    assert_string_equal(what(ROW(EXHAUSTED, 8, true), false, false, false), "stands");
}

static void evidence_by_numbers(void **state)
{
    (void)state;
    assert_string_equal(what(ROW(ACCEPTED, 1, false), true, true, false), "settles enrolled");
    assert_string_equal(what(ROW(DECLINED, 1, false), true, true, false), "settles enrolled");
    assert_string_equal(what(ROW(ACCEPTED, 1, false), false, true, false), "settles declined");
    assert_string_equal(what(ROW(READY, 1, true), true, true, false), "waits");
    assert_string_equal(what(ROW(READY, 1, false), false, true, false), "waits");
    assert_string_equal(what(ROW(SENT, 1, true), true, true, false), "waits");
    assert_string_equal(what(ROW(HELD, 1, true), true, true, true), "waits");
    assert_string_equal(what(ROW(HELD, 1, true), false, true, true), "waits");
    assert_string_equal(what(ROW(READY, 0, false), true, true, false), "stands");
    assert_string_equal(what(ROW(HELD, 0, false), false, true, false), "stands");
    assert_string_equal(what(ROW(EXHAUSTED, 8, true), true, true, false), "stands");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_by_correlation_id),     cmocka_unit_test(success_where_only_doubt_allows_it),
        cmocka_unit_test(success_of_an_earlier_request), cmocka_unit_test(failure_by_correlation_id),
        cmocka_unit_test(evidence_by_numbers),
    };

    return cmocka_run_group_tests_name("job_event", tests, NULL, NULL);
}
