/* Rows are found and moved page by page, a transaction each: a run beside this waits for one page at most. */
#include "driver/ledger_change.h"

#include "ledger_impl.h"
#include "rule/api_event.h"

#include <stdlib.h>

enum { PAGE = 500 };

struct candidate {
    int64_t id, customer_id;
    enum job_state state;
    bool chosen; /* by a code */
};

struct work {
    struct ledger *ledger;
    const struct ledger_retry *retry;
    bool card_path;
    struct candidate page[PAGE];
    int count;
    struct ledger_retried change, done; /* of this page, of all before */
};

/* The row's own, or the remote side's within the answer's words. */
static bool has_code(const struct ledger_retry *retry, const char *code, const char *message)
{
    for (size_t i = 0; i < retry->code_count; i++)
        if ((code && span_is(retry->codes[i], code)) ||
            (message && api_event_has_code(span_of(message), retry->codes[i])))
            return true;
    return retry->code_count == 0;
}

static int read_page(struct work *work, sqlite3_stmt *row, struct fail *fail)
{
    int rc;

    work->count = 0;
    while ((rc = ledger_step(work->ledger, row, fail)) == 1)
        work->page[work->count++] =
            (struct candidate){.id = sqlite3_column_int64(row, 0),
                               .state = (enum job_state)sqlite3_column_int(row, 1),
                               .customer_id = sqlite3_column_int64(row, 2),
                               .chosen = has_code(work->retry, (const char *)sqlite3_column_text(row, 3),
                                                  (const char *)sqlite3_column_text(row, 4))};
    return rc;
}

static int move_row(struct work *work, const struct candidate *row, struct fail *fail)
{
    const struct ledger_retry *retry = work->retry;
    int64_t moved;

    if (ledger_run(work->ledger, ST_TALLY_LEAVE, fail, "i", row->id) != 0 ||
        ledger_run(work->ledger, ST_RETRY_KEEP, fail, "i", row->id) != 0 ||
        ledger_run(work->ledger, ST_RETRY_MARK, fail, "iti", retry->now_ms, retry->reason, row->id) != 0 ||
        ledger_run(work->ledger, ST_RETRY_ROW, fail, "idid", retry->now_ms, (int)work->card_path, row->id,
                   (int)row->state) != 0 ||
        ledger_lead_one(work->ledger, row->customer_id, work->card_path, retry->now_ms, &moved, fail) != 0)
        return -1;
    work->change.from[row->state]++;
    work->change.rows++;
    work->change.ready += moved;
    return 0;
}

static int store_totals(struct work *work, struct fail *fail)
{
    const struct ledger_retried *change = &work->change;

    for (int64_t i = 0; i < JOB_STATE_COUNT; i++)
        if (ledger_tally(work->ledger, "state", i, -change->from[i], fail) != 0)
            return -1;
    if (ledger_tally(work->ledger, "state", JOB_READY, change->ready, fail) != 0)
        return -1;
    return ledger_tally(work->ledger, "state", JOB_HELD, change->rows - change->ready, fail);
}

static int move_page(struct work *work, struct fail *fail)
{
    work->change = (struct ledger_retried){.rows = 0};
    if (ledger_card_path(work->ledger, &work->card_path, fail) != 0)
        return -1;
    for (int i = 0; i < work->count; i++)
        if (work->page[i].chosen && move_row(work, &work->page[i], fail) != 0)
            return -1;
    if (work->change.rows > 0 && ledger_revive(work->ledger, fail) != 0)
        return -1;
    return store_totals(work, fail);
}

static void add_change(struct work *work)
{
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        work->done.from[i] += work->change.from[i];
    work->done.rows += work->change.rows;
    work->done.ready += work->change.ready;
}

/* The rows behind this one, or those of a card. */
static sqlite3_stmt *find(const struct work *work, enum statement which, int64_t key, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(work->ledger, which, fail);
    int states = (int)work->retry->states, rc = -1;

    if (row && which == ST_RETRY_CARD)
        rc = ledger_bind(work->ledger, row, fail, "idi", key, states, work->retry->overdue_ms);
    else if (row)
        rc = ledger_bind(work->ledger, row, fail, "idid", key, states, work->retry->overdue_ms, (int)PAGE);
    return rc == 0 ? row : NULL;
}

static int retry_some(struct work *work, enum statement which, int64_t key, struct fail *fail)
{
    sqlite3_stmt *row;

    if (ledger_transaction(work->ledger, fail) != 0)
        return -1;
    row = find(work, which, key, fail);
    if (!row || read_page(work, row, fail) != 0 || move_page(work, fail) != 0) {
        ledger_rollback(work->ledger);
        return -1;
    }
    if (ledger_commit(work->ledger, fail) != 0)
        return -1;
    add_change(work);
    return 0;
}

static int retry_cards(struct work *work, struct fail *fail)
{
    for (size_t i = 0; i < work->retry->card_count; i++)
        if (retry_some(work, ST_RETRY_CARD, work->retry->cards[i], fail) != 0)
            return -1;
    return 0;
}

static int retry_all(struct work *work, struct fail *fail)
{
    int64_t after = 0;

    do {
        if (retry_some(work, ST_RETRY_SCAN, after, fail) != 0)
            return -1;
        after = work->count > 0 ? work->page[work->count - 1].id : after;
    } while (work->count == PAGE);
    return 0;
}

int ledger_retry(struct ledger *ledger, const struct ledger_retry *retry, struct ledger_retried *out,
                 struct fail *fail)
{
    struct work *work = mem_alloc(sizeof *work);
    int rc;

    work->ledger = ledger;
    work->retry = retry;
    rc = retry->card_count > 0 ? retry_cards(work, fail) : retry_all(work, fail);
    if (rc == 0)
        *out = work->done;
    free(work);
    return rc;
}
