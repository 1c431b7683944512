/* reader: lines that are cut without libcsv, and those that are not, make the same cells. A file in another
 * encoding is decoded first and never cut so: read as ISO-8859-1, ASCII shows what libcsv makes of it. */
#include "reader_case.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

enum { FILES = 800, BYTES_MOST = 400 };

static void cells_in_quotes_and_others_stand_side_by_side(void **state)
{
    (void)state;
    READS("a,\"b\",c\n\"1\",2,\"3\"\n", &COMMA, ROW(1, 0, 7, "a|b|c"), ROW(2, 8, 9, "1|2|3"));
    READS("\"a,b\",\" c \"\n\"\",\"\"\n\"\"\n", &COMMA, ROW(1, 0, 11, "a,b| c "), ROW(2, 12, 5, "|"),
          ROW(3, 18, 2, ""));
    READS(",,\n,\n\"\",\n", &COMMA, ROW(1, 0, 2, "||"), ROW(2, 3, 1, "|"), ROW(3, 5, 3, "|"));
    READS(" a ,\t b\t,c d \n , \n", &COMMA, ROW(1, 0, 13, "a|b|c d"), ROW(2, 14, 3, "|"));
}

static void what_else_a_quote_does_is_left_to_the_parser(void **state)
{
    (void)state;
    READS("\"a\"\"b\",c\n1, \"2,3\" \n\"4\" ,5\n", &COMMA, ROW(1, 0, 8, "a\"b|c"), ROW(2, 9, 9, "1|2,3"),
          ROW(3, 19, 6, "4|5"));
    READS("a,b\n1,\"2\n3\"\n4,\"5\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 7, "1|2\n3"), LOST(4, 12, 4, 4));
}

static void a_blank_may_be_the_delimiter(void **state)
{
    const struct reader_options space = {.delimiter = ' ', .max_record_bytes = 65536};

    (void)state;
    READS("a b\t \"c d\"\n\t1  2\n", &space, ROW(1, 0, 10, "a|b|c d"), ROW(2, 11, 5, "1||2"));
}

static void compare(const struct reader_record records[2])
{
    assert_int_equal(records[0].fault, records[1].fault);
    assert_int_equal(records[0].line, records[1].line);
    assert_int_equal(records[0].length, records[1].length);
    assert_int_equal(records[0].quote_line, records[1].quote_line);
    assert_int_equal(records[0].cell_count, records[1].cell_count);
    for (size_t i = 0; i < records[0].cell_count; i++)
        assert_true(span_same(records[0].cells[i], records[1].cells[i]));
}

/* One file, read and parsed both ways; how many of its records are whole. */
static int read_both_ways(int fd, const struct reader_options *utf8)
{
    struct reader_options latin = *utf8;
    struct reader *readers[2], *parsers[2];
    struct reader_record records[2];
    struct fail fail;
    int rc, whole = 0;

    latin.encoding = "ISO-8859-1";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reader_open(&readers[i], fd, i ? &latin : utf8, &fail), 0);
        assert_int_equal(reader_open(&parsers[i], -1, i ? &latin : utf8, &fail), 0);
    }
    for (;;) {
        rc = reader_next(readers[0], &records[0], &fail);
        assert_int_equal(reader_next(readers[1], &records[1], &fail), rc);
        if (rc != 1)
            break;
        compare(records);
        whole += records[0].fault == READER_WHOLE;
        for (int i = 0; i < 2; i++)
            reader_parse(parsers[i], records[i].bytes, records[i].line, &records[i]);
        compare(records);
    }
    assert_int_equal(rc, 0);
    for (int i = 0; i < 2; i++) {
        reader_close(readers[i]);
        reader_close(parsers[i]);
    }
    return whole;
}

/* The same in every run. */
static uint32_t next_odd(void)
{
    static uint32_t odd = 1;

    odd = odd * 1103515245 + 12345;
    return odd >> 16;
}

static void add_some(struct buf *text, char delimiter)
{
    static const char *const pieces[] = {"a",     "bc",          " ",  "\t",   "\"",
                                         "\"d\"", "\"e,f;g\t\"", "\n", "\r\n", "\r"};
    uint32_t odd = next_odd() % 16;

    if (odd < sizeof pieces / sizeof pieces[0])
        buf_add_text(text, pieces[odd]);
    else
        buf_add_char(text, delimiter);
}

static void a_line_is_cut_as_the_parser_would(void **state)
{
    static const char delimiters[] = ",;\t ";
    int fd, whole = 0;

    (void)state;
    for (int file = 0; file < FILES; file++) {
        struct reader_options options = {.delimiter = delimiters[file % 4], .max_record_bytes = 65536};
        size_t most = 1 + next_odd() % BYTES_MOST;
        struct buf text;
        buf_init(&text, (size_t)2 * BYTES_MOST);
        while (text.len < most)
            add_some(&text, options.delimiter);
        fd = open(scratch_write("file.csv", buf_span(&text)), O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        whole += read_both_ways(fd, &options);
        assert_int_equal(close(fd), 0);
        buf_free(&text);
    }
    assert_true(whole > FILES); /* most of what was read is no fault */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_in_quotes_and_others_stand_side_by_side),
        cmocka_unit_test(what_else_a_quote_does_is_left_to_the_parser),
        cmocka_unit_test(a_blank_may_be_the_delimiter),
        cmocka_unit_test(a_line_is_cut_as_the_parser_would),
    };

    return cmocka_run_group_tests_name("reader_split", tests, scratch_open, scratch_close);
}
