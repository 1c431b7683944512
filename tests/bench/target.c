/* target: a server for the loopback that takes every request with an empty 202, at once or after a time that
 * is drawn for each, evenly between two bounds. nginx has no delay of its own, so this is what stands for a
 * server some milliseconds away. Every answer leaves at its own time, to the microsecond: a wheel of coarse
 * ticks would answer many connections at once, and a client would be woken less often than by a real server.
 * One thread; connections stand in a table by descriptor, and the next one due is found by going through it,
 * which is cheap for some hundred of them.
 *
 * It tells its port in a file, and in another the time (ms since 1970) and the bytes of the first request. */
#define _GNU_SOURCE /* accept4, memmem */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, REQUEST_MOST = 16384, EVENTS_A_LOOK = 64 };

struct connection {
    bool open;
    int64_t due_us; /* 0: no answer waits */
    size_t have;
    char *bytes;
};

struct target {
    int listener, epoll, timer;
    int most; /* no descriptor above it is open */
    int64_t armed_us;
    int64_t least_us, range_us;
    uint64_t noise;
    const char *port_file, *first_file;
    struct connection connections[CONNECTIONS];
};

static const char ANSWER[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "target: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_us(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        die("clock_gettime");
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* xorshift64: the same delays in every run. */
static int64_t draw_delay_us(struct target *target)
{
    target->noise ^= target->noise << 13;
    target->noise ^= target->noise >> 7;
    target->noise ^= target->noise << 17;
    return target->least_us + (int64_t)(target->noise % (uint64_t)(target->range_us + 1));
}

static void watch(struct target *target, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(target->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void hang_up(struct target *target, int fd)
{
    struct connection *connection = &target->connections[fd];

    (void)close(fd);
    connection->open = false;
    connection->have = 0;
    connection->due_us = 0;
}

static void take_connection(struct target *target)
{
    int fd = accept4(target->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    struct connection *connection;

    if (fd < 0)
        return; /* gone again */
    assert(fd < CONNECTIONS);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection = &target->connections[fd];
    connection->open = true;
    if (!connection->bytes)
        connection->bytes = malloc(REQUEST_MOST);
    if (!connection->bytes)
        die("memory");
    if (fd > target->most)
        target->most = fd;
    watch(target, fd);
}

/* How many bytes the request at the beginning has, head and body; 0: it is not all there. */
static size_t request_length(const struct connection *connection)
{
    static const char LENGTH[] = "\r\ncontent-length:";
    const char *start = connection->bytes, *end = memmem(start, connection->have, "\r\n\r\n", 4), *at;
    size_t length;

    if (!end)
        return 0;
    length = (size_t)(end - start) + 4;
    for (at = start; at < end; at++)
        if (*at == '\r' && strncasecmp(at, LENGTH, sizeof LENGTH - 1) == 0) {
            length += strtoul(at + sizeof LENGTH - 1, NULL, 10);
            break;
        }
    return length <= connection->have ? length : 0;
}

static void note_first(struct target *target, const char *bytes, size_t len)
{
    FILE *file = fopen(target->first_file, "wb");

    if (!file || fprintf(file, "%" PRId64 "\n", now_us(CLOCK_REALTIME) / 1000) < 0 ||
        fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        die(target->first_file);
    target->first_file = NULL;
}

static void answer(struct target *target, int fd)
{
    target->connections[fd].due_us = 0;
    if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) != sizeof ANSWER - 1)
        hang_up(target, fd);
}

static void look_at_request(struct target *target, int fd)
{
    struct connection *connection = &target->connections[fd];
    size_t length = request_length(connection);

    if (length == 0 || connection->due_us > 0)
        return;
    if (target->first_file)
        note_first(target, connection->bytes, length);
    connection->have -= length;
    memmove(connection->bytes, connection->bytes + length, connection->have);
    if (target->least_us + target->range_us > 0)
        connection->due_us = now_us(CLOCK_MONOTONIC) + draw_delay_us(target);
    else
        answer(target, fd);
}

static void read_from(struct target *target, int fd)
{
    struct connection *connection = &target->connections[fd];
    ssize_t got = recv(fd, connection->bytes + connection->have, REQUEST_MOST - connection->have, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) { /* also a request that is too long */
        hang_up(target, fd);
        return;
    }
    connection->have += (size_t)got;
    look_at_request(target, fd);
}

/* Answers what is due and sets the timer to the next. */
static void answer_due(struct target *target)
{
    int64_t now = now_us(CLOCK_MONOTONIC), next = INT64_MAX;
    struct itimerspec when = {.it_value = {0}};

    for (int fd = 0; fd <= target->most; fd++) {
        struct connection *connection = &target->connections[fd];
        if (connection->due_us > 0 && connection->due_us <= now) {
            answer(target, fd);
            look_at_request(target, fd);
        }
        if (connection->due_us > 0 && connection->due_us < next)
            next = connection->due_us;
    }
    if (next == target->armed_us || next == INT64_MAX)
        return;
    target->armed_us = next;
    when.it_value.tv_sec = next / 1000000;
    when.it_value.tv_nsec = next % 1000000 * 1000;
    if (timerfd_settime(target->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        die("timerfd_settime");
}

static void serve(struct target *target)
{
    struct epoll_event events[EVENTS_A_LOOK];
    uint64_t ticks;

    for (;;) {
        int count = epoll_wait(target->epoll, events, EVENTS_A_LOOK, -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == target->listener)
                take_connection(target);
            else if (fd == target->timer)
                (void)!read(fd, &ticks, sizeof ticks);
            else if (target->connections[fd].open)
                read_from(target, fd);
        }
        answer_due(target);
    }
}

static void tell_port(const struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    FILE *file = fopen(target->port_file, "w");

    if (getsockname(target->listener, (struct sockaddr *)&address, &len) < 0 || !file ||
        fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 || fclose(file) != 0)
        die(target->port_file);
}

static void open_target(struct target *target)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    target->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    target->epoll = epoll_create1(EPOLL_CLOEXEC);
    target->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (target->listener < 0 || target->epoll < 0 || target->timer < 0)
        die("descriptors");
    if (bind(target->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(target->listener, CONNECTIONS) < 0)
        die("bind");
    watch(target, target->listener);
    watch(target, target->timer);
}

static int64_t ms_of(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 0 || value > 60000) {
        (void)fprintf(stderr, "target: '%s': milliseconds from 0 to 60000\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option LONG[] = {{"port-file", required_argument, NULL, 'p'},
                                         {"first-file", required_argument, NULL, 'f'},
                                         {"least-ms", required_argument, NULL, 'l'},
                                         {"most-ms", required_argument, NULL, 'm'},
                                         {NULL, 0, NULL, 0}};
    static struct target target = {.noise = 0x9e3779b97f4a7c15U};
    int64_t most_us = 0;

    for (int option; (option = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        if (option == 'p')
            target.port_file = optarg;
        else if (option == 'f')
            target.first_file = optarg;
        else if (option == 'l')
            target.least_us = ms_of(optarg) * 1000;
        else if (option == 'm')
            most_us = ms_of(optarg) * 1000;
        else
            return 2;
    }
    if (!target.port_file || optind != argc) {
        (void)fputs("target --port-file FILE [--first-file FILE] [--least-ms N] [--most-ms N]\n", stderr);
        return 2;
    }
    target.range_us = most_us > target.least_us ? most_us - target.least_us : 0;
    open_target(&target);
    tell_port(&target);
    serve(&target);
}
