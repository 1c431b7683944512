/* ledger: random walks of a run and of what goes on beside and between runs. After every step the rows in
 * flight are those that were handed out and not answered, no customer has two, and everything that is to be
 * sent is found. A walk that fails is printed by its number; WALKS says how many there are. */
#include "ledger_case.h"

#include "driver/ledger_change.h"
#include "driver/ledger_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WALKS_USUAL = 25, STEPS = 60, CARDS_MOST = 150, CUSTOMERS_MOST = 8, FLYING_MOST = 200, WANT_MOST = 7 };

struct walk {
    struct desk *desk;
    uint64_t random;
    int64_t now_ms;
    struct ledger_claim flying[FLYING_MOST];
    size_t flying_count;
    int twice; /* a card that the last file had more than once */
};

static int draw(struct walk *walk, int below)
{
    walk->random ^= walk->random << 13;
    walk->random ^= walk->random >> 7;
    walk->random ^= walk->random << 17;
    return (int)((walk->random >> 11) % (uint64_t)below);
}

static void expect(struct walk *walk, int rc)
{
    if (rc != 0)
        fail_msg("%s", walk->desk->fail.text);
}

/* ---- what must hold ---- */

static bool flies(const struct walk *walk, int64_t id)
{
    for (size_t i = 0; i < walk->flying_count; i++)
        if (walk->flying[i].id == id)
            return true;
    return false;
}

static void look(struct walk *walk)
{
    struct ledger_row_state row;
    int64_t rows, accounts;
    size_t sent = 0;
    int rc;

    expect(walk, ledger_rows_begin(walk->desk->ledger, ROWS_CARDS, &walk->desk->fail));
    while ((rc = ledger_rows_next(walk->desk->ledger, &row, &walk->desk->fail)) == 1)
        if (row.state == JOB_SENT) {
            sent++;
            assert_true(flies(walk, row.id));
        }
    expect(walk, rc);
    assert_int_equal(sent, walk->flying_count);
    expect(walk, ledger_check(walk->desk->ledger, &walk->desk->fail));
    expect(walk, ledger_plan(walk->desk->ledger, &rows, &accounts, &walk->desk->fail));
    assert_int_equal(rows,
                     desk_number("SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'state' AND key = 3"));
    assert_int_equal(desk_number("SELECT count(*) FROM (SELECT 1 FROM card WHERE state IN (3, 4) "
                                 "GROUP BY customer_id HAVING count(*) > 1)"),
                     0);
    assert_int_equal(desk_number("SELECT count(*) FROM card WHERE state IN (2, 3, 4)"),
                     desk_number("SELECT count(*) FROM card_open"));
    assert_int_equal(desk_number("SELECT count(*) FROM card WHERE state = 3 AND due_ms = 0 AND id <= "
                                 "(SELECT after FROM claimed)"),
                     0);
}

/* ---- steps ---- */

static void claim(struct walk *walk)
{
    struct ledger_claim claims[WANT_MOST];
    struct ledger_exchange x = {.max_attempts = 2,
                                .untried_first = draw(walk, 3) == 0,
                                .retry_limited = draw(walk, 3) == 0,
                                .retry_most = (size_t)draw(walk, 3),
                                .want = (size_t)draw(walk, WANT_MOST + 1),
                                .claims = claims,
                                .now_ms = walk->now_ms};

    expect(walk, ledger_exchange(walk->desk->ledger, &x, &walk->desk->fail));
    assert_true(x.claimed <= x.want && x.retries <= x.claimed);
    for (size_t i = 0; i < x.claimed; i++) {
        assert_false(flies(walk, claims[i].id));
        assert_true(walk->flying_count < FLYING_MOST);
        walk->flying[walk->flying_count++] = claims[i];
    }
    if (x.claimed == x.want || x.retry_limited)
        return;
    assert_true(x.next_due_ms < 0 || x.next_due_ms > walk->now_ms);
    assert_int_equal(x.next_due_ms >= 0,
                     desk_number("SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'state' AND key = 3") >
                         0);
}

static void answer(struct walk *walk)
{
    static const enum job_verdict verdicts[] = {VERDICT_ACCEPTED, VERDICT_ACCEPTED,  VERDICT_ALREADY,
                                                VERDICT_REJECTED, VERDICT_TRANSIENT, VERDICT_RELEASED,
                                                VERDICT_INVALID,  VERDICT_SKIPPED,   VERDICT_TOKEN};
    struct ledger_outcome outcomes[FLYING_MOST];
    struct ledger_exchange x = {.outcomes = outcomes, .max_attempts = 2, .now_ms = walk->now_ms};
    size_t kept = 0;
    int all = draw(walk, 4) == 0, same = draw(walk, 3) == 0;

    for (size_t i = 0; i < walk->flying_count; i++) {
        const struct ledger_claim *row = &walk->flying[i];
        enum job_verdict verdict = verdicts[same ? 0 : draw(walk, 9)];
        if (!all && draw(walk, 2) == 0) {
            walk->flying[kept++] = *row;
            continue;
        }
        outcomes[x.outcome_count] = desk_outcome(row, verdict, verdict == VERDICT_INVALID ? "required" : "x");
        outcomes[x.outcome_count].lost = verdict == VERDICT_TRANSIENT && draw(walk, 2) == 0;
        if (draw(walk, 2) == 0 && (verdict == VERDICT_TRANSIENT || verdict == VERDICT_RELEASED))
            outcomes[x.outcome_count].due_ms = walk->now_ms + 1 + draw(walk, 30000);
        if (verdict == VERDICT_INVALID)
            outcomes[x.outcome_count].field = "emails";
        x.outcome_count++;
    }
    walk->flying_count = kept;
    expect(walk, ledger_exchange(walk->desk->ledger, &x, &walk->desk->fail));
}

/* A row that an event may settle or move, or any. */
static int64_t some_row(struct walk *walk)
{
    char sql[160];

    (void)snprintf(
        sql, sizeof sql,
        "SELECT coalesce((SELECT id FROM card WHERE state IN (5, 7) ORDER BY id LIMIT 1 OFFSET %d), %d)",
        draw(walk, 6), 1 + draw(walk, 40));
    return desk_number(sql);
}

static void tell(struct walk *walk)
{
    struct ledger_event_result result;
    int64_t left;
    char id[16];
    struct ledger_event event = {.row = some_row(walk),
                                 .well = draw(walk, 2) == 0,
                                 .at_ms = walk->now_ms - draw(walk, 20000),
                                 .event_id = id,
                                 .message = "x"};

    (void)snprintf(id, sizeof id, "e%d", draw(walk, 100000));
    expect(walk,
           ledger_events_apply(walk->desk->ledger, &event, 1, walk->now_ms, &result, &walk->desk->fail));
    if (draw(walk, 3) == 0)
        expect(walk, ledger_events_resume(walk->desk->ledger, walk->now_ms, &left, &walk->desk->fail));
}

static void retry(struct walk *walk)
{
    static const unsigned states = 1U << JOB_HELD | 1U << JOB_ACCEPTED | 1U << JOB_DECLINED |
                                   1U << JOB_ALREADY | 1U << JOB_REJECTED | 1U << JOB_EXHAUSTED;
    struct ledger_retry what = {.states = states & (unsigned)draw(walk, 1 << JOB_STATE_COUNT),
                                .overdue_ms = walk->now_ms - draw(walk, 40000),
                                .now_ms = walk->now_ms};
    struct ledger_retried done;

    expect(walk, ledger_retry(walk->desk->ledger, &what, &done, &walk->desk->fail));
}

static void copy(struct walk *walk)
{
    struct ledger *scratch;
    int64_t rows, accounts;

    expect(walk, ledger_open(&scratch, desk_path(), LEDGER_SCRATCH, &walk->desk->fail));
    expect(walk, ledger_check(scratch, &walk->desk->fail));
    expect(walk, ledger_plan(scratch, &rows, &accounts, &walk->desk->fail));
    assert_int_equal(rows,
                     desk_number("SELECT coalesce(sum(n), 0) FROM tally WHERE kind = 'state' AND key = 3"));
    ledger_close(scratch);
}

static void add_record(struct walk *walk, int card, struct buf *out)
{
    int account = draw(walk, 8), number = draw(walk, 8); /* 0: a record without it */

    buf_addf(out, "%d,", 11 + card / 5 % CUSTOMERS_MOST);
    if (account > 0)
        buf_addf(out, "%d", account > 5 ? 22 : 21);
    buf_add_char(out, ',');
    if (number > 0)
        buf_addf(out, "%d", 501 + card);
    buf_add_char(out, '\n');
}

/* The last record is often a card's second one, which goes when a later file brings the card again: its row's
 * number is then used again. */
static void load(struct walk *walk)
{
    struct buf text;
    int card = walk->twice;

    buf_init(&text, 4096);
    buf_add_text(&text, CARDS);
    for (int records = 1 + draw(walk, 9); records > 0; records--) {
        add_record(walk, card, &text);
        card = draw(walk, CARDS_MOST);
    }
    walk->twice = card;
    for (int records = draw(walk, 3); records > 0; records--)
        add_record(walk, card, &text);
    desk_load(walk->desk, buf_text(&text), NULL);
    buf_free(&text);
}

/* The end of a run, good or not, and what happens before the next one sends. */
static void next_run(struct walk *walk)
{
    struct ledger *ledger = walk->desk->ledger;
    struct ledger_purged purged = {.rows = 0};
    bool hold = draw(walk, 3) == 0;
    int64_t recovered, rows;
    int files;

    if (draw(walk, 2) == 0)
        expect(walk, ledger_run_end(ledger, 5, NULL, walk->now_ms, &walk->desk->fail));
    desk_reopen(walk->desk, LEDGER_RUN);
    if (draw(walk, 3) == 0)
        tell(walk);
    if (draw(walk, 4) == 0)
        retry(walk);
    ledger = walk->desk->ledger;
    look(walk);
    if (draw(walk, 6) == 0)
        expect(walk, ledger_purge(ledger, walk->now_ms - 20000, &purged, &walk->desk->fail));
    ledger_set_hold_lost(ledger, hold);
    expect(walk, ledger_run_begin(ledger, "t", walk->now_ms, &recovered, &walk->desk->fail));
    assert_int_equal(recovered, walk->flying_count);
    walk->flying_count = 0;
    expect(walk, ledger_set_card_path(ledger, draw(walk, 2) == 0, walk->now_ms, &walk->desk->fail));
    for (int loads = draw(walk, 3); loads > 0; loads--)
        load(walk);
    files = (int)desk_number("SELECT coalesce(max(id), 0) FROM file");
    if (files > 0 && draw(walk, 8) == 0) {
        int64_t file = 1 + draw(walk, files);
        expect(walk, ledger_file_unfollow(ledger, file, &rows, &walk->desk->fail));
        expect(walk, ledger_file_drop(ledger, file, walk->now_ms, &rows, &walk->desk->fail));
    }
}

static void step(struct walk *walk)
{
    walk->now_ms += draw(walk, 4) * 1000;
    switch (draw(walk, 11)) {
    case 0:
    case 1:
    case 2:
    case 3:
        claim(walk);
        break;
    case 4:
    case 5:
    case 6:
        answer(walk);
        break;
    case 7:
        for (int events = 1 + draw(walk, 9); events > 0; events--)
            tell(walk);
        break;
    case 8:
        retry(walk);
        break;
    case 9:
        copy(walk);
        break;
    default:
        next_run(walk);
    }
    look(walk);
}

static void whatever_the_way(void **state)
{
    const char *walks = getenv("WALKS");
    long count = walks ? strtol(walks, NULL, 10) : WALKS_USUAL;

    (void)state;
    for (long i = 1; i <= count; i++) {
        struct walk *walk = mem_alloc(sizeof *walk);
        void *desk;
        print_message("walk %ld\n", i);
        assert_int_equal(desk_open(&desk), 0);
        *walk = (struct walk){
            .desk = desk, .random = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15), .now_ms = NOW_MS};
        load(walk);
        for (int steps = 0; steps < STEPS; steps++)
            step(walk);
        free(walk);
        assert_int_equal(desk_close(&desk), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_the_way)};

    return cmocka_run_group_tests_name("ledger_walk", tests, scratch_open, scratch_close);
}
