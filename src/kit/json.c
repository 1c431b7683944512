#include "kit/json.h"

#include <assert.h>
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

static uint64_t in_each_byte(unsigned char c)
{
    return UINT64_C(0x0101010101010101) * c;
}

/* Whether eight bytes are ASCII that stands for itself. Bit 7 of every byte is set before something is taken
 * off, so no byte borrows from its neighbour; where it is gone afterwards, the byte was too small. */
static bool is_plain_word(uint64_t word)
{
    const uint64_t high = in_each_byte(0x80), one = in_each_byte(1);
    uint64_t control = (word | high) - in_each_byte(0x20);
    uint64_t quote = ((word ^ in_each_byte('"')) | high) - one;
    uint64_t backslash = ((word ^ in_each_byte('\\')) | high) - one;

    return ((word | (word + one) | ~(control & quote & backslash)) & high) == 0;
}

/* Whether all of it is; the last eight bytes are looked at together, whether some of them were before or
 * not. */
static bool is_plain(struct span text)
{
    uint64_t word = in_each_byte(' ');
    size_t i = 0;

    if (text.len < sizeof word) {
        if (text.len > 0)
            memcpy(&word, text.ptr, text.len);
        return is_plain_word(word);
    }
    for (; i + sizeof word < text.len; i += sizeof word) {
        memcpy(&word, text.ptr + i, sizeof word);
        if (!is_plain_word(word))
            return false;
    }
    memcpy(&word, text.ptr + text.len - sizeof word, sizeof word);
    return is_plain_word(word);
}

static bool is_plain_byte(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void add_escaping(struct buf *out, struct span text)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    size_t plain = 0; /* start of the run that needs no change */

    for (size_t i = 0; i < text.len;) {
        size_t n = is_plain_byte(s[i]) ? 1 : sequence_length(s + i, text.len - i);
        if (n > 1 || is_plain_byte(s[i])) {
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

/* Nearly every text is plain: then quotes and all go in one piece, with what follows the closing quote. */
static void add_string(struct buf *out, struct span text, struct span behind)
{
    char *at;

    if (!is_plain(text)) {
        buf_add_char(out, '"');
        add_escaping(out, text);
        buf_add_char(out, '"');
        buf_add_span(out, behind);
        return;
    }
    at = buf_extend(out, text.len + behind.len + 2);
    if (!at)
        return;
    *at++ = '"';
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '"';
    for (size_t i = 0; i < behind.len; i++)
        at[text.len + 1 + i] = behind.ptr[i];
}

void json_key(struct json *json, const char *key)
{
    assert(!json->after_key);
    before(json);
    add_string(json->out, span_of(key), json->pretty ? SPAN(": ") : SPAN(":"));
    json->after_key = true;
}

void json_span(struct json *json, struct span text)
{
    before(json);
    add_string(json->out, text, SPAN(""));
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
    buf_add_int(json->out, value);
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
