#include "command/command.h"

#include "cli/text.h"
#include "flow/report.h"
#include "kit/clock.h"

static int print(struct command *command, struct ledger *ledger, struct fail *fail)
{
    struct ledger_totals totals;
    struct ledger_files files;

    if (ledger_totals(ledger, &totals, fail) != 0 || ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    text_totals(&totals, &command->result);
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
                       : print(command, ledger, fail);
    ledger_close(ledger);
    *exit_code = 0;
    return rc;
}
