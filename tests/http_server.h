/* http_server: a server on the loopback whose every connection follows a script of the test, for the tests of
 * http.
 *
 * One thread accepts, one thread serves each connection, blocking. Scripts never assert (cmocka's asserts
 * belong to the main thread): they count, and post `event` when the test waits for something. TLS is
 * OpenSSL's, taken at run time from the library that libcurl has loaded anyway. server_stop() joins every
 * thread, so the test must have closed its client before. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SSL_NAMES(X)                 \
    X(TLS_server_method)             \
    X(SSL_CTX_new)                   \
    X(SSL_CTX_free)                  \
    X(SSL_CTX_ctrl)                  \
    X(SSL_CTX_use_certificate_file)  \
    X(SSL_CTX_use_PrivateKey_file)   \
    X(SSL_CTX_load_verify_locations) \
    X(SSL_CTX_set_verify)            \
    X(SSL_CTX_set_alpn_select_cb)    \
    X(SSL_new)                       \
    X(SSL_free)                      \
    X(SSL_set_fd)                    \
    X(SSL_accept)                    \
    X(SSL_read)                      \
    X(SSL_write)                     \
    X(SSL_new_session_ticket)        \
    X(SSL_do_handshake)              \
    X(SSL_shutdown)

#define SSL_FIELD(name) __typeof__(name) *name;
struct ssl_functions {
    SSL_NAMES(SSL_FIELD)
};

enum { PEERS_MAX = 600, REQUEST_MAX = 4 << 20 };

struct server;

struct peer {
    struct server *server;
    pthread_t thread;
    int fd;
    SSL *tls;
    int number;         /* 1: the server's first connection */
    char request[8192]; /* the latest one's head and the beginning of its body, as text */
};

typedef void (*script_fn)(struct peer *peer);

struct server {
    int fd;
    unsigned short port;
    char url[64];
    script_fn script;
    const char *text; /* for scripts that send one */
    SSL_CTX *tls;
    struct ssl_functions ssl;
    pthread_t thread;
    struct peer *peers;
    atomic_int connections;
    atomic_int requests;
    sem_t event;             /* posted by a script */
    sem_t go;                /* posted by the test */
    char last_request[8192]; /* read it when the reply is there */
};

static inline ssize_t peer_read(struct peer *peer, char *into, size_t size)
{
    if (peer->tls)
        return peer->server->ssl.SSL_read(peer->tls, into, (int)size);
    return recv(peer->fd, into, size, 0);
}

static inline bool peer_send_bytes(struct peer *peer, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = peer->tls ? peer->server->ssl.SSL_write(peer->tls, bytes, (int)len)
                                 : send(peer->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static inline bool peer_send(struct peer *peer, const char *text)
{
    return peer_send_bytes(peer, text, strlen(text));
}

/* Reads one request with its body. False when the client closed first. */
static inline bool peer_request(struct peer *peer)
{
    char *all = malloc(REQUEST_MAX + 1), *end = NULL, *length;
    size_t have = 0, want = 0;
    bool whole = false;

    assert(all);
    while (have < REQUEST_MAX) {
        ssize_t len = peer_read(peer, all + have, REQUEST_MAX - have);
        if (len <= 0)
            break;
        have += (size_t)len;
        all[have] = '\0';
        if (!end && (end = strstr(all, "\r\n\r\n"))) {
            length = strstr(all, "\r\nContent-Length:");
            want = (size_t)(end - all) + 4 + (length ? strtoul(length + 17, NULL, 10) : 0);
        }
        if (end && have >= want) {
            whole = true;
            break;
        }
    }
    if (whole) {
        (void)snprintf(peer->request, sizeof peer->request, "%s", all);
        memcpy(peer->server->last_request, peer->request, sizeof peer->request);
        atomic_fetch_add(&peer->server->requests, 1);
    }
    free(all);
    return whole;
}

/* Waits until the client has sent something, and leaves it unread. */
static inline void peer_poke(struct peer *peer)
{
    char byte;

    (void)recv(peer->fd, &byte, 1, MSG_PEEK);
}

/* Ends the stream and waits until the client has closed its side. */
static inline void peer_close(struct peer *peer)
{
    char bytes[4096];

    if (peer->fd < 0)
        return;
    if (peer->tls)
        (void)peer->server->ssl.SSL_shutdown(peer->tls);
    (void)shutdown(peer->fd, SHUT_WR);
    while (recv(peer->fd, bytes, sizeof bytes, 0) > 0)
        ;
    (void)close(peer->fd);
    peer->fd = -1;
}

static inline void peer_reset(struct peer *peer)
{
    struct linger hard = {1, 0};

    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    (void)close(peer->fd);
    peer->fd = -1;
}

/* Ends the stream without a word of TLS, and does not wait. */
static inline void peer_drop(struct peer *peer)
{
    (void)close(peer->fd);
    peer->fd = -1;
}

static void *peer_main(void *userp)
{
    struct peer *peer = userp;
    struct server *server = peer->server;

    if (server->tls) {
        peer->tls = server->ssl.SSL_new(server->tls);
        if (!peer->tls || server->ssl.SSL_set_fd(peer->tls, peer->fd) != 1)
            abort();
        if (server->ssl.SSL_accept(peer->tls) == 1)
            server->script(peer);
    } else {
        server->script(peer);
    }
    peer_close(peer);
    if (peer->tls)
        server->ssl.SSL_free(peer->tls);
    return NULL;
}

static void *server_main(void *userp)
{
    struct server *server = userp;
    sigset_t pipe;
    int on = 1;

    /* OpenSSL writes without MSG_NOSIGNAL. In the client's thread the signal still ends the program. */
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (;;) {
        int fd = accept(server->fd, NULL, NULL), number;
        if (fd < 0)
            return NULL;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        number = atomic_fetch_add(&server->connections, 1);
        assert(number < PEERS_MAX);
        server->peers[number] = (struct peer){.server = server, .fd = fd, .number = number + 1};
        if (pthread_create(&server->peers[number].thread, NULL, peer_main, &server->peers[number]) != 0)
            abort();
    }
}

static inline int listen_on_loopback(int backlog, unsigned short *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        abort();
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void server_start(struct server *server, script_fn script, const char *text)
{
    SSL_CTX *tls = server->tls;
    struct ssl_functions ssl = server->ssl;

    memset(server, 0, sizeof *server);
    server->tls = tls;
    server->ssl = ssl;
    server->script = script;
    server->text = text;
    server->peers = calloc(PEERS_MAX, sizeof *server->peers);
    assert(server->peers);
    server->fd = listen_on_loopback(512, &server->port);
    (void)snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%u/v1/enroll", tls ? "https" : "http",
                   (unsigned)server->port);
    if (sem_init(&server->event, 0, 0) != 0 || sem_init(&server->go, 0, 0) != 0 ||
        pthread_create(&server->thread, NULL, server_main, server) != 0)
        abort();
}

static inline void server_stop(struct server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
    for (int i = 0; i < server->connections; i++)
        (void)pthread_join(server->peers[i].thread, NULL);
    if (server->tls)
        server->ssl.SSL_CTX_free(server->tls);
    (void)sem_destroy(&server->event);
    (void)sem_destroy(&server->go);
    free(server->peers);
    memset(server, 0, sizeof *server);
}

static inline bool wait_for(sem_t *event)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    return sem_timedwait(event, &until) == 0;
}

/* False when OpenSSL is not what libcurl has loaded. */
static inline bool server_ssl(struct server *server)
{
    bool all = true;
    void *symbol;

#define SSL_TAKE(name)                                 \
    symbol = dlsym(RTLD_DEFAULT, #name);               \
    memcpy(&server->ssl.name, &symbol, sizeof symbol); \
    all = all && symbol;
    SSL_NAMES(SSL_TAKE)
    return all;
}

#endif
