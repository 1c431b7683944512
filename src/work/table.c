#include "work/table.h"

#include "value/charset.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    char *name;
    struct source *source;
    struct reader *reader; /* streams the file */
    struct reader *parser; /* parses single records */
    struct columns *columns;
    struct record_rules rules;
    struct record record;
    struct buf header;
    unsigned carries;
    bool ends_with_own; /* a rejects file, corrected or not */
    char digest[DIGEST_TEXT_SIZE];
};

const char *const table_own_columns[TABLE_OWN_COUNT] = {"_ctp_code", "_ctp_field", "_ctp_message"};

enum { CELLS_MAX = READER_CELLS_MAX - TABLE_OWN_COUNT }; /* so that the rejects can be read as well */

static bool has_own_columns(const struct reader_record *header)
{
    for (size_t i = 0; i < TABLE_OWN_COUNT; i++)
        if (header->cell_count <= TABLE_OWN_COUNT ||
            !span_is_nocase(header->cells[header->cell_count - TABLE_OWN_COUNT + i], table_own_columns[i]))
            return false;
    return true;
}

static int refuse_header(const struct reader_record *header, struct fail *fail)
{
    if (header->fault == READER_WHOLE || header->fault == READER_TOO_MANY_CELLS)
        return fail_set(fail, FAIL_INPUT,
                        "line %" PRId64 ": the header cannot be read (it has more than %d cells)",
                        header->line, CELLS_MAX);
    return fail_set(fail, FAIL_INPUT, "line %" PRId64 ": the header cannot be read (%s)", header->line,
                    header->fault == READER_UNCLOSED_QUOTE ? "a quote does not close" : "it is too long");
}

static int read_header(struct table *table, struct column_options columns, struct fail *fail)
{
    struct reader_record header;
    int rc = reader_next(table->reader, &header, fail);

    if (rc < 0)
        return -1;
    if (!charset_is_utf8(reader_encoding(table->reader)))
        table->rules.encoding = reader_encoding(table->reader);
    if (rc == 0)
        return fail_set(fail, FAIL_INPUT, "empty: a header line with column names is needed");
    table->ends_with_own = has_own_columns(&header);
    if (header.fault != READER_WHOLE || (header.cell_count > CELLS_MAX && !table->ends_with_own))
        return refuse_header(&header, fail);
    buf_add_span(&table->header, header.bytes);
    columns.files = table->carries;
    columns.encoding = table->rules.encoding;
    return columns_open(&table->columns, header.cells, header.cell_count, &columns, fail);
}

static struct table *make_table(const char *path, unsigned carries, const struct table_options *options)
{
    struct table *table = mem_alloc(sizeof *table);

    table->name = mem_text(path);
    table->carries = carries;
    table->rules = options->rules;
    record_init(&table->record);
    buf_init(&table->header, options->reader.max_record_bytes);
    return table;
}

int table_open_header(struct table *table, const struct table_options *options, struct fail *fail)
{
    struct reader_options parser = options->reader;

    if (reader_open(&table->reader, source_fd(table->source), &options->reader, fail) != 0 ||
        read_header(table, options->columns, fail) != 0)
        return fail_context(fail, "%s", table->name);
    parser.delimiter = reader_delimiter(table->reader);
    parser.encoding = reader_encoding(table->reader);
    if (reader_open(&table->parser, -1, &parser, fail) != 0)
        return fail_context(fail, "%s", table->name);
    return 0;
}

/* Known before anything is read: a stream cannot be read twice. */
static int check_encoding(const struct table_options *options, struct fail *fail)
{
    struct reader *reader;

    if (reader_open(&reader, -1, &options->reader, fail) != 0)
        return -1;
    reader_close(reader);
    return 0;
}

int table_open_bytes(struct table **out, const char *path, unsigned carries,
                     const struct table_options *options, struct fail *fail)
{
    struct table *table = make_table(path, carries, options);

    if (check_encoding(options, fail) == 0 && source_open(&table->source, path, &options->spool, fail) == 0) {
        *out = table;
        return 0;
    }
    table_close(table);
    return -1;
}

int table_open(struct table **out, const char *path, unsigned carries, const struct table_options *options,
               struct fail *fail)
{
    struct table *table;

    if (table_open_bytes(&table, path, carries, options, fail) != 0)
        return -1;
    if (table_open_header(table, options, fail) == 0) {
        *out = table;
        return 0;
    }
    table_close(table);
    return -1;
}

int table_reopen(struct table **out, const char *path, unsigned carries, const struct table_options *options,
                 struct fail *fail)
{
    struct table *table = make_table(path, carries, options);

    if (source_reopen(&table->source, path, fail) == 0 && table_open_header(table, options, fail) == 0) {
        *out = table;
        return 0;
    }
    table_close(table);
    return -1;
}

void table_close(struct table *table)
{
    if (!table)
        return;
    columns_close(table->columns);
    free(table->name);
    reader_close(table->reader);
    reader_close(table->parser);
    source_close(table->source);
    record_free(&table->record);
    buf_free(&table->header);
    free(table);
}

const char *table_name(const struct table *table)
{
    return table->name;
}

const char *table_path(const struct table *table)
{
    return source_path(table->source);
}

unsigned table_carries(const struct table *table)
{
    return table->carries;
}

int64_t table_size(const struct table *table)
{
    return source_size(table->source);
}

const struct columns *table_columns(const struct table *table)
{
    return table->columns;
}

struct span table_header(const struct table *table)
{
    return buf_span(&table->header);
}

struct span table_mark(const struct table *table)
{
    return reader_mark(table->reader);
}

char table_delimiter(const struct table *table)
{
    return reader_delimiter(table->reader);
}

const char *table_encoding(const struct table *table)
{
    return reader_encoding(table->reader);
}

void table_encode(struct table *table, struct span text, struct buf *out)
{
    reader_encode(table->parser, text, out);
}

/* Whether a cell is a list of problem codes, as only we write it. */
static bool is_codes(struct span cell)
{
    enum problem_code code;
    struct span part;

    while (span_cut(&cell, ';', &part))
        if (problem_find(part, &code) != 0)
            return false;
    return true;
}

struct span table_without_own(struct table *table, struct span bytes)
{
    struct reader_record whole;
    size_t theirs, cut;

    if (!table->ends_with_own)
        return bytes;
    reader_parse(table->parser, bytes, 0, &whole);
    if (whole.fault != READER_WHOLE || whole.cell_count <= TABLE_OWN_COUNT)
        return bytes;
    theirs = whole.cell_count - TABLE_OWN_COUNT;
    if (whole.cell_count != columns_count(table->columns) && !is_codes(whole.cells[theirs]))
        return bytes;
    cut = reader_cut(table->parser, bytes, theirs);
    if (cut == SIZE_MAX)
        return bytes;
    reader_parse(table->parser, (struct span){bytes.ptr, cut}, 0, &whole);
    return whole.cell_count == theirs ? (struct span){bytes.ptr, cut} : bytes;
}

int table_digest(struct table *table, char out[DIGEST_TEXT_SIZE], struct fail *fail)
{
    if (!table->digest[0] && digest_file(source_fd(table->source), table->digest, fail) != 0)
        return fail_context(fail, "%s", table_path(table));
    memcpy(out, table->digest, DIGEST_TEXT_SIZE);
    return 0;
}

bool table_spooled(const struct table *table)
{
    return source_spooled(table->source);
}

int table_keep(struct table *table, bool *kept, struct fail *fail)
{
    char digest[DIGEST_TEXT_SIZE];

    if (table_digest(table, digest, fail) != 0 || source_keep(table->source, digest, fail) != 0)
        return -1;
    *kept = source_kept(table->source);
    return 0;
}

int table_check(struct table *table, struct fail *fail)
{
    char now[DIGEST_TEXT_SIZE];
    int rc = source_check(table->source, fail);

    if (rc != 1)
        return rc;
    /* Times can be set back: only the bytes tell. Without a digest nothing was promised of them yet. */
    source_accept(table->source);
    if (!table->digest[0])
        return 1;
    if (digest_file(source_fd(table->source), now, fail) != 0)
        return fail_context(fail, "%s", table_path(table));
    if (strcmp(now, table->digest) != 0)
        return fail_set(fail, FAIL_INPUT, "%s: changed while it was in use; load it again",
                        table_path(table));
    return 1;
}

static enum problem_code fault_code(enum reader_fault fault)
{
    switch (fault) {
    case READER_UNCLOSED_QUOTE:
        return PROBLEM_UNCLOSED_QUOTE;
    case READER_TOO_LONG:
        return PROBLEM_RECORD_TOO_LONG;
    case READER_TOO_MANY_CELLS:
    case READER_WHOLE:
        break;
    }
    return PROBLEM_COLUMN_COUNT;
}

static void judge(struct table *table, const struct reader_record *at)
{
    struct raw_fields raw;
    char detail[40] = "";
    size_t want = columns_count(table->columns);

    table->record.files = table->carries;
    if (at->fault == READER_UNCLOSED_QUOTE)
        (void)snprintf(detail, sizeof detail, "on line %" PRId64, at->quote_line);
    if (at->fault != READER_WHOLE) {
        record_refuse(&table->record, fault_code(at->fault), detail);
        return;
    }
    columns_pick(table->columns, at->cells, at->cell_count, &raw);
    if (at->cell_count == want) {
        record_judge(&table->record, &table->rules, table->carries, &raw);
        return;
    }
    (void)snprintf(detail, sizeof detail, "%zu instead of %zu", at->cell_count, want);
    record_refuse(&table->record, PROBLEM_COLUMN_COUNT, detail);
}

int table_next(struct table *table, struct table_row *row, struct fail *fail)
{
    int rc = reader_next(table->reader, &row->at, fail);

    if (rc < 0)
        return fail_context(fail, "%s", table_path(table));
    if (rc == 0)
        return 0;
    judge(table, &row->at);
    row->record = &table->record;
    return 1;
}

int table_fetch(struct table *table, const struct table_place *place, int64_t now_ms, struct table_row *row,
                struct fail *fail)
{
    struct span bytes;

    if (source_fetch(table->source, place->offset, place->length, &bytes, fail) != 0)
        return -1;
    table->rules.now_ms = now_ms;
    reader_parse(table->parser, bytes, place->line, &row->at);
    row->at.offset = place->offset;
    judge(table, &row->at);
    row->record = &table->record;
    return 0;
}

int table_bytes(struct table *table, int64_t offset, size_t length, struct span *out, struct fail *fail)
{
    assert(length <= TABLE_BYTES_MAX);
    return source_fetch(table->source, offset, length, out, fail);
}

void table_problem_codes(const struct record *record, struct buf *codes, struct buf *fields)
{
    buf_reset(codes);
    buf_reset(fields);
    for (size_t i = 0; i < record->problem_count; i++) {
        if (i > 0) {
            buf_add_char(codes, ';');
            buf_add_char(fields, ';');
        }
        buf_add_text(codes, problem_name(record->problems[i].code));
        buf_add_text(fields, field_name(record->problems[i].field));
    }
}
