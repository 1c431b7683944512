/* clock: the only place that asks the machine for the time. Tests link a fake in its stead.
 *
 * Monotonic time serves every "how long"; wall time serves only what people or the ledger read. All in
 * milliseconds unless the name says otherwise. */
#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H

#include "kit/fail.h"

#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 25 }; /* "2026-01-31T23:59:59.000Z" and its terminator */

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970-01-01 UTC */

/* The minute of the week of local time (TZ, /etc/localtime): 0 is Monday 00:00, 10079 Sunday 23:59. */
int clock_week_minute(int64_t wall_ms);

/* RFC 3339 in UTC with milliseconds. Returns `out`. Years 1970 ... 9999. */
char *clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar; month 1 ... 12. */
int64_t clock_days(int64_t year, unsigned month, unsigned day);

#endif
