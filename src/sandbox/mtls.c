/* A hook on the client's last handshake message, by when its certificate is there or is not. GnuTLS is called
 * in the copy that libmicrohttpd has loaded: the session is that copy's. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "mtls.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

/* POSIX promises that the bits of a dlsym result make a function pointer; ISO C does not. */
#define GNUTLS(function) (__extension__(__typeof__(&function)) dlsym(RTLD_DEFAULT, #function))

static int check_client(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                        const gnutls_datum_t *message)
{
    gnutls_alert_description_t alert = GNUTLS_A_CERTIFICATE_REQUIRED;
    unsigned count = 0, status = 0;

    (void)type;
    (void)when;
    (void)message;
    if (!incoming)
        return 0;
    if (GNUTLS(gnutls_certificate_get_peers)(session, &count) && count > 0) {
        if (GNUTLS(gnutls_certificate_verify_peers2)(session, &status) == 0 && status == 0)
            return 0;
        alert = GNUTLS_A_BAD_CERTIFICATE;
    }
    (void)GNUTLS(gnutls_alert_send)(session, GNUTLS_AL_FATAL, alert);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

int mtls_open(struct fail *fail)
{
    if (GNUTLS(gnutls_handshake_set_hook_function) && GNUTLS(gnutls_certificate_get_peers) &&
        GNUTLS(gnutls_certificate_verify_peers2) && GNUTLS(gnutls_alert_send))
        return 0;
    return fail_set(fail, FAIL_INTERNAL,
                    "libmicrohttpd is without GnuTLS: client certificates cannot be checked");
}

void mtls_demand(struct MHD_Connection *connection)
{
    __typeof__(&gnutls_handshake_set_hook_function) set_hook = GNUTLS(gnutls_handshake_set_hook_function);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (info && info->tls_session)
        set_hook(info->tls_session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, check_client);
}
