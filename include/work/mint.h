/* mint: where an account's bearer token comes from (auth.method).
 *
 * s2s, openid, oauth2: a POST to the passport host, which the caller sends (mint_request, mint_read).
 * command: a shell command that the mint runs (mint_start, mint_take). file: at once (mint_local). A token's
 * claims are judged in rule/api_token; how long it is kept is rule/token's business. Lives are told by the
 * token host's clock where its Date header shows it to differ from ours by more than two seconds and less
 * than twelve hours, and assertions are dated by it. */
#ifndef WORK_MINT_H
#define WORK_MINT_H

#include "driver/http.h"
#include "kit/log.h"
#include "rule/api_token.h"

/*  id        auth.method */
#define MINT_METHOD_TABLE(X) \
    X(S2S, "s2s") X(OPENID, "openid") X(OAUTH2, "oauth2") X(COMMAND, "command") X(FILE, "file")

enum mint_method {
#define X(id, name) MINT_##id,
    MINT_METHOD_TABLE(X)
#undef X
};

struct mint_options {
    enum mint_method method;
    const char *url;                        /* passport base URL: s2s, openid, oauth2 */
    const char *server_key, *server_secret; /* s2s, oauth2 */
    const char *scope;                      /* oauth2 */
    struct span private_key;                /* openid: PEM */
    const char *private_key_file;           /* its name, for messages */
    const char *issuer, *subject, *audience;
    const char *claims_file; /* openid: template; NULL or "": API_CLAIMS_DEFAULT */
    const char *assertion_field;
    int64_t assertion_life_ms;
    const char *tenant;
    const char *token_field; /* where the answer holds the bearer */
    const char *token_file;
    const char *command;
    int concurrency; /* command: most at once */
    int64_t timeout_ms;
    struct log *log; /* command: what it says on standard error; NULL: nowhere */
};

struct mint;

/* Secrets are copied, and overwritten at close. FAIL_USAGE when something needed is missing, or when a file
 * cannot be read or used; it names the line of a bad one. */
int mint_open(struct mint **out, const struct mint_options *options, struct fail *fail) MUST_CHECK;
void mint_close(struct mint *mint);

enum mint_way { MINT_AT_ONCE, MINT_BY_REQUEST, MINT_BY_COMMAND };
enum mint_way mint_way(const struct mint *mint);
/* Who gives the tokens, for messages: "the token host", "the token file", "auth.command". */
const char *mint_source(const struct mint *mint);
/* MINT_BY_REQUEST: the passport's base URL; else NULL. */
const char *mint_base_url(const struct mint *mint);

/* MINT_AT_ONCE. The token of the file for this account: API_TOKEN_NO_ACCOUNT when it has none. */
enum api_token_result mint_local(struct mint *mint, int64_t account, int64_t wall_ms, struct api_token *out);

/* MINT_BY_REQUEST. The request to the passport host; borrowed until the next call. FAIL_INTERNAL when OpenSSL
 * cannot sign. */
int mint_request(struct mint *mint, int64_t account, int64_t wall_ms, struct http_request *out,
                 struct fail *fail) MUST_CHECK;
/* Reads its reply; *out points into the mint until the next call. */
enum api_token_result mint_read(struct mint *mint, int64_t account, const struct http_reply *reply,
                                int64_t wall_ms, struct api_token *out);

/* MINT_BY_COMMAND. */
struct mint_done {
    int64_t account;
    enum api_token_result result;
    bool answered;          /* the command ended by itself and in time */
    struct api_token token; /* points into the mint until the next call */
    int64_t started_ms;     /* monotonic */
};
void mint_start(struct mint *mint, int64_t account);
/* Takes one that has ended: 1, or 0. */
int mint_take(struct mint *mint, int64_t wall_ms, struct mint_done *out);
/* What to wait on: readable when mint_take has something, or when `other` is (-1: none). Without commands it
 * is `other` itself. Once for each mint. */
int mint_wake_fd(struct mint *mint, int other, int *out, struct fail *fail) MUST_CHECK;
int64_t mint_wait_ms(const struct mint *mint); /* until mint_take is due in any case; INT64_MAX: never */
void mint_stop(struct mint *mint);             /* kills the commands that run */

/* A reply as the api rules see it. */
struct api_answer mint_answer(const struct http_reply *reply);

#endif
