/* mint: a token host that repeats key and secret in its refusal; neither may stand in the reason, which goes
 * to the log, the ledger and the reports. */
#include "work/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define WALL_MS INT64_C(1700000000000)

/* Letters only and short: words like any other. */
#define KEY "lindenkey"
#define SECRET "MarmaladeHouse"

static struct mint *s2s_mint(const char *key, const char *secret)
{
    const struct mint_options options = {.method = MINT_S2S,
                                         .url = "https://auth.example.com/passport",
                                         .server_key = key,
                                         .server_secret = secret,
                                         .token_field = "token",
                                         .timeout_ms = 30000};
    struct mint *mint = NULL;
    struct fail fail;

    if (mint_open(&mint, &options, &fail) != 0)
        fail_msg("%s", fail.text);
    return mint;
}

static void reason_is(struct mint *mint, int status, const char *body, enum api_token_result result,
                      const char *reason)
{
    const struct http_reply reply = {.end = HTTP_ANSWERED, .status = status, .body = span_of(body)};
    struct api_token out;

    assert_int_equal(mint_read(mint, 7, &reply, WALL_MS, &out), result);
    assert_string_equal(out.reason, reason);
    assert_int_equal(out.text.len, 0);
}

static void a_refusal_without_secrets_is_repeated(void **state)
{
    struct mint *mint = s2s_mint(KEY, SECRET);

    (void)state;
    reason_is(mint, 400, "{\"message\":\"account not found\"}", API_TOKEN_NO_ACCOUNT,
              "HTTP 400: account not found");
    mint_close(mint);
}

static void a_repeated_key_is_not_told(void **state)
{
    struct mint *mint = s2s_mint(KEY, SECRET);

    (void)state;
    reason_is(mint, 400, "{\"message\":\"unknown key " KEY "\"}", API_TOKEN_NO_ACCOUNT, "HTTP 400");
    reason_is(mint, 401, "{\"message\":\"" KEY " is not known here\"}", API_TOKEN_REFUSED, "HTTP 401");
    reason_is(mint, 400, "{\"message\":\"key:" KEY ".\"}", API_TOKEN_NO_ACCOUNT, "HTTP 400");
    mint_close(mint);
}

static void a_repeated_secret_is_not_told(void **state)
{
    struct mint *mint = s2s_mint(KEY, SECRET);

    (void)state;
    reason_is(mint, 400, "{\"message\":\"bad secret " SECRET "\"}", API_TOKEN_NO_ACCOUNT, "HTTP 400");
    reason_is(mint, 503, "{\"message\":\"" SECRET " cannot be looked up\"}", API_TOKEN_TRANSIENT, "HTTP 503");
    mint_close(mint);
}

static void letter_case_does_not_hide_a_secret(void **state)
{
    struct mint *mint = s2s_mint(KEY, SECRET);

    (void)state;
    reason_is(mint, 400, "{\"message\":\"bad secret MARMALADEHOUSE\"}", API_TOKEN_NO_ACCOUNT, "HTTP 400");
    reason_is(mint, 400, "{\"message\":\"unknown LindenKey\"}", API_TOKEN_NO_ACCOUNT, "HTTP 400");
    mint_close(mint);
}

/* A reason is cut at its cap: wherever the cut comes, not half of the secret stands before it. */
static void no_part_of_a_secret_stands_at_the_cut(void **state)
{
    struct mint *mint = s2s_mint(KEY, SECRET);
    struct api_token out;
    struct buf body;

    (void)state;
    buf_init(&body, 1 << 14);
    for (int fill = 0; fill < 300; fill++) {
        struct http_reply reply = {.end = HTTP_ANSWERED, .status = 400};
        buf_reset(&body);
        buf_add_text(&body, "{\"message\":\"");
        for (int i = 0; i < fill; i++)
            buf_add_text(&body, i % 10 == 9 ? " " : "x");
        buf_add_text(&body, " " SECRET "\"}");
        reply.body = buf_span(&body);
        assert_int_equal(mint_read(mint, 7, &reply, WALL_MS, &out), API_TOKEN_NO_ACCOUNT);
        assert_null(strstr(out.reason, "Marma"));
    }
    buf_free(&body);
    mint_close(mint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_without_secrets_is_repeated),
        cmocka_unit_test(a_repeated_key_is_not_told),
        cmocka_unit_test(a_repeated_secret_is_not_told),
        cmocka_unit_test(letter_case_does_not_hide_a_secret),
        cmocka_unit_test(no_part_of_a_secret_stands_at_the_cut),
    };

    return cmocka_run_group_tests_name("mint guard", tests, NULL, NULL);
}
