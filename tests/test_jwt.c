/* jwt: signatures that OpenSSL verifies with the public key, and keys that are refused. */
#include "driver/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

static EVP_PKEY *rsa; /* 2048 bits */

static int make_key(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    return rsa ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    return 0;
}

/* The key as PEM, borrowed until the next call; a passphrase encrypts it. */
static struct span pem_of(EVP_PKEY *key, const char *passphrase)
{
    static char pem[8192];
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, NULL, 0,
                                                   NULL, (void *)(uintptr_t)passphrase),
                     1);
    len = BIO_read(bio, pem, sizeof pem - 1);
    assert_in_range(len, 100, sizeof pem - 1);
    BIO_free(bio);
    return (struct span){pem, (size_t)len};
}

static size_t decode(struct span text, unsigned char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, have = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at = strchr(letters, text.ptr[i]);
        assert_non_null(at);
        bits = bits << 6 | (unsigned)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return n;
}

static void verify(struct span token, const char *claims)
{
    struct span rest = token, part[3];
    unsigned char signature[512], text[512];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len;

    for (int i = 0; i < 3; i++)
        assert_int_equal(span_cut(&rest, '.', &part[i]), 1);
    assert_null(rest.ptr);
    assert_true(span_is(part[0], "eyJhbGciOiJSUzI1NiJ9")); /* {"alg":"RS256"} */
    len = decode(part[1], text);
    assert_true(span_is((struct span){(char *)text, len}, claims));
    len = decode(part[2], signature);
    assert_int_equal(len, 256);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, len, (const unsigned char *)token.ptr,
                                      part[0].len + 1 + part[1].len),
                     1);
    EVP_MD_CTX_free(context);
}

/* Claims of each length modulo three; a token behind others; the same key again and again. */
static void tokens_verify(void **state)
{
    static const char *const claims[] = {"{}", "{\"a\":1}", "{\"sub\":\"x\"}", "{\"sub\":\"xy~\xC3\xA9\"}"};
    struct jwt *jwt = NULL;
    struct fail fail;
    struct buf out;

    (void)state;
    assert_int_equal(jwt_open(&jwt, pem_of(rsa, NULL), "key.pem", &fail), 0);
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        buf_reset(&out);
        buf_add_text(&out, "before ");
        assert_int_equal(jwt_sign(jwt, span_of(claims[i]), &out, &fail), 0);
        verify((struct span){out.ptr + 7, out.len - 7}, claims[i]);
    }
    buf_free(&out);
    jwt_close(jwt);
}

static void the_older_form_of_a_key_will_do(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct jwt *jwt = NULL;
    struct fail fail;
    char pem[4096];
    int len;

    (void)state;
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, rsa, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_read(bio, pem, sizeof pem);
    assert_memory_equal(pem, "-----BEGIN RSA PRIVATE KEY-----", 31);
    assert_int_equal(jwt_open(&jwt, (struct span){pem, (size_t)len}, "key.pem", &fail), 0);
    jwt_close(jwt);
    BIO_free(bio);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct jwt *jwt = NULL;
    struct fail fail;
    struct buf out;

    (void)state;
    assert_int_equal(jwt_open(&jwt, pem_of(rsa, NULL), "key.pem", &fail), 0);
    buf_init(&out, 300); /* header, claims and the signature's 342 letters */
    assert_int_equal(jwt_sign(jwt, SPAN("{}"), &out, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INTERNAL);
    buf_free(&out);
    jwt_close(jwt);
}

static void refused(struct span pem, const char *words)
{
    struct jwt *jwt = NULL;
    struct fail fail;

    assert_int_equal(jwt_open(&jwt, pem, "key.pem", &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, words);
    assert_null(jwt);
}

static void keys_that_are_refused(void **state)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char public[1024];
    int len;

    (void)state;
    refused(pem_of(rsa, "passphrase"),
            "key.pem: the private key is encrypted, and there is nobody to ask for a passphrase; decrypt it "
            "into a file of mode 0600 (openssl pkey -in KEY -out FILE)");
    refused(pem_of(small, NULL), "key.pem: the RSA key has 1024 bits; it must have 2048 to 16384");
    refused(pem_of(ec, NULL), "key.pem: the private key is no RSA key, which RS256 needs");
    assert_int_equal(PEM_write_bio_PUBKEY(bio, rsa), 1);
    len = BIO_read(bio, public, sizeof public);
    refused((struct span){public, (size_t)len}, "key.pem: holds no private key in PEM form");
    refused(SPAN(""), "key.pem: holds no private key in PEM form");
    refused((struct span){pem_of(rsa, NULL).ptr, 400}, "key.pem: holds no private key in PEM form");
    BIO_free(bio);
    EVP_PKEY_free(small);
    EVP_PKEY_free(ec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_verify),
        cmocka_unit_test(the_older_form_of_a_key_will_do),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(keys_that_are_refused),
    };

    return cmocka_run_group_tests_name("jwt", tests, make_key, free_key);
}
