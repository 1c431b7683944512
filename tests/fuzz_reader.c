/* Fuzz entry over the reader: any bytes are a file, and what comes out must be places in it.
 *
 * The first byte chooses the delimiter and the limit; of the rest a memory file is made, with filling
 * bytes that put it around the reads' boundaries when asked for. Records ascend and never overlap, what
 * lies between them is blank, and the bytes of each parse to the same cells or the same fault again. */
#define _GNU_SOURCE /* memfd_create */
#include "driver/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READ_SIZE = 1 << 18, KEPT_MAX = 1 << 20 };

struct cells {
    struct buf text;
    size_t count;
};

static void copy_cells(const struct reader_record *record, struct cells *out)
{
    buf_reset(&out->text);
    out->count = record->cell_count;
    for (size_t i = 0; i < record->cell_count; i++) {
        buf_addf(&out->text, "%zu:", record->cells[i].len);
        buf_add_span(&out->text, record->cells[i]);
    }
    assert(!out->text.full);
}

/* Between records stand line ends and blanks, and before the first perhaps a byte order mark. */
static int64_t check_gap(struct span file, int64_t from, int64_t to)
{
    int64_t lines = 0;

    if (from == 0 && to >= 3 && memcmp(file.ptr, "\xEF\xBB\xBF", 3) == 0)
        from = 3;
    for (int64_t i = from; i < to; i++) {
        assert(memchr(" \t\r\n", file.ptr[i], 4));
        lines += file.ptr[i] == '\n' ||
                 (file.ptr[i] == '\r' && ((size_t)i + 1 == file.len || file.ptr[i + 1] != '\n'));
    }
    return lines;
}

static int64_t lines_in(struct span bytes)
{
    int64_t lines = 0;

    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.ptr[i] == '\n' ||
                 (bytes.ptr[i] == '\r' && (i + 1 == bytes.len || bytes.ptr[i + 1] != '\n'));
    return lines;
}

static void check_parse(struct reader *parser, const struct reader_record *record, struct cells *first,
                        struct cells *second)
{
    struct reader_record again;

    copy_cells(record, first);
    reader_parse(parser, record->bytes, record->line, &again);
    copy_cells(&again, second);
    /* A record that leads out of reach may hide an unclosed quote there. */
    if (record->bytes.len < record->length || (record->length > KEPT_MAX && record->fault == READER_TOO_LONG))
        return;
    assert(again.fault == record->fault && again.quote_line == record->quote_line);
    assert(first->count == second->count);
    assert(span_same(buf_span(&first->text), buf_span(&second->text)));
}

static void check_record(struct span file, const struct reader_record *record, size_t limit)
{
    struct span bytes = {file.ptr + record->offset, record->length};

    assert(record->length > 0 && (size_t)record->offset + record->length <= file.len);
    assert(record->bytes.len == record->length || record->bytes.len == KEPT_MAX);
    assert(memcmp(record->bytes.ptr, bytes.ptr, record->bytes.len) == 0);
    assert(memchr("\r\n", bytes.ptr[0], 2) == NULL);
    assert(record->cell_count <= READER_CELLS_MAX);
    switch (record->fault) {
    case READER_WHOLE:
        assert(record->cell_count > 0 && record->length <= limit);
        break;
    case READER_TOO_LONG:
        assert(record->length > limit);
        break;
    case READER_UNCLOSED_QUOTE:
        assert(record->quote_line == record->line + lines_in(bytes)); /* the line it ends with */
        break;
    case READER_TOO_MANY_CELLS:
        assert(record->length >= READER_CELLS_MAX);
        break;
    }
    assert(record->fault == READER_WHOLE || record->cell_count == 0);
}

static void read_all(int fd, struct span file, const struct reader_options *options)
{
    struct cells first = {.text = {.cap = 1 << 23}}, second = {.text = {.cap = 1 << 23}};
    struct reader_options again = *options;
    struct reader *reader, *parser = NULL;
    struct reader_record record;
    struct fail fail;
    int64_t at = 0, line = 1, number = 0;
    int rc;

    assert(reader_open(&reader, fd, options, &fail) == 0);
    while ((rc = reader_next(reader, &record, &fail)) == 1) {
        if (!parser) {
            again.delimiter = reader_delimiter(reader);
            assert(reader_open(&parser, -1, &again, &fail) == 0);
        }
        assert(record.record == number && record.offset >= at);
        number++;
        line += check_gap(file, at, record.offset);
        assert(record.line == line);
        check_record(file, &record, options->max_record_bytes);
        check_parse(parser, &record, &first, &second);
        at = record.offset + (int64_t)record.length;
        line += lines_in((struct span){file.ptr + record.offset, record.length});
    }
    assert(rc == 0);
    (void)check_gap(file, at, (int64_t)file.len);
    reader_close(reader);
    reader_close(parser);
    buf_free(&first.text);
    buf_free(&second.text);
}

/* Bytes in front of what is tried: one long cell, or lines of a kibibyte. */
static void add_run(struct buf *out, bool lines, size_t total)
{
    char block[1024];

    memset(block, 'x', sizeof block);
    block[sizeof block - 1] = lines ? '\n' : 'x';
    for (size_t n = 0; n < total; n += sizeof block)
        buf_add(out, block, total - n < sizeof block ? total - n : sizeof block);
}

/* Of the mode's bits 8 and 16: as it is, as it is, with its middle on the reads' boundary, or with about a
 * mebibyte (bits 64 and 128: how much) in its middle; bit 32: in lines. */
static void make_file(uint8_t mode, struct span rest, struct buf *file)
{
    size_t half = rest.len / 2;
    bool lines = mode & 32;

    if ((mode & 24) == 16 && half < READ_SIZE)
        add_run(file, lines, READ_SIZE - half);
    if ((mode & 24) == 24) {
        buf_add(file, rest.ptr, half);
        add_run(file, lines, (size_t)KEPT_MAX - 64 + (size_t)(mode >> 6) * 64);
        rest.ptr += half;
        rest.len -= half;
    }
    buf_add_span(file, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', 0, '\t', ';'};
    struct buf file = {.cap = 1 << 22};
    struct reader_options options;
    int fd;

    if (size == 0)
        return 0;
    options = (struct reader_options){.delimiter = delimiters[data[0] & 3],
                                      .max_record_bytes = data[0] & 4 ? 64 : 65536};
    make_file(data[0], (struct span){(const char *)data + 1, size - 1}, &file);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, file.ptr, file.len) == (ssize_t)file.len);
    read_all(fd, buf_span(&file), &options);
    (void)close(fd);
    buf_free(&file);
    return 0;
}
