/* source_stream: an input file read once from front to end, unpacked on the way: no spool file, constant
 * memory whatever its size. Plain, gzip or zstd, as its first bytes tell; "-" is standard input. */
#ifndef DRIVER_SOURCE_STREAM_H
#define DRIVER_SOURCE_STREAM_H

#include "kit/buf.h"

struct source_stream;

enum { SOURCE_STREAM_BLOCK = 1 << 18 }; /* most bytes that come at once */

/* FAIL_INPUT: missing, not readable, or not what its name or its first bytes promise. Waits for the first
 * bytes of a pipe. */
int source_stream_open(struct source_stream **out, const char *path, struct fail *fail) MUST_CHECK;
void source_stream_close(struct source_stream *stream);

/* 1 and the next bytes, borrowed until the next call; 0 at the end; -1, FAIL_INPUT: cannot be read, or
 * damaged or cut off here, all bytes before that having been given. */
int source_stream_next(struct source_stream *stream, struct span *out, struct fail *fail) MUST_CHECK;

/* Bytes of the file read so far, and in all: -1 where nobody can tell. */
int64_t source_stream_done(const struct source_stream *stream);
int64_t source_stream_size(const struct source_stream *stream);

#endif
