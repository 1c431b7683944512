/* table: an input file whose records come out judged: source, reader, columns and record rules in one hand.
 *
 * The same table serves the load (streaming) and each single send (by place), so both judge alike. What it
 * returns is borrowed until its next call. */
#ifndef WORK_TABLE_H
#define WORK_TABLE_H

#include "driver/digest.h"
#include "driver/reader.h"
#include "driver/source.h"
#include "rule/columns.h"
#include "rule/record.h"

struct table_options {
    struct source_spool spool; /* where what cannot be read at random is unpacked */
    struct reader_options reader;
    bool delimiter_given, encoding_given; /* of the reader's: not left to their defaults */
    struct column_options columns;        /* columns.files is set by table_open */
    struct record_rules rules;            /* rules.now_ms: for table_next */
};

struct table_row {
    struct reader_record at;     /* its place and bytes */
    const struct record *record; /* its judgement */
};

struct table;

/* Opens the file and reads its header: FAIL_INPUT for a file fault, FAIL_USAGE for a bad setting, both naming
 * the file. `carries`: IN_CARDS, IN_CUSTOMERS or IN_BOTH. What options.rules point to must outlive the
 * table. */
int table_open(struct table **out, const char *path, unsigned carries, const struct table_options *options,
               struct fail *fail) MUST_CHECK;
/* The same in two steps, for a file that may be known: after the first there are its name, size, digest and
 * spool file. The second may have other options for the reader. */
int table_open_bytes(struct table **out, const char *path, unsigned carries,
                     const struct table_options *options, struct fail *fail) MUST_CHECK;
int table_open_header(struct table *table, const struct table_options *options, struct fail *fail) MUST_CHECK;
/* The same for a file that was loaded before: regular, its bytes as they are. */
int table_reopen(struct table **out, const char *path, unsigned carries, const struct table_options *options,
                 struct fail *fail) MUST_CHECK;
void table_close(struct table *table);

const char *table_name(const struct table *table); /* the path as it was given */
const char *table_path(const struct table *table); /* absolute */
unsigned table_carries(const struct table *table);
int64_t table_size(const struct table *table);
const struct columns *table_columns(const struct table *table);
struct span table_mark(const struct table *table); /* the byte order mark in front of the file, or nothing */
struct span table_header(const struct table *table); /* its bytes, without the line end */
char table_delimiter(const struct table *table);
const char *table_encoding(const struct table *table); /* UTF-16LE where the setting was UTF-16 */
/* Appends text of ours as the file would write it; what its encoding lacks becomes '?'. */
void table_encode(struct table *table, struct span text, struct buf *out);

/* The columns of ours with which the records of a rejects file end. */
enum { TABLE_OWN_COUNT = 3 };
extern const char *const table_own_columns[TABLE_OWN_COUNT];
/* The bytes of the header or of a record without the cells of these columns, where the header ends with them;
 * all of them where those cells cannot be found for sure: in a record of another number of cells than the
 * header, unless they still hold codes of ours. */
struct span table_without_own(struct table *table, struct span bytes);

/* SHA-256 of the whole file, computed at the first call. */
int table_digest(struct table *table, char out[DIGEST_TEXT_SIZE], struct fail *fail) MUST_CHECK;
/* Whether it is read from a spool file. */
bool table_spooled(const struct table *table);
/* Gives the spool file its name, where options.spool.keep says so: true in *kept then. */
int table_keep(struct table *table, bool *kept, struct fail *fail) MUST_CHECK;
/* 0: untouched since it was opened; 1: it was touched, but its bytes are the same, so what was fetched since
 * the last check is to be fetched again; -1, FAIL_INPUT: changed. */
int table_check(struct table *table, struct fail *fail) MUST_CHECK;

/* The next record: 1 / 0 / -1. A record that cannot be read as fields comes with that one problem. */
int table_next(struct table *table, struct table_row *row, struct fail *fail) MUST_CHECK;

struct table_place {
    int64_t offset;
    size_t length;
    int64_t line; /* 0 where it does not matter: then a problem that names a line is wrong */
};
/* The record at a place, judged as of `now_ms`. */
int table_fetch(struct table *table, const struct table_place *place, int64_t now_ms, struct table_row *row,
                struct fail *fail) MUST_CHECK;

enum { TABLE_BYTES_MAX = 1 << 20 };
/* Bytes of the file as they are, at most TABLE_BYTES_MAX; for what is too long to be a record. */
int table_bytes(struct table *table, int64_t offset, size_t length, struct span *out,
                struct fail *fail) MUST_CHECK;

/* The problem codes joined by ';' and their columns in the same order. */
void table_problem_codes(const struct record *record, struct buf *codes, struct buf *fields);

#endif
