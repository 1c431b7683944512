#include "command/command.h"

#include "cli/setup.h"
#include "flow/ingest.h"
#include "flow/report.h"
#include "kit/clock.h"

/* Of the files that were read for their refused records. */
static int tell_forms(const struct command *command, struct ledger *ledger, const struct portfolio *portfolio,
                      const struct table_options *tables, struct fail *fail)
{
    struct ledger_files files;

    if (ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    for (size_t i = 0; i < files.count; i++)
        if (portfolio_table(portfolio, files.file[i].id))
            ingest_tell_form(tables, &files.file[i], command->log);
    ledger_files_free(&files);
    return 0;
}

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
    if (rc == 0)
        rc = tell_forms(command, ledger, portfolio, &tables, fail);
    if (rc == 0 && command->json)
        rc = report_summary(ledger, &report, &command->result, fail);
    else if (rc == 0)
        buf_addf(&command->result, "reports: %s\n", command->out_folder);
    portfolio_close(portfolio);
    ledger_close(ledger);
    *exit_code = 0;
    return rc;
}
