/* Answers of any bytes: a kind ('j' enrolment, 't' token, 'c' a bearer by itself, 'p' what a command printed,
 * 'm' a template of claims), three bytes of status, the body. What must hold whatever comes: nothing personal
 * and no control character in a message, no bearer that could end a header line, no life that could overflow
 * a time. */
#include "rule/api_claims.h"
#include "rule/api_token.h"

#include "value/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void check_masked(const char *message)
{
    size_t run = 0, len = strlen(message);

    assert(text_is_utf8(span_of(message)));
    if (message[0] == '(')
        return; /* "(not JSON, 65536 bytes)" */
    assert(!strchr(message, '@'));
    for (size_t i = 0; i < len; i++) {
        assert((unsigned char)message[i] >= 0x20 && message[i] != 0x7F);
        run = is_digit(message[i]) ? run + 1 : 0;
        assert(run < 4);
        assert(strncasecmp(message + i, "Sampleton", 9) != 0);
        assert(strncasecmp(message + i, "M\xC3\xB6rkson", 8) != 0);
    }
}

static void fuzz_judge(int status, struct span body)
{
    static const struct api_verdict extra = {400, 499, "odd", VERDICT_TRANSIENT, NULL};
    const struct api_answer answer = {API_ANSWERED, status, body};
    struct api_outcome outcome;
    struct record record;

    record_init(&record);
    record.text[FIELD_LAST_NAME] = SPAN("M\xC3\xB6rkson");
    record.text[FIELD_BILLING_CITY] = SPAN("Sampleton");
    record.text[FIELD_FIRST_NAME] = SPAN("Ana");
    record.emails[0] = SPAN("ana@mail.example");
    record.email_count = 1;
    memset(&outcome, 0x5A, sizeof outcome);
    api_judge(&answer, &extra, 1, &record, &record, &outcome);
    assert(memchr(outcome.message, '\0', sizeof outcome.message));
    assert(outcome.code[0] && memchr(outcome.code, '\0', sizeof outcome.code));
    assert((status == 202) == (outcome.verdict == VERDICT_ACCEPTED));
    check_masked(outcome.message);
}

static void check_token(enum api_token_result result, const struct api_token *token)
{
    assert((result == API_TOKEN_OK) == (token->text.len > 0));
    assert((result == API_TOKEN_OK) == (token->reason[0] == '\0'));
    assert(token->life_ms >= 0 && token->life_ms <= INT64_C(366) * 24 * 3600 * 1000);
    for (size_t i = 0; i < token->text.len; i++)
        assert(token->text.ptr[i] > ' ' && token->text.ptr[i] < 0x7F);
}

static const struct api_token_ask ask = {
    .account = 12345, .wall_ms = INT64_C(1700000000000), .field = "token"};

static void fuzz_printed(struct span output)
{
    struct api_token token;
    struct buf store;

    buf_init(&store, 4096);
    memset(&token, 0x5A, sizeof token);
    check_token(api_token_printed(&ask, output, &store, &token), &token);
    buf_free(&store);
}

/* What was let in can be written, and what is written is one object. */
static void fuzz_claims(struct span template)
{
    const struct api_claims_options options = {.template = template,
                                               .name = "claims.json",
                                               .issuer = "issuer.example",
                                               .subject = "subject",
                                               .tenant = "TN-\"1\""};
    struct api_claims *claims;
    struct fail fail;
    struct buf out;

    if (api_claims_open(&claims, &options, &fail) != 0) {
        assert(fail.kind == FAIL_USAGE);
        return;
    }
    buf_init(&out, 1 << 20);
    api_claims_write(claims, INT64_MAX, 1, 2, &out);
    assert(out.full || (out.ptr[0] == '{' && out.ptr[out.len - 1] == '}'));
    assert(text_is_utf8(buf_span(&out)));
    buf_free(&out);
    api_claims_close(claims);
}

static void fuzz_token(int status, struct span body)
{
    const struct api_answer answer = {API_ANSWERED, status, body};
    struct api_token token;
    struct buf store;

    buf_init(&store, 4096);
    memset(&token, 0x5A, sizeof token);
    check_token(api_token_read(&ask, &answer, &store, &token), &token);
    buf_free(&store);
}

static void fuzz_bearer(struct span bearer)
{
    struct api_token token;

    memset(&token, 0x5A, sizeof token);
    check_token(api_token_check(&ask, bearer, &token), &token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body;
    int status;

    if (size < 4)
        return 0;
    status = (data[1] % 10) * 100 + (data[2] % 10) * 10 + data[3] % 10;
    body = malloc(size > 4 ? size - 4 : 1); /* a block of its own, so that reading past its end is noticed */
    assert(body);
    memcpy(body, data + 4, size - 4);
    if (data[0] == 't')
        fuzz_token(status, (struct span){body, size - 4});
    else if (data[0] == 'c')
        fuzz_bearer((struct span){body, size - 4});
    else if (data[0] == 'p')
        fuzz_printed((struct span){body, size - 4});
    else if (data[0] == 'm')
        fuzz_claims((struct span){body, size - 4});
    else
        fuzz_judge(status, (struct span){body, size - 4});
    free(body);
    return 0;
}
