/* http: the reader of replies, by itself. Each reply of the table is fed whole, byte by byte, and in two
 * pieces cut at every place; what comes of it must always be the same. Every piece is a block of its own, so
 * that reading past its end is noticed. */
#include "driver/http.h"
#include "../src/driver/http_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CAP = 100, LINE_MOST = 65536 }; /* the latter as promised: all heads of a reply, or one line */

enum outcome {
    WHOLE,
    TO_END, /* more may come, and the end of the stream makes it whole */
    HALF,   /* more must come */
    BROKEN
};

struct reading {
    enum outcome outcome;
    int status;
    const char *body;        /* NULL: any */
    const char *retry_after; /* NULL: none; so is the next */
    const char *date;
    bool kept;     /* another request may follow */
    size_t behind; /* bytes that are not of this reply */
};

struct reply_case {
    const char *what;
    struct span text;
    struct reading want;
};

static struct http http = {.reply_cap = BODY_CAP};
static struct http_slot *slot;

/* ---- feeding ---- */

static void begin(void)
{
    static const struct http_request request = {.url = "http://127.0.0.1:1/", .body = {"{}", 2}};
    struct fail fail;

    assert_int_equal(http_slot_fill(slot, &request, &fail), 0);
    http_reader_begin(slot);
}

/* What is behind the reply's end is counted in *behind. */
static int feed(struct span piece, size_t *behind)
{
    char *block = malloc(piece.len + 1); /* one more, for none may be had of 0 */
    struct span bytes = {block + 1, piece.len};
    int rc;

    assert_non_null(block);
    if (piece.len > 0)
        memcpy(block + 1, piece.ptr, piece.len);
    rc = http_reader_feed(slot, &bytes);
    *behind += bytes.len;
    free(block);
    return rc;
}

static void feed_pieces(struct span text, size_t first, size_t others, struct reading *out)
{
    size_t at = 0, len = first;
    int rc = 0;

    begin();
    *out = (struct reading){.outcome = HALF};
    while (rc == 0 && at < text.len) {
        len = len < text.len - at ? len : text.len - at;
        rc = feed((struct span){text.ptr + at, len}, &out->behind);
        at += len;
        len = others;
    }
    out->behind += rc == 0 ? 0 : text.len - at;
    if (rc == 0)
        out->outcome = http_reader_end(slot) ? TO_END : HALF;
    else
        out->outcome = rc < 0 ? BROKEN : WHOLE;
    out->status = slot->reply.status;
    out->body = buf_text(&slot->answer);
    out->retry_after = buf_text(&slot->retry_after);
    out->date = buf_text(&slot->date);
    out->kept = slot->reader.lasting && !slot->reader.closing;
}

static bool same_text(const char *got, const char *want)
{
    return strcmp(got, want ? want : "") == 0;
}

static bool as_wanted(const struct reading *got, const struct reading *want)
{
    bool same = got->outcome == want->outcome && got->status == want->status &&
                (got->outcome == BROKEN) == (slot->trouble != NULL);

    same = same && (!want->body || same_text(got->body, want->body));
    same = same && same_text(got->retry_after, want->retry_after);
    same = same && same_text(got->date, want->date);
    if (want->outcome == WHOLE || want->outcome == TO_END)
        same = same && got->kept == want->kept && slot->head_ended && !slot->in_head;
    return same && (want->outcome != WHOLE || got->behind == want->behind);
}

static void check(const struct reply_case *c, size_t first, size_t others)
{
    struct reading got;

    feed_pieces(c->text, first, others, &got);
    if (!as_wanted(&got, &c->want))
        fail_msg("%s, cut at %zu and then each %zu: outcome %d, status %d, body '%s', captures '%s' '%s', "
                 "kept %d, %zu behind; %s",
                 c->what, first, others, (int)got.outcome, got.status, got.body, got.retry_after, got.date,
                 (int)got.kept, got.behind, slot->trouble ? slot->trouble : "no trouble");
}

static void check_all(const struct reply_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&cases[i], cases[i].text.len, 1);
        check(&cases[i], 1, 1);
        check(&cases[i], 2, 3);
        for (size_t cut = 0; cut < cases[i].text.len; cut++)
            check(&cases[i], cut, cases[i].text.len);
    }
}

/* ---- replies ---- */

/* SPAN is none for tables. */
#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define HEAD(status) "HTTP/1.1 " status "\r\n"
#define LENGTH(n) "Content-Length: " n "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define CHUNKED_HEAD HEAD("202 Accepted") CHUNKED "\r\n"
#define OK_2 HEAD("202 Accepted") LENGTH("2") "\r\nok"

#define KEPT(status_, body_)                                             \
    {                                                                    \
        .outcome = WHOLE, .status = status_, .body = body_, .kept = true \
    }
#define CLOSED(status_, body_)                             \
    {                                                      \
        .outcome = WHOLE, .status = status_, .body = body_ \
    }
#define ENDLESS(status_, body_)                             \
    {                                                       \
        .outcome = TO_END, .status = status_, .body = body_ \
    }
#define MORE(status_, body_)                              \
    {                                                     \
        .outcome = HALF, .status = status_, .body = body_ \
    }
#define BROKE(status_, body_)                               \
    {                                                       \
        .outcome = BROKEN, .status = status_, .body = body_ \
    }

static const struct reply_case status_lines[] = {
    {"nothing", TEXT(""), MORE(0, "")},
    {"half a name", TEXT("HTT"), MORE(0, "")},
    {"half a status", TEXT("HTTP/1.1 20"), MORE(0, "")},
    {"no line end yet", TEXT("HTTP/1.1 202 Accepted\r"), MORE(0, "")},
    {"a status line", TEXT(HEAD("202 Accepted")), MORE(202, "")},
    {"no words", TEXT("HTTP/1.1 202 \r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"no blank before no words", TEXT("HTTP/1.1 202\r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"words of any bytes", TEXT("HTTP/1.1 202 \xff\t\x01 x\r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"a version to come", TEXT("HTTP/1.9 202 Accepted\r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"the highest status", TEXT(HEAD("999 Odd") LENGTH("0") "\r\n"), KEPT(999, "")},
    {"another protocol", TEXT("SSH-2.0-OpenSSH\r\n"), BROKE(0, "")},
    {"another protocol, no line end", TEXT("SSH-2.0-OpenSSH"), BROKE(0, "")},
    {"a line end too soon", TEXT("HTT\r"), BROKE(0, "")},
    {"a page", TEXT("<html>busy</html>\n"), BROKE(0, "")},
    {"small letters", TEXT("http/1.1 202 Accepted\r\n"), BROKE(0, "")},
    {"a blank line first", TEXT("\r\n" OK_2), BROKE(0, "")},
    {"a blank first", TEXT(" " OK_2), BROKE(0, "")},
    {"only a version", TEXT("HTTP/1.1\r\n"), BROKE(0, "")},
    {"no version", TEXT("HTTP/ 202 Accepted\r\n"), BROKE(0, "")},
    {"a name that goes on", TEXT("HTTP/1.1x 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/2", TEXT("HTTP/2 202 \r\n"), BROKE(202, "")},
    {"HTTP/2.0", TEXT("HTTP/2.0 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/0.9", TEXT("HTTP/0.9 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/11.1", TEXT("HTTP/11.1 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/1.10", TEXT("HTTP/1.10 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/1.", TEXT("HTTP/1. 202 Accepted\r\n"), BROKE(202, "")},
    {"HTTP/1.x", TEXT("HTTP/1.x 202 Accepted\r\n"), BROKE(202, "")},
    {"two digits", TEXT("HTTP/1.1 20 Few\r\n"), BROKE(0, "")},
    {"four digits", TEXT("HTTP/1.1 2020 Many\r\n"), BROKE(0, "")},
    {"below 100", TEXT("HTTP/1.1 099 Low\r\n"), BROKE(0, "")},
    {"a sign", TEXT("HTTP/1.1 +20 Odd\r\n"), BROKE(0, "")},
    {"a letter", TEXT("HTTP/1.1 2x2 Odd\r\n"), BROKE(0, "")},
    {"two blanks", TEXT("HTTP/1.1  202  Accepted\r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"a tab", TEXT("HTTP/1.1\t202 Accepted\r\n"), BROKE(0, "")},
    {"NUL in the status", TEXT("HTTP/1.1 20\0 Accepted\r\n"), BROKE(0, "")},
};

static const struct reply_case heads[] = {
    {"half a header", TEXT(HEAD("202 Accepted") "Content-Len"), MORE(202, "")},
    {"no blank line", TEXT(HEAD("202 Accepted") LENGTH("0")), MORE(202, "")},
    {"half a blank line", TEXT(HEAD("202 Accepted") LENGTH("0") "\r"), MORE(202, "")},
    {"bare line feeds", TEXT("HTTP/1.1 202 Accepted\nContent-Length: 2\n\nok"), KEPT(202, "ok")},
    {"a head and no header", TEXT(HEAD("202 Accepted") "\r\n"), ENDLESS(202, "")},
    {"names in any case", TEXT(HEAD("202 Accepted") "cOnTeNt-LeNgTh:2\r\n\r\nok"), KEPT(202, "ok")},
    {"blanks around a value", TEXT(HEAD("202 Accepted") "Content-Length: \t 2 \t \r\n\r\nok"),
     KEPT(202, "ok")},
    {"a value without anything", TEXT(HEAD("202 Accepted") "X-None:\r\n" LENGTH("0") "\r\n"), KEPT(202, "")},
    {"names that only begin so",
     TEXT(HEAD("202 Accepted") "Content-Length-X: 9\r\nConnection-X: close\r\nDate-X: x\r\n" LENGTH(
         "0") "\r\n"),
     KEPT(202, "")},
    {"no colon",
     TEXT(HEAD("202 Accepted") "Date: x\r\nno colon here\r\n\r\n"),
     {.outcome = BROKEN, .status = 202, .date = "x"}},
    {"no name", TEXT(HEAD("202 Accepted") ": x\r\n" LENGTH("2") "\r\nok"), KEPT(202, "ok")},
    {"a blank before the colon of a length", TEXT(HEAD("202 Accepted") "Content-Length : 2\r\n\r\nok"),
     BROKE(202, "")},
    {"a blank before the colon of a coding", TEXT(HEAD("202 Accepted") "Transfer-Encoding : chunked\r\n\r\n"),
     BROKE(202, "")},
    {"a carriage return before a length", TEXT(HEAD("202 Accepted") "\rContent-Length: 2\r\n\r\nok"),
     BROKE(202, "")},
    {"blanks in names that nobody reads",
     TEXT(HEAD("202 Accepted") "X\t: 2\r\n\rY : 3\r\nA B: 4\r\nDate : x\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"a carriage return alone", TEXT(HEAD("202 Accepted") LENGTH("0") "\r\r\n"), BROKE(202, "")},
    {"a carriage return in a name", TEXT(HEAD("202 Accepted") "Transfer-Encoding\r: chunked\r\n\r\n"),
     BROKE(202, "")},
    {"NUL in a header that nobody reads", TEXT(HEAD("202 Accepted") "X: a\0b\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"NUL in a length", TEXT(HEAD("202 Accepted") LENGTH("2\0") "\r\nok"), BROKE(202, "")},
    {"NUL in a coding", TEXT(HEAD("202 Accepted") "Transfer-Encoding: chunked\0\r\n\r\n"), BROKE(202, "")},
    {"captures",
     TEXT(
         HEAD("429 Slow") "Retry-After: 120\r\nDATE:  Sun, 06 Nov 1994 08:49:37 GMT \r\n" LENGTH("0") "\r\n"),
     {.outcome = WHOLE,
      .status = 429,
      .body = "",
      .kept = true,
      .retry_after = "120",
      .date = "Sun, 06 Nov 1994 08:49:37 GMT"}},
    {"the last of two counts",
     TEXT(HEAD("429 Slow") "Retry-After: 1\r\nRetry-After: 2\r\n" LENGTH("0") "\r\n"),
     {.outcome = WHOLE, .status = 429, .body = "", .kept = true, .retry_after = "2"}},
    {"blanks before the first header", TEXT(HEAD("202 Accepted") " Date: x\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"folded, and nobody reads it",
     TEXT(HEAD("202 Accepted") "X: a\r\n b\r\n\tc: d\r\n" LENGTH("2") "\r\nok"), KEPT(202, "ok")},
    {"folded, and the first line is kept",
     TEXT(HEAD("202 Accepted") "Date: a\r\n b\r\nRetry-After: 5\r\n\t6\r\n" LENGTH("2") "\r\nok"),
     {.outcome = WHOLE, .status = 202, .body = "ok", .kept = true, .date = "a", .retry_after = "5"}},
    {"folded, and of the same letter as a length",
     TEXT(HEAD("202 Accepted") "Cache-Control: a,\r\n b\r\nTrailer: a,\r\n b\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"a folded Connection, then a close of words",
     TEXT(HEAD("202 Accepted") "Connection: keep-alive,\r\n close\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"folded behind a length", TEXT(HEAD("202 Accepted") LENGTH("2") "X: a\r\n b\r\n\r\nok"),
     KEPT(202, "ok")},
    {"a folded length", TEXT(HEAD("202 Accepted") "Content-Length: 2\r\n 0\r\n\r\nok"), BROKE(202, "")},
    {"a length on the next line", TEXT(HEAD("202 Accepted") "Content-Length:\r\n 2\r\n\r\nok"),
     BROKE(202, "")},
    {"a folded coding", TEXT(HEAD("202 Accepted") "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n0\r\n\r\n"),
     BROKE(202, "")},
};

static const struct reply_case connections[] = {
    {"close", TEXT(HEAD("202 Accepted") "Connection: close\r\n" LENGTH("2") "\r\nok"), CLOSED(202, "ok")},
    {"in any case", TEXT(HEAD("202 Accepted") "connection: CLOSE\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"in a list", TEXT(HEAD("202 Accepted") "Connection: x, close ,y\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"in the second of two",
     TEXT(HEAD("202 Accepted") "Connection: x\r\nConnection: close\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"both", TEXT(HEAD("202 Accepted") "Connection: close, keep-alive\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"a word with close in it", TEXT(HEAD("202 Accepted") "Connection: closed\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"a list of nothing", TEXT(HEAD("202 Accepted") "Connection: , ,\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"keep-alive", TEXT(HEAD("202 Accepted") "Connection: keep-alive\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"HTTP/1.0", TEXT("HTTP/1.0 202 Accepted\r\n" LENGTH("2") "\r\nok"), CLOSED(202, "ok")},
    {"HTTP/1.0, keep-alive", TEXT("HTTP/1.0 202 Accepted\r\nConnection: Keep-Alive\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"HTTP/1.0, keep-alive and close",
     TEXT("HTTP/1.0 202 Accepted\r\nConnection: keep-alive, close\r\n" LENGTH("2") "\r\nok"),
     CLOSED(202, "ok")},
    {"HTTP/1.0, keep-alive, no length", TEXT("HTTP/1.0 202 Accepted\r\nConnection: keep-alive\r\n\r\nok"),
     ENDLESS(202, "ok")},
    {"HTTP/1.0, no length", TEXT("HTTP/1.0 202 Accepted\r\n\r\nok"), ENDLESS(202, "ok")},
};

static const struct reply_case lengths[] = {
    {"none", TEXT(HEAD("202 Accepted") "\r\nto the end"), ENDLESS(202, "to the end")},
    {"zero", TEXT(HEAD("202 Accepted") LENGTH("0") "\r\n"), KEPT(202, "")},
    {"many zeros", TEXT(HEAD("202 Accepted") LENGTH("000000000000000000000000000000") "\r\n"), KEPT(202, "")},
    {"leading zeros", TEXT(HEAD("202 Accepted") LENGTH("000000000000000000000000000002") "\r\nok"),
     KEPT(202, "ok")},
    {"some", TEXT(OK_2), KEPT(202, "ok")},
    {"not all of it", TEXT(HEAD("202 Accepted") LENGTH("3") "\r\nok"), MORE(202, "ok")},
    {"with strays",
     TEXT(OK_2 "HTTP/1.1 408 "),
     {.outcome = WHOLE, .status = 202, .body = "ok", .kept = true, .behind = 13}},
    {"line ends in it", TEXT(HEAD("202 Accepted") LENGTH("6") "\r\na\r\n\r\nb"), KEPT(202, "a\r\n\r\nb")},
    {"as much as is kept",
     TEXT(HEAD("200 OK")
              LENGTH("100") "\r\n"
                            "0123456789012345678901234567890123456789012345678901234567890123456789012345678"
                            "901234567890123456789"),
     KEPT(200, NULL)},
    {"more than is kept",
     TEXT(HEAD("200 OK")
              LENGTH("101") "\r\n"
                            "0123456789012345678901234567890123456789012345678901234567890123456789012345678"
                            "9012345678901234567890"),
     BROKE(200, NULL)},
    {"repeated", TEXT(HEAD("202 Accepted") LENGTH("2") LENGTH("02") "\r\nok"), KEPT(202, "ok")},
    {"differing", TEXT(HEAD("202 Accepted") LENGTH("2") LENGTH("3") "\r\nok"), BROKE(202, "")},
    {"zero and another", TEXT(HEAD("202 Accepted") LENGTH("0") LENGTH("3") "\r\nok"), BROKE(202, "")},
    {"a list of one length", TEXT(HEAD("202 Accepted") LENGTH("2, 02") "\r\nok"), KEPT(202, "ok")},
    {"a list of two", TEXT(HEAD("202 Accepted") LENGTH("2, 3") "\r\nok"), BROKE(202, "")},
    {"a list with nothing in it", TEXT(HEAD("202 Accepted") LENGTH("2,") "\r\nok"), BROKE(202, "")},
    {"none written", TEXT(HEAD("202 Accepted") LENGTH("") "\r\nok"), BROKE(202, "")},
    {"words", TEXT(HEAD("202 Accepted") LENGTH("two") "\r\nok"), BROKE(202, "")},
    {"a word behind", TEXT(HEAD("202 Accepted") LENGTH("2 bytes") "\r\nok"), BROKE(202, "")},
    {"negative", TEXT(HEAD("202 Accepted") LENGTH("-2") "\r\nok"), BROKE(202, "")},
    {"with a plus", TEXT(HEAD("202 Accepted") LENGTH("+2") "\r\nok"), BROKE(202, "")},
    {"hexadecimal", TEXT(HEAD("202 Accepted") LENGTH("0x2") "\r\nok"), BROKE(202, "")},
    {"2^63 - 1", TEXT(HEAD("202 Accepted") LENGTH("9223372036854775807") "\r\nok"), MORE(202, "ok")},
    {"2^63", TEXT(HEAD("202 Accepted") LENGTH("9223372036854775808") "\r\nok"), BROKE(202, "")},
    {"2^64", TEXT(HEAD("202 Accepted") LENGTH("18446744073709551616") "\r\nok"), BROKE(202, "")},
    {"2^64 + 2", TEXT(HEAD("202 Accepted") LENGTH("18446744073709551618") "\r\nok"), BROKE(202, "")},
    {"identity", TEXT(HEAD("202 Accepted") "Transfer-Encoding: identity\r\n" LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
};

static const struct reply_case chunks[] = {
    {"head only", TEXT(CHUNKED_HEAD), MORE(202, "")},
    {"nothing in them", TEXT(CHUNKED_HEAD "0\r\n\r\n"), KEPT(202, "")},
    {"no blank line", TEXT(CHUNKED_HEAD "0\r\n"), MORE(202, "")},
    {"two", TEXT(CHUNKED_HEAD "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), KEPT(202, "abcde")},
    {"bare line feeds", TEXT(CHUNKED_HEAD "2\nab\n3\ncde\n0\n\n"), KEPT(202, "abcde")},
    {"cut in a size", TEXT(CHUNKED_HEAD "2\r\nab\r\n3"), MORE(202, "ab")},
    {"cut in a chunk", TEXT(CHUNKED_HEAD "5\r\nab"), MORE(202, "ab")},
    {"cut behind a chunk", TEXT(CHUNKED_HEAD "2\r\nab\r\n"), MORE(202, "ab")},
    {"line ends in them", TEXT(CHUNKED_HEAD "4\r\n\r\n\r\n\r\n0\r\n\r\n"), KEPT(202, "\r\n\r\n")},
    {"sizes in either case", TEXT(CHUNKED_HEAD "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"),
     KEPT(202, "01234567890123456789a")},
    {"leading zeros", TEXT(CHUNKED_HEAD "00000000000000000000000002\r\nab\r\n0000\r\n\r\n"), KEPT(202, "ab")},
    {"extensions", TEXT(CHUNKED_HEAD "2;a=\"b\"\r\nab\r\n1 ; c\r\nc\r\n1\t;\r\nd\r\n0;last\r\n\r\n"),
     KEPT(202, "abcd")},
    {"trailers", TEXT(CHUNKED_HEAD "1\r\na\r\n0\r\nDate: trailer\r\nRetry-After: 5\r\n\r\n"), KEPT(202, "a")},
    {"trailers that would be framing",
     TEXT(CHUNKED_HEAD "1\r\na\r\n0\r\n" LENGTH("9") "Connection: close\r\n\r\n"), KEPT(202, "a")},
    {"strays behind",
     TEXT(CHUNKED_HEAD "0\r\n\r\n\r\n"),
     {.outcome = WHOLE, .status = 202, .body = "", .kept = true, .behind = 2}},
    {"as much as is kept",
     TEXT(CHUNKED_HEAD "32\r\n01234567890123456789012345678901234567890123456789\r\n"
                       "32\r\n01234567890123456789012345678901234567890123456789\r\n0\r\n\r\n"),
     KEPT(202, NULL)},
    {"more than is kept",
     TEXT(CHUNKED_HEAD "32\r\n01234567890123456789012345678901234567890123456789\r\n"
                       "32\r\n01234567890123456789012345678901234567890123456789\r\n1\r\nx\r\n0\r\n\r\n"),
     BROKE(202, NULL)},
    {"no size", TEXT(CHUNKED_HEAD "\r\nab\r\n"), BROKE(202, "")},
    {"only an extension", TEXT(CHUNKED_HEAD ";a\r\nab\r\n"), BROKE(202, "")},
    {"a blank before the size", TEXT(CHUNKED_HEAD " 2\r\nab\r\n"), BROKE(202, "")},
    {"garbage", TEXT(CHUNKED_HEAD "zz\r\nab\r\n"), BROKE(202, "")},
    {"garbage behind the size", TEXT(CHUNKED_HEAD "2x\r\nab\r\n"), BROKE(202, "")},
    {"a prefix", TEXT(CHUNKED_HEAD "0x2\r\nab\r\n"), BROKE(202, "")},
    {"a sign", TEXT(CHUNKED_HEAD "-2\r\nab\r\n"), BROKE(202, "")},
    {"NUL behind the size", TEXT(CHUNKED_HEAD "2\0\r\nab\r\n"), BROKE(202, "")},
    {"a carriage return alone", TEXT(CHUNKED_HEAD "2\r\r\nab\r\n"), BROKE(202, "")},
    {"a chunk longer than it says", TEXT(CHUNKED_HEAD "2\r\nabc\r\n"), BROKE(202, "ab")},
    {"2^60", TEXT(CHUNKED_HEAD "1000000000000000\r\nab"), MORE(202, "ab")},
    {"2^64 + 2", TEXT(CHUNKED_HEAD "10000000000000002\r\nab\r\n0\r\n\r\n"), BROKE(202, "")},
    {"2^64 - 1", TEXT(CHUNKED_HEAD "ffffffffffffffff\r\nab\r\n0\r\n\r\n"), BROKE(202, "")},
    {"beyond all", TEXT(CHUNKED_HEAD "0123456789abcdef0123456789abcdef\r\nab\r\n"), BROKE(202, "")},
    {"a length as well: the chunks count, and nothing follows",
     TEXT(HEAD("202 Accepted") LENGTH("1") CHUNKED "\r\n2\r\nab\r\n0\r\n\r\n"), CLOSED(202, "ab")},
    {"a length behind", TEXT(HEAD("202 Accepted") CHUNKED LENGTH("99") "\r\n2\r\nab\r\n0\r\n\r\n"),
     CLOSED(202, "ab")},
    {"in HTTP/1.0, which has none: nothing follows",
     TEXT("HTTP/1.0 202 Accepted\r\nConnection: keep-alive\r\n" CHUNKED "\r\n2\r\nab\r\n0\r\n\r\n"),
     CLOSED(202, "ab")},
    {"in any case", TEXT(HEAD("202 Accepted") "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n"), KEPT(202, "")},
    {"chunked twice: once is meant, and nothing follows",
     TEXT(HEAD("202 Accepted") CHUNKED CHUNKED "\r\n2\r\nab\r\n0\r\n\r\n"), CLOSED(202, "ab")},
    {"chunked twice in a list",
     TEXT(HEAD("202 Accepted") "Transfer-Encoding: chunked, Chunked\r\n\r\n0\r\n\r\n"), CLOSED(202, "")},
    {"identity and chunked",
     TEXT(HEAD("202 Accepted") "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"), KEPT(202, "")},
    {"doubt ends with the head",
     TEXT(HEAD("103 Hints") CHUNKED CHUNKED "\r\n" HEAD("202 Accepted") CHUNKED "\r\n0\r\n\r\n"),
     KEPT(202, "")},
    {"packed and chunked", TEXT(HEAD("202 Accepted") "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     BROKE(202, "")},
    {"packed", TEXT(HEAD("202 Accepted") "Transfer-Encoding: gzip\r\n\r\nx"), BROKE(202, "")},
    {"no coding", TEXT(HEAD("202 Accepted") "Transfer-Encoding:\r\n\r\n0\r\n\r\n"), BROKE(202, "")},
    {"a word like it", TEXT(HEAD("202 Accepted") "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
     BROKE(202, "")},
};

static const struct reply_case interims[] = {
    {"100", TEXT(HEAD("100 Continue") "\r\n"), MORE(100, "")},
    {"100, then half of it", TEXT(HEAD("100 Continue") "\r\nHTTP/1.1 20"), MORE(100, "")},
    {"a series",
     TEXT(HEAD("100 Continue") "\r\n" HEAD("102 Processing") "\r\n" HEAD("103 Hints") "\r\n" OK_2),
     KEPT(202, "ok")},
    {"what they say is not of the reply",
     TEXT(HEAD("103 Hints") "Connection: close\r\nDate: early\r\nRetry-After: 7\r\n" CHUNKED
                            "\r\n" HEAD("202 Accepted") LENGTH("2") "\r\nok"),
     KEPT(202, "ok")},
    {"a length is not of the reply", TEXT(HEAD("103 Hints") LENGTH("9") "\r\n" HEAD("202 Accepted") "\r\nok"),
     ENDLESS(202, "ok")},
    {"HTTP/1.0 in front", TEXT("HTTP/1.0 100 Continue\r\n\r\n" OK_2), KEPT(202, "ok")},
    {"garbage behind", TEXT(HEAD("100 Continue") "\r\nHTTX"), BROKE(100, "")},
    {"an unknown one", TEXT(HEAD("199 Odd") "\r\n" OK_2), KEPT(202, "ok")},
    {"101", TEXT(HEAD("101 Switching Protocols") "Upgrade: x\r\n\r\nx"), BROKE(101, "")},
    {"204", TEXT(HEAD("204 None") "\r\n"), KEPT(204, "")},
    {"204, closing", TEXT(HEAD("204 None") "Connection: close\r\n\r\n"), CLOSED(204, "")},
    {"204, a length of 0", TEXT(HEAD("204 None") LENGTH("0") "\r\n"), KEPT(204, "")},
    {"204, a length of more",
     TEXT(HEAD("204 None") LENGTH("2") "\r\nok"),
     {.outcome = WHOLE, .status = 204, .body = "", .behind = 2}},
    {"204, chunked",
     TEXT(HEAD("204 None") CHUNKED "\r\n0\r\n\r\n"),
     {.outcome = WHOLE, .status = 204, .body = "", .behind = 5}},
    {"304, a length of more", TEXT(HEAD("304 Same") LENGTH("2") "\r\n"), CLOSED(304, "")},
    {"304", TEXT(HEAD("304 Same") "\r\n"), KEPT(304, "")},
    {"205 has a body like others", TEXT(HEAD("205 Reset") LENGTH("2") "\r\nok"), KEPT(205, "ok")},
};

#define CHECK_ALL(table) check_all(table, sizeof table / sizeof *table)

static void test_status_lines(void **state)
{
    (void)state;
    CHECK_ALL(status_lines);
}

static void test_heads(void **state)
{
    (void)state;
    CHECK_ALL(heads);
}

static void test_connections(void **state)
{
    (void)state;
    CHECK_ALL(connections);
}

static void test_lengths(void **state)
{
    (void)state;
    CHECK_ALL(lengths);
}

static void test_chunks(void **state)
{
    (void)state;
    CHECK_ALL(chunks);
}

static void test_interims(void **state)
{
    (void)state;
    CHECK_ALL(interims);
}

/* ---- long ones ---- */

/* `front`, as many 'x' as make `middle` bytes of it, `back`. */
static void check_long(const char *what, const char *front, size_t middle, const char *back,
                       const struct reading *want)
{
    static const size_t pieces[] = {1, 2, 1000, 16383, 16384, 16385, 65535, 65536, 200000};
    struct buf text = {.cap = 1 << 20};
    struct reply_case c = {.what = what, .want = *want};

    buf_add_text(&text, front);
    for (size_t i = 0; i < middle; i++)
        buf_add_char(&text, 'x');
    buf_add_text(&text, back);
    assert_false(text.full);
    c.text = buf_span(&text);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check(&c, pieces[i], pieces[i]);
    for (size_t cut = LINE_MOST - 3; cut < LINE_MOST + 3 && cut < text.len; cut++)
        check(&c, cut, text.len);
    check(&c, text.len, 1);
    buf_free(&text);
}

/* A front of 26 bytes and a back of 23 make LINE_MOST with that. */
#define LONG_FRONT HEAD("202 Accepted") "X: "
#define LONG_BACK "\r\n" LENGTH("2") "\r\nok"

static void test_long_heads(void **state)
{
    static const struct reading whole = KEPT(202, "ok"), broken = BROKE(202, ""), none = BROKE(0, "");
    size_t room = LINE_MOST - (sizeof LONG_FRONT - 1) - (sizeof LONG_BACK - 1 - 2);

    (void)state;
    check_long("a head of 64 KiB", LONG_FRONT, room, LONG_BACK, &whole);
    check_long("a head of a byte more", LONG_FRONT, room + 1, LONG_BACK, &broken);
    check_long("an endless header", LONG_FRONT, 200000, "", &broken);
    check_long("an endless status line", "HTTP/1.1 202 ", 200000, "", &none);
    check_long("an endless extension", CHUNKED_HEAD "1;", 200000, "", &broken);
    check_long("an endless trailer", CHUNKED_HEAD "0\r\nX: ", 200000, "", &broken);
    check_long("two heads", HEAD("102 Processing") "X: ", 40000, "\r\n\r\n" OK_2, &whole);
}

static void test_many_trailers(void **state)
{
    static const struct reading broken = BROKE(202, "");
    struct buf text = {.cap = 1 << 20};
    struct reply_case c = {.what = "trailers of 70 KB", .want = broken};

    (void)state;
    buf_add_text(&text, CHUNKED_HEAD "0\r\n");
    for (int i = 0; i < 1000; i++)
        buf_add_text(&text, "X-More: and so on and so on and so on and so on and so on and so on\r\n");
    buf_add_text(&text, "\r\n");
    c.text = buf_span(&text);
    check(&c, text.len, 1);
    check(&c, 1, 1);
    check(&c, 16384, 16384);
    buf_free(&text);
}

static void test_long_captures(void **state)
{
    static const struct reading broken = BROKE(202, NULL);
    struct reading whole = KEPT(202, "ok");
    char date[1025];

    (void)state;
    memset(date, 'x', 1024);
    date[1024] = '\0';
    whole.date = date;
    check_long("a date of 1 KiB", HEAD("202 Accepted") "Date: ", 1024, "\r\n" LENGTH("2") "\r\nok", &whole);
    check_long("a date of a byte more", HEAD("202 Accepted") "Date: ", 1025, "\r\n" LENGTH("2") "\r\nok",
               &broken);
}

/* ---- the group ---- */

static int set_up(void **state)
{
    struct fail fail;

    (void)state;
    slot = http_slot_open(&http, &fail);
    return slot ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_slot_close(slot);
    http_url_close(&http);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_lines),  cmocka_unit_test(test_heads),
        cmocka_unit_test(test_connections),   cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_chunks),        cmocka_unit_test(test_interims),
        cmocka_unit_test(test_long_heads),    cmocka_unit_test(test_long_captures),
        cmocka_unit_test(test_many_trailers),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
