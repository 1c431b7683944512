/* reader: the same records whatever pieces the file comes in. */
#include "reader_case.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

enum { REACH = 64, MOST = 40 };

#define X10 "xxxxxxxxxx"
#define Y10 "yyyyyyyyyy"
#define B10 "          "

/* Everything that is told apart by a byte to come, within a reach of 64 bytes and records of at most 40. */
static const char TORTURE[] =
    "a,b,c\r\n"                           /* 0 */
    "\r\n"                                /* 7: blank */
    " \t \n"                              /* 9: blank */
    "1,\"x\r\ny\",\"q\"\"z\"\r\n"         /* 13: a break, a doubled quote */
    "2,5\" disk,\"k\nl\"\n"               /* 30: a stray quote, then a break */
    "3,\"open\r"                          /* 46: never closed */
    "4,\"5\"x,6\r"                        /* 54: text behind a closing quote */
    "7,\"8\" ,\"\"\"9\"\"\"\r\r\r"        /* 63: then two blank lines */
    X10 X10 X10 X10 "x\n"                 /* 80: too long */
    X10 X10 X10 X10 X10 X10 X10 "\r\n"    /* 122: beyond reach */
    "\"" Y10 Y10 Y10 Y10 Y10 Y10 Y10 "\r" /* 194: a quote that leads out of reach */
    "\"" Y10 Y10 "\r\n" Y10 Y10 "\",1\n"  /* 266: too long, over two lines */
    "\"a\nb\",\"\n"                       /* 313: closed, then open to the end of reach */
    "5,\0"
    ",6\n"                                                   /* 321: a NUL */
    "\t\r"                                                   /* 327: blank */
    ",,\n"                                                   /* 329 */
    "8,\"\"\n"                                               /* 332 */
    "      " X10 "      " X10 "      " X10 "      " X10 "\n" /* 337: a line just beyond reach */
    B10 B10 B10 B10 B10 B10 B10 "\n"                         /* 402: blanks beyond reach */
    "9,\"z\r\n\",10\r"                                       /* 473 */
    "11,\"12";                                               /* 484: open to the end */

static const struct want WANT[] = {
    {1, 0, 5, "a|b|c", READER_WHOLE, 0},
    {4, 13, 15, "1|x\r\ny|q\"z", READER_WHOLE, 0},
    {6, 30, 15, "2|5\" disk|k\nl", READER_WHOLE, 0},
    {8, 46, 7, NULL, READER_UNCLOSED_QUOTE, 8},
    {9, 54, 8, NULL, READER_UNCLOSED_QUOTE, 9},
    {10, 63, 14, "7|8|\"9\"", READER_WHOLE, 0},
    {13, 80, 41, NULL, READER_TOO_LONG, 0},
    {14, 122, 70, NULL, READER_TOO_LONG, 0},
    {15, 194, 71, NULL, READER_UNCLOSED_QUOTE, 15},
    {16, 266, 46, NULL, READER_TOO_LONG, 0},
    {18, 313, 7, NULL, READER_UNCLOSED_QUOTE, 19},
    {20, 321, 5, "5|", READER_WHOLE, 0}, /* compared up to the NUL */
    {22, 329, 2, "||", READER_WHOLE, 0},
    {23, 332, 4, "8|", READER_WHOLE, 0},
    {24, 337, 64, NULL, READER_TOO_LONG, 0},
    {25, 402, 70, NULL, READER_TOO_LONG, 0},
    {26, 473, 10, "9|z\r\n|10", READER_WHOLE, 0},
    {28, 484, 6, NULL, READER_UNCLOSED_QUOTE, 28},
    {0},
};

static struct buf file, whole, pieces;

static int begin(void **state)
{
    (void)state;
    scratch_clear();
    buf_init(&file, 1 << 24);
    buf_init(&whole, 1 << 26);
    buf_init(&pieces, 1 << 26);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_free(&file);
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}

/* The file in reads of every size up to 320 bytes and of some larger ones, against one read of it all. */
static void same_at_every_size(const struct reader_options *options)
{
    int fd = open(scratch_write("file.csv", buf_span(&file)), O_RDONLY | O_CLOEXEC);
    struct reader_options small = *options;
    uint32_t odd = 1; /* where the larger sizes come from, the same in every run */

    assert_true(fd >= 0);
    small.read_size = 1 << 16;
    reader_dump(fd, &small, &whole);
    for (size_t i = 1; i <= 340; i++) {
        odd = odd * 1103515245 + 12345;
        small.read_size = i <= 320 ? i : 321 + (odd >> 16) % 1500;
        buf_reset(&pieces);
        reader_dump(fd, &small, &pieces);
        if (!span_same(buf_span(&pieces), buf_span(&whole)))
            fail_msg("reads of %zu bytes give other records", small.read_size);
    }
    assert_int_equal(close(fd), 0);
}

/* The text in units of two bytes. Two letters become characters whose halves are LF and CR. */
static void widen(bool little)
{
    for (size_t i = 0; i < sizeof TORTURE - 1; i++) {
        char c = TORTURE[i], high = '\0';
        if (c == 'k')
            c = '\n', high = '\r';
        else if (c == 'z')
            c = '\r', high = '\n';
        buf_add_char(&file, little ? c : high);
        buf_add_char(&file, little ? high : c);
    }
}

static void widened_cells(const char *cells, struct buf *out)
{
    buf_reset(out);
    for (; *cells; cells++) {
        if (*cells == 'k')
            buf_add_text(out, "\xE0\xB4\x8A"); /* U+0D0A */
        else if (*cells == 'z')
            buf_add_text(out, "\xE0\xA8\x8D"); /* U+0A0D */
        else
            buf_add_char(out, *cells);
    }
}

/* Each record is also parsed again from its own bytes. */
static void as_expected(const struct reader_options *options, size_t mark, size_t read_size)
{
    struct reader_options now = *options;
    size_t unit = options->encoding ? 2 : 1;
    struct input input;
    struct buf cells;

    buf_init(&cells, 1 << 10);
    now.read_size = read_size;
    input = input_open(buf_span(&file), &now);
    for (const struct want *want = WANT; want->line > 0; want++) {
        struct want scaled = *want;
        scaled.offset = (int64_t)mark + want->offset * (int64_t)unit;
        scaled.length *= unit;
        if (want->cells && unit == 2) {
            widened_cells(want->cells, &cells);
            scaled.cells = buf_text(&cells);
        }
        expect(&input, scaled);
    }
    input_close(&input);
    buf_free(&cells);
}

static void in_all_pieces(const struct reader_options *options, size_t mark)
{
    same_at_every_size(options);
    for (size_t size = 1; size < 12; size++)
        as_expected(options, mark, size);
    as_expected(options, mark, 0);
}

static void utf8(void **state)
{
    const struct reader_options options = {.delimiter = ',', .max_record_bytes = 40, .quote_reach = 64};

    (void)state;
    buf_add_text(&file, "\xEF\xBB\xBF");
    buf_add(&file, TORTURE, sizeof TORTURE - 1);
    in_all_pieces(&options, 3);
}

static void a_delimiter_that_is_looked_for(void **state)
{
    const struct reader_options options = {.max_record_bytes = 40, .quote_reach = 64};

    (void)state;
    buf_add(&file, TORTURE, sizeof TORTURE - 1);
    in_all_pieces(&options, 0);
}

static void utf16(void **state)
{
    struct reader_options options = {
        .delimiter = ',', .max_record_bytes = 80, .quote_reach = 128, .encoding = "UTF-16"};

    (void)state;
    buf_add_text(&file, "\xFF\xFE");
    widen(true);
    in_all_pieces(&options, 2);
    buf_reset(&file);
    buf_reset(&whole);
    buf_add_text(&file, "\xFE\xFF");
    widen(false);
    in_all_pieces(&options, 2);
    buf_reset(&file);
    buf_reset(&whole);
    widen(false);
    options.encoding = "UTF-16BE";
    in_all_pieces(&options, 0);
}

/* In bytes, but with line ends (LF 0x25, CR 0x0D, NEL 0x15), quotes (0x7F) and commas (0x6B) of its own. */
static void ebcdic(void **state)
{
    const struct reader_options options = {
        .delimiter = ',', .max_record_bytes = 40, .quote_reach = 64, .encoding = "IBM500"};

    (void)state;
    buf_add_text(&file, "\x81\x6B\x82\x0D\x25");                         /* a,b */
    buf_add_text(&file, "\x7F\xF1\x25\xF2\x0D\xF3\x15\x7F\x6B\xF4\x25"); /* "1 LF 2 CR 3 NEL ",4 */
    buf_add_text(&file, "\x15\xF5\x6B\xF6\x15");                         /* a blank line; 5,6 */
    buf_add_text(&file, "\xF7\x6B\x7F\xF8");                             /* 7,"8 */
    same_at_every_size(&options);
    assert_string_equal(
        buf_text(&whole),
        "0 line 1 at 0+3 fault 0 quote 0 [\x81\x6B\x82] 1:a 1:b\n"
        "1 line 2 at 5+10 fault 0 quote 0 [\x7F\xF1\x25\xF2\x0D\xF3\x15\x7F\x6B\xF4] 6:1\n2\r3\n"
        " 1:4\n"
        "2 line 7 at 17+3 fault 0 quote 0 [\xF5\x6B\xF6] 1:5 1:6\n"
        "3 line 8 at 21+4 fault 1 quote 8 [\xF7\x6B\x7F\xF8]\n");
}

/* At the real sizes: reads that end before, on and behind a mebibyte. */
static void lines_of_about_a_mebibyte(void **state)
{
    const struct reader_options options = {.delimiter = ',', .max_record_bytes = 65536};
    static const size_t sizes[] = {4096, 65537, 1 << 18, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20};
    int fd;

    (void)state;
    buf_add_text(&file, "a,b\n");
    for (size_t i = 0; i < 5; i++) {
        char *run = mem_array((1 << 20) + 2, 1);
        memset(run, "xy\" z"[i], (1 << 20) + 2);
        buf_add(&file, run, (1 << 20) - 2 + i);
        buf_add_text(&file, i & 1 ? "\r\n" : "\r");
        free(run);
    }
    buf_add_text(&file, "1,2");
    fd = open(scratch_write("file.csv", buf_span(&file)), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct reader_options now = options;
        now.read_size = sizes[i];
        buf_reset(&pieces);
        reader_dump(fd, &now, i == 0 ? &whole : &pieces);
        assert_true(i == 0 || span_same(buf_span(&pieces), buf_span(&whole)));
    }
    assert_int_equal(close(fd), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(utf8),   TEST(a_delimiter_that_is_looked_for), TEST(utf16),
        TEST(ebcdic), TEST(lines_of_about_a_mebibyte),
    };

    return cmocka_run_group_tests_name("reader_chunks", tests, scratch_open, scratch_close);
}
