/* The page is made whole in memory, some four kilobytes, then written. Names and units follow Prometheus'
 * conventions: base units, counters end in _total, moments in _timestamp_seconds. Every family is always
 * there, every state always among its lines, so that an alert never waits for a series to appear; only the
 * exit code is missing until a run has ended, since 0 would read as a success. */
#include "flow/metrics.h"

#include "driver/outfile.h"
#include "kit/clock.h"

#include <inttypes.h>
#include <string.h>

enum {
    PAGE_CAP = 1 << 20,
    /* Doublings of a microsecond that bound the histogram's buckets: 1 ms to 67 s. */
    BOUND_FIRST = 10,
    BOUND_LAST = 26
};

/* What one page says. */
struct view {
    struct ledger_totals totals;
    struct ledger_last_run last;
    int64_t overdue, now_ms;
    const struct metrics_run *run; /* NULL: none at work */
};

struct page {
    struct buf text;
    const char *portfolio;
    const char *family; /* the name that lines are written under */
};

void metrics_init(struct metrics *metrics, const struct metrics_options *options)
{
    *metrics = (struct metrics){.options = *options};
}

bool metrics_due(const struct metrics *metrics, int64_t mono_ms)
{
    return metrics->options.path[0] && mono_ms >= metrics->due_ms;
}

static void begin_family(struct page *page, const char *name, const char *type, const char *help)
{
    page->family = name;
    buf_addf(&page->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_label(struct page *page, const char *name, const char *value, char *before)
{
    buf_add_char(&page->text, *before);
    buf_addf(&page->text, "%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_add_char(&page->text, '\\');
        buf_add_char(&page->text, *c);
    }
    buf_add_char(&page->text, '"');
    *before = ',';
}

/* The line up to its value. `label` NULL: none of its own. */
static void begin_line(struct page *page, const char *suffix, const char *label, const char *value)
{
    char before = '{';

    buf_addf(&page->text, "%s%s", page->family, suffix);
    if (page->portfolio[0])
        add_label(page, "portfolio", page->portfolio, &before);
    if (label)
        add_label(page, label, value, &before);
    buf_add_text(&page->text, before == ',' ? "} " : " ");
}

static void add_line(struct page *page, const char *label, const char *value, int64_t number)
{
    begin_line(page, "", label, value);
    buf_addf(&page->text, "%" PRId64 "\n", number);
}

static void add_seconds(struct page *page, const char *suffix, int64_t us)
{
    begin_line(page, suffix, NULL, NULL);
    buf_addf(&page->text, "%" PRId64 ".%06" PRId64 "\n", us / 1000000, us % 1000000);
}

static void add_number(struct page *page, const char *name, const char *type, const char *help,
                       int64_t number)
{
    begin_family(page, name, type, help);
    add_line(page, NULL, NULL, number);
}

static void add_time(struct page *page, const char *name, const char *help, int64_t ms)
{
    begin_family(page, name, "gauge", help);
    begin_line(page, "", NULL, NULL);
    buf_addf(&page->text, "%" PRId64 ".%03" PRId64 "\n", ms / 1000, ms % 1000);
}

static void add_cards(struct page *page, const struct view *view)
{
    begin_family(page, "ctp_enroll_cards", "gauge", "Records of the cards files by state.");
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        add_line(page, "state", job_state_name((enum job_state)i), view->totals.state[i]);
    add_number(page, "ctp_enroll_refused_customers", "gauge", "Refused records of the customers files.",
               view->totals.refused_customers);
    add_number(page, "ctp_enroll_overdue_cards", "gauge",
               "Cards accepted for longer than events.overdue without their event.", view->overdue);
}

static void add_answers(struct page *page, const struct view *view)
{
    const struct ledger_totals *totals = &view->totals;
    int64_t silent = totals->requests;
    struct buf status;

    add_number(page, "ctp_enroll_requests_total", "counter", "Enrol requests that ended, of all runs.",
               totals->requests);
    begin_family(page, "ctp_enroll_answers_total", "counter",
                 "How enrol requests ended, by HTTP status; none: without an answer.");
    buf_init(&status, 64);
    for (size_t i = 0; i < totals->http_count; i++) {
        silent -= totals->http_answers[i];
        buf_reset(&status);
        buf_addf(&status, "%d", totals->http_status[i]);
        add_line(page, "status", buf_text(&status), totals->http_answers[i]);
    }
    buf_free(&status);
    add_line(page, "status", "none", silent > 0 ? silent : 0);
    add_number(page, "ctp_enroll_tokens_total", "counter", "Tokens asked for, of all runs.", totals->tokens);
}

/* The ledger's buckets are four to a doubling: the bounds are every fourth of them, exactly. */
static void add_durations(struct page *page, const struct view *view)
{
    const struct ledger_totals *totals = &view->totals;
    int64_t below = 0;
    size_t bucket = 0;
    struct buf bound;

    begin_family(page, "ctp_enroll_request_duration_seconds", "histogram",
                 "Time from an enrol request to its answer or failure, of all runs.");
    buf_init(&bound, 64);
    for (int b = BOUND_FIRST; b <= BOUND_LAST; b++) {
        int64_t us = INT64_C(1) << b;
        for (; bucket < LEDGER_BUCKETS && ledger_bucket_us(bucket) <= us; bucket++)
            below += totals->latency[bucket];
        buf_reset(&bound);
        buf_addf(&bound, "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
        begin_line(page, "_bucket", "le", buf_text(&bound));
        buf_addf(&page->text, "%" PRId64 "\n", below);
    }
    buf_free(&bound);
    for (; bucket < LEDGER_BUCKETS; bucket++)
        below += totals->latency[bucket];
    begin_line(page, "_bucket", "le", "+Inf");
    buf_addf(&page->text, "%" PRId64 "\n", below);
    add_seconds(page, "_sum", totals->latency_us);
    begin_line(page, "_count", NULL, NULL);
    buf_addf(&page->text, "%" PRId64 "\n", below);
}

static void add_runs(struct page *page, const struct view *view)
{
    const struct ledger_last_run *last = &view->last;

    add_number(page, "ctp_enroll_runs_total", "counter", "Runs begun.", view->totals.runs);
    add_number(page, "ctp_enroll_running", "gauge",
               "1 while a run is at work; with an old file: that run was killed.", view->run != NULL);
    add_time(page, "ctp_enroll_run_start_timestamp_seconds", "When the newest run began; 0: never.",
             last->started_ms);
    add_time(page, "ctp_enroll_run_end_timestamp_seconds", "When a run ended last; 0: never.",
             last->ended_ms);
    add_time(page, "ctp_enroll_last_success_timestamp_seconds",
             "When a run ended last with nothing left to send (exit code 0 or 3); 0: never.",
             last->success_ms);
    begin_family(page, "ctp_enroll_last_exit_code", "gauge",
                 "Exit code of the run that ended last; -1: it was killed.");
    if (last->ended_ms > 0)
        add_line(page, NULL, NULL, last->exit_code);
}

static void add_flight(struct page *page, const struct metrics_run *run)
{
    static const struct metrics_run none = {0};

    if (!run)
        run = &none;
    add_number(page, "ctp_enroll_in_flight", "gauge", "Enrol requests in flight.", run->flying);
    add_number(page, "ctp_enroll_limit", "gauge",
               "Enrol requests that may be in flight at once now; 0: no run is at work.", run->limit);
    add_time(page, "ctp_enroll_held_seconds",
             "How long all sends still wait because the server asked for it (Retry-After).", run->held_ms);
}

static int write_page(const char *path, const struct buf *text, struct fail *fail)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct buf folder;
    struct outfile *file;
    int rc = -1;

    if (!*name)
        return fail_set(fail, FAIL_USAGE, "%s: names a folder", path);
    buf_init(&folder, 1 << 16);
    if (slash)
        buf_add(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    else
        buf_add_char(&folder, '.');
    if (outfile_open(&file, buf_text(&folder), name, fail) == 0) {
        outfile_open_to_all(file);
        outfile_add(file, buf_span(text));
        rc = outfile_commit(file, fail);
    }
    buf_free(&folder);
    return rc;
}

static int write_view(const struct metrics *metrics, const struct view *view, struct fail *fail)
{
    struct page page = {.portfolio = metrics->options.portfolio};
    int rc;

    buf_init(&page.text, PAGE_CAP);
    begin_family(&page, "ctp_enroll_build_info", "gauge", "Always 1; tells the version.");
    add_line(&page, "version", CTP_VERSION, 1);
    add_cards(&page, view);
    add_answers(&page, view);
    add_durations(&page, view);
    add_runs(&page, view);
    add_flight(&page, view->run);
    rc = page.text.full ? fail_set(fail, FAIL_INTERNAL, "the page is too long")
                        : write_page(metrics->options.path, &page.text, fail);
    buf_free(&page.text);
    return rc;
}

static int read_view(const struct metrics *metrics, struct ledger *ledger, struct view *out,
                     struct fail *fail)
{
    int64_t now_ms = clock_wall_ms();
    struct view view = {.now_ms = now_ms};

    if (ledger_totals(ledger, &view.totals, fail) != 0 || ledger_last_run(ledger, &view.last, fail) != 0 ||
        ledger_overdue(ledger, now_ms - metrics->options.overdue_ms, &view.overdue, fail) != 0)
        return -1;
    *out = view;
    return 0;
}

/* A failure that lasts is told once. */
static void note(struct metrics *metrics, int rc, const struct fail *fail)
{
    metrics->due_ms = clock_mono_ms() + metrics->options.interval_ms;
    if (rc != 0 && !metrics->warned)
        log_add(metrics->options.log, LOG_WARN, "the metrics file cannot be written",
                LOG_TEXT("reason", fail->text));
    metrics->warned = rc != 0;
}

void metrics_write(struct metrics *metrics, struct ledger *ledger, const struct metrics_run *run)
{
    struct view view;
    struct fail fail;
    int rc;

    if (!metrics->options.path[0])
        return;
    rc = read_view(metrics, ledger, &view, &fail);
    if (rc == 0) {
        view.run = run;
        rc = write_view(metrics, &view, &fail);
    }
    note(metrics, rc, &fail);
}

void metrics_end(struct metrics *metrics, struct ledger *ledger, int exit_code)
{
    struct view view;
    struct fail fail;
    int rc;

    if (!metrics->options.path[0])
        return;
    rc = read_view(metrics, ledger, &view, &fail);
    if (rc == 0) {
        view.last.ended_ms = view.last.open ? view.now_ms : view.last.ended_ms;
        view.last.exit_code = exit_code;
        rc = write_view(metrics, &view, &fail);
    }
    note(metrics, rc, &fail);
}

void metrics_refresh(struct metrics *metrics, struct ledger *ledger)
{
    struct view view;
    struct fail fail;
    int rc;

    if (!metrics->options.path[0])
        return;
    rc = read_view(metrics, ledger, &view, &fail);
    if (rc == 0 && view.last.open)
        return;
    if (rc == 0)
        rc = write_view(metrics, &view, &fail);
    note(metrics, rc, &fail);
}
