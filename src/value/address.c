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

/* Beside letters and digits. */
static const bool USUAL_SIGNS[256] = {[' '] = true, ['.'] = true, ['\''] = true, [','] = true, ['-'] = true,
                                      ['/'] = true, ['('] = true, [')'] = true,  ['_'] = true};

bool address_unusual(struct span text)
{
    for (size_t i = 0; i < text.len;) {
        ucs4_t point;
        if (is_alnum(text.ptr[i]) || USUAL_SIGNS[(unsigned char)text.ptr[i]]) {
            i++;
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
        if (memcmp(DIGITS[i].country, country, 3) == 0)
            return code.len + 1 == DIGITS[i].digits;
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
