/* source: what may be opened, what is read, and which changes of the file are told apart. */
#include "driver/source.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct source *open_source(const char *path)
{
    const struct source_spool spool = {scratch_path("ledger.db"), true};
    struct source *source = NULL;
    struct fail fail;

    if (source_open(&source, path, &spool, &fail) != 0)
        fail_msg("%s", fail.text);
    return source;
}

static void refuses(const char *path, const char *words)
{
    struct source *source = NULL;
    struct fail fail;

    assert_int_equal(source_reopen(&source, path, &fail), -1);
    assert_null(source);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_memory_equal(fail.text, path, strlen(path));
    assert_non_null(strstr(fail.text, words));
}

static struct stat look(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info;
}

/* Status times move in steps of some milliseconds: the mode is set until one has passed. */
static void touch_status(const char *path)
{
    struct stat before = look(path), now;

    do {
        assert_int_equal(chmod(path, 0640), 0);
        now = look(path);
    } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

/* ---- opening ---- */

/* Without a writer the opening of a FIFO would not come back. */
static void a_fifo_in_its_place_is_refused_at_once(void **state)
{
    const char *path = scratch_path("fifo");

    (void)state;
    scratch_clear();
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(5);
    refuses(path, "regular");
    (void)alarm(0);
}

static void a_folder_and_a_missing_file_are_refused(void **state)
{
    (void)state;
    scratch_clear();
    refuses(scratch_folder(), "regular");
    refuses(scratch_path("none.csv"), "No such file");
}

static void the_path_is_absolute(void **state)
{
    const char *path = scratch_write("in.csv", SPAN("a,b\n"));
    struct source *source;
    char around[4096];

    (void)state;
    assert_in_range(snprintf(around, sizeof around, "%s/../%s/in.csv", scratch_folder(),
                             strrchr(scratch_folder(), '/') + 1),
                    1, (int)sizeof around - 1);
    source = open_source(around);
    assert_string_equal(source_path(source), path);
    assert_int_equal(source_size(source), 4);
    source_close(source);
}

/* ---- reading ---- */

static void bytes_come_from_their_place(void **state)
{
    struct source *source = open_source(scratch_write("in.csv", SPAN("0123456789")));
    struct span bytes;
    struct fail fail;

    (void)state;
    assert_int_equal(source_fetch(source, 3, 4, &bytes, &fail), 0);
    assert_true(span_is(bytes, "3456"));
    assert_int_equal(source_fetch(source, 10, 0, &bytes, &fail), 0);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(source_fetch(source, 8, 3, &bytes, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_non_null(strstr(fail.text, "shorter than when it was loaded"));
    source_close(source);
}

/* A fetch behind the last one reads ahead; what it read is forgotten when the file was touched. */
static void what_was_read_ahead_is_the_files(void **state)
{
    const char *path = scratch_write("in.csv", SPAN("0123456789"));
    struct source *source = open_source(path);
    struct span bytes;
    struct fail fail;

    (void)state;
    assert_int_equal(source_fetch(source, 3, 1, &bytes, &fail), 0);
    assert_int_equal(source_fetch(source, 4, 1, &bytes, &fail), 0);
    assert_true(span_is(bytes, "4"));
    assert_int_equal(source_fetch(source, 5, 5, &bytes, &fail), 0);
    assert_true(span_is(bytes, "56789"));
    assert_int_equal(source_fetch(source, 1, 6, &bytes, &fail), 0); /* from before it, into it */
    assert_true(span_is(bytes, "123456"));
    (void)scratch_write("in.csv", SPAN("abcdefghij"));
    source_accept(source);
    assert_int_equal(source_fetch(source, 2, 3, &bytes, &fail), 0);
    assert_true(span_is(bytes, "cde"));
    (void)scratch_write("in.csv", SPAN("abcdef"));
    source_accept(source);
    assert_int_equal(source_fetch(source, 5, 3, &bytes, &fail), -1);
    assert_non_null(strstr(fail.text, "shorter than when it was loaded"));
    assert_int_equal(source_fetch(source, 0, 6, &bytes, &fail), 0);
    assert_true(span_is(bytes, "abcdef"));
    source_close(source);
}

/* ---- changes ---- */

static void an_untouched_file_is_the_same(void **state)
{
    struct source *source = open_source(scratch_write("in.csv", SPAN("1234\n")));
    struct span bytes;
    struct fail fail;

    (void)state;
    assert_int_equal(source_check(source, &fail), 0);
    assert_int_equal(source_fetch(source, 0, 5, &bytes, &fail), 0);
    assert_int_equal(source_check(source, &fail), 0);
    source_close(source);
}

static void another_size_or_time_is_a_change(void **state)
{
    static const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const char *path = scratch_write("in.csv", SPAN("1234\n"));
    struct source *source = open_source(path);
    struct stat before = look(path);
    struct timespec restored[2] = {before.st_atim, before.st_mtim};
    struct fail fail;

    (void)state;
    (void)scratch_write("in.csv", SPAN("1234\n5678\n"));
    assert_int_equal(utimensat(AT_FDCWD, path, restored, 0), 0);
    assert_int_equal(source_check(source, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_non_null(strstr(fail.text, "in.csv: changed while it was in use"));
    source_close(source);
    source = open_source(path);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(source_check(source, &fail), -1);
    source_close(source);
}

static void a_new_mode_asks_for_the_bytes_once(void **state)
{
    const char *path = scratch_write("in.csv", SPAN("1234\n"));
    struct source *source = open_source(path);
    struct fail fail;

    (void)state;
    touch_status(path);
    assert_int_equal(source_check(source, &fail), 1);
    assert_int_equal(source_check(source, &fail), 1); /* until it is accepted */
    source_accept(source);
    assert_int_equal(source_check(source, &fail), 0);
    touch_status(path);
    assert_int_equal(source_check(source, &fail), 1);
    source_close(source);
}

/* Size and time of modification are what they were: only the status tells. */
static void bytes_behind_a_restored_time_are_asked_for(void **state)
{
    const char *path = scratch_write("in.csv", SPAN("1234\n"));
    struct source *source;
    struct timespec times[2];
    struct stat before;
    struct fail fail;

    (void)state;
    source = open_source(path);
    before = look(path);
    times[0] = before.st_atim;
    times[1] = before.st_mtim;
    touch_status(path);
    (void)scratch_write("in.csv", SPAN("1239\n"));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(look(path).st_ino, before.st_ino);
    assert_int_equal(source_check(source, &fail), 1);
    source_close(source);
}

/* The handle is the file's, not the name's. */
static void a_renamed_file_stays_readable(void **state)
{
    const char *path = scratch_write("in.csv", SPAN("1234\n"));
    struct source *source = open_source(path);
    struct span bytes;
    struct fail fail;

    (void)state;
    assert_int_equal(rename(path, scratch_path("old.csv")), 0);
    (void)scratch_write("in.csv", SPAN("another file\n"));
    assert_true(source_check(source, &fail) >= 0);
    assert_int_equal(source_fetch(source, 0, 5, &bytes, &fail), 0);
    assert_true(span_is(bytes, "1234\n"));
    source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fifo_in_its_place_is_refused_at_once),
        cmocka_unit_test(a_folder_and_a_missing_file_are_refused),
        cmocka_unit_test(the_path_is_absolute),
        cmocka_unit_test(bytes_come_from_their_place),
        cmocka_unit_test(what_was_read_ahead_is_the_files),
        cmocka_unit_test(an_untouched_file_is_the_same),
        cmocka_unit_test(another_size_or_time_is_a_change),
        cmocka_unit_test(a_new_mode_asks_for_the_bytes_once),
        cmocka_unit_test(bytes_behind_a_restored_time_are_asked_for),
        cmocka_unit_test(a_renamed_file_stays_readable),
    };

    return cmocka_run_group_tests_name("source", tests, scratch_open, scratch_close);
}
