/* libcurl tells what it wants of each socket (SOCKETFUNCTION) and when it wants to be called at the latest
 * (TIMERFUNCTION); both callbacks only store, and the epoll set is changed as seldom as possible. After each
 * reply libcurl takes its interest in the connection back, and asks again with the next request: two system
 * calls for nothing. So nothing is ever taken out of the set then, a mask is widened at once, and it is
 * narrowed only when an event comes that nobody wants.
 *
 * Laziness needs to know when a descriptor dies. libcurl 7.88 tells that (CLOSESOCKETFUNCTION) for
 * connections that were established, but closes the losers of a connection attempt and its resolver's socket
 * pair without a word; and when the next attempt of the same transfer gets the same number, it does not ask
 * for it again, believing that the number is watched still. Hence each wish is passed on by a system call
 * until a finished transfer has left the socket in the connection cache; and a socket newly opened under a
 * number that libcurl still wants is put into the set at once. */
#include "http_impl.h"

#include "kit/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_A_LOOK = 1024 }; /* also of as many connections as a server may close at once */

static const uint64_t WAKE = UINT64_MAX; /* no descriptor and generation make that */

static struct http_socket *socket_at(struct http *http, int fd)
{
    size_t index = (size_t)fd;

    if (index >= http->socket_count) {
        size_t count = http->socket_count ? http->socket_count : 64;
        while (count <= index)
            count *= 2;
        http->sockets = mem_grow(http->sockets, count, sizeof *http->sockets);
        memset(http->sockets + http->socket_count, 0, (count - http->socket_count) * sizeof *http->sockets);
        http->socket_count = count;
    }
    return &http->sockets[index];
}

static uint32_t mask_of(int wanted)
{
    return (wanted & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (wanted & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

/* Makes the set report `mask` for the descriptor. The set may know more or less of it than we do, for the
 * kernel drops closed descriptors by itself. */
static void watch(struct http *http, int fd, uint32_t mask)
{
    struct http_socket *socket = socket_at(http, fd);
    struct epoll_event event = {.events = mask};
    int op = socket->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, rc;

    socket->watched = mask;
    if (mask == 0) { /* fails when it is gone already: as wished */
        (void)epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return;
    }
    event.data.u64 = (uint64_t)socket->generation << 32 | (uint32_t)fd;
    rc = epoll_ctl(http->epoll_fd, op, fd, &event);
    if (rc < 0 && errno == ENOENT)
        rc = epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    else if (rc < 0 && errno == EEXIST)
        rc = epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    if (rc < 0) {
        socket->watched = 0;
        http->epoll_error = errno;
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
    struct http *http = userp;
    struct http_socket *socket = socket_at(http, fd);
    uint32_t mask;

    (void)easy;
    (void)socketp;
    socket->wanted = what == CURL_POLL_REMOVE ? 0 : what;
    mask = mask_of(socket->wanted);
    if (!socket->lazy && mask)
        watch(http, fd, mask);
    else if (mask & ~socket->watched)
        watch(http, fd, mask | socket->watched);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *userp)
{
    struct http *http = userp;

    (void)multi;
    if (timeout_ms < 0)
        http->timer_us = INT64_MAX;
    else
        http->timer_us = timeout_ms == 0 ? 0 : clock_mono_us() + (int64_t)timeout_ms * 1000;
    return 0;
}

curl_socket_t http_loop_open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http *http = userp;
    struct http_socket *entry;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    entry = socket_at(http, fd);
    entry->generation++;
    entry->watched = 0;
    entry->lazy = entry->framed = false;
    entry->line = NULL;
    if (entry->wanted)
        watch(http, fd, mask_of(entry->wanted));
    return fd;
}

int http_loop_close_socket(void *userp, curl_socket_t fd)
{
    struct http *http = userp;
    struct http_socket *socket = socket_at(http, fd);

    socket->generation++;
    socket->watched = 0;
    socket->wanted = 0;
    socket->lazy = socket->framed = false;
    socket->line = NULL;
    return close(fd);
}

void http_loop_join(struct http_line *line, bool write)
{
    socket_at(line->http, line->fd)->line = line;
    watch(line->http, line->fd, EPOLLIN | (write ? (uint32_t)EPOLLOUT : 0));
}

void http_loop_part(struct http_line *line)
{
    if (line->fd >= 0)
        socket_at(line->http, line->fd)->line = NULL;
}

void http_loop_kept(struct http *http, curl_socket_t fd, bool framed)
{
    struct http_socket *socket = socket_at(http, fd);

    socket->lazy = true;
    socket->framed = framed;
    if (!(socket->watched & EPOLLIN)) /* wanted also while idle: see bury */
        watch(http, fd, socket->watched | EPOLLIN);
}

/* An idle connection with something to read was closed by the server, or has got bytes that belong to no
 * request. libcurl notices only a bare end of the stream when it wants to use the connection again: stray
 * bytes it would take for the next reply, and under TLS the server's goodbye (close_notify) for a sign of
 * life, and send into it. Shut down and emptied, the connection looks dead to it. Under HTTP/2 pings,
 * settings and a goodbye (GOAWAY) are expected there, and libcurl reads them itself before it uses the
 * connection again. */
static void bury(int fd)
{
    char scrap[4096];

    if (recv(fd, scrap, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        return; /* a bare end, or an event of bytes that were read meanwhile */
    (void)shutdown(fd, SHUT_RDWR);
    for (int i = 0; i < 16 && recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0; i++)
        ;
}

/* An event that nobody wants. */
static void on_unwanted(struct http *http, int fd)
{
    struct http_socket *socket = socket_at(http, fd);

    if (socket->lazy && !socket->framed && socket->wanted == 0)
        bury(fd);
    watch(http, fd, mask_of(socket->wanted));
}

/* What a callback, or a line, could not say. */
static int check_epoll(const struct http *http, struct fail *fail)
{
    if (http->epoll_error)
        return fail_set(fail, FAIL_INTERNAL, "epoll_ctl: %s", strerror(http->epoll_error));
    return 0;
}

static int act(struct http *http, curl_socket_t fd, int ready, struct fail *fail)
{
    int running;
    CURLMcode code = curl_multi_socket_action(http->multi, fd, ready, &running);

    if (code != CURLM_OK)
        return fail_set(fail, FAIL_INTERNAL, "curl_multi_socket_action: %s", curl_multi_strerror(code));
    return check_epoll(http, fail);
}

static int dispatch(struct http *http, const struct epoll_event *event, struct fail *fail)
{
    int fd = (int)(uint32_t)event->data.u64, ready = 0;
    struct http_socket *socket = socket_at(http, fd);

    if (socket->generation != (uint32_t)(event->data.u64 >> 32))
        return 0; /* closed by what was done for an earlier event of this look */
    if (socket->line) {
        http_line_event(socket->line, event->events);
        return check_epoll(http, fail);
    }
    /* An error shows itself, with its reason, in the read or write that libcurl is waiting for. */
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        ready |= CURL_CSELECT_IN;
    if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        ready |= CURL_CSELECT_OUT;
    if (!(socket->wanted & CURL_POLL_IN))
        ready &= ~CURL_CSELECT_IN;
    if (!(socket->wanted & CURL_POLL_OUT))
        ready &= ~CURL_CSELECT_OUT;
    if (ready)
        return act(http, fd, ready, fail);
    on_unwanted(http, fd);
    return 0;
}

int http_loop_look(struct http *http, int64_t wait_us, struct fail *fail)
{
    struct epoll_event events[EVENTS_A_LOOK];
    int64_t wait_ms = wait_us <= 0 ? 0 : (wait_us - 1) / 1000 + 1;
    int count, woken = 0;

    if (wait_us == INT64_MAX)
        wait_ms = -1;
    else if (wait_ms > INT32_MAX)
        wait_ms = INT32_MAX;
    count = epoll_wait(http->epoll_fd, events, EVENTS_A_LOOK, (int)wait_ms);
    http->started = false;
    if (count < 0 && errno == EINTR)
        return 1;
    if (count < 0)
        return fail_set(fail, FAIL_INTERNAL, "epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == WAKE)
            woken = 1;
        else if (dispatch(http, &events[i], fail) < 0)
            return -1;
    }
    return woken;
}

int http_loop_tick(struct http *http, int64_t now_us, struct fail *fail)
{
    if (now_us < http->timer_us)
        return 0;
    http->timer_us = INT64_MAX; /* the call sets the next one */
    return act(http, CURL_SOCKET_TIMEOUT, 0, fail);
}

int http_loop_wake_on(struct http *http, int fd, struct fail *fail)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = WAKE};

    if (fd == http->wake_fd)
        return 0;
    if (http->wake_fd >= 0)
        (void)epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, http->wake_fd, &event);
    http->wake_fd = -1;
    if (fd >= 0 && epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return fail_set(fail, FAIL_INTERNAL, "epoll_ctl on the wake descriptor: %s", strerror(errno));
    http->wake_fd = fd;
    return 0;
}

int http_loop_open(struct http *http, struct fail *fail)
{
    CURLMcode code;

    http->timer_us = INT64_MAX;
    http->wake_fd = -1;
    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (http->epoll_fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "epoll_create1: %s", strerror(errno));
    code = curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    if (code == CURLM_OK)
        code = curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    if (code == CURLM_OK)
        code = curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    if (code == CURLM_OK)
        code = curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    if (code != CURLM_OK)
        return fail_set(fail, FAIL_INTERNAL, "curl_multi_setopt: %s", curl_multi_strerror(code));
    return 0;
}

void http_loop_close(struct http *http)
{
    if (http->epoll_fd >= 0)
        (void)close(http->epoll_fd);
    free(http->sockets);
}
