/* ini: pulls the lines of a configuration file one at a time: "[section]", "key = value".
 *
 * Comments (# or ;) stand on lines of their own; there are no continuation lines, no escapes, and quotes are
 * part of the value. A byte order mark, CRLF and blanks around names and values are dropped; the first '='
 * ends the key. A line of another form is FAIL_USAGE; the text names no file: the caller puts "FILE:LINE" in
 * front. Spans are borrowed from the text. Pure. */
#ifndef VALUE_INI_H
#define VALUE_INI_H

#include "kit/buf.h"

struct ini {
    struct span rest;
    struct span section;
    int line; /* of the entry taken last, or of the fault; the first is 1 */
};

struct ini_entry {
    struct span section, key, value;
};

void ini_init(struct ini *ini, struct span text);

/* Takes the next "key = value": 1, 0 at the end, -1 on a fault. */
int ini_next(struct ini *ini, struct ini_entry *out, struct fail *fail) MUST_CHECK;

#endif
