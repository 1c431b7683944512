/* answer: what goes back to the client, and how. */
#ifndef SANDBOX_ANSWER_H
#define SANDBOX_ANSWER_H

#include "kit/buf.h"
#include "faults.h"

enum answer_way {
    ANSWER_WHOLE,
    ANSWER_CLOSE,     /* whole, then the connection is closed */
    ANSWER_SLOW,      /* chunked, a byte at a time */
    ANSWER_TRUNCATED, /* fewer bytes than announced, then closed */
    ANSWER_RESET,     /* no answer: a TCP reset */
    ANSWER_HANG       /* no answer: silence until the client closes */
};

struct answer {
    int status;
    enum answer_way way;
    const char *type;        /* of the body; NULL: no body */
    const char *retry_after; /* NULL: none */
    struct buf body;
};

void answer_init(struct answer *answer);
void answer_reset(struct answer *answer);
void answer_free(struct answer *answer);

/* {"code":status,"message":message}, the form of the enrol API. */
void answer_error(struct answer *answer, int status, const char *message);
/* {"message":message}, the form of the passport API and of the gateway. */
void answer_message(struct answer *answer, int status, const char *message);
/* The answer a fault gives in place of the real one; false when the fault is not of that kind (it leaves the
 * answer alone, or it needs the request). */
bool answer_fault(struct answer *answer, enum fault fault, struct rng *rng);
/* How the fault changes the way of the real answer. */
enum answer_way answer_way_of(enum fault fault);
/* The status that reached the client: 0 for the ways without an answer. */
int answer_status(const struct answer *answer);

#endif
