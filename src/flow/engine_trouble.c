/* What a host gives instead of success, so that a run which ends for it can say more than that it ended: who
 * failed, since when, how often, how the last time, and where to look. An outage may be any of: no
 * connection, silence, 5xx, nothing but 429; the words of the last failure tell them apart. */
#include "engine_impl.h"

#include "kit/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct trouble *next_failure(struct engine *engine, struct trouble *trouble, enum pace_signal signal)
{
    if (signal == PACE_OK) {
        trouble->count = 0;
        return NULL;
    }
    if (trouble->count++ == 0)
        trouble->since_ms = engine->wall_ms;
    return trouble;
}

void engine_trouble_api(struct engine *engine, enum pace_signal signal, const struct api_answer *answer,
                        const struct api_outcome *judged, const char *error)
{
    struct trouble *trouble = next_failure(engine, &engine->trouble, signal);

    if (!trouble)
        return;
    trouble->reached = answer->end == API_ANSWERED;
    if (trouble->reached)
        (void)snprintf(trouble->last, sizeof trouble->last, "HTTP %d%s%s", answer->status,
                       judged->message[0] ? ": " : "", judged->message);
    else
        (void)snprintf(trouble->last, sizeof trouble->last, "%s: %s", judged->code, error);
}

void engine_trouble_token(struct engine *engine, enum pace_signal signal, bool reached, const char *reason,
                          const char *error)
{
    struct trouble *trouble = next_failure(engine, &engine->token_trouble, signal);

    if (!trouble)
        return;
    trouble->reached = reached;
    (void)snprintf(trouble->last, sizeof trouble->last, "%s%s%s", reason, error[0] ? ": " : "", error);
}

/* "host.example:8443" of a base URL. */
static struct span host_of(const char *url)
{
    const char *slashes = strstr(url, "://"), *host = slashes ? slashes + 3 : url;

    return (struct span){host, strcspn(host, "/")};
}

static void end_with(struct engine *engine, const struct trouble *trouble, const char *who, struct span host,
                     const char *remedy)
{
    char since[CLOCK_TEXT_SIZE];

    engine_end_with(engine, FAIL_REMOTE,
                    "no success for breaker.limit: %s: %.*s%s%" PRId64
                    " failure%s since %s, the last: %s; nothing is lost: %s, then run again",
                    who, (int)host.len, host.ptr, host.len > 0 ? ", " : "", trouble->count,
                    trouble->count == 1 ? "" : "s", clock_format(trouble->since_ms, since), trouble->last,
                    remedy);
}

static const char *remedy_of(const struct trouble *trouble)
{
    return trouble->reached ? "wait until the service is back (for hours: ask Pismo)"
                            : "look at network, name service, proxy and firewall";
}

void engine_trouble_end(struct engine *engine)
{
    const struct trouble *trouble = &engine->token_trouble;
    const char *url = mint_base_url(engine->handles.mint);

    if (pace_given_up(engine->pace, engine->now_ms))
        end_with(engine, &engine->trouble, "the server seems to be away", host_of(engine->options.base_url),
                 remedy_of(&engine->trouble));
    else if (pace_given_up(engine->token_pace, engine->now_ms))
        end_with(engine, trouble, url ? "the token host seems to be away" : "auth.command gives no token",
                 host_of(url ? url : ""), url ? remedy_of(trouble) : "try the command by hand");
}
