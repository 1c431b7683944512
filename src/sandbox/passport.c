#include "passport.h"

#include "kit/json.h"
#include "assertion.h"
#include "jtree.h"
#include "judge.h"

#include <stdlib.h>
#include <string.h>

static const char SOME_TENANT[] = "TN-5a4d0c1e-0000-4000-8000-000000000001"; /* invented */

enum { FIELD_CAP = 16 * 1024, TOKEN_CAP = 8192, CLIENT_MAX = 256 };

/* What a request asks for, whatever its encoding. */
struct wish {
    struct buf client, secret, scope; /* owned by the passport */
    int64_t account;
};

struct passport {
    struct passport_options options;
    struct bearer *bearer;
    struct assertion *assertion;
    struct jtree tree;
    struct wish wish;
    struct buf token, refresh, field;
};

int passport_open(struct passport **out, const struct passport_options *options, struct bearer *bearer,
                  struct fail *fail)
{
    struct assertion *assertion;
    struct passport *passport;

    if (assertion_open(&assertion, options->openid_key, fail) != 0)
        return -1;
    passport = mem_alloc(sizeof(*passport));
    passport->options = *options;
    if (!passport->options.tenant)
        passport->options.tenant = SOME_TENANT;
    passport->bearer = bearer;
    passport->assertion = assertion;
    jtree_init(&passport->tree);
    buf_init(&passport->wish.client, FIELD_CAP);
    buf_init(&passport->wish.secret, FIELD_CAP);
    buf_init(&passport->wish.scope, FIELD_CAP);
    buf_init(&passport->field, FIELD_CAP);
    buf_init(&passport->token, TOKEN_CAP);
    buf_init(&passport->refresh, TOKEN_CAP);
    *out = passport;
    return 0;
}

void passport_close(struct passport *passport)
{
    if (!passport)
        return;
    assertion_close(passport->assertion);
    jtree_free(&passport->tree);
    buf_free(&passport->wish.client);
    buf_free(&passport->wish.secret);
    buf_free(&passport->wish.scope);
    buf_free(&passport->field);
    buf_free(&passport->token);
    buf_free(&passport->refresh);
    free(passport);
}

/* A span as C text; a NUL inside is as good as an unknown value. */
static void set_text(struct buf *buf, struct span text)
{
    buf_reset(buf);
    buf_add_span(buf, text);
}

static const char *read_s2s_member(struct wish *wish, const struct jtree_node *node)
{
    bool text = node->type == JTREE_STRING;

    if (span_is(node->name, "server_key"))
        set_text(&wish->client, text ? node->text : SPAN(""));
    else if (span_is(node->name, "server_secret"))
        set_text(&wish->secret, text ? node->text : SPAN(""));
    else if (!span_is(node->name, "account_id"))
        return "unknown key in the body";
    else if ((!text && node->type != JTREE_NUMBER) || span_to_id(node->text, &wish->account) != 0)
        return "account_id must be an integer";
    return NULL;
}

/* {"server_key":"...","server_secret":"...","account_id":12345} */
static const char *read_s2s(struct passport *passport, struct span content_type, struct span body)
{
    const struct jtree *tree = &passport->tree;
    const struct jtree_node *root;
    const char *fault = NULL;

    if (!judge_is_json(content_type))
        return "Content-Type must be application/json";
    root = jtree_read(&passport->tree, body);
    if (!root || root->type != JTREE_OBJECT)
        return "the body must be a JSON object";
    for (const struct jtree_node *at = jtree_child(tree, root); at && !fault; at = jtree_next(tree, at))
        fault = read_s2s_member(&passport->wish, at);
    return fault;
}

/* One string under any name, for the provider does not publish it: {"token":"<jwt>"} */
static const char *read_openid(struct passport *passport, struct span content_type, struct span body)
{
    const struct jtree_node *root, *only;

    if (!judge_is_json(content_type))
        return "Content-Type must be application/json";
    root = jtree_read(&passport->tree, body);
    if (!root || root->type != JTREE_OBJECT || root->count != 1)
        return "the body must be a JSON object of one member";
    only = jtree_child(&passport->tree, root);
    if (only->type != JTREE_STRING)
        return "the JWT must be a string";
    set_text(&passport->wish.client, SPAN("openid"));
    set_text(&passport->wish.secret, SPAN("jwt"));
    return assertion_check(passport->assertion, only->text, &passport->wish.account);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded */
static int decode_form(struct span text, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        buf_add_char(out, text.ptr[i] == '+' ? ' ' : c);
    }
    return out->full ? -1 : 0;
}

static const char *read_form_field(struct passport *passport, struct span name, struct span value,
                                   bool *granted)
{
    struct wish *wish = &passport->wish;
    struct buf *field = &passport->field;

    if (decode_form(value, field) != 0)
        return "the body must be a URL-encoded form";
    if (span_is(name, "grant_type"))
        *granted = span_is(buf_span(field), "client_credentials");
    else if (span_is(name, "client_id"))
        set_text(&wish->client, buf_span(field));
    else if (span_is(name, "client_secret_string"))
        set_text(&wish->secret, buf_span(field));
    else if (span_is(name, "scope"))
        set_text(&wish->scope, buf_span(field));
    else if (!span_is(name, "uid"))
        return "unknown field in the form";
    else if (span_to_id(buf_span(field), &wish->account) != 0)
        return "uid must be an integer";
    return NULL;
}

static const char *read_oauth2(struct passport *passport, struct span content_type, struct span body)
{
    struct span rest = content_type, type, pair, name;
    const char *fault = NULL;
    bool granted = false;

    if (span_cut(&rest, ';', &type) != 1 ||
        !span_is_nocase(span_trim(type), "application/x-www-form-urlencoded"))
        return "Content-Type must be application/x-www-form-urlencoded";
    rest = body;
    while (!fault && span_cut(&rest, '&', &pair) == 1) {
        struct span value = pair;
        if (span_cut(&value, '=', &name) != 1 || !value.ptr)
            return "the body must be a URL-encoded form";
        fault = read_form_field(passport, name, value, &granted);
    }
    if (!fault && !granted)
        fault = "grant_type must be client_credentials";
    return fault;
}

/* Each mistake has an answer of its own: 400 a request that makes no sense, 401 credentials that are not
 * known. */
static bool refuse(const struct passport *passport, enum passport_call call, struct answer *answer)
{
    const char *key = passport->options.server_key, *secret = passport->options.server_secret;
    const struct wish *wish = &passport->wish;

    if (wish->client.len == 0 || wish->secret.len == 0) {
        answer_message(answer, 400, "key and secret cannot be blank");
        return true;
    }
    if (wish->client.len > CLIENT_MAX) {
        answer_message(answer, 400, "the key is too long");
        return true;
    }
    if (call != PASSPORT_OPENID && ((key && !span_is(buf_span(&wish->client), key)) ||
                                    (secret && !span_is(buf_span(&wish->secret), secret)))) {
        answer_message(answer, 401, "Unauthorized");
        return true;
    }
    return false;
}

static void add_text(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_text(json, value);
}

static void write_s2s(const struct passport *passport, struct json *json)
{
    add_text(json, "server_key", buf_text(&passport->wish.client));
    add_text(json, "tenant", passport->options.tenant);
    json_key(json, "program_ids");
    json_array(json);
    json_end_array(json);
    json_key(json, "roles");
    json_array(json);
    json_text(json, "account-server");
    json_text(json, "onboarding-server");
    json_end_array(json);
    add_text(json, "token", buf_text(&passport->token));
    add_text(json, "refresh", buf_text(&passport->refresh));
}

static void write_grant(const struct passport *passport, enum passport_call call, struct json *json)
{
    json_object(json);
    if (call == PASSPORT_S2S) {
        write_s2s(passport, json);
    } else {
        add_text(json, call == PASSPORT_OPENID ? "token" : "access_token", buf_text(&passport->token));
        add_text(json, "token_type", "Bearer");
        json_key(json, "expires_in");
        json_int(json, bearer_ttl_s(passport->bearer));
        if (call == PASSPORT_OPENID)
            add_text(json, "refresh_token", buf_text(&passport->refresh));
        else if (passport->wish.scope.len > 0)
            add_text(json, "scope", buf_text(&passport->wish.scope));
    }
    json_end_object(json);
}

static int grant(struct passport *passport, enum passport_call call, struct answer *answer, struct fail *fail)
{
    struct bearer_grant wanted = {.account = passport->wish.account,
                                  .tenant = passport->options.tenant,
                                  .client = buf_text(&passport->wish.client)};
    struct json json;

    buf_reset(&passport->token);
    buf_reset(&passport->refresh);
    if (bearer_mint(passport->bearer, &wanted, &passport->token, fail) != 0)
        return -1;
    wanted.refresh = true;
    if (bearer_mint(passport->bearer, &wanted, &passport->refresh, fail) != 0)
        return -1;
    answer->status = 200;
    answer->type = "application/json";
    json_init(&json, &answer->body, false);
    write_grant(passport, call, &json);
    return 0;
}

int passport_answer(struct passport *passport, const struct passport_request *request,
                    struct passport_outcome *outcome, struct answer *answer, struct fail *fail)
{
    static const char *(*const readers[])(struct passport *, struct span, struct span) = {
        [PASSPORT_S2S] = read_s2s, [PASSPORT_OPENID] = read_openid, [PASSPORT_OAUTH2] = read_oauth2};
    struct wish *wish = &passport->wish;

    buf_reset(&wish->client);
    buf_wipe(&wish->secret);
    buf_reset(&wish->scope);
    wish->account = 0;
    outcome->fault = readers[request->call](passport, request->content_type, request->body);
    outcome->account = wish->account;
    if (outcome->fault) {
        answer_message(answer, 400, outcome->fault);
        return 0;
    }
    return refuse(passport, request->call, answer) ? 0 : grant(passport, request->call, answer, fail);
}
