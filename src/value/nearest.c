/* Optimal string alignment over three rows, after both words are brought to their bare letters. */
#include "value/nearest.h"

#include <string.h>

enum { LONGEST = 64, FAR = LONGEST + 1, MOST_EDITS = 3 };

/* The letters that count, lower-cased; LONGEST + 1 when there are too many. */
static size_t bare(const char *word, char out[LONGEST])
{
    size_t len = 0;

    for (; *word; word++) {
        if (*word == ' ' || *word == '-' || *word == '_')
            continue;
        if (len == LONGEST)
            return FAR;
        out[len++] = *word >= 'A' && *word <= 'Z' ? (char)(*word + ('a' - 'A')) : *word;
    }
    return len;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = before;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

const char *nearest(const char *word, const char *const *words, size_t count)
{
    char wanted[LONGEST], other[LONGEST];
    size_t wanted_len = bare(word, wanted), best = MOST_EDITS + 1;
    const char *found = NULL;

    if (wanted_len > LONGEST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = bare(words[i], other), longer = len > wanted_len ? len : wanted_len, edits;
        if (len > LONGEST)
            continue;
        edits = distance(wanted, wanted_len, other, len);
        if (edits < best && edits <= longer / 3) {
            best = edits;
            found = words[i];
        }
    }
    return found;
}
