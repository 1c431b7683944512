/* The window is cut into physical lines as its bytes stand; only then is a line decoded, where the file is
 * not UTF-8. So places are exact in every encoding, and a delimiter that is half of another character is
 * never seen as one. UTF-8 is given as it stands in the window, without a copy. */
#include "reader_impl.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

int window_fill(struct reader *reader, struct fail *fail)
{
    ssize_t got;

    if (reader->eof)
        return 0;
    if (reader->at > 0 &&
        (reader->at == reader->filled || reader->size - reader->filled < reader->read_size)) {
        memmove(reader->window, reader->window + reader->at, reader->filled - reader->at);
        reader->base += (int64_t)reader->at;
        reader->filled -= reader->at;
        reader->at = 0;
    }
    if (reader->size - reader->filled < reader->read_size) {
        /* By half at least, because reads may be small. */
        size_t more = reader->filled / 2 > 2 * reader->read_size ? reader->filled / 2 : 2 * reader->read_size;
        reader->size = reader->filled + more;
        reader->window = mem_grow(reader->window, reader->size, 1);
    }
    do
        got = pread(reader->fd, reader->window + reader->filled, reader->read_size,
                    reader->base + (int64_t)reader->filled);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail_set(fail, FAIL_INPUT, "cannot read: %s", strerror(errno));
    reader->eof = got == 0;
    reader->filled += (size_t)got;
    return got > 0;
}

/* First byte of the line's end in [from, to), or `to`. */
static size_t line_end(const struct reader *reader, const char *bytes, size_t from, size_t to)
{
    const char *lf, *cr;
    size_t limit;

    if (reader->charset)
        return charset_line_end(reader->charset, bytes, from, to);
    lf = memchr(bytes + from, '\n', to - from);
    limit = lf ? (size_t)(lf - bytes) : to;
    cr = memchr(bytes + from, '\r', limit - from);
    return cr ? (size_t)(cr - bytes) : limit;
}

/* '\n' or '\r' when that is what stands at `at`. */
static char line_char(const struct reader *reader, const char *bytes, size_t at, size_t to)
{
    if (reader->charset)
        return charset_line_char(reader->charset, bytes, at, to);
    return at < to && (bytes[at] == '\n' || bytes[at] == '\r') ? bytes[at] : '\0';
}

/* The line end at bytes[at], as UTF-8 has it; "" where there is none. */
static const char *line_end_text(const struct reader *reader, const char *bytes, size_t at, size_t to)
{
    switch (line_char(reader, bytes, at, to)) {
    case '\n':
        return "\n";
    case '\r':
        return line_char(reader, bytes, at + reader->unit, to) == '\n' ? "\r\n" : "\r";
    default:
        return "";
    }
}

int window_raw_line(struct reader *reader, size_t from, struct line *line, struct fail *fail)
{
    size_t looked = 0, unit = reader->unit;

    for (;;) {
        size_t start = reader->at + from,
               end = line_end(reader, reader->window, start + looked, reader->filled);
        /* A CR at the end of what is read may have its LF to come. */
        bool certain = end + 2 * unit <= reader->filled ||
                       line_char(reader, reader->window, end, reader->filled) == '\n';
        if (certain || reader->eof) {
            line->text = end - start;
            line->whole =
                line->text + unit * strlen(line_end_text(reader, reader->window, end, reader->filled));
            return line->whole > 0;
        }
        looked = (end - start) / unit * unit;
        if (looked > reader->reach) {
            line->text = line->whole = looked;
            return 1;
        }
        if (window_fill(reader, fail) < 0)
            return -1;
    }
}

/* Appends the text of a line to `decoded`. */
static void decode_line(struct reader *reader, struct span line, const char *end, struct line *out)
{
    size_t begin = reader->decoded.len;

    charset_decode(reader->charset, line, &reader->decoded);
    out->text_len = reader->decoded.len - begin;
    buf_add_text(&reader->decoded, end);
    assert(!reader->decoded.full);
    out->all = (struct span){buf_text(&reader->decoded) + begin, reader->decoded.len - begin};
}

int window_line(struct reader *reader, size_t from, struct line *line, struct fail *fail)
{
    int rc = window_raw_line(reader, from, line, fail);
    const char *bytes = reader->window + reader->at + from;
    size_t text;

    if (rc != 1)
        return rc;
    if (!reader->charset) {
        line->all = (struct span){bytes, line->whole};
        line->text_len = line->text;
        return 1;
    }
    assert(from == reader->decoded_raw && from <= reader->reach);
    text = from + line->text > reader->reach ? reader->reach - from : line->text;
    decode_line(reader, (struct span){bytes, text}, line_end_text(reader, bytes, line->text, line->whole),
                line);
    reader->decoded_raw = from + line->whole;
    return 1;
}

struct span window_text(const struct reader *reader, size_t len)
{
    if (reader->charset)
        return buf_span(&reader->decoded);
    return (struct span){reader->window + reader->at, len};
}

void window_restart(struct reader *reader)
{
    buf_reset(&reader->decoded);
    reader->decoded_raw = 0;
}

void window_consume(struct reader *reader, size_t bytes)
{
    reader->at += bytes;
    window_restart(reader);
}

bool window_at_end(const struct reader *reader, size_t from)
{
    return reader->eof && reader->at + from == reader->filled;
}

struct span window_decode(struct reader *reader, struct span bytes)
{
    struct line line;

    if (!reader->charset)
        return bytes;
    window_restart(reader);
    for (size_t at = 0; at < bytes.len;) {
        size_t end = line_end(reader, bytes.ptr, at, bytes.len);
        const char *ends = line_end_text(reader, bytes.ptr, end, bytes.len);
        decode_line(reader, (struct span){bytes.ptr + at, end - at}, ends, &line);
        at = end + reader->unit * strlen(ends);
    }
    return buf_span(&reader->decoded);
}

size_t window_place(struct reader *reader, struct span bytes, size_t text_len)
{
    struct line line;

    if (!reader->charset)
        return text_len;
    for (size_t at = 0, seen = 0; at < bytes.len;) {
        size_t end = line_end(reader, bytes.ptr, at, bytes.len), place;
        const char *ends = line_end_text(reader, bytes.ptr, end, bytes.len);
        struct span raw = {bytes.ptr + at, end - at};
        window_restart(reader);
        decode_line(reader, raw, ends, &line);
        if (text_len < seen + line.text_len) {
            place = charset_place(reader->charset, raw, text_len - seen, &reader->decoded);
            return place == SIZE_MAX ? SIZE_MAX : at + place;
        }
        seen += line.all.len;
        at = end + reader->unit * strlen(ends);
    }
    return SIZE_MAX;
}
