/* options: parsing, messages, what reaches the configuration, and that the tables agree with each other. */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARSE(...) parse((const char *const[]){"ctp-enroll", __VA_ARGS__, NULL})
#define REFUSED(message, ...) refused(message, (const char *const[]){"ctp-enroll", __VA_ARGS__, NULL})

enum { ARGS_MAX = 32 };

static int open_args(struct options **out, const char *const *args, struct fail *fail)
{
    static char *argv[ARGS_MAX]; /* the options borrow from it until the next call */
    static char *copies[ARGS_MAX];
    int argc = 0;

    for (; args[argc]; argc++) {
        assert_true(argc < ARGS_MAX - 1);
        free(copies[argc]);
        copies[argc] = mem_text(args[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    return options_open(out, argc, argv, fail);
}

static struct options *parse(const char *const *args)
{
    struct options *options = NULL;
    struct fail fail = {0};

    if (open_args(&options, args, &fail) != 0)
        fail_msg("%s", fail.text);
    return options;
}

static void refused(const char *message, const char *const *args)
{
    struct options *options = NULL;
    struct fail fail = {0};

    assert_int_equal(open_args(&options, args, &fail), -1);
    assert_null(options);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, message);
}

static void both_forms_of_a_value(void **state)
{
    struct options *options = PARSE("check", "--cards", "c.csv", "--customers=p.csv", "--json");

    (void)state;
    assert_string_equal(options_command(options)->name, "check");
    assert_string_equal(options_get(options, "cards"), "c.csv");
    assert_string_equal(options_get(options, "customers"), "p.csv");
    assert_null(options_get(options, "out"));
    assert_true(options_has(options, "json"));
    assert_false(options_has(options, "quiet"));
    assert_null(options_word(options, 0));
    options_close(options);
}

static void command_is_no_options_value(void **state)
{
    struct options *options = PARSE("--config", "run", "--quiet", "status");

    (void)state;
    assert_string_equal(options_command(options)->name, "status");
    assert_string_equal(options_get(options, "config"), "run");
    options_close(options);
    options = PARSE("--cards", "check", "run");
    assert_string_equal(options_command(options)->name, "run");
    assert_string_equal(options_get(options, "cards"), "check");
    options_close(options);
}

static void words_and_the_end_of_options(void **state)
{
    struct options *options = PARSE("config", "--origin", "show", "verdicts");

    (void)state;
    assert_string_equal(options_word(options, 0), "show");
    assert_string_equal(options_word(options, 1), "verdicts");
    assert_null(options_word(options, 2));
    options_close(options);
    options = PARSE("config", "--", "--origin", "-");
    assert_false(options_has(options, "origin"));
    assert_string_equal(options_word(options, 0), "--origin");
    assert_string_equal(options_word(options, 1), "-");
    options_close(options);
    options = PARSE("check", "--cards", "-");
    assert_string_equal(options_get(options, "cards"), "-");
    options_close(options);
}

static void repeated_options_keep_their_order(void **state)
{
    struct options *options = PARSE("run", "--set", "pace.rate=1/s", "--quiet", "--set=pace.rate=2/s");
    size_t at = 0;

    (void)state;
    assert_string_equal(options_next(options, "set", &at), "pace.rate=1/s");
    assert_string_equal(options_next(options, "set", &at), "pace.rate=2/s");
    assert_null(options_next(options, "set", &at));
    assert_string_equal(options_get(options, "set"), "pace.rate=2/s");
    options_close(options);
    options = PARSE("run", "--rate", "1/s", "--rate", "2/s");
    assert_string_equal(options_get(options, "rate"), "2/s");
    options_close(options);
    REFUSED("--cards is given twice", "run", "--cards", "a", "--cards", "b");
}

static void faults_are_named(void **state)
{
    (void)state;
    REFUSED("unknown command 'stats'; did you mean 'status'?", "stats");
    REFUSED("unknown command 'frobnicate'; 'ctp-enroll --help' lists the commands", "frobnicate");
    REFUSED("unknown option '--card'; did you mean '--cards'?", "run", "--card", "x");
    REFUSED("unknown option '--rat'; did you mean '--rate'?", "run", "--rat=5");
    REFUSED("unknown option '--zzzzzz'; 'ctp-enroll run --help' lists the options", "run", "--zzzzzz");
    REFUSED("unknown option '-q'; 'ctp-enroll run --help' lists the options", "run", "-q");
    REFUSED("unknown option '-json'; did you mean '--json'?", "run", "-json");
    REFUSED("--cards needs a value (FILE)", "run", "--cards");
    REFUSED("--cards needs a value (FILE)", "run", "--cards", "--json");
    REFUSED("--cards needs a value (FILE)", "run", "--cards=");
    REFUSED("--json takes no value", "run", "--json=yes");
    REFUSED("--color: 'blue' is none of auto|always|never", "run", "--color", "blue");
    REFUSED("run: what is 'cards.csv'? 'ctp-enroll run --help' shows the usage", "run", "cards.csv");
    REFUSED("config needs more: show [verdicts] | check", "config");
    REFUSED("no command; 'ctp-enroll --help' lists the commands", "--json");
    refused("no command; 'ctp-enroll --help' lists the commands", (const char *const[]){"ctp-enroll", NULL});
}

static void an_option_of_another_command_is_unknown(void **state)
{
    (void)state;
    REFUSED("unknown option '--origin'; 'ctp-enroll run --help' lists the options", "run", "--origin");
}

static void help_and_version_need_nothing_else(void **state)
{
    struct options *options = PARSE("--help");

    (void)state;
    assert_true(options_has(options, "help"));
    assert_null(options_command(options));
    options_close(options);
    options = PARSE("config", "-h");
    assert_true(options_has(options, "help"));
    assert_string_equal(options_command(options)->name, "config");
    options_close(options);
    options = PARSE("--version");
    assert_true(options_has(options, "version"));
    options_close(options);
}

/* ---- into the configuration --------------------------------------------------------------------------- */

static void settings_in_the_order_given(void **state)
{
    struct options *options = PARSE("run", "--rate", "9/s", "--set", "pace.rate=8/s", "--set", "pace.burst=3",
                                    "--concurrency=7", "--log-level", "debug");
    struct config *config = NULL;
    struct fail fail = {0};
    struct buf out;

    (void)state;
    assert_int_equal(config_open(&config, &fail), 0);
    assert_int_equal(options_apply(options, config, &fail), 0);
    assert_true(config_rate(config, SET_PACE_RATE) == 8.0);
    assert_int_equal(config_int(config, SET_PACE_BURST), 3);
    assert_int_equal(config_int(config, SET_PACE_CONCURRENCY), 7);
    assert_string_equal(config_text(config, SET_LOG_LEVEL), "debug");
    buf_init(&out, 65536);
    config_show(config, true, false, &out);
    assert_non_null(strstr(buf_text(&out), "pace.rate = 8/s  # --set\n"));
    assert_non_null(strstr(buf_text(&out), "pace.concurrency = 7  # --concurrency\n"));
    buf_free(&out);
    config_close(config);
    options_close(options);
}

static void apply_refused(const char *message, const char *const *args)
{
    struct options *options = parse(args);
    struct config *config = NULL;
    struct fail fail = {0};

    assert_int_equal(config_open(&config, &fail), 0);
    assert_int_equal(options_apply(options, config, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, message);
    config_close(config);
    options_close(options);
}

static void bad_settings_name_their_option(void **state)
{
    (void)state;
    apply_refused("--rate: pace.rate: 'fast' is no rate, such as 50/s or 3000/m",
                  (const char *const[]){"ctp-enroll", "run", "--rate", "fast", NULL});
    apply_refused("--set: write SECTION.KEY=VALUE",
                  (const char *const[]){"ctp-enroll", "run", "--set", "hunter2", NULL});
    apply_refused("--set: unknown key 'pace.rat'; did you mean 'pace.rate'?",
                  (const char *const[]){"ctp-enroll", "run", "--set", "pace.rat=5/s", NULL});
}

static void no_secret_from_argv(void **state)
{
    struct options *options = PARSE("run", "--set", "auth.server_key=hunter2");
    struct config *config = NULL;
    struct fail fail = {0};

    (void)state;
    assert_int_equal(config_open(&config, &fail), 0);
    assert_int_equal(options_apply(options, config, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_null(strstr(fail.text, "hunter2"));
    config_close(config);
    options_close(options);
}

/* ---- tables and what they yield ----------------------------------------------------------------------- */

static void commands_of_this_version(void **state)
{
    static const char *const names[] = {"check",  "run",  "status", "reconcile", "retry",
                                        "report", "show", "purge",  "config"};
    size_t count;
    const struct command_spec *commands = options_commands(&count);

    (void)state;
    assert_int_equal(count, sizeof names / sizeof *names);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(commands[i].name, names[i]);
}

/* The first reading of argv relies on it: an option's name takes a value everywhere or nowhere. */
static void a_name_means_the_same_everywhere(void **state)
{
    size_t command_count, global_count;
    const struct command_spec *commands = options_commands(&command_count);
    const struct option_spec *globals = options_global(&global_count);

    (void)state;
    for (size_t a = 0; a < command_count; a++) {
        for (size_t i = 0; i < commands[a].option_count; i++) {
            const struct option_spec *one = &commands[a].options[i];
            enum setting setting;
            if (one->setting)
                assert_int_equal(config_find(one->setting, &setting), 0);
            assert_true(one->help || one->setting);
            for (size_t g = 0; g < global_count; g++)
                assert_string_not_equal(one->name, globals[g].name);
            for (size_t b = 0; b < command_count; b++)
                for (size_t j = 0; j < commands[b].option_count; j++)
                    if (strcmp(one->name, commands[b].options[j].name) == 0)
                        assert_int_equal(!one->value_name, !commands[b].options[j].value_name);
        }
    }
}

static void help_shows_examples_first(void **state)
{
    struct options *options = PARSE("run", "--help");
    const char *examples, *usage, *rate;
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    options_help(options_command(options), &out);
    examples = strstr(buf_text(&out), "\nExamples:\n  ctp-enroll run ");
    usage = strstr(buf_text(&out), "\nUsage: ctp-enroll run [options]\n");
    rate =
        strstr(buf_text(&out), "\n  --concurrency N         most enrol requests in flight (default 64; sets "
                               "pace.concurrency)\n");
    assert_true(examples && usage && rate && examples < usage && usage < rate);
    assert_non_null(strstr(buf_text(&out), "\n  --config FILE"));
    for (const char *line = buf_text(&out), *end; (end = strchr(line, '\n')); line = end + 1)
        assert_in_range(end - line, 0, 100);
    buf_free(&out);
    options_close(options);
}

static void program_help_lists_what_exists(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    options_help(NULL, &out);
    assert_non_null(strstr(buf_text(&out), "\n  check                   read and validate"));
    assert_non_null(strstr(buf_text(&out), "\n  purge                   erase finished rows"));
    assert_non_null(strstr(buf_text(&out), "\n  reconcile               read outcome events"));
    buf_free(&out);
}

static void the_sample_file_is_all_defaults(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    options_sample(&out);
    assert_non_null(
        strstr(buf_text(&out), "\n[pace]\n# most enrol requests, such as 50/s or 3000/m\n#rate = 50/s\n"));
    assert_null(strstr(buf_text(&out), "server_secret ="));
    assert_non_null(strstr(buf_text(&out), "\n#textfile =\n"));
    buf_free(&out);
}

static void completion_knows_words_and_files(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    options_completion(&out);
    assert_non_null(strstr(
        buf_text(&out), " words='check run status reconcile retry report show purge config --config --set "));
    assert_non_null(strstr(buf_text(&out), "    --log-level)\n        mapfile -t COMPREPLY < "
                                           "<(compgen -W 'debug info warning error' -- \"$cur\")\n"));
    assert_non_null(strstr(buf_text(&out), "    --cards)\n        mapfile -t COMPREPLY < <(compgen -f "));
    assert_non_null(strstr(buf_text(&out), "    --out)\n        mapfile -t COMPREPLY < <(compgen -d "));
    assert_non_null(strstr(buf_text(&out), "pace.token_rate"));
    assert_non_null(strstr(buf_text(&out), "auth.server_secret_file"));
    assert_null(strstr(buf_text(&out), "auth.server_secret "));
    buf_free(&out);
}

static void man_lists_options_and_settings(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    options_man(&out);
    assert_non_null(strstr(buf_text(&out), ".SS run\n.TP\n\\fB\\-\\-cards\\fR \\fIFILE\\fR\n"));
    assert_non_null(strstr(buf_text(&out),
                           ".TP\n\\fBretry.on_lost_answer\\fR (resend)\nwhat happens to a row whose "
                           "answer was lost: it is sent again, or held until told.\n"));
    assert_non_null(strstr(buf_text(&out),
                           ".TP\n\\fBinput.encoding\\fR (UTF\\-8)\nencoding of the input files, under any "
                           "name that iconv knows, such as WINDOWS\\-1252 or UTF\\-16.\n"));
    for (size_t i = 0; i < SETTING_COUNT; i++)
        assert_non_null(strstr(buf_text(&out), config_info((enum setting)i)->name));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_of_a_value),
        cmocka_unit_test(command_is_no_options_value),
        cmocka_unit_test(words_and_the_end_of_options),
        cmocka_unit_test(repeated_options_keep_their_order),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(an_option_of_another_command_is_unknown),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(settings_in_the_order_given),
        cmocka_unit_test(bad_settings_name_their_option),
        cmocka_unit_test(no_secret_from_argv),
        cmocka_unit_test(commands_of_this_version),
        cmocka_unit_test(a_name_means_the_same_everywhere),
        cmocka_unit_test(help_shows_examples_first),
        cmocka_unit_test(program_help_lists_what_exists),
        cmocka_unit_test(the_sample_file_is_all_defaults),
        cmocka_unit_test(completion_knows_words_and_files),
        cmocka_unit_test(man_lists_options_and_settings),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
