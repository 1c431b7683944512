/* timetable: the limits of sending by local day and time, as `pace.timetable` writes them.
 *
 * Rules stand in a row, parted by ';', and the first that holds counts: `Mon-Fri 08:00-20:00 5/s; * 50/s`. A
 * rule is days (Mon ... Sun, a list `Mon,Wed`, a range `Fri-Mon` also over the week's end; `*` or nothing:
 * all), a span of time (`22:00-06:00` goes over midnight and belongs to the day on which it begins; nothing:
 * the whole day) and a rate; 0 is closed. Pure: the caller passes the minute of its local week, so a change
 * of the clocks is nothing but another minute. */
#ifndef RULE_TIMETABLE_H
#define RULE_TIMETABLE_H

#include "kit/buf.h"

enum { TIMETABLE_RULES = 64, TIMETABLE_DAY = 1440, TIMETABLE_WEEK = 7 * 1440 };

struct timetable_rule {
    unsigned days;  /* bit 0: Monday */
    int from, upto; /* minutes of the day; upto <= from: ends on the next day */
    double rate;    /* requests a second; 0: closed */
};

struct timetable {
    struct timetable_rule rule[TIMETABLE_RULES];
    size_t count; /* 0: there is none */
};

/* FAIL_USAGE names the place, counted in characters from 1. An empty text is a table without rules. */
int timetable_parse(struct span text, struct timetable *out, struct fail *fail) MUST_CHECK;

/* Whether a rule holds at this minute of the week (0: Monday 00:00), and its rate. */
bool timetable_rate(const struct timetable *timetable, int minute, double *rate);

/* The first minute of the week from `minute` on, that one included, that is not closed; -1: there is none. */
int timetable_opens(const struct timetable *timetable, int minute);

/* Seconds that so many requests take from this minute on, at `rate` where no rule holds; -1: it never opens.
 */
double timetable_seconds(const struct timetable *timetable, int minute, double rate, double requests);

#endif
