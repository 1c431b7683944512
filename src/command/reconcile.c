/* reconcile: every file is read to its end, or as far as it is good; what it holds up to there is settled and
 * told whatever comes later. */
#include "reconcile_impl.h"

#include "cli/progress.h"
#include "cli/setup.h"
#include "cli/text.h"
#include "flow/metrics.h"
#include "flow/spool.h"
#include "kit/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* What the work on all files holds. */
struct work {
    struct command *command;
    struct ledger *ledger;
    struct reconcile *reconcile;
    struct api_event_rules rules;
    struct reconcile_options options;
    struct progress progress;
    struct buf tenant; /* of the last run, where api.tenant is empty */
    struct fail unfit; /* of the first file that could not be read to its end; kind FAIL_NONE: none */
};

/* Before anything is settled: a name that was mistyped. */
static int check_files(const struct options *options, struct fail *fail)
{
    const char *path;
    int inputs = 0;

    for (size_t i = 0; (path = options_word(options, i)); i++) {
        inputs += strcmp(path, "-") == 0;
        if (strcmp(path, "-") != 0 && access(path, R_OK) != 0)
            return fail_set(fail, FAIL_INPUT, "%s: cannot open: %s", path, strerror(errno));
    }
    return inputs > 1 ? fail_set(fail, FAIL_USAGE, "standard input can be read once only") : 0;
}

static void show_progress(struct work *work, const char *path)
{
    const struct reconcile_figures *f = reconcile_figures(work->reconcile);
    int64_t done, size, now_ms = clock_mono_ms();
    struct buf text;

    if (!progress_due(&work->progress, now_ms))
        return;
    reconcile_place(work->reconcile, &done, &size);
    buf_init(&text, 8192);
    buf_addf(&text, "%s: ", path);
    if (size > 0)
        buf_addf(&text, "%d%%, ", (int)(done * 100 / size));
    buf_addf(&text, "%" PRId64 " events read, %" PRId64 " enrolled, %" PRId64 " declined", f->read,
             f->enrolled, f->declined);
    progress_tell(&work->progress, buf_text(&text), now_ms);
    buf_free(&text);
}

static int read_file(struct work *work, const char *path, struct fail *fail)
{
    int rc;

    if (reconcile_begin(work->reconcile, path, fail) != 0)
        return -1;
    while ((rc = reconcile_turn(work->reconcile, fail)) == 1)
        show_progress(work, path);
    return rc;
}

/* The other files may be good all the same. */
static int read_files(struct work *work, struct fail *fail)
{
    const char *path;

    for (size_t i = 0; (path = options_word(work->command->options, i)); i++) {
        struct fail why;
        if (read_file(work, path, &why) == 0)
            continue;
        if (why.kind != FAIL_INPUT) {
            *fail = why;
            return -1;
        }
        log_add(work->command->log, LOG_ERROR, why.text);
        if (work->unfit.kind == FAIL_NONE)
            work->unfit = why;
    }
    return 0;
}

static int settle(struct work *work, struct fail *fail)
{
    struct command *command = work->command;
    int rc;

    progress_open(&work->progress, options_get(command->options, "progress"), command->quiet, STDERR_FILENO,
                  0, clock_mono_ms());
    command->log->over_line = work->progress.form == PROGRESS_TTY;
    rc = reconcile_resume(work->reconcile, fail);
    if (rc == 0)
        rc = read_files(work, fail);
    if (rc == 0)
        rc = reconcile_resume(work->reconcile, fail);
    if (rc == 0)
        rc = ledger_check(work->ledger, fail);
    progress_close(&work->progress);
    command->log->over_line = false;
    return rc;
}

static int print(struct work *work, struct fail *fail)
{
    const struct reconcile_figures *figures = reconcile_figures(work->reconcile);
    int64_t overdue_ms = config_ms(work->command->config, SET_EVENTS_OVERDUE), overdue;
    const char *error = work->unfit.kind == FAIL_NONE ? NULL : work->unfit.text;
    struct buf *out = &work->command->result;
    struct ledger_totals totals;

    if (ledger_overdue(work->ledger, clock_wall_ms() - overdue_ms, &overdue, fail) != 0 ||
        ledger_totals(work->ledger, &totals, fail) != 0)
        return -1;
    if (work->command->json) {
        reconcile_print_json(figures, overdue, &totals, error, out);
        return 0;
    }
    reconcile_print(figures, overdue, out);
    buf_add_char(out, '\n');
    text_totals(&totals, out);
    reconcile_print_next(figures, overdue, &totals, out);
    if (error)
        buf_addf(out, "\nnot all was read: %s\n", error);
    return 0;
}

/* Rows that are final need no spool files any more, and the metrics are others. */
static int follow_up(struct work *work, struct fail *fail)
{
    struct command *command = work->command;
    struct metrics metrics;

    setup_metrics(command->config, command->log, &metrics);
    metrics_refresh(&metrics, work->ledger);
    return spools_remove(work->ledger, command->ledger_path, command->log, fail);
}

/* The nth event of the files, counted from 1. */
static int find_event(struct work *work, int64_t nth, struct reconcile_sight *out, struct fail *fail)
{
    const char *path;
    int64_t seen = 0;
    int rc;

    for (size_t i = 0; (path = options_word(work->command->options, i)); i++) {
        if (reconcile_begin(work->reconcile, path, fail) != 0)
            return -1;
        while ((rc = reconcile_look(work->reconcile, out, fail)) == 1)
            if (++seen == nth)
                return 0;
        if (rc < 0)
            return -1;
    }
    if (seen == 0)
        return fail_set(fail, FAIL_INPUT, "there is no event in what was given");
    return fail_set(fail, FAIL_USAGE, "--event %" PRId64 ": there are %" PRId64 " events", nth, seen);
}

static int explain(struct work *work, struct fail *fail)
{
    const char *wanted = options_get(work->command->options, "event");
    struct reconcile_sight sight;
    int64_t nth = 1;

    if (wanted && span_to_id(span_of(wanted), &nth) != 0)
        return fail_set(fail, FAIL_USAGE, "--event takes a number from 1 upwards");
    if (find_event(work, nth, &sight, fail) != 0)
        return -1;
    if (work->command->json)
        reconcile_explain_json(&sight, &work->rules, &work->command->result);
    else
        reconcile_explain(&sight, &work->rules, &work->command->result);
    return 0;
}

/* Whose events count: what was sent for one tenant is not settled by an event of another. */
static int choose_tenant(struct work *work, struct fail *fail)
{
    if (work->rules.tenant.len > 0)
        return 0;
    if (ledger_tenant(work->ledger, &work->tenant, fail) != 0)
        return -1;
    work->rules.tenant = buf_span(&work->tenant);
    return 0;
}

static int carry_out(struct work *work, bool explaining, struct fail *fail)
{
    if (explaining)
        return explain(work, fail);
    if (settle(work, fail) != 0 || print(work, fail) != 0)
        return -1;
    return follow_up(work, fail);
}

int command_reconcile(struct command *command, int *exit_code, struct fail *fail)
{
    bool explaining = options_has(command->options, "explain");
    struct work work = {.command = command, .unfit = {.kind = FAIL_NONE}};
    int rc;

    if (options_has(command->options, "event") && !explaining)
        return fail_set(fail, FAIL_USAGE, "--event goes with --explain");
    if (setup_events(command->config, &work.rules, fail) != 0 || check_files(command->options, fail) != 0 ||
        ledger_open(&work.ledger, command->ledger_path, explaining ? LEDGER_READ : LEDGER_EVENTS, fail) != 0)
        return -1;
    buf_init(&work.tenant, 4096);
    work.options = (struct reconcile_options){&work.rules, clock_wall_ms(), command->log};
    reconcile_open(&work.reconcile, work.ledger, &work.options);
    rc = choose_tenant(&work, fail);
    if (rc == 0)
        rc = carry_out(&work, explaining, fail);
    *exit_code = (int)work.unfit.kind;
    reconcile_close(work.reconcile);
    buf_free(&work.tenant);
    ledger_close(work.ledger);
    return rc;
}
