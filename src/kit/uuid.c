#include "kit/uuid.h"

#include <assert.h>
#include <string.h>

static const uint64_t ROW_MASK = (UINT64_C(1) << 62) - 1; /* what the variant bits leave of the second half */

static uint64_t load(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The fixed first half: the seed with the version's four bits set. */
static uint64_t first_half(const struct uuid_seed *seed)
{
    return (load(seed->bytes) & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
}

/* The lowest digits of `value`, and what stands behind them. */
static void put_group(char *out, uint64_t value, int digits, char behind)
{
    out[digits] = behind;
    for (; digits > 0; value >>= 4)
        out[--digits] = "0123456789abcdef"[value & 15];
}

char *uuid_format(const struct uuid_seed *seed, int64_t row, char out[UUID_TEXT_SIZE])
{
    uint64_t first = first_half(seed), second;

    assert(row >= 0 && row < INT64_C(1) << 61);
    second = UINT64_C(1) << 63 | (((uint64_t)row ^ load(seed->bytes + 8)) & ROW_MASK);
    put_group(out, first >> 32, 8, '-');
    put_group(out + 9, first >> 16, 4, '-');
    put_group(out + 14, first, 4, '-');
    put_group(out + 19, second >> 48, 4, '-');
    put_group(out + 24, second, 12, '\0');
    return out;
}

int uuid_parse(const struct uuid_seed *seed, struct span text, int64_t *row)
{
    uint64_t half[2] = {0, 0}, found;
    int n = 0;

    if (text.len != UUID_TEXT_SIZE - 1)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        int digit;
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                return -1;
            continue;
        }
        digit = hex_value(text.ptr[i]);
        if (digit < 0)
            return -1;
        half[n / 16] = half[n / 16] << 4 | (uint64_t)digit;
        n++;
    }
    if (half[0] != first_half(seed) || half[1] >> 62 != 2)
        return -1;
    found = (half[1] ^ load(seed->bytes + 8)) & ROW_MASK;
    if (found >= UINT64_C(1) << 61)
        return -1;
    *row = (int64_t)found;
    return 0;
}
