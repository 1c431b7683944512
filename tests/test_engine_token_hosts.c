/* What a token host may do, for each method that asks one: how the run ends, in which state the rows stand,
 * and when. Two rows of one account; the fault is there from the first token request on. At the end: an
 * account in trouble among others. */
#include "engine_case.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { ALWAYS = 1000000 };

struct fault {
    const char *name;
    int times; /* token requests that meet the fault; after them all is well */
    enum http_end end;
    int status;
    const char *body, *retry_after, *date;
    int64_t after_ms;
    int64_t claims; /* a token that names this account and lives for life_ms, instead of the body */
    int64_t life_ms;
    int rc;
    const char *words;      /* of the failure */
    int64_t from_ms, to_ms; /* when the run is over */
};

#define TOKEN_OVER "{\"token\":\"e30.eyJhaWQiOiI3IiwiaWF0IjoxNzcyNDQ4MDAwLCJleHAiOjE3NzI0NDg2MDB9.s9\"}"
#define HTML "<html><body>Service unavailable</body></html>"

/* The clock stands at Mon, 02 Mar 2026 12:00:00 GMT; TOKEN_OVER ended fifty minutes before. */
static const struct fault faults[] = {
    {.name = "well", .rc = RUN_DONE, .to_ms = 500},
    {.name = "429 with Retry-After",
     .times = 1,
     .status = 429,
     .retry_after = "30",
     .rc = RUN_DONE,
     .from_ms = 30020,
     .to_ms = 32000},
    {.name = "429 with a date",
     .times = 1,
     .status = 429,
     .retry_after = "Mon, 02 Mar 2026 12:01:00 GMT",
     .rc = RUN_DONE,
     .from_ms = 60000,
     .to_ms = 62000},
    {.name = "429 without", .times = 3, .status = 429, .rc = RUN_DONE, .to_ms = 30000},
    {.name = "500", .times = 1, .status = 500, .rc = RUN_DONE, .to_ms = 3000},
    {.name = "503", .times = 2, .status = 503, .body = HTML, .rc = RUN_DONE, .to_ms = 30000},
    {.name = "502 in HTML", .times = 1, .status = 502, .body = HTML, .rc = RUN_DONE, .to_ms = 3000},
    {.name = "500 for ever",
     .times = ALWAYS,
     .status = 500,
     .rc = FAIL_REMOTE,
     .words = "breaker.limit",
     .from_ms = 1800000,
     .to_ms = 4200000},
    {.name = "no connection", .times = 1, .end = HTTP_NOT_SENT, .rc = RUN_DONE, .to_ms = 3000},
    {.name = "no answer",
     .times = 1,
     .end = HTTP_LOST,
     .after_ms = 30000,
     .rc = RUN_DONE,
     .from_ms = 30000,
     .to_ms = 32000},
    {.name = "hangs for ever",
     .times = ALWAYS,
     .end = HTTP_LOST,
     .after_ms = 30000,
     .rc = FAIL_REMOTE,
     .words = "breaker.limit",
     .from_ms = 1800000,
     .to_ms = 6000000},
    {.name = "no HTTP", .times = 1, .end = HTTP_BROKEN, .rc = RUN_DONE, .to_ms = 3000},
    {.name = "huge 502", .times = 1, .end = HTTP_BROKEN, .status = 502, .rc = RUN_DONE, .to_ms = 3000},
    {.name = "huge",
     .times = ALWAYS,
     .end = HTTP_BROKEN,
     .status = 200,
     .rc = FAIL_REMOTE,
     .words = "the token host's answer cannot be read: HTTP 200: the answer is too long or broken",
     .to_ms = 500},
    {.name = "HTML",
     .times = ALWAYS,
     .status = 200,
     .body = HTML,
     .rc = FAIL_REMOTE,
     .words = "the token host's answer cannot be read",
     .to_ms = 500},
    {.name = "redirect",
     .times = ALWAYS,
     .status = 302,
     .rc = FAIL_REMOTE,
     .words = "the token host's answer cannot be read: HTTP 302",
     .to_ms = 500},
    {.name = "empty",
     .times = ALWAYS,
     .status = 200,
     .body = "",
     .rc = FAIL_REMOTE,
     .words = "holds no token under auth.token_field",
     .to_ms = 500},
    {.name = "not JSON",
     .times = ALWAYS,
     .status = 200,
     .body = "token=abc",
     .rc = FAIL_REMOTE,
     .words = "holds no token under auth.token_field",
     .to_ms = 500},
    {.name = "no token in it",
     .times = ALWAYS,
     .status = 200,
     .body = "{\"token\":null}",
     .rc = FAIL_REMOTE,
     .words = "holds no token under auth.token_field",
     .to_ms = 500},
    {.name = "two lines in it",
     .times = ALWAYS,
     .status = 200,
     .body = "{\"token\":\"a\\r\\nb\"}",
     .rc = FAIL_REMOTE,
     .words = "characters no token has",
     .to_ms = 500},
    {.name = "wrong account",
     .times = ALWAYS,
     .claims = 8,
     .life_ms = 600000,
     .rc = FAIL_REMOTE,
     .words = "the token for account 7 is another account's",
     .to_ms = 500},
    {.name = "over by the host's clock",
     .times = ALWAYS,
     .status = 200,
     .body = TOKEN_OVER,
     .date = "Mon, 02 Mar 2026 12:00:00 GMT",
     .rc = FAIL_REMOTE,
     .words = "refuses the credentials: the token has expired",
     .to_ms = 500},
    {.name = "over by ours alone",
     .times = ALWAYS,
     .status = 200,
     .body = TOKEN_OVER,
     .date = "Mon, 02 Mar 2026 10:40:00 GMT",
     .rc = RUN_DONE,
     .to_ms = 500},
    {.name = "over, and no date",
     .times = ALWAYS,
     .status = 200,
     .body = TOKEN_OVER,
     .rc = RUN_DONE,
     .to_ms = 500},
    {.name = "no exp", .times = ALWAYS, .claims = 7, .rc = RUN_DONE, .to_ms = 500},
    {.name = "opaque, for a second",
     .times = ALWAYS,
     .status = 200,
     .body = "{\"access_token\":\"abc.s1\",\"token_type\":\"Bearer\",\"expires_in\":1}",
     .rc = RUN_DONE,
     .to_ms = 500},
    {.name = "401",
     .times = ALWAYS,
     .status = 401,
     .body = "{\"message\":\"Unauthorized\"}",
     .rc = FAIL_REMOTE,
     .words = "the token host refuses the credentials: HTTP 401: Unauthorized",
     .to_ms = 500},
    {.name = "403",
     .times = ALWAYS,
     .status = 403,
     .body = HTML,
     .rc = FAIL_REMOTE,
     .words = "the token host refuses the credentials: HTTP 403",
     .to_ms = 500},
    {.name = "400",
     .times = ALWAYS,
     .status = 400,
     .body = "{\"message\":\"account not found\"}",
     .rc = FAIL_REMOTE,
     .words = "no token: HTTP 400: account not found",
     .to_ms = 500},
    {.name = "404",
     .times = ALWAYS,
     .status = 404,
     .rc = FAIL_REMOTE,
     .words = "the token host's answer cannot be read: HTTP 404",
     .to_ms = 500},
    {.name = "TLS",
     .times = ALWAYS,
     .end = HTTP_TLS,
     .rc = FAIL_REMOTE,
     .words = "TLS with the token host failed",
     .to_ms = 500},
};

static void host(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct fault *fault = context;

    if (request->nth > fault->times)
        return;
    if (fault->claims) {
        fake_token(answer, fault->claims, fault->life_ms);
        return;
    }
    answer->end = fault->end;
    answer->status = fault->status;
    answer->body = fault->body ? fault->body : "{\"message\":\"no\"}";
    answer->retry_after = fault->retry_after ? fault->retry_after : "";
    answer->date = fault->date ? fault->date : "";
    if (fault->after_ms)
        answer->after_ms = fault->after_ms;
}

static void expect(struct rig *rig, const struct fault *fault)
{
    int rc;

    fake_serve(NULL, host, (void *)(uintptr_t)fault);
    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    rc = rig_run(rig);
    if (rc != fault->rc)
        fail_msg("%s: the run ended with %d: %s", fault->name, rc, rig->fail.text);
    if (fault->words && !strstr(rig->fail.text, fault->words))
        fail_msg("%s: %s", fault->name, rig->fail.text);
    if (fake_now_ms() < fault->from_ms || fake_now_ms() > fault->to_ms)
        fail_msg("%s: over at %lld ms", fault->name, (long long)fake_now_ms());
    for (int64_t card = 1; card <= 2; card++)
        rig_expect(rig, card, rc == RUN_DONE ? "accepted" : "ready", rc == RUN_DONE ? 1 : 0);
    assert_int_equal(fake_count(false), rc == RUN_DONE ? 2 : 0);
}

static const char *key_pem(void)
{
    static char pem[4096];
    EVP_PKEY *key;
    BIO *bio;

    if (pem[0])
        return pem;
    key = EVP_RSA_gen(2048);
    bio = BIO_new(BIO_s_mem());
    assert_non_null(key);
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_in_range(BIO_read(bio, pem, sizeof pem - 1), 1000, 3000);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return pem;
}

static void try_all(enum mint_method method)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        void *state;
        struct rig *rig;
        assert_int_equal(rig_open(&state), 0);
        rig = state;
        rig->minting.method = method;
        rig->minting.private_key = span_of(key_pem());
        rig->minting.private_key_file = "key.pem";
        rig->minting.issuer = rig->minting.subject = rig->minting.audience = "x.example";
        rig->minting.assertion_field = "token";
        rig->minting.assertion_life_ms = 3600000;
        expect(rig, &faults[i]);
        assert_int_equal(rig_close(&state), 0);
    }
}

static void s2s(void **state)
{
    (void)state;
    try_all(MINT_S2S);
}

static void openid(void **state)
{
    (void)state;
    try_all(MINT_OPENID);
}

static void oauth2(void **state)
{
    (void)state;
    try_all(MINT_OAUTH2);
}

/* The rows of an account that can have no token for now do not stand in the way of the others. */
static void no_token_now(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->account != 7 || fake_now_ms() > 300000)
        return;
    answer->status = 500;
    answer->body = "";
}

static void expect_others_done(struct rig *rig, int accepted, int64_t by_ms)
{
    fake_serve(NULL, no_token_now, NULL);
    rig->options.pace.rate = rig->options.pace.burst = 50;
    rig_cards(rig, 1, 40, 7);
    rig_cards(rig, 10001, 2000, 8);
    for (int64_t account = 9; account < 109; account++)
        rig_cards(rig, 20000 + account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), accepted);
    assert_int_equal(rig_number(rig, "SELECT max(attempts) FROM card_now"), 1);
    assert_true(fake_card(12000, 0)->at_ms < by_ms);
    assert_true(fake_card(20108, 0)->at_ms < by_ms);
}

static void an_account_in_trouble_holds_up_no_other(void **state)
{
    struct rig *rig = *state;

    rig_cards(rig, 30001, 1, 6);
    expect_others_done(rig, 2141, 75000);
}

/* It is the first: until another one was tried, nobody knows that it is not the host. */
static void nor_does_the_first_for_ever(void **state)
{
    expect_others_done(*state, 2140, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2s),
        cmocka_unit_test(openid),
        cmocka_unit_test(oauth2),
        RIG_TEST(an_account_in_trouble_holds_up_no_other),
        RIG_TEST(nor_does_the_first_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
