/* reader: records of any size, and whatever stands where one read of the file ends and the next begins. */
#include "reader_case.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

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

static void too_many_cells_are_a_fault(void **state)
{
    struct input input;
    struct reader_record record;
    struct fail fail;

    (void)state;
    buf_add_text(&text, "a\n");
    add_run(',', READER_CELLS_MAX - 1);
    buf_add_text(&text, "\n");
    add_run(',', READER_CELLS_MAX);
    buf_add_text(&text, "\n1\n");
    input = input_open(buf_span(&text), &COMMA);
    expect(&input, ROW(1, 0, 1, "a"));
    assert_int_equal(reader_next(input.reader, &record, &fail), 1);
    assert_int_equal(record.fault, READER_WHOLE);
    assert_int_equal(record.cell_count, READER_CELLS_MAX);
    input.records++;
    expect(&input, (struct want){3, READER_CELLS_MAX + 2, READER_CELLS_MAX, NULL, READER_TOO_MANY_CELLS, 0});
    expect(&input, ROW(4, 2 * READER_CELLS_MAX + 3, 1, "1"));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, text_reset, text_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_has_at_most_max_record_bytes),
        TEST(a_long_record_with_quotes_is_one_record),
        TEST(a_line_beyond_a_mebibyte_is_one_record_too_long),
        TEST(a_record_that_ends_beyond_a_mebibyte_is_too_long),
        TEST(a_line_of_about_a_mebibyte_ends_where_it_ends),
        TEST(an_unclosed_quote_with_a_mebibyte_behind_it_costs_one_record),
        TEST(an_unclosed_quote_on_a_later_line_with_a_mebibyte_behind_it),
        TEST(an_unclosed_quote_in_a_line_beyond_a_mebibyte_ends_with_that_line),
        TEST(memory_is_bounded_whatever_the_line),
        TEST(too_many_cells_are_a_fault),
        TEST(line_ends_on_the_read_boundary),
        TEST(quotes_on_the_read_boundary),
        TEST(the_file_ends_on_the_read_boundary),
    };

    return cmocka_run_group_tests_name("reader_sizes", tests, scratch_open, scratch_close);
}
