/* Two readings of argv: the first finds the command, for which it must know which options swallow the next
 * word (an option's name means the same in every command); the second judges every word against that
 * command. */
#include "options_impl.h"

#include "value/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 128 };

struct given {
    const struct option_spec *spec;
    const char *value; /* NULL: it takes none */
};

struct options {
    const struct command_spec *command;
    struct given *given;
    size_t given_count;
    const char **words;
    size_t word_count;
};

/* One word of argv that begins with a dash, taken apart. */
struct argument {
    char *name;        /* owned */
    const char *value; /* behind '=', or NULL */
};

static bool is_option(const char *word)
{
    assert(word);
    return word[0] == '-' && word[1] != '\0';
}

/* "-h" is the one short form: many type it before they know any name. */
static struct argument take_apart(const char *word)
{
    const char *name = word + strspn(word, "-"), *equals = strchr(name, '=');
    struct argument argument = {mem_text(strcmp(word, "-h") == 0 ? "help" : name), NULL};

    if (equals) {
        argument.name[equals - name] = '\0';
        argument.value = equals + 1;
    }
    return argument;
}

static const char *find_command(int argc, char *const *argv)
{
    bool options_end = false;

    for (int i = 1; i < argc; i++) {
        struct argument argument;
        const struct option_spec *spec;
        if (options_end || !is_option(argv[i]))
            return argv[i];
        options_end = strcmp(argv[i], "--") == 0;
        argument = take_apart(argv[i]);
        spec = options_find(NULL, argument.name);
        i += spec && spec->value_name && !argument.value;
        free(argument.name);
    }
    return NULL;
}

static int unknown_command(const char *word, struct fail *fail)
{
    const char *names[NAMES_MAX], *near;
    size_t count;
    const struct command_spec *commands = options_commands(&count);

    assert(count <= NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = commands[i].name;
    near = nearest(word, names, count);
    if (near)
        return fail_set(fail, FAIL_USAGE, "unknown command '%s'; did you mean '%s'?", word, near);
    return fail_set(fail, FAIL_USAGE, "unknown command '%s'; 'ctp-enroll --help' lists the commands", word);
}

/* `word` is the option as given, a value behind '=' included. */
static int unknown_option(const struct command_spec *command, const char *word, struct fail *fail)
{
    const char *names[NAMES_MAX], *near;
    size_t count, total = 0;
    const struct option_spec *globals = options_global(&count);
    struct argument argument = take_apart(word);
    int shown = (int)strcspn(word, "=");

    assert(count + (command ? command->option_count : 0) <= NAMES_MAX);
    for (size_t i = 0; command && i < command->option_count; i++)
        names[total++] = command->options[i].name;
    for (size_t i = 0; i < count; i++)
        names[total++] = globals[i].name;
    near = nearest(argument.name, names, total);
    free(argument.name);
    if (near)
        return fail_set(fail, FAIL_USAGE, "unknown option '%.*s'; did you mean '--%s'?", shown, word, near);
    return fail_set(fail, FAIL_USAGE, "unknown option '%.*s'; 'ctp-enroll %s%s--help' lists the options",
                    shown, word, command ? command->name : "", command ? " " : "");
}

static int check_choice(const struct option_spec *spec, const char *value, struct fail *fail)
{
    struct span rest, word;

    if (!value || spec->setting || !spec->choices)
        return 0;
    rest = span_of(spec->choices);
    while (span_cut(&rest, '|', &word))
        if (span_is(word, value))
            return 0;
    return fail_set(fail, FAIL_USAGE, "--%s: '%s' is none of %s", spec->name, value, spec->choices);
}

static int add_option(struct options *options, const struct option_spec *spec, const char *value,
                      struct fail *fail)
{
    if (spec->value_name && value[0] == '\0' && !spec->setting)
        return fail_set(fail, FAIL_USAGE, "--%s needs a value (%s)", spec->name, spec->value_name);
    if (check_choice(spec, value, fail) != 0)
        return -1;
    if (spec->value_name && !spec->many && !spec->setting && options_has(options, spec->name))
        return fail_set(fail, FAIL_USAGE, "--%s is given twice", spec->name);
    options->given[options->given_count++] = (struct given){spec, value};
    return 0;
}

/* Reads the option in argv[*i] and, where it needs one, the value behind it. */
static int read_option(struct options *options, int argc, char *const *argv, int *i, struct fail *fail)
{
    struct argument argument = take_apart(argv[*i]);
    const struct option_spec *spec = options_find(options->command, argument.name);
    const char *value = argument.value;
    int result = -1;

    if (!spec || (argv[*i][1] != '-' && strcmp(argv[*i], "-h") != 0)) {
        (void)unknown_option(options->command, argv[*i], fail);
        goto out;
    }
    if (!spec->value_name && value) {
        (void)fail_set(fail, FAIL_USAGE, "--%s takes no value", spec->name);
        goto out;
    }
    if (spec->value_name && !value) {
        if (++*i >= argc || is_option(argv[*i])) {
            (void)fail_set(fail, FAIL_USAGE, "--%s needs a value (%s)", spec->name, spec->value_name);
            goto out;
        }
        value = argv[*i];
    }
    result = add_option(options, spec, value, fail);
out:
    free(argument.name);
    return result;
}

static int read_words(struct options *options, int argc, char *const *argv, struct fail *fail)
{
    bool options_end = false, command_seen = false;

    for (int i = 1; i < argc; i++) {
        if (!options_end && is_option(argv[i])) {
            options_end = strcmp(argv[i], "--") == 0;
            if (!options_end && read_option(options, argc, argv, &i, fail) != 0)
                return -1;
        } else if (!command_seen) {
            command_seen = true;
        } else {
            options->words[options->word_count++] = argv[i];
        }
    }
    return 0;
}

static int check_words(const struct options *options, struct fail *fail)
{
    const struct command_spec *command = options->command;

    if (options_has(options, "help") || options_has(options, "version"))
        return 0;
    if (!command)
        return fail_set(fail, FAIL_USAGE, "no command; 'ctp-enroll --help' lists the commands");
    if (options->word_count > command->most)
        return fail_set(fail, FAIL_USAGE, "%s: what is '%s'? 'ctp-enroll %s --help' shows the usage",
                        command->name, options->words[command->most], command->name);
    if (options->word_count < command->least)
        return fail_set(fail, FAIL_USAGE, "%s needs more: %s", command->name, command->positional);
    return 0;
}

int options_open(struct options **out, int argc, char *const *argv, struct fail *fail)
{
    struct options *options = mem_alloc(sizeof *options);
    size_t most = argc > 0 ? (size_t)argc : 1;
    const char *name = find_command(argc, argv);

    options->given = mem_array(most, sizeof *options->given);
    options->words = mem_array(most, sizeof *options->words);
    options->command = name ? options_find_command(name) : NULL;
    if (name && !options->command) {
        (void)unknown_command(name, fail);
        goto bad;
    }
    if (read_words(options, argc, argv, fail) != 0 || check_words(options, fail) != 0)
        goto bad;
    *out = options;
    return 0;
bad:
    options_close(options);
    return -1;
}

void options_close(struct options *options)
{
    if (!options)
        return;
    free(options->given);
    free(options->words);
    free(options);
}

const struct command_spec *options_command(const struct options *options)
{
    return options->command;
}

bool options_has(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (strcmp(options->given[i].spec->name, name) == 0)
            return true;
    return false;
}

const char *options_get(const struct options *options, const char *name)
{
    for (size_t i = options->given_count; i > 0; i--)
        if (strcmp(options->given[i - 1].spec->name, name) == 0)
            return options->given[i - 1].value;
    return NULL;
}

const char *options_next(const struct options *options, const char *name, size_t *at)
{
    while (*at < options->given_count) {
        const struct given *given = &options->given[(*at)++];
        if (strcmp(given->spec->name, name) == 0)
            return given->value;
    }
    return NULL;
}

const char *options_word(const struct options *options, size_t i)
{
    return i < options->word_count ? options->words[i] : NULL;
}

static int apply_set(struct config *config, const char *text, struct fail *fail)
{
    const char *equals = strchr(text, '=');
    char *name;
    int result;

    if (!equals) /* the text may be a secret that was meant for another option: it is not repeated */
        return fail_set(fail, FAIL_USAGE, "--set: write SECTION.KEY=VALUE");
    name = mem_text(text);
    name[equals - text] = '\0';
    result = config_set(config, name, equals + 1, "--set", fail);
    free(name);
    return result;
}

static int apply_one(struct config *config, const struct given *given, struct fail *fail)
{
    struct buf flag;
    int result;

    if (!given->spec->setting)
        return strcmp(given->spec->name, "set") == 0 ? apply_set(config, given->value, fail) : 0;
    if (!given->value[0]) /* --deadline "$UNSET" must not mean none */
        return fail_set(fail, FAIL_USAGE, "--%s: its value is empty", given->spec->name);
    buf_init(&flag, 256);
    buf_addf(&flag, "--%s", given->spec->name);
    result = config_set(config, given->spec->setting, given->value, buf_text(&flag), fail);
    buf_free(&flag);
    return result;
}

int options_apply(const struct options *options, struct config *config, struct fail *fail)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (apply_one(config, &options->given[i], fail) != 0)
            return -1;
    return 0;
}
