/* mint: the requests of openid and oauth2, what each method lacks, and the token host's clock. */
#include "work/mint.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* Tue, 14 Nov 2023 22:13:20 GMT */
#define WALL_MS INT64_C(1700000000000)

static char pem[4096];

static int make_key(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = scratch_open(state);

    if (!key || !bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        BIO_read(bio, pem, sizeof pem - 1) < 1000)
        rc = -1;
    BIO_free(bio);
    EVP_PKEY_free(key);
    return rc;
}

static struct mint_options options_of(enum mint_method method)
{
    return (struct mint_options){.method = method,
                                 .url = "https://auth.example.com/passport",
                                 .server_key = "key-1",
                                 .server_secret = "s&1",
                                 .scope = "pismo-v1:cards:rw",
                                 .private_key = span_of(pem),
                                 .private_key_file = "key.pem",
                                 .issuer = "issuer.example",
                                 .subject = "subject-1",
                                 .audience = "passport.example",
                                 .assertion_field = "token",
                                 .assertion_life_ms = 3600000,
                                 .tenant = "TN-1",
                                 .command = "true",
                                 .concurrency = 1,
                                 .timeout_ms = 30000};
}

static struct mint *opened(const struct mint_options *options)
{
    struct mint *mint = NULL;
    struct fail fail;

    if (mint_open(&mint, options, &fail) != 0)
        fail_msg("%s", fail.text);
    return mint;
}

/* The claims of the assertion in {"<field>":"<assertion>"}. */
static const char *claims_of(struct span body)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static char out[1024];
    const char *at = memchr(body.ptr, '.', body.len), *letter;
    unsigned bits = 0, have = 0;
    size_t n = 0;

    assert_non_null(at);
    for (at++; (letter = strchr(letters, *at)) && *letter; at++) {
        bits = bits << 6 | (unsigned)(letter - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xFF);
        }
    }
    assert_int_equal(*at, '.');
    out[n] = '\0';
    return out;
}

static const char *requested_claims(struct mint *mint, int64_t wall_ms)
{
    struct http_request request;
    struct fail fail;

    assert_int_equal(mint_request(mint, 22, wall_ms, &request, &fail), 0);
    return claims_of(request.body);
}

/* ---- requests ---- */

static void the_openid_request_holds_one_signed_string(void **state)
{
    struct mint_options options = options_of(MINT_OPENID);
    struct http_request request;
    struct mint *mint;
    struct fail fail;

    (void)state;
    options.assertion_field = "jwt_string";
    options.assertion_life_ms = 300000;
    mint = opened(&options);
    assert_int_equal(mint_way(mint), MINT_BY_REQUEST);
    assert_string_equal(mint_source(mint), "the token host");
    assert_int_equal(mint_request(mint, INT64_C(9007199254740993), WALL_MS, &request, &fail), 0);
    assert_string_equal(request.url, "https://auth.example.com/passport/v1/oauth2/token");
    assert_true(span_is(request.headers[0], "Content-Type: application/json"));
    assert_true(request.secret);
    assert_memory_equal(request.body.ptr, "{\"jwt_string\":\"eyJhbGciOiJSUzI1NiJ9.", 36);
    assert_string_equal(
        claims_of(request.body),
        "{\"iss\":\"issuer.example\",\"sub\":\"subject-1\",\"aud\":\"passport.example\","
        "\"iat\":1699999995,\"exp\":1700000295,\"tenant_id\":\"TN-1\",\"uid\":\"9007199254740993\"}");
    mint_close(mint);
}

static void the_oauth2_request_is_a_form(void **state)
{
    const struct mint_options options = options_of(MINT_OAUTH2);
    struct mint *mint = opened(&options);
    struct http_request request;
    struct fail fail;

    (void)state;
    assert_int_equal(mint_request(mint, 22, WALL_MS, &request, &fail), 0);
    assert_string_equal(request.url, "https://auth.example.com/passport/v2/oauth/token");
    assert_int_equal(request.header_count, 2);
    assert_true(span_is(request.headers[0], "Content-Type: application/x-www-form-urlencoded"));
    assert_true(span_is(request.headers[1], "Accept: application/json"));
    assert_true(span_is(request.body,
                        "grant_type=client_credentials&client_id=key-1&client_secret_string=s%261"
                        "&scope=pismo-v1%3Acards%3Arw&uid=22"));
    assert_true(request.secret);
    mint_close(mint);
}

static void a_template_comes_from_its_file(void **state)
{
    struct mint_options options = options_of(MINT_OPENID);
    struct mint *mint;

    (void)state;
    options.claims_file = scratch_write("claims.json", SPAN("{\"account_id\":\"{account_id:number}\"}"));
    mint = opened(&options);
    assert_non_null(strstr(requested_claims(mint, WALL_MS), ",\"account_id\":22}"));
    mint_close(mint);
}

/* ---- what is lacking ---- */

static void refused(struct mint_options options, const char *words)
{
    struct mint *mint = NULL;
    struct fail fail;

    assert_int_equal(mint_open(&mint, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, words);
}

static void each_method_names_what_it_lacks(void **state)
{
    struct mint_options options = options_of(MINT_OPENID);

    (void)state;
    options.url = NULL;
    refused(options, "auth.url is not set: the passport's base URL (--auth-url)");
    options = options_of(MINT_OPENID);
    options.private_key_file = "";
    refused(options, "auth.method = openid needs auth.private_key_file");
    options = options_of(MINT_OPENID);
    options.private_key = SPAN("no key");
    refused(options, "key.pem: holds no private key in PEM form");
    options = options_of(MINT_OPENID);
    options.assertion_field = "";
    refused(options, "auth.method = openid needs auth.assertion_field");
    options = options_of(MINT_OPENID);
    options.audience = "";
    refused(options, "auth.method = openid needs auth.audience (or 'aud' in auth.claims_file)");
    options = options_of(MINT_OPENID);
    options.claims_file = "/nowhere/claims.json";
    refused(options, "/nowhere/claims.json: cannot open the claims template: No such file or directory");
    options = options_of(MINT_OAUTH2);
    options.server_secret = "";
    refused(options,
            "auth.method = oauth2 needs a server key and secret: set auth.server_key_file and "
            "auth.server_secret_file, or CTP_ENROLL_AUTH_SERVER_KEY and CTP_ENROLL_AUTH_SERVER_SECRET "
            "in the environment");
    options = options_of(MINT_COMMAND);
    options.command = "";
    refused(options, "auth.method = command needs auth.command");
}

/* ---- the token host's clock ---- */

/* {"alg":"none"}.{"aid":"22","exp":1700000600}, without iat: only the clock tells its life. */
#define JWT "{\"token\":\"eyJhbGciOiJub25lIn0.eyJhaWQiOiIyMiIsImV4cCI6MTcwMDAwMDYwMH0.c2ln\"}"

static int64_t life_by(struct mint *mint, const char *date, int64_t wall_ms)
{
    const struct http_reply reply = {
        .end = HTTP_ANSWERED, .status = 200, .body = SPAN(JWT), .date = span_of(date), .started_ms = 1000};
    struct api_token token;

    assert_int_equal(mint_read(mint, 22, &reply, wall_ms, &token), API_TOKEN_OK);
    return token.life_ms;
}

static void lives_are_told_by_the_hosts_clock(void **state)
{
    const struct mint_options options = options_of(MINT_S2S);
    struct mint *mint = opened(&options);

    (void)state;
    assert_int_equal(life_by(mint, "", WALL_MS), 600000);
    /* Agreeing but for the second that Date leaves open: ours, which has milliseconds. */
    assert_int_equal(life_by(mint, "Tue, 14 Nov 2023 22:13:20 GMT", WALL_MS + 900), 599100);
    assert_int_equal(life_by(mint, "Tue, 14 Nov 2023 22:13:20 GMT", WALL_MS + 1999), 598001);
    /* Ours is a minute behind, or a minute ahead. */
    assert_int_equal(life_by(mint, "Tue, 14 Nov 2023 22:14:20 GMT", WALL_MS), 540000);
    assert_int_equal(life_by(mint, "Tue, 14 Nov 2023 22:13:20 GMT", WALL_MS + 60000), 600000);
    /* Ours says that it has ended, the host knows better. */
    assert_int_equal(life_by(mint, "Tue, 14 Nov 2023 22:13:20 GMT", WALL_MS + 3600000), 600000);
    mint_close(mint);
}

static void an_absurd_date_is_ignored(void **state)
{
    static const char *const dates[] = {
        "Thu, 01 Jan 1970 00:00:00 GMT", "Tue, 14 Nov 2023 08:00:00 GMT", /* more than twelve hours off */
        "Wed, 15 Nov 2023 12:00:00 GMT", "1700000000",
        "2023-11-14T22:13:20Z",          "Tue, 14 Nov 2023 22:33:20 GMT", /* by it the new token has ended */
    };
    const struct mint_options options = options_of(MINT_S2S);
    struct mint *mint = opened(&options);

    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_int_equal(life_by(mint, dates[i], WALL_MS), 600000);
    mint_close(mint);
}

static enum api_token_result refusal_by(struct mint *mint, const char *date, int64_t started_ms)
{
    const struct http_reply reply = {.end = HTTP_ANSWERED,
                                     .status = 401,
                                     .body = SPAN("{\"message\":\"Unauthorized\"}"),
                                     .date = span_of(date),
                                     .started_ms = started_ms,
                                     .elapsed_us = 20000};
    struct api_token token;

    return mint_read(mint, 22, &reply, WALL_MS, &token);
}

/* Our clock is ten minutes ahead: the first refusal is its fault, the next ones are not. */
static void assertions_are_dated_by_the_hosts_clock(void **state)
{
    const struct mint_options options = options_of(MINT_OPENID);
    struct mint *mint = opened(&options);

    (void)state;
    assert_non_null(strstr(requested_claims(mint, WALL_MS), "\"iat\":1699999995,\"exp\":1700003595"));
    assert_int_equal(refusal_by(mint, "Tue, 14 Nov 2023 22:03:20 GMT", 1000), API_TOKEN_TRANSIENT);
    assert_non_null(strstr(requested_claims(mint, WALL_MS), "\"iat\":1699999395,\"exp\":1700002995"));
    assert_int_equal(refusal_by(mint, "Tue, 14 Nov 2023 22:03:20 GMT", 1010),
                     API_TOKEN_TRANSIENT); /* left before */
    assert_int_equal(refusal_by(mint, "Tue, 14 Nov 2023 22:03:20 GMT", 1021), API_TOKEN_REFUSED);
    mint_close(mint);
}

/* Hosts that disagree with each other do not hide a refusal for ever. */
static void a_clock_that_jumps_is_followed_five_times(void **state)
{
    const struct mint_options options = options_of(MINT_OPENID);
    struct mint *mint = opened(&options);
    int refused_at = 0;

    (void)state;
    for (int i = 1; i <= 20 && !refused_at; i++)
        if (refusal_by(mint, i % 2 ? "Tue, 14 Nov 2023 22:03:20 GMT" : "Tue, 14 Nov 2023 22:13:20 GMT",
                       i * 1000) == API_TOKEN_REFUSED)
            refused_at = i;
    assert_int_equal(refused_at, 6);
    mint_close(mint);
}

static void a_refusal_with_our_time_is_one(void **state)
{
    const struct mint_options openid = options_of(MINT_OPENID), s2s = options_of(MINT_S2S);
    struct mint *mint = opened(&openid);

    (void)state;
    assert_int_equal(refusal_by(mint, "Tue, 14 Nov 2023 22:13:19 GMT", 1000), API_TOKEN_REFUSED);
    assert_int_equal(refusal_by(mint, "", 1000), API_TOKEN_REFUSED);
    assert_int_equal(refusal_by(mint, "Wed, 15 Nov 2023 22:13:20 GMT", 1000), API_TOKEN_REFUSED);
    assert_int_equal(refusal_by(mint, "Mon, 13 Nov 2023 22:13:20 GMT", 1000), API_TOKEN_REFUSED);
    mint_close(mint);
    mint = opened(&s2s); /* nothing in its request has a time */
    assert_int_equal(refusal_by(mint, "Tue, 14 Nov 2023 22:03:20 GMT", 1000), API_TOKEN_REFUSED);
    mint_close(mint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_openid_request_holds_one_signed_string),
        cmocka_unit_test(the_oauth2_request_is_a_form),
        cmocka_unit_test(a_template_comes_from_its_file),
        cmocka_unit_test(each_method_names_what_it_lacks),
        cmocka_unit_test(lives_are_told_by_the_hosts_clock),
        cmocka_unit_test(an_absurd_date_is_ignored),
        cmocka_unit_test(assertions_are_dated_by_the_hosts_clock),
        cmocka_unit_test(a_clock_that_jumps_is_followed_five_times),
        cmocka_unit_test(a_refusal_with_our_time_is_one),
    };

    return cmocka_run_group_tests_name("mint methods", tests, make_key, scratch_close);
}
