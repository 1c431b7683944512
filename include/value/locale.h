/* locale: ISO 639-1 language, ISO 3166-1 alpha-2 country, joined as "en_US".
 *
 * '-' or '_' and letters of any case are taken. Pure. */
#ifndef VALUE_LOCALE_H
#define VALUE_LOCALE_H

#include "kit/buf.h"

enum { LOCALE_LEN = 5 };

enum locale_fault { LOCALE_OK, LOCALE_FORM, LOCALE_LANGUAGE, LOCALE_COUNTRY };

/* Writes LOCALE_LEN bytes to `out`, which may be text.ptr itself. */
enum locale_fault locale_normalise(struct span text, char *out) MUST_CHECK;

#endif
