/* One request asks its way through the parts: first what forbids sending at all (gate), then the adaptive
 * limits, then the operator's rate. Tokens are taken only when all agree. The parts have files of their
 * own. */
#include "pace_impl.h"

#include <stdlib.h>

enum { AHEAD_MOST = 1000, CLAIM_GROWTH = 2, CLAIM_START = 20 /* a second */ };

static void apply(struct pace *pace, const struct pace_options *options, int64_t now_ms)
{
    double burst = options->burst > 1 ? options->burst : 1;

    if (pace->options.closed && !options->closed)
        pace_gate_skip(pace, pace->closed_ms, now_ms);
    else if (!pace->options.closed)
        pace->closed_ms = now_ms;
    pace->options = *options;
    if (pace->options.concurrency < 1)
        pace->options.concurrency = 1;
    pace_bucket_set(&pace->bucket, options->rate, burst, now_ms);
    pace->window.most = options->rate > 0 ? pace_window_most(options->rate) : 0;
}

void pace_open(struct pace **out, const struct pace_options *options, uint64_t random_seed, int64_t now_ms)
{
    struct pace *pace = mem_alloc(sizeof *pace);

    pace->random = random_seed;
    pace->window.seen_ms = now_ms;
    apply(pace, options, now_ms);
    pace_gate_init(pace, now_ms);
    pace_limits_init(pace, now_ms);
    pace_budget_init(pace, now_ms);
    *out = pace;
}

void pace_close(struct pace *pace)
{
    free(pace);
}

void pace_set(struct pace *pace, const struct pace_options *options, int64_t now_ms)
{
    apply(pace, options, now_ms);
    pace_limits_fit(pace, now_ms);
}

static int64_t rate_wait(struct pace *pace, int64_t now_ms)
{
    int64_t bucket_ms, window_ms;

    if (pace->options.rate <= 0)
        return 0;
    bucket_ms = pace_bucket_wait(&pace->bucket, now_ms);
    window_ms = pace_window_wait(&pace->window, now_ms);
    if (window_ms > 0 && window_ms >= bucket_ms) {
        pace->bucket.tokens = pace_max(1, pace_min(pace->bucket.tokens, pace->options.rate / 100));
        pace->bucket.refill_ms = now_ms + window_ms;
    }
    return window_ms > bucket_ms ? window_ms : bucket_ms;
}

int64_t pace_take(struct pace *pace, int flying, int64_t now_ms)
{
    int64_t wait_ms = pace->options.closed ? INT64_MAX : pace_gate_wait(pace, flying, now_ms);

    if (wait_ms > 0)
        return wait_ms;
    if (pace->gate.closed)
        wait_ms = flying < pace->options.concurrency ? 0 : INT64_MAX;
    else
        wait_ms = pace_limits_wait(pace, flying, now_ms);
    if (wait_ms == INT64_MAX)
        return wait_ms;
    int64_t rate_ms = rate_wait(pace, now_ms);
    if (wait_ms > 0 || rate_ms > 0)
        return wait_ms > rate_ms ? wait_ms : rate_ms;
    pace->bucket.tokens -= 1;
    pace_window_add(&pace->window, now_ms);
    pace_limits_sent(pace, flying, now_ms);
    pace_gate_sent(pace, now_ms);
    return 0;
}

void pace_late(struct pace *pace, int count, int64_t taken_ms, int64_t now_ms)
{
    if (count > 0 && now_ms > taken_ms)
        pace_window_move(&pace->window, count, taken_ms, now_ms);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The measured speed of answers, or what it would be if every place were taken again at once. The latter
 * counts where we ourselves were slow, as on a slow disk: claims by the measured speed alone would keep it
 * so. It is approached, not assumed: a claimed row that does not leave pays for a crash. */
static double answers_a_second(const struct pace *pace, int64_t now_ms)
{
    double measured = pace_meter_rate(&pace->limits.meter, now_ms);
    double rtt_ms = pace_least_ms(&pace->limits.rtt_least);
    double possible = rtt_ms > 0 ? pace_limit(pace) * 1000 / rtt_ms : 0;

    /* After a pause the measure can be far above what so many requests at once can bring. */
    return possible > 0 ? pace_min(possible, CLAIM_GROWTH * measured + CLAIM_START) : measured;
}

int pace_ahead(const struct pace *pace, int flying, int64_t ahead_ms, int64_t now_ms)
{
    const struct pace_limits *limits = &pace->limits;
    int free = pace_limit(pace) > flying ? pace_limit(pace) - flying : 0;
    int64_t most = AHEAD_MOST;

    if (pace->options.closed || pace_held(pace, now_ms) > 0)
        return 0;
    if (pace->gate.closed)
        return pace_gate_due(pace, flying, now_ms) && flying < pace->options.concurrency;
    if (limits->hush_pause_ms > 0)
        return free > 0 && limits->hush_ms <= now_ms + ahead_ms;
    most = least(most, free + pace_round_up(answers_a_second(pace, now_ms) * (double)ahead_ms / 1000));
    most = least(most, pace_bucket_ahead(&pace->bucket, ahead_ms, now_ms));
    most = least(most, pace_window_ahead(&pace->window, ahead_ms, now_ms));
    if (limits->rated)
        most = least(most, pace_bucket_ahead(&limits->bucket, ahead_ms, now_ms));
    return (int)most;
}

void pace_answer(struct pace *pace, enum pace_signal signal, int64_t started_ms, int64_t retry_after_ms,
                 int64_t now_ms)
{
    pace_gate_hold(pace, started_ms, pace_after(pace, retry_after_ms), now_ms);
    if (signal == PACE_OK)
        pace_limits_ok(pace, started_ms, now_ms);
    else if (signal == PACE_PUSHBACK)
        pace_limits_pushback(pace, started_ms, now_ms);
    pace_gate_answer(pace, signal, started_ms, now_ms);
}
