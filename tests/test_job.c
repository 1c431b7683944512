/* Every edge of the state machine, and that there is no other. The names I1-I6 are those of rule/job.h. */
#include "rule/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 8 };

static const struct job_rules RULES = {MOST, false}, WITH_PATH = {MOST, true};

static struct job sent(int attempts, bool uncertain)
{
    return (struct job){.state = JOB_SENT, .attempts = attempts, .uncertain = uncertain};
}

static void check(struct job job, enum job_state state, int attempts, bool uncertain)
{
    assert_string_equal(job_state_name(job.state), job_state_name(state));
    assert_int_equal(job.attempts, attempts);
    assert_int_equal(job.uncertain, uncertain);
}

struct edge {
    enum job_verdict verdict;
    int attempts;
    bool uncertain, lost;
    enum job_state then;
    int attempts_then;
    bool uncertain_then;
};

static const struct edge EDGES[] = {
    {VERDICT_ACCEPTED, 1, false, false, JOB_ACCEPTED, 1, false},
    {VERDICT_ACCEPTED, 3, true, false, JOB_ACCEPTED, 3, true},
    {VERDICT_ALREADY, 1, false, false, JOB_ALREADY, 1, false},
    {VERDICT_ALREADY, 2, true, false, JOB_ACCEPTED, 2, true},
    {VERDICT_REJECTED, 1, false, false, JOB_REJECTED, 1, false},
    {VERDICT_REJECTED, 2, true, false, JOB_REJECTED, 2, true},
    {VERDICT_TRANSIENT, 1, false, false, JOB_READY, 1, false},
    {VERDICT_TRANSIENT, 1, false, true, JOB_READY, 1, true},
    {VERDICT_TRANSIENT, 2, true, false, JOB_READY, 2, true},
    {VERDICT_TRANSIENT, MOST - 1, false, false, JOB_READY, MOST - 1, false},
    {VERDICT_TRANSIENT, MOST, false, false, JOB_EXHAUSTED, MOST, false},
    {VERDICT_TRANSIENT, MOST, false, true, JOB_EXHAUSTED, MOST, true},
    {VERDICT_TRANSIENT, MOST + 1, false, false, JOB_EXHAUSTED, MOST + 1, false},
    {VERDICT_TOKEN, 1, false, false, JOB_READY, 0, false},
    {VERDICT_TOKEN, MOST, true, false, JOB_READY, MOST - 1, true},
    {VERDICT_FATAL, 1, false, false, JOB_READY, 0, false},
    {VERDICT_FATAL, 5, true, false, JOB_READY, 4, true},
    {VERDICT_RELEASED, 1, false, false, JOB_READY, 0, false},
    {VERDICT_RELEASED, 2, true, false, JOB_READY, 1, true},
    {VERDICT_RELEASED, 2, false, true, JOB_READY, 1, true},
    {VERDICT_INVALID, 1, false, false, JOB_INVALID, 0, false},
    {VERDICT_INVALID, 4, true, false, JOB_INVALID, 3, true},
};

static void every_verdict_has_its_edge(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof EDGES / sizeof EDGES[0]; i++) {
        const struct edge *edge = &EDGES[i];
        struct job job = sent(edge->attempts, edge->uncertain);
        print_message("  %s, attempt %d\n", job_verdict_name(edge->verdict), edge->attempts);
        job_settle(&job, edge->verdict, edge->lost, &RULES);
        check(job, edge->then, edge->attempts_then, edge->uncertain_then);
    }
}

static void lost_marks_the_row_whatever_the_verdict(void **state)
{
    (void)state;
    for (int verdict = VERDICT_ACCEPTED; verdict <= VERDICT_INVALID; verdict++) {
        struct job job = sent(2, false);
        job_settle(&job, (enum job_verdict)verdict, true, &RULES);
        assert_true(job.uncertain);
    }
}

static void claiming_counts_the_attempt(void **state)
{
    struct job job = {.state = JOB_READY, .attempts = 2, .uncertain = true};

    (void)state;
    job_claim(&job);
    check(job, JOB_SENT, 3, true);
}

static void a_claim_given_back_leaves_no_trace(void **state)
{
    struct job job = {.state = JOB_READY};

    (void)state;
    job_claim(&job);
    job_settle(&job, VERDICT_RELEASED, false, &RULES);
    check(job, JOB_READY, 0, false);
}

static void recovering_keeps_the_attempt_and_doubts(void **state)
{
    struct job job = sent(1, false);

    (void)state;
    job_recover(&job);
    check(job, JOB_READY, 1, true);
}

/* A crash after the last answer went out, then "already": the attempt that was lost had enrolled. */
static void a_lost_attempt_explains_already(void **state)
{
    struct job job = {.state = JOB_READY};

    (void)state;
    job_claim(&job);
    job_recover(&job);
    job_claim(&job);
    job_settle(&job, VERDICT_ALREADY, false, &RULES);
    check(job, JOB_ACCEPTED, 2, true);
}

static void a_lost_answer_can_be_held(void **state)
{
    struct job job = sent(2, false);

    (void)state;
    job_settle(&job, VERDICT_TRANSIENT, true, &RULES);
    job_hold(&job);
    check(job, JOB_HELD, 2, true);
}

/* Customer call "already", and the card call can be made: due for that one, with all its attempts before it.
 */
static void already_goes_on_to_the_card_call(void **state)
{
    struct job job = sent(3, false);

    (void)state;
    job_settle(&job, VERDICT_ALREADY, false, &WITH_PATH);
    check(job, JOB_READY, 3, false);
    assert_int_equal(job.call, CALL_FOLLOW);
    assert_int_equal(job.before, 3);
    job_claim(&job);
    job_settle(&job, VERDICT_ALREADY, false, &WITH_PATH);
    check(job, JOB_ALREADY, 4, false);
    assert_int_equal(job.call, CALL_FOLLOW);
}

static void already_to_the_card_call_is_the_end(void **state)
{
    static const enum job_call calls[] = {CALL_CARD, CALL_FOLLOW};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct job job = {.state = JOB_SENT, .attempts = 1, .call = calls[i]};
        job_settle(&job, VERDICT_ALREADY, false, &WITH_PATH);
        check(job, JOB_ALREADY, 1, false);
        assert_int_equal(job.call, calls[i]);
    }
}

static void a_lost_attempt_explains_already_also_with_a_card_path(void **state)
{
    struct job job = sent(2, true);

    (void)state;
    job_settle(&job, VERDICT_ALREADY, false, &WITH_PATH);
    check(job, JOB_ACCEPTED, 2, true);
    assert_int_equal(job.call, CALL_CUSTOMER);
}

static void attempts_before_do_not_exhaust(void **state)
{
    struct job job = {.state = JOB_SENT, .attempts = MOST + 7, .before = MOST};

    (void)state;
    job_settle(&job, VERDICT_TRANSIENT, false, &RULES);
    check(job, JOB_READY, MOST + 7, false);
    job_claim(&job);
    job_settle(&job, VERDICT_TRANSIENT, false, &RULES);
    check(job, JOB_EXHAUSTED, MOST + 8, false);
}

/* Which settled rows let the customer's next card go: state, call, without a path, with one. */
static void what_frees_the_next_card(void **state)
{
    static const struct {
        enum job_state state;
        enum job_call call;
        bool without, with;
    } expected[] = {
        {JOB_INVALID, CALL_CUSTOMER, true, true},    {JOB_SKIPPED, CALL_CUSTOMER, true, true},
        {JOB_HELD, CALL_CUSTOMER, false, false},     {JOB_READY, CALL_FOLLOW, false, false},
        {JOB_ACCEPTED, CALL_CUSTOMER, false, false}, {JOB_ACCEPTED, CALL_CARD, false, true},
        {JOB_ACCEPTED, CALL_FOLLOW, false, true},    {JOB_ALREADY, CALL_CARD, false, true},
        {JOB_ALREADY, CALL_CUSTOMER, false, true},   {JOB_REJECTED, CALL_CUSTOMER, true, true},
        {JOB_EXHAUSTED, CALL_CARD, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct job job = {.state = expected[i].state, .call = expected[i].call};
        print_message("  %s\n", job_state_name(job.state));
        assert_int_equal(job_frees(&job, &RULES), expected[i].without);
        assert_int_equal(job_frees(&job, &WITH_PATH), expected[i].with);
    }
}

static void what_can_be_retried(void **state)
{
    static const bool may[JOB_STATE_COUNT] = {
        [JOB_HELD] = true,    [JOB_ACCEPTED] = true, [JOB_DECLINED] = true,
        [JOB_ALREADY] = true, [JOB_REJECTED] = true, [JOB_EXHAUSTED] = true};

    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        assert_int_equal(job_retry_refused((enum job_state)i) == NULL, may[i]);
    assert_string_equal(job_retry_refused(JOB_ENROLLED), "it is enrolled");
}

/* ---- bugs of the caller end the process ---- */

static void do_hold(struct job *job)
{
    job_hold(job);
}

static void do_claim(struct job *job)
{
    job_claim(job);
}

static void do_settle(struct job *job)
{
    job_settle(job, VERDICT_ACCEPTED, false, &RULES);
}

static void do_recover(struct job *job)
{
    job_recover(job);
}

static void do_settle_unknown(struct job *job)
{
    job_settle(job, (enum job_verdict)99, false, &RULES);
}

static void do_name(struct job *job)
{
    (void)job_state_name(job->state);
}

static bool aborts(void (*action)(struct job *), struct job job)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        action(&job);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void i3_only_sent_can_be_settled_or_recovered(void **state)
{
    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        struct job job = {.state = (enum job_state)i, .attempts = 1};
        assert_int_equal(aborts(do_settle, job), i != JOB_SENT);
        assert_int_equal(aborts(do_recover, job), i != JOB_SENT);
    }
}

static void only_what_is_ready_and_uncertain_can_be_held(void **state)
{
    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        struct job job = {.state = (enum job_state)i, .uncertain = true};
        assert_int_equal(aborts(do_hold, job), i != JOB_READY);
        job.uncertain = false;
        assert_true(aborts(do_hold, job));
    }
}

static void i2_only_ready_can_be_claimed(void **state)
{
    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        struct job job = {.state = (enum job_state)i};
        assert_int_equal(aborts(do_claim, job), i != JOB_READY);
    }
}

static void impossible_rows_are_bugs(void **state)
{
    (void)state;
    assert_true(aborts(do_settle, sent(0, false)));
    assert_true(aborts(do_recover, sent(0, false)));
    assert_true(aborts(do_settle_unknown, sent(1, false)));
    assert_true(aborts(do_name, (struct job){.state = (enum job_state)JOB_STATE_COUNT}));
    assert_true(aborts(do_name, (struct job){.state = (enum job_state) - 1}));
}

/* ---- names ---- */

static void states_have_their_names_and_numbers(void **state)
{
    static const char *const names[JOB_STATE_COUNT] = {"invalid", "skipped",  "held",     "ready",
                                                       "sent",    "accepted", "enrolled", "declined",
                                                       "already", "rejected", "exhausted"};
    enum job_state found;

    (void)state;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        assert_string_equal(job_state_name((enum job_state)i), names[i]);
        assert_int_equal(job_state_parse(names[i], &found), 0);
        assert_int_equal(found, i);
    }
    assert_int_equal(JOB_SENT, 4);
    assert_int_equal(JOB_EXHAUSTED, 10);
}

static void other_names_are_refused(void **state)
{
    enum job_state found = JOB_HELD;
    enum job_verdict verdict = VERDICT_TOKEN;

    (void)state;
    assert_int_equal(job_state_parse("", &found), -1);
    assert_int_equal(job_state_parse("Ready", &found), -1);
    assert_int_equal(job_state_parse("read", &found), -1);
    assert_int_equal(found, JOB_HELD);
    assert_int_equal(job_verdict_parse("retry", &verdict), -1);
    assert_int_equal(job_verdict_parse("", &verdict), -1);
    assert_int_equal(verdict, VERDICT_TOKEN);
}

static void states_tell_what_they_are(void **state)
{
    static const struct {
        enum job_state state;
        bool final, failed, leads;
    } expected[] = {
        {JOB_INVALID, false, true, false},  {JOB_SKIPPED, true, false, false},
        {JOB_HELD, false, false, false},    {JOB_READY, false, false, true},
        {JOB_SENT, false, false, true},     {JOB_ACCEPTED, false, false, true},
        {JOB_ENROLLED, true, false, true},  {JOB_DECLINED, true, true, false},
        {JOB_ALREADY, true, false, true},   {JOB_REJECTED, true, true, false},
        {JOB_EXHAUSTED, true, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        print_message("  %s\n", job_state_name(expected[i].state));
        assert_int_equal(job_state_final(expected[i].state), expected[i].final);
        assert_int_equal(job_state_failed(expected[i].state), expected[i].failed);
        assert_int_equal(job_state_leads(expected[i].state), expected[i].leads);
    }
}

static void verdicts_have_their_names(void **state)
{
    static const char *const names[] = {"accepted", "already", "rejected", "transient",
                                        "token",    "fatal",   "released", "invalid"};
    enum job_verdict found;

    (void)state;
    for (int i = 0; i <= VERDICT_INVALID; i++) {
        assert_string_equal(job_verdict_name((enum job_verdict)i), names[i]);
        assert_int_equal(job_verdict_parse(names[i], &found), 0);
        assert_int_equal(found, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_has_its_edge),
        cmocka_unit_test(lost_marks_the_row_whatever_the_verdict),
        cmocka_unit_test(claiming_counts_the_attempt),
        cmocka_unit_test(a_claim_given_back_leaves_no_trace),
        cmocka_unit_test(recovering_keeps_the_attempt_and_doubts),
        cmocka_unit_test(a_lost_attempt_explains_already),
        cmocka_unit_test(a_lost_answer_can_be_held),
        cmocka_unit_test(already_goes_on_to_the_card_call),
        cmocka_unit_test(already_to_the_card_call_is_the_end),
        cmocka_unit_test(a_lost_attempt_explains_already_also_with_a_card_path),
        cmocka_unit_test(attempts_before_do_not_exhaust),
        cmocka_unit_test(what_frees_the_next_card),
        cmocka_unit_test(what_can_be_retried),
        cmocka_unit_test(only_what_is_ready_and_uncertain_can_be_held),
        cmocka_unit_test(i3_only_sent_can_be_settled_or_recovered),
        cmocka_unit_test(i2_only_ready_can_be_claimed),
        cmocka_unit_test(impossible_rows_are_bugs),
        cmocka_unit_test(states_have_their_names_and_numbers),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(states_tell_what_they_are),
        cmocka_unit_test(verdicts_have_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
