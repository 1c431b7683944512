/* What the readers of JSON share: stepping over it byte by byte. Private to src/kit/json_*.c. */
#ifndef KIT_JSON_IMPL_H
#define KIT_JSON_IMPL_H

#include "kit/json_read.h"

/* How many bytes at the front mean nothing but themselves inside a string: no quote, no backslash, no control
 * character. */
size_t json_plain(const char *from, const char *end);

struct json_cursor {
    const char *at, *end;
    struct json_members *list; /* of the outermost object; NULL: not wanted */
};

void json_skip_blanks(struct json_cursor *cursor);
bool json_skip_string(struct json_cursor *cursor);
/* Leading blanks too; nested at most `depth` deep, JSON_READ_DEPTH from outside. JSON_NONE: no value stands
 * there. */
enum json_kind json_skip_value(struct json_cursor *cursor, int depth);

#endif
