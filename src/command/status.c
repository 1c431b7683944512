#include "command/command.h"

#include "cli/text.h"
#include "flow/report.h"
#include "kit/clock.h"

#include <inttypes.h>

static void print_cut_off(const struct ledger_run *run, struct buf *out)
{
    int64_t last_ms = run->ended_ms ? run->ended_ms : run->last_ms;
    char at[CLOCK_TEXT_SIZE];

    if (last_ms > 0)
        buf_addf(out, ", was cut off, last answer %s; the next run carries on\n", clock_format(last_ms, at));
    else
        buf_add_text(out, ", was cut off before any answer; the next run carries on\n");
}

static void print_run(const struct ledger_run *run, struct buf *out)
{
    char at[CLOCK_TEXT_SIZE];

    buf_addf(out, "last run: began %s", clock_format(run->started_ms, at));
    switch (run->life) {
    case LIFE_AT_WORK:
        buf_addf(out, ", is at work (%s)\n", run->holder[0] ? run->holder : "it has not said who it is");
        return;
    case LIFE_CUT_OFF:
        print_cut_off(run, out);
        return;
    case LIFE_UNTOLD:
        buf_add_text(out, ", is at work or was cut off: its lock file does not tell\n");
        return;
    case LIFE_ENDED:
        buf_addf(out, ", ended %s with exit code %d: %s\n", clock_format(run->ended_ms, at), run->exit_code,
                 run->reason[0] ? run->reason : report_exit_text(run->exit_code));
        return;
    }
}

static int print(struct command *command, struct ledger *ledger, const struct report_options *report,
                 struct fail *fail)
{
    struct ledger_totals totals;
    int64_t overdue;
    struct ledger_files files;
    struct ledger_run run;
    size_t runs;

    if (ledger_totals(ledger, &totals, fail) != 0 || ledger_runs(ledger, 1, &run, &runs, fail) != 0 ||
        ledger_overdue(ledger, report->now_ms - report->overdue_ms, &overdue, fail) != 0 ||
        ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    text_totals(&totals, &command->result);
    if (overdue > 0)
        buf_addf(&command->result,
                 "%12" PRId64 "  of the accepted wait longer than events.overdue for their event\n", overdue);
    if (runs > 0)
        print_run(&run, &command->result);
    buf_add_char(&command->result, '\n');
    text_files(&files, &command->result);
    ledger_files_free(&files);
    return 0;
}

int command_status(struct command *command, int *exit_code, struct fail *fail)
{
    struct report_options report = {.overdue_ms = config_ms(command->config, SET_EVENTS_OVERDUE),
                                    .now_ms = clock_wall_ms()};
    struct ledger *ledger;
    int rc;

    if (ledger_open(&ledger, command->ledger_path, LEDGER_READ, fail) != 0)
        return -1;
    rc = command->json ? report_summary(ledger, &report, &command->result, fail)
                       : print(command, ledger, &report, fail);
    ledger_close(ledger);
    *exit_code = 0;
    return rc;
}
