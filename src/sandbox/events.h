/* events: the outcome event of each accepted request, as JSON lines, with the disorders that delivery may
 * bring.
 *
 * drop: no event comes. duplicate: the same event twice. reorder: events leave in another order than they
 * were made (within a window of 32). failure: the outcome is a failure that leaves the customer on Click to
 * Pay without the card. refusal: a failure after which the customer is not there either. foreign: another
 * organisation's event comes along. unknown: an event of an unknown type comes along. unknown-status: the
 * outcome has a status that nobody knows. several: another event of the same request comes along: an older or
 * a newer failure, an interim status, or an operation that is none of enrolling. no-cid: the event does not
 * bring the request's correlation ID back.
 *
 * The truth is a file of its own, a line for each accepted request: what a reader of the events that were
 * written must find: enrolled, declined, or none. It is complete when the sandbox has ended. */
#ifndef SANDBOX_EVENTS_H
#define SANDBOX_EVENTS_H

#include "kit/uuid.h"
#include "lines.h"
#include "odds.h"

enum event_fault {
    EVENT_DROP,
    EVENT_DUPLICATE,
    EVENT_REORDER,
    EVENT_FAILURE,
    EVENT_FOREIGN,
    EVENT_UNKNOWN,
    EVENT_REFUSAL,
    EVENT_STATUS,
    EVENT_SEVERAL,
    EVENT_NO_CID,
    EVENT_FAULTS
};

enum { EVENTS_WINDOW = 32 };

struct event {
    struct span tenant, cid; /* cid.ptr NULL: the request had none; the event gets one */
    int64_t account, customer, card;
    const char *operation;
};

struct events {
    struct lines lines;
    struct lines truth;
    uint32_t chances[EVENT_FAULTS];
    struct rng rng;
    struct rng more; /* of the faults that came later: they must not change what others draw */
    struct uuid_seed ids;
    int64_t made; /* identifiers given out */
    struct buf line;
    struct buf window[EVENTS_WINDOW]; /* held back for reordering */
    int held;
};

int events_parse(struct span text, uint32_t chances[EVENT_FAULTS], struct fail *fail) MUST_CHECK;
/* `path` NULL: no events are written; `truth` NULL: no truth. */
int events_open(struct events *events, const char *path, const char *truth,
                const uint32_t chances[EVENT_FAULTS], uint64_t seed, struct fail *fail) MUST_CHECK;
int events_close(struct events *events, struct fail *fail) MUST_CHECK; /* writes what is held back */
/* *there: the customer is on Click to Pay now. */
int events_add(struct events *events, const struct event *event, int64_t now_ms, bool *there,
               struct fail *fail) MUST_CHECK;

#endif
