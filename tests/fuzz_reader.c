/* Fuzz entry over the reader: any bytes are a file, and what comes out must be places in it.
 *
 * The first three bytes choose delimiter and limits, the encoding, and the size of a read; the rest is the
 * file, in a memory file that all runs share. Reach and limits are small, so that short files lead out of
 * them. Records ascend and never overlap, what lies between them is blank, lines are counted as the bytes
 * say, the bytes of each record parse to the same cells or the same fault again, and so do its first cells
 * alone; read in one piece the file has the same records. */
#define _GNU_SOURCE /* memfd_create */
#include "driver/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REACH = 256, DUMP_CAP = 1 << 22 };

/* How lines and blanks look in an encoding, told here once more because the reader learns it from iconv. */
struct look {
    const char *name;
    size_t unit;
    const char *lf, *cr, *nel, *space, *tab;
    bool shifts; /* has bytes that are no text: a line of them is blank */
};

#define ASCII(name, shifts)                          \
    {                                                \
        name, 1, "\n", "\r", NULL, " ", "\t", shifts \
    }
static const struct look LOOKS[] = {
    ASCII(NULL, false),
    ASCII(NULL, false),
    ASCII("WINDOWS-1252", false),
    ASCII("SHIFT_JIS", false),
    ASCII("GB18030", false),
    ASCII("BIG5-HKSCS", false),
    ASCII("EUC-KR", false),
    ASCII("CP1258", false),
    ASCII("ISO-2022-JP", true),
    ASCII("ISO-2022-KR", true),
    ASCII("UTF-7", true),
    {"IBM500", 1, "\x25", "\x0D", "\x15", "\x40", "\x05", false},
    {"IBM930", 1, "\x25", "\x0D", "\x15", "\x40", "\x05", true},
    {"UTF-16LE", 2, "\n\0", "\r\0", NULL, " \0", "\t\0", false},
    {"UTF-16BE", 2, "\0\n", "\0\r", NULL, "\0 ", "\0\t", false},
    {"UTF-32BE", 4, "\0\0\0\n", "\0\0\0\r", NULL, "\0\0\0 ", "\0\0\0\t", false},
};

/* What the runs share; reset by each. */
static int shared_fd = -1;

static bool is_unit(const struct look *look, const char *unit, struct span bytes, size_t at)
{
    return unit && at + look->unit <= bytes.len && memcmp(bytes.ptr + at, unit, look->unit) == 0;
}

static int64_t lines_in(const struct look *look, struct span bytes, bool blank)
{
    int64_t lines = 0;

    for (size_t i = 0; i < bytes.len; i += look->unit) {
        bool cr = is_unit(look, look->cr, bytes, i), lf = is_unit(look, look->lf, bytes, i);
        size_t next = i + look->unit;
        lf = lf || is_unit(look, look->nel, bytes, i);
        assert(!blank || look->shifts || cr || lf || is_unit(look, look->space, bytes, i) ||
               is_unit(look, look->tab, bytes, i));
        cr = cr && !is_unit(look, look->lf, bytes, next) && !is_unit(look, look->nel, bytes, next);
        lines += lf || cr;
    }
    return lines;
}

static void add_cells(const struct reader_record *record, size_t from, size_t to, struct buf *out)
{
    for (size_t i = from; i < to; i++) {
        buf_addf(out, "%zu:", record->cells[i].len);
        buf_add_span(out, record->cells[i]);
    }
    assert(!out->full);
}

/* A file and a way of reading it. */
struct trial {
    struct span file;
    const struct look *look;
    struct reader_options options;
    struct reader *parser;
    struct buf dump, first, second;
};

static void check_parse(struct trial *trial, const struct reader_record *record)
{
    struct reader_record again;
    size_t count = record->cell_count, front = 0, cut;

    if (record->bytes.len < record->length)
        return; /* what was left out may hold a quote */
    buf_reset(&trial->first);
    buf_reset(&trial->second);
    if (count > 0) {
        add_cells(record, 0, count - 1, &trial->first);
        front = trial->first.len;
        add_cells(record, count - 1, count, &trial->first);
    }
    reader_parse(trial->parser, record->bytes, record->line, &again);
    add_cells(&again, 0, again.cell_count, &trial->second);
    assert(again.fault == record->fault && again.quote_line == record->quote_line);
    assert(again.cell_count == count && span_same(buf_span(&trial->first), buf_span(&trial->second)));
    if (count < 2)
        return;
    cut = reader_cut(trial->parser, record->bytes, count - 1);
    assert(trial->look->name || cut < record->length);
    if (cut == SIZE_MAX)
        return;
    buf_reset(&trial->second);
    reader_parse(trial->parser, (struct span){record->bytes.ptr, cut}, record->line, &again);
    add_cells(&again, 0, again.cell_count, &trial->second);
    /* A single cell without anything in it is no cell. */
    assert(count == 2 || again.cell_count == count - 1);
    assert(again.cell_count == 0 ||
           span_same((struct span){buf_text(&trial->first), front}, buf_span(&trial->second)));
}

static void check_record(const struct trial *trial, const struct reader_record *record)
{
    struct span bytes = {trial->file.ptr + record->offset, record->length};

    assert(record->length > 0 && (size_t)record->offset + record->length <= trial->file.len);
    assert(record->bytes.len == (record->length < REACH ? record->length : REACH));
    assert(memcmp(record->bytes.ptr, bytes.ptr, record->bytes.len) == 0);
    assert(record->cell_count <= READER_CELLS_MAX);
    switch (record->fault) {
    case READER_WHOLE:
        assert(record->cell_count > 0 && record->length <= trial->options.max_record_bytes);
        break;
    case READER_TOO_LONG:
        assert(record->length > trial->options.max_record_bytes);
        break;
    case READER_UNCLOSED_QUOTE:
        assert(record->quote_line == record->line + lines_in(trial->look, bytes, false)); /* its last line */
        break;
    case READER_TOO_MANY_CELLS:
        assert(record->length >= READER_CELLS_MAX);
        break;
    }
    assert(record->fault == READER_WHOLE || record->cell_count == 0);
}

static void add_record(struct trial *trial, const struct reader_record *record)
{
    buf_addf(&trial->dump, "%lld %lld %lld %zu %d %lld ", (long long)record->record, (long long)record->line,
             (long long)record->offset, record->length, (int)record->fault, (long long)record->quote_line);
    buf_add_span(&trial->dump, record->bytes);
    add_cells(record, 0, record->cell_count, &trial->dump);
}

static void check_file(struct trial *trial, struct reader *reader)
{
    struct reader_record record;
    struct fail fail;
    int64_t line = 1, number = 0;
    size_t at = 0;
    int rc;

    while ((rc = reader_next(reader, &record, &fail)) == 1) {
        at = number == 0 ? reader_mark(reader).len : at;
        assert(record.record == number && record.offset >= (int64_t)at);
        number++;
        line += lines_in(trial->look, (struct span){trial->file.ptr + at, (size_t)record.offset - at}, true);
        assert(record.line == line);
        check_record(trial, &record);
        add_record(trial, &record);
        check_parse(trial, &record); /* on the same handle: it leaves nothing behind but the borrowed cells */
        at = (size_t)record.offset + record.length;
        line += lines_in(trial->look, (struct span){trial->file.ptr + record.offset, record.length}, false);
    }
    assert(rc == 0 || number == 0); /* the byte order mark of another encoding */
    at = number == 0 ? reader_mark(reader).len : at;
    if (rc == 0)
        (void)lines_in(trial->look, (struct span){trial->file.ptr + at, trial->file.len - at}, true);
}

static void check_whole(struct trial *trial)
{
    struct reader_options options = trial->options;
    struct reader *reader;
    struct reader_record record;
    struct fail fail;

    buf_reset(&trial->first);
    buf_add_span(&trial->first, buf_span(&trial->dump));
    buf_reset(&trial->dump);
    options.read_size = 1 << 12;
    assert(reader_open(&reader, shared_fd, &options, &fail) == 0);
    while (reader_next(reader, &record, &fail) == 1)
        add_record(trial, &record);
    assert(span_same(buf_span(&trial->first), buf_span(&trial->dump)));
    reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', 0, '\t', ';'};
    struct trial trial = {.dump = {.cap = DUMP_CAP}, .first = {.cap = DUMP_CAP}, .second = {.cap = DUMP_CAP}};
    struct reader *reader;
    struct fail fail;

    if (size < 3)
        return 0;
    trial.file = (struct span){(const char *)data + 3, size - 3};
    trial.look = &LOOKS[data[1] % (sizeof LOOKS / sizeof LOOKS[0])];
    trial.options = (struct reader_options){.delimiter = delimiters[data[0] & 3],
                                            .max_record_bytes = data[0] & 4 ? 32 : 128,
                                            .encoding = trial.look->name,
                                            .quote_reach = REACH,
                                            .read_size = (size_t)(1 + data[2] % 32) << (size > 512 ? 4 : 0)};
    if (shared_fd < 0)
        shared_fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(shared_fd >= 0 && ftruncate(shared_fd, 0) == 0 &&
           pwrite(shared_fd, trial.file.ptr, trial.file.len, 0) == (ssize_t)trial.file.len);
    assert(reader_open(&reader, shared_fd, &trial.options, &fail) == 0);
    trial.parser = reader;
    check_file(&trial, reader);
    check_whole(&trial);
    reader_close(reader);
    buf_free(&trial.dump);
    buf_free(&trial.first);
    buf_free(&trial.second);
    return 0;
}
