/* Nearly every cell is clean as it stands: one look at its bytes, by a table, shows that, and it is copied.
 * The table also knows the two-byte characters below U+0480 that no normal form touches. Other cells take the
 * long way: ASCII is folded, anything else decoded, folded and, where a code point from U+0300 on occurs,
 * normalised by libunistring; everything below is NFC already. */
#include "value/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

enum {
    PLAIN = 0,
    SPACE = 1,
    BLANK = 2, /* another one */
    CONTROL = 4,
    HIGH = 0x80 /* and more: see below */
};
enum { DECIMAL_LEAST = 7 }; /* digits in front of ".0" */
enum { NO_BREAK_SPACE = 0xA0, BYTE_ORDER_MARK = 0xFEFF, FIRST_UNSTABLE = 0x300 };

#define FOUR(kind) kind, kind, kind, kind
#define SIXTEEN(kind) FOUR(kind), FOUR(kind), FOUR(kind), FOUR(kind)

/* Of a byte that begins two-byte characters: the least second byte with which it is a letter or sign that
 * neither composes with another nor decomposes in NFC. 0xC0, which no second byte reaches: there is none.
 * U+0080 to U+00A0 are controls and a blank; U+0300 to U+0387 marks, and signs that NFC replaces. */
/* clang-format off */
static const unsigned char KIND[256] = {
    /* 00 */ FOUR(CONTROL), FOUR(CONTROL), CONTROL, BLANK, BLANK, CONTROL, CONTROL, BLANK, CONTROL, CONTROL,
    /* 10 */ SIXTEEN(CONTROL),
    /* 20 */ SPACE, PLAIN, PLAIN, PLAIN, FOUR(PLAIN), FOUR(PLAIN), FOUR(PLAIN),
    /* 30 */ SIXTEEN(PLAIN), SIXTEEN(PLAIN), SIXTEEN(PLAIN), SIXTEEN(PLAIN),
    /* 70 */ FOUR(PLAIN), FOUR(PLAIN), FOUR(PLAIN), PLAIN, PLAIN, PLAIN, CONTROL,
    /* 80 */ SIXTEEN(0xC0), SIXTEEN(0xC0), SIXTEEN(0xC0), SIXTEEN(0xC0),
    /* C0 */ 0xC0, 0xC0, 0xA1, 0x80, FOUR(0x80), FOUR(0x80), 0xC0, 0xC0, 0x88, 0x80,
    /* D0 */ 0x80, 0x80, 0xC0, 0xC0, FOUR(0xC0), FOUR(0xC0), FOUR(0xC0),
    /* E0 */ SIXTEEN(0xC0), SIXTEEN(0xC0)};
/* clang-format on */

static unsigned kind_of(char c)
{
    return KIND[(unsigned char)c];
}

static size_t plain_from(struct span raw, size_t from)
{
    size_t i = from;

    while (i < raw.len && kind_of(raw.ptr[i]) == PLAIN)
        i++;
    return i - from;
}

static bool is_pair(struct span raw, size_t at)
{
    unsigned least = kind_of(raw.ptr[at]), second = at + 1 < raw.len ? (unsigned char)raw.ptr[at + 1] : 0;

    return least >= HIGH && second >= least && second < 0xC0;
}

/* Whether cleaning would leave the text as it is, as far as the table tells; *pairs: its two-byte
 * characters. */
static bool is_clean(struct span raw, size_t *pairs)
{
    size_t i = 0, gap = SIZE_MAX; /* the last blank; one in front of the text is none either */

    *pairs = 0;
    while (i < raw.len) {
        i += plain_from(raw, i);
        if (i == raw.len)
            return true;
        if (is_pair(raw, i)) {
            ++*pairs;
            i += 2;
        } else if (kind_of(raw.ptr[i]) == SPACE && gap + 1 != i) {
            gap = i++;
        } else {
            return false;
        }
    }
    return raw.len > 0 && gap + 1 != i;
}

static enum text_fault bad_control(struct text *text, uint32_t control)
{
    text->control = control;
    return TEXT_CONTROL;
}

static enum text_fault first_control(struct span raw, struct text *text)
{
    size_t i = 0;

    while (kind_of(raw.ptr[i]) != CONTROL)
        i++;
    return bad_control(text, (unsigned char)raw.ptr[i]);
}

/* ASCII only: folds runs of blanks in place; returns the new length. */
static size_t fold(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (kind_of(text[i]) != SPACE && kind_of(text[i]) != BLANK)
            text[kept++] = text[i];
        else if (kept > 0 && text[kept - 1] != ' ')
            text[kept++] = ' ';
    }
    return kept > 0 && text[kept - 1] == ' ' ? kept - 1 : kept;
}

static bool is_control(ucs4_t point)
{
    return point < 0x20 || (point >= 0x7F && point < NO_BREAK_SPACE);
}

static bool is_blank(ucs4_t point)
{
    return point == ' ' || point == '\t' || point == '\r' || point == '\n' || point == NO_BREAK_SPACE;
}

/* What one pass over non-ASCII text finds. */
struct fold_state {
    size_t len, points;
    ucs4_t highest;
};

/* Copies with blanks folded, decoding as it goes. The text is valid UTF-8. */
static enum text_fault fold_points(struct span raw, char *out, struct fold_state *state, struct text *text)
{
    for (size_t i = 0; i < raw.len;) {
        ucs4_t point;
        int size = u8_mbtouc(&point, (const uint8_t *)raw.ptr + i, raw.len - i);
        if (is_blank(point)) {
            if (state->len > 0 && out[state->len - 1] != ' ') {
                out[state->len++] = ' ';
                state->points++;
            }
        } else if (is_control(point)) {
            return bad_control(text, point);
        } else if (point != BYTE_ORDER_MARK || state->len > 0) {
            memcpy(out + state->len, raw.ptr + i, (size_t)size);
            state->len += (size_t)size;
            state->points++;
            state->highest = point > state->highest ? point : state->highest;
        }
        i += (size_t)size;
    }
    if (state->len > 0 && out[state->len - 1] == ' ') {
        state->len--;
        state->points--;
    }
    return TEXT_OK;
}

/* Brings out[0 ... *len) into NFC in place; there is room for TEXT_GROWTH times *len. */
static void compose(char *out, size_t *len)
{
    size_t composed_len = 0;
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)out, *len, NULL, &composed_len);

    assert(composed && composed_len <= TEXT_GROWTH * *len);
    memcpy(out, composed, composed_len);
    *len = composed_len;
    free(composed);
}

static enum text_fault clean_points(struct span raw, char *out, struct text *text)
{
    struct fold_state state = {0};
    enum text_fault fault;

    if (!text_is_utf8(raw))
        return TEXT_NOT_UTF8;
    fault = fold_points(raw, out, &state, text);
    if (fault != TEXT_OK)
        return fault;
    if (state.highest >= FIRST_UNSTABLE) {
        compose(out, &state.len);
        state.points = text_points((struct span){out, state.len});
    }
    *text = (struct text){.span = {out, state.len}, .points = state.points};
    return TEXT_OK;
}

enum text_fault text_clean(struct span raw, char *out, struct text *text)
{
    unsigned seen = PLAIN;
    size_t pairs;

    if (is_clean(raw, &pairs)) {
        memcpy(out, raw.ptr, raw.len);
        *text = (struct text){.span = {out, raw.len}, .points = raw.len - pairs};
        return TEXT_OK;
    }
    for (size_t i = 0; i < raw.len; i++) {
        out[i] = raw.ptr[i];
        seen |= kind_of(raw.ptr[i]);
    }
    if (seen & HIGH)
        return clean_points(raw, out, text);
    if (seen & CONTROL)
        return first_control(raw, text);
    *text = (struct text){.span = {out, fold(out, raw.len)}};
    text->points = text->span.len;
    return TEXT_OK;
}

bool text_is_utf8(struct span raw)
{
    return raw.len == 0 || u8_check((const uint8_t *)raw.ptr, raw.len) == NULL;
}

size_t text_points(struct span text)
{
    size_t points = 0;

    for (size_t i = 0; i < text.len; i++)
        points += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return points;
}

/* "#N/A", "#NV", "#REF!", "#NAME?", "#DIV/0!", "#####": a number sign, then capitals, 0, '/', '_' or more of
 * it; a name or a house number ("#12 B") never reads so to its end. */
static bool is_error_value(struct span text)
{
    static const char *const BARE[] = {"#N/A", "#N/D", "#N/V", "#NV", "#REF"};
    char last = text.ptr[text.len - 1];
    size_t hashes = 0;

    for (size_t i = 0; i < sizeof BARE / sizeof BARE[0]; i++)
        if (span_is_nocase(text, BARE[i]))
            return true;
    while (hashes < text.len && text.ptr[hashes] == '#')
        hashes++;
    if (hashes == text.len)
        return hashes >= 2;
    for (size_t i = 1; i + 1 < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'A' && c <= 'Z') || c == '/' || c == '0' || c == '_' || (unsigned char)c >= 0x80))
            return false;
    }
    return text.len >= 4 && (last == '!' || last == '?');
}

static size_t digits_from(struct span text, size_t from)
{
    size_t i = from;

    while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
        i++;
    return i - from;
}

/* d.dddE+dd, or dE+dd: without a fraction only the plus makes it certain ("1E2345" may be a passport, "3E-45"
 * a flat). */
static bool is_exponent(struct span text)
{
    size_t i = digits_from(text, 0), more;
    bool fraction = false, plus;

    if (i == 0 || i > 3)
        return false;
    if (i < text.len && (text.ptr[i] == '.' || text.ptr[i] == ',')) {
        more = digits_from(text, i + 1);
        if (more == 0)
            return false;
        i += 1 + more;
        fraction = true;
    }
    if (i + 1 >= text.len || (text.ptr[i] != 'E' && text.ptr[i] != 'e'))
        return false;
    plus = text.ptr[++i] == '+';
    if (!plus && !fraction)
        return false;
    i += plus || text.ptr[i] == '-';
    more = digits_from(text, i);
    return more > 0 && i + more == text.len;
}

/* "5545999999999.0": what a data frame makes of whole numbers. Short ones may be a version. */
static bool is_decimal(struct span text)
{
    size_t whole = digits_from(text, 0), zeros;

    if (whole < DECIMAL_LEAST || whole == text.len || text.ptr[whole] != '.')
        return false;
    zeros = text.len - whole - 1;
    return (zeros == 1 || zeros == 2) && text.ptr[whole + 1] == '0' && text.ptr[text.len - 1] == '0';
}

/* "'00123": the sign that told a spreadsheet to leave the digits alone. "'s-Gravenweg" is none. */
static bool has_text_mark(struct span text)
{
    for (size_t i = 1; i < text.len; i++)
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && !strchr("+-.,:/ ", text.ptr[i]))
            return false;
    return true;
}

static bool has_number_sign(struct span text, size_t at)
{
    char c = at < text.len ? text.ptr[at] : '\0';

    return c == '.' || c == ',' || c == 'E' || c == 'e';
}

const char *text_damage(struct span text)
{
    if (text.len < 2)
        return NULL;
    if (text.ptr[0] == '#' && is_error_value(text))
        return "a spreadsheet's error value";
    if (text.ptr[0] == '=')
        return "a spreadsheet's formula";
    if (text.ptr[0] == '\'' && has_text_mark(text))
        return "a spreadsheet's text mark in front";
    if (text.ptr[0] < '0' || text.ptr[0] > '9')
        return NULL;
    if (!has_number_sign(text, digits_from(text, 0)))
        return NULL;
    if (is_exponent(text))
        return "a spreadsheet's exponent form";
    return is_decimal(text) ? "decimals behind a whole number" : NULL;
}
