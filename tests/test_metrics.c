/* metrics: the page that machines read, word by word, and when it is not written. */
#include "flow/metrics.h"

#include "kit/clock.h"
#include "ledger_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct metrics metrics_of(struct desk *desk, const char *portfolio)
{
    struct metrics_options options = {.path = scratch_path("ctp.prom"),
                                      .portfolio = portfolio,
                                      .interval_ms = 15000,
                                      .overdue_ms = 86400000,
                                      .log = &desk->log};
    struct metrics metrics;

    metrics_init(&metrics, &options);
    return metrics;
}

/* The page holds this line. */
static void has_line(const char *line)
{
    struct buf page, wanted;

    buf_init(&page, 1 << 20);
    buf_init(&wanted, 1 << 10);
    buf_addf(&wanted, "\n%s\n", line);
    scratch_read("ctp.prom", &page);
    if (!strstr(buf_text(&page), buf_text(&wanted)))
        fail_msg("no line '%s' in\n%s", line, buf_text(&page));
    buf_free(&page);
    buf_free(&wanted);
}

static void has_no(const char *text)
{
    struct buf page;

    buf_init(&page, 1 << 20);
    scratch_read("ctp.prom", &page);
    if (strstr(buf_text(&page), text))
        fail_msg("'%s' in\n%s", text, buf_text(&page));
    buf_free(&page);
}

static int count_of(const char *words, const char *text)
{
    int count = 0;

    for (; (text = strstr(text, words)); text += strlen(words))
        count++;
    return count;
}

static void begin_run(struct desk *desk, int64_t now_ms)
{
    int64_t recovered;

    if (ledger_run_begin(desk->ledger, "0.1.0", now_ms, &recovered, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

static void end_run(struct desk *desk, int exit_code, int64_t now_ms)
{
    if (ledger_run_end(desk->ledger, exit_code, NULL, now_ms, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* Six cards of six customers and one refused: 2 accepted (202, 1.024 ms and 1.025 ms), 1 rejected (400, 1 s),
 * 1 whose answer was lost (3 s), 1 in flight, 1 ready; 3 tokens, one 401. */
static void fill(struct desk *desk)
{
    struct ledger_claim claims[5];
    struct ledger_outcome out[4];
    struct ledger_exchange x = {.outcomes = out,
                                .outcome_count = 4,
                                .max_attempts = 3,
                                .tokens = 3,
                                .unauthorized = 1,
                                .now_ms = NOW_MS + 5000};

    begin_run(desk, NOW_MS);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n15,21,505\n16,21,506\nx,21,507\n",
              NULL);
    assert_int_equal(desk_claim(desk, claims, 5, NOW_MS), 5);
    out[0] = desk_outcome(&claims[0], VERDICT_ACCEPTED, "accepted");
    out[0].latency_us = 1024;
    out[1] = desk_outcome(&claims[1], VERDICT_ACCEPTED, "accepted");
    out[1].latency_us = 1025;
    out[2] = desk_outcome(&claims[2], VERDICT_REJECTED, "bad_request");
    out[2].latency_us = 1000000;
    out[3] = desk_outcome(&claims[3], VERDICT_TRANSIENT, "answer_lost");
    out[3].http_status = 0;
    out[3].lost = true;
    out[3].due_ms = NOW_MS + 60000;
    out[3].latency_us = 3000000;
    if (ledger_exchange(desk->ledger, &x, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* In two halves: no longer literal is promised to work. */
static const char FIRST_HALF[] =
    "# HELP ctp_enroll_build_info Always 1; tells the version.\n"
    "# TYPE ctp_enroll_build_info gauge\n"
    "ctp_enroll_build_info{version=\"" CTP_VERSION "\"} 1\n"
    "# HELP ctp_enroll_cards Records of the cards files by state.\n"
    "# TYPE ctp_enroll_cards gauge\n"
    "ctp_enroll_cards{state=\"invalid\"} 1\n"
    "ctp_enroll_cards{state=\"skipped\"} 0\n"
    "ctp_enroll_cards{state=\"held\"} 0\n"
    "ctp_enroll_cards{state=\"ready\"} 2\n"
    "ctp_enroll_cards{state=\"sent\"} 1\n"
    "ctp_enroll_cards{state=\"accepted\"} 2\n"
    "ctp_enroll_cards{state=\"enrolled\"} 0\n"
    "ctp_enroll_cards{state=\"declined\"} 0\n"
    "ctp_enroll_cards{state=\"already\"} 0\n"
    "ctp_enroll_cards{state=\"rejected\"} 1\n"
    "ctp_enroll_cards{state=\"exhausted\"} 0\n"
    "# HELP ctp_enroll_refused_customers Refused records of the customers files.\n"
    "# TYPE ctp_enroll_refused_customers gauge\n"
    "ctp_enroll_refused_customers 0\n"
    "# HELP ctp_enroll_overdue_cards Cards accepted for longer than events.overdue without their event.\n"
    "# TYPE ctp_enroll_overdue_cards gauge\n"
    "ctp_enroll_overdue_cards 2\n"
    "# HELP ctp_enroll_requests_total Enrol requests that ended, of all runs.\n"
    "# TYPE ctp_enroll_requests_total counter\n"
    "ctp_enroll_requests_total 5\n"
    "# HELP ctp_enroll_answers_total How enrol requests ended, by HTTP status; none: without an answer.\n"
    "# TYPE ctp_enroll_answers_total counter\n"
    "ctp_enroll_answers_total{status=\"202\"} 2\n"
    "ctp_enroll_answers_total{status=\"400\"} 1\n"
    "ctp_enroll_answers_total{status=\"401\"} 1\n"
    "ctp_enroll_answers_total{status=\"none\"} 1\n"
    "# HELP ctp_enroll_tokens_total Tokens asked for, of all runs.\n"
    "# TYPE ctp_enroll_tokens_total counter\n"
    "ctp_enroll_tokens_total 3\n";

static const char SECOND_HALF[] =
    "# HELP ctp_enroll_request_duration_seconds Time from an enrol request to its answer or failure, of all "
    "runs.\n"
    "# TYPE ctp_enroll_request_duration_seconds histogram\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.001024\"} 1\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.002048\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.004096\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.008192\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.016384\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.032768\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.065536\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.131072\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.262144\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"0.524288\"} 2\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"1.048576\"} 3\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"2.097152\"} 3\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"4.194304\"} 4\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"8.388608\"} 4\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"16.777216\"} 4\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"33.554432\"} 4\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"67.108864\"} 4\n"
    "ctp_enroll_request_duration_seconds_bucket{le=\"+Inf\"} 4\n"
    "ctp_enroll_request_duration_seconds_sum 4.002049\n"
    "ctp_enroll_request_duration_seconds_count 4\n"
    "# HELP ctp_enroll_runs_total Runs begun.\n"
    "# TYPE ctp_enroll_runs_total counter\n"
    "ctp_enroll_runs_total 1\n"
    "# HELP ctp_enroll_running 1 while a run is at work; with an old file: that run was killed.\n"
    "# TYPE ctp_enroll_running gauge\n"
    "ctp_enroll_running 1\n"
    "# HELP ctp_enroll_run_start_timestamp_seconds When the newest run began; 0: never.\n"
    "# TYPE ctp_enroll_run_start_timestamp_seconds gauge\n"
    "ctp_enroll_run_start_timestamp_seconds 1700000000.000\n"
    "# HELP ctp_enroll_run_end_timestamp_seconds When a run ended last; 0: never.\n"
    "# TYPE ctp_enroll_run_end_timestamp_seconds gauge\n"
    "ctp_enroll_run_end_timestamp_seconds 0.000\n"
    "# HELP ctp_enroll_last_success_timestamp_seconds When a run ended last with nothing left to send (exit "
    "code 0 "
    "or 3); 0: never.\n"
    "# TYPE ctp_enroll_last_success_timestamp_seconds gauge\n"
    "ctp_enroll_last_success_timestamp_seconds 0.000\n"
    "# HELP ctp_enroll_last_exit_code Exit code of the run that ended last; -1: it was killed.\n"
    "# TYPE ctp_enroll_last_exit_code gauge\n"
    "# HELP ctp_enroll_in_flight Enrol requests in flight.\n"
    "# TYPE ctp_enroll_in_flight gauge\n"
    "ctp_enroll_in_flight 7\n"
    "# HELP ctp_enroll_limit Enrol requests that may be in flight at once now; 0: no run is at work.\n"
    "# TYPE ctp_enroll_limit gauge\n"
    "ctp_enroll_limit 64\n"
    "# HELP ctp_enroll_held_seconds How long all sends still wait because the server asked for it "
    "(Retry-After).\n"
    "# TYPE ctp_enroll_held_seconds gauge\n"
    "ctp_enroll_held_seconds 1.250\n";

static void the_page_of_a_run_at_work(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");
    struct metrics_run run = {.flying = 7, .limit = 64, .held_ms = 1250};
    struct buf page;

    fill(desk);
    metrics_write(&metrics, desk->ledger, &run);
    buf_init(&page, 1 << 16);
    buf_addf(&page, "%s%s", FIRST_HALF, SECOND_HALF);
    scratch_holds("ctp.prom", buf_text(&page));
    buf_free(&page);
}

static void another_user_may_read_it_and_nothing_stays_beside_it(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");
    mode_t mask = umask(077);

    metrics.options.path = scratch_path("collector/ctp.prom");
    assert_int_equal(mkdir(scratch_path("collector"), 0700), 0);
    metrics_write(&metrics, desk->ledger, NULL);
    metrics_write(&metrics, desk->ledger, NULL);
    (void)umask(mask);
    assert_int_equal(scratch_mode("collector/ctp.prom"), 0644);
    assert_int_equal(scratch_count("collector"), 1);
}

static void a_ledger_without_runs_has_no_exit_code(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");

    metrics_refresh(&metrics, desk->ledger);
    has_line("ctp_enroll_runs_total 0");
    has_line("ctp_enroll_run_start_timestamp_seconds 0.000");
    has_line("ctp_enroll_answers_total{status=\"none\"} 0");
    has_no("ctp_enroll_last_exit_code 0");
}

/* What a success is: the run left nothing to send, whatever became of the rows. */
static void success_is_0_or_3(void **state)
{
    static const struct {
        int exit_code;
        const char *success;
    } ends[] = {{5, "ctp_enroll_last_success_timestamp_seconds 0.000"},
                {0, "ctp_enroll_last_success_timestamp_seconds 1700000002.000"},
                {4, "ctp_enroll_last_success_timestamp_seconds 1700000002.000"},
                {3, "ctp_enroll_last_success_timestamp_seconds 1700000004.000"},
                {6, "ctp_enroll_last_success_timestamp_seconds 1700000004.000"}};
    static const char *const codes[] = {[0] = "ctp_enroll_last_exit_code 0",
                                        [3] = "ctp_enroll_last_exit_code 3",
                                        [4] = "ctp_enroll_last_exit_code 4",
                                        [5] = "ctp_enroll_last_exit_code 5",
                                        [6] = "ctp_enroll_last_exit_code 6"};
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");

    for (int i = 0; i < 5; i++) {
        begin_run(desk, NOW_MS + 1000 * i);
        end_run(desk, ends[i].exit_code, NOW_MS + 1000 * (i + 1));
        metrics_refresh(&metrics, desk->ledger);
        has_line(ends[i].success);
        has_line(codes[ends[i].exit_code]);
        has_line("ctp_enroll_running 0");
        has_line("ctp_enroll_limit 0");
    }
    has_line("ctp_enroll_runs_total 5");
    has_line("ctp_enroll_run_end_timestamp_seconds 1700000005.000");
}

static void the_end_is_told_also_where_the_ledger_could_not_take_it(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");

    begin_run(desk, NOW_MS);
    metrics_end(&metrics, desk->ledger, 7);
    has_line("ctp_enroll_last_exit_code 7");
    has_line("ctp_enroll_running 0");
    has_no("ctp_enroll_run_end_timestamp_seconds 0.000\n");
    end_run(desk, 0, NOW_MS + 1000);
    metrics_end(&metrics, desk->ledger, 7); /* say, the reports could not be written */
    has_line("ctp_enroll_last_exit_code 7");
    has_line("ctp_enroll_run_end_timestamp_seconds 1700000001.000");
}

static void beside_a_run_only_the_run_writes(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");

    begin_run(desk, NOW_MS);
    metrics_refresh(&metrics, desk->ledger);
    assert_false(scratch_exists("ctp.prom"));
    end_run(desk, 0, NOW_MS + 1000);
    metrics_refresh(&metrics, desk->ledger);
    assert_true(scratch_exists("ctp.prom"));
}

static void a_portfolio_labels_every_line(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "north \"\\\" 1");

    metrics_write(&metrics, desk->ledger, NULL);
    has_line("ctp_enroll_cards{portfolio=\"north \\\"\\\\\\\" 1\",state=\"ready\"} 0");
    has_line("ctp_enroll_tokens_total{portfolio=\"north \\\"\\\\\\\" 1\"} 0");
    has_line("ctp_enroll_request_duration_seconds_sum{portfolio=\"north \\\"\\\\\\\" 1\"} 0.000000");
    has_no("_total 0");
}

static void it_is_due_at_once_and_then_by_the_interval(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");
    int64_t before_ms = clock_mono_ms();

    assert_true(metrics_due(&metrics, 0));
    metrics_write(&metrics, desk->ledger, NULL);
    assert_true(metrics.due_ms >= before_ms + 15000);
    assert_false(metrics_due(&metrics, metrics.due_ms - 1));
    assert_true(metrics_due(&metrics, metrics.due_ms));
    metrics.options.path = "";
    assert_false(metrics_due(&metrics, metrics.due_ms));
    metrics_write(&metrics, desk->ledger, NULL);
    metrics_end(&metrics, desk->ledger, 0);
    metrics_refresh(&metrics, desk->ledger);
    assert_false(metrics.warned);
}

static void a_failure_that_lasts_is_one_warning(void **state)
{
    struct desk *desk = *state;
    struct metrics metrics = metrics_of(desk, "");
    struct log log;
    struct buf lines;
    FILE *file = fopen(scratch_path("log"), "w");

    assert_non_null(file);
    log_open(&log, fileno(file), LOG_INFO, false);
    metrics.options.log = &log;
    metrics.options.path = scratch_path("nowhere/ctp.prom");
    metrics_write(&metrics, desk->ledger, NULL);
    assert_true(metrics.due_ms > 0); /* tried again when it is due, not at every turn */
    metrics_write(&metrics, desk->ledger, NULL);
    metrics.options.path = scratch_path("ctp.prom");
    metrics_write(&metrics, desk->ledger, NULL);
    metrics.options.path = scratch_path("nowhere/");
    metrics_write(&metrics, desk->ledger, NULL);
    log_close(&log);
    assert_int_equal(fclose(file), 0);
    buf_init(&lines, 1 << 16);
    scratch_read("log", &lines);
    assert_non_null(strstr(buf_text(&lines), "/nowhere/.ctp.prom."));
    assert_non_null(strstr(buf_text(&lines), "cannot write: No such file or directory"));
    assert_non_null(strstr(buf_text(&lines), "names a folder"));
    assert_int_equal(count_of("the metrics file cannot be written", buf_text(&lines)), 2);
    buf_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_page_of_a_run_at_work),
        DESK_TEST(another_user_may_read_it_and_nothing_stays_beside_it),
        DESK_TEST(a_ledger_without_runs_has_no_exit_code),
        DESK_TEST(success_is_0_or_3),
        DESK_TEST(the_end_is_told_also_where_the_ledger_could_not_take_it),
        DESK_TEST(beside_a_run_only_the_run_writes),
        DESK_TEST(a_portfolio_labels_every_line),
        DESK_TEST(it_is_due_at_once_and_then_by_the_interval),
        DESK_TEST(a_failure_that_lasts_is_one_warning),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
