/* buf: a growable run of bytes with a mandatory cap, and struct span, a borrowed run of bytes.
 *
 * Spans carry lengths and may hold NUL bytes. A buf never grows past its cap: the append that would do so
 * changes nothing and the buf remembers it (buf_full), so that a writer can append many pieces and ask once.
 * Out of memory ends the process: the ledger makes any end safe. */
#ifndef KIT_BUF_H
#define KIT_BUF_H

#include "kit/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *ptr;
    size_t len;
};

struct buf {
    char *ptr; /* owned; NUL-terminated beyond len whenever ptr is set */
    size_t len;
    size_t size; /* bytes allocated */
    size_t cap;  /* len never exceeds it */
    bool full;   /* an append was refused since the last reset */
};

#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

struct span span_of(const char *text); /* NULL becomes the empty span */
bool span_is(struct span span, const char *text);
bool span_same(struct span a, struct span b);
/* Without regard to ASCII case. */
bool span_is_nocase(struct span span, const char *text);
/* Decimal digits only, 1 ... 2^63-1, leading zeros allowed; 0 and *out set, or -1 and *out untouched. */
int span_to_id(struct span span, int64_t *out) MUST_CHECK;
/* A hexadecimal digit's value; -1: it is none. */
int hex_value(char c);
/* Drops leading and trailing bytes of " \t\r\n". */
struct span span_trim(struct span span);
/* Cuts the part before the first `separator` off *rest and returns it. Returns 1, or 0 when *rest was used up
 * (rest->ptr is NULL then); an empty text yields one empty part. */
int span_cut(struct span *rest, char separator, struct span *part);

/* A buf that is all zeros but for cap is a valid, empty buf. */
void buf_init(struct buf *buf, size_t cap);
void buf_free(struct buf *buf); /* accepts a zeroed buf; leaves an empty one */
void buf_reset(struct buf *buf);
void buf_wipe(struct buf *buf); /* overwrites what it held, then resets: for secrets */
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_char(struct buf *buf, char c);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_int(struct buf *buf, int64_t value);
void buf_add_span(struct buf *buf, struct span span);
/* Appends `len` bytes that the caller writes before anything else is done with the buf; NULL: not possible.
 */
char *buf_extend(struct buf *buf, size_t len) MUST_CHECK;
void buf_cut(struct buf *buf, size_t len); /* drops what is beyond the first `len` bytes */
void buf_addf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
struct span buf_span(const struct buf *buf);
/* The bytes as a C string, also when nothing was ever added. */
const char *buf_text(const struct buf *buf);

/* malloc and friends that end the process when memory is out. */
void *mem_alloc(size_t size);                         /* zeroed */
void *mem_array(size_t count, size_t size);           /* zeroed; the product is checked */
void *mem_grow(void *ptr, size_t count, size_t size); /* the product is checked */
char *mem_text(const char *text);                     /* a copy; NULL stays NULL */

#endif
