#include "driver/signals.h"

#include "kit/buf.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_STOPPED = 5 }; /* docs/ctp-enroll.1: stopped early with work left */

struct signals {
    sigset_t stop_set, asked_set;
    int fd;
    int stops;
    bool reload, status;
};

static void quit(int number)
{
    (void)number;
    _exit(EXIT_STOPPED);
}

static int set_handlers(struct fail *fail)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, stop = {.sa_handler = quit};

    if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0 ||
        sigaction(SIGHUP, &ignore, NULL) != 0 || sigaction(SIGUSR1, &ignore, NULL) != 0 ||
        sigaction(SIGINT, &stop, NULL) != 0 || sigaction(SIGTERM, &stop, NULL) != 0)
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    return 0;
}

static void add(sigset_t *set, int one, int other)
{
    if (sigaddset(set, one) != 0 || sigaddset(set, other) != 0)
        assert(!"these are signals");
}

static void set_mask(int how, const sigset_t *set)
{
    if (sigprocmask(how, set, NULL) != 0)
        assert(!"the mask can always be set");
}

int signals_open(struct signals **out, struct fail *fail)
{
    struct signals *signals = mem_alloc(sizeof *signals);
    sigset_t all;

    if (set_handlers(fail) != 0) {
        free(signals);
        return -1;
    }
    if (sigemptyset(&signals->stop_set) != 0 || sigemptyset(&signals->asked_set) != 0 ||
        sigemptyset(&all) != 0)
        assert(!"a set can be empty");
    add(&signals->stop_set, SIGINT, SIGTERM);
    add(&signals->asked_set, SIGHUP, SIGUSR1);
    add(&all, SIGINT, SIGTERM);
    add(&all, SIGHUP, SIGUSR1);
    signals->fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) {
        free(signals);
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    }
    set_mask(SIG_BLOCK, &signals->asked_set); /* Linux keeps a blocked signal even if it is ignored */
    *out = signals;
    return 0;
}

void signals_close(struct signals *signals)
{
    if (!signals)
        return;
    signals_unwatch(signals);
    set_mask(SIG_UNBLOCK, &signals->asked_set); /* they are ignored now */
    (void)close(signals->fd);                   /* nothing is written to it */
    free(signals);
}

void signals_watch(struct signals *signals)
{
    set_mask(SIG_BLOCK, &signals->stop_set);
}

void signals_unwatch(struct signals *signals)
{
    set_mask(SIG_UNBLOCK, &signals->stop_set);
}

int signals_fd(const struct signals *signals)
{
    return signals->fd;
}

static void drain(struct signals *signals)
{
    struct signalfd_siginfo info;

    while (read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        signals->reload = signals->reload || info.ssi_signo == SIGHUP;
        signals->status = signals->status || info.ssi_signo == SIGUSR1;
        signals->stops += info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
    }
}

int signals_stops(struct signals *signals)
{
    drain(signals);
    return signals->stops;
}

bool signals_reload(struct signals *signals)
{
    bool asked;

    drain(signals);
    asked = signals->reload;
    signals->reload = false;
    return asked;
}

bool signals_status(struct signals *signals)
{
    bool asked;

    drain(signals);
    asked = signals->status;
    signals->status = false;
    return asked;
}
