/* A window over the file holds the record being read; libcsv copies its cells into its own entry buffer, and
 * the callback copies them into `cells_text`, because libcsv reuses that buffer for the next cell.
 *
 * libcsv runs in strict mode, which is the only way to learn that a closing quote has text behind it; a quote
 * in an unquoted field is an error there too, but a harmless one: such a record is parsed again without
 * strictness. After an error the parser is made anew: csv_fini would emit the half record. */
#include "driver/reader.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 1 << 18,  /* bytes a pread asks for */
    CELL_BLOCK = 1 << 14, /* libcsv's cell grows by this much at a time; by default only by 128 bytes */
    QUOTE_REACH = 1 << 20 /* a quote that does not close within this many bytes is unclosed */
};

struct reader {
    int fd;
    char delimiter;
    bool delimiter_known;
    size_t max_record;
    struct csv_parser csv;
    bool begun; /* the start of the file was looked at */

    /* The window: bytes [at, filled) of `window` are not consumed yet; window[0] stands at file offset
     * `base`. */
    char *window;
    size_t size, at, filled;
    int64_t base;
    bool eof;
    int64_t line;   /* physical line of window[at] */
    int64_t record; /* number of the next record */

    /* The record being parsed. */
    struct buf cells_text;
    size_t cell_end[READER_CELLS_MAX];
    struct span cell[READER_CELLS_MAX];
    size_t cell_count;
    bool too_many, ended;
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
    reader->too_many = reader->ended = false;
}

int reader_open(struct reader **out, int fd, const struct reader_options *options, struct fail *fail)
{
    struct reader *reader = mem_alloc(sizeof *reader);

    (void)fail; /* the descriptor is the caller's: nothing can fail here */
    reader->fd = fd;
    reader->delimiter = options->delimiter ? options->delimiter : ',';
    reader->delimiter_known = options->delimiter != 0;
    reader->max_record = options->max_record_bytes;
    reader->line = 1;
    buf_init(&reader->cells_text, QUOTE_REACH + READ_SIZE);
    parser_make(reader, true);
    *out = reader;
    return 0;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    csv_free(&reader->csv);
    free(reader->window);
    buf_free(&reader->cells_text);
    free(reader);
}

char reader_delimiter(const struct reader *reader)
{
    return reader->delimiter;
}

/* Reads more of the file behind what is in the window: 1, 0 at its end, -1. */
static int fill(struct reader *reader, struct fail *fail)
{
    ssize_t got;

    if (reader->eof)
        return 0;
    if (reader->at > 0 && (reader->at == reader->filled || reader->size - reader->filled < READ_SIZE)) {
        memmove(reader->window, reader->window + reader->at, reader->filled - reader->at);
        reader->base += (int64_t)reader->at;
        reader->filled -= reader->at;
        reader->at = 0;
    }
    if (reader->size - reader->filled < READ_SIZE) {
        reader->size = reader->filled + 2 * READ_SIZE;
        reader->window = mem_grow(reader->window, reader->size, 1);
    }
    do
        got = pread(reader->fd, reader->window + reader->filled, READ_SIZE,
                    reader->base + (int64_t)reader->filled);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail_set(fail, FAIL_INPUT, "cannot read: %s", strerror(errno));
    reader->eof = got == 0;
    reader->filled += (size_t)got;
    return got > 0;
}

/* First byte of the line's end in [from, to), or `to`. */
static size_t line_end(const char *bytes, size_t from, size_t to)
{
    const char *lf = memchr(bytes + from, '\n', to - from);
    size_t limit = lf ? (size_t)(lf - bytes) : to;
    const char *cr = memchr(bytes + from, '\r', limit - from);

    return cr ? (size_t)(cr - bytes) : limit;
}

/* The physical line that begins at window[at + from]: *text without its end, *whole with it. 1; 0 when
 * nothing is left; -1. A line of more than QUOTE_REACH bytes is given in pieces, *whole equal to *text. */
static int physical_line(struct reader *reader, size_t from, size_t *text, size_t *whole, struct fail *fail)
{
    size_t looked = 0;

    for (;;) {
        size_t start = reader->at + from, end = line_end(reader->window, start + looked, reader->filled);
        /* A CR at the end of what is read may have its LF to come. */
        bool certain = end + 1 < reader->filled || (end < reader->filled && reader->window[end] == '\n');
        if (certain || reader->eof) {
            size_t ends =
                end == reader->filled ? 0
                : reader->window[end] == '\r' && end + 1 < reader->filled && reader->window[end + 1] == '\n'
                    ? 2
                    : 1;
            *text = end - start;
            *whole = *text + ends;
            return *whole > 0;
        }
        looked = end - start;
        if (looked > QUOTE_REACH) {
            *text = *whole = looked;
            return 1;
        }
        if (fill(reader, fail) < 0)
            return -1;
    }
}

static bool is_blank(const struct reader *reader, char c)
{
    return (c == ' ' || c == '\t') && c != reader->delimiter;
}

static bool is_blank_line(const struct reader *reader, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_blank(reader, text[i]))
            return false;
    return true;
}

/* What the quotes of a record do, as far as it was looked at; all zeros before its first byte. */
struct quotes {
    enum { START, PLAIN, QUOTED, CLOSED, SPACED /* a blank behind a closing quote */ } state;
    size_t seen;      /* bytes looked at */
    size_t opened_at; /* of the last quote that opened */
    bool broken;      /* text behind a closing quote; the look ends there */
};

static void scan_unquoted(const struct reader *reader, struct quotes *q, char c)
{
    if (c == reader->delimiter || c == '\n' || c == '\r')
        q->state = START;
    else if (q->state == CLOSED && c == '"')
        q->state = QUOTED; /* doubled: the field goes on */
    else if (q->state == CLOSED && is_blank(reader, c))
        q->state = SPACED;
    else if (q->state == CLOSED || q->state == SPACED)
        q->broken = !is_blank(reader, c);
    else if (q->state == START && c == '"') {
        q->state = QUOTED;
        q->opened_at = q->seen;
    } else if (!is_blank(reader, c)) {
        q->state = PLAIN;
    }
}

/* Looks on, from where the last look ended up to `len`. */
static void scan_quotes(const struct reader *reader, struct quotes *q, const char *text, size_t len)
{
    for (; q->seen < len && !q->broken; q->seen++) {
        char c = text[q->seen];
        if (q->state != QUOTED)
            scan_unquoted(reader, q, c);
        else if (c == '"')
            q->state = CLOSED;
    }
}

static struct quotes quotes_of(const struct reader *reader, size_t len)
{
    struct quotes q = {.seen = 0};

    scan_quotes(reader, &q, reader->window + reader->at, len);
    return q;
}

static int64_t count_lines(const char *text, size_t len)
{
    int64_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n' || (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'));
    return lines;
}

/* Line ends inside a record: the common case, none, is found without a look at each byte. */
static int64_t inner_lines(const char *text, size_t len)
{
    if (len == 0 || (!memchr(text, '\n', len) && !memchr(text, '\r', len)))
        return 0;
    return count_lines(text, len);
}

/* Feeds bytes; false on an error of the syntax. */
static bool feed(struct reader *reader, const char *bytes, size_t len)
{
    size_t done = csv_parse(&reader->csv, bytes, len, take_cell, take_end, reader);

    assert(done == len || csv_error(&reader->csv) == CSV_EPARSE);
    return done == len;
}

/* Where only strict parsing could fail. */
static void feed_sure(struct reader *reader, const char *bytes, size_t len)
{
    if (!feed(reader, bytes, len))
        assert(!"without strictness everything is a record");
}

static void finish_cells(struct reader *reader, struct reader_record *out)
{
    size_t start = 0;

    for (size_t i = 0; i < reader->cell_count; i++) {
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

/* Nothing of the file is left behind window[at + from]. */
static bool at_end(const struct reader *reader, size_t from)
{
    return reader->eof && reader->at + from == reader->filled;
}

/* Sets what is the same for every record; `length` bytes at window[at], `consumed` with the line end. */
static void deliver(struct reader *reader, size_t length, size_t consumed, struct reader_record *out)
{
    const char *bytes = reader->window + reader->at;

    out->record = reader->record++;
    out->line = reader->line;
    out->offset = reader->base + (int64_t)reader->at;
    out->length = length;
    out->bytes = (struct span){bytes, length};
    finish_cells(reader, out);
    reader->line += 1 + inner_lines(bytes, length);
    reader->at += consumed;
}

/* Gives the record up, with `fault`, through the end of the physical line that begins at window[at + from].
 * Of a record that does not fit the window its first QUOTE_REACH bytes are kept, its place is the whole of
 * it. */
static int give_up(struct reader *reader, size_t from, enum reader_fault fault, struct reader_record *out,
                   struct fail *fail)
{
    int64_t offset = reader->base + (int64_t)reader->at, line = reader->line;
    int64_t next_line = line + count_lines(reader->window + reader->at, from) + 1;
    size_t text, whole;
    int rc;

    out->fault = fault;
    parser_renew(reader, true);
    record_reset(reader);
    while ((rc = physical_line(reader, from, &text, &whole, fail)) == 1 && whole == text &&
           !at_end(reader, from + whole)) {
        if (reader->cells_text.len == 0)
            buf_add(&reader->cells_text, reader->window + reader->at, QUOTE_REACH);
        reader->at += from + whole;
        from = 0;
    }
    if (rc < 0)
        return -1;
    deliver(reader, from + text, from + whole, out);
    if (reader->cells_text.len > 0)
        out->bytes = buf_span(&reader->cells_text);
    out->length += (size_t)(out->offset - offset);
    out->offset = offset;
    out->line = line;
    reader->line = next_line;
    return 1;
}

/* The record cannot be made out: it is given up with the line on which its last quote opened. */
static int give_up_quote(struct reader *reader, const struct quotes *q, struct reader_record *out,
                         struct fail *fail)
{
    size_t from = 0, text, whole;

    out->quote_line = reader->line + count_lines(reader->window + reader->at, q->opened_at);
    for (;;) {
        if (physical_line(reader, from, &text, &whole, fail) < 0)
            return -1;
        if (from + whole > q->opened_at)
            return give_up(reader, from, READER_UNCLOSED_QUOTE, out, fail);
        from += whole;
    }
}

/* The record cannot go on with the line at window[at + from]: there is none, or it leads out of reach. */
static int give_up_end(struct reader *reader, size_t from, bool ended, struct reader_record *out,
                       struct fail *fail)
{
    struct quotes q = quotes_of(reader, ended ? from : QUOTE_REACH);

    if (q.state == QUOTED || q.broken)
        return give_up_quote(reader, &q, out, fail);
    return give_up(reader, from, READER_TOO_LONG, out, fail);
}

/* A stray quote made strict parsing fail: the same lines again, quotes in unquoted fields being text. */
static int parse_loosely(struct reader *reader, struct reader_record *out, struct fail *fail)
{
    size_t from = 0, text = 0, whole = 0;
    struct quotes q = {.seen = 0};
    int rc;

    parser_renew(reader, false);
    record_reset(reader);
    while (!reader->ended) {
        rc = physical_line(reader, from, &text, &whole, fail);
        if (rc < 0)
            return -1;
        if (rc == 0 || from + whole > QUOTE_REACH)
            return give_up_end(reader, from, rc == 0, out, fail);
        scan_quotes(reader, &q, reader->window + reader->at, from + whole);
        if (q.broken)
            return give_up_quote(reader, &q, out, fail);
        feed_sure(reader, reader->window + reader->at + from, whole);
        from += whole;
        if (!reader->ended && whole == text && q.state != QUOTED)
            feed_sure(reader, "\n", 1); /* the last line may lack its end */
    }
    parser_renew(reader, true);
    deliver(reader, from - (whole - text), from, out);
    return 1;
}

/* Finds the first line that is not blank: 1, 0 at the end of the file, -1. */
static int skip_blank_lines(struct reader *reader, struct fail *fail)
{
    size_t text, whole;
    int rc;

    while ((rc = physical_line(reader, 0, &text, &whole, fail)) == 1) {
        if (!is_blank_line(reader, reader->window + reader->at, text))
            return 1;
        reader->at += whole;
        reader->line += whole > text;
    }
    return rc;
}

/* The delimiter of `auto`: the candidate that stands most often outside quotes in the header. */
static void choose_delimiter(struct reader *reader, const char *text, size_t len)
{
    static const char candidates[] = ",;\t|";
    size_t best = 0;
    bool quoted = false;

    for (const char *c = candidates; *c; c++) {
        size_t n = 0;
        for (size_t i = 0; i < len; i++) {
            quoted = text[i] == '"' ? !quoted : quoted;
            n += !quoted && text[i] == *c;
        }
        quoted = false;
        if (n > best) {
            best = n;
            reader->delimiter = *c;
        }
    }
    reader->delimiter_known = true;
    parser_renew(reader, true);
}

static int begin_file(struct reader *reader, struct fail *fail)
{
    size_t text, whole;

    if (fill(reader, fail) < 0)
        return -1;
    if (reader->filled >= 3 && memcmp(reader->window, "\xEF\xBB\xBF", 3) == 0)
        reader->at = 3;
    reader->begun = reader->delimiter_known;
    if (reader->begun)
        return 0;
    if (skip_blank_lines(reader, fail) < 0 || physical_line(reader, 0, &text, &whole, fail) < 0)
        return -1;
    choose_delimiter(reader, reader->window + reader->at, text);
    reader->begun = true;
    return 0;
}

/* Strict parsing failed on the line that ends `seen` bytes behind the record's begin. */
static int next_fails(struct reader *reader, size_t seen, struct reader_record *out, struct fail *fail)
{
    struct quotes q = quotes_of(reader, seen);

    return q.broken ? give_up_quote(reader, &q, out, fail) : parse_loosely(reader, out, fail);
}

int reader_next(struct reader *reader, struct reader_record *out, struct fail *fail)
{
    size_t from = 0, text = 0, whole = 0;
    int rc;

    *out = (struct reader_record){.fault = READER_WHOLE};
    if (!reader->begun && begin_file(reader, fail) != 0)
        return -1;
    rc = skip_blank_lines(reader, fail);
    if (rc != 1)
        return rc;
    record_reset(reader);
    while (!reader->ended) {
        rc = physical_line(reader, from, &text, &whole, fail);
        if (rc < 0)
            return -1;
        if (rc == 0 || from + whole > QUOTE_REACH)
            return give_up_end(reader, from, rc == 0, out, fail);
        if (!feed(reader, reader->window + reader->at + from, whole))
            return next_fails(reader, from + text, out, fail);
        from += whole;
        /* The last line may lack its end. */
        if (!reader->ended && whole == text && quotes_of(reader, from).state != QUOTED)
            feed_sure(reader, "\n", 1);
    }
    deliver(reader, from - (whole - text), from, out);
    return 1;
}

void reader_parse(struct reader *reader, struct span bytes, int64_t line, struct reader_record *out)
{
    struct quotes q = {.seen = 0};

    *out = (struct reader_record){.line = line, .length = bytes.len, .bytes = bytes, .cells = reader->cell};
    parser_renew(reader, true); /* whatever bytes came before leave nothing behind */
    record_reset(reader);
    if (!feed(reader, bytes.ptr, bytes.len) || !feed(reader, "\n", 1) || !reader->ended) {
        scan_quotes(reader, &q, bytes.ptr, bytes.len);
        parser_renew(reader, false);
        record_reset(reader);
        if (q.broken || q.state == QUOTED) {
            out->fault = READER_UNCLOSED_QUOTE;
            out->quote_line = line + count_lines(bytes.ptr, q.opened_at);
        } else {
            feed_sure(reader, bytes.ptr, bytes.len);
            feed_sure(reader, "\n", 1);
        }
    }
    finish_cells(reader, out);
}
