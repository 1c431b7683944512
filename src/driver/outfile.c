#include "driver/outfile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, CELL_CAP = 1 << 24, NAME_CAP = 8192 };

struct outfile {
    int fd;
    int error; /* errno of the first write that failed, 0: none */
    struct buf block, cell, name, temporary;
};

/* Of a folder that is there; errno where it is not. */
static int check_folder(const char *folder, struct fail *fail)
{
    struct stat info;

    if (stat(folder, &info) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot make the folder: %s", folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return fail_set(fail, FAIL_LEDGER, "%s: a file, not a folder", folder);
    if (access(folder, W_OK | X_OK) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot write into the folder: %s", folder, strerror(errno));
    return 0;
}

int outfile_folder(const char *folder, struct fail *fail)
{
    if (mkdir(folder, 0700) == 0)
        return 0;
    if (errno == EEXIST)
        return check_folder(folder, fail);
    return fail_set(fail, FAIL_LEDGER, "%s: cannot make the folder: %s", folder, strerror(errno));
}

/* The folder that a folder which is not there is to be made in; slashes behind its name say nothing. Owned.
 */
static char *parent_of(const char *folder)
{
    size_t len = strlen(folder);
    char *parent;

    while (len > 1 && folder[len - 1] == '/')
        len--;
    while (len > 0 && folder[len - 1] != '/')
        len--;
    while (len > 1 && folder[len - 1] == '/')
        len--;
    parent = mem_text(len > 0 ? folder : ".");
    if (len > 0)
        parent[len] = '\0';
    return parent;
}

int outfile_check(const char *folder, struct fail *fail)
{
    struct fail parent_fail;
    char *parent;
    int rc;

    if (access(folder, F_OK) == 0 || errno != ENOENT)
        return check_folder(folder, fail);
    parent = parent_of(folder);
    rc = check_folder(parent, &parent_fail);
    if (rc != 0)
        (void)fail_set(fail, FAIL_LEDGER,
                       "%s: cannot make the folder: %s is not there, or not to be written into", folder,
                       parent);
    free(parent);
    return rc;
}

/* Temporary files of processes that were killed: a rejects file among them would keep personal data for
 * ever. */
static void remove_leftovers(const char *folder, const char *name)
{
    DIR *entries = opendir(folder);
    size_t len = strlen(name);
    struct dirent *entry;
    long pid;
    char *end;

    while (entries && (entry = readdir(entries))) {
        if (entry->d_name[0] != '.' || strncmp(entry->d_name + 1, name, len) != 0 ||
            entry->d_name[len + 1] != '.')
            continue;
        pid = strtol(entry->d_name + len + 2, &end, 10);
        if (strcmp(end, ".tmp") == 0 && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            (void)unlinkat(dirfd(entries), entry->d_name, 0); /* a left-over that stays does no harm today */
    }
    if (entries)
        (void)closedir(entries); /* it was only read */
}

int outfile_open(struct outfile **out, const char *folder, const char *name, struct fail *fail)
{
    struct outfile *file = mem_alloc(sizeof *file);

    remove_leftovers(folder, name);
    buf_init(&file->block, 2 * BLOCK);
    buf_init(&file->cell, CELL_CAP);
    buf_init(&file->name, NAME_CAP);
    buf_init(&file->temporary, NAME_CAP);
    buf_addf(&file->name, "%s/%s", folder, name);
    buf_addf(&file->temporary, "%s/.%s.%ld.tmp", folder, name, (long)getpid());
    file->fd = open(buf_text(&file->temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        (void)fail_set(fail, FAIL_LEDGER, "%s: cannot write: %s", buf_text(&file->temporary),
                       strerror(errno));
        outfile_cancel(file);
        return -1;
    }
    *out = file;
    return 0;
}

void outfile_open_to_all(struct outfile *file)
{
    if (fchmod(file->fd, 0644) != 0 && file->error == 0)
        file->error = errno;
}

static void flush(struct outfile *file)
{
    size_t done = 0;

    while (done < file->block.len && file->error == 0) {
        ssize_t put = write(file->fd, file->block.ptr + done, file->block.len - done);
        if (put > 0)
            done += (size_t)put;
        else if (errno != EINTR)
            file->error = errno;
    }
    buf_reset(&file->block);
}

void outfile_add(struct outfile *file, struct span bytes)
{
    while (bytes.len > 0) {
        size_t n = bytes.len < BLOCK ? bytes.len : BLOCK;
        buf_add(&file->block, bytes.ptr, n);
        bytes.ptr += n;
        bytes.len -= n;
        if (file->block.len >= BLOCK)
            flush(file);
    }
}

void outfile_cell(struct buf *out, struct span text, char delimiter)
{
    bool formula = text.len > 1 && memchr("=+-@\t\r", text.ptr[0], 6) != NULL;
    bool quote = formula;

    for (size_t i = 0; i < text.len && !quote; i++)
        quote = text.ptr[i] == delimiter || text.ptr[i] == '"' || text.ptr[i] == '\n' || text.ptr[i] == '\r';
    if (!quote) {
        buf_add_span(out, text);
        return;
    }
    buf_add_text(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '"');
}

void outfile_add_cell(struct outfile *file, struct span text, char delimiter)
{
    buf_reset(&file->cell);
    outfile_cell(&file->cell, text, delimiter);
    assert(!file->cell.full);
    outfile_add(file, buf_span(&file->cell));
}

int outfile_commit(struct outfile *file, struct fail *fail)
{
    int rc = 0;

    flush(file);
    if (file->error == 0 && fsync(file->fd) != 0)
        file->error = errno;
    if (close(file->fd) != 0 && file->error == 0)
        file->error = errno;
    file->fd = -1;
    if (file->error == 0 && rename(buf_text(&file->temporary), buf_text(&file->name)) != 0)
        file->error = errno;
    if (file->error != 0)
        rc =
            fail_set(fail, FAIL_LEDGER, "%s: cannot write: %s", buf_text(&file->name), strerror(file->error));
    else
        buf_reset(&file->temporary); /* nothing is left to remove */
    outfile_cancel(file);
    return rc;
}

void outfile_cancel(struct outfile *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        (void)close(file->fd); /* the file is given up */
    if (file->temporary.len > 0)
        (void)unlink(buf_text(&file->temporary)); /* a left-over does no harm */
    buf_free(&file->block);
    buf_free(&file->cell);
    buf_free(&file->name);
    buf_free(&file->temporary);
    free(file);
}

int outfile_remove(const char *folder, const char *name, struct fail *fail)
{
    struct buf path;
    int rc = 0;

    buf_init(&path, NAME_CAP);
    buf_addf(&path, "%s/%s", folder, name);
    if (unlink(buf_text(&path)) != 0 && errno != ENOENT)
        rc = fail_set(fail, FAIL_LEDGER, "%s: cannot remove: %s", buf_text(&path), strerror(errno));
    buf_free(&path);
    return rc;
}
