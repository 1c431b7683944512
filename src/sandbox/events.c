/* Chance comes from the seed, identifiers do not: two runs of the same seed must not repeat an event_id, or
 * the second run's events would pass for duplicates. */
#include "events.h"

#include "kit/clock.h"
#include "kit/json.h"

#include <openssl/rand.h>

static const char *const fault_names[] = {"drop",    "duplicate", "reorder", "failure",
                                          "foreign", "unknown",   "refusal", "unknown-status",
                                          "several", "no-cid",    NULL};

static const char *const reasons[] = {"VIDC-2003 expired card", "VIDC-2006 not a Visa card",
                                      "VIDC-2007 instrument not supported",
                                      "VIDC-7000 tokenisation declined"};

static const char FOREIGN_TENANT[] = "TN-f0000000-0000-4000-8000-00000000000f"; /* invented */

enum { LINE_CAP = 4096 };

int events_parse(struct span text, uint32_t chances[EVENT_FAULTS], struct fail *fail)
{
    return odds_parse(text, fault_names, chances, fail);
}

int events_open(struct events *events, const char *path, const char *truth,
                const uint32_t chances[EVENT_FAULTS], uint64_t seed, struct fail *fail)
{
    for (int i = 0; i < EVENT_FAULTS; i++)
        events->chances[i] = chances[i];
    rng_init(&events->rng, seed, 'e');
    rng_init(&events->more, seed, 'm');
    events->truth.fd = -1;
    events->made = 0;
    events->held = 0;
    buf_init(&events->line, LINE_CAP);
    for (int i = 0; i < EVENTS_WINDOW; i++)
        buf_init(&events->window[i], LINE_CAP);
    if (RAND_bytes(events->ids.bytes, sizeof(events->ids.bytes)) != 1)
        return fail_set(fail, FAIL_INTERNAL, "no random bytes");
    if (truth && lines_open(&events->truth, truth, fail) != 0)
        return -1;
    return lines_open(&events->lines, path, fail);
}

/* Writes one of the held events and fills its place with the last one. */
static int release(struct events *events, int64_t now_ms, struct fail *fail)
{
    int chosen = (int)rng_below(&events->rng, (uint64_t)events->held);
    struct buf line = events->window[chosen];
    int rc = lines_add(&events->lines, buf_span(&line), now_ms, fail);

    buf_reset(&line);
    events->held--;
    events->window[chosen] = events->window[events->held];
    events->window[events->held] = line;
    return rc;
}

static int emit(struct events *events, int64_t now_ms, struct fail *fail)
{
    if (!odds_hit(events->chances[EVENT_REORDER], &events->rng))
        return lines_add(&events->lines, buf_span(&events->line), now_ms, fail);
    if (events->held == EVENTS_WINDOW && release(events, now_ms, fail) != 0)
        return -1;
    buf_reset(&events->window[events->held]);
    buf_add_span(&events->window[events->held], buf_span(&events->line));
    events->held++;
    return 0;
}

static void add_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_text(json, text);
}

static void add_id(struct json *json, const char *key, int64_t id)
{
    json_key(json, key);
    if (id > 0)
        json_int(json, id);
    else
        json_null(json);
}

/* What an event says. */
struct saying {
    const char *type, *operation; /* operation NULL: the request's */
    const char *status;
    bool failed; /* it has a reason */
    bool without_cid;
    int64_t shift_ms; /* of its time */
};

static const char *const odd_statuses[] = {"IN_PROGRESS", "QUEUED", "UNDER_REVIEW"};
static const char *const odd_operations[] = {"update-customer", "manage-card", "delete-card"};

static void write_data(struct events *events, const struct event *event, const struct saying *saying,
                       struct json *json)
{
    json_key(json, "data");
    json_object(json);
    add_id(json, "account_id", event->account);
    add_id(json, "customer_id", event->customer);
    add_id(json, "card_id", event->card);
    add_text(json, "operation", saying->operation ? saying->operation : event->operation);
    add_text(json, "status", saying->status);
    if (saying->failed)
        add_text(json, "reason", reasons[rng_below(&events->rng, sizeof(reasons) / sizeof(*reasons))]);
    json_end_object(json);
}

static void write_event(struct events *events, const struct event *event, const struct saying *saying)
{
    char id[UUID_TEXT_SIZE], time[CLOCK_TEXT_SIZE];
    struct json json;

    buf_reset(&events->line);
    json_init(&json, &events->line, false);
    json_object(&json);
    add_text(&json, "event_id", uuid_format(&events->ids, ++events->made, id));
    add_text(&json, "domain", "cards-tokenization");
    add_text(&json, "event_type", saying->type);
    json_key(&json, "schema_version");
    json_int(&json, 1);
    json_key(&json, "org_id");
    json_span(&json, event->tenant);
    json_key(&json, "cid");
    if (event->cid.ptr && !saying->without_cid)
        json_span(&json, event->cid);
    else
        json_text(&json, uuid_format(&events->ids, ++events->made, id));
    add_text(&json, "timestamp", clock_format(clock_wall_ms() + saying->shift_ms, time));
    write_data(events, event, saying, &json);
    json_end_object(&json);
}

/* What comes along with the event: somebody else's, or one of an unknown kind. */
static int add_company(struct events *events, const struct event *event, int64_t now_ms, struct fail *fail)
{
    struct event foreign = *event;
    struct saying saying = {.type = "click-to-pay-1", .status = "FAILURE", .failed = true};

    if (odds_hit(events->chances[EVENT_FOREIGN], &events->rng)) {
        foreign.tenant = span_of(FOREIGN_TENANT);
        write_event(events, &foreign, &saying);
        if (emit(events, now_ms, fail) != 0)
            return -1;
    }
    if (odds_hit(events->chances[EVENT_UNKNOWN], &events->rng)) {
        saying.type = "token-resync-1";
        write_event(events, event, &saying);
        return emit(events, now_ms, fail);
    }
    return 0;
}

/* Another event of the same request; *declines: it is a failure that counts. */
static int add_sibling(struct events *events, const struct event *event, int64_t now_ms, bool *declines,
                       struct fail *fail)
{
    struct saying saying = {.type = "click-to-pay-1", .status = "FAILURE"};

    *declines = false;
    if (!odds_hit(events->chances[EVENT_SEVERAL], &events->more))
        return 0;
    switch (rng_below(&events->more, 4)) {
    case 0:
        *declines = saying.failed = true;
        saying.shift_ms = -60000;
        break;
    case 1:
        *declines = saying.failed = true;
        saying.shift_ms = 60000;
        break;
    case 2:
        saying.status = odd_statuses[rng_below(&events->more, 3)];
        break;
    default:
        saying.operation = odd_operations[rng_below(&events->more, 3)];
        saying.status = rng_below(&events->more, 2) ? "SUCCESS" : "FAILURE";
        break;
    }
    write_event(events, event, &saying);
    return emit(events, now_ms, fail);
}

static int tell_truth(struct events *events, const struct event *event, const char *outcome, int64_t now_ms,
                      struct fail *fail)
{
    struct json json;

    if (events->truth.fd < 0)
        return 0;
    buf_reset(&events->line);
    json_init(&json, &events->line, false);
    json_object(&json);
    json_key(&json, "cid");
    if (event->cid.ptr)
        json_span(&json, event->cid);
    else
        json_null(&json);
    add_id(&json, "customer", event->customer);
    add_id(&json, "card", event->card);
    add_text(&json, "operation", event->operation);
    add_text(&json, "outcome", outcome);
    json_end_object(&json);
    return lines_add(&events->truth, buf_span(&events->line), now_ms, fail);
}

/* The event itself, once, twice or not at all; *written: it is there. */
static int add_outcome(struct events *events, const struct event *event, const struct saying *saying,
                       int64_t now_ms, bool *written, struct fail *fail)
{
    bool twice = odds_hit(events->chances[EVENT_DUPLICATE], &events->rng);

    write_event(events, event, saying);
    *written = !odds_hit(events->chances[EVENT_DROP], &events->rng);
    if (!*written)
        return 0;
    if (emit(events, now_ms, fail) != 0)
        return -1;
    return twice ? emit(events, now_ms, fail) : 0;
}

int events_add(struct events *events, const struct event *event, int64_t now_ms, bool *there,
               struct fail *fail)
{
    struct saying saying = {.type = "click-to-pay-1"};
    bool refused, odd, written, declines, enrolled;

    *there = true;
    if (events->lines.fd < 0)
        return 0;
    if (add_company(events, event, now_ms, fail) != 0 ||
        add_sibling(events, event, now_ms, &declines, fail) != 0)
        return -1;
    refused = odds_hit(events->chances[EVENT_REFUSAL], &events->more);
    odd = odds_hit(events->chances[EVENT_STATUS], &events->more);
    saying.without_cid = odds_hit(events->chances[EVENT_NO_CID], &events->more);
    saying.failed = odds_hit(events->chances[EVENT_FAILURE], &events->rng) || refused;
    *there = !refused;
    saying.status = odd ? odd_statuses[rng_below(&events->more, 3)] : saying.failed ? "FAILURE" : "SUCCESS";
    if (add_outcome(events, event, &saying, now_ms, &written, fail) != 0)
        return -1;
    enrolled = written && !odd && !saying.failed;
    declines = declines || (written && !odd && saying.failed);
    return tell_truth(events, event, enrolled ? "enrolled" : declines ? "declined" : "none", now_ms, fail);
}

int events_close(struct events *events, struct fail *fail)
{
    int rc = 0;

    while (events->held > 0 && rc == 0)
        rc = release(events, 0, fail);
    if (lines_close(&events->lines, fail) != 0)
        rc = -1;
    if (lines_close(&events->truth, fail) != 0)
        rc = -1;
    for (int i = 0; i < EVENTS_WINDOW; i++)
        buf_free(&events->window[i]);
    buf_free(&events->line);
    return rc;
}
