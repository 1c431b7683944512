/* What the parts of the page share. Everything is gathered before the first byte is written, so that the page
 * is one instant's. What comes from outside (file names, reasons) passes html_text. */
#ifndef FLOW_REPORT_HTML_IMPL_H
#define FLOW_REPORT_HTML_IMPL_H

#include "report_impl.h"

/* Newest runs that the page shows, and bars of a chart: each run takes at least one. */
enum { PAGE_RUNS = 30, CHART_BINS = 270, CHART_BINS_MOST = CHART_BINS + PAGE_RUNS };

/* A stretch of time in which a run had answers. The time between runs is left out of the charts. */
struct chart_part {
    const struct ledger_run *run;
    int64_t first_minute, minutes;
    size_t bin, bins; /* its place among the chart's */
};

struct chart_bin {
    int64_t minutes; /* fewer in the last of a part */
    int64_t first_minute;
    int64_t answers, accepted, transient, latency_us, latency_max_us;
};

struct chart {
    struct chart_part part[PAGE_RUNS];
    size_t parts;
    struct chart_bin bin[CHART_BINS_MOST];
    size_t bins;
    int64_t minutes; /* of a whole bin */
};

/* How things stand, where it is not an exit code. */
enum {
    CODE_CUT_OFF = -1,
    CODE_AT_WORK = -2,
    CODE_DUE_AGAIN = -3 /* the last run left nothing; what is to be sent now came after it */
};

struct page {
    struct buf *out;
    const struct report_options *options;
    const struct ledger_files *files;
    const struct report_tally *tally;
    struct ledger_totals totals;
    int64_t overdue, cards;
    struct ledger_run run[PAGE_RUNS]; /* newest first */
    size_t runs;
    struct chart chart;
    int code;           /* exit code that the page is about, or one of the above */
    const char *reason; /* why a run ended with it; "": it is not that of a run, or needs none */
    bool card_path;     /* the last run could make the card call */
};

/* report_html_text.c: pieces of text. Counts have thousands separators; times are UTC. */
void html_text(struct buf *out, struct span text);
/* With a capital in front, unless it begins with a name. */
void html_sentence(struct buf *out, const char *text, bool named);
void html_count(struct buf *out, int64_t n);
/* "1 card", "1,202 cards". */
void html_counted(struct buf *out, int64_t n, const char *one, const char *many);
void html_share(struct buf *out, int64_t n, int64_t all);
void html_time(struct buf *out, int64_t wall_ms);
void html_duration(struct buf *out, int64_t ms);
void html_latency(struct buf *out, int64_t us);

/* report_html_words.c: the sentence, the verdict, what to do next. */
/* States in the order in which the page tells them: what got through, what waits, what did not. */
enum job_state html_state_at(size_t place);
void html_headline(struct page *page);
void html_verdict(struct page *page);
void html_reason(struct page *page); /* nothing where there is none */
void html_next(struct page *page);

/* report_html_bins.c */
int html_chart_fill(struct chart *chart, struct ledger *ledger, const struct ledger_run *run, size_t runs,
                    struct fail *fail) MUST_CHECK;
/* A run's latency below which `share` of its answers came: an estimate, so never above its slowest answer. */
int64_t html_quantile(const struct chart *chart, const struct ledger_run *run, double share);
/* The slowest bin. */
const struct chart_bin *html_slowest(const struct chart *chart);

/* report_html_chart.c: the sections with charts over time; nothing without runs. */
void html_throughput(struct page *page);
void html_latencies(struct page *page);

/* report_html_tables.c */
void html_states(struct page *page);
void html_answers(struct page *page);
void html_errors(struct page *page);
void html_runs(struct page *page);
void html_files(struct page *page);

#endif
