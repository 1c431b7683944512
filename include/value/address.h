/* address: which characters a billing address and a postal code may hold.
 *
 * Forbidden by Visa for Click to Pay (docs/input-rules.md): [ ] { } : & $ ^ ! = ; * # ` < > " U+201D and @.
 * Unusual, worth a warning: all but letters, digits, marks, blank and . ' , - / ( ) _. Pure. */
#ifndef VALUE_ADDRESS_H
#define VALUE_ADDRESS_H

#include "kit/buf.h"

/* The first forbidden character of the clean text, as a short static text; NULL when there is none. */
const char *address_forbidden(struct span text);
bool address_unusual(struct span text); /* also true of every text with a forbidden character */

/* What is wrong with a postal code of a country (alpha-3, NULL: not known), in a few words: anything but
 * letters and digits with single blanks or hyphens between them, or a leading zero that was lost. */
const char *address_postal_fault(struct span code, const char *country);

#endif
