/* The token file is read once and kept as sorted (account, place) pairs over its bytes. */
#include "work/mint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TOKEN_FILE_CAP = 256 << 20, BODY_CAP = 1 << 16, TOKEN_CAP = 1 << 16 };

struct pair {
    int64_t account;
    struct span token;
};

struct mint {
    struct mint_options options;
    char *url;
    struct buf key, secret; /* copies that are overwritten at close */
    struct buf body, store; /* request and reply of the passport call */
    struct buf file;        /* the token file's bytes */
    struct pair *pairs;
    size_t count, room;
    struct span only; /* the token for every account */
};

static int read_file(const char *path, struct buf *out, struct fail *fail)
{
    char block[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    ssize_t got;

    if (fd < 0)
        return fail_set(fail, FAIL_USAGE, "%s: cannot open the token file: %s", path, strerror(errno));
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    if (got < 0)
        (void)fail_set(fail, FAIL_USAGE, "%s: cannot read the token file: %s", path, strerror(errno));
    else if (out->full)
        (void)fail_set(fail, FAIL_USAGE, "%s: the token file is larger than 256 MiB", path);
    else
        rc = 0;
    explicit_bzero(block, sizeof block);
    (void)close(fd); /* read only: nothing can be lost */
    return rc;
}

static int by_account(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    return (x->account > y->account) - (x->account < y->account);
}

static int add_line(struct mint *mint, struct span line, int64_t number, struct fail *fail)
{
    struct span rest = line, account, token;
    struct pair pair;

    if (span_cut(&rest, ',', &account) == 1 && rest.ptr) {
        token = span_trim(rest);
        if (span_to_id(span_trim(account), &pair.account) != 0 || token.len == 0)
            return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": not 'account_id,token'",
                            mint->options.token_file, number);
        pair.token = token;
        if (mint->count == mint->room) {
            mint->room = mint->room ? mint->room * 2 : 64;
            mint->pairs = mem_grow(mint->pairs, mint->room, sizeof pair);
        }
        mint->pairs[mint->count++] = pair;
        return 0;
    }
    if (mint->only.len > 0)
        return fail_set(fail, FAIL_USAGE,
                        "%s:%" PRId64 ": a second token for all accounts; write 'account_id,token'",
                        mint->options.token_file, number);
    mint->only = line;
    return 0;
}

/* Which of two tokens of an account is meant cannot be told. The pairs are sorted. */
static int check_twice(const struct mint *mint, struct fail *fail)
{
    for (size_t i = 1; i < mint->count; i++) {
        const struct pair *a = &mint->pairs[i - 1], *b = &mint->pairs[i];
        const char *later = a->token.ptr > b->token.ptr ? a->token.ptr : b->token.ptr;
        int64_t number = 1;
        if (a->account != b->account || span_same(a->token, b->token))
            continue;
        for (const char *c = mint->file.ptr; c < later; c++)
            number += *c == '\n';
        return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": a second token for account %" PRId64,
                        mint->options.token_file, number, a->account);
    }
    return 0;
}

static int read_tokens(struct mint *mint, struct fail *fail)
{
    struct span rest, line;
    int64_t number = 0;

    if (read_file(mint->options.token_file, &mint->file, fail) != 0)
        return -1;
    rest = buf_span(&mint->file);
    while (span_cut(&rest, '\n', &line)) {
        number++;
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' ||
            (mint->count == 0 && span_is_nocase(line, "account_id,token")))
            continue;
        if (add_line(mint, line, number, fail) != 0)
            return -1;
    }
    if (mint->count > 0 && mint->only.len > 0)
        return fail_set(fail, FAIL_USAGE,
                        "%s: both 'account_id,token' lines and a token for all accounts; use one form",
                        mint->options.token_file);
    if (mint->count == 0 && mint->only.len == 0)
        return fail_set(fail, FAIL_USAGE, "%s: the token file holds no token", mint->options.token_file);
    if (mint->count > 0)
        qsort(mint->pairs, mint->count, sizeof *mint->pairs, by_account);
    return check_twice(mint, fail);
}

static int check_s2s(const struct mint_options *options, struct fail *fail)
{
    if (!options->url || !options->url[0])
        return fail_set(fail, FAIL_USAGE, "auth.url is not set: the passport's base URL (--auth-url)");
    if (http_check_url(options->url, fail) != 0)
        return fail_context(fail, "auth.url");
    if (!options->server_key || !options->server_key[0] || !options->server_secret ||
        !options->server_secret[0])
        return fail_set(fail, FAIL_USAGE,
                        "auth.method = s2s needs a server key and secret: set auth.server_key_file "
                        "and auth.server_secret_file, or CTP_ENROLL_AUTH_SERVER_KEY and "
                        "CTP_ENROLL_AUTH_SERVER_SECRET in the environment");
    return 0;
}

static void make_url(struct mint *mint, const char *base)
{
    size_t len = strlen(base);
    struct buf url;

    while (len > 0 && base[len - 1] == '/')
        len--;
    buf_init(&url, 8192);
    buf_add(&url, base, len);
    buf_add_text(&url, API_S2S_PATH);
    mint->url = mem_text(buf_text(&url));
    buf_free(&url);
}

int mint_open(struct mint **out, const struct mint_options *options, struct fail *fail)
{
    struct mint *mint = mem_alloc(sizeof *mint);

    mint->options = *options;
    buf_init(&mint->key, TOKEN_CAP);
    buf_init(&mint->secret, TOKEN_CAP);
    buf_init(&mint->body, BODY_CAP);
    buf_init(&mint->store, BODY_CAP);
    buf_init(&mint->file, TOKEN_FILE_CAP);
    if (options->method == MINT_FILE) {
        if (!options->token_file || !options->token_file[0]) {
            (void)fail_set(fail, FAIL_USAGE, "auth.method = file needs auth.token_file");
            goto undo;
        }
        if (read_tokens(mint, fail) != 0)
            goto undo;
    } else {
        if (check_s2s(options, fail) != 0)
            goto undo;
        make_url(mint, options->url);
        buf_add_text(&mint->key, options->server_key);
        buf_add_text(&mint->secret, options->server_secret);
    }
    *out = mint;
    return 0;
undo:
    mint_close(mint);
    return -1;
}

void mint_close(struct mint *mint)
{
    struct buf *secrets[5];

    if (!mint)
        return;
    secrets[0] = &mint->key;
    secrets[1] = &mint->secret;
    secrets[2] = &mint->body;
    secrets[3] = &mint->store;
    secrets[4] = &mint->file;
    for (size_t i = 0; i < 5; i++) {
        buf_wipe(secrets[i]);
        buf_free(secrets[i]);
    }
    free(mint->pairs);
    free(mint->url);
    free(mint);
}

bool mint_is_local(const struct mint *mint)
{
    return mint->options.method == MINT_FILE;
}

enum api_token_result mint_local(struct mint *mint, int64_t account, int64_t wall_ms, struct api_token *out)
{
    struct pair key = {.account = account}, *found;

    if (mint->only.len > 0)
        return api_token_check(mint->only, account, wall_ms, out);
    found = bsearch(&key, mint->pairs, mint->count, sizeof key, by_account);
    if (found)
        return api_token_check(found->token, account, wall_ms, out);
    *out = (struct api_token){.text = {"", 0}};
    (void)snprintf(out->reason, sizeof out->reason, "the token file has no token for account %" PRId64,
                   account);
    return API_TOKEN_NO_ACCOUNT;
}

void mint_request(struct mint *mint, int64_t account, struct http_request *out)
{
    buf_wipe(&mint->body);
    api_s2s_body(buf_span(&mint->key), buf_span(&mint->secret), account, &mint->body);
    *out = (struct http_request){
        .url = mint->url,
        .headers = {SPAN("Content-Type: application/json"), SPAN("Accept: application/json")},
        .header_count = 2,
        .body = buf_span(&mint->body),
        .secret = true,
        .timeout_ms = mint->options.timeout_ms};
}

struct api_answer mint_answer(const struct http_reply *reply)
{
    static const enum api_end ends[] = {[HTTP_ANSWERED] = API_ANSWERED,
                                        [HTTP_NOT_SENT] = API_NOT_SENT,
                                        [HTTP_LOST] = API_LOST,
                                        [HTTP_BROKEN] = API_LOST,
                                        [HTTP_TLS] = API_TLS};
    /* 202 is taken, whatever becomes of the body behind it. */
    bool taken = reply->status == 202 && (reply->end == HTTP_LOST || reply->end == HTTP_BROKEN);
    bool answered = reply->end == HTTP_ANSWERED || taken;

    return (struct api_answer){.end = taken ? API_ANSWERED : ends[reply->end],
                               .status = answered ? reply->status : 0,
                               .body = answered && !taken ? reply->body : (struct span){"", 0}};
}

/* Whether a text for people holds a secret, or a blank-separated word of it, in any letter case. */
static bool holds(const char *text, const struct buf *secret)
{
    struct span rest = buf_span(secret), word;

    while (span_cut(&rest, ' ', &word))
        for (const char *at = text; word.len > 0 && *at; at++)
            if (strncasecmp(at, word.ptr, word.len) == 0)
                return true;
    return false;
}

enum api_token_result mint_read(struct mint *mint, int64_t account, const struct http_reply *reply,
                                int64_t wall_ms, struct api_token *out)
{
    struct api_answer answer = mint_answer(reply);
    enum api_token_result result;

    buf_wipe(&mint->store);
    result = api_token_read(&answer, mint->options.token_field, account, wall_ms, &mint->store, out);
    if (holds(out->reason, &mint->key) || holds(out->reason, &mint->secret))
        (void)snprintf(out->reason, sizeof out->reason, "HTTP %d", answer.status);
    return result;
}
