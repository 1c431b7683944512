/* reader: CSV records pulled one at a time, each with its exact place in the file. The only user of libcsv.
 *
 * libcsv is fed one physical line at a time, so that a call ends at most one record: offsets and line numbers
 * are exact, a stop is possible anywhere, nothing queues. A line whose cells need no parser is cut without
 * it. Memory is bounded by max_record_bytes and the 1 MiB within which a quote may close. An unclosed quote
 * costs one record (UNCLOSED_QUOTE, `quote_line` names where it opened) and reading resumes at the next
 * physical line; so does a closing quote with text behind it. A quote inside an unquoted field is text. Lines
 * end with LF, CRLF or a lone CR; blank lines are skipped but counted. A byte order mark at the start is
 * skipped. Cells are trimmed of surrounding blanks unless quoted. Cells are UTF-8 whatever the file's
 * encoding, with a byte 0xFF where it does not decode; places, lengths, limits and `bytes` are those of the
 * file. */
#ifndef DRIVER_READER_H
#define DRIVER_READER_H

#include "kit/buf.h"

enum { READER_CELLS_MAX = 512 + 3 }; /* three that the rejects of a file of 512 have in addition */

enum reader_fault {
    READER_WHOLE, /* no fault */
    READER_UNCLOSED_QUOTE,
    READER_TOO_LONG, /* longer than max_record_bytes; its cells are not given */
    READER_TOO_MANY_CELLS
};

/* Spans are borrowed until the next call on the handle. */
struct reader_record {
    int64_t record;    /* the header is 0, data records count from 1 */
    int64_t line;      /* physical line where it begins, from 1 */
    int64_t offset;    /* of its first byte */
    size_t length;     /* without its line end */
    struct span bytes; /* the record as it stands in the file; of one longer than 1 MiB its first MiB */
    const struct span *cells;
    size_t cell_count; /* 0 when there is a fault */
    enum reader_fault fault;
    int64_t quote_line; /* UNCLOSED_QUOTE: the physical line where the quote opened */
};

struct reader_options {
    char delimiter; /* 0: the most frequent of , ; tab | in the first line */
    size_t max_record_bytes;
    const char *encoding; /* as iconv names it; NULL: UTF-8 */
    /* For tests; 0: 256 KiB and 1 MiB. The records are the same whatever the size of a read. */
    size_t read_size;
    size_t quote_reach; /* a multiple of 4, at most 1 MiB */
};

struct reader;

/* The descriptor is borrowed and read by pread; -1 for a handle that only parses, whose encoding must not
 * depend on a byte order mark. Nothing is read yet. FAIL_INPUT: an unknown or unusable encoding. */
int reader_open(struct reader **out, int fd, const struct reader_options *options,
                struct fail *fail) MUST_CHECK;
void reader_close(struct reader *reader);

char reader_delimiter(const struct reader *reader); /* the one in use; with 0 known after the first record */

/* The encoding in use; UTF-16 has become UTF-16LE or UTF-16BE after the first record. */
const char *reader_encoding(const struct reader *reader);
struct span reader_mark(const struct reader *reader); /* the byte order mark; empty: there is none */

/* 1 a record, 0 end of file, -1 the file cannot be read, or its byte order mark is not the encoding's
 * (FAIL_INPUT). */
int reader_next(struct reader *reader, struct reader_record *out, struct fail *fail) MUST_CHECK;

/* The bytes of one record, as `bytes` gave them, into cells again; `line` is where it begins (0: not known,
 * then quote_line counts from 0). It may stand between calls of reader_next. A record that was WHOLE is WHOLE
 * again, one with another fault has that fault again but for TOO_LONG, which may hide an unclosed quote. The
 * cells may point into `bytes`. */
void reader_parse(struct reader *reader, struct span bytes, int64_t line, struct reader_record *out);

/* How many of a record's bytes hold its first `cells` cells, without the delimiter behind them; SIZE_MAX
 * where there is none or its place cannot be told. */
size_t reader_cut(struct reader *reader, struct span bytes, size_t cells);
/* Appends text of ours as the file would write it; what its encoding lacks becomes '?'. */
void reader_encode(struct reader *reader, struct span text, struct buf *out);

#endif
