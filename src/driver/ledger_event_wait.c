/* Events that came before the answer of their row. They are taken row by row, so that memory and transactions
 * stay small however many wait; those of one row are read first, because a statement must not change what
 * another one is reading. */
#include "ledger_event_impl.h"

#include <stdlib.h>

enum { PAGE = 500 }; /* rows a transaction: a run beside this waits for one */

struct waiter {
    struct ledger_event event;
    char *event_id, *message;
    bool weak;
};

static int list_waiters(struct ledger *ledger, int64_t row_id, struct waiter **list, size_t *count,
                        struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_EVENT_WAIT_OF, fail);
    int rc = -1;

    *list = NULL;
    *count = 0;
    if (!row || ledger_bind(ledger, row, fail, "i", row_id) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        struct waiter *waiter;
        *list = mem_grow(*list, *count + 1, sizeof **list);
        waiter = &(*list)[(*count)++];
        *waiter = (struct waiter){.event_id = mem_text((const char *)sqlite3_column_text(row, 1)),
                                  .message = mem_text((const char *)sqlite3_column_text(row, 4)),
                                  .weak = sqlite3_column_int(row, 3) != 0};
        waiter->event = (struct ledger_event){.row = row_id,
                                              .at_ms = sqlite3_column_int64(row, 0),
                                              .well = sqlite3_column_int(row, 2) != 0,
                                              .event_id = waiter->event_id,
                                              .message = waiter->message ? waiter->message : ""};
    }
    return rc;
}

static void free_waiters(struct waiter *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(list[i].event_id);
        free(list[i].message);
    }
    free(list);
}

/* *moved: the row's state changed; *left is raised by those that still wait. */
static int settle_row(struct settling *s, struct ledger *ledger, int64_t row, bool *moved, int64_t *left,
                      struct fail *fail)
{
    struct waiter *list;
    size_t count;
    int rc = list_waiters(ledger, row, &list, &count, fail);

    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct ledger_event *event = &list[i].event;
        enum ledger_fate fate;
        rc = ledger_settling_again(s, event, list[i].weak, &fate, fail);
        if (rc != 0)
            break;
        if (fate == FATE_WAITS) {
            ++*left;
            continue;
        }
        *moved = *moved || fate == FATE_ENROLLED || fate == FATE_DECLINED;
        rc = ledger_run(ledger, ST_EVENT_WAIT_DROP, fail, "iitdd", row, event->at_ms, event->event_id,
                        (int)event->well, (int)list[i].weak);
    }
    free_waiters(list, count);
    return rc;
}

/* The rows behind *after, at most `most` of them; *after becomes the last one, 0 at the end. Inside the
 * caller's transaction. */
static int settle_rows(struct ledger *ledger, int64_t now_ms, int64_t most, int64_t *after, int64_t *left,
                       struct fail *fail)
{
    struct settling *s;
    bool moved = false;
    int rc = 0;

    ledger_settling_open(&s, ledger, now_ms);
    for (; most > 0 && rc == 0; most--) {
        rc = ledger_value_of(ledger, ST_EVENT_WAIT_NEXT, *after, after, fail);
        if (*after == 0)
            break;
        if (rc == 0)
            rc = settle_row(s, ledger, *after, &moved, left, fail);
    }
    if (rc == 0)
        rc = ledger_settling_store(s, fail);
    ledger_settling_close(s);
    return rc;
}

int ledger_events_wait(struct ledger *ledger, bool *out, struct fail *fail)
{
    int64_t row;

    if (ledger_value_of(ledger, ST_EVENT_WAIT_NEXT, 0, &row, fail) != 0)
        return -1;
    *out = row != 0;
    return 0;
}

int ledger_event_answered(struct ledger *ledger, int64_t row, int64_t now_ms, bool *moved, struct fail *fail)
{
    struct settling *s;
    int64_t left = 0;
    int rc;

    *moved = false;
    ledger_settling_open(&s, ledger, now_ms);
    rc = settle_row(s, ledger, row, moved, &left, fail);
    if (rc == 0)
        rc = ledger_settling_store(s, fail);
    ledger_settling_close(s);
    return rc;
}

int ledger_events_recovered(struct ledger *ledger, int64_t now_ms, struct fail *fail)
{
    int64_t after = 0, left = 0;

    return settle_rows(ledger, now_ms, INT64_MAX, &after, &left, fail);
}

int ledger_events_resume(struct ledger *ledger, int64_t now_ms, int64_t *left, struct fail *fail)
{
    int64_t after = 0, waiting = 0;

    do {
        if (ledger_transaction(ledger, fail) != 0)
            return -1;
        if (settle_rows(ledger, now_ms, PAGE, &after, &waiting, fail) != 0) {
            ledger_rollback(ledger);
            return -1;
        }
        if (ledger_commit(ledger, fail) != 0)
            return -1;
    } while (after != 0);
    *left = waiting;
    return 0;
}
