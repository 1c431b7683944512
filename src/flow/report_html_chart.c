/* Charts over time as inline SVG. The drawing is stretched to the page's width (preserveAspectRatio none);
 * text stands beside the stretched part at places in per cent, so that it keeps its size on a phone. */
#include "report_html_impl.h"

#include "kit/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
    WIDE = 3000, /* units of the drawing across */
    TALL = 180,  /* pixels of the plot */
    TOP = 14,    /* pixels above it, for the half of a label */
    BELOW = 36,  /* pixels under it, for two lines of labels */
    BAR_MOST = 240,
    LABEL_GAP = 24, /* per cent between labels of the time axis: room for them on a phone */
    Y_TICKS = 16
};

/* The vertical axis: what stands at the bottom and the top, and the lines between. */
struct scale {
    double low, high;
    bool log;
    double tick[Y_TICKS];
    size_t ticks;
};

static double place(const struct scale *scale, double value)
{
    double share = scale->log ? log10(value / scale->low) / log10(scale->high / scale->low)
                              : (value - scale->low) / (scale->high - scale->low);

    return TOP + TALL * (1 - share);
}

/* A round step for about four lines up to the highest value. */
static struct scale linear_scale(double highest)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    struct scale scale = {.low = 0};
    double power = 1, step = 1;

    while (power * 40 < highest)
        power *= 10;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        step = steps[i] * power;
        if (step * 4 >= highest && (step >= 5 || step == (double)(int64_t)step))
            break;
    }
    while (scale.ticks == 0 || scale.tick[scale.ticks - 1] < highest) {
        scale.tick[scale.ticks] = step * (double)scale.ticks;
        scale.ticks++;
    }
    scale.high = scale.tick[scale.ticks - 1];
    return scale;
}

/* Decades of microseconds, at least one; halves of a kind where there are few. */
static struct scale log_scale(double lowest, double highest)
{
    struct scale scale = {.log = true, .low = 1};
    double at;

    while (scale.low * 10 <= lowest)
        scale.low *= 10;
    scale.high = scale.low * 10;
    while (scale.high < highest)
        scale.high *= 10;
    at = scale.low;
    while (at <= scale.high * 1.01 && scale.ticks + 2 < Y_TICKS) {
        scale.tick[scale.ticks++] = at;
        if (scale.high / scale.low < 1000 && at * 2 < scale.high) {
            scale.tick[scale.ticks++] = at * 2;
            scale.tick[scale.ticks++] = at * 5;
        }
        at *= 10;
    }
    return scale;
}

static void add_y_axis(struct buf *out, const struct scale *scale)
{
    buf_addf(out, "<svg class=\"axis\" width=\"58\" height=\"%d\" aria-hidden=\"true\">", TOP + TALL + BELOW);
    for (size_t i = 0; i < scale->ticks; i++) {
        buf_addf(out, "<text x=\"52\" y=\"%.1f\" text-anchor=\"end\">", place(scale, scale->tick[i]) + 4);
        if (!scale->log)
            html_count(out, (int64_t)scale->tick[i]);
        else if (scale->tick[i] < 1e3)
            buf_addf(out, "%.1f ms", scale->tick[i] / 1e3);
        else if (scale->tick[i] < 1e6)
            buf_addf(out, "%.0f ms", scale->tick[i] / 1e3);
        else
            buf_addf(out, "%.0f s", scale->tick[i] / 1e6);
        buf_add_text(out, "</text>");
    }
    buf_add_text(out, "</svg>");
}

static void add_grid(struct buf *out, const struct scale *scale)
{
    for (size_t i = 0; i < scale->ticks; i++) {
        double y = floor(place(scale, scale->tick[i])) + 0.5;
        buf_addf(out, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>",
                 i == 0 ? "base" : "grid", y, y);
    }
}

/* ---- the time axis ---- */

struct time_axis {
    struct buf *out;
    const struct chart *chart;
    double last;  /* place of the last label, per cent; */
    int64_t day;  /* its day; both negative: none yet */
    int64_t step; /* minutes between labels inside a run */
};

static int64_t label_step(const struct chart *chart)
{
    static const int64_t steps[] = {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080};
    int64_t minutes = (int64_t)chart->bins * chart->minutes;
    size_t i = 0;

    while (i + 1 < sizeof steps / sizeof steps[0] && minutes > steps[i] * 5)
        i++;
    return steps[i];
}

static void add_time_label(struct time_axis *axis, const struct chart_part *part, int64_t minute)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    double bins = (double)part->bin + (double)(minute - part->first_minute) / (double)axis->chart->minutes;
    double x = 100 * bins / (double)axis->chart->bins;
    const char *anchor = x < 4 ? "start" : x > 92 ? "end" : "middle";
    char text[CLOCK_TEXT_SIZE];
    int64_t month;

    if (axis->last >= 0 && x - axis->last < LABEL_GAP)
        return;
    (void)clock_format(minute * 60000, text);
    month = (text[5] - '0') * 10 + text[6] - '0';
    buf_addf(axis->out, "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", x, x,
             TOP + TALL, TOP + TALL + 5);
    buf_addf(axis->out, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%.5s</text>", x, TOP + TALL + 18,
             anchor, text + 11);
    if (minute / 1440 != axis->day)
        buf_addf(axis->out, "<text x=\"%.2f%%\" y=\"%d\" text-anchor=\"%s\">%.2s %.3s</text>", x,
                 TOP + TALL + 32, anchor, text + 8, months + (month - 1) * 3);
    axis->last = x;
    axis->day = minute / 1440;
}

/* A label at each run's start and at round times inside, where there is room. */
static void add_x_axis(struct buf *out, const struct chart *chart)
{
    struct time_axis axis = {out, chart, -1, -1, label_step(chart)};

    for (size_t i = 0; i < chart->parts; i++) {
        const struct chart_part *part = &chart->part[i];
        double x = 100 * (double)part->bin / (double)chart->bins;
        int64_t minute = (part->first_minute / axis.step + 1) * axis.step;
        if (i > 0)
            buf_addf(out, "<line class=\"cut\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP,
                     TOP + TALL + 5);
        add_time_label(&axis, part, part->first_minute);
        for (; minute < part->first_minute + part->minutes; minute += axis.step)
            add_time_label(&axis, part, minute);
    }
}

static void open_plot(struct buf *out, const struct scale *scale, const char *label)
{
    buf_addf(out, "<div class=\"plot\" role=\"img\" aria-label=\"%s\">", label);
    add_y_axis(out, scale);
    buf_addf(out, "<svg width=\"100%%\" height=\"%d\" aria-hidden=\"true\">", TOP + TALL + BELOW);
    add_grid(out, scale);
    buf_addf(out,
             "<svg width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
             "overflow=\"visible\">",
             TOP + TALL, WIDE, TOP + TALL);
}

static void close_plot(struct buf *out, const struct chart *chart)
{
    buf_add_text(out, "</svg>");
    add_x_axis(out, chart);
    buf_add_text(out, "</svg></div>\n");
}

/* ---- throughput ---- */

enum series { TAKEN, OTHER, AGAIN, SERIES_COUNT };

static const struct {
    const char *class, *name;
} SERIES[SERIES_COUNT] = {[TAKEN] = {"t-taken", "taken"},
                          [OTHER] = {"t-other", "other final answers: already there, refused"},
                          [AGAIN] = {"t-again", "failed, to be tried again"}};

/* Answers a minute. */
static double rate_of(const struct chart_bin *bin, enum series series)
{
    int64_t other = bin->answers - bin->accepted - bin->transient;
    int64_t n = series == TAKEN ? bin->accepted : series == AGAIN ? bin->transient : other;

    return n > 0 ? (double)n / (double)bin->minutes : 0;
}

/* All bars of one series as one path, each on top of those before. */
static void add_bars(struct buf *out, const struct chart *chart, const struct scale *scale,
                     enum series series)
{
    double slot = (double)WIDE / (double)chart->bins;
    double width = chart->bins > 80 ? slot * 1.02 : slot * 0.86; /* gaps of less than a pixel would shimmer */

    if (width > BAR_MOST)
        width = BAR_MOST;
    buf_addf(out, "<path class=\"%s\" d=\"", SERIES[series].class);
    for (size_t i = 0; i < chart->bins; i++) {
        double low = 0, high = rate_of(&chart->bin[i], series), x = ((double)i + 0.5) * slot - width / 2;
        for (int below = 0; below < (int)series; below++)
            low += rate_of(&chart->bin[i], (enum series)below);
        if (high > 0)
            buf_addf(out, "M%.1f %.1fV%.1fH%.1fV%.1fz", x, place(scale, low), place(scale, low + high),
                     x + width, place(scale, low));
    }
    buf_add_text(out, "\"/>");
}

static const struct chart_bin *busiest(const struct chart *chart)
{
    const struct chart_bin *best = &chart->bin[0];

    for (size_t i = 1; i < chart->bins; i++)
        if ((double)chart->bin[i].answers / (double)chart->bin[i].minutes >
            (double)best->answers / (double)best->minutes)
            best = &chart->bin[i];
    return best;
}

static void add_key(struct buf *out, const char *class, const char *name)
{
    buf_addf(out,
             "<li><svg class=\"key\" width=\"18\" height=\"12\" aria-hidden=\"true\"><rect class=\"%s\" "
             "width=\"18\" height=\"12\"/></svg>%s</li>",
             class, name);
}

static void add_bar_width(struct page *page, const char *what)
{
    const struct chart *chart = &page->chart;

    buf_addf(page->out, "%s stands for ", what);
    if (chart->minutes % 60 != 0)
        html_counted(page->out, chart->minutes, "minute", "minutes");
    else
        html_counted(page->out, chart->minutes / 60, "hour", "hours");
    buf_add_text(page->out, ". ");
    if (chart->parts > 1)
        buf_add_text(page->out, "Dashed lines part the runs; the time between them is left out. ");
}

void html_throughput(struct page *page)
{
    const struct chart *chart = &page->chart;
    const struct chart_bin *best;
    struct buf *out = page->out;
    struct scale scale;
    double rate;

    if (chart->parts == 0)
        return;
    best = busiest(chart);
    rate = (double)best->answers / (double)best->minutes;
    scale = linear_scale(rate > 1 ? rate : 1);
    buf_add_text(
        out,
        "<section>\n<h2>Throughput</h2>\n<figure>\n<p class=\"unit\">answers per minute; times in UTC</p>\n");
    open_plot(out, &scale, "Bars: answers per minute over time. The figures stand below.");
    for (int i = 0; i < SERIES_COUNT; i++)
        add_bars(out, chart, &scale, (enum series)i);
    close_plot(out, chart);
    buf_add_text(out, "<ul class=\"keys\">");
    for (int i = 0; i < SERIES_COUNT; i++)
        add_key(out, SERIES[i].class, SERIES[i].name);
    buf_add_text(out, "</ul>\n<figcaption>");
    add_bar_width(page, "Each bar");
    buf_add_text(out, "The busiest began at ");
    html_time(out, best->first_minute * 60000);
    buf_add_text(out, ": ");
    html_count(out, (int64_t)(rate + 0.5));
    buf_add_text(out, rate < 1.5 ? " answer a minute." : " answers a minute.");
    buf_add_text(out, "</figcaption>\n</figure>\n</section>\n");
}

/* ---- latency ---- */

static double mean_of(const struct chart_bin *bin)
{
    return bin->answers > 0 ? (double)bin->latency_us / (double)bin->answers : 0;
}

static double longest_of(const struct chart_bin *bin)
{
    return (double)bin->latency_max_us;
}

/* A dash as wide as a bar, for a point between nothing and nothing. */
static void add_dash(struct buf *out, double middle, double slot, double y)
{
    double width = slot * 0.86 < BAR_MOST ? slot * 0.86 : BAR_MOST;

    buf_addf(out, "M%.1f %.1fh%.1f", middle - width / 2, y, width);
}

/* A line through the bins that have answers, broken where a run ends or a bin has none. */
static void add_line(struct buf *out, const struct chart *chart, const struct scale *scale, const char *class,
                     double (*value)(const struct chart_bin *bin))
{
    double slot = (double)WIDE / (double)chart->bins;

    buf_addf(out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < chart->parts; i++) {
        size_t end = chart->part[i].bin + chart->part[i].bins;
        bool drawn = false;
        for (size_t b = chart->part[i].bin; b < end; b++) {
            double at = value(&chart->bin[b]), x = ((double)b + 0.5) * slot;
            bool more = b + 1 < end && value(&chart->bin[b + 1]) > 0;
            if (at > 0 && !drawn && !more)
                add_dash(out, x, slot, place(scale, at));
            else if (at > 0)
                buf_addf(out, "%s%.1f %.1f", drawn ? "L" : "M", x, place(scale, at));
            drawn = at > 0;
        }
    }
    buf_add_text(out, "\"/>");
}

/* From the median to the 95th percentile of each run. */
static void add_bands(struct buf *out, const struct chart *chart, const struct scale *scale)
{
    buf_add_text(out, "<path class=\"l-band\" d=\"");
    for (size_t i = 0; i < chart->parts; i++) {
        const struct chart_part *part = &chart->part[i];
        double low = (double)html_quantile(chart, part->run, 0.50);
        double high = (double)html_quantile(chart, part->run, 0.95);
        double slot = (double)WIDE / (double)chart->bins, x = (double)part->bin * slot;
        if (low >= scale->low)
            buf_addf(out, "M%.1f %.1fV%.1fH%.1fV%.1fz", x, place(scale, low) + 1, place(scale, high) - 1,
                     x + (double)part->bins * slot, place(scale, low) + 1);
    }
    buf_add_text(out, "\"/>");
}

/* The lowest and the highest of what is drawn, in microseconds; false: there is nothing. */
static bool find_range(const struct chart *chart, double *low, double *high)
{
    *low = *high = 0;
    for (size_t i = 0; i < chart->bins; i++) {
        double mean = mean_of(&chart->bin[i]), longest = longest_of(&chart->bin[i]);
        *low = mean > 0 && (*low == 0 || mean < *low) ? mean : *low;
        *high = longest > *high ? longest : *high;
    }
    for (size_t i = 0; i < chart->parts; i++) {
        double median = (double)html_quantile(chart, chart->part[i].run, 0.50);
        double late = (double)html_quantile(chart, chart->part[i].run, 0.95);
        *low = median > 0 && median < *low ? median : *low;
        *high = late > *high ? late : *high;
    }
    return *low > 0;
}

/* Over all runs; where all of them are shown the slowest answer bounds the estimate. */
static void add_estimate(struct page *page, double share)
{
    int64_t us = report_latency(&page->totals, share), most = html_slowest(&page->chart)->latency_max_us;
    bool all = page->totals.runs == (int64_t)page->runs;

    html_latency(page->out, all && us > most ? most : us);
}

static void add_latency_words(struct page *page)
{
    const struct chart_bin *slowest = html_slowest(&page->chart);
    struct buf *out = page->out;

    buf_add_text(out, "By an estimate over all runs, half of the answers came within ");
    add_estimate(page, 0.50);
    buf_add_text(out, ", 95&nbsp;% within ");
    add_estimate(page, 0.95);
    buf_add_text(out, ", 99&nbsp;% within ");
    add_estimate(page, 0.99);
    buf_add_text(out, ". The slowest one shown took ");
    html_latency(out, slowest->latency_max_us);
    buf_add_text(out, ", at about ");
    html_time(out, slowest->first_minute * 60000);
    buf_add_text(out, ". ");
    add_bar_width(page, "Each point");
}

void html_latencies(struct page *page)
{
    const struct chart *chart = &page->chart;
    struct buf *out = page->out;
    struct scale scale;
    double low, high;

    if (chart->parts == 0 || !find_range(chart, &low, &high))
        return;
    scale = log_scale(low, high);
    buf_add_text(out, "<section>\n<h2>Latency</h2>\n<figure>\n"
                      "<p class=\"unit\">time to an answer, on a logarithmic scale; times in UTC</p>\n");
    open_plot(out, &scale, "Lines: mean and slowest answer over time. The figures stand below.");
    add_bands(out, chart, &scale);
    add_line(out, chart, &scale, "l-max", longest_of);
    add_line(out, chart, &scale, "l-mean", mean_of);
    close_plot(out, chart);
    buf_add_text(
        out, "<ul class=\"keys\">"
             "<li><svg class=\"key\" width=\"26\" height=\"12\" aria-hidden=\"true\"><path class=\"l-mean\" "
             "d=\"M2 6H24\"/></svg>mean</li>"
             "<li><svg class=\"key\" width=\"26\" height=\"12\" aria-hidden=\"true\"><path class=\"l-max\" "
             "d=\"M2 6H24\"/></svg>slowest</li>");
    add_key(out, "l-band", "median to 95th percentile of the run");
    buf_add_text(out, "</ul>\n<figcaption>");
    add_latency_words(page);
    buf_add_text(out, "</figcaption>\n</figure>\n</section>\n");
}
