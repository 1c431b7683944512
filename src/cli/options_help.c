/* Everything for people and shells that the tables yield: help, man page lists, completion, sample file. */
#include "options_impl.h"

#include <string.h>

enum { TEXT_CAP = 64 * 1024, HELP_WIDTH = 100, HELP_INDENT = 26 };

#define PROGRAM "ctp-enroll"

/* Adds words at the indent, breaking lines before the width. `at` is the column where the first word goes. */
static void add_wrapped(struct buf *out, struct span text, size_t at)
{
    struct span word;
    bool first = true;

    while (span_cut(&text, ' ', &word)) {
        if (!first && at + 1 + word.len > HELP_WIDTH) {
            buf_addf(out, "\n%*s", HELP_INDENT, "");
            at = HELP_INDENT;
        } else if (!first) {
            buf_add_char(out, ' ');
            at++;
        }
        buf_add_span(out, word);
        at += word.len;
        first = false;
    }
    buf_add_char(out, '\n');
}

/* "help (one of a, b; default c; sets section.key)" */
static void describe(const struct option_spec *spec, struct buf *out)
{
    const struct setting_info *info = options_setting(spec);
    const char *choices = options_choices(spec);
    const char *fallback = spec->fallback              ? spec->fallback
                           : info && info->fallback[0] ? info->fallback
                                                       : NULL;
    const char *before = " (";

    buf_add_text(out, spec->help ? spec->help : info ? info->help : "");
    if (choices) {
        struct span rest = span_of(choices), word;
        buf_addf(out, "%sone of", before);
        for (const char *comma = " "; span_cut(&rest, '|', &word); comma = ", ") {
            buf_add_text(out, comma);
            buf_add_span(out, word);
        }
        before = "; ";
    }
    if (fallback) {
        buf_addf(out, "%sdefault %s", before, fallback);
        before = "; ";
    }
    if (info) {
        buf_addf(out, "%ssets %s", before, info->name);
        before = "; ";
    }
    if (before[0] == ';')
        buf_add_char(out, ')');
}

static void help_option(const struct option_spec *spec, struct buf *out)
{
    struct buf text;
    size_t start = out->len, width;

    buf_init(&text, TEXT_CAP);
    describe(spec, &text);
    buf_addf(out, "  --%s%s%s", spec->name, spec->value_name ? " " : "",
             spec->value_name ? spec->value_name : "");
    width = out->len - start;
    if (width + 2 > HELP_INDENT)
        buf_addf(out, "\n%*s", HELP_INDENT, "");
    else
        buf_addf(out, "%*s", (int)(HELP_INDENT - width), "");
    add_wrapped(out, buf_span(&text), HELP_INDENT);
    buf_free(&text);
}

static void help_options(const char *title, const struct option_spec *specs, size_t count, struct buf *out)
{
    if (count == 0)
        return;
    buf_addf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++)
        help_option(&specs[i], out);
}

static void help_program(struct buf *out)
{
    size_t count;
    const struct command_spec *commands = options_commands(&count);

    buf_add_text(out,
                 PROGRAM ": enrols an issuer's cardholders and cards in Visa Click to Pay, from CSV files\n"
                         "\nExamples:\n");
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "  %s\n", commands[i].examples[0]);
    buf_add_text(out, "\nUsage: " PROGRAM " COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < count; i++)
        buf_addf(out, "  %-*s%s\n", HELP_INDENT - 2, commands[i].name, commands[i].summary);
}

void options_help(const struct command_spec *command, struct buf *out)
{
    size_t count;
    const struct option_spec *globals = options_global(&count);

    if (!command) {
        help_program(out);
        help_options("Options of every command", globals, count, out);
        buf_add_text(out, "\n'" PROGRAM " COMMAND --help' shows a command's own options.\n");
        return;
    }
    buf_addf(out, PROGRAM " %s: %s\n\nExamples:\n", command->name, command->summary);
    for (size_t i = 0; command->examples[i]; i++)
        buf_addf(out, "  %s\n", command->examples[i]);
    buf_addf(out, "\nUsage: " PROGRAM " %s %s%s[options]\n", command->name,
             command->positional ? command->positional : "", command->positional ? " " : "");
    help_options("Options", command->options, command->option_count, out);
    help_options("Options of every command", globals, count, out);
}

/* ---- bash completion ---------------------------------------------------------------------------------- */

/* Calls `each` for the globals and every command's options, a name once. */
static void each_option(void (*each)(const struct option_spec *, struct buf *), struct buf *out)
{
    size_t command_count, count;
    const struct command_spec *commands = options_commands(&command_count);
    const struct option_spec *specs = options_global(&count);

    for (size_t i = 0; i < count; i++)
        each(&specs[i], out);
    for (size_t c = 0; c < command_count; c++)
        for (size_t i = 0; i < commands[c].option_count; i++)
            if (options_find(NULL, commands[c].options[i].name) == &commands[c].options[i])
                each(&commands[c].options[i], out);
}

static void complete_value(const struct option_spec *spec, struct buf *out)
{
    const char *choices = options_choices(spec);

    if (!spec->value_name)
        return;
    buf_addf(out, "    --%s)\n", spec->name);
    if (choices) {
        buf_add_text(out, "        mapfile -t COMPREPLY < <(compgen -W '");
        for (const char *c = choices; *c; c++)
            buf_add_char(out, *c == '|' ? ' ' : *c);
        buf_add_text(out, "' -- \"$cur\")\n");
    } else if (strcmp(spec->name, "set") == 0) {
        buf_add_text(out, "        compopt -o nospace\n        mapfile -t COMPREPLY < <(compgen -S = -W '");
        for (size_t i = 0; i < SETTING_COUNT; i++)
            if (config_info((enum setting)i)->type != SETTING_SECRET)
                buf_addf(out, "%s%s", i ? " " : "", config_info((enum setting)i)->name);
        buf_add_text(out, "' -- \"$cur\")\n");
    } else if (strcmp(spec->value_name, "DIR") == 0 || strcmp(spec->value_name, "FILE") == 0) {
        buf_addf(out, "        mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\")\n",
                 spec->value_name[0] == 'D' ? 'd' : 'f');
    }
    buf_add_text(out, "        return\n        ;;\n");
}

static void add_names(const struct option_spec *specs, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_addf(out, " --%s", specs[i].name);
}

void options_completion(struct buf *out)
{
    size_t command_count, count;
    const struct command_spec *commands = options_commands(&command_count);
    const struct option_spec *globals = options_global(&count);

    buf_add_text(out,
                 "# bash completion for " PROGRAM ", generated from its tables\n"
                 "_ctp_enroll()\n{\n"
                 "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word words='");
    for (size_t i = 0; i < command_count; i++)
        buf_addf(out, "%s%s", i ? " " : "", commands[i].name);
    add_names(globals, count, out);
    buf_add_text(out, "'\n    case $prev in\n");
    each_option(complete_value, out);
    buf_add_text(
        out, "    esac\n    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $word in\n");
    for (size_t i = 0; i < command_count; i++) {
        buf_addf(out, "        %s) words='%s", commands[i].name,
                 commands[i].positional ? "show check verdicts" : "");
        add_names(commands[i].options, commands[i].option_count, out);
        add_names(globals, count, out);
        buf_add_text(out, "' ;;\n");
    }
    buf_add_text(out, "        esac\n    done\n"
                      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
                      "complete -F _ctp_enroll " PROGRAM "\n");
}

/* ---- man page and sample file ------------------------------------------------------------------------- */

/* In roff a '-' is a hyphen unless escaped, and a line must not begin with '.' or an apostrophe. */
static void add_roff(struct buf *out, struct span text)
{
    if (text.len > 0 && (text.ptr[0] == '.' || text.ptr[0] == '\''))
        buf_add_text(out, "\\&");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-' || text.ptr[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.ptr[i] == '\\' ? 'e' : text.ptr[i]);
    }
}

static void man_options(const struct option_spec *specs, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        struct buf text;
        buf_init(&text, TEXT_CAP);
        describe(&specs[i], &text);
        buf_add_text(out, ".TP\n\\fB\\-\\-");
        add_roff(out, span_of(specs[i].name));
        buf_add_text(out, "\\fR");
        if (specs[i].value_name)
            buf_addf(out, " \\fI%s\\fR", specs[i].value_name);
        buf_add_char(out, '\n');
        add_roff(out, buf_span(&text));
        buf_add_text(out, ".\n");
        buf_free(&text);
    }
}

static void man_settings(struct buf *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = config_info((enum setting)i);
        buf_addf(out, ".TP\n\\fB%s\\fR", info->name);
        if (info->fallback[0] != '\0') {
            buf_add_text(out, " (");
            add_roff(out, span_of(info->fallback));
            buf_add_char(out, ')');
        }
        buf_add_char(out, '\n');
        add_roff(out, span_of(info->help));
        buf_add_text(out, strcmp(info->now, "*") == 0 ? ".\n" : " (not all values in this version).\n");
    }
}

void options_man(struct buf *out)
{
    size_t command_count, count;
    const struct command_spec *commands = options_commands(&command_count);
    const struct option_spec *globals = options_global(&count);

    buf_add_text(out, ".SH OPTIONS\n.SS Of every command\n");
    man_options(globals, count, out);
    for (size_t i = 0; i < command_count; i++) {
        if (commands[i].option_count == 0)
            continue;
        buf_addf(out, ".SS %s\n", commands[i].name);
        man_options(commands[i].options, commands[i].option_count, out);
    }
    buf_add_text(out, ".SH SETTINGS\n");
    man_settings(out);
}

void options_sample(struct buf *out)
{
    const char *section = "";

    buf_add_text(out,
                 "# Settings of " PROGRAM "; every line shows the default. Comments stand on lines of their "
                 "own.\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = config_info((enum setting)i);
        if (info->type == SETTING_SECRET || info->now[0] == '\0')
            continue;
        if (strcmp(section, info->section) != 0)
            buf_addf(out, "\n[%s]\n", info->section);
        section = info->section;
        buf_addf(out, "# %s\n#%s =%s%s\n", info->help, info->key, info->fallback[0] ? " " : "",
                 info->fallback);
    }
    buf_add_text(out, "\n[columns]\n# first_name = Given Name\n# owner_bid = \"1000052\"\n");
}
