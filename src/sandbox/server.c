/* libmicrohttpd runs without a thread of its own (epoll, MHD_run): its epoll descriptor, the desk's and the
 * signals' are polled together, so that no state needs a lock. */
#include "server.h"

#include "kit/clock.h"
#include "mtls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BACKLOG = 4096, SPARE_FILES = 64, PEM_CAP = 1024 * 1024, CONNECTIONS_MAX = 65536 };

struct server {
    struct desk *desk;
    struct MHD_Daemon *daemon;
    struct buf cert, key, trust; /* PEM texts; libmicrohttpd borrows them */
    bool demand_certificate;
    int epoll_fd; /* libmicrohttpd's */
    int signal_fd;
    int port;
};

static int read_file(const char *path, struct buf *out, struct fail *fail)
{
    char piece[4096];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    buf_init(out, PEM_CAP);
    while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(out, piece, (size_t)n);
    if (fd < 0 || n < 0)
        (void)fail_set(fail, FAIL_USAGE, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (fd < 0 || n < 0)
        return -1;
    return out->full ? fail_set(fail, FAIL_USAGE, "%s: too large", path) : 0;
}

static int read_pem(struct server *server, const struct options *options, struct fail *fail)
{
    if (!options->tls_cert)
        return 0;
    if (read_file(options->tls_cert, &server->cert, fail) != 0 ||
        read_file(options->tls_key, &server->key, fail) != 0)
        return -1;
    if (!options->client_ca)
        return 0;
    server->demand_certificate = true;
    if (mtls_open(fail) != 0)
        return -1;
    return read_file(options->client_ca, &server->trust, fail);
}

/* Every connection is a descriptor: as many as the system grants. */
static unsigned connection_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 512;
    limit.rlim_cur = limit.rlim_max < CONNECTIONS_MAX ? limit.rlim_max : CONNECTIONS_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= 2 * SPARE_FILES)
        return 512;
    return (unsigned)limit.rlim_cur - SPARE_FILES;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    const struct server *server = cls;

    (void)context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED && server->demand_certificate)
        mtls_demand(connection);
}

static int start_daemon(struct server *server, const struct options *options, struct fail *fail)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(options->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert.ptr},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.ptr},
                                   {MHD_OPTION_HTTPS_MEM_TRUST, 0, server->trust.ptr},
                                   {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME | MHD_USE_TURBO;

    if (options->tls_cert)
        flags |= MHD_USE_TLS;
    if (!server->demand_certificate)
        tls[2] = tls[3];
    errno = 0;
    server->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, call_handle, server->desk, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)BACKLOG, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_NOTIFY_COMPLETED, call_completed, server->desk, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_ARRAY, options->tls_cert ? tls : none, MHD_OPTION_END);
    if (!server->daemon)
        return fail_set(fail, FAIL_INTERNAL, "cannot listen on 127.0.0.1:%u: %s", options->port,
                        errno ? strerror(errno) : "is the certificate or its key unfit?");
    return 0;
}

static int learn_daemon(struct server *server, struct fail *fail)
{
    const union MHD_DaemonInfo *epoll_info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const union MHD_DaemonInfo *port_info;

    server->epoll_fd = epoll_info ? epoll_info->epoll_fd : -1;
    port_info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = port_info ? port_info->port : 0;
    if (server->epoll_fd < 0 || server->port == 0)
        return fail_set(fail, FAIL_INTERNAL, "libmicrohttpd lacks epoll");
    return 0;
}

static int open_signals(struct server *server, struct fail *fail)
{
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &wanted, NULL) != 0)
        return fail_set(fail, FAIL_INTERNAL, "signals: %s", strerror(errno));
    server->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC);
    if (server->signal_fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "signals: %s", strerror(errno));
    return 0;
}

int server_open(struct server **out, const struct options *options, struct desk *desk, struct fail *fail)
{
    struct server *server = mem_alloc(sizeof(*server));

    server->desk = desk;
    server->signal_fd = -1;
    if (read_pem(server, options, fail) != 0 || open_signals(server, fail) != 0 ||
        start_daemon(server, options, fail) != 0 || learn_daemon(server, fail) != 0) {
        server_close(server);
        return -1;
    }
    *out = server;
    return 0;
}

int server_port(const struct server *server)
{
    return server->port;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Milliseconds until the loop has something to do without being woken, -1: never. */
static int64_t patience_ms(struct server *server, int64_t now_us)
{
    struct desk *desk = server->desk;
    int64_t now_ms = now_us / 1000;
    int64_t timer_us = timers_due_us(&desk->timers, now_us);
    int64_t least = timer_us < 0 ? -1 : (timer_us + 999) / 1000;
    MHD_UNSIGNED_LONG_LONG daemon_ms;

    if (MHD_get_timeout(server->daemon, &daemon_ms) == MHD_YES)
        least = sooner(least, daemon_ms > 60000 ? 60000 : (int64_t)daemon_ms);
    least = sooner(least, lines_due_ms(&desk->journal.lines, now_ms));
    return sooner(least, lines_due_ms(enroll_lines(desk->enroll), now_ms));
}

static int turn(struct server *server, struct fail *fail)
{
    struct desk *desk = server->desk;
    int64_t now_ms;

    desk_wake(desk, clock_mono_us());
    if (MHD_run(server->daemon) != MHD_YES)
        return fail_set(fail, FAIL_INTERNAL, "libmicrohttpd gave up");
    if (desk->failed) {
        *fail = desk->fail;
        return -1;
    }
    now_ms = clock_mono_ms();
    if (lines_tick(&desk->journal.lines, now_ms, fail) != 0)
        return -1;
    return lines_tick(enroll_lines(desk->enroll), now_ms, fail);
}

int server_run(struct server *server, struct fail *fail)
{
    struct pollfd fds[] = {
        {server->epoll_fd, POLLIN, 0}, {server->desk->hang_fd, POLLIN, 0}, {server->signal_fd, POLLIN, 0}};

    while (!server->desk->stop) {
        if (poll(fds, 3, (int)patience_ms(server, clock_mono_us())) < 0 && errno != EINTR)
            return fail_set(fail, FAIL_INTERNAL, "poll: %s", strerror(errno));
        if (fds[2].revents)
            return 0;
        if (turn(server, fail) != 0)
            return -1;
    }
    return 0;
}

void server_close(struct server *server)
{
    if (!server)
        return;
    if (server->daemon) {
        desk_abandon(server->desk);
        (void)MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    if (server->signal_fd >= 0)
        (void)close(server->signal_fd);
    buf_free(&server->cert);
    buf_wipe(&server->key);
    buf_free(&server->key);
    buf_free(&server->trust);
    free(server);
}
