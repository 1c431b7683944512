#include "rule/api_token.h"

#include "kit/json.h"

#include <inttypes.h>

/* Grows an empty buf up front: growing with a secret inside would leave a copy of it in freed memory. An
 * escape makes a byte at most six long. */
static void reserve_secret(struct buf *out, size_t secrets_len)
{
    size_t want = secrets_len * 6 + 128;

    if (out->ptr || want > out->cap)
        return;
    out->ptr = mem_alloc(want + 1);
    out->size = want + 1;
}

void api_s2s_body(struct span key, struct span secret, int64_t account, struct buf *out)
{
    struct json json;

    reserve_secret(out, key.len + secret.len);
    json_init(&json, out, false);
    json_object(&json);
    json_key(&json, "server_key");
    json_span(&json, key);
    json_key(&json, "server_secret");
    json_span(&json, secret);
    json_key(&json, "account_id");
    json_int(&json, account);
    json_end_object(&json);
}

void api_openid_body(const char *field, struct span assertion, struct buf *out)
{
    struct json json;

    reserve_secret(out, assertion.len);
    json_init(&json, out, false);
    json_object(&json);
    json_key(&json, field);
    json_span(&json, assertion);
    json_end_object(&json);
}

/* application/x-www-form-urlencoded, as the URL standard writes it. */
static void add_form(struct buf *out, const char *name, struct span value)
{
    static const char digits[] = "0123456789ABCDEF";

    buf_addf(out, "%s%s=", out->len > 0 ? "&" : "", name);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '.' || c == '_' || c == '*';
        if (plain || c == ' ') {
            buf_add_char(out, plain ? (char)c : '+');
        } else {
            buf_add_char(out, '%');
            buf_add_char(out, digits[c >> 4]);
            buf_add_char(out, digits[c & 15]);
        }
    }
}

void api_oauth2_body(struct span key, struct span secret, struct span scope, int64_t account, struct buf *out)
{
    reserve_secret(out, key.len + secret.len + scope.len);
    add_form(out, "grant_type", SPAN("client_credentials"));
    add_form(out, "client_id", key);
    add_form(out, "client_secret_string", secret);
    if (scope.len > 0)
        add_form(out, "scope", scope);
    buf_addf(out, "&uid=%" PRId64, account);
}
