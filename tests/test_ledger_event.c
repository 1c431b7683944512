/* ledger: events. What each does to a row in each state, that order, repetition and grouping do not matter,
 * weaker evidence, the customer's other cards, and what is overdue. */
#include "event_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void success_enrols_and_failure_declines(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "enrolled");
    FATE(desk, event_strong(503, false, NOW_MS, "e2"), "declined");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 declined event_failure\n");
    assert_string_equal(
        desk_text("SELECT group_concat(coalesce(event_id, '-') || ' ' || coalesce(event_ms, '-') "
                  "|| ' ' || coalesce(message, '-'), ', ') FROM (SELECT * FROM card_now ORDER BY card_id)"),
        "e1 1700000000000 -, - - -, e2 1700000000000 FAILURE: expired");
}

static void duplicates_are_known(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "enrolled");
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "duplicate");
    FATE(desk, event_strong(501, false, NOW_MS + 5, "e2"), "late_failure");
    FATE(desk, event_strong(501, false, NOW_MS + 5, "e2"), "duplicate");
    FATE(desk, event_strong(501, false, NOW_MS - 5, "e3"), "further");
    FATE(desk, event_strong(501, false, NOW_MS - 5, "e3"), "duplicate");
    assert_string_equal(desk_text("SELECT group_concat(code || ' ' || message, ', ') FROM attempt"),
                        "event_failure event e2: FAILURE: expired, event_failure event e3: FAILURE: expired");
}

static void what_no_row_has_is_unmatched(void **state)
{
    struct desk *desk = *state;
    struct ledger_event event;

    event_accept_all(desk);
    event = event_strong(501, true, NOW_MS, "e1");
    event.row = 4711;
    FATE(desk, event, "unmatched");
    event = event_strong(501, true, NOW_MS, "e1");
    event.card_id = 502;
    FATE(desk, event, "contradicts");
    event.card_id = 501;
    event.customer_id = 12;
    FATE(desk, event, "contradicts");
    event.customer_id = 11;
    FATE(desk, event, "enrolled");
}

/* ---- every state ---- */

static void every_state_by_correlation_id(void **state)
{
    static const struct {
        int state, attempts, uncertain, due;
        const char *success, *failure; /* fate and the state then */
    } rows[] = {
        {JOB_INVALID, 0, 0, 0, "listed invalid", "listed invalid"},
        {JOB_INVALID, 0, 1, 0, "enrolled enrolled", "listed invalid"},
        {JOB_SKIPPED, 0, 0, 0, "listed skipped", "listed skipped"},
        {JOB_SKIPPED, 0, 1, 0, "enrolled enrolled", "listed skipped"},
        {JOB_HELD, 0, 0, 0, "listed held", "listed held"},
        {JOB_HELD, 2, 0, 0, "enrolled enrolled", "waits held"},
        {JOB_HELD, 2, 1, -1, "enrolled enrolled", "declined declined"},
        {JOB_READY, 0, 0, 0, "listed ready", "listed ready"},
        {JOB_READY, 1, 0, 9, "enrolled enrolled", "waits ready"},
        {JOB_READY, 0, 1, 0, "enrolled enrolled", "waits ready"},
        {JOB_SENT, 1, 0, 0, "waits sent", "waits sent"},
        {JOB_ACCEPTED, 1, 0, 0, "enrolled enrolled", "declined declined"},
        {JOB_ALREADY, 1, 0, 0, "listed already", "listed already"},
        {JOB_ALREADY, 1, 1, 0, "enrolled enrolled", "listed already"},
        {JOB_REJECTED, 1, 0, 0, "listed rejected", "listed rejected"},
        {JOB_REJECTED, 2, 1, 0, "enrolled enrolled", "listed rejected"},
        {JOB_EXHAUSTED, 8, 0, 0, "enrolled enrolled", "listed exhausted"},
        {JOB_EXHAUSTED, 8, 1, 0, "enrolled enrolled", "listed exhausted"},
    };
    struct desk *desk = *state;
    char got[64];

    event_accept_all(desk);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int well = 0; well < 2; well++) {
            struct ledger_event_result result;
            event_force(rows[i].state, rows[i].attempts, rows[i].uncertain != 0, rows[i].due);
            result = event_put(desk, event_strong(503, well != 0, NOW_MS, "e"));
            (void)snprintf(
                got, sizeof got, "%s %s", ledger_fate_name(result.fate),
                desk_text(
                    "SELECT name FROM state WHERE id = (SELECT state FROM card_now WHERE card_id = 503)"));
            assert_string_equal(got, well ? rows[i].success : rows[i].failure);
            assert_int_equal(result.was, rows[i].state);
        }
}

/* Numbers alone settle what awaits an event, wait for the answer of what was sent, and change nothing else.
 */
static void every_state_by_numbers(void **state)
{
    static const struct {
        int state, attempts;
        const char *fate;
    } rows[] = {
        {JOB_INVALID, 1, "listed"},   {JOB_SKIPPED, 1, "listed"}, {JOB_HELD, 0, "listed"},
        {JOB_HELD, 1, "waits"},       {JOB_READY, 0, "listed"},   {JOB_READY, 1, "waits"},
        {JOB_SENT, 1, "waits"},       {JOB_ALREADY, 2, "listed"}, {JOB_REJECTED, 2, "listed"},
        {JOB_EXHAUSTED, 8, "listed"},
    };
    struct desk *desk = *state;

    event_accept_all(desk);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int well = 0; well < 2; well++) {
            event_force(rows[i].state, rows[i].attempts, false, 0);
            FATE(desk, event_weak(22, 503, well != 0, NOW_MS, "e"), rows[i].fate);
        }
    event_force(JOB_ACCEPTED, 1, false, 0);
    FATE(desk, event_weak(22, 503, false, NOW_MS, "e"), "declined");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 held\n1/3 503 declined event_failure_weak\n");
    assert_string_equal(desk_text("SELECT message FROM card_now WHERE card_id = 503"),
                        "FAILURE: expired; matched by account and card, not by correlation ID");
}

static void weak_evidence_needs_its_numbers_and_its_time(void **state)
{
    struct desk *desk = *state;
    struct ledger_event event;

    event_accept_all(desk);
    FATE(desk, event_weak(23, 503, true, NOW_MS, "e"), "unmatched"); /* another account */
    FATE(desk, event_weak(0, 503, true, NOW_MS, "e"), "unmatched");  /* neither account nor customer */
    FATE(desk, event_weak(22, 0, true, NOW_MS, "e"), "unmatched");   /* no card */
    FATE(desk, event_weak(22, 503, true, 0, "e"), "unmatched");      /* no time */
    FATE(desk, event_weak(22, 503, true, NOW_MS - 300001, "e"), "unmatched"); /* from before the load */
    event = event_weak(22, 503, true, NOW_MS, "e");
    event.customer_id = 11;
    FATE(desk, event, "unmatched");
    event = event_weak(0, 503, true, NOW_MS - 300000, "e");
    event.customer_id = 12;
    FATE(desk, event, "enrolled");
    assert_true(event_put(desk, event).weak);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 held\n1/3 503 enrolled event_success_weak\n");
}

/* Somebody else's event about the card, of the days between its load and its request, settles nothing. */
static void weak_evidence_is_not_older_than_the_request(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    desk_load(desk, THREE, NULL);
    claim = event_claim(desk, 501);
    event_force(JOB_SENT, 1, false, 0);
    assert_int_equal(desk_number("UPDATE file SET loaded_ms = loaded_ms - 864000000 RETURNING 0"), 0);
    FATE(desk, event_weak(22, 503, false, NOW_MS - 300001, "e1"), "unmatched");
    FATE(desk, event_weak(22, 503, false, NOW_MS - 300000, "e2"), "waits");
    desk_settle(desk, &claim, VERDICT_ACCEPTED, "accepted");
    FATE(desk, event_weak(21, 501, false, NOW_MS - 300001, "e3"), "unmatched");
    FATE(desk, event_weak(21, 501, false, NOW_MS - 300000, "e4"), "declined");
    event_force(JOB_ACCEPTED, 2, false, 0); /* of the earlier request, perhaps */
    FATE(desk, event_weak(22, 503, false, NOW_MS - 300001, "e5"), "declined");
}

/* ---- order ---- */

enum { EVENTS = 6 };

static void events_of(struct ledger_event out[EVENTS])
{
    out[0] = event_strong(501, false, NOW_MS + 1, "a-failure");
    out[1] = event_strong(501, false, NOW_MS + 9, "b-failure");
    out[2] = event_strong(501, true, NOW_MS + 5, "c-success");
    out[3] = event_strong(501, true, NOW_MS + 5, "d-success");
    out[4] = event_weak(21, 501, true, NOW_MS + 8, "e-weak");
    out[5] = event_weak(21, 501, false, NOW_MS + 7, "f-weak");
}

/* Row, story and the customer's other card. */
static const char *picture(void)
{
    return desk_text(
        "SELECT (SELECT group_concat(card_id || ' ' || state || ' ' || coalesce(code, '-') || ' ' || "
        "coalesce(event_id, '-') || ' ' || coalesce(event_ms - 1700000000000, '-') || ' ' || "
        "coalesce(message, '-'), '; ') "
        "FROM (SELECT * FROM card_now ORDER BY id)) || ' | ' || "
        "coalesce((SELECT group_concat((at_ms - 1700000000000) || ' ' || message, '; ') FROM "
        "(SELECT * FROM attempt ORDER BY at_ms, message)), '')");
}

/* All orders of `n` events, by swapping (Heap). */
struct orders {
    struct desk *desk;
    struct ledger_event events[EVENTS];
    size_t count, batch;
    char want[2000];
    int seen;
};

static void reset_rows(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "BEGIN; DELETE FROM attempt; UPDATE card SET event_id = NULL, event_ms = NULL, message = NULL, "
            "code = 'accepted', state = iif(card_id = 502, 2, 5), updated_ms = 1700000000000; DELETE FROM "
            "tally; "
            "INSERT INTO tally SELECT 'state', state, count(*) FROM card_now GROUP BY state; "
            "INSERT INTO tally VALUES ('accepted', 1700000000000, 2); COMMIT",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void try_order(struct orders *orders)
{
    struct ledger_event_result results[EVENTS];

    reset_rows();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < orders->count; i += orders->batch) {
            size_t left = orders->count - i, n = left < orders->batch ? left : orders->batch;
            if (ledger_events_apply(orders->desk->ledger, orders->events + i, n, NOW_MS + 1000, results,
                                    &orders->desk->fail) != 0)
                fail_msg("%s", orders->desk->fail.text);
        }
    if (ledger_check(orders->desk->ledger, &orders->desk->fail) != 0)
        fail_msg("%s", orders->desk->fail.text);
    assert_string_equal(picture(), orders->want);
    orders->seen++;
}

static void permute(struct orders *orders, size_t n)
{
    struct ledger_event swap;

    if (n <= 1) {
        try_order(orders);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t other = n % 2 ? 0 : i;
        permute(orders, n - 1);
        swap = orders->events[other];
        orders->events[other] = orders->events[n - 1];
        orders->events[n - 1] = swap;
    }
}

/* All orders of all six, of the failures alone, one by one and in batches, each read twice. */
static void order_and_repetition_do_not_matter(void **state)
{
    struct orders orders = {.desk = *state, .count = EVENTS, .batch = 1};

    event_accept_all(*state);
    (void)snprintf(orders.want, sizeof orders.want, "%s",
                   "501 6 event_success d-success 5 -; 502 2 accepted - - -; 503 5 accepted - - - | "
                   "1 event a-failure: FAILURE: expired; 5 event c-success; "
                   "7 event f-weak: FAILURE: expired; matched by account and card, not by correlation ID; "
                   "8 event e-weak: matched by account and card, not by correlation ID; "
                   "9 event b-failure: FAILURE: expired");
    events_of(orders.events);
    permute(&orders, EVENTS);
    assert_int_equal(orders.seen, 720);
    orders.batch = 4;
    events_of(orders.events);
    permute(&orders, EVENTS);

    (void)snprintf(
        orders.want, sizeof orders.want, "%s",
        "501 7 event_failure b-failure 9 FAILURE: expired; 502 3 accepted - - -; 503 5 accepted - - - | "
        "1 event a-failure: FAILURE: expired; "
        "7 event f-weak: FAILURE: expired; matched by account and card, not by correlation ID");
    for (orders.batch = 1; orders.batch < 4; orders.batch++) {
        events_of(orders.events);
        orders.events[2] = orders.events[5];
        orders.count = 3;
        permute(&orders, 3);
    }
}

/* ---- the customer's other cards ---- */

static void the_next_card_goes_only_while_the_first_came_to_nothing(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(501, false, NOW_MS, "e1"), "declined");
    ROWS_ARE(desk, "1/1 501 declined event_failure\n1/2 502 ready\n1/3 503 accepted accepted\n");
    FATE(desk, event_strong(501, true, NOW_MS + 1, "e2"), "enrolled");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 accepted accepted\n");
    FATE(desk, event_strong(501, false, NOW_MS + 2, "e3"), "late_failure");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 accepted accepted\n");
}

/* Whatever had let it go: a card that an operator sent again and that waits behind it. */
static void the_next_card_is_held_again_behind_a_card_that_waited(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    FATE(desk, event_strong(501, false, NOW_MS, "e1"), "declined");
    event_retry(desk, JOB_DECLINED);
    ROWS_ARE(desk, "1/1 501 held event_failure\n1/2 502 ready\n1/3 503 accepted accepted\n");
    FATE(desk, event_strong(501, true, NOW_MS + 1, "e2"), "enrolled");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 held\n1/3 503 accepted accepted\n");
}

/* One that flies already is left to the run. */
static void a_next_card_that_was_sent_is_left_alone(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claim;

    event_accept_all(desk);
    FATE(desk, event_strong(501, false, NOW_MS, "e1"), "declined");
    claim = event_claim(desk, 502);
    FATE(desk, event_strong(501, true, NOW_MS, "e2"), "enrolled");
    ROWS_ARE(desk, "1/1 501 enrolled event_success\n1/2 502 sent\n1/3 503 accepted accepted\n");
    desk_settle(desk, &claim, VERDICT_ALREADY, "already_on_click_to_pay");
    desk_check(desk);
}

/* ---- looking, failing, overdue ---- */

static void looking_changes_nothing(void **state)
{
    struct desk *desk = *state;
    struct ledger_event event;
    struct ledger_event_result result;

    event_accept_all(desk);
    event = event_strong(501, true, NOW_MS, "e1");
    desk_reopen(desk, LEDGER_READ);
    assert_int_equal(ledger_event_look(desk->ledger, &event, &result, &desk->fail), 0);
    assert_int_equal(result.fate, FATE_ENROLLED);
    assert_int_equal(result.card_id, 501);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n1/2 502 held\n1/3 503 accepted accepted\n");
}

static void overdue_is_counted_by_when_it_was_accepted(void **state)
{
    struct desk *desk = *state;
    int64_t overdue;

    event_accept_all(desk);
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS - 1, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 0);
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 2);
    FATE(desk, event_strong(501, true, NOW_MS, "e1"), "enrolled");
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 1);
    FATE(desk, event_strong(503, false, NOW_MS, "e2"), "declined");
    assert_int_equal(ledger_overdue(desk->ledger, NOW_MS, &overdue, &desk->fail), 0);
    assert_int_equal(overdue, 0);
    assert_int_equal(desk_number("SELECT count(*) FROM tally WHERE kind = 'accepted'"), 0);
}

static void a_total_that_was_forgotten_is_found(void **state)
{
    struct desk *desk = *state;

    event_accept_all(desk);
    assert_int_equal(desk_number("UPDATE tally SET n = n + 1 WHERE kind = 'accepted' RETURNING 0"), 0);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
}

/* Of events that come together a row's success is told as what decided, wherever it stands among them. */
static void of_one_batch_success_comes_first(void **state)
{
    struct desk *desk = *state;
    struct ledger_event_result results[3];
    struct ledger_event events[3];

    event_accept_all(desk);
    events[0] = event_strong(503, false, NOW_MS + 1, "e1");
    events[1] = event_strong(501, true, NOW_MS + 2, "e2");
    events[2] = event_strong(503, true, NOW_MS + 3, "e3");
    assert_int_equal(ledger_events_apply(desk->ledger, events, 3, NOW_MS + 1000, results, &desk->fail), 0);
    assert_string_equal(ledger_fate_name(results[0].fate), "further");
    assert_string_equal(ledger_fate_name(results[1].fate), "enrolled");
    assert_string_equal(ledger_fate_name(results[2].fate), "enrolled");
    desk_check(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(success_enrols_and_failure_declines),
        DESK_TEST(duplicates_are_known),
        DESK_TEST(what_no_row_has_is_unmatched),
        DESK_TEST(every_state_by_correlation_id),
        DESK_TEST(every_state_by_numbers),
        DESK_TEST(weak_evidence_needs_its_numbers_and_its_time),
        DESK_TEST(weak_evidence_is_not_older_than_the_request),
        DESK_TEST(order_and_repetition_do_not_matter),
        DESK_TEST(the_next_card_goes_only_while_the_first_came_to_nothing),
        DESK_TEST(the_next_card_is_held_again_behind_a_card_that_waited),
        DESK_TEST(a_next_card_that_was_sent_is_left_alone),
        DESK_TEST(looking_changes_nothing),
        DESK_TEST(overdue_is_counted_by_when_it_was_accepted),
        DESK_TEST(a_total_that_was_forgotten_is_found),
        DESK_TEST(of_one_batch_success_comes_first),
    };

    return cmocka_run_group_tests_name("ledger_event", tests, scratch_open, scratch_close);
}
