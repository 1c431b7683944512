/* A token answer is a secret from end to end: what was parsed or decoded from it is overwritten before it is
 * freed, and reasons are made of plain words only.
 *
 * The claims are read without verifying the signature: the server made the token for itself. They serve to
 * learn when it ends and to notice a token of another account before anything is sent with it. */
#include "rule/api_token.h"

#include "api_impl.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lives longer than this are cut down to it, so that no time computed from one can overflow. */
#define LIFE_MOST_MS (INT64_C(366) * 24 * 3600 * 1000)

static enum api_token_result refuse(struct api_token *out, enum api_token_result result, const char *reason)
{
    out->text = (struct span){"", 0};
    out->life_ms = 0;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
    return result;
}

static void wipe_tree(cJSON *item)
{
    for (; item; item = item->next) {
        if (item->valuestring)
            explicit_bzero(item->valuestring, strlen(item->valuestring));
        wipe_tree(item->child);
    }
}

static void delete_secret(cJSON *root)
{
    wipe_tree(root);
    cJSON_Delete(root);
}

/* ---- base64url (RFC 4648 section 5), padding optional ---- */

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

/* Writes to `out`, which has room for three quarters of the text. -1: not base64url. */
static int decode(struct span text, char *out, size_t *len)
{
    uint32_t bits = 0;
    size_t n = 0;

    while (text.len > 0 && text.ptr[text.len - 1] == '=')
        text.len--;
    if (text.len % 4 == 1)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        int value = sextet(text.ptr[i]);
        if (value < 0)
            return -1;
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFFF;
        if (i % 4 != 0)
            out[n++] = (char)(bits >> (6 - i % 4 * 2) & 0xFF);
    }
    *len = n;
    return 0;
}

/* ---- claims ---- */

/* The claims of a JWT, to be ended by delete_secret; NULL for an opaque token. */
static cJSON *read_claims(struct span bearer)
{
    struct span rest = bearer, header, payload, signature;
    cJSON *claims = NULL;
    char *bytes;
    size_t len;

    if (span_cut(&rest, '.', &header) != 1 || span_cut(&rest, '.', &payload) != 1 ||
        span_cut(&rest, '.', &signature) != 1 || rest.ptr)
        return NULL;
    bytes = mem_array(payload.len + 1, 1);
    if (decode(payload, bytes, &len) == 0)
        claims = cJSON_ParseWithLength(bytes, len);
    explicit_bzero(bytes, payload.len);
    free(bytes);
    if (claims && !cJSON_IsObject(claims)) {
        delete_secret(claims);
        return NULL;
    }
    return claims;
}

enum naming { NAMES_NONE, NAMES_THIS, NAMES_OTHER };

static enum naming judge_digits(const char *text, int64_t account)
{
    char wanted[24];

    if (!text[0] || text[strspn(text, "0123456789")])
        return NAMES_NONE; /* a uid can also be "TN-...:key": no account's number */
    while (text[0] == '0' && text[1])
        text++;
    (void)snprintf(wanted, sizeof wanted, "%" PRId64, account);
    return strcmp(text, wanted) == 0 ? NAMES_THIS : NAMES_OTHER;
}

/* A JSON number arrives as a double. Beyond 2^53 several accounts share one: equal then means that nothing
 * can be told. */
static enum naming judge_claim(const cJSON *claim, int64_t account)
{
    if (cJSON_IsString(claim))
        return judge_digits(claim->valuestring, account);
    if (!cJSON_IsNumber(claim))
        return NAMES_NONE;
    if (claim->valuedouble != (double)account)
        return NAMES_OTHER;
    return account <= INT64_C(1) << 53 ? NAMES_THIS : NAMES_NONE;
}

static enum naming judge_account(const cJSON *claims, int64_t account)
{
    static const char *const names[] = {"aid", "account-id", "account_id", "uid"};
    enum naming all = NAMES_NONE, one;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        one = judge_claim(cJSON_GetObjectItemCaseSensitive(claims, names[i]), account);
        if (one == NAMES_OTHER)
            return one;
        if (one == NAMES_THIS)
            all = one;
    }
    return all;
}

/* ---- life ---- */

/* Seconds of a member as milliseconds; false when it is absent or no sensible number. */
static bool read_seconds(const cJSON *object, const char *name, int64_t *out_ms)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item) || !(item->valuedouble > 0 && item->valuedouble < 1e12))
        return false;
    *out_ms = (int64_t)(item->valuedouble * 1000);
    return true;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Life left by the claims, 0 when they do not tell, negative when it is over. iat shortens it where our clock
 * is behind, and stands in where our clock says that a token made just now has ended already. */
static int64_t claimed_life(const cJSON *claims, int64_t wall_ms, bool just_made)
{
    int64_t exp_ms, iat_ms, life_ms, whole_ms;

    if (!read_seconds(claims, "exp", &exp_ms))
        return 0;
    life_ms = exp_ms > wall_ms ? exp_ms - wall_ms : -1;
    if (read_seconds(claims, "iat", &iat_ms) && exp_ms > iat_ms) {
        whole_ms = exp_ms - iat_ms;
        life_ms = life_ms < 0 && just_made ? whole_ms : least(life_ms, whole_ms);
    }
    return least(life_ms, LIFE_MOST_MS);
}

/* ---- the checks ---- */

/* The bearer goes into a header line: visible ASCII only (RFC 6750 allows less still). */
static bool is_bearer(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7E)
            return false;
    return text.len > 0;
}

/* `just_made`: a token that has ended by our clock is the fault of that clock. */
static enum api_token_result check(const struct api_token_ask *ask, struct span bearer, bool just_made,
                                   struct api_token *out)
{
    enum naming naming = NAMES_NONE;
    cJSON *claims;

    *out = (struct api_token){.text = bearer};
    if (!is_bearer(bearer))
        return refuse(out, API_TOKEN_UNREADABLE, "the token is empty or holds characters no token has");
    claims = read_claims(bearer);
    if (claims) {
        naming = judge_account(claims, ask->account);
        out->life_ms = claimed_life(claims, ask->wall_ms, just_made);
    }
    delete_secret(claims);
    out->names_account = naming == NAMES_THIS;
    if (naming == NAMES_OTHER)
        return refuse(out, API_TOKEN_WRONG_ACCOUNT, "the token's claims name another account");
    out->ended = out->life_ms < 0;
    if (out->ended)
        return refuse(out, API_TOKEN_REFUSED, "the token has expired");
    return API_TOKEN_OK;
}

enum api_token_result api_token_check(const struct api_token_ask *ask, struct span bearer,
                                      struct api_token *out)
{
    return check(ask, bearer, false, out);
}

/* ---- the answer ---- */

static const char *find_bearer(const cJSON *root, const char *field)
{
    const char *const names[] = {field && field[0] ? field : "token", "access_token"};

    for (size_t i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, names[i]);
        if (cJSON_IsString(item) && item->valuestring[0])
            return item->valuestring;
    }
    return NULL;
}

static enum api_token_result read_tree(const struct api_token_ask *ask, const cJSON *root, bool just_made,
                                       struct buf *store, struct api_token *out)
{
    const char *bearer = find_bearer(root, ask->field);
    enum api_token_result result;
    int64_t life_ms;

    if (!bearer)
        return refuse(out, API_TOKEN_UNREADABLE, "the token answer holds no token under auth.token_field");
    buf_wipe(store);
    buf_add_text(store, bearer);
    if (store->full)
        return refuse(out, API_TOKEN_UNREADABLE, "the token is too long");
    result = check(ask, buf_span(store), just_made, out);
    if (result == API_TOKEN_OK && out->life_ms == 0 && read_seconds(root, "expires_in", &life_ms))
        out->life_ms = least(life_ms, LIFE_MOST_MS);
    return result;
}

static enum api_token_result read_success(const struct api_token_ask *ask, struct span body, bool just_made,
                                          struct buf *store, struct api_token *out)
{
    cJSON *root = body.len > 0 ? cJSON_ParseWithLength(body.ptr, body.len) : NULL;
    enum api_token_result result = read_tree(ask, root, just_made, store, out);

    delete_secret(root);
    return result;
}

enum api_token_result api_token_printed(const struct api_token_ask *ask, struct span output,
                                        struct buf *store, struct api_token *out)
{
    output = span_trim(output);
    *out = (struct api_token){.text = {"", 0}};
    if (output.len == 0)
        return refuse(out, API_TOKEN_UNREADABLE, "nothing was printed");
    if (output.ptr[0] == '{')
        return read_success(ask, output, false, store, out);
    if (memchr(output.ptr, '\n', output.len))
        return refuse(out, API_TOKEN_UNREADABLE, "more than one line was printed");
    buf_wipe(store);
    buf_add_span(store, output);
    if (store->full)
        return refuse(out, API_TOKEN_UNREADABLE, "the token is too long");
    return check(ask, buf_span(store), false, out);
}

/* A server may quote the key it refuses: of its words only those that are letters throughout are repeated. */
static void keep_plain_words(struct span words, struct buf *out)
{
    struct span part;

    while (!out->full && span_cut(&words, ' ', &part)) {
        bool plain = part.len > 0 && part.len <= 20;
        for (size_t i = 0; i < part.len && plain; i++)
            plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.,:;", part.ptr[i]) &&
                    part.ptr[i];
        buf_addf(out, " %.*s", plain ? (int)part.len : 3, plain ? part.ptr : "***");
    }
}

static enum api_token_result judge_status(int status)
{
    if (status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status <= 599))
        return API_TOKEN_TRANSIENT;
    if (status == 401 || status == 403 || status == 407)
        return API_TOKEN_REFUSED;
    if (status == 404 || status == 405) /* the route, not the account */
        return API_TOKEN_UNREADABLE;
    return status >= 400 && status <= 499 ? API_TOKEN_NO_ACCOUNT : API_TOKEN_UNREADABLE;
}

static enum api_token_result read_refusal(const struct api_answer *answer, struct api_token *out)
{
    struct buf words = {.cap = API_TEXT_CAP}, reason = {.cap = API_MESSAGE_SIZE - 1};

    buf_addf(&reason, "HTTP %d", answer->status);
    if (api_words(answer->body, &words) == WORDS_FOUND) {
        buf_add_char(&reason, ':');
        keep_plain_words(buf_span(&words), &reason);
    }
    (void)refuse(out, judge_status(answer->status), buf_text(&reason));
    buf_wipe(&words);
    buf_free(&words);
    buf_free(&reason);
    return judge_status(answer->status);
}

enum api_token_result api_token_broken(int status, struct api_token *out)
{
    struct buf reason = {.cap = API_MESSAGE_SIZE - 1};
    /* A proxy in trouble may answer in any form: only its status tells. */
    enum api_token_result result = status == 0 ? API_TOKEN_TRANSIENT : judge_status(status);

    if (status == 0)
        buf_add_text(&reason, "what came from the token host is no HTTP");
    else
        buf_addf(&reason, "HTTP %d: the answer is too long or broken", status);
    *out = (struct api_token){.text = {"", 0}};
    (void)refuse(out, result, buf_text(&reason));
    buf_free(&reason);
    return result;
}

enum api_token_result api_token_read(const struct api_token_ask *ask, const struct api_answer *answer,
                                     struct buf *store, struct api_token *out)
{
    *out = (struct api_token){.text = {"", 0}};
    switch (answer->end) {
    case API_NOT_SENT:
        return refuse(out, API_TOKEN_TRANSIENT, "no connection to the token host");
    case API_LOST:
        return refuse(out, API_TOKEN_TRANSIENT, "the token host did not answer");
    case API_TLS:
        return refuse(out, API_TOKEN_REFUSED, "TLS with the token host failed");
    case API_PROXY:
        return refuse(out, API_TOKEN_REFUSED, "the proxy refuses to lead to the token host");
    case API_ANSWERED:
        break;
    }
    if (answer->status < 200 || answer->status > 299)
        return read_refusal(answer, out);
    return read_success(ask, answer->body, !ask->server_time, store, out);
}
