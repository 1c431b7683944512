/* http through a proxy: what the proxy sees, what it must not see, how its refusals are judged, and which
 * hosts are reached without it. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "http_identity.h"
#include "http_tunnel.h"

static struct server proxy;
static char proxy_url[64], target_url[96];

static int set_up(void **state)
{
    (void)state;
    make_server("DNS:api.example.com,IP:127.0.0.1,DNS:localhost");
    return 0;
}

static void clear_environment(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                                        "ALL_PROXY",   "no_proxy",    "NO_PROXY"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unsetenv(names[i]);
}

/* Starts proxy and target; `refusal` NULL: the proxy leads on. */
static void begin(const char *host, const char *refusal)
{
    clear_environment();
    serve("server", false, 0, script_keep, OK);
    server_start(&proxy, script_tunnel, refusal);
    (void)snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", (unsigned)proxy.port);
    (void)snprintf(target_url, sizeof target_url, "https://%s:%u/v1/enroll", host, (unsigned)server.port);
}

static void end(struct http *http)
{
    http_close(http);
    server_stop(&proxy);
    server_stop(&server);
    clear_environment();
}

static struct http *open_through(const char *url, const char *user, const char *no_proxy)
{
    char ca_file[200];
    struct http_options options = {.http2 = by_transfers,
                                   .ca_file = ca_file,
                                   .proxy = url,
                                   .proxy_user = user,
                                   .no_proxy = no_proxy,
                                   .connect_timeout_ms = 2000,
                                   .timeout_ms = 5000,
                                   .reply_cap = 100000,
                                   .connections = 2};
    struct http *http = NULL;

    file_name(ca_file, "ca.pem");
    if (http_open(&http, &options, &fail) < 0)
        fail_msg("%s", fail.text);
    return http;
}

static enum http_end ask_target(struct http *http, const char *url)
{
    struct http_request request = a_request(url);
    struct http_reply reply;

    start(http, &request);
    take(http, &reply);
    assert_false(reply.resent);
    assert_int_equal(reply.error[0] == '\0', reply.end == HTTP_ANSWERED);
    return reply.end;
}

static void test_tunnel(void **state)
{
    struct http *http;
    char line[128];

    (void)state;
    begin("api.example.com", NULL);
    http = open_through(proxy_url, "bob:se:cret", NULL);
    assert_int_equal(ask_target(http, target_url), HTTP_ANSWERED);
    assert_int_equal(ask_target(http, target_url), HTTP_ANSWERED);
    assert_int_equal(proxy.connections, 1);
    assert_int_equal(server.requests, 2);
    (void)snprintf(line, sizeof line, "CONNECT api.example.com:%u HTTP/1.1\r\n", (unsigned)server.port);
    assert_int_equal(strncmp(proxy.last_request, line, strlen(line)), 0);
    /* base64 of bob:se:cret */
    assert_non_null(strstr(proxy.last_request, "\r\nProxy-Authorization: Basic Ym9iOnNlOmNyZXQ=\r\n"));
    assert_null(strstr(proxy.last_request, "Bearer"));
    assert_null(strstr(proxy.last_request, "x-tenant"));
    assert_null(strstr(server.last_request, "Proxy-"));
    assert_non_null(strstr(server.last_request, "\r\nAuthorization: Bearer abc.def\r\n"));
    end(http);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *answer;
        enum http_end end;
    } cases[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
         "Content-Length: 0\r\n\r\n",
         HTTP_PROXY},
        {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\r\n<html>who are "
         "you?</html>",
         HTTP_PROXY},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", HTTP_PROXY},
        {"HTTP/1.1 405 Method Not Allowed\r\n\r\n", HTTP_PROXY},
        {"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\nContent-Length: 0\r\n\r\n",
         HTTP_PROXY},
        {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", HTTP_NOT_SENT},
        {"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", HTTP_NOT_SENT},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", HTTP_NOT_SENT},
        {"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\n\r\n<html>busy</html>", HTTP_NOT_SENT},
        {"HTTP/1.1 200 OK\r\n", HTTP_NOT_SENT},
        {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n",
         HTTP_TLS}, /* no TLS where TLS should begin */
        {"SSH-2.0-OpenSSH\r\n\r\n", HTTP_NOT_SENT},
        {"", HTTP_NOT_SENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http *http;
        struct http_request request;
        struct http_reply reply;
        begin("api.example.com", cases[i].answer);
        http = open_through(proxy_url, "bob:hush", NULL);
        request = a_request(target_url);
        start(http, &request);
        take(http, &reply);
        if (reply.end != cases[i].end)
            fail_msg("%s: end %d, %s", cases[i].answer, (int)reply.end, reply.error);
        assert_int_equal(reply.status, 0); /* not the API's */
        assert_int_equal(reply.retry_after.len, 0);
        assert_int_equal(reply.body.len, 0);
        assert_null(strstr(reply.error, "hush"));
        assert_in_range(reply.elapsed_us, 0, 4000000);
        assert_int_equal(server.connections, 0);
        end(http);
    }
}

static void test_nobody_there(void **state)
{
    unsigned short port;
    int fd = listen_on_loopback(1, &port);
    struct http *http;

    (void)state;
    begin("api.example.com", NULL);
    (void)close(fd);
    (void)snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", (unsigned)port);
    http = open_through(proxy_url, NULL, NULL);
    assert_int_equal(ask_target(http, target_url), HTTP_NOT_SENT);
    assert_int_equal(server.connections, 0);
    end(http);
}

static void test_trust_beyond_the_tunnel(void **state)
{
    struct http *http;

    (void)state;
    begin("other.example.com", NULL);
    http = open_through(proxy_url, NULL, NULL);
    assert_int_equal(ask_target(http, target_url), HTTP_TLS);
    assert_int_equal(server.requests, 0);
    end(http);
}

/* ---- who goes through it ---- */

struct way {
    const char *what;
    const char *host;
    bool set;             /* the option, else the environment's https_proxy */
    const char *no_proxy; /* the option */
    const char *variable; /* no_proxy of the environment */
    bool through;
};

static const struct way ways[] = {
    {"set", "api.example.com", true, NULL, NULL, true},
    {"set, loopback too", "127.0.0.1", true, NULL, NULL, true},
    {"set, excepted", "127.0.0.1", true, "example.org;127.0.0.1", NULL, false},
    {"set, excepted network", "127.0.0.1", true, "127.0.0.0/8", NULL, false},
    {"set, all excepted", "localhost", true, "*", NULL, false},
    {"set, another excepted", "127.0.0.1", true, "example.org", NULL, true},
    {"set, excepted by the environment", "127.0.0.1", true, NULL, "127.0.0.1", false},
    {"set, the option before the environment", "127.0.0.1", true, "example.org", "127.0.0.1", true},
    {"found", "api.example.com", false, NULL, NULL, true},
    {"found, another excepted", "api.example.com", false, NULL, "example.org,10.0.0.0/8", true},
    {"found, loopback", "127.0.0.1", false, NULL, NULL, false},
    {"found, loopback by name", "localhost", false, NULL, NULL, false},
};

static void test_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct way *way = &ways[i];
        struct http *http;
        begin(way->host, NULL);
        if (!way->set)
            (void)setenv("https_proxy", proxy_url, 1);
        if (way->variable)
            (void)setenv("no_proxy", way->variable, 1);
        http = open_through(way->set ? proxy_url : NULL, NULL, way->no_proxy);
        if (ask_target(http, target_url) != HTTP_ANSWERED)
            fail_msg("%s: no answer", way->what);
        if (proxy.connections != (way->through ? 1 : 0))
            fail_msg("%s: %d connections to the proxy", way->what, proxy.connections);
        end(http);
    }
}

static void test_environment(void **state)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    char url[96];
    struct http *http;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        begin("api.example.com", NULL);
        (void)snprintf(url, sizeof url, "http://bob:p%%40ss@127.0.0.1:%u/", (unsigned)proxy.port);
        (void)setenv(names[i], url, 1);
        http = open_through(NULL, NULL, NULL);
        assert_int_equal(ask_target(http, target_url), HTTP_ANSWERED);
        /* base64 of bob:p@ss */
        assert_non_null(strstr(proxy.last_request, "\r\nProxy-Authorization: Basic Ym9iOnBAc3M=\r\n"));
        end(http);
    }
    begin("127.0.0.1", NULL);
    (void)setenv("https_proxy", proxy_url, 1);
    http = open_through("", NULL, NULL); /* none, whatever the environment says */
    assert_int_equal(ask_target(http, target_url), HTTP_ANSWERED);
    assert_int_equal(proxy.connections, 0);
    end(http);
}

/* A bearer in plain text is nobody's to carry. */
static void test_plain_http_goes_direct(void **state)
{
    struct http *http;

    (void)state;
    clear_environment();
    server.tls = NULL;
    server_start(&server, script_keep, OK);
    server_start(&proxy, script_tunnel, NULL);
    (void)snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u", (unsigned)proxy.port);
    (void)setenv("http_proxy", proxy_url, 1);
    http = open_through(proxy_url, NULL, NULL);
    assert_int_equal(ask_target(http, server.url), HTTP_ANSWERED);
    assert_int_equal(proxy.connections, 0);
    end(http);
}

/* ---- settings that make no sense ---- */

static void refused(const char *url, const char *user, const char *variable, const char *words)
{
    struct http_options options = {.http2 = by_transfers,
                                   .proxy = url,
                                   .proxy_user = user,
                                   .connect_timeout_ms = 1,
                                   .timeout_ms = 1,
                                   .reply_cap = 1,
                                   .connections = 1};
    int64_t end_ms;

    clear_environment();
    if (variable)
        (void)setenv("https_proxy", variable, 1);
    fail = (struct fail){0};
    if (http_check(&options, 0, &end_ms, &fail) != -1)
        fail_msg("%s is taken", url ? url : variable);
    assert_int_equal(fail.kind, FAIL_USAGE);
    if (!strstr(fail.text, words))
        fail_msg("%s: %s", url ? url : variable, fail.text);
    assert_null(strstr(fail.text, "hush"));
    clear_environment();
}

static void test_nonsense(void **state)
{
    static const char *const good[] = {"http://proxy.example.com:3128", "http://proxy.example.com",
                                       "https://proxy.example.com:8443/", "http://[::1]:3128",
                                       "http://127.0.0.1:1"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (http_check_proxy(good[i], &fail) != 0)
            fail_msg("%s", fail.text);
    refused("proxy.example.com:3128", NULL, NULL, "not a proxy's URL");
    refused("ftp://proxy.example.com", NULL, NULL, "not a proxy's URL");
    refused("http:///proxy.example.com", NULL, NULL, "not a proxy's URL");
    refused("http://proxy.example.com/path", NULL, NULL, "not a proxy's URL");
    refused("http://proxy.example.com?hint", NULL, NULL, "not a proxy's URL");
    refused("http://", NULL, NULL, "not a proxy's URL");
    refused("http://bob:hush@proxy.example.com", NULL, NULL, "user name");
    refused("http://127.0.0.1:1", "bobhush", NULL, "name:password");
    refused(NULL, NULL, "ftp://bob:hush@proxy.example.com", "https_proxy");
    refused(NULL, NULL, "http://bob:hush@", "https_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tunnel),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_trust_beyond_the_tunnel),
        cmocka_unit_test(test_ways),         cmocka_unit_test(test_environment),
        cmocka_unit_test(test_nonsense),     cmocka_unit_test(test_plain_http_goes_direct),
    };

    (void)alarm(120); /* a hang is a failure */
    return run_both_ways(tests, set_up, identity_of_nobody);
}
