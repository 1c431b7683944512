/* pace: every "how long until", for one host: token bucket, limit on requests in flight, Retry-After,
 * breaker, jittered backoff.
 *
 * Pure: the caller passes the monotonic time in milliseconds and a source of randomness it owns. `rate`,
 * `burst` and `concurrency` are upper limits that are never exceeded; with `adaptive` the module finds what
 * the server takes below them: additive increase, one multiplicative decrease a window on 429/503, a share of
 * pushback that does not depend on the load is let pass. The rate limit holds in any one-second window: the
 * bucket refills continuously and never holds more than `burst`, and the sends of the last 1,010 ms never
 * exceed `rate` (rounded up when it is no whole number). The gate closes on failures in a row, and when for a
 * whole breaker_pause there was nothing but failures and pushback. The budget of retries counts the requests
 * of the last ten seconds. Source: contract section 4; domain section
 * 3 (the server caps simultaneous requests and answers 429). */
#ifndef RULE_PACE_H
#define RULE_PACE_H

#include "kit/buf.h"

struct pace_options {
    double rate;  /* requests a second; 0: no limit */
    double burst; /* requests; at least 1 */
    int concurrency;
    bool adaptive;
    bool closed; /* nothing leaves, and no time counts against the server */
    int64_t retry_base_ms, retry_cap_ms;
    int64_t after_cap_ms; /* longest Retry-After that is obeyed; 0: 24 h */
    double retry_share;   /* of all requests in a few seconds that may be retries, below 1 ... */
    double retry_floor;   /* ... and so many a second beside; both 0: any number */
    int breaker_failures; /* transport or 5xx failures in a row that close the gate */
    int64_t breaker_pause_ms, breaker_pause_cap_ms, breaker_limit_ms;
};

enum pace_signal {
    PACE_OK,       /* any answer that is neither of the following */
    PACE_PUSHBACK, /* 429 or 503: too much */
    PACE_FAILURE   /* 5xx or no answer: counts for the breaker */
};

struct pace;

void pace_open(struct pace **out, const struct pace_options *options, uint64_t random_seed, int64_t now_ms);
void pace_close(struct pace *pace);
/* New upper limits in mid-run; what was learnt is kept as far as it fits under them. */
void pace_set(struct pace *pace, const struct pace_options *options, int64_t now_ms);

/* Asks to start one request with `flying` in the air: 0 = go, and the token is taken; else the milliseconds
 * after which to ask again (INT64_MAX: only when a request has come back). */
int64_t pace_take(struct pace *pace, int flying, int64_t now_ms) MUST_CHECK;

/* `count` requests that were allowed at `taken_ms` left only now. */
void pace_late(struct pace *pace, int count, int64_t taken_ms, int64_t now_ms);

/* How many requests could start within the next `ahead_ms` if `flying` are in the air now, by bucket, limits,
 * holds and the speed of answers, measured or possible: what a claim should fetch. */
int pace_ahead(const struct pace *pace, int flying, int64_t ahead_ms, int64_t now_ms);

/* An answer came, or failed to. `started_ms`: when the request left (a decrease counts once for all that left
 * before it). `retry_after_ms`: from pace_retry_after, or -1. */
void pace_answer(struct pace *pace, enum pace_signal signal, int64_t started_ms, int64_t retry_after_ms,
                 int64_t now_ms);

/* The retry budget. How many rows may be claimed now for a further attempt (INT_MAX: any number); what was
 * claimed is told with pace_claimed, `retries` of them such rows. A retry that was answered well while no row
 * was left for its first attempt gives its place back, and a little more: a healthy server works a backlog
 * off at full speed. */
int pace_retries(const struct pace *pace, int64_t now_ms);
void pace_claimed(struct pace *pace, int firsts, int retries, int64_t now_ms);
void pace_retried(struct pace *pace, int64_t now_ms);

/* The gate: true while it is closed; the one probe is let through by pace_take. */
bool pace_broken(const struct pace *pace);
/* A failure of a row counts as an attempt only when this says so: always while the gate is open; of a probe
 * only if some request has succeeded since the gate last opened. */
bool pace_counts(const struct pace *pace);
/* True when the gate has been closed for breaker_limit without any success; where a Retry-After that came
 * within that time reaches beyond it, not before a request after it has failed as well. */
bool pace_given_up(const struct pace *pace, int64_t now_ms);
/* Milliseconds that all sends are still held by Retry-After; 0: not held. */
int64_t pace_held(const struct pace *pace, int64_t now_ms);
int pace_limit(const struct pace *pace); /* requests in flight allowed now */

/* Delay before attempt number `attempt` + 1 (attempt >= 1): exponential from base to cap, full jitter, at
 * least retry_after_ms where that is not negative. */
int64_t pace_backoff(struct pace *pace, int attempt, int64_t retry_after_ms);

/* Value of a Retry-After header (delay-seconds or IMF-fixdate, RFC 9110 section 10.2.3) in milliseconds from
 * `wall_ms`; a date in the past is 0; no or unreadable value is -1; never more than 24 h. */
int64_t pace_retry_after(struct span value, int64_t wall_ms);

#endif
