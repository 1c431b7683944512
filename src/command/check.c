/* check is a load into a ledger of its own that is thrown away: so it cannot judge otherwise than run. */
#include "command/command.h"

#include "cli/setup.h"
#include "cli/text.h"
#include "driver/outfile.h"
#include "flow/ingest.h"
#include "flow/report.h"
#include "kit/clock.h"

#include <stdlib.h>

/* What was read, and what the ledger of this check made of it. */
struct checked {
    struct ledger *ledger;
    const struct ingest_options *names;
    const struct ingest_result *loaded;
};

static int print_result(struct command *command, const struct checked *checked,
                        const struct report_options *report, int *exit_code, struct fail *fail)
{
    struct ledger *ledger = checked->ledger;
    struct ledger_totals totals;
    struct ledger_files files;

    if (ledger_totals(ledger, &totals, fail) != 0)
        return -1;
    *exit_code = report_needs_person(&totals) ? 3 : 0;
    if (command->json)
        return report_summary(ledger, report, &command->result, fail);
    if (ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    if (command->result.len > 0)
        buf_add_char(&command->result, '\n');
    text_loaded(&files, checked->names, checked->loaded, &command->result);
    text_totals(&totals, &command->result);
    buf_addf(&command->result, "%s\n", *exit_code == 0 ? "every record passes" : "some records are refused");
    buf_addf(&command->result, "rejects and totals: %s\n", command->out_folder);
    ledger_files_free(&files);
    return 0;
}

int command_check(struct command *command, int *exit_code, struct fail *fail)
{
    int64_t now_ms = clock_wall_ms();
    struct table_options tables;
    struct ingest_options options = {.cards = options_get(command->options, "cards"),
                                     .customers = options_get(command->options, "customers"),
                                     .tables = &tables,
                                     .log = command->log,
                                     .samples = command->json ? NULL : &command->result};
    struct report_options report = {.folder = command->out_folder,
                                    .overdue_ms = config_ms(command->config, SET_EVENTS_OVERDUE),
                                    .now_ms = now_ms,
                                    .check = true,
                                    .log = command->log};
    struct ledger_load_options limits;
    struct fail over;
    struct ledger *ledger = NULL;
    struct portfolio *portfolio = NULL;
    struct ingest_result result = {.cards_known = false};
    int rc = -1;

    if (!options.cards)
        return fail_set(fail, FAIL_USAGE, "check needs --cards FILE; see ctp-enroll check --help");
    if (ingest_check(options.cards, options.customers, fail) != 0 ||
        outfile_check(command->out_folder, fail) != 0)
        return -1;
    setup_tables(command->config, now_ms, &tables);
    tables.spool.base = command->ledger_path;
    setup_load(command->config, now_ms, &options.load);
    options.load.throwaway = true;
    limits = options.load;
    options.load.bad_most = -1; /* whatever the limit: the refused records are to be seen */
    options.load.bad_share = -1;
    portfolio_open(&portfolio, &tables);
    if (ledger_open(&ledger, NULL, LEDGER_SCRATCH, fail) == 0 &&
        ingest(ledger, &options, portfolio, &result, fail) == 0 &&
        report_write(ledger, portfolio, &report, fail) == 0)
        rc = print_result(command, &(struct checked){ledger, &options, &result}, &report, exit_code, fail);
    if (rc == 0 && (ledger_file_limit(&result.customers, &limits, &over) != 0 ||
                    ledger_file_limit(&result.cards, &limits, &over) != 0)) {
        log_add(command->log, LOG_ERROR, over.text);
        *exit_code = (int)over.kind;
    }
    ingest_result_free(&result);
    portfolio_close(portfolio);
    ledger_close(ledger);
    return rc;
}
