/* Calendar arithmetic is done here by the civil-from-days method, in era-sized steps of 400 years, so that
 * formatting depends neither on TZ nor on the locale. */
#include "kit/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

int64_t clock_mono_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        assert(!"CLOCK_MONOTONIC is there on every Linux");
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        assert(!"CLOCK_REALTIME is there on every Linux");
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_week_minute(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (!localtime_r(&seconds, &tm))
        assert(!"the year of a clock fits into an int");
    return ((tm.tm_wday + 6) % 7 * 24 + tm.tm_hour) * 60 + tm.tm_min; /* tm_wday 0 is Sunday */
}

int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year; /* years begin in March: the leap day comes last */
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned year_of_era = (unsigned)(y - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + (int64_t)day_of_era - 719468;
}

char *clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    int64_t days = wall_ms / 86400000, ms = wall_ms % 86400000;
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    unsigned day_of_era = (unsigned)(z - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned mp = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * mp + 2) / 5 + 1;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)(era * 400) + year_of_era + (month <= 2);
    int len;

    assert(wall_ms >= 0 && year <= 9999);
    len = snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000, month % 100,
                   day % 100, (unsigned)(ms / 3600000) % 100, (unsigned)(ms / 60000 % 60),
                   (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    assert(len == CLOCK_TEXT_SIZE - 1);
    return out;
}
