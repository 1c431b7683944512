/* pace where pushback comes one by one and does not depend on what is sent: a trial tells whether the limits
 * were cut in vain. The answers are scripted: so many a second, whatever the client sends. */
#include "rule/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { FAST_S = 3, TRIAL_S = 12, END_S = 30, ONE_IN = 50 };

struct script {
    struct pace *pace;
    int answers;
};

/* One answer every `every_ms`, of which one in ONE_IN is pushback; the limit is always in use. */
static void answer_until(struct script *script, int from_s, int to_s, int every_ms)
{
    for (int64_t now_ms = from_s * 1000; now_ms < to_s * 1000; now_ms++) {
        (void)!pace_take(script->pace, pace_limit(script->pace) - 1, now_ms);
        if (now_ms % every_ms != 0)
            continue;
        script->answers++;
        pace_answer(script->pace, script->answers % ONE_IN == 0 ? PACE_PUSHBACK : PACE_OK, now_ms - 5, -1,
                    now_ms);
    }
}

/* The limit a while after a trial in which answers came every `every_ms`; before it every 10 ms, and at first
 * 2 a millisecond without pushback. */
static int limit_after_trial(int every_ms)
{
    struct pace_options options = {.concurrency = 256, .adaptive = true};
    struct script script = {0};
    int before, after;

    pace_open(&script.pace, &options, 7, 0);
    for (int64_t now_ms = 0; now_ms < FAST_S * 1000; now_ms++) {
        (void)!pace_take(script.pace, pace_limit(script.pace) - 1, now_ms);
        pace_answer(script.pace, PACE_OK, now_ms - 25, -1, now_ms);
        pace_answer(script.pace, PACE_OK, now_ms - 25, -1, now_ms);
    }
    assert_int_equal(pace_limit(script.pace), 256);
    answer_until(&script, FAST_S, TRIAL_S, 10);
    before = pace_limit(script.pace);
    assert_in_range(before, 55, 75); /* cut again and again; the trial has just begun */
    answer_until(&script, TRIAL_S, END_S, every_ms);
    after = pace_limit(script.pace);
    pace_close(script.pace);
    return after;
}

static void test_noise_is_let_pass_when_answers_come_back(void **state)
{
    (void)state;
    assert_true(limit_after_trial(5) > 75);
}

/* Nothing comes back, or too little for it to be anything but chance: the server takes less indeed. */
static void test_trial_in_vain_cuts_on(void **state)
{
    (void)state;
    assert_true(limit_after_trial(10) < 30);
    assert_true(limit_after_trial(8) < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_let_pass_when_answers_come_back),
        cmocka_unit_test(test_trial_in_vain_cuts_on),
    };

    return cmocka_run_group_tests_name("pace_noise", tests, NULL, NULL);
}
