/* auth.command for real: what reaches the command, what its end means, time limit, cap, and what may be left
 * behind: no process, no descriptor, no token in the log. */
#include "work/mint.h"

#include "kit/clock.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MOST_MS = 20000 };

static struct log run_log;

static struct mint_options options_of(const char *command)
{
    return (struct mint_options){.method = MINT_COMMAND,
                                 .command = command,
                                 .concurrency = 4,
                                 .tenant = "TN-1",
                                 .timeout_ms = 10000,
                                 .log = &run_log};
}

static struct mint *opened(const struct mint_options *options)
{
    struct mint *mint = NULL;
    struct fail fail;

    if (mint_open(&mint, options, &fail) != 0)
        fail_msg("%s", fail.text);
    assert_int_equal(mint_way(mint), MINT_BY_COMMAND);
    assert_string_equal(mint_source(mint), "auth.command");
    return mint;
}

static int wake_fd(struct mint *mint, int other)
{
    struct fail fail;
    int fd = -1;

    assert_int_equal(mint_wake_fd(mint, other, &fd, &fail), 0);
    return fd;
}

/* Waits as the engine does. */
static struct mint_done wait_for(struct mint *mint, int fd)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MOST_MS;
    struct mint_done done;

    while (mint_take(mint, clock_wall_ms(), &done) == 0) {
        struct pollfd look = {.fd = fd, .events = POLLIN};
        int64_t wait_ms = mint_wait_ms(mint), left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0)
            fail_msg("the command does not end");
        assert_true(poll(&look, 1, (int)(wait_ms < left_ms ? wait_ms : left_ms)) >= 0 || errno == EINTR);
    }
    return done;
}

static void no_child_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count;
}

static void gives(const char *command, enum api_token_result result, const char *text)
{
    const struct mint_options options = options_of(command);
    struct mint *mint = opened(&options);
    struct mint_done done;

    mint_start(mint, 22);
    done = wait_for(mint, wake_fd(mint, -1));
    assert_int_equal(done.account, 22);
    if (done.result != result)
        fail_msg("%s: %d, %s", command, done.result, done.token.reason);
    if (result == API_TOKEN_OK)
        assert_true(span_is(done.token.text, text));
    else
        assert_string_equal(done.token.reason, text);
    mint_close(mint);
    no_child_is_left();
}

static void the_commands_output_is_the_token(void **state)
{
    (void)state;
    gives("echo abc.def-1", API_TOKEN_OK, "abc.def-1");
    gives("printf %s abc", API_TOKEN_OK, "abc");
    gives("echo '{\"token\": \"abc\"}'", API_TOKEN_OK, "abc");
    gives("printf 'a\\nb\\n'", API_TOKEN_UNREADABLE, "more than one line was printed");
    gives("true", API_TOKEN_UNREADABLE, "nothing was printed");
}

static void account_and_tenant_are_in_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("CTP_ENROLL_ACCOUNT_ID", "inherited", 1), 0);
    assert_int_equal(setenv("SOME_OF_ITS_OWN", "kept", 1), 0);
    gives("echo $CTP_ENROLL_ACCOUNT_ID.$CTP_ENROLL_TENANT.$SOME_OF_ITS_OWN", API_TOKEN_OK, "22.TN-1.kept");
    gives("env | grep -c ^CTP_ENROLL_ACCOUNT_ID=", API_TOKEN_OK, "1");
    assert_int_equal(unsetenv("CTP_ENROLL_ACCOUNT_ID"), 0);
}

static void the_exit_code_says_what_kind_of_failure(void **state)
{
    (void)state;
    gives("echo abc; exit 75", API_TOKEN_TRANSIENT, "auth.command ended with exit code 75");
    gives("exit 77", API_TOKEN_REFUSED, "auth.command ended with exit code 77");
    gives("exit 1", API_TOKEN_NO_ACCOUNT, "auth.command ended with exit code 1");
    gives("exit 255", API_TOKEN_NO_ACCOUNT, "auth.command ended with exit code 255");
    gives("/nowhere/helper", API_TOKEN_UNREADABLE, "auth.command ended with exit code 127");
    gives("/dev/null", API_TOKEN_UNREADABLE, "auth.command ended with exit code 126");
    gives("kill -s KILL $$", API_TOKEN_TRANSIENT, "auth.command was ended by signal 9");
}

static void the_command_starts_clean(void **state)
{
    int extra[2];
    sigset_t blocked;

    (void)state;
    assert_int_equal(pipe(extra), 0); /* without close-on-exec */
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR && signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    assert_true(sigemptyset(&blocked) == 0 && sigaddset(&blocked, SIGTERM) == 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    /* 3 is the folder's own. */
    gives("ls /proc/self/fd | tr '\\n' _", API_TOKEN_OK, "0_1_2_3_");
    gives("cat; echo end-of-input", API_TOKEN_OK, "end-of-input");
    gives("awk '/^SigBlk/ { print $2 }' /proc/self/status", API_TOKEN_OK, "0000000000000000");
    gives("echo $((0x$(awk '/^SigIgn/ { print $2 }' /proc/self/status) & 0x1001201))", API_TOKEN_OK, "0");
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
    assert_int_equal(close(extra[0]), 0);
    assert_int_equal(close(extra[1]), 0);
}

/* A number that is still a process of ours, or anybody's, is not gone; a zombie of init's is as good as gone.
 */
static bool is_gone(const char *pid_file)
{
    struct buf text = {.cap = 64};
    char path[64];
    int64_t pid;
    FILE *file;
    char line[256] = "";

    scratch_read(pid_file, &text);
    assert_int_equal(span_to_id(span_trim(buf_span(&text)), &pid), 0);
    buf_free(&text);
    (void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    file = fopen(path, "r");
    if (!file)
        return true;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    (void)fclose(file);
    return line[0] == '\0' || strstr(line, ") Z ") || strstr(line, ") X ");
}

static void wait_until_gone(const char *pid_file)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MOST_MS;

    while (!is_gone(pid_file)) {
        if (clock_mono_ms() >= until_ms)
            fail_msg("%s still runs", pid_file);
        assert_true(poll(NULL, 0, 5) == 0);
    }
}

/* Over its time, with a child of its own that ignores what it can. */
static void a_command_over_its_time_is_killed_with_its_children(void **state)
{
    struct mint_options options = options_of(NULL);
    int64_t began_ms = clock_mono_ms();
    struct buf command = {.cap = 4096};
    struct mint_done done;
    struct mint *mint;

    (void)state;
    scratch_clear();
    buf_addf(&command, "trap '' TERM; sleep 600 & echo $! > %s; echo half-a-token; wait",
             scratch_path("child"));
    options.command = buf_text(&command);
    options.timeout_ms = 300;
    mint = opened(&options);
    mint_start(mint, 22);
    done = wait_for(mint, wake_fd(mint, -1));
    assert_int_equal(done.result, API_TOKEN_TRANSIENT);
    assert_string_equal(done.token.reason, "auth.command ran longer than auth.timeout");
    assert_false(done.answered);
    assert_in_range(clock_mono_ms() - began_ms, 300, 5000);
    wait_until_gone("child");
    mint_close(mint);
    no_child_is_left();
    buf_free(&command);
}

static void what_runs_at_the_end_is_killed(void **state)
{
    struct buf command = {.cap = 4096};
    struct mint_options options;
    struct mint_done done;
    struct mint *mint;
    int fd;

    (void)state;
    scratch_clear();
    buf_addf(&command, "sleep 600 & echo $! > %s; mv %s %s; wait", scratch_path("one"), scratch_path("one"),
             scratch_path("child"));
    options = options_of(buf_text(&command));
    mint = opened(&options);
    fd = wake_fd(mint, -1);
    mint_start(mint, 22);
    for (int64_t until_ms = clock_mono_ms() + WAIT_MOST_MS; !scratch_exists("child");) {
        struct pollfd look = {.fd = fd, .events = POLLIN};
        assert_true(clock_mono_ms() < until_ms);
        assert_true(poll(&look, 1, 5) >= 0);
    }
    mint_stop(mint);
    no_child_is_left();
    wait_until_gone("child");
    assert_int_equal(mint_take(mint, clock_wall_ms(), &done), 0);
    mint_start(mint, 23); /* a stop is no close */
    mint_close(mint);
    no_child_is_left();
    buf_free(&command);
}

/* What a command leaves running keeps its standard output open: that is not waited for. */
static void what_stays_behind_is_not_waited_for(void **state)
{
    struct buf command = {.cap = 4096}, text = {.cap = 64};
    int64_t began_ms = clock_mono_ms(), pid;

    (void)state;
    scratch_clear();
    buf_addf(&command, "sleep 600 & echo $! > %s; echo abc", scratch_path("child"));
    gives(buf_text(&command), API_TOKEN_OK, "abc");
    assert_true(clock_mono_ms() - began_ms < 5000);
    scratch_read("child", &text);
    assert_int_equal(span_to_id(span_trim(buf_span(&text)), &pid), 0);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
    buf_free(&text);
    buf_free(&command);
}

static void output_without_end_is_cut_off(void **state)
{
    (void)state;
    gives("while :; do echo 0123456789012345678901234567890123456789; done", API_TOKEN_UNREADABLE,
          "auth.command printed more than 65536 bytes");
}

/* ---- several ---- */

static void several_run_at_once(void **state)
{
    const struct mint_options options =
        options_of("sleep 0.$((5 - CTP_ENROLL_ACCOUNT_ID)); echo t$CTP_ENROLL_ACCOUNT_ID");
    struct mint *mint = opened(&options);
    int fd = wake_fd(mint, -1), before = open_descriptors();
    int64_t began_ms = clock_mono_ms();

    (void)state;
    for (int64_t account = 1; account <= 4; account++)
        mint_start(mint, account);
    assert_true(clock_mono_ms() - began_ms < 300); /* nothing was waited for */
    for (int64_t account = 4; account >= 1; account--) {
        struct mint_done done = wait_for(mint, fd);
        const char name[] = {'t', (char)('0' + account), '\0'};
        assert_int_equal(done.account, account);
        assert_true(span_is(done.token.text, name));
        assert_true(done.answered);
        assert_in_range(done.started_ms, began_ms, began_ms + 300);
    }
    assert_true(clock_mono_ms() - began_ms < 900); /* 0.4 s, not one after the other */
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(mint_wait_ms(mint), INT64_MAX);
    mint_close(mint);
    no_child_is_left();
}

static void the_wake_descriptor_tells_of_the_other_one_too(void **state)
{
    const struct mint_options options = options_of("sleep 600");
    struct mint *mint = opened(&options);
    struct pollfd look = {.events = POLLIN};
    int other[2];

    (void)state;
    assert_int_equal(pipe(other), 0);
    look.fd = wake_fd(mint, other[0]);
    assert_int_not_equal(look.fd, other[0]);
    mint_start(mint, 22);
    assert_int_equal(poll(&look, 1, 0), 0);
    assert_int_equal(write(other[1], "x", 1), 1);
    assert_int_equal(poll(&look, 1, 0), 1);
    mint_close(mint);
    assert_int_equal(close(other[0]), 0);
    assert_int_equal(close(other[1]), 0);
    no_child_is_left();
}

/* ---- the log ---- */

static void log_holds(const char *text, bool wanted)
{
    struct buf all = {.cap = 1 << 20};

    scratch_read("log", &all);
    if ((strstr(buf_text(&all), text) != NULL) != wanted)
        fail_msg("%s %s in: %s", text, wanted ? "is not" : "is", buf_text(&all));
    buf_free(&all);
}

#define LONG_TOKEN "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJl"

static void what_it_says_is_logged_without_the_token(void **state)
{
    (void)state;
    scratch_clear();
    run_log.fd = open(scratch_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(run_log.fd >= 0);
    gives("echo " LONG_TOKEN "; echo 'got " LONG_TOKEN " for 22 from /srv/helper' >&2", API_TOKEN_OK,
          LONG_TOKEN);
    log_holds("info    auth.command says account_id=22 text=\"got *** for 22 from /srv/helper\"", true);
    gives("echo token-12; echo 'it is token-12, or sk_live_0123456789012345678901234567890' >&2",
          API_TOKEN_OK, "token-12");
    log_holds("text=\"it is ***, or ***\"", true);
    gives("echo 'no such account' >&2; exit 1", API_TOKEN_NO_ACCOUNT, "auth.command ended with exit code 1");
    log_holds("warning auth.command says account_id=22 text=\"no such account\"", true);
    gives("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line-$i >&2; done; echo abc", API_TOKEN_OK, "abc");
    log_holds("text=line-10", true);
    log_holds("text=line-11", false);
    log_holds("eyJ", false);
    log_holds("sk_live", false);
    assert_int_equal(close(run_log.fd), 0);
    run_log.fd = -1;
}

static int open_all(void **state)
{
    log_open(&run_log, -1, LOG_DEBUG, false);
    return scratch_open(state);
}

static int close_all(void **state)
{
    log_close(&run_log);
    return scratch_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commands_output_is_the_token),
        cmocka_unit_test(account_and_tenant_are_in_the_environment),
        cmocka_unit_test(the_exit_code_says_what_kind_of_failure),
        cmocka_unit_test(the_command_starts_clean),
        cmocka_unit_test(a_command_over_its_time_is_killed_with_its_children),
        cmocka_unit_test(what_runs_at_the_end_is_killed),
        cmocka_unit_test(what_stays_behind_is_not_waited_for),
        cmocka_unit_test(output_without_end_is_cut_off),
        cmocka_unit_test(several_run_at_once),
        cmocka_unit_test(the_wake_descriptor_tells_of_the_other_one_too),
        cmocka_unit_test(what_it_says_is_logged_without_the_token),
    };

    return cmocka_run_group_tests_name("command token", tests, open_all, close_all);
}
