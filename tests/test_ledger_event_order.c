/* ledger: events, in random order, grouping and repetition, between random steps of a run: what a card ends
 * as depends on what was sent and what the events say, not on when they were read. Every seed is a portfolio
 * of five customers with three cards each. A seed that fails is printed; EVENT_SEEDS says how many there are.
 */
#include "event_case.h"

#include "driver/ledger_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS = 12,
    PEOPLE = 5,
    CARDS_EACH = 3,
    ROWS = PEOPLE * CARDS_EACH,
    EVENTS_MOST = 400,
    BATCH_MOST = 7,
    STEPS = 60,
    STEP_MS = 1000,
    RETRY_AFTER_MS = 3600000
};

struct told {
    struct ledger_event event;
    char id[16];
    int row;
    bool read;
};

struct world {
    struct desk *desk;
    uint64_t random;
    int64_t now_ms;
    struct told told[EVENTS_MOST];
    size_t count;
    struct ledger_claim flying[ROWS];
    size_t flying_count;
    int64_t enrolled;   /* rows once seen so, a bit each */
    int64_t retried_ms; /* 0: not yet */
};

static uint64_t draw(struct world *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (world->random >> 11) % below;
}

/* ---- the run ---- */

/* An event of the request that was just sent: it was taken, whatever the answer will be. */
static void tell(struct world *world, const struct ledger_claim *claim)
{
    struct told *told = &world->told[world->count];

    if (world->count == EVENTS_MOST)
        return;
    *told = (struct told){.row = (int)(claim->card_id - 500)};
    (void)snprintf(told->id, sizeof told->id, "e%zu", world->count);
    told->event = (struct ledger_event){.well = draw(world, 3) == 0,
                                        .at_ms = world->now_ms + (int64_t)draw(world, STEP_MS),
                                        .event_id = draw(world, 8) ? told->id : "",
                                        .message = "FAILURE"};
    if (draw(world, 3) == 0) {
        told->event.account_id = claim->account_id;
        told->event.card_id = claim->card_id;
    } else {
        told->event.row = claim->id;
    }
    world->count++;
}

static void claim(struct world *world)
{
    struct ledger_exchange x = {
        .max_attempts = 3, .want = 4, .claims = world->flying, .now_ms = world->now_ms};

    if (world->flying_count > 0)
        return;
    if (ledger_exchange(world->desk->ledger, &x, &world->desk->fail) != 0)
        fail_msg("%s", world->desk->fail.text);
    world->flying_count = x.claimed;
    for (size_t i = 0; i < x.claimed; i++)
        for (uint64_t n = draw(world, 3); n > 0; n--)
            tell(world, &world->flying[i]);
}

/* Whether one of the events is about this claim's request or one before it: then no honest server refuses. */
static bool was_taken(const struct world *world, const struct ledger_claim *claim)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->told[i].row == (int)(claim->card_id - 500))
            return true;
    return false;
}

static struct ledger_outcome answer(struct world *world, const struct ledger_claim *claim)
{
    static const enum job_verdict verdicts[] = {VERDICT_ACCEPTED,  VERDICT_ACCEPTED, VERDICT_TRANSIENT,
                                                VERDICT_TRANSIENT, VERDICT_ALREADY,  VERDICT_REJECTED};
    enum job_verdict verdict = verdicts[draw(world, was_taken(world, claim) ? 4 : 6)];
    struct ledger_outcome outcome = desk_outcome(claim, verdict, "code");

    outcome.lost = verdict == VERDICT_TRANSIENT && draw(world, 2) == 0;
    outcome.at_ms = world->now_ms;
    return outcome;
}

static void settle(struct world *world)
{
    struct ledger_outcome outcomes[ROWS];
    struct ledger_exchange x = {.outcomes = outcomes,
                                .outcome_count = world->flying_count,
                                .max_attempts = 3,
                                .now_ms = world->now_ms};

    for (size_t i = 0; i < world->flying_count; i++)
        outcomes[i] = answer(world, &world->flying[i]);
    if (ledger_exchange(world->desk->ledger, &x, &world->desk->fail) != 0)
        fail_msg("%s", world->desk->fail.text);
    world->flying_count = 0;
}

/* ---- reading ---- */

/* Some events in any order, known ones among them; `all`: until every one was read. */
static void read_some(struct world *world, bool all)
{
    struct ledger_event batch[BATCH_MOST];
    struct ledger_event_result results[BATCH_MOST];
    size_t left = 0;

    do {
        size_t n = world->count == 0 ? 0 : 1 + draw(world, BATCH_MOST);
        for (size_t i = 0; i < n; i++) {
            struct told *told = &world->told[draw(world, world->count)];
            batch[i] = told->event;
            told->read = true;
        }
        if (n > 0 && ledger_events_apply(world->desk->ledger, batch, n, world->now_ms, results,
                                         &world->desk->fail) != 0)
            fail_msg("%s", world->desk->fail.text);
        left = 0;
        for (size_t i = 0; i < world->count; i++)
            left += !world->told[i].read;
    } while (all && left > 0);
}

static void resume(struct world *world)
{
    int64_t left;

    if (ledger_events_resume(world->desk->ledger, world->now_ms, &left, &world->desk->fail) != 0)
        fail_msg("%s", world->desk->fail.text);
}

/* ---- looking ---- */

static int64_t number_of(int row, const char *column)
{
    char sql[100];

    (void)snprintf(sql, sizeof sql, "SELECT %s FROM card_now WHERE card_id = %d", column, 500 + row);
    return desk_number(sql);
}

/* At every step: what was enrolled stays so. */
static void look(struct world *world)
{
    int64_t enrolled =
        desk_number("SELECT coalesce(sum(1 << (card_id - 500)), 0) FROM card_now WHERE state = 6");

    if ((world->enrolled & ~enrolled) != 0)
        fail_msg("enrolled were %" PRIx64 ", are %" PRIx64, world->enrolled, enrolled);
    world->enrolled = enrolled;
}

/* The events about a row; of failures those that count: of after the last retry. */
static void count_told(const struct world *world, int row, int *well, int *weak, int *failed)
{
    *well = *weak = *failed = 0;
    for (size_t i = 0; i < world->count; i++) {
        const struct told *told = &world->told[i];
        if (told->row != row)
            continue;
        *well += told->event.well && told->event.row != 0;
        *weak += told->event.well && told->event.row == 0;
        *failed += !told->event.well && told->event.at_ms >= world->retried_ms;
    }
}

static void check_row(const struct world *world, int row)
{
    enum job_state state = (enum job_state)number_of(row, "state");
    int well, weak, failed;

    count_told(world, row, &well, &weak, &failed);
    if (number_of(row, "attempts") == 0)
        assert_true(state == JOB_HELD || state == JOB_READY);
    if (well > 0)
        assert_int_equal(state, JOB_ENROLLED);
    if (state == JOB_DECLINED && world->retried_ms == 0)
        assert_true(failed > 0);
    if (state == JOB_ENROLLED)
        assert_true(well + weak > 0);
    if (state == JOB_ACCEPTED || state == JOB_DECLINED)
        assert_int_equal(weak, 0);
    if (state == JOB_ACCEPTED)
        assert_int_equal(failed, 0);
}

static void check_end(struct world *world)
{
    static char before[4096], after[4096];
    static const char picture[] =
        "SELECT group_concat(card_id || state || coalesce(code, '-') || coalesce(event_id, '-') || "
        "coalesce(event_ms, '-')) || (SELECT count(*) || ' ' || coalesce(sum(at_ms), 0) FROM attempt) "
        "FROM (SELECT * FROM card_now ORDER BY id)";

    look(world);
    desk_check(world->desk);
    for (int row = 0; row < ROWS; row++)
        check_row(world, row);
    /* A further card that was sent once and is held now may never have its answer. */
    assert_int_equal(
        desk_number("SELECT count(*) FROM event_wait JOIN card ON card.id = card WHERE state <> 2"), 0);
    (void)snprintf(before, sizeof before, "%s", desk_text(picture));
    for (size_t i = 0; i < world->count; i++)
        world->told[i].read = false;
    read_some(world, true);
    (void)snprintf(after, sizeof after, "%s", desk_text(picture));
    assert_string_equal(before, after);
}

/* ---- the whole ---- */

static void run_to_the_end(struct world *world)
{
    for (int i = 0; i < STEPS; i++) {
        world->now_ms += STEP_MS;
        switch (draw(world, 4)) {
        case 0:
            claim(world);
            break;
        case 1:
            settle(world);
            break;
        case 2:
            resume(world);
            break;
        default:
            read_some(world, false);
            break;
        }
        look(world);
        if (i % 10 == 0)
            desk_check(world->desk);
    }
    do { /* what is left, and every event */
        settle(world);
        claim(world);
    } while (world->flying_count > 0);
    read_some(world, true);
    do { /* and the cards that this let go */
        settle(world);
        claim(world);
    } while (world->flying_count > 0);
    read_some(world, true);
    resume(world);
}

static void send_again(struct world *world)
{
    struct ledger_retry choice = {.states = 1U << JOB_DECLINED | 1U << JOB_EXHAUSTED | 1U << JOB_REJECTED |
                                            1U << JOB_ACCEPTED,
                                  .overdue_ms = world->now_ms};
    struct ledger_retried done;

    world->now_ms += RETRY_AFTER_MS;
    choice.now_ms = world->retried_ms = world->now_ms;
    if (ledger_retry(world->desk->ledger, &choice, &done, &world->desk->fail) != 0)
        fail_msg("%s", world->desk->fail.text);
    look(world);
}

static void load(struct world *world, bool path)
{
    struct buf cards;

    buf_init(&cards, 1 << 16);
    buf_add_text(&cards, CARDS);
    for (int row = 0; row < ROWS; row++)
        buf_addf(&cards, "%d,%d,%d\n", 10 + row / CARDS_EACH, 30 + row / CARDS_EACH, 500 + row);
    assert_int_equal(ledger_set_card_path(world->desk->ledger, path, NOW_MS, &world->desk->fail), 0);
    desk_load(world->desk, buf_text(&cards), NULL);
    buf_free(&cards);
}

static void try_seed(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    void *desk;

    assert_non_null(world);
    assert_int_equal(desk_open(&desk), 0);
    world->desk = desk;
    world->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    world->now_ms = NOW_MS;
    load(world, seed % 2 == 0);
    run_to_the_end(world);
    check_end(world);
    send_again(world);
    for (size_t i = 0; i < world->count; i++) /* what a row could not take by numbers before, it may now */
        world->told[i].read = false;
    run_to_the_end(world);
    check_end(world);
    free(world);
    assert_int_equal(desk_close(&desk), 0);
}

static void whatever_the_order(void **state)
{
    const char *wanted = getenv("EVENT_SEEDS"), *first = getenv("EVENT_SEED");
    uint64_t from = first ? strtoull(first, NULL, 10) : 1;
    uint64_t count = wanted ? strtoull(wanted, NULL, 10) : SEEDS;

    (void)state;
    for (uint64_t seed = from; seed < from + count; seed++) {
        print_message("seed %" PRIu64 "\n", seed);
        try_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_order),
    };

    return cmocka_run_group_tests_name("ledger_event_order", tests, scratch_open, scratch_close);
}
