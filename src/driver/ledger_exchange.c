/* The engine's one transaction: settle what came back, claim what can leave.
 *
 * Group commit is what buys the speed: with synchronous=FULL a commit of one row costs a disk flush, of a
 * thousand rows next to nothing each. Totals are gathered here and stored once per transaction. */
#include "ledger_impl.h"

#include "driver/ledger_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_COUNT = 600,
    NEAR_ROWS = 8 /* passing over a row costs a tenth of a statement */
};

/* What one exchange adds to the kept figures. */
struct change {
    int64_t state[JOB_STATE_COUNT];
    int64_t http[STATUS_COUNT];
    int64_t bucket[LEDGER_BUCKETS];
    int64_t answers, accepted, transient, latency_us, latency_max_us;
    int64_t waiting; /* rows that await their event from now on */
};

/* What settling needs to know of its exchange. */
struct settling {
    struct ledger *ledger;
    struct job_rules rules;
    struct change *change;
    int64_t now_ms;
    bool events; /* some wait for answers */
};

int64_t ledger_bucket_us(size_t bucket)
{
    static const double step[4] = {1.0, 1.189207115002721, 1.4142135623730951, 1.681792830507429};

    return (int64_t)((double)(INT64_C(1) << (bucket / 4)) * step[bucket % 4]);
}

static size_t bucket_of(int64_t us)
{
    size_t bucket = 0;

    while (bucket + 1 < LEDGER_BUCKETS && ledger_bucket_us(bucket) < us)
        bucket++;
    return bucket;
}

static void count_answer(struct change *change, const struct ledger_outcome *outcome)
{
    if (outcome->latency_us < 0)
        return;
    change->answers++;
    change->accepted += outcome->verdict == VERDICT_ACCEPTED;
    change->transient += outcome->verdict == VERDICT_TRANSIENT;
    change->latency_us += outcome->latency_us;
    if (outcome->latency_us > change->latency_max_us)
        change->latency_max_us = outcome->latency_us;
    change->bucket[bucket_of(outcome->latency_us)]++;
    if (outcome->http_status > 0 && outcome->http_status < STATUS_COUNT)
        change->http[outcome->http_status]++;
}

/* When a row that goes back is due, if not at a time of its own. */
static int64_t due_again(const struct job *job, int64_t due_ms)
{
    if (job->state != JOB_READY)
        return 0;
    return due_ms > 0 ? due_ms : DUE_AT_ONCE;
}

/* Whatever came instead of the answer that was lost: that it was lost is what counts. */
static int store_held(struct settling *settling, const struct ledger_outcome *o, const struct job *job,
                      struct fail *fail)
{
    if (ledger_run(settling->ledger, ST_ATTEMPT_ADD, fail, "idiztt", o->id, job->attempts, o->at_ms,
                   (int64_t)o->http_status, "answer_lost", NULL) != 0)
        return -1;
    return ledger_run(settling->ledger, ST_SETTLE, fail, "dddiztttiii", (int)job->state, job->attempts, 1,
                      (int64_t)DUE_NEVER, (int64_t)o->http_status, "answer_lost", NULL, NULL,
                      settling->now_ms, o->id, o->id);
}

/* "Already" to the customer call: for `show` an attempt, since the card call's answer takes its place. */
static int store_follow(struct settling *settling, const struct ledger_outcome *o, const struct job *job,
                        struct fail *fail)
{
    const char *message = o->message && o->message[0] ? o->message : NULL;

    if (ledger_run(settling->ledger, ST_ATTEMPT_ADD, fail, "idiztt", o->id, job->attempts, o->at_ms,
                   (int64_t)o->http_status, o->code, message) != 0)
        return -1;
    return ledger_run(settling->ledger, ST_SETTLE_FOLLOW, fail, "ddddzttii", (int)job->state, (int)job->call,
                      job->attempts, job->before, (int64_t)o->http_status, o->code, message, settling->now_ms,
                      o->id);
}

/* `last`: the id of the last row with this outcome (more than one: `alike`). */
static int store_outcome(struct settling *settling, const struct ledger_outcome *o, int64_t last,
                         const struct job *job, struct fail *fail)
{
    struct ledger *ledger = settling->ledger;
    int64_t now_ms = settling->now_ms;
    const char *message = o->message && o->message[0] ? o->message : NULL;

    if (job->state == JOB_HELD)
        return store_held(settling, o, job, fail);
    if (o->verdict == VERDICT_ALREADY && job->state == JOB_READY)
        return store_follow(settling, o, job, fail);
    switch (o->verdict) {
    case VERDICT_RELEASED:
    case VERDICT_TOKEN:
    case VERDICT_FATAL:
    case VERDICT_SKIPPED:
        return ledger_run(ledger, ST_SETTLE_BACK, fail, "dddizi", (int)job->state, job->attempts,
                          (int)job->uncertain, now_ms, o->due_ms, o->id);
    case VERDICT_INVALID:
        return ledger_run(ledger, ST_SETTLE_INVALID, fail, "dddttttii", (int)job->state, job->attempts,
                          (int)job->uncertain, o->own_code, o->own_field, o->code, o->field, now_ms, o->id);
    case VERDICT_ACCEPTED:
    case VERDICT_ALREADY:
    case VERDICT_REJECTED:
    case VERDICT_TRANSIENT:
        break;
    }
    if (o->verdict == VERDICT_TRANSIENT &&
        ledger_run(ledger, ST_ATTEMPT_ADD, fail, "idiztt", o->id, job->attempts, o->at_ms,
                   (int64_t)o->http_status, o->code, message) != 0)
        return -1;
    return ledger_run(ledger, ST_SETTLE, fail, "dddiztttiii", (int)job->state, job->attempts,
                      (int)job->uncertain, due_again(job, o->due_ms), (int64_t)o->http_status, o->code, NULL,
                      message, now_ms, o->id, last);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Whether `b` is the row after `a` and its answer the same: nearly all are, and a statement for a thousand
 * rows costs much less than a thousand statements. */
static bool alike(const struct ledger_outcome *a, const struct ledger_outcome *b)
{
    return a->verdict == VERDICT_ACCEPTED && b->verdict == VERDICT_ACCEPTED && b->id == a->id + 1 &&
           b->job.state == a->job.state && b->job.call == a->job.call && b->job.attempts == a->job.attempts &&
           b->job.uncertain == a->job.uncertain && b->lost == a->lost && b->http_status == a->http_status &&
           same_text(b->code, a->code) && same_text(b->message, a->message);
}

/* Stores what is alike from the first of `outcomes` on. Returns how many those are, or -1. */
static int settle_run(struct settling *settling, const struct ledger_outcome **outcomes, size_t count,
                      struct job *job, struct fail *fail)
{
    const struct ledger_outcome *first = outcomes[0];
    struct ledger *ledger = settling->ledger;
    size_t run = 1;

    while (run < count && alike(outcomes[run - 1], outcomes[run]))
        run++;
    *job = first->job;
    job_settle(job, first->verdict, first->lost, &settling->rules);
    if (job->state == JOB_READY && first->lost && ledger->hold_lost)
        job_hold(job);
    if (store_outcome(settling, first, outcomes[run - 1]->id, job, fail) != 0)
        return -1;
    if (sqlite3_changes64(ledger->db) == (int64_t)run)
        return (int)run;
    return run == 1
               ? fail_set(fail, FAIL_INTERNAL, "row %" PRId64 " was answered but was not sent", first->id)
               : fail_set(fail, FAIL_INTERNAL,
                          "of rows %" PRId64 " to %" PRId64 ", all answered, some were not sent", first->id,
                          outcomes[run - 1]->id);
}

/* What one row's answer means beyond its row: figures, its own event that was there first, the customer's
 * next card. */
static int follow_up(struct settling *settling, const struct ledger_outcome *o, enum job_state state,
                     bool frees, struct fail *fail)
{
    struct change *change = settling->change;
    struct ledger *ledger = settling->ledger;
    bool settled = false;
    int64_t moved;

    change->state[JOB_SENT]--;
    change->state[state]++;
    change->waiting += state == JOB_ACCEPTED;
    count_answer(change, o);
    if (settling->events && ledger_event_answered(ledger, o->id, settling->now_ms, &settled, fail) != 0)
        return -1;
    if (settled || !frees)
        return 0;
    if (ledger_lead_one(ledger, o->customer_id, ledger->card_path, settling->now_ms, &moved, fail) != 0)
        return -1;
    change->state[JOB_HELD] -= moved;
    change->state[JOB_READY] += moved;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct ledger_outcome *const *x = a, *const *y = b;

    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* In the order of the rows, so that neighbours are settled together. */
static int settle_all(struct settling *settling, const struct ledger_outcome **outcomes, size_t count,
                      struct fail *fail)
{
    struct job job;
    int run;

    qsort(outcomes, count, sizeof *outcomes, by_id);
    for (size_t i = 0; i < count;) {
        run = settle_run(settling, outcomes + i, count - i, &job, fail);
        if (run < 0)
            return -1;
        for (; run > 0; run--)
            if (follow_up(settling, outcomes[i++], job.state, job_frees(&job, &settling->rules), fail) != 0)
                return -1;
    }
    return 0;
}

static int settle(struct ledger *ledger, const struct ledger_exchange *x, struct change *change,
                  struct fail *fail)
{
    struct settling settling = {.ledger = ledger,
                                .rules = {x->max_attempts, ledger->card_path},
                                .change = change,
                                .now_ms = x->now_ms};
    const struct ledger_outcome **outcomes;
    int rc;

    if (ledger_events_wait(ledger, &settling.events, fail) != 0)
        return -1;
    outcomes = mem_array(x->outcome_count, sizeof(const struct ledger_outcome *));
    for (size_t i = 0; i < x->outcome_count; i++)
        outcomes[i] = &x->outcomes[i];
    rc = settle_all(&settling, outcomes, x->outcome_count, fail);
    free(outcomes);
    return rc == 0 && x->outcome_count > 0 ? ledger_run(ledger, ST_CLAIM_SETTLED, fail, "") : rc;
}

static void read_claim(sqlite3_stmt *row, struct ledger_claim *out)
{
    bool own = (sqlite3_column_int(row, 12) & ROW_OWN_CUSTOMER) != 0;

    *out = (struct ledger_claim){
        .id = sqlite3_column_int64(row, 0),
        .card_id = sqlite3_column_int64(row, 1),
        .customer_id = sqlite3_column_int64(row, 2),
        .account_id = sqlite3_column_int64(row, 3),
        .card = {sqlite3_column_int64(row, 4), sqlite3_column_int64(row, 5),
                 (size_t)sqlite3_column_int64(row, 6)},
        .customer = {own ? 0 : sqlite3_column_int64(row, 7), sqlite3_column_int64(row, 8),
                     (size_t)sqlite3_column_int64(row, 9)},
        .due_ms = sqlite3_column_int64(row, 15),
        .job = {.state = JOB_READY,
                .attempts = sqlite3_column_int(row, 10),
                .before = sqlite3_column_int(row, 14),
                .uncertain = sqlite3_column_int(row, 11) != 0,
                .call = (enum job_call)sqlite3_column_int(row, 13)},
    };
}

/* Marks the claims as SENT, from the first on as far as they are due at its time and near each other. Returns
 * how many those are, or -1. */
static int mark_run(struct ledger *ledger, struct ledger_claim *claims, size_t count, int64_t now_ms,
                    struct fail *fail)
{
    size_t run = 1;

    while (run < count && claims[run].due_ms == claims[0].due_ms &&
           claims[run].id - claims[run - 1].id <= NEAR_ROWS)
        run++;
    if (ledger_run(ledger, ST_CLAIM_MARK, fail, "iiii", now_ms, claims[0].id, claims[run - 1].id,
                   claims[0].due_ms) != 0)
        return -1;
    if (sqlite3_changes64(ledger->db) == (int64_t)run)
        return (int)run;
    return fail_set(fail, FAIL_INTERNAL, "row %" PRId64 " or one of %zu after it was claimed twice",
                    claims[0].id, run - 1);
}

/* Reads what the bound statement finds into the claims. */
static int take(struct ledger *ledger, struct ledger_exchange *x, sqlite3_stmt *row, struct fail *fail)
{
    int rc;

    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        read_claim(row, &x->claims[x->claimed]);
        job_claim(&x->claims[x->claimed++].job);
    }
    return rc;
}

/* Rows of card_live that are due; they are marked afterwards, since a statement must not change what another
 * one is reading. */
static int claim_due(struct ledger *ledger, struct ledger_exchange *x, int64_t from_ms, int64_t to_ms,
                     size_t most, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_CLAIM, fail);
    size_t before = x->claimed;
    int run;

    if (!row || ledger_bind(ledger, row, fail, "iii", from_ms, to_ms, (int64_t)most) != 0 ||
        take(ledger, x, row, fail) != 0)
        return -1;
    for (size_t i = before; i < x->claimed; i += (size_t)run) {
        run = mark_run(ledger, &x->claims[i], x->claimed - i, x->now_ms, fail);
        if (run < 0)
            return -1;
    }
    return 0;
}

static int claim_retries(struct ledger *ledger, struct ledger_exchange *x, size_t most, struct fail *fail)
{
    size_t before = x->claimed, left = x->want - x->claimed;

    if (claim_due(ledger, x, DUE_AT_ONCE + 1, x->now_ms, left < most ? left : most, fail) != 0)
        return -1;
    x->retries += x->claimed - before;
    for (size_t i = before; i < x->claimed; i++)
        x->claims[i].retry = true;
    return 0;
}

/* Rows never tried: those up to the last of them are claimed, no row is written (sql/schema_claims.sql).
 */
static int claim_fresh(struct ledger *ledger, struct ledger_exchange *x, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_CLAIM_FRESH, fail);
    size_t before = x->claimed;

    if (!row || ledger_bind(ledger, row, fail, "i", (int64_t)(x->want - before)) != 0 ||
        take(ledger, x, row, fail) != 0)
        return -1;
    x->untried_out = x->claimed < x->want;
    return ledger_run(ledger, ST_CLAIM_REACH, fail, "zdi",
                      x->untried_out ? INT64_C(0) : x->claims[x->claimed - 1].id, (int)(x->claimed > before),
                      x->now_ms);
}

/* Rows that wait for no time. */
static int claim_untried(struct ledger *ledger, struct ledger_exchange *x, struct fail *fail)
{
    if (x->claimed < x->want &&
        claim_due(ledger, x, DUE_AT_ONCE, DUE_AT_ONCE, x->want - x->claimed, fail) != 0)
        return -1;
    return x->claimed < x->want ? claim_fresh(ledger, x, fail) : 0;
}

static int claim(struct ledger *ledger, struct ledger_exchange *x, struct change *change, struct fail *fail)
{
    size_t retry_most = x->retry_limited && x->retry_most < x->want ? x->retry_most : x->want;

    if (!x->untried_first && retry_most > 0 && claim_retries(ledger, x, retry_most, fail) != 0)
        return -1;
    if (claim_untried(ledger, x, fail) != 0)
        return -1;
    if (x->untried_first && x->claimed < x->want && claim_retries(ledger, x, x->want, fail) != 0)
        return -1;
    change->state[JOB_READY] -= (int64_t)x->claimed;
    change->state[JOB_SENT] += (int64_t)x->claimed;
    return 0;
}

static int store_figures(struct ledger *ledger, const struct ledger_exchange *x, const struct change *change,
                         struct fail *fail)
{
    for (int64_t i = 0; i < JOB_STATE_COUNT; i++)
        if (ledger_tally(ledger, "state", i, change->state[i], fail) != 0)
            return -1;
    if (ledger_waiting(ledger, x->now_ms, change->waiting, fail) != 0)
        return -1;
    if (change->answers == 0 && x->tokens == 0)
        return 0;
    for (int64_t i = 0; i < STATUS_COUNT; i++)
        if (ledger_tally(ledger, "http", i, change->http[i], fail) != 0)
            return -1;
    for (int64_t i = 0; i < LEDGER_BUCKETS; i++)
        if (change->bucket[i] &&
            ledger_run(ledger, ST_LATENCY_ADD, fail, "iii", ledger->run, i, change->bucket[i]) != 0)
            return -1;
    if (change->answers > 0 &&
        ledger_run(ledger, ST_PULSE_ADD, fail, "iiiiiii", ledger->run, x->now_ms / 60000, change->answers,
                   change->accepted, change->transient, change->latency_us, change->latency_max_us) != 0)
        return -1;
    return ledger_run(ledger, ST_RUN_COUNT, fail, "iiii", change->answers, x->tokens, x->now_ms, ledger->run);
}

static int find_next_due(struct ledger *ledger, struct ledger_exchange *x, struct fail *fail)
{
    x->next_due_ms = x->now_ms;
    if (x->want > 0 && x->claimed == x->want)
        return 0;
    return ledger_value(ledger, ST_NEXT_DUE, &x->next_due_ms, fail);
}

int ledger_exchange(struct ledger *ledger, struct ledger_exchange *exchange, struct fail *fail)
{
    struct change change = {.answers = exchange->unauthorized, .http = {[401] = exchange->unauthorized}};

    exchange->claimed = exchange->retries = 0;
    exchange->untried_out = false;
    if (ledger_lock_check(ledger, fail) != 0 || ledger_transaction(ledger, fail) != 0)
        return -1;
    if (settle(ledger, exchange, &change, fail) != 0 || claim(ledger, exchange, &change, fail) != 0 ||
        store_figures(ledger, exchange, &change, fail) != 0 || find_next_due(ledger, exchange, fail) != 0) {
        exchange->claimed = 0;
        ledger_rollback(ledger);
        return -1;
    }
    if (ledger_commit(ledger, fail) != 0) {
        exchange->claimed = 0;
        return -1;
    }
    return 0;
}
