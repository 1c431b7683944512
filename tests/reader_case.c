/* reader_case: a file of given bytes, read record by record against what is expected. */
#include "reader_case.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

const struct reader_options COMMA = {.delimiter = ',', .max_record_bytes = 65536};
const struct reader_options AUTO = {.delimiter = 0, .max_record_bytes = 65536};

struct input input_open(struct span bytes, const struct reader_options *options)
{
    struct input input = {.bytes = bytes, .options = *options};
    struct fail fail;

    input.fd = open(scratch_write("input.csv", bytes), O_RDONLY | O_CLOEXEC);
    assert_true(input.fd >= 0);
    assert_int_equal(reader_open(&input.reader, input.fd, options, &fail), 0);
    return input;
}

void input_close(struct input *input)
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
    struct reader_options options = input->options;
    struct reader_record again;
    struct fail fail;
    struct buf cells;

    options.delimiter = reader_delimiter(input->reader);
    options.encoding = reader_encoding(input->reader);
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

void expect(struct input *input, struct want want)
{
    size_t reach = input->options.quote_reach ? input->options.quote_reach : 1 << 20;
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
    assert_int_equal(record.bytes.len, record.length < reach ? record.length : reach);
    assert_memory_equal(record.bytes.ptr, input->bytes.ptr + record.offset, record.bytes.len);
    check_parse(input, &record, &cells);
    buf_free(&cells);
}

void reader_dump(int fd, const struct reader_options *options, struct buf *out)
{
    struct reader *reader;
    struct reader_record record;
    struct fail fail;
    int rc;

    assert_int_equal(reader_open(&reader, fd, options, &fail), 0);
    while ((rc = reader_next(reader, &record, &fail)) == 1) {
        buf_addf(out, "%" PRId64 " line %" PRId64 " at %" PRId64 "+%zu fault %d quote %" PRId64 " [",
                 record.record, record.line, record.offset, record.length, (int)record.fault,
                 record.quote_line);
        buf_add_span(out, record.bytes);
        buf_add_text(out, "]");
        for (size_t i = 0; i < record.cell_count; i++) {
            buf_addf(out, " %zu:", record.cells[i].len);
            buf_add_span(out, record.cells[i]);
        }
        buf_add_char(out, '\n');
    }
    assert_int_equal(rc, 0);
    assert_false(out->full);
    reader_close(reader);
}

/* The last one has the line 0. */
void reads(struct span bytes, const struct reader_options *options, const struct want *want)
{
    struct input input = input_open(bytes, options);

    for (; want->line > 0; want++)
        expect(&input, *want);
    input_close(&input);
}
