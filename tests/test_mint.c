/* mint: token files, the s2s request, and what becomes of its reply. */
#include "work/mint.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALL_MS INT64_C(1700000000000)

static struct mint *file_mint(struct span text)
{
    const struct mint_options options = {.method = MINT_FILE, .token_file = scratch_write("tokens", text)};
    struct mint *mint = NULL;
    struct fail fail;

    if (mint_open(&mint, &options, &fail) != 0)
        fail_msg("%s", fail.text);
    assert_int_equal(mint_way(mint), MINT_AT_ONCE);
    return mint;
}

static void gives(struct mint *mint, int64_t account, const char *token)
{
    struct api_token out;

    assert_int_equal(mint_local(mint, account, WALL_MS, &out), token ? API_TOKEN_OK : API_TOKEN_NO_ACCOUNT);
    if (token)
        assert_true(span_is(out.text, token));
    else
        assert_int_equal(out.text.len, 0);
}

/* ---- token files ---- */

static void a_file_may_hold_one_token_for_all(void **state)
{
    struct mint *mint = file_mint(SPAN("\n  abc.def-ghi  \r\n\n"));

    (void)state;
    gives(mint, 21, "abc.def-ghi");
    gives(mint, INT64_MAX, "abc.def-ghi");
    mint_close(mint);
}

static void a_file_may_hold_a_token_for_each_account(void **state)
{
    struct mint *mint =
        file_mint(SPAN("# from the night job\naccount_id,token\n22, token-22\r\n021,token-21 \n\n"
                       "9223372036854775807,token-big"));

    (void)state;
    gives(mint, 21, "token-21");
    gives(mint, 22, "token-22");
    gives(mint, INT64_MAX, "token-big");
    gives(mint, 23, NULL);
    mint_close(mint);
}

static void an_account_without_a_token_is_named(void **state)
{
    struct mint *mint = file_mint(SPAN("21,token-21\n"));
    struct api_token out;

    (void)state;
    assert_int_equal(mint_local(mint, 23, WALL_MS, &out), API_TOKEN_NO_ACCOUNT);
    assert_string_equal(out.reason, "the token file has no token for account 23");
    mint_close(mint);
}

static void many_accounts_are_found(void **state)
{
    struct buf text;
    struct mint *mint;

    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 1000; i > 0; i--)
        buf_addf(&text, "%d,token-%d\n", i * 7 % 1009 + 1, i * 7 % 1009 + 1);
    mint = file_mint(buf_span(&text));
    for (int i = 1; i <= 1000; i++) {
        buf_reset(&text);
        buf_addf(&text, "token-%d", i * 7 % 1009 + 1);
        gives(mint, i * 7 % 1009 + 1, buf_text(&text));
    }
    mint_close(mint);
    buf_free(&text);
}

/* The same line twice says the same. */
static void equal_tokens_of_an_account_do_no_harm(void **state)
{
    struct mint *mint = file_mint(SPAN("21,token-21\n22,token-22\n21,token-21\n"));

    (void)state;
    gives(mint, 21, "token-21");
    mint_close(mint);
}

static void a_bad_token_file_names_file_and_line(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"21,token\nx,token\n", ":2: not 'account_id,token'"},
        {"# one\n\n0,token\n", ":3: not 'account_id,token'"},
        {"21,token\n22,\n", ":2: not 'account_id,token'"},
        {"21,token\n22, \r\n", ":2: not 'account_id,token'"},
        {"9223372036854775808,token\n", ":1: not 'account_id,token'"},
        {"21,token\naccount_id,token\n", ":2: not 'account_id,token'"},
        {"token-a\n\ntoken-b\n", ":3: a second token for all accounts; write 'account_id,token'"},
        {"token-a\n21,token-b\n",
         ": both 'account_id,token' lines and a token for all accounts; use one form"},
        {"21,token-a\n22,token\n021,token-b\n", ":3: a second token for account 21"},
        {"", ": the token file holds no token"},
        {"\n# nothing\naccount_id\n", NULL}, /* a token, for all we know */
        {"account_id,token\n", ": the token file holds no token"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = scratch_write("tokens", span_of(cases[i].text));
        const struct mint_options options = {.method = MINT_FILE, .token_file = path};
        struct mint *mint = NULL;
        struct fail fail;
        if (!cases[i].words) {
            assert_int_equal(mint_open(&mint, &options, &fail), 0);
            mint_close(mint);
            continue;
        }
        assert_int_equal(mint_open(&mint, &options, &fail), -1);
        assert_int_equal(fail.kind, FAIL_USAGE);
        assert_memory_equal(fail.text, path, strlen(path));
        assert_string_equal(fail.text + strlen(path), cases[i].words);
    }
}

/* A bad line may hold a token: the message shows none of it. */
static void a_message_never_shows_a_token(void **state)
{
    const struct mint_options options = {.method = MINT_FILE,
                                         .token_file = scratch_write("tokens", SPAN("x1,secret-token\n"))};
    struct mint *mint = NULL;
    struct fail fail;

    (void)state;
    assert_int_equal(mint_open(&mint, &options, &fail), -1);
    assert_null(strstr(fail.text, "secret-token"));
}

static void a_token_file_must_be_named_and_readable(void **state)
{
    struct mint_options options = {.method = MINT_FILE};
    struct mint *mint = NULL;
    struct fail fail;

    (void)state;
    assert_int_equal(mint_open(&mint, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, "auth.method = file needs auth.token_file");
    options.token_file = "/nowhere/tokens";
    assert_int_equal(mint_open(&mint, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, "/nowhere/tokens: cannot open the token file: No such file or directory");
    options.token_file = scratch_folder();
    assert_int_equal(mint_open(&mint, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_non_null(strstr(fail.text, ": cannot read the token file: Is a directory"));
}

/* {"alg":"none"}.{"account_id":"22","exp":1700000600}: of account 22, for ten minutes. */
#define JWT_22 "eyJhbGciOiJub25lIn0.eyJhY2NvdW50X2lkIjoiMjIiLCJleHAiOjE3MDAwMDA2MDB9.c2ln"

static void a_token_of_another_account_is_not_used(void **state)
{
    struct mint *mint = file_mint(SPAN("21," JWT_22 "\n22," JWT_22 "\n"));
    struct api_token out;

    (void)state;
    assert_int_equal(mint_local(mint, 21, WALL_MS, &out), API_TOKEN_WRONG_ACCOUNT);
    assert_int_equal(out.text.len, 0);
    assert_int_equal(mint_local(mint, 22, WALL_MS, &out), API_TOKEN_OK);
    assert_true(out.names_account);
    assert_int_equal(out.life_ms, 600000);
    assert_int_equal(mint_local(mint, 22, WALL_MS + 600001, &out), API_TOKEN_REFUSED);
    mint_close(mint);
}

/* ---- s2s ---- */

static struct mint_options s2s_options(void)
{
    return (struct mint_options){.method = MINT_S2S,
                                 .url = "https://auth.example.com/passport/",
                                 .server_key = "key-1",
                                 .server_secret = "s\"1",
                                 .token_field = "token",
                                 .timeout_ms = 30000};
}

static void the_s2s_request_is_what_the_api_text_says(void **state)
{
    const struct mint_options options = s2s_options();
    struct http_request request;
    struct mint *mint = NULL;
    struct fail fail;

    (void)state;
    assert_int_equal(mint_open(&mint, &options, &fail), 0);
    assert_int_equal(mint_way(mint), MINT_BY_REQUEST);
    assert_int_equal(mint_request(mint, INT64_C(9007199254740993), WALL_MS, &request, &fail), 0);
    assert_string_equal(request.url, "https://auth.example.com/passport/v2/s2s/access-token");
    assert_int_equal(request.header_count, 2);
    assert_true(span_is(request.headers[0], "Content-Type: application/json"));
    assert_true(span_is(request.headers[1], "Accept: application/json"));
    assert_true(span_is(request.body, "{\"server_key\":\"key-1\",\"server_secret\":\"s\\\"1\","
                                      "\"account_id\":9007199254740993}"));
    assert_true(request.secret);
    assert_int_equal(request.timeout_ms, 30000);
    assert_int_equal(mint_request(mint, 22, WALL_MS, &request, &fail), 0);
    assert_true(
        span_is(request.body, "{\"server_key\":\"key-1\",\"server_secret\":\"s\\\"1\",\"account_id\":22}"));
    mint_close(mint);
}

static void s2s_needs_url_key_and_secret(void **state)
{
    static const char no_secret[] =
        "auth.method = s2s needs a server key and secret: set auth.server_key_file and "
        "auth.server_secret_file, or CTP_ENROLL_AUTH_SERVER_KEY and "
        "CTP_ENROLL_AUTH_SERVER_SECRET in the environment";
    struct mint_options options[5];
    static const char *const words[5] = {"auth.url is not set: the passport's base URL (--auth-url)",
                                         "auth.url is not set: the passport's base URL (--auth-url)",
                                         no_secret, no_secret, "auth.url: "};
    struct mint *mint = NULL;
    struct fail fail;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        options[i] = s2s_options();
    options[0].url = NULL;
    options[1].url = "";
    options[2].server_key = "";
    options[3].server_secret = NULL;
    options[4].url = "http://auth.example.com/passport";
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mint_open(&mint, &options[i], &fail), -1);
        assert_int_equal(fail.kind, FAIL_USAGE);
        assert_memory_equal(fail.text, words[i], strlen(words[i]));
    }
}

static void a_reply_yields_its_token(void **state)
{
    const struct mint_options options = s2s_options();
    struct http_reply reply = {
        .end = HTTP_ANSWERED, .status = 200, .body = SPAN("{\"token\":\"" JWT_22 "\",\"refresh\":\"r\"}")};
    struct mint *mint = NULL;
    struct api_token out;
    struct fail fail;

    (void)state;
    assert_int_equal(mint_open(&mint, &options, &fail), 0);
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_OK);
    assert_true(span_is(out.text, JWT_22));
    assert_int_equal(out.life_ms, 600000);
    assert_int_equal(mint_read(mint, 21, &reply, WALL_MS, &out), API_TOKEN_WRONG_ACCOUNT);
    reply.status = 401;
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_REFUSED);
    reply.status = 503;
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_TRANSIENT);
    reply.end = HTTP_TLS;
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_REFUSED);
    reply.end = HTTP_NOT_SENT;
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_TRANSIENT);
    mint_close(mint);
}

/* A server may quote the key; our own words for no answer hold none, whatever it is. */
static void a_reason_that_holds_the_key_is_cut_to_the_status(void **state)
{
    struct http_reply reply = {
        .end = HTTP_ANSWERED, .status = 503, .body = SPAN("{\"message\":\"no host for this client\"}")};
    struct mint_options options = s2s_options();
    struct mint *mint = NULL;
    struct api_token out;
    struct fail fail;

    (void)state;
    options.server_key = "host";
    assert_int_equal(mint_open(&mint, &options, &fail), 0);
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_TRANSIENT);
    assert_string_equal(out.reason, "HTTP 503");
    reply.end = HTTP_NOT_SENT;
    assert_int_equal(mint_read(mint, 22, &reply, WALL_MS, &out), API_TOKEN_TRANSIENT);
    assert_string_equal(out.reason, "no connection to the token host");
    mint_close(mint);
}

static void a_replys_end_is_the_rules_end(void **state)
{
    static const struct {
        enum http_end http;
        int status;
        enum api_end api;
        int judged;
        size_t body;
    } ends[] = {
        {HTTP_ANSWERED, 202, API_ANSWERED, 202, 4},
        {HTTP_ANSWERED, 503, API_ANSWERED, 503, 4},
        {HTTP_NOT_SENT, 0, API_NOT_SENT, 0, 0},
        {HTTP_LOST, 0, API_LOST, 0, 0},
        {HTTP_LOST, 500, API_LOST, 0, 0},
        {HTTP_BROKEN, 400, API_LOST, 0, 0},
        {HTTP_TLS, 0, API_TLS, 0, 0},
        /* 202 is taken, whatever becomes of the body behind it. */
        {HTTP_LOST, 202, API_ANSWERED, 202, 0},
        {HTTP_BROKEN, 202, API_ANSWERED, 202, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const struct http_reply reply = {.end = ends[i].http, .status = ends[i].status, .body = SPAN("text")};
        struct api_answer answer = mint_answer(&reply);
        assert_int_equal(answer.end, ends[i].api);
        assert_int_equal(answer.status, ends[i].judged);
        assert_int_equal(answer.body.len, ends[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_may_hold_one_token_for_all),
        cmocka_unit_test(a_file_may_hold_a_token_for_each_account),
        cmocka_unit_test(an_account_without_a_token_is_named),
        cmocka_unit_test(many_accounts_are_found),
        cmocka_unit_test(equal_tokens_of_an_account_do_no_harm),
        cmocka_unit_test(a_bad_token_file_names_file_and_line),
        cmocka_unit_test(a_message_never_shows_a_token),
        cmocka_unit_test(a_token_file_must_be_named_and_readable),
        cmocka_unit_test(a_token_of_another_account_is_not_used),
        cmocka_unit_test(the_s2s_request_is_what_the_api_text_says),
        cmocka_unit_test(s2s_needs_url_key_and_secret),
        cmocka_unit_test(a_reply_yields_its_token),
        cmocka_unit_test(a_reason_that_holds_the_key_is_cut_to_the_status),
        cmocka_unit_test(a_replys_end_is_the_rules_end),
    };

    return cmocka_run_group_tests_name("mint", tests, scratch_open, scratch_close);
}
