/* source: an input file as random-access bytes, bound by its SHA-256.
 *
 * The file stays open for the life of the handle, so a name that is replaced meanwhile does no harm; a file
 * that is changed in place is noticed by its size and times (source_check) and by the identifiers of each
 * row that is read again. A plain regular file is read where it lies. What cannot be read at random (gzip,
 * zstd, pipes, "-" for standard input) is read once, unpacked, into a spool file beside the ledger: without a
 * name until source_keep, mode 0600, so that a process that dies leaves nothing behind. */
#ifndef DRIVER_SOURCE_H
#define DRIVER_SOURCE_H

#include "kit/buf.h"

struct source;

/* Spool files are named BASE.<first 16 digits of the content's SHA-256>.spool and lie in BASE's folder.
 * BASE is the ledger's path; a symbolic link is followed to the ledger itself. */
struct source_spool {
    const char *base;
    bool keep; /* false: a spool file is for the life of the handle, source_keep does nothing */
};

/* FAIL_INPUT when the file is missing, not readable, or not what its name or its first bytes promise, such as
 * a truncated gzip file; FAIL_LEDGER when it cannot be spooled. Waits for a pipe's writer. */
int source_open(struct source **out, const char *path, const struct source_spool *spool,
                struct fail *fail) MUST_CHECK;
/* FAIL_INPUT, in the words of source_open, when it is plain that the file cannot be opened. */
int source_look(const char *path, struct fail *fail) MUST_CHECK;
/* As source_open for a file whose bytes were loaded before: regular and as it is. */
int source_reopen(struct source **out, const char *path, struct fail *fail) MUST_CHECK;
void source_close(struct source *source);

const char *source_path(const struct source *source); /* absolute where that can be told */
int source_fd(const struct source *source);
int64_t source_size(const struct source *source); /* unpacked */
bool source_spooled(const struct source *source);

/* Gives a spool file its name, durably; one that bears it already is replaced. Only while the ledger's lock
 * is held. FAIL_LEDGER. */
int source_keep(struct source *source, const char *sha256, struct fail *fail) MUST_CHECK;
bool source_kept(const struct source *source);

/* The path of a spool file, appended. */
void source_spool_path(const char *base, const char *sha256, struct buf *out);
/* Removes the spool files of this base but those of the digests, and what killed processes left; *removed
 * counts the former. Only while the ledger's lock is held. FAIL_LEDGER. */
int source_sweep(const char *base, const char *const *sha256, size_t count, int64_t *removed,
                 struct fail *fail) MUST_CHECK;

/* The bytes at a place, borrowed until the next call. FAIL_INPUT when they are not all there. They may have
 * been read with an earlier call's: they are the file's once source_check says 0 after the fetch. */
int source_fetch(struct source *source, int64_t offset, size_t length, struct span *out,
                 struct fail *fail) MUST_CHECK;

/* 0: untouched since it was opened or last accepted; 1: its status changed though size and time of
 * modification are the same (also when it was renamed or removed): its bytes are to be compared; -1,
 * FAIL_INPUT: changed. */
int source_check(const struct source *source, struct fail *fail) MUST_CHECK;
/* Takes the present status as the one to compare with, and forgets what was read. */
void source_accept(struct source *source);

#endif
