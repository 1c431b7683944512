/* http_tunnel: a proxy on the loopback that knows CONNECT and nothing else, for the tests of http. Whatever
 * host is asked for, it leads to that port of the loopback: names need no resolver. */
#ifndef TESTS_HTTP_TUNNEL_H
#define TESTS_HTTP_TUNNEL_H

#include "http_server.h"

#include <poll.h>

/* Carries bytes both ways until either side ends. */
static inline void tunnel_carry(int a, int b)
{
    struct pollfd sides[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    char bytes[16384];

    while (poll(sides, 2, -1) > 0) {
        for (int i = 0; i < 2; i++) {
            ssize_t len = sides[i].revents ? recv(sides[i].fd, bytes, sizeof bytes, 0) : -1;
            if (sides[i].revents && len <= 0)
                return;
            for (ssize_t done = 0, sent; done < len; done += sent)
                if ((sent = send(sides[1 - i].fd, bytes + done, (size_t)(len - done), MSG_NOSIGNAL)) <= 0)
                    return;
        }
    }
}

static inline int tunnel_connect(const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *colon = strncmp(request, "CONNECT ", 8) == 0 ? strchr(request + 8, ':') : NULL;
    int fd = colon ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

    if (fd < 0)
        return -1;
    address.sin_port = htons((unsigned short)strtoul(colon + 1, NULL, 10));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* server->text NULL: leads on; else: that answer to CONNECT, and the end. */
static inline void script_tunnel(struct peer *peer)
{
    int fd;

    if (!peer_request(peer))
        return;
    if (peer->server->text) {
        (void)peer_send(peer, peer->server->text);
        return;
    }
    fd = tunnel_connect(peer->request);
    if (fd < 0) {
        (void)peer_send(peer, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    if (peer_send(peer, "HTTP/1.1 200 Connection established\r\n\r\n"))
        tunnel_carry(peer->fd, fd);
    (void)close(fd);
}

#endif
