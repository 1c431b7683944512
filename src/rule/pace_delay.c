/* Delays of single rows, and the source of randomness: SplitMix64, whose whole state is one number and which
 * is good enough to spread retries. */
#include "pace_impl.h"

#include "value/httpdate.h"

#include <assert.h>

#define DAY_MS INT64_C(86400000)

double pace_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

int64_t pace_after(const struct pace *pace, int64_t retry_after_ms)
{
    int64_t cap_ms = pace->options.after_cap_ms > 0 ? pace->options.after_cap_ms : DAY_MS;

    return retry_after_ms < cap_ms ? retry_after_ms : cap_ms;
}

int64_t pace_backoff(struct pace *pace, int attempt, int64_t retry_after_ms)
{
    int64_t cap_ms = pace->options.retry_cap_ms, upper_ms = pace->options.retry_base_ms;

    assert(attempt >= 1);
    for (int i = 1; i < attempt && upper_ms > 0 && upper_ms < cap_ms; i++)
        upper_ms = upper_ms > cap_ms / 2 ? cap_ms : upper_ms * 2;
    if (upper_ms > cap_ms)
        upper_ms = cap_ms;
    int64_t delay_ms = (int64_t)(pace_random(&pace->random) * (double)(upper_ms + 1));
    int64_t after_ms = pace_after(pace, retry_after_ms);
    return delay_ms < after_ms ? after_ms : delay_ms;
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return len > 0;
}

static int number(const char *text, size_t len)
{
    int value = 0;

    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

int64_t pace_retry_after(struct span value, int64_t wall_ms)
{
    int64_t wait_ms;

    value = span_trim(value);
    if (value.len > 0 && all_digits(value.ptr, value.len)) {
        while (value.len > 1 && value.ptr[0] == '0')
            value = (struct span){value.ptr + 1, value.len - 1};
        wait_ms = value.len > 6 ? DAY_MS : (int64_t)number(value.ptr, value.len) * 1000;
    } else {
        int64_t date_ms = httpdate_read(value);

        if (date_ms < 0)
            return -1;
        wait_ms = date_ms > wall_ms ? date_ms - wall_ms : 0;
    }
    return wait_ms < DAY_MS ? wait_ms : DAY_MS;
}
