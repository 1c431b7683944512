#include "engine_impl.h"

#include "kit/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_clocks(struct engine *engine)
{
    engine->now_ms = clock_mono_ms();
    engine->wall_ms = clock_wall_ms();
}

static void init_waiting(struct engine *engine)
{
    engine->waiting_size = EXCHANGE_ROWS + engine->options.room;
    engine->waiting = mem_array((size_t)engine->waiting_size, sizeof *engine->waiting);
    for (int i = 0; i < engine->waiting_size; i++)
        engine->waiting[i].next = i + 1 < engine->waiting_size ? i + 1 : -1;
    engine->free_entry = 0;
    engine->first = engine->last = -1;
}

int engine_check(const struct engine_options *options, struct fail *fail)
{
    if (!options->base_url || !options->base_url[0])
        return fail_set(fail, FAIL_USAGE,
                        "api.base_url is not set: the API's base URL (--base-url); it has no default, "
                        "so that production is named on purpose");
    if (http_check_url(options->base_url, fail) != 0)
        return fail_context(fail, "api.base_url");
    if (!options->tenant || !options->tenant[0])
        return fail_set(fail, FAIL_USAGE, "api.tenant is not set: the Pismo organisation (--tenant)");
    if (strlen(options->tenant) > 200)
        return fail_set(fail, FAIL_USAGE, "api.tenant is too long for a header (200 characters at most)");
    for (const char *c = options->tenant; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7F)
            return fail_set(fail, FAIL_USAGE, "api.tenant holds a character that cannot stand in a header");
    return 0;
}

static char *url_of(const struct engine *engine, const char *path)
{
    size_t len = strlen(engine->options.base_url);
    struct buf url;
    char *out;

    while (len > 0 && engine->options.base_url[len - 1] == '/')
        len--;
    buf_init(&url, 8192);
    buf_add(&url, engine->options.base_url, len);
    buf_add_text(&url, path);
    out = mem_text(buf_text(&url));
    buf_free(&url);
    return out;
}

static void init_texts(struct engine *engine)
{
    const char *card_path = engine->options.card_path;

    engine->url = url_of(engine, API_ENROLL_PATH);
    engine->card_url = card_path && card_path[0] ? url_of(engine, card_path) : NULL;
    buf_init(&engine->tenant_header, 1024);
    buf_init(&engine->customer_header, 64);
    buf_init(&engine->cid_header, 64);
    buf_init(&engine->bearer_header, 1 << 16);
    buf_addf(&engine->tenant_header, "x-tenant: %s", engine->options.tenant);
}

int engine_open(struct engine **out, const struct engine_options *options,
                const struct engine_handles *handles, struct fail *fail)
{
    struct engine *engine;
    int wake_fd;

    if (engine_check(options, fail) != 0 ||
        mint_wake_fd(handles->mint, handles->signals ? signals_fd(handles->signals) : -1, &wake_fd, fail) !=
            0)
        return -1;
    engine = mem_alloc(sizeof *engine);
    engine->options = *options;
    engine->handles = *handles;
    engine->wake_fd = wake_fd;
    engine_limits_open(engine);
    init_texts(engine);
    init_waiting(engine);
    read_clocks(engine);
    engine->exchange_ms = EXCHANGE_MS;
    pace_open(&engine->pace, &options->pace, options->random_seed, engine->now_ms);
    pace_open(&engine->token_pace, &options->token_pace, options->random_seed + 1, engine->now_ms);
    token_open(&engine->tokens, EXCHANGE_ROWS + 4 * (size_t)engine->options.room, options->token_margin_ms);
    engine->flight = mem_array((size_t)engine->options.room, sizeof *engine->flight);
    for (int i = 0; i < engine->options.room; i++)
        buf_init(&engine->flight[i].token, 1 << 16);
    engine->mint = mem_array((size_t)engine->options.token_room, sizeof *engine->mint);
    engine->outbox_size = 2 * EXCHANGE_ROWS + 2 * (size_t)engine->options.room;
    engine->outbox = mem_array(engine->outbox_size, sizeof *engine->outbox);
    engine->settled = mem_array(engine->outbox_size, sizeof *engine->settled);
    engine->claims = mem_array(EXCHANGE_ROWS, sizeof *engine->claims);
    *out = engine;
    return 0;
}

static void empty_outbox(struct engine *engine)
{
    for (size_t i = 0; i < engine->outbox_count; i++) {
        for (int t = 0; t < 4; t++) {
            free(engine->settled[i].texts[t]);
            engine->settled[i].texts[t] = NULL;
        }
    }
    engine->outbox_count = 0;
    engine->tokens_unstored = engine->unauthorized_unstored = 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    mint_stop(engine->handles.mint);
    for (int i = 0; i < engine->options.room; i++) {
        buf_wipe(&engine->flight[i].token);
        buf_free(&engine->flight[i].token);
    }
    empty_outbox(engine);
    free(engine->flight);
    free(engine->mint);
    free(engine->waiting);
    free(engine->outbox);
    free(engine->settled);
    free(engine->claims);
    free(engine->url);
    free(engine->card_url);
    pace_close(engine->pace);
    pace_close(engine->token_pace);
    token_close(engine->tokens);
    buf_wipe(&engine->bearer_header);
    buf_free(&engine->bearer_header);
    buf_free(&engine->tenant_header);
    buf_free(&engine->customer_header);
    buf_free(&engine->cid_header);
    free(engine);
}

void engine_end_with(struct engine *engine, enum fail_kind kind, const char *format, ...)
{
    va_list args;

    if (engine->ending.kind != FAIL_NONE)
        return;
    engine->ending.kind = kind;
    va_start(args, format);
    (void)vsnprintf(engine->ending.text, sizeof engine->ending.text, format, args);
    va_end(args);
}

/* ---- stop? ---- */

static void begin_drain(struct engine *engine)
{
    if (engine->mode != MODE_RUN)
        return;
    engine->mode = MODE_DRAIN;
    engine->grace_until_ms = engine->now_ms + engine->options.grace_ms;
    engine_release_waiting(engine);
}

static void look_for_stop(struct engine *engine)
{
    int stops = engine->handles.signals ? signals_stops(engine->handles.signals) : 0;
    bool late = engine->options.deadline_ms > 0 && engine->wall_ms >= engine->options.deadline_ms;

    if ((stops > 0 || late) && engine->mode == MODE_RUN) {
        log_add(engine->handles.log, LOG_INFO,
                stops > 0 ? "stopping on a signal" : "stopping at the deadline",
                LOG_INT("in_flight", engine->flying));
        engine->stopped = true;
        begin_drain(engine);
    }
    engine_trouble_end(engine);
    if (engine->ending.kind != FAIL_NONE)
        begin_drain(engine);
    if (stops > 1 || (engine->mode == MODE_DRAIN && engine->now_ms >= engine->grace_until_ms))
        engine->mode = MODE_ABORT;
}

/* ---- exchange ---- */

static int claim_want(const struct engine *engine)
{
    int64_t token_ms = engine->token_ms < TOKEN_AHEAD_MS ? engine->token_ms : TOKEN_AHEAD_MS;
    int want, low;

    if (engine->mode != MODE_RUN || engine->now_ms < engine->budget_ms)
        return 0;
    if (engine->claim_empty && (engine->next_due_ms < 0 || engine->wall_ms < engine->next_due_ms))
        return 0;
    want = pace_ahead(engine->pace, engine->flying, engine->exchange_ms + token_ms, engine->now_ms);
    if (want > EXCHANGE_ROWS)
        want = EXCHANGE_ROWS;
    /* Rows that wait for their tokens must not leave slots idle, nor make an exchange of every few rows. What
     * can leave while a token is made is claimed that much sooner. */
    low = token_ms > 0 ? pace_ahead(engine->pace, engine->flying, token_ms, engine->now_ms) : 0;
    low = low < want / 4 ? want / 4 : low < want - 1 ? low : want - 1;
    return engine->waiting_count <= low ? want - engine->waiting_count : 0;
}

/* An exchange stops the loop for as long as the disk takes: where that is long, exchanges come less often. It
 * has also made the time of this turn an old one, and rates are kept by the time at which rows leave. */
static void note_cost(struct engine *engine)
{
    int64_t began_ms = engine->now_ms, period_ms;

    read_clocks(engine);
    period_ms = EXCHANGE_SHARE * (engine->now_ms - began_ms);
    engine->exchange_ms = (3 * engine->exchange_ms + period_ms) / 4;
    if (engine->exchange_ms < EXCHANGE_MS)
        engine->exchange_ms = EXCHANGE_MS;
    if (engine->exchange_ms > EXCHANGE_MOST_MS)
        engine->exchange_ms = EXCHANGE_MOST_MS;
}

/* Retries that are due and were left behind for their budget are not asked for at every turn. */
static void note_claims(struct engine *engine, const struct ledger_exchange *x)
{
    for (size_t i = 0; i < x->claimed; i++)
        waiting_add(engine, &engine->claims[i], false);
    engine->claim_empty = x->want > 0 ? x->claimed < x->want : x->next_due_ms < 0;
    engine->next_due_ms = x->next_due_ms;
    engine->look = false;
    if (x->want == 0)
        return;
    engine->untried_out = x->untried_out;
    pace_claimed(engine->pace, (int)(x->claimed - x->retries), (int)x->retries, engine->now_ms);
    if (x->claimed < x->want && x->retries == x->retry_most)
        engine->budget_ms = engine->now_ms + BUDGET_MS;
}

static int exchange(struct engine *engine, int want, struct fail *fail)
{
    int retries = pace_retries(engine->pace, engine->now_ms);
    struct ledger_exchange x = {.outcomes = engine->outbox,
                                .outcome_count = engine->outbox_count,
                                .max_attempts = engine->options.max_attempts,
                                .tokens = engine->tokens_unstored,
                                .untried_first = pace_broken(engine->pace) || engine->mint_failures > 0,
                                .retry_limited = retries < want,
                                .retry_most = (size_t)retries,
                                .unauthorized = engine->unauthorized_unstored,
                                .want = (size_t)want,
                                .claims = engine->claims,
                                .now_ms = engine->wall_ms};

    if (ledger_exchange(engine->handles.ledger, &x, fail) != 0)
        return -1;
    note_cost(engine);
    empty_outbox(engine);
    note_claims(engine, &x);
    return 0;
}

static bool outbox_due(const struct engine *engine)
{
    return engine->outbox_count >= EXCHANGE_ROWS ||
           (engine->outbox_count > 0 && engine->now_ms - engine->outbox_since_ms >= engine->exchange_ms);
}

static int maybe_exchange(struct engine *engine, struct fail *fail)
{
    int want = claim_want(engine);

    if (want == 0 && !engine->look && !outbox_due(engine))
        return 0;
    return exchange(engine, want, fail);
}

/* ---- wait ---- */

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wait_ms(const struct engine *engine)
{
    int64_t wait =
        1000; /* the caller's progress line and the clock of the deadline want a turn now and then */
    int64_t due_in_ms = engine->claim_empty ? engine->next_due_ms - engine->wall_ms : 0;

    wait = lesser(wait, mint_wait_ms(engine->handles.mint));
    if (engine->outbox_count > 0)
        wait = lesser(wait, engine->outbox_since_ms + engine->exchange_ms - engine->now_ms);
    if (engine->waiting_count > 0)
        wait = lesser(wait, engine->pace_wait_ms);
    else if (engine->mode == MODE_RUN && due_in_ms > 0)
        wait = lesser(wait, due_in_ms);
    else if (engine->mode == MODE_RUN && (!engine->claim_empty || engine->next_due_ms >= 0))
        wait = engine->closed ? wait : lesser(wait, EXCHANGE_MS / 10); /* pace lets nothing ahead: ask soon */
    if (engine->mode == MODE_DRAIN)
        wait = lesser(wait, engine->grace_until_ms - engine->now_ms);
    return wait > 0 ? wait : 0;
}

/* True when this turn has nothing left to wait for. */
static bool is_over(const struct engine *engine)
{
    bool idle = engine->flying == 0 && engine->waiting_count == 0;

    if (engine->mode == MODE_ABORT)
        return true;
    if (engine->mode == MODE_DRAIN)
        return idle;
    return idle && engine->outbox_count == 0 && engine->claim_empty && engine->next_due_ms < 0;
}

static int finish(struct engine *engine, enum engine_end *end, struct fail *fail)
{
    if (exchange(engine, 0, fail) != 0)
        return -1;
    if (engine->ending.kind != FAIL_NONE) {
        *fail = engine->ending;
        return -1;
    }
    /* What flew may have been the last there was. */
    *end = engine->stopped && (engine->next_due_ms >= 0 || engine->flying > 0) ? ENGINE_STOPPED : ENGINE_DONE;
    return 0;
}

/* One line when it begins: what a host asks for, and what of it is obeyed. */
static void log_hold(struct engine *engine, const struct pace *pace, const char *words, bool *logged)
{
    int64_t held_ms = pace_held(pace, engine->now_ms);

    if (held_ms > 0 && !*logged)
        log_add(engine->handles.log, LOG_WARN, words, LOG_INT("milliseconds", held_ms));
    *logged = held_ms > 0;
}

static void log_episodes(struct engine *engine)
{
    bool broken = pace_broken(engine->pace);

    log_hold(engine, engine->pace, "the server asks to wait; all sends are held", &engine->hold_logged);
    log_hold(engine, engine->token_pace, "the token host asks to wait; all token requests are held",
             &engine->token_hold_logged);
    if (broken && !engine->gate_logged)
        log_add(engine->handles.log, LOG_WARN, "the server seems to be away; trying one request at a time",
                LOG_TEXT("last", engine->trouble.last));
    if (!broken && engine->gate_logged)
        log_add(engine->handles.log, LOG_INFO, "the server answers again");
    engine->gate_logged = broken;
}

int engine_turn(struct engine *engine, enum engine_end *end, struct fail *fail)
{
    read_clocks(engine);
    engine_reap(engine);
    look_for_stop(engine);
    engine_limits_turn(engine);
    if (is_over(engine))
        return finish(engine, end, fail);
    if (maybe_exchange(engine, fail) != 0 || engine_start(engine, fail) != 0)
        return -1;
    log_episodes(engine);
    if (is_over(engine) || (engine->ending.kind != FAIL_NONE && engine->mode == MODE_RUN))
        return 1; /* the next turn ends it */
    return http_wait(engine->handles.http, engine->wake_fd, wait_ms(engine), fail) == 0 ? 1 : -1;
}

void engine_figures(const struct engine *engine, struct engine_figures *out)
{
    *out = engine->figures;
    out->flying = engine->flying;
    out->limit = pace_limit(engine->pace);
    out->held_ms = pace_held(engine->pace, engine->now_ms);
    out->broken = pace_broken(engine->pace);
    out->stopping = engine->mode != MODE_RUN;
    out->closed = engine->closed;
    out->opens_at = engine->opens_at;
}
