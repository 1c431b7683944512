#include "timers.h"

#include <stdlib.h>

void timers_free(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

void timers_insert(struct timers *timers, int64_t due_us, void *thing)
{
    size_t at = timers->count++;

    if (timers->count > timers->size) {
        timers->size = timers->size ? timers->size * 2 : 256;
        timers->heap = mem_grow(timers->heap, timers->size, sizeof(*timers->heap));
    }
    for (; at > 0 && timers->heap[(at - 1) / 2].due_us > due_us; at = (at - 1) / 2)
        timers->heap[at] = timers->heap[(at - 1) / 2];
    timers->heap[at] = (struct timer){due_us, thing};
}

void *timers_take(struct timers *timers, int64_t now_us)
{
    struct timer last;
    void *thing;
    size_t at = 0;

    if (timers->count == 0 || timers->heap[0].due_us > now_us)
        return NULL;
    thing = timers->heap[0].thing;
    last = timers->heap[--timers->count];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < timers->count && timers->heap[child + 1].due_us < timers->heap[child].due_us)
            child++;
        if (child >= timers->count || timers->heap[child].due_us >= last.due_us)
            break;
        timers->heap[at] = timers->heap[child];
        at = child;
    }
    timers->heap[at] = last;
    return thing;
}

int64_t timers_due_us(const struct timers *timers, int64_t now_us)
{
    if (timers->count == 0)
        return -1;
    return timers->heap[0].due_us > now_us ? timers->heap[0].due_us - now_us : 0;
}
