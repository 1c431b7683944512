/* source: an input file as random-access bytes, bound by its SHA-256.
 *
 * The file stays open for the life of the handle, so a name that is replaced meanwhile does no harm; a file
 * that is changed in place is noticed by its size and times (source_changed) and by the identifiers of each
 * row that is read again. Only regular files: pipes and compressed files cannot be read at random. */
#ifndef DRIVER_SOURCE_H
#define DRIVER_SOURCE_H

#include "kit/buf.h"

struct source;

/* FAIL_INPUT when the file is missing, not regular or not readable. */
int source_open(struct source **out, const char *path, struct fail *fail) MUST_CHECK;
void source_close(struct source *source);

const char *source_path(const struct source *source); /* absolute where that can be told */
int source_fd(const struct source *source);
int64_t source_size(const struct source *source);

/* The bytes at a place, borrowed until the next call. FAIL_INPUT when they are not all there. */
int source_fetch(struct source *source, int64_t offset, size_t length, struct span *out,
                 struct fail *fail) MUST_CHECK;

/* 0: untouched since it was opened or last accepted; 1: its status changed though size and time of
 * modification are the same (also when it was renamed or removed): its bytes are to be compared; -1,
 * FAIL_INPUT: changed. */
int source_check(const struct source *source, struct fail *fail) MUST_CHECK;
/* Takes the present status as the one to compare with. */
void source_accept(struct source *source);

#endif
