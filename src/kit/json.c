#include "kit/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_init(struct json *json, struct buf *out, bool pretty)
{
    *json = (struct json){.out = out, .pretty = pretty};
}

static void new_line(struct json *json)
{
    if (!json->pretty)
        return;
    buf_add_char(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        buf_add_text(json->out, "  ");
}

/* Whatever goes before an element: a comma, a line of its own. */
static void before(struct json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->has[json->depth])
        buf_add_char(json->out, ',');
    json->has[json->depth] = true;
    if (json->depth > 0)
        new_line(json);
}

static void open_level(struct json *json, char bracket)
{
    before(json);
    buf_add_char(json->out, bracket);
    assert(json->depth < JSON_DEPTH);
    json->has[++json->depth] = false;
}

static void close_level(struct json *json, char bracket)
{
    assert(json->depth > 0 && !json->after_key);
    json->depth--;
    if (json->has[json->depth + 1])
        new_line(json);
    buf_add_char(json->out, bracket);
}

void json_object(struct json *json)
{
    open_level(json, '{');
}

void json_array(struct json *json)
{
    open_level(json, '[');
}

void json_end_object(struct json *json)
{
    close_level(json, '}');
}

void json_end_array(struct json *json)
{
    close_level(json, ']');
}

/* Length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7), 0 where there is none. */
static size_t sequence_length(const unsigned char *s, size_t len)
{
    size_t need;
    unsigned char low = 0x80, high = 0xBF;

    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        need = 2;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        need = 3;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        need = 4;
    else
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (len < need || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return 0;
    return need;
}

static void add_escaped(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        buf_add_text(out, "\\\"");
        break;
    case '\\':
        buf_add_text(out, "\\\\");
        break;
    case '\n':
        buf_add_text(out, "\\n");
        break;
    case '\r':
        buf_add_text(out, "\\r");
        break;
    case '\t':
        buf_add_text(out, "\\t");
        break;
    default:
        buf_addf(out, "\\u%04x", c);
    }
}

/* How many characters from the front are ASCII that stands for itself. */
static size_t plain_length(struct span text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7F && text.ptr[len] != '"' &&
           text.ptr[len] != '\\')
        len++;
    return len;
}

static void add_escaping(struct buf *out, struct span text)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    size_t plain = 0; /* start of the run that needs no change */

    for (size_t i = 0; i < text.len;) {
        size_t n = sequence_length(s + i, text.len - i);
        if (n > 1 || (n == 1 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7F)) {
            i += n;
            continue;
        }
        buf_add(out, s + plain, i - plain);
        if (n == 0)
            buf_add_text(out, "\xEF\xBF\xBD");
        else
            add_escaped(out, s[i]);
        plain = ++i;
    }
    buf_add(out, s + plain, text.len - plain);
}

/* Nearly every text is plain to its end: then quotes and all go in one piece. */
static void add_string(struct buf *out, struct span text)
{
    char *at;

    if (plain_length(text) < text.len) {
        buf_add_char(out, '"');
        add_escaping(out, text);
        buf_add_char(out, '"');
        return;
    }
    at = buf_extend(out, text.len + 2);
    if (!at)
        return;
    *at++ = '"';
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '"';
}

void json_key(struct json *json, const char *key)
{
    assert(!json->after_key);
    before(json);
    add_string(json->out, span_of(key));
    buf_add_text(json->out, json->pretty ? ": " : ":");
    json->after_key = true;
}

void json_span(struct json *json, struct span text)
{
    before(json);
    add_string(json->out, text);
}

void json_text(struct json *json, const char *text)
{
    if (text)
        json_span(json, span_of(text));
    else
        json_null(json);
}

void json_int(struct json *json, int64_t value)
{
    before(json);
    buf_addf(json->out, "%" PRId64, value);
}

void json_double(struct json *json, double value)
{
    before(json);
    buf_addf(json->out, "%.3f", value);
}

void json_bool(struct json *json, bool value)
{
    before(json);
    buf_add_text(json->out, value ? "true" : "false");
}

void json_null(struct json *json)
{
    before(json);
    buf_add_text(json->out, "null");
}
