#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_BYTES = 64 * 1024, KEPT_CAP = 4 * 1024 * 1024, OLDEST_MS = 100 };

int lines_open(struct lines *lines, const char *path, struct fail *fail)
{
    *lines = (struct lines){.fd = -1, .path = path};
    buf_init(&lines->kept, KEPT_CAP);
    if (!path)
        return 0;
    lines->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (lines->fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "%s: %s", path, strerror(errno));
    return 0;
}

static int flush(struct lines *lines, struct fail *fail)
{
    size_t done = 0;

    while (done < lines->kept.len) {
        ssize_t n = write(lines->fd, lines->kept.ptr + done, lines->kept.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_set(fail, FAIL_INTERNAL, "%s: %s", lines->path, strerror(errno));
        done += (size_t)n;
    }
    buf_reset(&lines->kept);
    return 0;
}

int lines_add(struct lines *lines, struct span line, int64_t now_ms, struct fail *fail)
{
    if (lines->fd < 0)
        return 0;
    if (lines->kept.len == 0)
        lines->oldest_ms = now_ms;
    buf_add_span(&lines->kept, line);
    buf_add_char(&lines->kept, '\n');
    if (lines->kept.full)
        return fail_set(fail, FAIL_INTERNAL, "%s: a line of %zu bytes", lines->path, line.len);
    return lines->kept.len >= BATCH_BYTES ? flush(lines, fail) : 0;
}

int64_t lines_due_ms(const struct lines *lines, int64_t now_ms)
{
    int64_t left = lines->oldest_ms + OLDEST_MS - now_ms;

    if (lines->kept.len == 0)
        return -1;
    return left > 0 ? left : 0;
}

int lines_tick(struct lines *lines, int64_t now_ms, struct fail *fail)
{
    return lines_due_ms(lines, now_ms) == 0 ? flush(lines, fail) : 0;
}

int lines_close(struct lines *lines, struct fail *fail)
{
    int rc = 0;

    if (lines->fd < 0)
        return 0;
    if (lines->kept.len > 0)
        rc = flush(lines, fail);
    if (close(lines->fd) != 0 && rc == 0)
        rc = fail_set(fail, FAIL_INTERNAL, "%s: %s", lines->path, strerror(errno));
    lines->fd = -1;
    buf_free(&lines->kept);
    return rc;
}
