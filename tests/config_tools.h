/* config_tools: what the tests of config share. A step that fails ends the test. */
#ifndef CONFIG_TOOLS_H
#define CONFIG_TOOLS_H

#include "cli/config.h"

extern char config_file[512]; /* the scratch configuration file of this process */

int config_file_name(void **state);   /* group set-up: names it */
int config_file_remove(void **state); /* group tear-down */
void config_file_write(const char *text);

struct config *config_opened(void);
struct config *config_loaded(const char *text); /* with `text` as the --config file */
/* Loading `text` fails, and the message is the file's name followed by `message`. */
void config_refused(const char *text, const char *message);
void config_set_ok(struct config *config, const char *name, const char *value); /* as --set */
void config_set_refused(const char *name, const char *value, const char *message);
char *config_shown(const struct config *config, bool origin, bool json); /* the caller frees it */

#endif
