/* command: one function a command of the program. Each opens its handles, calls a flow, prints the result.
 *
 * They write their result to standard output and everything else to standard error through the log. They
 * return 0 with *exit_code set, or -1: then the error's kind is the exit code. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "cli/config.h"
#include "cli/options.h"
#include "kit/log.h"

struct command {
    struct config *config;
    const struct options *options;
    struct log *log;
    const char *ledger_path, *out_folder;
    bool json, quiet;
    struct buf result; /* what the command prints, once, at its end */
};

int command_check(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_run(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_status(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_report(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_show(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_reconcile(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_retry(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_purge(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;
int command_config(struct command *command, int *exit_code, struct fail *fail) MUST_CHECK;

#endif
