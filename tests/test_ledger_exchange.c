/* ledger: the engine's one transaction, runs, and the figures that are kept with every change. */
#include "ledger_case.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* An exchange of these outcomes that claims up to `want` into `claims`. */
static int exchange(struct desk *desk, const struct ledger_outcome *outcomes, size_t count,
                    struct ledger_exchange *out)
{
    out->outcomes = outcomes;
    out->outcome_count = count;
    if (out->max_attempts == 0)
        out->max_attempts = 3;
    if (out->now_ms == 0)
        out->now_ms = NOW_MS;
    return ledger_exchange(desk->ledger, out, &desk->fail);
}

static const char FOUR[] = CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n";

/* ---- claiming ---- */

static void a_claim_is_committed_before_it_is_handed_out(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS + 7), 3);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE state = 4 AND attempts = 1"), 3);
    assert_int_equal(desk_number("SELECT updated_ms FROM card_now WHERE card_id = 501"), NOW_MS + 7);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(claims[i].card_id, 501 + i);
        assert_int_equal(claims[i].customer_id, 11 + i);
        assert_int_equal(claims[i].account_id, 21);
        assert_int_equal(claims[i].job.state, JOB_SENT);
        assert_int_equal(claims[i].job.attempts, 1);
        assert_false(claims[i].job.uncertain);
    }
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 504);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 0);
    desk_check(desk);
}

static void retries_come_before_new_rows(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[2];
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_TRANSIENT, "http_503");
    outcomes[0].due_ms = NOW_MS + 2000;
    outcomes[1] = desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_503");
    outcomes[1].due_ms = NOW_MS + 1000;
    assert_int_equal(exchange(desk, outcomes, 2, &x), 0);
    assert_int_equal(x.next_due_ms, 0); /* 503 is due at once */
    x = (struct ledger_exchange){.want = 4, .claims = claims, .now_ms = NOW_MS + 1999};
    assert_int_equal(exchange(desk, NULL, 0, &x), 0);
    assert_int_equal(x.claimed, 3);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[0].job.attempts, 2);
    assert_int_equal(claims[1].card_id, 503);
    assert_int_equal(claims[2].card_id, 504);
    assert_int_equal(x.next_due_ms, NOW_MS + 2000);
    x = (struct ledger_exchange){.want = 4, .claims = claims, .now_ms = NOW_MS + 2000};
    assert_int_equal(exchange(desk, NULL, 0, &x), 0);
    assert_int_equal(x.claimed, 1);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(x.next_due_ms, -1);
    desk_check(desk);
}

static void as_many_as_wanted_leave_the_next_time_open(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_exchange x = {.want = 2, .claims = claims};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(exchange(desk, NULL, 0, &x), 0);
    assert_int_equal(x.claimed, 2);
    assert_int_equal(x.next_due_ms, NOW_MS);
}

/* ---- settling ---- */

static void settling_and_claiming_are_one_transaction(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[2];
    struct ledger_exchange x = {.want = 4, .claims = claims};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_ACCEPTED, "accepted");
    outcomes[1] = desk_outcome(&claims[1], VERDICT_REJECTED, "bad_request");
    outcomes[1].message = "state is required";
    assert_int_equal(exchange(desk, outcomes, 2, &x), 0);
    assert_int_equal(x.claimed, 2);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n"
                   "1/2 502 rejected bad_request\n"
                   "1/3 503 sent\n"
                   "1/4 504 sent\n");
    assert_string_equal(
        desk_text("SELECT group_concat(http_status || ' ' || coalesce(message, '-'), ';') FROM card_now "
                  "WHERE state > 4"),
        "202 -;400 state is required");
    desk_check(desk);
}

/* I3: SENT is left once. */
static void a_row_that_is_not_sent_fails_the_whole_exchange(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[3];
    struct ledger_exchange x = {.want = 4, .claims = claims};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_ACCEPTED, "accepted");
    outcomes[1] = desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_500");
    outcomes[1].due_ms = NOW_MS + 1;
    outcomes[2] = outcomes[0];
    assert_int_equal(exchange(desk, outcomes, 3, &x), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    assert_string_equal(desk->fail.text, "row 1 was answered but was not sent");
    assert_int_equal(x.claimed, 0);
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 sent\n1/3 503 ready\n1/4 504 ready\n");
    assert_int_equal(desk_number("SELECT count(*) FROM attempt"), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM tally WHERE kind = 'http'"), 0);
    desk_check(desk);
    assert_int_equal(exchange(desk, outcomes, 2, &x), 0); /* without the wrong one it goes through */
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 ready http_500\n1/3 503 sent\n1/4 504 sent\n");
    desk_check(desk);
}

#define SIX CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n15,21,505\n16,21,506\n"

/* Neighbours with the same answer are settled by one statement; whatever differs keeps its own values. */
static void neighbours_are_settled_together_and_keep_their_own(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[6];
    struct ledger_outcome outcomes[6];
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, SIX, NULL);
    assert_int_equal(desk_claim(desk, claims, 6, NOW_MS), 6);
    for (int i = 0; i < 6; i++) /* answers come in any order */
        outcomes[i] = desk_outcome(&claims[5 - i], VERDICT_ACCEPTED, "accepted");
    outcomes[1].verdict = VERDICT_REJECTED; /* 505 */
    outcomes[1].code = "bad_request";
    outcomes[2].lost = true;       /* 504 */
    outcomes[4].message = "taken"; /* 502 */
    assert_int_equal(exchange(desk, outcomes, 6, &x), 0);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 accepted accepted\n1/3 503 accepted accepted\n"
                   "1/4 504 accepted accepted\n1/5 505 rejected bad_request\n1/6 506 accepted accepted\n");
    assert_string_equal(
        desk_text("SELECT group_concat(uncertain || coalesce(message, '-'), ';') FROM card_now"),
        "0-;0taken;0-;1-;0-;0-");
    desk_check(desk);
}

static void a_neighbour_that_is_not_sent_fails_the_whole_exchange(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[3];
    struct ledger_outcome outcomes[3];
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    for (int i = 0; i < 3; i++)
        outcomes[i] = desk_outcome(&claims[i], VERDICT_ACCEPTED, "accepted");
    desk_settle(desk, &claims[1], VERDICT_RELEASED, "");
    assert_int_equal(exchange(desk, outcomes, 3, &x), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    assert_string_equal(desk->fail.text, "of rows 1 to 3, all answered, some were not sent");
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 ready\n1/3 503 sent\n1/4 504 ready\n");
    desk_check(desk);
}

/* A statement marks all rows from the first claim to the last: not those in between that are not due. */
static void a_claim_leaves_what_lies_between_alone(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[6];
    struct ledger_outcome outcome;
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, CARDS "11,21,501\n12,21,502\n11,21,503\n13,21,504\n14,21,505\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_RELEASED, "");
    outcome =
        desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_503"); /* 502 waits for its time, 503 is held */
    outcome.due_ms = NOW_MS + 1000;
    assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
    assert_int_equal(desk_claim(desk, claims, 6, NOW_MS + 1), 3);
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 ready http_503\n1/3 503 held\n1/4 504 sent\n1/5 505 sent\n");
    assert_string_equal(desk_text("SELECT group_concat(attempts, ' ') FROM card_now"), "1 1 0 1 1");
    desk_check(desk);
}

static void attempts_are_counted_until_the_last(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;
    struct ledger_attempt attempt;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    for (int i = 1; i <= 3; i++) {
        struct ledger_outcome outcome;
        struct ledger_exchange x = {.want = 0};
        assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS + i), 1);
        assert_int_equal(claim.card_id, 501);
        assert_int_equal(claim.job.attempts, i);
        outcome = desk_outcome(&claim, VERDICT_TRANSIENT, i == 2 ? "answer_lost" : "http_503");
        outcome.http_status = i == 2 ? 0 : 503;
        outcome.message = i == 1 ? "try later" : "";
        outcome.at_ms = NOW_MS + 100 * i;
        outcome.due_ms = NOW_MS + i + 1;
        outcome.lost = i == 2;
        assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
    }
    /* The last one settled it, and the next card takes its place. */
    ROWS_ARE(desk, "1/1 501 exhausted http_503\n1/2 502 ready\n");
    assert_int_equal(desk_number("SELECT uncertain FROM card_now WHERE card_id = 501"), 1);
    assert_int_equal(ledger_attempts_begin(desk->ledger, 1, &desk->fail), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ledger_attempts_next(desk->ledger, &attempt, &desk->fail), 1);
        assert_int_equal(attempt.attempt, i);
        assert_int_equal(attempt.at_ms, NOW_MS + 100 * i);
        assert_int_equal(attempt.http_status, i == 2 ? 0 : 503);
        assert_true(span_is(attempt.code, i == 2 ? "answer_lost" : "http_503"));
        assert_true(span_is(attempt.message, i == 1 ? "try later" : ""));
    }
    assert_int_equal(ledger_attempts_next(desk->ledger, &attempt, &desk->fail), 0);
    desk_check(desk);
}

static void rows_that_go_back_cost_no_attempt(void **state)
{
    static const enum job_verdict verdicts[] = {VERDICT_RELEASED, VERDICT_TOKEN, VERDICT_FATAL};
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
        assert_int_equal(claim.job.attempts, 1);
        desk_settle(desk, &claim, verdicts[i], "not_this");
        ROWS_ARE(desk, "1/1 501 ready\n");
        assert_string_equal(desk_text("SELECT attempts || ' ' || due_ms || ' ' || uncertain FROM card_now"),
                            "0 1 0");
    }
    assert_int_equal(desk_number("SELECT count(*) FROM attempt"), 0);
    desk_check(desk);
}

/* It keeps what its last real answer was, and waits where it is told to. */
static void a_row_that_goes_back_keeps_its_last_answer(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;
    struct ledger_outcome outcome;
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, CARDS "11,21,501\n", NULL);
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    desk_settle(desk, &claim, VERDICT_TRANSIENT, "http_503");
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    outcome = desk_outcome(&claim, VERDICT_RELEASED, "connect_failed");
    outcome.due_ms = NOW_MS + 3000;
    outcome.latency_us = -1;
    assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
    ROWS_ARE(desk, "1/1 501 ready http_503\n");
    assert_string_equal(desk_text("SELECT attempts || ' ' || due_ms FROM card_now"), "1 1700000003000");
    assert_int_equal(x.next_due_ms, NOW_MS + 3000);
}

static void a_record_refused_at_its_send_is_invalid(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;
    struct ledger_outcome outcome;
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    outcome = desk_outcome(&claim, VERDICT_INVALID, "required;in_future");
    outcome.field = "owner_bid;consent_time";
    outcome.http_status = 0;
    outcome.latency_us = -1;
    assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
    ROWS_ARE(desk, "1/1 501 invalid required;in_future owner_bid;consent_time\n1/2 502 ready\n");
    assert_int_equal(desk_number("SELECT attempts FROM card_now WHERE card_id = 501"), 0);
    desk_check(desk);
}

static void an_uncertain_row_that_is_already_in_counts_as_accepted(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_outcome outcome;
    struct ledger_exchange x = {.want = 0};

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    desk_settle(desk, &claims[1], VERDICT_ALREADY, "already_on_click_to_pay");
    outcome = desk_outcome(&claims[0], VERDICT_TRANSIENT, "answer_lost");
    outcome.lost = true;
    assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 accepted already_on_click_to_pay\n1/2 502 already already_on_click_to_pay\n");
    desk_check(desk);
}

/* A retry made by hand may send a further card while the first is accepted: its end lets no other one go. */
static void a_customer_with_a_leading_card_promotes_none(void **state)
{
    static const int leading[] = {JOB_READY, JOB_SENT, JOB_ACCEPTED, JOB_ENROLLED, JOB_ALREADY};
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n11,21,502\n11,21,503\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++) {
        char sql[100];
        (void)snprintf(sql, sizeof sql, "UPDATE card SET state = %d WHERE card_id = 502 RETURNING 1",
                       leading[i]);
        assert_int_equal(desk_number(sql), 1);
        desk_settle(desk, &claims[0], VERDICT_REJECTED, "bad_request");
        assert_int_equal(desk_number("SELECT state FROM card_now WHERE card_id = 503"), JOB_HELD);
        assert_int_equal(desk_number("UPDATE card SET state = 4 WHERE card_id = 501 RETURNING state"),
                         JOB_SENT);
    }
}

/* ---- figures ---- */

static void answers_are_counted_by_status_minute_and_time(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[4];
    struct ledger_exchange x = {.want = 0, .tokens = 2, .unauthorized = 3};
    struct ledger_totals totals;
    int64_t recovered;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(ledger_run_begin(desk->ledger, "0.1.0", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 0);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 4);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_ACCEPTED, "accepted");
    outcomes[0].latency_us = 1000;
    outcomes[1] = desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_503");
    outcomes[1].http_status = 503;
    outcomes[1].latency_us = 250000;
    outcomes[2] = desk_outcome(&claims[2], VERDICT_REJECTED, "bad_request");
    outcomes[2].latency_us = 1;
    outcomes[3] = desk_outcome(&claims[3], VERDICT_RELEASED, NULL);
    outcomes[3].http_status = 0;
    outcomes[3].latency_us = -1; /* no request was made */
    assert_int_equal(exchange(desk, outcomes, 4, &x), 0);
    assert_int_equal(ledger_run_end(desk->ledger, 5, NULL, NOW_MS + 2500, &desk->fail), 0);

    assert_int_equal(ledger_totals(desk->ledger, &totals, &desk->fail), 0);
    assert_int_equal(totals.state[JOB_ACCEPTED], 1);
    assert_int_equal(totals.state[JOB_READY], 2);
    assert_int_equal(totals.state[JOB_REJECTED], 1);
    assert_int_equal(totals.http_count, 4);
    assert_int_equal(totals.http_status[0], 202);
    assert_int_equal(totals.http_answers[0], 1);
    assert_int_equal(totals.http_status[1], 400);
    assert_int_equal(totals.http_answers[1], 1);
    assert_int_equal(totals.http_status[2], 401);
    assert_int_equal(totals.http_answers[2], 3);
    assert_int_equal(totals.http_status[3], 503);
    assert_int_equal(totals.runs, 1);
    assert_int_equal(totals.requests, 6);
    assert_int_equal(totals.tokens, 2);
    assert_int_equal(totals.run_ms, 2500);
    assert_int_equal(totals.latency_us, 251001);
    assert_int_equal(totals.latency[0], 1);  /* 1 us */
    assert_int_equal(totals.latency[40], 1); /* 1000 us: up to 2^10 */
    assert_int_equal(totals.latency[72], 1); /* 250000 us: up to 2^18 */
    assert_string_equal(
        desk_text("SELECT minute || ' ' || answers || ' ' || accepted || ' ' || transient || ' ' || "
                  "latency_us || ' ' || latency_max_us FROM pulse"),
        "28333333 6 1 1 251001 250000");
    assert_string_equal(
        desk_text("SELECT started_ms || ' ' || ended_ms || ' ' || exit_code || ' ' || version FROM run"),
        "1700000000000 1700000002500 5 0.1.0");
    desk_check(desk);
}

static void a_histogram_has_four_steps_to_a_doubling(void **state)
{
    static const struct {
        int64_t us;
        int bucket;
    } cases[] = {{0, 0},
                 {1, 0},
                 {2, 4},
                 {3, 7},
                 {4, 8},
                 {5, 10},
                 {1024, 40},
                 {1025, 41},
                 {1217, 41},
                 {1218, 42},
                 {1448, 42},
                 {1449, 43},
                 {1722, 43},
                 {1723, 44},
                 {2048, 44},
                 {2049, 45},
                 {INT64_C(1) << 31, 124}};
    struct desk *desk = *state;
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger_claim claim;
        struct ledger_outcome outcome;
        struct ledger_exchange x = {.max_attempts = 100};
        char sql[100];
        assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
        assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
        outcome = desk_outcome(&claim, VERDICT_TRANSIENT, "http_503");
        outcome.latency_us = cases[i].us;
        assert_int_equal(exchange(desk, &outcome, 1, &x), 0);
        (void)snprintf(sql, sizeof sql, "SELECT bucket FROM latency WHERE run = %zu", i + 1);
        assert_int_equal(desk_number(sql), cases[i].bucket);
    }
}

static void what_waits_for_its_event_too_long_is_overdue(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t overdue;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS - 1, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 0);
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 1);
}

static void a_plan_counts_rows_and_accounts(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;
    int64_t rows, accounts;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,22,503\n13,21,504\nx,23,505\n", NULL);
    assert_int_equal(ledger_plan(desk->ledger, &rows, &accounts, &desk->fail), 0);
    assert_int_equal(rows, 3);
    assert_int_equal(accounts, 2);
    assert_int_equal(desk_claim(desk, &claim, 1, NOW_MS), 1);
    assert_int_equal(ledger_plan(desk->ledger, &rows, &accounts, &desk->fail), 0);
    assert_int_equal(rows, 2);
}

/* ---- runs ---- */

static void what_was_sent_when_a_run_died_is_due_again_and_uncertain(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_totals totals;
    int64_t recovered;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(
        desk_number(
            "UPDATE card SET state = 4, attempts = 1, due_ms = 5 WHERE card_id = 503 RETURNING due_ms"),
        5);                        /* a retry in flight */
    desk_reopen(desk, LEDGER_RUN); /* as after kill -9: nobody ended the run */
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS + 90000, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 2);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 ready\n1/3 503 ready\n1/4 504 ready\n");
    assert_string_equal(
        desk_text("SELECT group_concat(uncertain || '/' || attempts || '/' || due_ms, ' ') FROM card_now"),
        "0/1/0 1/1/1 1/1/1 0/0/0");
    /* The dead run lasted until its last answer, as far as minutes tell. */
    assert_string_equal(desk_text("SELECT ended_ms || ' ' || exit_code FROM run WHERE id = 1"),
                        "1700000000000 -1");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 3);
    assert_true(claims[0].job.uncertain);
    assert_int_equal(claims[0].job.attempts, 2);
    assert_false(claims[2].job.uncertain);
    assert_int_equal(ledger_run_end(desk->ledger, 0, NULL, NOW_MS + 91000, &desk->fail), 0);
    assert_int_equal(ledger_totals(desk->ledger, &totals, &desk->fail), 0);
    assert_int_equal(totals.runs, 2);
    assert_int_equal(totals.run_ms, 1000);
    desk_check(desk);
}

static void totals_that_do_not_add_up_are_told(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_number("UPDATE tally SET n = 3 WHERE kind = 'state' AND key = 3 RETURNING n"), 3);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    assert_string_equal(desk->fail.text, "totals do not add up: 4 rows are ready, 3 are counted");
    assert_int_equal(desk_number("UPDATE tally SET n = 4 WHERE kind = 'state' AND key = 3 RETURNING n"), 4);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    assert_int_equal(desk_number("UPDATE file SET known = 1 RETURNING known"), 1);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    assert_memory_equal(desk->fail.text, "totals do not add up: records of /", 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_claim_is_committed_before_it_is_handed_out),
        DESK_TEST(retries_come_before_new_rows),
        DESK_TEST(as_many_as_wanted_leave_the_next_time_open),
        DESK_TEST(settling_and_claiming_are_one_transaction),
        DESK_TEST(a_row_that_is_not_sent_fails_the_whole_exchange),
        DESK_TEST(neighbours_are_settled_together_and_keep_their_own),
        DESK_TEST(a_neighbour_that_is_not_sent_fails_the_whole_exchange),
        DESK_TEST(a_claim_leaves_what_lies_between_alone),
        DESK_TEST(attempts_are_counted_until_the_last),
        DESK_TEST(rows_that_go_back_cost_no_attempt),
        DESK_TEST(a_row_that_goes_back_keeps_its_last_answer),
        DESK_TEST(a_record_refused_at_its_send_is_invalid),
        DESK_TEST(an_uncertain_row_that_is_already_in_counts_as_accepted),
        DESK_TEST(a_customer_with_a_leading_card_promotes_none),
        DESK_TEST(answers_are_counted_by_status_minute_and_time),
        DESK_TEST(a_histogram_has_four_steps_to_a_doubling),
        DESK_TEST(what_waits_for_its_event_too_long_is_overdue),
        DESK_TEST(a_plan_counts_rows_and_accounts),
        DESK_TEST(what_was_sent_when_a_run_died_is_due_again_and_uncertain),
        DESK_TEST(totals_that_do_not_add_up_are_told),
    };

    return cmocka_run_group_tests_name("ledger_exchange", tests, scratch_open, scratch_close);
}
