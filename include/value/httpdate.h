/* httpdate: the date of an HTTP header, IMF-fixdate (RFC 9110 section 5.6.7), as Date and Retry-After carry
 * it. The two obsolete forms are not read. Pure. */
#ifndef VALUE_HTTPDATE_H
#define VALUE_HTTPDATE_H

#include "kit/buf.h"

/* Whole milliseconds since 1970, or -1. The name of the day is not compared with the date: a server that gets
 * it wrong still means the date. */
int64_t httpdate_read(struct span value) MUST_CHECK;

#endif
