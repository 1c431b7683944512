/* config_impl: what the files of the module config share: a name looked up in the table of settings, a value
 * checked against its line and converted, and the struct that keeps them.
 *
 * Unknown names are answered with the nearest valid one. Messages about values begin with the setting's name;
 * a secret is never quoted, nor is a text with control characters. */
#ifndef CLI_CONFIG_IMPL_H
#define CLI_CONFIG_IMPL_H

#include "cli/config.h"

#define CONFIG_DEFAULT "default" /* the origin of a value that nobody set */

enum config_place { PLACE_SETTING, PLACE_COLUMNS, PLACE_VERDICTS };

/* What section and key name; *out is set for PLACE_SETTING only. */
int config_place_find(const char *section, const char *key, enum config_place *place, enum setting *out,
                      struct fail *fail) MUST_CHECK;
bool config_section_known(const char *section);
/* CTP_ENROLL_<SECTION>_<KEY> */
void config_variable(const struct setting_info *info, struct buf *out);

struct setting_value {
    const char *text; /* as it is to be kept and shown; a tail of the text given, or a constant */
    int64_t number;   /* BOOL, INT, SIZE; DURATION in ms; CHAR its byte; LIMIT a count; WHEN see `relative` */
    double real;      /* RATE a second; LIMIT a percentage */
    bool relative;    /* LIMIT: `real` counts; WHEN: `number` is the minute of the local day, else wall ms */
};

/* FAIL_USAGE when the value is not of the setting's form, out of its range, or not carried out by this
 * version. */
int config_value_parse(const struct setting_info *info, const char *text, struct setting_value *out,
                       struct fail *fail) MUST_CHECK;

struct stored {
    char *text;                 /* owned */
    char *origin;               /* owned */
    struct setting_value value; /* its text is not used */
};

/* A line of [columns] or [verdicts]; all owned. */
struct line {
    char *key, *text, *origin;
    char *constant; /* of a column: the text without its quotes; NULL when it names a header */
};

struct lines {
    struct line *items;
    size_t count;
    size_t place; /* where the current layer's next line goes */
};

struct config {
    struct stored stored[SETTING_COUNT];
    struct lines columns, verdicts;
    struct column_setting *column_list; /* `columns` as the rules want them */
    struct api_verdict *verdict_list;   /* `verdicts`, the same */
};

#endif
