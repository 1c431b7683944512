#include "command/command.h"

#include "cli/setup.h"
#include "flow/report.h"
#include "kit/clock.h"

int command_report(struct command *command, int *exit_code, struct fail *fail)
{
    int64_t now_ms = clock_wall_ms();
    struct report_options report = {.folder = command->out_folder,
                                    .overdue_ms = config_ms(command->config, SET_EVENTS_OVERDUE),
                                    .now_ms = now_ms,
                                    .log = command->log};
    struct table_options tables;
    struct portfolio *portfolio;
    struct ledger *ledger;
    int rc;

    if (ledger_open(&ledger, command->ledger_path, LEDGER_READ, fail) != 0)
        return -1;
    setup_tables(command->config, now_ms, &tables);
    tables.spool.base = command->ledger_path;
    portfolio_open(&portfolio, &tables);
    rc = report_write(ledger, portfolio, &report, fail);
    if (rc == 0 && command->json)
        rc = report_summary(ledger, &report, &command->result, fail);
    else if (rc == 0)
        buf_addf(&command->result, "reports: %s\n", command->out_folder);
    portfolio_close(portfolio);
    ledger_close(ledger);
    *exit_code = 0;
    return rc;
}
