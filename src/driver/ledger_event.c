/* A batch of events is one transaction, in the order of the rows, so that a million of them in any order
 * still touch neighbours together. The deciding rule is a maximum, which is why neither order nor repetition
 * matters; what a row stands for is read from the row itself (event_id, event_ms, its state and its code). */
#include "ledger_event_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const int64_t SKEW_MS = 300000; /* clocks of different houses */

enum { TEXT_CAP = 4096 };

/* A row as an event meets it. */
struct met {
    int64_t id, due_ms, updated_ms, card_id, customer_id, account_id, file, event_ms, loaded_ms;
    struct job job;
    bool has_event; /* event_ms is one */
    struct buf event_id, code, message;
};

enum action { ACTION_NONE, ACTION_SETTLE, ACTION_REPLACE, ACTION_NOTE, ACTION_WAIT };

struct settling {
    struct ledger *ledger;
    int64_t now_ms;
    int64_t state[JOB_STATE_COUNT]; /* change of the totals */
    int64_t waiting_key, waiting;   /* the same of rows that await their event, by when they were accepted */
    bool path_known, card_path;     /* ledger_card_path: it cannot change inside a transaction */
    struct met met;
    struct buf text; /* what the row will say */
    struct buf note;
};

const char *ledger_fate_name(enum ledger_fate fate)
{
    static const char *const names[] = {
        [FATE_UNMATCHED] = "unmatched", [FATE_CONTRADICTS] = "contradicts",
        [FATE_ENROLLED] = "enrolled",   [FATE_DECLINED] = "declined",
        [FATE_DUPLICATE] = "duplicate", [FATE_FURTHER] = "further",
        [FATE_LATE] = "late_failure",   [FATE_WAITS] = "waits",
        [FATE_LISTED] = "listed",
    };

    assert((unsigned)fate < sizeof names / sizeof names[0]);
    return names[fate];
}

void ledger_settling_open(struct settling **out, struct ledger *ledger, int64_t now_ms)
{
    struct settling *s = mem_alloc(sizeof *s);

    s->ledger = ledger;
    s->now_ms = now_ms;
    buf_init(&s->text, TEXT_CAP);
    buf_init(&s->note, TEXT_CAP);
    buf_init(&s->met.event_id, TEXT_CAP);
    buf_init(&s->met.code, TEXT_CAP);
    buf_init(&s->met.message, TEXT_CAP);
    *out = s;
}

void ledger_settling_close(struct settling *s)
{
    buf_free(&s->text);
    buf_free(&s->note);
    buf_free(&s->met.event_id);
    buf_free(&s->met.code);
    buf_free(&s->met.message);
    free(s);
}

/* ---- finding the row ---- */

static void copy_text(sqlite3_stmt *row, int at, struct buf *out)
{
    const char *text = (const char *)sqlite3_column_text(row, at);

    buf_reset(out);
    if (text)
        buf_add(out, text, (size_t)sqlite3_column_bytes(row, at));
}

static int read_met(struct settling *s, sqlite3_stmt *row, struct fail *fail)
{
    struct met *met = &s->met;

    if (!ledger_state_known(sqlite3_column_int64(row, 1)))
        return fail_set(fail, FAIL_LEDGER, "%s: damaged: row %lld; restore it from a backup", s->ledger->path,
                        (long long)sqlite3_column_int64(row, 0));
    met->id = sqlite3_column_int64(row, 0);
    met->job = (struct job){.state = (enum job_state)sqlite3_column_int(row, 1),
                            .uncertain = sqlite3_column_int(row, 2) != 0,
                            .attempts = sqlite3_column_int(row, 3)};
    met->due_ms = sqlite3_column_int64(row, 4);
    met->updated_ms = sqlite3_column_int64(row, 5);
    met->card_id = sqlite3_column_int64(row, 6);
    met->customer_id = sqlite3_column_int64(row, 7);
    met->account_id = sqlite3_column_int64(row, 8);
    met->file = sqlite3_column_int64(row, 9);
    met->has_event = sqlite3_column_type(row, 11) != SQLITE_NULL;
    met->event_ms = sqlite3_column_int64(row, 11);
    met->loaded_ms = sqlite3_column_int64(row, 14);
    met->job.before = sqlite3_column_int(row, 15);
    copy_text(row, 10, &met->event_id);
    copy_text(row, 12, &met->code);
    copy_text(row, 13, &met->message);
    return 0;
}

/* 1 found, 0 not, -1. */
static int find(struct settling *s, enum statement which, int64_t key, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(s->ledger, which, fail);
    int rc;

    if (!row || ledger_bind(s->ledger, row, fail, "i", key) != 0)
        return -1;
    rc = ledger_step(s->ledger, row, fail);
    if (rc != 1)
        return rc;
    rc = read_met(s, row, fail);
    (void)sqlite3_reset(row);
    return rc == 0 ? 1 : -1;
}

/* The numbers agree as far as both sides have them, and the account or the customer is among them. */
static bool numbers_agree(const struct met *met, const struct ledger_event *event)
{
    if (event->account_id == 0 && event->customer_id == 0)
        return false;
    return (event->account_id == 0 || event->account_id == met->account_id) &&
           (event->customer_id == 0 || event->customer_id == met->customer_id);
}

/* The earliest time of an event that can be about the row's own request: of the only one there was, when it
 * was claimed or answered; else when the row's file was loaded. */
static int64_t earliest_ms(const struct met *met)
{
    bool once = met->job.attempts == 1 && !met->job.uncertain &&
                (met->job.state == JOB_SENT || met->job.state == JOB_ACCEPTED);

    return (once ? met->updated_ms : met->loaded_ms) - SKEW_MS;
}

/* 1: s->met is the event's row; 0: none, *fate says why. */
static int match(struct settling *s, const struct ledger_event *event, bool *weak, enum ledger_fate *fate,
                 struct fail *fail)
{
    const struct met *met = &s->met;
    int rc;

    *fate = FATE_UNMATCHED;
    *weak = event->row == 0;
    if (!*weak) {
        rc = find(s, ST_EVENT_ROW, event->row, fail);
        if (rc != 1)
            return rc;
        if ((event->card_id == 0 || event->card_id == met->card_id) &&
            (event->customer_id == 0 || event->customer_id == met->customer_id))
            return 1;
        *fate = FATE_CONTRADICTS;
        return 0;
    }
    if (event->card_id == 0 || event->at_ms == 0)
        return 0;
    rc = find(s, ST_EVENT_CARD, event->card_id, fail);
    if (rc != 1)
        return rc;
    return numbers_agree(met, event) && met->file != 0 && event->at_ms >= earliest_ms(met);
}

/* ---- deciding ---- */

static bool ends_weak(struct span code)
{
    static const char weak[] = "_weak";
    size_t n = sizeof weak - 1;

    return code.len >= n && memcmp(code.ptr + code.len - n, weak, n) == 0;
}

/* Whether the event comes before the one of the same outcome that stands in the row: the correlation ID
 * counts for more than numbers, but of a row that was sent again an older failure may be of before. */
static bool outranks(const struct met *met, const struct ledger_event *event, bool weak)
{
    bool met_weak = ends_weak(buf_span(&met->code));

    if (weak != met_weak && (event->well || met->job.before == 0))
        return met_weak;
    if (event->at_ms != met->event_ms)
        return event->at_ms > met->event_ms;
    return strcmp(event->event_id, buf_text(&met->event_id)) > 0;
}

static bool is_known(const struct met *met, const struct ledger_event *event)
{
    return met->job.state == (event->well ? JOB_ENROLLED : JOB_DECLINED) && met->has_event &&
           event->at_ms == met->event_ms && strcmp(event->event_id, buf_text(&met->event_id)) == 0;
}

/* A failure of before the last retry (sql/retry_row.sql): it says nothing about what was sent since. */
static bool is_past(const struct met *met, const struct ledger_event *event)
{
    return met->has_event && !event->well && met->job.state != JOB_ENROLLED &&
           met->job.state != JOB_DECLINED && event->at_ms <= met->event_ms;
}

static enum action decide_standing(const struct met *met, const struct ledger_event *event, bool weak,
                                   enum ledger_fate *fate)
{
    enum job_state state = met->job.state;
    enum action action = ACTION_NOTE;

    *fate = FATE_FURTHER;
    if ((state == JOB_ENROLLED && event->well) || (state == JOB_DECLINED && !event->well))
        action = outranks(met, event, weak) ? ACTION_REPLACE : ACTION_NOTE;
    else if (state == JOB_ENROLLED)
        *fate = event->at_ms > met->event_ms ? FATE_LATE : FATE_FURTHER;
    else
        *fate = FATE_LISTED;
    return met->file == 0 ? ACTION_NONE : action; /* purged: it has no story any more */
}

/* *job is the row's then. */
static enum action decide(const struct met *met, const struct ledger_event *event, bool weak, struct job *job,
                          enum ledger_fate *fate)
{
    *job = met->job;
    *fate = FATE_DUPLICATE;
    if (is_known(met, event))
        return ACTION_NONE;
    if (is_past(met, event)) {
        *fate = FATE_FURTHER;
        return met->file == 0 ? ACTION_NONE : ACTION_NOTE;
    }
    switch (job_event(job, event->well, weak, met->due_ms < 0)) {
    case JOB_EVENT_SETTLES:
        *fate = event->well ? FATE_ENROLLED : FATE_DECLINED;
        return ACTION_SETTLE;
    case JOB_EVENT_WAITS:
        *fate = FATE_WAITS;
        return ACTION_WAIT;
    case JOB_EVENT_STANDS:
        break;
    }
    return decide_standing(met, event, weak, fate);
}

/* ---- carrying out ---- */

static const char *code_of(bool well, bool weak)
{
    if (well)
        return weak ? "event_success_weak" : "event_success";
    return weak ? "event_failure_weak" : "event_failure";
}

static void compose(struct settling *s, const struct ledger_event *event, bool weak)
{
    buf_reset(&s->text);
    buf_add_text(&s->text, event->message);
    if (!weak)
        return;
    if (s->text.len > 0)
        buf_add_text(&s->text, "; ");
    buf_add_text(&s->text, "matched by account and card, not by correlation ID");
}

/* What a row's story tells of an event. */
struct step {
    int64_t at_ms;
    const char *code, *event_id, *text;
};

/* Into the story of the row; *fresh: it was not there yet. */
static int note(struct settling *s, const struct step *step, bool *fresh, struct fail *fail)
{
    buf_reset(&s->note);
    buf_addf(&s->note, "event %s", step->event_id[0] ? step->event_id : "-");
    if (step->text[0])
        buf_addf(&s->note, ": %s", step->text);
    if (ledger_run(s->ledger, ST_EVENT_NOTE, fail, "itti", step->at_ms, step->code, buf_text(&s->note),
                   s->met.id) != 0)
        return -1;
    *fresh = sqlite3_changes64(s->ledger->db) > 0;
    return 0;
}

/* What stood in the row goes into its story. */
static int note_old(struct settling *s, struct fail *fail)
{
    const struct met *met = &s->met;
    const struct step step = {met->event_ms, buf_text(&met->code), buf_text(&met->event_id),
                              buf_text(&met->message)};
    bool fresh;

    if (met->file == 0)
        return 0;
    if (met->has_event && (met->job.state == JOB_DECLINED || met->job.state == JOB_ENROLLED))
        return note(s, &step, &fresh, fail);
    if (met->job.state == JOB_REJECTED || met->job.state == JOB_ALREADY)
        return ledger_run(s->ledger, ST_RETRY_KEEP, fail, "i", met->id);
    return 0;
}

static int store_row(struct settling *s, const struct ledger_event *event, bool weak, enum job_state state,
                     struct fail *fail)
{
    if (ledger_run(s->ledger, ST_EVENT_SETTLE, fail, "dtttiiid", (int)state, code_of(event->well, weak),
                   s->text.len > 0 ? buf_text(&s->text) : NULL, event->event_id, event->at_ms, s->now_ms,
                   s->met.id, (int)s->met.job.state) != 0)
        return -1;
    if (sqlite3_changes64(s->ledger->db) != 1)
        return fail_set(fail, FAIL_INTERNAL, "row %" PRId64 " changed while its event was stored", s->met.id);
    return 0;
}

static int store_waiting(struct settling *s, struct fail *fail)
{
    int64_t n = s->waiting;

    s->waiting = 0;
    return ledger_waiting(s->ledger, s->waiting_key, n, fail);
}

static int count_settled(struct settling *s, enum job_state state, struct fail *fail)
{
    s->state[s->met.job.state]--;
    s->state[state]++;
    if (s->met.job.state != JOB_ACCEPTED)
        return 0;
    if (s->waiting_key != s->met.updated_ms && store_waiting(s, fail) != 0)
        return -1;
    s->waiting_key = s->met.updated_ms;
    s->waiting--;
    return 0;
}

/* The next card that had been let go in this one's place is a further card again. */
static int hold_next(struct settling *s, struct fail *fail)
{
    int64_t held;

    if (ledger_run(s->ledger, ST_EVENT_HOLD, fail, "ii", s->now_ms, s->met.customer_id) != 0)
        return -1;
    held = sqlite3_changes64(s->ledger->db);
    s->state[JOB_READY] -= held;
    s->state[JOB_HELD] += held;
    return 0;
}

/* Where there is no card path, the further cards of a customer that is there stay held. */
static int lead_customer(struct settling *s, bool well, struct fail *fail)
{
    if (!s->path_known && ledger_card_path(s->ledger, &s->card_path, fail) != 0)
        return -1;
    s->path_known = true;
    if (well && !s->card_path)
        return 0;
    return ledger_customer_settled(s->ledger, s->met.customer_id, s->card_path, s->now_ms, fail);
}

static int settle(struct settling *s, const struct ledger_event *event, bool weak, enum job_state state,
                  struct fail *fail)
{
    if (note_old(s, fail) != 0 || store_row(s, event, weak, state, fail) != 0 ||
        count_settled(s, state, fail) != 0)
        return -1;
    if (!job_state_leads(s->met.job.state) && state == JOB_ENROLLED && hold_next(s, fail) != 0)
        return -1;
    return lead_customer(s, event->well, fail);
}

static int carry_out(struct settling *s, enum action action, const struct ledger_event *event,
                     struct ledger_event_result *result, struct fail *fail)
{
    bool weak = result->weak, fresh = true;
    struct step step;

    compose(s, event, weak);
    step = (struct step){event->at_ms, code_of(event->well, weak), event->event_id, buf_text(&s->text)};
    switch (action) {
    case ACTION_NONE:
        return 0;
    case ACTION_SETTLE:
        return settle(s, event, weak, result->state, fail);
    case ACTION_REPLACE:
        return note_old(s, fail) == 0 ? store_row(s, event, weak, s->met.job.state, fail) : -1;
    case ACTION_NOTE:
        if (note(s, &step, &fresh, fail) != 0)
            return -1;
        break;
    case ACTION_WAIT:
        if (ledger_run(s->ledger, ST_EVENT_WAIT_ADD, fail, "iitddt", s->met.id, event->at_ms, event->event_id,
                       (int)event->well, (int)weak, event->message) != 0)
            return -1;
        fresh = sqlite3_changes64(s->ledger->db) > 0;
        break;
    }
    if (!fresh)
        result->fate = FATE_DUPLICATE;
    return 0;
}

/* What becomes of the event in the row that was met. */
static enum action judge(const struct settling *s, const struct ledger_event *event,
                         struct ledger_event_result *out)
{
    struct job job;
    enum action action = decide(&s->met, event, out->weak, &job, &out->fate);

    out->row = s->met.id;
    out->card_id = s->met.card_id;
    out->customer_id = s->met.customer_id;
    out->was = s->met.job.state;
    out->state = job.state;
    return action;
}

static int consider(struct settling *s, const struct ledger_event *event, enum action *action,
                    struct ledger_event_result *out, struct fail *fail)
{
    int rc;

    *out = (struct ledger_event_result){.row = 0};
    *action = ACTION_NONE;
    rc = match(s, event, &out->weak, &out->fate, fail);
    if (rc == 1)
        *action = judge(s, event, out);
    return rc < 0 ? -1 : 0;
}

static int apply(struct settling *s, const struct ledger_event *event, struct ledger_event_result *out,
                 struct fail *fail)
{
    enum action action;

    if (consider(s, event, &action, out, fail) != 0)
        return -1;
    return carry_out(s, action, event, out, fail);
}

int ledger_settling_again(struct settling *s, const struct ledger_event *event, bool weak,
                          enum ledger_fate *fate, struct fail *fail)
{
    struct ledger_event_result result = {.weak = weak};
    enum action action = ACTION_NONE;
    int rc = find(s, ST_EVENT_ROW, event->row, fail);

    if (rc < 0)
        return -1;
    if (rc == 1)
        action = judge(s, event, &result);
    *fate = result.fate;
    if (action == ACTION_WAIT)
        return 0;
    return carry_out(s, action, event, &result, fail);
}

int ledger_settling_store(struct settling *s, struct fail *fail)
{
    for (int64_t i = 0; i < JOB_STATE_COUNT; i++) {
        int64_t n = s->state[i];
        s->state[i] = 0;
        if (ledger_tally(s->ledger, "state", i, n, fail) != 0)
            return -1;
    }
    return store_waiting(s, fail);
}

/* Rows in order; of a row's events success first, which spares the others their effect. */
static int compare(const void *a, const void *b)
{
    const struct ledger_event *x = *(const struct ledger_event *const *)a;
    const struct ledger_event *y = *(const struct ledger_event *const *)b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->well != y->well)
        return x->well ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void sort_events(const struct ledger_event **order, size_t count)
{
    size_t sorted = 1;

    while (sorted < count && compare(&order[sorted - 1], &order[sorted]) < 0)
        sorted++;
    if (sorted < count)
        qsort(order, count, sizeof *order, compare);
}

int ledger_events_apply(struct ledger *ledger, const struct ledger_event *events, size_t count,
                        int64_t now_ms, struct ledger_event_result *results, struct fail *fail)
{
    const struct ledger_event **order = mem_array(count + 1, sizeof *order);
    struct settling *s;
    int rc;

    for (size_t i = 0; i < count; i++)
        order[i] = &events[i];
    sort_events(order, count);
    ledger_settling_open(&s, ledger, now_ms);
    rc = ledger_transaction(ledger, fail);
    if (rc == 0) {
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = apply(s, order[i], &results[order[i] - events], fail);
        if (rc == 0)
            rc = ledger_settling_store(s, fail);
        if (rc == 0)
            rc = ledger_commit(ledger, fail);
        else
            ledger_rollback(ledger);
    }
    ledger_settling_close(s);
    free(order);
    return rc;
}

int ledger_event_look(struct ledger *ledger, const struct ledger_event *event,
                      struct ledger_event_result *out, struct fail *fail)
{
    struct settling *s;
    enum action action;
    int rc;

    ledger_settling_open(&s, ledger, 0);
    rc = consider(s, event, &action, out, fail);
    ledger_settling_close(s);
    return rc;
}

/* ---- rows that await their event ---- */

int ledger_waiting(struct ledger *ledger, int64_t since_ms, int64_t n, struct fail *fail)
{
    if (n == 0)
        return 0;
    if (ledger_tally(ledger, "accepted", since_ms, n, fail) != 0)
        return -1;
    return n > 0 ? 0 : ledger_run(ledger, ST_TALLY_DROP, fail, "ti", "accepted", since_ms);
}
