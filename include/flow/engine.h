/* engine: ledger -> API -> ledger, the only place where time, network and ledger meet.
 *
 * One thread, one loop, pulled from outside: engine_turn does one round (reap, exchange, start, stop?, wait)
 * and returns; the caller shows progress between turns. Times come from kit/clock once a turn. The engine
 * borrows all its handles. What a turn guarantees: a request leaves only for a row whose SENT is committed
 * (I2); a row's outcome reaches the ledger at the latest 250 ms after its answer, or with the next
 * thousand. */
#ifndef FLOW_ENGINE_H
#define FLOW_ENGINE_H

#include "driver/http.h"
#include "driver/ledger.h"
#include "driver/signals.h"
#include "kit/log.h"
#include "rule/pace.h"
#include "rule/timetable.h"
#include "work/mint.h"
#include "work/portfolio.h"

struct engine_options {
    const char *base_url;  /* API host and prefix */
    const char *card_path; /* of the card call, behind the base URL; NULL or "": it cannot be made */
    const char *tenant;
    struct pace_options pace; /* API host */
    struct pace_options token_pace;
    struct timetable timetable; /* where a rule of it holds, its rate in place of pace.rate */
    bool burst_given;           /* pace.burst is the operator's; else it is one second's worth of the rate */
    int room, token_room;       /* the most requests in flight that engine_set may allow; 0: as many as now */
    int64_t token_margin_ms;    /* renewal before the end of a token's life */
    int max_attempts;
    int64_t grace_ms;                   /* how long requests in flight may finish after a stop */
    int64_t deadline_ms;                /* wall clock; 0: none */
    const struct api_verdict *verdicts; /* the configuration's, before the built-in ones */
    size_t verdict_count;
    uint64_t random_seed;
};

struct engine_handles {
    struct ledger *ledger;
    struct portfolio *portfolio;
    struct mint *mint;
    struct http *http; /* room for pace.concurrency + token_pace.concurrency requests, or for the rooms */
    struct signals *signals; /* NULL: none */
    struct log *log;
};

enum engine_end {
    ENGINE_DONE,   /* nothing is left to send */
    ENGINE_STOPPED /* by a signal or the deadline, with work left */
};

/* For the progress line and the closing words. Counts since engine_open. */
struct engine_figures {
    int64_t requests, accepted, already, rejected, transient, tokens;
    int flying, limit;
    int64_t held_ms; /* Retry-After holds all sends that long */
    bool broken;     /* the breaker's gate is closed */
    bool stopping;
    bool closed;  /* by the timetable ... */
    int opens_at; /* ... until this minute of the local week; -1: it never opens */
};

struct engine;

/* FAIL_USAGE when the base URL or the tenant cannot be used: to be asked before anything else is begun. */
int engine_check(const struct engine_options *options, struct fail *fail) MUST_CHECK;

/* Fails as engine_check does. */
int engine_open(struct engine **out, const struct engine_options *options,
                const struct engine_handles *handles, struct fail *fail) MUST_CHECK;
void engine_close(struct engine *engine); /* aborts what flies; those rows stay SENT */

/* One round: 1 go on, 0 ended (*end is set), -1. FAIL_REMOTE: an answer that is fatal for the run, refused
 * credentials, the breaker's limit; FAIL_INPUT: a file changed; what flew was settled first. FAIL_LEDGER. */
int engine_turn(struct engine *engine, enum engine_end *end, struct fail *fail) MUST_CHECK;

/* New limits in mid-run: of both hosts the rate, the burst and the requests in flight, and the timetable; the
 * rest of `options` is not looked at. More than there is room for is cut to that. */
void engine_set(struct engine *engine, const struct engine_options *options);

void engine_figures(const struct engine *engine, struct engine_figures *out);

#endif
