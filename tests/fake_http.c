/* The network of virtual time. A handle only counts what flies; the script and the record of requests are one
 * for the process, as the network is. */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPOINTMENTS = 16, IDLE_TURNS = 2000 };
#define END_OF_TIME (INT64_C(48) * 3600 * 1000)

/* An answer on its way to its request. */
struct flight {
    struct fake_request *request;
    int64_t tag, due_ms;
    enum http_end end;
    int status;
    bool resent;
    char *body, *retry_after, *date;
};

struct http {
    int connections;
    struct flight *flight; /* in the order of leaving */
    int count;
    struct flight taken; /* lends the last reply its texts */
};

static struct {
    struct fake_request **requests[2]; /* by host, in the order of leaving */
    int count[2], flying[2], mints;
    fake_host *host[2];
    void *context;
    void (*watch)(const struct fake_request *, void *);
    void *watch_context;
    struct {
        int64_t at_ms;
        void (*call)(void *);
        void *context;
    } appointments[APPOINTMENTS];
    int appointment_count;
    int idle_turns;
} net;

/* ---- the script and the record ---- */

static void forget(struct fake_request *request)
{
    for (size_t h = 0; h < request->header_count; h++)
        free(request->headers[h]);
    free(request->url);
    free(request->body);
    free(request);
}

void fake_reset(void)
{
    for (int token = 0; token < 2; token++) {
        for (int i = 0; i < net.count[token]; i++)
            forget(net.requests[token][i]);
        free(net.requests[token]);
    }
    memset(&net, 0, sizeof net);
    fake_clock_set(0);
    fake_zone(0);
}

void fake_serve(fake_host *api, fake_host *token, void *context)
{
    net.host[false] = api;
    net.host[true] = token;
    net.context = context;
}

void fake_watch(void (*watch)(const struct fake_request *, void *), void *context)
{
    net.watch = watch;
    net.watch_context = context;
}

void fake_at(int64_t at_ms, void (*call)(void *), void *context)
{
    assert_true(net.appointment_count < APPOINTMENTS);
    net.appointments[net.appointment_count].at_ms = at_ms;
    net.appointments[net.appointment_count].call = call;
    net.appointments[net.appointment_count++].context = context;
}

int fake_count(bool token)
{
    return net.count[token];
}

int fake_flying(bool token)
{
    return net.flying[token];
}

const struct fake_request *fake_request(bool token, int i)
{
    assert_in_range(i, 0, net.count[token] - 1);
    return net.requests[token][i];
}

const struct fake_request *fake_card(int64_t card, int i)
{
    for (int k = 0; k < net.count[false]; k++)
        if (net.requests[false][k]->card == card && i-- == 0)
            return net.requests[false][k];
    return NULL;
}

const char *fake_header(const struct fake_request *request, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < request->header_count; i++)
        if (strncmp(request->headers[i], name, len) == 0 && strncmp(request->headers[i] + len, ": ", 2) == 0)
            return request->headers[i] + len + 2;
    return NULL;
}

/* ---- tokens ---- */

static void base64url(const char *text, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(text), bits = 0;
    unsigned value = 0;

    for (size_t i = 0; i < len; i++) {
        value = value << 8 | (unsigned char)text[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *out++ = letters[value >> (bits - 6) & 63];
    }
    if (bits > 0)
        *out++ = letters[value << (6 - bits) & 63];
    *out = '\0';
}

void fake_token(struct fake_answer *answer, int64_t claims_account, int64_t life_ms)
{
    char claims[256], payload[400];
    int64_t now_s = (FAKE_WALL_MS + fake_now_ms()) / 1000;

    net.mints++;
    answer->end = HTTP_ANSWERED;
    answer->status = 200;
    answer->body = answer->store;
    if (claims_account == 0) {
        (void)snprintf(answer->store, sizeof answer->store, "{\"token\":\"opaque.s%d\"}", net.mints);
        return;
    }
    (void)snprintf(claims, sizeof claims, "{\"iss\":\"Passport\",\"account-id\":\"%lld\"%s%lld}",
                   (long long)claims_account, life_ms > 0 ? ",\"exp\":" : ",\"tkver\":",
                   life_ms > 0 ? (long long)(now_s + life_ms / 1000) : 2LL);
    base64url(claims, payload);
    (void)snprintf(answer->store, sizeof answer->store,
                   "{\"tenant\":\"TN-example\",\"token\":\"eyJhbGciOiJIUzUxMiJ9.%s.s%d\",\"refresh\":\"x\"}",
                   payload, net.mints);
}

/* ---- requests ---- */

static char *copy(struct span span)
{
    char *out = mem_alloc(span.len + 1);

    if (span.len > 0)
        memcpy(out, span.ptr, span.len);
    return out;
}

static int64_t number_after(const char *body, const char *key)
{
    const char *at = strstr(body, key);
    char *end;

    return at ? strtoll(at + strlen(key), &end, 10) : 0;
}

static int bearer_of(const struct fake_request *request)
{
    const char *bearer = fake_header(request, "Authorization");
    const char *sign = bearer ? strrchr(bearer, '.') : NULL;
    char *end;

    return sign && sign[1] == 's' ? (int)strtol(sign + 2, &end, 10) : 0;
}

static int64_t customer_of(const struct fake_request *request)
{
    const char *customer = fake_header(request, "x-customer-id");
    char *end;

    return customer ? strtoll(customer, &end, 10) : 0;
}

static int nth_of(const struct fake_request *request)
{
    int nth = 1;

    for (int i = 0; i < net.count[request->token]; i++) {
        const struct fake_request *other = net.requests[request->token][i];
        nth += request->token ? other->account == request->account : other->card == request->card;
    }
    return nth;
}

/* The claims of an assertion are the one long base64url text between two dots. */
static int64_t account_in_assertion(const char *body)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = strchr(body, '.'), *letter;
    char claims[1024];
    size_t n = 0;
    unsigned bits = 0, have = 0;

    for (at = at ? at + 1 : ""; (letter = *at ? strchr(letters, *at) : NULL) && n < sizeof claims - 1; at++) {
        bits = bits << 6 | (unsigned)(letter - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            claims[n++] = (char)(bits >> have & 0xFF);
        }
    }
    claims[n] = '\0';
    return number_after(claims, "\"uid\":\"");
}

/* s2s, oauth2, openid. */
static int64_t account_of(const char *body)
{
    int64_t account = number_after(body, "\"account_id\":");

    if (account == 0)
        account = number_after(body, "&uid=");
    return account ? account : account_in_assertion(body);
}

static struct fake_request *record(const struct http_request *request)
{
    struct fake_request *out = mem_alloc(sizeof *out), ***list;

    assert_non_null(request->url);
    assert_true(request->header_count <= HTTP_HEADERS_MAX);
    out->url = mem_text(request->url);
    out->body = copy(request->body);
    for (size_t i = 0; i < request->header_count; i++)
        out->headers[i] = copy(request->headers[i]);
    out->header_count = request->header_count;
    out->token = strstr(out->url, "/passport/") != NULL;
    out->account = out->token ? account_of(out->body) : 0;
    out->card = number_after(out->body, "\"card_id\":");
    out->customer = customer_of(out);
    out->bearer = bearer_of(out);
    out->once = request->once;
    out->secret = request->secret;
    out->at_ms = fake_now_ms();
    out->ended_ms = out->left_ms = -1;
    out->nth = nth_of(out);
    out->flying = ++net.flying[out->token];
    list = &net.requests[out->token];
    *list = mem_grow(*list, (size_t)net.count[out->token] + 1, sizeof **list);
    (*list)[net.count[out->token]++] = out;
    return out;
}

int http_open(struct http **out, const struct http_options *options, struct fail *fail)
{
    struct http *http = mem_alloc(sizeof *http);

    (void)fail;
    http->connections = options->connections;
    http->flight = mem_array((size_t)options->connections, sizeof *http->flight);
    *out = http;
    return 0;
}

static void drop(struct flight *flight)
{
    free(flight->body);
    free(flight->retry_after);
    free(flight->date);
    *flight = (struct flight){.request = NULL};
}

void http_close(struct http *http)
{
    if (!http)
        return;
    for (int i = 0; i < http->count; i++) {
        net.flying[http->flight[i].request->token]--;
        http->flight[i].request->ended_ms = fake_now_ms();
        drop(&http->flight[i]);
    }
    drop(&http->taken);
    free(http->flight);
    free(http);
}

int http_flying(const struct http *http)
{
    return http->count;
}

int http_start(struct http *http, const struct http_request *request, struct fail *fail)
{
    struct fake_request *kept = record(request);
    struct fake_answer answer = {.end = HTTP_ANSWERED, .body = "", .retry_after = "", .date = ""};

    (void)fail;
    assert_true(http->count < http->connections);
    answer.after_ms = kept->token ? FAKE_TOKEN_MS : FAKE_API_MS;
    if (kept->token)
        fake_token(&answer, kept->account, FAKE_TOKEN_LIFE_MS);
    if (net.watch && !kept->token)
        net.watch(kept, net.watch_context);
    if (net.host[kept->token])
        net.host[kept->token](kept, &answer, net.context);
    if (answer.end == HTTP_ANSWERED && answer.status == 0)
        answer.status = 202;
    http->flight[http->count++] = (struct flight){
        .request = kept,
        .tag = request->tag,
        .due_ms = answer.after_ms == FAKE_NEVER ? FAKE_NEVER : kept->at_ms + answer.after_ms,
        .end = answer.end,
        .status = answer.end == HTTP_NOT_SENT || answer.end == HTTP_TLS ? 0 : answer.status,
        .resent = answer.resent,
        .body = mem_text(answer.body),
        .retry_after = mem_text(answer.retry_after),
        .date = mem_text(answer.date),
    };
    net.idle_turns = 0;
    return 0;
}

/* ---- time ---- */

/* Index of the flight that ends first, -1: none ever does. */
static int first_end(const struct http *http)
{
    int first = -1;

    for (int i = 0; i < http->count; i++)
        if (http->flight[i].due_ms != FAKE_NEVER &&
            (first < 0 || http->flight[i].due_ms < http->flight[first].due_ms))
            first = i;
    return first;
}

static bool readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&look, 1, 0) == 1;
}

/* An appointment that was kept stands at FAKE_NEVER. */
static void keep_appointments(void)
{
    for (int i = 0; i < net.appointment_count; i++)
        if (net.appointments[i].at_ms <= fake_now_ms()) {
            net.appointments[i].at_ms = FAKE_NEVER;
            net.appointments[i].call(net.appointments[i].context);
        }
}

static int64_t next_moment(const struct http *http, int64_t until_ms)
{
    int first = first_end(http);

    if (first >= 0 && http->flight[first].due_ms < until_ms)
        until_ms = http->flight[first].due_ms;
    for (int i = 0; i < net.appointment_count; i++)
        if (net.appointments[i].at_ms < until_ms)
            until_ms = net.appointments[i].at_ms;
    return until_ms;
}

int http_wait(struct http *http, int wake_fd, int64_t timeout_ms, struct fail *fail)
{
    int64_t began_ms = fake_now_ms(), until_ms = timeout_ms < 0 ? FAKE_NEVER : began_ms + timeout_ms,
            moment_ms;

    (void)fail;
    for (int i = 0; i < http->count; i++)
        if (http->flight[i].request->left_ms < 0)
            http->flight[i].request->left_ms = began_ms;
    keep_appointments();
    while (!readable(wake_fd)) {
        int first = first_end(http);
        if ((first >= 0 && http->flight[first].due_ms <= fake_now_ms()) || fake_now_ms() >= until_ms)
            break;
        moment_ms = next_moment(http, until_ms);
        if (moment_ms > END_OF_TIME)
            fail_msg("a wait that nothing ends, or a run of two days");
        fake_clock_set(moment_ms);
        keep_appointments();
    }
    net.idle_turns = fake_now_ms() > began_ms ? 0 : net.idle_turns + 1;
    if (net.idle_turns > IDLE_TURNS)
        fail_msg("the loop spins at %lld ms: it waits for nothing, again and again",
                 (long long)fake_now_ms());
    return 0;
}

int http_take(struct http *http, struct http_reply *reply)
{
    int first = first_end(http);
    struct flight *flight = &http->taken;

    if (first < 0 || http->flight[first].due_ms > fake_now_ms())
        return 0;
    drop(flight);
    *flight = http->flight[first];
    memmove(&http->flight[first], &http->flight[first + 1],
            (size_t)(--http->count - first) * sizeof *http->flight);
    net.flying[flight->request->token]--;
    flight->request->ended_ms = fake_now_ms();
    net.idle_turns = 0;
    *reply = (struct http_reply){
        .tag = flight->tag,
        .end = flight->end,
        .status = flight->status,
        .resent = flight->resent,
        .body = span_of(flight->body),
        .retry_after = span_of(flight->retry_after),
        .date = span_of(flight->date),
        .elapsed_us = (fake_now_ms() - flight->request->at_ms) * 1000,
        .started_ms = FAKE_MONO_MS + flight->request->at_ms,
        .error = flight->end == HTTP_ANSWERED ? "" : "scripted end",
    };
    return 1;
}

const char *http_version(void)
{
    return "fake";
}
