#include "b64url.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void b64url_add(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    char four[4];

    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)from[i] << 16;
        if (have > 1)
            group |= (uint32_t)from[i + 1] << 8;
        if (have > 2)
            group |= from[i + 2];
        for (int k = 0; k < 4; k++)
            four[k] = letters[group >> (18 - 6 * k) & 63];
        buf_add(out, four, have + 1);
    }
}

int b64url_decode(struct span text, struct buf *out)
{
    uint32_t bits = 0;
    int count = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *found = text.ptr[i] ? strchr(letters, text.ptr[i]) : NULL;
        if (!found)
            return -1;
        bits = (bits << 6 | (uint32_t)(found - letters)) & 0xFFFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_add_char(out, (char)(bits >> count & 0xFF));
        }
    }
    return text.len % 4 == 1 || out->full ? -1 : 0;
}
