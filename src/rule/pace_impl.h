/* pace_impl: what the files of the module `pace` share. Private to src/rule/pace*.c.
 *
 * pace.c asks the parts in turn: the gate (hold by Retry-After, breaker), the adaptive limits, and last the
 * operator's rate. Every part takes the monotonic time from its caller and keeps no clock. Memory is bounded:
 * counters only, nothing per request. */
#ifndef RULE_PACE_IMPL_H
#define RULE_PACE_IMPL_H

#include "rule/pace.h"

/* A window of sends is a little longer than the second it stands for: a request may leave up to 10 ms after
 * it was allowed, and still no second on the wire holds more than the rate. */
enum { PACE_WINDOW_MS = 1010, PACE_METER_SLOTS = 10, PACE_METER_SLOT_MS = 100 };

/* Refills continuously; `refill_ms` may lie ahead: nothing accrues before it. rate 0: no limit. */
struct pace_bucket {
    double rate, burst, tokens;
    int64_t refill_ms;
};

/* Sends of the last PACE_WINDOW_MS, counted by the millisecond. */
struct pace_window {
    int64_t most; /* in a window; 0: no limit */
    int64_t used;
    int64_t seen_ms;
    uint32_t sent[PACE_WINDOW_MS];
};

/* OK answers of about the last second. */
struct pace_meter {
    uint32_t count[PACE_METER_SLOTS];
    int64_t slot; /* number of the newest slot since time 0 */
    int64_t since_ms, last_ms;
};

/* The shortest answer of late: the time that the server and the way to it take when we do not keep an answer
 * waiting ourselves. */
struct pace_least {
    double ms, before_ms; /* of the span at hand and of the one before; negative: none */
    int64_t since_ms;
};

/* One adaptive limit: grows while it is used, is cut on pushback. */
struct pace_climb {
    double value;
    double ceiling;  /* where pushback came last; crossed only when nothing is owed */
    double age_s;    /* time in use since the last cut */
    int64_t used_ms; /* when it last stopped, or nearly stopped, a request */
};

/* Pushback that has nothing to do with how much we send. */
struct pace_noise {
    double share;             /* of all answers, where it was found to be so; 0: none */
    int64_t until_ms;         /* then it must be found again */
    bool trial;               /* until then it is only tried */
    double served;            /* OK answers a second when the trial began */
    int64_t rest_ms, next_ms; /* no trial before */
    double credit;            /* pushbacks that are let pass now */
    double best, best_before; /* most OK answers a second, in this minute and the one before */
    int64_t best_ms;
    double looked; /* OK answers a second, half a second ago */
    int64_t look_ms;
    int quiet;     /* OK answers since the last pushback */
    bool counting; /* answers since a pushback: */
    int ok, pushed;
    int apart; /* pushbacks that came on their own */
};

struct pace_limits {
    struct pace_climb flight;   /* requests in flight */
    struct pace_climb rate;     /* requests a second; only when `rated` */
    struct pace_climb *blocker; /* which of them stopped the next request, if one did */
    struct pace_bucket bucket;  /* of rate.value */
    struct pace_meter meter;
    struct pace_noise noise;
    double spare; /* what the broken part of the flight limit has saved up, 1: one place more */
    int64_t spare_ms;
    bool rated;
    bool settled; /* pushback came at least once: slow start is over */
    double owed;  /* OK answers to wait for before a ceiling is crossed */
    double rtt_ms;
    struct pace_least rtt_least;
    int64_t cut_ms, grown_ms, ok_ms;
    int64_t pushed_ms;
    double regain;
    bool regrown;
    int chain;
    int pushed; /* pushbacks since the last OK */
    double good_flight;
    int peak, peak_before; /* most in flight in this round trip and the one before */
    int64_t peak_ms;
    int64_t hush_ms, hush_pause_ms; /* nothing but pushback: next send, and the pause after it; 0: not so */
};

struct pace_gate {
    int64_t held_ms;    /* Retry-After: nothing leaves before */
    bool patient;       /* it began within breaker.limit, and no request from behind it has ended yet */
    int failures;       /* in a row */
    int troubles;       /* failures and pushbacks since the last OK */
    int64_t trouble_ms; /* of the first of them */
    bool closed;
    bool succeeded; /* an OK came since the gate last opened */
    bool probing;
    int64_t closed_ms, probe_ms, due_ms, pause_ms;
};

/* Rows claimed in the last PACE_BUDGET_SLOTS seconds, by the second. */
enum { PACE_BUDGET_SLOTS = 10 };
struct pace_budget {
    int64_t slot; /* number of the newest second */
    int firsts[PACE_BUDGET_SLOTS], retries[PACE_BUDGET_SLOTS], back[PACE_BUDGET_SLOTS];
};

struct pace {
    struct pace_options options;
    int64_t closed_ms; /* since when options.closed */
    struct pace_budget budget;
    uint64_t random;
    struct pace_bucket bucket;
    struct pace_window window;
    struct pace_limits limits;
    struct pace_gate gate;
};

/* libm's are not worth linking it. */
static inline double pace_min(double a, double b)
{
    return a < b ? a : b;
}

static inline double pace_max(double a, double b)
{
    return a > b ? a : b;
}

/* Of numbers from 0 to 2^53. */
static inline int64_t pace_round_up(double x)
{
    int64_t whole = (int64_t)x;

    return (double)whole < x ? whole + 1 : whole;
}

/* pace_delay.c: uniform in [0, 1) */
double pace_random(uint64_t *state);
int64_t pace_after(const struct pace *pace, int64_t retry_after_ms); /* what of it is obeyed */

/* pace_bucket.c. The _wait functions return the milliseconds until one request may leave, 0: now. */
void pace_bucket_set(struct pace_bucket *bucket, double rate, double burst, int64_t now_ms);
void pace_bucket_refill(struct pace_bucket *bucket, int64_t now_ms);
int64_t pace_bucket_wait(struct pace_bucket *bucket, int64_t now_ms);
int64_t pace_bucket_ahead(const struct pace_bucket *bucket, int64_t ahead_ms, int64_t now_ms);
int64_t pace_window_most(double rate);
int64_t pace_window_wait(struct pace_window *window, int64_t now_ms);
void pace_window_add(struct pace_window *window, int64_t now_ms);
void pace_window_move(struct pace_window *window, int64_t count, int64_t from_ms, int64_t now_ms);
int64_t pace_window_ahead(const struct pace_window *window, int64_t ahead_ms, int64_t now_ms);

/* pace_meter.c */
void pace_meter_add(struct pace_meter *meter, int64_t now_ms);
double pace_meter_rate(const struct pace_meter *meter, int64_t now_ms);   /* a second, since it began */
double pace_meter_second(const struct pace_meter *meter, int64_t now_ms); /* in the last second */
void pace_least_add(struct pace_least *least, double ms, int64_t now_ms);
double pace_least_ms(const struct pace_least *least); /* at least 1; 0: nothing measured yet */

/* pace_noise.c */
void pace_noise_ok(struct pace_limits *limits, int64_t now_ms);
bool pace_noise_absorbs(struct pace_limits *limits); /* one pushback */
bool pace_noise_found(struct pace_limits *limits,
                      int64_t now_ms); /* before a cut: it and others are in vain */

/* pace_limit.c */
void pace_limits_init(struct pace *pace, int64_t now_ms);
void pace_limits_fit(struct pace *pace, int64_t now_ms);
int64_t pace_limits_wait(struct pace *pace, int flying, int64_t now_ms);
void pace_limits_sent(struct pace *pace, int flying, int64_t now_ms);
void pace_limits_ok(struct pace *pace, int64_t started_ms, int64_t now_ms);
void pace_limits_pushback(struct pace *pace, int64_t started_ms, int64_t now_ms);

/* pace_budget.c */
void pace_budget_init(struct pace *pace, int64_t now_ms);

/* pace_gate.c */
void pace_gate_init(struct pace *pace, int64_t now_ms);
int64_t pace_gate_wait(struct pace *pace, int flying, int64_t now_ms);
bool pace_gate_due(const struct pace *pace, int flying, int64_t now_ms); /* a probe may leave */
void pace_gate_sent(struct pace *pace, int64_t now_ms);
void pace_gate_skip(struct pace *pace, int64_t since_ms, int64_t now_ms); /* a time without sends of ours */
void pace_gate_hold(struct pace *pace, int64_t started_ms, int64_t retry_after_ms, int64_t now_ms);
void pace_gate_answer(struct pace *pace, enum pace_signal signal, int64_t started_ms, int64_t now_ms);

#endif
