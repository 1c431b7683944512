/* timestamp: a moment in UTC as "2020-05-05T12:12:12.000Z".
 *
 * Taken: YYYY-MM-DD alone (midnight UTC), or with T or a blank and hh:mm[:ss[.fraction]], then nothing (UTC),
 * Z, or +hh:mm, +hhmm, +hh. The calendar is checked with its leap days; leap seconds and 24:00 are refused;
 * fractions are cut. Pure: the caller tells the time. */
#ifndef VALUE_TIMESTAMP_H
#define VALUE_TIMESTAMP_H

#include "kit/buf.h"

enum { TIMESTAMP_LEN = 24 };

enum timestamp_fault { TIMESTAMP_OK, TIMESTAMP_FORM, TIMESTAMP_CALENDAR, TIMESTAMP_CLOCK, TIMESTAMP_FUTURE };

/* Writes TIMESTAMP_LEN bytes to `out`, which may be text.ptr itself when it has the room. `now_ms` is wall
 * time since 1970 UTC; a moment after it is TIMESTAMP_FUTURE. */
enum timestamp_fault timestamp_normalise(struct span text, int64_t now_ms, char *out) MUST_CHECK;

/* The moment in milliseconds since 1970 UTC, further digits of a fraction cut; -1: the text is none. */
int timestamp_ms(struct span text, int64_t *out) MUST_CHECK;

#endif
