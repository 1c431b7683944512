/* passport: the three calls that hand out tokens.
 *
 * Server key and secret (/v2/s2s/access-token), a signed JWT (/v1/oauth2/token), OAuth2 client credentials
 * (/v2/oauth/token). The answers' shapes follow the published samples; where none is published, RFC 6749. */
#ifndef SANDBOX_PASSPORT_H
#define SANDBOX_PASSPORT_H

#include "answer.h"
#include "bearer.h"

enum passport_call { PASSPORT_S2S, PASSPORT_OPENID, PASSPORT_OAUTH2 };

struct passport_options {
    const char *tenant;        /* of the tokens; NULL: an invented one */
    const char *server_key;    /* NULL: any */
    const char *server_secret; /* NULL: any */
    const char *openid_key;    /* PEM file; NULL: assertions are not verified */
};

struct passport_request {
    enum passport_call call;
    struct span content_type, body;
};

struct passport_outcome {
    int64_t account;   /* asked for; 0: none */
    const char *fault; /* what was wrong with the request; NULL: nothing */
};

struct passport;

/* Borrows `bearer` and the options' texts. */
int passport_open(struct passport **out, const struct passport_options *options, struct bearer *bearer,
                  struct fail *fail) MUST_CHECK;
void passport_close(struct passport *passport);
int passport_answer(struct passport *passport, const struct passport_request *request,
                    struct passport_outcome *outcome, struct answer *answer, struct fail *fail) MUST_CHECK;

#endif
