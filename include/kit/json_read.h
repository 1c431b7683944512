/* json_read: looks into JSON text where it stands: no tree, no copy, and numbers keep their digits, so that
 * identifiers beyond 2^53 stay what they are.
 *
 * json_parse checks a whole text by RFC 8259 (but not that strings are UTF-8) and nests at most
 * JSON_READ_DEPTH deep; all other functions take values that it, or one of them, has given. A value that is
 * not there has the kind JSON_NONE, and looking into it finds JSON_NONE. Of two members of one name the first
 * counts. Values point into the text. Pure. */
#ifndef KIT_JSON_READ_H
#define KIT_JSON_READ_H

#include "kit/buf.h"

enum { JSON_READ_DEPTH = 64, JSON_MEMBERS = 24 };

enum json_kind {
    JSON_NONE,
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_value {
    enum json_kind kind;
    struct span text; /* as it stands there, a string with its quotes */
};

const char *json_kind_name(enum json_kind kind); /* "nothing", "object", ... */

/* An object that much is asked of: its members, and those of the object in it that was asked last, are walked
 * once. All zeros but for that: nothing is in view. */
struct json_member {
    struct span key; /* as it stands there, without its quotes */
    bool escaped;    /* and with a backslash */
    struct json_value value;
};
struct json_members {
    struct json_value object;
    struct json_member member[JSON_MEMBERS];
    size_t count;
    struct span rest; /* further ones, as of json_each: walked when asked for */
};
struct json_view {
    struct json_members root, inner;
};

/* The text is one value, with blanks around it. -1: it is not. `view` (NULL: not wanted): has it in view
 * then, if it is an object. */
int json_parse(struct span text, struct json_view *view, struct json_value *out) MUST_CHECK;
/* The same of an object that was found. */
void json_view_open(struct json_view *view, struct json_value object);
/* As json_member and json_at of the object in view. */
struct json_value json_view_member(const struct json_view *view, const char *name);
struct json_value json_view_at(struct json_view *view, const char *pointer);

/* The members or elements of a container one by one, from *rest = container.text: 1, or 0 at the end. `key`
 * (NULL: not wanted) is a member's name as it stands there, without its quotes. */
int json_each(struct span *rest, struct span *key, struct json_value *out);

struct json_value json_member(struct json_value object, const char *name);
/* A JSON pointer (RFC 6901): "" is the root itself. */
struct json_value json_at(struct json_value root, const char *pointer);

/* What a string says, its escapes read, appended; half a surrogate pair becomes U+FFFD. */
void json_decode(struct json_value string, struct buf *out);
/* A whole number 1 ... 2^63-1, also as a string of digits: 0 and *out set, or -1. */
int json_to_id(struct json_value value, int64_t *out) MUST_CHECK;

#endif
