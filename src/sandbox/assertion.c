#include "assertion.h"

#include "kit/clock.h"
#include "b64url.h"
#include "jtree.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIFE_MAX_S = 3600, PART_CAP = 16 * 1024 };

struct assertion {
    EVP_PKEY *key; /* NULL: unverified */
    struct jtree tree;
    struct buf header, claims, signature;
};

static int read_key(const char *path, EVP_PKEY **out, struct fail *fail)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return fail_set(fail, FAIL_USAGE, "%s: %s", path, strerror(errno));
    *out = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    (void)fclose(file);
    return *out ? 0 : fail_set(fail, FAIL_USAGE, "%s: no PEM public key", path);
}

int assertion_open(struct assertion **out, const char *key_file, struct fail *fail)
{
    struct assertion *assertion;
    EVP_PKEY *key = NULL;

    if (key_file && read_key(key_file, &key, fail) != 0)
        return -1;
    assertion = mem_alloc(sizeof(*assertion));
    assertion->key = key;
    jtree_init(&assertion->tree);
    buf_init(&assertion->header, PART_CAP);
    buf_init(&assertion->claims, PART_CAP);
    buf_init(&assertion->signature, PART_CAP);
    *out = assertion;
    return 0;
}

void assertion_close(struct assertion *assertion)
{
    if (!assertion)
        return;
    EVP_PKEY_free(assertion->key);
    jtree_free(&assertion->tree);
    buf_free(&assertion->header);
    buf_free(&assertion->claims);
    buf_free(&assertion->signature);
    free(assertion);
}

static bool is_signed(const struct assertion *assertion, struct span text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const struct buf *signature = &assertion->signature;
    bool good = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, assertion->key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)buf_text(signature), signature->len,
                                 (const unsigned char *)text.ptr, text.len) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

/* The text of a claim, whether written as a string or as a number; empty: missing. */
static struct span claim(const struct jtree *tree, const struct jtree_node *claims, const char *name)
{
    const struct jtree_node *node = jtree_member(tree, claims, name);

    if (!node || (node->type != JTREE_STRING && node->type != JTREE_NUMBER))
        return (struct span){"", 0};
    return node->text;
}

static const char *check_header(struct assertion *assertion)
{
    const struct jtree_node *header = jtree_read(&assertion->tree, buf_span(&assertion->header));

    if (!header || !span_is(claim(&assertion->tree, header, "alg"), "RS256"))
        return "the JWT's algorithm must be RS256";
    return NULL;
}

static const char *check_claims(struct assertion *assertion, int64_t *account)
{
    static const char *const needed[] = {"iss", "sub", "aud"};
    const struct jtree *tree = &assertion->tree;
    const struct jtree_node *claims = jtree_read(&assertion->tree, buf_span(&assertion->claims));
    int64_t now_s = clock_wall_ms() / 1000, iat_s, exp_s;
    struct span uid;

    if (!claims || claims->type != JTREE_OBJECT)
        return "the JWT's payload must be an object";
    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        if (claim(tree, claims, needed[i]).len == 0)
            return "the JWT needs iss, sub and aud";
    if (span_to_id(claim(tree, claims, "iat"), &iat_s) != 0 ||
        span_to_id(claim(tree, claims, "exp"), &exp_s) != 0)
        return "the JWT needs iat and exp";
    if (exp_s <= now_s || exp_s - iat_s > LIFE_MAX_S || iat_s > now_s + 60)
        return "the JWT has expired, or lives for more than an hour";
    uid = claim(tree, claims, "uid");
    if (uid.len == 0)
        uid = claim(tree, claims, "account_id");
    *account = 0;
    if (uid.len > 0 && span_to_id(uid, account) != 0)
        return "the JWT's uid must be an account's number";
    return NULL;
}

const char *assertion_check(struct assertion *assertion, struct span jwt, int64_t *account)
{
    struct span rest = jwt, header, claims;
    const char *fault;

    buf_reset(&assertion->header);
    buf_reset(&assertion->claims);
    buf_reset(&assertion->signature);
    if (span_cut(&rest, '.', &header) != 1 || span_cut(&rest, '.', &claims) != 1 || !rest.ptr ||
        b64url_decode(header, &assertion->header) != 0 || b64url_decode(claims, &assertion->claims) != 0 ||
        b64url_decode(rest, &assertion->signature) != 0)
        return "the value must be a JWT of three parts";
    fault = check_header(assertion);
    if (!fault && assertion->key &&
        !is_signed(assertion, (struct span){jwt.ptr, header.len + 1 + claims.len}))
        fault = "the JWT's signature does not verify";
    return fault ? fault : check_claims(assertion, account);
}
