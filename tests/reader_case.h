/* reader_case: a file of given bytes, read record by record against what is expected, for the tests of
 * reader.
 *
 * The bytes of every record are compared with the file's, and parsed again on their own: they must make the
 * same cells or the same fault. A step that fails ends the test. */
#ifndef READER_CASE_H
#define READER_CASE_H

#include "driver/reader.h"

#include "scratch.h"

/* What a record must be: its cells joined by '|', or the fault. */
struct want {
    int64_t line, offset;
    size_t length;
    const char *cells;
    enum reader_fault fault;
    int64_t quote_line;
};

#define ROW(line, offset, length, cells) ((struct want){line, offset, length, cells, READER_WHOLE, 0})
#define LOST(line, offset, length, quote) \
    ((struct want){line, offset, length, NULL, READER_UNCLOSED_QUOTE, quote})

struct input {
    struct reader *reader, *parser;
    struct span bytes; /* borrowed */
    int fd;
    int64_t records; /* number of the next one */
    struct reader_options options;
};

extern const struct reader_options COMMA, AUTO;

struct input input_open(struct span bytes, const struct reader_options *options);
void input_close(struct input *input); /* nothing may be left to read */
void expect(struct input *input, struct want want);

/* Every field of every record of a file, as text, appended. */
void reader_dump(int fd, const struct reader_options *options, struct buf *out);

/* A whole file; the last one of `want` has the line 0. */
void reads(struct span bytes, const struct reader_options *options, const struct want *want);
#define READS(bytes, options, ...) reads(SPAN(bytes), options, (const struct want[]){__VA_ARGS__, {0}})

#endif
