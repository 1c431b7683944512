/* fold: text brought into the form in which a reader takes two texts for the same, with the way back.
 *
 * For finding a value in a text that somebody else wrote: compatibility forms, accents and other marks,
 * invisible format characters and letter case make no difference; apostrophes, dashes, blanks and the digits
 * of all scripts become those of ASCII; runs of blanks and controls become one blank. Every folded code point
 * knows where in the source it comes from, so that what is found can be pointed at there. The source is
 * borrowed while the fold is used; the rest is owned. A fold that is all zeros is valid and empty. Pure. */
#ifndef VALUE_FOLD_H
#define VALUE_FOLD_H

#include "kit/buf.h"

struct fold {
    struct span source;
    uint32_t *points;
    size_t *from; /* beside each point: the byte of the source where its character begins */
    size_t count, size;
};

/* Folds `source`, valid UTF-8, in place of what was there. With `escapes`, "%C3%A9" and "\u00e9" in it count
 * as the character they stand for; a percent byte that begins no UTF-8 is taken as Latin-1. */
void fold_set(struct fold *fold, struct span source, bool escapes);
void fold_free(struct fold *fold);

/* The bytes of the source that points `from` to `to` (not included) come from, with the marks and invisible
 * characters that follow them. */
struct span fold_source(const struct fold *fold, size_t from, size_t to);

/* Bytes of these points in UTF-8. */
size_t fold_bytes(const uint32_t *points, size_t count);

bool fold_is_word(uint32_t point); /* a letter, digit or mark */
/* Word characters beside one another make one word, but for ideographs, which are written without blanks. */
bool fold_joins(uint32_t point);

#endif
