/* mtls: makes a TLS handshake fail, with an alert, unless the client shows a certificate that verifies.
 *
 * libmicrohttpd only asks for a certificate and leaves the rest to the application after the handshake; the
 * real API drops such connections before any data. */
#ifndef SANDBOX_MTLS_H
#define SANDBOX_MTLS_H

#include "kit/fail.h"

struct MHD_Connection;

int mtls_open(struct fail *fail) MUST_CHECK;
/* Before the handshake of `connection`. */
void mtls_demand(struct MHD_Connection *connection);

#endif
