/* http_client: what the tests of http share: the server, and a request or an answer in one line. */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include "driver/http.h"
#include "http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct fail fail;
static struct server server;
static bool by_transfers; /* of libcurl's, as where HTTP/2 is asked for; else by lines of our own */

static inline struct http *client(int connections, int64_t timeout_ms)
{
    struct http_options options = {.min_version = "1.2",
                                   .connect_timeout_ms = 5000,
                                   .timeout_ms = timeout_ms,
                                   .reply_cap = 100000,
                                   .connections = connections,
                                   .http2 = by_transfers};
    struct http *http = NULL;

    if (http_open(&http, &options, &fail) < 0)
        fail_msg("%s", fail.text);
    return http;
}

static inline struct http_request a_request(const char *url)
{
    return (struct http_request){.url = url,
                                 .headers = {SPAN("Content-Type: application/json"),
                                             SPAN("Authorization: Bearer abc.def"),
                                             SPAN("x-tenant: TN-example")},
                                 .header_count = 3,
                                 .body = SPAN("{\"a\":1}"),
                                 .tag = 7};
}

static inline void start(struct http *http, const struct http_request *request)
{
    if (http_start(http, request, &fail) < 0)
        fail_msg("%s", fail.text);
}

static inline void take(struct http *http, struct http_reply *reply)
{
    while (http_take(http, reply) == 0)
        if (http_wait(http, -1, 20000, &fail) < 0)
            fail_msg("%s", fail.text);
}

static inline void ask(struct http *http, struct http_reply *reply)
{
    struct http_request request = a_request(server.url);

    start(http, &request);
    take(http, reply);
}

static inline void assert_span(struct span span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.ptr, text, span.len);
}

/* How many tests have failed by now. What follows goes by transfers. */
static inline int after_group(int failed)
{
    static int all;

    by_transfers = true;
    all += failed;
    return all;
}

/* Everything once by either: what a server does to a request means the same. One after the other, which the
 * operands of a sum would not be. */
#define run_both_ways(tests, set_up, tear_down)                                      \
    (after_group(cmocka_run_group_tests_name("by lines", tests, set_up, tear_down)), \
     after_group(cmocka_run_group_tests_name("by libcurl's transfers", tests, set_up, tear_down)))

/* ---- scripts ---- */

#define OK "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

/* Answers every request with server->text and keeps the connection. */
static inline void script_keep(struct peer *peer)
{
    while (peer_request(peer) && peer_send(peer, peer->server->text))
        ;
}

static inline void script_hang(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        (void)peer_request(peer); /* until the client closes */
}

static inline void script_close(struct peer *peer)
{
    if (peer_request(peer))
        (void)peer_send(peer, peer->server->text);
}

#endif
