/* The engine's one transaction: settle what came back, claim what can leave.
 *
 * Group commit is what buys the speed: with synchronous=FULL a commit of one row costs a disk flush, of a
 * thousand rows next to nothing each. Totals are gathered here and stored once per transaction. */
#include "ledger_impl.h"

#include "driver/ledger_read.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { STATUS_COUNT = 600 };

/* What one exchange adds to the kept figures. */
struct change {
    int64_t state[JOB_STATE_COUNT];
    int64_t http[STATUS_COUNT];
    int64_t bucket[LEDGER_BUCKETS];
    int64_t answers, accepted, transient, latency_us, latency_max_us;
    int64_t waiting; /* rows that await their event from now on */
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

enum { NEVER_DUE = -1 }; /* held until told */

/* Whatever came instead of the answer that was lost: that it was lost is what counts. */
static int store_held(struct ledger *ledger, const struct ledger_outcome *o, const struct job *job,
                      int64_t now_ms, struct fail *fail)
{
    if (ledger_run(ledger, ST_ATTEMPT_ADD, fail, "idiztt", o->id, job->attempts, o->at_ms,
                   (int64_t)o->http_status, "answer_lost", NULL) != 0)
        return -1;
    return ledger_run(ledger, ST_SETTLE, fail, "dddiztttii", (int)job->state, job->attempts, 1,
                      (int64_t)NEVER_DUE, (int64_t)o->http_status, "answer_lost", NULL, NULL, now_ms, o->id);
}

/* "Already" to the customer call: for `show` an attempt, since the card call's answer takes its place. */
static int store_follow(struct ledger *ledger, const struct ledger_outcome *o, const struct job *job,
                        int64_t now_ms, struct fail *fail)
{
    const char *message = o->message && o->message[0] ? o->message : NULL;

    if (ledger_run(ledger, ST_ATTEMPT_ADD, fail, "idiztt", o->id, job->attempts, o->at_ms,
                   (int64_t)o->http_status, o->code, message) != 0)
        return -1;
    return ledger_run(ledger, ST_SETTLE_FOLLOW, fail, "ddddzttii", (int)job->state, (int)job->call,
                      job->attempts, job->before, (int64_t)o->http_status, o->code, message, now_ms, o->id);
}

static int store_outcome(struct ledger *ledger, const struct ledger_outcome *o, const struct job *job,
                         int64_t now_ms, struct fail *fail)
{
    const char *message = o->message && o->message[0] ? o->message : NULL;

    if (job->state == JOB_HELD)
        return store_held(ledger, o, job, now_ms, fail);
    if (o->verdict == VERDICT_ALREADY && job->state == JOB_READY)
        return store_follow(ledger, o, job, now_ms, fail);
    switch (o->verdict) {
    case VERDICT_RELEASED:
    case VERDICT_TOKEN:
    case VERDICT_FATAL:
    case VERDICT_SKIPPED:
        return ledger_run(ledger, ST_SETTLE_BACK, fail, "dddzii", (int)job->state, job->attempts,
                          (int)job->uncertain, o->due_ms, now_ms, o->id);
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
    return ledger_run(ledger, ST_SETTLE, fail, "dddiztttii", (int)job->state, job->attempts,
                      (int)job->uncertain, job->state == JOB_READY ? o->due_ms : INT64_C(0),
                      (int64_t)o->http_status, o->code, NULL, message, now_ms, o->id);
}

static int settle(struct ledger *ledger, const struct ledger_exchange *x, struct change *change,
                  struct fail *fail)
{
    const struct job_rules rules = {x->max_attempts, ledger->card_path};
    int64_t moved;
    bool events, settled = false;

    if (ledger_events_wait(ledger, &events, fail) != 0)
        return -1;
    for (size_t i = 0; i < x->outcome_count; i++) {
        const struct ledger_outcome *o = &x->outcomes[i];
        struct job job = o->job;
        job_settle(&job, o->verdict, o->lost, &rules);
        if (job.state == JOB_READY && o->lost && ledger->hold_lost)
            job_hold(&job);
        if (store_outcome(ledger, o, &job, x->now_ms, fail) != 0)
            return -1;
        if (sqlite3_changes64(ledger->db) != 1)
            return fail_set(fail, FAIL_INTERNAL, "row %" PRId64 " was answered but was not sent", o->id);
        change->state[JOB_SENT]--;
        change->state[job.state]++;
        change->waiting += job.state == JOB_ACCEPTED;
        count_answer(change, o);
        if (events && ledger_event_answered(ledger, o->id, x->now_ms, &settled, fail) != 0)
            return -1;
        if (settled)
            continue;
        if (!job_frees(&job, &rules))
            continue;
        if (ledger_lead_one(ledger, o->customer_id, ledger->card_path, x->now_ms, &moved, fail) != 0)
            return -1;
        change->state[JOB_HELD] -= moved;
        change->state[JOB_READY] += moved;
    }
    return 0;
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
        .job = {.state = JOB_READY,
                .attempts = sqlite3_column_int(row, 10),
                .before = sqlite3_column_int(row, 14),
                .uncertain = sqlite3_column_int(row, 11) != 0,
                .call = (enum job_call)sqlite3_column_int(row, 13)},
    };
}

/* Due rows, tried before or not, into the claims; they are marked afterwards, since a statement must not
 * change what another one is reading. A row never tried is due at 0. */
static int find_due(struct ledger *ledger, struct ledger_exchange *x, bool tried, size_t most,
                    struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_CLAIM, fail);
    size_t before = x->claimed, left = x->want - x->claimed;
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "iii", (int64_t)tried, tried ? x->now_ms : INT64_C(0),
                            (int64_t)(left < most ? left : most)) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        read_claim(row, &x->claims[x->claimed]);
        x->claims[x->claimed++].retry = tried;
    }
    if (tried)
        x->retries += x->claimed - before;
    else
        x->untried_out = x->claimed - before < left;
    return rc;
}

static int claim(struct ledger *ledger, struct ledger_exchange *x, struct change *change, struct fail *fail)
{
    size_t retry_most = x->retry_limited && x->retry_most < x->want ? x->retry_most : x->want;

    if (!x->untried_first && retry_most > 0 && find_due(ledger, x, true, retry_most, fail) != 0)
        return -1;
    if (x->claimed < x->want && find_due(ledger, x, false, x->want, fail) != 0)
        return -1;
    if (x->untried_first && x->claimed < x->want && find_due(ledger, x, true, x->want, fail) != 0)
        return -1;
    for (size_t i = 0; i < x->claimed; i++) {
        struct ledger_claim *c = &x->claims[i];
        job_claim(&c->job);
        if (ledger_run(ledger, ST_CLAIM_MARK, fail, "dii", c->job.attempts, x->now_ms, c->id) != 0)
            return -1;
        if (sqlite3_changes64(ledger->db) != 1)
            return fail_set(fail, FAIL_INTERNAL, "row %" PRId64 " was claimed twice", c->id);
    }
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
