/* source_spool, source_unpack: what comes packed or through a pipe becomes a spool file with the plain bytes,
 * under its name only when asked for, and damage is told with the byte where it shows. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "driver/source.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In place of libc's: a file system that has no files without names. */
static bool nameless_refused;

int openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    if (nameless_refused && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

/* "hello\n" and "world\n", each packed alone. The gzip trailer is CRC and length, 4 bytes each. */
#define HELLO_GZ                                                               \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00" \
    "\x20\x30\x3a\x36\x06\x00\x00\x00"
#define WORLD_GZ                                                               \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\xcf\x2f\xca\x49\xe1\x02\x00" \
    "\xa8\x61\x38\xdd\x06\x00\x00\x00"
#define EMPTY_GZ "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
/* Raw blocks, without a check sum. */
#define HELLO_ZST "\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00hello\n"
#define WORLD_ZST "\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00world\n"
#define SKIPPED "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz"

#define DIGEST         \
    "0123456789abcdef" \
    "0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAME "ledger.db.0123456789abcdef.spool"

static struct source *open_packed(const char *path, bool keep)
{
    const struct source_spool spool = {scratch_path("ledger.db"), keep};
    struct source *source = NULL;
    struct fail fail;

    if (source_open(&source, path, &spool, &fail) != 0)
        fail_msg("%s", fail.text);
    return source;
}

static void holds(struct source *source, const char *text)
{
    struct span bytes;
    struct fail fail;

    assert_int_equal(source_size(source), strlen(text));
    assert_int_equal(source_fetch(source, 0, strlen(text), &bytes, &fail), 0);
    assert_true(span_is(bytes, text));
}

static void becomes(struct span packed, const char *text)
{
    struct source *source;

    scratch_clear();
    source = open_packed(scratch_write("in.bin", packed), false);
    assert_true(source_spooled(source));
    holds(source, text);
    source_close(source);
    assert_int_equal(scratch_count("."), 1);
}

static void refuses(const char *name, struct span packed, const char *words)
{
    const struct source_spool spool = {scratch_path("ledger.db"), true};
    struct source *source = NULL;
    struct fail fail;
    const char *path;

    scratch_clear();
    path = scratch_write(name, packed);
    assert_int_equal(source_open(&source, path, &spool, &fail), -1);
    assert_null(source);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_memory_equal(fail.text, path, strlen(path));
    if (!strstr(fail.text, words))
        fail_msg("'%s' is not in: %s", words, fail.text);
    assert_int_equal(scratch_count("."), 1);
}

/* ---- unpacking ---- */

static void gzip_is_known_by_its_bytes(void **state)
{
    (void)state;
    becomes(SPAN(HELLO_GZ), "hello\n");
    becomes(SPAN(HELLO_GZ WORLD_GZ), "hello\nworld\n");
    becomes(SPAN(EMPTY_GZ HELLO_GZ EMPTY_GZ), "hello\n");
    becomes(SPAN(EMPTY_GZ), "");
}

static void zstd_is_known_by_its_bytes(void **state)
{
    (void)state;
    becomes(SPAN(HELLO_ZST), "hello\n");
    becomes(SPAN(HELLO_ZST WORLD_ZST), "hello\nworld\n");
    becomes(SPAN(SKIPPED HELLO_ZST SKIPPED WORLD_ZST SKIPPED), "hello\nworld\n");
}

static void what_is_cut_off_is_told_with_its_last_byte(void **state)
{
    (void)state;
    refuses("a.gz", (struct span){HELLO_GZ, 25},
            "truncated: the gzip stream stops at byte 25 before its end");
    refuses("a.gz", (struct span){HELLO_GZ, 12}, "stops at byte 12 ");
    refuses("a.gz", (struct span){HELLO_GZ WORLD_GZ, 27}, "stops at byte 27 ");
    refuses("a.zst", (struct span){HELLO_ZST, 14},
            "truncated: the zstd stream stops at byte 14 before its end");
    refuses("a.zst", (struct span){HELLO_ZST WORLD_ZST, 17}, "stops at byte 17 ");
}

static void damage_is_told_with_its_place(void **state)
{
    char bad[] = HELLO_GZ;

    (void)state;
    bad[18] = 'Z'; /* of the check sum */
    refuses("a.gz", (struct span){bad, 26}, "damaged gzip stream at byte 22: incorrect data check");
    bad[18] = '\x20';
    bad[22] = 7;
    refuses("a.gz", (struct span){bad, 26}, "damaged gzip stream at byte 26: incorrect length check");
    refuses("a.gz", SPAN(HELLO_GZ "more"), "damaged gzip stream at byte 26: something else follows its end");
    refuses("a.gz", SPAN(HELLO_GZ "\0\0\0"),
            "damaged gzip stream at byte 26: something else follows its end");
    refuses("a.zst", SPAN(HELLO_ZST "more"), "damaged zstd stream at byte ");
    refuses("a.zst", SPAN("\x28\xb5\x2f\xfd\x20\x06\x37\x00\x00hello\n"), "damaged zstd stream at byte ");
}

/* 2^30 bytes of window would be needed. */
static void a_window_that_needs_too_much_memory_is_refused(void **state)
{
    (void)state;
    refuses("a.zst", SPAN("\x28\xb5\x2f\xfd\x00\xa0\x31\x00\x00hello\n"), "too much memory");
}

static void names_promise_no_more_than_the_bytes_keep(void **state)
{
    struct source *source;

    (void)state;
    refuses("a.csv.gz", SPAN("a,b\n1,2\n"), "neither gzip nor zstd in spite of its name;");
    refuses("a.csv.ZST", SPAN("a,b\n1,2\n"), "neither gzip nor zstd in spite of its name;");
    refuses("a.gz", SPAN(""), "in spite of its name, but empty;");
    refuses("a.csv", SPAN("PK\x03\x04 and so on"), "a ZIP archive or a spreadsheet, which is not read here");
    refuses("a.csv",
            SPAN("\xFD"
                 "7zXZ\0 and so on"),
            "an xz file");
    refuses("a.csv", SPAN("BZh91AY&SY"), "a bzip2 file");
    becomes((struct span){HELLO_ZST, sizeof HELLO_ZST - 1}, "hello\n");
    scratch_clear();
    source = open_packed(scratch_write("a.csv", SPAN("BZhead,b\n")), true);
    assert_false(source_spooled(source));
    source_close(source);
    source = open_packed(scratch_write("gz", SPAN("a,b\n")), true);
    assert_false(source_spooled(source));
    source_close(source);
}

/* ---- names ---- */

static void a_kept_file_has_its_name_and_no_other(void **state)
{
    struct source *source;
    struct fail fail;
    struct buf path;

    (void)state;
    scratch_clear();
    source = open_packed(scratch_write("in.gz", SPAN(HELLO_GZ)), true);
    assert_int_equal(scratch_count("."), 1);
    assert_false(source_kept(source));
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    assert_true(source_kept(source));
    assert_int_equal(source_check(source, &fail), 0); /* its new name is no change */
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    source_close(source);
    assert_int_equal(scratch_count("."), 2);
    scratch_holds(NAME, "hello\n");
    assert_int_equal(scratch_mode(NAME), 0600);
    buf_init(&path, 4096);
    source_spool_path(scratch_path("ledger.db"), DIGEST, &path);
    assert_string_equal(buf_text(&path), scratch_path(NAME));
    buf_free(&path);
}

static void what_is_not_to_be_kept_gets_no_name(void **state)
{
    struct source *source;
    struct fail fail;

    (void)state;
    scratch_clear();
    source = open_packed(scratch_write("in.gz", SPAN(HELLO_GZ)), false);
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    assert_false(source_kept(source));
    holds(source, "hello\n");
    source_close(source);
    source = open_packed(scratch_write("in.csv", SPAN("plain\n")), true);
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    assert_false(source_kept(source));
    source_close(source);
    assert_int_equal(scratch_count("."), 2);
}

/* What a link at either name leads to stays as it is. */
static void links_in_its_place_are_replaced(void **state)
{
    struct source *source;
    struct fail fail;
    struct stat info;

    (void)state;
    scratch_clear();
    (void)scratch_write("theirs", SPAN("theirs\n"));
    assert_int_equal(symlink(scratch_path("theirs"), scratch_path(NAME)), 0);
    assert_int_equal(symlink(scratch_path("theirs"), scratch_path(NAME ".tmp")), 0);
    source = open_packed(scratch_write("in.gz", SPAN(HELLO_GZ)), true);
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    source_close(source);
    scratch_holds("theirs", "theirs\n");
    assert_int_equal(lstat(scratch_path(NAME), &info), 0);
    assert_true(S_ISREG(info.st_mode));
    scratch_holds(NAME, "hello\n");
    assert_false(scratch_exists(NAME ".tmp"));
}

/* The ledger behind a symbolic link has its spool files beside itself. */
static void a_linked_ledger_leads_to_one_folder(void **state)
{
    struct source_spool spool = {scratch_path("link.db"), true};
    struct source *source;
    struct fail fail;

    (void)state;
    scratch_clear();
    assert_int_equal(mkdir(scratch_path("real"), 0700), 0);
    (void)scratch_write("real/ledger.db", SPAN(""));
    assert_int_equal(symlink(scratch_path("real/ledger.db"), spool.base), 0);
    assert_int_equal(source_open(&source, scratch_write("in.gz", SPAN(HELLO_GZ)), &spool, &fail), 0);
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    source_close(source);
    scratch_holds("real/" NAME, "hello\n");
}

static void a_file_system_without_nameless_files_will_do(void **state)
{
    struct source *source;
    struct fail fail;

    (void)state;
    scratch_clear();
    nameless_refused = true;
    source = open_packed(scratch_write("in.gz", SPAN(HELLO_GZ)), true);
    assert_int_equal(scratch_count("."), 2); /* while it has no other, its temporary name */
    assert_int_equal(source_keep(source, DIGEST, &fail), 0);
    assert_int_equal(source_check(source, &fail), 0);
    source_close(source);
    scratch_holds(NAME, "hello\n");
    assert_int_equal(scratch_mode(NAME), 0600);
    assert_int_equal(scratch_count("."), 2);
    source_close(open_packed(scratch_path("in.gz"), true)); /* given up */
    assert_int_equal(scratch_count("."), 2);
    source = open_packed(scratch_path("in.gz"), false);
    assert_int_equal(scratch_count("."), 2);
    holds(source, "hello\n");
    source_close(source);
    nameless_refused = false;
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct source_spool spool = {scratch_path("none/ledger.db"), true};
    struct source *source = NULL;
    struct fail fail;

    (void)state;
    scratch_clear();
    assert_int_equal(source_open(&source, scratch_write("in.gz", SPAN(HELLO_GZ)), &spool, &fail), -1);
    assert_int_equal(fail.kind, FAIL_LEDGER);
    assert_non_null(strstr(fail.text, "cannot make a spool file in "));
    assert_non_null(strstr(fail.text, "/none: No such file or directory; give a --ledger"));
}

/* ---- what cannot be read again ---- */

static void a_pipe_is_spooled(void **state)
{
    struct source *source;
    char path[40];
    int ends[2];

    (void)state;
    scratch_clear();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "hello\n", 6), 6);
    assert_int_equal(close(ends[1]), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    source = open_packed(path, true);
    assert_string_equal(source_path(source), path);
    assert_true(source_spooled(source));
    holds(source, "hello\n");
    source_close(source);
    (void)close(ends[0]);
}

/* From where it stands, and always through a spool file. */
static void standard_input_is_spooled(void **state)
{
    int saved = dup(STDIN_FILENO), fd;
    struct source *source;

    (void)state;
    scratch_clear();
    fd = open(scratch_write("in.csv", SPAN("skip\nhello\n")), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(lseek(STDIN_FILENO, 5, SEEK_SET), 5);
    source = open_packed("-", true);
    assert_string_equal(source_path(source), "-");
    assert_true(source_spooled(source));
    holds(source, "hello\n");
    source_close(source);
    if (saved >= 0)
        assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(saved);
    (void)close(fd);
}

/* A shell's here-document is such a file. */
static void a_removed_file_is_spooled(void **state)
{
    struct source *source;
    char path[40];
    int fd;

    (void)state;
    scratch_clear();
    fd = open(scratch_write("in.csv", SPAN("hello\n")), O_RDONLY);
    assert_int_equal(unlink(scratch_path("in.csv")), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd);
    source = open_packed(path, true);
    assert_true(source_spooled(source));
    holds(source, "hello\n");
    source_close(source);
    (void)close(fd);
}

static void what_was_loaded_is_read_as_it_is(void **state)
{
    struct source *source = NULL;
    struct fail fail;

    (void)state;
    scratch_clear();
    assert_int_equal(source_reopen(&source, scratch_write("in.gz", SPAN(HELLO_GZ)), &fail), 0);
    assert_int_equal(source_size(source), 26);
    assert_false(source_spooled(source));
    source_close(source);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    (void)alarm(5);
    assert_int_equal(source_reopen(&source, scratch_path("fifo"), &fail), -1);
    (void)alarm(0);
    assert_non_null(strstr(fail.text, "neither a regular file nor a pipe"));
}

/* ---- sweeping ---- */

static void a_sweep_takes_only_what_is_this_ledgers(void **state)
{
    static const char *const stay[] = {"ledger.db.0123456789abcdef.spool",
                                       "ledger.db",
                                       "ledger.db-wal",
                                       "ledger.db.lock",
                                       "ledger.db.fedcba9876543210.spool.bak",
                                       "ledger.db.FEDCBA9876543210.spool",
                                       "ledger.db.fedcba987654321.spool",
                                       "ledger.db.fedcba98765432100.spool",
                                       "ledger.db.2.fedcba9876543210.spool",
                                       "xledger.db.fedcba9876543210.spool",
                                       "ledger.dbfedcba9876543210.spool",
                                       "ledger.db.abc.spool.tmp"};
    static const char *const go[] = {"ledger.db.fedcba9876543210.spool", "ledger.db.1123456789abcdef.spool",
                                     "ledger.db.fedcba9876543210.spool.tmp", "ledger.db.aZ09xY.spool.tmp",
                                     "ledger.db.0123456789abcdef.spool.tmp"};
    static const char *const kept[] = {DIGEST};
    int64_t removed = -1;
    struct fail fail;

    (void)state;
    scratch_clear();
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        (void)scratch_write(stay[i], SPAN("x"));
    for (size_t i = 0; i < sizeof go / sizeof go[0]; i++)
        (void)scratch_write(go[i], SPAN("x"));
    assert_int_equal(source_sweep(scratch_path("ledger.db"), kept, 1, &removed, &fail), 0);
    assert_int_equal(removed, 2);
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        if (!scratch_exists(stay[i]))
            fail_msg("%s is gone", stay[i]);
    assert_int_equal(scratch_count("."), sizeof stay / sizeof stay[0]);
    assert_int_equal(source_sweep(scratch_path("none/ledger.db"), kept, 1, &removed, &fail), -1);
    assert_int_equal(fail.kind, FAIL_LEDGER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_known_by_its_bytes),
        cmocka_unit_test(zstd_is_known_by_its_bytes),
        cmocka_unit_test(what_is_cut_off_is_told_with_its_last_byte),
        cmocka_unit_test(damage_is_told_with_its_place),
        cmocka_unit_test(a_window_that_needs_too_much_memory_is_refused),
        cmocka_unit_test(names_promise_no_more_than_the_bytes_keep),
        cmocka_unit_test(a_kept_file_has_its_name_and_no_other),
        cmocka_unit_test(what_is_not_to_be_kept_gets_no_name),
        cmocka_unit_test(links_in_its_place_are_replaced),
        cmocka_unit_test(a_linked_ledger_leads_to_one_folder),
        cmocka_unit_test(a_file_system_without_nameless_files_will_do),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(a_pipe_is_spooled),
        cmocka_unit_test(standard_input_is_spooled),
        cmocka_unit_test(a_removed_file_is_spooled),
        cmocka_unit_test(what_was_loaded_is_read_as_it_is),
        cmocka_unit_test(a_sweep_takes_only_what_is_this_ledgers),
    };

    return cmocka_run_group_tests_name("source_spool", tests, scratch_open, scratch_close);
}
