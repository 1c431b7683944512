/* Alpha-2 is found by a direct index, alpha-3 within its first letter's range, subdivisions by halving their
 * country's range; numeric codes, rare in files, by a walk. */
#include "value/country.h"

#include "iso_tables.h"

#include <string.h>

enum { COUNTRIES = sizeof ISO_COUNTRIES / sizeof ISO_COUNTRIES[0] };

/* What people write though ISO 3166-1 has another code. */
static const struct {
    const char *written, *alpha3;
} MISTAKEN[] = {{"UK", "GBR"},  {"ENG", "GBR"}, {"SCO", "GBR"}, {"WAL", "GBR"}, {"EL", "GRC"},
                {"GER", "DEU"}, {"SUI", "CHE"}, {"NED", "NLD"}, {"HOL", "NLD"}, {"DEN", "DNK"},
                {"POR", "PRT"}, {"SPA", "ESP"}, {"CRO", "HRV"}, {"SLO", "SVN"}, {"RSA", "ZAF"},
                {"UAE", "ARE"}, {"KSA", "SAU"}, {"ROM", "ROU"}, {"GRE", "GRC"}, {"BUL", "BGR"},
                {"LAT", "LVA"}, {"PHI", "PHL"}, {"PAR", "PRY"}, {"URU", "URY"}, {"TP", "TLS"},
                {"ZR", "COD"},  {"BU", "MMR"}};

/* -1 when it is no letter. */
static int letter_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

static const struct iso_country *by_alpha2(const char *code)
{
    int first = letter_of(code[0]), second = letter_of(code[1]);
    unsigned at = first < 0 || second < 0 ? 0 : ISO_ALPHA2[first][second];

    return at == 0 ? NULL : &ISO_COUNTRIES[at - 1];
}

static const struct iso_country *by_alpha3(const char *code)
{
    int first = letter_of(code[0]), second = letter_of(code[1]), third = letter_of(code[2]);

    if (first < 0 || second < 0 || third < 0)
        return NULL;
    for (size_t i = ISO_ALPHA3_FROM[first]; i < ISO_ALPHA3_FROM[first + 1]; i++)
        if (ISO_COUNTRIES[i].alpha3[1] - 'A' == second && ISO_COUNTRIES[i].alpha3[2] - 'A' == third)
            return &ISO_COUNTRIES[i];
    return NULL;
}

static const struct iso_country *by_numeric(const char code[3])
{
    for (size_t i = 0; i < COUNTRIES; i++)
        if (memcmp(ISO_COUNTRIES[i].numeric, code, 3) == 0)
            return &ISO_COUNTRIES[i];
    return NULL;
}

static const struct iso_country *by_code(struct span code)
{
    if (code.len == 2)
        return by_alpha2(code.ptr);
    if (code.len != 3)
        return NULL;
    return code.ptr[0] >= '0' && code.ptr[0] <= '9' ? by_numeric(code.ptr) : by_alpha3(code.ptr);
}

const char *country_alpha3(struct span code)
{
    const struct iso_country *country = by_code(code);

    return country ? country->alpha3 : NULL;
}

const char *country_alpha2(const char *alpha3)
{
    const struct iso_country *country = by_code(span_of(alpha3));

    return country ? country->alpha2 : NULL;
}

const char *country_name(const char *alpha3)
{
    static const char *const WITH_ARTICLE[][2] = {{"GBR", "the United Kingdom"},
                                                  {"USA", "the United States"},
                                                  {"NLD", "the Netherlands"},
                                                  {"ARE", "the United Arab Emirates"},
                                                  {"PHL", "the Philippines"}};
    const struct iso_country *country = by_code(span_of(alpha3));

    for (size_t i = 0; i < sizeof WITH_ARTICLE / sizeof WITH_ARTICLE[0]; i++)
        if (country && strcmp(country->alpha3, WITH_ARTICLE[i][0]) == 0)
            return WITH_ARTICLE[i][1];
    return country ? country->name : NULL;
}

/* A numeric code without its leading zeros. */
static const char *meant_by_number(struct span text)
{
    char padded[] = "000";
    const struct iso_country *country;

    if (text.len == 0 || text.len > 2)
        return NULL;
    memcpy(padded + 3 - text.len, text.ptr, text.len);
    country = by_numeric(padded);
    return country ? country->alpha3 : NULL;
}

const char *country_meant(struct span text)
{
    for (size_t i = 0; i < sizeof MISTAKEN / sizeof MISTAKEN[0]; i++)
        if (span_is_nocase(text, MISTAKEN[i].written))
            return MISTAKEN[i].alpha3;
    for (size_t i = 0; i < COUNTRIES; i++) {
        const char *with_article = country_name(ISO_COUNTRIES[i].alpha3);
        if (span_is_nocase(text, ISO_COUNTRIES[i].name) || span_is_nocase(text, with_article))
            return ISO_COUNTRIES[i].alpha3;
    }
    return meant_by_number(text);
}

static bool has_part(const struct iso_country *country, const char *part)
{
    size_t from = country->from, to = country->to;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = memcmp(ISO_PARTS[middle], part, STATE_MOST + 1); /* both padded with NULs */
        if (order == 0)
            return true;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

/* A part of digits whose leading zeros a spreadsheet dropped. */
static bool lacks_zero(const struct iso_country *country, const char *part)
{
    size_t len = strlen(part);

    if (len >= STATE_MOST || part[strspn(part, "0123456789")] != '\0')
        return false;
    for (size_t zeros = 1; len + zeros <= STATE_MOST; zeros++) {
        char longer[STATE_MOST + 1] = "";
        memset(longer, '0', zeros);
        memcpy(longer + zeros, part, len);
        if (has_part(country, longer))
            return true;
    }
    return false;
}

/* Upper-cases; false when it is not 1 ... STATE_MOST letters and digits. */
static bool copy_part(struct span part, char out[STATE_MOST + 1])
{
    if (part.len == 0 || part.len > STATE_MOST)
        return false;
    memset(out, 0, STATE_MOST + 1);
    for (size_t i = 0; i < part.len; i++) {
        int letter = letter_of(part.ptr[i]);
        if (letter < 0 && (part.ptr[i] < '0' || part.ptr[i] > '9'))
            return false;
        out[i] = letter < 0 ? part.ptr[i] : (char)('A' + letter);
    }
    return true;
}

const char *country_state(struct span state, const char *country, char out[STATE_MOST + 1])
{
    const struct iso_country *known = country ? by_code(span_of(country)) : NULL, *named = NULL;
    struct span part = state;

    if (state.len > 3 && state.ptr[2] == '-') {
        named = by_alpha2(state.ptr);
        if (!named)
            return "its first two letters are no country";
        if (known && named != known)
            return "it names another country";
        known = named;
        part = (struct span){state.ptr + 3, state.len - 3};
    }
    if (!copy_part(part, out))
        return "not one to three letters and digits";
    if (!known || has_part(known, out))
        return NULL;
    if (known->from == known->to)
        return "the country has no subdivisions";
    return lacks_zero(known, out) ? "a leading zero is missing" : "no such subdivision";
}
