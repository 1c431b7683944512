/* The passport calls. Whatever a server says about a refused request may repeat what was in it: a reason that
 * holds key or secret is cut down to the status. */
#include "mint_impl.h"

#include "value/httpdate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TOKEN_FILE_CAP = 256 << 20,
    SKEW_LEAST_MS = 2000, /* Date has whole seconds, and the answer was under way */
    SKEW_MOST_MS = 12 * 3600 * 1000,
    SKEW_CHANGES_MOST = 5 /* hosts behind one name that disagree must not hide a refusal for ever */
};

static const char *const method_names[] = {
#define X(id, name) [MINT_##id] = name,
    MINT_METHOD_TABLE(X)
#undef X
};

static bool is_given(const char *text)
{
    return text && text[0];
}

static int check_url(const struct mint_options *options, struct fail *fail)
{
    if (!is_given(options->url))
        return fail_set(fail, FAIL_USAGE, "auth.url is not set: the passport's base URL (--auth-url)");
    if (http_check_url(options->url, fail) != 0)
        return fail_context(fail, "auth.url");
    return 0;
}

static int check_credentials(const struct mint_options *options, struct fail *fail)
{
    if (!is_given(options->server_key) || !is_given(options->server_secret))
        return fail_set(fail, FAIL_USAGE,
                        "auth.method = %s needs a server key and secret: set auth.server_key_file "
                        "and auth.server_secret_file, or CTP_ENROLL_AUTH_SERVER_KEY and "
                        "CTP_ENROLL_AUTH_SERVER_SECRET in the environment",
                        method_names[options->method]);
    return 0;
}

static void make_url(struct mint *mint, const char *path)
{
    const char *base = mint->options.url;
    size_t len = strlen(base);
    struct buf url;

    while (len > 0 && base[len - 1] == '/')
        len--;
    buf_init(&url, 8192);
    buf_add(&url, base, len);
    buf_add_text(&url, path);
    mint->url = mem_text(buf_text(&url));
    buf_free(&url);
}

static int open_method(struct mint *mint, struct fail *fail)
{
    const struct mint_options *options = &mint->options;

    switch (options->method) {
    case MINT_FILE:
        return mint_file_open(mint, fail);
    case MINT_COMMAND:
        return mint_command_open(mint, fail);
    case MINT_OPENID:
        if (check_url(options, fail) != 0 || mint_openid_open(mint, fail) != 0)
            return -1;
        make_url(mint, API_OPENID_PATH);
        return 0;
    case MINT_S2S:
    case MINT_OAUTH2:
        break;
    }
    if (check_url(options, fail) != 0 || check_credentials(options, fail) != 0)
        return -1;
    make_url(mint, options->method == MINT_S2S ? API_S2S_PATH : API_OAUTH2_PATH);
    buf_add_text(&mint->key, options->server_key);
    buf_add_text(&mint->secret, options->server_secret);
    return 0;
}

int mint_open(struct mint **out, const struct mint_options *options, struct fail *fail)
{
    struct mint *mint = mem_alloc(sizeof *mint);

    mint->options = *options;
    buf_init(&mint->key, MINT_TEXT_CAP);
    buf_init(&mint->secret, MINT_TEXT_CAP);
    buf_init(&mint->body, MINT_TEXT_CAP);
    buf_init(&mint->store, MINT_TEXT_CAP);
    buf_init(&mint->claims, MINT_TEXT_CAP);
    buf_init(&mint->text, MINT_TEXT_CAP);
    buf_init(&mint->file.bytes, TOKEN_FILE_CAP);
    if (open_method(mint, fail) != 0) {
        mint_close(mint);
        return -1;
    }
    *out = mint;
    return 0;
}

void mint_close(struct mint *mint)
{
    if (!mint)
        return;
    struct buf *const secrets[] = {&mint->key,   &mint->secret, &mint->body,
                                   &mint->store, &mint->claims, &mint->text};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        buf_wipe(secrets[i]);
        buf_free(secrets[i]);
    }
    mint_file_close(&mint->file);
    mint_openid_close(mint);
    process_close(mint->process);
    free(mint->url);
    free(mint);
}

enum mint_way mint_way(const struct mint *mint)
{
    if (mint->options.method == MINT_FILE)
        return MINT_AT_ONCE;
    return mint->options.method == MINT_COMMAND ? MINT_BY_COMMAND : MINT_BY_REQUEST;
}

const char *mint_source(const struct mint *mint)
{
    static const char *const names[] = {[MINT_AT_ONCE] = "the token file",
                                        [MINT_BY_REQUEST] = "the token host",
                                        [MINT_BY_COMMAND] = "auth.command"};

    return names[mint_way(mint)];
}

const char *mint_base_url(const struct mint *mint)
{
    return mint_way(mint) == MINT_BY_REQUEST ? mint->options.url : NULL;
}

/* ---- requests ---- */

int mint_request(struct mint *mint, int64_t account, int64_t wall_ms, struct http_request *out,
                 struct fail *fail)
{
    const char *scope = mint->options.scope;
    bool form = mint->options.method == MINT_OAUTH2;

    buf_wipe(&mint->body);
    if (mint->options.method == MINT_OPENID) {
        if (mint_openid_sign(mint, account, wall_ms, fail) != 0)
            return -1;
        api_openid_body(mint->options.assertion_field, buf_span(&mint->text), &mint->body);
    } else if (form) {
        api_oauth2_body(buf_span(&mint->key), buf_span(&mint->secret), span_of(scope), account, &mint->body);
    } else {
        api_s2s_body(buf_span(&mint->key), buf_span(&mint->secret), account, &mint->body);
    }
    if (mint->body.full)
        return fail_set(fail, FAIL_USAGE, "the token request is longer than %d bytes", MINT_TEXT_CAP);
    *out = (struct http_request){.url = mint->url,
                                 .headers = {form ? SPAN("Content-Type: application/x-www-form-urlencoded")
                                                  : SPAN("Content-Type: application/json"),
                                             SPAN("Accept: application/json")},
                                 .header_count = 2,
                                 .body = buf_span(&mint->body),
                                 .secret = true,
                                 .timeout_ms = mint->options.timeout_ms};
    return 0;
}

struct api_answer mint_answer(const struct http_reply *reply)
{
    static const enum api_end ends[] = {
        [HTTP_ANSWERED] = API_ANSWERED, [HTTP_NOT_SENT] = API_NOT_SENT, [HTTP_LOST] = API_LOST,
        [HTTP_BROKEN] = API_LOST,       [HTTP_TLS] = API_TLS,           [HTTP_PROXY] = API_PROXY};
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

/* The server's clock minus ours; false when it does not say, or says what cannot be. Our clock is the better
 * one where the two agree, because it has milliseconds. */
static bool read_skew(const struct http_reply *reply, int64_t wall_ms, int64_t *out_ms)
{
    int64_t date_ms = reply->end == HTTP_ANSWERED ? httpdate_read(span_trim(reply->date)) : -1;

    if (date_ms < 0 || date_ms - wall_ms > SKEW_MOST_MS || wall_ms - date_ms > SKEW_MOST_MS)
        return false;
    *out_ms = date_ms - wall_ms;
    if (*out_ms > -SKEW_LEAST_MS && *out_ms < SKEW_LEAST_MS)
        *out_ms = 0;
    return true;
}

/* An assertion that was dated by a clock that the server does not share is no proof against the credentials.
 */
static bool was_misdated(const struct mint *mint, const struct http_reply *reply,
                         enum api_token_result result)
{
    return mint->options.method == MINT_OPENID &&
           (result == API_TOKEN_REFUSED || result == API_TOKEN_NO_ACCOUNT) &&
           reply->started_ms <= mint->skew_since_ms && mint->skew_changes <= SKEW_CHANGES_MOST;
}

static void learn_skew(struct mint *mint, const struct http_reply *reply, int64_t skew_ms)
{
    int64_t change_ms = skew_ms - mint->skew_ms;

    if (change_ms > -SKEW_LEAST_MS && change_ms < SKEW_LEAST_MS)
        return;
    log_add(mint->options.log, LOG_WARN,
            "the token host's clock is not ours; the lives of tokens are told by its clock",
            LOG_INT("seconds_ahead", skew_ms / 1000));
    mint->skew_changes++;
    mint->skew_ms = skew_ms;
    mint->skew_since_ms = reply->started_ms + reply->elapsed_us / 1000;
}

enum api_token_result mint_read(struct mint *mint, int64_t account, const struct http_reply *reply,
                                int64_t wall_ms, struct api_token *out)
{
    struct api_token_ask ask = {.account = account, .wall_ms = wall_ms, .field = mint->options.token_field};
    struct api_answer answer = mint_answer(reply);
    enum api_token_result result;
    int64_t skew_ms = 0;

    buf_wipe(&mint->store);
    if (reply->end == HTTP_BROKEN)
        return api_token_broken(reply->status, out);
    ask.server_time = read_skew(reply, wall_ms, &skew_ms);
    ask.wall_ms += skew_ms;
    result = api_token_read(&ask, &answer, &mint->store, out);
    if (out->ended && skew_ms != 0) { /* ended by a Date that our own clock does not bear out */
        ask.wall_ms = wall_ms;
        ask.server_time = false;
        result = api_token_read(&ask, &answer, &mint->store, out);
    } else if (ask.server_time) {
        learn_skew(mint, reply, skew_ms);
    }
    if (was_misdated(mint, reply, result)) {
        (void)snprintf(out->reason, sizeof out->reason,
                       "HTTP %d to an assertion dated by another clock: again by the token host's (%+" PRId64
                       " s)",
                       answer.status, mint->skew_ms / 1000);
        return API_TOKEN_TRANSIENT;
    }
    if (answer.end == API_ANSWERED && (holds(out->reason, &mint->key) || holds(out->reason, &mint->secret)))
        (void)snprintf(out->reason, sizeof out->reason, "HTTP %d", answer.status);
    return result;
}
