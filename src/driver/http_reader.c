/* A reply of HTTP/1.x (RFC 9112), read in whatever pieces it comes. What can be taken in two ways breaks the
 * reply: lengths that contradict each other, codings that were not asked for, either of them with a blank in
 * its name. Nothing is undone, so a status that was read stands even if the reply broke behind it: the caller
 * knows what a 202 is worth.
 *
 * Chunks, headers and trailers are lines, which may end with a bare LF; one line is held at a time, and only
 * when it comes in pieces. */
#include "http_impl.h"

#include <ctype.h>
#include <string.h>

static const char VERSION[] = "HTTP/";

enum {
    CHUNK_LINE = 32
}; /* a size with more behind it counts as a header, or a small body could come without end */

static int broken(struct http_slot *slot, const char *why)
{
    slot->trouble = why;
    return -1;
}

void http_reader_begin(struct http_slot *slot)
{
    slot->reader.at = HTTP_READ_STATUS;
    buf_reset(&slot->reader.line);
}

bool http_reader_end(const struct http_slot *slot)
{
    return slot->reader.at == HTTP_READ_TO_END || slot->reader.at == HTTP_READ_WHOLE;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- lines ---- */

/* 1 and *line, without its end, borrowed until more is read; 0: its end has not come; -1: too long. */
static int take_line(struct http_slot *slot, struct span *bytes, struct span *line)
{
    struct buf *held = &slot->reader.line;
    struct span part;
    bool ended = memchr(bytes->ptr, '\n', bytes->len) != NULL;

    (void)span_cut(bytes, '\n', &part);
    if (!ended || held->len > 0) {
        buf_add_span(held, part);
        if (held->full)
            return broken(slot, "a line of the reply is too long");
        part = buf_span(held);
    }
    if (part.len > 0 && part.ptr[part.len - 1] == '\r' && ended)
        part.len--;
    *line = part;
    return ended ? 1 : 0;
}

/* ---- heads ---- */

/* "HTTP/1.1 202 Accepted": three digits, then nothing or a blank and words. */
static int read_status(struct http_slot *slot, struct span line)
{
    struct span version, code;
    int status = 0;

    (void)span_cut(&line, ' ', &version);
    if (!line.ptr || version.len < sizeof VERSION)
        return broken(slot, "the reply has no status line of HTTP");
    line = span_trim(line); /* one blank is right, and more may be taken for it (RFC 9112, 4) */
    (void)span_cut(&line, ' ', &code);
    for (size_t i = 0; i < code.len && code.len == 3 && isdigit((unsigned char)code.ptr[i]); i++)
        status = status * 10 + (code.ptr[i] - '0');
    if (status < 100)
        return broken(slot, "the status of the reply is none");
    http_slot_begin_head(slot, status);
    if (version.len != sizeof VERSION + 2 || memcmp(version.ptr + sizeof VERSION - 1, "1.", 2) != 0 ||
        !isdigit((unsigned char)version.ptr[version.len - 1]))
        return broken(slot, "the reply is of another version of HTTP");
    slot->reader.old = version.ptr[version.len - 1] == '0';
    slot->reader.lasting = !slot->reader.old;
    slot->reader.closing = slot->reader.chunked = slot->reader.counted = false;
    slot->reader.header = HTTP_HEADER_OTHER;
    slot->reader.length = 0;
    slot->reader.at = HTTP_READ_HEADERS;
    return 0;
}

static int read_one_length(struct http_slot *slot, struct span value)
{
    int64_t length = 0;
    bool zero = value.len > 0;

    for (size_t i = 0; i < value.len; i++)
        zero = zero && value.ptr[i] == '0';
    if (!zero && span_to_id(value, &length) < 0)
        return broken(slot, "the Content-Length of the reply is no number");
    if (slot->reader.counted && slot->reader.length != length)
        return broken(slot, "the reply has two lengths");
    slot->reader.counted = true;
    slot->reader.length = length;
    return 0;
}

/* Some proxies make a list of a repeated one: no harm while it says one thing (RFC 9112, 6.3). */
static int read_length(struct http_slot *slot, struct span value)
{
    struct span one;
    int rc = 0;

    while (rc == 0 && span_cut(&value, ',', &one))
        rc = read_one_length(slot, span_trim(one));
    return rc;
}

/* Of "chunked" twice, which servers behind servers do say, one is meant; no reply shall follow that one. */
static int read_coding(struct http_slot *slot, struct span value)
{
    struct http_reader *reader = &slot->reader;
    struct span one;

    while (span_cut(&value, ',', &one)) {
        one = span_trim(one);
        if (span_is_nocase(one, "identity"))
            continue;
        if (!span_is_nocase(one, "chunked"))
            return broken(slot, "the Transfer-Encoding of the reply was not asked for");
        reader->closing = reader->closing || reader->chunked;
        reader->chunked = true;
    }
    return 0;
}

static void read_connection(struct http_reader *reader, struct span value)
{
    struct span token;

    while (span_cut(&value, ',', &token)) {
        if (span_is_nocase(span_trim(token), "close"))
            reader->closing = true;
        else if (span_is_nocase(span_trim(token), "keep-alive"))
            reader->lasting = true;
    }
}

static enum http_header header_of(struct span name)
{
    if (name.len == 0 || !memchr("CTct", name.ptr[0], 4))
        return HTTP_HEADER_OTHER;
    if (span_is_nocase(name, "content-length"))
        return HTTP_HEADER_LENGTH;
    if (span_is_nocase(name, "transfer-encoding"))
        return HTTP_HEADER_CODING;
    return span_is_nocase(name, "connection") ? HTTP_HEADER_CONNECTION : HTTP_HEADER_OTHER;
}

/* A line that begins with a blank goes on with the header before it (RFC 9112, 5.2). Where that one says how
 * long the reply is, it can be taken in two ways; of those that are kept, the first line is; no matter for
 * the others. */
static int read_fold(struct http_slot *slot)
{
    struct http_reader *reader = &slot->reader;

    if (reader->header == HTTP_HEADER_LENGTH || reader->header == HTTP_HEADER_CODING)
        return broken(slot, "a header of the reply is folded");
    if (reader->header == HTTP_HEADER_CONNECTION)
        reader->closing = true; /* it may say so */
    return 0;
}

static int read_header(struct http_slot *slot, struct span line)
{
    struct http_reader *reader = &slot->reader;
    struct span value = line, name;
    int rc = 0;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return read_fold(slot);
    (void)span_cut(&value, ':', &name);
    if (!value.ptr)
        return broken(slot, "a header of the reply is none");
    reader->header = header_of(span_trim(name));
    if (reader->header != HTTP_HEADER_OTHER && span_trim(name).len != name.len)
        return broken(slot, "a header of the reply has blanks in its name");
    if (reader->header == HTTP_HEADER_LENGTH)
        rc = read_length(slot, span_trim(value));
    else if (reader->header == HTTP_HEADER_CODING)
        rc = read_coding(slot, span_trim(value));
    else if (reader->header == HTTP_HEADER_CONNECTION)
        read_connection(reader, value);
    return rc < 0 ? -1 : http_slot_header(slot, line);
}

/* A reply whose length is told in two ways, or in one that its version or its status rules out: it is read
 * as RFC 9112 (6.3) says, but who knows where the next one begins? */
static bool is_doubtful(const struct http_reader *reader, bool bodiless)
{
    if (bodiless)
        return reader->chunked || reader->length > 0;
    return reader->chunked && (reader->counted || reader->old);
}

/* The blank line has come: what follows? (RFC 9112, 6.3) */
static int end_head(struct http_slot *slot)
{
    struct http_reader *reader = &slot->reader;
    int status = slot->reply.status;
    bool bodiless = status == 204 || status == 304;

    slot->in_head = false;
    slot->head_ended = true;
    if (status == 101)
        return broken(slot, "an upgrade that was not asked for");
    if (status < 200)
        reader->at = HTTP_READ_STATUS;
    else if (bodiless)
        reader->at = HTTP_READ_WHOLE;
    else if (reader->chunked)
        reader->at = HTTP_READ_CHUNK_SIZE;
    else if (!reader->counted)
        reader->at = HTTP_READ_TO_END;
    else
        reader->at = reader->length > 0 ? HTTP_READ_COUNTED : HTTP_READ_WHOLE;
    if (reader->at == HTTP_READ_TO_END || is_doubtful(reader, bodiless))
        reader->closing = true;
    reader->left = reader->length;
    return 0;
}

static int read_head(struct http_slot *slot, struct span *bytes)
{
    size_t before = bytes->len;
    struct span line;
    int got = take_line(slot, bytes, &line), rc;

    if (got < 0 || http_slot_count_head(slot, before - bytes->len) < 0)
        return -1;
    if (slot->reader.at == HTTP_READ_STATUS &&
        memcmp(line.ptr, VERSION, least(line.len, sizeof VERSION - 1)) != 0)
        return broken(slot, "the reply has no status line of HTTP");
    if (got == 0)
        return 0;
    if (slot->reader.at == HTTP_READ_STATUS)
        rc = read_status(slot, line);
    else
        rc = line.len > 0 ? read_header(slot, line) : end_head(slot);
    buf_reset(&slot->reader.line);
    return rc;
}

/* ---- bodies ---- */

static int read_chunk_size(struct http_slot *slot, struct span line)
{
    int64_t size = 0;
    size_t i = 0;

    for (; i < line.len && hex_value(line.ptr[i]) >= 0 && size < INT64_MAX >> 5; i++)
        size = size * 16 + hex_value(line.ptr[i]);
    if (i == 0 || (i < line.len && !memchr("; \t", line.ptr[i], 3)))
        return broken(slot, "a chunk of the reply has no size");
    if (line.len > CHUNK_LINE && http_slot_count_head(slot, line.len) < 0)
        return -1;
    slot->reader.left = size;
    slot->reader.at = size > 0 ? HTTP_READ_CHUNK : HTTP_READ_TRAILER;
    return 0;
}

static int read_chunk_line(struct http_slot *slot, struct span *bytes)
{
    struct http_reader *reader = &slot->reader;
    size_t before = bytes->len;
    struct span line;
    int got = take_line(slot, bytes, &line), rc = 0;

    if (got >= 0 && reader->at == HTTP_READ_TRAILER && http_slot_count_head(slot, before - bytes->len) < 0)
        return -1;
    if (got <= 0)
        return got;
    if (reader->at == HTTP_READ_CHUNK_SIZE) {
        rc = read_chunk_size(slot, line);
    } else if (reader->at == HTTP_READ_TRAILER) {
        if (line.len == 0)
            reader->at = HTTP_READ_WHOLE;
    } else if (line.len > 0) {
        rc = broken(slot, "a chunk of the reply is longer than it says");
    } else {
        reader->at = HTTP_READ_CHUNK_SIZE;
    }
    buf_reset(&reader->line);
    return rc;
}

static int read_body(struct http_slot *slot, struct span *bytes)
{
    struct http_reader *reader = &slot->reader;
    size_t len = bytes->len;

    if (reader->at != HTTP_READ_TO_END && (uint64_t)reader->left < len)
        len = (size_t)reader->left;
    if (http_slot_body(slot, bytes->ptr, len) < 0)
        return -1;
    bytes->ptr += len;
    bytes->len -= len;
    if (reader->at == HTTP_READ_TO_END)
        return 0;
    reader->left -= (int64_t)len;
    if (reader->left == 0)
        reader->at = reader->at == HTTP_READ_CHUNK ? HTTP_READ_CHUNK_END : HTTP_READ_WHOLE;
    return 0;
}

int http_reader_feed(struct http_slot *slot, struct span *bytes)
{
    int rc = 0;

    while (rc == 0 && bytes->len > 0 && slot->reader.at != HTTP_READ_WHOLE) {
        switch (slot->reader.at) {
        case HTTP_READ_STATUS:
        case HTTP_READ_HEADERS:
            rc = read_head(slot, bytes);
            break;
        case HTTP_READ_COUNTED:
        case HTTP_READ_TO_END:
        case HTTP_READ_CHUNK:
            rc = read_body(slot, bytes);
            break;
        default:
            rc = read_chunk_line(slot, bytes);
        }
    }
    if (rc < 0)
        return -1;
    return slot->reader.at == HTTP_READ_WHOLE ? 1 : 0;
}
