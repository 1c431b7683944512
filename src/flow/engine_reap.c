/* Every finished request becomes a token or an outcome. The verdict of an answer comes from the rules' table;
 * what it means for the run (a hold, a new token, the end) is decided here. */
#include "engine_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct ledger_outcome *outbox_add(struct engine *engine, const struct ledger_claim *claim,
                                  enum job_verdict verdict)
{
    struct ledger_outcome *outcome;

    assert(engine->outbox_count < engine->outbox_size);
    if (engine->outbox_count == 0)
        engine->outbox_since_ms = engine->now_ms;
    outcome = &engine->outbox[engine->outbox_count];
    engine->settled[engine->outbox_count] = (struct settled){.texts = {NULL}};
    *outcome = (struct ledger_outcome){.id = claim->id,
                                       .customer_id = claim->customer_id,
                                       .job = claim->job,
                                       .verdict = verdict,
                                       .code = engine->settled[engine->outbox_count].text.code,
                                       .message = engine->settled[engine->outbox_count].text.message,
                                       .at_ms = engine->wall_ms,
                                       .latency_us = -1};
    engine->outbox_count++;
    return outcome;
}

/* ---- tokens ---- */

/* An account that can have no token costs its rows an attempt. When it is so for one new account after the
 * other, or for the very first, it is not the accounts' fault. */
static void no_token(struct engine *engine, int64_t account, const struct api_token *token)
{
    bool untried = engine_account_untried(engine, account) &&
                   (engine->no_token_in_a_row == 0 || account != engine->no_token_account);

    token_failed(engine->tokens, account);
    log_add(engine->handles.log, LOG_WARN, "no token for an account", LOG_INT("account_id", account),
            LOG_TEXT("reason", token->reason));
    if (untried) {
        engine->no_token_in_a_row++;
        engine->no_token_account = account;
    }
    /* Before any token was had it is the method's fault; unless others are being made, which may tell. */
    if (untried && !engine->minted_once && engine->minting == 0 &&
        mint_way(engine->handles.mint) != MINT_AT_ONCE)
        engine_end_with(engine, FAIL_REMOTE, "no token: %s", token->reason);
    else if (untried && engine->no_token_in_a_row >= REJECTED_IN_A_ROW)
        engine_end_with(engine, FAIL_REMOTE, "no token for %d accounts in a row: %s", REJECTED_IN_A_ROW,
                        token->reason);
    else
        /* No attempt is spent as long as the method itself may be at fault. */
        engine_defer_account(engine, account, engine->minted_once ? token->reason : NULL);
}

/* Many mints may fail at once: that is one failure, and one pause, and one line in the log. */
static void mint_failed(struct engine *engine, const struct api_token *token)
{
    if (engine->now_ms < engine->mint_after_ms)
        return;
    engine->mint_failures++;
    engine->mint_after_ms = engine->now_ms + 1 + pace_backoff(engine->token_pace, engine->mint_failures, -1);
    log_add(engine->handles.log, LOG_WARN, "no token for now; trying again",
            LOG_TEXT("reason", token->reason));
}

void engine_token_result(struct engine *engine, int64_t account, enum api_token_result result,
                         const struct api_token *token)
{
    const char *source = mint_source(engine->handles.mint);
    bool others; /* may have more luck than this account, whose waiting rows keep their places */

    switch (result) {
    case API_TOKEN_OK:
        engine->token_use_ms =
            token_done(engine->tokens, account, token->text, token->life_ms, engine->now_ms);
        engine->minted_once = true;
        engine->no_token_in_a_row = engine->mint_failures = 0;
        engine->figures.tokens++;
        if (!token->names_account && !engine->nameless_logged)
            log_add(engine->handles.log, LOG_WARN,
                    "a token does not name its account; that is taken on trust",
                    LOG_INT("account_id", account));
        engine->nameless_logged = engine->nameless_logged || !token->names_account;
        engine->tokens_unstored++;
        return;
    case API_TOKEN_TRANSIENT:
        token_failed(engine->tokens, account);
        others = engine->mint_failures == 0 ? engine->minted_once : engine->mint_failures >= FAILED_IN_A_ROW;
        mint_failed(engine, token);
        if (others)
            engine_defer_account(engine, account, NULL);
        return;
    case API_TOKEN_NO_ACCOUNT:
        no_token(engine, account, token);
        return;
    case API_TOKEN_REFUSED:
        engine_end_with(engine, FAIL_REMOTE, "%s refuses the credentials: %s", source, token->reason);
        break;
    case API_TOKEN_WRONG_ACCOUNT:
        engine_end_with(engine, FAIL_REMOTE, "the token for account %" PRId64 " is another account's: %s",
                        account, token->reason);
        break;
    case API_TOKEN_UNREADABLE:
        engine_end_with(engine, FAIL_REMOTE, "%s's answer cannot be read: %s", source, token->reason);
        break;
    }
    token_failed(engine->tokens, account);
}

static int64_t retry_after_of(const struct engine *engine, const struct http_reply *reply)
{
    return reply->end == HTTP_ANSWERED ? pace_retry_after(reply->retry_after, engine->wall_ms) : -1;
}

static enum pace_signal signal_of(const struct api_answer *answer)
{
    if (answer->end != API_ANSWERED)
        return PACE_FAILURE;
    if (answer->status == 429 || answer->status == 503)
        return PACE_PUSHBACK;
    return answer->status >= 500 ? PACE_FAILURE : PACE_OK;
}

static void note_duration(struct engine *engine, enum api_token_result result, int64_t started_ms)
{
    if (result == API_TOKEN_OK)
        engine->token_ms += (engine->now_ms - started_ms - engine->token_ms) / 4;
}

static void reap_mint(struct engine *engine, const struct http_reply *reply)
{
    struct mint_flight *flight = &engine->mint[-1 - reply->tag];
    struct api_answer answer = mint_answer(reply);
    struct api_token token;
    enum api_token_result result;

    assert(flight->busy);
    flight->busy = false;
    engine->minting--;
    pace_answer(engine->token_pace, signal_of(&answer), reply->started_ms, retry_after_of(engine, reply),
                engine->now_ms);
    result = mint_read(engine->handles.mint, flight->account, reply, engine->wall_ms, &token);
    engine_trouble_token(engine, signal_of(&answer), answer.end == API_ANSWERED, token.reason, reply->error);
    note_duration(engine, result, reply->started_ms);
    engine_token_result(engine, flight->account, result, &token);
}

/* A command has no Retry-After; one that failed in its own way counts for the breaker as a silent host does.
 */
static void reap_commands(struct engine *engine)
{
    struct mint_done done;

    while (mint_take(engine->handles.mint, engine->wall_ms, &done) == 1) {
        engine->minting--;
        enum pace_signal signal = done.answered ? PACE_OK : PACE_FAILURE;
        pace_answer(engine->token_pace, signal, done.started_ms, -1, engine->now_ms);
        engine_trouble_token(engine, signal, true, done.token.reason, "");
        note_duration(engine, done.result, done.started_ms);
        engine_token_result(engine, done.account, done.result, &done.token);
    }
}

/* ---- answers ---- */

/* The request's records again, to mask their values in whatever the server says: without them nothing of it
 * can be kept. */
static void judge(struct engine *engine, const struct flight *flight, const struct api_answer *answer,
                  struct api_outcome *out)
{
    bool has_words = answer->status != 202 && answer->body.len > 0;
    struct portfolio_request request = {.card = NULL};

    if (has_words && engine_compose(engine, &flight->claim, &request) != COMPOSED)
        request.card = request.customer = NULL;
    api_judge(answer, engine->options.verdicts, engine->options.verdict_count, request.card, request.customer,
              out);
    if (has_words && !request.card)
        out->message[0] = '\0';
}

/* 401: the first of a row costs a new token and nothing else; the second in a row, on the new token, an
 * attempt. True when the row has gone back to wait. */
static bool retry_with_new_token(struct engine *engine, struct flight *flight)
{
    token_reject(engine->tokens, flight->claim.account_id, buf_span(&flight->token));
    if (!flight->refused) {
        engine->unauthorized_unstored++;
        if (engine->mode == MODE_RUN)
            waiting_add(engine, &flight->claim, true);
        else
            (void)outbox_add(engine, &flight->claim, VERDICT_TOKEN);
        return true;
    }
    if (++engine->refused_in_a_row >= REJECTED_IN_A_ROW)
        engine_end_with(engine, FAIL_REMOTE, "fresh tokens are refused (401) for %d rows in a row",
                        REJECTED_IN_A_ROW);
    return false;
}

static void count_outcome(struct engine *engine, enum job_verdict verdict)
{
    engine->figures.accepted += verdict == VERDICT_ACCEPTED;
    engine->figures.already += verdict == VERDICT_ALREADY;
    engine->figures.rejected += verdict == VERDICT_REJECTED;
    engine->figures.transient += verdict == VERDICT_TRANSIENT;
}

/* A request that no connection took tells nothing about its row, so that is not what exhausts one: the last
 * attempt is not spent on it. */
static bool spends_attempt(const struct engine *engine, const struct flight *flight, enum api_end end)
{
    return end != API_NOT_SENT || flight->claim.job.attempts < engine->options.max_attempts;
}

static void settle(struct engine *engine, const struct flight *flight, const struct http_reply *reply,
                   const struct api_outcome *judged, bool counts)
{
    enum job_verdict verdict = judged->verdict;
    struct ledger_outcome *o;
    struct settled *s;

    if (verdict == VERDICT_TOKEN)
        verdict = VERDICT_TRANSIENT;
    if (verdict == VERDICT_TRANSIENT && !counts)
        verdict = VERDICT_RELEASED; /* the server was away: no attempt is spent */
    o = outbox_add(engine, &flight->claim, verdict);
    s = &engine->settled[o - engine->outbox];
    s->text = *judged;
    o->lost = judged->lost || reply->resent;
    o->http_status = mint_answer(reply).status;
    o->latency_us = reply->elapsed_us;
    if (judged->verdict == VERDICT_TRANSIENT || judged->verdict == VERDICT_TOKEN)
        o->due_ms = engine->wall_ms + 1 +
                    pace_backoff(engine->pace, flight->claim.job.attempts, retry_after_of(engine, reply));
    count_outcome(engine, verdict);
}

static void reap_answer(struct engine *engine, const struct http_reply *reply)
{
    struct flight *flight = &engine->flight[reply->tag];
    struct api_answer answer = mint_answer(reply);
    struct api_outcome judged;
    bool counts;

    assert(flight->busy);
    flight->busy = false;
    engine->flying--;
    judge(engine, flight, &answer, &judged);
    engine_trouble_api(engine, signal_of(&answer), &answer, &judged, reply->error);
    counts = pace_counts(engine->pace);
    pace_answer(engine->pace, signal_of(&answer), reply->started_ms, retry_after_of(engine, reply),
                engine->now_ms);
    if (flight->claim.retry && engine->untried_out && signal_of(&answer) == PACE_OK)
        pace_retried(engine->pace, engine->now_ms);
    flight->claim.job.uncertain = flight->claim.job.uncertain || reply->resent;
    if (judged.verdict == VERDICT_TOKEN) {
        if (retry_with_new_token(engine, flight))
            return;
    } else if (answer.end == API_ANSWERED) {
        engine->refused_in_a_row = 0;
    }
    settle(engine, flight, reply, &judged, counts && spends_attempt(engine, flight, answer.end));
    if (judged.verdict == VERDICT_FATAL)
        engine_end_with(engine, FAIL_REMOTE, "the API's answer is fatal for the whole run: %s (%d) %s%s",
                        judged.code, answer.status, judged.message, reply->error);
}

void engine_reap(struct engine *engine)
{
    struct http_reply reply;

    reap_commands(engine);
    while (http_take(engine->handles.http, &reply) == 1) {
        if (reply.tag < 0)
            reap_mint(engine, &reply);
        else
            reap_answer(engine, &reply);
    }
}
