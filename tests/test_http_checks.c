/* http: what is looked at before the first connection (certificates, keys, CA files), and pauses inside a
 * request or a reply. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "http_identity.h"
#include "kit/clock.h"

#include <poll.h>

static int64_t now_ms;

static void write_file(const char *name, const char *text)
{
    char path[200];
    FILE *out;

    file_name(path, name);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int set_up(void **state)
{
    static char passphrase[] = "open sesame";
    struct identity ca, made;

    (void)state;
    identity_begin();
    now_ms = clock_wall_ms();
    ca = make_identity("Example Test CA", NULL, 10, NULL);
    save(&ca, "ca", NULL);
    made = make_identity("client", "DNS:client.example.com", 10, &ca);
    save(&made, "client", NULL);
    save(&made, "locked", passphrase);
    drop(&made);
    made = make_identity("expired", "DNS:client.example.com", -1, &ca);
    save(&made, "expired", NULL);
    drop(&made);
    drop(&ca);
    write_file("prose.pem", "no certificate here\n");
    write_file("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    write_file("empty.pem", "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return identity_end();
}

/* ---- certificates ---- */

struct look {
    const char *ca, *cert, *key;
    int64_t at_ms;     /* from now */
    const char *words; /* of the refusal; NULL: taken */
};

#define DAYS(n) ((n)*INT64_C(86400000))

static const struct look looks[] = {
    {"ca.pem", NULL, NULL, 0, NULL},
    {"ca.pem", "client.pem", "client.key", 0, NULL},
    {"ca.pem", "client.pem", "client.key", DAYS(9), NULL},
    {"ca.pem", "client.pem", "client.key", DAYS(11), "expired on"},
    {"ca.pem", "client.pem", "client.key", DAYS(-11), "not valid before"},
    {"ca.pem", "expired.pem", "expired.key", 0, "expired on"},
    {"ca.pem", "client.pem", "ca.key", 0, "belongs to another certificate"},
    {"ca.pem", "client.pem", "locked.key", 0, "passphrase"},
    {"ca.pem", "client.pem", "prose.pem", 0, "no PEM private key"},
    {"ca.pem", "client.pem", NULL, 0, "no PEM private key"},
    {"ca.pem", "client.pem", "empty.pem", 0, "the file is empty"},
    {"ca.pem", "client.pem", "missing.key", 0, "No such file"},
    {"ca.pem", "prose.pem", "client.key", 0, "no PEM certificate"},
    {"ca.pem", "cut.pem", "client.key", 0, "no PEM certificate"},
    {"ca.pem", "missing.pem", "client.key", 0, "No such file"},
    {"ca.pem", NULL, "client.key", 0, "there is no client certificate"},
    {"missing.pem", NULL, NULL, 0, "No such file"},
    {"empty.pem", NULL, NULL, 0, "the file is empty"},
    {"prose.pem", NULL, NULL, 0, "no PEM certificate"},
    {"cut.pem", NULL, NULL, 0, "no PEM certificate"},
};

static const char *place(char path[200], const char *name)
{
    if (!name)
        return NULL;
    file_name(path, name);
    return path;
}

static void test_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        const struct look *look = &looks[i];
        char ca[200], cert[200], key[200];
        struct http_options options = {.ca_file = place(ca, look->ca),
                                       .cert_file = place(cert, look->cert),
                                       .key_file = place(key, look->key),
                                       .proxy = "",
                                       .connect_timeout_ms = 1,
                                       .timeout_ms = 1,
                                       .reply_cap = 1,
                                       .connections = 1};
        int64_t end_ms = -7;
        int rc = http_check(&options, now_ms + look->at_ms, &end_ms, &fail);
        if (rc != (look->words ? -1 : 0))
            fail_msg("%zu: %d, %s", i, rc, fail.text);
        if (rc < 0) {
            assert_int_equal(fail.kind, FAIL_USAGE);
            if (look->words && !strstr(fail.text, look->words))
                fail_msg("%zu: %s", i, fail.text);
            assert_int_equal(end_ms, -7);
        } else if (look->cert) {
            assert_in_range(end_ms, now_ms + DAYS(10) - 2000, now_ms + DAYS(10) + 60000);
        } else {
            assert_int_equal(end_ms, 0);
        }
    }
}

/* ---- pauses ---- */

enum { STALL_MS = 120 };

/* The head and the beginning of a request are read, its body is not. */
static void script_deaf(struct peer *peer)
{
    char bytes[256];

    (void)peer_read(peer, bytes, sizeof bytes);
    (void)wait_for(&peer->server->go);
}

/* An answer that comes late, but then at once. */
static void script_thinks(struct peer *peer)
{

    if (peer_request(peer) && peer_send(peer, "HTTP/1.1 102 Processing\r\n\r\n")) {
        (void)poll(NULL, 0, 3 * STALL_MS);
        (void)peer_send(peer, OK);
    }
}

/* One byte of the body every quarter of the limit: it moves. */
static void script_drips(struct peer *peer)
{
    bool more = peer_request(peer) && peer_send(peer, "HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n");

    for (int i = 0; more && i < 12; i++) {
        (void)poll(NULL, 0, STALL_MS / 4);
        more = peer_send(peer, "x");
    }
}

static void test_stalls(void **state)
{
    static const struct {
        script_fn script;
        const char *text;
        size_t body;
        enum http_end end;
    } cases[] = {
        {script_hang, "HTTP/1.1 202 Accepted\r\n", 7, HTTP_LOST},
        {script_hang, "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n", 7, HTTP_LOST},
        {script_hang, "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nhalf", 7, HTTP_LOST},
        {script_hang, "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", 7,
         HTTP_LOST},
        {script_deaf, "", 4 << 20, HTTP_LOST},
        {script_thinks, "", 7, HTTP_ANSWERED},
        {script_drips, "", 7, HTTP_ANSWERED},
    };
    char *body = calloc(1, 4 << 20);

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_options options = {.connect_timeout_ms = 5000,
                                       .timeout_ms = 20000,
                                       .http2 = by_transfers,
                                       .stall_ms = STALL_MS,
                                       .reply_cap = 1000,
                                       .connections = 2};
        struct http *http = NULL;
        struct http_request request;
        struct http_reply reply;
        memset(body, 'a', (size_t)cases[i].body);
        assert_int_equal(http_open(&http, &options, &fail), 0);
        server.tls = NULL;
        server_start(&server, cases[i].script, cases[i].text);
        request = a_request(server.url);
        request.body = (struct span){body, cases[i].body};
        start(http, &request);
        take(http, &reply);
        if (reply.end != cases[i].end || (reply.end == HTTP_LOST && !strstr(reply.error, "stalled")))
            fail_msg("pause %zu: end %d, %s", i, (int)reply.end, reply.error);
        assert_in_range(reply.elapsed_us, STALL_MS * 1000, 10000000);
        (void)sem_post(&server.go);
        http_close(http);
        server_stop(&server);
    }
    free(body);
}

/* A stalled transfer ends alone; its connection is not used again. */
static void script_first_stalls(struct peer *peer)
{
    while (peer_request(peer)) {
        if (peer->number == 1) {
            (void)peer_send(peer, "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nhalf");
            (void)peer_request(peer);
            return;
        }
        if (!peer_send(peer, OK))
            return;
    }
}

static void test_stall_of_one(void **state)
{
    struct http_options options = {.connect_timeout_ms = 5000,
                                   .timeout_ms = 20000,
                                   .http2 = by_transfers,
                                   .stall_ms = STALL_MS,
                                   .reply_cap = 1000,
                                   .connections = 2};
    struct http *http = NULL;
    struct http_reply reply;

    (void)state;
    assert_int_equal(http_open(&http, &options, &fail), 0);
    server.tls = NULL;
    server_start(&server, script_first_stalls, NULL);
    ask(http, &reply);
    assert_int_equal(reply.end, HTTP_LOST);
    assert_int_equal(reply.status, 202);
    for (int i = 0; i < 3; i++) {
        ask(http, &reply);
        assert_int_equal(reply.end, HTTP_ANSWERED);
        assert_false(reply.resent);
    }
    http_close(http);
    assert_int_equal(server.connections, 2);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_stalls),
        cmocka_unit_test(test_stall_of_one),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, set_up, tear_down);
}
