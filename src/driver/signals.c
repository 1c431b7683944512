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
    sigset_t set;
    int fd;
    int stops;
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
        sigaction(SIGINT, &stop, NULL) != 0 || sigaction(SIGTERM, &stop, NULL) != 0)
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    return 0;
}

int signals_open(struct signals **out, struct fail *fail)
{
    struct signals *signals = mem_alloc(sizeof *signals);

    if (set_handlers(fail) != 0) {
        free(signals);
        return -1;
    }
    if (sigemptyset(&signals->set) != 0 || sigaddset(&signals->set, SIGINT) != 0 ||
        sigaddset(&signals->set, SIGTERM) != 0)
        assert(!"SIGINT and SIGTERM are signals");
    signals->fd = signalfd(-1, &signals->set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0) {
        free(signals);
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    }
    *out = signals;
    return 0;
}

void signals_close(struct signals *signals)
{
    if (!signals)
        return;
    signals_unwatch(signals);
    (void)close(signals->fd); /* nothing is written to it */
    free(signals);
}

static void set_mask(int how, const sigset_t *set)
{
    if (sigprocmask(how, set, NULL) != 0)
        assert(!"the mask can always be set");
}

void signals_watch(struct signals *signals)
{
    set_mask(SIG_BLOCK, &signals->set);
}

void signals_unwatch(struct signals *signals)
{
    set_mask(SIG_UNBLOCK, &signals->set);
}

int signals_fd(const struct signals *signals)
{
    return signals->fd;
}

int signals_stops(struct signals *signals)
{
    struct signalfd_siginfo info;

    while (read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->stops++;
    return signals->stops;
}
