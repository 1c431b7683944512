/* One assertion a token call, signed afresh: it names the account. */
#include "mint_impl.h"

#include <string.h>

enum {
    TEMPLATE_CAP = 1 << 16,
    BACKDATE_S = 5 /* a verifier whose clock is a little behind must not see the future */
};

static int need(const char *value, const char *setting, struct fail *fail)
{
    return value && value[0] ? 0 : fail_set(fail, FAIL_USAGE, "auth.method = openid needs %s", setting);
}

static int read_template(struct mint *mint, struct fail *fail)
{
    const struct mint_options *options = &mint->options;
    bool is_file = options->claims_file && options->claims_file[0];
    struct api_claims_options claims = {.template = SPAN(API_CLAIMS_DEFAULT),
                                        .name = is_file ? options->claims_file : "the default claims",
                                        .issuer = options->issuer,
                                        .subject = options->subject,
                                        .audience = options->audience,
                                        .tenant = options->tenant};
    struct buf text;
    int rc = 0;

    buf_init(&text, TEMPLATE_CAP);
    if (is_file)
        rc = mint_read_file(options->claims_file, "claims template", &text, fail);
    if (rc == 0 && is_file)
        claims.template = buf_span(&text);
    if (rc == 0)
        rc = api_claims_open(&mint->template, &claims, fail);
    buf_free(&text);
    return rc;
}

/* The trial shows at the start what could only fail later: a key whose parts do not fit, claims too long. */
int mint_openid_open(struct mint *mint, struct fail *fail)
{
    const struct mint_options *options = &mint->options;

    if (need(options->private_key_file, "auth.private_key_file", fail) != 0 ||
        need(options->assertion_field, "auth.assertion_field", fail) != 0 || read_template(mint, fail) != 0 ||
        jwt_open(&mint->jwt, options->private_key, options->private_key_file, fail) != 0)
        return -1;
    if (mint_openid_sign(mint, INT64_MAX, 0, fail) != 0) {
        fail->kind = FAIL_USAGE;
        return fail_context(fail, "auth.method = openid");
    }
    return 0;
}

void mint_openid_close(struct mint *mint)
{
    jwt_close(mint->jwt);
    api_claims_close(mint->template);
}

int mint_openid_sign(struct mint *mint, int64_t account, int64_t wall_ms, struct fail *fail)
{
    int64_t iat_s = (wall_ms + mint->skew_ms) / 1000 - BACKDATE_S;

    buf_wipe(&mint->claims);
    buf_wipe(&mint->text);
    api_claims_write(mint->template, account, iat_s, iat_s + mint->options.assertion_life_ms / 1000,
                     &mint->claims);
    if (mint->claims.full)
        return fail_set(fail, FAIL_INTERNAL, "the claims are too long");
    return jwt_sign(mint->jwt, buf_span(&mint->claims), &mint->text, fail);
}
