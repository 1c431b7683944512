/* One checker a type, chosen by a table; ranges and the values this version carries out are checked once, for
 * all types, from the settings table. */
#include "config_impl.h"

#include "driver/http.h"
#include "rule/timetable.h"
#include "value/timestamp.h"

#include <assert.h>
#include <string.h>

static const char *const forms[] = {
#define X(id, form) [SETTING_##id] = form,
    SETTING_TYPE_TABLE(X)
#undef X
};

static int wrong(const struct setting_info *info, const char *text, struct fail *fail)
{
    return fail_set(fail, FAIL_USAGE, "%s: '%s' is no %s", info->name, text, forms[info->type]);
}

/* Whether `text` is one of the words joined by '|'; ASCII case is ignored, as in every word of ours. *word is
 * the word as the table writes it. */
static bool is_word(const char *words, const char *text, struct span *word)
{
    struct span rest = span_of(words);

    while (span_cut(&rest, '|', word))
        if (span_is_nocase(*word, text))
            return true;
    return false;
}

static int parse_enum(const struct setting_info *info, const char *text, struct setting_value *out,
                      struct fail *fail)
{
    struct span rest = span_of(info->allowed), word;
    struct buf list;

    (void)out;
    while (span_cut(&rest, '|', &word))
        if (span_is(word, text))
            return 0;
    buf_init(&list, 512);
    rest = span_of(info->allowed);
    while (span_cut(&rest, '|', &word)) {
        if (list.len > 0)
            buf_add_text(&list, ", ");
        buf_add_span(&list, word);
    }
    (void)fail_set(fail, FAIL_USAGE, "%s: '%s' is none of %s", info->name, text, buf_text(&list));
    buf_free(&list);
    return -1;
}

static int parse_bool(const struct setting_info *info, const char *text, struct setting_value *out,
                      struct fail *fail)
{
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return fail_set(fail, FAIL_USAGE, "%s: '%s' is neither yes nor no", info->name, text);
    out->number = text[0] == 'y';
    return 0;
}

static int parse_url(const struct setting_info *info, const char *text, struct setting_value *out,
                     struct fail *fail)
{
    (void)out;
    return http_check_url(text, fail) == 0 ? 0 : fail_context(fail, "%s", info->name);
}

static int parse_proxy(const struct setting_info *info, const char *text, struct setting_value *out,
                       struct fail *fail)
{
    (void)out;
    if (strcmp(text, info->allowed) == 0)
        return 0;
    return http_check_proxy(text, fail) == 0 ? 0 : fail_context(fail, "%s", info->name);
}

/* RFC 6901: every reference token begins with '/', and '~' is followed by 0 or 1. */
static int parse_pointer(const struct setting_info *info, const char *text, struct setting_value *out,
                         struct fail *fail)
{
    (void)out;
    if (text[0] != '/')
        return wrong(info, text, fail);
    for (const char *tilde = strchr(text, '~'); tilde; tilde = strchr(tilde + 1, '~'))
        if (tilde[1] != '0' && tilde[1] != '1')
            return wrong(info, text, fail);
    return 0;
}

/* ITU-T E.164: one to three digits, none begins with 0. */
static int parse_calling_code(const struct setting_info *info, const char *text, struct setting_value *out,
                              struct fail *fail)
{
    const char *digits = text[0] == '+' ? text + 1 : text;
    size_t len = strlen(digits);

    if (len < 1 || len > 3 || digits[0] == '0' || strspn(digits, "0123456789") != len)
        return wrong(info, text, fail);
    out->text = digits;
    return 0;
}

static int parse_char(const struct setting_info *info, const char *text, struct setting_value *out,
                      struct fail *fail)
{
    static const char usable[] = "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t";
    struct span word;

    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0) {
        out->number = '\t';
        return 0;
    }
    if (text[0] != '\0' && text[1] != '\0' && is_word(info->allowed, text, &word)) {
        out->number = '\0';
        return 0;
    }
    if (strlen(text) != 1 || !strchr(usable, text[0]))
        return fail_set(fail, FAIL_USAGE, "%s: '%s' is neither one %s nor %s", info->name, text,
                        forms[info->type], strchr(info->allowed, '|') ? "auto nor tab" : "tab");
    out->number = (unsigned char)text[0];
    return 0;
}

static int parse_amount(enum setting_type type, struct span text, struct setting_value *out)
{
    switch (type) {
    case SETTING_SIZE:
        return quantity_size(text, &out->number);
    case SETTING_DURATION:
        return quantity_duration(text, &out->number);
    case SETTING_RATE:
        return quantity_rate(text, &out->real);
    default:
        return quantity_count(text, &out->number);
    }
}

/* INT, SIZE, DURATION and RATE, within "least..most" of the table. */
static int parse_ranged(const struct setting_info *info, const char *text, struct setting_value *out,
                        struct fail *fail)
{
    struct setting_value least = {0}, most = {0};
    const char *dots = strstr(info->allowed, "..");
    int bad;

    assert(dots);
    if (parse_amount(info->type, span_of(text), out) != 0)
        return wrong(info, text, fail);
    bad = parse_amount(info->type, (struct span){info->allowed, (size_t)(dots - info->allowed)}, &least);
    bad |= parse_amount(info->type, span_of(dots + 2), &most);
    assert(!bad);
    if (out->number < least.number || out->number > most.number || out->real < least.real ||
        out->real > most.real)
        return fail_set(fail, FAIL_USAGE, "%s: %s is not within %s", info->name, text, info->allowed);
    return 0;
}

static int parse_limit(const struct setting_info *info, const char *text, struct setting_value *out,
                       struct fail *fail)
{
    struct quantity_limit limit;

    if (strcmp(text, info->allowed) == 0) {
        out->text = "";
        return 0;
    }
    if (quantity_limit(span_of(text), &limit) != 0)
        return wrong(info, text, fail);
    out->relative = limit.is_share;
    out->number = limit.count;
    out->real = limit.percent;
    return 0;
}

/* RFC 3339 with its zone: a moment without one would be UTC while HH:MM is local time. */
static bool parse_moment(struct span text, int64_t *out_ms)
{
    int64_t at_ms;
    bool zone;

    if (text.len < 20 || (text.ptr[10] != 'T' && text.ptr[10] != 't'))
        return false;
    zone = text.ptr[text.len - 1] == 'Z' || text.ptr[text.len - 1] == 'z' || text.ptr[text.len - 6] == '+' ||
           text.ptr[text.len - 6] == '-';
    if (!zone || timestamp_ms(text, &at_ms) != 0 || at_ms < 0)
        return false;
    *out_ms = at_ms;
    return true;
}

static bool parse_time_of_day(const char *text, int64_t *out_minutes)
{
    int64_t hour, minute;

    if (strlen(text) != 5 || text[2] != ':' || quantity_count((struct span){text, 2}, &hour) != 0 ||
        quantity_count((struct span){text + 3, 2}, &minute) != 0 || hour > 23 || minute > 59)
        return false;
    *out_minutes = hour * 60 + minute;
    return true;
}

static int parse_when(const struct setting_info *info, const char *text, struct setting_value *out,
                      struct fail *fail)
{
    if (parse_moment(span_of(text), &out->number))
        return 0;
    if (!parse_time_of_day(text, &out->number))
        return wrong(info, text, fail);
    out->relative = true;
    return 0;
}

static int parse_timetable(const struct setting_info *info, const char *text, struct setting_value *out,
                           struct fail *fail)
{
    struct timetable timetable;

    (void)out;
    return timetable_parse(span_of(text), &timetable, fail) == 0 ? 0 : fail_context(fail, "%s", info->name);
}

/* What stands behind api.base_url: no query, no fragment, nothing that would have to be escaped. */
static int parse_route(const struct setting_info *info, const char *text, struct setting_value *out,
                       struct fail *fail)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

    (void)out;
    return text[0] == '/' && text[1] != '\0' && text[strspn(text, allowed)] == '\0' ? 0
                                                                                    : wrong(info, text, fail);
}

static int parse_any(const struct setting_info *info, const char *text, struct setting_value *out,
                     struct fail *fail)
{
    (void)info, (void)text, (void)out, (void)fail;
    return 0;
}

static int (*const parsers[])(const struct setting_info *, const char *, struct setting_value *,
                              struct fail *) = {
    [SETTING_TEXT] = parse_any,
    [SETTING_PATH] = parse_any,
    [SETTING_COMMAND] = parse_any,
    [SETTING_SECRET] = parse_any,
    [SETTING_URL] = parse_url,
    [SETTING_PROXY] = parse_proxy,
    [SETTING_ROUTE] = parse_route,
    [SETTING_POINTER] = parse_pointer,
    [SETTING_LIST] = parse_any,
    [SETTING_ENUM] = parse_enum,
    [SETTING_CALLING_CODE] = parse_calling_code,
    [SETTING_CHAR] = parse_char,
    [SETTING_BOOL] = parse_bool,
    [SETTING_INT] = parse_ranged,
    [SETTING_SIZE] = parse_ranged,
    [SETTING_DURATION] = parse_ranged,
    [SETTING_RATE] = parse_ranged,
    [SETTING_LIMIT] = parse_limit,
    [SETTING_TIMETABLE] = parse_timetable,
    [SETTING_WHEN] = parse_when,
};

static bool has_control(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7F)
            return true;
    return false;
}

/* Values that only mean something as a whole text may be set back to nothing; the others only where nothing
 * is their default. */
static bool may_be_empty(const struct setting_info *info)
{
    bool whole = info->type == SETTING_TEXT || info->type == SETTING_PATH || info->type == SETTING_LIST ||
                 info->type == SETTING_COMMAND || info->type == SETTING_SECRET || info->type == SETTING_LIMIT;

    return info->fallback[0] == '\0' || (whole && strcmp(info->now, "*") == 0);
}

int config_value_parse(const struct setting_info *info, const char *text, struct setting_value *out,
                       struct fail *fail)
{
    struct setting_value value = {.text = text};
    struct span word;

    if (has_control(text))
        return fail_set(fail, FAIL_USAGE, "%s: the value has control characters", info->name);
    if (text[0] == '\0' && !may_be_empty(info))
        return fail_set(fail, FAIL_USAGE, "%s: the value is empty", info->name);
    if (text[0] != '\0' && parsers[info->type](info, text, &value, fail) != 0)
        return -1;
    if (strcmp(info->now, "*") != 0 && !is_word(info->now, text, &word))
        return fail_set(fail, FAIL_USAGE, "%s: '%s' is not supported by this version", info->name, text);
    *out = value;
    return 0;
}
