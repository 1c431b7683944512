/* email: an address as mail really uses it (RFC 5321 and 5322 without what no mailbox has: quoted local
 * parts, comments, address literals, domains without a dot).
 *
 * Local part: letters, digits and !#$%&'*+/=?^_`{|}~- in ASCII, dots only between them, at most 64, no
 * apostrophe in front. Domain:
 * two or more labels of letters, digits and inner hyphens, 1-63 each, at most 253, the last not all digits;
 * an internationalised one must be valid IDNA 2008 and is kept in Unicode. The domain is lower-cased, the
 * local part is not: servers may tell its cases apart. Pure. */
#ifndef VALUE_EMAIL_H
#define VALUE_EMAIL_H

#include "kit/buf.h"

/* Normalises the clean text in place; *len may change, up to `room`. Returns NULL, or what is wrong in a few
 * words that repeat nothing of the address. */
const char *email_normalise(char *text, size_t *len, size_t room) MUST_CHECK;

#endif
