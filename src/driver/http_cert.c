/* Certificates are looked at before the first connection, because what is wrong with them then shows as a
 * failed handshake whose words tell little, and only after the input has been loaded. */
#include "http_impl.h"

#include "kit/clock.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* Else OpenSSL asks the terminal. */
static int no_passphrase(char *into, int size, int writing, void *userp)
{
    (void)into, (void)size, (void)writing, (void)userp;
    return -1;
}

static X509 *read_certificate(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file ? PEM_read_bio_X509_AUX(file, NULL, no_passphrase, NULL) : NULL;

    BIO_free(file);
    ERR_clear_error(); /* libcurl reads the same queue */
    return certificate;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;

    BIO_free(file);
    ERR_clear_error();
    return key;
}

/* Wall-clock milliseconds, -1 for a time that cannot be read. */
static int64_t time_of(const ASN1_TIME *time)
{
    struct tm utc;

    if (ASN1_TIME_to_tm(time, &utc) != 1)
        return -1;
    return (clock_days(utc.tm_year + 1900, (unsigned)utc.tm_mon + 1, (unsigned)utc.tm_mday) * 86400 +
            utc.tm_hour * 3600 + utc.tm_min * 60 + utc.tm_sec) *
           1000;
}

static int check_times(const X509 *certificate, const char *path, int64_t wall_ms, int64_t *end_ms,
                       struct fail *fail)
{
    int64_t begin_ms = time_of(X509_get0_notBefore(certificate));
    char text[CLOCK_TEXT_SIZE];

    *end_ms = time_of(X509_get0_notAfter(certificate));
    if (begin_ms < 0 || *end_ms < 0)
        return fail_set(fail, FAIL_USAGE, "client certificate %s: its period of validity cannot be read",
                        path);
    if (begin_ms > wall_ms)
        return fail_set(fail, FAIL_USAGE, "client certificate %s: not valid before %s", path,
                        clock_format(begin_ms, text));
    if (*end_ms < wall_ms)
        return fail_set(fail, FAIL_USAGE, "client certificate %s: expired on %s", path,
                        clock_format(*end_ms, text));
    return 0;
}

static int check_key(const X509 *certificate, const char *cert_file, const char *key_file, struct fail *fail)
{
    EVP_PKEY *key = read_key(key_file);
    bool fits = key && X509_check_private_key(certificate, key) == 1;
    bool there = key != NULL;

    EVP_PKEY_free(key);
    ERR_clear_error();
    if (!there)
        return fail_set(
            fail, FAIL_USAGE,
            "private key %s: no PEM private key can be read from it (one with a passphrase must be "
            "decrypted first)",
            key_file);
    if (!fits)
        return fail_set(fail, FAIL_USAGE, "private key %s: belongs to another certificate than %s", key_file,
                        cert_file);
    return 0;
}

int http_cert_check_ca(const char *path, struct fail *fail)
{
    X509 *first = read_certificate(path);
    bool there = first != NULL;

    X509_free(first);
    return there ? 0 : fail_set(fail, FAIL_USAGE, "CA file %s: no PEM certificate in it", path);
}

int http_cert_check_client(const char *cert_file, const char *key_file, int64_t wall_ms, int64_t *end_ms,
                           struct fail *fail)
{
    X509 *certificate = read_certificate(cert_file);
    int64_t until_ms;
    int rc;

    if (!certificate)
        return fail_set(fail, FAIL_USAGE, "client certificate %s: no PEM certificate in it", cert_file);
    rc = check_key(certificate, cert_file, key_file, fail);
    if (rc == 0)
        rc = check_times(certificate, cert_file, wall_ms, &until_ms, fail);
    if (rc == 0)
        *end_ms = until_ms;
    X509_free(certificate);
    return rc;
}
