/* The command table, the layers of configuration, and the way from an error to an exit code. */
#include "command/command.h"

#include "cli/setup.h"
#include "driver/http.h"
#include "driver/ledger.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESULT_CAP = 64 << 20, LARGE_BLOCK = 512 << 10 };

typedef int command_function(struct command *command, int *exit_code, struct fail *fail);

static const struct {
    const char *name;
    command_function *function;
} commands[] = {{"check", command_check},   {"run", command_run},     {"status", command_status},
                {"report", command_report}, {"show", command_show},   {"reconcile", command_reconcile},
                {"retry", command_retry},   {"purge", command_purge}, {"config", command_config}};

static command_function *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].function;
    return NULL;
}

static int write_out(const struct buf *text, struct fail *fail)
{
    if (text->full)
        return fail_set(fail, FAIL_INTERNAL, "the result is too long to be printed");
    if (fwrite(buf_text(text), 1, text->len, stdout) != text->len || fflush(stdout) != 0)
        return fail_set(fail, FAIL_LEDGER, "cannot write to standard output: %s", strerror(errno));
    return 0;
}

static int print_version(struct fail *fail)
{
    struct buf text;
    int rc;

    buf_init(&text, 4096);
    buf_addf(&text, "ctp-enroll %s\n%s SQLite/%s\n", CTP_VERSION, http_version(), ledger_version());
    rc = write_out(&text, fail);
    buf_free(&text);
    return rc;
}

static int print_help(const struct command_spec *spec, struct fail *fail)
{
    struct buf text;
    int rc;

    buf_init(&text, 1 << 16);
    options_help(spec, &text);
    rc = write_out(&text, fail);
    buf_free(&text);
    return rc;
}

/* --color, NO_COLOR (any value but an empty one), and whether a person reads standard error. */
static bool wants_color(const char *when)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return !(no_color && *no_color) && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int carry_out(const struct options *options, struct config *config, int *exit_code, struct fail *fail)
{
    char *ledger = setup_ledger_path(options), *folder = setup_out_folder(options, ledger);
    struct log log;
    struct command command = {.config = config,
                              .options = options,
                              .log = &log,
                              .ledger_path = ledger,
                              .out_folder = folder,
                              .json = options_has(options, "json"),
                              .quiet = options_has(options, "quiet")};
    int rc;

    log_open(&log, STDERR_FILENO, setup_log_level(config, command.quiet),
             strcmp(config_text(config, SET_LOG_FORMAT), "json") == 0);
    log.color = wants_color(options_get(options, "color"));
    buf_init(&command.result, RESULT_CAP);
    rc = find(options_command(options)->name)(&command, exit_code, fail);
    if (rc == 0 || (command.json && command.result.len > 0)) {
        struct fail unwritten;
        if (write_out(&command.result, rc == 0 ? fail : &unwritten) != 0)
            rc = -1;
    }
    buf_free(&command.result);
    log_close(&log);
    free(ledger);
    free(folder);
    return rc;
}

static int work(const struct options *options, int *exit_code, struct fail *fail)
{
    struct config *config = NULL;
    int rc = -1;

    *exit_code = 0;
    if (options_has(options, "version"))
        return print_version(fail);
    if (options_has(options, "help"))
        return print_help(options_command(options), fail);
    if (config_open(&config, fail) == 0 && config_load(config, options_get(options, "config"), fail) == 0 &&
        options_apply(options, config, fail) == 0)
        rc = carry_out(options, config, exit_code, fail);
    config_close(config);
    return rc;
}

int main(int argc, char **argv)
{
    struct options *options = NULL;
    struct fail fail = {.kind = FAIL_NONE};
    int exit_code = 0;

    (void)umask(077);
    (void)signal(SIGXFSZ, SIG_IGN);  /* a write beyond the file size limit fails like any other: exit 7 */
    (void)prctl(PR_SET_DUMPABLE, 0); /* no core dump with names and tokens in it */
    /* Large blocks, such as those SQLite sorts in, go back to the system and leave no holes in the heap. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    if (options_open(&options, argc, argv, &fail) != 0 || work(options, &exit_code, &fail) != 0) {
        (void)fprintf(stderr, "ctp-enroll: %s\n", fail.text);
        exit_code = (int)fail.kind;
    }
    options_close(options);
    return exit_code;
}
