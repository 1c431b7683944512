/* After a load the ledger is opened anew: what that gives back, and what it must not let go. */
#include "ledger_case.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum {
    MANY = 60000,
    SMALL_PAGE = 512,   /* so that few cards fill many pages of the log */
    INDEX_STEP = 32768, /* bytes of the log's index, the first of them ... */
    INDEX_PAGES = 4062  /* ... for so many pages */
};

/* Of the log's index, bytes that this process has mapped. */
static size_t index_mapped(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    size_t sum = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char *rest;
        unsigned long from = strtoul(line, &rest, 16), to = strtoul(rest + 1, NULL, 16);
        if (strstr(line, "/ledger.db-shm"))
            sum += to - from;
    }
    (void)fclose(maps);
    return sum;
}

static int64_t file_size(const char *name)
{
    struct stat info;

    assert_int_equal(stat(scratch_path(name), &info), 0);
    return info.st_size;
}

/* A new ledger of small pages. */
static void remake(struct desk *desk)
{
    sqlite3 *db;

    ledger_close(desk->ledger);
    desk->ledger = NULL;
    assert_int_equal(unlink(desk_path()), 0);
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    desk_reopen(desk, LEDGER_RUN);
}

static void load_many(struct desk *desk)
{
    struct buf text;

    buf_init(&text, 1 << 22);
    buf_add_text(&text, CARDS);
    for (int i = 1; i <= MANY; i++)
        buf_addf(&text, "%d,21,%d\n", i, i);
    desk_load(desk, buf_text(&text), NULL);
    buf_free(&text);
}

static void the_index_of_the_log_goes_with_the_load(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];

    remake(desk);
    load_many(desk);
    assert_int_equal(desk_number("PRAGMA page_size"), SMALL_PAGE);
    /* All of it went through the log, and so the index had a second step. */
    assert_true(file_size("ledger.db") > (int64_t)INDEX_PAGES * SMALL_PAGE);
    assert_int_equal(index_mapped(), INDEX_STEP);
    assert_int_equal(file_size("ledger.db-shm"), INDEX_STEP);
    assert_int_equal(file_size("ledger.db-wal"), 0);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 4);
    assert_int_equal(claims[3].card_id, 4);
    desk_check(desk);
}

static void the_lock_outlives_the_connection(void **state)
{
    struct desk *desk = *state;
    struct ledger *other = NULL;
    struct stat before, after;
    int64_t recovered;
    int fd;

    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    fd = open(scratch_path("ledger.db.lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &before), 0);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(stat(scratch_path("ledger.db.lock"), &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(ledger_open(&other, desk_path(), LEDGER_RUN, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_BUSY);
    assert_int_equal(ledger_run_end(desk->ledger, 0, NULL, NOW_MS + 1, &desk->fail), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM run WHERE ended_ms IS NOT NULL"), 1);
}

/* The log and its index are the reader's as well: they stay, and so does what it sees. */
static void a_reader_beside_keeps_its_view(void **state)
{
    struct desk *desk = *state;
    struct ledger *reader;
    struct ledger_totals totals;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    assert_int_equal(ledger_open(&reader, desk_path(), LEDGER_READ, &desk->fail), 0);
    assert_int_equal(ledger_still(reader, &desk->fail), 0);
    assert_int_equal(ledger_totals(reader, &totals, &desk->fail), 0);
    assert_int_equal(totals.state[JOB_READY], 1);
    desk_load(desk, CARDS "12,21,502\n13,21,503\n", NULL);
    assert_int_equal(ledger_totals(reader, &totals, &desk->fail), 0);
    assert_int_equal(totals.state[JOB_READY], 1);
    ledger_still_end(reader);
    assert_int_equal(ledger_totals(reader, &totals, &desk->fail), 0);
    assert_int_equal(totals.state[JOB_READY], 3);
    ledger_close(reader);
    desk_check(desk);
}

/* The load itself is on record by then. */
static void a_ledger_that_cannot_be_opened_again_is_an_error(void **state)
{
    static const char *const other[] = {NULL, "", "no ledger"};
    struct desk *desk = *state;

    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        char moved[4096];
        (void)snprintf(moved, sizeof moved, "%s.moved", desk_path());
        assert_int_equal(rename(desk_path(), moved), 0);
        if (other[i])
            (void)scratch_write("ledger.db", span_of(other[i]));
        desk_refuse(desk,
                    i == 0   ? CARDS "11,21,501\n"
                    : i == 1 ? CARDS "12,21,502\n"
                             : CARDS "13,21,503\n",
                    NULL);
        assert_int_equal(desk->fail.kind, FAIL_LEDGER);
        assert_non_null(strstr(desk->fail.text,
                               "ledger.db: the ledger or its lock file was removed or replaced "
                               "during the run"));
        ledger_close(desk->ledger);
        desk->ledger = NULL;
        assert_int_equal(rename(moved, desk_path()), 0);
        desk_reopen(desk, LEDGER_RUN);
    }
    ROWS_ARE(desk, "1/1 501 ready\n2/1 502 ready\n3/1 503 ready\n");
    desk_check(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_index_of_the_log_goes_with_the_load),
        DESK_TEST(the_lock_outlives_the_connection),
        DESK_TEST(a_reader_beside_keeps_its_view),
        DESK_TEST(a_ledger_that_cannot_be_opened_again_is_an_error),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
