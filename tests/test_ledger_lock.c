/* Who works the ledger: a run at work, one that was cut off, and others that hold or look at the lock. */
#include "ledger_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void begin_run(struct desk *desk)
{
    int64_t recovered;

    if (ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* The newest run as another process sees it; `still`: in a view of one instant. */
static struct ledger_run newest(bool still)
{
    struct ledger *ledger;
    struct ledger_run run;
    struct fail fail;
    size_t count;

    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_READ, &fail), 0);
    if (still)
        assert_int_equal(ledger_still(ledger, &fail), 0);
    assert_int_equal(ledger_runs(ledger, 1, &run, &count, &fail), 0);
    assert_int_equal(count, 1);
    if (still)
        ledger_still_end(ledger);
    ledger_close(ledger);
    return run;
}

static void kill_run(struct desk *desk)
{
    ledger_close(desk->ledger); /* without the end of its run */
    desk->ledger = NULL;
}

static void a_run_at_work_is_told_from_one_that_was_cut_off(void **state)
{
    struct desk *desk = *state;
    struct ledger_run run;
    char who[64];

    begin_run(desk);
    for (int still = 0; still < 2; still++) {
        run = newest(still);
        assert_int_equal(run.life, LIFE_AT_WORK);
        (void)snprintf(who, sizeof who, "process %ld on ", (long)getpid());
        assert_memory_equal(run.holder, who, strlen(who));
    }
    kill_run(desk);
    run = newest(false);
    assert_int_equal(run.life, LIFE_CUT_OFF);
    assert_string_equal(run.holder, "");
    assert_int_equal(newest(true).life, LIFE_CUT_OFF);
    assert_int_equal(unlink(scratch_path("ledger.db.lock")), 0); /* of a copy that was carried elsewhere */
    assert_int_equal(newest(false).life, LIFE_CUT_OFF);
}

static void a_run_that_ended_has_ended(void **state)
{
    struct desk *desk = *state;

    begin_run(desk);
    assert_int_equal(ledger_run_end(desk->ledger, 0, NULL, NOW_MS + 1, &desk->fail), 0);
    assert_int_equal(newest(false).life, LIFE_ENDED); /* it still writes its reports */
    kill_run(desk);
    assert_int_equal(newest(false).life, LIFE_ENDED);
}

/* A purge holds the lock as well; it is not the run that was cut off. */
static void another_holder_is_not_the_run(void **state)
{
    struct desk *desk = *state;

    begin_run(desk);
    desk_reopen(desk, LEDGER_RESUME);
    assert_int_equal(newest(false).life, LIFE_CUT_OFF);
    assert_string_equal(newest(false).holder, ""); /* not the purge's */
    begin_run(desk);                               /* which closes the other one */
    assert_int_equal(newest(false).life, LIFE_AT_WORK);
    assert_int_equal(newest(false).id, 2);
}

/* A version that wrote one line may still be at work while this one looks. */
static void a_lock_without_the_run_does_not_tell(void **state)
{
    static const char *const texts[] = {"process 4711 on batch.example\n",
                                        "process 4711 on batch.example\nrun ",
                                        "process 4711 on batch.example\nrun x\n", ""};
    struct desk *desk = *state;

    begin_run(desk);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = open(scratch_path("ledger.db.lock"), O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        assert_int_equal(close(fd), 0);
        assert_int_equal(newest(false).life, LIFE_UNTOLD);
        assert_string_equal(newest(false).holder, "");
    }
    kill_run(desk);
    assert_int_equal(newest(false).life, LIFE_CUT_OFF);
}

/* A view of one instant was taken while the run was at work. */
static void a_run_that_ends_meanwhile_was_not_cut_off(void **state)
{
    struct desk *desk = *state;
    struct ledger *ledger;
    struct ledger_run run;
    size_t count;
    int64_t overdue;

    begin_run(desk);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_READ, &desk->fail), 0);
    assert_int_equal(ledger_still(ledger, &desk->fail), 0);
    assert_int_equal(ledger_overdue(ledger, 0, &overdue, &desk->fail), 0); /* the first look */
    assert_int_equal(ledger_run_end(desk->ledger, 0, NULL, NOW_MS + 1, &desk->fail), 0);
    kill_run(desk);
    assert_int_equal(ledger_runs(ledger, 1, &run, &count, &desk->fail), 0);
    assert_int_equal(run.life, LIFE_AT_WORK);
    ledger_still_end(ledger);
    assert_int_equal(ledger_runs(ledger, 1, &run, &count, &desk->fail), 0);
    assert_int_equal(run.life, LIFE_ENDED);
    ledger_close(ledger);
}

/* status in a loop must not make a run end with 75. */
static void whoever_looks_keeps_no_run_out(void **state)
{
    struct desk *desk = *state;
    const char *lock = scratch_path("ledger.db.lock");
    int looked, ends[2];
    pid_t child;
    char one = 0;

    kill_run(desk);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* looks until its parent is through */
        (void)close(ends[1]);
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
        while (read(ends[0], &one, 1) != 0) {
            int fd = open(lock, O_RDONLY | O_CLOEXEC);
            (void)flock(fd, LOCK_SH | LOCK_NB);
            (void)close(fd);
        }
        _exit(0);
    }
    for (int i = 0; i < 200; i++)
        desk_reopen(desk, LEDGER_RUN);
    (void)close(ends[1]);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &looked, 0), child);
    assert_int_equal(looked, 0);
}

/* Nobody is told of a run that is dead when it is a looker that does not go. */
static void a_looker_that_stays_is_no_run(void **state)
{
    struct desk *desk = *state;
    struct ledger *ledger;
    int fd;

    begin_run(desk);
    kill_run(desk);
    fd = open(scratch_path("ledger.db.lock"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_BUSY);
    assert_non_null(strstr(desk->fail.text, ": no run holds this ledger, but another process keeps its lock "
                                            "shared, such as a status that was stopped while it looked; try "
                                            "again when it has ended"));
    assert_int_equal(close(fd), 0);
    desk_reopen(desk, LEDGER_RUN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_run_at_work_is_told_from_one_that_was_cut_off),
        DESK_TEST(a_run_that_ended_has_ended),
        DESK_TEST(another_holder_is_not_the_run),
        DESK_TEST(a_lock_without_the_run_does_not_tell),
        DESK_TEST(a_run_that_ends_meanwhile_was_not_cut_off),
        DESK_TEST(whoever_looks_keeps_no_run_out),
        DESK_TEST(a_looker_that_stays_is_no_run),
    };

    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
