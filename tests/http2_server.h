/* http2_server: frames of HTTP/2 for scripts of http_server, so that a test can say and leave unsaid what no
 * real server would. Requests are told apart by their streams only: their headers are compressed and nobody
 * here reads them. */
#ifndef TESTS_HTTP2_SERVER_H
#define TESTS_HTTP2_SERVER_H

#include "http_server.h"
#include "kit/buf.h"

enum { H2_DATA, H2_HEADERS, H2_RST_STREAM = 3, H2_SETTINGS, H2_PING = 6, H2_GOAWAY, H2_WINDOW_UPDATE };
enum { H2_NO_ERROR, H2_INTERNAL_ERROR = 2, H2_REFUSED_STREAM = 7, H2_CANCEL, H2_ENHANCE_YOUR_CALM = 11 };
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

struct h2_frame {
    int type, flags;
    uint32_t stream;
    size_t len;
    char payload[16384];
};

/* Takes "h2" when the server's `text` is not NULL and the client offers it; else the client's choice is left
 * to HTTP/1.1. */
static inline int h2_choose(SSL *tls, const unsigned char **out, unsigned char *len, const unsigned char *in,
                            unsigned in_len, void *offers)
{
    (void)tls;
    for (unsigned at = 0; at < in_len; at += in[at] + 1u) {
        if (in[at] != 2 || memcmp(in + at + 1, "h2", 2) != 0)
            continue;
        atomic_fetch_add((atomic_int *)offers, 1);
        *out = in + at + 1;
        *len = 2;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static inline bool h2_read(struct peer *peer, char *into, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = peer_read(peer, into + have, len - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static inline void h2_put(char *into, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        into[i] = (char)(number >> (24 - 8 * i));
}

static inline bool h2_send(struct peer *peer, int type, int flags, uint32_t stream, struct span payload)
{
    char frame[9 + 256] = {0};

    assert(payload.len <= 256);
    frame[2] = (char)payload.len;
    frame[1] = (char)(payload.len >> 8);
    frame[3] = (char)type;
    frame[4] = (char)flags;
    h2_put(frame + 5, stream);
    if (payload.len > 0)
        memcpy(frame + 9, payload.ptr, payload.len);
    return peer_send_bytes(peer, frame, 9 + payload.len);
}

static inline bool h2_send_number(struct peer *peer, int type, uint32_t stream, uint32_t number)
{
    char payload[4];

    h2_put(payload, number);
    return h2_send(peer, type, 0, stream, (struct span){payload, 4});
}

static inline bool h2_goaway(struct peer *peer, uint32_t last_stream, uint32_t error)
{
    char payload[8];

    h2_put(payload, last_stream);
    h2_put(payload + 4, error);
    return h2_send(peer, H2_GOAWAY, 0, 0, (struct span){payload, 8});
}

static inline bool h2_begin(struct peer *peer)
{
    char preface[24];

    return h2_read(peer, preface, sizeof preface) && memcmp(preface, "PRI * HTTP/2.0", 14) == 0 &&
           h2_send(peer, H2_SETTINGS, 0, 0, SPAN(""));
}

/* The next frame; what only keeps the connection going is answered. */
static inline bool h2_next(struct peer *peer, struct h2_frame *frame)
{
    unsigned char head[9];

    if (!h2_read(peer, (char *)head, sizeof head))
        return false;
    frame->len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    frame->type = head[3];
    frame->flags = head[4];
    frame->stream =
        ((uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8]) & 0x7FFFFFFF;
    if (frame->len > sizeof frame->payload || !h2_read(peer, frame->payload, frame->len))
        return false;
    if (frame->type == H2_SETTINGS && !(frame->flags & H2_ACK))
        return h2_send(peer, H2_SETTINGS, H2_ACK, 0, SPAN(""));
    if (frame->type == H2_DATA && frame->len > 0)
        return h2_send_number(peer, H2_WINDOW_UPDATE, 0, (uint32_t)frame->len);
    return true;
}

/* Reads until a request is whole: its stream, or 0 when the client is gone. */
static inline uint32_t h2_request(struct peer *peer)
{
    struct h2_frame frame;

    while (h2_next(peer, &frame)) {
        bool carries = frame.type == H2_HEADERS || frame.type == H2_DATA;
        if (!carries || !(frame.flags & H2_END_STREAM))
            continue;
        atomic_fetch_add(&peer->server->requests, 1);
        return frame.stream;
    }
    return 0;
}

/* `status` has three digits; `more`: a body follows. 0x08: a literal value for the name with index 8,
 * :status. */
static inline bool h2_status(struct peer *peer, uint32_t stream, const char *status, bool more)
{
    char head[5] = {0x08, 3, status[0], status[1], status[2]};

    return h2_send(peer, H2_HEADERS, H2_END_HEADERS | (more ? 0 : H2_END_STREAM), stream,
                   (struct span){head, sizeof head});
}

#endif
