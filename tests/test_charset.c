/* charset: what each encoding's bytes say, where their lines end, and what becomes of bytes that say nothing.
 */
#include "value/charset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct charset *opened(const char *name)
{
    struct charset *charset;
    struct fail fail;

    if (charset_open(&charset, name, &fail) != 0)
        fail_msg("%s", fail.text);
    return charset;
}

static void decodes(const char *name, struct span bytes, const char *text)
{
    struct charset *charset = opened(name);
    struct buf out;

    buf_init(&out, 1 << 16);
    charset_decode(charset, bytes, &out);
    if (strcmp(buf_text(&out), text) != 0)
        fail_msg("%s: '%s' instead of '%s'", name, buf_text(&out), text);
    buf_free(&out);
    charset_close(charset);
}
#define DECODES(name, bytes, text) decodes(name, SPAN(bytes), text)

static void encodes(const char *name, const char *text, struct span bytes)
{
    struct charset *charset = opened(name);
    struct buf out;

    buf_init(&out, 1 << 16);
    charset_encode(charset, span_of(text), &out);
    if (!span_same(buf_span(&out), bytes))
        fail_msg("%s: %zu bytes instead of %zu", name, out.len, bytes.len);
    buf_free(&out);
    charset_close(charset);
}
#define ENCODES(name, text, bytes) encodes(name, text, SPAN(bytes))

static void refuses(const char *name, const char *why)
{
    struct charset *charset;
    struct fail fail;

    assert_int_equal(charset_open(&charset, name, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_string_equal(fail.text, why);
}

#define UNKNOWN(name)                                                                             \
    refuses(name, "input.encoding: unknown encoding '" name                                       \
                  "'; give a name that iconv knows (iconv -l lists them), such as WINDOWS-1252, " \
                  "ISO-8859-15, UTF-16 or SHIFT_JIS, without a suffix")

static void utf8_in_any_spelling_needs_no_conversion(void **state)
{
    (void)state;
    assert_true(charset_is_utf8("UTF-8") && charset_is_utf8("utf-8") && charset_is_utf8("UTF8"));
    assert_true(charset_is_utf8("Utf_8") && charset_is_utf8("") && charset_is_utf8(NULL));
    assert_false(charset_is_utf8("UTF-16") || charset_is_utf8("UTF-81") || charset_is_utf8("UTF") ||
                 charset_is_utf8("UTF-8//IGNORE"));
}

static void unknown_names_and_suffixes_are_refused(void **state)
{
    (void)state;
    UNKNOWN("LATIN-WRONG");
    UNKNOWN("ISO-8859-1//TRANSLIT");
    UNKNOWN("ISO-8859-1//IGNORE");
    UNKNOWN("ISO-8859-1/");
    UNKNOWN("ISO-8859-1,IGNORE");
    UNKNOWN(" ISO-8859-1");
    UNKNOWN("");
    refuses("UTF-7-IMAP",
            "input.encoding: UTF-7-IMAP cannot be used: it lacks line ends, quotes, commas, digits or small "
            "letters of its own; convert the file to UTF-8 (iconv -f UTF-7-IMAP -t UTF-8)");
    refuses("KOI-7", "input.encoding: KOI-7 cannot be used: it lacks line ends, quotes, commas, digits or "
                     "small letters of "
                     "its own; convert the file to UTF-8 (iconv -f KOI-7 -t UTF-8)");
}

static void single_bytes(void **state)
{
    (void)state;
    DECODES("ISO-8859-1", "Jos\xE9 \xA4", "José ¤");
    DECODES("iso-8859-15", "Jos\xE9 \xA4", "José €");
    DECODES("WINDOWS-1252", "\x80 \x9C \xDF", "€ œ ß");
    DECODES("ISO-8859-2", "\xA3\xF3\x64\xBC", "Łódź");
    DECODES("KOI8-R", "\xC9\xCD\xD1", "имя");
    DECODES("IBM500", "\x91\x96\xA2\x51\x7F\x6B\xF1", "josé\",1");
    DECODES("IBM1047", "\xD1\x96\xAD\xBD", "Jo[]");
    DECODES("US-ASCII", "a\xE9z", "a\xFFz");
}

static void several_bytes(void **state)
{
    (void)state;
    DECODES("SHIFT_JIS", "\x83\x7C\x81\x5B\x83\x8B|\x95\x5C",
            "ポール|表"); /* second bytes '|', '[' and '\' */
    DECODES("GBK", "\xC0\xEE\x81\x7C", "李亅");
    DECODES("GB18030", "\xC0\xEE\x94\x39\xDA\x33", "李💩");
    DECODES("BIG5", "\xB3\x5C\xA6\x7C", "許帆");
    DECODES("EUC-JP", "\xB4\xC1\xBB\xFA", "漢字");
    DECODES("EUC-KR", "\xC7\xD1", "한");
    DECODES("UTF-16LE", "J\0\xE9\0\x3D\xD8\xA9\xDC", "Jé💩");
    DECODES("UTF-16BE", "\0J\0\xE9\xD8\x3D\xDC\xA9", "Jé💩");
    DECODES("UTF-32BE", "\0\0\0J\0\x01\xF4\xA9", "J💩");
    DECODES("UTF-16LE", "\x0A\x0A\x0D\x0D\x0A\x0D", "\xE0\xA8\x8A\xE0\xB4\x8D\xE0\xB4\x8A");
}

/* CHARSET_BAD stands where it happened; nothing around it is lost. */
static void what_does_not_decode(void **state)
{
    (void)state;
    DECODES("WINDOWS-1252", "a,\x81,b", "a,\xFF,b");
    DECODES("SHIFT_JIS", "a\x81,b\x81\"c\x81", "a\xFF,b\xFF\"c\xFF");
    DECODES("GB18030", "\x81\x30,\x81",
            "\xFF"
            "0,\xFF");
    DECODES("UTF-16LE", "a\0\x3D\xD8,\0b\0", "a\xFF,b");         /* half a pair */
    DECODES("UTF-16LE", "a\0\xA9\xDC,\0\x3D\xD8", "a\xFF,\xFF"); /* the other half; one at the end */
    DECODES("UTF-16LE", "a\0b", "a\xFF");                        /* half a unit */
    DECODES("UTF-32LE", "a\0\0\0\0\0\x11\0b\0\0\0",
            "a\xFF"
            "b");
    DECODES("EUC-JP", "\xB4", "\xFF");
}

static void a_nul_stays(void **state)
{
    struct charset *charset = opened("UTF-16BE");
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    charset_decode(charset, SPAN("\0a\0\0\0b"), &out);
    assert_true(span_same(buf_span(&out), SPAN("a\0b")));
    buf_free(&out);
    charset_close(charset);
}

/* A line that leaves its second character set switched on is marked: the next would be misread. */
static void shifting_encodings(void **state)
{
    (void)state;
    DECODES("ISO-2022-JP", "\x1B$B4A;z\x1B(B,1", "漢字,1");
    DECODES("ISO-2022-JP", "1,\x1B$B4A", "1,漢\xFF");
    DECODES("ISO-2022-KR", "\x0EGQ\x0F,1", "한,1");
    DECODES("ISO-2022-KR", "\x0EGQ", "한\xFF");
    DECODES("UTF-7", "Jos+AOk-,1", "José,1");
    DECODES("UTF-7", "a+AAo-b+AA0-c",
            "a\xFF"
            "b\xFF"
            "c"); /* line ends that the bytes did not show */
}

static void characters_that_are_held_back(void **state)
{
    (void)state;
    DECODES("CP1258", "a\xCC,e", "à,e");
    DECODES("CP1258", "e\xCC", "è");
    DECODES("CP1258", "e", "e");
    DECODES("TSCII", "\xA6", "\xE0\xAF\x86"); /* a vowel that waits for its consonant */
}

static void line_ends(void **state)
{
    struct charset *charset = opened("UTF-16LE");

    (void)state;
    /* U+0A0A, 'x' and U+000A; a line end needs a whole unit. */
    assert_int_equal(charset_unit(charset), 2);
    assert_int_equal(charset_line_end(charset, "\x0A\x0A\x78\0\x0A\0", 0, 6), 4);
    assert_int_equal(charset_line_end(charset, "\x0A\x0A\x78\0\x0A\0", 0, 5), 5);
    assert_int_equal(charset_line_end(charset, "\x01\x0A\0\x0D\0\0", 0, 6), 6);
    assert_int_equal(charset_line_char(charset, "\x0D\0", 0, 2), '\r');
    assert_int_equal(charset_line_char(charset, "\x0D\0", 0, 1), 0);
    charset_close(charset);
    charset = opened("UTF-32BE");
    assert_int_equal(charset_line_end(charset, "\0\0\x0A\0\0\0\0\x0D", 0, 8), 4);
    charset_close(charset);
    charset = opened("IBM1047");
    assert_int_equal(charset_line_end(charset, "\x81\x0A\x25\x0D", 0, 4), 2);
    assert_int_equal(charset_line_char(charset, "\x15", 0, 1), '\n'); /* NEL */
    assert_int_equal(charset_line_char(charset, "\x0A", 0, 1), 0);
    charset_close(charset);
    charset = opened("ISO-8859-1");
    assert_int_equal(charset_line_end(charset, "a\x85\x15\r\n", 0, 5),
                     3); /* NEL is a line end in EBCDIC only */
    charset_close(charset);
}

static int begins(const char *name, struct span start, size_t *mark, struct fail *fail)
{
    struct charset *charset = name ? opened(name) : NULL;
    int rc = charset_begin(charset, start, mark, fail);

    charset_close(charset);
    return rc;
}

static void byte_order_marks(void **state)
{
    struct fail fail;
    size_t mark;

    (void)state;
    assert_int_equal(begins(NULL,
                            SPAN("\xEF\xBB\xBF"
                                 "a"),
                            &mark, &fail),
                     0);
    assert_int_equal(mark, 3);
    assert_int_equal(begins(NULL, SPAN("a"), &mark, &fail), 0);
    assert_int_equal(mark, 0);
    assert_int_equal(begins("UTF-16LE",
                            SPAN("\xFF\xFE"
                                 "a\0"),
                            &mark, &fail),
                     0);
    assert_int_equal(mark, 2);
    assert_int_equal(begins("UTF-16LE", SPAN("\xFF\xFE\0\0"), &mark, &fail), 0);
    assert_int_equal(mark, 2);
    assert_int_equal(begins("UTF-16LE", SPAN("a\0"), &mark, &fail), 0);
    assert_int_equal(mark, 0);
    assert_int_equal(begins("UTF-32BE", SPAN("\0\0\xFE\xFF\0\0\0a"), &mark, &fail), 0);
    assert_int_equal(mark, 4);
    assert_int_equal(begins("GB18030",
                            SPAN("\x84\x31\x95\x33"
                                 "a"),
                            &mark, &fail),
                     0);
    assert_int_equal(mark, 4);
    assert_int_equal(begins("UTF-16", SPAN(""), &mark, &fail), 0);
    assert_int_equal(mark, 0);
}

static void byte_order_marks_out_of_place(void **state)
{
    struct fail fail;
    size_t mark = 7;

    (void)state;
    assert_int_equal(begins(NULL,
                            SPAN("\xFF\xFE"
                                 "a\0"),
                            &mark, &fail),
                     -1);
    assert_string_equal(fail.text,
                        "begins with the byte order mark of UTF-16LE, but input.encoding is UTF-8; set "
                        "input.encoding = UTF-16LE");
    assert_int_equal(begins("WINDOWS-1252",
                            SPAN("\xEF\xBB\xBF"
                                 "a"),
                            &mark, &fail),
                     -1);
    assert_string_equal(fail.text,
                        "begins with the byte order mark of UTF-8, but input.encoding is WINDOWS-1252; set "
                        "input.encoding = UTF-8");
    assert_int_equal(begins("UTF-16BE",
                            SPAN("\xFF\xFE"
                                 "a\0"),
                            &mark, &fail),
                     -1);
    assert_int_equal(begins("UTF-16",
                            SPAN("\xEF\xBB\xBF"
                                 "a"),
                            &mark, &fail),
                     -1);
    assert_string_equal(fail.text,
                        "begins with the byte order mark of UTF-8, but input.encoding is UTF-16; set "
                        "input.encoding = UTF-8");
    assert_int_equal(begins("UTF-16", SPAN("a\0b\0"), &mark, &fail), -1);
    assert_string_equal(fail.text,
                        "no byte order mark, which tells the order of bytes in UTF-16; set input.encoding = "
                        "UTF-16LE or UTF-16BE");
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_int_equal(mark, 7);
}

static void the_mark_names_the_encoding(void **state)
{
    static const struct {
        const char *name, *settled;
        struct span start;
    } cases[] = {
        {"utf-16", "UTF-16LE", {"\xFF\xFE", 2}},     {"UTF-16", "UTF-16BE", {"\xFE\xFF", 2}},
        {"UNICODE", "UTF-16BE", {"\xFE\xFF", 2}},    {"UTF-32", "UTF-32LE", {"\xFF\xFE\0\0", 4}},
        {"UTF-32", "UTF-32BE", {"\0\0\xFE\xFF", 4}}, {"utf-16le", "UTF-16LE", {"a\0", 2}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct charset *charset = opened(cases[i].name);
        struct fail fail;
        size_t mark;
        assert_int_equal(charset_begin(charset, cases[i].start, &mark, &fail), 0);
        assert_string_equal(charset_name(charset), cases[i].settled);
        charset_close(charset);
    }
}

static void what_we_write(void **state)
{
    (void)state;
    ENCODES("WINDOWS-1252", ",José €\n", ",Jos\xE9 \x80\n");
    ENCODES("ISO-8859-1", "a€b漢c", "a?b?c");
    ENCODES("UTF-16LE", ",é\n", ",\0\xE9\0\n\0");
    ENCODES("UTF-16BE", "a\n", "\0a\0\n");
    ENCODES("IBM500", "_ctp,\"1\"\n", "\x6D\x83\xA3\x97\x6B\x7F\xF1\x7F\x25");
    ENCODES("SHIFT_JIS", "表,é", "\x95\x5C,?");
    ENCODES("ISO-2022-JP", "漢,é", "\x1B$B4A\x1B(B,?");
    ENCODES("ISO-2022-KR", "a,\n", "a,\n"); /* without the header that stands in front of a file only */
    ENCODES("US-ASCII", "", "");
}

static void has(const char *name, char c, bool want)
{
    struct charset *charset = opened(name);

    assert_int_equal(charset_has(charset, c), want);
    charset_close(charset);
}

static void characters_of_ascii(void **state)
{
    (void)state;
    has("SHIFT_JIS", '|', true);
    has("SHIFT_JIS", '\\', false);
    has("UTF-16LE", '\\', true);
    has("IBM1047", '|', true);
}

static void places(void **state)
{
    struct charset *charset = opened("SHIFT_JIS");
    struct buf scratch;

    (void)state;
    buf_init(&scratch, 1 << 16);
    /* ポ|1: three bytes of text are two of the file. */
    assert_int_equal(charset_place(charset, SPAN("\x83\x7C|1"), 0, &scratch), 0);
    assert_int_equal(charset_place(charset, SPAN("\x83\x7C|1"), 3, &scratch), 2);
    assert_int_equal(charset_place(charset, SPAN("\x83\x7C|1"), 4, &scratch), 3);
    assert_int_equal(charset_place(charset, SPAN("\x83\x7C|1"), 2, &scratch), SIZE_MAX); /* inside */
    assert_int_equal(charset_place(charset, SPAN("\x83\x7C|1"), 6, &scratch), SIZE_MAX); /* behind */
    assert_int_equal(charset_place(charset, SPAN("\x81,\x81,1"), 3, &scratch),
                     3); /* past what does not decode */
    charset_close(charset);
    charset = opened("ISO-2022-JP"); /* with the shift back, without the one that follows */
    assert_int_equal(charset_place(charset, SPAN("\x1B$B4A\x1B(B,\x1B$B;z"), 3, &scratch), 8);
    assert_int_equal(charset_place(charset, SPAN("\x1B$B4A\x1B(B,\x1B$B;z"), 4, &scratch), 9);
    charset_close(charset);
    charset = opened("UTF-16BE");
    assert_int_equal(charset_place(charset,
                                   SPAN("\0\xE9\0,\0"
                                        "1"),
                                   3, &scratch),
                     4);
    charset_close(charset);
    buf_free(&scratch);
}

static void names_that_read_alike(void **state)
{
    (void)state;
    assert_true(charset_same("utf8", "UTF-8"));
    assert_true(charset_same("", "UTF-8"));
    assert_false(charset_same("UTF-8", "WINDOWS-1252"));
    assert_false(charset_same("WINDOWS-1252", "UTF-8"));
    assert_true(charset_same("windows-1252", "WINDOWS-1252"));
    assert_false(charset_same("ISO-8859-15", "WINDOWS-1252"));
    assert_true(charset_same("UTF-16", "UTF-16BE")); /* as its mark said */
    assert_true(charset_same("UTF-32", "UTF-32LE"));
    assert_false(charset_same("UTF-16", "UTF-32LE"));
    assert_false(charset_same("UTF-16LE", "UTF-16BE"));
    assert_false(charset_same("KLINGON", "WINDOWS-1252"));
    assert_false(charset_same("WINDOWS-1252", "KLINGON"));
    /* Other names */
    assert_true(charset_same("cp1252", "WINDOWS-1252"));
    assert_true(charset_same("WINDOWS-1252", "CP1252"));
    assert_true(charset_same("latin1", "ISO-8859-1"));
    assert_true(charset_same("latin-9", "ISO-8859-15"));
    assert_true(charset_same("ebcdic-cp-us", "IBM037"));
    assert_false(charset_same("ISO-8859-1", "WINDOWS-1252"));
    assert_false(charset_same("ISO-8859-1", "ISO-8859-9"));
    assert_false(charset_same("US-ASCII", "ISO-8859-1"));
    assert_false(charset_same("CP1252", "UTF-16LE"));
    /* What a byte stands for depends on others: told apart by their names alone. */
    assert_true(charset_same("shift_jis", "SHIFT_JIS"));
    assert_false(charset_same("SHIFT_JIS", "CP932"));
    assert_false(charset_same("GBK", "GB18030"));
    assert_false(charset_same("EUC-CN", "EUC-KR"));
    assert_false(charset_same("CP1258", "WINDOWS-1258"));
    assert_false(charset_same("ISO-2022-JP", "ISO-2022-JP-2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_in_any_spelling_needs_no_conversion),
        cmocka_unit_test(unknown_names_and_suffixes_are_refused),
        cmocka_unit_test(single_bytes),
        cmocka_unit_test(several_bytes),
        cmocka_unit_test(what_does_not_decode),
        cmocka_unit_test(a_nul_stays),
        cmocka_unit_test(shifting_encodings),
        cmocka_unit_test(characters_that_are_held_back),
        cmocka_unit_test(line_ends),
        cmocka_unit_test(byte_order_marks),
        cmocka_unit_test(byte_order_marks_out_of_place),
        cmocka_unit_test(the_mark_names_the_encoding),
        cmocka_unit_test(what_we_write),
        cmocka_unit_test(characters_of_ascii),
        cmocka_unit_test(places),
        cmocka_unit_test(names_that_read_alike),
    };

    return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
