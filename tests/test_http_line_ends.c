/* http: how the end of a line under a request is judged, and requests larger than a socket takes at once. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_line_case.h"

#include <sys/epoll.h>

/* The first connection answers; what it does then to the second request is TLS's: no record, but an alert. */
static void script_breaks_tls(struct peer *peer)
{
    char byte;

    while (peer_request(peer) && peer_send(peer, OK)) {
        if (peer->number > 1)
            continue;
        (void)recv(peer->fd, &byte, 1, 0); /* what is left is no record */
        (void)peer_read(peer, &byte, 1);   /* answers with an alert */
        return;
    }
}

/* On a connection that has carried a reply an alert refuses nobody. */
static void test_alert_on_a_kept_line(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct http *http = tls_client(0);
        struct http_reply reply;
        serve("server", false, versions[i], script_breaks_tls, NULL);
        ask_once(http, SPAN(""), &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        ask_once(http, SPAN(""), &reply);
        assert_int_equal(reply.end, HTTP_LOST);
        ask_once(http, SPAN(""), &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        http_close(http);
        server_stop(&server);
    }
}

/* ---- large requests ---- */

enum { LARGE = 4 << 20 }; /* more than the two ends of a connection hold */

/* Reads nothing before the test says so; a body of 'a' ends with 'z'. */
static void script_slow(struct peer *peer)
{
    char bytes[65536];
    ssize_t len = 1;

    (void)wait_for(&peer->server->go);
    do
        len = peer_read(peer, bytes, sizeof bytes);
    while (len > 0 && bytes[len - 1] != 'z');
    atomic_fetch_add(&peer->server->requests, 1);
    (void)peer_send(peer, OK);
    (void)peer_request(peer);
}

static void start_with_little_room(script_fn script)
{
    int room = 65536;

    server_start(&server, script, NULL);
    assert_int_equal(setsockopt(server.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
}

static char *large_body(void)
{
    char *body = malloc(LARGE);

    assert_non_null(body);
    memset(body, 'a', LARGE);
    body[LARGE - 1] = 'z';
    return body;
}

static void wait_until_blocked(struct http *http, const bool *blocked)
{
    for (int i = 0; i < 1000 && !*blocked; i++)
        assert_int_equal(http_wait(http, -1, 10, &fail), 0);
    assert_true(*blocked);
}

/* More than the socket takes at once leaves piece by piece, and whole. */
static void test_blocked_send(void **state)
{
    struct http *http = client(1, 20000);
    char *body = large_body();
    struct http_request request;
    struct http_reply reply;

    (void)state;
    start_with_little_room(script_slow);
    request = a_request(server.url);
    request.body = (struct span){body, LARGE};
    start(http, &request);
    wait_until_blocked(http, &http->slots[0]->blocked);
    (void)sem_post(&server.go);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_int_equal(server.requests, 1);
    assert_int_equal(http->sockets[http->lines[0]->fd].watched, EPOLLIN); /* else it would wake us for ever */
    free(body);
    http_close(http);
    server_stop(&server);
}

static void script_early(struct peer *peer)
{
    (void)wait_for(&peer->server->go);
    (void)peer_send(peer, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    (void)wait_for(&peer->server->go); /* and keeps the connection */
}

/* An answer that comes before the whole request has left counts, and ends the connection. */
static void test_early_answer(void **state)
{
    struct http *http = client(1, 20000);
    char *body = large_body();
    struct http_request request;
    struct http_reply reply;

    (void)state;
    start_with_little_room(script_early);
    request = a_request(server.url);
    request.body = (struct span){body, LARGE};
    for (int i = 1; i <= 2; i++) {
        start(http, &request);
        wait_until_blocked(http, &http->slots[i - 1]->blocked);
        for (int n = 0; n < i; n++) /* the first server waits for its end */
            (void)sem_post(&server.go);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_int_equal(reply.status, 413);
        assert_false(reply.resent);
        assert_int_equal(server.connections, i);
    }
    free(body);
    http_close(http);
    (void)sem_post(&server.go);
    server_stop(&server);
}

static void script_early_end(struct peer *peer)
{
    char bytes[1000];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send(peer, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    peer_drop(peer); /* unread bytes make that a reset */
}

/* Also when the connection is gone before the rest could leave. */
static void test_early_answer_and_end(void **state)
{
    char *body = large_body();

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct http *http = client(1, 20000);
        struct http_reply reply;
        start_with_little_room(script_early_end);
        ask_once(http, (struct span){body, LARGE}, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_int_equal(reply.status, 413);
        http_close(http);
        server_stop(&server);
    }
    free(body);
}

/* The first connection answers, reads the beginning of the next request, and is gone. */
static void script_takes_a_piece(struct peer *peer)
{
    char bytes[1000];

    while (peer_request(peer) && peer_send(peer, OK)) {
        if (peer->number > 1)
            continue;
        if (peer_read(peer, bytes, sizeof bytes) > 0)
            peer_reset(peer);
        return;
    }
}

/* OpenSSL says nothing of the records that have left when a later one fails. */
static void test_a_piece_has_left(void **state)
{
    char *body = large_body();

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct http *http = tls_client(0);
        struct http_reply reply;
        if (tls)
            serve("server", false, 0, script_takes_a_piece, NULL);
        else
            server_start(&server, script_takes_a_piece, NULL);
        ask_once(http, SPAN(""), &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        ask_once(http, (struct span){body, LARGE}, &reply);
        assert_int_equal(reply.end, HTTP_LOST);
        assert_int_equal(server.connections, 1);
        http_close(http);
        server_stop(&server);
    }
    free(body);
}

static void script_reads_nothing(struct peer *peer)
{
    (void)wait_for(&peer->server->go);
}

static void test_stalled_upload(void **state)
{
    char *body = large_body();

    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct http *http = tls_client(300);
        struct http_reply reply;
        if (tls)
            serve("server", false, 0, script_reads_nothing, NULL);
        else
            server_start(&server, script_reads_nothing, NULL);
        ask_once(http, (struct span){body, LARGE}, &reply);
        assert_int_equal(reply.end, HTTP_LOST);
        assert_string_equal(reply.error, "the request stalled on its way");
        (void)sem_post(&server.go);
        http_close(http);
        server_stop(&server);
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alert_on_a_kept_line), cmocka_unit_test(test_blocked_send),
        cmocka_unit_test(test_early_answer),         cmocka_unit_test(test_early_answer_and_end),
        cmocka_unit_test(test_a_piece_has_left),     cmocka_unit_test(test_stalled_upload),
    };

    (void)alarm(120); /* a hang is a failure */
    return cmocka_run_group_tests(tests, identity_of_server, identity_of_nobody);
}
