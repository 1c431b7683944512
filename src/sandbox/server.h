/* server: the listening socket, libmicrohttpd's daemon and the loop that drives both, on one thread. */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H

#include "call.h"
#include "options.h"

struct server;

/* Listens when it returns. Borrows `desk` and `options`. */
int server_open(struct server **out, const struct options *options, struct desk *desk,
                struct fail *fail) MUST_CHECK;
int server_port(const struct server *server);
/* Serves until SIGTERM or SIGINT, or the desk's last answer. */
int server_run(struct server *server, struct fail *fail) MUST_CHECK;
void server_close(struct server *server);

#endif
