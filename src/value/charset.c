/* Everything about an encoding is learnt from iconv when it is opened: its unit is what a second LF adds to a
 * first; what comes before the first is what the encoder writes in front of any text (a byte order mark, or
 * the header of ISO-2022-KR). That no byte takes a line end behind it into its character cannot be learnt so;
 * it was tried, byte by byte, and is true of every encoding of glibc 2.36.
 *
 * glibc's decoders hold a character back until they know whether the next one combines with it (CP1258,
 * TCVN, TSCII) and keep shift states; so each line is followed by "\n0", which must come out as just that:
 * it flushes the one and shows the other. */
#include "value/charset.h"

#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, SMALL = 64, UNIT_MAX = 4, SHIFT_MAX = 8 };

#define CLOSED ((iconv_t)-1)
#define PROBE "\n0"

struct charset {
    iconv_t from, to;
    char name[CHARSET_NAME_MAX + 1];
    size_t unit, prefix;
    char lf[UNIT_MAX], cr[UNIT_MAX], nel[UNIT_MAX];
    bool has_nel, by_mark; /* by_mark: the mark decides between LE and BE, which are not known yet */
    char probe[2 * UNIT_MAX];
};

static const struct {
    const char *name, *mark;
    size_t len;
} MARKS[] = {{"UTF-8", "\xEF\xBB\xBF", 3},
             {"UTF-32LE", "\xFF\xFE\0\0", 4},
             {"UTF-32BE", "\0\0\xFE\xFF", 4},
             {"UTF-16LE", "\xFF\xFE", 2},
             {"UTF-16BE", "\xFE\xFF", 2}};

bool charset_is_utf8(const char *name)
{
    char letters[5] = "";
    size_t n = 0;

    for (; name && *name; name++)
        if (*name != '-' && *name != '_') {
            if (n == sizeof letters - 1)
                return false;
            letters[n++] = *name;
        }
    return n == 0 || span_is_nocase(span_of(letters), "utf8");
}

static bool begins(struct span text, const char *with, size_t len)
{
    return text.len >= len && memcmp(text.ptr, with, len) == 0;
}

/* The Unicode encoding whose byte order mark stands in front of `start`, or NULL. */
static const char *encoding_of_mark(struct span start)
{
    for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++)
        if (begins(start, MARKS[i].mark, MARKS[i].len))
            return MARKS[i].name;
    return NULL;
}

/* Text that fits a small buffer, from the initial state and back to it; SIZE_MAX when it cannot be
 * converted. */
static size_t convert(iconv_t way, struct span text, char *out, size_t size)
{
    char in[SMALL], *at = in, *end = out;
    size_t left = text.len, room = size;

    assert(text.len <= sizeof in);
    memcpy(in, text.ptr, text.len); /* iconv takes no const */
    (void)iconv(way, NULL, NULL, NULL, NULL);
    if (iconv(way, &at, &left, &end, &room) != (size_t)-1 && iconv(way, NULL, NULL, &end, &room) == 0)
        return size - room;
    (void)iconv(way, NULL, NULL, NULL, NULL);
    return SIZE_MAX;
}

/* One character as a unit without what the encoder writes in front; false when it takes another length. */
static bool unit_of(const struct charset *charset, const char *character, char out[UNIT_MAX])
{
    char bytes[SMALL];
    size_t len = convert(charset->to, span_of(character), bytes, sizeof bytes);

    if (len != charset->prefix + charset->unit)
        return false;
    memcpy(out, bytes + charset->prefix, charset->unit);
    return true;
}

static bool measure(struct charset *charset)
{
    static const char needed[] = "\"?,_ctp_codefieldmessage0123456789";
    char one[SMALL], two[SMALL], three[SMALL];
    size_t a = convert(charset->to, SPAN("\n"), one, sizeof one);
    size_t b = convert(charset->to, SPAN("\n\n"), two, sizeof two);

    if (a == SIZE_MAX || b == SIZE_MAX || b <= a || b - a > a)
        return false;
    charset->unit = b - a;
    charset->prefix = a - charset->unit;
    if (charset->unit != 1 && charset->unit != 2 && charset->unit != 4)
        return false;
    charset->by_mark = charset->unit > 1 && charset->prefix > 0;
    if (!unit_of(charset, "\n", charset->lf) || !unit_of(charset, "\r", charset->cr) ||
        memcmp(two + a, charset->lf, charset->unit) != 0)
        return false;
    a = convert(charset->to, SPAN(PROBE), three, sizeof three);
    if (a != charset->prefix + 2 * charset->unit)
        return false;
    memcpy(charset->probe, three + charset->prefix, 2 * charset->unit);
    /* EBCDIC: mainframes end their lines with NEL. */
    charset->has_nel =
        charset->unit == 1 && charset->lf[0] != '\n' && unit_of(charset, "\xC2\x85", charset->nel);
    for (const char *c = needed; *c; c++)
        if (!charset_has(charset, *c))
            return false;
    return true;
}

static void close_ways(struct charset *charset)
{
    if (charset->from != CLOSED)
        (void)iconv_close(charset->from); /* fails only for what is not open */
    if (charset->to != CLOSED)
        (void)iconv_close(charset->to);
    charset->from = charset->to = CLOSED;
}

/* The name is one of iconv's alone: a suffix would tell it to drop or to replace what does not decode. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= CHARSET_NAME_MAX && strcspn(name, "/, \t") == len;
}

static int set_encoding(struct charset *charset, const char *name, struct fail *fail)
{
    close_ways(charset);
    if (is_name(name)) {
        charset->from = iconv_open("UTF-8", name);
        charset->to = iconv_open(name, "UTF-8");
    }
    if (charset->from == CLOSED || charset->to == CLOSED)
        return fail_set(
            fail, FAIL_INPUT,
            "input.encoding: unknown encoding '%.60s'; give a name that iconv knows (iconv -l lists "
            "them), such as WINDOWS-1252, ISO-8859-15, UTF-16 or SHIFT_JIS, without a suffix",
            name);
    memset(charset->name, 0, sizeof charset->name);
    for (size_t i = 0; name[i]; i++)
        charset->name[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - ('a' - 'A')) : name[i];
    if (measure(charset))
        return 0;
    return fail_set(
        fail, FAIL_INPUT,
        "input.encoding: %s cannot be used: it lacks line ends, quotes, commas, digits or small letters of "
        "its own; convert the file to UTF-8 (iconv -f %s -t UTF-8)",
        charset->name, charset->name);
}

int charset_open(struct charset **out, const char *name, struct fail *fail)
{
    struct charset *charset = mem_alloc(sizeof *charset);

    charset->from = charset->to = CLOSED;
    if (set_encoding(charset, name, fail) != 0) {
        charset_close(charset);
        return -1;
    }
    *out = charset;
    return 0;
}

void charset_close(struct charset *charset)
{
    if (!charset)
        return;
    close_ways(charset);
    free(charset);
}

static int wrong_mark(const struct charset *charset, const char *other, struct fail *fail)
{
    return fail_set(
        fail, FAIL_INPUT,
        "begins with the byte order mark of %s, but input.encoding is %s; set input.encoding = %s", other,
        charset ? charset->name : "UTF-8", other);
}

/* UTF-16 and UTF-32, whichever name iconv has for them. Without a mark the order of bytes would be a guess.
 */
static int begin_by_mark(struct charset *charset, struct span start, struct fail *fail)
{
    bool wide = charset->unit == 4;
    bool little = start.len == 0 || begins(start, wide ? "\xFF\xFE\0\0" : "\xFF\xFE", charset->unit);
    bool big = begins(start, wide ? "\0\0\xFE\xFF" : "\xFE\xFF", charset->unit);

    if (!little && !big && encoding_of_mark(start))
        return wrong_mark(charset, encoding_of_mark(start), fail);
    if (!little && !big)
        return fail_set(
            fail, FAIL_INPUT,
            "no byte order mark, which tells the order of bytes in %s; set input.encoding = UTF-%sLE "
            "or UTF-%sBE",
            charset->name, wide ? "32" : "16", wide ? "32" : "16");
    if (wide)
        return set_encoding(charset, little ? "UTF-32LE" : "UTF-32BE", fail);
    return set_encoding(charset, little ? "UTF-16LE" : "UTF-16BE", fail);
}

int charset_begin(struct charset *charset, struct span start, size_t *mark, struct fail *fail)
{
    char own[SMALL] = "\xEF\xBB\xBF";
    size_t len = 3, prefix = 0;

    if (charset && charset->by_mark && begin_by_mark(charset, start, fail) != 0)
        return -1;
    if (charset) {
        prefix = charset->prefix;
        len = convert(charset->to, SPAN("\xEF\xBB\xBF"), own, sizeof own);
    }
    if (len == SIZE_MAX || len <= prefix || !begins(start, own + prefix, len - prefix)) {
        if (encoding_of_mark(start))
            return wrong_mark(charset, encoding_of_mark(start), fail);
        len = prefix;
    }
    *mark = len - prefix;
    return 0;
}

/* Length of the text that a byte stands for by itself, 0: none; SIZE_MAX: that depends on other bytes. */
static size_t decode_byte(const struct charset *charset, char byte, char out[SMALL])
{
    char *at = &byte, *end = out;
    size_t left = 1, room = SMALL;

    (void)iconv(charset->from, NULL, NULL, NULL, NULL);
    if (iconv(charset->from, &at, &left, &end, &room) == (size_t)-1)
        return errno == EILSEQ ? 0 : SIZE_MAX;
    return room < SMALL ? SMALL - room : SIZE_MAX; /* held back for the next byte, or a shift */
}

/* Whether two encodings of one byte a character are one under two names. */
static bool same_bytes(const struct charset *one, const struct charset *other)
{
    char text[SMALL], other_text[SMALL];

    for (int byte = 0; byte < 256; byte++) {
        size_t len = decode_byte(one, (char)byte, text);
        if (len == SIZE_MAX || decode_byte(other, (char)byte, other_text) != len ||
            memcmp(text, other_text, len) != 0)
            return false;
    }
    return true;
}

static bool decodes_as(const struct charset *charset, const char *used)
{
    struct charset *other;
    struct fail ignored;
    bool same;

    if (charset_open(&other, used, &ignored) != 0)
        return false;
    same = same_bytes(charset, other);
    charset_close(other);
    return same;
}

bool charset_same(const char *set, const char *used)
{
    struct charset *charset;
    struct fail ignored;
    bool same;

    if (charset_is_utf8(set) || charset_is_utf8(used))
        return charset_is_utf8(set) && charset_is_utf8(used);
    if (charset_open(&charset, set, &ignored) != 0)
        return false;
    same = strcmp(charset->name, used) == 0 ||
           (charset->by_mark && strncmp(used, charset->unit == 2 ? "UTF-16" : "UTF-32", 6) == 0) ||
           decodes_as(charset, used);
    charset_close(charset);
    return same;
}

const char *charset_name(const struct charset *charset)
{
    return charset->name;
}

size_t charset_unit(const struct charset *charset)
{
    return charset->unit;
}

bool charset_has(struct charset *charset, char c)
{
    char bytes[SMALL], back[SMALL];
    size_t len = convert(charset->to, (struct span){&c, 1}, bytes, sizeof bytes);

    return len != SIZE_MAX &&
           convert(charset->from, (struct span){bytes + charset->prefix, len - charset->prefix}, back,
                   sizeof back) == 1 &&
           back[0] == c;
}

char charset_line_char(const struct charset *charset, const char *bytes, size_t at, size_t to)
{
    if (to - at < charset->unit)
        return 0;
    if (memcmp(bytes + at, charset->cr, charset->unit) == 0)
        return '\r';
    if (memcmp(bytes + at, charset->lf, charset->unit) == 0 ||
        (charset->has_nel && bytes[at] == charset->nel[0]))
        return '\n';
    return 0;
}

/* First of one byte in [from, to), or `to`. */
static size_t first_byte(const char *bytes, char byte, size_t from, size_t to)
{
    const char *found = from < to ? memchr(bytes + from, byte, to - from) : NULL;

    return found ? (size_t)(found - bytes) : to;
}

size_t charset_line_end(const struct charset *charset, const char *bytes, size_t from, size_t to)
{
    size_t end;

    if (charset->unit == 1) {
        end = first_byte(bytes, charset->lf[0], from, to);
        end = first_byte(bytes, charset->cr[0], from, end);
        return charset->has_nel ? first_byte(bytes, charset->nel[0], from, end) : end;
    }
    for (end = from; to - end >= charset->unit; end += charset->unit)
        if (charset_line_char(charset, bytes, end, to))
            return end;
    return to;
}

/* Decodes on, until the bytes are used up or `most` bytes of text were appended. What does not decode
 * advances by a unit. Returns how many bytes were used. */
static size_t decode(struct charset *charset, struct span bytes, size_t most, struct buf *out)
{
    char block[BLOCK];
    char *at;
    size_t left = bytes.len, limit = out->len + most;

    memcpy(&at, &bytes.ptr, sizeof at); /* iconv takes no const, but writes nothing there */
    while (left > 0 && out->len < limit) {
        size_t want = limit - out->len < BLOCK ? limit - out->len : BLOCK, room = want, before = left;
        char *end = block;
        size_t rc = iconv(charset->from, &at, &left, &end, &room);
        int error = rc == (size_t)-1 ? errno : 0;
        buf_add(out, block, want - room);
        if (error == E2BIG && (before != left || room < want))
            continue;
        if (error == 0 || error == E2BIG)
            break;
        if (out->len < limit) {
            size_t skip = error == EINVAL || left < charset->unit ? left : charset->unit;
            buf_add_char(out, (char)CHARSET_BAD);
            at += skip;
            left -= skip;
        }
    }
    return bytes.len - left;
}

static void cut(struct buf *buf, size_t len)
{
    buf->len = len;
    buf->ptr[len] = '\0';
}

void charset_decode(struct charset *charset, struct span line, struct buf *out)
{
    size_t begin = out->len, end;
    bool odd; /* not back in the initial state */

    (void)iconv(charset->from, NULL, NULL, NULL, NULL);
    (void)decode(charset, line, SIZE_MAX - out->len, out);
    end = out->len;
    (void)decode(charset, (struct span){charset->probe, 2 * charset->unit}, SIZE_MAX - out->len, out);
    odd = out->len < end + 2 || memcmp(out->ptr + out->len - 2, PROBE, 2) != 0;
    end = odd ? end : out->len - 2;
    if (out->len > end)
        cut(out, end); /* what came out of the probe */
    if (odd)
        buf_add_char(out, (char)CHARSET_BAD);
    for (size_t i = begin; i < out->len; i++)
        if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
            out->ptr[i] = (char)CHARSET_BAD;
    assert(!out->full);
}

size_t charset_place(struct charset *charset, struct span line, size_t text_len, struct buf *scratch)
{
    size_t used, found = SIZE_MAX;

    buf_reset(scratch);
    (void)iconv(charset->from, NULL, NULL, NULL, NULL);
    used = decode(charset, line, text_len, scratch);
    if (scratch->len != text_len)
        return SIZE_MAX;
    /* Bytes that make no text belong to what is before them: they shift back to the initial state. */
    for (size_t end = used; end <= line.len && end <= used + SHIFT_MAX; end += charset->unit) {
        charset_decode(charset, (struct span){line.ptr, end}, scratch);
        if (scratch->len == 2 * text_len && memcmp(scratch->ptr, scratch->ptr + text_len, text_len) == 0)
            found = end;
        if (scratch->len > text_len)
            cut(scratch, text_len);
    }
    return found;
}

/* The bytes of the character at the front of valid UTF-8. */
static size_t character_len(struct span text)
{
    size_t len = 1;

    while (len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len++;
    return len;
}

static void encode_on(struct charset *charset, struct span text, struct buf *out)
{
    char block[BLOCK];
    char *at;

    memcpy(&at, &text.ptr, sizeof at); /* iconv takes no const, but writes nothing there */
    for (;;) {
        char *end = block;
        size_t room = sizeof block, skip;
        /* Without text: back to the initial state. */
        size_t rc = iconv(charset->to, text.len > 0 ? &at : NULL, &text.len, &end, &room);
        int error = rc == (size_t)-1 ? errno : 0;
        buf_add(out, block, sizeof block - room);
        if (error == 0)
            return;
        if (error == E2BIG)
            continue;
        skip = character_len((struct span){at, text.len});
        at += skip;
        text.len -= skip;
        encode_on(charset, SPAN("?"), out);
        if (text.len == 0)
            return;
    }
}

void charset_encode(struct charset *charset, struct span text, struct buf *out)
{
    size_t begin = out->len, len;

    (void)iconv(charset->to, NULL, NULL, NULL, NULL);
    if (text.len > 0)
        encode_on(charset, text, out);
    encode_on(charset, SPAN(""), out);
    len = out->len - begin;
    if (charset->prefix > 0 && len >= charset->prefix) {
        memmove(out->ptr + begin, out->ptr + begin + charset->prefix, len - charset->prefix);
        cut(out, out->len - charset->prefix);
    }
    assert(!out->full);
}
