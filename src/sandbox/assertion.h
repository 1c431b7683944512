/* assertion: the signed JWT that a client exchanges for a token in the OpenID way.
 *
 * Checked as the provider's pages describe it: RS256, iss, sub and aud given, not expired, valid for at most
 * an hour, an account in `uid` or `account_id`. Its signature is verified only when a public key was
 * given. */
#ifndef SANDBOX_ASSERTION_H
#define SANDBOX_ASSERTION_H

#include "kit/buf.h"

struct assertion;

/* `key_file`: a PEM public key, NULL: signatures are not verified. */
int assertion_open(struct assertion **out, const char *key_file, struct fail *fail) MUST_CHECK;
void assertion_close(struct assertion *assertion);
/* NULL when it is good (*account 0: it names none), else what is wrong with it. */
const char *assertion_check(struct assertion *assertion, struct span jwt, int64_t *account);

#endif
