/* limits: how many enrol requests the API takes at once and in any second. */
#ifndef SANDBOX_LIMITS_H
#define SANDBOX_LIMITS_H

#include "kit/buf.h"

struct limits {
    int64_t max_in_flight; /* 0: no limit */
    int64_t max_rate;      /* a second; 0: no limit */
    int64_t in_flight;
    int64_t *admitted_us; /* a ring of the last max_rate admissions */
    int64_t next;
};

void limits_init(struct limits *limits, int64_t max_in_flight, int64_t max_rate);
void limits_free(struct limits *limits);
/* A request arrives: NULL when it is within the limits, else the name of the one it is over. It is in flight
 * until limits_leave in either case. */
const char *limits_enter(struct limits *limits, int64_t now_us);
void limits_leave(struct limits *limits);

#endif
