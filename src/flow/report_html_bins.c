/* Minutes of answers, gathered into a bounded number of bins: a run of days has thousands of minutes, and a
 * ledger any number of runs. Minutes without an answer inside a run count as such: an outage is seen. */
#include "report_html_impl.h"

#include <assert.h>

/* Widths that people can read: minutes of a bin. */
static const int64_t WIDTHS[] = {1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10080, 43200};

static int64_t choose_width(int64_t minutes)
{
    size_t i = 0, last = sizeof WIDTHS / sizeof WIDTHS[0] - 1;

    while (i < last && minutes > WIDTHS[i] * CHART_BINS)
        i++;
    if (minutes <= WIDTHS[i] * CHART_BINS)
        return WIDTHS[i];
    return (minutes + CHART_BINS - 1) / CHART_BINS;
}

/* The runs with answers, oldest first, each with its bins. */
static void lay_out(struct chart *chart, const struct ledger_run *run, size_t runs)
{
    int64_t minutes = 0;

    for (size_t i = runs; i-- > 0;) {
        struct chart_part *part = &chart->part[chart->parts];
        if (run[i].last_minute < run[i].first_minute)
            continue;
        *part = (struct chart_part){.run = &run[i],
                                    .first_minute = run[i].first_minute,
                                    .minutes = run[i].last_minute - run[i].first_minute + 1};
        minutes += part->minutes;
        chart->parts++;
    }
    chart->minutes = choose_width(minutes);
    for (size_t i = 0; i < chart->parts; i++) {
        struct chart_part *part = &chart->part[i];
        part->bin = chart->bins;
        part->bins = (size_t)((part->minutes + chart->minutes - 1) / chart->minutes);
        chart->bins += part->bins;
        assert(chart->bins <= CHART_BINS_MOST);
        for (size_t b = 0; b < part->bins; b++) {
            int64_t before = (int64_t)b * chart->minutes, left = part->minutes - before;
            chart->bin[part->bin + b].first_minute = part->first_minute + before;
            chart->bin[part->bin + b].minutes = left < chart->minutes ? left : chart->minutes;
        }
    }
}

static void add_minute(struct chart *chart, const struct ledger_minute *minute)
{
    struct chart_bin *bin;
    size_t i = 0;

    while (i < chart->parts && chart->part[i].run->id != minute->run)
        i++;
    if (i == chart->parts || minute->minute < chart->part[i].first_minute ||
        minute->minute >= chart->part[i].first_minute + chart->part[i].minutes)
        return;
    bin = &chart->bin[chart->part[i].bin +
                      (size_t)((minute->minute - chart->part[i].first_minute) / chart->minutes)];
    bin->answers += minute->answers;
    bin->accepted += minute->accepted;
    bin->transient += minute->transient;
    bin->latency_us += minute->latency_us;
    if (minute->latency_max_us > bin->latency_max_us)
        bin->latency_max_us = minute->latency_max_us;
}

int html_chart_fill(struct chart *chart, struct ledger *ledger, const struct ledger_run *run, size_t runs,
                    struct fail *fail)
{
    struct ledger_minute minute;
    int rc;

    lay_out(chart, run, runs);
    if (chart->parts == 0)
        return 0;
    if (ledger_minutes_begin(ledger, run[runs - 1].id, fail) != 0)
        return -1;
    while ((rc = ledger_minutes_next(ledger, &minute, fail)) == 1)
        add_minute(chart, &minute);
    return rc;
}

static const struct chart_bin *slowest_of(const struct chart_bin *bin, size_t count)
{
    const struct chart_bin *slowest = bin;

    for (size_t i = 1; i < count; i++)
        if (bin[i].latency_max_us > slowest->latency_max_us)
            slowest = &bin[i];
    return slowest;
}

const struct chart_bin *html_slowest(const struct chart *chart)
{
    return slowest_of(chart->bin, chart->bins);
}

int64_t html_quantile(const struct chart *chart, const struct ledger_run *run, double share)
{
    int64_t us = report_quantile(run->latency, share), most = 0;

    for (size_t i = 0; i < chart->parts; i++)
        if (chart->part[i].run->id == run->id)
            most = slowest_of(&chart->bin[chart->part[i].bin], chart->part[i].bins)->latency_max_us;
    return most > 0 && us > most ? most : us;
}
