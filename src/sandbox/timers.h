/* timers: what is due when: a heap of (time, thing), for answers that wait out their latency. */
#ifndef SANDBOX_TIMERS_H
#define SANDBOX_TIMERS_H

#include "kit/buf.h"

struct timer {
    int64_t due_us;
    void *thing;
};

struct timers {
    struct timer *heap;
    size_t count, size;
};

void timers_free(struct timers *timers); /* a zeroed struct is an empty one */
void timers_insert(struct timers *timers, int64_t due_us, void *thing);
/* Takes one thing that is due: NULL when none is. */
void *timers_take(struct timers *timers, int64_t now_us);
/* Microseconds until the next one, -1: there is none. */
int64_t timers_due_us(const struct timers *timers, int64_t now_us);

#endif
