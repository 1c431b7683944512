/* http: kept connections, and how they die. */
#define _GNU_SOURCE /* RTLD_DEFAULT, memmem */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_client.h"

#include <errno.h>
#include <sys/epoll.h>

/* ---- kept connections ---- */

static void test_reuse(void **state)
{
    struct http *http = client(4, 5000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_keep, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
    }
    assert_int_equal(server.connections, 1);
    assert_int_equal(server.requests, 50);
    http_close(http);
    server_stop(&server);
}

/* The first connection: one answer, then what `how` says, told by the event. Later ones answer for ever. */
static void first_then(struct peer *peer, void (*how)(struct peer *peer))
{
    if (peer->number == 1) {
        if (peer_request(peer) && peer_send(peer, OK))
            how(peer);
        return;
    }
    while (peer_request(peer) && peer_send(peer, OK))
        ;
}

static void idle_close(struct peer *peer)
{
    (void)shutdown(peer->fd, SHUT_WR);
    (void)sem_post(&peer->server->event);
}

/* Every connection: one answer, then the end. */
static void script_idle_close(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, OK) && wait_for(&peer->server->go))
        idle_close(peer);
}

static void idle_reset(struct peer *peer)
{
    peer_reset(peer);
    (void)sem_post(&peer->server->event);
}

static void script_idle_reset(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, OK) && wait_for(&peer->server->go))
        idle_reset(peer);
}

static void idle_stray(struct peer *peer)
{
    (void)peer_send(peer, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    (void)sem_post(&peer->server->event);
    (void)peer_request(peer); /* the connection stays open */
}

static void script_idle_stray(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, OK) && wait_for(&peer->server->go))
        idle_stray(peer);
}

/* A connection that the server closed while idle costs a new one, and no doubt: nothing was sent into the old
 * one. Bytes that nobody asked for are not the reply to the next request. */
static void test_idle_connection_dies(void **state)
{
    static const script_fn scripts[] = {script_idle_close, script_idle_reset, script_idle_stray};

    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct http *http = client(1, 5000);
        struct http_reply reply;

        server_start(&server, scripts[i], NULL);
        /* more often than libcurl would try again in the life of an easy handle */
        for (int n = 1; n <= 16; n++) {
            ask(http, &reply);
            assert_int_equal(reply.end, HTTP_ANSWERED);
            assert_int_equal(reply.status, 202);
            assert_false(reply.resent);
            (void)sem_post(&server.go);
            assert_true(wait_for(&server.event));
            assert_int_equal(server.connections, n);
            assert_int_equal(server.requests, n);
        }
        http_close(http);
        server_stop(&server);
    }
}

/* So do many at once: nothing is sent into any of them. */
static void test_all_idle_connections_die(void **state)
{
    enum { COUNT = 100 };
    struct http_request request;
    struct http_reply reply;
    struct http *http = client(COUNT, 5000);

    (void)state;
    server_start(&server, script_idle_close, NULL);
    request = a_request(server.url);
    request.once = true;
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < COUNT; i++)
            start(http, &request);
        for (int i = 0; i < COUNT; i++) {
            take(http, &reply);
            assert_int_equal(reply.end, HTTP_ANSWERED);
        }
        for (int i = 0; i < COUNT; i++)
            (void)sem_post(&server.go);
        for (int i = 0; i < COUNT; i++)
            assert_true(wait_for(&server.event));
        assert_int_equal(server.connections, round * COUNT);
        assert_int_equal(server.requests, round * COUNT);
    }
    http_close(http);
    server_stop(&server);
}

static void wait_for_go(struct peer *peer)
{
    (void)wait_for(&peer->server->go);
}

static void script_sleeper(struct peer *peer)
{
    first_then(peer, wait_for_go);
}

/* A send that fails before its first byte is tried again, and is no second copy. */
static void test_nothing_left(void **state)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_sleeper, NULL);
    ask(http, &reply);
    for (size_t fd = 0; fd < http->socket_count; fd++)
        if (http->sockets[fd].lazy || http->sockets[fd].line)
            assert_int_equal(shutdown((int)fd, SHUT_WR), 0);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_false(reply.resent);
    assert_int_equal(server.connections, 2);
    assert_int_equal(server.requests, 2);
    (void)sem_post(&server.go);
    http_close(http);
    server_stop(&server);
}

static void take_and_close(struct peer *peer)
{
    (void)peer_request(peer);
}

static void take_and_reset(struct peer *peer)
{
    if (peer_request(peer))
        peer_reset(peer);
}

static void script_take_and_close(struct peer *peer)
{
    first_then(peer, take_and_close);
}

static void script_take_and_reset(struct peer *peer)
{
    first_then(peer, take_and_reset);
}

static const script_fn takers[] = {script_take_and_close, script_take_and_reset};

/* The server took the request on a kept connection and closed: libcurl sends again, and we know. */
static void test_resent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http *http = client(1, 5000);
        struct http_reply reply;

        server_start(&server, takers[i], NULL);
        ask(http, &reply);
        assert_false(reply.resent);
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_true(reply.resent);
        assert_int_equal(server.requests, 3);
        ask(http, &reply);
        assert_false(reply.resent);
        http_close(http);
        server_stop(&server);
    }
}

static void test_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http *http = client(1, 5000);
        struct http_request request;
        struct http_reply reply;

        server_start(&server, takers[i], NULL);
        ask(http, &reply);
        request = a_request(server.url);
        request.once = true;
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_LOST);
        assert_false(reply.resent);
        assert_int_equal(server.requests, 2);
        start(http, &request); /* on a fresh connection */
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        http_close(http);
        server_stop(&server);
    }
}

static void no_second_chance(struct peer *peer)
{
    if (!peer_request(peer))
        return;
    (void)shutdown(peer->server->fd, SHUT_RDWR); /* stops listening */
    (void)close(peer->server->fd);
    peer_reset(peer);
}

static void script_no_second_chance(struct peer *peer)
{
    first_then(peer, no_second_chance);
}

/* The second try cannot even connect: that does not make the request one that was not sent. */
static void test_lost_before_a_refusal(void **state)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_no_second_chance, NULL);
    ask(http, &reply);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_LOST);
    http_close(http);
    server.fd = -1;
    server_stop(&server);
}

static void script_odd_once(struct peer *peer)
{
    if (peer->number == 1 && peer_request(peer))
        (void)peer_send(peer, "http/1.1 202 Accepted\r\nConnection: keep-alive\r\nDate: x");
    while (peer->number > 1 && peer_request(peer) && peer_send(peer, OK))
        ;
}

/* The first connection did not tell what it speaks: nobody waits for it to do so. */
static void test_after_an_odd_reply(void **state)
{
    struct http *http = client(2, 3000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_odd_once, NULL);
    ask(http, &reply);
    assert_int_not_equal(reply.end, HTTP_ANSWERED);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    http_close(http);
    server_stop(&server);
}

/* ---- descriptors: numbers are used again ---- */

static bool is_watched(struct http *http, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 && errno == EEXIST;
}

/* What libcurl does between two addresses of a host: it closes the first socket without a word, opens the
 * second, which gets the same number, and does not ask again. */
static void test_number_used_again(void **state)
{
    struct http *http = client(1, 5000);
    struct curl_sockaddr address = {.family = AF_INET, .socktype = SOCK_STREAM};
    struct http_reply reply;
    struct http_socket *entry;
    int fd;

    (void)state;
    server_start(&server, script_close, OK);
    ask(http, &reply);
    fd = http_loop_open_socket(http, CURLSOCKTYPE_IPCXN, &address);
    entry = &http->sockets[fd];
    *entry = (struct http_socket){.wanted = CURL_POLL_OUT, .watched = EPOLLOUT, .lazy = true};
    (void)close(fd);
    assert_int_equal(http_loop_open_socket(http, CURLSOCKTYPE_IPCXN, &address), fd);
    assert_true(is_watched(http, fd));
    assert_false(entry->lazy);
    /* an event of the number's earlier socket changes nothing for this one */
    entry->wanted = 0;
    entry->generation++;
    assert_int_equal(http_loop_look(http, 0, &fail), 0);
    assert_true(is_watched(http, fd));
    entry->generation--;
    assert_int_equal(http_loop_look(http, 0, &fail), 0); /* nobody wants it now */
    assert_false(is_watched(http, fd));
    entry->watched = EPOLLIN;
    entry->wanted = CURL_POLL_IN;
    entry->lazy = true;
    assert_int_equal(http_loop_close_socket(http, fd), 0);
    assert_int_equal(entry->watched, 0);
    assert_int_equal(entry->wanted, 0);
    assert_false(entry->lazy);
    http_close(http);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_idle_connection_dies),
        cmocka_unit_test(test_all_idle_connections_die),
        cmocka_unit_test(test_nothing_left),
        cmocka_unit_test(test_resent),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_lost_before_a_refusal),
        cmocka_unit_test(test_after_an_odd_reply),
        cmocka_unit_test(test_number_used_again),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, NULL, NULL);
}
