#include "driver/signals.h"

#include "kit/buf.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
    int fd;
    int stops;
};

int signals_open(struct signals **out, struct fail *fail)
{
    struct signals *signals;
    sigset_t set;
    int fd;

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    if (sigemptyset(&set) != 0 || sigaddset(&set, SIGINT) != 0 || sigaddset(&set, SIGTERM) != 0 ||
        sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "cannot set up signals: %s", strerror(errno));
    signals = mem_alloc(sizeof *signals);
    signals->fd = fd;
    *out = signals;
    return 0;
}

void signals_close(struct signals *signals)
{
    if (!signals)
        return;
    (void)close(signals->fd); /* nothing is written to it */
    free(signals);
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
