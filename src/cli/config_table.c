/* The table of settings itself and the look-up of names. */
#include "config_impl.h"

#include "value/nearest.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

static const struct setting_info infos[SETTING_COUNT] = {
#define SETTING(SECTION, KEY, section, key, type, fallback, allowed, now, help) \
    {#section "." #key, #section, #key, SETTING_##type, fallback, allowed, now, help},
#include "cli/settings.def"
#undef SETTING
};

enum { SECTIONS_MAX = SETTING_COUNT + 2 };

const struct setting_info *config_info(enum setting setting)
{
    assert(setting < SETTING_COUNT);
    return &infos[setting];
}

int config_find(const char *name, enum setting *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(infos[i].name, name) == 0) {
            *out = (enum setting)i;
            return 0;
        }
    }
    return -1;
}

/* The sections, each once; returns their number. The table keeps the settings of a section together. */
static size_t list_sections(const char *out[SECTIONS_MAX])
{
    const char *last = "";
    size_t count = 0;

    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(last, infos[i].section) != 0)
            out[count++] = infos[i].section;
        last = infos[i].section;
    }
    out[count++] = "columns";
    out[count++] = "verdicts";
    return count;
}

bool config_section_known(const char *section)
{
    const char *sections[SECTIONS_MAX];
    size_t count = list_sections(sections);

    for (size_t i = 0; i < count; i++)
        if (strcmp(sections[i], section) == 0)
            return true;
    return false;
}

static int unknown(const char *what, const char *name, const char *near, struct fail *fail)
{
    if (near)
        return fail_set(fail, FAIL_USAGE, "unknown %s '%s'; did you mean '%s'?", what, name, near);
    return fail_set(fail, FAIL_USAGE, "unknown %s '%s'", what, name);
}

static int unknown_key(const char *section, const char *key, struct fail *fail)
{
    const char *names[SETTING_COUNT], *near;
    struct buf name;
    size_t count = 0;

    buf_init(&name, 4096);
    buf_addf(&name, "%s.%s", section, key);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(infos[i].section, section) == 0)
            names[count++] = infos[i].name;
    near = nearest(buf_text(&name), names, count);
    for (count = 0; count < SETTING_COUNT; count++)
        names[count] = infos[count].name;
    (void)unknown("key", buf_text(&name), near ? near : nearest(buf_text(&name), names, count), fail);
    buf_free(&name);
    return -1;
}

int config_place_find(const char *section, const char *key, enum config_place *place, enum setting *out,
                      struct fail *fail)
{
    const char *sections[SECTIONS_MAX];

    *place = strcmp(section, "columns") == 0    ? PLACE_COLUMNS
             : strcmp(section, "verdicts") == 0 ? PLACE_VERDICTS
                                                : PLACE_SETTING;
    if (*place != PLACE_SETTING)
        return 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(infos[i].section, section) == 0 && strcmp(infos[i].key, key) == 0) {
            *out = (enum setting)i;
            return 0;
        }
    }
    if (config_section_known(section))
        return unknown_key(section, key, fail);
    return unknown("section", section, nearest(section, sections, list_sections(sections)), fail);
}

void config_variable(const struct setting_info *info, struct buf *out)
{
    buf_add_text(out, "CTP_ENROLL_");
    for (const char *c = info->name; *c; c++)
        buf_add_char(out, *c == '.' ? '_' : (char)toupper((unsigned char)*c));
}
