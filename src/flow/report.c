#include "report_impl.h"

#include "kit/clock.h"
#include "kit/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_CAP = 1 << 26 };

static const char RESULTS_HEADER[] =
    "file,record,line,customer_id,account_id,card_id,state,uncertain,attempts,"
    "http_status,code,message,cid,event_id,updated_at\n";

const char *report_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const char *file_name(const struct ledger_files *files, int64_t id)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i].id == id)
            return report_base_name(files->file[i].path);
    return "";
}

/* Six of them a row: printf would take half of a report's time. */
static void add_number(struct outfile *out, int64_t number, bool given)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char text[24];
    size_t at = sizeof text;

    text[--at] = ',';
    if (given) {
        do {
            text[--at] = (char)('0' + left % 10);
            left /= 10;
        } while (left > 0);
        if (number < 0)
            text[--at] = '-';
    }
    outfile_add(out, (struct span){text + at, sizeof text - at});
}

static void add_cell(struct outfile *out, struct span text)
{
    outfile_add_cell(out, text, ',');
    outfile_add(out, SPAN(","));
}

/* A refused record and a skipped one were never to be sent: they have no correlation ID. */
static bool has_cid(const struct ledger_row_state *row)
{
    return row->attempts > 0 || (row->state != JOB_INVALID && row->state != JOB_SKIPPED);
}

/* results.csv on its way. */
struct results {
    struct outfile *out;
    const struct ledger *ledger; /* NULL leaves the correlation IDs out */
    const struct ledger_files *files;
    int64_t at_ms; /* what `at` says: many rows were changed at one time */
    char at[CLOCK_TEXT_SIZE];
};

static void add_result(struct results *results, const struct ledger_row_state *row)
{
    struct outfile *out = results->out;
    char cid[UUID_TEXT_SIZE] = "";

    if (results->ledger && has_cid(row))
        (void)ledger_cid(results->ledger, row->id, cid);
    if (row->updated_ms != results->at_ms)
        (void)clock_format(row->updated_ms, results->at);
    results->at_ms = row->updated_ms;
    add_cell(out, span_of(file_name(results->files, row->place.file)));
    add_number(out, row->place.record, true);
    add_number(out, row->place.line, true);
    add_number(out, row->customer_id, row->customer_id != 0);
    add_number(out, row->account_id, row->account_id != 0);
    add_number(out, row->card_id, row->card_id != 0);
    add_cell(out, span_of(job_state_name(row->state)));
    add_cell(out, row->uncertain ? SPAN("yes") : SPAN(""));
    add_number(out, row->attempts, true);
    add_number(out, row->http_status, row->http_status != 0);
    add_cell(out, row->code);
    add_cell(out, row->message);
    add_cell(out, span_of(cid));
    add_cell(out, row->event_id);
    outfile_add(out, span_of(results->at));
    outfile_add(out, SPAN("\n"));
}

static int write_results(struct ledger *ledger, const struct report_options *options,
                         const struct ledger_files *files, struct report_tally *tally, struct fail *fail)
{
    struct results results = {.ledger = options->check ? NULL : ledger, .files = files, .at_ms = -1};
    struct ledger_row_state row;
    int rc;

    if (outfile_open(&results.out, options->folder, "results.csv", fail) != 0)
        return -1;
    outfile_add(results.out, span_of(RESULTS_HEADER));
    rc = ledger_rows_begin(ledger, ROWS_CARDS, fail);
    if (rc == 0)
        while ((rc = ledger_rows_next(ledger, &row, fail)) == 1) {
            add_result(&results, &row);
            report_tally_card(tally, &row);
        }
    if (rc < 0) {
        outfile_cancel(results.out);
        return -1;
    }
    return outfile_commit(results.out, fail);
}

int64_t report_quantile(const int64_t latency[LEDGER_BUCKETS], double share)
{
    double all = 0, below = 0;

    for (size_t b = 0; b < LEDGER_BUCKETS; b++)
        all += (double)latency[b];
    for (size_t b = 0; b < LEDGER_BUCKETS && all > 0; b++) {
        double low = b > 0 ? (double)ledger_bucket_us(b - 1) : 0, high = (double)ledger_bucket_us(b);
        if (latency[b] > 0 && below + (double)latency[b] >= share * all)
            return (int64_t)(low + (high - low) * (share * all - below) / (double)latency[b] + 0.5);
        below += (double)latency[b];
    }
    return 0;
}

int64_t report_latency(const struct ledger_totals *totals, double share)
{
    return report_quantile(totals->latency, share);
}

bool report_needs_person(const struct ledger_totals *totals)
{
    bool needed = totals->refused_customers > 0;

    for (int i = 0; i < JOB_STATE_COUNT; i++)
        needed = needed || (job_state_failed((enum job_state)i) && totals->state[i] > 0);
    return needed;
}

int report_exit_code(const struct ledger_totals *totals)
{
    if (totals->state[JOB_READY] + totals->state[JOB_SENT] > 0)
        return 5;
    return report_needs_person(totals) ? 3 : 0;
}

void report_totals_json(const struct ledger_totals *totals, struct json *json)
{
    json_key(json, "totals");
    json_object(json);
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        json_key(json, job_state_name((enum job_state)i));
        json_int(json, totals->state[i]);
    }
    json_end_object(json);
}

/* Adds a list's count to each of its codes, to one that stands twice in it twice. */
static void count_codes(const struct ledger_problem *problem, int64_t counts[PROBLEM_COUNT])
{
    struct span rest = problem->codes, name;
    enum problem_code code;

    while (span_cut(&rest, ';', &name))
        if (problem_find(name, &code) == 0)
            counts[code] += problem->count;
}

static void add_codes(struct json *json, const char *key, const int64_t numbers[PROBLEM_COUNT])
{
    json_key(json, key);
    json_object(json);
    for (int i = 0; i < PROBLEM_COUNT; i++) {
        if (numbers[i] == 0)
            continue;
        json_key(json, problem_name((enum problem_code)i));
        json_int(json, numbers[i]);
    }
    json_end_object(json);
}

static int add_problems(struct json *json, struct ledger *ledger, struct fail *fail)
{
    int64_t counts[PROBLEM_COUNT] = {0};
    struct ledger_problem problem;
    int rc;

    if (ledger_problems_begin(ledger, fail) != 0)
        return -1;
    while ((rc = ledger_problems_next(ledger, &problem, fail)) == 1)
        count_codes(&problem, counts);
    if (rc == 0)
        add_codes(json, "problems", counts);
    return rc;
}

static const char *life_name(enum ledger_life life)
{
    static const char *const names[] = {[LIFE_ENDED] = "ended",
                                        [LIFE_AT_WORK] = "at_work",
                                        [LIFE_CUT_OFF] = "cut_off",
                                        [LIFE_UNTOLD] = "unknown"};

    return names[life];
}

/* The newest run; null where there was none. What it has not (yet) is null. */
static int add_last_run(struct json *json, struct ledger *ledger, struct fail *fail)
{
    struct ledger_run run;
    char at[CLOCK_TEXT_SIZE];
    size_t runs;

    if (ledger_runs(ledger, 1, &run, &runs, fail) != 0)
        return -1;
    json_key(json, "last_run");
    if (runs == 0) {
        json_null(json);
        return 0;
    }
    json_object(json);
    json_key(json, "state");
    json_text(json, life_name(run.life));
    json_key(json, "holder");
    json_text(json, run.holder[0] ? run.holder : NULL);
    json_key(json, "started_at");
    json_text(json, clock_format(run.started_ms, at));
    json_key(json, "ended_at");
    json_text(json, run.ended_ms ? clock_format(run.ended_ms, at) : NULL);
    json_key(json, "exit_code");
    if (run.ended_ms)
        json_int(json, run.exit_code);
    else
        json_null(json);
    json_key(json, "reason");
    json_text(json, run.reason[0] ? run.reason : NULL);
    json_end_object(json);
    return 0;
}

static void add_figures(struct json *json, const struct ledger_totals *totals)
{
    char status[16];

    json_key(json, "http_status");
    json_object(json);
    for (size_t i = 0; i < totals->http_count; i++) {
        (void)snprintf(status, sizeof status, "%d", totals->http_status[i]);
        json_key(json, status);
        json_int(json, totals->http_answers[i]);
    }
    json_end_object(json);
    json_key(json, "runs");
    json_int(json, totals->runs);
    json_key(json, "requests");
    json_int(json, totals->requests);
    json_key(json, "token_requests");
    json_int(json, totals->tokens);
    json_key(json, "rate_per_second");
    json_double(json, totals->run_ms > 0 ? (double)totals->requests * 1000 / (double)totals->run_ms : 0);
    json_key(json, "latency_ms");
    json_object(json);
    json_key(json, "mean");
    json_double(json, totals->answers > 0 ? (double)totals->latency_us / 1000 / (double)totals->answers : 0);
    json_key(json, "p50");
    json_double(json, (double)report_latency(totals, 0.50) / 1000);
    json_key(json, "p95");
    json_double(json, (double)report_latency(totals, 0.95) / 1000);
    json_key(json, "p99");
    json_double(json, (double)report_latency(totals, 0.99) / 1000);
    json_end_object(json);
}

const char *report_carries_text(unsigned carries)
{
    return carries == IN_BOTH ? "cards and customers" : carries == IN_CARDS ? "cards" : "customers";
}

struct report_file report_file(const struct ledger_files *files, size_t i)
{
    const struct ledger_file *file = &files->file[i];
    const int64_t *records = files->problems[i].records;
    bool cards = (file->carries & IN_CARDS) != 0;

    return (struct report_file){
        .valid = ledger_file_valid(file),
        .duplicates = records[PROBLEM_DUPLICATE_CARD] + records[PROBLEM_DUPLICATE_CUSTOMER],
        .without_customer = cards ? records[PROBLEM_NO_CUSTOMER] : -1,
        .without_card = cards ? -1 : file->without_card,
    };
}

static void add_counts(struct json *json, const struct ledger_file *file, const struct report_file *more)
{
    const struct {
        const char *key;
        int64_t value; /* negative: not of this file */
    } counts[] = {{"bytes", file->size},
                  {"records", file->records},
                  {"valid", more->valid},
                  {"new", file->added},
                  {"repointed", file->repointed},
                  {"known", file->known},
                  {"skipped", file->skipped},
                  {"invalid", file->invalid},
                  {"duplicates", more->duplicates},
                  {"without_customer", more->without_customer},
                  {"without_card", more->without_card}};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].value < 0)
            continue;
        json_key(json, counts[i].key);
        json_int(json, counts[i].value);
    }
}

static void add_file(struct json *json, const struct ledger_files *files, size_t i)
{
    const struct ledger_file *file = &files->file[i];
    struct report_file more = report_file(files, i);
    char at[CLOCK_TEXT_SIZE];

    json_object(json);
    json_key(json, "file");
    json_text(json, report_base_name(file->path));
    json_key(json, "path");
    json_text(json, file->path);
    json_key(json, "carries");
    json_text(json, report_carries_text(file->carries));
    json_key(json, "sha256");
    json_text(json, file->sha256);
    json_key(json, "loaded_at");
    json_text(json, clock_format(file->loaded_ms, at));
    add_counts(json, file, &more);
    add_codes(json, "problems", files->problems[i].records);
    add_codes(json, "example_lines", files->problems[i].line);
    json_end_object(json);
}

static int add_files(struct json *json, struct ledger *ledger, struct fail *fail)
{
    struct ledger_files files;

    if (ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    json_key(json, "files");
    json_array(json);
    for (size_t i = 0; i < files.count; i++)
        add_file(json, &files, i);
    json_end_array(json);
    ledger_files_free(&files);
    return 0;
}

int report_summary(struct ledger *ledger, const struct report_options *options, struct buf *out,
                   struct fail *fail)
{
    struct ledger_totals totals;
    char at[CLOCK_TEXT_SIZE];
    struct json json;
    int64_t overdue;

    if (ledger_totals(ledger, &totals, fail) != 0 ||
        ledger_overdue(ledger, options->now_ms - options->overdue_ms, &overdue, fail) != 0)
        return -1;
    json_init(&json, out, true);
    json_object(&json);
    json_key(&json, "schema_version");
    json_int(&json, 1);
    json_key(&json, "generated_at");
    json_text(&json, clock_format(options->now_ms, at));
    json_key(&json, "program");
    json_text(&json, "ctp-enroll " CTP_VERSION);
    report_totals_json(&totals, &json);
    json_key(&json, "purged");
    json_int(&json, totals.purged);
    json_key(&json, "overdue");
    json_int(&json, overdue);
    json_key(&json, "refused_customers");
    json_int(&json, totals.refused_customers);
    if (add_problems(&json, ledger, fail) != 0)
        return -1;
    if (add_last_run(&json, ledger, fail) != 0)
        return -1;
    add_figures(&json, &totals);
    if (add_files(&json, ledger, fail) != 0)
        return -1;
    json_end_object(&json);
    buf_add_char(out, '\n');
    return out->full ? fail_set(fail, FAIL_INTERNAL, "the summary is too long") : 0;
}

static int write_summary(struct ledger *ledger, const struct report_options *options, struct fail *fail)
{
    struct outfile *file;
    struct buf text;
    int rc = -1;

    buf_init(&text, SUMMARY_CAP);
    if (report_summary(ledger, options, &text, fail) == 0 &&
        outfile_open(&file, options->folder, "summary.json", fail) == 0) {
        outfile_add(file, buf_span(&text));
        rc = outfile_commit(file, fail);
    }
    buf_free(&text);
    return rc;
}

/* Every card ever loaded has its line, unless it was purged. */
static int check_lines(struct ledger *ledger, const struct report_tally *tally, struct fail *fail)
{
    struct ledger_totals totals;
    int64_t cards = 0, lines = 0;

    if (ledger_totals(ledger, &totals, fail) != 0)
        return -1;
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        cards += totals.state[i];
        lines += tally->lines[i];
    }
    if (lines + totals.purged == cards)
        return 0;
    return fail_set(fail, FAIL_INTERNAL,
                    "totals do not add up: results.csv has %" PRId64 " lines and %" PRId64
                    " rows were purged, but %" PRId64 " are counted",
                    lines, totals.purged, cards);
}

/* All files of the set, from the ledger at one instant. Where its totals do not add up the set is written all
 * the same, for whoever has to find out why, but without a manifest. */
static int write_set(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                     struct fail *fail)
{
    struct report_tally *tally = mem_alloc(sizeof *tally);
    struct ledger_files files = {0};
    struct fail broken;
    int rc = -1;

    tally->overdue_ms = options->now_ms - options->overdue_ms;
    tally->broken = ledger_check(ledger, &broken) != 0;
    if (ledger_files_all(ledger, &files, fail) != 0 ||
        write_results(ledger, options, &files, tally, fail) != 0 ||
        report_tally_customers(tally, ledger, fail) != 0 || report_tally_events(tally, ledger, fail) != 0)
        goto out;
    report_tally_sort(tally);
    if (!tally->broken)
        tally->broken = check_lines(ledger, tally, &broken) != 0;
    if (report_rejects(ledger, portfolio, options, &files, fail) == 0 &&
        write_summary(ledger, options, fail) == 0 && report_html(ledger, options, &files, tally, fail) == 0)
        rc = tally->broken ? 0 : report_manifest(options, fail);
    if (rc == 0 && tally->broken) {
        *fail = broken;
        rc = -1;
    }
out:
    ledger_files_free(&files);
    free(tally);
    return rc;
}

int report_write(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                 struct fail *fail)
{
    int rc;

    if (outfile_folder(options->folder, fail) != 0 || ledger_still(ledger, fail) != 0)
        return -1;
    rc = write_set(ledger, portfolio, options, fail);
    ledger_still_end(ledger);
    return rc;
}
