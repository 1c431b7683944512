/* Looking something up is stepping over what stands before it. Texts are short, so going over them again
 * costs less than a tree; where much is asked of one object, its members are listed while they are stepped
 * over. */
#include "json_impl.h"

#include <assert.h>
#include <string.h>

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NONE] = "nothing",  [JSON_OBJECT] = "object", [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_NUMBER] = "number", [JSON_TRUE] = "true",     [JSON_FALSE] = "false", [JSON_NULL] = "null",
    };

    assert((unsigned)kind < sizeof names / sizeof names[0]);
    return names[kind];
}

static struct span between(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

/* `list`: NULL, or empty. */
static int parse(struct span text, struct json_members *list, struct json_value *out)
{
    struct json_cursor cursor = {text.ptr, text.ptr + text.len, list};
    struct json_value value;

    json_skip_blanks(&cursor);
    value.text.ptr = cursor.at;
    value.kind = json_skip_value(&cursor, JSON_READ_DEPTH);
    value.text = between(value.text.ptr, cursor.at);
    json_skip_blanks(&cursor);
    if (value.kind == JSON_NONE || cursor.at != cursor.end)
        return -1;
    *out = value;
    return 0;
}

static void empty_list(struct json_members *list)
{
    list->object = (struct json_value){JSON_NONE, {"", 0}};
    list->count = 0;
    list->rest = (struct span){NULL, 0};
}

int json_parse(struct span text, struct json_view *view, struct json_value *out)
{
    if (!view)
        return parse(text, NULL, out);
    empty_list(&view->root);
    empty_list(&view->inner);
    if (parse(text, &view->root, out) != 0)
        return -1;
    if (out->kind == JSON_OBJECT)
        view->root.object = *out;
    return 0;
}

int json_each(struct span *rest, struct span *key, struct json_value *out)
{
    struct json_cursor cursor;
    const char *from;

    if (rest->len == 0)
        return 0;
    /* Behind the bracket, or the comma behind the one before. */
    cursor = (struct json_cursor){rest->ptr + 1, rest->ptr + rest->len, NULL};
    json_skip_blanks(&cursor);
    if (*cursor.at == '}' || *cursor.at == ']') {
        *rest = (struct span){cursor.at, 0};
        return 0;
    }
    /* The closing bracket tells what it is a container of. */
    if (rest->ptr[rest->len - 1] == '}') {
        bool good;
        from = cursor.at + 1;
        good = json_skip_string(&cursor);
        assert(good);
        if (key)
            *key = between(from, cursor.at - 1);
        json_skip_blanks(&cursor);
        cursor.at++;
    }
    json_skip_blanks(&cursor);
    from = cursor.at;
    out->kind = json_skip_value(&cursor, JSON_READ_DEPTH);
    assert(out->kind != JSON_NONE);
    out->text = between(from, cursor.at);
    json_skip_blanks(&cursor);
    *rest = between(cursor.at, cursor.end);
    if (*cursor.at != ',')
        rest->len = 0;
    return 1;
}

/* ---- strings ---- */

static void add_utf8(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_add_char(out, (char)point);
        return;
    }
    if (point < 0x800) {
        buf_add_char(out, (char)(0xC0 | point >> 6));
    } else {
        if (point < 0x10000) {
            buf_add_char(out, (char)(0xE0 | point >> 12));
        } else {
            buf_add_char(out, (char)(0xF0 | point >> 18));
            buf_add_char(out, (char)(0x80 | (point >> 12 & 0x3F)));
        }
        buf_add_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
    }
    buf_add_char(out, (char)(0x80 | (point & 0x3F)));
}

static uint32_t four_digits(const char *at)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)hex_value(at[i]);
    return value;
}

/* At the first digit behind "\u"; returns the place behind it all. */
static const char *decode_unicode(const char *at, const char *end, struct buf *out)
{
    uint32_t point = four_digits(at), low;

    at += 4;
    if (point >= 0xD800 && point < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        low = four_digits(at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        }
    }
    add_utf8(out, point >= 0xD800 && point < 0xE000 ? 0xFFFD : point);
    return at;
}

void json_decode(struct json_value string, struct buf *out)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *at, *end;

    assert(string.kind == JSON_STRING);
    at = string.text.ptr + 1;
    end = string.text.ptr + string.text.len - 1;
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at)), *letter;
        buf_add(out, at, (size_t)((slash ? slash : end) - at));
        if (!slash)
            return;
        if (slash[1] == 'u') {
            at = decode_unicode(slash + 2, end, out);
            continue;
        }
        letter = memchr(letters, slash[1], sizeof letters - 1);
        buf_add_char(out, letter ? meant[letter - letters] : slash[1]);
        at = slash + 2;
    }
}

/* Whether a string, as it stands there, says just that. */
static bool says(struct span raw, struct span name)
{
    struct buf plain = {.cap = 1 << 10};
    bool same;

    if (!memchr(raw.ptr, '\\', raw.len))
        return span_same(raw, name);
    json_decode((struct json_value){JSON_STRING, {raw.ptr - 1, raw.len + 2}}, &plain);
    same = !plain.full && span_same(buf_span(&plain), name);
    buf_free(&plain);
    return same;
}

/* ---- looking things up ---- */

/* Among the members from `rest` on, which is as of json_each. */
static struct json_value find_further(struct span rest, struct span name)
{
    struct span key = {"", 0};
    struct json_value value;

    while (json_each(&rest, &key, &value))
        if (says(key, name))
            return value;
    return (struct json_value){JSON_NONE, {"", 0}};
}

static struct json_value find_member(struct json_value object, struct span name)
{
    return find_further(object.kind == JSON_OBJECT ? object.text : (struct span){"", 0}, name);
}

struct json_value json_member(struct json_value object, const char *name)
{
    return find_member(object, span_of(name));
}

/* RFC 6901, section 4: digits without leading zeros; "-" is the element behind the last, which is none. */
static struct json_value find_element(struct json_value array, struct span token)
{
    struct span rest = array.text;
    struct json_value value;
    int64_t index = 0;

    if (!span_is(token, "0") && (token.len == 0 || token.ptr[0] == '0' || span_to_id(token, &index) != 0))
        return (struct json_value){JSON_NONE, {"", 0}};
    while (json_each(&rest, NULL, &value))
        if (index-- == 0)
            return value;
    return (struct json_value){JSON_NONE, {"", 0}};
}

/* "~1" is a slash, "~0" a tilde. */
static void unescape_token(struct span token, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (c == '~' && i + 1 < token.len)
            c = token.ptr[++i] == '1' ? '/' : '~';
        buf_add_char(out, c);
    }
}

/* From the value on by the tokens of `rest`; rest.ptr NULL: there are none. */
static struct json_value walk(struct json_value value, struct span rest)
{
    struct buf plain = {.cap = 1 << 10};
    struct span token;

    while (span_cut(&rest, '/', &token)) {
        if (memchr(token.ptr, '~', token.len)) {
            unescape_token(token, &plain);
            token = buf_span(&plain);
        }
        value = value.kind == JSON_ARRAY ? find_element(value, token) : find_member(value, token);
    }
    buf_free(&plain);
    return value;
}

struct json_value json_at(struct json_value root, const char *pointer)
{
    struct span rest = span_of(pointer), token;

    if (rest.len == 0)
        return root;
    (void)span_cut(&rest, '/', &token); /* what stands before the first slash: nothing */
    return walk(root, rest);
}

/* ---- an object that much is asked of ---- */

void json_view_open(struct json_view *view, struct json_value object)
{
    struct json_value same;
    int rc;

    assert(object.kind == JSON_OBJECT);
    rc = json_parse(object.text, view, &same);
    assert(rc == 0);
}

static struct json_value find_listed(const struct json_members *list, struct span name)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct json_member *member = &list->member[i];
        if (member->escaped ? says(member->key, name) : span_same(member->key, name))
            return member->value;
    }
    return find_further(list->rest, name);
}

struct json_value json_view_member(const struct json_view *view, const char *name)
{
    return find_listed(&view->root, span_of(name));
}

/* The members of an object in the one that is looked at. */
static const struct json_members *look_inside(struct json_view *view, struct json_value object)
{
    struct json_value same;
    int rc;

    if (view->inner.object.kind == JSON_OBJECT && view->inner.object.text.ptr == object.text.ptr)
        return &view->inner;
    empty_list(&view->inner);
    rc = parse(object.text, &view->inner, &same);
    assert(rc == 0);
    view->inner.object = object;
    return &view->inner;
}

struct json_value json_view_at(struct json_view *view, const char *pointer)
{
    struct span rest = span_of(pointer), token;
    struct json_value value = view->root.object;

    if (rest.len == 0 || memchr(rest.ptr, '~', rest.len))
        return json_at(value, pointer);
    (void)span_cut(&rest, '/', &token); /* what stands before the first slash: nothing */
    if (span_cut(&rest, '/', &token))
        value = find_listed(&view->root, token);
    if (value.kind == JSON_OBJECT && span_cut(&rest, '/', &token))
        value = find_listed(look_inside(view, value), token);
    return walk(value, rest);
}

int json_to_id(struct json_value value, int64_t *out)
{
    if (value.kind == JSON_STRING)
        return span_to_id((struct span){value.text.ptr + 1, value.text.len - 2}, out);
    return value.kind == JSON_NUMBER ? span_to_id(value.text, out) : -1;
}
