/* jwt: JSON Web Tokens signed by RS256 (RFC 7515, RFC 7518 section 3.3), compact form.
 *
 * RSA keys of 2048 bits at least, unencrypted PEM (PKCS #8 or PKCS #1): the program runs unattended and asks
 * for no passphrase. The key lives in OpenSSL's memory, which overwrites it at close. */
#ifndef DRIVER_JWT_H
#define DRIVER_JWT_H

#include "kit/buf.h"

struct jwt;

/* FAIL_USAGE, with `name`, the file's, in front. The PEM text is borrowed for the call. */
int jwt_open(struct jwt **out, struct span pem, const char *name, struct fail *fail) MUST_CHECK;
void jwt_close(struct jwt *jwt);

/* Appends header.claims.signature; `claims` is a JSON object. FAIL_INTERNAL when OpenSSL cannot, or when it
 * is longer than the buf's cap. */
int jwt_sign(struct jwt *jwt, struct span claims, struct buf *out, struct fail *fail) MUST_CHECK;

#endif
