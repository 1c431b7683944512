/* api: the remote contract, both ways: record -> request body, answer -> verdict, token answer -> token.
 *
 * What is known, inferred and unknown about the remote side stands in docs/api.md; everything here that is
 * not stated there as certain is a row of the verdict table or a setting. The only user of cJSON (for
 * parsing); bodies are written with kit/json. Pure. */
#ifndef RULE_API_H
#define RULE_API_H

#include "rule/job.h"
#include "rule/record.h"

enum { API_CODE_SIZE = 32, API_MESSAGE_SIZE = 160 };

#define API_ENROLL_PATH "/v1/clicktopay/visa/enroll/customer"
#define API_S2S_PATH "/v2/s2s/access-token"

/* The body of POST API_ENROLL_PATH. `card` and `customer` may be the same record (one-file mode). Empty
 * fields leave their key out; the billing address is the card's where it has one, else the customer's, as a
 * whole; identifiers are written digit for digit. */
void api_enroll_body(const struct record *card, const struct record *customer, struct buf *out);

/* How a request ended, as the verdict table sees it. */
enum api_end {
    API_ANSWERED, /* a whole answer came */
    API_NOT_SENT, /* no connection: the request cannot have been taken */
    API_LOST,     /* reset or timed out after the request may have left */
    API_TLS       /* handshake or verification failed */
};

struct api_answer {
    enum api_end end;
    int status; /* 0 unless API_ANSWERED */
    struct span body;
};

struct api_outcome {
    enum job_verdict verdict;
    bool lost;                /* the request may have been taken though no answer came */
    char code[API_CODE_SIZE]; /* stable reason: "already_on_click_to_pay", "bad_request", "http_503" ... */
    char message[API_MESSAGE_SIZE]; /* the server's words, masked: no value of the request and no word of
                                       two or more code points of a personal one, in any case, form or escape;
                                       no e-mail, no run of four or more digits; cut at a code point. A body
                                       that is no JSON object with words:
                                       "(not JSON, 312 bytes)". "" for accepted */
};

/* One line of the verdict table. Lines are tried in order; the first that matches both ways decides. */
struct api_verdict {
    int status_from, status_to; /* inclusive */
    const char *pattern; /* searched in the body's message and details (where it has neither: in the whole
                            body), ASCII case ignored; "" matches */
    enum job_verdict verdict;
    const char *code; /* NULL: "http_<status>" */
};

/* The built-in table, in order; *count is set. */
const struct api_verdict *api_verdicts(size_t *count);

/* Parses one line of the configuration's [verdicts]: key "400 some text", value "rejected"; released and
 * invalid are no answers' verdicts. The pattern is borrowed from `key`. -1 with a FAIL_USAGE text. */
int api_verdict_parse(const char *key, const char *value, struct api_verdict *out,
                      struct fail *fail) MUST_CHECK;

/* Judges an answer to an enrol request. `extra` lines go before the built-in table. `card` and `customer` are
 * the records of the request, for masking; both may be NULL. No answer: connect_failed and answer_lost
 * (`lost`) are transient, tls_failed is fatal. */
void api_judge(const struct api_answer *answer, const struct api_verdict *extra, size_t extra_count,
               const struct record *card, const struct record *customer, struct api_outcome *out);

/* Body of the s2s token request; the caller wipes it. */
void api_s2s_body(struct span key, struct span secret, int64_t account, struct buf *out);

enum api_token_result {
    API_TOKEN_OK,
    API_TOKEN_TRANSIENT,     /* 408, 409, 425, 429, 5xx, no answer: try again later */
    API_TOKEN_REFUSED,       /* 401, 403, TLS, or a token past its end: the credentials, fatal */
    API_TOKEN_NO_ACCOUNT,    /* other 4xx: this account may be at fault */
    API_TOKEN_WRONG_ACCOUNT, /* the claims name another account: fatal */
    API_TOKEN_UNREADABLE     /* 2xx without a readable token, or another status: fatal */
};

struct api_token {
    struct span text;   /* the bearer; points into *store; empty unless OK */
    int64_t life_ms;    /* exp - wall_ms, at most exp - iat and 366 days; else expires_in; else 0: not told */
    bool names_account; /* the claims name the account asked for; false is worth a warning */
    char reason[API_MESSAGE_SIZE]; /* for the log when it is not OK; never holds the token or a secret */
};

/* Reads a token answer: the bearer stands under `field` (default "token"; "access_token" is tried next). The
 * JWT's payload is decoded without verifying it (it is the server's to verify): exp gives the life against
 * `wall_ms` (pass the server's own time where its Date header told it; a new token that seems to have ended
 * lives for exp - iat). aid, account-id, account_id, uid naming another account than `account` is
 * API_TOKEN_WRONG_ACCOUNT (a uid that is no number tells nothing): digits are compared as digits, JSON
 * numbers as the doubles they are, so that an equal one beyond 2^53 cannot tell and is taken without
 * names_account. An opaque token is accepted. */
enum api_token_result api_token_read(const struct api_answer *answer, const char *field, int64_t account,
                                     int64_t wall_ms, struct buf *store, struct api_token *out);

/* The same checks for a bearer that came from a file or a command. */
enum api_token_result api_token_check(struct span bearer, int64_t account, int64_t wall_ms,
                                      struct api_token *out);

#endif
