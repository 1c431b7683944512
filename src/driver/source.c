#include "driver/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FETCH_CAP = 1 << 21 }; /* the reader delivers no longer record */

struct source {
    char *path;
    int fd;
    struct stat at_open;
    struct buf bytes;
};

static bool has_end(const char *path, const char *end)
{
    size_t len = strlen(path), n = strlen(end);

    return len > n && strcmp(path + len - n, end) == 0;
}

static int check_kind(const struct source *source, const char *path, struct fail *fail)
{
    if (!S_ISREG(source->at_open.st_mode))
        return fail_set(fail, FAIL_INPUT,
                        "%s: not a regular file; rows are read again when they are sent, so write "
                        "it to a file first",
                        path);
    if (has_end(path, ".gz") || has_end(path, ".zst"))
        return fail_set(fail, FAIL_INPUT, "%s: compressed; unpack it to a file first", path);
    return 0;
}

int source_open(struct source **out, const char *path, struct fail *fail)
{
    struct source *source = mem_alloc(sizeof *source);
    char *full;

    buf_init(&source->bytes, FETCH_CAP);
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* or a FIFO would wait for its writer */
    ;
    if (source->fd < 0 || fstat(source->fd, &source->at_open) != 0) {
        (void)fail_set(fail, FAIL_INPUT, "%s: cannot open: %s", path, strerror(errno));
        goto undo;
    }
    if (check_kind(source, path, fail) != 0)
        goto undo;
    full = realpath(path, NULL);
    source->path = full ? full : mem_text(path);
    *out = source;
    return 0;
undo:
    source_close(source);
    return -1;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->fd >= 0)
        (void)close(source->fd); /* read only: nothing can be lost */
    buf_free(&source->bytes);
    free(source->path);
    free(source);
}

const char *source_path(const struct source *source)
{
    return source->path;
}

int source_fd(const struct source *source)
{
    return source->fd;
}

int64_t source_size(const struct source *source)
{
    return source->at_open.st_size;
}

int source_fetch(struct source *source, int64_t offset, size_t length, struct span *out, struct fail *fail)
{
    char block[4096];
    size_t done = 0;

    buf_reset(&source->bytes);
    while (done < length) {
        size_t want = length - done < sizeof block ? length - done : sizeof block;
        ssize_t got = pread(source->fd, block, want, (off_t)(offset + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_set(fail, FAIL_INPUT, "%s: %s", source->path,
                            got < 0 ? strerror(errno) : "shorter than when it was loaded");
        buf_add(&source->bytes, block, (size_t)got);
        done += (size_t)got;
    }
    if (source->bytes.full)
        return fail_set(fail, FAIL_INPUT, "%s: a record of %zu bytes cannot be read", source->path, length);
    *out = buf_span(&source->bytes);
    return 0;
}

int source_check(const struct source *source, struct fail *fail)
{
    struct stat now;

    if (fstat(source->fd, &now) != 0)
        return fail_set(fail, FAIL_INPUT, "%s: %s", source->path, strerror(errno));
    if (now.st_size != source->at_open.st_size || now.st_mtim.tv_sec != source->at_open.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != source->at_open.st_mtim.tv_nsec)
        return fail_set(fail, FAIL_INPUT, "%s: changed while it was in use; load it again", source->path);
    return now.st_ctim.tv_sec != source->at_open.st_ctim.tv_sec ||
           now.st_ctim.tv_nsec != source->at_open.st_ctim.tv_nsec;
}

void source_accept(struct source *source)
{
    struct stat now;

    if (fstat(source->fd, &now) == 0)
        source->at_open = now;
}
