/* The tables of the page, and the bar of states that the first one explains. On a narrow page a row becomes a
 * block of lines; data-label is the column's head there. */
#include "report_html_impl.h"

#include <inttypes.h>
#include <string.h>

enum {
    BAR_TALL = 40,
    ERRORS_SHOWN = 40,
    FILES_SHOWN = 12,
    PHONE_WIDE = 320,
    DESK_WIDE = 690,
    LETTER_WIDE = 9
};

static void open_cell(struct buf *out, const char *label, bool number)
{
    buf_addf(out, "<td data-label=\"%s\"%s>", label, number ? " class=\"n\"" : "");
}

static void add_count_cell(struct buf *out, const char *label, int64_t n)
{
    open_cell(out, label, true);
    html_count(out, n);
    buf_add_text(out, "</td>");
}

/* ---- states ---- */

/* Pieces too small to be seen are widened to this many per cent; the others give way in proportion. */
static const double PIECE_LEAST = 0.8;

static double piece_share(const struct page *page, enum job_state state)
{
    double least = 0, rest = 0, share = (double)page->totals.state[state] / (double)page->cards * 100;

    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        double own = (double)page->totals.state[i] / (double)page->cards * 100;
        if (own > 0 && own < PIECE_LEAST)
            least += PIECE_LEAST;
        else
            rest += own;
    }
    return share < PIECE_LEAST ? PIECE_LEAST : share * (100 - least) / rest;
}

static bool fits(double width, int page_wide, size_t letters)
{
    return width * page_wide / 100 >= (double)letters * LETTER_WIDE + 8;
}

/* The count inside its piece, where it fits also on a phone; the state's name before it, where both fit on a
 * wide page. */
static void add_piece_label(struct page *page, enum job_state state, double x, double width)
{
    const char *name = job_state_name(state);
    struct buf digits = {.cap = 64};
    bool narrow, wide;

    html_count(&digits, page->totals.state[state]);
    narrow = fits(width, PHONE_WIDE, digits.len);
    wide = fits(width, DESK_WIDE, strlen(name) + 1 + digits.len);
    if (narrow || wide) {
        buf_addf(page->out, "<text class=\"in i-%s%s\" x=\"%.3f%%\" y=\"%d\" text-anchor=\"middle\">", name,
                 narrow ? "" : " wide", x + width / 2, BAR_TALL / 2 + 5);
        if (wide)
            buf_addf(page->out, "<tspan class=\"wide\">%s </tspan>", name);
        buf_addf(page->out, "%s</text>", buf_text(&digits));
    }
    buf_free(&digits);
}

static void add_piece(struct buf *out, enum job_state state, const char *x, const char *width, int height)
{
    buf_addf(out, "<rect class=\"s-%s\" x=\"%s\" width=\"%s\" height=\"%d\"/>", job_state_name(state), x,
             width, height);
    if (!job_state_final(state)) /* a second sign beside the colour */
        buf_addf(out, "<rect class=\"hatch\" x=\"%s\" width=\"%s\" height=\"%d\"/>", x, width, height);
}

static void add_bar(struct page *page)
{
    struct buf x = {.cap = 32}, width = {.cap = 32};
    struct buf *out = page->out;
    double at = 0;

    buf_addf(
        out,
        "<svg class=\"bar\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"Bar of states; the table "
        "below has its numbers\">\n<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" "
        "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line class=\"hatching\" x1=\"0\" "
        "y1=\"0\" x2=\"0\" y2=\"7\"/></pattern></defs>\n",
        BAR_TALL);
    for (size_t i = 0; i < JOB_STATE_COUNT; i++) {
        enum job_state state = html_state_at(i);
        double share;
        if (page->totals.state[state] == 0)
            continue;
        share = piece_share(page, state);
        buf_reset(&x);
        buf_reset(&width);
        buf_addf(&x, "%.3f%%", at);
        buf_addf(&width, "%.3f%%", share);
        add_piece(out, state, buf_text(&x), buf_text(&width), BAR_TALL);
        if (at > 0)
            buf_addf(out, "<line class=\"edge\" x1=\"%s\" x2=\"%s\" y1=\"0\" y2=\"%d\"/>", buf_text(&x),
                     buf_text(&x), BAR_TALL);
        add_piece_label(page, state, at, share);
        buf_add_char(out, '\n');
        at += share;
    }
    buf_add_text(out, "</svg>\n");
    buf_free(&x);
    buf_free(&width);
}

void html_states(struct page *page)
{
    struct buf *out = page->out;

    buf_add_text(out, "<section>\n<h2>Where the cards stand</h2>\n");
    if (page->cards > 0)
        add_bar(page);
    buf_add_text(
        out, "<table class=\"brief\">\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\" "
             "class=\"n\">Cards</th><th scope=\"col\" class=\"n\">Share</th><th scope=\"col\">Meaning</th>"
             "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < JOB_STATE_COUNT; i++) {
        enum job_state state = html_state_at(i);
        if (page->totals.state[state] == 0)
            continue;
        buf_add_text(
            out, "<tr><th scope=\"row\"><svg class=\"key\" width=\"18\" height=\"12\" aria-hidden=\"true\">");
        add_piece(out, state, "0", "18", 12);
        buf_addf(out, "</svg>%s</th>", job_state_name(state));
        add_count_cell(out, "Cards", page->totals.state[state]);
        open_cell(out, "Share", true);
        html_share(out, page->totals.state[state], page->cards);
        buf_add_text(out, "</td><td data-label=\"Meaning\">");
        html_sentence(out, report_state_text(state), false);
        buf_add_text(out, "</td></tr>\n");
    }
    buf_add_text(out, "</tbody>\n<tfoot><tr><th scope=\"row\">in all</th>");
    add_count_cell(out, "Cards", page->cards);
    buf_add_text(out, "<td></td><td data-label=\"Meaning\">records of cards, each in exactly one state; "
                      "hatched states can still change</td></tr></tfoot>"
                      "\n</table>\n");
    if (page->totals.purged > 0) {
        buf_add_text(out, "<p class=\"note\">");
        html_counted(out, page->totals.purged,
                     "row of these was purged: its state is kept, its story is gone.",
                     "rows of these were purged: their states are kept, their stories are gone.");
        buf_add_text(out, "</p>\n");
    }
    buf_add_text(out, "</section>\n");
}

/* ---- answers ---- */

static void add_answer(struct buf *out, int64_t n, const struct report_advice *advice)
{
    add_count_cell(out, "Answers", n);
    buf_add_text(out, "<td data-label=\"Meaning\">");
    html_sentence(out, advice->meaning, false);
    buf_add_text(out, "</td><td data-label=\"What to do\">");
    html_text(out, span_of(advice->advice));
    buf_add_text(out, "</td></tr>\n");
}

void html_answers(struct page *page)
{
    const struct ledger_totals *totals = &page->totals;
    int64_t without = totals->requests;
    struct buf *out = page->out;

    if (totals->requests == 0)
        return;
    buf_add_text(out,
                 "<section>\n<h2>Answers by HTTP status</h2>\n<table class=\"brief\">\n<thead><tr><th "
                 "scope=\"col\">Status</th>"
                 "<th scope=\"col\" class=\"n\">Answers</th><th scope=\"col\">Meaning</th><th scope=\"col\">"
                 "What to do</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < totals->http_count; i++) {
        without -= totals->http_answers[i];
        buf_addf(out, "<tr><th scope=\"row\">%d</th>", totals->http_status[i]);
        if (totals->http_status[i] == 400) /* the one status whose words decide */
            add_answer(out, totals->http_answers[i],
                       &(struct report_advice){
                           "", "refused, or already on Click to Pay: the words of the answer decide",
                           "See the states above.", false});
        else
            add_answer(out, totals->http_answers[i], report_advice_status(totals->http_status[i]));
    }
    if (without > 0) {
        buf_add_text(out, "<tr><th scope=\"row\">none</th>");
        add_answer(out, without,
                   &(struct report_advice){"", "no connection, or no answer in time",
                                           "Nothing, while it stays rare: it is tried again by itself.",
                                           true});
    }
    buf_add_text(out,
                 "</tbody>\n</table>\n<p class=\"note\">All requests of all runs, retries among them; by "
                 "<code>[verdicts]</code> in the configuration some answers may mean something else.</p>\n"
                 "</section>\n");
}

/* ---- errors ---- */

static void add_place(struct page *page, int64_t file, int64_t line)
{
    for (size_t i = 0; i < page->files->count; i++)
        if (page->files->file[i].id == file)
            html_text(page->out, span_of(report_base_name(page->files->file[i].path)));
    buf_addf(page->out, ", line&nbsp;");
    html_count(page->out, line);
}

/* The columns at fault, each with its count. */
static void add_fields(struct buf *out, const struct tally_group *group)
{
    const char *before = ". In ";

    for (int i = 0; i < FIELD_COUNT; i++) {
        if (group->fields[i] == 0)
            continue;
        buf_addf(out, "%s<code>%s</code>&nbsp;(", before, field_name((enum field)i));
        html_count(out, group->fields[i]);
        buf_add_char(out, ')');
        before = ", ";
    }
}

/* What the rules say of the problem, as of one column where there is but one. */
static void add_problem_words(struct buf *out, const struct tally_group *group)
{
    struct problem problem = {.code = group->problem, .field = FIELD_RECORD};
    struct buf text = {.cap = 4096};

    for (int i = 0; i < FIELD_COUNT; i++)
        if (group->fields[i] == group->count)
            problem.field = (enum field)i;
    record_problem_text(&problem, &text);
    html_sentence(out, buf_text(&text), problem.field != FIELD_RECORD);
    buf_free(&text);
    if (problem.field == FIELD_RECORD)
        add_fields(out, group);
    buf_add_char(out, '.');
}

static void add_group_words(struct buf *out, const struct tally_group *group)
{
    const struct report_advice *advice = report_advice(group->code);

    if (group->problem < PROBLEM_COUNT) {
        add_problem_words(out, group);
        return;
    }
    html_sentence(out, advice->meaning, false);
    if (group->words[0]) {
        buf_add_text(out, ": <q>");
        html_text(out, span_of(group->words));
        buf_add_text(out, "</q>");
    }
    buf_add_text(out, ". ");
    if (group->state == JOB_EXHAUSTED && advice->transient)
        buf_add_text(
            out,
            "At every attempt, while others got through: <code>ctp-enroll retry --state exhausted</code>, "
            "then run again.");
    else
        html_text(out, span_of(advice->advice));
}

static void add_group(struct page *page, const struct tally_group *group)
{
    struct buf *out = page->out;

    buf_add_text(out, "<tr><th scope=\"row\"><code>");
    html_text(out, span_of(group->code));
    buf_add_text(out, "</code></th>");
    add_count_cell(out, "Count", group->count);
    buf_addf(out, "<td data-label=\"State\">%s</td><td data-label=\"First\" class=\"place\">",
             group->customers ? "customer record" : job_state_name(group->state));
    add_place(page, group->file, group->line);
    buf_add_text(out, "</td><td data-label=\"Advice\">");
    add_group_words(out, group);
    buf_add_text(out, "</td></tr>\n");
}

void html_errors(struct page *page)
{
    const struct report_tally *tally = page->tally;
    struct buf *out = page->out;
    int64_t rest = tally->other;

    if (tally->count == 0)
        return;
    buf_add_text(
        out, "<section>\n<h2>What needs a look, most frequent first</h2>\n<table "
             "class=\"brief\">\n<thead><tr><th scope=\"col\">"
             "Code</th><th scope=\"col\" class=\"n\">Count</th><th scope=\"col\">State</th><th scope=\"col\">"
             "First</th><th scope=\"col\">Advice</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < tally->count; i++) {
        if (i < ERRORS_SHOWN)
            add_group(page, &tally->group[i]);
        else
            rest += tally->group[i].count;
    }
    buf_add_text(out, "</tbody>\n</table>\n<p class=\"note\">");
    if (rest > 0) {
        buf_add_text(out, "And ");
        html_counted(out, rest, "record", "records");
        buf_add_text(out, " of rarer kinds. ");
    }
    buf_add_text(
        out, "A record with several problems counts under each; <code>results.csv</code> names the line of "
             "every record.</p>\n</section>\n");
}

/* ---- runs ---- */

static void add_end(struct buf *out, const struct ledger_run *run)
{
    open_cell(out, "Exit code", false);
    if (run->life == LIFE_CUT_OFF) {
        buf_add_text(out, "cut off");
    } else if (run->life != LIFE_ENDED) {
        buf_add_text(out, run->life == LIFE_AT_WORK ? "at work" : "at work, or cut off");
    } else {
        buf_addf(out, "<b>%d</b> ", run->exit_code);
        html_text(out, span_of(run->reason[0] ? run->reason : report_exit_text(run->exit_code)));
    }
    buf_add_text(out, "</td>");
}

static void add_run(struct page *page, const struct ledger_run *run)
{
    struct buf *out = page->out;
    int64_t end_ms = run->ended_ms ? run->ended_ms : run->last_ms ? run->last_ms : run->started_ms;
    int64_t took_ms = end_ms - run->started_ms;
    int64_t median = html_quantile(&page->chart, run, 0.50), late = html_quantile(&page->chart, run, 0.95);

    buf_add_text(out, "<tr><th scope=\"row\">");
    html_time(out, run->started_ms);
    buf_add_text(out, "</th><td data-label=\"End\">");
    if (run->ended_ms)
        html_time(out, run->ended_ms);
    buf_add_text(out, "</td>");
    open_cell(out, "Took", true);
    html_duration(out, took_ms);
    buf_add_text(out, "</td>");
    add_count_cell(out, "Requests", run->requests);
    add_count_cell(out, "Tokens", run->tokens);
    open_cell(out, "Per second", true);
    buf_addf(out, "%.1f</td>", took_ms > 0 ? (double)run->requests * 1000 / (double)took_ms : 0);
    open_cell(out, "Median", true);
    if (median > 0)
        html_latency(out, median);
    buf_add_text(out, "</td>");
    open_cell(out, "95 %", true);
    if (late > 0)
        html_latency(out, late);
    buf_add_text(out, "</td>");
    add_end(out, run);
    buf_add_text(out, "</tr>\n");
}

void html_runs(struct page *page)
{
    struct buf *out = page->out;

    if (page->runs == 0)
        return;
    buf_add_text(out, "<section>\n<h2>Runs, newest first</h2>\n<table class=\"runs\">\n<thead><tr>"
                      "<th scope=\"col\">Start (UTC)</th><th scope=\"col\">End (UTC)</th>"
                      "<th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Requests</th>"
                      "<th scope=\"col\" class=\"n\">Tokens</th><th scope=\"col\" class=\"n\">Per second</th>"
                      "<th scope=\"col\" class=\"n\">Median</th><th scope=\"col\" class=\"n\">95&nbsp;%</th>"
                      "<th scope=\"col\">Exit code</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < page->runs; i++)
        add_run(page, &page->run[i]);
    buf_add_text(out, "</tbody>\n</table>\n");
    if (page->totals.runs > (int64_t)page->runs) {
        buf_add_text(out, "<p class=\"note\">The charts and this table show the newest ");
        html_count(out, (int64_t)page->runs);
        buf_add_text(out, " of ");
        html_counted(out, page->totals.runs, "run", "runs");
        buf_add_text(out, "; all other numbers are of all of them.</p>\n");
    }
    buf_add_text(out, "</section>\n");
}

/* ---- files ---- */

static void add_figure(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        return;
    buf_addf(out, "<div><dt>%s</dt><dd>", name);
    html_count(out, n);
    buf_add_text(out, "</dd></div>");
}

static void add_file(struct page *page, size_t i)
{
    const struct ledger_file *file = &page->files->file[i];
    struct report_file more = report_file(page->files, i);
    struct buf *out = page->out;

    buf_add_text(out, "<article>\n<h3>");
    html_text(out, span_of(report_base_name(file->path)));
    buf_addf(out, "</h3>\n<p>%s, loaded ", report_carries_text(file->carries));
    html_time(out, file->loaded_ms);
    buf_add_text(out, " UTC, ");
    html_counted(out, file->size, "byte", "bytes");
    buf_addf(out, "</p>\n<p class=\"digest\">SHA-256 <code>%s</code></p>\n<dl>", file->sha256);
    add_figure(out, "records", file->records);
    add_figure(out, "valid", more.valid);
    add_figure(out, "new", file->added);
    add_figure(out, "re-pointed", file->repointed);
    add_figure(out, "known", file->known);
    add_figure(out, "skipped", file->skipped);
    add_figure(out, "invalid", file->invalid);
    add_figure(out, "duplicates", more.duplicates);
    add_figure(out, "without customer", more.without_customer);
    add_figure(out, "without card", more.without_card);
    buf_add_text(out, "</dl>\n</article>\n");
}

void html_files(struct page *page)
{
    size_t count = page->files->count, shown = count < FILES_SHOWN ? count : FILES_SHOWN;
    struct buf *out = page->out;

    if (count == 0)
        return;
    buf_add_text(out, "<section>\n<h2>Files, newest first</h2>\n<div class=\"files\">\n");
    for (size_t i = count; i > count - shown; i--)
        add_file(page, i - 1);
    buf_add_text(out, "</div>\n<p class=\"note\">");
    if (shown < count) {
        buf_add_text(out, "And ");
        html_counted(out, (int64_t)(count - shown), "earlier file", "earlier files");
        buf_add_text(out, ", all of them in <code>summary.json</code>. ");
    }
    buf_add_text(
        out, "Of each load: records = new + re-pointed + known + skipped + invalid. Compare the digest with "
             "<code>sha256sum</code> of the file, unpacked.</p>\n</section>\n");
}
