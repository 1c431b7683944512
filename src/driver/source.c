#include "source_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FETCH_CAP = 1 << 21, /* the reader delivers no longer record */
    AHEAD = 16384,       /* rows leave in file order: read with one are those behind it ... */
    ONWARD = 4096        /* ... when it is so near behind the last, for some are passed over */
};

/* The descriptor is the input's until a spool file takes its place. */
static int open_input(struct source *source, const char *path, bool standard_input, struct fail *fail)
{
    struct stat before;
    char *full;

    source->path = mem_text(path);
    if (standard_input)
        source->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else if (stat(path, &before) == 0) /* a regular file must not become a FIFO that waits for its writer */
        source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (S_ISREG(before.st_mode) ? O_NONBLOCK : 0));
    if (source->fd < 0 || fstat(source->fd, &source->at_open) != 0)
        return fail_set(fail, FAIL_INPUT, "%s: cannot open: %s", path, strerror(errno));
    full = standard_input ? NULL : realpath(path, NULL);
    if (full) {
        free(source->path);
        source->path = full;
    }
    return 0;
}

static int refuse_kind(const char *path, struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT, "%s: neither a regular file nor a pipe", path);
}

/* Whether the bytes cannot be read again where they lie. */
static int needs_spool(const struct source *source, bool *out, struct fail *fail)
{
    mode_t mode = source->at_open.st_mode;
    enum packing packing;
    char head[SOURCE_HEAD];
    ssize_t got;

    if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISCHR(mode) && !S_ISSOCK(mode))
        return refuse_kind(source->path, fail);
    *out = true;
    if (!S_ISREG(mode) || source->at_open.st_nlink == 0) /* a file that was removed cannot be opened again */
        return 0;
    got = pread(source->fd, head, sizeof head, 0);
    if (got < 0)
        return fail_set(fail, FAIL_INPUT, "%s: cannot read: %s", source->path, strerror(errno));
    if (packing_find(source->path, (struct span){head, (size_t)got}, &packing, fail) != 0)
        return -1;
    *out = packing != PACKING_NONE;
    return 0;
}

static int spool_where_needed(struct source *source, bool standard_input, const struct source_spool *spool,
                              struct fail *fail)
{
    int in = source->fd, rc;
    bool needed = true;

    if (!standard_input && needs_spool(source, &needed, fail) != 0)
        return -1;
    if (!needed)
        return 0;
    source->fd = -1;
    rc = spool_fill(source, in, spool, fail);
    (void)close(in); /* read only: nothing can be lost */
    return rc;
}

static struct source *make_source(void)
{
    struct source *source = mem_alloc(sizeof *source);

    buf_init(&source->bytes, FETCH_CAP);
    source->fd = -1;
    return source;
}

int source_open(struct source **out, const char *path, const struct source_spool *spool, struct fail *fail)
{
    struct source *source = make_source();
    bool standard_input = strcmp(path, "-") == 0;

    if (open_input(source, path, standard_input, fail) == 0 &&
        spool_where_needed(source, standard_input, spool, fail) == 0) {
        *out = source;
        return 0;
    }
    source_close(source);
    return -1;
}

int source_look(const char *path, struct fail *fail)
{
    struct source *source;
    struct stat info;
    int rc;

    /* To open a pipe would wait for its writer, or take from its bytes. */
    if (strcmp(path, "-") == 0 ||
        (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
        return 0;
    source = make_source();
    rc = open_input(source, path, false, fail);
    if (rc == 0 && S_ISDIR(source->at_open.st_mode))
        rc = refuse_kind(source->path, fail);
    source_close(source);
    return rc;
}

int source_reopen(struct source **out, const char *path, struct fail *fail)
{
    struct source *source = make_source();
    struct stat info;
    int rc;

    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        rc = refuse_kind(path, fail); /* before a FIFO waits for its writer */
    else
        rc = open_input(source, path, false, fail);
    if (rc == 0 && !S_ISREG(source->at_open.st_mode))
        rc = refuse_kind(path, fail);
    if (rc == 0) {
        *out = source;
        return 0;
    }
    source_close(source);
    return -1;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->fd >= 0)
        (void)close(source->fd); /* read only, or a spool file that was synced or is given up */
    if (source->temporary)
        (void)unlink(source->temporary); /* what stays behind the next sweep removes */
    buf_free(&source->bytes);
    free(source->temporary);
    free(source->base);
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

bool source_spooled(const struct source *source)
{
    return source->base != NULL;
}

bool source_kept(const struct source *source)
{
    return source->kept;
}

/* Reads `length` bytes at least, `want` where the file is that long. */
static int fill_window(struct source *source, int64_t offset, size_t length, size_t want, struct fail *fail)
{
    char *into;
    size_t done = 0;

    buf_reset(&source->bytes);
    into = buf_extend(&source->bytes, want);
    if (!into)
        return fail_set(fail, FAIL_INPUT, "%s: a record of %zu bytes cannot be read", source->path, length);
    while (done < length) {
        ssize_t got = pread(source->fd, into + done, want - done, (off_t)(offset + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            buf_reset(&source->bytes);
            return fail_set(fail, FAIL_INPUT, "%s: %s", source->path,
                            got < 0 ? strerror(errno) : "shorter than when it was loaded");
        }
        done += (size_t)got;
    }
    buf_cut(&source->bytes, done);
    source->bytes_at = offset;
    return 0;
}

int source_fetch(struct source *source, int64_t offset, size_t length, struct span *out, struct fail *fail)
{
    int64_t end = source->bytes_at + (int64_t)source->bytes.len;
    bool within = offset >= source->bytes_at && offset + (int64_t)length <= end;
    bool onward = offset >= source->bytes_at && offset <= end + ONWARD;
    size_t want = onward && length < AHEAD ? AHEAD : length;

    if (!within && fill_window(source, offset, length, want, fail) != 0)
        return -1;
    *out = (struct span){source->bytes.ptr ? source->bytes.ptr + (offset - source->bytes_at) : "", length};
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

    buf_reset(&source->bytes); /* what was read may be of neither */
    if (fstat(source->fd, &now) == 0)
        source->at_open = now;
}
