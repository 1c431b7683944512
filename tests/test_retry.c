/* ledger: `retry`: which rows become due again, what their story keeps, and that totals and I6 hold. */
#include "ledger_case.h"

#include "driver/ledger_change.h"
#include "driver/ledger_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#define BIT(state) (1U << JOB_##state)

static struct ledger_retried retry(struct desk *desk, struct ledger_retry retry)
{
    struct ledger_retried done;

    retry.now_ms = NOW_MS + 5000;
    if (ledger_retry(desk->ledger, &retry, &done, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM (SELECT 1 FROM card_now WHERE state IN (3, 4) "
                                 "GROUP BY customer_id HAVING count(*) > 1)"),
                     0);
    return done;
}

/* Cards 501 to 506 of six customers, each settled in another way. 507 and 508 are 501's customer's. */
static void begin(struct desk *desk)
{
    static const struct {
        enum job_verdict verdict;
        const char *code;
    } how[] = {{VERDICT_REJECTED, "bad_request"}, {VERDICT_ALREADY, "already_on_click_to_pay"},
               {VERDICT_ACCEPTED, "accepted"},    {VERDICT_REJECTED, "http_422"},
               {VERDICT_TRANSIENT, "http_503"},   {VERDICT_INVALID, "bad_phone"}};
    struct ledger_claim claims[8];

    desk_load(desk,
              CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n15,21,505\n16,21,506\n11,21,507\n"
                    "11,21,508\n",
              NULL);
    for (int round = 0; round < 3; round++) {
        size_t count = desk_claim(desk, claims, 6, NOW_MS);
        for (size_t i = 0; i < count; i++) {
            if (claims[i].card_id == 507)
                desk_settle(desk, &claims[i], VERDICT_ACCEPTED, "accepted");
            else
                desk_settle(desk, &claims[i], how[claims[i].card_id - 501].verdict,
                            how[claims[i].card_id - 501].code);
        }
    }
    ROWS_ARE(desk, "1/1 501 rejected bad_request\n1/2 502 already already_on_click_to_pay\n"
                   "1/3 503 accepted accepted\n1/4 504 rejected http_422\n1/5 505 exhausted http_503\n"
                   "1/6 506 invalid bad_phone\n1/7 507 accepted accepted\n1/8 508 held\n");
}

static void by_state(void **state)
{
    struct desk *desk = *state;
    struct ledger_retried done;

    begin(desk);
    done = retry(desk, (struct ledger_retry){.states = BIT(REJECTED) | BIT(EXHAUSTED)});
    assert_int_equal(done.rows, 3);
    assert_int_equal(done.from[JOB_REJECTED], 2);
    assert_int_equal(done.from[JOB_EXHAUSTED], 1);
    assert_int_equal(done.ready, 2);
    /* 501's customer has 507 on its way. */
    ROWS_ARE(desk, "1/1 501 held bad_request\n1/2 502 already already_on_click_to_pay\n"
                   "1/3 503 accepted accepted\n1/4 504 ready http_422\n1/5 505 ready http_503\n"
                   "1/6 506 invalid bad_phone\n1/7 507 accepted accepted\n1/8 508 held\n");
    done = retry(desk, (struct ledger_retry){.states = BIT(REJECTED) | BIT(EXHAUSTED) | BIT(HELD)});
    assert_int_equal(done.rows, 0);
}

static void by_code_and_state(void **state)
{
    struct desk *desk = *state;
    const struct span codes[] = {SPAN("http_422"), SPAN("already_on_click_to_pay"), SPAN("accepted")};
    struct ledger_retried done;

    begin(desk);
    done = retry(desk, (struct ledger_retry){
                           .states = BIT(REJECTED) | BIT(DECLINED), .codes = codes, .code_count = 3});
    assert_int_equal(done.rows, 1);
    assert_int_equal(done.ready, 1);
    assert_int_equal(desk_number("SELECT card_id FROM card_now WHERE state = 3"), 504);
}

/* As the page groups what was declined. Of what has no such form the row's own code alone is meant. */
static void by_the_code_in_the_answer(void **state)
{
    struct desk *desk = *state;
    const struct span codes[] = {SPAN("VIDC-500"), SPAN("VIDC-5000"), SPAN("E1042")};
    const struct span word = SPAN("failed");
    struct ledger_retry choice = {.states = BIT(REJECTED) | BIT(EXHAUSTED)};

    begin(desk);
    (void)desk_number("UPDATE card SET message = iif(card_id = 504, 'FAILED: VIDC-5000; service failed', "
                      "'(E1042) failed') WHERE card_id IN (504, 505) RETURNING 1");
    choice.codes = &word;
    choice.code_count = 1;
    assert_int_equal(retry(desk, choice).rows, 0);
    choice.codes = codes;
    assert_int_equal(retry(desk, choice).rows, 0); /* only a part of it */
    choice.code_count = 2;
    assert_int_equal(retry(desk, choice).rows, 1);
    assert_int_equal(desk_number("SELECT card_id FROM card_now WHERE state = 3"), 504);
    choice.cards = (const int64_t[]){505};
    choice.card_count = 1;
    assert_int_equal(retry(desk, choice).rows, 0);
    choice.code_count = 3;
    assert_int_equal(retry(desk, choice).rows, 1);
}

static void by_card(void **state)
{
    struct desk *desk = *state;
    const int64_t cards[] = {505, 503, 999, 505};
    const struct span other = SPAN("http_500");
    struct ledger_retry choice = {.states = BIT(REJECTED) | BIT(EXHAUSTED), .cards = cards, .card_count = 4};
    struct ledger_retried done;

    begin(desk);
    choice.codes = &other;
    choice.code_count = 1;
    assert_int_equal(retry(desk, choice).rows, 0);
    choice.code_count = 0;
    done = retry(desk, choice);
    assert_int_equal(done.rows, 1);
    assert_int_equal(done.from[JOB_EXHAUSTED], 1);
    assert_int_equal(desk_number("SELECT card_id FROM card_now WHERE state = 3"), 505);
}

/* Their events may still come: only those that wait for long. Under the same row, so the same cid. */
static void accepted_only_when_overdue(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_retried done;

    begin(desk);
    assert_int_equal(
        retry(desk, (struct ledger_retry){.states = BIT(ACCEPTED), .overdue_ms = NOW_MS - 1}).rows, 0);
    done = retry(desk, (struct ledger_retry){.states = BIT(ACCEPTED), .overdue_ms = NOW_MS});
    assert_int_equal(done.from[JOB_ACCEPTED], 2);
    assert_int_equal(done.ready, 2);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    assert_int_equal(claims[0].id, 3);
    assert_int_equal(claims[0].card_id, 503);
    assert_int_equal(claims[0].job.attempts, 2);
}

/* The answers before stay in the story, with the command and its reason between. */
static void the_story_is_kept(void **state)
{
    struct desk *desk = *state;
    const int64_t cards[] = {501, 505};
    struct ledger_claim claims[4];

    begin(desk);
    (void)retry(desk, (struct ledger_retry){.states = BIT(REJECTED) | BIT(EXHAUSTED),
                                            .cards = cards,
                                            .card_count = 2,
                                            .reason = "ticket 4711"});
    assert_string_equal(
        desk_text("SELECT group_concat(attempt || ' ' || (at_ms - 1700000000000) || ' ' || "
                  "coalesce(http_status, '-') || ' ' || code || ' ' || coalesce(message, '-'), "
                  "', ') FROM attempt WHERE card = 1"),
        "1 0 400 bad_request -, 1 5000 - retry ticket 4711");
    assert_string_equal(desk_text("SELECT group_concat(attempt || ' ' || code, ', ') FROM attempt "
                                  "WHERE card = 5"),
                        "1 http_503, 2 http_503, 3 http_503, 3 retry");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 505);
    assert_int_equal(claims[0].job.attempts, 4);
    assert_int_equal(claims[0].job.before, 3);
}

/* The event that a retry sets aside stays in the story with its number and its own time. */
static void the_event_before_is_told(void **state)
{
    struct desk *desk = *state;
    struct ledger_event event = {
        .row = 3, .at_ms = NOW_MS - 70, .event_id = "e-1", .message = "VIDC-2003 expired card"};
    struct ledger_event_result result;

    begin(desk);
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_DECLINED);
    assert_int_equal(retry(desk, (struct ledger_retry){.states = BIT(DECLINED)}).rows, 1);
    assert_string_equal(
        desk_text("SELECT group_concat(attempt || ' ' || (at_ms - 1700000000000) || ' ' || code "
                  "|| ' ' || coalesce(message, '-'), ', ') FROM attempt WHERE card = 3"),
        "1 -70 event_failure event e-1: VIDC-2003 expired card, 1 5000 retry -");
    /* The same event once more is told once. */
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_DUPLICATE);
    assert_int_equal(desk_number("SELECT count(*) FROM attempt WHERE card = 3"), 2);
}

/* An event that came while the card is to be sent again: it counts from the next answer on, and is told
 * before. */
static void an_event_that_waits_is_told(void **state)
{
    struct desk *desk = *state;
    struct ledger_event event = {.row = 5, .at_ms = NOW_MS, .event_id = "e-1", .message = "FAILED"};
    struct ledger_event_result result;
    struct ledger_attempt step;
    int steps = 0;

    begin(desk);
    (void)retry(desk, (struct ledger_retry){.states = BIT(EXHAUSTED)});
    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_WAITS);
    assert_int_equal(ledger_attempts_begin(desk->ledger, 5, &desk->fail), 0);
    for (; ledger_attempts_next(desk->ledger, &step, &desk->fail) == 1; steps++)
        if (steps == 4) { /* behind three attempts and the retry */
            assert_int_equal(step.at_ms, NOW_MS);
            assert_true(span_is(step.code, "event_failure"));
            assert_true(span_is(step.message, "event e-1: FAILED; waits for the answer"));
        }
    assert_int_equal(steps, 5);
}

/* retry.max_attempts (3 here) is counted from the retry on; `attempts` goes on. */
static void attempts_begin_anew(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    begin(desk);
    (void)retry(desk, (struct ledger_retry){.states = BIT(EXHAUSTED)});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
        desk_settle(desk, &claims[0], VERDICT_TRANSIENT, "http_503");
    }
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 0);
    assert_int_equal(desk_number("SELECT attempts FROM card_now WHERE card_id = 505 AND state = 10"), 6);
    desk_check(desk);
}

static void a_lost_answer_that_was_held_goes_again(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    struct ledger_outcome lost;
    struct ledger_exchange x = {.outcomes = &lost, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};
    struct ledger_retried done;

    ledger_set_hold_lost(desk->ledger, true);
    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    lost = desk_outcome(&claims[0], VERDICT_TRANSIENT, "answer_lost");
    lost.lost = true;
    assert_int_equal(ledger_exchange(desk->ledger, &x, &desk->fail), 0);
    done = retry(desk, (struct ledger_retry){.states = BIT(HELD)});
    assert_int_equal(done.from[JOB_HELD], 1);
    assert_int_equal(done.ready, 1);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 501);
    assert_true(claims[0].job.uncertain);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    ROWS_ARE(desk, "1/1 501 accepted already_on_click_to_pay\n1/2 502 held\n");
    desk_check(desk);
}

/* With a card path, a card whose customer was already there goes by the card call. */
static void already_goes_by_the_card_call(void **state)
{
    struct desk *desk = *state;
    const int64_t card = 502;
    struct ledger_claim claims[8];

    begin(desk);
    assert_int_equal(ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail), 0);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 502);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    assert_int_equal(
        retry(desk, (struct ledger_retry){.states = BIT(ALREADY), .cards = &card, .card_count = 1}).ready, 1);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[0].job.call, CALL_FOLLOW);
}

/* A further card that was refused is one again after the retry, while its customer is there. */
static void a_further_card_stays_one(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    assert_int_equal(ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail), 0);
    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ALREADY, "already_on_click_to_pay");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_REJECTED, "bad_request");
    assert_int_equal(retry(desk, (struct ledger_retry){.states = BIT(REJECTED)}).ready, 1);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 502);
    assert_int_equal(claims[0].job.call, CALL_CARD);
}

/* More than a page, beside claims of a run: the pages join without a gap. */
static void many_rows(void **state)
{
    struct desk *desk = *state;
    static struct ledger_claim claims[1300];
    struct buf cards;
    struct ledger_retried done;
    size_t count;

    buf_init(&cards, 1 << 20);
    buf_add_text(&cards, CARDS);
    for (int i = 0; i < 1300; i++)
        buf_addf(&cards, "%d,21,%d\n", 10000 + i, 50000 + i);
    desk_load(desk, buf_text(&cards), NULL);
    buf_free(&cards);
    count = desk_claim(desk, claims, 1300, NOW_MS);
    assert_int_equal(count, 1300);
    for (size_t i = 0; i < count; i++)
        desk_settle(desk, &claims[i], i % 13 == 0 ? VERDICT_ACCEPTED : VERDICT_REJECTED,
                    i % 2 ? "bad_request" : "http_422");
    done = retry(desk, (struct ledger_retry){.states = BIT(REJECTED)});
    assert_int_equal(done.rows, 1200);
    assert_int_equal(done.ready, 1200);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE state = 3"), 1200);
    assert_int_equal(desk_number("SELECT count(*) FROM attempt WHERE code = 'retry'"), 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(by_state),
        DESK_TEST(by_code_and_state),
        DESK_TEST(by_the_code_in_the_answer),
        DESK_TEST(by_card),
        DESK_TEST(accepted_only_when_overdue),
        DESK_TEST(the_story_is_kept),
        DESK_TEST(the_event_before_is_told),
        DESK_TEST(an_event_that_waits_is_told),
        DESK_TEST(attempts_begin_anew),
        DESK_TEST(a_lost_answer_that_was_held_goes_again),
        DESK_TEST(already_goes_by_the_card_call),
        DESK_TEST(a_further_card_stays_one),
        DESK_TEST(many_rows),
    };

    return cmocka_run_group_tests_name("retry", tests, scratch_open, scratch_close);
}
