/* The MAC is keyed once and started anew for each token: fetching and keying it costs more than the
 * hashing. */
#include "bearer.h"

#include "kit/clock.h"
#include "kit/json.h"
#include "b64url.h"
#include "jtree.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 64, MAC_SIZE = 64, TOKEN_CAP = 8192, MAC_TEXT = 86 /* of MAC_SIZE bytes in base64url */ };

struct bearer {
    int64_t ttl_s;
    EVP_MAC_CTX *mac;
    struct jtree tree;
    struct buf scratch;
    uint64_t minted;
};

static int broken(struct fail *fail)
{
    return fail_set(fail, FAIL_INTERNAL, "OpenSSL refuses HMAC-SHA512");
}

int bearer_open(struct bearer **out, int64_t ttl_s, struct fail *fail)
{
    unsigned char key[KEY_SIZE];
    char digest[] = "SHA512";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    struct bearer *bearer;

    EVP_MAC_free(mac);
    if (!context || RAND_bytes(key, sizeof(key)) != 1 ||
        EVP_MAC_init(context, key, sizeof(key), params) != 1) {
        EVP_MAC_CTX_free(context);
        return broken(fail);
    }
    OPENSSL_cleanse(key, sizeof(key));
    bearer = mem_alloc(sizeof(*bearer));
    bearer->ttl_s = ttl_s;
    bearer->mac = context;
    jtree_init(&bearer->tree);
    buf_init(&bearer->scratch, TOKEN_CAP);
    *out = bearer;
    return 0;
}

void bearer_close(struct bearer *bearer)
{
    if (!bearer)
        return;
    EVP_MAC_CTX_free(bearer->mac);
    jtree_free(&bearer->tree);
    buf_free(&bearer->scratch);
    free(bearer);
}

int64_t bearer_ttl_s(const struct bearer *bearer)
{
    return bearer->ttl_s;
}

static int sign(struct bearer *bearer, struct span text, unsigned char out[MAC_SIZE])
{
    size_t len = 0;

    if (EVP_MAC_init(bearer->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(bearer->mac, (const unsigned char *)text.ptr, text.len) != 1 ||
        EVP_MAC_final(bearer->mac, out, &len, MAC_SIZE) != 1)
        return -1;
    return len == MAC_SIZE ? 0 : -1;
}

static void add_text(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_text(json, value);
}

static void add_int(struct json *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void write_claims(struct bearer *bearer, const struct bearer_grant *grant, struct buf *out)
{
    int64_t now_s = clock_wall_ms() / 1000;
    struct buf text = {.cap = 256};
    struct json json;

    json_init(&json, out, false);
    json_object(&json);
    add_text(&json, "iss", "Passport");
    add_text(&json, "sub", grant->client);
    add_int(&json, "iat", now_s);
    add_int(&json, "exp", now_s + bearer->ttl_s);
    add_int(&json, "jti", (int64_t)++bearer->minted);
    if (grant->account) {
        buf_addf(&text, "%lld", (long long)grant->account);
        add_text(&json, "aid", buf_text(&text));
        add_text(&json, "account-id", buf_text(&text));
        buf_reset(&text);
    }
    buf_addf(&text, "%s:%s", grant->tenant, grant->client);
    add_text(&json, "uid", buf_text(&text));
    add_text(&json, "tkver", "1");
    add_text(&json, "tenant_id", grant->tenant);
    add_text(&json, "tenant", grant->tenant);
    add_text(&json, "token_type", grant->refresh ? "refresh" : "client_credentials");
    json_key(&json, "roles");
    json_array(&json);
    json_text(&json, "account-server");
    json_text(&json, "onboarding-server");
    json_end_array(&json);
    json_end_object(&json);
    buf_free(&text);
}

int bearer_mint(struct bearer *bearer, const struct bearer_grant *grant, struct buf *out, struct fail *fail)
{
    static const char header[] = "{\"alg\":\"HS512\",\"typ\":\"JWT\"}";
    unsigned char mac[MAC_SIZE];
    size_t start = out->len;

    buf_reset(&bearer->scratch);
    write_claims(bearer, grant, &bearer->scratch);
    b64url_add(out, header, sizeof(header) - 1);
    buf_add_char(out, '.');
    b64url_add(out, bearer->scratch.ptr, bearer->scratch.len);
    if (sign(bearer, (struct span){out->ptr + start, out->len - start}, mac) != 0)
        return broken(fail);
    buf_add_char(out, '.');
    b64url_add(out, mac, sizeof(mac));
    if (out->full || bearer->scratch.full)
        return fail_set(fail, FAIL_INTERNAL, "a token longer than %d bytes", TOKEN_CAP);
    return 0;
}

/* Cuts "Bearer " off; an empty span when it is another scheme. */
static struct span bearer_text(struct span authorization)
{
    if (authorization.len < 7 || !span_is_nocase((struct span){authorization.ptr, 7}, "Bearer "))
        return (struct span){NULL, 0};
    return span_trim((struct span){authorization.ptr + 7, authorization.len - 7});
}

/* The payload of a token with our signature; -1: not ours. */
static int open_token(struct bearer *bearer, struct span token, struct buf *payload)
{
    unsigned char mac[MAC_SIZE];
    struct span rest, part;
    struct buf text = {.cap = MAC_TEXT};
    int rc = -1;

    if (token.len <= MAC_TEXT + 1 || token.len > TOKEN_CAP || token.ptr[token.len - MAC_TEXT - 1] != '.')
        return -1;
    rest = (struct span){token.ptr, token.len - MAC_TEXT - 1};
    if (sign(bearer, rest, mac) != 0)
        return -1;
    b64url_add(&text, mac, sizeof(mac));
    if (text.len == MAC_TEXT && CRYPTO_memcmp(text.ptr, token.ptr + rest.len + 1, MAC_TEXT) == 0 &&
        span_cut(&rest, '.', &part) == 1 && rest.ptr)
        rc = b64url_decode(rest, payload);
    buf_free(&text);
    return rc;
}

enum bearer_state bearer_check(struct bearer *bearer, struct span authorization, int64_t *account)
{
    struct span token = authorization.ptr ? bearer_text(authorization) : authorization;
    const struct jtree_node *claims, *expiry, *kind, *aid;
    int64_t exp_s = 0;

    if (!token.ptr)
        return BEARER_MISSING;
    buf_reset(&bearer->scratch);
    if (open_token(bearer, token, &bearer->scratch) != 0)
        return BEARER_UNKNOWN;
    claims = jtree_read(&bearer->tree, buf_span(&bearer->scratch));
    assert(claims); /* it bears our signature */
    expiry = jtree_member(&bearer->tree, claims, "exp");
    kind = jtree_member(&bearer->tree, claims, "token_type");
    aid = jtree_member(&bearer->tree, claims, "aid");
    assert(expiry && kind);
    if (!span_is(kind->text, "client_credentials"))
        return BEARER_UNKNOWN;
    *account = 0;
    if (span_to_id(expiry->text, &exp_s) != 0 || (aid && span_to_id(aid->text, account) != 0))
        return BEARER_UNKNOWN;
    return clock_wall_ms() / 1000 < exp_s ? BEARER_OK : BEARER_EXPIRED;
}
