/* A sliding window: the request max_rate admissions ago must be a second old. Refused ones do not count. */
#include "limits.h"

#include <assert.h>
#include <stdlib.h>

enum { WINDOW_US = 1000000 };

void limits_init(struct limits *limits, int64_t max_in_flight, int64_t max_rate)
{
    *limits = (struct limits){.max_in_flight = max_in_flight, .max_rate = max_rate};
    if (max_rate == 0)
        return;
    limits->admitted_us = mem_array((size_t)max_rate, sizeof(*limits->admitted_us));
    for (int64_t i = 0; i < max_rate; i++)
        limits->admitted_us[i] = INT64_MIN / 2; /* long ago */
}

void limits_free(struct limits *limits)
{
    free(limits->admitted_us);
    limits->admitted_us = NULL;
}

const char *limits_enter(struct limits *limits, int64_t now_us)
{
    limits->in_flight++;
    if (limits->max_in_flight > 0 && limits->in_flight > limits->max_in_flight)
        return "in_flight";
    if (limits->max_rate == 0)
        return NULL;
    if (now_us - limits->admitted_us[limits->next] < WINDOW_US)
        return "rate";
    limits->admitted_us[limits->next] = now_us;
    limits->next = (limits->next + 1) % limits->max_rate;
    return NULL;
}

void limits_leave(struct limits *limits)
{
    assert(limits->in_flight > 0);
    limits->in_flight--;
}
