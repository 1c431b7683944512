/* What each run did, as it was counted while it ran: small tables, whatever the number of cards. */
#include "ledger_impl.h"

#include "driver/ledger_read.h"

#include <stdlib.h>
#include <string.h>

static const int64_t MINUTE_MS = 60000;

/* A damaged page may hold anything. */
static int damaged(const struct ledger *ledger, int64_t run, struct fail *fail)
{
    return fail_set(fail, FAIL_LEDGER, "%s: damaged: run %lld; restore it from a backup",
                    ledger->path ? ledger->path : "", (long long)run);
}

static bool minute_known(int64_t minute)
{
    return minute >= 0 && minute <= INT64_MAX / MINUTE_MS && ledger_time_known(minute * MINUTE_MS);
}

static bool run_known(const struct ledger_run *run)
{
    return ledger_time_known(run->started_ms) && ledger_time_known(run->last_ms) &&
           ledger_time_known(run->ended_ms) && minute_known(run->first_minute) &&
           (run->last_minute == -1 || minute_known(run->last_minute));
}

/* A text that does not fit was not written by this program. */
static void read_text(sqlite3_stmt *row, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    size_t len = text ? strlen(text) : 0;

    out[0] = '\0';
    if (len > 0 && len < size)
        memcpy(out, text, len + 1);
}

static void read_run(sqlite3_stmt *row, struct ledger_run *out)
{

    *out = (struct ledger_run){.id = sqlite3_column_int64(row, 0),
                               .life = sqlite3_column_int(row, 4) < 0 ? LIFE_CUT_OFF : LIFE_ENDED,
                               .started_ms = sqlite3_column_int64(row, 1),
                               .last_ms = sqlite3_column_int64(row, 2),
                               .ended_ms = sqlite3_column_int64(row, 3),
                               .exit_code = sqlite3_column_int(row, 4),
                               .requests = sqlite3_column_int64(row, 6),
                               .tokens = sqlite3_column_int64(row, 7),
                               .first_minute = sqlite3_column_int64(row, 8),
                               .last_minute = sqlite3_column_int64(row, 9)};
    read_text(row, 5, out->version, sizeof out->version);
    read_text(row, 10, out->reason, sizeof out->reason);
}

static int read_latency(struct ledger *ledger, struct ledger_run *run, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_LATENCY_RUN, fail);
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "i", run->id) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t bucket = sqlite3_column_int64(row, 0);
        if (bucket >= 0 && bucket < LEDGER_BUCKETS)
            run->latency[bucket] = sqlite3_column_int64(row, 1);
    }
    return rc;
}

static int read_runs(struct ledger *ledger, size_t most, struct ledger_run *out, size_t *count,
                     struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_RUN_LIST, fail);
    size_t found = 0;
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "i", (int64_t)most) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        read_run(row, &out[found]);
        if (!run_known(&out[found]))
            return damaged(ledger, out[found].id, fail);
        found++;
    }
    if (rc != 0)
        return -1;
    for (size_t i = 0; i < found; i++)
        if (read_latency(ledger, &out[i], fail) != 0)
            return -1;
    *count = found;
    return 0;
}

/* Whether it is known what became of the newest run. One whose lock was found free may have ended just
 * before: it was cut off if it still has no end when it is read once more (*freed). */
static bool tell_life(const struct ledger *ledger, struct ledger_run *run, int64_t *freed)
{
    int64_t held;

    if (run->ended_ms > 0)
        return true;
    held = ledger_lock_look(ledger, run->holder);
    run->life = held == run->id || ledger->still_run == run->id ? LIFE_AT_WORK
                : held < 0                                      ? LIFE_UNTOLD
                                                                : LIFE_CUT_OFF;
    if (held != run->id)
        run->holder[0] = '\0'; /* another one's words */
    if (run->life != LIFE_CUT_OFF || *freed == run->id)
        return true;
    *freed = run->id;
    return false;
}

int ledger_runs(struct ledger *ledger, size_t most, struct ledger_run *out, size_t *count, struct fail *fail)
{
    int64_t freed = 0;

    do {
        if (read_runs(ledger, most, out, count, fail) != 0)
            return -1;
    } while (*count > 0 && !tell_life(ledger, &out[0], &freed));
    return 0;
}

int ledger_minutes_begin(struct ledger *ledger, int64_t from_run, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_PULSE_LIST, fail);

    return row ? ledger_bind(ledger, row, fail, "i", from_run) : -1;
}

int ledger_minutes_next(struct ledger *ledger, struct ledger_minute *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger->prepared[ST_PULSE_LIST];
    int rc = ledger_step(ledger, row, fail);

    if (rc == 1)
        *out = (struct ledger_minute){.run = sqlite3_column_int64(row, 0),
                                      .minute = sqlite3_column_int64(row, 1),
                                      .answers = sqlite3_column_int64(row, 2),
                                      .accepted = sqlite3_column_int64(row, 3),
                                      .transient = sqlite3_column_int64(row, 4),
                                      .latency_us = sqlite3_column_int64(row, 5),
                                      .latency_max_us = sqlite3_column_int64(row, 6)};
    if (rc == 1 && !minute_known(out->minute))
        return damaged(ledger, out->run, fail);
    return rc;
}

int ledger_set_tenant(struct ledger *ledger, const char *tenant, struct fail *fail)
{
    return ledger_run(ledger, ST_META_SET, fail, "tt", "tenant", tenant);
}

int ledger_meta_text(struct ledger *ledger, const char *key, struct buf *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_META_GET, fail);
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "t", key) != 0)
        return -1;
    rc = ledger_step(ledger, row, fail);
    if (rc < 0)
        return -1;
    if (rc == 1)
        buf_add_text(out, (const char *)sqlite3_column_text(row, 0));
    (void)sqlite3_reset(row);
    return 0;
}

int ledger_tenant(struct ledger *ledger, struct buf *out, struct fail *fail)
{
    return ledger_meta_text(ledger, "tenant", out, fail);
}

int ledger_still(struct ledger *ledger, struct fail *fail)
{
    char who[LEDGER_HOLDER_SIZE];

    /* A run that ends from here on has no end in what is read. */
    ledger->still_run = ledger_lock_look(ledger, who);
    ledger->in_order = false;
    return ledger_script(ledger, "BEGIN", fail);
}

void ledger_still_end(struct ledger *ledger)
{
    ledger->still_run = 0;
    /* It only read, so there is nothing to fail; ROLLBACK would need the journal that a scratch ledger lacks.
     */
    (void)sqlite3_exec(ledger->db, "COMMIT", NULL, NULL, NULL);
}
