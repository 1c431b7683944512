#include "value/locale.h"

#include "iso_tables.h"

static int letter_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

enum locale_fault locale_normalise(struct span text, char *out)
{
    int letters[4];

    if (text.len != LOCALE_LEN || (text.ptr[2] != '_' && text.ptr[2] != '-'))
        return LOCALE_FORM;
    for (int i = 0; i < 4; i++) {
        letters[i] = letter_of(text.ptr[i < 2 ? i : i + 1]);
        if (letters[i] < 0)
            return LOCALE_FORM;
    }
    if (!(ISO_LANGUAGES[letters[0]] >> letters[1] & 1))
        return LOCALE_LANGUAGE;
    if (ISO_ALPHA2[letters[2]][letters[3]] == 0)
        return LOCALE_COUNTRY;
    out[0] = (char)('a' + letters[0]);
    out[1] = (char)('a' + letters[1]);
    out[2] = '_';
    out[3] = (char)('A' + letters[2]);
    out[4] = (char)('A' + letters[3]);
    return LOCALE_OK;
}
