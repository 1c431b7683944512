/* Some pushback does not depend on how much we send: another quota, a faulty node, a gateway that drops a
 * share of everything. To slow down for each would end at a standstill. It shows as pushbacks that come one
 * by one, more of them than our own probing causes, while the answers fall far below what was served before.
 * Then it is tried: the limits go back to where they were, and up to twice that share is let pass. If what is
 * served comes back as well it was noise, and stays so for a minute; if not, the server really takes less, or
 * shares itself with others, and the next trial is long in coming. */
#include "pace_impl.h"

enum {
    QUIET = 2000, /* OK answers in a row that end a count */
    APART = 5,    /* OK answers between pushbacks that come one by one */
    APART_LEAST = 16,
    TRIAL_MS = 2000,
    LASTS_MS = 60000,
    REST_MS = 20000, /* after a trial in vain, doubled at each further one */
    REST_CAP_MS = 600000,
    BEST_MS = 60000,
    LOOK_MS = 500
};

static const double CREDIT_MOST = 10;
static const double SHARE_LEAST = 0.007, SHARE_MOST = 0.25; /* about one in DEBT of pace_limit.c is ours */
static const double FALLEN = 0.3, CAME_BACK = 1.6; /* of what was served at best; when the trial began */

static void end_trial(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;

    noise->trial = false;
    if (pace_meter_second(&limits->meter, now_ms) > CAME_BACK * noise->served) {
        noise->until_ms = now_ms + LASTS_MS;
        noise->rest_ms = 0;
        return;
    }
    noise->share = noise->credit = 0;
    noise->rest_ms =
        (int64_t)pace_min(noise->rest_ms > 0 ? 2.0 * (double)noise->rest_ms : REST_MS, REST_CAP_MS);
    noise->next_ms = now_ms + noise->rest_ms;
}

/* The lesser of two looks: what a server had saved up and serves once is not what it takes. */
static void note_best(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;
    double served;

    if (now_ms - noise->look_ms < LOOK_MS)
        return;
    if (now_ms - noise->best_ms > BEST_MS) {
        noise->best_before = noise->best;
        noise->best = 0;
        noise->best_ms = now_ms;
    }
    served = pace_meter_second(&limits->meter, now_ms);
    noise->best = pace_max(noise->best, pace_min(served, noise->looked));
    noise->looked = served;
    noise->look_ms = now_ms;
}

void pace_noise_ok(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;
    note_best(limits, now_ms);
    noise->ok++;
    if (++noise->quiet >= QUIET)
        noise->counting = false;
    if (noise->trial && now_ms >= noise->until_ms)
        end_trial(limits, now_ms);
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

bool pace_noise_found(struct pace_limits *limits, int64_t now_ms)
{
    struct pace_noise *noise = &limits->noise;
    double share = noise->pushed / (double)(noise->ok + noise->pushed);

    if (!noise->counting) {
        noise->counting = true;
        noise->ok = noise->pushed = noise->apart = 0;
        return false;
    }
    if (share > SHARE_MOST && noise->pushed >= APART_LEAST)
        noise->counting = false;
    if (!noise->counting || noise->apart < APART_LEAST)
        return false;
    noise->served = pace_meter_second(&limits->meter, now_ms);
    if (share < SHARE_LEAST || now_ms < noise->next_ms) {
        noise->counting = false;
        return false;
    }
    if (noise->served > FALLEN * pace_max(noise->best, noise->best_before))
        return false;
    noise->counting = false;
    noise->trial = true;
    noise->share = pace_max(noise->share, share);
    noise->until_ms = now_ms + TRIAL_MS;
    noise->credit = CREDIT_MOST;
    return true;
}
