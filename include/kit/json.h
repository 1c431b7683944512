/* json: writes JSON into a buf, piece by piece, with the commas, the quotes and the escapes right.
 *
 * The one JSON writer of the program: log lines, request bodies, --json documents. A value that stands inside
 * an object is preceded by json_key(). Text must be UTF-8; bytes that are not are written as U+FFFD, so that
 * the document is always valid. Misuse (an unclosed object, a value without key) is an assert. */
#ifndef KIT_JSON_H
#define KIT_JSON_H

#include "kit/buf.h"

enum { JSON_DEPTH = 16 };

struct json {
    struct buf *out;
    bool pretty;              /* two blanks a level and a line a member, for people */
    unsigned depth;           /* open objects and arrays */
    bool has[JSON_DEPTH + 1]; /* something was written at that depth */
    bool after_key;
};

void json_init(struct json *json, struct buf *out, bool pretty);
void json_object(struct json *json);
void json_array(struct json *json);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_key(struct json *json, const char *key);
void json_span(struct json *json, struct span text);
void json_text(struct json *json, const char *text); /* NULL writes null */
void json_int(struct json *json, int64_t value);     /* never through a double: identifiers exceed 2^53 */
void json_double(struct json *json, double value);   /* three decimals */
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

#endif
