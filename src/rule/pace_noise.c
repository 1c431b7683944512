/* Some pushback does not depend on how much we send: another quota, a faulty node, a gateway that drops a
 * share of everything. To slow down for each would end at a standstill. It is noise when it comes again and
 * again while the limits stand still below the place where they were cut: a server that really takes less
 * than before pushes back a large share, and falls silent once the limit is right. Up to twice the share that
 * was found is let pass for a minute; more than that is pushback as ever. */
#include "pace_impl.h"

enum { QUIET = 2000, APART = 5, APART_LEAST = 16, LASTS_MS = 60000, SETTLING_MS = 300, FIRST_MS = 4000 };

static const double CREDIT_MOST = 10;
static const double SHARE_LEAST = 0.0045, SHARE_MOST = 0.25;

void pace_noise_ok(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;

    noise->ok++;
    if (++noise->quiet >= QUIET)
        noise->counting = false;
    if (now_ms >= noise->until_ms)
        noise->share = noise->credit = 0;
    noise->credit = pace_min(CREDIT_MOST, noise->credit + 2 * noise->share);
}

bool pace_noise_absorbs(struct pace_limits *limits)
{
    struct pace_noise *noise = &limits->noise;

    noise->pushed++;
    noise->apart += noise->quiet >= APART;
    noise->quiet = 0;
    if (noise->credit < 1)
        return false;
    noise->credit -= 1;
    return true;
}

static void start_counting(struct pace_limits *limits)
{
    struct pace_noise *noise = &limits->noise;

    noise->counting = true;
    noise->ok = noise->pushed = noise->apart = 0;
    noise->flight = limits->flight.value;
    noise->rate = limits->rated ? limits->rate.value : 0;
}

bool pace_noise_found(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;
    double share = noise->pushed / (double)(noise->ok + noise->pushed);

    if (limits->crossed || !limits->settled)
        noise->excess_ms = now_ms + (limits->settled ? 0 : FIRST_MS);
    if ((double)(now_ms - noise->excess_ms) < 4 * limits->rtt_ms + SETTLING_MS)
        return false;
    if (!noise->counting) {
        start_counting(limits);
        return false;
    }
    if (share > SHARE_MOST && noise->pushed >= APART_LEAST)
        noise->counting = false;
    if (!noise->counting || noise->apart < APART_LEAST)
        return false;
    noise->counting = false;
    if (share < SHARE_LEAST)
        return false;
    noise->share = pace_max(noise->share, share);
    noise->until_ms = now_ms + LASTS_MS;
    noise->credit = CREDIT_MOST;
    return true;
}
