/* lines: a file that lines are appended to in batches (O_APPEND, whole lines only).
 *
 * lines_add keeps a line; it reaches the file when 64 KiB have gathered, when the oldest kept line is 100 ms
 * old (lines_tick), and at lines_close. A handle whose path is NULL swallows everything. */
#ifndef SANDBOX_LINES_H
#define SANDBOX_LINES_H

#include "kit/buf.h"

struct lines {
    int fd; /* -1: swallows */
    const char *path;
    struct buf kept;
    int64_t oldest_ms; /* monotonic; when the first kept line came */
};

int lines_open(struct lines *lines, const char *path, struct fail *fail) MUST_CHECK;
/* Writes what is kept. Accepts a zeroed handle whose fd is -1. */
int lines_close(struct lines *lines, struct fail *fail) MUST_CHECK;
/* `line` without its line end. */
int lines_add(struct lines *lines, struct span line, int64_t now_ms, struct fail *fail) MUST_CHECK;
int lines_tick(struct lines *lines, int64_t now_ms, struct fail *fail) MUST_CHECK;
/* Milliseconds until lines_tick has work, -1: none. */
int64_t lines_due_ms(const struct lines *lines, int64_t now_ms);

#endif
