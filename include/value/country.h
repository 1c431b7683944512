/* country: ISO 3166-1 countries and ISO 3166-2 subdivisions, from Debian's iso-codes at build time.
 *
 * Countries are taken as alpha-2, alpha-3 or three-digit numeric code, letters of any case, and given as
 * alpha-3. A numeric code that lost its leading zero is refused, not guessed. Texts returned are static.
 * Pure. */
#ifndef VALUE_COUNTRY_H
#define VALUE_COUNTRY_H

#include "kit/buf.h"

enum { ALPHA3_LEN = 3, STATE_MOST = 3 };

const char *country_alpha3(struct span code); /* NULL: no country's code */
const char *country_alpha2(const char *alpha3);
/* English; "the United Kingdom" where English wants the article. */
const char *country_name(const char *alpha3);

/* The alpha-3 code that a person likely meant: "UK", "GER", "76", "Brazil"; NULL when nothing is likely. For
 * messages only. */
const char *country_meant(struct span text);

/* Brings a state to its ISO 3166-2 part: "BR-RJ", "br-rj", "rj" -> "RJ". `country` is an alpha-3 code, or
 * NULL when it is not known: then only the form is checked, and the country that the state itself names.
 * Returns NULL, or what is wrong in a few words. */
const char *country_state(struct span state, const char *country, char out[STATE_MOST + 1]) MUST_CHECK;

#endif
