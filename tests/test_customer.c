/* ledger: the cards of one customer: which goes next, by which call, when a card path is there, comes, goes.
 */
#include "ledger_case.h"

#include "../src/driver/ledger_impl.h"
#include "driver/ledger_change.h"
#include "driver/ledger_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

/* Customer 11 has three cards, 12 one. */
static const char FOUR[] = CARDS "11,21,501\n11,21,502\n11,21,503\n12,21,504\n";

static void set_path(struct desk *desk, bool set)
{
    if (ledger_set_card_path(desk->ledger, set, NOW_MS, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* Claims the one row that must be due: its card and call. */
static struct ledger_claim claim_one(struct desk *desk, int64_t card, enum job_call call)
{
    struct ledger_claim claims[4];

    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, card);
    assert_int_equal(claims[0].job.call, call);
    return claims[0];
}

static void send(struct desk *desk, int64_t card, enum job_call call, enum job_verdict verdict,
                 const char *code)
{
    struct ledger_claim claim = claim_one(desk, card, call);

    desk_settle(desk, &claim, verdict, code);
}

/* The event of an accepted card. */
static void event(struct desk *desk, int64_t card, bool well)
{
    struct ledger_event_result result;
    struct ledger_event event = {.well = well, .at_ms = NOW_MS, .event_id = "", .message = ""};
    char sql[100];

    (void)snprintf(sql, sizeof sql, "SELECT id FROM card_now WHERE card_id = %lld", (long long)card);
    event.row = desk_number(sql);
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, well ? FATE_ENROLLED : FATE_DECLINED);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
}

/* Loads the four cards and has 504 and 501 accepted. */
static void begin(struct desk *desk, bool path)
{
    struct ledger_claim claims[4];

    set_path(desk, path);
    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(claims[1].card_id, 504);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
}

static void nothing_due(struct desk *desk)
{
    struct ledger_claim claims[4];

    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS + 1000), 0);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
}

static void without_a_path_further_cards_stay_held(void **state)
{
    struct desk *desk = *state;

    begin(desk, false);
    nothing_due(desk);
    event(desk, 501, true);
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 held\n1/4 504 accepted accepted\n");
}

static void they_go_one_by_one_once_the_first_is_enrolled(void **state)
{
    struct desk *desk = *state;

    begin(desk, true);
    nothing_due(desk);
    event(desk, 501, true);
    send(desk, 502, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    send(desk, 503, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 accepted accepted\n1/3 503 accepted accepted\n"
                   "1/4 504 accepted accepted\n");
    event(desk, 502, false);
    event(desk, 503, true);
    nothing_due(desk);
}

static void one_request_of_a_customer_at_a_time(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    begin(desk, true);
    event(desk, 501, true);
    claim = claim_one(desk, 502, CALL_CARD);
    nothing_due(desk); /* 502 flies */
    desk_settle(desk, &claim, VERDICT_TRANSIENT, "server_error");
    send(desk, 502, CALL_CARD, VERDICT_REJECTED, "bad_request");
    send(desk, 503, CALL_CARD, VERDICT_ALREADY, "already_on_click_to_pay");
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 rejected bad_request\n"
                   "1/3 503 already already_on_click_to_pay\n1/4 504 accepted accepted\n");
    desk_check(desk);
}

/* "Already" to the customer call: the same card goes on by the card call, in the same run; then the others.
 */
static void a_first_card_that_is_already_there_follows(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    set_path(desk, true);
    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 ready already_on_click_to_pay\n1/2 502 held\n1/3 503 held\n1/4 504 sent\n");
    send(desk, 501, CALL_FOLLOW, VERDICT_ACCEPTED, "accepted");
    assert_int_equal(desk_number("SELECT attempts FROM card_now WHERE card_id = 501"), 2);
    assert_string_equal(desk_text("SELECT attempt || ' ' || http_status || ' ' || code FROM attempt"),
                        "1 400 already_on_click_to_pay");
    send(desk, 502, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    send(desk, 503, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
}

/* max_attempts of the desk is 3: the customer call's attempts do not count for the card call. */
static void a_card_that_follows_has_all_its_attempts(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    set_path(desk, true);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    for (int i = 0; i < 2; i++)
        send(desk, 501, CALL_CUSTOMER, VERDICT_TRANSIENT, "server_error");
    send(desk, 501, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    for (int i = 0; i < 3; i++)
        send(desk, 501, CALL_FOLLOW, VERDICT_TRANSIENT, "server_error");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 0);
    ROWS_ARE(desk, "1/1 501 exhausted server_error\n");
    assert_int_equal(desk_number("SELECT attempts FROM card_now"), 6);
}

static void a_path_that_comes_later_sends_what_waited(void **state)
{
    struct desk *desk = *state;

    begin(desk, false);
    event(desk, 501, true);
    nothing_due(desk);
    set_path(desk, true);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    ROWS_ARE(desk,
             "1/1 501 enrolled event_success\n1/2 502 ready\n1/3 503 held\n1/4 504 accepted accepted\n");
    send(desk, 502, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    send(desk, 503, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
}

static void a_path_that_comes_later_also_takes_those_that_are_already_there(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, FOUR, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
    set_path(desk, true);
    assert_int_equal(desk_number("SELECT attempts_before FROM card_now WHERE card_id = 501"), 1);
    send(desk, 501, CALL_FOLLOW, VERDICT_ALREADY, "already_on_click_to_pay");
    send(desk, 502, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    send(desk, 503, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
    set_path(desk, true); /* again: those are done */
    nothing_due(desk);
}

static void a_path_that_goes_leaves_them_as_they_were(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    set_path(desk, true);
    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,504\n12,21,505\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    event(desk, 504, true);
    ROWS_ARE(desk, "1/1 501 ready already_on_click_to_pay\n1/2 502 held\n1/3 504 enrolled event_success\n"
                   "1/4 505 ready\n");
    set_path(desk, false);
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 already already_on_click_to_pay\n1/2 502 held\n1/3 504 enrolled event_success\n"
                   "1/4 505 held\n");
    set_path(desk, true);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(claims[0].job.call, CALL_FOLLOW);
    assert_int_equal(claims[1].card_id, 505);
    assert_int_equal(claims[1].job.call, CALL_CARD);
}

/* A failure event, and the next card takes the first one's place, by the customer call; when that is answered
 * "already" (the failure had left the customer there, without a card), it follows by the card call. */
static void after_a_declined_first_card_the_next_takes_its_place(void **state)
{
    struct desk *desk = *state;

    begin(desk, true);
    event(desk, 501, false);
    send(desk, 502, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    send(desk, 502, CALL_FOLLOW, VERDICT_ACCEPTED, "accepted");
    send(desk, 503, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    nothing_due(desk);
}

static void without_a_path_the_next_takes_its_place_as_well(void **state)
{
    struct desk *desk = *state;

    begin(desk, false);
    event(desk, 501, false);
    send(desk, 502, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 declined event_failure\n1/2 502 already already_on_click_to_pay\n1/3 503 held\n"
                   "1/4 504 accepted accepted\n");
}

/* The answer that was lost may have been our own enrolment: its event decides, not the card call. */
static void already_of_an_uncertain_row_awaits_its_event(void **state)
{
    struct desk *desk = *state;
    struct ledger_outcome lost;
    struct ledger_exchange x = {.outcomes = &lost, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};
    struct ledger_claim claim;

    set_path(desk, true);
    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    claim = claim_one(desk, 501, CALL_CUSTOMER);
    lost = desk_outcome(&claim, VERDICT_TRANSIENT, "answer_lost");
    lost.lost = true;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    send(desk, 501, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 accepted already_on_click_to_pay\n1/2 502 held\n");
}

/* The answer of a claimed card is lost. */
static void lose(struct desk *desk, const struct ledger_claim *claim)
{
    struct ledger_outcome lost = desk_outcome(claim, VERDICT_TRANSIENT, "answer_lost");
    struct ledger_exchange x = {.outcomes = &lost, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};

    lost.lost = true;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
}

static void retry(struct desk *desk, enum job_state state)
{
    struct ledger_retry again = {.states = 1U << state, .overdue_ms = NOW_MS, .now_ms = NOW_MS};
    struct ledger_retried done;

    assert_int_equal(ledger_retry(desk->ledger, &again, &done, &desk->fail), 0);
    assert_int_equal(done.rows, 1);
    assert_int_equal(done.ready, 1);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
}

/* 501's first answer is lost, the second is 202, and a failure event leaves the customer there without the
 * card: nothing of it is in doubt then, so "already" is no sign of success. */
static void lost_then_declined(struct desk *desk)
{
    struct ledger_claim claim;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    claim = claim_one(desk, 501, CALL_CUSTOMER);
    lose(desk, &claim);
    send(desk, 501, CALL_CUSTOMER, VERDICT_ACCEPTED, "accepted");
    event(desk, 501, false);
    retry(desk, JOB_DECLINED);
    send(desk, 501, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
}

static void a_customer_left_without_its_card_gets_the_card_call(void **state)
{
    struct desk *desk = *state;

    set_path(desk, true);
    lost_then_declined(desk);
    send(desk, 501, CALL_FOLLOW, VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n");
    assert_int_equal(desk_number("SELECT uncertain FROM card_now"), 0);
}

static void without_a_path_it_is_already_there(void **state)
{
    struct desk *desk = *state;

    lost_then_declined(desk);
    ROWS_ARE(desk, "1/1 501 already already_on_click_to_pay\n");
}

/* Or it would wait for its event for ever, however often it is sent again. */
static void already_after_an_overdue_event_ends_it(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    claim = claim_one(desk, 501, CALL_CUSTOMER);
    lose(desk, &claim);
    send(desk, 501, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 accepted already_on_click_to_pay\n");
    retry(desk, JOB_ACCEPTED);
    send(desk, 501, CALL_CUSTOMER, VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 already already_on_click_to_pay\n");
    /* What was lost was the event: when it comes after all, it tells the truth. */
    event(desk, 501, true);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n");
}

/* A second event of the customer that changes no row. */
static void settled_again(struct desk *desk)
{
    assert_int_equal(ledger_transaction(desk->ledger, &desk->fail), 0);
    assert_int_equal(ledger_customer_settled(desk->ledger, 11, true, NOW_MS, &desk->fail), 0);
    assert_int_equal(ledger_commit(desk->ledger, &desk->fail), 0);
}

/* While a customer call's event is to come, nobody knows whether the customer will be there. */
static void a_customer_call_without_its_event_holds_the_others_back(void **state)
{
    struct desk *desk = *state;

    begin(desk, true);
    settled_again(desk);
    nothing_due(desk);
    set_path(desk, false);
    set_path(desk, true);
    nothing_due(desk);
}

/* A card held for its lost answer holds the customer's others back, also those that could go by the card
 * call. */
static void a_lost_card_call_holds_the_others_back(void **state)
{
    struct desk *desk = *state;
    struct ledger_outcome lost;
    struct ledger_exchange x = {.outcomes = &lost, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};
    struct ledger_claim claim;

    begin(desk, true);
    event(desk, 501, true);
    ledger_set_hold_lost(desk->ledger, true);
    claim = claim_one(desk, 502, CALL_CARD);
    lost = desk_outcome(&claim, VERDICT_TRANSIENT, "answer_lost");
    lost.lost = true;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    nothing_due(desk);
    settled_again(desk);
    nothing_due(desk);
    set_path(desk, false);
    set_path(desk, true);
    nothing_due(desk);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held answer_lost\n1/3 503 held\n"
                   "1/4 504 accepted accepted\n");
}

/* A newer extract: its new card of a customer that is there goes by the card call; what waits keeps its call.
 */
static void a_newer_extract_changes_no_call(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    set_path(desk, true);
    desk_load(desk, CARDS "11,21,501\n12,21,504\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    event(desk, 504, true);
    desk_load(desk, CARDS "11,21,501\n12,21,504\n12,21,505\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(claims[0].job.call, CALL_FOLLOW);
    assert_int_equal(claims[1].card_id, 505);
    assert_int_equal(claims[1].job.call, CALL_CARD);
}

static void a_killed_run_keeps_the_call(void **state)
{
    struct desk *desk = *state;
    int64_t recovered;

    begin(desk, true);
    event(desk, 501, true);
    (void)claim_one(desk, 502, CALL_CARD);
    desk_reopen(desk, LEDGER_RUN);
    assert_int_equal(ledger_run_begin(desk->ledger, "test", NOW_MS, &recovered, &desk->fail), 0);
    set_path(desk, true);
    assert_int_equal(recovered, 1);
    send(desk, 502, CALL_CARD, VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 accepted already_on_click_to_pay\n1/3 503 ready\n"
                   "1/4 504 accepted accepted\n");
}

/* Events between two runs decide as the last run would. */
static void another_process_knows_the_path(void **state)
{
    struct desk *desk = *state;

    begin(desk, true);
    desk_reopen(desk, LEDGER_WRITE);
    event(desk, 501, true);
    ROWS_ARE(desk,
             "1/1 501 enrolled event_success\n1/2 502 ready\n1/3 503 held\n1/4 504 accepted accepted\n");
}

/* Cards that would follow from a file that is gone are no reason to stop a run. */
static void a_file_that_is_gone_leaves_already_what_it_is(void **state)
{
    struct desk *desk = *state;
    struct ledger_retry again = {.states = 1U << JOB_ALREADY, .now_ms = NOW_MS};
    struct ledger_retried done;
    struct ledger_claim claims[4];
    int64_t rows;

    set_path(desk, true);
    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,504\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(ledger_file_unfollow(desk->ledger, 2, &rows, &desk->fail), 0);
    assert_int_equal(rows, 0);
    assert_int_equal(ledger_file_unfollow(desk->ledger, 1, &rows, &desk->fail), 0);
    assert_int_equal(rows, 1);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    ROWS_ARE(desk, "1/1 501 already already_on_click_to_pay\n1/2 502 ready\n1/3 504 accepted accepted\n");
    /* When it is back, retry has it follow, behind the card that has gone first meanwhile. */
    assert_int_equal(ledger_retry(desk->ledger, &again, &done, &desk->fail), 0);
    assert_int_equal(done.rows, 1);
    assert_int_equal(done.ready, 0);
    send(desk, 502, CALL_CARD, VERDICT_ACCEPTED, "accepted");
    send(desk, 501, CALL_FOLLOW, VERDICT_ACCEPTED, "accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(without_a_path_further_cards_stay_held),
        DESK_TEST(they_go_one_by_one_once_the_first_is_enrolled),
        DESK_TEST(one_request_of_a_customer_at_a_time),
        DESK_TEST(a_first_card_that_is_already_there_follows),
        DESK_TEST(a_card_that_follows_has_all_its_attempts),
        DESK_TEST(a_path_that_comes_later_sends_what_waited),
        DESK_TEST(a_path_that_comes_later_also_takes_those_that_are_already_there),
        DESK_TEST(a_path_that_goes_leaves_them_as_they_were),
        DESK_TEST(after_a_declined_first_card_the_next_takes_its_place),
        DESK_TEST(without_a_path_the_next_takes_its_place_as_well),
        DESK_TEST(already_of_an_uncertain_row_awaits_its_event),
        DESK_TEST(a_customer_call_without_its_event_holds_the_others_back),
        DESK_TEST(a_lost_card_call_holds_the_others_back),
        DESK_TEST(a_newer_extract_changes_no_call),
        DESK_TEST(a_killed_run_keeps_the_call),
        DESK_TEST(another_process_knows_the_path),
        DESK_TEST(a_file_that_is_gone_leaves_already_what_it_is),
        DESK_TEST(a_customer_left_without_its_card_gets_the_card_call),
        DESK_TEST(without_a_path_it_is_already_there),
        DESK_TEST(already_after_an_overdue_event_ends_it),
    };

    return cmocka_run_group_tests_name("customer", tests, scratch_open, scratch_close);
}
