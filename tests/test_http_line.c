/* http: what only lines of our own do: which connection carries which request, and when one is given up. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_line_case.h"

/* Two requests, one after the other; how many connections they took. */
static int connections_of_two(script_fn script, const char *text)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;
    int connections;

    server_start(&server, script, text);
    for (int i = 0; i < 2; i++) {
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_int_equal(reply.status, 202);
        assert_span(reply.body, "ok");
        assert_false(reply.resent);
    }
    http_close(http);
    connections = server.connections;
    assert_int_equal(server.requests, 2);
    server_stop(&server);
    return connections;
}

static void test_which_replies_keep_it(void **state)
{
    static const struct {
        const char *text;
        int connections;
    } cases[] = {
        {"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", 1},
        {"HTTP/1.1 202 Accepted\r\nConnection: keep-alive, upgrade\r\nContent-Length: 2\r\n\r\nok", 1},
        {"HTTP/1.1 202 Accepted\r\nConnection: upgrade, Close\r\nContent-Length: 2\r\n\r\nok", 2},
        {"HTTP/1.1 202 Accepted\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: "
         "2\r\n\r\nok",
         2},
        {"HTTP/1.0 202 Accepted\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", 1},
        {"HTTP/1.0 202 Accepted\r\nContent-Length: 2\r\n\r\nok", 2},
        {"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
        {"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nTransfer-Encoding: "
         "chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
         2},
        {"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok\r\n", 2}, /* bytes behind it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (connections_of_two(script_keep, cases[i].text) != cases[i].connections)
            fail_msg("%s: not %d connections", cases[i].text, cases[i].connections);
}

/* A second reply in the same piece as the first is not the answer to the next request. */
static void test_stray_reply(void **state)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_keep,
                 "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
                 "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        ask(http, &reply);
        assert_int_equal(reply.status, 202);
    }
    assert_int_equal(server.connections, 3);
    http_close(http);
    server_stop(&server);
}

static void script_two_replies(struct peer *peer)
{
    while (peer_request(peer) && peer_send(peer, OK) &&
           peer_send(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
        (void)sem_post(&peer->server->event);
}

/* Nor is it when it comes in a record of its own, or a moment later. */
static void test_stray_record(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct http *http = tls_client(0);
        struct http_reply reply;
        if (tls)
            serve("server", false, 0, script_two_replies, NULL);
        else
            server_start(&server, script_two_replies, NULL);
        for (int i = 1; i <= 20; i++) {
            ask_once(http, SPAN(""), &reply);
            assert_int_equal(reply.status, 202);
            assert_true(wait_for(&server.event));
            assert_int_equal(server.connections, i);
        }
        http_close(http);
        server_stop(&server);
    }
}

/* ---- idle lines ---- */

static void test_old_line(void **state)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;

    (void)state;
    server_start(&server, script_keep, OK);
    ask(http, &reply);
    http->lines[0]->idle_us -= INT64_C(49000000);
    ask(http, &reply);
    assert_int_equal(server.connections, 1);
    http->lines[0]->idle_us -= INT64_C(50000000);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_int_equal(server.connections, 2);
    assert_int_equal(http->line_count, 1);
    http_close(http);
    server_stop(&server);
}

/* With places for two, the third host takes that of the one that was asked longest ago. */
static void test_many_hosts(void **state)
{
    static const int asked[] = {0, 1, 2, 2, 1, 0}, connections[] = {1, 1, 1, 1, 1, 2};
    struct http *http = client(1, 5000);
    struct server hosts[3];
    struct http_request request;
    struct http_reply reply;

    (void)state;
    memset(hosts, 0, sizeof hosts);
    for (int i = 0; i < 3; i++)
        server_start(&hosts[i], script_keep, OK);
    for (int i = 0; i < 6; i++) {
        request = a_request(hosts[asked[i]].url);
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_int_equal(hosts[asked[i]].connections, connections[i]);
    }
    assert_int_equal(http->line_count, 2);
    http_close(http);
    for (int i = 0; i < 3; i++)
        server_stop(&hosts[i]);
}

/* Every connection: one answer, then it takes a request and closes. */
static void script_take_and_close(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, OK))
        (void)peer_request(peer);
}

/* What a kept connection failed goes out once more, and on a new one: the other kept one may be dead, too. */
static void test_one_more_time(void **state)
{
    struct http *http = client(2, 5000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_take_and_close, NULL);
    request = a_request(server.url);
    start(http, &request);
    start(http, &request);
    take(http, &reply);
    take(http, &reply);
    assert_int_equal(server.connections, 2);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_true(reply.resent);
    assert_int_equal(server.connections, 3);
    assert_int_equal(server.requests, 4);
    http_close(http);
    server_stop(&server);
}

/* Two paths of one host share its connection. */
static void test_two_paths(void **state)
{
    struct http *http = client(1, 5000);
    struct http_request request;
    struct http_reply reply;
    char url[64];

    (void)state;
    server_start(&server, script_keep, OK);
    ask(http, &reply);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/other", (unsigned)server.port);
    request = a_request(url);
    start(http, &request);
    take(http, &reply);
    assert_int_equal(strncmp(server.last_request, "POST /other HTTP/1.1\r\n", 22), 0);
    assert_int_equal(server.connections, 1);
    http_close(http);
    server_stop(&server);
}

/* After each reply a new ticket: bytes for TLS, none for the line. */
static void script_tickets(struct peer *peer)
{
    struct ssl_functions *ssl = &peer->server->ssl;

    while (peer_request(peer) && peer_send(peer, OK)) {
        if (ssl->SSL_new_session_ticket(peer->tls) != 1 || ssl->SSL_do_handshake(peer->tls) != 1)
            return;
        (void)sem_post(&peer->server->event);
    }
}

static void test_tickets(void **state)
{
    struct http *http = tls_client(0);
    struct http_reply reply;

    (void)state;
    serve("server", false, TLS1_3_VERSION, script_tickets, NULL);
    for (int i = 0; i < 5; i++) {
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_true(wait_for(&server.event));
    }
    assert_int_equal(server.connections, 1);
    http_close(http);
    server_stop(&server);
}

/* ---- time ---- */

/* Its time is over before it has a line. */
static void test_late_before_a_line(void **state)
{
    struct http *http = client(2, 5000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_keep, OK);
    request = a_request(server.url);
    start(http, &request);
    request.tag = 8;
    start(http, &request);
    http_line_abort(http->waiting_last, CURLE_OPERATION_TIMEDOUT);
    take(http, &reply);
    assert_int_equal(reply.tag, 8);
    assert_int_equal(reply.end, HTTP_NOT_SENT);
    request.tag = 9;
    start(http, &request); /* behind the first one in the queue */
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_int_equal(server.requests, 2);
    http_close(http);
    server_stop(&server);
}

static void script_on_word(struct peer *peer)
{
    while (peer_request(peer) && wait_for(&peer->server->go) && peer_send(peer, OK))
        ;
}

static void script_says(struct peer *peer)
{
    while (peer_request(peer) && wait_for(&peer->server->go) && peer_send(peer, OK))
        (void)sem_post(&peer->server->event);
}

/* The reply came in time, while this process did something else. */
static void test_came_in_time(void **state)
{
    struct http *http = client(1, 20000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_says, NULL);
    (void)sem_post(&server.go);
    ask(http, &reply);
    assert_true(wait_for(&server.event));
    request = a_request(server.url);
    start(http, &request);
    assert_int_equal(http_wait(http, -1, 0, &fail), 0);
    (void)sem_post(&server.go);
    assert_true(wait_for(&server.event));
    http->lines[0]->slot->end_us = http->late_us = 0;
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    http_close(http);
    server_stop(&server);
}

/* One request's time is over, the other's is not. */
static void test_late_alone(void **state)
{
    struct http *http = client(2, 20000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_on_word, NULL);
    request = a_request(server.url);
    start(http, &request);
    request.tag = 8;
    request.timeout_ms = 60;
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.tag, 8);
    assert_int_equal(reply.end, HTTP_LOST);
    (void)sem_post(&server.go);
    (void)sem_post(&server.go);
    take(http, &reply);
    assert_int_equal(reply.tag, 7);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    http_close(http);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_replies_keep_it),
        cmocka_unit_test(test_stray_reply),
        cmocka_unit_test(test_stray_record),
        cmocka_unit_test(test_old_line),
        cmocka_unit_test(test_many_hosts),
        cmocka_unit_test(test_one_more_time),
        cmocka_unit_test(test_two_paths),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_late_before_a_line),
        cmocka_unit_test(test_came_in_time),
        cmocka_unit_test(test_late_alone),
    };

    (void)alarm(120); /* a hang is a failure */
    return cmocka_run_group_tests(tests, identity_of_server, identity_of_nobody);
}
