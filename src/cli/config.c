/* Layers are applied from the lowest to the highest into one array, so that a value remembers only who set it
 * last. The lines of [columns] and [verdicts] have no fixed places: those of a later layer go in front. */
#include "config_impl.h"

#include "value/ini.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_FILE "/etc/ctp-enroll/ctp-enroll.conf"
#define VARIABLE_PREFIX "CTP_ENROLL_"

enum { FILE_CAP = 1024 * 1024, TEXT_CAP = FILE_CAP };

extern char **environ;

enum layer { LAYER_FILE, LAYER_ENVIRONMENT, LAYER_FLAG };

/* One value and who sets it. */
struct entry {
    enum layer layer;
    const char *origin; /* as --origin shows it; messages begin with it */
    const char *section, *key, *text;
};

/* ---- storing ------------------------------------------------------------------------------------------ */

static void wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void store(struct stored *stored, const struct setting_value *value, const char *origin)
{
    struct stored old = *stored;

    *stored = (struct stored){.text = mem_text(value->text), .origin = mem_text(origin), .value = *value};
    wipe_text(old.text);
    free(old.origin);
}

static void line_end(struct line *line)
{
    free(line->key);
    free(line->text);
    free(line->constant);
    free(line->origin);
}

/* Takes the line over, at the current layer's place; an older line of the same key goes. */
static void lines_put(struct lines *lines, struct line line)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (strcmp(lines->items[i].key, line.key) != 0)
            continue;
        line_end(&lines->items[i]);
        memmove(&lines->items[i], &lines->items[i + 1], (lines->count - i - 1) * sizeof line);
        lines->count--;
        lines->place -= i < lines->place;
        break;
    }
    lines->items = mem_grow(lines->items, lines->count + 1, sizeof line);
    memmove(&lines->items[lines->place + 1], &lines->items[lines->place],
            (lines->count - lines->place) * sizeof line);
    lines->items[lines->place++] = line;
    lines->count++;
}

static void lines_close(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        line_end(&lines->items[i]);
    free(lines->items);
}

static struct column_setting column_of(const struct line *line)
{
    return (struct column_setting){
        .column = line->key, .header = line->constant ? NULL : line->text, .constant = line->constant};
}

/* A header name or, in double quotes, a constant. */
static int read_column(struct line *line, struct fail *fail)
{
    size_t len = strlen(line->text);
    struct column_setting setting;

    if (len == 0)
        return fail_set(fail, FAIL_USAGE, "columns.%s: neither a header name nor a \"constant\"", line->key);
    if (line->text[0] == '"') {
        if (len < 2 || line->text[len - 1] != '"')
            return fail_set(fail, FAIL_USAGE, "columns.%s: the constant has no closing quote", line->key);
        line->constant = mem_text(line->text + 1);
        line->constant[len - 2] = '\0';
    }
    setting = column_of(line);
    return columns_check(&setting, 1, fail);
}

static int put_column(struct config *config, struct line line, struct fail *fail)
{
    if (read_column(&line, fail) != 0) {
        line_end(&line);
        return -1;
    }
    lines_put(&config->columns, line);
    config->column_list = mem_grow(config->column_list, config->columns.count, sizeof *config->column_list);
    for (size_t i = 0; i < config->columns.count; i++)
        config->column_list[i] = column_of(&config->columns.items[i]);
    return 0;
}

static int put_verdict(struct config *config, struct line line, struct fail *fail)
{
    struct api_verdict verdict;
    int bad;

    if (api_verdict_parse(line.key, line.text, &verdict, fail) != 0) {
        line_end(&line);
        return -1;
    }
    lines_put(&config->verdicts, line);
    config->verdict_list = mem_grow(config->verdict_list, config->verdicts.count, sizeof verdict);
    for (size_t i = 0; i < config->verdicts.count; i++) {
        const struct line *item = &config->verdicts.items[i];
        bad = api_verdict_parse(item->key, item->text, &config->verdict_list[i], fail);
        assert(!bad); /* it was read before */
    }
    return 0;
}

static int refuse_secret(const struct setting_info *info, struct fail *fail)
{
    struct buf variable;

    buf_init(&variable, TEXT_CAP);
    config_variable(info, &variable);
    (void)fail_set(fail, FAIL_USAGE,
                   "%s is a secret: it comes from the environment variable %s or from the file that %s_file "
                   "names, never from the command line or a configuration file",
                   info->name, buf_text(&variable), info->name);
    buf_free(&variable);
    return -1;
}

/* In a file, quotes around a value look like quoting, which exists for the constants of [columns] only. */
static bool is_quoted(const char *text)
{
    size_t len = strlen(text);

    return len >= 2 && text[0] == '"' && text[len - 1] == '"';
}

static int put_setting(struct config *config, enum setting setting, const struct entry *entry,
                       struct fail *fail)
{
    const struct setting_info *info = config_info(setting);
    struct setting_value value;

    if (info->type == SETTING_SECRET && entry->layer != LAYER_ENVIRONMENT)
        return refuse_secret(info, fail);
    if (entry->layer == LAYER_FILE && info->type != SETTING_COMMAND && is_quoted(entry->text))
        return fail_set(fail, FAIL_USAGE, "%s: write the value without quotes", info->name);
    if (config_value_parse(info, entry->text, &value, fail) != 0)
        return -1;
    store(&config->stored[setting], &value, entry->origin);
    return 0;
}

static int put(struct config *config, const struct entry *entry, struct fail *fail)
{
    enum config_place place;
    enum setting setting;
    int result = config_place_find(entry->section, entry->key, &place, &setting, fail);

    if (result == 0 && place == PLACE_SETTING) {
        result = put_setting(config, setting, entry, fail);
    } else if (result == 0) {
        struct line line = {
            .key = mem_text(entry->key), .text = mem_text(entry->text), .origin = mem_text(entry->origin)};
        result = place == PLACE_COLUMNS ? put_column(config, line, fail) : put_verdict(config, line, fail);
    }
    return result == 0 ? 0 : fail_context(fail, "%s", entry->origin);
}

static void begin_layer(struct config *config)
{
    config->columns.place = 0;
    config->verdicts.place = 0;
}

/* ---- layers ------------------------------------------------------------------------------------------- */

int config_open(struct config **out, struct fail *fail)
{
    struct config *config = mem_alloc(sizeof *config);

    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct setting_value value;
        if (config_value_parse(config_info((enum setting)i), config_info((enum setting)i)->fallback, &value,
                               fail) != 0) {
            config_close(config);
            fail->kind = FAIL_INTERNAL; /* the table contradicts itself */
            return -1;
        }
        store(&config->stored[i], &value, CONFIG_DEFAULT);
    }
    *out = config;
    return 0;
}

void config_close(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        wipe_text(config->stored[i].text);
        free(config->stored[i].origin);
    }
    lines_close(&config->columns);
    lines_close(&config->verdicts);
    free(config->column_list);
    free(config->verdict_list);
    free(config);
}

static char *text_of(struct span span)
{
    char *text = mem_array(span.len + 1, 1);

    if (span.len > 0)
        memcpy(text, span.ptr, span.len);
    return text;
}

static int put_ini(struct config *config, const struct ini_entry *ini, const char *where, struct fail *fail)
{
    char *section = text_of(ini->section), *key = text_of(ini->key), *text = text_of(ini->value);
    struct entry entry = {LAYER_FILE, where, section, key, text};
    int result = put(config, &entry, fail);

    free(section);
    free(key);
    wipe_text(text); /* someone may have written a secret there */
    return result;
}

static int put_file(struct config *config, const char *name, struct span text, struct fail *fail)
{
    struct buf where;
    struct ini ini;
    struct ini_entry entry;
    int got;

    buf_init(&where, TEXT_CAP);
    ini_init(&ini, text);
    begin_layer(config);
    while ((got = ini_next(&ini, &entry, fail)) == 1) {
        buf_reset(&where);
        buf_addf(&where, "%s:%d", name, ini.line);
        got = put_ini(config, &entry, buf_text(&where), fail);
        if (got != 0)
            goto out;
    }
    if (got == -1)
        (void)fail_context(fail, "%s:%d", name, ini.line);
out:
    buf_free(&where);
    return got;
}

static int read_file(const char *name, FILE *file, struct buf *text, struct fail *fail)
{
    char block[4096];
    size_t got;

    while ((got = fread(block, 1, sizeof block, file)) > 0)
        buf_add(text, block, got);
    if (ferror(file))
        return fail_set(fail, FAIL_USAGE, "%s: %s", name, strerror(errno));
    if (text->full)
        return fail_set(fail, FAIL_USAGE, "%s: longer than %d bytes", name, FILE_CAP);
    return 0;
}

static int load_file(struct config *config, const char *name, bool must_exist, struct fail *fail)
{
    struct buf text;
    FILE *file = fopen(name, "re");
    int result;

    if (!file && !must_exist && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!file)
        return fail_set(fail, FAIL_USAGE, "configuration file %s: %s", name, strerror(errno));
    buf_init(&text, FILE_CAP);
    result = read_file(name, file, &text, fail);
    if (result == 0)
        result = put_file(config, name, buf_span(&text), fail);
    buf_wipe(&text);
    buf_free(&text);
    (void)fclose(file); /* only read */
    return result;
}

/* "PACE_TOKEN_RATE=20/s": the section ends at the first '_', since no section's name has one. Variables of
 * other sections are none of ours. */
static int put_variable(struct config *config, const char *variable, struct fail *fail)
{
    struct span rest = span_of(variable + strlen(VARIABLE_PREFIX)), name, section;
    char *section_text, *key;
    int result = 0;

    if (!span_cut(&rest, '=', &name) || !rest.ptr || !memchr(name.ptr, '_', name.len))
        return 0;
    (void)span_cut(&name, '_', &section); /* the '_' is there: name is the key now */
    section_text = text_of(section);
    key = text_of(name);
    for (char *c = section_text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (char *c = key; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (config_section_known(section_text)) {
        struct buf where;
        buf_init(&where, TEXT_CAP);
        buf_addf(&where, "environment %.*s", (int)(rest.ptr - variable - 1), variable);
        result = put(config,
                     &(struct entry){LAYER_ENVIRONMENT, buf_text(&where), section_text, key, rest.ptr}, fail);
        buf_free(&where);
    }
    free(section_text);
    free(key);
    return result;
}

static int load_environment(struct config *config, struct fail *fail)
{
    begin_layer(config);
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) == 0 &&
            put_variable(config, *variable, fail) != 0)
            return -1;
    return 0;
}

int config_load(struct config *config, const char *file, struct fail *fail)
{
    if (load_file(config, SYSTEM_FILE, false, fail) != 0)
        return -1;
    if (file && load_file(config, file, true, fail) != 0)
        return -1;
    if (load_environment(config, fail) != 0)
        return -1;
    begin_layer(config); /* of the flags */
    return 0;
}

int config_set(struct config *config, const char *name, const char *value, const char *flag,
               struct fail *fail)
{
    struct span rest = span_of(name), section;
    char *section_text;
    int result;

    if (!strchr(name, '.'))
        return fail_set(fail, FAIL_USAGE, "%s: '%s' is not of the form section.key", flag, name);
    (void)span_cut(&rest, '.', &section); /* the '.' is there */
    section_text = text_of(section);
    result = put(config, &(struct entry){LAYER_FLAG, flag, section_text, rest.ptr, value}, fail);
    free(section_text);
    return result;
}
