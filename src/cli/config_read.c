/* What the rest of the program reads: the getters and `config show`. */
#include "config_impl.h"

#include "kit/json.h"

#include <assert.h>
#include <string.h>
#include <time.h>

enum { NAME_CAP = 1024 * 1024 }; /* no name is longer than a configuration file */

/* ---- getters ------------------------------------------------------------------------------------------ */

static const struct setting_value *value_of(const struct config *config, enum setting setting,
                                            enum setting_type type)
{
    assert(config_info(setting)->type == type);
    return &config->stored[setting].value;
}

const char *config_text(const struct config *config, enum setting setting)
{
    assert(setting < SETTING_COUNT);
    return config->stored[setting].text;
}

bool config_is_set(const struct config *config, enum setting setting)
{
    return config_text(config, setting)[0] != '\0';
}

bool config_is_given(const struct config *config, enum setting setting)
{
    return strcmp(config->stored[setting].origin, CONFIG_DEFAULT) != 0;
}

int64_t config_ms(const struct config *config, enum setting setting)
{
    return value_of(config, setting, SETTING_DURATION)->number;
}

int64_t config_int(const struct config *config, enum setting setting)
{
    enum setting_type type = config_info(setting)->type;

    assert(type == SETTING_INT || type == SETTING_SIZE);
    return config->stored[setting].value.number;
}

double config_rate(const struct config *config, enum setting setting)
{
    return value_of(config, setting, SETTING_RATE)->real;
}

bool config_bool(const struct config *config, enum setting setting)
{
    return value_of(config, setting, SETTING_BOOL)->number != 0;
}

char config_char(const struct config *config, enum setting setting)
{
    return (char)value_of(config, setting, SETTING_CHAR)->number;
}

bool config_limit(const struct config *config, enum setting setting, struct quantity_limit *out)
{
    const struct setting_value *value = value_of(config, setting, SETTING_LIMIT);

    if (!config_is_set(config, setting))
        return false;
    *out =
        (struct quantity_limit){.is_share = value->relative, .percent = value->real, .count = value->number};
    return true;
}

int64_t config_deadline(const struct config *config, enum setting setting, int64_t now_ms)
{
    const struct setting_value *value = value_of(config, setting, SETTING_WHEN);
    time_t now = (time_t)(now_ms / 1000);

    if (!config_is_set(config, setting))
        return -1;
    if (!value->relative)
        return value->number;
    for (int days = 0;; days++) {
        struct tm tm;
        time_t when;
        bool known = localtime_r(&now, &tm) != NULL;
        assert(known && days < 3);
        tm.tm_mday += days;
        tm.tm_hour = (int)(value->number / 60);
        tm.tm_min = (int)(value->number % 60);
        tm.tm_sec = 0;
        tm.tm_isdst = -1;
        when = mktime(&tm);
        if ((int64_t)when * 1000 > now_ms)
            return (int64_t)when * 1000;
    }
}

const struct column_setting *config_columns(const struct config *config, size_t *count)
{
    *count = config->columns.count;
    return config->column_list;
}

const struct api_verdict *config_verdicts(const struct config *config, size_t *count)
{
    *count = config->verdicts.count;
    return config->verdict_list;
}

/* ---- config show -------------------------------------------------------------------------------------- */

struct show {
    bool origin;
    struct json *json; /* NULL: text */
    struct buf *out;
};

static void show_json(const struct show *show, const char *name, const char *text, const char *origin)
{
    json_key(show->json, name);
    if (show->origin) {
        json_object(show->json);
        json_key(show->json, "value");
    }
    json_text(show->json, text[0] != '\0' ? text : NULL);
    if (show->origin) {
        json_key(show->json, "origin");
        json_text(show->json, origin);
        json_end_object(show->json);
    }
}

static void show_one(const struct show *show, const char *section, const char *key, const char *text,
                     const char *origin)
{
    struct buf name;

    buf_init(&name, NAME_CAP);
    buf_addf(&name, "%s.%s", section, key);
    if (show->json)
        show_json(show, buf_text(&name), text, origin);
    else
        buf_addf(show->out, "%s = %s%s%s\n", buf_text(&name), text, show->origin ? "  # " : "",
                 show->origin ? origin : "");
    buf_free(&name);
}

static void show_lines(const struct show *show, const char *section, const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        show_one(show, section, lines->items[i].key, lines->items[i].text, lines->items[i].origin);
}

void config_show(const struct config *config, bool origin, bool json, struct buf *out)
{
    struct json document;
    struct show show = {origin, json ? &document : NULL, out};

    if (json) {
        json_init(&document, out, true);
        json_object(&document);
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = config_info((enum setting)i);
        const struct stored *stored = &config->stored[i];
        bool mask = info->type == SETTING_SECRET && stored->text[0] != '\0';
        show_one(&show, info->section, info->key, mask ? "********" : stored->text, stored->origin);
    }
    show_lines(&show, "columns", &config->columns);
    show_lines(&show, "verdicts", &config->verdicts);
    if (json) {
        json_end_object(&document);
        buf_add_char(out, '\n');
    }
}
