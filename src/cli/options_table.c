/* The tables. A command is listed once it exists. */
#include "options_impl.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct option_spec global_options[] = {
    {.name = "config",
     .value_name = "FILE",
     .help = "configuration file; read after /etc/ctp-enroll/ctp-enroll.conf"},
    {.name = "set", .value_name = "SECTION.KEY=VALUE", .help = "set any setting but a secret", .many = true},
    {.name = "ledger",
     .value_name = "FILE",
     .fallback = "$STATE_DIRECTORY/ctp-enroll.db, else ./ctp-enroll.db",
     .help = "the portfolio's ledger"},
    {.name = "json", .help = "one JSON document on standard output"},
    {.name = "log-format", .value_name = "FORMAT", .setting = "log.format"},
    {.name = "log-level", .value_name = "LEVEL", .setting = "log.level"},
    {.name = "quiet", .help = "no progress, and log lines only from warnings upwards"},
    {.name = "color",
     .value_name = "WHEN",
     .choices = "auto|always|never",
     .fallback = "auto",
     .help = "colours on standard error; auto: on a terminal, unless NO_COLOR is set"},
    {.name = "progress",
     .value_name = "FORM",
     .choices = "auto|tty|plain|none",
     .fallback = "auto",
     .help = "a moving line on a terminal (tty), a line now and then (plain), or none"},
    {.name = "help", .help = "examples and options of the command"},
    {.name = "version", .help = "versions of the program and its libraries"},
};

#define OPTION_CARDS(text)                                    \
    {                                                         \
        .name = "cards", .value_name = "FILE", .help = (text) \
    }
#define OPTION_CUSTOMERS                                                                    \
    {                                                                                       \
        .name = "customers", .value_name = "FILE",                                          \
        .help = "customers CSV; without it the cards file carries the customer columns too" \
    }
#define OPTION_OUT(text)                                                                                   \
    {                                                                                                      \
        .name = "out", .value_name = "DIR", .fallback = "ctp-enroll-out beside the ledger", .help = (text) \
    }

static const struct option_spec check_options[] = {
    OPTION_CARDS("cards CSV, also .gz or .zst; -: standard input"),
    OPTION_CUSTOMERS,
    OPTION_OUT("where the problems are written"),
};

static const struct option_spec run_options[] = {
    OPTION_CARDS(
        "cards CSV, also .gz or .zst; -: standard input; without it the run carries on with what the "
        "ledger holds"),
    OPTION_CUSTOMERS,
    OPTION_OUT("where the reports are written"),
    {.name = "base-url", .value_name = "URL", .setting = "api.base_url"},
    {.name = "auth-url", .value_name = "URL", .setting = "auth.url"},
    {.name = "tenant", .value_name = "TENANT", .setting = "api.tenant"},
    {.name = "rate", .value_name = "RATE", .setting = "pace.rate"},
    {.name = "concurrency", .value_name = "N", .setting = "pace.concurrency"},
    {.name = "deadline", .value_name = "TIME", .setting = "run.deadline"},
    {.name = "max-duration", .value_name = "DURATION", .setting = "run.max_duration"},
    {.name = "dry-run", .help = "load into a scratch ledger and print the plan; nothing is sent"},
    {.name = "drop-lost", .help = "rows whose file is gone or changed become invalid (source_lost)"},
};

static const struct option_spec report_options[] = {
    OPTION_OUT("where the reports are written"),
};

static const struct option_spec show_options[] = {
    {.name = "card", .value_name = "ID", .help = "the card_id"},
};

static const struct option_spec reconcile_options[] = {
    {.name = "explain", .help = "show how one event is read; nothing is changed"},
    {.name = "event", .value_name = "N", .fallback = "1", .help = "which event --explain shows"},
};

static const struct option_spec retry_options[] = {
    {.name = "state",
     .value_name = "STATE",
     .help = "rows in this state: rejected, declined, exhausted, already, held (for a lost answer) or "
             "accepted (only overdue ones)",
     .many = true},
    {.name = "all-failed", .help = "rows that are rejected, declined or exhausted"},
    {.name = "code",
     .value_name = "CODE",
     .help = "rows with this code, also Visa's in the message (VIDC-5000)",
     .many = true},
    {.name = "card", .value_name = "ID", .help = "this card", .many = true},
    {.name = "reason", .value_name = "TEXT", .help = "why, for show: no personal data"},
    {.name = "dry-run", .help = "tell how many rows it would be; nothing is changed"},
};

static const struct option_spec purge_options[] = {
    {.name = "older-than", .value_name = "DURATION", .help = "rows that are final for so long, such as 90d"},
    {.name = "dry-run", .help = "tell how many rows it would be; nothing is changed"},
};

static const struct option_spec config_options[] = {
    {.name = "origin", .help = "show also where each value came from"},
};

static const char *const check_examples[] = {
    "ctp-enroll check --cards cards.csv --customers customers.csv",
    "ctp-enroll check --cards cards.csv.gz --out problems --json",
    NULL,
};
static const char *const run_examples[] = {
    "ctp-enroll run --config ctp-enroll.conf --cards cards.csv --customers customers.csv",
    "ctp-enroll run --config ctp-enroll.conf --cards cards.csv --dry-run",
    "ctp-enroll run --config ctp-enroll.conf --rate 20/s --deadline 06:00",
    NULL,
};
static const char *const status_examples[] = {
    "ctp-enroll status",
    "ctp-enroll status --ledger portfolio.db --json",
    NULL,
};
static const char *const report_examples[] = {
    "ctp-enroll report --out reports",
    NULL,
};
static const char *const show_examples[] = {
    "ctp-enroll show --card 6743052",
    NULL,
};
static const char *const reconcile_examples[] = {
    "ctp-enroll reconcile events.jsonl",
    "ctp-enroll reconcile --set api.tenant=TN-EXAMPLE events-*.json.gz",
    "ctp-enroll reconcile --explain --event 3 events.jsonl",
    NULL,
};
static const char *const retry_examples[] = {
    "ctp-enroll retry --all-failed --dry-run",
    "ctp-enroll retry --state rejected --code bad_request --reason 'owner BID corrected at Pismo'",
    "ctp-enroll retry --state exhausted --card 6743052",
    NULL,
};
static const char *const purge_examples[] = {
    "ctp-enroll purge --older-than 90d --dry-run",
    "ctp-enroll purge --older-than 90d",
    NULL,
};
static const char *const config_examples[] = {
    "ctp-enroll config show --origin",
    "ctp-enroll config show verdicts",
    "ctp-enroll config check --config ctp-enroll.conf",
    NULL,
};

static const struct command_spec commands[] = {
    {.name = "check",
     .summary = "read and validate the files with the very rules of run",
     .examples = check_examples,
     .options = check_options,
     .option_count = COUNT(check_options)},
    {.name = "run",
     .summary = "load the files into the ledger, then submit until nothing is due",
     .examples = run_examples,
     .options = run_options,
     .option_count = COUNT(run_options)},
    {.name = "status",
     .summary = "where the portfolio stands, from the ledger alone",
     .examples = status_examples},
    {.name = "reconcile",
     .summary = "read outcome events and settle accepted cards",
     .examples = reconcile_examples,
     .options = reconcile_options,
     .option_count = COUNT(reconcile_options),
     .positional = "FILE... (- for standard input)",
     .least = 1,
     .most = SIZE_MAX},
    {.name = "retry",
     .summary = "make chosen finished rows due again",
     .examples = retry_examples,
     .options = retry_options,
     .option_count = COUNT(retry_options)},
    {.name = "report",
     .summary = "write the report set",
     .examples = report_examples,
     .options = report_options,
     .option_count = COUNT(report_options)},
    {.name = "show",
     .summary = "one card's whole story",
     .examples = show_examples,
     .options = show_options,
     .option_count = COUNT(show_options)},
    {.name = "purge",
     .summary = "erase finished rows, keeping totals and digests",
     .examples = purge_examples,
     .options = purge_options,
     .option_count = COUNT(purge_options)},
    {.name = "config",
     .summary = "print the effective settings, or check them",
     .examples = config_examples,
     .options = config_options,
     .option_count = COUNT(config_options),
     .positional = "show [verdicts] | check",
     .least = 1,
     .most = 2},
};

const struct command_spec *options_commands(size_t *count)
{
    *count = COUNT(commands);
    return commands;
}

const struct option_spec *options_global(size_t *count)
{
    *count = COUNT(global_options);
    return global_options;
}

static const struct option_spec *find_in(const struct option_spec *specs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

const struct option_spec *options_find(const struct command_spec *command, const char *name)
{
    const struct option_spec *spec = find_in(global_options, COUNT(global_options), name);

    for (size_t i = 0; i < COUNT(commands) && !spec; i++)
        if (!command || command == &commands[i])
            spec = find_in(commands[i].options, commands[i].option_count, name);
    return spec;
}

const struct command_spec *options_find_command(const char *name)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct setting_info *options_setting(const struct option_spec *spec)
{
    enum setting setting;
    int unknown;

    if (!spec->setting)
        return NULL;
    unknown = config_find(spec->setting, &setting);
    assert(!unknown); /* the table above names a setting that is not there */
    return config_info(setting);
}

const char *options_choices(const struct option_spec *spec)
{
    const struct setting_info *info = options_setting(spec);

    if (info)
        return info->type == SETTING_ENUM ? info->allowed : NULL;
    return spec->choices;
}
