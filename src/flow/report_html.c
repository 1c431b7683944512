/* report.html: the page for people. One file without script and without anything from elsewhere, made from
 * the ledger's kept figures and what the writing of results.csv gathered: no row is read for it. */
#include "report_html_impl.h"

#include "report_css.h"

#include <stdlib.h>

enum { PAGE_CAP = 8 << 20 };

static const char HEAD[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<title>Click to Pay enrolment report</title>\n<style>\n";

static void add_head(struct page *page)
{
    buf_add_text(page->out, HEAD);
    for (size_t i = 0; i < sizeof REPORT_CSS / sizeof REPORT_CSS[0]; i++)
        buf_add_text(page->out, REPORT_CSS[i]);
    buf_add_text(page->out, "</style>\n</head>\n<body>\n<header>\n<h1>Click to Pay enrolment</h1>\n"
                            "<p class=\"when\">As of ");
    html_time(page->out, page->options->now_ms);
    buf_add_text(page->out, " UTC</p>\n");
    html_verdict(page);
    buf_add_text(page->out, "<p class=\"headline\">");
    html_headline(page);
    buf_add_text(page->out, "</p>\n");
    html_reason(page);
    buf_add_text(page->out, "</header>\n<main>\n");
}

static void add_foot(struct page *page)
{
    buf_add_text(page->out, "</main>\n<footer>\n<p>ctp-enroll " CTP_VERSION ", written ");
    html_time(page->out, page->options->now_ms);
    buf_add_text(page->out,
                 " UTC. All times are UTC. This page holds no personal data; <code>results.csv</code> beside "
                 "it tells of every card, <code>summary.json</code> has these numbers for programs, "
                 "<code>sha256sum -c SHA256SUMS</code> checks the files.</p>\n</footer>\n</body>\n</html>\n");
}

/* The code that the page is about: what stopped the last run, or else what the states call for now. */
static int judge(const struct page *page)
{
    const struct ledger_run *last = &page->run[0];
    int now = report_exit_code(&page->totals);

    if (page->tally->broken)
        return 1;
    if (page->options->check)
        return report_needs_person(&page->totals) ? 3 : 0;
    if (page->runs == 0)
        return now;
    if (last->life == LIFE_AT_WORK || last->life == LIFE_UNTOLD)
        return CODE_AT_WORK;
    if (last->life == LIFE_CUT_OFF)
        return now == 5 ? CODE_CUT_OFF : now;
    if (last->exit_code == 0 || last->exit_code == 3)
        return now == 5 ? CODE_DUE_AGAIN : now;
    return last->exit_code == 5 ? now : last->exit_code;
}

static int gather(struct page *page, struct ledger *ledger, struct fail *fail)
{
    int64_t before_ms = page->options->now_ms - page->options->overdue_ms;
    bool stopped;

    if (ledger_totals(ledger, &page->totals, fail) != 0 ||
        ledger_overdue(ledger, before_ms, &page->overdue, fail) != 0 ||
        ledger_runs(ledger, PAGE_RUNS, page->run, &page->runs, fail) != 0 ||
        ledger_card_path(ledger, &page->card_path, fail) != 0 ||
        html_chart_fill(&page->chart, ledger, page->run, page->runs, fail) != 0)
        return -1;
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        page->cards += page->totals.state[i];
    page->code = judge(page);
    stopped = !page->tally->broken && page->runs > 0 && page->code > 0 && page->code != 3 && page->code != 5;
    page->reason = stopped ? page->run[0].reason : "";
    return 0;
}

static int write_page(const struct page *page, struct fail *fail)
{
    struct outfile *file;

    if (page->out->full)
        return fail_set(fail, FAIL_INTERNAL, "the page is too long");
    if (outfile_open(&file, page->options->folder, "report.html", fail) != 0)
        return -1;
    outfile_add(file, buf_span(page->out));
    return outfile_commit(file, fail);
}

int report_html(struct ledger *ledger, const struct report_options *options, const struct ledger_files *files,
                const struct report_tally *tally, struct fail *fail)
{
    struct page *page = mem_alloc(sizeof *page);
    struct buf out;
    int rc = -1;

    buf_init(&out, PAGE_CAP);
    *page = (struct page){.out = &out, .options = options, .files = files, .tally = tally};
    if (gather(page, ledger, fail) == 0) {
        add_head(page);
        html_next(page);
        html_states(page);
        html_throughput(page);
        html_latencies(page);
        html_answers(page);
        html_errors(page);
        html_runs(page);
        html_files(page);
        add_foot(page);
        rc = write_page(page, fail);
    }
    buf_free(&out);
    free(page);
    return rc;
}
