/* http over TLS: whom it trusts, how refusals, alerts and broken handshakes are judged, kept connections. The
 * certificates are made here, in a folder of their own, and removed at the end. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_identity.h"

#include <poll.h>

static int set_up(void **state)
{
    static char passphrase[] = "open sesame";
    struct identity ca, other, made;

    (void)state;
    identity_begin();
    ca = make_identity("Example Test CA", NULL, 10, NULL);
    other = make_identity("Example Other CA", NULL, 10, NULL);
    save(&ca, "ca", NULL);
    save(&other, "other", NULL);
    made = make_identity("server", "IP:127.0.0.1,DNS:localhost", 10, &ca);
    save(&made, "server", NULL);
    drop(&made);
    made = make_identity("expired", "IP:127.0.0.1,DNS:localhost", -1, &ca);
    save(&made, "expired", NULL);
    drop(&made);
    made = make_identity("elsewhere", "DNS:gw.example.com", 10, &ca);
    save(&made, "elsewhere", NULL);
    drop(&made);
    made = make_identity("client", "DNS:client.example.com", 10, &ca);
    save(&made, "client", NULL);
    save(&made, "locked", passphrase);
    drop(&made);
    made = make_identity("stranger", "DNS:client.example.com", 10, &other);
    save(&made, "stranger", NULL);
    drop(&made);
    drop(&ca);
    drop(&other);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return identity_end();
}

/* ---- a client ---- */

/* Names of files in the folder, without suffix; NULL: none. */
static struct http *tls_client(const char *ca, const char *certificate, const char *version)
{
    char ca_file[200], cert_file[200], key_file[200], file[64];
    struct http_options options = {.http2 = by_transfers,
                                   .ca_file = ca ? ca_file : NULL,
                                   .min_version = version,
                                   .connect_timeout_ms = 5000,
                                   .timeout_ms = 5000,
                                   .reply_cap = 100000,
                                   .connections = 64};
    struct http *http = NULL;

    (void)snprintf(file, sizeof file, "%s.pem", ca);
    file_name(ca_file, file);
    if (certificate) {
        (void)snprintf(file, sizeof file, "%s.pem", certificate);
        file_name(cert_file, file);
        (void)snprintf(file, sizeof file, "%s.key", certificate);
        file_name(key_file, file);
        options.cert_file = cert_file;
        options.key_file = key_file;
    }
    if (http_open(&http, &options, &fail) < 0)
        fail_msg("%s", fail.text);
    return http;
}

/* ---- trust ---- */

struct trust {
    const char *what;
    const char *server;
    bool client_ca;
    int server_version;
    const char *ca;
    const char *certificate;
    const char *version;
    enum http_end end;
};

static const struct trust trusts[] = {
    {"good", "server", false, 0, "ca", NULL, "1.2", HTTP_ANSWERED},
    {"good, TLS 1.2", "server", false, TLS1_2_VERSION, "ca", NULL, "1.2", HTTP_ANSWERED},
    {"good, TLS 1.3", "server", false, TLS1_3_VERSION, "ca", NULL, "1.3", HTTP_ANSWERED},
    {"TLS 1.2 where 1.3 is asked for", "server", false, TLS1_2_VERSION, "ca", NULL, "1.3", HTTP_TLS},
    {"TLS 1.1", "server", false, TLS1_1_VERSION, "ca", NULL, "1.2", HTTP_TLS},
    {"unknown CA", "server", false, 0, "other", NULL, "1.2", HTTP_TLS},
    {"system CAs only", "server", false, 0, NULL, NULL, "1.2", HTTP_TLS},
    {"expired", "expired", false, 0, "ca", NULL, "1.2", HTTP_TLS},
    {"wrong host", "elsewhere", false, 0, "ca", NULL, "1.2", HTTP_TLS},
    {"client certificate, TLS 1.2", "server", true, TLS1_2_VERSION, "ca", "client", "1.2", HTTP_ANSWERED},
    {"client certificate, TLS 1.3", "server", true, TLS1_3_VERSION, "ca", "client", "1.2", HTTP_ANSWERED},
    {"none, TLS 1.2", "server", true, TLS1_2_VERSION, "ca", NULL, "1.2", HTTP_TLS},
    {"none, TLS 1.3", "server", true, TLS1_3_VERSION, "ca", NULL, "1.2", HTTP_TLS},
    {"stranger, TLS 1.2", "server", true, TLS1_2_VERSION, "ca", "stranger", "1.2", HTTP_TLS},
    {"stranger, TLS 1.3", "server", true, TLS1_3_VERSION, "ca", "stranger", "1.2", HTTP_TLS},
};

static void test_trust(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trusts / sizeof *trusts; i++) {
        const struct trust *trust = &trusts[i];
        struct http *http = tls_client(trust->ca, trust->certificate, trust->version);
        struct http_reply reply;

        serve(trust->server, trust->client_ca, trust->server_version, script_keep, OK);
        for (int twice = 0; twice < 2; twice++) {
            ask(http, &reply);
            if (reply.end != trust->end)
                fail_msg("%s: end %d, %s", trust->what, (int)reply.end, reply.error);
            assert_false(reply.resent);
        }
        http_close(http);
        assert_int_equal(server.requests, trust->end == HTTP_ANSWERED ? 2 : 0);
        server_stop(&server);
    }
}

/* ---- handshakes that break: plain sockets under an https URL ---- */

static void script_reset_hello(struct peer *peer)
{
    peer_poke(peer);
    peer_reset(peer);
}

static void script_end_hello(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
}

static void script_silence(struct peer *peer)
{
    char bytes[4096];

    while (peer_read(peer, bytes, sizeof bytes) > 0)
        ;
}

static void script_speaks_http(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void script_alert(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send_bytes(peer, "\x15\x03\x03\x00\x02\x02\x28", 7); /* fatal, handshake_failure */
}

static void test_broken_handshakes(void **state)
{
    static const struct {
        script_fn script;
        enum http_end end;
    } cases[] = {{script_reset_hello, HTTP_NOT_SENT},
                 {script_end_hello, HTTP_NOT_SENT},
                 {script_silence, HTTP_NOT_SENT},
                 {script_speaks_http, HTTP_TLS},
                 {script_alert, HTTP_TLS}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http *http = tls_client("ca", NULL, "1.2");
        struct http_request request;
        struct http_reply reply;

        server_start(&server, cases[i].script, NULL);
        memcpy(server.url, "https", 5);
        (void)snprintf(server.url, sizeof server.url, "https://127.0.0.1:%u/", (unsigned)server.port);
        request = a_request(server.url);
        request.timeout_ms = cases[i].script == script_silence ? 100 : 0;
        start(http, &request);
        take(http, &reply);
        if (reply.end != cases[i].end)
            fail_msg("handshake %zu: end %d, %s", i, (int)reply.end, reply.error);
        assert_int_equal(reply.status, 0);
        http_close(http);
        server_stop(&server);
    }
}

/* ---- established connections ---- */

static void script_drop(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        peer_drop(peer);
}

static void script_tls_reset(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        peer_reset(peer);
}

static void test_cut_replies(void **state)
{
    static const struct {
        script_fn script;
        const char *text;
        enum http_end end;
    } cases[] = {
        {script_close, "", HTTP_LOST},
        {script_drop, "", HTTP_LOST},
        {script_tls_reset, "", HTTP_LOST},
        {script_drop, "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nhalf", HTTP_LOST},
        {script_drop, "HTTP/1.1 202 Accepted\r\n\r\nno close_notify, but a whole head", HTTP_ANSWERED},
        {script_close, "HTTP/1.1 202 Accepted\r\n\r\nclose_notify: the end", HTTP_ANSWERED},
        {script_hang, "HTTP/1.1 202 Accepted\r\n", HTTP_LOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http *http = tls_client("ca", NULL, "1.2");
        struct http_request request;
        struct http_reply reply;

        serve("server", false, 0, cases[i].script, cases[i].text);
        request = a_request(server.url);
        request.timeout_ms = cases[i].script == script_hang ? 200 : 0;
        start(http, &request);
        take(http, &reply);
        if (reply.end != cases[i].end)
            fail_msg("reply %zu: end %d, %s", i, (int)reply.end, reply.error);
        http_close(http);
        server_stop(&server);
    }
}

static void close_politely(struct peer *peer)
{
    (void)peer->server->ssl.SSL_shutdown(peer->tls);
    (void)shutdown(peer->fd, SHUT_WR);
    (void)sem_post(&peer->server->event);
}

/* Every connection: one answer, then the end. */
static void script_idle_close(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, OK) && wait_for(&peer->server->go))
        close_politely(peer);
}

/* The first connection takes its second request and ends. */
static void script_take_and_close(struct peer *peer)
{
    while (peer_request(peer)) {
        if (peer->number == 1 && peer->server->requests == 2) {
            close_politely(peer);
            return;
        }
        if (!peer_send(peer, OK))
            return;
    }
}

/* libcurl takes the close_notify of an idle connection for a sign of life and would send into it. */
static void test_idle_close(void **state)
{
    struct http *http = tls_client("ca", NULL, "1.2");
    struct http_reply reply;

    (void)state;
    serve("server", false, 0, script_idle_close, NULL);
    for (int n = 1; n <= 16; n++) {
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_false(reply.resent);
        (void)sem_post(&server.go);
        assert_true(wait_for(&server.event));
        assert_int_equal(server.connections, n);
        assert_int_equal(server.requests, n);
    }
    http_close(http);
    server_stop(&server);
}

static void test_resent(void **state)
{
    struct http *http = tls_client("ca", NULL, "1.2");
    struct http_reply reply;

    (void)state;
    serve("server", false, 0, script_take_and_close, NULL);
    ask(http, &reply);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_true(reply.resent);
    http_close(http);
    assert_int_equal(server.requests, 3);
    server_stop(&server);
}

/* The first connection takes the second request and dies; the next handshake is refused by an alert. */
static void test_refused_after_lost(void **state)
{
    struct http *http = tls_client("ca", NULL, "1.2");
    struct http_request request;
    struct http_reply reply;

    (void)state;
    serve("server", false, TLS1_2_VERSION, script_take_and_close, NULL);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    (void)server.ssl.SSL_CTX_ctrl(server.tls, SSL_CTRL_SET_MIN_PROTO_VERSION, 0, NULL);
    (void)server.ssl.SSL_CTX_ctrl(server.tls, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_1_VERSION, NULL);
    request = a_request(server.url);
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_TLS);
    assert_true(reply.resent); /* the request may have been taken */
    http_close(http);
    server_stop(&server);
}

/* A second request that the server cannot decrypt, for its first bytes have been taken away: it sends an
 * alert. */
static void script_alert_later(struct peer *peer)
{
    char bytes[10];

    if (peer_request(peer) && peer_send(peer, OK) && recv(peer->fd, bytes, sizeof bytes, MSG_WAITALL) > 0)
        (void)peer_request(peer);
}

/* An alert on a connection that has taken a request before is no refusal of ours, which would end a run. */
static void test_alert_on_a_kept_connection(void **state)
{
    struct http *http = tls_client("ca", NULL, "1.2");
    struct http_request request;
    struct http_reply reply;

    (void)state;
    serve("server", false, 0, script_alert_later, NULL);
    request = a_request(server.url);
    request.once = true;
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_LOST);
    assert_int_equal(server.requests, 1);
    http_close(http);
    server_stop(&server);
}

static void script_reset_large(struct peer *peer)
{
    char bytes[100];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)poll(NULL, 0, 2); /* more comes, until there is no room */
    peer_reset(peer);
}

/* A part of a large request has left in records of its own before a send fails: that is lost, not unsent. */
static void test_reset_of_a_large_request(void **state)
{
    enum { SIZE = 4 << 20 };
    struct http *http = tls_client("ca", NULL, "1.2");
    struct http_request request;
    struct http_reply reply;
    char *body = calloc(1, SIZE);

    (void)state;
    assert_non_null(body);
    serve("server", false, 0, script_reset_large, NULL);
    request = a_request(server.url);
    request.body = (struct span){body, SIZE};
    for (int i = 0; i < 20; i++) {
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_LOST);
    }
    http_close(http);
    server_stop(&server);
    free(body);
}

static void test_many(void **state)
{
    enum { COUNT = 1000, AT_ONCE = 64 };
    struct http *http = tls_client("ca", NULL, "1.2");
    int started = 0, taken = 0;

    (void)state;
    serve("server", false, 0, script_keep, OK);
    while (taken < COUNT) {
        struct http_request request = a_request(server.url);
        struct http_reply reply;
        for (; started < COUNT && http_flying(http) < AT_ONCE; started++)
            start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        taken++;
    }
    assert_in_range(server.connections, 1, AT_ONCE);
    http_close(http);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_broken_handshakes),
        cmocka_unit_test(test_cut_replies),
        cmocka_unit_test(test_idle_close),
        cmocka_unit_test(test_resent),
        cmocka_unit_test(test_refused_after_lost),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_alert_on_a_kept_connection),
        cmocka_unit_test(test_reset_of_a_large_request),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, set_up, tear_down);
}
