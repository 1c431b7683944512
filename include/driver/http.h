/* http: POST requests over HTTP(S), many at once, on one thread. The only user of libcurl.
 *
 * libcurl makes the connections, on the driver's own epoll set, and moves their bytes: resolver, proxy, TLS.
 * The framing of HTTP/1.1 is ours (RFC 9112); where HTTP/2 was asked for, libcurl does the whole transfer.
 * Nothing is allocated per request in the steady state. Always: TLS verification on, CAINFO set and CAPATH
 * NULL (Debian's default CApath makes libcurl parse the whole bundle for every connection), no redirects, no
 * Expect: 100-continue, no signals, a cap on the reply, http and https only, and plain http only to loopback.
 * A proxy sees CONNECT and nothing of what follows: plain http never goes through one. Spans of a request are
 * copied or kept in the slot; those of a reply are borrowed until the next http_take.
 *
 * A body without length or chunks ends with its connection, whether or not TLS said goodbye: libcurl does not
 * tell the two apart, and whoever can cut the one can hold up the other. It counts as whole. */
#ifndef DRIVER_HTTP_H
#define DRIVER_HTTP_H

#include "kit/buf.h"

struct http_options {
    const char *ca_file;     /* NULL: the distribution's bundle */
    const char *cert_file;   /* NULL: no client certificate */
    const char *key_file;    /* NULL: the key is in cert_file */
    const char *min_version; /* "1.2" or "1.3" */
    bool http2;              /* HTTP/2 where a server offers it (ALPN); else HTTP/1.1 */
    const char
        *proxy; /* NULL: what https_proxy or all_proxy say, but not for loopback; "": none; else a URL */
    const char *proxy_user; /* "name:password" for it; NULL: none */
    const char *no_proxy;   /* hosts reached directly, joined by ',' or ';'; NULL: what no_proxy says */
    int64_t connect_timeout_ms;
    int64_t timeout_ms; /* whole request */
    int64_t stall_ms;   /* longest pause in a request's upload or inside a reply; 0: no limit */
    size_t reply_cap;   /* bytes of a reply's body kept; a longer one ends as HTTP_BROKEN */
    int connections;    /* most requests at once */
};

/* -1 with FAIL_USAGE when it is no absolute http(s) URL, carries a user, a query or a fragment, or is plain
 * http to another host than localhost, 127.0.0.0/8 or [::1]. */
int http_check_url(const char *url, struct fail *fail) MUST_CHECK;

/* -1 with FAIL_USAGE when it is no http(s)://host[:port], or carries a user: its text is never repeated then.
 */
int http_check_proxy(const char *url, struct fail *fail) MUST_CHECK;

/* All that http_open would object to: files that are missing, empty or no PEM, a certificate that is not
 * valid at wall_ms, a key that belongs to another one or needs a passphrase, a proxy that is none.
 * FAIL_USAGE. *end_ms is the wall-clock end of the client certificate, 0 without one. */
int http_check(const struct http_options *options, int64_t wall_ms, int64_t *end_ms,
               struct fail *fail) MUST_CHECK;

enum { HTTP_HEADERS_MAX = 12 };

struct http_request {
    const char *url;
    struct span headers[HTTP_HEADERS_MAX]; /* "name: value", without CR or LF */
    size_t header_count;
    struct span body;
    bool secret;        /* both bodies hold a secret: the slot's copies are overwritten afterwards */
    bool once;          /* HTTP_LOST instead of a second send (see http_reply.resent) */
    int64_t timeout_ms; /* 0: the handle's */
    int64_t tag;        /* the caller's own; comes back with the reply */
};

enum http_end {
    HTTP_ANSWERED, /* a whole reply of 200 or above */
    HTTP_NOT_SENT, /* resolving or connecting failed, or timed out before a byte of the request left */
    HTTP_LOST,     /* reset, closed, cut short or timed out after the request may have left */
    HTTP_BROKEN,   /* the reply broke HTTP or its cap; the request was taken, for all we know */
    HTTP_TLS,      /* handshake, verification or client certificate failed, whatever the side */
    HTTP_PROXY     /* the proxy refuses to lead there (407 and other 4xx); nothing was sent */
};

struct http_reply {
    int64_t tag;
    enum http_end end;
    int status;  /* 0 unless a status line came; an answer only with HTTP_ANSWERED */
    bool resent; /* see below */
    struct span body;
    struct span retry_after; /* header value, empty: none */
    struct span date;
    int64_t elapsed_us; /* start to end */
    int64_t started_ms; /* monotonic */
    const char *error;  /* ours or libcurl's words when it is not HTTP_ANSWERED, else "" */
};

/* HTTP/2: a stream that the server refused to look at (REFUSED_STREAM) goes out again by itself, or ends as
 * HTTP_NOT_SENT; on a kept connection libcurl does not tell it from one that died, so there it is HTTP_LOST.
 */

/* resent: when a kept connection dies after the request may have left and before a byte of the reply came,
 * the request is sent again, on a new one (HTTP/2: on any that libcurl has). Whatever the end then says, the
 * server may have taken the first copy: a row in that case is as uncertain as after HTTP_LOST. */

struct http;

/* FAIL_USAGE names the file that cannot be read, or the option that makes no sense. */
int http_open(struct http **out, const struct http_options *options, struct fail *fail) MUST_CHECK;
void http_close(struct http *http); /* aborts what flies; accepts NULL */

/* Requests started whose reply has not been taken yet. */
int http_flying(const struct http *http);

/* Starts a request. Fails only on misuse or when libcurl cannot (FAIL_INTERNAL), never for network reasons.
 * More than options.connections at once is an assert. */
int http_start(struct http *http, const struct http_request *request, struct fail *fail) MUST_CHECK;

/* Waits until a reply can be taken, `wake_fd` (-1: none) is readable, a signal came, or timeout_ms have
 * passed (0: only looks; -1: no limit). Returns at once when a reply waits already. The requests started
 * leave in here. A wake_fd is watched until a call names another one: it must stay open as long. */
int http_wait(struct http *http, int wake_fd, int64_t timeout_ms, struct fail *fail) MUST_CHECK;

/* Takes one finished request: 1, or 0 when none is finished. */
int http_take(struct http *http, struct http_reply *reply);

/* libcurl's and OpenSSL's version line, for --version. */
const char *http_version(void);

#endif
