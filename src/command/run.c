/* run: load, verify the files that rows still to be sent need, submit, check the totals, report. */
#include "command/command.h"

#include "cli/progress.h"
#include "cli/reload.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "driver/descriptors.h"
#include "driver/outfile.h"
#include "driver/source.h"
#include "flow/engine.h"
#include "flow/ingest.h"
#include "flow/metrics.h"
#include "flow/report.h"
#include "flow/spool.h"
#include "kit/clock.h"
#include "kit/json.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OTHER_DESCRIPTORS = 32, /* ledger, its temporary files, input files, epoll, reports */
    ROUNDS_MOST = 1000
};

/* Everything a run holds open. */
struct run {
    struct command *command;
    int64_t now_ms;
    struct table_options tables;
    struct engine_options engine_options;
    struct setup_secrets secrets;
    struct ledger *ledger;
    struct portfolio *portfolio;
    struct mint *mint;
    struct http *http;
    struct signals *signals;
    struct ingest_options names; /* the files of this run, and what became of them */
    struct ingest_result result;
    bool loaded; /* the ledger holds what this run is about */
    struct metrics metrics;
};

static int load(struct run *run, struct fail *fail)
{
    struct ingest_options *options = &run->names;

    *options = (struct ingest_options){.cards = options_get(run->command->options, "cards"),
                                       .customers = options_get(run->command->options, "customers"),
                                       .tables = &run->tables,
                                       .log = run->command->log};
    if (!options->cards)
        return options->customers ? fail_set(fail, FAIL_USAGE, "--customers needs --cards as well") : 0;
    setup_load(run->command->config, run->now_ms, &options->load);
    return ingest(run->ledger, options, run->portfolio, &run->result, fail);
}

/* The files of this run, if it has any, and all rows. */
static int print_totals(struct run *run, const struct ledger_totals *totals, struct fail *fail)
{
    struct ledger_files files;

    if (ledger_files_all(run->ledger, &files, fail) != 0)
        return -1;
    text_loaded(&files, &run->names, &run->result, &run->command->result);
    text_totals(totals, &run->command->result);
    ledger_files_free(&files);
    return 0;
}

static int lose_file(struct run *run, const struct ledger_file *file, struct fail *fail)
{
    int64_t rows;

    if (ledger_file_drop(run->ledger, file->id, run->now_ms, &rows, fail) != 0)
        return -1;
    log_add(run->command->log, LOG_WARN, "rows of a lost file are invalid now (source_lost)",
            LOG_TEXT("file", file->path), LOG_INT("rows", rows));
    return 0;
}

/* Cards that were to follow their "already" by the card call, and whose file is gone, stay what they were. */
static int unfollow_lost(struct run *run, const struct ledger_files *files, int64_t *rows, struct fail *fail)
{
    struct fail gone;
    int64_t moved;

    *rows = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (portfolio_add(run->portfolio, &files->file[i], &gone) != 1)
            continue;
        if (ledger_file_unfollow(run->ledger, files->file[i].id, &moved, fail) != 0)
            return -1;
        if (moved > 0)
            log_add(
                run->command->log, LOG_WARN,
                "cards that are already there stay so: the card call needs a file that is gone or changed",
                LOG_TEXT("file", files->file[i].path), LOG_INT("rows", moved));
        *rows += moved;
    }
    return 0;
}

/* The files that rows still to be sent need. */
static int list_due(struct run *run, struct ledger_files *files, struct fail *fail)
{
    int64_t moved = 0;

    if (ledger_files_due(run->ledger, files, fail) != 0)
        return -1;
    if (run->engine_options.card_path[0] && unfollow_lost(run, files, &moved, fail) != 0) {
        ledger_files_free(files);
        return -1;
    }
    if (moved == 0)
        return 0;
    ledger_files_free(files);
    return ledger_files_due(run->ledger, files, fail);
}

/* Held rows may never be due: a file that only they need is worth a warning. */
static int miss_file(struct run *run, const struct ledger_file *file, const char *what, struct fail *fail)
{
    int64_t rows;

    if (ledger_file_rows(run->ledger, file->id, &rows, fail) != 0)
        return -1;
    if (rows > 0)
        return fail_set(fail, FAIL_INPUT,
                        "%s; %" PRId64 " rows still to be sent need it: bring it back, load a newer file, or "
                        "give them up with --drop-lost",
                        what, rows);
    log_add(run->command->log, LOG_WARN, "a file that only held rows need is gone or changed",
            LOG_TEXT("file", file->path));
    return 0;
}

/* Every file that rows due need is there and is what was loaded, or nothing is sent. */
static int verify_files(struct run *run, struct fail *fail)
{
    bool drop = options_has(run->command->options, "drop-lost");
    struct ledger_files files;
    int rc = 0;

    if (list_due(run, &files, fail) != 0)
        return -1;
    for (size_t i = 0; i < files.count && rc == 0; i++) {
        struct fail gone;
        if (files.file[i].id != run->result.cards.id && files.file[i].id != run->result.customers.id)
            ingest_tell_form(&run->tables, &files.file[i], run->command->log);
        rc = portfolio_add(run->portfolio, &files.file[i], &gone);
        if (rc == 0)
            continue;
        if (rc < 0) {
            *fail = gone;
            break;
        }
        rc = drop ? lose_file(run, &files.file[i], fail) : miss_file(run, &files.file[i], gone.text, fail);
    }
    ledger_files_free(&files);
    return rc;
}

static int gather_progress(const struct run *run, const struct engine *engine, struct progress_state *out,
                           struct fail *fail)
{
    struct progress_state state = {.total = 0};
    struct engine_figures figures;
    struct ledger_totals totals;

    if (ledger_totals(run->ledger, &totals, fail) != 0)
        return -1;
    engine_figures(engine, &figures);
    for (int i = JOB_READY; i < JOB_STATE_COUNT; i++) {
        bool open = i == JOB_READY || i == JOB_SENT;
        state.total += totals.state[i];
        state.done += open ? 0 : totals.state[i];
        state.failed += job_state_failed((enum job_state)i) ? totals.state[i] : 0;
    }
    state.accepted = totals.state[JOB_ACCEPTED] + totals.state[JOB_ENROLLED] + totals.state[JOB_ALREADY];
    state.flying = figures.flying;
    state.held_ms = figures.held_ms;
    state.broken = figures.broken;
    state.stopping = figures.stopping;
    state.closed = figures.closed;
    state.opens_at = figures.opens_at;
    *out = state;
    return 0;
}

/* SIGHUP: new limits, as far as there is room for them. */
static void reread(struct run *run, struct engine *engine)
{
    struct engine_options fresh, *own = &run->engine_options;
    struct log *log = run->command->log;

    if (!reload(run->command->config, run->command->options, log, &fresh))
        return;
    if (fresh.pace.concurrency > own->room || fresh.token_pace.concurrency > own->token_room)
        log_add(log, LOG_WARN, "more requests in flight than this run has room for: start it anew for them",
                LOG_INT("concurrency", own->room), LOG_INT("token_concurrency", own->token_room));
    engine_set(engine, &fresh);
    log_add(log, LOG_INFO, "settings read again", LOG_INT("requests_a_minute", fresh.pace.rate * 60),
            LOG_INT("concurrency", fresh.pace.concurrency));
}

static void tell_metrics(struct run *run, const struct engine *engine)
{
    struct engine_figures figures;
    struct metrics_run now;

    if (!metrics_due(&run->metrics, clock_mono_ms()))
        return;
    engine_figures(engine, &figures);
    now = (struct metrics_run){figures.flying, figures.limit, figures.held_ms};
    metrics_write(&run->metrics, run->ledger, &now);
}

static int turn_engine(struct run *run, struct engine *engine, enum engine_end *end, struct fail *fail)
{
    struct progress progress;
    struct progress_state state;
    int rc;

    if (gather_progress(run, engine, &state, fail) != 0)
        return -1;
    progress_open(&progress, options_get(run->command->options, "progress"), run->command->quiet, 2,
                  state.done, clock_mono_ms());
    run->command->log->over_line = progress.form == PROGRESS_TTY;
    while ((rc = engine_turn(engine, end, fail)) == 1) {
        bool asked = signals_status(run->signals);
        if (signals_reload(run->signals))
            reread(run, engine);
        tell_metrics(run, engine);
        if (!asked && !progress_due(&progress, clock_mono_ms()))
            continue;
        if (gather_progress(run, engine, &state, fail) != 0) {
            rc = -1;
            break;
        }
        if (asked)
            progress_print(&progress, &state, clock_mono_ms());
        else
            progress_show(&progress, &state, clock_mono_ms());
    }
    progress_close(&progress);
    run->command->log->over_line = false;
    return rc;
}

static int submit(struct run *run, enum engine_end *end, struct fail *fail)
{
    struct engine_handles handles = {run->ledger, run->portfolio, run->mint,
                                     run->http,   run->signals,   run->command->log};
    struct engine *engine;
    struct engine_figures figures;
    int rc;

    if (engine_open(&engine, &run->engine_options, &handles, fail) != 0)
        return -1;
    signals_watch(run->signals);
    rc = turn_engine(run, engine, end, fail);
    signals_unwatch(run->signals);
    engine_figures(engine, &figures);
    log_add(run->command->log, LOG_INFO, "submission ended", LOG_INT("requests", figures.requests),
            LOG_INT("accepted", figures.accepted), LOG_INT("already", figures.already),
            LOG_INT("rejected", figures.rejected), LOG_INT("transient", figures.transient),
            LOG_INT("tokens", figures.tokens));
    engine_close(engine);
    return rc;
}

static int write_reports(struct run *run, struct fail *fail)
{
    struct report_options report = {.folder = run->command->out_folder,
                                    .overdue_ms = config_ms(run->command->config, SET_EVENTS_OVERDUE),
                                    .now_ms = clock_wall_ms(),
                                    .log = run->command->log};

    if (report_write(run->ledger, run->portfolio, &report, fail) != 0)
        return -1;
    return run->command->json ? report_summary(run->ledger, &report, &run->command->result, fail) : 0;
}

/* Until nothing is due: `retry` or `reconcile` beside this run may free rows at the very moment of its end.
 */
static int submit_all(struct run *run, struct ledger_totals *totals, int *exit_code, struct fail *fail)
{
    enum engine_end end;

    for (int round = 0; round < ROUNDS_MOST; round++) {
        if (submit(run, &end, fail) != 0 || ledger_totals(run->ledger, totals, fail) != 0)
            return -1;
        *exit_code = report_exit_code(totals);
        if (end != ENGINE_DONE || *exit_code != 5)
            return 0;
    }
    return fail_set(fail, FAIL_INTERNAL, "the run ended with rows still to be sent");
}

/* The ledger of a run that never loaded anything, or another one than was meant. */
static void warn_empty(struct run *run, const struct ledger_totals *totals)
{
    int64_t cards = 0;

    for (int i = 0; i < JOB_STATE_COUNT; i++)
        cards += totals->state[i];
    if (cards == 0)
        log_add(run->command->log, LOG_WARN, "the ledger holds no card; --cards FILE loads some",
                LOG_TEXT("ledger", run->command->ledger_path));
}

/* Load, verify, submit; then what the totals say. */
static int work(struct run *run, int *exit_code, struct fail *fail)
{
    struct ledger_totals totals;

    if (load(run, fail) != 0)
        return -1;
    run->loaded = true;
    if (verify_files(run, fail) != 0 || submit_all(run, &totals, exit_code, fail) != 0 ||
        ledger_check(run->ledger, fail) != 0)
        return -1;
    warn_empty(run, &totals);
    if (run->command->json)
        return 0;
    if (print_totals(run, &totals, fail) != 0)
        return -1;
    buf_addf(&run->command->result, "%s\nreports: %s\n", report_exit_text(*exit_code),
             run->command->out_folder);
    return 0;
}

/* Ends the run in the ledger, then reports; also after a fatal answer, to tell how far it came. */
static int conclude(struct run *run, int exit_code, const char *reason, struct fail *fail)
{
    http_close(run->http); /* its kept connections would take the descriptors that the reports need */
    run->http = NULL;
    /* What they and the engine leave in the heap goes back: the reports sort in blocks beside it. */
    (void)malloc_trim(0);
    if (ledger_run_end(run->ledger, exit_code, reason, clock_wall_ms(), fail) != 0)
        return -1;
    if (run->loaded && write_reports(run, fail) != 0)
        return -1;
    return spools_remove(run->ledger, run->command->ledger_path, run->command->log, fail);
}

/* What reconcile and retry go by until the next run. */
static int keep_settings(struct run *run, struct fail *fail)
{
    const char *tenant = run->engine_options.tenant;

    if (tenant[0] && ledger_set_tenant(run->ledger, tenant, fail) != 0)
        return -1;
    return ledger_set_card_path(run->ledger, run->engine_options.card_path[0] != '\0', run->now_ms, fail);
}

/* The first error is the one that is told, unless the second is that the totals do not add up. */
static void choose_error(struct run *run, struct fail *first, const struct fail *second)
{
    bool graver = second->kind == FAIL_INTERNAL && first->kind != FAIL_INTERNAL;

    log_add(run->command->log, LOG_ERROR, graver ? "the run ended before that" : "no reports",
            LOG_TEXT("reason", graver ? first->text : second->text));
    if (graver)
        *first = *second;
}

/* Told before hours of sending, which it is no reason to put off: report makes the set elsewhere. */
static void warn_folder(struct run *run)
{
    struct fail unfit;

    if (outfile_check(run->command->out_folder, &unfit) != 0)
        log_add(run->command->log, LOG_WARN, "no reports can be written as things are",
                LOG_TEXT("reason", unfit.text));
}

/* A first run whose input is not there leaves no ledger behind: it is not made before that is known, for one
 * that was made may be another process's by the time it is removed. */
static int look_at_input(const struct run *run, struct fail *fail)
{
    static const char *const names[] = {"cards", "customers"};

    if (access(run->command->ledger_path, F_OK) == 0)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = options_get(run->command->options, names[i]);
        if (path && source_look(path, fail) != 0)
            return -1;
    }
    return 0;
}

static int run_real(struct run *run, int *exit_code, struct fail *fail)
{
    enum ledger_mode mode = options_has(run->command->options, "cards") ? LEDGER_RUN : LEDGER_RESUME;
    bool hold = strcmp(config_text(run->command->config, SET_RETRY_ON_LOST_ANSWER), "hold") == 0;
    int64_t recovered;
    struct fail later;
    int rc;

    if (look_at_input(run, fail) != 0 ||
        ledger_open(&run->ledger, run->command->ledger_path, mode, fail) != 0)
        return -1;
    ledger_set_hold_lost(run->ledger, hold);
    if (ledger_run_begin(run->ledger, CTP_VERSION, run->now_ms, &recovered, fail) != 0 ||
        keep_settings(run, fail) != 0 ||
        spools_sweep(run->ledger, run->command->ledger_path, run->command->log, fail) != 0)
        return -1;
    warn_folder(run);
    if (recovered > 0)
        log_add(run->command->log, LOG_WARN,
                hold ? "an earlier run was cut off; rows without an answer are held"
                     : "an earlier run was cut off; rows without an answer are sent again",
                LOG_INT("rows", recovered));
    metrics_write(&run->metrics, run->ledger, &(struct metrics_run){0});
    rc = work(run, exit_code, fail);
    if (rc != 0 && fail->kind == FAIL_LEDGER)
        return -1; /* the ledger cannot take anything more: the next run recovers */
    if (rc == 0)
        return conclude(run, *exit_code, NULL, fail);
    if (conclude(run, (int)fail->kind, fail->text, &later) != 0)
        choose_error(run, fail, &later);
    return -1;
}

static int plan_json(struct run *run, int64_t rows, int64_t accounts, double seconds, struct fail *fail)
{
    struct json json;

    (void)fail; /* a result that is too long is found when it is printed */
    json_init(&json, &run->command->result, true);
    json_object(&json);
    json_key(&json, "schema_version");
    json_int(&json, 1);
    json_key(&json, "rows");
    json_int(&json, rows);
    json_key(&json, "requests");
    json_int(&json, rows);
    json_key(&json, "token_calls");
    json_int(&json, accounts);
    json_key(&json, "expected_seconds");
    json_double(&json, seconds);
    json_end_object(&json);
    buf_add_char(&run->command->result, '\n');
    return 0;
}

/* How long it takes at the set rates; FAIL_USAGE: the timetable never opens. */
static int expected_seconds(const struct run *run, int64_t rows, int64_t accounts, double *out,
                            struct fail *fail)
{
    const struct engine_options *options = &run->engine_options;
    int minute = clock_week_minute(clock_wall_ms());
    double tokens = (double)accounts / options->token_pace.rate;

    *out = timetable_seconds(&options->timetable, minute, options->pace.rate, (double)rows);
    if (*out < 0)
        return fail_set(fail, FAIL_USAGE, "pace.timetable never opens: no row would ever be sent");
    if (*out < tokens)
        *out = tokens;
    return 0;
}

/* The plan: the load into a copy of the ledger, and what a run would then send. */
static int run_dry(struct run *run, int *exit_code, struct fail *fail)
{
    int64_t rows, accounts;
    double seconds;
    struct ledger_totals totals;
    struct buf *out = &run->command->result;

    if (ledger_open(&run->ledger, run->command->ledger_path, LEDGER_SCRATCH, fail) != 0 ||
        keep_settings(run, fail) != 0 || load(run, fail) != 0 || verify_files(run, fail) != 0 ||
        ledger_totals(run->ledger, &totals, fail) != 0 ||
        ledger_plan(run->ledger, &rows, &accounts, fail) != 0)
        return -1;
    rows += totals.state[JOB_SENT];
    if (expected_seconds(run, rows, accounts, &seconds, fail) != 0)
        return -1;
    *exit_code = report_needs_person(&totals) ? 3 : 0;
    if (run->command->json)
        return plan_json(run, rows, accounts, seconds, fail);
    if (print_totals(run, &totals, fail) != 0)
        return -1;
    if (rows == 0)
        buf_add_text(out, "plan: 0 requests: no card is to be sent\n");
    else
        buf_addf(out,
                 "plan: %" PRId64 " requests, %" PRId64
                 " token calls at least, about %.0f s at %.6g requests/s%s and %.6g tokens/s\n",
                 rows, accounts, seconds < 1 ? 1 : seconds, run->engine_options.pace.rate,
                 run->engine_options.timetable.count > 0 ? ", or as pace.timetable says," : "",
                 run->engine_options.token_pace.rate);
    buf_add_text(out, "dry run: nothing was sent, the ledger is as it was\n");
    return 0;
}

/* Connections beyond the limit of open files would fail for reasons of our own: rather fewer at once, or less
 * room for more of them later. */
static void fit_connections(struct run *run)
{
    struct engine_options *options = &run->engine_options;
    /* A token command has two pipes and a descriptor of its process, a token request one connection. */
    int each = strcmp(config_text(run->command->config, SET_AUTH_METHOD), "command") == 0 ? 3 : 1;
    int want = options->pace.concurrency + each * options->token_pace.concurrency;
    int most = options->room + each * options->token_room;
    int room = descriptors_raise(most + OTHER_DESCRIPTORS) - OTHER_DESCRIPTORS;

    if (room >= most)
        return;
    options->room = options->pace.concurrency;
    options->token_room = options->token_pace.concurrency;
    if (room >= want)
        return;
    if (room < 2)
        room = 2;
    options->room = options->pace.concurrency =
        (int)((int64_t)options->pace.concurrency * (room - 1) / want) + 1;
    options->token_room = options->token_pace.concurrency =
        room >= options->pace.concurrency + each ? (room - options->pace.concurrency) / each : 1;
    log_add(run->command->log, LOG_WARN, "the limit of open files allows fewer requests at once (ulimit -n)",
            LOG_INT("concurrency", options->pace.concurrency),
            LOG_INT("token_concurrency", options->token_pace.concurrency));
}

static int open_remote(struct run *run, struct fail *fail)
{
    struct http_options http;
    struct mint_options mint;

    if (signals_open(&run->signals, fail) != 0 || engine_check(&run->engine_options, fail) != 0 ||
        setup_secrets(run->command->config, run->command->log, &run->secrets, fail) != 0)
        return -1;
    fit_connections(run);
    if (setup_http(run->command->config, &run->secrets, run->command->log, &http, fail) != 0)
        return -1;
    http.connections = run->engine_options.room + run->engine_options.token_room;
    setup_mint(run->command->config, &run->secrets, run->command->log, &mint);
    mint.concurrency = run->engine_options.token_room;
    if (mint_open(&run->mint, &mint, fail) != 0)
        return -1;
    return http_open(&run->http, &http, fail);
}

int command_run(struct command *command, int *exit_code, struct fail *fail)
{
    struct run run = {.command = command, .now_ms = clock_wall_ms()};
    int rc = -1;

    if (ingest_check(options_get(command->options, "cards"), options_get(command->options, "customers"),
                     fail) != 0)
        return -1;
    setup_tables(command->config, run.now_ms, &run.tables);
    setup_engine(command->config, run.now_ms, &run.engine_options);
    run.tables.spool = (struct source_spool){command->ledger_path, !options_has(command->options, "dry-run")};
    setup_metrics(command->config, command->log, &run.metrics);
    portfolio_open(&run.portfolio, &run.tables);
    if (options_has(command->options, "dry-run"))
        rc = run_dry(&run, exit_code, fail);
    else if (open_remote(&run, fail) == 0)
        rc = run_real(&run, exit_code, fail);
    if (run.ledger && !options_has(command->options, "dry-run"))
        metrics_end(&run.metrics, run.ledger, rc == 0 ? *exit_code : (int)fail->kind);
    http_close(run.http);
    mint_close(run.mint);
    signals_close(run.signals);
    portfolio_close(run.portfolio);
    ledger_close(run.ledger);
    ingest_result_free(&run.result);
    setup_secrets_free(&run.secrets);
    return rc;
}
