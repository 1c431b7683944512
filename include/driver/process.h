/* process: one shell command, run many times at once, none of them waited for.
 *
 * Each run is `/bin/sh -c COMMAND` in a process group of its own, with /dev/null as standard input, the
 * caller's variables beside the inherited environment, default signals, and no descriptor beyond the standard
 * three. What it prints is collected up to a cap. It ends when the shell ends, whatever that left behind. A
 * run over its time or its cap is killed with its group; so is what still runs at process_stop and
 * process_close. No child stays a zombie. */
#ifndef DRIVER_PROCESS_H
#define DRIVER_PROCESS_H

#include "kit/buf.h"

struct process_options {
    const char *command;
    int most; /* at once */
    int64_t timeout_ms;
    size_t output_cap;
};

enum process_end {
    PROCESS_EXITED,     /* code is the exit code */
    PROCESS_SIGNALLED,  /* code is the signal */
    PROCESS_TIMEOUT,    /* killed after timeout_ms */
    PROCESS_TOO_LONG,   /* killed because it printed more than output_cap */
    PROCESS_NOT_STARTED /* code is errno: out of processes, descriptors or memory */
};

struct process_result {
    int64_t tag;
    enum process_end end;
    int code;
    struct span output, words; /* standard output and error; the latter is cut at 4 KiB */
    int64_t started_ms;        /* monotonic */
};

struct process;

/* FAIL_INTERNAL when the system lacks what it takes (epoll, pidfd: Linux 5.3). The command is copied. */
int process_open(struct process **out, const struct process_options *options, struct fail *fail) MUST_CHECK;
void process_close(struct process *process);

/* Starts a run; `variables` are "NAME=value", NULL at the end, and take the place of inherited ones. More
 * than options.most at once is an assert. What cannot be started ends as PROCESS_NOT_STARTED. */
void process_start(struct process *process, int64_t tag, const char *const *variables);

/* Readable when process_take may have something to do. */
int process_fd(const struct process *process);
/* Makes process_fd readable also when `fd` is; the caller keeps it open. */
int process_watch(struct process *process, int fd, struct fail *fail) MUST_CHECK;
/* Milliseconds until process_take is due even if process_fd is not readable; INT64_MAX: never. */
int64_t process_wait_ms(const struct process *process);

/* Takes one run that has ended: 1, or 0. The texts are borrowed until the next take or start, and overwritten
 * then. */
int process_take(struct process *process, struct process_result *out);

void process_stop(struct process *process); /* kills what runs; it is never taken */

#endif
