/* pan: numbers that look like a payment card's (13 to 19 digits that pass the Luhn check).
 *
 * Such a number must not be in this program's files at all, so it is recognised also when it is written in
 * groups (blanks, hyphens) or behind leading zeros. Pure. */
#ifndef VALUE_PAN_H
#define VALUE_PAN_H

#include "kit/buf.h"

bool pan_like(struct span text);

#endif
