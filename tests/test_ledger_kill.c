/* ledger: a process that is killed at any instant, in the middle of loads and exchanges, leaves a ledger that
 * is sound, adds up and goes on. The child works without end; the parent kills it after some of its steps,
 * wherever it then is. */
#include "ledger_case.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, FILE_CARDS = 120, BATCH = 24 };

static const struct ledger_load_options ALL = {
    .allow_internal = true, .bad_most = -1, .bad_share = -1, .now_ms = NOW_MS};

/* File n brings FILE_CARDS records: five cards to a customer, every tenth refused; every third file brings
 * the cards of the one before it again. */
static int load(struct ledger *ledger, int64_t n, struct fail *fail)
{
    char path[32];
    struct ledger_file file = {.carries = IN_BOTH, .size = n, .path = path};
    int64_t first = (n % 3 == 2 ? n - 1 : n) * FILE_CARDS;

    (void)snprintf(path, sizeof path, "file %" PRId64, n);
    (void)snprintf(file.sha256, sizeof file.sha256, "%064" PRId64, n);
    if (ledger_load_begin(ledger, fail) != 0)
        return -1;
    for (int64_t i = 1; i <= FILE_CARDS; i++) {
        const struct ledger_row row = {.record = i,
                                       .line = i + 1,
                                       .offset = i * 100,
                                       .length = 50,
                                       .card_id = first + i,
                                       .customer_id = (first + i) / 5 + 1,
                                       .account_id = (first + i) % 7 + 1,
                                       .flags = ROW_OWN_CUSTOMER,
                                       .code = i % 10 == 0 ? "bad_email" : NULL,
                                       .field = i % 10 == 0 ? "emails" : NULL};
        if (ledger_load_card(ledger, &row, fail) != 0)
            return -1;
    }
    return ledger_load_finish(ledger, NULL, &file, &ALL, fail);
}

/* Answers what was claimed in the last exchange, each row in its own way, and claims more. */
static int exchange(struct ledger *ledger, struct ledger_claim *claims, size_t *claimed, int64_t now_ms,
                    struct fail *fail)
{
    static const enum job_verdict ways[] = {VERDICT_ACCEPTED, VERDICT_TRANSIENT, VERDICT_REJECTED,
                                            VERDICT_RELEASED, VERDICT_ALREADY};
    struct ledger_outcome outcomes[BATCH];
    struct ledger_exchange x = {.outcomes = outcomes,
                                .outcome_count = *claimed,
                                .max_attempts = 3,
                                .want = BATCH,
                                .claims = claims,
                                .now_ms = now_ms};

    for (size_t i = 0; i < *claimed; i++) {
        outcomes[i] =
            desk_outcome(&claims[i], ways[(claims[i].id + claims[i].job.attempts) % 5], "some_code");
        outcomes[i].due_ms = outcomes[i].verdict == VERDICT_TRANSIENT ? now_ms + 2 : 0;
    }
    if (ledger_exchange(ledger, &x, fail) != 0)
        return -1;
    *claimed = x.claimed;
    return 0;
}

static int work(int64_t files, int report, struct fail *fail)
{
    struct ledger *ledger;
    struct ledger_claim claims[BATCH];
    size_t claimed = 0;
    int64_t recovered;

    if (ledger_open(&ledger, desk_path(), LEDGER_RUN, fail) != 0 ||
        ledger_run_begin(ledger, "t", NOW_MS, &recovered, fail) != 0)
        return -1;
    for (int64_t step = 0;; step++) {
        if (step % 8 == 0 ? load(ledger, files++, fail) != 0
                          : exchange(ledger, claims, &claimed, NOW_MS + step, fail) != 0)
            return -1;
        if (write(report, "s", 1) != 1)
            return -1;
    }
}

static void spin(unsigned turns)
{
    for (volatile unsigned i = 0; i < turns; i++)
        ;
}

/* One life: it ends `turns` after the child told of its steps-th step. */
static void live_and_die(int64_t files, unsigned steps, unsigned turns)
{
    int report[2], status;
    char byte;
    pid_t child;

    assert_int_equal(pipe(report), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fail fail;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && work(files, report[1], &fail) != 0)
            (void)fprintf(stderr, "%s\n", fail.text);
        _exit(1);
    }
    assert_int_equal(close(report[1]), 0);
    for (unsigned i = 0; i < steps; i++)
        if (read(report[0], &byte, 1) != 1)
            break; /* it ended by itself: told below */
    spin(turns);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(close(report[0]), 0);
}

/* What the dead process left: in a sound ledger every file is there with all its records or not at all. */
static int64_t look_after(void)
{
    int64_t sent, recovered, files, fresh;
    struct ledger *ledger;
    struct fail fail;
    struct desk desk = {.ledger = NULL};

    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail), 0);
    desk.ledger = ledger;
    desk_check(&desk);
    files = desk_number("SELECT count(*) FROM file");
    fresh = desk_number("SELECT count(*) FROM file WHERE size % 3 <> 2");
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), fresh * FILE_CARDS);
    assert_int_equal(desk_number("SELECT coalesce(sum(records), 0) FROM file"), files * FILE_CARDS);
    assert_int_equal(desk_number("SELECT coalesce(max(size) + 1, 0) FROM file"), files);
    sent = desk_number("SELECT count(*) FROM card_now WHERE state = 4");
    assert_true(sent <= BATCH); /* what flew, and nothing else */
    assert_int_equal(ledger_run_begin(ledger, "t", NOW_MS, &recovered, &fail), 0);
    assert_int_equal(recovered, sent);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now WHERE state = 4"), 0);
    assert_true(desk_number("SELECT count(*) FROM card_now WHERE uncertain AND state = 3") >= sent);
    desk_check(&desk);
    ledger_close(ledger); /* without the end of this run either */
    return files;
}

static void a_killed_process_leaves_a_sound_ledger(void **state)
{
    int64_t files = 0;
    uint32_t chance = 12345;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        chance = chance * 1664525 + 1013904223;
        live_and_die(files, 1 + (chance >> 8) % 20, (chance >> 16) % 4 * 400000 + (chance >> 4) % 400000);
        files = look_after();
    }
    assert_true(files >= ROUNDS / 4);
    assert_true(desk_number("SELECT count(*) FROM card_now WHERE state > 4") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_leaves_a_sound_ledger),
    };

    return cmocka_run_group_tests_name("ledger_kill", tests, scratch_open, scratch_close);
}
