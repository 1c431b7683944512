/* A customer's key is its number shifted by a hash of the tenant: within one tenant keys cannot collide. */
#include "enroll.h"

#include "kit/json.h"
#include "keyset.h"

#include <stdlib.h>

struct enroll {
    struct enroll_options options;
    struct bearer *bearer;
    struct judge judge;
    struct events events;
    struct rng rng;
    struct keyset seen;    /* on Click to Pay */
    struct keyset pending; /* being worked on */
    struct keyset listed;  /* customer numbers of --already */
    uint32_t already;      /* parts per million of --already */
};

static int read_already(struct enroll *enroll, const char *text, struct fail *fail)
{
    struct span rest = span_of(text), entry;
    int64_t customer;

    if (!text)
        return 0;
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '%')
        return odds_percent(rest, &enroll->already, fail);
    while (span_cut(&rest, ',', &entry) == 1) {
        if (span_to_id(entry, &customer) != 0)
            return fail_set(fail, FAIL_USAGE, "--already takes customer numbers or a percentage");
        (void)keyset_insert(&enroll->listed, (uint64_t)customer);
    }
    return 0;
}

int enroll_open(struct enroll **out, const struct enroll_options *options, struct bearer *bearer,
                struct fail *fail)
{
    struct enroll *enroll = mem_alloc(sizeof(*enroll));

    enroll->options = *options;
    enroll->bearer = bearer;
    keyset_init(&enroll->seen);
    keyset_init(&enroll->pending);
    keyset_init(&enroll->listed);
    rng_init(&enroll->rng, options->seed, 'a');
    if (read_already(enroll, options->already, fail) != 0 ||
        events_open(&enroll->events, options->events_file, options->truth_file, options->event_faults,
                    options->seed, fail) != 0) {
        keyset_free(&enroll->listed);
        free(enroll);
        return -1;
    }
    judge_open(&enroll->judge, options->allow_internal);
    *out = enroll;
    return 0;
}

int enroll_close(struct enroll *enroll, struct fail *fail)
{
    int rc;

    if (!enroll)
        return 0;
    rc = events_close(&enroll->events, fail);
    judge_close(&enroll->judge);
    keyset_free(&enroll->seen);
    keyset_free(&enroll->pending);
    keyset_free(&enroll->listed);
    free(enroll);
    return rc;
}

struct lines *enroll_lines(struct enroll *enroll)
{
    return &enroll->events.lines;
}

static uint64_t key_of(const struct enroll_case *c)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */

    for (size_t i = 0; i < c->headers.tenant.len; i++)
        hash = (hash ^ (unsigned char)c->headers.tenant.ptr[i]) * UINT64_C(0x100000001B3);
    return hash + (uint64_t)c->judgement.customer;
}

static bool is_seen(const struct enroll *enroll, const struct enroll_case *c)
{
    return keyset_has(&enroll->seen, c->key) ||
           keyset_has(&enroll->listed, (uint64_t)c->judgement.customer) ||
           rng_mix(c->key ^ rng_mix(enroll->options.seed)) % RNG_MILLION < enroll->already;
}

static void refuse(struct enroll_case *c, int status, const char *message, const char *cause)
{
    answer_error(&c->answer, status, message);
    c->cause = cause;
}

static void start_details(struct answer *answer, struct json *json, const char *message)
{
    answer->status = 400;
    answer->type = "application/json";
    buf_reset(&answer->body);
    json_init(json, &answer->body, false);
    json_object(json);
    json_key(json, "code");
    json_int(json, 400);
    json_key(json, "message");
    json_text(json, message);
    json_key(json, "details");
    json_array(json);
}

static void end_details(struct json *json)
{
    json_end_array(json);
    json_end_object(json);
}

static void refuse_invalid(struct enroll_case *c)
{
    struct json json;

    start_details(&c->answer, &json, "bad request");
    for (size_t i = 0; i < c->judgement.count; i++)
        json_text(&json, c->judgement.complaints[i]);
    end_details(&json);
    c->cause = "invalid";
}

static void refuse_account(struct enroll_case *c)
{
    struct json json;

    start_details(&c->answer, &json, "bad request");
    json_text(&json, "AccountID: cannot be blank");
    end_details(&json);
    c->cause = "no_account";
}

/* A server that repeats what it was sent: whoever logs its words must mask them. */
static void echo(struct enroll_case *c)
{
    const struct judgement *j = &c->judgement;
    struct buf text = {.cap = 4096};
    struct json json;

    buf_addf(&text, "bad request: %.*s <%.*s> was refused", (int)j->first_name.len, j->first_name.ptr,
             (int)j->email.len, j->email.ptr);
    start_details(&c->answer, &json, buf_text(&text));
    buf_reset(&text);
    buf_addf(&text, "emails: %.*s", (int)j->email.len, j->email.ptr);
    json_text(&json, buf_text(&text));
    end_details(&json);
    buf_free(&text);
}

/* Faults of the API itself; those of the gateway before it have had their chance. */
static bool apply_fault(struct enroll *enroll, struct enroll_case *c)
{
    if (c->fault == FAULT_ECHO400) {
        echo(c);
        return true;
    }
    if (c->fault == FAULT_ALREADY && c->judgement.count == 0) {
        (void)keyset_insert(&enroll->seen, c->key);
        answer_error(&c->answer, 400, "customer already on click to pay");
        return true;
    }
    return false;
}

static void refuse_token(struct enroll_case *c, enum bearer_state state)
{
    static const char *const causes[] = {[BEARER_MISSING] = "token_missing",
                                         [BEARER_UNKNOWN] = "token_unknown",
                                         [BEARER_EXPIRED] = "token_expired"};

    answer_message(&c->answer, 401, "Unauthorized");
    c->cause = causes[state];
}

/* The gateway: limits, its own faults, tokens. True when the request has its answer. */
static bool stopped_at_gate(struct enroll *enroll, struct enroll_case *c)
{
    enum bearer_state state = bearer_check(enroll->bearer, c->authorization, &c->account);

    if (c->limit) {
        answer_message(&c->answer, 429, "too many requests");
        c->cause = c->limit;
        return true;
    }
    if (answer_fault(&c->answer, c->fault, &enroll->rng))
        return true;
    if (state != BEARER_OK)
        refuse_token(c, state);
    return state != BEARER_OK;
}

static bool is_enabled(const struct enroll *enroll, const struct enroll_case *c)
{
    const char *tenant = enroll->options.tenant;

    return !enroll->options.not_enabled &&
           (!tenant || c->headers.tenant.len == 0 || span_is(c->headers.tenant, tenant));
}

static void decide(struct enroll *enroll, struct enroll_case *c)
{
    if (c->account == 0)
        refuse_account(c);
    else if (!is_enabled(enroll, c))
        refuse(c, 400, "click to pay is not enabled to tenant", "not_enabled");
    else if (c->judgement.count > 0)
        refuse_invalid(c);
    else if (keyset_has(&enroll->pending, c->key))
        refuse(c, 409, "another operation for this customer is under way", "pending");
    else if (c->call == JUDGE_ENROLL_CUSTOMER && is_seen(enroll, c))
        refuse(c, 400, "customer already on click to pay", "already");
    else if (c->call == JUDGE_ENROLL_CARD && !is_seen(enroll, c))
        refuse(c, 400, "customer is not on click to pay", "not_seen");
    else {
        (void)keyset_insert(&enroll->pending, c->key);
        c->accepted = true;
        c->answer.status = 202;
    }
}

void enroll_begin(struct enroll *enroll, struct enroll_case *c, struct span body)
{
    c->account = 0;
    c->cause = NULL;
    c->accepted = c->taken = false;
    judge_request(&enroll->judge, c->call, &c->headers, body, &c->judgement);
    c->key = key_of(c);
    if (c->limit)
        c->fault = FAULT_NONE; /* refused at once, in the plain way */
    if (!stopped_at_gate(enroll, c) && !apply_fault(enroll, c))
        decide(enroll, c);
    c->answer.way = answer_way_of(c->fault);
    if (c->cause && c->answer.way == ANSWER_WHOLE)
        c->fault = FAULT_NONE; /* it had no part in this answer */
}

void enroll_drop(struct enroll *enroll, struct enroll_case *c)
{
    if (c->accepted)
        keyset_remove(&enroll->pending, c->key);
    c->accepted = false;
}

int enroll_end(struct enroll *enroll, struct enroll_case *c, int64_t now_ms, struct fail *fail)
{
    struct event event = {.tenant = c->headers.tenant,
                          .cid = c->headers.cid,
                          .account = c->account,
                          .customer = c->judgement.customer,
                          .card = c->judgement.card,
                          .operation = c->call == JUDGE_ENROLL_CUSTOMER ? "enroll-customer" : "enroll-card"};
    bool there;

    if (!c->accepted)
        return 0;
    enroll_drop(enroll, c);
    c->taken = true;
    if (events_add(&enroll->events, &event, now_ms, &there, fail) != 0)
        return -1;
    if (there)
        (void)keyset_insert(&enroll->seen, c->key);
    return 0;
}
