/* phone: a telephone number as E.164 digits: calling code first, no plus.
 *
 * Dropped: blanks, hyphens and dashes, dots, slashes, round brackets, a '+' in front, a leading 00. A number
 * with neither '+' nor 00 gets `calling_code` in front where one is set, else its digits are taken as
 * international. 8 to 15 digits in the end (ITU-T E.164 allows 15), the first not 0: no calling code begins
 * so. A "(0)" is refused: whether it belongs to the number would be a guess. Pure. */
#ifndef VALUE_PHONE_H
#define VALUE_PHONE_H

#include "kit/buf.h"

enum { PHONE_LEAST = 8, PHONE_MOST = 15 };

/* Writes at most PHONE_MOST digits to `out`, which may be text.ptr itself when it has the room. Returns NULL,
 * or what is wrong in a few words. */
const char *phone_normalise(struct span text, struct span calling_code, char *out, size_t *len) MUST_CHECK;

#endif
