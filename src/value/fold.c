/* Marks are dropped, so the order in which they follow their letter cannot matter and each character folds by
 * itself: decomposed (NFKD), case-folded, decomposed once more. A normal form of the whole text would lose
 * the way back. ASCII takes a short way without any library call. */
#include "value/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum { MOST_POINTS = 64, DOTLESS_I = 0x131, MINUS_SIGN = 0x2212 };

static void add(struct fold *fold, uint32_t point, size_t from)
{
    if (point == ' ' && fold->count > 0 && fold->points[fold->count - 1] == ' ')
        return;
    if (fold->count == fold->size) {
        fold->size = fold->size ? fold->size * 2 : 128;
        fold->points = mem_grow(fold->points, fold->size, sizeof *fold->points);
        fold->from = mem_grow(fold->from, fold->size, sizeof *fold->from);
    }
    fold->points[fold->count] = point;
    fold->from[fold->count++] = from;
}

static uint32_t fold_ascii(uint32_t point)
{
    if (point >= 'A' && point <= 'Z')
        return point + ('a' - 'A');
    if (point < ' ' || point == 0x7F)
        return ' ';
    return point == '`' ? '\'' : point;
}

/* Acute accent and primes stand for an apostrophe on many keyboards. */
static bool is_apostrophe(uint32_t point)
{
    return point == 0xB4 || point == 0x2B9 || (point >= 0x2BB && point <= 0x2BD) ||
           (point >= 0x2018 && point <= 0x201B) || point == 0x2032;
}

/* One point of a folded, decomposed character. */
static void add_part(struct fold *fold, uint32_t point, size_t from)
{
    const uint32_t dropped = UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me;
    const uint32_t blank = UC_CATEGORY_MASK_Z | UC_CATEGORY_MASK_Cc;
    int digit;

    if (point < 0x80) {
        add(fold, fold_ascii(point), from);
        return;
    }
    if (uc_is_general_category_withtable(point, dropped) ||
        uc_is_property_default_ignorable_code_point(point))
        return;
    digit = uc_decimal_value(point);
    if (digit >= 0)
        point = '0' + (uint32_t)digit;
    else if (uc_is_general_category_withtable(point, blank))
        point = ' ';
    else if (uc_is_general_category_withtable(point, UC_CATEGORY_MASK_Pd) || point == MINUS_SIGN)
        point = '-';
    else if (point == DOTLESS_I)
        point = 'i'; /* case folding leaves it, yet its capital is I */
    add(fold, point, from);
}

static void add_point(struct fold *fold, uint32_t point, size_t from)
{
    uint32_t plain[MOST_POINTS], folded[MOST_POINTS];
    size_t plain_len = MOST_POINTS, len = MOST_POINTS;
    const uint32_t *parts;

    if (point < 0x80 || is_apostrophe(point)) {
        add(fold, point < 0x80 ? fold_ascii(point) : '\'', from);
        return;
    }
    /* The longest decomposition has 18 points: the buffers given are those returned. */
    parts = u32_normalize(UNINORM_NFKD, &point, 1, plain, &plain_len);
    assert(parts == plain);
    parts = u32_casefold(plain, plain_len, NULL, UNINORM_NFKD, folded, &len);
    assert(parts == folded);
    for (size_t i = 0; i < len; i++)
        add_part(fold, folded[i], from);
}

/* ---- escapes ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `count` hexadecimal digits at `at`; -1 where there are fewer. */
static int32_t hex_at(struct span text, size_t at, size_t count)
{
    int32_t value = 0;

    if (at + count > text.len)
        return -1;
    for (size_t i = at; i < at + count; i++) {
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* "%C3%A9": the length of the whole, 0 where none begins. */
static size_t percent_at(struct span text, size_t at, uint32_t *point)
{
    uint8_t bytes[4];
    size_t count = 0;
    ucs4_t found;
    int size;

    for (size_t i = at; count < sizeof bytes && i < text.len && text.ptr[i] == '%'; i += 3) {
        int32_t byte = hex_at(text, i + 1, 2);
        if (byte < 0)
            break;
        bytes[count++] = (uint8_t)byte;
    }
    if (count == 0)
        return 0;
    size = u8_mbtoucr(&found, bytes, count);
    *point = size > 0 ? found : bytes[0];
    return size > 0 ? (size_t)size * 3 : 3;
}

static int32_t unit_at(struct span text, size_t at)
{
    if (at + 2 > text.len || text.ptr[at] != '\\' || (text.ptr[at + 1] != 'u' && text.ptr[at + 1] != 'U'))
        return -1;
    return hex_at(text, at + 2, 4);
}

/* "\u00e9", or a pair of them above U+FFFF: the length of the whole, 0 where none begins. */
static size_t unicode_at(struct span text, size_t at, uint32_t *point)
{
    int32_t high = unit_at(text, at), low;

    if (high < 0 || (high >= 0xDC00 && high < 0xE000))
        return 0;
    *point = (uint32_t)high;
    if (high < 0xD800 || high >= 0xE000)
        return 6;
    low = unit_at(text, at + 6);
    if (low < 0xDC00 || low >= 0xE000)
        return 0;
    *point = 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    return 12;
}

static size_t escape_at(struct span text, size_t at, uint32_t *point)
{
    return text.ptr[at] == '%' ? percent_at(text, at, point) : unicode_at(text, at, point);
}

/* ---- the whole ---- */

void fold_set(struct fold *fold, struct span source, bool escapes)
{
    fold->source = source;
    fold->count = 0;
    for (size_t i = 0; i < source.len;) {
        uint32_t point = 0;
        size_t size = escapes ? escape_at(source, i, &point) : 0;
        if (size == 0 && (unsigned char)source.ptr[i] < 0x80) {
            point = (unsigned char)source.ptr[i];
            size = 1;
        } else if (size == 0) {
            size = (size_t)u8_mbtouc(&point, (const uint8_t *)source.ptr + i, source.len - i);
        }
        add_point(fold, point, i);
        i += size;
    }
}

void fold_free(struct fold *fold)
{
    free(fold->points);
    free(fold->from);
    *fold = (struct fold){0};
}

struct span fold_source(const struct fold *fold, size_t from, size_t to)
{
    size_t begin, end = to;

    assert(from < to && to <= fold->count);
    begin = fold->from[from];
    while (end < fold->count && fold->from[end] == fold->from[to - 1])
        end++;
    return (struct span){fold->source.ptr + begin,
                         (end < fold->count ? fold->from[end] : fold->source.len) - begin};
}

size_t fold_bytes(const uint32_t *points, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += points[i] < 0x80 ? 1 : points[i] < 0x800 ? 2 : points[i] < 0x10000 ? 3 : 4;
    return bytes;
}

bool fold_is_word(uint32_t point)
{
    if (point < 0x80)
        return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9');
    return uc_is_general_category_withtable(point,
                                            UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N);
}

bool fold_joins(uint32_t point)
{
    return fold_is_word(point) && (point < 0x80 || !uc_is_property_ideographic(point));
}
