/* posix_spawn, because it copies no page of a process that may hold much, and needs no code between fork and
 * exec. A child's end is seen by its pidfd in the same epoll set as its pipes: end of file would not do,
 * since whatever a command leaves running keeps the pipes open. */
#define _GNU_SOURCE /* pipe2, posix_spawn_file_actions_addclosefrom_np */
#include "driver/process.h"

#include "kit/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_CAP = 4096, KINDS = 4, EVENTS = 64 };

enum kind { KIND_OUTPUT, KIND_WORDS, KIND_EXIT }; /* what an epoll event is about: index * KINDS + kind */

#define EVENT_WATCHED UINT64_MAX

enum state { CHILD_NONE, CHILD_RUNS, CHILD_ENDED, CHILD_LENT };

struct child {
    enum state state;
    pid_t pid;
    int fd[3]; /* by kind; -1: closed */
    struct buf output, words;
    int64_t until_ms;
    bool killed; /* result.end tells why */
    struct process_result result;
};

struct process {
    struct process_options options;
    char *command;
    struct child *children;
    int epoll_fd;
};

/* ---- children ---- */

static void close_all(struct child *child)
{
    for (int kind = 0; kind < 3; kind++) {
        if (child->fd[kind] >= 0)
            (void)close(child->fd[kind]); /* read only: nothing can be lost */
        child->fd[kind] = -1;
    }
}

static void forget(struct child *child)
{
    buf_wipe(&child->output);
    buf_wipe(&child->words);
    child->state = CHILD_NONE;
}

static void take_back(struct process *process)
{
    for (int i = 0; i < process->options.most; i++)
        if (process->children[i].state == CHILD_LENT)
            forget(&process->children[i]);
}

static void end_group(struct child *child, enum process_end why)
{
    (void)kill(-child->pid, SIGKILL); /* not yet reaped: the number is still theirs */
    if (!child->killed)
        child->result.end = why;
    child->killed = true;
    child->until_ms = INT64_MAX;
}

/* Reads what is there. The rest of too much is read and thrown away, so that nobody blocks on a full pipe. */
static void drain(struct child *child, enum kind kind)
{
    struct buf *out = kind == KIND_OUTPUT ? &child->output : &child->words;
    char block[4096];
    ssize_t got;

    while (child->fd[kind] >= 0 && (got = read(child->fd[kind], block, sizeof block)) != 0) {
        size_t room = out->cap - out->len, fits;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        fits = (size_t)got < room ? (size_t)got : room;
        buf_add(out, block, fits);
        if (kind == KIND_OUTPUT && fits < (size_t)got && !child->killed)
            end_group(child, PROCESS_TOO_LONG);
    }
    explicit_bzero(block, sizeof block);
}

/* A pipe at its end would stay readable for ever. */
static void drain_or_close(struct child *child, enum kind kind, uint32_t events)
{
    drain(child, kind);
    if (events & EPOLLIN || child->fd[kind] < 0)
        return;
    (void)close(child->fd[kind]);
    child->fd[kind] = -1;
}

static void reap(struct child *child)
{
    int status;

    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    drain(child, KIND_OUTPUT);
    drain(child, KIND_WORDS);
    close_all(child);
    child->state = CHILD_ENDED;
    if (child->killed)
        return;
    child->result.end = WIFEXITED(status) ? PROCESS_EXITED : PROCESS_SIGNALLED;
    child->result.code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

/* ---- starting ---- */

static bool is_replaced(const char *entry, const char *const *variables)
{
    for (; *variables; variables++) {
        size_t name = strcspn(*variables, "=");
        if (strncmp(entry, *variables, name + 1) == 0)
            return true;
    }
    return false;
}

/* The environment of a child; the array is the caller's, its texts are not. */
static char **make_environment(const char *const *variables)
{
    size_t count = 0, n = 0;
    char **out;

    while (environ[count])
        count++;
    for (const char *const *v = variables; *v; v++)
        count++;
    out = mem_array(count + 1, sizeof *out);
    for (char **entry = environ; *entry; entry++)
        if (!is_replaced(*entry, variables))
            out[n++] = *entry;
    for (; *variables; variables++)
        memcpy(&out[n++], variables, sizeof *out); /* posix_spawn's own way of saying const */
    return out;
}

static int set_files(posix_spawn_file_actions_t *files, int output, int words)
{
    int error = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    if (error == 0)
        error = posix_spawn_file_actions_adddup2(files, output, 1);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(files, words, 2);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(files, 3);
    return error;
}

/* Nothing is blocked, and what this program ignores has its default again. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, usual;
    int error;

    if (sigemptyset(&none) != 0 || sigemptyset(&usual) != 0 || sigaddset(&usual, SIGPIPE) != 0 ||
        sigaddset(&usual, SIGXFSZ) != 0 || sigaddset(&usual, SIGHUP) != 0 || sigaddset(&usual, SIGUSR1) != 0)
        return errno;
    error = posix_spawnattr_setflags(attributes,
                                     POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &usual);
    return error;
}

static int spawn(struct process *process, struct child *child, const int write_end[2],
                 const char *const *variables)
{
    char shell[] = "sh", flag[] = "-c";
    char *argv[] = {shell, flag, process->command, NULL};
    char **environment = make_environment(variables);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&files);

    if (error == 0) {
        error = posix_spawnattr_init(&attributes);
        if (error == 0) {
            error = set_files(&files, write_end[0], write_end[1]);
            if (error == 0)
                error = set_attributes(&attributes);
            if (error == 0)
                error = posix_spawn(&child->pid, "/bin/sh", &files, &attributes, argv, environment);
            (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&files);
    }
    free(environment);
    return error;
}

static int watch_child(struct process *process, struct child *child)
{
    uint64_t index = (uint64_t)(child - process->children);

    child->fd[KIND_EXIT] = (int)syscall(SYS_pidfd_open, child->pid, 0);
    for (int kind = 0; kind < 3; kind++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = index * KINDS + (uint64_t)kind};
        if (child->fd[kind] < 0 || epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, child->fd[kind], &event) != 0)
            return errno;
    }
    return 0;
}

/* A child that runs and cannot be watched is ended at once. */
static int launch(struct process *process, struct child *child, const char *const *variables)
{
    int write_end[2] = {-1, -1}, error = 0, pair[2];

    for (int kind = 0; kind < 2 && error == 0; kind++) {
        if (pipe2(pair, O_CLOEXEC) != 0) {
            error = errno;
        } else {
            child->fd[kind] = pair[0];
            write_end[kind] = pair[1];
            if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
                error = errno;
        }
    }
    if (error == 0)
        error = spawn(process, child, write_end, variables);
    for (int kind = 0; kind < 2; kind++)
        if (write_end[kind] >= 0)
            (void)close(write_end[kind]);
    if (error != 0)
        return error;
    error = watch_child(process, child);
    if (error != 0) {
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
    }
    return error;
}

void process_start(struct process *process, int64_t tag, const char *const *variables)
{
    struct child *child = process->children;
    int64_t now_ms = clock_mono_ms();
    int error;

    take_back(process);
    while (child < process->children + process->options.most && child->state != CHILD_NONE)
        child++;
    assert(child < process->children + process->options.most);
    if (!child->output.ptr) { /* whole from the start: growing would leave copies of a token behind */
        child->output.ptr = mem_alloc(child->output.cap + 1);
        child->output.size = child->output.cap + 1;
    }
    child->killed = false;
    child->until_ms = now_ms + process->options.timeout_ms;
    child->result = (struct process_result){.tag = tag, .started_ms = now_ms};
    child->state = CHILD_RUNS;
    error = launch(process, child, variables);
    if (error == 0)
        return;
    close_all(child);
    child->result.end = PROCESS_NOT_STARTED;
    child->result.code = error;
    child->state = CHILD_ENDED;
}

/* ---- the handle ---- */

/* A kernel without pidfd is told of at once, not at the first token. */
static int open_epoll(struct process *process, struct fail *fail)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (pidfd < 0)
        return fail_set(fail, FAIL_INTERNAL, "commands cannot be run here: pidfd_open: %s", strerror(errno));
    (void)close(pidfd);
    process->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (process->epoll_fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "commands cannot be run here: epoll: %s", strerror(errno));
    return 0;
}

int process_open(struct process **out, const struct process_options *options, struct fail *fail)
{
    struct process *process = mem_alloc(sizeof *process);

    assert(options->most > 0);
    process->options = *options;
    process->command = mem_text(options->command);
    process->children = mem_array((size_t)options->most, sizeof *process->children);
    for (int i = 0; i < options->most; i++) {
        struct child *child = &process->children[i];
        child->fd[0] = child->fd[1] = child->fd[2] = -1;
        buf_init(&child->output, options->output_cap);
        buf_init(&child->words, WORDS_CAP);
    }
    process->epoll_fd = -1;
    if (open_epoll(process, fail) != 0) {
        process_close(process);
        return -1;
    }
    *out = process;
    return 0;
}

void process_stop(struct process *process)
{
    for (int i = 0; i < process->options.most; i++) {
        struct child *child = &process->children[i];
        if (child->state != CHILD_RUNS)
            continue;
        (void)kill(-child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0); /* killed: it ends at once */
        close_all(child);
        forget(child);
    }
}

void process_close(struct process *process)
{
    if (!process)
        return;
    process_stop(process);
    for (int i = 0; i < process->options.most; i++) {
        forget(&process->children[i]);
        buf_free(&process->children[i].output);
        buf_free(&process->children[i].words);
    }
    if (process->epoll_fd >= 0)
        (void)close(process->epoll_fd);
    free(process->children);
    free(process->command);
    free(process);
}

int process_fd(const struct process *process)
{
    return process->epoll_fd;
}

int process_watch(struct process *process, int fd, struct fail *fail)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = EVENT_WATCHED};

    if (epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return fail_set(fail, FAIL_INTERNAL, "epoll_ctl: %s", strerror(errno));
    return 0;
}

int64_t process_wait_ms(const struct process *process)
{
    int64_t until_ms = INT64_MAX, now_ms = clock_mono_ms();

    for (int i = 0; i < process->options.most; i++) {
        if (process->children[i].state == CHILD_ENDED)
            return 0; /* one that could not be started makes nothing readable */
        if (process->children[i].state == CHILD_RUNS && process->children[i].until_ms < until_ms)
            until_ms = process->children[i].until_ms;
    }
    if (until_ms == INT64_MAX)
        return until_ms;
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void look(struct process *process)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(process->epoll_fd, events, EVENTS, 0);

    for (int i = 0; i < count; i++) {
        struct child *child = process->children + events[i].data.u64 / KINDS;
        enum kind kind = (enum kind)(events[i].data.u64 % KINDS);
        if (events[i].data.u64 == EVENT_WATCHED || child->state != CHILD_RUNS)
            continue;
        if (kind == KIND_EXIT)
            reap(child);
        else
            drain_or_close(child, kind, events[i].events);
    }
}

int process_take(struct process *process, struct process_result *out)
{
    int64_t now_ms = clock_mono_ms();

    take_back(process);
    look(process);
    for (int i = 0; i < process->options.most; i++) {
        struct child *child = &process->children[i];
        if (child->state == CHILD_RUNS && now_ms >= child->until_ms)
            end_group(child, PROCESS_TIMEOUT);
        if (child->state != CHILD_ENDED)
            continue;
        child->result.output = buf_span(&child->output);
        child->result.words = buf_span(&child->words);
        child->state = CHILD_LENT;
        *out = child->result;
        return 1;
    }
    return 0;
}
