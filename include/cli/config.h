/* config: every setting of the program, in layers, from one table.
 *
 * Flag > environment (CTP_ENROLL_<SECTION>_<KEY>) > --config file > /etc/ctp-enroll/ctp-enroll.conf >
 * default. include/cli/settings.def holds one line a setting; parsing, help, man page, completions,
 * environment names and `config show` all come from it. Every value is checked when it is set, so the getters
 * cannot fail; a getter of the wrong type is an assert. Unknown sections and keys are FAIL_USAGE with the
 * nearest valid name, the file and the line. Secrets are never accepted from argv or from a configuration
 * file, only from the environment or through their *_file settings, and never printed. Texts returned are
 * borrowed until the setting is set again. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "kit/buf.h"
#include "value/quantity.h"
#include "rule/api.h"
#include "rule/columns.h"

enum setting {
#define SETTING(SECTION, KEY, section, key, type, fallback, allowed, now, help) SET_##SECTION##_##KEY,
#include "cli/settings.def"
#undef SETTING
    SETTING_COUNT
};

/*  id             what a value looks like, for messages and help                getter */
#define SETTING_TYPE_TABLE(X)                                                                         \
    X(TEXT, "text")                                                                /* config_text */  \
    X(PATH, "file name")                                                           /* config_text */  \
    X(COMMAND, "shell command")                                                    /* config_text */  \
    X(SECRET, "secret")                                                            /* config_text */  \
    X(URL, "URL, such as https://api.example.com/prefix")                          /* config_text */  \
    X(ROUTE, "path such as /v1/clicktopay/visa/enroll/card")                       /* config_text */  \
    X(PROXY, "proxy URL, such as http://proxy.example.com:3128")                   /* config_text */  \
    X(POINTER, "JSON pointer, such as /data/status")                               /* config_text */  \
    X(LIST, "list joined by ';'")                                                  /* config_text */  \
    X(ENUM, "word")                                                                /* config_text */  \
    X(CALLING_CODE, "country calling code, such as 55")                            /* config_text */  \
    X(CHAR, "punctuation character")                                               /* config_char */  \
    X(BOOL, "yes or no")                                                           /* config_bool */  \
    X(INT, "whole number")                                                         /* config_int */   \
    X(SIZE, "size, such as 65536 or 64k")                                          /* config_int */   \
    X(DURATION, "duration, such as 250ms, 30s, 5m, 4h or 90d")                     /* config_ms */    \
    X(RATE, "rate, such as 50/s or 3000/m")                                        /* config_rate */  \
    X(LIMIT, "count or a share such as 5%")                                        /* config_limit */ \
    X(TIMETABLE, "timetable, such as Mon-Fri 08:00-20:00 5/s; * 50/s")             /* config_text */  \
    X(WHEN, "time of day such as 06:30, or RFC 3339 such as 2026-01-31T06:30:00Z") /* config_deadline */

enum setting_type {
#define X(id, form) SETTING_##id,
    SETTING_TYPE_TABLE(X)
#undef X
};

/* One line of the table, for help, man page, sample file and completions. */
struct setting_info {
    const char *name; /* "section.key" */
    const char *section, *key;
    enum setting_type type;
    const char *fallback; /* "" when there is none */
    const char *allowed;
    const char *now;
    const char *help;
};

struct config;

const struct setting_info *config_info(enum setting setting);
int config_find(const char *name, enum setting *out) MUST_CHECK; /* "section.key"; -1: no such setting */

int config_open(struct config **out, struct fail *fail) MUST_CHECK; /* the defaults alone */
void config_close(struct config *config);                           /* overwrites secrets */

/* /etc/ctp-enroll/ctp-enroll.conf (may be missing), then `file` (NULL: none; must exist), then the
 * environment. Once, before any config_set. */
int config_load(struct config *config, const char *file, struct fail *fail) MUST_CHECK;
/* From the command line: "section.key" and its value; `flag` names the option in messages and in --origin. A
 * secret is refused. */
int config_set(struct config *config, const char *name, const char *value, const char *flag,
               struct fail *fail) MUST_CHECK;

const char *config_text(const struct config *config, enum setting setting); /* "" when unset; any type */
bool config_is_set(const struct config *config, enum setting setting);      /* not empty */
bool config_is_given(const struct config *config, enum setting setting);    /* not left to its default */
int64_t config_ms(const struct config *config, enum setting setting);       /* durations; 0 when unset */
int64_t config_int(const struct config *config, enum setting setting); /* counts and sizes; 0 when unset */
double config_rate(const struct config *config, enum setting setting); /* a second */
bool config_bool(const struct config *config, enum setting setting);
char config_char(const struct config *config, enum setting setting); /* '\0' is "auto" */
/* False, and *out untouched, when there is no limit. */
bool config_limit(const struct config *config, enum setting setting, struct quantity_limit *out);
/* Wall-clock milliseconds of a WHEN setting, -1 when unset. HH:MM is local time: the next one after
 * now_ms. */
int64_t config_deadline(const struct config *config, enum setting setting, int64_t now_ms);

/* [columns] and [verdicts]; borrowed. Lines of a higher layer come before those of a lower one, lines of one
 * layer in the order given. */
const struct column_setting *config_columns(const struct config *config, size_t *count);
const struct api_verdict *config_verdicts(const struct config *config, size_t *count);

/* `config show`: every setting as "section.key = value", also unset ones, secrets as ********; with `origin`
 * two blanks and "# default | FILE:LINE | environment NAME | --flag". As JSON when asked: one object with a
 * member a setting, its value (null when unset) or, with `origin`, {"value", "origin"}. */
void config_show(const struct config *config, bool origin, bool json, struct buf *out);

#endif
