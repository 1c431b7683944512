#include "value/httpdate.h"

#include "kit/clock.h"

#include <string.h>

enum { DATE_LEN = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

#define DAY_MS INT64_C(86400000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
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

int64_t httpdate_read(struct span value)
{
    static const char form[] = "xxx, 00 xxx 0000 00:00:00 GMT";
    static const unsigned char month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = value.ptr;

    if (value.len != DATE_LEN)
        return -1;
    for (size_t i = 0; i < DATE_LEN; i++)
        if (form[i] == '0' ? !is_digit(at[i]) : form[i] != 'x' && form[i] != at[i])
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
