/* http_identity: keys and certificates made by a test, in a folder of its own, and a server that shows them.
 *
 * identity_begin() makes the folder, identity_end() removes it with all that is in it. NAME.pem and NAME.key
 * are an identity's files. */
#ifndef TESTS_HTTP_IDENTITY_H
#define TESTS_HTTP_IDENTITY_H

#include "http_client.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char folder[64];

static inline void identity_begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/ctp-test-XXXXXX");
    if (!mkdtemp(folder))
        abort();
}

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static inline void file_name(char out[200], const char *name)
{
    (void)snprintf(out, 200, "%s/%s", folder, name);
}

static inline void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* `san` NULL: a CA. The certificate is valid from a day before to `days` after today. */
static inline struct identity make_identity(const char *name, const char *san, int days,
                                            const struct identity *issuer)
{
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    static long serial = 1;

    assert_true(made.key && made.cert);
    assert_int_equal(X509_set_version(made.cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial++), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made.cert), -10L * 86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made.cert), days * 86400L));
    assert_int_equal(X509_set_pubkey(made.cert, made.key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(
        X509_set_issuer_name(made.cert, X509_get_subject_name(issuer ? issuer->cert : made.cert)), 1);
    extend(made.cert, issuer ? issuer->cert : made.cert, NID_basic_constraints,
           san ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (san)
        extend(made.cert, issuer ? issuer->cert : made.cert, NID_subject_alt_name, san);
    assert_true(X509_sign(made.cert, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

/* name.pem and name.key, the latter encrypted when there is a passphrase. */
static inline void save(const struct identity *identity, const char *name, char *passphrase)
{
    char path[200], file[64];
    FILE *out;

    (void)snprintf(file, sizeof file, "%s.pem", name);
    file_name(path, file);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, identity->cert), 1);
    assert_int_equal(fclose(out), 0);
    (void)snprintf(file, sizeof file, "%s.key", name);
    file_name(path, file);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, identity->key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0,
                                          NULL, passphrase),
                     1);
    assert_int_equal(fclose(out), 0);
}

static inline void drop(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->cert);
}

static inline int identity_end(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[sizeof folder + 256];

    if (!dir)
        return -1;
    while ((entry = readdir(dir))) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    (void)closedir(dir);
    return rmdir(folder);
}

/* A CA ("ca") and a server ("server") that it vouches for. */
static inline void make_server(const char *san)
{
    struct identity ca, made;

    identity_begin();
    ca = make_identity("Example Test CA", NULL, 10, NULL);
    save(&ca, "ca", NULL);
    made = make_identity("server", san, 10, &ca);
    save(&made, "server", NULL);
    drop(&made);
    drop(&ca);
}

/* A group's set-up: a server of 127.0.0.1. */
static inline int identity_of_server(void **state)
{
    (void)state;
    make_server("IP:127.0.0.1");
    return 0;
}

static inline int identity_of_nobody(void **state)
{
    (void)state;
    return identity_end();
}

/* Makes `at` speak TLS as that identity. `client_ca`: it asks for a certificate and insists on it. */
static inline void give_identity(struct server *at, const char *name, bool client_ca)
{
    char path[200], file[64];
    struct ssl_functions *ssl = &at->ssl;

    if (!server_ssl(at))
        skip();
    at->tls = ssl->SSL_CTX_new(ssl->TLS_server_method());
    assert_non_null(at->tls);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    file_name(path, file);
    assert_int_equal(ssl->SSL_CTX_use_certificate_file(at->tls, path, SSL_FILETYPE_PEM), 1);
    (void)snprintf(file, sizeof file, "%s.key", name);
    file_name(path, file);
    assert_int_equal(ssl->SSL_CTX_use_PrivateKey_file(at->tls, path, SSL_FILETYPE_PEM), 1);
    if (!client_ca)
        return;
    file_name(path, "ca.pem");
    assert_int_equal(ssl->SSL_CTX_load_verify_locations(at->tls, path, NULL), 1);
    ssl->SSL_CTX_set_verify(at->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* Starts `server`. `version`: the only one it speaks, 0: any. */
static inline void serve(const char *name, bool client_ca, int version, script_fn script, const char *text)
{
    give_identity(&server, name, client_ca);
    if (version) {
        (void)server.ssl.SSL_CTX_ctrl(server.tls, SSL_CTRL_SET_MIN_PROTO_VERSION, version, NULL);
        (void)server.ssl.SSL_CTX_ctrl(server.tls, SSL_CTRL_SET_MAX_PROTO_VERSION, version, NULL);
    }
    server_start(&server, script, text);
}

#endif
