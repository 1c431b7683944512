/* The operator's rate is held twice: a bucket gives the average and the spacing, and a window of counters by
 * the millisecond makes sure that no second ever holds more than the rate, which a full bucket that refills
 * while it is emptied would allow. When the window is what stops a request, the bucket waits with it, so that
 * sends go on evenly instead of once a second in a heap. */
#include "pace_impl.h"

#define TINY 1e-9 /* sums of refills fall short of whole tokens by rounding */

void pace_bucket_set(struct pace_bucket *bucket, double rate, double burst, int64_t now_ms)
{
    if (bucket->rate > 0) {
        pace_bucket_refill(bucket, now_ms);
    } else {
        bucket->tokens = burst;
        bucket->refill_ms = now_ms;
    }
    bucket->rate = rate;
    bucket->burst = pace_max(burst, 1);
    bucket->tokens = pace_min(bucket->tokens, bucket->burst);
}

static double tokens_at(const struct pace_bucket *bucket, int64_t at_ms)
{
    double gained = at_ms > bucket->refill_ms ? (double)(at_ms - bucket->refill_ms) * bucket->rate / 1000 : 0;

    return bucket->tokens + gained;
}

void pace_bucket_refill(struct pace_bucket *bucket, int64_t now_ms)
{
    if (now_ms <= bucket->refill_ms)
        return;
    bucket->tokens = pace_min(tokens_at(bucket, now_ms), bucket->burst);
    bucket->refill_ms = now_ms;
}

int64_t pace_bucket_wait(struct pace_bucket *bucket, int64_t now_ms)
{
    if (bucket->rate <= 0)
        return 0;
    pace_bucket_refill(bucket, now_ms);
    if (bucket->tokens >= 1 - TINY)
        return 0;
    return bucket->refill_ms - now_ms + pace_round_up((1 - TINY - bucket->tokens) * 1000 / bucket->rate);
}

int64_t pace_bucket_ahead(const struct pace_bucket *bucket, int64_t ahead_ms, int64_t now_ms)
{
    return bucket->rate > 0 ? (int64_t)(tokens_at(bucket, now_ms + ahead_ms) + TINY) : INT64_MAX;
}

/* A rate that is no whole number needs its last, partial request in some of the seconds. */
int64_t pace_window_most(double rate)
{
    int64_t whole = (int64_t)(rate + TINY);

    return (double)whole >= rate * 0.99 ? whole : whole + 1;
}

static void window_advance(struct pace_window *window, int64_t now_ms)
{
    if (now_ms - window->seen_ms >= PACE_WINDOW_MS) {
        for (size_t i = 0; i < PACE_WINDOW_MS; i++)
            window->sent[i] = 0;
        window->used = 0;
        window->seen_ms = now_ms;
    }
    while (window->seen_ms < now_ms) {
        uint32_t *slot = &window->sent[++window->seen_ms % PACE_WINDOW_MS];

        window->used -= *slot;
        *slot = 0;
    }
}

int64_t pace_window_wait(struct pace_window *window, int64_t now_ms)
{
    int64_t at_ms;

    window_advance(window, now_ms);
    if (window->most == 0 || window->used < window->most)
        return 0;
    int64_t over = window->used - window->most;
    for (at_ms = now_ms + 1; at_ms <= now_ms + PACE_WINDOW_MS; at_ms++) {
        over -= window->sent[at_ms % PACE_WINDOW_MS];
        if (over < 0)
            break;
    }
    return at_ms - now_ms;
}

void pace_window_add(struct pace_window *window, int64_t now_ms)
{
    window_advance(window, now_ms);
    window->sent[window->seen_ms % PACE_WINDOW_MS]++;
    window->used++;
}

void pace_window_move(struct pace_window *window, int64_t count, int64_t from_ms, int64_t now_ms)
{
    window_advance(window, now_ms);
    if (now_ms - from_ms < PACE_WINDOW_MS)
        window->sent[from_ms % PACE_WINDOW_MS] -= (uint32_t)count;
    else
        window->used += count; /* they are counted no more */
    window->sent[window->seen_ms % PACE_WINDOW_MS] += (uint32_t)count;
}

/* Free places of the window that ends `ahead_ms` from now. */
int64_t pace_window_ahead(const struct pace_window *window, int64_t ahead_ms, int64_t now_ms)
{
    int64_t used = 0;

    if (window->most == 0)
        return INT64_MAX;
    if (ahead_ms >= PACE_WINDOW_MS)
        return window->most * (ahead_ms / PACE_WINDOW_MS) + window->most;
    for (int64_t at = now_ms + ahead_ms - PACE_WINDOW_MS + 1; at <= window->seen_ms; at++)
        if (at > window->seen_ms - PACE_WINDOW_MS && at >= 0)
            used += window->sent[at % PACE_WINDOW_MS];
    return used < window->most ? window->most - used : 0;
}
