/* Claimed rows wait in file order for two things: their account's token and pace's word. A row whose token is
 * being minted does not hold up the ones behind it. */
#include "engine_impl.h"

#include "kit/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_LEAD_MS = 1000, /* until the first token tells how long they live */
    DEFER_AS = 4,         /* attempts: rows of an account in trouble wait as long as after so many */
    READINGS_MOST = 3,    /* of a row in a turn, while its files are touched */
    START_MOST_MS = 5     /* what is started leaves when the loop waits: so long it may be kept from that */
};

void waiting_add(struct engine *engine, const struct ledger_claim *claim, bool refused)
{
    int entry = engine->free_entry;

    assert(entry >= 0);
    engine->free_entry = engine->waiting[entry].next;
    engine->waiting[entry] = (struct waiting){*claim, refused, -1};
    if (refused) {
        engine->waiting[entry].next = engine->first;
        engine->first = entry;
        if (engine->last < 0)
            engine->last = entry;
    } else {
        if (engine->last >= 0)
            engine->waiting[engine->last].next = entry;
        else
            engine->first = entry;
        engine->last = entry;
    }
    engine->waiting_count++;
}

/* Takes an entry out; `before` is the one in front of it, -1 for the first. */
static void waiting_remove(struct engine *engine, int entry, int before)
{
    int next = engine->waiting[entry].next;

    if (before < 0)
        engine->first = next;
    else
        engine->waiting[before].next = next;
    if (engine->last == entry)
        engine->last = before;
    engine->waiting[entry].next = engine->free_entry;
    engine->free_entry = entry;
    engine->waiting_count--;
}

void engine_release_waiting(struct engine *engine)
{
    while (engine->first >= 0) {
        (void)outbox_add(engine, &engine->waiting[engine->first].claim, VERDICT_RELEASED);
        waiting_remove(engine, engine->first, -1);
    }
}

bool engine_account_untried(const struct engine *engine, int64_t account)
{
    for (int entry = engine->first; entry >= 0; entry = engine->waiting[entry].next)
        if (engine->waiting[entry].claim.account_id == account &&
            engine->waiting[entry].claim.job.attempts == 1)
            return true;
    return false;
}

/* `reason` NULL: the row goes back untried. */
static void defer_row(struct engine *engine, const struct ledger_claim *claim, const char *reason)
{
    int64_t pause_ms = engine->mint_after_ms > engine->now_ms ? engine->mint_after_ms - engine->now_ms : 0;
    struct ledger_outcome *o = outbox_add(engine, claim, reason ? VERDICT_TRANSIENT : VERDICT_RELEASED);
    struct settled *s = &engine->settled[o - engine->outbox];

    if (!reason) {
        o->due_ms = engine->wall_ms + 1 + pause_ms + pace_backoff(engine->token_pace, DEFER_AS, -1);
        return;
    }
    (void)snprintf(s->text.code, sizeof s->text.code, "no_token");
    (void)snprintf(s->text.message, sizeof s->text.message, "%s", reason);
    o->due_ms = engine->wall_ms + 1 + pace_backoff(engine->token_pace, o->job.attempts, -1);
}

void engine_defer_account(struct engine *engine, int64_t account, const char *reason)
{
    int before = -1;

    for (int entry = engine->first, next; entry >= 0; entry = next) {
        next = engine->waiting[entry].next;
        if (engine->waiting[entry].claim.account_id == account) {
            defer_row(engine, &engine->waiting[entry].claim, reason);
            waiting_remove(engine, entry, before);
        } else {
            before = entry;
        }
    }
}

static void wait_at_most(struct engine *engine, int64_t wait_ms)
{
    if (wait_ms < engine->pace_wait_ms)
        engine->pace_wait_ms = wait_ms;
}

static int start_mint(struct engine *engine, int64_t account, struct fail *fail)
{
    struct http_request request;
    int at = 0;

    engine->minting++;
    if (mint_way(engine->handles.mint) == MINT_BY_COMMAND) {
        mint_start(engine->handles.mint, account);
        return 0;
    }
    while (engine->mint[at].busy)
        at++;
    if (mint_request(engine->handles.mint, account, engine->wall_ms, &request, fail) != 0)
        return -1;
    request.tag = -1 - at;
    engine->mint[at] = (struct mint_flight){account, true};
    return http_start(engine->handles.http, &request, fail);
}

/* The account wants a token: had at once, asked for, or left for later. */
static int get_token(struct engine *engine, int64_t account, struct fail *fail)
{
    int64_t wait_ms;

    if (mint_way(engine->handles.mint) == MINT_AT_ONCE) {
        struct api_token token;
        enum api_token_result result = mint_local(engine->handles.mint, account, engine->wall_ms, &token);
        engine_token_result(engine, account, result, &token);
        return 0;
    }
    if (!engine->may_mint || engine->now_ms < engine->mint_after_ms ||
        engine->minting >= engine->options.token_pace.concurrency) {
        token_failed(engine->tokens, account);
        return 0;
    }
    wait_ms = pace_take(engine->token_pace, engine->minting, engine->now_ms);
    if (wait_ms > 0) {
        token_failed(engine->tokens, account);
        wait_at_most(engine, wait_ms);
        return 0;
    }
    return start_mint(engine, account, fail);
}

static int send_row(struct engine *engine, const struct waiting *row, struct span bearer,
                    const struct buf *body, struct fail *fail)
{
    const struct ledger_claim *claim = &row->claim;
    char cid[UUID_TEXT_SIZE];
    struct http_request request = {.url = claim->job.call == CALL_CUSTOMER ? engine->url : engine->card_url,
                                   .header_count = 5,
                                   .body = buf_span(body),
                                   .once = true /* an attempt is one send: a lost one is marked as such */};
    int at = 0;

    assert(request.url); /* ledger_set_card_path leaves no row for a call that cannot be made */
    while (engine->flight[at].busy)
        at++;
    buf_reset(&engine->customer_header);
    buf_add_text(&engine->customer_header, "x-customer-id: ");
    buf_add_int(&engine->customer_header, claim->customer_id);
    buf_reset(&engine->cid_header);
    buf_add_text(&engine->cid_header, "x-cid: ");
    buf_add_text(&engine->cid_header, ledger_cid(engine->handles.ledger, claim->id, cid));
    buf_wipe(&engine->bearer_header);
    buf_add_text(&engine->bearer_header, "Authorization: Bearer ");
    buf_add_span(&engine->bearer_header, bearer);
    request.headers[0] = SPAN("Content-Type: application/json");
    request.headers[1] = buf_span(&engine->tenant_header);
    request.headers[2] = buf_span(&engine->customer_header);
    request.headers[3] = buf_span(&engine->cid_header);
    request.headers[4] = buf_span(&engine->bearer_header);
    request.tag = at;
    engine->flight[at].claim = *claim;
    engine->flight[at].refused = row->refused;
    engine->flight[at].busy = true;
    buf_wipe(&engine->flight[at].token);
    buf_add_span(&engine->flight[at].token, bearer);
    engine->flying++;
    engine->figures.requests++;
    return http_start(engine->handles.http, &request, fail);
}

/* A row that became due beside this run, by `retry` or an event, may stand in a file that no row needed when
 * the run began. */
static int open_file(struct engine *engine, int64_t file, struct fail *fail)
{
    struct portfolio *portfolio = engine->handles.portfolio;
    struct ledger_files files;
    int rc = 0;

    if (file == 0 || portfolio_table(portfolio, file))
        return 0;
    if (ledger_files_all(engine->handles.ledger, &files, fail) != 0)
        return -1;
    for (size_t i = 0; i < files.count && rc == 0; i++)
        if (files.file[i].id == file && portfolio_add(portfolio, &files.file[i], fail) != 0)
            rc = -1;
    ledger_files_free(&files);
    return rc;
}

/* The check comes after the reading: what was written until then is not used, and where it cannot be told
 * whether it was, the reading is done again; but not for ever, for a file may be touched faster than it can
 * be compared, and signals and deadline are seen between turns only. */
enum composed engine_compose(struct engine *engine, const struct ledger_claim *claim,
                             struct portfolio_request *out)
{
    struct fail fail;
    int rc = 1;

    for (int reading = 0; reading < READINGS_MOST && rc == 1; reading++) {
        rc = open_file(engine, claim->card.file, &fail);
        if (rc == 0)
            rc = open_file(engine, claim->customer.file, &fail);
        if (rc == 0)
            rc = portfolio_compose(engine->handles.portfolio, claim, engine->wall_ms, out, &fail);
        if (rc == 0)
            rc = portfolio_check(engine->handles.portfolio, &fail);
    }
    if (rc == 0)
        return COMPOSED;
    if (rc == 1)
        return COMPOSED_LATER;
    engine_end_with(engine, fail.kind, "%s", fail.text);
    return COMPOSED_NEVER;
}

static void wait_for_quiet(struct engine *engine)
{
    wait_at_most(engine, 0);
    if (!engine->touched_logged)
        log_add(engine->handles.log, LOG_WARN, "files are touched again and again; rows that need them wait");
    engine->touched_logged = true;
}

/* A row that the rules, as they are set now, do not let go. */
static void refuse_row(struct engine *engine, const struct ledger_claim *claim,
                       const struct portfolio_request *request)
{
    struct ledger_outcome *o = outbox_add(engine, claim, request->skip ? VERDICT_SKIPPED : VERDICT_INVALID);
    char **texts = engine->settled[o - engine->outbox].texts;

    if (request->skip)
        return;
    o->code = texts[0] = mem_text(request->codes);
    o->field = texts[1] = mem_text(request->fields);
    o->own_code = texts[2] = mem_text(request->own_codes);
    o->own_field = texts[3] = mem_text(request->own_fields);
}

/* What became of a row that was looked at. */
enum step { STEP_GONE, STEP_WAITS, STEP_HELD };

static int try_row(struct engine *engine, const struct waiting *row, enum step *step, struct fail *fail)
{
    const struct ledger_claim *claim = &row->claim;
    struct portfolio_request request;
    enum composed composed;
    struct span bearer;
    int64_t wait_ms;
    enum token_answer answer = token_get(engine->tokens, claim->account_id, engine->now_ms, &bearer);

    *step = STEP_WAITS;
    if (answer == TOKEN_WANTED) {
        if (get_token(engine, claim->account_id, fail) != 0)
            return -1;
        if (mint_way(engine->handles.mint) != MINT_AT_ONCE)
            return 0;
        answer = token_get(engine->tokens, claim->account_id, engine->now_ms, &bearer);
        if (answer == TOKEN_WANTED)
            token_failed(engine->tokens, claim->account_id); /* engine_token_result has dealt with its rows */
    }
    if (answer != TOKEN_VALID || !engine->may_send)
        return 0;
    wait_ms = pace_take(engine->pace, engine->flying, engine->now_ms);
    if (wait_ms > 0) {
        wait_at_most(engine, wait_ms);
        *step = STEP_HELD;
        return 0;
    }
    composed = engine_compose(engine, claim, &request);
    if (composed == COMPOSED_LATER) {
        wait_for_quiet(engine);
        *step = STEP_HELD;
        return 0;
    }
    *step = STEP_GONE;
    if (composed == COMPOSED_NEVER) {
        (void)outbox_add(engine, claim, VERDICT_RELEASED);
        return 0;
    }
    if (request.skip || !request.valid) {
        refuse_row(engine, claim, &request);
        return 0;
    }
    return send_row(engine, row, bearer, request.body, fail);
}

/* How many of the waiting rows, from the first, are worth a token now: a token that is made long before its
 * row can leave ends unused, and during a hold it would be made again and again. */
static int tokens_ahead(const struct engine *engine)
{
    int64_t half_ms = engine->token_use_ms > 0 ? engine->token_use_ms / 2 : TOKEN_LEAD_MS;

    return pace_ahead(engine->pace, engine->flying, engine->token_ms + half_ms, engine->now_ms);
}

static int start_rows(struct engine *engine, struct fail *fail)
{
    /* Rows whose tokens are on their way are passed over, but not without end: each look costs a little. */
    int looks = 4 * engine->options.token_pace.concurrency + 2 * engine->options.pace.concurrency;
    int before = -1, ahead = tokens_ahead(engine);

    engine->may_send = true;
    engine->pace_wait_ms = INT64_MAX;
    if (engine->now_ms < engine->mint_after_ms)
        wait_at_most(engine, engine->mint_after_ms - engine->now_ms);
    if (ahead == 0 && pace_held(engine->pace, engine->now_ms) > 0)
        wait_at_most(engine, pace_held(engine->pace, engine->now_ms));
    for (int entry = engine->first, next; entry >= 0 && looks > 0; entry = next, looks--) {
        struct waiting row = engine->waiting[entry];
        int waiting = engine->waiting_count;
        enum step step;
        next = engine->waiting[entry].next;
        engine->may_mint = ahead-- > 0;
        engine->may_send = engine->may_send && engine->flying < engine->options.pace.concurrency;
        if (engine->ending.kind != FAIL_NONE || engine->mode != MODE_RUN)
            return 0;
        if (!engine->may_send && !engine->may_mint)
            return 0;
        if (clock_mono_ms() - engine->now_ms > START_MOST_MS) {
            wait_at_most(engine, 0);
            return 0;
        }
        if (try_row(engine, &row, &step, fail) != 0)
            return -1;
        if (step == STEP_HELD)
            engine->may_send = false; /* the rows behind it may still have their tokens made */
        if (step == STEP_GONE) {
            waiting_remove(engine, entry, before);
            continue;
        }
        if (engine->waiting_count != waiting) { /* its account was given up: the list is another one */
            wait_at_most(engine, 0);
            return 0;
        }
        before = entry;
    }
    return 0;
}

/* Records are read and assertions are signed between pace's word and the moment of leaving. Where that takes
 * time, the window of the rate must count the latter. */
int engine_start(struct engine *engine, struct fail *fail)
{
    int64_t sent = engine->figures.requests, left_ms;
    int minting = engine->minting;

    engine->now_ms = clock_mono_ms(); /* answers that were judged may have taken time as well */
    if (start_rows(engine, fail) != 0)
        return -1;
    left_ms = clock_mono_ms();
    pace_late(engine->pace, (int)(engine->figures.requests - sent), engine->now_ms, left_ms);
    pace_late(engine->token_pace, engine->minting - minting, engine->now_ms, left_ms);
    return 0;
}
