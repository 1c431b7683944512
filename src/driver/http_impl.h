/* http_impl: what the files of driver/http share, and nobody else sees.
 *
 * A slot is one request with its reply and their buffers. It is in one of four places: in http->free, in
 * flight, in the queue of finished ones, or lent to the caller by http_take. There are at most connections +
 * 1 of them: the lent one must keep its bytes while every other may fly.
 *
 * What carries it is one of two things, for the whole life of a handle:
 * - a line (http_line.c), where HTTP/1.1 is spoken: libcurl makes the connection (CURLOPT_CONNECT_ONLY), with
 *   resolver, proxy, TLS and verification, and moves the bytes; the framing is ours. A third of the CPU of
 *   libcurl's own transfer, and a connection that dies tells exactly what had left.
 * - a transfer (http_transfer.c), where HTTP/2 was asked for: libcurl does it all, whatever the server
 * chooses.
 *
 * The loop knows descriptors only: the epoll set, what libcurl wants of each socket, the one timer. */
#ifndef DRIVER_HTTP_IMPL_H
#define DRIVER_HTTP_IMPL_H

#include "driver/http.h"

#include <curl/curl.h>
#include <stdint.h>

#define HTTP_USER_AGENT "ctp-enroll/" CTP_VERSION

enum {
    HTTP_HEADER_CAP = 65536, /* one header of a request; a token is about 1 KB */
    HTTP_BODY_CAP = 4 << 20, /* of a request */
    HTTP_URL_CAP = 8192,     /* of a request */
    /* a target's head holds path and host; each header ends with CR LF; and a line tells the length */
    HTTP_REQUEST_CAP = 2 * HTTP_URL_CAP + HTTP_HEADERS_MAX * (HTTP_HEADER_CAP + 2) + 64 + HTTP_BODY_CAP,
    HTTP_HEAD_CAP = 65536, /* all heads of a reply together, 1xx included */
    HTTP_IDLE_MAX_S = 50,  /* a connection unused that long is not used again: servers commonly close after 60
                              s and more, and a request that meets the close on its way is a lost answer */
    HTTP_RECEIVE_SIZE = 16384, /* a TLS record, and what libcurl hands out at once */
};

/* How many connections are kept: as many as may fly, and as many again. With two hosts behind one handle
 * those of the one would otherwise push out those of the other, and a handshake costs more than a request. */
#define HTTP_LINES(connections) (2 * (connections))

/* What kind of place a URL leads to. */
struct http_place {
    bool plain;    /* http, not https */
    bool loopback; /* localhost, 127.0.0.0/8 or [::1] */
};

/* Scheme, host and port: what a connection leads to. Made once each, from configured URLs. */
struct http_origin {
    struct http_origin *next;
    char *url;
    struct http_line *idle; /* the last used first */
};

/* A URL that was asked for: a handful in the life of a program. */
struct http_target {
    struct http_target *next;
    char *url;
    struct http_origin *origin;
    struct buf head; /* the request line and the headers that all its requests share */
};

/* Where the reader of a reply stands. */
enum http_reading {
    HTTP_READ_STATUS,
    HTTP_READ_HEADERS,
    HTTP_READ_COUNTED, /* a body of a known length */
    HTTP_READ_TO_END,  /* a body that ends with its connection */
    HTTP_READ_CHUNK_SIZE,
    HTTP_READ_CHUNK,
    HTTP_READ_CHUNK_END,
    HTTP_READ_TRAILER,
    HTTP_READ_WHOLE
};

/* What a header says of where the reply ends. */
enum http_header { HTTP_HEADER_OTHER, HTTP_HEADER_LENGTH, HTTP_HEADER_CODING, HTTP_HEADER_CONNECTION };

struct http_reader {
    enum http_reading at;
    struct buf line; /* the beginning of a line whose end has not come */
    bool old;        /* HTTP/1.0 */
    bool lasting;    /* the version, or a header, keeps the connection */
    bool closing;    /* and this reply does not, whatever else it says */
    bool chunked;
    bool counted;
    enum http_header header; /* the one before */
    int64_t length;          /* when counted */
    int64_t left;            /* of the body or the chunk */
};

struct http_slot {
    struct http *http;
    struct http_slot
        *next; /* in the free list, the queue of those that wait for a line, or of finished ones */

    bool secret;
    bool once;
    bool flying;
    bool resent;
    bool left;           /* for the judge: bytes may have left, of this copy or one before */
    bool in_head;        /* between a status line and its blank line */
    bool head_ended;     /* the blank line of the latest status line has come */
    size_t head_bytes;   /* of all heads of this reply */
    long proxy_status;   /* of a proxy's answer to CONNECT, 0: none */
    const char *trouble; /* our own reason, in front of libcurl's */
    int64_t started_us;
    int64_t end_us;   /* when its time is over */
    int64_t moved_us; /* when something came, or was seen to have left */
    struct buf answer;
    struct buf retry_after;
    struct buf date;
    struct http_reply reply;
    char error[CURL_ERROR_SIZE];

    struct http_transfer *transfer; /* NULL: it goes by a line */

    struct http_target *target;
    struct http_line *line; /* NULL: it waits for one */
    struct buf request;     /* the bytes of it */
    size_t sent;
    bool blocked; /* a send was refused for lack of room: a piece of a TLS record may have left */
    bool fresh;   /* a kept connection failed it: the next one is new */
    struct http_reader reader;
};

struct http_transfer {
    CURL *easy;
    struct curl_slist
        nodes[HTTP_HEADERS_MAX + 1]; /* point into `expect` and `headers`; never freed by libcurl */
    struct buf headers[HTTP_HEADERS_MAX];
    struct buf url;
    struct buf body;
    bool refused;     /* HTTP/2: the server said that it did not look at the latest copy */
    unsigned sends;   /* how often libcurl began to send this request */
    long unread_head; /* bytes of copies that the server did not look at */
    curl_off_t unread_body;
    curl_off_t uploaded; /* at the latest look for stalls */
};

struct http_line {
    struct http *http;
    CURL *easy; /* known to the multi handle as long as the connection lives */
    struct http_origin *origin;
    struct http_slot *slot; /* the request that it carries; NULL: idle */
    struct http_line *next; /* among the idle ones of its origin, or the spare ones */
    int fd;                 /* -1: no connection yet */
    bool kept;              /* it has carried a reply before */
    int64_t idle_us;        /* since when */
    char error[CURL_ERROR_SIZE];
};

struct http_socket {
    uint32_t
        generation; /* descriptors are numbers used again: an event of an earlier socket is not this one's */
    uint32_t watched;       /* what the epoll set reports; 0: not in the set */
    int wanted;             /* what libcurl wants: CURL_POLL_IN, _OUT, both, or 0 */
    bool lazy;              /* a kept connection: libcurl closes it only through http_loop_close_socket */
    bool framed;            /* HTTP/2, where a server may speak on an idle connection */
    struct http_line *line; /* its events are this line's, not libcurl's */
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

    struct http_slot *waiting_first; /* for a line */
    struct http_slot *waiting_last;
    struct http_origin *origins;
    struct http_target *targets;
    int line_count;
    struct http_line **lines; /* all that were made */
    struct http_line *spare;  /* without a connection */
    char *received;           /* HTTP_RECEIVE_SIZE bytes: nothing stays in here */

    int epoll_fd;
    int epoll_error; /* errno of a call that failed inside a callback */
    int wake_fd;
    bool started;     /* a request, since the epoll set was last asked */
    int64_t timer_us; /* monotonic; INT64_MAX: none */
    int64_t stall_us; /* when to look for stalled requests again */
    int64_t late_us;  /* no request's time is over before that */
    struct http_socket *sockets;
    size_t socket_count;
};

/* ---- http.c ---- */

/* Ends a request that nothing carries any more: judged, and put in the queue of finished ones. */
void http_done(struct http *http, struct http_slot *slot, CURLcode code);

/* ---- http_url.c ---- */

/* Of a URL that http_check_url takes; -1: it is none. */
int http_url_place(const char *url, struct http_place *out) MUST_CHECK;
/* What was made of this URL before, or is now. -1 with FAIL_INTERNAL: it is none. */
int http_url_target(struct http *http, const char *url, struct http_target **out,
                    struct fail *fail) MUST_CHECK;
void http_url_close(struct http *http);

/* ---- http_cert.c, the only user of OpenSSL here ---- */

int http_cert_check_ca(const char *path, struct fail *fail) MUST_CHECK;
int http_cert_check_client(const char *cert_file, const char *key_file, int64_t wall_ms, int64_t *end_ms,
                           struct fail *fail) MUST_CHECK;

/* ---- http_proxy.c ---- */

int http_proxy_check(const struct http_options *options, struct fail *fail) MUST_CHECK;
void http_proxy_open(struct http *http, const struct http_options *options);
void http_proxy_close(struct http *http);
const char *http_proxy_for(const struct http *http, const char *url); /* "": none; borrowed */

/* ---- http_easy.c ---- */

/* A new easy handle that knows how to connect: TLS, proxy, time-outs, sockets. `error` is its error buffer,
 * of CURL_ERROR_SIZE; `keeper` its CURLOPT_PRIVATE. */
int http_easy_open(struct http *http, void *keeper, char *error, CURL **out, struct fail *fail) MUST_CHECK;

/* ---- http_slot.c ---- */

struct http_slot *http_slot_open(struct http *http, struct fail *fail) MUST_CHECK;
void http_slot_close(struct http_slot *slot);
/* Copies the request into the slot and what will carry it. */
int http_slot_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail) MUST_CHECK;
/* Overwrites what is secret; the slot may be used again. */
void http_slot_release(struct http_slot *slot);
/* Replaces the text. Nothing stays behind where a buffer that must grow was before. */
void http_slot_set_text(struct buf *buf, struct span text);

/* What comes of a reply, whoever reads it. -1: too much of it, as `trouble` says. */
void http_slot_begin_head(struct http_slot *slot, int status); /* 0: not known */
int http_slot_count_head(struct http_slot *slot, size_t bytes) MUST_CHECK;
int http_slot_header(struct http_slot *slot, struct span line) MUST_CHECK; /* a line end or none */
int http_slot_body(struct http_slot *slot, const char *bytes, size_t len) MUST_CHECK;

/* Whether nothing has moved for the handle's stall_ms in a request that is leaving or a reply that has begun;
 * says so in `trouble`. Waiting for a reply is no stall. */
bool http_slot_stalled(struct http_slot *slot, int64_t now_us);

/* ---- http_transfer.c ---- */

int http_transfer_open(struct http_slot *slot, struct fail *fail) MUST_CHECK;
void http_transfer_close(struct http_slot *slot);
int http_transfer_fill(struct http_slot *slot, const struct http_request *request,
                       struct fail *fail) MUST_CHECK;
int http_transfer_start(struct http_slot *slot, struct fail *fail) MUST_CHECK;
/* Takes it from libcurl and hands the slot to http_done. */
void http_transfer_end(struct http_slot *slot, CURLcode code);
/* Whether a part of the request has not left yet. Notes in moved_us when some of it was seen to have left. */
bool http_transfer_leaving(struct http_slot *slot, int64_t now_us);

/* ---- http_line.c ---- */

/* The bytes of the request. */
int http_line_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail) MUST_CHECK;
void http_line_start(struct http_slot *slot);
/* Gives those that wait an idle line each, or a new one. */
int http_line_dispatch(struct http *http, struct fail *fail) MUST_CHECK;
void http_line_connected(struct http_line *line, CURLcode code);
void http_line_event(struct http_line *line, uint32_t events); /* EPOLLIN ... */
/* Ends its request and hands the slot to http_done. */
void http_line_abort(struct http_slot *slot, CURLcode code);
void http_line_close_all(struct http *http);

/* ---- http_reader.c ---- */

void http_reader_begin(struct http_slot *slot);
/* Reads on, cutting off *bytes what belongs to this reply: 1 it is whole, 0 not yet, -1 it broke HTTP or a
 * cap, as `trouble` says. */
int http_reader_feed(struct http_slot *slot, struct span *bytes) MUST_CHECK;
/* Whether the end of the stream is the end of the reply. */
bool http_reader_end(const struct http_slot *slot);

/* ---- http_judge.c ---- */

/* Judges how it ended, by `left` and what was read, and fills slot->reply. */
void http_judge(struct http_slot *slot, CURLcode code);

/* ---- http_loop.c ---- */

int http_loop_open(struct http *http, struct fail *fail) MUST_CHECK;
void http_loop_close(struct http *http); /* after the multi handle is gone */
/* Keeps `fd` (-1: none) in the set for waking. */
int http_loop_wake_on(struct http *http, int fd, struct fail *fail) MUST_CHECK;
/* One look at the set, waiting at most wait_us (rounded up to ms); hands what happened to lines and libcurl.
 * Returns 1 when the wake_fd is readable or a signal came, else 0. */
int http_loop_look(struct http *http, int64_t wait_us, struct fail *fail) MUST_CHECK;
/* Lets libcurl act on its timer when that is due. */
int http_loop_tick(struct http *http, int64_t now_us, struct fail *fail) MUST_CHECK;
/* A finished transfer left this connection with libcurl for later use; `framed`: it speaks HTTP/2. */
void http_loop_kept(struct http *http, curl_socket_t fd, bool framed);
/* From now on the events of the line's descriptor are its own; it wants to read, and, if it says so, to
 * write. */
void http_loop_join(struct http_line *line, bool write);
void http_loop_part(struct http_line *line); /* also one that has not joined */
curl_socket_t http_loop_open_socket(void *http, curlsocktype purpose, struct curl_sockaddr *address);
int http_loop_close_socket(void *http, curl_socket_t fd);

#endif
