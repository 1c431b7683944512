/* http_impl: what http.c, http_slot.c, http_judge.c and http_loop.c share, and nobody else sees.
 *
 * A slot is one retained easy handle with its buffers. It is in one of four places: in http->free, in flight
 * (known to the multi handle), in the queue of finished ones, or lent to the caller by http_take. There are
 * at most connections + 1 of them: the lent one must keep its bytes while every other may fly.
 *
 * The loop knows descriptors only: the epoll set, what libcurl wants of each socket, the one timer. */
#ifndef DRIVER_HTTP_IMPL_H
#define DRIVER_HTTP_IMPL_H

#include "driver/http.h"

#include <curl/curl.h>
#include <stdint.h>

/* What kind of place a URL leads to. */
struct http_place {
    bool plain;    /* http, not https */
    bool loopback; /* localhost, 127.0.0.0/8 or [::1] */
};

struct http_slot {
    struct http *http;
    CURL *easy;
    struct http_slot *next; /* in the free list or the queue of finished ones */

    struct curl_slist
        nodes[HTTP_HEADERS_MAX + 1]; /* point into `expect` and `headers`; never freed by libcurl */
    struct buf headers[HTTP_HEADERS_MAX];
    struct buf url;
    struct buf body;
    struct buf answer;
    struct buf retry_after;
    struct buf date;
    struct buf content_type;

    bool secret;
    bool once;
    bool flying;
    bool opened; /* a socket was opened for this request */
    bool resent;
    bool refused;     /* HTTP/2: the server said that it did not look at the latest copy */
    bool in_head;     /* between a status line and its blank line */
    bool head_ended;  /* the blank line of the latest status line has come */
    unsigned sends;   /* how often libcurl began to send this request */
    long unread_head; /* bytes of copies that the server did not look at */
    curl_off_t unread_body;
    curl_off_t uploaded; /* at the latest look for stalls */
    int64_t moved_us;    /* when something came, or was seen to have left */
    size_t head_bytes;   /* of all heads of this request, 1xx included */
    const char *trouble; /* our own reason, in front of libcurl's */
    int64_t started_us;
    struct http_reply reply;
    char error[CURL_ERROR_SIZE];
};

struct http_socket {
    uint32_t
        generation; /* descriptors are numbers used again: an event of an earlier socket is not this one's */
    uint32_t watched; /* what the epoll set reports; 0: not in the set */
    int wanted;       /* what libcurl wants: CURL_POLL_IN, _OUT, both, or 0 */
    bool lazy;        /* a kept connection: libcurl closes it only through http_loop_close_socket */
    bool framed;      /* HTTP/2, where a server may speak on an idle connection */
};

struct http {
    CURLM *multi;
    int connections;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t stall_ms; /* 0: none */
    size_t reply_cap;
    bool http2;
    long min_version; /* CURL_SSLVERSION_... */
    char *ca_file;
    char *cert_file; /* or NULL */
    char *key_file;  /* or NULL */
    char *proxy;     /* NULL: none */
    char *proxy_user;
    char *proxy_password;
    char *no_proxy;          /* joined by ','; NULL: libcurl asks the environment */
    bool proxy_for_loopback; /* it was set, not found in the environment */

    int flying;
    int slot_count;
    struct http_slot **slots; /* all that were made, for the end */
    struct http_slot *free;
    struct http_slot *done_first;
    struct http_slot *done_last;
    struct http_slot *lent;

    int epoll_fd;
    int epoll_error; /* errno of a call that failed inside a callback */
    int wake_fd;
    int64_t timer_us;  /* monotonic; INT64_MAX: none */
    int64_t looked_us; /* when the epoll set was last asked */
    int64_t stall_us;  /* when to look for stalled transfers again */
    struct http_socket *sockets;
    size_t socket_count;
};

/* ---- http_url.c ---- */

/* Of a URL that http_check_url takes; -1: it is none. */
int http_url_place(const char *url, struct http_place *out) MUST_CHECK;

/* ---- http_cert.c, the only user of OpenSSL here ---- */

int http_cert_check_ca(const char *path, struct fail *fail) MUST_CHECK;
int http_cert_check_client(const char *cert_file, const char *key_file, int64_t wall_ms, int64_t *end_ms,
                           struct fail *fail) MUST_CHECK;

/* ---- http_proxy.c ---- */

int http_proxy_check(const struct http_options *options, struct fail *fail) MUST_CHECK;
void http_proxy_open(struct http *http, const struct http_options *options);
void http_proxy_close(struct http *http);
const char *http_proxy_for(const struct http *http, const char *url); /* "": none; borrowed */

/* ---- http_slot.c ---- */

/* A new slot with every lasting option set. */
struct http_slot *http_slot_open(struct http *http, struct fail *fail) MUST_CHECK;
void http_slot_close(struct http_slot *slot);
/* Copies the request into the slot and its easy handle. */
int http_slot_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail) MUST_CHECK;
/* Overwrites what is secret; the slot may be used again. */
void http_slot_release(struct http_slot *slot);
/* Whether nothing has moved for the handle's stall_ms in a request that is leaving or a reply that has begun;
 * says so in `trouble`. Waiting for a reply is no stall. */
bool http_slot_stalled(struct http_slot *slot, int64_t now_us);

/* ---- http_judge.c ---- */

/* Judges how the transfer ended and fills slot->reply. */
void http_judge(struct http_slot *slot, CURLcode code);
/* Whether bytes of the request have left on any connection tried so far, but for those forgiven. */
bool http_judge_left(const struct http_slot *slot);
/* The bytes that have left so far count no longer: the server did not look at them. */
void http_judge_forgive(struct http_slot *slot);

/* ---- http_loop.c ---- */

int http_loop_open(struct http *http, struct fail *fail) MUST_CHECK;
void http_loop_close(struct http *http); /* after the multi handle is gone */
/* Keeps `fd` (-1: none) in the set for waking. */
int http_loop_wake_on(struct http *http, int fd, struct fail *fail) MUST_CHECK;
/* One look at the set, waiting at most wait_us (rounded up to ms); hands what happened to libcurl. Returns 1
 * when the wake_fd is readable or a signal came, else 0. */
int http_loop_look(struct http *http, int64_t wait_us, struct fail *fail) MUST_CHECK;
/* Lets libcurl act on its timer when that is due. */
int http_loop_tick(struct http *http, int64_t now_us, struct fail *fail) MUST_CHECK;
/* A finished transfer left this connection with libcurl for later use; `framed`: it speaks HTTP/2. */
void http_loop_kept(struct http *http, curl_socket_t fd, bool framed);
curl_socket_t http_loop_open_socket(void *slot, curlsocktype purpose, struct curl_sockaddr *address);
int http_loop_close_socket(void *http, curl_socket_t fd);

#endif
