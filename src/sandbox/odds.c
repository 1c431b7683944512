#include "odds.h"

int odds_percent(struct span text, uint32_t *chance, struct fail *fail)
{
    uint32_t value = 0, unit = RNG_MILLION / 100; /* of the digit at hand */
    bool point = false, digit = false;

    for (size_t i = 0; i + 1 < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (point)
            unit /= 10;
        if (c < '0' || c > '9' || unit == 0)
            return fail_set(fail, FAIL_USAGE, "\"%.*s\" is no percentage", (int)text.len, text.ptr);
        value = point ? value + unit * (uint32_t)(c - '0') : value * 10 + unit * (uint32_t)(c - '0');
        digit = true;
        if (value > RNG_MILLION)
            return fail_set(fail, FAIL_USAGE, "%.*s is more than 100%%", (int)text.len, text.ptr);
    }
    if (!digit || text.ptr[text.len - 1] != '%')
        return fail_set(fail, FAIL_USAGE, "\"%.*s\" is no percentage such as 2%% or 0.5%%", (int)text.len,
                        text.ptr);
    *chance = value;
    return 0;
}

static int find(struct span name, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (span_is(name, names[i]))
            return i;
    return -1;
}

static int unknown(struct span name, const char *const *names, struct fail *fail)
{
    struct buf list = {.cap = 512};

    for (int i = 0; names[i]; i++)
        buf_addf(&list, "%s%s", i ? " " : "", names[i]);
    (void)fail_set(fail, FAIL_USAGE, "unknown name \"%.*s\"; known are: %s", (int)name.len, name.ptr,
                   buf_text(&list));
    buf_free(&list);
    return -1;
}

int odds_parse(struct span text, const char *const *names, uint32_t *chances, struct fail *fail)
{
    struct span rest = text, entry, name;

    while (span_cut(&rest, ',', &entry) == 1) {
        struct span value = span_trim(entry);
        int index;
        (void)span_cut(&value, '=', &name);
        index = find(name, names);
        if (index < 0)
            return unknown(name, names, fail);
        if (!value.ptr)
            chances[index] = RNG_MILLION;
        else if (odds_percent(value, &chances[index], fail) != 0)
            return -1;
    }
    return 0;
}

bool odds_hit(uint32_t chance, struct rng *rng)
{
    return rng_below(rng, RNG_MILLION) < chance;
}

int odds_draw(const uint32_t *chances, int count, struct rng *rng)
{
    uint64_t thrown = rng_below(rng, RNG_MILLION);

    for (int i = 0; i < count; i++) {
        if (thrown < chances[i])
            return i;
        thrown -= chances[i];
    }
    return -1;
}
