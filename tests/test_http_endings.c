/* http: how every kind of ending is judged. */
#define _GNU_SOURCE /* RTLD_DEFAULT, memmem */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_client.h"

/* ---- endings ---- */

static void script_reset(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        peer_reset(peer);
}

static void script_reset_unread(struct peer *peer)
{
    peer_poke(peer);
    peer_reset(peer);
}

static void script_reset_half_read(struct peer *peer)
{
    char bytes[60];

    (void)peer_read(peer, bytes, sizeof bytes);
    peer_reset(peer);
}

/* The text, then the piece that the last line of it is, for ever. */
static void send_for_ever(struct peer *peer, const char *head, const char *piece)
{
    bool more = peer_request(peer) && peer_send(peer, head);

    while (more)
        more = peer_send(peer, piece);
}

static void script_endless_body(struct peer *peer)
{
    send_for_ever(peer, "HTTP/1.1 200 OK\r\n\r\n", "and so on and so on and so on ");
}

static void script_endless_chunks(struct peer *peer)
{
    send_for_ever(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\nand so o\r\n");
}

static void script_endless_headers(struct peer *peer)
{
    send_for_ever(peer, "HTTP/1.1 200 OK\r\n", "X-More: and so on and so on and so on\r\n");
}

static void script_endless_header(struct peer *peer)
{
    send_for_ever(peer, "HTTP/1.1 200 OK\r\nX-Long: ", "and so on and so on and so on ");
}

static void script_endless_1xx(struct peer *peer)
{
    send_for_ever(peer, "", "HTTP/1.1 102 Processing\r\n\r\n");
}

static void script_long_date(struct peer *peer)
{
    char date[2001];

    memset(date, 'x', sizeof date - 1);
    date[sizeof date - 1] = '\0';
    if (peer_request(peer) && peer_send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: "))
        if (peer_send(peer, date))
            (void)peer_send(peer, "\r\n\r\n");
}

struct ending {
    script_fn script;
    const char *text;
    enum http_end end;
    int status;       /* -1: either */
    const char *body; /* NULL: any */
};

#define CHUNKED "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static const struct ending endings[] = {
    /* whole answers */
    {script_close, "HTTP/1.1 202 Accepted\r\n\r\nto the end", HTTP_ANSWERED, 202, "to the end"},
    {script_close, "HTTP/1.0 202 Accepted\r\n\r\n", HTTP_ANSWERED, 202, ""},
    {script_close, "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", HTTP_ANSWERED,
     202, "ok"},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok and too much", HTTP_ANSWERED, 202,
     "ok"},
    {script_close, "HTTP/1.1 204 No Content\r\n\r\n", HTTP_ANSWERED, 204, ""},
    {script_close, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED, 302,
     ""},
    {script_close, "HTTP/1.1 307 Temporary\r\nLocation: :\\bad\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED,
     307, ""},
    {script_close, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno",
     HTTP_ANSWERED, 401, "no"},
    {script_close, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED, 417, ""},
    {script_close, "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED, 599, ""},
    {script_close, CHUNKED "2\r\nab\r\n3;x=1\r\ncde\r\n0\r\n\r\n", HTTP_ANSWERED, 202, "abcde"},
    {script_close, CHUNKED "1\r\na\r\n0\r\nDate: trailer\r\n\r\n", HTTP_ANSWERED, 202, "a"},
    {script_close,
     CONTINUE "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
     HTTP_ANSWERED, 202, ""},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
     HTTP_ANSWERED, 202, "abc"},
    {script_reset, "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", HTTP_ANSWERED, 202, "ok"},
    /* nothing, or half a reply */
    {script_close, "", HTTP_LOST, 0, NULL},
    {script_close, "HTT", HTTP_LOST, 0, NULL},
    {script_close, "HTTP/1.1 20", HTTP_LOST, 0, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\n", HTTP_LOST, 202, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nDate: x", HTTP_LOST, 202, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n", HTTP_LOST, 202, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf", HTTP_LOST, 202, NULL},
    {script_close, CHUNKED, HTTP_LOST, 202, NULL},
    {script_close, CHUNKED "5\r\nab", HTTP_LOST, 202, NULL},
    {script_close, CHUNKED "2\r\nab\r\n", HTTP_LOST, 202, NULL},
    {script_close, CONTINUE, HTTP_LOST, -1, NULL},
    {script_close, CONTINUE "HTTP/1.1 202 Acc", HTTP_LOST, -1, NULL},
    {script_close, CONTINUE "HTTP/1.1 202 Accepted\r\nDate: x\r\n", HTTP_LOST, 202, NULL},
    {script_reset, "", HTTP_LOST, 0, NULL},
    {script_reset, "HTTP/1.1 202 Accepted\r\nDate: x\r\n", HTTP_LOST, -1, NULL},
    {script_reset, "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf", HTTP_LOST, -1, NULL},
    {script_reset, CHUNKED "5\r\nab", HTTP_LOST, -1, NULL},
    {script_reset_unread, NULL, HTTP_LOST, 0, NULL},
    {script_reset_half_read, NULL, HTTP_LOST, 0, NULL},
    /* no HTTP, or too much of it */
    {script_close, "SSH-2.0-OpenSSH\r\n", HTTP_BROKEN, 0, NULL},
    {script_close, "<html>busy</html>\n\n", HTTP_BROKEN, 0, NULL},
    {script_close, "HTTP/3.7 202 Accepted\r\n\r\n", HTTP_BROKEN, -1, NULL},
    {script_close, "HTTP/1.1 2020 Accepted\r\n\r\n", HTTP_BROKEN, -1, NULL},
    {script_close, "HTTP/1.1 099 Accepted\r\n\r\n", HTTP_BROKEN, -1, NULL},
    {script_close, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nx", HTTP_BROKEN, 101, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Length: many\r\n\r\n", HTTP_BROKEN, 202, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n", HTTP_BROKEN, 202, NULL},
    {script_close, "HTTP/1.1 202 Accepted\r\nDate: x\r\nno colon here\r\n\r\n", HTTP_BROKEN, 202, NULL},
    {script_close, CHUNKED "zz\r\nab\r\n", HTTP_BROKEN, 202, NULL},
    {script_close, CHUNKED "2\r\nabcdef\r\n", HTTP_BROKEN, 202, NULL},
    {script_endless_body, NULL, HTTP_BROKEN, 200, NULL},
    {script_endless_chunks, NULL, HTTP_BROKEN, 200, NULL},
    {script_endless_headers, NULL, HTTP_BROKEN, 200, NULL},
    {script_endless_header, NULL, HTTP_BROKEN, 200, NULL},
    {script_endless_1xx, NULL, HTTP_BROKEN, -1, NULL},
    {script_long_date, NULL, HTTP_BROKEN, 200, NULL},
};

static void test_endings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const struct ending *ending = &endings[i];
        struct http *http = client(1, 5000);
        struct http_reply reply;

        server_start(&server, ending->script, ending->text);
        ask(http, &reply);
        if (reply.end != ending->end || (ending->status >= 0 && reply.status != ending->status))
            fail_msg("ending %zu (%s): end %d, status %d, %s", i, ending->text ? ending->text : "",
                     (int)reply.end, reply.status, reply.error);
        assert_int_equal(reply.error[0] == '\0', ending->end == HTTP_ANSWERED);
        assert_false(reply.resent);
        if (ending->body)
            assert_span(reply.body, ending->body);
        http_close(http);
        assert_int_equal(server.connections, 1); /* no redirect, no second try */
        server_stop(&server);
    }
}

static void test_captures_are_of_the_last_head(void **state)
{
    struct http *http = client(1, 5000);
    struct http_reply reply;

    (void)state;
    server_start(
        &server, script_close,
        "HTTP/1.1 103 Early\r\nRetry-After: 77\r\nDate: early\r\n\r\nHTTP/1.1 202 Accepted\r\nDate: late\r\n"
        "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nDate: trailer\r\nRetry-After: 5\r\n\r\n");
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_span(reply.date, "late");
    assert_span(reply.retry_after, "");
    http_close(http);
    server_stop(&server);
}

/* ---- time-outs and connecting ---- */

static void test_timeouts(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 202 Accepted\r\n",
                                        "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nab"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct http *http = client(1, 60000);
        struct http_request request;
        struct http_reply reply;

        server_start(&server, script_hang, texts[i]);
        request = a_request(server.url);
        request.timeout_ms = 60; /* the request's own counts, not the handle's */
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_LOST);
        assert_in_range(reply.elapsed_us, 59000, 5000000);
        http_close(http);
        server_stop(&server);
    }
}

static void test_refused(void **state)
{
    struct http *http = client(1, 5000);
    unsigned short port;
    int fd = listen_on_loopback(1, &port);
    char url[64];
    struct http_request request;
    struct http_reply reply;

    (void)state;
    (void)close(fd); /* nobody listens there now */
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    request = a_request(url);
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_NOT_SENT);
    assert_int_equal(reply.status, 0);
    assert_true(reply.error[0] != '\0');
    http_close(http);
}

/* A listener whose queue is full lets a connection attempt wait for ever. */
static void test_connect_timeout(void **state)
{
    struct http_options options = {.connect_timeout_ms = 80,
                                   .timeout_ms = 60000,
                                   .reply_cap = 1,
                                   .connections = 1,
                                   .http2 = by_transfers};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned short port;
    int fd = listen_on_loopback(0, &port), fillers[8];
    struct http *http = NULL;
    char url[64];
    struct http_request request;
    struct http_reply reply;

    (void)state;
    address.sin_port = htons(port);
    for (size_t i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    assert_int_equal(http_open(&http, &options, &fail), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    request = a_request(url);
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_NOT_SENT);
    assert_in_range(reply.elapsed_us, 79000, 5000000);
    http_close(http);
    for (size_t i = 0; i < 8; i++)
        (void)close(fillers[i]);
    (void)close(fd);
}

/* "localhost" is tried as ::1 first, which refuses: its descriptor is closed without a callback, and the
 * second attempt gets the same number without libcurl asking again for it to be watched. */
static void test_second_address(void **state)
{
    struct http *http = client(1, 5000);
    char url[64];
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_close,
                 "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    (void)snprintf(url, sizeof url, "http://localhost:%u/", (unsigned)server.port);
    request = a_request(url);
    for (int i = 0; i < 20; i++) {
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
    }
    http_close(http);
    server_stop(&server);
}

/* ---- codes of libcurl that no server here can provoke ---- */

static const struct {
    CURLcode code;
    const char *text;
    enum http_end unsent, sent;
} CODES[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_COULDNT_CONNECT, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_OPERATION_TIMEDOUT, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_GOT_NOTHING, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_PARTIAL_FILE, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_RECV_ERROR, "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
     HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_RECV_ERROR, "OpenSSL SSL_read: error:0A000119:SSL routines::decryption failed or bad record mac",
     HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_RECV_ERROR, "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
     HTTP_TLS, HTTP_TLS},
    {CURLE_SEND_ERROR, "Send failure: Broken pipe", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_SEND_ERROR, "SSL_write() error: error:0A000418:SSL routines::tlsv1 alert unknown ca", HTTP_TLS,
     HTTP_TLS},
    {CURLE_SSL_CONNECT_ERROR, "Recv failure: Connection reset by peer", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_SSL_CONNECT_ERROR, "Send failure: Broken pipe", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_SSL_CONNECT_ERROR, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to gw.example.com:443 ",
     HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_SSL_CONNECT_ERROR, "error:0A000126:SSL routines::unexpected eof while reading", HTTP_NOT_SENT,
     HTTP_LOST},
    {CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number", HTTP_TLS, HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, "", HTTP_TLS, HTTP_TLS},
    {CURLE_SSL_CERTPROBLEM, "", HTTP_TLS, HTTP_TLS},
    {CURLE_SSL_CACERT_BADFILE, "", HTTP_TLS, HTTP_TLS},
    {CURLE_SSL_CLIENTCERT, "", HTTP_TLS, HTTP_TLS},
    {CURLE_SSL_CIPHER, "", HTTP_TLS, HTTP_TLS},
    {CURLE_UNSUPPORTED_PROTOCOL, "", HTTP_NOT_SENT, HTTP_BROKEN},
    {CURLE_WEIRD_SERVER_REPLY, "", HTTP_NOT_SENT, HTTP_BROKEN},
    {CURLE_OUT_OF_MEMORY, "", HTTP_NOT_SENT, HTTP_BROKEN},
    {CURLE_FAILED_INIT, "", HTTP_NOT_SENT, HTTP_LOST},
    {CURLE_OK, "", HTTP_LOST, HTTP_LOST}, /* without a whole head */
};

static void test_codes(void **state)
{
    struct http *http = client(1, 1000);
    struct http_slot *slot = http_slot_open(http, &fail);
    struct http_request request = a_request("http://127.0.0.1:1/");

    (void)state;
    assert_non_null(slot);
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++) {
        for (int left = 0; left < 2; left++) {
            assert_int_equal(http_slot_fill(slot, &request, &fail), 0);
            slot->left = left;
            (void)snprintf(slot->error, sizeof slot->error, "%s", CODES[i].text);
            http_judge(slot, CODES[i].code);
            if (slot->reply.end != (left ? CODES[i].sent : CODES[i].unsent))
                fail_msg("code %d (%s), left %d: end %d", (int)CODES[i].code, CODES[i].text, left,
                         (int)slot->reply.end);
            assert_true(slot->reply.error[0] != '\0');
        }
    }
    http_slot_close(slot);
    http_close(http);
}

static void test_alert_in_a_reply_is_no_refusal(void **state)
{
    struct http *http = client(1, 1000);
    struct http_slot *slot = http_slot_open(http, &fail);
    struct http_request request = a_request("http://127.0.0.1:1/");

    (void)state;
    assert_non_null(slot);
    assert_int_equal(http_slot_fill(slot, &request, &fail), 0);
    slot->left = true;
    slot->reply.status = 202;
    (void)snprintf(slot->error, sizeof slot->error, "SSL routines::tlsv1 alert internal error");
    http_judge(slot, CURLE_RECV_ERROR);
    assert_int_equal(slot->reply.end, HTTP_LOST);
    http_slot_close(slot);
    http_close(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),

        cmocka_unit_test(test_captures_are_of_the_last_head),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_connect_timeout),
        cmocka_unit_test(test_second_address),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_alert_in_a_reply_is_no_refusal),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, NULL, NULL);
}
