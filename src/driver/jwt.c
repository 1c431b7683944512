/* OpenSSL's errors stay in a queue of the thread, where they would be taken for those of the next TLS call:
 * the queue is emptied after each failure. */
#include "driver/jwt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

enum { BITS_LEAST = 2048, BITS_MOST = 16384, SIGNATURE_MOST = BITS_MOST / 8 };

struct jwt {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
};

/* Called for an encrypted key only: there is no passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int check_key(const EVP_PKEY *key, bool encrypted, const char *name, struct fail *fail)
{
    if (encrypted)
        return fail_set(fail, FAIL_USAGE,
                        "%s: the private key is encrypted, and there is nobody to ask for a passphrase; "
                        "decrypt it into a file of mode 0600 (openssl pkey -in KEY -out FILE)",
                        name);
    if (!key)
        return fail_set(fail, FAIL_USAGE, "%s: holds no private key in PEM form", name);
    if (!EVP_PKEY_is_a(key, "RSA"))
        return fail_set(fail, FAIL_USAGE, "%s: the private key is no RSA key, which RS256 needs", name);
    if (EVP_PKEY_get_bits(key) < BITS_LEAST || EVP_PKEY_get_bits(key) > BITS_MOST)
        return fail_set(fail, FAIL_USAGE, "%s: the RSA key has %d bits; it must have %d to %d", name,
                        EVP_PKEY_get_bits(key), BITS_LEAST, BITS_MOST);
    return 0;
}

int jwt_open(struct jwt **out, struct span pem, const char *name, struct fail *fail)
{
    BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.ptr : "", (int)pem.len);
    struct jwt *jwt = mem_alloc(sizeof *jwt);
    bool encrypted = false;
    int rc = -1;

    jwt->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted) : NULL;
    jwt->context = EVP_MD_CTX_new();
    BIO_free(bio);
    if (!jwt->context)
        (void)fail_set(fail, FAIL_INTERNAL, "OpenSSL has no memory");
    else
        rc = check_key(jwt->key, encrypted, name, fail);
    ERR_clear_error();
    if (rc != 0)
        jwt_close(jwt);
    else
        *out = jwt;
    return rc;
}

void jwt_close(struct jwt *jwt)
{
    if (!jwt)
        return;
    EVP_MD_CTX_free(jwt->context);
    EVP_PKEY_free(jwt->key);
    free(jwt);
}

/* base64url without padding (RFC 7515 section 2). */
static void add_base64url(struct buf *out, const unsigned char *bytes, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFFFF;
        for (count += 8; count >= 6; count -= 6)
            buf_add_char(out, letters[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        buf_add_char(out, letters[bits << (6 - count) & 63]);
}

int jwt_sign(struct jwt *jwt, struct span claims, struct buf *out, struct fail *fail)
{
    static const char header[] = "{\"alg\":\"RS256\"}";
    unsigned char signature[SIGNATURE_MOST];
    size_t start = out->len, len = sizeof signature;
    int done;

    add_base64url(out, (const unsigned char *)header, sizeof header - 1);
    buf_add_char(out, '.');
    add_base64url(out, (const unsigned char *)claims.ptr, claims.len);
    if (out->full)
        return fail_set(fail, FAIL_INTERNAL, "the claims are too long");
    done = EVP_DigestSignInit(jwt->context, NULL, EVP_sha256(), NULL, jwt->key) == 1 &&
           EVP_DigestSign(jwt->context, signature, &len, (const unsigned char *)out->ptr + start,
                          out->len - start) == 1;
    ERR_clear_error();
    if (!done)
        return fail_set(fail, FAIL_INTERNAL, "OpenSSL cannot sign with the private key");
    buf_add_char(out, '.');
    add_base64url(out, signature, len);
    return out->full ? fail_set(fail, FAIL_INTERNAL, "the claims are too long") : 0;
}
