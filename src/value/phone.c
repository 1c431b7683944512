/* Two steps: the digits are gathered and punctuation judged; then prefix and length. */
#include "value/phone.h"

#include <string.h>

/* Digits beyond this many are only counted. Room for "00" and a too long number to be told as such. */
enum { GATHERED = PHONE_MOST + 3 };

struct gathered {
    char digits[GATHERED];
    size_t count;
    bool plus;
    bool trunk_zero; /* "(0)", blanks in it or not */
};

/* Length of the punctuation at the start of `rest`, 0 when it is something else. The dashes U+2010 to U+2015
 * come from word processors. */
static size_t punctuation(struct span rest)
{
    static const bool SIGNS[256] = {
        [' '] = true, ['-'] = true, ['.'] = true, ['/'] = true, ['('] = true, [')'] = true};

    if (SIGNS[(unsigned char)rest.ptr[0]])
        return 1;
    if (rest.len >= 3 && memcmp(rest.ptr, "\xE2\x80", 2) == 0 && (unsigned char)rest.ptr[2] >= 0x90 &&
        (unsigned char)rest.ptr[2] <= 0x95)
        return 3;
    return 0;
}

/* "(0)" at the start of `rest`. A zero in brackets with more digits is an area code. */
static bool is_trunk_zero(struct span rest)
{
    static const char FORM[] = "(0)";
    size_t matched = 0;

    for (size_t i = 0; i < rest.len && matched < 3; i++)
        if (rest.ptr[i] == FORM[matched])
            matched++;
        else if (matched == 0 || rest.ptr[i] != ' ')
            return false;
    return matched == 3;
}

static const char *gather(struct span text, struct gathered *out)
{
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i];
        size_t skip = 1;
        if (c >= '0' && c <= '9') {
            if (out->count < GATHERED)
                out->digits[out->count] = c;
            out->count++;
        } else if (c == '+' && out->count == 0 && !out->plus) {
            out->plus = true;
        } else {
            skip = punctuation((struct span){text.ptr + i, text.len - i});
            if (skip == 0)
                return "a character no number has";
            out->trunk_zero = out->trunk_zero || is_trunk_zero((struct span){text.ptr + i, text.len - i});
        }
        i += skip;
    }
    return out->count == 0 ? "no digits" : NULL;
}

const char *phone_normalise(struct span text, struct span calling_code, char *out, size_t *len)
{
    struct gathered all = {.count = 0};
    const char *fault = gather(text, &all), *digits = all.digits;
    bool zeros = all.count > 2 && memcmp(all.digits, "00", 2) == 0 && !all.plus;
    size_t prefix = 0, count = all.count;

    if (fault)
        return fault;
    if (zeros) {
        digits += 2;
        count -= 2;
    } else if (!all.plus) {
        prefix = calling_code.len;
    }
    if (all.trunk_zero)
        return "a (0), which may or may not be dialled";
    if (prefix == 0 && digits[0] == '0')
        return "no calling code in front";
    if (prefix + count < PHONE_LEAST)
        return "fewer than 8 digits";
    if (prefix + count > PHONE_MOST)
        return "more than 15 digits";
    if (prefix > 0)
        memcpy(out, calling_code.ptr, prefix);
    memcpy(out + prefix, digits, count);
    *len = prefix + count;
    return NULL;
}
