/* Some pushback does not depend on how much we send: another quota, a faulty node, a gateway that drops a
 * share of everything. To slow down for each would end at a standstill. So a small share of all answers is
 * let pass at any time. A greater share is noise when it goes on although the limits have fallen to a third:
 * a server that really takes less than before pushes back a large share, and falls silent once the limit is
 * right. Up to twice the share that was found is let pass for a minute; more than that is pushback as ever.
 */
#include "pace_impl.h"

enum { QUIET = 2000, PUSHED_LEAST = 4, LASTS_MS = 60000 };

static const double PASSING = 0.002, CREDIT_MOST = 1.9, CREDIT_NOISE = 10, SHARE_MOST = 0.2, FALLEN = 0.35;

static void start_anew(struct pace_limits *limits)
{
    limits->noise.fallen = false;
    limits->noise.flight = limits->flight.value;
    limits->noise.rate = limits->rated ? limits->rate.value : 0;
}

void pace_noise_ok(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;

    noise->ok++;
    noise->quiet++;
    if (now_ms >= noise->until_ms)
        noise->share = 0;
    if (noise->share > 0)
        noise->credit = pace_min(CREDIT_NOISE, noise->credit + 2 * noise->share);
    else
        noise->credit = pace_min(CREDIT_MOST, noise->credit + PASSING);
    if (noise->quiet >= QUIET)
        start_anew(limits);
    noise->flight = pace_max(noise->flight, limits->flight.value);
    if (limits->rated && noise->rate > 0)
        noise->rate = pace_max(noise->rate, limits->rate.value);
}

bool pace_noise_absorbs(struct pace_limits *limits)
{
    limits->noise.pushed++;
    limits->noise.quiet = 0;
    if (limits->noise.credit < 1)
        return false;
    limits->noise.credit -= 1;
    return true;
}

bool pace_noise_found(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;
    double share = noise->pushed / (double)(noise->ok + noise->pushed);

    if (limits->flight.value >= FALLEN * noise->flight &&
        (!limits->rated || limits->rate.value >= FALLEN * noise->rate))
        return false;
    if (!noise->fallen) {
        noise->fallen = true;
        noise->ok = noise->pushed = 0;
        return false;
    }
    if (noise->pushed < PUSHED_LEAST)
        return false;
    if (share > SHARE_MOST) {
        start_anew(limits);
        return false;
    }
    noise->fallen = false;
    noise->share = pace_max(noise->share, pace_max(share, PASSING));
    noise->until_ms = now_ms + LASTS_MS;
    noise->credit = CREDIT_NOISE;
    return true;
}
