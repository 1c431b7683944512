/* Token requests and answers: what is taken, for how long, and what must never be taken. */
#include "rule/api_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void the_s2s_body_names_the_account_as_a_number(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    api_s2s_body(SPAN("key-1"), SPAN("se\"cret"), INT64_C(9007199254740993), &body);
    assert_string_equal(buf_text(&body), "{\"server_key\":\"key-1\",\"server_secret\":\"se\\\"cret\","
                                         "\"account_id\":9007199254740993}");
    buf_free(&body);
}

/* The first block must be large enough: growing would leave the secret behind in freed memory. */
static void the_s2s_body_never_moves(void **state)
{
    char secret[300];
    struct buf body;
    const char *first;

    (void)state;
    memset(secret, '\x01', sizeof secret);
    buf_init(&body, 4096);
    api_s2s_body(SPAN("key-1"), (struct span){secret, sizeof secret}, INT64_MAX, &body);
    assert_int_equal(body.len, sizeof "{\"server_key\":\"key-1\",\"server_secret\":\"\",\"account_id\":}" -
                                   1 + 1800 + 19);
    first = body.ptr;
    assert_true(body.size > 300 * 6 + 128 && body.size <= 305 * 6 + 129);
    buf_wipe(&body);
    api_s2s_body(SPAN("key-2"), (struct span){secret, sizeof secret}, 1, &body);
    assert_ptr_equal(body.ptr, first);
    buf_free(&body);
}

/* ---- a bearer by itself ---- */

enum { WALL_S = 1700000100 };
#define WALL_MS (INT64_C(1000) * WALL_S)

/* A JWT of these claims; the signature is not looked at. */
static const char *jwt(const char *claims)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static char text[1024];
    size_t n = 0, len = strlen(claims);
    unsigned bits = 0, have = 0;

    assert_true(len < 700);
    n = (size_t)snprintf(text, sizeof text, "eyJhbGciOiJIUzUxMiJ9.");
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | (unsigned char)claims[i];
        for (have += 8; have >= 6; have -= 6)
            text[n++] = letters[bits >> (have - 6) & 63];
    }
    if (have > 0)
        text[n++] = letters[bits << (6 - have) & 63];
    memcpy(text + n, ".c2ln", 6);
    return text;
}

static void check_bearer(const char *bearer, int64_t account, enum api_token_result result, int64_t life_ms,
                         bool names)
{
    const struct api_token_ask ask = {.account = account, .wall_ms = WALL_MS};
    struct api_token token;

    memset(&token, 0x5A, sizeof token);
    assert_int_equal(api_token_check(&ask, span_of(bearer), &token), result);
    assert_int_equal(token.life_ms, life_ms);
    assert_int_equal(token.names_account, names);
    assert_true(span_is(token.text, result == API_TOKEN_OK ? bearer : ""));
    assert_int_equal(token.reason[0] == '\0', result == API_TOKEN_OK);
}

/* A literal token, so that the decoder is not judged by the test's own encoder:
 * {"exp":1700000700,"aid":"12345"} */
static void a_literal_token_is_read(void **state)
{
    (void)state;
    check_bearer("eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3MDAwMDA3MDAsImFpZCI6IjEyMzQ1In0.c2ln", 12345, API_TOKEN_OK,
                 600000, true);
    check_bearer("eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3MDAwMDA3MDAsImFpZCI6IjEyMzQ1In0=.c2ln", 12345,
                 API_TOKEN_OK, 600000, true);
    check_bearer("eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3MDAwMDA3MDAsImFpZCI6IjEyMzQ1In0.c2ln", 12346,
                 API_TOKEN_WRONG_ACCOUNT, 0, false);
}

static void the_claims_give_the_life(void **state)
{
    (void)state;
    check_bearer(jwt("{\"exp\":1700000700}"), 5, API_TOKEN_OK, 600000, false);
    check_bearer(jwt("{\"exp\":1700000100.5}"), 5, API_TOKEN_OK, 500, false);
    check_bearer(jwt("{\"exp\":1700000700,\"iat\":1700000400}"), 5, API_TOKEN_OK, 300000, false);
    check_bearer(jwt("{\"exp\":1700000700,\"iat\":1600000000}"), 5, API_TOKEN_OK, 600000, false);
    check_bearer(jwt("{\"exp\":99999999999}"), 5, API_TOKEN_OK, INT64_C(31622400000), false);
    check_bearer(jwt("{\"exp\":1e300}"), 5, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"exp\":-5}"), 5, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"exp\":\"1700000700\"}"), 5, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"sub\":\"x\"}"), 5, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"exp\":1700000100}"), 5, API_TOKEN_REFUSED, 0, false);
    check_bearer(jwt("{\"exp\":1700000000,\"iat\":1699999400}"), 5, API_TOKEN_REFUSED, 0, false);
}

static void opaque_tokens_are_taken(void **state)
{
    (void)state;
    check_bearer("opaque", 5, API_TOKEN_OK, 0, false);
    check_bearer("a.b", 5, API_TOKEN_OK, 0, false);
    check_bearer("a.b.c", 5, API_TOKEN_OK, 0, false);
    check_bearer("a.!!.c", 5, API_TOKEN_OK, 0, false);
    check_bearer("..", 5, API_TOKEN_OK, 0, false);
    check_bearer("a.W10.c", 5, API_TOKEN_OK, 0, false);
    check_bearer("a.eyJleHAiOjE3MDAwMDA3MDB9.c.d.e", 5, API_TOKEN_OK, 0, false);
}

/* '_' made a '!': no base64url any more, so nothing in it is believed. */
static void a_payload_of_other_letters_is_opaque(void **state)
{
    char text[128];

    (void)state;
    (void)snprintf(text, sizeof text, "%s", jwt("{\"aid\":\"777\",\"xx\":\"???\"}"));
    check_bearer(text, 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    assert_non_null(strchr(text, '_'));
    *strchr(text, '_') = '!';
    check_bearer(text, 12345, API_TOKEN_OK, 0, false);
}

static void no_header_can_be_made_of_a_token(void **state)
{
    (void)state;
    check_bearer("", 5, API_TOKEN_UNREADABLE, 0, false);
    check_bearer("a b", 5, API_TOKEN_UNREADABLE, 0, false);
    check_bearer("abc\r\nx-tenant: TN-other", 5, API_TOKEN_UNREADABLE, 0, false);
    check_bearer("abc\n", 5, API_TOKEN_UNREADABLE, 0, false);
    check_bearer("abc\x7F", 5, API_TOKEN_UNREADABLE, 0, false);
    check_bearer("\xC3\xA9", 5, API_TOKEN_UNREADABLE, 0, false);
}

static void another_account_is_noticed(void **state)
{
    (void)state;
    check_bearer(jwt("{\"aid\":\"12345\"}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"aid\":12345}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"account-id\":\"12345\"}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"account_id\":12345}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"uid\":\"0012345\"}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"aid\":\"12346\"}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"account-id\":\"1234\"}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"account_id\":12345.5}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"uid\":1}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"aid\":\"12345\",\"uid\":\"777\"}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"aid\":\"123450000000000000000000000\"}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"aid\":\"12345\",\"uid\":\"TN-1:key-9\"}"), 12345, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"uid\":\"TN-1:key-9\"}"), 12345, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"aid\":\"\",\"account_id\":null}"), 12345, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"aid\":\"777\",\"exp\":1700000000}"), 12345, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"AID\":\"777\"}"), 12345, API_TOKEN_OK, 0, false);
}

/* 2^53 + 1 arrives as 2^53: as a number it proves nothing, as text it does. */
static void numbers_beyond_doubles_cannot_tell(void **state)
{
    const int64_t account = INT64_C(9007199254740993);

    (void)state;
    check_bearer(jwt("{\"aid\":9007199254740993}"), account, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"aid\":9007199254740992}"), account, API_TOKEN_OK, 0, false);
    check_bearer(jwt("{\"aid\":9007199254740996}"), account, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"aid\":\"9007199254740993\"}"), account, API_TOKEN_OK, 0, true);
    check_bearer(jwt("{\"aid\":\"9007199254740992\"}"), account, API_TOKEN_WRONG_ACCOUNT, 0, false);
    check_bearer(jwt("{\"aid\":9007199254740991}"), INT64_C(9007199254740991), API_TOKEN_OK, 0, true);
}

/* ---- answers of the token host ---- */

struct reply {
    enum api_end end;
    int status;
    const char *body, *field;
};

static void check_reply(struct reply reply, enum api_token_result result, const char *text, int64_t life_ms,
                        const char *reason)
{
    const struct api_token_ask ask = {.account = 12345, .wall_ms = WALL_MS, .field = reply.field};
    const struct api_answer answer = {reply.end, reply.status, span_of(reply.body)};
    struct api_token token;
    struct buf store;

    buf_init(&store, 512);
    memset(&token, 0x5A, sizeof token);
    assert_int_equal(api_token_read(&ask, &answer, &store, &token), result);
    assert_true(span_is(token.text, text));
    assert_int_equal(token.life_ms, life_ms);
    assert_string_equal(token.reason, reason);
    buf_free(&store);
}

static void token_answers_are_read(void **state)
{
    static const char expected[] = "eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3MDAwMDA3MDAsImFpZCI6IjEyMzQ1In0.c2ln";

    (void)state;
    check_reply((struct reply){API_ANSWERED, 200,
                               "{\"server_key\":\"k\",\"token\":\"eyJhbGciOiJIUzUxMiJ9."
                               "eyJleHAiOjE3MDAwMDA3MDAsImFpZCI6IjEyMzQ1In0.c2ln\",\"refresh\":\"eyJ\"}",
                               NULL},
                API_TOKEN_OK, expected, 600000, "");
    check_reply((struct reply){API_ANSWERED, 201, "{\"token\":\"abc\"}", "token"}, API_TOKEN_OK, "abc", 0,
                "");
    check_reply((struct reply){API_ANSWERED, 200, "{\"jwt\":\"abc\",\"token\":\"def\"}", "jwt"}, API_TOKEN_OK,
                "abc", 0, "");
    check_reply((struct reply){API_ANSWERED, 200, "{\"access_token\":\"abc\",\"expires_in\":3600}", ""},
                API_TOKEN_OK, "abc", 3600000, "");
    check_reply(
        (struct reply){API_ANSWERED, 200, "{\"token\":\"\",\"access_token\":\"abc\",\"expires_in\":0}", NULL},
        API_TOKEN_OK, "abc", 0, "");
}

/* The claim's exp counts before expires_in. */
static void the_claims_count_before_expires_in(void **state)
{
    char body[512];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\",\"expires_in\":9999}", jwt("{\"exp\":1700000101}"));
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_OK, jwt("{\"exp\":1700000101}"),
                1000, "");
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\",\"expires_in\":60}", jwt("{\"sub\":\"x\"}"));
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_OK, jwt("{\"sub\":\"x\"}"), 60000,
                "");
}

/* What was made just now and seems to be over shows that our clock is ahead. */
static void a_new_token_is_judged_by_its_own_clock(void **state)
{
    static const char claims[] = "{\"iat\":1700000000,\"exp\":1700000060}";
    char body[512];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\"}", jwt(claims));
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_OK, jwt(claims), 60000, "");
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\"}", jwt("{\"exp\":1700000060}"));
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_REFUSED, "", 0,
                "the token has expired");
}

static void unreadable_answers_are_named(void **state)
{
    static const char nothing[] = "the token answer holds no token under auth.token_field";
    char body[700];

    (void)state;
    check_reply((struct reply){API_ANSWERED, 200, "", NULL}, API_TOKEN_UNREADABLE, "", 0, nothing);
    check_reply((struct reply){API_ANSWERED, 200, "<html>", NULL}, API_TOKEN_UNREADABLE, "", 0, nothing);
    check_reply((struct reply){API_ANSWERED, 200, "{}", NULL}, API_TOKEN_UNREADABLE, "", 0, nothing);
    check_reply((struct reply){API_ANSWERED, 200, "[\"token\"]", NULL}, API_TOKEN_UNREADABLE, "", 0, nothing);
    check_reply((struct reply){API_ANSWERED, 200, "{\"token\":5,\"access_token\":\"\"}", NULL},
                API_TOKEN_UNREADABLE, "", 0, nothing);
    check_reply((struct reply){API_ANSWERED, 200, "{\"token\":\"a\\nb\"}", NULL}, API_TOKEN_UNREADABLE, "", 0,
                "the token is empty or holds characters no token has");
    (void)snprintf(body, sizeof body, "{\"token\":\"%0600d\"}", 0);
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_UNREADABLE, "", 0,
                "the token is too long");
    check_reply((struct reply){API_ANSWERED, 302, "", NULL}, API_TOKEN_UNREADABLE, "", 0, "HTTP 302");
    check_reply((struct reply){API_ANSWERED, 600, "", NULL}, API_TOKEN_UNREADABLE, "", 0, "HTTP 600");
}

static void a_token_of_another_account_is_refused(void **state)
{
    char body[512];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\"}", jwt("{\"aid\":\"777\",\"exp\":1700000700}"));
    check_reply((struct reply){API_ANSWERED, 200, body, NULL}, API_TOKEN_WRONG_ACCOUNT, "", 0,
                "the token's claims name another account");
}

static void refusals_of_tokens_are_told_apart(void **state)
{
    static const struct {
        int status;
        enum api_token_result result;
    } cases[] = {
        {400, API_TOKEN_NO_ACCOUNT}, {401, API_TOKEN_REFUSED},    {403, API_TOKEN_REFUSED},
        {404, API_TOKEN_UNREADABLE}, {405, API_TOKEN_UNREADABLE}, {408, API_TOKEN_TRANSIENT},
        {409, API_TOKEN_TRANSIENT},  {422, API_TOKEN_NO_ACCOUNT}, {425, API_TOKEN_TRANSIENT},
        {429, API_TOKEN_TRANSIENT},  {500, API_TOKEN_TRANSIENT},  {503, API_TOKEN_TRANSIENT},
        {599, API_TOKEN_TRANSIENT},
    };
    char reason[16];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(reason, sizeof reason, "HTTP %d", cases[i].status);
        check_reply((struct reply){API_ANSWERED, cases[i].status, "", NULL}, cases[i].result, "", 0, reason);
    }
    check_reply((struct reply){API_NOT_SENT, 0, "", NULL}, API_TOKEN_TRANSIENT, "", 0,
                "no connection to the token host");
    check_reply((struct reply){API_LOST, 0, "", NULL}, API_TOKEN_TRANSIENT, "", 0,
                "the token host did not answer");
    check_reply((struct reply){API_TLS, 0, "", NULL}, API_TOKEN_REFUSED, "", 0,
                "TLS with the token host failed");
}

/* Plain words only: a key, a secret or a token that the server repeats stays out of the log. */
static void reasons_hold_no_secret(void **state)
{
    (void)state;
    check_reply(
        (struct reply){API_ANSWERED, 401, "{\"message\":\"invalid server_secret for key SK-12ab\"}", NULL},
        API_TOKEN_REFUSED, "", 0, "HTTP 401: invalid server_secret for key ***");
    check_reply((struct reply){API_ANSWERED, 400, "{\"message\":\"account 12345 unknown.\"}", NULL},
                API_TOKEN_NO_ACCOUNT, "", 0, "HTTP 400: account *** unknown.");
    check_reply((struct reply){API_ANSWERED, 401, "{\"message\":\"abcdefghijklmnopqrstu\"}", NULL},
                API_TOKEN_REFUSED, "", 0, "HTTP 401: ***");
    check_reply((struct reply){API_ANSWERED, 403, "<html>SK-12ab</html>", NULL}, API_TOKEN_REFUSED, "", 0,
                "HTTP 403");
}

static void the_store_is_emptied_first(void **state)
{
    const struct api_token_ask ask = {.account = 1, .wall_ms = WALL_MS};
    const struct api_answer answer = {API_ANSWERED, 200, SPAN("{\"token\":\"abc\"}")};
    struct api_token token;
    struct buf store;

    (void)state;
    buf_init(&store, 64);
    buf_add_text(&store, "the token before");
    assert_int_equal(api_token_read(&ask, &answer, &store, &token), API_TOKEN_OK);
    assert_string_equal(buf_text(&store), "abc");
    assert_ptr_equal(token.text.ptr, store.ptr);
    buf_free(&store);
}

/* By the host's own time a token that has ended has ended; by ours it may be our clock that is wrong. */
static void the_hosts_time_is_believed(void **state)
{
    struct api_token_ask ask = {.account = 12345, .wall_ms = WALL_MS};
    char body[1200];
    struct api_answer answer = {.end = API_ANSWERED, .status = 200};
    struct api_token token;
    struct buf store;

    (void)state;
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\"}",
                   jwt("{\"aid\":\"12345\",\"iat\":1699999000,\"exp\":1699999600}"));
    answer.body = span_of(body);
    buf_init(&store, 2048);
    assert_int_equal(api_token_read(&ask, &answer, &store, &token), API_TOKEN_OK);
    assert_int_equal(token.life_ms, 600000);
    assert_false(token.ended);
    ask.server_time = true;
    assert_int_equal(api_token_read(&ask, &answer, &store, &token), API_TOKEN_REFUSED);
    assert_true(token.ended);
    assert_string_equal(token.reason, "the token has expired");
    ask.wall_ms = INT64_C(1699999200000);
    assert_int_equal(api_token_read(&ask, &answer, &store, &token), API_TOKEN_OK);
    assert_int_equal(token.life_ms, 400000);
    buf_free(&store);
}

/* ---- other bodies ---- */

static void the_oauth2_body_is_a_form(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    api_oauth2_body(SPAN("key 1&"), SPAN("s=+/%\xC3\xA9"), SPAN("pismo-v1:cards:rw pismo-v1:x:r"),
                    INT64_C(9007199254740993), &body);
    assert_string_equal(
        buf_text(&body),
        "grant_type=client_credentials&client_id=key+1%26&client_secret_string=s%3D%2B%2F%25%C3%A9"
        "&scope=pismo-v1%3Acards%3Arw+pismo-v1%3Ax%3Ar&uid=9007199254740993");
    buf_wipe(&body);
    api_oauth2_body(SPAN("k"), SPAN("s"), SPAN(""), 7, &body);
    assert_string_equal(buf_text(&body),
                        "grant_type=client_credentials&client_id=k&client_secret_string=s&uid=7");
    buf_free(&body);
}

static void the_openid_body_is_one_string(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    api_openid_body("token", SPAN("aa.bb.cc"), &body);
    assert_string_equal(buf_text(&body), "{\"token\":\"aa.bb.cc\"}");
    buf_wipe(&body);
    api_openid_body("asser\"tion", SPAN("aa.bb.cc"), &body);
    assert_string_equal(buf_text(&body), "{\"asser\\\"tion\":\"aa.bb.cc\"}");
    buf_free(&body);
}

/* ---- what is no answer, and what a command printed ---- */

static void a_broken_answer_is_judged_by_its_status(void **state)
{
    static const struct {
        int status;
        enum api_token_result result;
        const char *reason;
    } cases[] = {
        {0, API_TOKEN_TRANSIENT, "what came from the token host is no HTTP"},
        {200, API_TOKEN_UNREADABLE, "HTTP 200: the answer is too long or broken"},
        {302, API_TOKEN_UNREADABLE, "HTTP 302: the answer is too long or broken"},
        {400, API_TOKEN_NO_ACCOUNT, "HTTP 400: the answer is too long or broken"},
        {401, API_TOKEN_REFUSED, "HTTP 401: the answer is too long or broken"},
        {429, API_TOKEN_TRANSIENT, "HTTP 429: the answer is too long or broken"},
        {502, API_TOKEN_TRANSIENT, "HTTP 502: the answer is too long or broken"},
    };
    struct api_token token;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(&token, 0x5A, sizeof token);
        assert_int_equal(api_token_broken(cases[i].status, &token), cases[i].result);
        assert_string_equal(token.reason, cases[i].reason);
        assert_int_equal(token.text.len, 0);
        assert_int_equal(token.life_ms, 0);
    }
}

static void what_a_command_prints(void **state)
{
    static const struct {
        const char *output;
        enum api_token_result result;
        const char *text;
        int64_t life_ms;
        const char *reason;
    } cases[] = {
        {"abc.def", API_TOKEN_OK, "abc.def", 0, ""},
        {"\n  abc.def \r\n\n", API_TOKEN_OK, "abc.def", 0, ""},
        {"{\"token\": \"abc\", \"expires_in\": 30}\n", API_TOKEN_OK, "abc", 30000, ""},
        {" {\"access_token\": \"abc\"}", API_TOKEN_OK, "abc", 0, ""},
        {"", API_TOKEN_UNREADABLE, "", 0, "nothing was printed"},
        {" \n", API_TOKEN_UNREADABLE, "", 0, "nothing was printed"},
        {"abc\ndef\n", API_TOKEN_UNREADABLE, "", 0, "more than one line was printed"},
        {"a token", API_TOKEN_UNREADABLE, "", 0, "the token is empty or holds characters no token has"},
        {"{}", API_TOKEN_UNREADABLE, "", 0, "the token answer holds no token under auth.token_field"},
        {"{\"token\":", API_TOKEN_UNREADABLE, "", 0,
         "the token answer holds no token under auth.token_field"},
        {"e30.eyJhaWQiOiI5OSJ9.x", API_TOKEN_WRONG_ACCOUNT, "", 0, "the token's claims name another account"},
        {"e30.eyJleHAiOjE2MDAwMDAwMDAsImlhdCI6MTU5OTk5OTQwMH0.x", API_TOKEN_REFUSED, "", 0,
         "the token has expired"},
    };
    const struct api_token_ask ask = {.account = 12345, .wall_ms = WALL_MS};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct api_token token;
        struct buf store;
        buf_init(&store, 512);
        assert_int_equal(api_token_printed(&ask, span_of(cases[i].output), &store, &token), cases[i].result);
        assert_true(span_is(token.text, cases[i].text));
        assert_int_equal(token.life_ms, cases[i].life_ms);
        assert_string_equal(token.reason, cases[i].reason);
        buf_free(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_s2s_body_names_the_account_as_a_number),
        cmocka_unit_test(the_s2s_body_never_moves),
        cmocka_unit_test(a_literal_token_is_read),
        cmocka_unit_test(the_claims_give_the_life),
        cmocka_unit_test(opaque_tokens_are_taken),
        cmocka_unit_test(a_payload_of_other_letters_is_opaque),
        cmocka_unit_test(no_header_can_be_made_of_a_token),
        cmocka_unit_test(another_account_is_noticed),
        cmocka_unit_test(numbers_beyond_doubles_cannot_tell),
        cmocka_unit_test(token_answers_are_read),
        cmocka_unit_test(the_claims_count_before_expires_in),
        cmocka_unit_test(a_new_token_is_judged_by_its_own_clock),
        cmocka_unit_test(unreadable_answers_are_named),
        cmocka_unit_test(a_token_of_another_account_is_refused),
        cmocka_unit_test(refusals_of_tokens_are_told_apart),
        cmocka_unit_test(reasons_hold_no_secret),
        cmocka_unit_test(the_store_is_emptied_first),
        cmocka_unit_test(the_hosts_time_is_believed),
        cmocka_unit_test(the_oauth2_body_is_a_form),
        cmocka_unit_test(the_openid_body_is_one_string),
        cmocka_unit_test(a_broken_answer_is_judged_by_its_status),
        cmocka_unit_test(what_a_command_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
