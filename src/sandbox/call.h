/* call: one HTTP request from its first header to the last byte of its answer.
 *
 * Reading: the body gathers. Then the API decides at once, and the call waits out its latency, suspended.
 * Then it takes effect, is journaled, and is answered in the way its fault wants. Every request is journaled
 * once. All calls run on the thread of the server's loop. */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

#include "enroll.h"
#include "journal.h"
#include "limits.h"
#include "passport.h"
#include "timers.h"

#include <microhttpd.h>

struct call;

/* What calls share. */
struct desk {
    struct enroll *enroll;
    struct passport *passport;
    struct journal journal;
    struct limits limits;
    struct timers timers; /* suspended calls */
    struct faults faults;
    struct rng fault_rng, latency_rng;
    int64_t latency_min_us, latency_max_us;
    int64_t stop_after;            /* answers left until the end; 0: no end */
    int hang_fd;                   /* epoll set of the sockets whose calls hang */
    struct MHD_Response *accepted; /* 202 without a body */
    struct call *live, *spare;     /* lists */
    bool closing;                  /* no call is served any more */
    bool stop;                     /* the last answer has left */
    bool failed;                   /* and why stands in fail */
    struct fail fail;
};

int desk_open(struct desk *desk, struct fail *fail) MUST_CHECK; /* what is not an option of the caller's */
void desk_close(struct desk *desk);
/* Wakes the calls that are due, and those whose client has closed. */
void desk_wake(struct desk *desk, int64_t now_us);
/* Lets no call wait any longer, so that the daemon can be stopped. */
void desk_abandon(struct desk *desk);

/* libmicrohttpd's callbacks; `cls` is the desk. */
enum MHD_Result call_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *upload, size_t *upload_size, void **call);
void call_completed(void *cls, struct MHD_Connection *connection, void **call,
                    enum MHD_RequestTerminationCode how);

#endif
