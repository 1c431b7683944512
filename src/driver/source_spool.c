/* The life of a spool file: filled without a name (O_TMPFILE), so that the end of the process is the end of
 * the file; named by a link and a rename once its digest is known, so that the name always stands for whole
 * content and a symbolic link in its place is replaced, not followed. Where the file system or the missing
 * /proc cannot do that, it has a temporary name from the start, which the next sweep removes. */
#define _GNU_SOURCE /* O_TMPFILE, mkostemps */
#include "source_impl.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_CAP = 8192, DIGEST_PART = 16 };

static const char END[] = ".spool", END_TEMPORARY[] = ".spool.tmp", HEX[] = "0123456789abcdef";

/* The base itself behind symbolic links, while it exists; the caller's. */
static char *real_base(const char *base)
{
    char *real = realpath(base, NULL);

    return real ? real : mem_text(base);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder;

    if (!slash)
        return mem_text(".");
    folder = mem_text(path);
    folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void add_name(const char *real, const char *sha256, const char *end, struct buf *out)
{
    buf_addf(out, "%s.%.*s%s", real, DIGEST_PART, sha256, end);
}

void source_spool_path(const char *base, const char *sha256, struct buf *out)
{
    char *real = real_base(base);

    add_name(real, sha256, END, out);
    free(real);
}

/* ---- filling ---- */

int spooling_read(struct spooling *spooling, struct fail *fail)
{
    spooling->offset += (int64_t)spooling->len;
    spooling->len = 0;
    while (spooling->len < SOURCE_BLOCK) {
        ssize_t got = read(spooling->in, spooling->block + spooling->len, SOURCE_BLOCK - spooling->len);
        if (got == 0)
            break;
        if (got > 0) {
            spooling->len += (size_t)got;
        } else if (errno == EAGAIN) { /* who gave us the pipe made it so */
            struct pollfd one = {.fd = spooling->in, .events = POLLIN};
            (void)poll(&one, 1, -1); /* the next read tells */
        } else if (errno != EINTR) {
            return fail_set(fail, FAIL_INPUT, "%s: cannot read: %s", spooling->path, strerror(errno));
        }
    }
    return spooling->len > 0;
}

int spooling_write(const struct spooling *spooling, const unsigned char *bytes, size_t len, struct fail *fail)
{
    while (len > 0) {
        ssize_t put = write(spooling->out, bytes, len);
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        } else if (errno != EINTR) {
            return fail_set(fail, FAIL_LEDGER,
                            "%s: no room to unpack it into %s: %s; free disk space there, or keep the ledger "
                            "on a larger disk, and run again",
                            spooling->path, spooling->folder, strerror(errno));
        }
    }
    return 0;
}

static int copy_all(struct spooling *spooling, struct unpack *unpack, struct fail *fail)
{
    struct span bytes;
    int rc;

    while ((rc = unpack_next(unpack, spooling, &bytes, fail)) == 1)
        if (spooling_write(spooling, (const unsigned char *)bytes.ptr, bytes.len, fail) != 0)
            return -1;
    return rc;
}

int spooling_begin(struct spooling *spooling, struct unpack **unpack, struct fail *fail)
{
    enum packing packing;
    size_t head;

    if (spooling_read(spooling, fail) < 0)
        return -1;
    head = spooling->len < SOURCE_HEAD ? spooling->len : SOURCE_HEAD;
    if (packing_find(spooling->path, (struct span){(const char *)spooling->block, head}, &packing, fail) != 0)
        return -1;
    return unpack_open(unpack, packing, fail);
}

static int copy(struct spooling *spooling, struct fail *fail)
{
    struct unpack *unpack = NULL;
    int rc;

    if (spooling_begin(spooling, &unpack, fail) != 0)
        return -1;
    rc = copy_all(spooling, unpack, fail);
    unpack_close(unpack);
    return rc;
}

static void proc_path(int fd, char out[32])
{
    (void)snprintf(out, 32, "/proc/self/fd/%d", fd);
}

/* A file without a name that can be given one later, where that is asked for; -1: cannot be had here. */
static int open_nameless(const char *folder, bool keep)
{
    char proc[32];
    int fd = openat(AT_FDCWD, folder, O_TMPFILE | O_RDWR | O_CLOEXEC | (keep ? 0 : O_EXCL), 0600);

    if (fd < 0 || !keep)
        return fd;
    proc_path(fd, proc);
    if (access(proc, F_OK) == 0)
        return fd;
    (void)close(fd); /* still empty */
    return -1;
}

static int open_named(struct source *source, const char *real, bool keep)
{
    struct buf name;
    int fd;

    buf_init(&name, PATH_CAP);
    buf_addf(&name, "%s.XXXXXX%s", real, END_TEMPORARY);
    source->temporary = mem_text(buf_text(&name));
    buf_free(&name);
    fd = mkostemps(source->temporary, (int)strlen(END_TEMPORARY), O_CLOEXEC); /* mode 0600, always new */
    if (fd >= 0 && (keep || unlink(source->temporary) != 0))
        return fd;
    free(source->temporary);
    source->temporary = NULL;
    return fd;
}

static int open_spool(struct source *source, const char *real, const char *folder, bool keep,
                      struct fail *fail)
{
    int fd = open_nameless(folder, keep);

    if (fd < 0)
        fd = open_named(source, real, keep);
    if (fd < 0)
        return fail_set(
            fail, FAIL_LEDGER,
            "%s: cannot make a spool file in %s: %s; give a --ledger (or STATE_DIRECTORY) in a folder "
            "that can be written",
            source->path, folder, strerror(errno));
    source->fd = fd;
    return 0;
}

int spool_fill(struct source *source, int in, const struct source_spool *spool, struct fail *fail)
{
    char *real, *folder;
    struct spooling spooling = {.path = source->path, .in = in, .outcome = "Nothing was loaded"};
    int rc = -1;

    assert(spool->base);
    real = real_base(spool->base);
    spooling.folder = folder = folder_of(real);
    spooling.block = mem_alloc(SOURCE_BLOCK);
    if (open_spool(source, real, folder, spool->keep, fail) == 0) {
        spooling.out = source->fd;
        rc = copy(&spooling, fail);
    }
    if (rc == 0 && fstat(source->fd, &source->at_open) != 0)
        rc = fail_set(fail, FAIL_LEDGER, "%s: spool file: %s", source->path, strerror(errno));
    source->base = real;
    source->keep = spool->keep;
    free(folder);
    explicit_bzero(spooling.block, SOURCE_BLOCK);
    free(spooling.block);
    return rc;
}

/* ---- naming ---- */

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    (void)close(fd); /* read only */
    return rc;
}

/* The temporary name through which the final one is taken over. */
static int link_temporary(struct source *source, const char *name)
{
    char proc[32];

    if (source->temporary)
        return 0;
    proc_path(source->fd, proc);
    (void)unlink(name); /* of a process that died between link and rename */
    if (linkat(AT_FDCWD, proc, AT_FDCWD, name, AT_SYMLINK_FOLLOW) != 0)
        return -1;
    source->temporary = mem_text(name);
    return 0;
}

int source_keep(struct source *source, const char *sha256, struct fail *fail)
{
    struct buf name, temporary;
    char *folder;
    int rc = -1;

    if (!source->base || !source->keep || source->kept)
        return 0;
    folder = folder_of(source->base);
    buf_init(&name, PATH_CAP);
    buf_init(&temporary, PATH_CAP);
    add_name(source->base, sha256, END, &name);
    add_name(source->base, sha256, END_TEMPORARY, &temporary);
    if (fsync(source->fd) == 0 && link_temporary(source, buf_text(&temporary)) == 0 &&
        rename(source->temporary, buf_text(&name)) == 0) {
        free(source->temporary);
        source->temporary = NULL;
        source->kept = true;
        source_accept(source); /* link and rename changed its status */
        rc = sync_folder(folder);
    }
    if (rc != 0)
        (void)fail_set(fail, FAIL_LEDGER, "%s: cannot store its spool file %s: %s", source->path,
                       buf_text(&name), strerror(errno));
    buf_free(&name);
    buf_free(&temporary);
    free(folder);
    return rc;
}

/* ---- removing ---- */

struct sweep {
    const char *prefix; /* name of the base */
    const char *const *sha256;
    size_t count;
    int64_t removed;
    int error;
};

/* Whether `name` is a spool file (1) or a temporary one (2) of the base; its part in the middle. */
static int kind_of(const struct sweep *sweep, const char *name, struct span *middle)
{
    size_t len = strlen(sweep->prefix);

    if (strncmp(name, sweep->prefix, len) != 0 || name[len] != '.')
        return 0;
    name += len + 1;
    *middle = (struct span){name, strcspn(name, ".")};
    if (middle->len == DIGEST_PART && strspn(name, HEX) == DIGEST_PART &&
        strcmp(name + DIGEST_PART, END) == 0)
        return 1;
    return (middle->len == DIGEST_PART || middle->len == 6) && strcmp(name + middle->len, END_TEMPORARY) == 0
               ? 2
               : 0;
}

static bool stays(const struct sweep *sweep, struct span digest)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (strncmp(sweep->sha256[i], digest.ptr, DIGEST_PART) == 0)
            return true;
    return false;
}

static void sweep_entry(struct sweep *sweep, int folder, const char *name)
{
    struct span middle;
    int kind = kind_of(sweep, name, &middle);

    if (kind == 0 || (kind == 1 && stays(sweep, middle)))
        return;
    if (unlinkat(folder, name, 0) == 0)
        sweep->removed += kind == 1;
    else if (errno != ENOENT)
        sweep->error = errno;
}

int source_sweep(const char *base, const char *const *sha256, size_t count, int64_t *removed,
                 struct fail *fail)
{
    char *real = real_base(base), *folder = folder_of(real);
    struct sweep sweep = {.prefix = name_of(real), .sha256 = sha256, .count = count};
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    if (!entries)
        sweep.error = errno;
    while (entries && (entry = readdir(entries)))
        sweep_entry(&sweep, dirfd(entries), entry->d_name);
    if (entries)
        (void)closedir(entries); /* it was only read */
    if (sweep.error != 0)
        rc = fail_set(fail, FAIL_LEDGER, "%s: cannot remove spool files: %s", folder, strerror(sweep.error));
    else
        *removed = sweep.removed;
    free(folder);
    free(real);
    return rc;
}
