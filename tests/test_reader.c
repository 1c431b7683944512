/* reader: where each record stands, what its cells are, and what a fault costs. */
#include "driver/reader.h"

#include "scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct reader_options COMMA = {.delimiter = ',', .max_record_bytes = 65536};
static const struct reader_options AUTO = {.delimiter = 0, .max_record_bytes = 65536};

/* What a record must be: its cells joined by '|', or the fault. */
struct want {
    int64_t line, offset;
    size_t length;
    const char *cells;
    enum reader_fault fault;
    int64_t quote_line;
};

struct input {
    struct reader *reader, *parser;
    struct span bytes;
    int fd;
    int64_t records;
};

static struct input input_open(struct span bytes, const struct reader_options *options)
{
    struct input input = {.bytes = bytes};
    struct fail fail;

    input.fd = open(scratch_write("input.csv", bytes), O_RDONLY | O_CLOEXEC);
    assert_true(input.fd >= 0);
    assert_int_equal(reader_open(&input.reader, input.fd, options, &fail), 0);
    return input;
}

static void input_close(struct input *input)
{
    struct reader_record record;
    struct fail fail;

    assert_int_equal(reader_next(input->reader, &record, &fail), 0);
    assert_int_equal(reader_next(input->reader, &record, &fail), 0);
    reader_close(input->reader);
    reader_close(input->parser);
    assert_int_equal(close(input->fd), 0);
}

static void join(const struct reader_record *record, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < record->cell_count; i++) {
        if (i > 0)
            buf_add_char(out, '|');
        buf_add_span(out, record->cells[i]);
    }
}

/* The bytes of the record alone make the same cells, or the same fault, again. */
static void check_parse(struct input *input, const struct reader_record *record, const struct buf *joined)
{
    struct reader_options options = {.delimiter = reader_delimiter(input->reader), .max_record_bytes = 65536};
    struct reader_record again;
    struct fail fail;
    struct buf cells;

    if (!input->parser)
        assert_int_equal(reader_open(&input->parser, -1, &options, &fail), 0);
    buf_init(&cells, 1 << 22);
    reader_parse(input->parser, record->bytes, record->line, &again);
    join(&again, &cells);
    assert_int_equal(again.fault, record->fault);
    assert_int_equal(again.quote_line, record->quote_line);
    assert_int_equal(again.cell_count, record->cell_count);
    assert_true(span_same(buf_span(&cells), buf_span(joined)));
    buf_free(&cells);
}

static void expect(struct input *input, struct want want)
{
    struct reader_record record;
    struct fail fail;
    struct buf cells;

    buf_init(&cells, 1 << 22);
    assert_int_equal(reader_next(input->reader, &record, &fail), 1);
    assert_int_equal(record.record, input->records++);
    assert_int_equal(record.line, want.line);
    assert_int_equal(record.offset, want.offset);
    assert_int_equal(record.length, want.length);
    assert_int_equal(record.fault, want.fault);
    assert_int_equal(record.quote_line, want.quote_line);
    join(&record, &cells);
    assert_string_equal(buf_text(&cells), want.cells ? want.cells : "");
    assert_true(span_same(record.bytes, (struct span){input->bytes.ptr + record.offset, record.length}));
    check_parse(input, &record, &cells);
    buf_free(&cells);
}

#define ROW(line, offset, length, cells) ((struct want){line, offset, length, cells, READER_WHOLE, 0})
#define LOST(line, offset, length, quote) \
    ((struct want){line, offset, length, NULL, READER_UNCLOSED_QUOTE, quote})

/* The last one has the line 0. */
static void reads(struct span bytes, const struct reader_options *options, const struct want *want)
{
    struct input input = input_open(bytes, options);

    for (; want->line > 0; want++)
        expect(&input, *want);
    input_close(&input);
}

#define READS(bytes, options, ...) reads(SPAN(bytes), options, (const struct want[]){__VA_ARGS__, {0}})

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

/* ---- sizes ---- */

enum { KIB = 1024, MIB = 1024 * 1024, READ_SIZE = 256 * KIB };

static struct buf text;

static int text_reset(void **state)
{
    (void)state;
    scratch_clear();
    buf_free(&text);
    buf_init(&text, (size_t)64 * MIB);
    return 0;
}

static int text_free(void **state)
{
    (void)state;
    buf_free(&text);
    return 0;
}

static void add_run(char c, size_t count)
{
    char *run = mem_array(count, 1);

    memset(run, c, count);
    buf_add(&text, run, count);
    assert_false(text.full);
    free(run);
}

static void a_record_has_at_most_max_record_bytes(void **state)
{
    const struct reader_options short_ones = {.delimiter = ',', .max_record_bytes = 8};
    struct input input = input_open(SPAN("a,b\n1234567,\n12345678,\n\"123\n\",8\n5,6\n"), &short_ones);
    struct reader_record record;
    struct fail fail;

    (void)state;
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect(&input, ROW(2, 4, 8, "1234567|"));
    assert_int_equal(reader_next(input.reader, &record, &fail), 1);
    assert_int_equal(record.fault, READER_TOO_LONG);
    assert_int_equal(record.cell_count, 0);
    assert_true(span_is(record.bytes, "12345678,"));
    input.records++;
    expect(&input, ROW(4, 23, 8, "123\n|8"));
    expect(&input, ROW(6, 32, 3, "5|6"));
    input_close(&input);
}

/* A quote that closes within 1 MiB makes one record, however many lines it holds. */
static void a_long_record_with_quotes_is_one_record(void **state)
{
    struct input input;

    (void)state;
    buf_add_text(&text, "a,b\n\"");
    for (int i = 0; i < 100000; i++)
        buf_add_text(&text, "12345\r\n");
    buf_add_text(&text, "\",2\n3,4\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect(&input, (struct want){2, 4, 700004, NULL, READER_TOO_LONG, 0});
    expect(&input, ROW(100003, 700009, 3, "3|4"));
    input_close(&input);
}

/* Records beyond 1 MiB of which the first MiB is kept. */
static void expect_huge(struct input *input, struct want want)
{
    struct reader_record record;
    struct fail fail;

    assert_int_equal(reader_next(input->reader, &record, &fail), 1);
    assert_int_equal(record.record, input->records++);
    assert_int_equal(record.line, want.line);
    assert_int_equal(record.offset, want.offset);
    assert_int_equal(record.length, want.length);
    assert_int_equal(record.fault, want.fault);
    assert_int_equal(record.quote_line, want.quote_line);
    assert_int_equal(record.cell_count, 0);
    assert_int_equal(record.bytes.len, MIB);
    assert_memory_equal(record.bytes.ptr, input->bytes.ptr + want.offset, MIB);
}

static void a_line_beyond_a_mebibyte_is_one_record_too_long(void **state)
{
    struct input input;

    (void)state;
    buf_add_text(&text, "a,b\n1,");
    add_run('x', (size_t)3 * MIB);
    buf_add_text(&text, "\r\n3,4\n");
    add_run('y', (size_t)2 * MIB); /* without its line end */
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect_huge(&input, (struct want){2, 4, 3 * MIB + 2, NULL, READER_TOO_LONG, 0});
    expect(&input, ROW(3, 3 * MIB + 8, 3, "3|4"));
    expect_huge(&input, (struct want){4, 3 * MIB + 12, 2 * MIB, NULL, READER_TOO_LONG, 0});
    input_close(&input);
}

/* A quote that closes within 1 MiB makes one record also where its last line leads beyond. */
static void a_record_that_ends_beyond_a_mebibyte_is_too_long(void **state)
{
    struct input input;

    (void)state;
    buf_add_text(&text, "a,b\n\"1\n2\",");
    add_run('x', (size_t)2 * MIB);
    buf_add_text(&text, "\n5\",\"1\n2\",");
    add_run('x', (size_t)2 * MIB);
    buf_add_text(&text, "\n3,4\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect_huge(&input, (struct want){2, 4, 2 * MIB + 6, NULL, READER_TOO_LONG, 0});
    expect_huge(&input, (struct want){4, 2 * MIB + 11, 2 * MIB + 9, NULL, READER_TOO_LONG, 0});
    expect(&input, ROW(6, 4 * MIB + 21, 3, "3|4"));
    input_close(&input);
}

/* Whatever stands at which place of which read: the line is one record, and so are those around it. */
static void a_line_of_about_a_mebibyte_ends_where_it_ends(void **state)
{
    static const size_t lengths[] = {
        MIB - 2, MIB - 1, MIB, MIB + 1, MIB + READ_SIZE - 1, MIB + READ_SIZE, MIB + READ_SIZE + 1, 2 * MIB};
    static const char *const ends[] = {"\n", "\r\n", "\r", ""};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t j = 0; j < 4; j++) {
            struct input input;
            struct reader_record record;
            struct fail fail;
            (void)text_reset(state);
            buf_add_text(&text, "a\n");
            add_run('x', lengths[i]);
            buf_add_text(&text, ends[j]);
            if (j < 3)
                buf_add_text(&text, "2\n");
            input = input_open(buf_span(&text), &COMMA);
            expect(&input, ROW(1, 0, 1, "a"));
            assert_int_equal(reader_next(input.reader, &record, &fail), 1);
            assert_int_equal(record.fault, READER_TOO_LONG);
            assert_int_equal(record.length, lengths[i]);
            assert_int_equal(record.line, 2);
            input.records++;
            if (j < 3)
                expect(&input, (struct want){3, (int64_t)(2 + lengths[i] + strlen(ends[j])), 1, "2",
                                             READER_WHOLE, 0});
            input_close(&input);
        }
}

static void an_unclosed_quote_with_a_mebibyte_behind_it_costs_one_record(void **state)
{
    struct input input;
    int64_t offset = 9, line = 3;

    (void)state;
    buf_add_text(&text, "a,b\n1,\"2\n");
    for (int i = 0; i < 300000; i++)
        buf_add_text(&text, "3,456\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect(&input, LOST(2, 4, 4, 2));
    for (int i = 0; i < 300000; i++, offset += 6, line++) {
        struct reader_record record;
        struct fail fail;
        assert_int_equal(reader_next(input.reader, &record, &fail), 1);
        if (record.offset != offset || record.line != line || record.fault != READER_WHOLE ||
            record.length != 5)
            fail_msg("record %d is at line %lld", i, (long long)record.line);
    }
    input_close(&input);
}

static void an_unclosed_quote_on_a_later_line_with_a_mebibyte_behind_it(void **state)
{
    struct input input;

    (void)state;
    buf_add_text(&text, "a,b\n\"1\n2\",\"3\n");
    for (int i = 0; i < 150000; i++)
        buf_add_text(&text, "3,456\r\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect(&input, LOST(2, 4, 8, 3));
    for (int i = 0; i < 150000; i++) {
        struct reader_record record;
        struct fail fail;
        assert_int_equal(reader_next(input.reader, &record, &fail), 1);
        assert_int_equal(record.line, 4 + i);
        assert_int_equal(record.offset, 13 + 7 * i);
    }
    input_close(&input);
}

/* The line on which the quote opens is itself longer than what is looked at. */
static void an_unclosed_quote_in_a_line_beyond_a_mebibyte_ends_with_that_line(void **state)
{
    struct input input;

    (void)state;
    buf_add_text(&text, "a,b\n1,\"");
    add_run('x', (size_t)3 * MIB);
    buf_add_text(&text, "\n3,4\n\"5\n6\",\"");
    add_run('x', (size_t)3 * MIB);
    buf_add_text(&text, "\r\n7,8\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 3, "a|b"));
    expect_huge(&input, LOST(2, 4, 3 * MIB + 3, 2));
    expect(&input, ROW(3, 3 * MIB + 8, 3, "3|4"));
    expect_huge(&input, LOST(4, 3 * MIB + 12, 3 * MIB + 7, 5));
    expect(&input, ROW(6, 6 * MIB + 21, 3, "7|8"));
    input_close(&input);
}

#ifdef __has_feature
#define SHADOWED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SHADOWED 1
#else
#define SHADOWED 0
#endif

/* A line of 400 MiB passes through a bounded window. */
static void memory_is_bounded_whatever_the_line(void **state)
{
    struct rlimit before, tight;
    struct reader *reader;
    struct reader_record record;
    struct fail fail;
    int fd;

    (void)state;
    if (SHADOWED)
        skip(); /* the sanitizer's shadow needs all the address space */
    fd = open(scratch_write("wide.csv", SPAN("a\n")), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)400 * MIB), 0); /* one line of NUL bytes, without blocks on disk */
    assert_int_equal(reader_open(&reader, fd, &COMMA, &fail), 0);
    assert_int_equal(reader_next(reader, &record, &fail), 1);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)200 * MIB;
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    assert_int_equal(reader_next(reader, &record, &fail), 1);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(record.fault, READER_TOO_LONG);
    assert_int_equal(record.length, 400 * MIB - 2);
    assert_int_equal(record.bytes.len, MIB);
    assert_int_equal(reader_next(reader, &record, &fail), 0);
    reader_close(reader);
    assert_int_equal(close(fd), 0);
}

static void more_than_512_cells_are_a_fault(void **state)
{
    struct input input;
    struct reader_record record;
    struct fail fail;

    (void)state;
    buf_add_text(&text, "a\n");
    add_run(',', 511);
    buf_add_text(&text, "\n");
    add_run(',', 512);
    buf_add_text(&text, "\n1\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 1, "a"));
    assert_int_equal(reader_next(input.reader, &record, &fail), 1);
    assert_int_equal(record.fault, READER_WHOLE);
    assert_int_equal(record.cell_count, 512);
    input.records++;
    expect(&input, (struct want){3, 514, 512, NULL, READER_TOO_MANY_CELLS, 0});
    expect(&input, ROW(4, 1027, 1, "1"));
    input_close(&input);
}

/* ---- where one read of the file ends and the next begins ---- */

/* `tail` begins so that its byte `at` is the first of the second read. */
static int64_t at_boundary(const char *tail, size_t at)
{
    int64_t begin = READ_SIZE - (int64_t)at;

    (void)text_reset(NULL);
    buf_add_text(&text, "a,b\n");
    while ((int64_t)text.len + 200 < begin)
        buf_add_text(&text, "1,2\n");
    add_run('0', (size_t)begin - text.len - 3);
    buf_add_text(&text, ",2\n");
    assert_int_equal(text.len, begin);
    buf_add_text(&text, tail);
    return begin;
}

static struct input boundary_open(int64_t begin, int64_t *line)
{
    struct input input = input_open(buf_span(&text), &COMMA);
    struct reader_record record;
    struct fail fail;

    do {
        assert_int_equal(reader_next(input.reader, &record, &fail), 1);
        assert_int_equal(record.fault, READER_WHOLE);
        input.records++;
    } while (record.offset + (int64_t)record.length + 1 < begin);
    *line = record.line + 1;
    return input;
}

static void line_ends_on_the_read_boundary(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};

    (void)state;
    for (size_t j = 0; j < 3; j++)
        for (size_t at = 0; at < 10; at++) {
            char tail[64];
            size_t end = strlen(ends[j]);
            int64_t begin, line;
            struct input input;
            (void)snprintf(tail, sizeof tail, "x,y%s%sz,w%s", ends[j], ends[j], ends[j]);
            begin = at_boundary(tail, at);
            input = boundary_open(begin, &line);
            expect(&input, ROW(line, begin, 3, "x|y"));
            expect(&input, ROW(line + 2, begin + 3 + 2 * (int64_t)end, 3, "z|w"));
            input_close(&input);
        }
}

static void quotes_on_the_read_boundary(void **state)
{
    (void)state;
    for (size_t at = 0; at < 24; at++) {
        int64_t begin = at_boundary("\"x\"\"\r\n\",\"y\"\r\nq\"r,s\r\n\"t\"u\r\n1,2", at), line;
        struct input input = boundary_open(begin, &line);
        expect(&input, ROW(line, begin, 11, "x\"\r\n|y"));
        expect(&input, ROW(line + 2, begin + 13, 5, "q\"r|s"));
        expect(&input, (struct want){line + 3, begin + 20, 4, NULL, READER_UNCLOSED_QUOTE, line + 3});
        expect(&input, ROW(line + 4, begin + 26, 3, "1|2"));
        input_close(&input);
    }
}

static void the_file_ends_on_the_read_boundary(void **state)
{
    static const char *const tails[] = {"x,y", "x,y\n", "x,y\r", "x,y\r\n", "x,\"y\"", "x,\"y\n\""};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        int64_t begin = at_boundary(tails[i], strlen(tails[i])), line;
        struct input input = boundary_open(begin, &line);
        struct reader_record record;
        struct fail fail;
        assert_int_equal(reader_next(input.reader, &record, &fail), 1);
        assert_int_equal(record.fault, READER_WHOLE);
        assert_int_equal(record.offset, begin);
        assert_true(span_is(record.cells[0], "x"));
        input_close(&input);
    }
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
    reader_parse(parser, SPAN(""), 1, &record);
    assert_int_equal(record.cell_count, 0);
    reader_parse(parser, SPAN("6"), 1, &record);
    assert_int_equal(record.cell_count, 1);
    reader_close(parser);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, text_reset, text_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_ends_with_lf_crlf_or_a_lone_cr),
        TEST(the_last_line_may_lack_its_end),
        TEST(an_empty_file_has_no_records),
        TEST(blank_lines_are_skipped_but_counted),
        TEST(a_byte_order_mark_is_no_part_of_the_header),
        TEST(quotes_hold_line_breaks_delimiters_and_doubled_quotes),
        TEST(blanks_around_a_cell_go_unless_quoted),
        TEST(a_nul_byte_is_text),
        TEST(a_delimiter_may_be_a_tab),
        TEST(auto_takes_what_stands_most_often_in_the_header),
        TEST(a_quote_inside_an_unquoted_cell_is_text),
        TEST(text_behind_a_closing_quote_costs_one_record),
        TEST(an_unclosed_quote_costs_one_record),
        TEST(an_unclosed_quote_may_open_on_a_later_line_of_its_record),
        TEST(a_record_has_at_most_max_record_bytes),
        TEST(a_long_record_with_quotes_is_one_record),
        TEST(a_line_beyond_a_mebibyte_is_one_record_too_long),
        TEST(a_record_that_ends_beyond_a_mebibyte_is_too_long),
        TEST(a_line_of_about_a_mebibyte_ends_where_it_ends),
        TEST(an_unclosed_quote_with_a_mebibyte_behind_it_costs_one_record),
        TEST(an_unclosed_quote_on_a_later_line_with_a_mebibyte_behind_it),
        TEST(an_unclosed_quote_in_a_line_beyond_a_mebibyte_ends_with_that_line),
        TEST(memory_is_bounded_whatever_the_line),
        TEST(more_than_512_cells_are_a_fault),
        TEST(line_ends_on_the_read_boundary),
        TEST(quotes_on_the_read_boundary),
        TEST(the_file_ends_on_the_read_boundary),
        TEST(parsing_does_not_depend_on_what_was_parsed_before),
        TEST(a_file_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests_name("reader", tests, scratch_open, scratch_close);
}
