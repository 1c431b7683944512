/* reader: where each record stands, what its cells are, and what a quote out of place costs. */
#include "reader_case.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

/* ---- lines ---- */

static void a_line_ends_with_lf_crlf_or_a_lone_cr(void **state)
{
    (void)state;
    READS("a,b\n1,2\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 3, "1|2"));
    READS("a,b\r\n1,2\r\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 5, 3, "1|2"));
    READS("a,b\r1,2\r", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 3, "1|2"));
    READS("a\n1\r2\r\n3\n\r4", &COMMA, ROW(1, 0, 1, "a"), ROW(2, 2, 1, "1"), ROW(3, 4, 1, "2"),
          ROW(4, 7, 1, "3"), ROW(6, 10, 1, "4"));
}

static void the_last_line_may_lack_its_end(void **state)
{
    (void)state;
    READS("a,b\n1,2", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 3, "1|2"));
    READS("a,b\n1,", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 2, "1|"));
    READS("a,b\n1,\"2\"", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 5, "1|2"));
    READS("a,b\r\n1,2\r", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 5, 3, "1|2"));
}

static void an_empty_file_has_no_records(void **state)
{
    (void)state;
    reads(SPAN(""), &COMMA, (const struct want[]){{0}});
    reads(SPAN(""), &AUTO, (const struct want[]){{0}});
    reads(SPAN("\n\r\n \t \r\r"), &COMMA, (const struct want[]){{0}});
    reads(SPAN("\n\n"), &AUTO, (const struct want[]){{0}});
    reads(SPAN("\xEF\xBB\xBF"), &COMMA, (const struct want[]){{0}});
    READS("a,b", &COMMA, ROW(1, 0, 3, "a|b"));
}

static void blank_lines_are_skipped_but_counted(void **state)
{
    (void)state;
    READS("\n\na,b\n\n1,2\n \t\n\n3,4\n\n", &COMMA, ROW(3, 2, 3, "a|b"), ROW(5, 7, 3, "1|2"),
          ROW(8, 15, 3, "3|4"));
    READS("a\r\n\r\n1\r\n", &COMMA, ROW(1, 0, 1, "a"), ROW(3, 5, 1, "1"));
    /* Two empty quotes are a cell, and delimiters alone are cells. */
    READS("a\n\"\"\n,\n", &COMMA, ROW(1, 0, 1, "a"), ROW(2, 2, 2, ""), ROW(3, 5, 1, "|"));
}

static void a_byte_order_mark_is_no_part_of_the_header(void **state)
{
    (void)state;
    READS("\xEF\xBB\xBF"
          "a,b\n1,2\n",
          &COMMA, ROW(1, 3, 3, "a|b"), ROW(2, 7, 3, "1|2"));
    READS("\xEF\xBB\xBF\"a\",b\n", &COMMA, ROW(1, 3, 5, "a|b"));
    /* Only at the start of the file. */
    READS("a\n\xEF\xBB\xBF"
          "1\n",
          &COMMA, ROW(1, 0, 1, "a"),
          ROW(2, 2, 4,
              "\xEF\xBB\xBF"
              "1"));
}

static void quotes_hold_line_breaks_delimiters_and_doubled_quotes(void **state)
{
    (void)state;
    READS("a,b\n\"x\ny\r\nz\",2\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 10, "x\ny\r\nz|2"),
          ROW(5, 15, 3, "3|4"));
    READS("a\n\"1\r2\"\r3\r", &COMMA, ROW(1, 0, 1, "a"), ROW(2, 2, 5, "1\r2"), ROW(4, 8, 1, "3"));
    READS("a,b\n\"1,2\",\"say \"\"hi\"\"\"\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 18, "1,2|say \"hi\""));
    READS("a\n\"\n\n\"\n1\n", &COMMA, ROW(1, 0, 1, "a"), ROW(2, 2, 4, "\n\n"), ROW(5, 7, 1, "1"));
    READS("\"a\nb\",c\n1,2\n", &COMMA, ROW(1, 0, 7, "a\nb|c"), ROW(3, 8, 3, "1|2"));
}

static void blanks_around_a_cell_go_unless_quoted(void **state)
{
    (void)state;
    READS("a,b\n 1 ,\t2 2\t\n\" 3 \" , \"4\" \n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 9, "1|2 2"),
          ROW(3, 14, 12, " 3 |4"));
}

static void a_nul_byte_is_text(void **state)
{
    static const char bytes[] = "a,b\n1\0,\"2\0\n\0\"\n3,4\n";
    struct input input = input_open((struct span){bytes, sizeof bytes - 1}, &COMMA);
    struct reader_record record;
    struct fail fail;

    (void)state;
    expect(&input, ROW(1, 0, 3, "a|b"));
    assert_int_equal(reader_next(input.reader, &record, &fail), 1);
    assert_int_equal(record.line, 2);
    assert_int_equal(record.length, 9);
    assert_int_equal(record.cell_count, 2);
    assert_true(span_same(record.cells[0], SPAN("1\0")));
    assert_true(span_same(record.cells[1], SPAN("2\0\n\0")));
    input.records++;
    expect(&input, ROW(4, 14, 3, "3|4"));
    input_close(&input);
}

/* ---- delimiters ---- */

static void a_delimiter_may_be_a_tab(void **state)
{
    const struct reader_options tab = {.delimiter = '\t', .max_record_bytes = 65536};

    (void)state;
    READS("a\tb\n1\t2,3\n\t\n \n4\t\n", &tab, ROW(1, 0, 3, "a|b"), ROW(2, 4, 5, "1|2,3"), ROW(3, 10, 1, "|"),
          ROW(5, 14, 2, "4|"));
    READS("a\tb\n\"1\"\t\"2\tx\" \n", &tab, ROW(1, 0, 3, "a|b"), ROW(2, 4, 10, "1|2\tx"));
}

static void auto_takes_what_stands_most_often_in_the_header(void **state)
{
    (void)state;
    READS("a;b;c,d\n1;2;3\n", &AUTO, ROW(1, 0, 7, "a|b|c,d"), ROW(2, 8, 5, "1|2|3"));
    READS("a\tb\n1\t2\n", &AUTO, ROW(1, 0, 3, "a|b"), ROW(2, 4, 3, "1|2"));
    READS("\n\na|b\n1|2\n", &AUTO, ROW(3, 2, 3, "a|b"), ROW(4, 6, 3, "1|2"));
    READS("\"a,b,c\";d\n1;2\n", &AUTO, ROW(1, 0, 9, "a,b,c|d"), ROW(2, 10, 3, "1|2"));
    READS("\xEF\xBB\xBF"
          "a;b\n1;2\n",
          &AUTO, ROW(1, 3, 3, "a|b"), ROW(2, 7, 3, "1|2"));
    READS("a\n1,2\n", &AUTO, ROW(1, 0, 1, "a"), ROW(2, 2, 3, "1|2")); /* none: a comma */
}

/* ---- quotes that are out of place ---- */

static void a_quote_inside_an_unquoted_cell_is_text(void **state)
{
    (void)state;
    READS("a,b\n5\" disk,2\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 9, "5\" disk|2"),
          ROW(3, 14, 3, "3|4"));
    READS("a,b\nx\"y\"z, \"2\"\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 10, "x\"y\"z|2"));
    READS("a,b\n5\",\"x\ny\"\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 8, "5\"|x\ny"),
          ROW(4, 13, 3, "3|4"));
    READS("a,b\n1,5\"", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 4, "1|5\""));
}

static void text_behind_a_closing_quote_costs_one_record(void **state)
{
    (void)state;
    READS("a,b\n\"1\"x,2\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 6, 2), ROW(3, 11, 3, "3|4"));
    READS("a,b\n\"1\" \"2\",2\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 9, 2), ROW(3, 14, 3, "3|4"));
    READS("a,b\n5\",\"1\"x\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 7, 2), ROW(3, 12, 3, "3|4"));
    READS("a,b\n3,\"4\"x", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 6, 2));
    /* Closed on the next line, with text behind it: the record ends with its first line all the same. */
    READS("a,b\n1,\"2\n3,\"4\"\n5,6\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 4, 2), ROW(3, 9, 5, "3|4"),
          ROW(4, 15, 3, "5|6"));
    /* The same with a stray quote in front, which needs another way of parsing. */
    READS("a,b\n5\",\"2\n3\"x,4\n5,6\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 5, 2),
          ROW(3, 10, 5, "3\"x|4"), ROW(4, 16, 3, "5|6"));
}

static void an_unclosed_quote_costs_one_record(void **state)
{
    (void)state;
    READS("a,b\n1,\"2\n3,4\n5,6\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 4, 2), ROW(3, 9, 3, "3|4"),
          ROW(4, 13, 3, "5|6"));
    READS("a,b\r\n1,\"2\r\n3,4", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 5, 4, 2), ROW(3, 11, 3, "3|4"));
    READS("a,b\n1,2\n3,\"", &COMMA, ROW(1, 0, 3, "a|b"), ROW(2, 4, 3, "1|2"), LOST(3, 8, 3, 3));
    READS("a,b\n5\",\"2", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 5, 2));
    READS("\"a,b\n1,2\n", &COMMA, LOST(1, 0, 4, 1), ROW(2, 5, 3, "1|2"));
    READS("a,b\n1,\"2\n\n \n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 4, 2), ROW(5, 12, 3, "3|4"));
}

static void an_unclosed_quote_may_open_on_a_later_line_of_its_record(void **state)
{
    (void)state;
    READS("a,b\n\"x\ny\",\"2\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 8, 3), ROW(4, 13, 3, "3|4"));
    READS("a,b\r\"x\ry\rz\",\"2\r3,4\r", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 10, 4),
          ROW(5, 15, 3, "3|4"));
    READS("a,b\n\"x\ny\",\"2\"z\n3,4\n", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 10, 3),
          ROW(4, 15, 3, "3|4"));
    READS("a,b\n\"x\ny\",\"2", &COMMA, ROW(1, 0, 3, "a|b"), LOST(2, 4, 8, 3));
}

/* ---- other ---- */

/* Bytes of a file that was changed behind our back leave nothing in the parser. */
static void parsing_does_not_depend_on_what_was_parsed_before(void **state)
{
    struct reader *parser;
    struct reader_record record;
    struct fail fail;

    (void)state;
    assert_int_equal(reader_open(&parser, -1, &COMMA, &fail), 0);
    reader_parse(parser, SPAN("1\n2,\"3"), 1, &record);
    reader_parse(parser, SPAN("4,5"), 1, &record);
    assert_int_equal(record.fault, READER_WHOLE);
    assert_int_equal(record.cell_count, 2);
    assert_true(span_is(record.cells[0], "4") && span_is(record.cells[1], "5"));
    reader_parse(parser, SPAN("1\n2,\"3"), 1, &record);
    reader_parse(parser, SPAN("4\",5"), 1, &record); /* would close a quote left open */
    assert_int_equal(record.fault, READER_WHOLE);
    assert_true(span_is(record.cells[0], "4\"") && span_is(record.cells[1], "5"));
    reader_parse(parser, SPAN(""), 1, &record);
    assert_int_equal(record.cell_count, 0);
    reader_parse(parser, SPAN(" \t"), 1, &record);
    assert_int_equal(record.cell_count, 0);
    reader_parse(parser, SPAN("1\n2,3"), 1, &record);
    assert_int_equal(record.cell_count, 3);
    reader_parse(parser, SPAN("6"), 1, &record);
    assert_int_equal(record.cell_count, 1);
    reader_close(parser);
}

/* The stray quote needs parsing without strictness, which the next record must not be read with. */
static void parsing_leaves_what_is_read_next_alone(void **state)
{
    static const char *const encodings[] = {"UTF-8", "SHIFT_JIS"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct reader_options options = {
            .delimiter = ',', .max_record_bytes = 65536, .encoding = encodings[i]};
        struct input input = input_open(SPAN("a,b\n\"1\"x\",2\n\"3\n4"), &options);
        struct reader_record record;
        expect(&input, ROW(1, 0, 3, "a|b"));
        reader_parse(input.reader, SPAN("5\",2"), 9, &record);
        assert_int_equal(record.fault, READER_WHOLE);
        expect(&input, LOST(2, 4, 7, 2));
        reader_parse(input.reader, SPAN("5"), 9, &record); /* in front of the next it would hide its quote */
        expect(&input, LOST(3, 12, 2, 3));
        expect(&input, ROW(4, 15, 1, "4"));
        input_close(&input);
    }
}

static void cuts(const char *encoding, struct span bytes, size_t cells, size_t want)
{
    const struct reader_options options = {.delimiter = ',', .max_record_bytes = 65536, .encoding = encoding};
    struct reader *parser;
    struct fail fail;

    assert_int_equal(reader_open(&parser, -1, &options, &fail), 0);
    assert_int_equal(reader_cut(parser, bytes, cells), want);
    reader_close(parser);
}

static void the_place_behind_some_cells(void **state)
{
    (void)state;
    cuts(NULL, SPAN("1,2,3"), 1, 1);
    cuts(NULL, SPAN("1,2,3"), 2, 3);
    cuts(NULL, SPAN("1,2,3"), 3, SIZE_MAX);
    cuts(NULL, SPAN("1,2,3"), 0, SIZE_MAX);
    cuts(NULL, SPAN("\"a,\"\"\n\" ,5\",x"), 1, 8);
    cuts(NULL, SPAN("\"a,\"\"\n\" ,5\",x"), 2, 11);
    cuts(NULL, SPAN("1,\"2\"x,3"), 2, SIZE_MAX); /* broken before the place */
    /* A katakana of two bytes; a byte that is no character; over two lines. */
    cuts("SHIFT_JIS", SPAN("\x83\x7C,\xFD,\x83\x7C"), 2, 4);
    cuts("SHIFT_JIS", SPAN("\"\x83\x7C\r\n\x83\x7C\",2"), 1, 8);
    cuts("UTF-16BE",
         SPAN("\0\xE9\0,\0"
              "2"),
         1, 2);
    cuts("IBM500", SPAN("\xF1\x6B\xF2"), 1, 1);
    cuts("UTF-7", SPAN("+AOkALADp-,1"), 1, 4); /* the comma is one of the base 64 digits' */
    cuts("UTF-7", SPAN("+AOk-,1"), 1, 5);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
    struct reader *reader;
    struct reader_record record;
    struct fail fail;
    int fd = open(scratch_path("write-only.csv"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(reader_open(&reader, fd, &COMMA, &fail), 0);
    assert_int_equal(reader_next(reader, &record, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_string_equal(fail.text, "cannot read: Bad file descriptor");
    reader_close(reader);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_ends_with_lf_crlf_or_a_lone_cr),
        cmocka_unit_test(the_last_line_may_lack_its_end),
        cmocka_unit_test(an_empty_file_has_no_records),
        cmocka_unit_test(blank_lines_are_skipped_but_counted),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_header),
        cmocka_unit_test(quotes_hold_line_breaks_delimiters_and_doubled_quotes),
        cmocka_unit_test(blanks_around_a_cell_go_unless_quoted),
        cmocka_unit_test(a_nul_byte_is_text),
        cmocka_unit_test(a_delimiter_may_be_a_tab),
        cmocka_unit_test(auto_takes_what_stands_most_often_in_the_header),
        cmocka_unit_test(a_quote_inside_an_unquoted_cell_is_text),
        cmocka_unit_test(text_behind_a_closing_quote_costs_one_record),
        cmocka_unit_test(an_unclosed_quote_costs_one_record),
        cmocka_unit_test(an_unclosed_quote_may_open_on_a_later_line_of_its_record),
        cmocka_unit_test(parsing_does_not_depend_on_what_was_parsed_before),
        cmocka_unit_test(parsing_leaves_what_is_read_next_alone),
        cmocka_unit_test(the_place_behind_some_cells),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests_name("reader", tests, scratch_open, scratch_close);
}
