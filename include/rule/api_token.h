/* api_token: the passport calls, both ways: request bodies, and answer -> token.
 *
 * A bearer's claims are read without verifying its signature: they serve to learn when it ends and to notice
 * a token of another account before anything is sent with it. Reasons never hold a token or a secret. What is
 * inferred of the calls stands in docs/api.md. Pure. */
#ifndef RULE_API_TOKEN_H
#define RULE_API_TOKEN_H

#include "rule/api.h"

#define API_S2S_PATH "/v2/s2s/access-token"
#define API_OPENID_PATH "/v1/oauth2/token"
#define API_OAUTH2_PATH "/v2/oauth/token"

/* Bodies of the token requests; the caller wipes them. */
void api_s2s_body(struct span key, struct span secret, int64_t account, struct buf *out);
/* {"<field>":"<assertion>"} */
void api_openid_body(const char *field, struct span assertion, struct buf *out);
/* A URL-encoded form; without a scope that field is left out. */
void api_oauth2_body(struct span key, struct span secret, struct span scope, int64_t account,
                     struct buf *out);

enum api_token_result {
    API_TOKEN_OK,
    API_TOKEN_TRANSIENT,     /* 408, 409, 425, 429, 5xx, no answer: try again later */
    API_TOKEN_REFUSED,       /* 401, 403, TLS, or a token past its end: the credentials, fatal */
    API_TOKEN_NO_ACCOUNT,    /* other 4xx: this account may be at fault */
    API_TOKEN_WRONG_ACCOUNT, /* the claims name another account: fatal */
    API_TOKEN_UNREADABLE     /* 2xx without a readable token, or another status: fatal */
};

/* What is asked of a token. */
struct api_token_ask {
    int64_t account;
    int64_t wall_ms;   /* now: the server's own time where it told it, else ours */
    bool server_time;  /* wall_ms is the server's: a token that has ended by it has ended */
    const char *field; /* where an answer holds the bearer; NULL or "": "token" */
};

struct api_token {
    struct span text;   /* the bearer; points into *store; empty unless OK */
    int64_t life_ms;    /* exp - wall_ms, at most exp - iat and 366 days; else expires_in; else 0: not told */
    bool names_account; /* the claims name the account asked for; false is worth a warning */
    bool ended;         /* refused because its end is past */
    char reason[API_MESSAGE_SIZE]; /* for the log when it is not OK; never holds the token or a secret */
};

/* Reads a token answer: the bearer stands under ask->field ("access_token" is tried next). exp gives the life
 * against wall_ms; a new token that seems to have ended by our own clock lives for exp - iat. aid,
 * account-id, account_id, uid naming another account is API_TOKEN_WRONG_ACCOUNT (a uid that is no number
 * tells nothing): digits are compared as digits, JSON numbers as the doubles they are, so that an equal one
 * beyond 2^53 cannot tell and is taken without names_account. An opaque token is accepted. */
enum api_token_result api_token_read(const struct api_token_ask *ask, const struct api_answer *answer,
                                     struct buf *store, struct api_token *out);

/* An answer that was too long, or no HTTP; `status` 0: not even its first line came. */
enum api_token_result api_token_broken(int status, struct api_token *out);

/* What a command printed: a JSON object as in an answer, or one line that is the bearer. */
enum api_token_result api_token_printed(const struct api_token_ask *ask, struct span output,
                                        struct buf *store, struct api_token *out);

/* The same checks for a bearer by itself, such as one of a file. */
enum api_token_result api_token_check(const struct api_token_ask *ask, struct span bearer,
                                      struct api_token *out);

#endif
