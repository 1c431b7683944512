/* Words are cut at blanks and told apart by their first character: a letter or `*` begins days; a digit
 * begins a span of time, which has a ':', or a rate. */
#include "rule/timetable.h"

#include "value/quantity.h"

#include <assert.h>
#include <math.h>

enum { DAYS = 7, ALL_DAYS = (1 << DAYS) - 1 };

static const double RATE_LEAST = 0.001, RATE_MOST = 100000; /* as those of pace.rate */

static const char *const day_names[DAYS] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

struct reading {
    const char *begin; /* of the whole text, for places */
    struct fail *fail;
};

static int wrong(const struct reading *reading, struct span word, const char *wanted)
{
    int len = word.len < 40 ? (int)word.len : 40;

    return fail_set(reading->fail, FAIL_USAGE, "character %d: '%.*s' is no %s",
                    (int)(word.ptr - reading->begin) + 1, len, word.ptr, wanted);
}

static int read_day(struct span text, int *out)
{
    for (int day = 0; day < DAYS; day++)
        if (span_is_nocase(text, day_names[day])) {
            *out = day;
            return 0;
        }
    return -1;
}

static int read_days(const struct reading *reading, struct span text, unsigned *out)
{
    struct span rest = text, part;
    unsigned days = 0;

    if (span_is(text, "*")) {
        *out = ALL_DAYS;
        return 0;
    }
    while (span_cut(&rest, ',', &part)) {
        struct span last = part, first;
        int from, upto;
        bool range = span_cut(&last, '-', &first) && last.ptr;

        if (read_day(first, &from) != 0 || read_day(range ? last : first, &upto) != 0)
            return wrong(reading, part, "day (Mon ... Sun) and no range of days such as Mon-Fri");
        for (int day = from;; day = (day + 1) % DAYS) {
            days |= 1U << day;
            if (day == upto)
                break;
        }
    }
    *out = days;
    return 0;
}

/* "08:00"; 24:00 is the end of the day. */
static int read_time(struct span text, int *out)
{
    int64_t hour, minute;

    if (text.len != 5 || text.ptr[2] != ':' || quantity_count((struct span){text.ptr, 2}, &hour) != 0 ||
        quantity_count((struct span){text.ptr + 3, 2}, &minute) != 0 || minute > 59)
        return -1;
    *out = (int)(hour * 60 + minute);
    return *out <= TIMETABLE_DAY ? 0 : -1;
}

static int read_times(const struct reading *reading, struct span text, struct timetable_rule *out)
{
    struct span upto = text, from;

    if (!span_cut(&upto, '-', &from) || !upto.ptr || read_time(from, &out->from) != 0 ||
        read_time(upto, &out->upto) != 0 || out->from == TIMETABLE_DAY || out->from == out->upto)
        return wrong(reading, text, "span of time such as 08:00-20:00");
    return 0;
}

static int read_rate(const struct reading *reading, struct span text, double *out)
{
    if (quantity_rate(text, out) != 0)
        return wrong(reading, text, "rate such as 5/s or 300/m, nor 0 for closed");
    if (*out != 0 && (*out < RATE_LEAST || *out > RATE_MOST))
        return wrong(reading, text, "rate within 0.001/s..100000/s, nor 0 for closed");
    return 0;
}

static bool next_word(struct span *rest, struct span *out)
{
    size_t len = 0;

    *rest = span_trim(*rest);
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    *out = (struct span){rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return len > 0;
}

static bool has(struct span text, char c)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == c)
            return true;
    return false;
}

static int read_rule(const struct reading *reading, struct span text, struct timetable_rule *out)
{
    struct span rest = text, word;
    bool more = next_word(&rest, &word);

    *out = (struct timetable_rule){.days = ALL_DAYS, .from = 0, .upto = TIMETABLE_DAY};
    if (more && (word.ptr[0] < '0' || word.ptr[0] > '9')) {
        if (read_days(reading, word, &out->days) != 0)
            return -1;
        more = next_word(&rest, &word);
    }
    if (more && has(word, ':')) {
        if (read_times(reading, word, out) != 0)
            return -1;
        more = next_word(&rest, &word);
    }
    if (!more)
        return wrong(reading, text, "rule: its rate is missing");
    if (read_rate(reading, word, &out->rate) != 0)
        return -1;
    if (next_word(&rest, &word))
        return wrong(reading, word, "part of a rule, which ends with its rate");
    return 0;
}

int timetable_parse(struct span text, struct timetable *out, struct fail *fail)
{
    struct reading reading = {text.ptr, fail};
    struct timetable table = {.count = 0};
    struct span rest = text, part;

    while (span_cut(&rest, ';', &part)) {
        part = span_trim(part);
        if (part.len == 0) /* behind a ';' at the end */
            continue;
        if (table.count == TIMETABLE_RULES)
            return fail_set(fail, FAIL_USAGE, "more than %d rules", TIMETABLE_RULES);
        if (read_rule(&reading, part, &table.rule[table.count++]) != 0)
            return -1;
    }
    *out = table;
    return 0;
}

static bool holds(const struct timetable_rule *rule, int minute)
{
    int day = minute / TIMETABLE_DAY, time = minute % TIMETABLE_DAY;
    bool today = rule->days >> day & 1, yesterday = rule->days >> (day + DAYS - 1) % DAYS & 1;

    if (rule->from < rule->upto)
        return today && time >= rule->from && time < rule->upto;
    return (today && time >= rule->from) || (yesterday && time < rule->upto);
}

bool timetable_rate(const struct timetable *timetable, int minute, double *rate)
{
    assert(minute >= 0 && minute < TIMETABLE_WEEK);
    for (size_t i = 0; i < timetable->count; i++)
        if (holds(&timetable->rule[i], minute)) {
            *rate = timetable->rule[i].rate;
            return true;
        }
    return false;
}

int timetable_opens(const struct timetable *timetable, int minute)
{
    for (int ahead = 0; ahead < TIMETABLE_WEEK; ahead++) {
        int at = (minute + ahead) % TIMETABLE_WEEK;
        double rate;
        if (!timetable_rate(timetable, at, &rate) || rate > 0)
            return at;
    }
    return -1;
}

/* Requests that this minute brings, be it of this week or a later one. */
static double minute_brings(const struct timetable *timetable, int minute, double rate)
{
    (void)timetable_rate(timetable, minute % TIMETABLE_WEEK, &rate);
    return rate * 60;
}

double timetable_seconds(const struct timetable *timetable, int minute, double rate, double requests)
{
    double week = 0, weeks;

    for (int i = 0; i < TIMETABLE_WEEK; i++)
        week += minute_brings(timetable, i, rate);
    if (week <= 0)
        return -1;
    weeks = floor(requests / week);
    requests -= weeks * week;
    for (int ahead = 0; ahead < TIMETABLE_WEEK; ahead++) {
        double brings = minute_brings(timetable, minute + ahead, rate);
        if (requests <= brings)
            return (weeks * TIMETABLE_WEEK + ahead + (brings > 0 ? requests / brings : 0)) * 60;
        requests -= brings;
    }
    return (weeks + 1) * TIMETABLE_WEEK * 60; /* what rounding left */
}
