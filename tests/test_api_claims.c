/* The claims of an assertion: what a template may say, what is put in for each account, what is refused and
 * where. */
#include "rule/api_claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct api_claims_options options_of(const char *template)
{
    return (struct api_claims_options){.template = span_of(template),
                                       .name = "claims.json",
                                       .issuer = "issuer.example",
                                       .subject = "subject-1",
                                       .audience = "passport.example",
                                       .tenant = "TN-\"1\""};
}

static void writes(const struct api_claims_options *options, int64_t account, const char *expected)
{
    struct api_claims *claims = NULL;
    struct fail fail;
    struct buf out;

    if (api_claims_open(&claims, options, &fail) != 0)
        fail_msg("%s", fail.text);
    buf_init(&out, 4096);
    api_claims_write(claims, account, 1679584188, 1679587788, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
    api_claims_close(claims);
}

#define OWN "{\"iss\":\"issuer.example\",\"sub\":\"subject-1\",\"aud\":\"passport.example\","
#define TIMES "\"iat\":1679584188,\"exp\":1679587788"

static void the_default_names_tenant_and_account(void **state)
{
    struct api_claims_options options = options_of(API_CLAIMS_DEFAULT);

    (void)state;
    writes(&options, 133276544, OWN TIMES ",\"tenant_id\":\"TN-\\\"1\\\"\",\"uid\":\"133276544\"}");
}

/* Every published shape: numbers beyond 2^53 digit for digit, pismo as an object or a string, nested claims.
 */
static void a_template_says_the_rest(void **state)
{
    struct api_claims_options options =
        options_of("{\"account_id\": \"{account_id:number}\",\n"
                   " \"external_account_id\": \"EXT-{account_id}/{tenant}\",\n"
                   " \"pismo\": {\"group\": \"pismo-v1:admin:rw\"},\n"
                   " \"customClaims\": [1, -2, 9007199254740992, true, null, {\"a\": \"{{b}\"}]}\n");

    (void)state;
    writes(&options, INT64_C(9007199254740993),
           OWN TIMES
           ",\"account_id\":9007199254740993,\"external_account_id\":\"EXT-9007199254740993/TN-\\\"1\\\"\","
           "\"pismo\":{\"group\":\"pismo-v1:admin:rw\"},"
           "\"customClaims\":[1,-2,9007199254740992,true,null,{\"a\":\"{b}\"}]}");
    options = options_of("{\"pismo\": \"pismo-v1:admin:rw\"}");
    writes(&options, 1, OWN TIMES ",\"pismo\":\"pismo-v1:admin:rw\"}");
    options = options_of("{}");
    writes(&options, 1, OWN TIMES "}");
}

static void who_and_for_whom_may_stand_in_the_template(void **state)
{
    struct api_claims_options options = options_of("{\"aud\": [\"a.example\", \"b.example\"]}");

    (void)state;
    options.audience = "";
    writes(&options, 1,
           "{\"iss\":\"issuer.example\",\"sub\":\"subject-1\"," TIMES
           ",\"aud\":[\"a.example\",\"b.example\"]}");
}

static void refused(struct api_claims_options options, const char *words)
{
    struct api_claims *claims = NULL;
    struct fail fail;

    assert_int_equal(api_claims_open(&claims, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, words);
    assert_null(claims);
}

#define NO_PLACE                                                                                  \
    ": no placeholder; there are {account_id}, {tenant}, {account_id:number} as a whole string, " \
    "and {{ for a brace"

static void a_faulty_template_names_the_place(void **state)
{
    static const struct {
        const char *template, *words;
    } cases[] = {
        {"", "claims.json:1: not JSON from here on"},
        {"{\"a\": 1,\n\"b\": x}", "claims.json:2: not JSON from here on"},
        {"{} {}", "claims.json:1: not JSON from here on"},
        {"[]", "claims.json: not a JSON object"},
        {"\"uid\"", "claims.json: not a JSON object"},
        {"{\"a\": \"\xFF\"}", "claims.json: not UTF-8"},
        {"{\"a\": \"\\u0000\"}", "claims.json: holds a NUL character"},
        {"{\n\n\"uid\": \"{acount_id}\"}", "claims.json:3: {acount_id}" NO_PLACE},
        {"{\"uid\": \"x{account_id:number}\"}", "claims.json:1: x{account_id:number}" NO_PLACE},
        {"{\"a\": {\"b\": [\"{\"]}}", "claims.json:1: {" NO_PLACE},
        {"{\"a\": 1,\n \"a\": 2}", "claims.json:1: a: the member stands there twice"},
        {"{\"a\": {\"big\": 9007199254740994}}",
         "claims.json:1: big: numbers must be whole and within 2^53; write others as strings"},
        {"{\"half\": 0.5}",
         "claims.json:1: half: numbers must be whole and within 2^53; write others as strings"},
        {"{\"a\":[[[[[[[[[[[[[1]]]]]]]]]]]]]}", "claims.json: nested deeper than 12 levels"},
        {"{\"exp\": 1}", "claims.json: 'iat' and 'exp' are the program's: take them out"},
        {"{\"iss\": \"x\"}", "claims.json: 'iss' is there, and auth.issuer is set as well: keep one of them"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(options_of(cases[i].template), cases[i].words);
}

static void who_and_for_whom_must_be_somewhere(void **state)
{
    struct api_claims_options options = options_of("{}");

    (void)state;
    options.issuer = NULL;
    refused(options, "auth.method = openid needs auth.issuer (or 'iss' in auth.claims_file)");
    options = options_of("{}");
    options.subject = "";
    refused(options, "auth.method = openid needs auth.subject (or 'sub' in auth.claims_file)");
    options = options_of("{}");
    options.audience = "";
    refused(options, "auth.method = openid needs auth.audience (or 'aud' in auth.claims_file)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_names_tenant_and_account),
        cmocka_unit_test(a_template_says_the_rest),
        cmocka_unit_test(who_and_for_whom_may_stand_in_the_template),
        cmocka_unit_test(a_faulty_template_names_the_place),
        cmocka_unit_test(who_and_for_whom_must_be_somewhere),
    };

    return cmocka_run_group_tests_name("api_claims", tests, NULL, NULL);
}
