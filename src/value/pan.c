/* The Luhn sum is taken from the right, so leading zeros add nothing to it. */
#include "value/pan.h"

enum { PAN_LEAST = 13, PAN_MOST = 19 };

bool pan_like(struct span text)
{
    unsigned sum = 0;
    size_t digits = 0, significant = 0;

    if (text.len < PAN_LEAST)
        return false;
    for (size_t i = text.len; i-- > 0;) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (text.ptr[i] == ' ' || text.ptr[i] == '-')
            continue;
        if (digit > 9)
            return false;
        if (digit != 0)
            significant = digits + 1;
        if (digits % 2 == 1)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
        digits++;
    }
    return significant >= PAN_LEAST && significant <= PAN_MOST && sum % 10 == 0;
}
