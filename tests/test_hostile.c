/* Hostile answers: what the whole program makes of a remote side that refuses, lies, drips, breaks off or
 * says too much, at each stage. See hostile_case.h for what is judged besides the table. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "hostile_case.h"

/* ---- scripts ---- */

static void script_reset_at_once(struct peer *peer)
{
    peer_reset(peer);
}

static void script_close_at_once(struct peer *peer)
{
    (void)peer;
}

static void script_reset_unread(struct peer *peer)
{
    peer_poke(peer);
    peer_reset(peer);
}

static void script_reset(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        peer_reset(peer);
}

static void script_drop(struct peer *peer)
{
    if (peer_request(peer) && peer_send(peer, peer->server->text))
        peer_drop(peer);
}

/* `text`, then its last line for ever. */
static void script_endless(struct peer *peer)
{
    const char *text = peer->server->text, *last = text + strlen(text) - 1;
    bool more;

    while (last > text && last[-1] != '\n')
        last--;
    for (more = peer_request(peer) && peer_send(peer, text); more;)
        more = peer_send(peer, last);
}

static void script_endless_interim(struct peer *peer)
{
    bool more = peer_request(peer);

    while (more)
        more = peer_send(peer, peer->server->text);
}

/* A byte every 40 ms, as slow as that is beside a whole request's 700 ms: moving, but never done. */
static void script_drip(struct peer *peer)
{
    bool more = peer_request(peer);

    for (const char *c = peer->server->text; more && *c; c++) {
        more = peer_send_bytes(peer, c, 1);
        (void)poll(NULL, 0, 40);
    }
}

static void script_nul(struct peer *peer)
{
    static const char head[] = "HTTP/1.1 202 Accepted\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n";

    if (peer_request(peer))
        (void)peer_send_bytes(peer, head, sizeof head - 1);
}

static void script_deaf(struct peer *peer)
{
    while (poll(&(struct pollfd){.fd = peer->fd, .events = POLLRDHUP}, 1, 20000) == 0)
        ;
}

/* Plain answers to what should be a handshake. */
static void script_alert(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send_bytes(peer, "\x15\x03\x03\x00\x02\x02\x28", 7); /* fatal, handshake_failure */
}

static void script_cut_handshake(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send_bytes(peer, "\x16\x03\x03\x00\x7a\x02\x00", 7); /* the first bytes of a ServerHello */
}

static void script_speaks_http(struct peer *peer)
{
    char bytes[4096];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

/* Bytes that are no TLS record in the middle of a TLS connection. */
static void script_raw_alert(struct peer *peer)
{
    if (peer_request(peer))
        (void)send(peer->fd, "\x15\x03\x03\x00\x02\x02\x50", 7, MSG_NOSIGNAL);
}

static void script_h2_refuse(struct peer *peer)
{
    uint32_t stream;

    if (h2_begin(peer))
        while ((stream = h2_request(peer)) && h2_send_number(peer, H2_RST_STREAM, stream, H2_REFUSED_STREAM))
            ;
}

static void script_h2_error(struct peer *peer)
{
    uint32_t stream;

    if (h2_begin(peer))
        while ((stream = h2_request(peer)) && h2_send_number(peer, H2_RST_STREAM, stream, H2_INTERNAL_ERROR))
            ;
}

static void script_h2_forbidden(struct peer *peer)
{
    uint32_t stream;

    if (h2_begin(peer))
        while ((stream = h2_request(peer)) && h2_status(peer, stream, "403", false))
            ;
}

/* ---- cases ---- */

#define HEAD(status) "HTTP/1.1 " status "\r\n"
#define EMPTY(status) HEAD(status) "Content-Length: 0\r\n\r\n"
#define HTML(status) HEAD(status) "Content-Type: text/html\r\nContent-Length: 18\r\n\r\n<html>odd</html>\r\n"
#define CHUNKED HEAD("200 OK") "Transfer-Encoding: chunked\r\n\r\n"
#define HEX40 "0123456789abcdef0123456789abcdef01234567"

#define ROW(state_, code_, status_, attempts_) \
    .state = state_, .code = code_, .status = status_, .attempts = attempts_
#define TAKEN(number) ROW("accepted", "accepted", number, 1), .exit = 0
#define LOST ROW("exhausted", "answer_lost", 0, 2), .uncertain = true, .exit = 3
#define SHORT_BREAKER "breaker.failures=3 breaker.pause=20ms breaker.pause_cap=20ms breaker.limit=300ms"
#define UNSENT ROW("ready", "connect_failed", 0, 1), .exit = 4, .settings = SHORT_BREAKER
#define FATAL(code_, number) ROW("ready", "", 0, 0), .exit = 4, .says = code_ " (" #number ")"
#define REFUSED(code, number) ROW("rejected", code, number, 1), .exit = 3
#define TRIED(code, number) ROW("exhausted", code, number, 2), .exit = 3
#define TLS ROW("ready", "", 0, 0), .exit = 4, .says = "tls_failed (0)"
#define NO_TOKEN ROW("ready", "", 0, 0), .exit = 4
#define SHORT_RUN .settings = "run.max_duration=600ms"
#define HELD ROW("ready", "too_many_requests", 429, 1), .exit = 5, SHORT_RUN
#define STUCK ROW("ready", "", 0, 0), .exit = 5, SHORT_RUN

static const struct hostile connections[] = {
    {"nobody listens", NULL, NULL, NOBODY, UNSENT},
    {"closed at once", script_close_at_once, NULL, 0, LOST},
    {"reset at once", script_reset_at_once, NULL, 0, LOST},
    {"reset, nothing read", script_reset_unread, NULL, 0, LOST},
    {"read, then reset", script_reset, "", 0, LOST},
    {"read, then closed", script_close, "", 0, LOST},
    {"read, then silence", script_hang, "", 0, LOST},
    {"never read", script_deaf, NULL, 0, LOST},
    {"half a status line, closed", script_close, "HTTP/1.1 20", 0, LOST},
    {"half a status line, silence", script_hang, "HTTP/1.1 20", 0, LOST},
    {"half a head, closed", script_close, HEAD("400 Bad Request") "Date: x", 0, LOST},
    {"half a head, silence", script_hang, HEAD("400 Bad Request") "Date: x\r\n", 0, LOST},
    {"half a head, reset", script_reset, HEAD("500 Oops") "Date: x\r\n", 0, LOST},
    {"half a refusal, closed", script_close, HEAD("400 Bad Request") "Content-Length: 99\r\n\r\n{\"mes", 0,
     LOST},
    {"half a refusal, silence", script_hang, HEAD("400 Bad Request") "Content-Length: 99\r\n\r\n{\"mes", 0,
     LOST},
    {"half a refusal, reset", script_reset, HEAD("400 Bad Request") "Content-Length: 99\r\n\r\n{\"mes", 0,
     LOST},
    {"chunks cut", script_close, CHUNKED "9\r\nab", 0, LOST},
    {"chunk size of garbage", script_close, CHUNKED "zz\r\nab\r\n0\r\n\r\n", 0, LOST},
    {"chunk size beyond all", script_close, CHUNKED HEX40 "\r\nab\r\n0\r\n\r\n", 0, LOST},
    {"one byte after the other", script_drip, "HTTP/1.1 500 Slow\r\nContent-Length: 100\r\n\r\n", 0, LOST},
};

static const struct hostile bodies[] = {
    {"endless headers", script_endless, HEAD("200 OK") "X-More: and so on and so on\r\nX-More: on\n", 0,
     LOST},
    {"endless header", script_endless, HEAD("200 OK") "X-Long: and so on and so on and so on ", 0, LOST},
    {"endless body", script_endless, HEAD("500 Oops") "\r\nand so on and so on and so on ", 0, LOST},
    {"endless chunks", script_endless, CHUNKED "8\r\nand so o\r\n8\r\nand so o\n", 0, LOST},
    {"endless 100", script_endless_interim, "HTTP/1.1 100 Continue\r\n\r\n", 0, LOST},
    {"endless 102", script_endless_interim, "HTTP/1.1 102 Processing\r\n\r\n", 0, LOST},
    {"endless 103", script_endless_interim, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0, LOST},
    {"102 and 103, then 202", script_close,
     "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" EMPTY("202 Accepted"), 0, TAKEN(202)},
    {"101", script_close, HEAD("101 Switching Protocols") "Upgrade: x\r\n\r\n", 0, LOST},
    {"duplicate, differing lengths", script_close,
     HEAD("400 Bad Request") "Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}", 0, LOST},
    {"length of garbage", script_close, HEAD("400 Bad Request") "Content-Length: many\r\n\r\n{}", 0, LOST},
    {"NUL in a header", script_nul, NULL, 0, TAKEN(202)},
    {"no header line", script_close, HEAD("400 Bad Request") "Date: x\r\nno colon\r\n\r\n", 0, LOST},
    {"HTTP/0.9", script_close, "<html>welcome</html>\n\n", 0, LOST},
    {"another protocol", script_close, "SSH-2.0-OpenSSH_9.2\r\n", 0, LOST},
    {"HTTP/2 preface", script_close, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, LOST},
    {"HTTP/2 status line", script_close, "HTTP/2 202 \r\n\r\n", 0, TAKEN(202)},
    {"HTTP/1.0, length by the end", script_close, "HTTP/1.0 202 Accepted\r\n\r\n{}", 0, TAKEN(202)},
    /* 202 is taken, whatever follows */
    {"202, body of garbage", script_close, HEAD("202 Accepted") "Content-Length: 4\r\n\r\n\x01\xff{]", 0,
     TAKEN(202)},
    {"202, HTML", script_close, HTML("202 Accepted"), 0, TAKEN(202)},
    {"202, said to be gzip", script_close,
     HEAD("202 Accepted") "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", 0, TAKEN(202)},
    {"202, half a head, closed", script_close, HEAD("202 Accepted") "Date: x", 0, TAKEN(202)},
    {"202, half a head, reset", script_reset, HEAD("202 Accepted") "Date: x\r\n", 0, TAKEN(202)},
    {"202, half a head, silence", script_hang, HEAD("202 Accepted") "Date: x\r\n", 0, TAKEN(202)},
    {"202, half a body", script_close, HEAD("202 Accepted") "Content-Length: 99\r\n\r\n{}", 0, TAKEN(202)},
    {"202, body that stalls", script_hang, HEAD("202 Accepted") "Content-Length: 99\r\n\r\n{}", 0,
     TAKEN(202)},
    {"202, endless body", script_endless, HEAD("202 Accepted") "\r\nand so on and so on ", 0, TAKEN(202)},
    {"202, chunk of garbage", script_close, HEAD("202 Accepted") "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
     0, TAKEN(202)},
    {"400, gzip for all that", script_close,
     HEAD("400 Bad Request") "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x01", 0,
     REFUSED("bad_request", 400)},
};

static const struct hostile statuses[] = {
    {"200", script_keep, EMPTY("200 OK"), 0, FATAL("unexpected_status", 200)},
    {"201", script_keep, EMPTY("201 Created"), 0, FATAL("unexpected_status", 201)},
    {"204", script_close, HEAD("204 No Content") "\r\n", 0, FATAL("unexpected_status", 204)},
    {"301", script_redirect, HEAD("301 Moved Permanently"), 0, FATAL("redirected", 301)},
    {"302", script_redirect, HEAD("302 Found"), 0, FATAL("redirected", 302)},
    {"303", script_redirect, HEAD("303 See Other"), 0, FATAL("redirected", 303)},
    {"307", script_redirect, HEAD("307 Temporary Redirect"), 0, FATAL("redirected", 307)},
    {"308", script_redirect, HEAD("308 Permanent Redirect"), 0, FATAL("redirected", 308)},
    {"200 with Location and Refresh", script_redirect, HEAD("200 OK") "Refresh: 0; url=/", 0,
     FATAL("unexpected_status", 200)},
    {"401", script_keep, HEAD("401 Unauthorized") "WWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 0,
     TRIED("unauthorized", 401)},
    {"401, Negotiate", script_keep,
     HEAD("401 Unauthorized") "WWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n", 0,
     TRIED("unauthorized", 401)},
    {"402", script_keep, EMPTY("402 Payment Required"), 0, REFUSED("http_402", 402)},
    {"403, HTML", script_keep, HTML("403 Forbidden"), 0, FATAL("forbidden", 403)},
    {"404", script_keep, EMPTY("404 Not Found"), 0, FATAL("not_found", 404)},
    {"405", script_keep, EMPTY("405 Method Not Allowed"), 0, FATAL("method_not_allowed", 405)},
    {"407", script_close, HEAD("407 Proxy Authentication Required") "Proxy-Authenticate: Basic\r\n\r\n", 0,
     FATAL("proxy_auth_required", 407)},
    {"408", script_keep, EMPTY("408 Request Timeout"), 0, TRIED("request_timeout", 408)},
    {"413", script_keep, EMPTY("413 Content Too Large"), 0, REFUSED("http_413", 413)},
    {"417", script_keep, EMPTY("417 Expectation Failed"), 0, REFUSED("http_417", 417)},
    {"431", script_keep, EMPTY("431 Request Header Fields Too Large"), 0, REFUSED("http_431", 431)},
    {"500, HTML", script_keep, HTML("500 Oops"), 0, TRIED("server_error", 500)},
    {"503", script_keep, EMPTY("503 Service Unavailable"), 0, TRIED("http_503", 503)},
    {"520, HTML", script_keep, HTML("520 Web server returned an unknown error"), 0, TRIED("http_520", 520)},
    {"525", script_keep, EMPTY("525 SSL handshake failed"), 0, TRIED("http_525", 525)},
    {"999", script_keep, EMPTY("999 Request denied"), 0, FATAL("unexpected_status", 999)},
    {"600", script_keep, EMPTY("600 Odd"), 0, FATAL("unexpected_status", 600)},
};

#define AFTER(value) HEAD("429 Too Many Requests") "Retry-After: " value "\r\nContent-Length: 0\r\n\r\n"

static const struct hostile pauses[] = {
    {"429", script_keep, EMPTY("429 Too Many Requests"), 0, TRIED("too_many_requests", 429)},
    {"negative", script_keep, AFTER("-5"), 0, TRIED("too_many_requests", 429)},
    {"garbage", script_keep, AFTER("soon"), 0, TRIED("too_many_requests", 429)},
    {"empty", script_keep, AFTER(""), 0, TRIED("too_many_requests", 429)},
    {"zero", script_keep, AFTER("0"), 0, TRIED("too_many_requests", 429)},
    {"a date gone by", script_keep, AFTER("Sun, 06 Nov 1994 08:49:37 GMT"), 0,
     TRIED("too_many_requests", 429)},
    {"no date", script_keep, AFTER("Sun, 99 Nov 2094 08:49:37 GMT"), 0, TRIED("too_many_requests", 429)},
    {"a date to come", script_keep, AFTER("Fri, 31 Dec 2049 23:59:59 GMT"), 0, HELD},
    {"a day", script_keep, AFTER("86400"), 0, HELD},
    {"beyond 32 bits", script_keep, AFTER("4294967296"), 0, HELD},
    {"beyond 64 bits", script_keep, AFTER("99999999999999999999999"), 0, HELD},
};

static const struct hostile handshakes[] = {
    {"another host's name", script_keep, OK, OVER_TLS, TLS, .cert = "elsewhere"},
    {"self-signed", script_keep, OK, OVER_TLS, TLS, .cert = "alone"},
    {"expired", script_keep, OK, OVER_TLS, TLS, .cert = "expired"},
    {"another CA", script_keep, OK, OVER_TLS | TRUSTS_OTHER, TLS},
    {"TLS 1.1", script_keep, OK, OVER_TLS | ONLY_TLS11, TLS},
    {"wants a certificate, gets none", script_keep, OK, OVER_TLS | ASKS_CERT, TLS},
    {"wants a certificate, gets a stranger's", script_keep, OK, OVER_TLS | ASKS_CERT | SHOWS_STRANGER, TLS},
    {"refused by an alert", script_alert, NULL, HTTPS_URL, TLS},
    {"plain HTTP where TLS should be", script_speaks_http, NULL, HTTPS_URL, TLS},
    {"cut off after the first bytes", script_cut_handshake, NULL, HTTPS_URL, UNSENT},
    {"reset in the handshake", script_reset_unread, NULL, HTTPS_URL, UNSENT},
    {"closed in the handshake", script_close_at_once, NULL, HTTPS_URL, UNSENT},
    {"silence in the handshake", script_deaf, NULL, HTTPS_URL, UNSENT},
    {"TLS where plain HTTP was asked for", script_speaks_http, NULL, 0, REFUSED("bad_request", 400)},
    {"raw bytes in mid-stream", script_raw_alert, NULL, OVER_TLS, LOST},
    {"dropped in mid-stream", script_drop, HEAD("400 Bad Request") "Content-Length: 9\r\n\r\n{", OVER_TLS,
     LOST},
    {"202, dropped without goodbye", script_drop, HEAD("202 Accepted") "\r\n", OVER_TLS, TAKEN(202)},
    {"certificate, as it should be", script_keep, OK, OVER_TLS, TAKEN(202)},
    {"HTTP/2 not offered", script_keep, OK, OVER_TLS, TAKEN(202), .settings = "api.http_version=2"},
    {"HTTP/2, refused", script_h2_refuse, "", OVER_TLS | BY_HTTP2, ROW("ready", "connect_failed", 0, 1),
     .exit = 4, .settings = SHORT_BREAKER " pace.concurrency=1"},
    {"HTTP/2, stream reset", script_h2_error, "", OVER_TLS | BY_HTTP2, LOST},
    {"HTTP/2, 403", script_h2_forbidden, "", OVER_TLS | BY_HTTP2, FATAL("forbidden", 403)},
    {"HTTP/2, no frames", script_alert, NULL, OVER_TLS | BY_HTTP2, LOST},
};

static const struct hostile proxies[] = {
    {"as it should be", script_tunnel, NULL, AS_PROXY, TAKEN(202)},
    {"407", script_close, HEAD("407 Who?") "Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", AS_PROXY,
     FATAL("proxy_refused", 0)},
    {"403, HTML", script_close, HTML("403 Forbidden"), AS_PROXY, FATAL("proxy_refused", 0)},
    {"302", script_redirect, HEAD("302 Found"), AS_PROXY, FATAL("proxy_refused", 0)},
    {"502", script_close, EMPTY("502 Bad Gateway"), AS_PROXY, UNSENT},
    {"503, HTML", script_close, HTML("503 Busy"), AS_PROXY, UNSENT},
    {"closed", script_close, "", AS_PROXY, UNSENT},
    {"silence", script_hang, "", AS_PROXY, UNSENT},
    {"garbage", script_close, "SSH-2.0-OpenSSH\r\n\r\n", AS_PROXY, UNSENT},
    {"endless headers", script_endless, HEAD("200 OK") "X: and so on and so on\r\nX: on and on and on\n",
     AS_PROXY, UNSENT},
    {"nobody there", NULL, NULL, AS_PROXY | NOBODY, UNSENT},
    {"another host behind it", script_tunnel, NULL, AS_PROXY | TRUSTS_OTHER, TLS},
};

static const struct hostile token_hosts[] = {
    {"as it should be", script_well, NULL, AT_TOKEN_HOST, TAKEN(202)},
    {"401", script_close, EMPTY("401 Unauthorized"), AT_TOKEN_HOST, NO_TOKEN},
    {"403, HTML", script_close, HTML("403 Forbidden"), AT_TOKEN_HOST, NO_TOKEN},
    {"404", script_close, EMPTY("404 Not Found"), AT_TOKEN_HOST, NO_TOKEN},
    {"302", script_redirect, HEAD("302 Found"), AT_TOKEN_HOST, NO_TOKEN},
    {"307", script_redirect, HEAD("307 Temporary Redirect"), AT_TOKEN_HOST, NO_TOKEN},
    {"200, HTML", script_close, HTML("200 OK"), AT_TOKEN_HOST, NO_TOKEN},
    {"200, nothing", script_close, EMPTY("200 OK"), AT_TOKEN_HOST, NO_TOKEN},
    {"200, a token of several lines", script_close,
     HEAD("200 OK") "Content-Length: 28\r\n\r\n{\"token\":\"a\\r\\nX-Injected: b\"}", AT_TOKEN_HOST,
     NO_TOKEN},
    {"another CA", script_keep, OK, AT_TOKEN_HOST | OVER_TLS | TRUSTS_OTHER, NO_TOKEN},
    {"plain HTTP where TLS should be", script_speaks_http, NULL, AT_TOKEN_HOST | HTTPS_URL, NO_TOKEN},
    {"wants a certificate, gets none", script_keep, OK, AT_TOKEN_HOST | OVER_TLS | ASKS_CERT, NO_TOKEN},
    {"500", script_close, EMPTY("500 Oops"), AT_TOKEN_HOST, STUCK},
    {"reset", script_reset, "", AT_TOKEN_HOST, STUCK},
    {"silence", script_hang, "", AT_TOKEN_HOST, STUCK},
    {"nobody listens", NULL, NULL, AT_TOKEN_HOST | NOBODY, STUCK},
};

#define RUN_ALL(table)                                        \
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) \
        hostile_run(&table[i]);

static void test_connections(void **state)
{
    (void)state;
    RUN_ALL(connections)
}

static void test_bodies(void **state)
{
    (void)state;
    RUN_ALL(bodies)
}

static void test_statuses(void **state)
{
    (void)state;
    RUN_ALL(statuses)
}

static void test_pauses(void **state)
{
    (void)state;
    RUN_ALL(pauses)
}

static void test_handshakes(void **state)
{
    (void)state;
    RUN_ALL(handshakes)
}

static void test_proxies(void **state)
{
    (void)state;
    RUN_ALL(proxies)
}

static void test_token_hosts(void **state)
{
    (void)state;
    RUN_ALL(token_hosts)
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections), cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_statuses),    cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_handshakes),  cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_token_hosts),
    };

    (void)alarm(280); /* a hang is a failure */
    return cmocka_run_group_tests(tests, hostile_begin, hostile_end);
}
