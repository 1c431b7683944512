/* A hook on the client's last handshake message, by when its certificate is there or is not. */
#include "mtls.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <string.h>
