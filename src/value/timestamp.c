/* A small reader over the text, then minutes since 1970 by kit/clock; an offset moves the date by at most one
 * day, which is carried through the calendar by hand, so that years before 1970 need no special care. */
#include "value/timestamp.h"

#include "kit/clock.h"

#include <string.h>

enum { MINUTES_A_DAY = 1440 };

struct moment {
    unsigned year, month, day, hour, minute, second, millisecond;
    int offset; /* minutes east of UTC */
};

/* Takes exactly `digits` digits off the front. */
static bool take_number(struct span *rest, size_t digits, unsigned *out)
{
    unsigned value = 0;

    if (rest->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(rest->ptr[i] - '0');
    }
    rest->ptr += digits;
    rest->len -= digits;
    *out = value;
    return true;
}

/* Takes one character out of `set` off the front. */
static bool take_one(struct span *rest, const char *set)
{
    if (rest->len == 0 || rest->ptr[0] == '\0' || !strchr(set, rest->ptr[0]))
        return false;
    rest->ptr++;
    rest->len--;
    return true;
}

static bool take_fraction(struct span *rest, unsigned *millisecond)
{
    unsigned digit, unit = 100;

    if (!take_one(rest, ".,"))
        return true;
    if (rest->len == 0 || rest->ptr[0] < '0' || rest->ptr[0] > '9')
        return false;
    for (; take_number(rest, 1, &digit); unit /= 10)
        *millisecond += digit * unit;
    return true;
}

static bool take_zone(struct span *rest, int *offset)
{
    unsigned hours, minutes = 0;
    bool west;

    (void)take_one(rest, " ");
    if (rest->len == 0 || take_one(rest, "Zz"))
        return rest->len == 0;
    west = rest->ptr[0] == '-';
    if (!take_one(rest, "+-") || !take_number(rest, 2, &hours))
        return false;
    if (rest->len > 0) {
        (void)take_one(rest, ":");
        if (!take_number(rest, 2, &minutes) || rest->len > 0)
            return false;
    }
    if (hours > 23 || minutes > 59)
        return false;
    *offset = (int)(hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

static bool read_moment(struct span rest, struct moment *moment)
{
    if (!take_number(&rest, 4, &moment->year) || !take_one(&rest, "-") ||
        !take_number(&rest, 2, &moment->month) || !take_one(&rest, "-") ||
        !take_number(&rest, 2, &moment->day))
        return false;
    if (rest.len == 0)
        return true;
    if (!take_one(&rest, "Tt ") || !take_number(&rest, 2, &moment->hour) || !take_one(&rest, ":") ||
        !take_number(&rest, 2, &moment->minute))
        return false;
    if (take_one(&rest, ":") &&
        (!take_number(&rest, 2, &moment->second) || !take_fraction(&rest, &moment->millisecond)))
        return false;
    return take_zone(&rest, &moment->offset);
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned char DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return DAYS[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static void day_back(struct moment *moment)
{
    if (--moment->day > 0)
        return;
    if (--moment->month == 0) {
        moment->month = 12;
        moment->year--;
    }
    moment->day = month_days(moment->year, moment->month);
}

static void day_on(struct moment *moment)
{
    if (++moment->day <= month_days(moment->year, moment->month))
        return;
    moment->day = 1;
    if (++moment->month > 12) {
        moment->month = 1;
        moment->year++;
    }
}

static void to_utc(struct moment *moment)
{
    int minutes = (int)(moment->hour * 60 + moment->minute) - moment->offset;

    if (minutes < 0) {
        minutes += MINUTES_A_DAY;
        day_back(moment);
    } else if (minutes >= MINUTES_A_DAY) {
        minutes -= MINUTES_A_DAY;
        day_on(moment);
    }
    moment->hour = (unsigned)minutes / 60;
    moment->minute = (unsigned)minutes % 60;
}

static void put(char *out, unsigned value, size_t digits)
{
    while (digits-- > 0) {
        out[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void write_moment(const struct moment *moment, char *out)
{
    memcpy(out, "0000-00-00T00:00:00.000Z", TIMESTAMP_LEN);
    put(out, moment->year, 4);
    put(out + 5, moment->month, 2);
    put(out + 8, moment->day, 2);
    put(out + 11, moment->hour, 2);
    put(out + 14, moment->minute, 2);
    put(out + 17, moment->second, 2);
}

/* *out is in UTC. */
static enum timestamp_fault judge(struct span text, struct moment *out)
{
    struct moment moment = {0};

    if (!read_moment(text, &moment))
        return TIMESTAMP_FORM;
    if (moment.year < 1 || moment.month < 1 || moment.month > 12 || moment.day < 1 ||
        moment.day > month_days(moment.year, moment.month))
        return TIMESTAMP_CALENDAR;
    if (moment.hour > 23 || moment.minute > 59 || moment.second > 59)
        return TIMESTAMP_CLOCK;
    to_utc(&moment);
    if (moment.year < 1 || moment.year > 9999)
        return TIMESTAMP_CALENDAR;
    *out = moment;
    return TIMESTAMP_OK;
}

static int64_t seconds_of(const struct moment *moment)
{
    return clock_days(moment->year, moment->month, moment->day) * 86400 + moment->hour * 3600 +
           moment->minute * 60 + moment->second;
}

enum timestamp_fault timestamp_normalise(struct span text, int64_t now_ms, char *out)
{
    struct moment moment;
    enum timestamp_fault fault = judge(text, &moment);

    if (fault != TIMESTAMP_OK)
        return fault;
    if (seconds_of(&moment) * 1000 > now_ms)
        return TIMESTAMP_FUTURE;
    write_moment(&moment, out);
    return TIMESTAMP_OK;
}

int timestamp_ms(struct span text, int64_t *out)
{
    struct moment moment;

    if (judge(text, &moment) != TIMESTAMP_OK)
        return -1;
    *out = seconds_of(&moment) * 1000 + moment.millisecond;
    return 0;
}
