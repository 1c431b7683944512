/* bearer: the tokens the sandbox gives out and recognises.
 *
 * JWT-shaped, bound to an account (or to none), signed with a key drawn at start: a token of another sandbox,
 * or of this one before its restart, is unknown. Claims as in tokens seen in public samples. */
#ifndef SANDBOX_BEARER_H
#define SANDBOX_BEARER_H

#include "kit/buf.h"

enum bearer_state { BEARER_OK, BEARER_MISSING, BEARER_UNKNOWN, BEARER_EXPIRED };

struct bearer;

struct bearer_grant {
    int64_t account; /* 0: a token without account */
    const char *tenant;
    const char *client; /* who asked: server key or issuer */
    bool refresh;       /* a refresh token: no good as a bearer */
};

int bearer_open(struct bearer **out, int64_t ttl_s, struct fail *fail) MUST_CHECK;
void bearer_close(struct bearer *bearer);
int64_t bearer_ttl_s(const struct bearer *bearer);
/* Appends a token that lives from now on. */
int bearer_mint(struct bearer *bearer, const struct bearer_grant *grant, struct buf *out,
                struct fail *fail) MUST_CHECK;
/* Judges an Authorization header (ptr NULL: missing); *account is set when the token is ours: 0 for none. */
enum bearer_state bearer_check(struct bearer *bearer, struct span authorization, int64_t *account);

#endif
