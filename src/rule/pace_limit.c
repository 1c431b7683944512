/* What the server takes is found by its pushback. The limit on requests in flight doubles a round trip until
 * the first pushback; from then on it grows by time, slowly after a cut and faster the longer nothing
 * happens, by at most one a round trip; the growth does not depend on the size of the limit, so that two
 * clients of one server come to equal shares. A pushback cuts the limit that was in use by a tenth, harder
 * when the last cut was a moment ago, and counts only for requests that left after the last cut.
 *
 * A rate limit of our own joins in when few requests in flight are already too many, or when for a while
 * nothing but pushback came: then the server counts requests a second. It starts at the measured rate of OK
 * answers.
 *
 * Every pushback is a debt of OK answers; until it is paid the place where pushback came is not passed again.
 * So fewer than one request in DEBT ends in pushback once the limits are found, whatever the server's size.
 */
#include "pace_impl.h"

enum {
    START = 16,  /* requests in flight at first */
    FEW = 10,    /* in flight: below it a cut is too coarse, and a rate of our own does better */
    DEBT = 250,  /* OK answers a pushback costs */
    DEBT_LEAST = 20, DEBT_S = 15,  /* the longest that debts delay */
    CHAIN_MS = 1000, CHAIN_MOST = 20,
    BARREN = 3,  /* pushbacks and no OK in several round trips: a quota is used up */
    HUSH_CAP_MS = 1000
};

static const double CUT_FIRST = 0.7, CUT = 0.9, CUT_AGAIN = 0.75;

void pace_limits_init(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    int most = pace->options.concurrency;

    *limits =
        (struct pace_limits){.cut_ms = now_ms - 1, .grown_ms = now_ms, .ok_ms = now_ms, .peak_ms = now_ms};
    limits->flight.used_ms = limits->rate.used_ms = INT64_MIN / 2;
    limits->meter.since_ms = -1;
    limits->flight.value = most < START ? most : START;
    limits->good_flight = limits->flight.value;
}

/* Brings what was learnt under new options. */
void pace_limits_fit(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;

    limits->flight.value = pace_min(limits->flight.value, pace->options.concurrency);
    limits->good_flight = pace_min(limits->good_flight, pace->options.concurrency);
    if (!pace->options.adaptive) {
        pace_limits_init(pace, now_ms);
        limits->flight.value = pace->options.concurrency;
    }
}

int pace_limit(const struct pace *pace)
{
    return pace->options.adaptive ? (int)pace->limits.flight.value : pace->options.concurrency;
}

static double round_ms(const struct pace_limits *limits)
{
    return limits->rtt_ms > 0 ? limits->rtt_ms : 20;
}

int64_t pace_limits_wait(struct pace *pace, int flying, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    int64_t wait_ms;

    if (flying >= pace_limit(pace)) {
        limits->blocker = &limits->flight;
        return INT64_MAX;
    }
    if (limits->hush_ms > now_ms)
        return limits->hush_ms - now_ms;
    if (!limits->rated)
        return 0;
    wait_ms = pace_bucket_wait(&limits->bucket, now_ms);
    if (wait_ms > 0)
        limits->blocker = &limits->rate;
    return wait_ms;
}

void pace_limits_sent(struct pace *pace, int flying, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;

    if (limits->rated)
        limits->bucket.tokens -= 1;
    if (limits->hush_pause_ms > 0)
        limits->hush_ms = now_ms + limits->hush_pause_ms;
    if ((double)(now_ms - limits->peak_ms) > round_ms(limits)) {
        limits->peak_before = limits->peak;
        limits->peak = 0;
        limits->peak_ms = now_ms;
    }
    if (flying + 1 > limits->peak)
        limits->peak = flying + 1;
    if (limits->blocker)
        limits->blocker->used_ms = now_ms;
    limits->blocker = flying + 1 >= pace_limit(pace) ? &limits->flight : NULL;
}

static bool lately(const struct pace_limits *limits, int64_t then_ms, int64_t now_ms)
{
    return (double)(now_ms - then_ms) <= 2 * round_ms(limits) + 10;
}

static void set_rate(struct pace *pace, double rate, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;

    limits->rate.value = pace_max(rate, 0.1);
    limits->rated = true;
    /* 5 ms of requests at once: a loop that wakes by the millisecond could not hold high rates otherwise. */
    pace_bucket_set(&limits->bucket, limits->rate.value, pace_max(1, limits->rate.value / 200), now_ms);
}

/* `unit`: what one request in flight more means for this limit. */
static void grow(const struct pace_limits *limits, struct pace_climb *climb, double unit, double passed_s)
{
    double most = 1 + 0.2 * climb->value;
    double speed = pace_min(0.5 * unit * (1 + climb->age_s * climb->age_s), most);
    double next = climb->value + speed * passed_s;

    if (climb->value < climb->ceiling && next >= climb->ceiling) {
        if (limits->owed > 0)
            return;
        climb->age_s = pace_min(climb->age_s, 0.5);
    }
    climb->value = next;
    climb->age_s += passed_s;
}

static void grow_flight(struct pace *pace, double passed_s, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *flight = &limits->flight;

    if (!lately(limits, flight->used_ms, now_ms))
        return;
    if (!limits->settled) {
        flight->value += 1; /* every answer one more: doubles in a round trip */
    } else {
        double before = flight->value;

        limits->regrown = true;
        if (before < limits->regain) {
            flight->value = pace_min(before + 0.25, limits->regain);
        } else {
            grow(limits, flight, 1, passed_s);
            flight->value = pace_min(flight->value, before + 1 / before);
        }
    }
    flight->value = pace_min(flight->value, pace->options.concurrency);
}

void pace_limits_ok(struct pace *pace, int64_t started_ms, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    double rtt_ms = (double)(now_ms - started_ms);
    double passed_s = pace_min((double)(now_ms - limits->grown_ms), 100) / 1000;

    pace_meter_add(&limits->meter, now_ms);
    limits->rtt_ms = limits->rtt_ms > 0 ? limits->rtt_ms + (rtt_ms - limits->rtt_ms) / 8 : rtt_ms;
    limits->grown_ms = limits->ok_ms = now_ms;
    limits->pushed = 0;
    limits->hush_ms = limits->hush_pause_ms = 0;
    limits->owed = pace_max(limits->owed - 1, 0);
    if (!pace->options.adaptive)
        return;
    if (pace->gate.closed)
        limits->flight.value = pace_max(limits->flight.value, limits->good_flight);
    if (started_ms > limits->cut_ms)
        grow_flight(pace, passed_s, now_ms);
    limits->good_flight = limits->flight.value;
    if (started_ms > limits->cut_ms && limits->rated && lately(limits, limits->rate.used_ms, now_ms)) {
        grow(limits, &limits->rate, 1000 / round_ms(limits), passed_s);
        set_rate(pace, limits->rate.value, now_ms);
    }
}

static int peak(const struct pace_limits *limits)
{
    return limits->peak > limits->peak_before ? limits->peak : limits->peak_before;
}

static void cut_flight(struct pace *pace, double share, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *flight = &limits->flight;
    int most = peak(limits);
    double base = (int)flight->value > most && most > 0 ? most : flight->value;

    if (base < FEW) {
        double rate = pace_meter_rate(&limits->meter, now_ms);

        if (rate > 0 && (!limits->rated || rate < limits->rate.value))
            set_rate(pace, rate, now_ms);
    }
    if (limits->regrown) {
        double served = round_ms(limits) * pace_meter_second(&limits->meter, now_ms) / 1000;

        limits->regain = 0.9 * pace_min(base, served);
        limits->regrown = false;
    }
    flight->ceiling = pace_max((double)(int64_t)base, limits->regain);
    flight->value = pace_max(1, pace_min(base * share, base - 1));
    flight->age_s = 0;
}

static void cut_rate(struct pace *pace, double share, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *rate = &limits->rate;
    double least = pace_min(rate->value, 0.9 * pace_meter_second(&limits->meter, now_ms));

    if (rate->age_s > 0)
        rate->ceiling = 0.98 * rate->value;
    rate->age_s = 0;
    set_rate(pace, pace_max(rate->value * share, least), now_ms);
}

/* Nothing but pushback: what came in the last second is what the server takes in one. */
static void hush(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    double rate = pace_meter_second(&limits->meter, now_ms);

    if (limits->hush_pause_ms == 0) {
        if (rate > 0 && (!limits->rated || rate < limits->rate.value))
            set_rate(pace, rate, now_ms);
        limits->flight.value = pace_max(limits->flight.value, limits->good_flight * CUT_FIRST);
        limits->hush_pause_ms = (int64_t)pace_max(10, round_ms(limits));
    } else {
        limits->hush_pause_ms *= 2;
    }
    if (limits->hush_pause_ms > HUSH_CAP_MS)
        limits->hush_pause_ms = HUSH_CAP_MS;
    limits->hush_ms = now_ms + limits->hush_pause_ms;
}

static void owe(struct pace_limits *limits, int64_t now_ms)
{
    double most = pace_max(DEBT_LEAST, DEBT_S * pace_meter_second(&limits->meter, now_ms));

    if (now_ms - limits->pushed_ms > CHAIN_MS)
        limits->chain = 0;
    limits->pushed_ms = now_ms;
    if (limits->settled && limits->chain++ < CHAIN_MOST)
        limits->owed = pace_min(limits->owed + DEBT, most);
    else if (!limits->settled)
        limits->chain = CHAIN_MOST;
}

void pace_limits_pushback(struct pace *pace, int64_t started_ms, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    double share = (double)(now_ms - limits->cut_ms) < 4 * round_ms(limits) ? CUT_AGAIN : CUT;
    bool by_rate = limits->rated && lately(limits, limits->rate.used_ms, now_ms);
    bool by_flight = lately(limits, limits->flight.used_ms, now_ms);

    owe(limits, now_ms);
    limits->pushed++;
    if (!pace->options.adaptive || started_ms <= limits->cut_ms)
        return;
    limits->cut_ms = now_ms;
    if (limits->pushed >= BARREN && (double)(now_ms - limits->ok_ms) > 3 * round_ms(limits) + 20) {
        hush(pace, now_ms);
        limits->settled = true;
        return;
    }
    if (!limits->settled)
        share = CUT_FIRST;
    limits->settled = true;
    if (by_rate && (!by_flight || limits->flight.value < 2))
        cut_rate(pace, share, now_ms);
    else
        cut_flight(pace, share, now_ms);
}
