/* An amount is digits and a unit; the unit is looked up in a small table. Fractions exist for rates and
 * shares only, to three decimals, so that the sums stay exact. */
#include "value/quantity.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Splits the leading digits off. -1 when there is none or the number does not fit. */
static int take_digits(struct span *rest, int64_t *out)
{
    int64_t value = 0;
    size_t n = 0;

    for (; n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9'; n++) {
        int digit = rest->ptr[n] - '0';
        if (value > (INT64_MAX - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    if (n == 0)
        return -1;
    rest->ptr += n;
    rest->len -= n;
    *out = value;
    return 0;
}

static int with_unit(struct span text, const struct unit *units, size_t count, int64_t *out)
{
    int64_t value;

    if (take_digits(&text, &value) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!span_is(text, units[i].name))
            continue;
        if (value > INT64_MAX / units[i].factor)
            return -1;
        *out = value * units[i].factor;
        return 0;
    }
    return -1;
}

int quantity_count(struct span text, int64_t *out)
{
    static const struct unit units[] = {{"", 1}};

    return with_unit(text, units, 1, out);
}

int quantity_duration(struct span text, int64_t *out_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}};

    return with_unit(text, units, sizeof units / sizeof *units, out_ms);
}

int quantity_size(struct span text, int64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"K", 1024}, {"M", 1024 * 1024}};

    return with_unit(text, units, sizeof units / sizeof *units, out_bytes);
}

/* Digits with up to three decimals, in thousandths. */
static int take_thousandths(struct span *rest, int64_t *out)
{
    int64_t whole, part = 0;

    if (take_digits(rest, &whole) != 0 || whole > INT64_MAX / 1000 - 1)
        return -1;
    if (rest->len > 0 && rest->ptr[0] == '.') {
        struct span decimals = {rest->ptr + 1, rest->len - 1};
        size_t before = decimals.len, n;
        if (take_digits(&decimals, &part) != 0)
            return -1;
        n = before - decimals.len;
        if (n > 3)
            return -1;
        for (; n < 3; n++)
            part *= 10;
        *rest = decimals;
    }
    *out = whole * 1000 + part;
    return 0;
}

int quantity_rate(struct span text, double *out_per_second)
{
    static const struct unit units[] = {{"", 1}, {"/s", 1}, {"/m", 60}, {"/h", 3600}};
    int64_t thousandths;

    if (take_thousandths(&text, &thousandths) != 0)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!span_is(text, units[i].name))
            continue;
        *out_per_second = (double)thousandths / 1000.0 / (double)units[i].factor;
        return 0;
    }
    return -1;
}

int quantity_limit(struct span text, struct quantity_limit *out)
{
    struct span rest = text;
    int64_t thousandths, count;

    if (quantity_count(text, &count) == 0) {
        *out = (struct quantity_limit){.count = count};
        return 0;
    }
    if (take_thousandths(&rest, &thousandths) != 0 || !span_is(rest, "%") || thousandths > 100 * 1000)
        return -1;
    *out = (struct quantity_limit){.is_share = true, .percent = (double)thousandths / 1000.0};
    return 0;
}
