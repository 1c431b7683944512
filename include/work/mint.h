/* mint: where an account's bearer token comes from (auth.method).
 *
 * s2s: a POST with server key and secret to the passport host. file: one token for all, or account_id,token
 * lines. The token's life is judged in rule/api; how long it is kept is rule/token's business. */
#ifndef WORK_MINT_H
#define WORK_MINT_H

#include "driver/http.h"
#include "rule/api.h"

enum mint_method { MINT_S2S, MINT_FILE };

struct mint_options {
    enum mint_method method;
    const char *url; /* passport base URL, s2s */
    const char *server_key, *server_secret;
    const char *token_field; /* where the answer holds the bearer */
    const char *token_file;
    int64_t timeout_ms;
};

struct mint;

/* Secrets are copied, and overwritten at close. FAIL_USAGE when something needed is missing, or
 * when the token file cannot be read; it names the line of a bad one. */
int mint_open(struct mint **out, const struct mint_options *options, struct fail *fail) MUST_CHECK;
void mint_close(struct mint *mint);

/* True: a token is had at once by mint_local; false: by mint_request and mint_read. */
bool mint_is_local(const struct mint *mint);

/* The token of the file for this account: API_TOKEN_NO_ACCOUNT when it has none. */
enum api_token_result mint_local(struct mint *mint, int64_t account, int64_t wall_ms, struct api_token *out);

/* The request to the passport host; borrowed until the next call. */
void mint_request(struct mint *mint, int64_t account, struct http_request *out);
/* Reads its reply; *out points into the mint until the next call. */
enum api_token_result mint_read(struct mint *mint, int64_t account, const struct http_reply *reply,
                                int64_t wall_ms, struct api_token *out);

/* A reply as the api rules see it. */
struct api_answer mint_answer(const struct http_reply *reply);

#endif
