/* ledger: `purge`: what is erased, what stays, and that a purged card is never enrolled again. */
#include "ledger_case.h"

#include "driver/ledger_change.h"
#include "driver/ledger_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct ledger_purged purge(struct desk *desk, int64_t before_ms)
{
    struct ledger_purged done;

    if (ledger_purge(desk->ledger, before_ms, &done, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    return done;
}

#define EXTRACT CARDS "11,21,501\n11,21,502\n12,21,503\n13,21,504\n14,21,505\n15,21,506\n"

/* 501 already, 502 held behind it, 503 rejected, 504 exhausted after three attempts, 505 accepted, 506 is
 * accepted a second later. One record is refused, one skipped. */
static void begin(struct desk *desk)
{
    static const enum job_verdict how[] = {[1] = VERDICT_ALREADY,
                                           [3] = VERDICT_REJECTED,
                                           [4] = VERDICT_TRANSIENT,
                                           [5] = VERDICT_ACCEPTED,
                                           [6] = VERDICT_ACCEPTED};
    struct ledger_claim claims[8];

    desk_load(desk,
              "customer_id,account_id,card_id,status\n11,21,501,\n11,21,502,\n12,21,503,\n13,21,504,\n"
              "14,21,505,\n15,21,506,\n16,x,507,\n17,21,508,CLOSED\n",
              NULL);
    for (int round = 0; round < 3; round++) {
        size_t count = desk_claim(desk, claims, 8, NOW_MS);
        for (size_t i = 0; i < count; i++)
            desk_settle(desk, &claims[i], how[claims[i].card_id - 500], "some_code");
    }
    assert_string_equal(
        desk_text("SELECT group_concat(card_id || ' ' || state, ', ') FROM card_now ORDER BY id"),
        "507 0, 501 8, 502 2, 503 9, 504 10, 505 5, 506 5, 508 1");
    assert_int_equal(desk_number("SELECT count(*) FROM attempt"), 3);
}

static void finished_rows_go_and_totals_stay(void **state)
{
    struct desk *desk = *state;
    struct ledger_totals before, after;
    struct ledger_purged done;

    begin(desk);
    assert_int_equal(ledger_totals(desk->ledger, &before, &desk->fail), 0);
    done = purge(desk, NOW_MS);
    assert_int_equal(done.rows, 4);
    assert_int_equal(done.from[JOB_ALREADY], 1);
    assert_int_equal(done.from[JOB_REJECTED], 1);
    assert_int_equal(done.from[JOB_EXHAUSTED], 1);
    assert_int_equal(done.from[JOB_SKIPPED], 1);
    assert_int_equal(done.attempts, 3);
    ROWS_ARE(desk, "1/2 502 held\n1/5 505 accepted some_code\n1/6 506 accepted some_code\n"
                   "1/7 507 invalid bad_integer account_id\n");
    assert_int_equal(ledger_totals(desk->ledger, &after, &desk->fail), 0);
    assert_memory_equal(after.state, before.state, sizeof before.state);
    assert_int_equal(before.purged, 0);
    assert_int_equal(after.purged, 4);
    assert_int_equal(after.requests, before.requests);
    assert_int_equal(desk_number("SELECT count(*) FROM attempt"), 0);
    assert_int_equal(
        desk_number("SELECT count(*) FROM card_now WHERE file = 0 AND (code IS NOT NULL OR "
                    "message IS NOT NULL OR field IS NOT NULL OR offset + length + line + record <> 0)"),
        0);
    assert_int_equal(purge(desk, NOW_MS).rows, 0);
}

static void what_is_younger_stays(void **state)
{
    struct desk *desk = *state;

    begin(desk);
    assert_int_equal(purge(desk, NOW_MS - 1).rows, 0);
    assert_int_equal(desk_number("SELECT count(*) FROM attempt"), 3);
}

/* The worst thing: a nightly extract must not bring a purged card as a new one. */
static void a_purged_card_in_a_newer_extract_is_known(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[8];

    begin(desk);
    (void)purge(desk, NOW_MS);
    desk_load(desk, CARDS "11,21,501\n12,21,503\n13,21,504\n17,21,508\n18,21,509\n", NULL);
    assert_string_equal(desk_counts(desk, false), "5 1 0 4 0 0");
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 509);
    ROWS_ARE(desk, "1/2 502 held\n1/5 505 accepted some_code\n1/6 506 accepted some_code\n"
                   "1/7 507 invalid bad_integer account_id\n2/5 509 sent\n");
    desk_check(desk);
}

static void the_same_file_again_adds_nothing(void **state)
{
    struct desk *desk = *state;

    begin(desk);
    (void)purge(desk, NOW_MS);
    desk_load_again(desk);
    assert_true(desk->result.cards_known);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE file <> 0"), 4);
}

/* A further card still knows that its customer is there: it stays held, and goes by the card call. */
static void further_cards_of_a_purged_one_wait_as_before(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[8];

    begin(desk);
    (void)purge(desk, NOW_MS);
    desk_load(desk, CARDS "11,21,510\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 0);
    assert_int_equal(ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail), 0);
    assert_int_equal(desk_claim(desk, claims, 8, NOW_MS), 1);
    assert_int_equal(claims[0].card_id, 502); /* not 501, whose record was erased */
    assert_int_equal(claims[0].job.call, CALL_CARD);
    desk_check(desk);
}

/* Its record is gone: there is nothing to send. */
static void a_purged_row_cannot_be_retried(void **state)
{
    struct desk *desk = *state;
    const int64_t card = 503;
    struct ledger_retry retry = {.states = 1U << JOB_REJECTED | 1U << JOB_EXHAUSTED, .now_ms = NOW_MS};
    struct ledger_retried done;

    begin(desk);
    (void)purge(desk, NOW_MS);
    assert_int_equal(ledger_retry(desk->ledger, &retry, &done, &desk->fail), 0);
    assert_int_equal(done.rows, 0);
    retry.cards = &card;
    retry.card_count = 1;
    assert_int_equal(ledger_retry(desk->ledger, &retry, &done, &desk->fail), 0);
    assert_int_equal(done.rows, 0);
}

/* A skipped record without a card number could not be told again: it stays. */
static void rows_without_a_number_stay(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, "customer_id,account_id,card_id,status\n11,21,x,CLOSED\n12,21,502,CLOSED\n", NULL);
    assert_int_equal(purge(desk, NOW_MS).rows, 1);
    ROWS_ARE(desk, "1/1 - skipped\n");
}

/* An event of the row of 503 (rejected) or 504 (exhausted), which is late. */
static enum ledger_fate late_event(struct desk *desk, int64_t row, bool well, int64_t at_ms)
{
    struct ledger_event event = {
        .row = row, .well = well, .at_ms = at_ms, .event_id = "e-1", .message = "VIDC-2003 expired card"};
    struct ledger_event_result result;

    assert_int_equal(ledger_events_apply(desk->ledger, &event, 1, NOW_MS, &result, &desk->fail), 0);
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    return result.fate;
}

/* It moves a purged row as it would any other, but brings no story back that nothing would erase again. */
static void a_late_event_moves_a_purged_row_without_a_trace(void **state)
{
    static const char story[] =
        "SELECT (SELECT count(*) FROM attempt) + (SELECT count(*) FROM card_now WHERE file = 0 "
        "AND (code IS NOT NULL OR message IS NOT NULL OR event_id IS NOT NULL))";
    struct desk *desk = *state;
    int64_t row;

    begin(desk);
    row = desk_number("SELECT id FROM card_now WHERE card_id = 505");
    assert_int_equal(late_event(desk, row, false, NOW_MS), FATE_DECLINED);
    (void)purge(desk, NOW_MS);
    assert_int_equal(late_event(desk, row, false, NOW_MS), FATE_FURTHER);
    assert_int_equal(late_event(desk, row, true, NOW_MS + 5), FATE_ENROLLED);
    assert_int_equal(desk_number("SELECT state FROM card_now WHERE card_id = 505"), JOB_ENROLLED);
    assert_int_equal(desk_number(story), 0);
    assert_int_equal(late_event(desk, row, true, NOW_MS + 5), FATE_FURTHER);
    /* A later failure is told even so. */
    assert_int_equal(late_event(desk, row, false, NOW_MS + 6), FATE_LATE);
    assert_int_equal(desk_number(story), 0);
}

/* A skipped duplicate: the next file that brings its card takes its place, and the totals still add up. */
static void duplicates_stay(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, "customer_id,account_id,card_id,status\n11,21,501,CLOSED\n11,21,501,CLOSED\n", NULL);
    assert_int_equal(purge(desk, NOW_MS).rows, 1);
    desk_load(desk, "customer_id,account_id,card_id,status\n11,21,501,CLOSED\n12,21,502,CLOSED\n", NULL);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE file = 0"), 1);
    assert_int_equal(desk_number("SELECT n FROM tally WHERE kind = 'purged'"), 1);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 2);
}

static void the_ledger_shrinks(void **state)
{
    struct desk *desk = *state;
    struct buf cards;
    int64_t before;

    buf_init(&cards, 1 << 22);
    buf_add_text(&cards, "customer_id,account_id,card_id,status\n");
    for (int i = 0; i < 30000; i++)
        buf_addf(&cards, "%d,21,%d,CLOSED\n", 1000000 + i, 5000000 + i);
    desk_load(desk, buf_text(&cards), NULL);
    buf_free(&cards);
    /* What months of sending leave behind. */
    assert_string_equal(desk_text("UPDATE card SET code = 'accepted', http_status = 202, event_id = "
                                  "'7c7737f0-53d4-4b49-9833-e4c47483634e' RETURNING 'done'"),
                        "done");
    before = desk_number("PRAGMA page_count");
    assert_int_equal(purge(desk, NOW_MS).rows, 30000);
    desk_reopen(desk,
                LEDGER_RESUME); /* as after a purge that was cut off here: the next one makes up for it */
    assert_int_equal(purge(desk, NOW_MS).rows, 0);
    assert_int_equal(ledger_shrink(desk->ledger, &desk->fail), 0);
    assert_true(desk_number("PRAGMA page_count") < before * 3 / 4);
    assert_string_equal(desk_text("PRAGMA integrity_check"), "ok");
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE card_id = 5029999 AND state = 1"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(finished_rows_go_and_totals_stay),
        DESK_TEST(what_is_younger_stays),
        DESK_TEST(a_purged_card_in_a_newer_extract_is_known),
        DESK_TEST(the_same_file_again_adds_nothing),
        DESK_TEST(further_cards_of_a_purged_one_wait_as_before),
        DESK_TEST(a_purged_row_cannot_be_retried),
        DESK_TEST(rows_without_a_number_stay),
        DESK_TEST(a_late_event_moves_a_purged_row_without_a_trace),
        DESK_TEST(duplicates_stay),
        DESK_TEST(the_ledger_shrinks),
    };

    return cmocka_run_group_tests_name("purge", tests, scratch_open, scratch_close);
}
