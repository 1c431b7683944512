/* options_impl: what the files of the module options share: looking a name up in the tables. */
#ifndef CLI_OPTIONS_IMPL_H
#define CLI_OPTIONS_IMPL_H

#include "cli/options.h"

/* An option of the command (NULL: of any command) or of all; NULL: there is none. */
const struct option_spec *options_find(const struct command_spec *command, const char *name);
const struct command_spec *options_find_command(const char *name);

/* The setting that the option sets; NULL: none. */
const struct setting_info *options_setting(const struct option_spec *spec);
/* The words that are valid, joined by '|'; NULL: not a matter of words. */
const char *options_choices(const struct option_spec *spec);

#endif
