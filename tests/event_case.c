#include "event_case.h"

#include "driver/ledger_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

static int64_t row_of(int64_t card)
{
    char sql[100];

    (void)snprintf(sql, sizeof sql, "SELECT id FROM card_now WHERE card_id = %" PRId64, card);
    return desk_number(sql);
}

struct ledger_event event_strong(int64_t card, bool well, int64_t at_ms, const char *id)
{
    return (struct ledger_event){.row = row_of(card),
                                 .well = well,
                                 .at_ms = at_ms,
                                 .event_id = id,
                                 .message = well ? "" : "FAILURE: expired"};
}

struct ledger_event event_weak(int64_t account, int64_t card, bool well, int64_t at_ms, const char *id)
{
    return (struct ledger_event){.account_id = account,
                                 .card_id = card,
                                 .well = well,
                                 .at_ms = at_ms,
                                 .event_id = id,
                                 .message = well ? "" : "FAILURE: expired"};
}

struct ledger_event_result event_put(struct desk *desk, struct ledger_event event)
{
    struct ledger_event_result result;

    if (ledger_events_apply(desk->ledger, &event, 1, NOW_MS + 1000, &result, &desk->fail) != 0 ||
        ledger_check(desk->ledger, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
    return result;
}

void event_retry(struct desk *desk, enum job_state from)
{
    struct ledger_retry choice = {
        .states = 1U << from, .overdue_ms = NOW_MS, .now_ms = NOW_MS + DAY_MS, .reason = "again"};
    struct ledger_retried done;

    if (ledger_retry(desk->ledger, &choice, &done, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
    assert_true(done.rows > 0);
}

struct ledger_claim event_claim(struct desk *desk, int64_t card)
{
    struct ledger_claim claims[4];
    size_t count = desk_claim(desk, claims, 4, NOW_MS);

    for (size_t i = 0; i < count; i++)
        if (claims[i].card_id == card)
            return claims[i];
    fail_msg("card %" PRId64 " was not due", card);
    return claims[0];
}

void event_accept_all(struct desk *desk)
{
    struct ledger_claim claims[4];

    desk_load(desk, THREE, NULL);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 2);
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    desk_settle(desk, &claims[1], VERDICT_ACCEPTED, "accepted");
}

void event_force(enum job_state state, int attempts, bool uncertain, int64_t due_ms)
{
    char sql[600];
    sqlite3 *db;

    (void)snprintf(
        sql, sizeof sql,
        "BEGIN; DELETE FROM attempt; DELETE FROM event_wait; "
        "UPDATE card SET state = %d, attempts = %d, uncertain = %d, due_ms = %" PRId64
        ", event_id = NULL, event_ms = NULL, code = 'before', message = NULL, updated_ms = 1700000000000 "
        "WHERE card_id = 503; DELETE FROM tally; "
        "INSERT INTO tally SELECT 'state', state, count(*) FROM card_now GROUP BY state; "
        "INSERT INTO tally SELECT 'accepted', updated_ms, count(*) FROM card_now WHERE state = 5 GROUP BY 2; "
        "COMMIT",
        (int)state, attempts, uncertain, state == JOB_READY && due_ms == 0 ? INT64_C(1) : due_ms);
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
