/* ledger: events that come before the answer of their row, and events of before a retry. */
#include "event_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* ---- events before the answer ---- */

static void an_event_waits_for_the_answer(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, THREE, NULL);
    claim = event_claim(desk, 501);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "waits");
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "duplicate");
    ROWS_ARE(desk, "1/1 501 sent\n1/2 502 held\n1/3 503 sent\n");
    desk_settle(desk, &claim, VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 sent\n");
    assert_int_equal(desk_number("SELECT count(*) FROM event_wait"), 0);
    desk_check(desk);
}

/* Evidence by numbers that comes before the answer is as good as when it comes later. */
static void weak_evidence_waits_for_the_answer(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    desk_load(desk, THREE, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    FATE(desk, event_weak(21, 501, true, NOW_MS, "e1"), "waits");
    FATE(desk, event_weak(21, 501, true, NOW_MS, "e1"), "duplicate");
    FATE(desk, event_weak(22, 503, false, NOW_MS, "e2"), "waits");
    desk_settle(desk, &claims[0], VERDICT_TRANSIENT, "http_503");
    ROWS_ARE(desk, "1/1 501 ready http_503\n1/2 502 held\n1/3 503 sent\n");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 ready http_503\n1/2 502 held\n1/3 503 declined event_failure_weak\n");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk,
             "1/1 501 enrolled event_success_weak\n1/2 502 held\n1/3 503 declined event_failure_weak\n");
    assert_string_equal(
        desk_text("SELECT group_concat(message, ' | ') FROM card_now WHERE message IS NOT NULL"),
        "matched by account and card, not by correlation ID | "
        "FAILURE: expired; matched by account and card, not by correlation ID");
    assert_int_equal(desk_number("SELECT count(*) FROM event_wait"), 0);
    desk_check(desk);
}

/* Two events that only their outcomes tell apart. */
static void without_identifiers_both_outcomes_count(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, THREE, NULL);
    claim = event_claim(desk, 501);
    FATE(desk, event_strong(501, false, 0, ""), "waits");
    FATE(desk, event_strong(501, true, 0, ""), "waits");
    FATE(desk, event_strong(501, true, 0, ""), "duplicate");
    desk_settle(desk, &claim, VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 sent\n");
    event_force(JOB_ACCEPTED, 1, false, 0);
    FATE(desk, event_strong(503, false, 0, ""), "declined");
    FATE(desk, event_strong(503, false, 0, ""), "duplicate");
    FATE(desk, event_strong(503, true, 0, ""), "enrolled");
    FATE(desk, event_strong(503, true, 0, ""), "duplicate");
    FATE(desk, event_strong(503, false, 0, ""), "duplicate");
    desk_check(desk);
}

static void a_success_before_a_lost_answer_spares_the_second_request(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, THREE, NULL);
    claim = event_claim(desk, 501);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "waits");
    desk_settle(desk, &claim, VERDICT_TRANSIENT, "http_503");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 sent\n");
    desk_check(desk);
}

static void a_failure_waits_until_the_row_is_taken(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, THREE, NULL);
    claim = event_claim(desk, 501);
    FATE(desk, event_strong(501, false, NOW_MS, "e1"), "waits");
    desk_settle(desk, &claim, VERDICT_TRANSIENT, "http_503");
    ROWS_ARE(desk, "1/1 501 ready http_503\n1/2 502 held\n1/3 503 sent\n");
    claim = event_claim(desk, 501);
    desk_settle(desk, &claim, VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 declined event_failure\n1/2 502 ready\n1/3 503 sent\n");
    assert_int_equal(desk_number("SELECT count(*) FROM event_wait"), 0);
    desk_check(desk);
}

/* A run that was killed: what waited is known before anything is sent again. */
static void the_next_run_begins_with_what_waited(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t recovered, left;

    desk_load(desk, THREE, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "waits");
    assert_int_equal(ledger_events_resume(desk->ledger, NOW_MS, &left, &desk->fail), 0);
    assert_int_equal(left, 1);
    desk_reopen(desk, LEDGER_RESUME);
    assert_int_equal(ledger_run_begin(desk->ledger, "test", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 2);
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 ready\n");
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 503);
    desk_check(desk);
}

static void what_waits_is_settled_by_a_later_reading(void **state)
{
    struct desk *desk = *state;
    int64_t left;

    event_accept_all(desk);
    event_force(JOB_READY, 1, false, 0);
    FATE(desk, event_strong(503, false, NOW_MS, "e1"), "waits");
    assert_int_equal(ledger_events_resume(desk->ledger, NOW_MS, &left, &desk->fail), 0);
    assert_int_equal(left, 1);
    (void)event_claim(desk, 503);
    assert_int_equal(desk_number("UPDATE card SET state = 10 WHERE card_id = 503 RETURNING 0"), 0);
    assert_int_equal(desk_number("UPDATE tally SET n = n - 1 WHERE kind = 'state' AND key = 4 RETURNING 0"),
                     0);
    assert_int_equal(desk_number("INSERT INTO tally VALUES ('state', 10, 1) RETURNING 0"), 0);
    assert_int_equal(ledger_events_resume(desk->ledger, NOW_MS, &left, &desk->fail), 0);
    assert_int_equal(left, 0);
    assert_int_equal(desk_number("SELECT count(*) FROM attempt WHERE code = 'event_failure'"), 1);
    desk_check(desk);
}

/* More rows than one transaction takes. */
static void many_rows_wait(void **state)
{
    enum { MANY = 1201 };
    static struct ledger_claim claims[MANY];
    static struct ledger_event events[MANY];
    static struct ledger_event_result results[MANY];
    struct desk *desk = *state;
    struct buf cards;
    int64_t left;

    buf_init(&cards, 1 << 20);
    buf_add_text(&cards, CARDS);
    for (int i = 0; i < MANY; i++)
        buf_addf(&cards, "%d,21,%d\n", 10000 + i, 50000 + i);
    desk_load(desk, buf_text(&cards), NULL);
    buf_free(&cards);
    assert_int_equal(desk_claim(desk, claims, MANY, NOW_MS), MANY);
    for (int i = 0; i < MANY; i++)
        events[i] = (struct ledger_event){
            .row = claims[i].id, .well = true, .at_ms = NOW_MS, .event_id = "e", .message = ""};
    assert_int_equal(ledger_events_apply(desk->ledger, events, MANY, NOW_MS, results, &desk->fail), 0);
    assert_int_equal(ledger_events_resume(desk->ledger, NOW_MS, &left, &desk->fail), 0);
    assert_int_equal(left, MANY);
    assert_int_equal(desk_number("UPDATE card SET state = 5, updated_ms = 1700000000000 RETURNING 0"), 0);
    assert_int_equal(desk_number("UPDATE tally SET key = 5 WHERE kind = 'state' AND n > 0 RETURNING 0"), 0);
    assert_int_equal(desk_number("INSERT INTO tally VALUES ('accepted', 1700000000000, 1201) RETURNING 0"),
                     0);
    assert_int_equal(ledger_events_resume(desk->ledger, NOW_MS, &left, &desk->fail), 0);
    assert_int_equal(left, 0);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE state = 6"), MANY);
    desk_check(desk);
}

/* ---- retry ---- */

static void send_again(struct desk *desk, int64_t card)
{
    struct ledger_claim claim = event_claim(desk, card);

    desk_settle(desk, &claim, VERDICT_ACCEPTED, "accepted");
}

/* What declined the card before it was retried does not decline it again, nor does what came later of the
 * same time; what came of the new request does. */
static void a_failure_of_before_a_retry_is_past(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(503, false, NOW_MS, "e1"), "declined");
    event_retry(desk, JOB_DECLINED);
    FATE(desk, event_strong(503, false, NOW_MS, "e1"), "duplicate");
    FATE(desk, event_strong(503, false, NOW_MS + 1, "e2"), "further");
    FATE(desk, event_strong(503, false, NOW_MS + 1, "e2"), "duplicate");
    FATE(desk, event_weak(22, 503, false, NOW_MS + 2, "e3"), "further");
    assert_int_equal(desk_number("SELECT count(*) FROM event_wait"), 0);
    send_again(desk, 503);
    FATE(desk, event_strong(503, false, NOW_MS + DAY_MS - 300000, "e4"), "further");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 held\n1/3 503 accepted accepted\n");
    FATE(desk, event_strong(503, false, NOW_MS + DAY_MS - 299999, "e5"), "declined");
    FATE(desk, event_strong(503, true, NOW_MS, "e6"), "enrolled"); /* a success is one whenever it was */
}

static void a_failure_of_before_an_overdue_row_was_sent_again_is_past(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    event_retry(desk, JOB_ACCEPTED);
    FATE(desk, event_strong(503, false, NOW_MS + 1, "e1"), "further");
    send_again(desk, 503);
    FATE(desk, event_strong(503, false, NOW_MS + 1, "e1"), "duplicate");
    assert_int_equal(desk_number("SELECT state FROM card_now WHERE card_id = 503"), JOB_ACCEPTED);
    assert_string_equal(
        desk_text("SELECT group_concat(code || coalesce(' ' || message, ''), ', ') FROM attempt "
                  "WHERE card = (SELECT id FROM card_now WHERE card_id = 503)"),
        "accepted, retry again, event_failure event e1: FAILURE: expired");
    FATE(desk, event_strong(503, false, NOW_MS + DAY_MS, "e2"), "declined");
}

/* Of a row that was declined again by numbers the failure of before, though by correlation ID, takes no
 * place. */
static void a_failure_of_before_a_retry_does_not_come_first(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(503, false, NOW_MS, "e1"), "declined");
    event_retry(desk, JOB_DECLINED);
    send_again(desk, 503);
    FATE(desk, event_weak(22, 503, false, NOW_MS + DAY_MS, "e2"), "declined");
    FATE(desk, event_strong(503, false, NOW_MS, "e1"), "duplicate");
    FATE(desk, event_strong(503, false, NOW_MS + 1, "e3"), "further");
    assert_string_equal(desk_text("SELECT event_id || ' ' || code FROM card_now WHERE card_id = 503"),
                        "e2 event_failure_weak");
    FATE(desk, event_weak(22, 503, true, NOW_MS + DAY_MS, "e4"), "enrolled");
    FATE(desk, event_strong(503, true, NOW_MS, "e5"), "further");
    assert_string_equal(desk_text("SELECT event_id || ' ' || code FROM card_now WHERE card_id = 503"),
                        "e5 event_success");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(an_event_waits_for_the_answer),
        DESK_TEST(weak_evidence_waits_for_the_answer),
        DESK_TEST(without_identifiers_both_outcomes_count),
        DESK_TEST(a_success_before_a_lost_answer_spares_the_second_request),
        DESK_TEST(a_failure_waits_until_the_row_is_taken),
        DESK_TEST(the_next_run_begins_with_what_waited),
        DESK_TEST(what_waits_is_settled_by_a_later_reading),
        DESK_TEST(many_rows_wait),
        DESK_TEST(a_failure_of_before_a_retry_is_past),
        DESK_TEST(a_failure_of_before_an_overdue_row_was_sent_again_is_past),
        DESK_TEST(a_failure_of_before_a_retry_does_not_come_first),
    };

    return cmocka_run_group_tests_name("ledger_event_wait", tests, scratch_open, scratch_close);
}
