/* options: the command line, from one table of options a command.
 *
 * The tables in src/cli/options_table.c yield parsing, --help, the bash completion and the lists of the man
 * page. "--name value", "--name=value", "--" ends the options, "-" is a plain word; options may stand before
 * or after the command, and their order is kept. Unknown names are FAIL_USAGE with the nearest valid one.
 * Options that set a setting are checked by config, when options_apply hands them over. Texts are borrowed
 * from argv, which must outlive the options. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/config.h"

struct option_spec {
    const char *name;       /* without the dashes */
    const char *value_name; /* "FILE", "DIR", ...; NULL: it takes no value */
    const char *setting;    /* "section.key" that it sets; NULL: none */
    const char *choices;    /* words joined by '|'; NULL: any, or the setting's */
    const char *fallback;   /* for help; NULL: none, or the setting's */
    const char *help;       /* NULL: the setting's */
    bool many; /* may be given more than once; one that sets a setting always may: the last counts */
};

struct command_spec {
    const char *name, *summary;
    const char *const *examples; /* ends with NULL */
    const struct option_spec *options;
    size_t option_count;
    const char *positional; /* as help writes it; NULL: none are taken */
    size_t least, most;     /* positional words */
};

const struct command_spec *options_commands(size_t *count);
const struct option_spec *options_global(size_t *count); /* what every command takes */

struct options;

/* With --help or --version among the options neither a command nor its words need be there. */
int options_open(struct options **out, int argc, char *const *argv, struct fail *fail) MUST_CHECK;
void options_close(struct options *options);

const struct command_spec *options_command(const struct options *options); /* NULL: none was given */
bool options_has(const struct options *options, const char *name);
const char *options_get(const struct options *options, const char *name); /* the last; NULL: not given */
/* The values of a repeated option in order: *at starts at 0; NULL at the end. */
const char *options_next(const struct options *options, const char *name, size_t *at);
const char *options_word(const struct options *options, size_t i); /* i-th positional word; NULL at the end */

/* Puts what sets a setting, and every --set, into the configuration, in the order given. */
int options_apply(const struct options *options, struct config *config, struct fail *fail) MUST_CHECK;

void options_help(const struct command_spec *command, struct buf *out); /* NULL: the program's */
void options_completion(struct buf *out);                               /* a bash script */
void options_man(struct buf *out);    /* roff: commands, options, settings */
void options_sample(struct buf *out); /* a configuration file, all commented */

#endif
