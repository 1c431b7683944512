/* The fresh settings are read whole and thrown away: what is taken over are numbers. */
#include "cli/reload.h"

#include "cli/setup.h"

#include <string.h>

enum { LIST_CAP = 3000 }; /* fits into a line of the log; more names are cut off there */

static bool may_change(enum setting setting)
{
    switch (setting) {
    case SET_PACE_RATE:
    case SET_PACE_BURST:
    case SET_PACE_CONCURRENCY:
    case SET_PACE_TIMETABLE:
    case SET_PACE_TOKEN_RATE:
    case SET_PACE_TOKEN_CONCURRENCY:
    case SET_LOG_LEVEL:
        return true;
    default:
        return false;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_columns(const struct config *a, const struct config *b)
{
    size_t count, other;
    const struct column_setting *x = config_columns(a, &count), *y = config_columns(b, &other);

    for (size_t i = 0; i < count && count == other; i++)
        if (!same_text(x[i].column, y[i].column) || !same_text(x[i].header, y[i].header) ||
            !same_text(x[i].constant, y[i].constant))
            return false;
    return count == other;
}

static bool same_verdicts(const struct config *a, const struct config *b)
{
    size_t count, other;
    const struct api_verdict *x = config_verdicts(a, &count), *y = config_verdicts(b, &other);

    for (size_t i = 0; i < count && count == other; i++)
        if (x[i].status_from != y[i].status_from || x[i].status_to != y[i].status_to ||
            !same_text(x[i].pattern, y[i].pattern) || x[i].verdict != y[i].verdict)
            return false;
    return count == other;
}

static void add_name(struct buf *list, const char *name)
{
    buf_addf(list, "%s%s", list->len > 0 ? " " : "", name);
}

static void warn_of_others(const struct config *config, const struct config *fresh, struct log *log)
{
    struct buf list;

    buf_init(&list, LIST_CAP);
    for (int i = 0; i < SETTING_COUNT; i++) {
        enum setting setting = (enum setting)i;
        if (!may_change(setting) && strcmp(config_text(config, setting), config_text(fresh, setting)) != 0)
            add_name(&list, config_info(setting)->name);
    }
    if (!same_columns(config, fresh))
        add_name(&list, "columns");
    if (!same_verdicts(config, fresh))
        add_name(&list, "verdicts");
    if (list.len > 0)
        log_add(log, LOG_WARN, "settings that changed count from the next run on",
                LOG_TEXT("settings", buf_text(&list)));
    buf_free(&list);
}

bool reload(const struct config *config, const struct options *options, struct log *log,
            struct engine_options *out)
{
    struct config *fresh = NULL;
    struct fail fail;
    bool good = config_open(&fresh, &fail) == 0 &&
                config_load(fresh, options_get(options, "config"), &fail) == 0 &&
                options_apply(options, fresh, &fail) == 0;

    if (good) {
        setup_engine(fresh, 0, out);
        log->level = setup_log_level(fresh, options_has(options, "quiet"));
        warn_of_others(config, fresh, log);
        out->base_url = out->tenant = NULL; /* they end with the fresh settings */
        out->verdicts = NULL;
        out->verdict_count = 0;
    } else {
        log_add(log, LOG_ERROR, "the settings cannot be read again; all stay as they are",
                LOG_TEXT("reason", fail.text));
    }
    config_close(fresh);
    return good;
}
