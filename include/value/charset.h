/* charset: text in another encoding than UTF-8, read and written by iconv, whose only user this is.
 *
 * What iconv itself does with line ends decides how such a file is cut into lines: in units of 1, 2 or 4
 * bytes, at the bytes that stand for LF and CR (in EBCDIC also for NEL, which decodes as LF). An encoding
 * without line ends, quotes or commas of one unit each is refused. Every line is decoded on its own from the
 * initial state, so that a record can be read again by its place; a line of a shifting encoding (ISO-2022-JP,
 * UTF-7) that does not end in that state is marked as undecodable at its end, because what follows could be
 * misread. Whatever does not decode becomes the byte CHARSET_BAD, which no UTF-8 holds: it makes its cell
 * `bad_utf8`, nothing is dropped. Suffixes such as //IGNORE are no part of a name. glibc's iconv. */
#ifndef VALUE_CHARSET_H
#define VALUE_CHARSET_H

#include "kit/buf.h"

enum {
    CHARSET_NAME_MAX = 39,
    CHARSET_MARK_MAX = 8,
    CHARSET_GROWTH = 12, /* a byte decodes to less than this many (TSCII makes nine of one) */
    CHARSET_BAD = 0xFF
};

struct charset;

/* Spellings of UTF-8, for which there is nothing to convert; NULL and "" are UTF-8 too. */
bool charset_is_utf8(const char *name);

/* FAIL_INPUT: iconv does not know the name, or the encoding cannot be read line by line. */
int charset_open(struct charset **out, const char *name, struct fail *fail) MUST_CHECK;
void charset_close(struct charset *charset);

/* Looks at a file's first bytes (CHARSET_MARK_MAX, or all there are): *mark is the length of the byte order
 * mark to be skipped. UTF-16 and UTF-32 become their LE or BE form by it. FAIL_INPUT: that mark is missing,
 * or it is the mark of another encoding. To be called once, before anything that follows here. NULL: UTF-8.
 */
int charset_begin(struct charset *charset, struct span start, size_t *mark, struct fail *fail) MUST_CHECK;

/* Whether a file that was read by the encoding `used` (charset_name after charset_begin) is read alike by the
 * name `set`: the same, one that left the order of bytes to the mark, or iconv's other name of an encoding of
 * one byte a character. Other names of encodings of several bytes are not known. */
bool charset_same(const char *set, const char *used);

const char *charset_name(const struct charset *charset); /* upper case; UTF-16LE once that is known */
size_t charset_unit(const struct charset *charset);
/* Whether an ASCII character can be written, and is read as itself. */
bool charset_has(struct charset *charset, char c);

/* Offset of the first line end in [from, to), whole units from `from`, or `to`. */
size_t charset_line_end(const struct charset *charset, const char *bytes, size_t from, size_t to);
/* What the unit at `at` is: '\n', '\r', or 0 where it is no line end or not whole. */
char charset_line_char(const struct charset *charset, const char *bytes, size_t at, size_t to);

/* Appends a line, without its end, as UTF-8; a line end that comes out of the middle of it is CHARSET_BAD. */
void charset_decode(struct charset *charset, struct span line, struct buf *out);
/* The bytes of `line` that are, on their own, the first `text_len` bytes of its text; SIZE_MAX where that is
 * inside a character, or cannot be told. `scratch` is overwritten. */
size_t charset_place(struct charset *charset, struct span line, size_t text_len, struct buf *scratch);
/* Appends UTF-8 in the encoding; a character that it cannot hold becomes '?'. */
void charset_encode(struct charset *charset, struct span text, struct buf *out);

#endif
