/* The template is kept as cJSON's tree and written anew with kit/json for each account, so that no value can
 * break the form. cJSON's numbers are doubles: only those that a double holds exactly are let in. */
#include "rule/api_claims.h"

#include "kit/json.h"
#include "value/text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 12, TEXT_CAP = 16 * 1024 };

#define ACCOUNT_NUMBER "{account_id:number}"

struct api_claims {
    cJSON *template;
    char *own[3]; /* iss, sub, aud; NULL: the template's */
    char *tenant;
};

static const char *const own_names[3] = {"iss", "sub", "aud"};

/* ---- placeholders ---- */

enum placeholder { PLACE_TENANT, PLACE_ACCOUNT, PLACE_BRACE, PLACE_COUNT };

static const char *const places[PLACE_COUNT] = {
    [PLACE_TENANT] = "{tenant}", [PLACE_ACCOUNT] = "{account_id}", [PLACE_BRACE] = "{{"};

/* Which placeholder stands at a brace; PLACE_COUNT: none. */
static enum placeholder place_at(const char *text)
{
    enum placeholder place = 0;

    while (place < PLACE_COUNT && strncmp(text, places[place], strlen(places[place])) != 0)
        place++;
    return place;
}

static void expand(const struct api_claims *claims, const char *text, int64_t account, struct buf *out)
{
    while (*text) {
        enum placeholder place = *text == '{' ? place_at(text) : PLACE_COUNT;
        if (place == PLACE_TENANT)
            buf_add_text(out, claims->tenant);
        else if (place == PLACE_ACCOUNT)
            buf_addf(out, "%" PRId64, account);
        else
            buf_add_char(out, *text);
        text += place == PLACE_COUNT ? 1 : strlen(places[place]);
    }
}

/* ---- checking ---- */

/* The template as text, for the places of faults. */
struct source {
    const char *name;
    char *text;
};

static int64_t line_at(const struct source *source, const char *at)
{
    int64_t line = 1;

    for (const char *c = source->text; c < at && *c; c++)
        line += *c == '\n';
    return line;
}

/* Where a fault's words stand in the file, by their first occurrence; they may be spelled with escapes there.
 */
static int refuse(const struct source *source, const char *words, const char *why, struct fail *fail)
{
    const char *at = strstr(source->text, words);

    if (!at)
        return fail_set(fail, FAIL_USAGE, "%s: %s: %s", source->name, words, why);
    return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": %s: %s", source->name, line_at(source, at), words,
                    why);
}

static int check_text(const struct source *source, const char *text, struct fail *fail)
{
    if (strcmp(text, ACCOUNT_NUMBER) == 0)
        return 0;
    for (const char *at = text; (at = strchr(at, '{')); at++) {
        enum placeholder place = place_at(at);
        if (place == PLACE_COUNT)
            return refuse(source, text,
                          "no placeholder; there are {account_id}, {tenant}, {account_id:number} as a whole "
                          "string, and {{ for a brace",
                          fail);
        at += strlen(places[place]) - 1;
    }
    return 0;
}

static int check_twice(const struct source *source, const cJSON *item, struct fail *fail)
{
    for (const cJSON *later = item->next; later; later = later->next)
        if (later->string && strcmp(item->string, later->string) == 0)
            return refuse(source, item->string, "the member stands there twice", fail);
    return 0;
}

static int check_items(const struct source *source, const cJSON *parent, int depth, struct fail *fail)
{
    const cJSON *item;

    if (depth > DEPTH_MOST)
        return fail_set(fail, FAIL_USAGE, "%s: nested deeper than %d levels", source->name, DEPTH_MOST);
    cJSON_ArrayForEach(item, parent)
    {
        const char *name = item->string ? item->string : "a number";
        if (item->string && check_twice(source, item, fail) != 0)
            return -1;
        if (cJSON_IsString(item) && check_text(source, item->valuestring, fail) != 0)
            return -1;
        if (cJSON_IsNumber(item) &&
            !(fabs(item->valuedouble) <= 0x1p53 && floor(item->valuedouble) == item->valuedouble))
            return refuse(source, name, "numbers must be whole and within 2^53; write others as strings",
                          fail);
        if (check_items(source, item, depth + 1, fail) != 0)
            return -1;
    }
    return 0;
}

/* iss, sub and aud stand in one place each; the times are ours. */
static int check_owners(const struct api_claims_options *options, const struct api_claims *claims,
                        struct fail *fail)
{
    static const char *const settings[3] = {"auth.issuer", "auth.subject", "auth.audience"};

    for (int i = 0; i < 3; i++) {
        bool there = cJSON_GetObjectItemCaseSensitive(claims->template, own_names[i]) != NULL;
        if (there && claims->own[i])
            return fail_set(fail, FAIL_USAGE, "%s: '%s' is there, and %s is set as well: keep one of them",
                            options->name, own_names[i], settings[i]);
        if (!there && !claims->own[i])
            return fail_set(fail, FAIL_USAGE, "auth.method = openid needs %s (or '%s' in auth.claims_file)",
                            settings[i], own_names[i]);
    }
    if (cJSON_GetObjectItemCaseSensitive(claims->template, "iat") ||
        cJSON_GetObjectItemCaseSensitive(claims->template, "exp"))
        return fail_set(fail, FAIL_USAGE, "%s: 'iat' and 'exp' are the program's: take them out",
                        options->name);
    return 0;
}

static int parse(struct api_claims *claims, const struct source *source, struct fail *fail)
{
    const char *end = NULL;

    claims->template = cJSON_ParseWithOpts(source->text, &end, true);
    if (!claims->template)
        return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": not JSON from here on", source->name,
                        line_at(source, end ? end : source->text));
    if (!cJSON_IsObject(claims->template))
        return fail_set(fail, FAIL_USAGE, "%s: not a JSON object", source->name);
    return check_items(source, claims->template, 1, fail);
}

static int read_template(struct api_claims *claims, const struct api_claims_options *options,
                         struct fail *fail)
{
    struct source source = {options->name, mem_array(options->template.len + 1, 1)};
    int rc = -1;

    if (options->template.len > 0)
        memcpy(source.text, options->template.ptr, options->template.len);
    if (!text_is_utf8(options->template))
        (void)fail_set(fail, FAIL_USAGE, "%s: not UTF-8", options->name);
    else if (strlen(source.text) != options->template.len || strstr(source.text, "\\u0000"))
        (void)fail_set(fail, FAIL_USAGE, "%s: holds a NUL character", options->name);
    else
        rc = parse(claims, &source, fail);
    free(source.text);
    return rc;
}

int api_claims_open(struct api_claims **out, const struct api_claims_options *options, struct fail *fail)
{
    const char *own[3] = {options->issuer, options->subject, options->audience};
    struct api_claims *claims = mem_alloc(sizeof *claims);

    claims->tenant = mem_text(options->tenant ? options->tenant : "");
    for (int i = 0; i < 3; i++)
        claims->own[i] = own[i] && own[i][0] ? mem_text(own[i]) : NULL;
    if (read_template(claims, options, fail) != 0 || check_owners(options, claims, fail) != 0) {
        api_claims_close(claims);
        return -1;
    }
    *out = claims;
    return 0;
}

void api_claims_close(struct api_claims *claims)
{
    if (!claims)
        return;
    cJSON_Delete(claims->template);
    for (int i = 0; i < 3; i++)
        free(claims->own[i]);
    free(claims->tenant);
    free(claims);
}

/* ---- writing ---- */

static void write_text(const struct api_claims *claims, const char *text, int64_t account, struct json *json)
{
    struct buf expanded;

    if (strcmp(text, ACCOUNT_NUMBER) == 0) {
        json_int(json, account);
        return;
    }
    buf_init(&expanded, TEXT_CAP);
    expand(claims, text, account, &expanded);
    json_span(json, buf_span(&expanded));
    buf_free(&expanded);
}

static void write_item(const struct api_claims *claims, const cJSON *item, int64_t account, struct json *json)
{
    const cJSON *child;
    bool object = cJSON_IsObject(item);

    if (cJSON_IsString(item)) {
        write_text(claims, item->valuestring, account, json);
    } else if (cJSON_IsNumber(item)) {
        json_int(json, (int64_t)item->valuedouble);
    } else if (cJSON_IsBool(item)) {
        json_bool(json, cJSON_IsTrue(item));
    } else if (cJSON_IsNull(item)) {
        json_null(json);
    } else {
        (object ? json_object : json_array)(json);
        cJSON_ArrayForEach(child, item)
        {
            if (object)
                json_key(json, child->string);
            write_item(claims, child, account, json);
        }
        (object ? json_end_object : json_end_array)(json);
    }
}

void api_claims_write(const struct api_claims *claims, int64_t account, int64_t iat_s, int64_t exp_s,
                      struct buf *out)
{
    const cJSON *item;
    struct json json;

    json_init(&json, out, false);
    json_object(&json);
    for (int i = 0; i < 3; i++) {
        if (!claims->own[i])
            continue;
        json_key(&json, own_names[i]);
        json_text(&json, claims->own[i]);
    }
    json_key(&json, "iat");
    json_int(&json, iat_s);
    json_key(&json, "exp");
    json_int(&json, exp_s);
    cJSON_ArrayForEach(item, claims->template)
    {
        json_key(&json, item->string);
        write_item(claims, item, account, &json);
    }
    json_end_object(&json);
}
