/* http on the loopback: URLs, options, what is sent and what comes back, many at once, waiting. How endings
 * are judged, kept connections and TLS have programs of their own. */
#define _GNU_SOURCE /* RTLD_DEFAULT, memmem */
#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_client.h"
#include "kit/clock.h"

#include <sys/eventfd.h>

/* ---- URLs and options ---- */

static void test_urls(void **state)
{
    static const char *const good[] = {"https://gw.example.com/cards-tokenization",
                                       "https://gw.example.com:8443",
                                       "https://gw.example.com/a@b",
                                       "http://localhost:8080/passport",
                                       "http://LOCALHOST",
                                       "http://127.0.0.1:1/",
                                       "http://127.9.9.9/",
                                       "http://127.1/",
                                       "http://[::1]:8080/x"};
    static const char *const bad[] = {"",
                                      "gw.example.com",
                                      "//gw.example.com/",
                                      "/v1",
                                      "ftp://gw.example.com/",
                                      "file:///etc/hosts",
                                      "https://",
                                      "https:///v1",
                                      "https:/gw.example.com/",
                                      "https://gw.example.com/?",
                                      "https://gw.example.com/?a=1",
                                      "https://gw.example.com/#top",
                                      "https://gw.example.com/#",
                                      "https://user:word@gw.example.com/",
                                      "https://user@gw.example.com/",
                                      "https://@gw.example.com/",
                                      "https://gw.example.com/a b",
                                      "https://gw.example.com:99999/",
                                      "http://gw.example.com/",
                                      "http://localhost.example.com/",
                                      "http://127.0.0.1.example.com/",
                                      "http://128.0.0.1/",
                                      "http://0.0.0.0/",
                                      "http://[::2]/",
                                      "http://[::ffff:10.0.0.1]/"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (http_check_url(good[i], &fail) != 0)
            fail_msg("%s refused: %s", good[i], fail.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fail.kind = FAIL_NONE;
        if (http_check_url(bad[i], &fail) != -1)
            fail_msg("%s accepted", bad[i]);
        assert_int_equal(fail.kind, FAIL_USAGE);
    }
    assert_int_equal(http_check_url("https://user:hush@gw.example.com/", &fail), -1);
    assert_null(strstr(fail.text, "hush"));
    assert_int_equal(http_check_url("https://user:hush@gw.exa mple.com/", &fail), -1);
    assert_null(strstr(fail.text, "hush"));
}

static void refused(struct http_options options, const char *name)
{
    struct http *http = NULL;

    options.connect_timeout_ms = options.timeout_ms = 1000;
    options.reply_cap = 1000;
    options.connections = 1;
    fail.kind = FAIL_NONE;
    assert_int_equal(http_open(&http, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_non_null(strstr(fail.text, name));
    assert_null(http);
}

static void test_options(void **state)
{
    (void)state;
    refused((struct http_options){.ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem");
    refused((struct http_options){.ca_file = "/dev/null"}, "/dev/null");
    refused((struct http_options){.ca_file = "/tmp"}, "/tmp");
    refused((struct http_options){.cert_file = "/nowhere/cert.pem"}, "/nowhere/cert.pem");
    refused((struct http_options){.cert_file = "/etc/passwd", .key_file = "/nowhere/key.pem"},
            "/nowhere/key.pem");
    refused((struct http_options){.key_file = "/etc/passwd"}, "/etc/passwd");
    refused((struct http_options){.min_version = "1.1"}, "1.1");
    http_close(NULL);
    assert_non_null(strstr(http_version(), "libcurl/"));
}

/* ---- one exchange ---- */

static void test_exchange(void **state)
{
    struct http *http = client(2, 5000);
    struct http_reply reply;
    int64_t before_ms = clock_mono_ms();

    (void)state;
    server_start(
        &server, script_keep,
        "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Type: application/json; charset=utf-8\r\n"
        "DATE:  Tue, 01 Sep 2026 10:00:00 GMT \r\nretry-after: 1\r\nRetry-After: 120\r\nX-Date: "
        "no\r\n\r\n{}");
    assert_int_equal(http_flying(http), 0);
    assert_int_equal(http_take(http, &reply), 0);
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1); /* none of our business */
    (void)setenv("all_proxy", "http://127.0.0.1:1", 1);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_int_equal(reply.status, 202);
    assert_int_equal(reply.tag, 7);
    assert_false(reply.resent);
    assert_string_equal(reply.error, "");
    assert_span(reply.body, "{}");
    assert_span(reply.date, "Tue, 01 Sep 2026 10:00:00 GMT");
    assert_span(reply.retry_after, "120");
    assert_true(reply.started_ms >= before_ms && reply.started_ms <= clock_mono_ms());
    assert_true(reply.elapsed_us > 0 && reply.elapsed_us < 5000000);
    assert_int_equal(http_flying(http), 0);
    http_close(http);
    {
        char expected[512];
        (void)snprintf(
            expected, sizeof expected,
            "POST /v1/enroll HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: ctp-enroll/" CTP_VERSION
            "\r\nAccept: */*\r\nContent-Type: application/json\r\nAuthorization: Bearer abc.def\r\n"
            "x-tenant: TN-example\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
            (unsigned)server.port);
        assert_string_equal(server.last_request, expected);
    }
    server_stop(&server);
}

/* What one request set must not show in the next one on the same slot. */
static void script_busy_then_ok(struct peer *peer)
{
    if (peer_request(peer))
        (void)peer_send(peer, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\nDate: d\r\n"
                              "Content-Length: 4\r\n\r\nbusy");
    while (peer_request(peer) && peer_send(peer, OK))
        ;
}

static void test_slot_is_clean(void **state)
{
    struct http *http = client(1, 5000);
    struct http_request short_one = {
        .body = SPAN(""), .headers = {SPAN("x-cid: 1")}, .header_count = 1, .tag = 8};
    struct http_reply reply;

    (void)state;
    server_start(&server, script_busy_then_ok, NULL);
    ask(http, &reply);
    assert_int_equal(reply.status, 503);
    assert_span(reply.retry_after, "9");
    assert_span(reply.body, "busy");
    short_one.url = server.url;
    start(http, &short_one);
    /* The lent slot keeps its bytes while the other one flies. */
    assert_int_equal(http_wait(http, -1, 5000, &fail), 0);
    assert_span(reply.body, "busy");
    take(http, &reply);
    assert_int_equal(reply.status, 202);
    start(http, &short_one); /* on the slot of the first request */
    take(http, &reply);
    assert_int_equal(reply.status, 202);
    assert_int_equal(reply.tag, 8);
    assert_span(reply.body, "");
    assert_span(reply.retry_after, "");
    assert_span(reply.date, "");
    assert_non_null(strstr(server.last_request, "Content-Length: 0\r\n"));
    assert_null(strstr(server.last_request, "Bearer"));
    assert_null(strstr(server.last_request, "application/json"));
    assert_int_equal(server.connections, 1);
    http_close(http);
    server_stop(&server);
}

static void test_misuse(void **state)
{
    static const char *const headers[] = {"",      "x-cid",        "x-cid:",     "x-cid;",
                                          "x: \t", "x: 1\r\ny: 2", "x: 1\ny: 2", ": 1"};
    struct http *http = client(1, 1000);

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct http_request request = a_request("http://127.0.0.1:1/");
        request.headers[0] = span_of(headers[i]);
        fail.kind = FAIL_NONE;
        assert_int_equal(http_start(http, &request, &fail), -1);
        assert_int_equal(fail.kind, FAIL_INTERNAL);
    }
    {
        struct http_request request = a_request("http://gw.example.com/");
        assert_int_equal(http_start(http, &request, &fail), -1);
        assert_int_equal(fail.kind, FAIL_INTERNAL);
    }
    assert_int_equal(http_flying(http), 0);
    http_close(http);
}

/* ---- bodies ---- */

static void test_big_bodies(void **state)
{
    static char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    size_t len = sizeof head - 1;
    char *text = malloc(len + 100001), *body = malloc(1500000);
    struct http *http = client(1, 5000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    assert_non_null(text);
    assert_non_null(body);
    memcpy(text, head, len);
    memset(text + len, 'r', 100000); /* exactly the cap */
    text[len + 100000] = '\0';
    memset(body, 'q', 1500000);
    server_start(&server, script_keep, text);
    request = a_request(server.url);
    request.body = (struct span){body, 1500000};
    for (int i = 0; i < 3; i++) {
        start(http, &request);
        take(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_int_equal(reply.body.len, 100000);
    }
    assert_int_equal(server.connections, 1);
    assert_null(strstr(server.last_request, "Expect"));
    http_close(http);
    server_stop(&server);
    free(text);
    free(body);
}

/* An edge that refuses a large body before it has read it. */
static void script_early_refusal(struct peer *peer)
{
    char bytes[100];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)peer_send(peer,
                    "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
}

static void test_early_refusal(void **state)
{
    enum { LEN = 3000000 };
    char *body = calloc(1, LEN);
    struct http *http = client(1, 5000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    assert_non_null(body);
    server_start(&server, script_early_refusal, NULL);
    request = a_request(server.url);
    request.body = (struct span){body, LEN};
    start(http, &request);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    assert_int_equal(reply.status, 413);
    assert_span(reply.body, "big");
    http_close(http);
    server_stop(&server);
    free(body);
}

static bool holds(const struct buf *buf, const char *secret)
{
    return buf->ptr && memmem(buf->ptr, buf->size, secret, strlen(secret));
}

static void test_secrets(void **state)
{
    struct http *http = client(1, 5000);
    struct http_request request;
    struct http_reply reply;
    struct http_slot *slot;
    struct buf *sent;

    (void)state;
    server_start(&server, script_keep, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken");
    request = a_request(server.url);
    request.body = SPAN("server_secret=hush");
    request.secret = true;
    start(http, &request);
    slot = http->slots[0];
    sent = by_transfers ? &slot->transfer->body : &slot->request;
    assert_true(holds(sent, "hush"));
    take(http, &reply);
    assert_non_null(strstr(server.last_request, "hush"));
    assert_false(holds(sent, "hush"));
    assert_null(memmem(http->received, HTTP_RECEIVE_SIZE, "token", 5));
    assert_span(reply.body, "token");
    assert_int_equal(http_take(http, &reply), 0);
    assert_false(holds(&slot->answer, "token"));
    http_close(http);
    server_stop(&server);
}

/* ---- many, and waiting ---- */

static void script_echo_cid(struct peer *peer)
{
    char reply[128];

    while (peer_request(peer)) {
        const char *cid = strstr(peer->request, "x-cid: ");
        long number = cid ? strtol(cid + 7, NULL, 10) : -1;
        int len = snprintf(NULL, 0, "%ld", number);
        /* every 50th reply ends its connection */
        (void)snprintf(reply, sizeof reply, "HTTP/1.1 202 Accepted\r\n%sContent-Length: %d\r\n\r\n%ld",
                       number % 50 == 49 ? "Connection: close\r\n" : "", len, number);
        if (!peer_send(peer, reply) || number % 50 == 49)
            return;
    }
}

static void test_two_thousand(void **state)
{
    enum { COUNT = 2000, AT_ONCE = 64 };
    unsigned char seen[COUNT] = {0};
    struct http *http = client(AT_ONCE, 20000);
    int started = 0, taken = 0;

    (void)state;
    server_start(&server, script_echo_cid, NULL);
    while (taken < COUNT) {
        struct http_reply reply;
        while (started < COUNT && http_flying(http) < AT_ONCE) {
            struct http_request request = a_request(server.url);
            char cid[32];
            (void)snprintf(cid, sizeof cid, "x-cid: %d", started);
            request.headers[request.header_count++] = span_of(cid); /* copied by http_start */
            request.tag = started++;
            start(http, &request);
        }
        if (taken == 0)
            assert_int_equal(http_flying(http), AT_ONCE);
        assert_int_equal(http_wait(http, -1, 20000, &fail), 0);
        while (http_take(http, &reply) == 1) {
            char expected[32];
            assert_int_equal(reply.end, HTTP_ANSWERED);
            assert_false(reply.resent);
            (void)snprintf(expected, sizeof expected, "%d", (int)reply.tag);
            assert_span(reply.body, expected);
            assert_int_equal(seen[reply.tag]++, 0);
            taken++;
        }
    }
    assert_int_equal(http_flying(http), 0);
    assert_int_equal(server.requests, COUNT);
    assert_in_range(server.connections, 2, AT_ONCE + COUNT / 50);
    assert_in_range(http->slot_count, AT_ONCE, AT_ONCE + 1);
    http_close(http);
    server_stop(&server);
}

static void test_waiting(void **state)
{
    struct http *http = client(2, 60000);
    int wake = eventfd(0, EFD_NONBLOCK), other = eventfd(1, EFD_NONBLOCK);
    uint64_t one = 1;
    int64_t before_us;
    struct http_reply reply;
    struct http_request request;

    (void)state;
    /* nothing flies: the limit ends it, not earlier */
    before_us = clock_mono_us();
    assert_int_equal(http_wait(http, wake, 30, &fail), 0);
    assert_true(clock_mono_us() - before_us >= 30000);
    before_us = clock_mono_us();
    assert_int_equal(http_wait(http, wake, 0, &fail), 0);
    assert_true(clock_mono_us() - before_us < 5000000);
    /* a readable wake_fd ends a wait without limit, each time until it is read */
    assert_int_equal(write(wake, &one, sizeof one), sizeof one);
    assert_int_equal(http_wait(http, wake, -1, &fail), 0);
    assert_int_equal(http_wait(http, wake, -1, &fail), 0);
    /* another one takes its place; none at all */
    assert_int_equal(read(wake, &one, sizeof one), sizeof one);
    assert_int_equal(http_wait(http, other, -1, &fail), 0);
    before_us = clock_mono_us();
    assert_int_equal(http_wait(http, -1, 30, &fail), 0);
    assert_true(clock_mono_us() - before_us >= 30000);
    /* also while a request flies, which stays untouched by it */
    server_start(&server, script_hang, "");
    request = a_request(server.url);
    start(http, &request);
    assert_int_equal(write(wake, &one, sizeof one), sizeof one);
    assert_int_equal(http_wait(http, wake, -1, &fail), 0);
    assert_int_equal(http_take(http, &reply), 0);
    assert_int_equal(http_flying(http), 1);
    http_close(http); /* aborts it */
    server_stop(&server);
    (void)close(wake);
    (void)close(other);
}

/* A reply that waits already ends a wait at once, and what was started meanwhile leaves nevertheless. */
static void test_wait_with_reply(void **state)
{
    struct http *http = client(2, 5000);
    struct http_request request;
    struct http_reply reply;

    (void)state;
    server_start(&server, script_keep, OK);
    request = a_request(server.url);
    start(http, &request);
    while (!http->done_first)
        assert_int_equal(http_wait(http, -1, 5000, &fail), 0);
    start(http, &request);
    while (server.requests < 2)
        assert_int_equal(http_wait(http, -1, -1, &fail), 0);
    take(http, &reply);
    take(http, &reply);
    assert_int_equal(reply.end, HTTP_ANSWERED);
    http_close(http);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_slot_is_clean),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_big_bodies),
        cmocka_unit_test(test_early_refusal),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_two_thousand),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_wait_with_reply),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, NULL, NULL);
}
