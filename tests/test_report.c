/* report: what stands in the files that people and programs read. */
#include "flow/report.h"

#include "ledger_case.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct report_options options_of(struct desk *desk)
{
    return (struct report_options){
        .folder = scratch_path("out"), .overdue_ms = 86400000, .now_ms = NOW_MS + 1000, .log = &desk->log};
}

static void write_report(struct desk *desk)
{
    struct report_options options = options_of(desk);

    if (report_write(desk->ledger, desk->portfolio, &options, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* ---- results.csv ---- */

#define RESULTS                                                                                              \
    "file,record,line,customer_id,account_id,card_id,state,uncertain,attempts,http_status,code,message,cid," \
    "event_id,updated_at\n"

static void results_list_every_cards_record_in_input_order(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcome;
    struct ledger_exchange x = {
        .outcomes = &outcome, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS + 250};
    char cid[6][UUID_TEXT_SIZE];
    struct buf expected;

    desk_load(desk,
              "customer_id,account_id,card_id,status\n"
              "11,22,501,\n11,21,502,\n\n12,21,503,\nx,21,\"504\",\n13,21,505,CLOSED\n14,,,\n",
              NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 503);
    outcome = desk_outcome(&claims[0], VERDICT_TRANSIENT, "answer_lost");
    outcome.http_status = 0;
    outcome.lost = true;
    outcome.due_ms = NOW_MS + 5000;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    outcome = desk_outcome(&claims[1], VERDICT_REJECTED, "bad_request");
    outcome.message = "state, \"RJ\": not known";
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    for (int64_t card = 501; card <= 503; card++) {
        char sql[60];
        (void)snprintf(sql, sizeof sql, "SELECT id FROM card WHERE card_id = %" PRId64, card);
        (void)ledger_cid(desk->ledger, desk_number(sql), cid[card - 501]);
    }
    write_report(desk);
    buf_init(&expected, 1 << 16);
    buf_addf(&expected,
             RESULTS
             "cards.1.csv,1,2,11,22,501,rejected,,1,400,bad_request,\"state, \"\"RJ\"\": not known\",%s,,"
             "2023-11-14T22:13:20.250Z\n"
             "cards.1.csv,2,3,11,21,502,ready,,0,,,,%s,,2023-11-14T22:13:20.250Z\n"
             "cards.1.csv,3,5,12,21,503,ready,yes,1,,answer_lost,,%s,,2023-11-14T22:13:20.250Z\n"
             "cards.1.csv,4,6,,21,504,invalid,,0,,bad_integer,,,,2023-11-14T22:13:20.000Z\n"
             "cards.1.csv,5,7,13,21,505,skipped,,0,,,,,,2023-11-14T22:13:20.000Z\n"
             "cards.1.csv,6,8,14,,,invalid,,0,,required;required,,,,2023-11-14T22:13:20.000Z\n",
             cid[0], cid[1], cid[2]);
    scratch_holds("out/results.csv", buf_text(&expected));
    buf_free(&expected);
}

/* The server's words are not ours: they must not start a formula in a spreadsheet. */
static void a_message_never_starts_a_formula(void **state)
{
    static const struct {
        const char *message, *cell;
    } cases[] = {
        {"=1+2", ",\"'=1+2\","},
        {"+1", ",\"'+1\","},
        {"-1", ",\"'-1\","},
        {"@SUM(A1)", ",\"'@SUM(A1)\","},
        {"\t=1", ",\"'\t=1\","},
        {"\r=1", ",\"'\r=1\","},
        {"=\"a\",b", ",\"'=\"\"a\"\",b\","},
        {"a=1", ",a=1,"},
        {"two\nlines", ",\"two\nlines\","},
    };
    struct desk *desk = *state;
    struct buf results;

    buf_init(&results, 1 << 16);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger_claim claim;
        struct ledger_outcome outcome;
        struct ledger_exchange x = {
            .outcomes = &outcome, .outcome_count = 1, .max_attempts = 99, .now_ms = NOW_MS};
        assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
        outcome = desk_outcome(&claim, VERDICT_TRANSIENT, "http_503");
        outcome.message = cases[i].message;
        assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
        write_report(desk);
        buf_reset(&results);
        scratch_read("out/results.csv", &results);
        if (!strstr(buf_text(&results), cases[i].cell))
            fail_msg("%s is not in %s", cases[i].cell, buf_text(&results));
    }
    buf_free(&results);
}

/* A row that was sent once is known to the other side by its correlation ID, whatever became of it. */
static void a_refused_row_that_was_tried_shows_its_cid(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;
    char cid[UUID_TEXT_SIZE];
    struct buf results;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    desk_settle(desk, &claim, VERDICT_TRANSIENT, "http_503");
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    desk_settle(desk, &claim, VERDICT_INVALID, "in_future");
    write_report(desk);
    buf_init(&results, 1 << 16);
    scratch_read("out/results.csv", &results);
    assert_non_null(strstr(buf_text(&results), ledger_cid(desk->ledger, claim.id, cid)));
    assert_non_null(strstr(buf_text(&results), ",invalid,,1,"));
    buf_free(&results);
}

/* ---- summary.json ---- */

static const char SUMMARY[] =
    "{\n"
    "  \"schema_version\": 1,\n"
    "  \"generated_at\": \"2023-11-14T22:13:21.000Z\",\n"
    "  \"program\": \"ctp-enroll " CTP_VERSION "\",\n"
    "  \"totals\": {\n"
    "    \"invalid\": 2,\n"
    "    \"skipped\": 0,\n"
    "    \"held\": 1,\n"
    "    \"ready\": 1,\n"
    "    \"sent\": 0,\n"
    "    \"accepted\": 1,\n"
    "    \"enrolled\": 0,\n"
    "    \"declined\": 0,\n"
    "    \"already\": 0,\n"
    "    \"rejected\": 0,\n"
    "    \"exhausted\": 0\n"
    "  },\n"
    "  \"purged\": 0,\n"
    "  \"overdue\": 0,\n"
    "  \"refused_customers\": 1,\n"
    "  \"problems\": {\n"
    "    \"bad_integer\": 4,\n"
    "    \"no_customer\": 1\n"
    "  },\n"
    "  \"last_run\": {\n"
    "    \"state\": \"ended\",\n"
    "    \"holder\": null,\n"
    "    \"started_at\": \"2023-11-14T22:13:20.000Z\",\n"
    "    \"ended_at\": \"2023-11-14T22:13:24.000Z\",\n"
    "    \"exit_code\": 4,\n"
    "    \"reason\": \"no success for breaker.limit: the server seems to be away\"\n"
    "  },\n"
    "  \"http_status\": {\n"
    "    \"202\": 1,\n"
    "    \"503\": 1\n"
    "  },\n"
    "  \"runs\": 1,\n"
    "  \"requests\": 2,\n"
    "  \"token_requests\": 1,\n"
    "  \"rate_per_second\": 0.500,\n"
    "  \"latency_ms\": {\n"
    "    \"mean\": 60.000,\n"
    "    \"p50\": 23.170,\n"
    "    \"p95\": 108.463,\n"
    "    \"p99\": 109.866\n"
    "  },\n"
    "  \"files\": [\n"
    "    {\n"
    "      \"file\": \"customers.1.csv\",\n"
    "      \"path\": \"%s/customers.1.csv\",\n"
    "      \"carries\": \"customers\",\n"
    "      \"sha256\": \"195c37a04e6ac22196bcddc6799593212859178625d43dd6bde0725932cb85c5\",\n"
    "      \"loaded_at\": \"2023-11-14T22:13:20.000Z\",\n"
    "      \"bytes\": 40,\n"
    "      \"records\": 4,\n"
    "      \"valid\": 2,\n"
    "      \"new\": 2,\n"
    "      \"repointed\": 0,\n"
    "      \"known\": 0,\n"
    "      \"skipped\": 1,\n"
    "      \"invalid\": 1,\n"
    "      \"duplicates\": 0,\n"
    "      \"without_card\": 0,\n"
    "      \"problems\": {\n"
    "        \"bad_integer\": 1\n"
    "      },\n"
    "      \"example_lines\": {\n"
    "        \"bad_integer\": 4\n"
    "      }\n"
    "    },\n"
    "    {\n"
    "      \"file\": \"cards.1.csv\",\n"
    "      \"path\": \"%s/cards.1.csv\",\n"
    "      \"carries\": \"cards\",\n"
    "      \"sha256\": \"76e55a51c05a0066af4538b4513b04541514aeaed0e393b24c34da9b606f2434\",\n"
    "      \"loaded_at\": \"2023-11-14T22:13:20.000Z\",\n"
    "      \"bytes\": 78,\n"
    "      \"records\": 5,\n"
    "      \"valid\": 3,\n"
    "      \"new\": 3,\n"
    "      \"repointed\": 0,\n"
    "      \"known\": 0,\n"
    "      \"skipped\": 0,\n"
    "      \"invalid\": 2,\n"
    "      \"duplicates\": 0,\n"
    "      \"without_customer\": 1,\n"
    "      \"problems\": {\n"
    "        \"bad_integer\": 2,\n"
    "        \"no_customer\": 1\n"
    "      },\n"
    "      \"example_lines\": {\n"
    "        \"bad_integer\": 5,\n"
    "        \"no_customer\": 6\n"
    "      }\n"
    "    }\n"
    "  ]\n"
    "}\n";

static void the_summary_has_its_keys_and_numbers(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[2];
    struct ledger_exchange x = {
        .outcomes = outcomes, .outcome_count = 2, .max_attempts = 3, .tokens = 1, .now_ms = NOW_MS};
    struct buf expected;
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,503\nx,y,504\n13,y,505\n",
              CUSTOMERS "11,\n12,\nx,\n14,CLOSED\n");
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_ACCEPTED, "accepted");
    outcomes[0].latency_us = 100000;
    outcomes[1] = desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_503");
    outcomes[1].http_status = 503;
    outcomes[1].due_ms = NOW_MS + 1;
    outcomes[1].latency_us = 20000;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    assert_int_equal(ledger_run_end(desk->ledger, 4,
                                    "no success for breaker.limit: the server seems to be away",
                                    NOW_MS + 4000, &desk->fail),
                     0);
    write_report(desk);
    buf_init(&expected, 1 << 16);
    buf_addf(&expected, SUMMARY, scratch_folder(), scratch_folder());
    scratch_holds("out/summary.json", buf_text(&expected));
    buf_free(&expected);
}

static void a_summary_without_a_run_says_so(void **state)
{
    struct desk *desk = *state;
    struct buf text;

    buf_init(&text, 1 << 16);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    write_report(desk);
    scratch_read("out/summary.json", &text);
    assert_non_null(strstr(buf_text(&text), "\n  \"last_run\": null,\n"));
    buf_free(&text);
}

/* ---- the files themselves ---- */

static void reports_are_for_their_owner_only_and_leave_nothing_else(void **state)
{
    static const char *const names[] = {"out/results.csv",           "out/cards.rejects.csv",
                                        "out/customers.rejects.csv", "out/summary.json",
                                        "out/report.html",           "out/SHA256SUMS"};
    struct desk *desk = *state;
    mode_t mask;

    desk_load(desk, CARDS "11,x,501\n", CUSTOMERS "x,\n");
    mask = umask(0);
    write_report(desk);
    (void)umask(mask);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(scratch_mode(names[i]), 0600);
    assert_int_equal(scratch_mode("out"), 0700);
    assert_int_equal(scratch_count("out"), 6);
    write_report(desk);
    assert_int_equal(scratch_count("out"), 6);
}

/* A report that fails leaves the earlier one, whole, and no half of its own. */
static void a_report_that_fails_leaves_the_earlier_one(void **state)
{
    struct desk *desk = *state;
    struct report_options options = options_of(desk);
    struct buf before, after;

    buf_init(&before, 1 << 16);
    buf_init(&after, 1 << 16);
    desk_load(desk, CARDS "11,21,501\n12,x,502\n", NULL);
    write_report(desk);
    scratch_read("out/summary.json", &before);
    assert_int_equal(unlink(scratch_path("out/results.csv")), 0);
    assert_int_equal(mkdir(scratch_path("out/results.csv"), 0700), 0);
    assert_int_equal(report_write(desk->ledger, desk->portfolio, &options, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_LEDGER);
    assert_non_null(strstr(desk->fail.text, "/out/results.csv: cannot write: Is a directory"));
    scratch_read("out/summary.json", &after);
    assert_true(span_same(buf_span(&before), buf_span(&after)));
    assert_int_equal(scratch_count("out"), 5);
    buf_free(&before);
    buf_free(&after);
}

static void a_check_tells_no_correlation_ids(void **state)
{
    struct desk *desk = *state;
    struct report_options options = options_of(desk);
    struct buf text;

    buf_init(&text, 4096);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    options.check = true;
    assert_int_equal(report_write(desk->ledger, desk->portfolio, &options, &desk->fail), 0);
    scratch_read("out/results.csv", &text);
    assert_non_null(strstr(buf_text(&text), ",501,ready,,0,,,,,,"));
    buf_free(&text);
}

static void a_folder_that_cannot_be_made_is_disk_trouble(void **state)
{
    struct desk *desk = *state;
    struct report_options options = options_of(desk);

    options.folder = scratch_path("no/such/out");
    assert_int_equal(report_write(desk->ledger, desk->portfolio, &options, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_LEDGER);
    assert_non_null(
        strstr(desk->fail.text, "/no/such/out: cannot make the folder: No such file or directory"));
}

/* ---- figures ---- */

static void the_exit_code_follows_from_the_totals(void **state)
{
    static const int codes[JOB_STATE_COUNT] = {
        [JOB_INVALID] = 3, [JOB_SKIPPED] = 0,  [JOB_HELD] = 0,     [JOB_READY] = 5,
        [JOB_SENT] = 5,    [JOB_ACCEPTED] = 0, [JOB_ENROLLED] = 0, [JOB_DECLINED] = 3,
        [JOB_ALREADY] = 0, [JOB_REJECTED] = 3, [JOB_EXHAUSTED] = 3};
    struct ledger_totals totals = {.runs = 1};

    (void)state;
    assert_int_equal(report_exit_code(&totals), 0);
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        totals = (struct ledger_totals){.runs = 1};
        totals.state[i] = 1;
        assert_int_equal(report_exit_code(&totals), codes[i]);
        totals.state[JOB_READY] = 1; /* work is left, whatever else there is */
        assert_int_equal(report_exit_code(&totals), 5);
    }
    totals = (struct ledger_totals){.refused_customers = 1};
    assert_int_equal(report_exit_code(&totals), 3);
}

static void latencies_are_read_from_the_histogram(void **state)
{
    struct ledger_totals totals = {.runs = 1};

    (void)state;
    assert_int_equal(report_latency(&totals, 0.5), 0);
    totals.latency[40] = 50; /* up to 1024 us */
    totals.latency[41] = 45; /* up to 1217 us */
    totals.latency[72] = 4;  /* up to 262144 us */
    totals.latency[127] = 1;
    assert_int_equal(report_latency(&totals, 0), 861);
    assert_int_equal(report_latency(&totals, 0.25), 943); /* half way up from 861 us */
    assert_int_equal(report_latency(&totals, 0.5), 1024);
    assert_int_equal(report_latency(&totals, 0.51), 1028);
    assert_int_equal(report_latency(&totals, 0.95), 1217);
    assert_int_equal(report_latency(&totals, 0.97), 241290);
    assert_int_equal(report_latency(&totals, 0.99), 262144);
    assert_int_equal(report_latency(&totals, 1), INT64_C(3611622602));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(results_list_every_cards_record_in_input_order),
        DESK_TEST(a_message_never_starts_a_formula),
        DESK_TEST(a_refused_row_that_was_tried_shows_its_cid),
        DESK_TEST(the_summary_has_its_keys_and_numbers),
        DESK_TEST(a_summary_without_a_run_says_so),
        DESK_TEST(reports_are_for_their_owner_only_and_leave_nothing_else),
        DESK_TEST(a_report_that_fails_leaves_the_earlier_one),
        DESK_TEST(a_check_tells_no_correlation_ids),
        DESK_TEST(a_folder_that_cannot_be_made_is_disk_trouble),
        DESK_TEST(the_exit_code_follows_from_the_totals),
        DESK_TEST(latencies_are_read_from_the_histogram),
    };

    return cmocka_run_group_tests_name("report", tests, scratch_open, scratch_close);
}
