/* libcsv copies each cell into its own entry buffer, and the callback copies it into `cells_text`, because
 * libcsv reuses that buffer for the next cell.
 *
 * libcsv runs in strict mode, which is the only way to learn that a closing quote has text behind it; a quote
 * in an unquoted field is an error there too, but a harmless one: such a record is parsed again without
 * strictness. After an error the parser is made anew: csv_fini would emit the half record. */
#include "reader_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ_SIZE = 1 << 18,  /* bytes a pread asks for */
    CELL_BLOCK = 1 << 14, /* libcsv's cell grows by this much at a time; by default only by 128 bytes */
    QUOTE_REACH = 1 << 20 /* a quote that does not close within this many bytes is unclosed */
};

/* Behind so many bytes and line ends of the record. */
struct spot {
    size_t from;
    int64_t lines;
};

static void take_cell(void *text, size_t len, void *context)
{
    struct reader *reader = context;

    if (reader->cell_count == READER_CELLS_MAX) {
        reader->too_many = true;
        return;
    }
    buf_add(&reader->cells_text, text, len);
    reader->cell_end[reader->cell_count++] = reader->cells_text.len;
}

static void take_end(int terminator, void *context)
{
    (void)terminator;
    ((struct reader *)context)->ended = true;
}

static void parser_make(struct reader *reader, bool strict)
{
    unsigned char options = CSV_STRICT_FINI | (strict ? CSV_STRICT : 0);

    if (csv_init(&reader->csv, options) != 0)
        assert(!"csv_init fails only without a parser");
    csv_set_delim(&reader->csv, (unsigned char)reader->delimiter);
    csv_set_blk_size(&reader->csv, CELL_BLOCK);
}

static void parser_renew(struct reader *reader, bool strict)
{
    csv_free(&reader->csv);
    parser_make(reader, strict);
}

static void record_reset(struct reader *reader)
{
    buf_reset(&reader->cells_text);
    reader->cell_count = 0;
    reader->too_many = reader->ended = reader->split = false;
}

static void size_set(struct reader *reader, const struct reader_options *options)
{
    reader->read_size = options->read_size ? options->read_size : READ_SIZE;
    reader->reach = options->quote_reach ? options->quote_reach : QUOTE_REACH;
    assert(reader->reach % 4 == 0 && reader->reach <= QUOTE_REACH); /* whole units of every encoding */
    reader->max_record = options->max_record_bytes;
}

static int charset_set(struct reader *reader, const char *encoding, struct fail *fail)
{
    reader->unit = 1;
    if (charset_is_utf8(encoding))
        return 0;
    if (charset_open(&reader->charset, encoding, fail) != 0)
        return -1;
    reader->unit = charset_unit(reader->charset);
    if (!reader->delimiter_known || charset_has(reader->charset, reader->delimiter))
        return 0;
    return fail_set(fail, FAIL_INPUT, "input.delimiter: %s has no '%c'; set the one that is in the file",
                    charset_name(reader->charset), reader->delimiter);
}

int reader_open(struct reader **out, int fd, const struct reader_options *options, struct fail *fail)
{
    struct reader *reader = mem_alloc(sizeof *reader);

    reader->fd = fd;
    reader->delimiter = options->delimiter ? options->delimiter : ',';
    reader->delimiter_known = options->delimiter != 0;
    reader->line = 1;
    size_set(reader, options);
    parser_make(reader, true);
    if (charset_set(reader, options->encoding, fail) != 0) {
        reader_close(reader);
        return -1;
    }
    split_set(reader);
    /* window_place decodes twice. The marks and line ends that are added stay far below the growth. */
    buf_init(&reader->decoded, reader->charset ? 2 * reader->reach * CHARSET_GROWTH : 0);
    buf_init(&reader->cells_text, reader->charset ? reader->decoded.cap : reader->reach);
    *out = reader;
    return 0;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    charset_close(reader->charset);
    csv_free(&reader->csv);
    free(reader->window);
    buf_free(&reader->decoded);
    buf_free(&reader->cells_text);
    free(reader);
}

char reader_delimiter(const struct reader *reader)
{
    return reader->delimiter;
}

const char *reader_encoding(const struct reader *reader)
{
    return reader->charset ? charset_name(reader->charset) : "UTF-8";
}

struct span reader_mark(const struct reader *reader)
{
    return (struct span){reader->mark, reader->mark_len};
}

static bool is_blank_line(const struct reader *reader, const struct line *line)
{
    if (line->text > reader->reach)
        return false; /* of a line in pieces the first would be all that is known */
    for (size_t i = 0; i < line->text_len; i++)
        if (!quotes_is_blank(reader, line->all.ptr[i]))
            return false;
    return true;
}

static struct quotes quotes_of(const struct reader *reader, size_t len)
{
    struct quotes q = {.seen = 0};

    quotes_scan(reader, &q, window_text(reader, len));
    return q;
}

/* Feeds text; false on an error of the syntax. */
static bool feed(struct reader *reader, struct span text)
{
    size_t done = csv_parse(&reader->csv, text.ptr, text.len, take_cell, take_end, reader);

    assert(done == text.len || csv_error(&reader->csv) == CSV_EPARSE);
    return done == text.len;
}

/* Where only strict parsing could fail. */
static void feed_sure(struct reader *reader, struct span text)
{
    if (!feed(reader, text))
        assert(!"without strictness everything is a record");
}

static void finish_cells(struct reader *reader, struct reader_record *out)
{
    size_t start = 0;

    assert(!reader->cells_text.full);
    for (size_t i = 0; i < reader->cell_count && !reader->split; i++) {
        reader->cell[i] = (struct span){buf_text(&reader->cells_text) + start, reader->cell_end[i] - start};
        start = reader->cell_end[i];
    }
    if (out->fault == READER_WHOLE && reader->too_many)
        out->fault = READER_TOO_MANY_CELLS;
    if (out->fault == READER_WHOLE && out->length > reader->max_record)
        out->fault = READER_TOO_LONG;
    out->cells = reader->cell;
    out->cell_count = out->fault == READER_WHOLE ? reader->cell_count : 0;
}

/* Sets what is the same for every record, which ends with the line that ends at `end`. */
static void deliver(struct reader *reader, struct spot end, const struct line *last,
                    struct reader_record *out)
{
    out->record = reader->record++;
    out->line = reader->line;
    out->offset = reader->base + (int64_t)reader->at;
    out->length = end.from - (last->whole - last->text);
    out->bytes =
        (struct span){reader->window + reader->at, out->length < reader->reach ? out->length : reader->reach};
    finish_cells(reader, out);
    reader->line += end.lines;
    window_consume(reader, end.from);
}

/* Gives the record up, with `fault`, through the end of the physical line that begins at `spot`. Of a record
 * that does not fit the window its first bytes are kept, its place is the whole of it. */
static int give_up(struct reader *reader, struct spot spot, enum reader_fault fault,
                   struct reader_record *out, struct fail *fail)
{
    int64_t offset = reader->base + (int64_t)reader->at, lines = spot.lines + 1;
    struct line line;
    int rc;

    out->fault = fault;
    parser_renew(reader, true);
    record_reset(reader);
    while ((rc = window_raw_line(reader, spot.from, &line, fail)) == 1 && line.whole == line.text &&
           !window_at_end(reader, spot.from + line.whole)) {
        if (reader->cells_text.len == 0)
            buf_add(&reader->cells_text, reader->window + reader->at, reader->reach);
        window_consume(reader, spot.from + line.whole);
        spot.from = 0;
    }
    if (rc < 0)
        return -1;
    deliver(reader, (struct spot){spot.from + line.whole, lines}, &line, out);
    if (reader->cells_text.len > 0)
        out->bytes = buf_span(&reader->cells_text);
    out->length += (size_t)(out->offset - offset);
    out->offset = offset;
    return 1;
}

/* The record cannot be made out: it is given up with the line on which its last quote opened. */
static int give_up_quote(struct reader *reader, struct span text, const struct quotes *q,
                         struct reader_record *out, struct fail *fail)
{
    struct spot spot = {.lines = quotes_count_lines((struct span){text.ptr, q->opened_at})};
    struct line line;

    out->quote_line = reader->line + spot.lines;
    for (int64_t i = 0; i < spot.lines; i++) {
        if (window_raw_line(reader, spot.from, &line, fail) < 0)
            return -1;
        spot.from += line.whole;
    }
    return give_up(reader, spot, READER_UNCLOSED_QUOTE, out, fail);
}

/* The record cannot go on with the line at `spot`: there is none, or it leads out of reach. */
static int give_up_end(struct reader *reader, struct spot spot, bool ended, struct reader_record *out,
                       struct fail *fail)
{
    struct span text = window_text(reader, ended ? spot.from : reader->reach);
    struct quotes q = {.seen = 0};

    quotes_scan(reader, &q, text);
    if (q.state == QUOTED || q.broken)
        return give_up_quote(reader, text, &q, out, fail);
    return give_up(reader, spot, READER_TOO_LONG, out, fail);
}

/* A stray quote made strict parsing fail: the same lines again, quotes in unquoted fields being text. */
static int parse_loosely(struct reader *reader, struct reader_record *out, struct fail *fail)
{
    struct spot spot = {.from = 0};
    struct line line = {.text = 0};
    struct quotes q = {.seen = 0};
    int rc;

    parser_renew(reader, false);
    record_reset(reader);
    window_restart(reader);
    while (!reader->ended) {
        rc = window_line(reader, spot.from, &line, fail);
        if (rc < 0)
            return -1;
        if (rc == 0 || spot.from + line.whole > reader->reach)
            return give_up_end(reader, spot, rc == 0, out, fail);
        spot = (struct spot){spot.from + line.whole, spot.lines + 1};
        quotes_scan(reader, &q, window_text(reader, spot.from));
        if (q.broken)
            return give_up_quote(reader, window_text(reader, spot.from), &q, out, fail);
        feed_sure(reader, line.all);
        if (!reader->ended && line.whole == line.text && q.state != QUOTED)
            feed_sure(reader, SPAN("\n")); /* the last line may lack its end */
    }
    parser_renew(reader, true);
    deliver(reader, spot, &line, out);
    return 1;
}

/* Finds the first line that is not blank: 1, 0 at the end of the file, -1. */
static int first_line(struct reader *reader, struct line *line, struct fail *fail)
{
    int rc;

    while ((rc = window_line(reader, 0, line, fail)) == 1 && is_blank_line(reader, line)) {
        window_consume(reader, line->whole);
        reader->line += line->whole > line->text;
    }
    return rc;
}

/* The delimiter of `auto`: the candidate that stands most often outside quotes in the header. */
static void choose_delimiter(struct reader *reader, struct span text)
{
    static const char candidates[] = ",;\t|";
    size_t best = 0;

    for (const char *c = candidates; *c; c++) {
        size_t n = 0;
        bool quoted = false;
        for (size_t i = 0; i < text.len; i++) {
            quoted = text.ptr[i] == '"' ? !quoted : quoted;
            n += !quoted && text.ptr[i] == *c;
        }
        if (n > best) {
            best = n;
            reader->delimiter = *c;
        }
    }
    reader->delimiter_known = true;
    split_set(reader);
    parser_renew(reader, true);
}

static int skip_mark(struct reader *reader, struct fail *fail)
{
    struct span start;
    int rc = 1;

    while (reader->filled < CHARSET_MARK_MAX && rc == 1)
        rc = window_fill(reader, fail);
    if (rc < 0)
        return -1;
    start = (struct span){reader->window, reader->filled};
    if (charset_begin(reader->charset, start, &reader->mark_len, fail) != 0)
        return -1;
    memcpy(reader->mark, start.ptr, reader->mark_len);
    reader->at = reader->mark_len;
    return 0;
}

static int begin_file(struct reader *reader, struct fail *fail)
{
    struct line line;
    int rc;

    if (skip_mark(reader, fail) != 0)
        return -1;
    if (!reader->delimiter_known) {
        rc = first_line(reader, &line, fail);
        if (rc < 0)
            return -1;
        if (rc == 1)
            choose_delimiter(reader,
                             window_text(reader, line.text < reader->reach ? line.text : reader->reach));
        window_restart(reader);
    }
    reader->begun = true;
    return 0;
}

/* Strict parsing failed on the line that ends at `end`. */
static int next_fails(struct reader *reader, size_t end, struct reader_record *out, struct fail *fail)
{
    struct quotes q = quotes_of(reader, end);

    return q.broken ? give_up_quote(reader, window_text(reader, end), &q, out, fail)
                    : parse_loosely(reader, out, fail);
}

int reader_next(struct reader *reader, struct reader_record *out, struct fail *fail)
{
    struct spot spot = {.from = 0};
    struct line line;
    int rc;

    *out = (struct reader_record){.fault = READER_WHOLE};
    window_restart(reader); /* reader_parse may have been here */
    if (!reader->begun && begin_file(reader, fail) != 0)
        return -1;
    rc = first_line(reader, &line, fail);
    if (rc != 1)
        return rc;
    record_reset(reader);
    for (;;) {
        if (rc == 0 || spot.from + line.whole > reader->reach)
            return give_up_end(reader, spot, rc == 0, out, fail);
        if (spot.from == 0 && split_line(reader, (struct span){line.all.ptr, line.text_len})) {
            spot = (struct spot){line.whole, 1};
            break;
        }
        spot = (struct spot){spot.from + line.whole, spot.lines + 1};
        if (!feed(reader, line.all))
            return next_fails(reader, spot.from, out, fail);
        /* The last line may lack its end. */
        if (!reader->ended && line.whole == line.text && quotes_of(reader, spot.from).state != QUOTED)
            feed_sure(reader, SPAN("\n"));
        if (reader->ended)
            break;
        rc = window_line(reader, spot.from, &line, fail);
        if (rc < 0)
            return -1;
    }
    deliver(reader, spot, &line, out);
    return 1;
}

void reader_parse(struct reader *reader, struct span bytes, int64_t line, struct reader_record *out)
{
    struct span text = window_decode(reader, bytes);
    struct quotes q = {.seen = 0};

    *out = (struct reader_record){.line = line, .length = bytes.len, .bytes = bytes, .cells = reader->cell};
    record_reset(reader);
    if (split_line(reader, text)) {
        finish_cells(reader, out);
        return;
    }
    parser_renew(reader, true); /* whatever bytes came before leave nothing behind */
    if (!feed(reader, text) || !feed(reader, SPAN("\n")) || !reader->ended) {
        quotes_scan(reader, &q, text);
        parser_renew(reader, false);
        record_reset(reader);
        if (q.broken || q.state == QUOTED) {
            out->fault = READER_UNCLOSED_QUOTE;
            out->quote_line = line + quotes_count_lines((struct span){text.ptr, q.opened_at});
        } else {
            feed_sure(reader, text);
            feed_sure(reader, SPAN("\n"));
        }
        parser_renew(reader, true);
    }
    finish_cells(reader, out);
}

size_t reader_cut(struct reader *reader, struct span bytes, size_t cells)
{
    size_t at = quotes_find(reader, window_decode(reader, bytes), cells);

    return at == SIZE_MAX ? SIZE_MAX : window_place(reader, bytes, at);
}

void reader_encode(struct reader *reader, struct span text, struct buf *out)
{
    if (reader->charset)
        charset_encode(reader->charset, text, out);
    else
        buf_add_span(out, text);
}
