/* ctp-sandbox: which requests it finds valid, and which tokens it gives and takes. Each case changes one
 * place of a valid request. */
#include "sandbox_case.h"

#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

struct change {
    const char *from, *to; /* a piece of SANDBOX_BODY and what stands in its place */
    const char *detail;    /* the complaint, NULL: still valid */
};

/* n characters, given to build a value of a length */
#define N35 "abcdefghijklmnopqrstuvwxyzabcdefghi"
#define N64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

static const struct change changes[] = {
    /* the owner */
    {"\"owner_bid\":\"1000052\",", "", "owner_bid: cannot be blank"},
    {"\"1000052\"", "\"\"", "owner_bid: cannot be blank"},
    {"\"1000052\"", "1000052", "owner_bid: must be a string"},
    {"\"1000052\"", "null", "owner_bid: must not be null"},
    {"\"1000052\"", "\"0001\"", NULL},
    /* the card */
    {"\"card_id\":6743052,", "", "cardId: cannot be blank."},
    {"6743052", "\"6743052\"", "card_id: must be a number"},
    {"6743052", "6743052.0", "card_id: must be an integer of 1 to 2^63-1, written in digits"},
    {"6743052", "6.743052e6", "card_id: must be an integer of 1 to 2^63-1, written in digits"},
    {"6743052", "-1", "card_id: must be an integer of 1 to 2^63-1, written in digits"},
    {"6743052", "0", "card_id: must be an integer of 1 to 2^63-1, written in digits"},
    {"6743052", "9223372036854775808", "card_id: must be an integer of 1 to 2^63-1, written in digits"},
    {"6743052", "9223372036854775807", NULL},
    /* names: code points are counted, not bytes */
    {"\"first_name\":\"Ada\",", "", "first_name: cannot be blank"},
    {"\"Ada\"", "\"" N35 "\"", NULL},
    {"\"Ada\"", "\"" N35 "j\"", "first_name: too long"},
    {"\"Ada\"",
     "\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"",
     NULL},
    {"\"Ada\"", "\"\\u00e9\\ud83d\\ude00\"", NULL},
    {"\"Ada\"", "\"A\\u0007\"", "first_name: a control character"},
    {"\"Ada\"", "\"Ada\",\"middle_name\":\"\"", "middle_name: cannot be blank"},
    {"\"Ada\"", "\"Ada\",\"middle_name\":null", "middle_name: must not be null"},
    {"\"Ada\"", "\"Ada\",\"nick_name\":\"Addie\"", "nick_name: unknown key"},
    {"\"Ada\"", "\"Ada\",\"X16505550100\":1", "?: unknown key"},
    /* locale and countries */
    {"en_US", "en-US", "locale: must read ll_CC"},
    {"en_US", "EN_us", "locale: must read ll_CC"},
    {"en_US", "eng_US", "locale: too long"},
    {"\"last_name\":\"Muster\",\"country_code\":\"USA\"", "\"last_name\":\"Muster\",\"country_code\":\"US\"",
     "country_code: must be three upper-case letters"},
    {"\"postal_code\":\"94105\",\"country_code\":\"USA\"",
     "\"postal_code\":\"94105\",\"country_code\":\"usa\"",
     "billing_address.country_code: must be three upper-case letters"},
    /* lists */
    {"[\"ada@mail.example\"]", "[]", "emails: must have 1 to 5 elements"},
    {"[\"ada@mail.example\"]", "\"ada@mail.example\"", "emails: must be an array"},
    {"[\"ada@mail.example\"]",
     "[\"a@b.example\",\"b@b.example\",\"c@b.example\",\"d@b.example\",\"e@b.example\",\"f@b.example\"]",
     "emails: must have 1 to 5 elements"},
    {"[\"ada@mail.example\"]",
     "[\"a@b.example\",\"b@b.example\",\"c@b.example\",\"d@b.example\",\"e@b.example\"]", NULL},
    {"ada@mail.example", "ada", "emails[0]: not an e-mail address"},
    {"ada@mail.example", "ada@@mail.example", "emails[0]: not an e-mail address"},
    {"ada@mail.example", "ada@mail", "emails[0]: not an e-mail address"},
    {"ada@mail.example", "ada.@mail.example", "emails[0]: not an e-mail address"},
    {"ada@mail.example", "ada@-mail.example", "emails[0]: not an e-mail address"},
    {"ada@mail.example", "a+b'c@mail.example", NULL},
    {"[\"16505550100\"]", "[\"16505550100\",\"+16505550100\"]", "phones[1]: must be 8 to 15 digits"},
    {"16505550100", "1650555", "phones[0]: must be 8 to 15 digits"},
    {"16505550100", "1650555010012345", "phones[0]: too long"},
    {"\"16505550100\"", "16505550100", "phones[0]: must be a string"},
    {"\"16505550100\"", "\"\"", "phones[0]: cannot be blank"},
    /* identifiers and consent */
    {"PASSPORT", "passport", "national_identifiers[0].type: not one of the identifier types"},
    {"PASSPORT", "DRIVING_LICENSE", NULL},
    {"PASSPORT", "NATIONAL_IDENTITY", NULL},
    {",\"value\":\"X1\"", "", "national_identifiers[0].value: cannot be blank"},
    {"\"X1\"", "\"abcdefghijklmnopqrstuvwxy\"", "national_identifiers[0].value: too long"},
    {"\"time_of_consent\":\"2020-02-29T12:12:12.000Z\",", "", "consent.time_of_consent: cannot be blank"},
    {"2020-02-29T12:12:12.000Z", "2019-02-29T12:12:12.000Z", "consent.time_of_consent: no such day"},
    {"2020-02-29T12:12:12.000Z", "1900-02-29T12:12:12.000Z", "consent.time_of_consent: no such day"},
    {"2020-02-29T12:12:12.000Z", "2000-02-29T12:12:12.000Z", NULL},
    {"2020-02-29T12:12:12.000Z", "2100-02-28T12:12:12.000Z", "consent.time_of_consent: lies in the future"},
    {"2020-02-29T12:12:12.000Z", "2020-02-29T24:00:00.000Z", "consent.time_of_consent: no such time"},
    {"2020-02-29T12:12:12.000Z", "2020-02-29T12:12:12.001Z",
     "consent.time_of_consent: must read YYYY-MM-DDThh:mm:ss.000Z"},
    {"2020-02-29T12:12:12.000Z", "2020-02-29T12:12:12Z",
     "consent.time_of_consent: must read YYYY-MM-DDThh:mm:ss.000Z"},
    {"\"1.0\"", "\"1234567890\"", "consent.version: too long"},
    {"\"Bank\"", "\"\"", "consent.presenter: cannot be blank"},
    /* the address */
    {"1 Example Street", N64, NULL},
    {"1 Example Street", N64 "m", "billing_address.address_line1: too long"},
    {"\"CA\"", "\"ca\"", "billing_address.state: must be a subdivision code of ISO 3166-2"},
    {"\"CA\"", "\"US-CA\"", "billing_address.state: too long"},
    {"94105", "9410512345", "billing_address.postal_code: too long"},
    {"94105", "01310-100", NULL},
    {"\"city\":\"Sampletown\"", "\"city\":{}", "billing_address.city: must be a string"},
    /* the text itself */
    {"\"Ada\"", "\"\xC3(\"", "not UTF-8"},
    {"\"Ada\"", "\"\xED\xA0\x80\"", "not UTF-8"},
    {"\"Ada\"", "\"\xC0\xAF\"", "not UTF-8"},
    {"\"Ada\"", "\"A\tda\"", "a control character in a string"},
    {"\"Ada\"", "\"\\ud83d\"", "a lone surrogate"},
    {"\"Ada\"", "\"Ada\",\"first_name\":\"Eve\"", "a name twice in one object"},
    {"6743052", "06743052", "an object or array that does not end"},
    {"\"Bank\"}}}", "\"Bank\"}}} x", "text after the value"},
    {"\"Bank\"}}}", "\"Bank\"}}", "an object or array that does not end"},
    {"{\"owner_bid\"", "[{\"owner_bid\"", "an object or array that does not end"},
};

/* SANDBOX_BODY with one piece replaced, owned by the caller. */
static char *changed(const struct change *change)
{
    struct buf out = {.cap = 10000};
    const char *at = strstr(SANDBOX_BODY, change->from);

    if (!at)
        fail_msg("the body has no %s", change->from);
    buf_add(&out, SANDBOX_BODY, (size_t)(at - SANDBOX_BODY));
    buf_add_text(&out, change->to);
    buf_add_text(&out, at + strlen(change->from));
    return out.ptr;
}

static void test_bodies(void **state)
{
    cJSON *lines;
    size_t count = sizeof(changes) / sizeof(*changes);

    (void)state;
    start("--seed 1" JOURNAL);
    for (size_t i = 0; i < count; i++) {
        char customer[16], expected[256], *body = changed(&changes[i]);
        struct sandbox_request request = sandbox_enroll(bearer, customer);
        (void)snprintf(customer, sizeof(customer), "%zu", 1000 + i);
        (void)snprintf(expected, sizeof(expected), "~%s", changes[i].detail ? changes[i].detail : "");
        request.body = body;
        expect(&request, changes[i].detail ? 400 : 202, changes[i].detail ? expected : "");
        free(body);
    }
    lines = stop_and_read("journal.jsonl");
    assert_int_equal(cJSON_GetArraySize(lines), (int)count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sandbox_flag(cJSON_GetArrayItem(lines, (int)i), "valid"), changes[i].detail == NULL);
    cJSON_Delete(lines);
}

static void test_all_complaints_at_once(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--seed 1");
    request = sandbox_enroll(bearer, "1001");
    request.body = "{\"owner_bid\":\"\",\"card_information\":{},\"customer_information\":{\"locale\":\"x\"}}";
    expect(&request, 400,
           "{\"code\":400,\"message\":\"bad request\",\"details\":[\"owner_bid: cannot be blank\","
           "\"cardId: cannot be blank.\",\"billing_address: cannot be blank\",\"locale: must read ll_CC\","
           "\"first_name: cannot be blank\",\"last_name: cannot be blank\",\"emails: cannot be blank\","
           "\"phones: cannot be blank\"]}");
    stop();
}

static void test_minimal_body(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--allow-internal");
    request = sandbox_enroll(bearer, "1001");
    request.body = "{\"owner_bid\":\"1\",\"card_information\":{\"card_id\":1},"
                   "\"customer_information\":{\"locale\":\"pt_BR\"}}";
    expect(&request, 202, "");
    stop();
}

static void test_headers(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--seed 1");
    request = sandbox_enroll(bearer, "1001");
    request.tenant = NULL;
    expect(&request, 400,
           "{\"code\":400,\"message\":\"bad request\",\"details\":[\"OrgID: cannot be blank.\"]}");
    request = sandbox_enroll(bearer, NULL);
    expect(&request, 400, "~\"CustomerID: cannot be blank\"");
    request = sandbox_enroll(bearer, "12x");
    expect(&request, 400, "~x-customer-id: must be an integer");
    request = sandbox_enroll(bearer, "1001");
    request.cid = "row-17";
    expect(&request, 400, "~x-cid: must be a UUID");
    request = sandbox_enroll(bearer, "1001");
    request.content_type = "text/plain";
    expect(&request, 400, "~Content-Type: must be application/json");
    request.content_type = "application/json; charset=utf-8";
    request.cid = NULL;
    expect(&request, 202, "");
    stop();
}

static void test_card_bodies(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--already 1001");
    request = sandbox_enroll(bearer, "1001");
    request.path = ENROLL_CARD;
    expect(&request, 400, "~card_information: unknown key"); /* the customer's body */
    request.body = "{\"owner_bid\":\"1\",\"card_id\":\"7\",\"billing_address\":{\"city\":\"\"}}";
    expect(&request, 400,
           "{\"code\":400,\"message\":\"bad request\",\"details\":[\"card_id: must be a number\","
           "\"billing_address.city: cannot be blank\"]}");
    request.body = "{\"owner_bid\":\"1\",\"card_id\":7,\"billing_address\":{\"city\":\"Sampletown\"}}";
    expect(&request, 202, "");
    stop();
}

/* ---- tokens ---- */

/* The claims of a JWT, owned by the caller. */
static cJSON *claims_of(const char *jwt)
{
    const char *payload = strchr(jwt, '.') + 1;
    char text[2048];
    unsigned char bytes[2048];
    size_t len = strcspn(payload, ".");
    cJSON *claims;

    assert_true(len + 4 < sizeof(text));
    memcpy(text, payload, len);
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    while (len % 4 != 0)
        text[len++] = '=';
    assert_true(EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) > 0);
    claims = cJSON_ParseWithLength((const char *)bytes, sizeof(bytes));
    assert_non_null(claims);
    return claims;
}

static void test_token_claims(void **state)
{
    cJSON *claims;

    (void)state;
    start("--token-ttl 77 --tenant TN-example");
    claims = claims_of(bearer);
    assert_string_equal(sandbox_text(claims, "iss"), "Passport");
    assert_string_equal(sandbox_text(claims, "aid"), "42");
    assert_string_equal(sandbox_text(claims, "account-id"), "42");
    assert_string_equal(sandbox_text(claims, "tenant"), "TN-example");
    assert_string_equal(sandbox_text(claims, "token_type"), "client_credentials");
    assert_int_equal((int)(number(claims, "exp") - number(claims, "iat")), 77);
    cJSON_Delete(claims);
    stop();
}

/* The token of an answer under `name`, owned by the caller. */
static char *token_in(const struct sandbox_request *request, const char *name)
{
    struct sandbox_reply reply;
    cJSON *root;
    char *token;

    sandbox_send(&sandbox, request, &reply, 1);
    assert_int_equal(reply.status, 200);
    root = cJSON_Parse(buf_text(&reply.body));
    token = mem_text(sandbox_text(root, name));
    cJSON_Delete(root);
    sandbox_free(&reply, 1);
    return token;
}

static void expect_token_works(char *token, const char *customer)
{
    struct sandbox_request request = sandbox_enroll(token, customer);

    expect(&request, 202, "");
    free(token);
}

static void test_s2s(void **state)
{
    struct sandbox_request request = {.path = S2S, .content_type = "application/json"};
    char *token;

    (void)state;
    sandbox = (struct sandbox){0};
    sandbox_start(&sandbox, "--server-key right --server-secret also");
    request.body = "{\"server_key\":\"right\",\"server_secret\":\"also\",\"account_id\":7}";
    expect_token_works(token_in(&request, "token"), "1001");
    token = token_in(&request, "refresh"); /* no good as a bearer */
    struct sandbox_request enroll = sandbox_enroll(token, "1002");
    expect(&enroll, 401, "{\"message\":\"Unauthorized\"}");
    free(token);
    request.body = "{\"server_key\":\"right\",\"server_secret\":\"wrong\",\"account_id\":7}";
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    request.body = "{\"server_key\":\"wrong\",\"server_secret\":\"also\",\"account_id\":7}";
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    request.body = "{\"server_key\":\"right\",\"account_id\":7}";
    expect(&request, 400, "{\"message\":\"key and secret cannot be blank\"}");
    request.body = "{\"server_key\":\"right\",\"server_secret\":\"also\",\"account_id\":7.5}";
    expect(&request, 400, "{\"message\":\"account_id must be an integer\"}");
    request.body = "{\"server_key\":\"right\",\"secret_key\":\"also\",\"account_id\":7}";
    expect(&request, 400, "{\"message\":\"unknown key in the body\"}");
    request.body = "server_key=right";
    expect(&request, 400, "{\"message\":\"the body must be a JSON object\"}");
    assert_int_equal(sandbox_stop(&sandbox), 0);
    sandbox_remove(&sandbox);
}

static void test_token_without_account(void **state)
{
    struct sandbox_request request = {.path = S2S,
                                      .content_type = "application/json",
                                      .body = "{\"server_key\":\"k\",\"server_secret\":\"s\"}"};
    char *token;

    (void)state;
    start("--seed 1");
    token = token_in(&request, "token");
    request = sandbox_enroll(token, "1001");
    expect(&request, 400,
           "{\"code\":400,\"message\":\"bad request\",\"details\":[\"AccountID: cannot be blank\"]}");
    free(token);
    stop();
}

static void test_bad_bearers(void **state)
{
    struct sandbox_request request;
    char *other;

    (void)state;
    start("--seed 1");
    other = mem_text(bearer);
    stop(); /* its tokens die with a sandbox */
    start("--seed 1");
    request = sandbox_enroll(NULL, "1001");
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    request.bearer = "abc";
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    request.bearer = other;
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    free(other);
    other = mem_text(bearer);
    other[strlen(other) - 90] ^= 1; /* in the claims */
    request.bearer = other;
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    free(other);
    stop();
}

static void test_tokens_expire(void **state)
{
    struct sandbox_request request;
    int status = 0;
    cJSON *lines;

    (void)state;
    start("--token-ttl 1" JOURNAL);
    request = sandbox_enroll(bearer, "1001");
    for (int tries = 0; tries < 500 && status != 401; tries++) {
        status = sandbox_status(&sandbox, &request);
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(status, 401);
    lines = stop_and_read("journal.jsonl");
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(lines, cJSON_GetArraySize(lines) - 1), "cause"),
                        "token_expired");
    cJSON_Delete(lines);
}

static void test_oauth2(void **state)
{
    struct sandbox_request request = {.path = "/passport/v2/oauth/token",
                                      .content_type = "application/x-www-form-urlencoded"};

    (void)state;
    sandbox = (struct sandbox){0};
    sandbox_start(&sandbox, "--server-secret a+b%");
    request.body =
        "grant_type=client_credentials&client_id=k&client_secret_string=a%2Bb%25&scope=x%3Ay+z&uid=42";
    expect(&request, 200, "~\"token_type\":\"Bearer\",\"expires_in\":600,\"scope\":\"x:y z\"}");
    expect_token_works(token_in(&request, "access_token"), "1001");
    request.body = "grant_type=password&client_id=k&client_secret_string=s";
    expect(&request, 400, "{\"message\":\"grant_type must be client_credentials\"}");
    request.body = "grant_type=client_credentials&client_id=k&client_secret_string=other";
    expect(&request, 401, "{\"message\":\"Unauthorized\"}");
    request.content_type = "application/json";
    expect(&request, 400, "{\"message\":\"Content-Type must be application/x-www-form-urlencoded\"}");
    assert_int_equal(sandbox_stop(&sandbox), 0);
    sandbox_remove(&sandbox);
}

/* base64url of a text */
static void add_part(struct buf *out, const char *text)
{
    unsigned char encoded[1024];
    int len = EVP_EncodeBlock(encoded, (const unsigned char *)text, (int)strlen(text));

    for (int i = 0; i < len && encoded[i] != '='; i++)
        buf_add_char(out, encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : (char)encoded[i]);
    buf_add_char(out, '.');
}

/* The body of the OpenID call around a JWT that lives from `from_s` for `life_s`, counted from now. */
static void assertion_body(struct buf *body, const char *header, int64_t from_s, int64_t life_s)
{
    char claims[256];
    int64_t iat = (int64_t)time(NULL) + from_s;

    (void)snprintf(claims, sizeof(claims),
                   "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"a\",\"iat\":%lld,\"exp\":%lld,\"uid\":\"42\"}",
                   (long long)iat, (long long)iat + life_s);
    buf_reset(body);
    buf_add_text(body, "{\"token\":\"");
    add_part(body, header);
    add_part(body, claims);
    buf_add_text(body, "c2ln\"}");
}

static void test_openid(void **state)
{
    struct sandbox_request request = {.path = "/passport/v1/oauth2/token",
                                      .content_type = "application/json"};
    struct buf body = {.cap = 4096};

    (void)state;
    start("--seed 1");
    assertion_body(&body, "{\"alg\":\"RS256\"}", 0, 3600);
    request.body = buf_text(&body);
    expect_token_works(token_in(&request, "token"), "1001");
    assertion_body(&body, "{\"alg\":\"HS256\"}", 0, 3600);
    request.body = buf_text(&body);
    expect(&request, 400, "{\"message\":\"the JWT's algorithm must be RS256\"}");
    assertion_body(&body, "{\"alg\":\"RS256\"}", 0, 3601);
    request.body = buf_text(&body);
    expect(&request, 400, "~lives for more than an hour");
    assertion_body(&body, "{\"alg\":\"RS256\"}", -100, 50);
    request.body = buf_text(&body);
    expect(&request, 400, "~has expired");
    request.body = "{\"token\":\"abc\"}";
    expect(&request, 400, "{\"message\":\"the value must be a JWT of three parts\"}");
    buf_free(&body);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),       cmocka_unit_test(test_all_complaints_at_once),
        cmocka_unit_test(test_minimal_body), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_card_bodies),  cmocka_unit_test(test_token_claims),
        cmocka_unit_test(test_s2s),          cmocka_unit_test(test_token_without_account),
        cmocka_unit_test(test_bad_bearers),  cmocka_unit_test(test_tokens_expire),
        cmocka_unit_test(test_oauth2),       cmocka_unit_test(test_openid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
