#include "value/address.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

/* [byte] -> the forbidden character as text; the table is what address_forbidden returns from. */
static const char FORBIDDEN[128][2] = {
    ['['] = "[", [']'] = "]", ['{'] = "{",  ['}'] = "}", [':'] = ":", ['&'] = "&",
    ['$'] = "$", ['^'] = "^", ['!'] = "!",  ['='] = "=", [';'] = ";", ['*'] = "*",
    ['#'] = "#", ['`'] = "`", ['"'] = "\"", ['<'] = "<", ['>'] = ">", ['@'] = "@"};

const char *address_forbidden(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x80 && FORBIDDEN[c][0] != '\0')
            return FORBIDDEN[c];
        if (c == 0xE2 && text.len - i >= 3 && memcmp(text.ptr + i, "\xE2\x80\x9D", 3) == 0)
            return "U+201D";
    }
    return NULL;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits and the signs named in the header; from the blank on. */
/* clang-format off */
static const bool USUAL[256] = {
    [' '] = 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, /* blank ' ( ) , - . / */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,         /* 0 to 9 */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,         /* A to O */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1,         /* P to Z, _ */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,         /* a to o */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0          /* p to z */
};
/* clang-format on */

/* U+0100 to U+02BF are letters, and so are U+00C0 to U+00FF but for the signs of times and division. */
static bool is_letter_pair(unsigned char first, unsigned char second)
{
    return (first >= 0xC4 && first <= 0xCA) || (first == 0xC3 && second != 0x97 && second != 0xB7);
}

bool address_unusual(struct span text)
{
    for (size_t i = 0; i < text.len;) {
        ucs4_t point;
        if (USUAL[(unsigned char)text.ptr[i]]) {
            i++;
            continue;
        }
        if (i + 1 < text.len && is_letter_pair((unsigned char)text.ptr[i], (unsigned char)text.ptr[i + 1])) {
            i += 2;
            continue;
        }
        i += (size_t)u8_mbtouc(&point, (const uint8_t *)text.ptr + i, text.len - i);
        if (!uc_is_general_category_withtable(point,
                                              UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N))
            return true;
    }
    return false;
}

/* Countries whose postal codes are always so many digits and may begin with 0. */
static const struct {
    char country[4];
    unsigned char digits;
} DIGITS[] = {{"ARM", 4}, {"AUS", 4}, {"BRA", 8}, {"CHN", 6}, {"COL", 6}, {"DEU", 5}, {"DNK", 4}, {"DZA", 5},
              {"ECU", 6}, {"ESP", 5}, {"EST", 5}, {"FIN", 5}, {"FRA", 5}, {"GEO", 4}, {"GTM", 5}, {"ITA", 5},
              {"JPN", 7}, {"KAZ", 6}, {"KEN", 5}, {"KOR", 5}, {"LAO", 5}, {"LKA", 5}, {"LTU", 5}, {"MEX", 5},
              {"MYS", 5}, {"NOR", 4}, {"NZL", 4}, {"PAN", 4}, {"PER", 5}, {"POL", 5}, {"PRI", 5}, {"ROU", 6},
              {"SGP", 6}, {"SVK", 5}, {"TUR", 5}, {"UKR", 5}, {"USA", 5}, {"ZAF", 4}};

/* All digits, and just one fewer than the country's codes have (for the USA also than ZIP+4 has). */
static bool lacks_zero(struct span code, const char *country)
{
    if (code.len > 8)
        return false;
    for (size_t i = 0; i < code.len; i++)
        if (code.ptr[i] < '0' || code.ptr[i] > '9')
            return false;
    if (code.len == 8)
        return memcmp(country, "USA", 3) == 0;
    for (size_t i = 0; i < sizeof DIGITS / sizeof DIGITS[0]; i++)
        if (code.len + 1 == DIGITS[i].digits && memcmp(DIGITS[i].country, country, 3) == 0)
            return true;
    return false;
}

const char *address_postal_fault(struct span code, const char *country)
{
    bool gap = true; /* nothing, a blank or a hyphen stands before */

    for (size_t i = 0; i < code.len; i++) {
        bool separator = code.ptr[i] == ' ' || code.ptr[i] == '-';
        if ((separator && gap) || (!separator && !is_alnum(code.ptr[i])))
            return "odd characters";
        gap = separator;
    }
    if (gap)
        return "odd characters";
    return country && lacks_zero(code, country) ? "a leading zero is missing" : NULL;
}
