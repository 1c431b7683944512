/* json_split: cuts a stream of bytes into the JSON objects in it, in constant memory.
 *
 * Bytes go in block by block, objects come out: of JSON lines, of objects one behind another, of arrays
 * around them (commas, brackets, blanks, byte order marks and record separators between objects say nothing).
 * An object is told by its structure; whether it is good JSON its reader finds out. What is no object is
 * reported as junk with its place, and never costs what follows: a broken object ends at the first fault of
 * its structure, and reading resumes on the line behind the one on which it began. One that is longer than
 * the limit is stepped over. Pure. */
#ifndef KIT_JSON_SPLIT_H
#define KIT_JSON_SPLIT_H

#include "kit/buf.h"

enum { JSON_SPLIT_BLOCK = 1 << 18 }; /* most bytes that go in at once */

enum json_split_result {
    JSON_SPLIT_MORE,   /* feed it, or say that it was all */
    JSON_SPLIT_OBJECT, /* the piece's text is an object */
    JSON_SPLIT_JUNK,   /* the piece says where and why */
    JSON_SPLIT_END
};

enum json_junk {
    JSON_JUNK_FOREIGN, /* bytes that belong to no object */
    JSON_JUNK_BROKEN,  /* begins as an object and goes on as none */
    JSON_JUNK_LONG,    /* an object longer than the limit */
    JSON_JUNK_CUT      /* the stream ends inside an object or an array */
};

struct json_piece {
    int64_t offset, length; /* in the stream */
    struct span text;       /* of an object; borrowed until the next call */
    enum json_junk junk;
};

struct json_split {
    struct buf window; /* what was fed and is still needed */
    size_t limit;
    int64_t base;     /* offset of the window in the stream */
    size_t at, start; /* scanned up to here; the object at hand begins there */
    int64_t junk_at;
    enum json_junk junk;
    int mode, previous;
    int64_t arrays;   /* begun around the objects and not closed */
    bool bracket;     /* the last of them just now, and nothing stood in it yet */
    unsigned depth;   /* of the object at hand, itself included */
    uint64_t objects; /* a bit a level, the innermost lowest: 1 an object, 0 an array */
    bool in_string, escaped, ended;
    bool cut;
};

void json_split_init(struct json_split *split, size_t limit); /* longest object in bytes */
void json_split_free(struct json_split *split);

/* At most JSON_SPLIT_BLOCK bytes, copied; only when json_split_next asked for more. */
void json_split_feed(struct json_split *split, struct span bytes);
void json_split_finish(struct json_split *split); /* nothing more will come */

enum json_split_result json_split_next(struct json_split *split, struct json_piece *out);

/* Behind JSON_SPLIT_END: whether the stream ended inside an object or an array. Then more was to come, even
 * where the lines of what was begun were looked at again and told as something else. */
bool json_split_cut(const struct json_split *split);

#endif
