/* ledger: rows never tried are claimed by number, with nothing written into them (sql/schema_claims.sql,
 * table claimed); whoever looks sees them as sent all the same. */
#include "ledger_case.h"

#include "driver/ledger_change.h"
#include "driver/ledger_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static const char FOUR[] = CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n";

/* What the rows themselves say, and how far the claims reach. */
#define RAW "SELECT group_concat(state || '/' || attempts || '/' || due_ms, ' ') FROM card"
#define REACH "SELECT after || ' ' || last || ' ' || at_ms FROM claimed"

static struct ledger_exchange settle(struct desk *desk, const struct ledger_outcome *outcomes, size_t count)
{
    struct ledger_exchange x = {
        .outcomes = outcomes, .outcome_count = count, .max_attempts = 3, .now_ms = NOW_MS};

    if (ledger_exchange(desk->ledger, &x, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
    return x;
}

static void a_claim_writes_no_row(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS + 7), 3);
    assert_string_equal(desk_text(RAW), "3/0/0 3/0/0 3/0/0 3/0/0");
    assert_string_equal(desk_text(REACH), "0 3 1700000000007");
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 sent\n1/3 503 sent\n1/4 504 ready\n");
    assert_int_equal(desk_number("SELECT n FROM tally WHERE kind = 'state' AND key = 4"), 3);
    desk_check(desk);
}

/* One card's and one customer's rows, as `show` tells them. */
static void who_asks_for_a_row_in_flight_sees_it_sent(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_row_state row;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS + 7), 1);
    assert_int_equal(ledger_card_begin(desk->ledger, 501, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(row.state, JOB_SENT);
    assert_int_equal(row.attempts, 1);
    assert_int_equal(row.updated_ms, NOW_MS + 7);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 0);
    assert_int_equal(ledger_customer_begin(desk->ledger, 11, &desk->fail), 0);
    assert_int_equal(ledger_customer_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(row.state, JOB_SENT);
    assert_int_equal(ledger_customer_next(desk->ledger, &row, &desk->fail), 0);
}

/* Up to the oldest that flies, in whatever order the answers come. */
static void what_is_settled_needs_no_look_any_more(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    assert_string_equal(desk_text(REACH), "0 3 1700000000000");
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_string_equal(desk_text(REACH), "2 3 1700000000000");
    desk_settle(desk, &claims[2], VERDICT_REJECTED, "bad_request");
    assert_string_equal(desk_text(REACH), "3 3 1700000000000");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 accepted accepted\n1/3 503 rejected bad_request\n1/4 "
                   "504 ready\n");
    desk_check(desk);
}

/* The end is reached once; the time is that of the latest claim, not of the latest look. */
static void a_look_for_more_claims_nothing(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[8];

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n14,21,505\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 4);
    assert_string_equal(desk_text(REACH), "0 5 1700000000000");
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS + 60000), 0);
    assert_string_equal(desk_text(REACH), "0 5 1700000000000");
    desk_check(desk);
}

/* Behind the last row that could be claimed nothing is left: that is noted without a claim. */
static void a_look_passes_what_cannot_be_claimed(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[8];

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    assert_string_equal(desk_text(REACH), "0 2 1700000000000");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 60000), 0);
    assert_string_equal(desk_text(REACH), "0 3 1700000000000");
    desk_check(desk);
}

static void a_row_that_goes_back_is_due_and_not_in_flight(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[3];
    struct ledger_exchange x;
    struct ledger_row_state row;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 4);
    outcomes[0] = desk_outcome(&claims[0], VERDICT_RELEASED, "stopped");
    outcomes[1] = desk_outcome(&claims[1], VERDICT_TRANSIENT, "http_503"); /* no time is told: at once */
    outcomes[2] = desk_outcome(&claims[2], VERDICT_TRANSIENT, "http_503");
    outcomes[2].due_ms = NOW_MS + 5000;
    x = settle(desk, outcomes, 3);
    assert_int_equal(x.next_due_ms, 1);
    assert_string_equal(desk_text(RAW), "3/0/1 3/1/1 3/1/1700000005000 3/0/0");
    assert_string_equal(desk_text(REACH), "3 4 1700000000000"); /* these fly no more */
    assert_int_equal(ledger_card_begin(desk->ledger, 501, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(row.due_ms, 0); /* "at once" is no time to be told */
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 0);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 ready http_503\n1/3 503 ready http_503\n1/4 504 sent\n");
    desk_check(desk);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(claims[0].job.attempts, 1);
    assert_int_equal(claims[1].card_id, 502);
    assert_int_equal(claims[1].job.attempts, 2);
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 sent http_503\n1/3 503 ready http_503\n1/4 504 sent\n");
    desk_check(desk);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS + 5000), 1);
    desk_settle(desk, &claims[0], VERDICT_RELEASED, "stopped"); /* a retry that goes back keeps its time */
    assert_string_equal(desk_text("SELECT state || '/' || due_ms FROM card WHERE id = 3"), "3/1700000005000");
}

/* Nor do the limits of retries hold for it. */
static void what_is_due_at_once_is_no_retry(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_exchange x = {.max_attempts = 3,
                                .retry_limited = true,
                                .retry_most = 1,
                                .want = 4,
                                .claims = claims,
                                .now_ms = NOW_MS};

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_RELEASED, "stopped");
    desk_settle(desk, &claims[1], VERDICT_RELEASED, "stopped");
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    assert_int_equal(x.claimed, 2);
    assert_int_equal(x.retries, 0);
    assert_false(claims[0].retry);
    desk_check(desk);
}

/* Of all kinds together no more than there is room for. */
static void no_more_is_claimed_than_wanted(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcomes[3];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    for (size_t i = 0; i < 3; i++)
        outcomes[i] = desk_outcome(&claims[i], i == 0 ? VERDICT_TRANSIENT : VERDICT_RELEASED, "x");
    outcomes[0].due_ms = NOW_MS + 1; /* a retry, two at once, one never tried */
    (void)settle(desk, outcomes, 3);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 1), 2);
    assert_true(claims[0].retry);
    assert_int_equal(claims[1].card_id, 502);
    ROWS_ARE(desk, "1/1 501 sent x\n1/2 502 sent\n1/3 503 ready\n1/4 504 ready\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 1), 2);
    desk_check(desk);
}

/* A customer's next card: behind the reach of the claims it is a row never tried, within it is due at once.
 */
static void a_card_that_may_go_now_is_claimed_once(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim first[4], claims[4];

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,503\n12,21,504\n", NULL);
    assert_int_equal(desk_claim(desk, first, 1, NOW_MS), 1);
    desk_settle(desk, &first[0], VERDICT_REJECTED, "bad_request");
    assert_string_equal(desk_text(RAW), "9/1/0 3/0/0 3/0/0 2/0/0");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[1].card_id, 503);
    assert_string_equal(desk_text(REACH), "1 4 1700000000000");
    desk_settle(desk, &claims[1], VERDICT_REJECTED, "bad_request");
    assert_string_equal(desk_text(RAW), "9/1/0 3/0/0 9/1/0 3/0/1");
    ROWS_ARE(desk,
             "1/1 501 rejected bad_request\n1/2 502 sent\n1/3 503 rejected bad_request\n1/4 504 ready\n");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 504);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 0);
    desk_check(desk);
}

static void an_exchange_that_claims_nothing_sees_rows_never_tried(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(settle(desk, NULL, 0).next_due_ms, 0);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    assert_int_equal(settle(desk, NULL, 0).next_due_ms, 0);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    assert_int_equal(settle(desk, NULL, 0).next_due_ms, -1);
}

/* Neither one that waits for its time nor one that was never tried, whatever the answer. */
static void a_row_that_was_not_claimed_cannot_be_settled(void **state)
{
    static const enum job_verdict verdicts[] = {VERDICT_ACCEPTED, VERDICT_RELEASED, VERDICT_INVALID,
                                                VERDICT_ALREADY};
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome outcome;
    struct ledger_exchange x = {
        .outcomes = &outcome, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};

    assert_int_equal(ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail), 0);
    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    outcome = desk_outcome(&claims[0], VERDICT_TRANSIENT, "http_503");
    outcome.due_ms = NOW_MS + 5000;
    (void)settle(desk, &outcome, 1);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        for (int row = 1; row <= 3; row += 2) {
            outcome = desk_outcome(&claims[1], verdicts[i], "x");
            outcome.id = row;
            assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), -1);
            assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
        }
    assert_string_equal(desk_text(RAW), "3/1/1700000005000 3/0/0 3/0/0 3/0/0");
    desk_check(desk);
}

/* ---- after a kill ---- */

static void only_what_flew_is_uncertain_after_a_kill(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t recovered;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_reopen(desk, LEDGER_RUN);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 sent\n1/3 503 sent\n1/4 504 ready\n");
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS + 9, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 2);
    assert_string_equal(desk_text(RAW), "5/1/0 3/1/1 3/1/1 3/0/0");
    assert_string_equal(desk_text("SELECT group_concat(uncertain, ' ') FROM card"), "0 1 1 0");
    assert_int_equal(desk_number("SELECT after = last FROM claimed"), 1);
    desk_check(desk);
}

static void the_same_where_lost_answers_are_held(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t recovered;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    desk_reopen(desk, LEDGER_RUN);
    ledger_set_hold_lost(desk->ledger, true);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 1);
    assert_string_equal(desk_text(RAW), "2/1/-1 3/0/0 3/0/0 3/0/0");
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
}

/* Answers that never came before the end of the run. */
static void what_still_flies_at_the_end_of_a_run_is_uncertain(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t recovered;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 5), 2);
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(ledger_run_end(desk->ledger, 5, NULL, NOW_MS + 9, &desk->fail), 0);
    assert_string_equal(
        desk_text("SELECT group_concat(state || '/' || attempts || '/' || uncertain, ' ') FROM card"),
        "4/1/1 5/1/0 3/0/0 3/0/0");
    assert_string_equal(desk_text("SELECT updated_ms FROM card WHERE id = 1"), "1700000000005");
    desk_check(desk);
}

/* What a copy sends is nothing, but what it counts must be right. */
static void a_copy_knows_what_flies_in_its_origin(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger *copy;
    int64_t rows, accounts;

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 3, NOW_MS), 3);
    assert_int_equal(ledger_open(&copy, desk_path(), LEDGER_SCRATCH, &desk->fail), 0);
    assert_int_equal(ledger_plan(copy, &rows, &accounts, &desk->fail), 0);
    assert_int_equal(rows, 1);
    assert_int_equal(ledger_check(copy, &desk->fail), 0);
    ledger_close(copy);
    assert_string_equal(desk_text(RAW), "3/0/0 3/0/0 3/0/0 3/0/0");
}

/* ---- loads ---- */

/* A refused record that a newer file corrects leaves its number to the new row, which nobody claimed. */
static void a_number_that_is_used_again_was_not_claimed(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, CARDS "11,21,501\n12,21,501\n", NULL); /* the second is a duplicate */
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_string_equal(desk_text(REACH), "0 2 1700000000000");
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(desk_number("SELECT id FROM card WHERE card_id = 502"), 2);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n2/2 502 ready\n");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[0].job.attempts, 1);
    assert_false(claims[0].job.uncertain);
    desk_check(desk);
}

/* Such a row is seen by whoever looks for rows never tried, and recovered after a kill as any other. */
static void a_number_that_is_used_again_is_recovered(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_files files = {.count = 0};
    int64_t recovered, rows, accounts;

    desk_load(desk, CARDS "11,21,501\n12,21,501\n", NULL); /* the second is a duplicate */
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_string_equal(desk_text(REACH), "1 1 1700000000000");
    assert_int_equal(ledger_plan(desk->ledger, &rows, &accounts, &desk->fail), 0);
    assert_int_equal(rows, 1);
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 1);
    ledger_files_free(&files);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_reopen(desk, LEDGER_RUN);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 1);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n2/2 502 ready\n");
    desk_check(desk);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
}

/* ---- beside a run ---- */

/* An enrolled customer's next card becomes a further one again, unless it is in flight. */
static void an_event_leaves_what_flies_alone(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_event_result result;
    struct ledger_event event = {
        .row = 1, .well = false, .at_ms = NOW_MS, .event_id = "e1", .message = "FAILED: x"};

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_DECLINED);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1); /* 502, which may go now */
    event =
        (struct ledger_event){.row = 1, .well = true, .at_ms = NOW_MS + 1, .event_id = "e2", .message = ""};
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_ENROLLED);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 sent\n");
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_check(desk);
}

static void an_event_holds_what_was_not_claimed_yet(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_event_result result;
    struct ledger_event event = {
        .row = 1, .well = false, .at_ms = NOW_MS, .event_id = "e1", .message = "FAILED: x"};

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_string_equal(desk_text(RAW), "7/1/0 3/0/0"); /* 502, behind the reach of the claims */
    event =
        (struct ledger_event){.row = 1, .well = true, .at_ms = NOW_MS + 1, .event_id = "e2", .message = ""};
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 0);
    desk_check(desk);
}

/* An event of a row in flight waits for its answer; it is of this request from its claim on. */
static void an_event_of_what_flies_waits(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_event_result result;
    struct ledger_event event = {.row = 1, .well = true, .at_ms = NOW_MS, .event_id = "e1", .message = ""};

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_WAITS);
    event.row = 2; /* never sent */
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_LISTED);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 ready\n1/3 503 ready\n1/4 504 ready\n");
    desk_check(desk);
}

/* Files that only rows in flight need are needed: the rows may come back. */
static void what_flies_needs_its_files(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_files files = {.count = 0};
    int64_t rows;

    desk_load(desk, CARDS "13,21,503\n", NULL); /* a file of which nothing flies: all rows are looked at */
    assert_int_equal(desk_claim(desk, claims, 1, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,ACTIVE\n12,ACTIVE\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 2);
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 2);
    for (size_t i = 0; i < files.count; i++) {
        assert_int_equal(ledger_file_rows(desk->ledger, files.file[i].id, &rows, &desk->fail), 0);
        assert_int_equal(rows, 2);
    }
    ledger_files_free(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_claim_writes_no_row),
        DESK_TEST(who_asks_for_a_row_in_flight_sees_it_sent),
        DESK_TEST(what_is_settled_needs_no_look_any_more),
        DESK_TEST(a_look_for_more_claims_nothing),
        DESK_TEST(a_look_passes_what_cannot_be_claimed),
        DESK_TEST(a_row_that_goes_back_is_due_and_not_in_flight),
        DESK_TEST(what_is_due_at_once_is_no_retry),
        DESK_TEST(no_more_is_claimed_than_wanted),
        DESK_TEST(a_card_that_may_go_now_is_claimed_once),
        DESK_TEST(an_exchange_that_claims_nothing_sees_rows_never_tried),
        DESK_TEST(a_row_that_was_not_claimed_cannot_be_settled),
        DESK_TEST(only_what_flew_is_uncertain_after_a_kill),
        DESK_TEST(the_same_where_lost_answers_are_held),
        DESK_TEST(what_still_flies_at_the_end_of_a_run_is_uncertain),
        DESK_TEST(a_copy_knows_what_flies_in_its_origin),
        DESK_TEST(a_number_that_is_used_again_was_not_claimed),
        DESK_TEST(a_number_that_is_used_again_is_recovered),
        DESK_TEST(an_event_leaves_what_flies_alone),
        DESK_TEST(an_event_holds_what_was_not_claimed_yet),
        DESK_TEST(an_event_of_what_flies_waits),
        DESK_TEST(what_flies_needs_its_files),
    };

    return cmocka_run_group_tests_name("ledger_claims", tests, scratch_open, scratch_close);
}
