/* Delays of single rows, and the source of randomness: SplitMix64, whose whole state is one number and which
 * is good enough to spread retries. */
#include "pace_impl.h"

#include "kit/clock.h"

#include <assert.h>
#include <string.h>

enum { DATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

#define DAY_MS INT64_C(86400000)

double pace_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
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
    return delay_ms < retry_after_ms ? retry_after_ms : delay_ms;
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

static int name_index(const char *names, const char *text)
{
    for (int i = 0; names[3 * i] != '\0'; i++)
        if (memcmp(names + (size_t)i * 3, text, 3) == 0)
            return i;
    return -1;
}

/* Whole milliseconds since 1970, or -1. The name of the day is not compared with the date: a server that gets
 * it wrong still means the date. */
static int64_t read_date(struct span value)
{
    static const char form[] = "xxx, 00 xxx 0000 00:00:00 GMT";
    static const unsigned char month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = value.ptr;

    if (value.len != DATE_LEN)
        return -1;
    for (size_t i = 0; i < DATE_LEN; i++)
        if (form[i] == '0' ? !all_digits(at + i, 1) : form[i] != 'x' && form[i] != at[i])
            return -1;
    int month = name_index("JanFebMarAprMayJunJulAugSepOctNovDec", at + 8);
    int day = number(at + 5, 2), year = number(at + 12, 4);
    int hour = number(at + 17, 2), minute = number(at + 20, 2), second = number(at + 23, 2);
    if (name_index("MonTueWedThuFriSatSun", at) < 0 || month < 0 || day < 1 || day > month_days[month])
        return -1;
    if (year < 1970 || hour > 23 || minute > 59 || second > 60)
        return -1;
    return clock_days(year, (unsigned)month + 1, (unsigned)day) * DAY_MS +
           (((int64_t)hour * 60 + minute) * 60 + second) * 1000;
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
        int64_t date_ms = read_date(value);

        if (date_ms < 0)
            return -1;
        wait_ms = date_ms > wall_ms ? date_ms - wall_ms : 0;
    }
    return wait_ms < DAY_MS ? wait_ms : DAY_MS;
}
