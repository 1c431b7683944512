/* What the parts of the reader share: the handle, the window over the file, what quotes do. */
#ifndef DRIVER_READER_IMPL_H
#define DRIVER_READER_IMPL_H

#include "driver/reader.h"

#include "value/charset.h"

#include <csv.h>

struct reader {
    int fd;
    char delimiter;
    bool delimiter_known;
    size_t max_record, read_size, reach;
    struct charset *charset; /* NULL: UTF-8, which is parsed where it stands in the window */
    size_t unit;             /* bytes of a line end's character */
    struct csv_parser csv;
    bool begun; /* the start of the file was looked at */

    /* The window: bytes [at, filled) of `window` are not consumed yet; window[0] stands at file offset
     * `base`. */
    char *window;
    size_t size, at, filled;
    int64_t base;
    bool eof;
    char mark[CHARSET_MARK_MAX]; /* the byte order mark in front of the file */
    size_t mark_len;
    int64_t line;   /* physical line of window[at] */
    int64_t record; /* number of the next record */

    /* With a charset: the text of the first `decoded_raw` bytes of the record. */
    struct buf decoded;
    size_t decoded_raw;

    /* The record being parsed. */
    struct buf cells_text;
    size_t cell_end[READER_CELLS_MAX];
    struct span cell[READER_CELLS_MAX];
    size_t cell_count;
    bool too_many, ended;
    bool split; /* `cell` is made already */

    bool splits;    /* lines may be cut without libcsv */
    bool sign[256]; /* bytes that end an unquoted cell, or make it one for libcsv */
};

/* ---- reader_window.c ---- */

/* A physical line of the record that begins at window[at]. */
struct line {
    size_t text, whole; /* bytes without and with its end; equal where it has none */
    struct span all;    /* its text in UTF-8, with its end */
    size_t text_len;    /* of `all`, without the end */
};

/* Reads more of the file behind what is in the window: 1, 0 at its end, -1. */
int window_fill(struct reader *reader, struct fail *fail) MUST_CHECK;

/* The physical line that begins at window[at + from]: text and whole only. 1; 0 when nothing is left; -1. A
 * line of more than `reach` bytes may be given in pieces, whole equal to text. */
int window_raw_line(struct reader *reader, size_t from, struct line *line, struct fail *fail) MUST_CHECK;
/* The same with its text, which ends at the record's byte `reach`; the lines of a record are asked for in
 * their order. */
int window_line(struct reader *reader, size_t from, struct line *line, struct fail *fail) MUST_CHECK;

/* The text of the record's first `len` bytes, after the lines they belong to were asked for. */
struct span window_text(const struct reader *reader, size_t len);
/* The text asked for is forgotten: the record begins anew. */
void window_restart(struct reader *reader);
/* Moves on by `bytes` of the record, or of what stands before it. */
void window_consume(struct reader *reader, size_t bytes);
/* Nothing of the file is left behind window[at + from]. */
bool window_at_end(const struct reader *reader, size_t from);

/* The text of bytes that are no part of the file's window; in reader->decoded where there is a charset. */
struct span window_decode(struct reader *reader, struct span bytes);
/* The bytes that stand for the first `text_len` bytes of their text; SIZE_MAX where that cannot be told. */
size_t window_place(struct reader *reader, struct span bytes, size_t text_len);

/* ---- reader_quotes.c ---- */

/* What the quotes of a record do, as far as it was looked at; all zeros before its first byte. */
struct quotes {
    enum { START, PLAIN, QUOTED, CLOSED, SPACED /* a blank behind a closing quote */ } state;
    size_t seen;      /* bytes looked at */
    size_t cells;     /* delimiters outside quotes */
    size_t opened_at; /* of the last quote that opened */
    bool broken;      /* text behind a closing quote; the look ends there */
};

/* Looks on, from where the last look ended to the end of `text`. */
void quotes_scan(const struct reader *reader, struct quotes *q, struct span text);
/* The same, but no further than behind the delimiter that ends the first `cells` cells: its offset, or
 * SIZE_MAX. */
size_t quotes_find(const struct reader *reader, struct span text, size_t cells);
/* That a cell is trimmed of. */
static inline bool quotes_is_blank(const struct reader *reader, char c)
{
    return (c == ' ' || c == '\t') && c != reader->delimiter;
}

int64_t quotes_count_lines(struct span text); /* line ends */

/* ---- reader_split.c ---- */

void split_set(struct reader *reader); /* after delimiter and encoding are known */
/* Cuts one line, or one record, without its line end into `cell`, as libcsv would; false and nothing but
 * `cell` touched: it takes libcsv. The cells point into `text`. */
bool split_line(struct reader *reader, struct span text) MUST_CHECK;

#endif
