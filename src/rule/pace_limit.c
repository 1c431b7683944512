/* What the server takes is found by its pushback. The limit on requests in flight doubles a round trip until
 * the first pushback; from then on it grows with the time in use: slowly after a cut, faster the longer
 * nothing happens, by at most one a round trip, and alike for all sizes, so that clients of one server
 * approach equal shares. A pushback cuts the limit that was in use, harder when the last cut was a moment
 * ago, and counts only for requests that left after the last cut.
 *
 * A rate limit of our own joins in when a single request in flight is already too much, or when for a while
 * nothing but pushback came: then the server counts requests a second. It starts at the measured rate of OK
 * answers.
 *
 * Every pushback is a debt of OK answers; until it is paid the place where pushback came is not passed again.
 * So fewer than one request in a hundred ends in pushback once the limits are found, whatever the server's
 * size. A debt alone would favour the larger of two clients, who pays sooner: small rates pay by time, and
 * a small limit on requests in flight rests less than a large one. */
#include "pace_impl.h"

enum {
    START = 16,       /* requests in flight at first */
    DEBT = 120,       /* OK answers that a pushback costs ... */
    DEBT_RATED = 150, /* ... with a rate of our own, which learns late that it is too high ... */
    DEBT_ONE_S = 5,   /* ... or the answers of so many seconds, if they are fewer */
    DEBT_LEAST = 10,  /* debts of a slow server end at this, or at ... */
    DEBT_S = 15,      /* ... the answers of so many seconds */
    REST_MS = 8000,   /* most from a pushback to the next probe beyond it ... */
    PLACE_MS = 1000,  /* ... and so much for each request in flight that is allowed */
    CHAIN_MS = 1000,  /* pushbacks no further apart belong together ... */
    CHAIN_MOST = 20,  /* ... and so many of them are charged */
    BARREN = 3,       /* pushbacks, and no OK in several round trips: a quota is used up */
    HUSH_CAP_MS = 1000,
    RATE_GROWTH = 100,   /* a second, divided by the rate: requests a second that a rate grows by */
    RATE_AGE = 100,      /* square of the seconds after which it may grow twice as fast */
    PASSED_MOST_MS = 100 /* of growth at once: an idle time is no time in use */
};

/* In flight: when less is too many, only a rate of our own can be right. With 2 a client that another one
 * had squeezed would take the server's places for a rate, and stay small. */
static const double FEW = 1.5;
static const double CUT_FIRST = 0.7, CUT_AGAIN = 0.75; /* end of slow start; one cut right after another */
static const double CUT_FLIGHT = 0.93, CUT_RATE = 0.9; /* what remains after a single cut */
static const double CUT_LEAST = 0.5;                   /* requests in flight */
static const double LOOSE = 1.5;                       /* times what is served: no limit, such a rate */
static const double CEILING = 0.95, SERVED = 0.9;      /* shares of what was too much, of what was served */

void pace_limits_init(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    int most = pace->options.concurrency;

    *limits = (struct pace_limits){
        .cut_ms = now_ms - 1, .grown_ms = now_ms, .ok_ms = now_ms, .peak_ms = now_ms, .spare_ms = now_ms};
    limits->flight.used_ms = limits->rate.used_ms = INT64_MIN / 2;
    limits->meter.since_ms = -1;
    limits->rtt_least = (struct pace_least){-1, -1, now_ms};
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

/* The broken part of the limit is one place more for that share of the time: limits of 1 and 2 alone would
 * leave a server that takes 1.5 either half idle or pushing back. */
static int open_places(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    int whole = pace_limit(pace);
    double passed = (double)(now_ms - limits->spare_ms) / round_ms(limits);

    if (!pace->options.adaptive)
        return whole;
    limits->spare = pace_min(2, limits->spare + passed * (limits->flight.value - whole) * (whole + 1));
    limits->spare_ms = now_ms;
    return limits->spare >= 1 && whole < pace->options.concurrency ? whole + 1 : whole;
}

int64_t pace_limits_wait(struct pace *pace, int flying, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    int64_t wait_ms;

    if (flying >= open_places(pace, now_ms)) {
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
    if (flying >= pace_limit(pace))
        limits->spare = pace_max(0, limits->spare - 1);
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
    /* 10 ms of requests at once: a loop that wakes by the millisecond could not hold high rates otherwise. */
    pace_bucket_set(&limits->bucket, limits->rate.value, pace_max(1, limits->rate.value / 100), now_ms);
}

/* Who holds fewer places probes sooner, and finds those that the other has just been cut by. A rate tells too
 * late for that: all rest alike. */
static double rest_ms(const struct pace_limits *limits, const struct pace_climb *climb)
{
    return climb == &limits->rate ? REST_MS : pace_min(REST_MS, PLACE_MS * climb->value);
}

/* Crosses the ceiling only when all debts are paid and some rest was had, and slowly again. */
static void grow(struct pace_limits *limits, struct pace_climb *climb, double speed, double passed_s)
{
    double next = climb->value + speed * passed_s;

    if (climb->value < climb->ceiling && next >= climb->ceiling) {
        if (limits->owed > 0 || (double)(limits->grown_ms - limits->pushed_ms) < rest_ms(limits, climb))
            return;
        climb->age_s = pace_min(climb->age_s, 0.5);
    }
    climb->value = next;
    climb->age_s += passed_s;
}

static double pressure(const struct pace_climb *climb)
{
    return 1 + climb->age_s * climb->age_s;
}

static void grow_flight(struct pace *pace, double passed_s, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *flight = &limits->flight;
    double before = flight->value, speed = pressure(flight);

    if (!lately(limits, flight->used_ms, now_ms))
        return;
    limits->regrown = true;
    if (!limits->settled) {
        flight->value += 1; /* every answer one more: doubles in a round trip */
    } else if (before < limits->regain) {
        flight->value = pace_min(before + 0.25, limits->regain);
    } else {
        grow(limits, flight, before < 4 ? pace_min(speed, before / 2) : speed, passed_s);
        flight->value = pace_min(flight->value, before + 1 / before);
    }
    flight->value = pace_min(flight->value, pace->options.concurrency);
}

/* A small rate grows faster than a large one, which draws clients of one server together. Servers with a
 * store of tokens, or a quota a second, tell late that a rate is too high, so there is a most, which rises
 * when nothing happens for long: a client that was cut down while another one had all must find its way back.
 */
static void grow_rate(struct pace *pace, double passed_s, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *rate = &limits->rate;
    double most = rate->value < rate->ceiling ? 2 + 0.2 * rate->value : 1 + 0.04 * rate->value;

    if (!limits->rated || !lately(limits, rate->used_ms, now_ms))
        return;
    most *= 1 + rate->age_s * rate->age_s / RATE_AGE;
    grow(limits, rate, pace_min(pressure(rate) * RATE_GROWTH / rate->value, most), passed_s);
    set_rate(pace, rate->value, now_ms);
}

void pace_limits_ok(struct pace *pace, int64_t started_ms, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    double rtt_ms = (double)(now_ms - started_ms);
    double passed_s = pace_min((double)(now_ms - limits->grown_ms), PASSED_MOST_MS) / 1000;

    pace_meter_add(&limits->meter, now_ms);
    pace_least_add(&limits->rtt_least, rtt_ms, now_ms);
    limits->rtt_ms = limits->rtt_ms > 0 ? limits->rtt_ms + (rtt_ms - limits->rtt_ms) / 8 : rtt_ms;
    limits->grown_ms = limits->ok_ms = now_ms;
    limits->pushed = 0;
    limits->hush_ms = limits->hush_pause_ms = 0;
    limits->owed = pace_max(limits->owed - 1, 0);
    if (!pace->options.adaptive)
        return;
    pace_noise_ok(limits, now_ms);
    if (pace->gate.closed)
        limits->flight.value = pace_max(limits->flight.value, limits->good_flight);
    if (started_ms > limits->cut_ms) {
        grow_flight(pace, passed_s, now_ms);
        grow_rate(pace, passed_s, now_ms);
    }
    limits->good_flight = limits->flight.value;
}

static int peak(const struct pace_limits *limits)
{
    return limits->peak > limits->peak_before ? limits->peak : limits->peak_before;
}

/* Cuts of one pushback episode follow each other by the millisecond when pushback comes at once, and go too
 * deep; what was served before the first of them is regained fast. */
static void cut_flight(struct pace *pace, double share)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *flight = &limits->flight;
    int most = peak(limits);
    double base = (int)flight->value > most && most > 0 ? most : flight->value;

    if (limits->regrown) {
        double served = round_ms(limits) * pace_meter_second(&limits->meter, limits->cut_ms) / 1000;

        limits->regain = SERVED * pace_min(base, served);
        limits->regrown = false;
    }
    flight->ceiling = pace_max(pace_max(CEILING * base, limits->regain), 1.02);
    flight->value = pace_max(1, pace_min(share * base, base - CUT_LEAST));
    flight->age_s = 0;
}

/* Never below what the server takes: an episode of many cuts ends there. Where it was not the rate that held
 * requests back it is far too high, as after a first second that emptied a store of tokens: then it begins
 * anew at what is served. */
static void cut_rate(struct pace *pace, double share, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    struct pace_climb *rate = &limits->rate;
    double served = pace_meter_rate(&limits->meter, now_ms);
    double least = pace_min(rate->value, SERVED * pace_meter_second(&limits->meter, now_ms));
    bool idle = limits->flight.value < FEW && served > 0 && rate->value * share > LOOSE * served;

    if (idle)
        rate->value = served / share;
    if (idle || rate->age_s > 0)
        rate->ceiling = CEILING * rate->value;
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
    double second = pace_meter_second(&limits->meter, now_ms);
    double most = pace_max(DEBT_LEAST, DEBT_S * second);
    double one = pace_min(limits->rated ? DEBT_RATED : DEBT, pace_max(DEBT_LEAST, DEBT_ONE_S * second));

    if (now_ms - limits->pushed_ms > CHAIN_MS)
        limits->chain = 0;
    limits->pushed_ms = now_ms;
    if (limits->settled && limits->chain++ < CHAIN_MOST)
        limits->owed = pace_min(limits->owed + one, most);
    else if (!limits->settled)
        limits->chain = CHAIN_MOST;
}

/* The cuts of late were in vain, as it seems: back to what was served before them. */
static void forgive(struct pace *pace)
{
    struct pace_limits *limits = &pace->limits;
    double served = pace_max(limits->noise.best, limits->noise.best_before) * round_ms(limits) / 1000;

    limits->flight.value = pace_min(pace_max(limits->flight.value, served), pace->options.concurrency);
    limits->rated = false;
    limits->flight.ceiling = limits->rate.ceiling = 0;
    limits->owed = 0;
}

/* The limit that stopped requests lately takes the blame; below FEW in flight the rate does. */
static void cut(struct pace *pace, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;
    bool again = (double)(now_ms - limits->cut_ms) < 4 * round_ms(limits);
    bool by_flight = lately(limits, limits->flight.used_ms, now_ms);
    bool by_rate = limits->rated && lately(limits, limits->rate.used_ms, now_ms);
    double rate = pace_meter_rate(&limits->meter, now_ms);

    limits->cut_ms = now_ms;
    if (pace_noise_found(limits, now_ms)) {
        forgive(pace);
        return;
    }
    if (limits->flight.value < FEW && !limits->rated && rate > 0)
        set_rate(pace, rate, now_ms);
    else if (limits->rated && (limits->flight.value < FEW || (by_rate && !by_flight)))
        cut_rate(pace, again ? CUT_AGAIN : CUT_RATE, now_ms);
    if (by_rate && !by_flight)
        return;
    if (!limits->settled)
        cut_flight(pace, CUT_FIRST);
    else
        cut_flight(pace, again ? CUT_AGAIN : CUT_FLIGHT);
}

void pace_limits_pushback(struct pace *pace, int64_t started_ms, int64_t now_ms)
{
    struct pace_limits *limits = &pace->limits;

    bool passes = pace_noise_absorbs(limits);

    if (limits->noise.share == 0 || !passes)
        owe(limits, now_ms);
    limits->pushed++;
    if (!pace->options.adaptive || passes || started_ms <= limits->cut_ms)
        return;
    if (limits->pushed >= BARREN && (double)(now_ms - limits->ok_ms) > 3 * round_ms(limits) + 20) {
        limits->cut_ms = now_ms;
        hush(pace, now_ms);
    } else {
        cut(pace, now_ms);
    }
    limits->settled = true;
}
