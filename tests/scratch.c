/* _GNU_SOURCE: nftw */
#define _GNU_SOURCE
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];

int scratch_open(void **state)
{
    const char *build = getenv("BUILD");
    char *full;
    int len;

    (void)state;
    len = snprintf(folder, sizeof folder, "%s/tmp", build && build[0] ? build : "build");
    assert_true(len > 0 && (size_t)len < sizeof folder - 64);
    assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
    len = snprintf(folder + len, sizeof folder - (size_t)len, "/test.%ld", (long)getpid());
    assert_true(len > 0);
    assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
    full = realpath(folder, NULL); /* what messages name */
    assert_true(full && strlen(full) < sizeof folder);
    memcpy(folder, full, strlen(full) + 1);
    free(full);
    scratch_clear();
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    return walk->level == 0 ? 0 : remove(path);
}

void scratch_clear(void)
{
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int scratch_close(void **state)
{
    (void)state;
    scratch_clear();
    return rmdir(folder);
}

const char *scratch_folder(void)
{
    return folder;
}

const char *scratch_path(const char *name)
{
    static char paths[8][1024];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    int len = snprintf(path, sizeof paths[0], "%s/%s", folder, name);

    assert_true(len > 0 && (size_t)len < sizeof paths[0]);
    return path;
}

const char *scratch_write(const char *name, struct span bytes)
{
    const char *path = scratch_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        assert_true(put > 0);
        bytes.ptr += put;
        bytes.len -= (size_t)put;
    }
    assert_int_equal(close(fd), 0);
    return path;
}

void scratch_read(const char *name, struct buf *out)
{
    char block[65536];
    int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        fail_msg("%s is not there", name);
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    assert_int_equal(got, 0);
    assert_false(out->full);
    assert_int_equal(close(fd), 0);
}

void scratch_holds(const char *name, const char *text)
{
    struct buf bytes;

    buf_init(&bytes, 1 << 20);
    scratch_read(name, &bytes);
    assert_string_equal(buf_text(&bytes), text);
    assert_int_equal(bytes.len, strlen(text));
    buf_free(&bytes);
}

bool scratch_exists(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

mode_t scratch_mode(const char *name)
{
    struct stat info;

    assert_int_equal(stat(scratch_path(name), &info), 0);
    return info.st_mode & 07777;
}

size_t scratch_count(const char *name)
{
    DIR *dir = opendir(scratch_path(name));
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    assert_int_equal(closedir(dir), 0);
    return count - 2;
}
