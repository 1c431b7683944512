/* One recursive reader steps over values and checks them on the way; looking something up is stepping over
 * what stands before it. Texts are short, so going over them again costs less than a tree. */
#include "kit/json_read.h"

#include <assert.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NONE] = "nothing",  [JSON_OBJECT] = "object", [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_NUMBER] = "number", [JSON_TRUE] = "true",     [JSON_FALSE] = "false", [JSON_NULL] = "null",
    };

    assert((unsigned)kind < sizeof names / sizeof names[0]);
    return names[kind];
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
        cursor->at++;
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* Behind the backslash. */
static bool skip_escape(struct cursor *cursor)
{
    if (cursor->at == cursor->end || !memchr("\"\\/bfnrtu", *cursor->at, 9))
        return false;
    if (*cursor->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, cursor->at++)
        if (cursor->at == cursor->end || hex_value(*cursor->at) < 0)
            return false;
    return true;
}

static bool skip_string(struct cursor *cursor)
{
    if (!take(cursor, '"'))
        return false;
    while (cursor->at < cursor->end) {
        unsigned char c = (unsigned char)*cursor->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !skip_escape(cursor)))
            return false;
    }
    return false;
}

static size_t skip_digits(struct cursor *cursor)
{
    const char *from = cursor->at;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        cursor->at++;
    return (size_t)(cursor->at - from);
}

static bool skip_number(struct cursor *cursor)
{
    const char *first;

    (void)take(cursor, '-');
    first = cursor->at;
    if (skip_digits(cursor) == 0 || (*first == '0' && cursor->at - first > 1))
        return false;
    if (take(cursor, '.') && skip_digits(cursor) == 0)
        return false;
    if (!take(cursor, 'e') && !take(cursor, 'E'))
        return true;
    if (!take(cursor, '+'))
        (void)take(cursor, '-');
    return skip_digits(cursor) > 0;
}

static bool skip_word(struct cursor *cursor, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static enum json_kind skip_value(struct cursor *cursor, int depth);

static bool skip_key(struct cursor *cursor)
{
    if (!skip_string(cursor))
        return false;
    skip_blanks(cursor);
    return take(cursor, ':');
}

static bool skip_container(struct cursor *cursor, bool object, int depth)
{
    char close = object ? '}' : ']';

    cursor->at++;
    skip_blanks(cursor);
    if (take(cursor, close))
        return true;
    for (;;) {
        skip_blanks(cursor);
        if ((object && !skip_key(cursor)) || skip_value(cursor, depth - 1) == JSON_NONE)
            return false;
        skip_blanks(cursor);
        if (take(cursor, close))
            return true;
        if (!take(cursor, ','))
            return false;
    }
}

/* Leading blanks too. JSON_NONE: no value stands there. */
static enum json_kind skip_value(struct cursor *cursor, int depth)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || depth == 0)
        return JSON_NONE;
    switch (*cursor->at) {
    case '{':
        return skip_container(cursor, true, depth) ? JSON_OBJECT : JSON_NONE;
    case '[':
        return skip_container(cursor, false, depth) ? JSON_ARRAY : JSON_NONE;
    case '"':
        return skip_string(cursor) ? JSON_STRING : JSON_NONE;
    case 't':
        return skip_word(cursor, "true") ? JSON_TRUE : JSON_NONE;
    case 'f':
        return skip_word(cursor, "false") ? JSON_FALSE : JSON_NONE;
    case 'n':
        return skip_word(cursor, "null") ? JSON_NULL : JSON_NONE;
    default:
        return skip_number(cursor) ? JSON_NUMBER : JSON_NONE;
    }
}

static struct span between(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

int json_parse(struct span text, struct json_value *out)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len};
    struct json_value value;

    skip_blanks(&cursor);
    value.text.ptr = cursor.at;
    value.kind = skip_value(&cursor, JSON_READ_DEPTH);
    value.text = between(value.text.ptr, cursor.at);
    skip_blanks(&cursor);
    if (value.kind == JSON_NONE || cursor.at != cursor.end)
        return -1;
    *out = value;
    return 0;
}

int json_each(struct span *rest, struct span *key, struct json_value *out)
{
    struct cursor cursor = {rest->ptr, rest->ptr + rest->len};
    const char *from;

    if (rest->len == 0)
        return 0;
    cursor.at++; /* the bracket, or the comma behind the one before */
    skip_blanks(&cursor);
    if (*cursor.at == '}' || *cursor.at == ']') {
        *rest = (struct span){cursor.at, 0};
        return 0;
    }
    /* The closing bracket tells what it is a container of. */
    if (rest->ptr[rest->len - 1] == '}') {
        bool good;
        from = cursor.at + 1;
        good = skip_string(&cursor);
        assert(good);
        if (key)
            *key = between(from, cursor.at - 1);
        skip_blanks(&cursor);
        cursor.at++;
    }
    skip_blanks(&cursor);
    from = cursor.at;
    out->kind = skip_value(&cursor, JSON_READ_DEPTH);
    assert(out->kind != JSON_NONE);
    out->text = between(from, cursor.at);
    skip_blanks(&cursor);
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

static struct json_value find_member(struct json_value object, struct span name)
{
    struct span rest = object.text, key = {"", 0};
    struct json_value value;

    if (object.kind == JSON_OBJECT)
        while (json_each(&rest, &key, &value))
            if (says(key, name))
                return value;
    return (struct json_value){JSON_NONE, {"", 0}};
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

struct json_value json_at(struct json_value root, const char *pointer)
{
    struct span rest = span_of(pointer), token;
    struct buf plain = {.cap = 1 << 10};
    struct json_value value = root;

    if (rest.len == 0)
        return value;
    (void)span_cut(&rest, '/', &token); /* what stands before the first slash: nothing */
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

int json_to_id(struct json_value value, int64_t *out)
{
    if (value.kind == JSON_STRING)
        return span_to_id((struct span){value.text.ptr + 1, value.text.len - 2}, out);
    return value.kind == JSON_NUMBER ? span_to_id(value.text, out) : -1;
}
