/* api_claims: the claims of the assertion of auth.method = openid, from a JSON template.
 *
 * iss, sub and aud come from the settings or, where a setting is empty, from the template; iat and exp are
 * the program's; everything else is the template's, in its order. In the template's strings {account_id} and
 * {tenant} stand for the row's account and the tenant, and {{ for a brace; a string that is
 * {account_id:number} and nothing else becomes a number, digit for digit. What the provider publishes of the
 * claims disagrees with itself in places (docs/api.md), which is why they are no code. Everything is checked
 * when the template is read: afterwards writing cannot fail. Pure. */
#ifndef RULE_API_CLAIMS_H
#define RULE_API_CLAIMS_H

#include "kit/buf.h"

/* Used where there is no template: account and tenant under the names of the published example. */
#define API_CLAIMS_DEFAULT "{\"tenant_id\": \"{tenant}\", \"uid\": \"{account_id}\"}"

struct api_claims_options {
    struct span template;
    const char *name;                        /* of the template's file, for messages */
    const char *issuer, *subject, *audience; /* NULL or "": the template's */
    const char *tenant;
};

struct api_claims;

/* The texts are copied. FAIL_USAGE names the file, and the line where there is one. */
int api_claims_open(struct api_claims **out, const struct api_claims_options *options,
                    struct fail *fail) MUST_CHECK;
void api_claims_close(struct api_claims *claims);

/* One JSON object; times in seconds since 1970. */
void api_claims_write(const struct api_claims *claims, int64_t account, int64_t iat_s, int64_t exp_s,
                      struct buf *out);

#endif
