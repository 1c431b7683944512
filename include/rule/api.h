/* api: the remote contract, both ways: record -> request body, answer -> verdict; api_token.h has the token
 * calls, api_claims.h the claims of auth.method = openid.
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

/* The body of POST API_ENROLL_PATH. `card` and `customer` may be the same record (one-file mode). Empty
 * fields leave their key out; the billing address is the card's where it has one, else the customer's, as a
 * whole; identifiers are written digit for digit. */
void api_enroll_body(const struct record *card, const struct record *customer, struct buf *out);

/* The body of the card call, for further cards of a customer that is there: the same numbers, text and
 * address without the customer's part. Its shape is inferred (docs/api.md). */
void api_enroll_card_body(const struct record *card, const struct record *customer, struct buf *out);

/* How a request ended, as the verdict table sees it. */
enum api_end {
    API_ANSWERED, /* a whole answer came */
    API_NOT_SENT, /* no connection: the request cannot have been taken */
    API_LOST,     /* reset or timed out after the request may have left */
    API_TLS,      /* handshake or verification failed */
    API_PROXY     /* the proxy on the way refuses to lead there */
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
 * (`lost`) are transient, tls_failed and proxy_refused are fatal. */
void api_judge(const struct api_answer *answer, const struct api_verdict *extra, size_t extra_count,
               const struct record *card, const struct record *customer, struct api_outcome *out);

#endif
