/* What every easy handle is told once: how to connect, whom to trust, where its sockets are looked after. */
#include "http_impl.h"

enum {
    KEEPALIVE_IDLE_S = 45, /* below the idle time-outs of usual load balancers and NATs */
    KEEPALIVE_INTERVAL_S = 15
};

#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)

static CURLcode set_transport(const struct http *http, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT,
        1L); /* else the end of a slow resolve blocks the loop until the resolver is done */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)(http->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_timeout_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, http->min_version);
    SET(CURLOPT_CAINFO, http->ca_file);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSLCERT, http->cert_file);
    SET(CURLOPT_SSLKEY, http->key_file);
    SET(CURLOPT_KEYPASSWD, ""); /* else OpenSSL asks the terminal for the passphrase of an encrypted key */
    return code;
}

static CURLcode set_proxy(const struct http *http, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_NOPROXY, http->no_proxy);
    SET(CURLOPT_PROXYUSERNAME, http->proxy_user);
    SET(CURLOPT_PROXYPASSWORD, http->proxy_password);
    SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* the bearer is not for the proxy */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSLVERSION, http->min_version);
    SET(CURLOPT_PROXY_CAINFO, http->ca_file);
    SET(CURLOPT_PROXY_CAPATH, NULL);
    return code;
}

static CURLcode set_callbacks(struct http *http, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_OPENSOCKETFUNCTION, http_loop_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, http);
    SET(CURLOPT_CLOSESOCKETFUNCTION, http_loop_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, http);
    SET(CURLOPT_USERAGENT, HTTP_USER_AGENT); /* also of a CONNECT */
    return code;
}

int http_easy_open(struct http *http, void *keeper, char *error, CURL **out, struct fail *fail)
{
    CURL *easy = curl_easy_init();
    CURLcode code = CURLE_FAILED_INIT;

    if (easy)
        code = set_transport(http, easy);
    if (code == CURLE_OK)
        code = set_proxy(http, easy);
    if (code == CURLE_OK)
        code = set_callbacks(http, easy);
    SET(CURLOPT_PRIVATE, keeper);
    SET(CURLOPT_ERRORBUFFER, error);
    if (code != CURLE_OK) {
        curl_easy_cleanup(easy);
        return fail_set(fail, FAIL_INTERNAL, "libcurl: cannot set up a transfer: %s",
                        curl_easy_strerror(code));
    }
    *out = easy;
    return 0;
}
