/* Growth doubles up to the cap. One byte more than len is kept allocated for the terminator. */
#include "kit/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span span_of(const char *text)
{
    return text ? (struct span){text, strlen(text)} : (struct span){"", 0};
}

bool span_same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_is(struct span span, const char *text)
{
    return span_same(span, span_of(text));
}

bool span_is_nocase(struct span span, const char *text)
{
    return strlen(text) == span.len && (span.len == 0 || strncasecmp(span.ptr, text, span.len) == 0);
}

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum { SURE_DIGITS = 18 }; /* so many fit in 63 bits, whatever they are */

int span_to_id(struct span span, int64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < span.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)span.ptr[i] - (unsigned char)'0';
        if (digit > 9 || (i >= SURE_DIGITS && value > ((uint64_t)INT64_MAX - digit) / 10))
            return -1;
        value = value * 10 + digit;
    }
    if (value == 0)
        return -1;
    *out = (int64_t)value;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span span)
{
    while (span.len > 0 && is_blank(span.ptr[0])) {
        span.ptr++;
        span.len--;
    }
    while (span.len > 0 && is_blank(span.ptr[span.len - 1]))
        span.len--;
    return span;
}

int span_cut(struct span *rest, char separator, struct span *part)
{
    const char *end;

    if (!rest->ptr)
        return 0;
    end = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (!end) {
        *part = *rest;
        *rest = (struct span){NULL, 0};
        return 1;
    }
    *part = (struct span){rest->ptr, (size_t)(end - rest->ptr)};
    rest->len -= part->len + 1;
    rest->ptr = end + 1;
    return 1;
}

static void *must(void *ptr)
{
    if (!ptr) {
        (void)fputs("ctp-enroll: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *mem_array(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *mem_alloc(size_t size)
{
    return mem_array(1, size);
}

void *mem_grow(void *ptr, size_t count, size_t size)
{
    return must(reallocarray(ptr, count ? count : 1, size ? size : 1));
}

char *mem_text(const char *text)
{
    return text ? must(strdup(text)) : NULL;
}

void buf_init(struct buf *buf, size_t cap)
{
    *buf = (struct buf){.cap = cap};
}

void buf_free(struct buf *buf)
{
    free(buf->ptr);
    buf_init(buf, buf->cap);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->full = false;
    if (buf->ptr)
        buf->ptr[0] = '\0';
}

void buf_wipe(struct buf *buf)
{
    if (buf->ptr)
        explicit_bzero(buf->ptr, buf->size);
    buf_reset(buf);
}

static bool grow(struct buf *buf, size_t more)
{
    size_t want;

    if (more > buf->cap || buf->len > buf->cap - more) {
        buf->full = true;
        return false;
    }
    want = buf->len + more + 1;
    if (want > buf->size) {
        size_t size = buf->size ? buf->size : 64;
        while (size < want)
            size *= 2;
        if (size > buf->cap + 1)
            size = buf->cap + 1;
        buf->ptr = mem_grow(buf->ptr, size, 1);
        buf->size = size;
    }
    return true;
}

/* Makes room for `more` bytes and a terminator; false, and marked, when that would pass the cap, which may
 * have been lowered below what is allocated. */
static inline bool make_room(struct buf *buf, size_t more)
{
    if (more < buf->size - buf->len && buf->len + more <= buf->cap)
        return true;
    return grow(buf, more);
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (!make_room(buf, len))
        return;
    if (len > 0)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void buf_add_char(struct buf *buf, char c)
{
    if (!make_room(buf, 1))
        return;
    buf->ptr[buf->len++] = c;
    buf->ptr[buf->len] = '\0';
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[20]; /* those of -2^63, and its sign */
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_add(buf, digits + at, sizeof digits - at);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_span(struct buf *buf, struct span span)
{
    buf_add(buf, span.ptr, span.len);
}

char *buf_extend(struct buf *buf, size_t len)
{
    char *added;

    if (!make_room(buf, len))
        return NULL;
    added = buf->ptr + buf->len;
    buf->len += len;
    buf->ptr[buf->len] = '\0';
    return added;
}

void buf_cut(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->ptr[len] = '\0';
}

/* Formatted a second time only where the room at hand does not do. */
void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    size_t room = buf->size - buf->len; /* 0 before the first byte */
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(room > 0 ? buf->ptr + buf->len : NULL, room, format, args);
    va_end(args);
    if (len >= 0 && make_room(buf, (size_t)len)) {
        if ((size_t)len >= room)
            (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    } else if (room > 0) {
        buf->ptr[buf->len] = '\0'; /* nothing of it stays */
    }
    va_end(again);
}

struct span buf_span(const struct buf *buf)
{
    return (struct span){buf_text(buf), buf->len};
}

const char *buf_text(const struct buf *buf)
{
    return buf->ptr ? buf->ptr : "";
}
