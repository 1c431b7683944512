/* The clock of virtual time; the calendar is libc's, so that it shares nothing with the real one. */
#include "fake.h"

#include "kit/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>

static int64_t now;
static int zone_minutes;

void fake_zone(int minutes_east)
{
    zone_minutes = minutes_east;
}

int64_t fake_now_ms(void)
{
    return now;
}

void fake_clock_set(int64_t now_ms)
{
    now = now_ms;
}

int64_t clock_mono_ms(void)
{
    return FAKE_MONO_MS + now;
}

int64_t clock_mono_us(void)
{
    return (FAKE_MONO_MS + now) * 1000;
}

int64_t clock_wall_ms(void)
{
    return FAKE_WALL_MS + now;
}

char *clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char text[32];

    assert_non_null(gmtime_r(&seconds, &tm));
    assert_int_equal(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm), CLOCK_TEXT_SIZE - 6);
    assert_int_equal(snprintf(out, CLOCK_TEXT_SIZE, "%.19s.%03dZ", text, (int)(wall_ms % 1000)),
                     CLOCK_TEXT_SIZE - 1);
    return out;
}

/* Local time is UTC and what fake_zone added: a change of the clocks is a change of that. */
int clock_week_minute(int64_t wall_ms)
{
    return (int)(((wall_ms / 60000 + zone_minutes) / 1440 + 3) % 7 * 1440 +
                 (wall_ms / 60000 + zone_minutes) % 1440);
}

int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
    struct tm tm = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};

    return timegm(&tm) / 86400;
}
