/* A hung call is suspended, and libmicrohttpd does not look at suspended sockets: the desk's own epoll set
 * tells when the client closes. */
#include "call.h"

#include "kit/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_CAP = 1024 * 1024, SLOW_STEP_US = 50000 };

enum route { ROUTE_UNKNOWN, ROUTE_CUSTOMER, ROUTE_CARD, ROUTE_S2S, ROUTE_OPENID, ROUTE_OAUTH2 };

enum stage {
    STAGE_READING,
    STAGE_WAITING,  /* decided, suspended for its latency */
    STAGE_HANGING,  /* suspended until the client closes */
    STAGE_ANSWERED, /* queued; slow ones are suspended between bytes */
    STAGE_OVER      /* to be closed without an answer */
};

struct call {
    struct desk *desk;
    struct MHD_Connection *connection;
    struct call *next, *previous; /* of the live list; next also of the spare list */
    enum route route;
    enum stage stage;
    bool suspended, flying, journaled, last, too_large;
    const char *method, *path;
    struct buf body;
    int64_t arrived_us, arrived_ms;
    int in_flight;
    struct enroll_case c; /* its answer, fault and headers serve the other routes too */
    const char *why;      /* of a token call's refusal */
    size_t sent;          /* bytes of a slow or truncated answer */
    bool paused;          /* the slow answer's pause before the next byte has passed */
};

static const struct {
    const char *path;
    const char *prefix; /* may stand before it */
    enum route route;
} routes[] = {
    {"/v1/clicktopay/visa/enroll/customer", "/cards-tokenization", ROUTE_CUSTOMER},
    {"/v1/clicktopay/visa/enroll/card", "/cards-tokenization", ROUTE_CARD},
    {"/v2/s2s/access-token", "/passport", ROUTE_S2S},
    {"/v1/oauth2/token", "/passport", ROUTE_OPENID},
    {"/v2/oauth/token", "/passport", ROUTE_OAUTH2},
};

int desk_open(struct desk *desk, struct fail *fail)
{
    char none = 0;

    desk->accepted = MHD_create_response_from_buffer(0, &none, MHD_RESPMEM_MUST_COPY);
    desk->hang_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!desk->accepted || desk->hang_fd < 0)
        return fail_set(fail, FAIL_INTERNAL, "no epoll set: %s", strerror(errno));
    return 0;
}

void desk_close(struct desk *desk)
{
    while (desk->spare) {
        struct call *call = desk->spare;
        desk->spare = call->next;
        buf_free(&call->body);
        answer_free(&call->c.answer);
        free(call);
    }
    timers_free(&desk->timers);
    limits_free(&desk->limits);
    if (desk->accepted)
        MHD_destroy_response(desk->accepted);
    if (desk->hang_fd >= 0)
        (void)close(desk->hang_fd);
}

/* ---- suspending and waking ---- */

static void suspend(struct call *call)
{
    call->suspended = true;
    MHD_suspend_connection(call->connection);
}

static void resume(struct call *call)
{
    call->suspended = false;
    MHD_resume_connection(call->connection);
}

static int socket_of(const struct call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

static void hang(struct call *call)
{
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = call};

    call->stage = STAGE_HANGING;
    suspend(call);
    /* Should this fail, the call hangs until the end: that is what hanging means. */
    (void)epoll_ctl(call->desk->hang_fd, EPOLL_CTL_ADD, socket_of(call), &event);
}

static void unhang(struct call *call)
{
    (void)epoll_ctl(call->desk->hang_fd, EPOLL_CTL_DEL, socket_of(call), NULL);
    call->stage = STAGE_OVER;
    resume(call);
}

void desk_wake(struct desk *desk, int64_t now_us)
{
    struct epoll_event events[64];
    struct call *call;
    int count = epoll_wait(desk->hang_fd, events, 64, 0);

    for (int i = 0; i < count; i++)
        unhang(events[i].data.ptr);
    while ((call = timers_take(&desk->timers, now_us)))
        resume(call);
}

void desk_abandon(struct desk *desk)
{
    desk->closing = true;
    timers_free(&desk->timers);
    for (struct call *call = desk->live; call; call = call->next) {
        if (!call->suspended)
            continue;
        call->stage = STAGE_OVER;
        resume(call);
    }
}

/* Disconnecting a socket makes the kernel send a reset, whatever has been read or sent; closing it, which
 * libmicrohttpd does next, would send an orderly end. */
static void reset_socket(const struct call *call)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)connect(socket_of(call), &none, sizeof(none));
}

/* ---- the journal ---- */

static bool is_enroll(const struct call *call)
{
    return call->route == ROUTE_CUSTOMER || call->route == ROUTE_CARD;
}

static enum journal_valid verdict_of(const struct call *call)
{
    if (call->stage == STAGE_READING)
        return JOURNAL_UNJUDGED;
    if (call->too_large || call->why || (is_enroll(call) && call->c.judgement.count > 0))
        return JOURNAL_INVALID;
    return call->route == ROUTE_UNKNOWN ? JOURNAL_INVALID : JOURNAL_VALID;
}

static void journal(struct call *call, int status, const char *cause)
{
    const struct enroll_case *c = &call->c;
    struct desk *desk = call->desk;
    int64_t now_us = clock_mono_us();
    struct journal_entry entry = {.time_ms = call->arrived_ms,
                                  .elapsed_us = now_us - call->arrived_us,
                                  .method = call->method,
                                  .path = call->path,
                                  .tenant = c->headers.tenant,
                                  .cid = c->headers.cid,
                                  .account = c->account,
                                  .card = c->judgement.card,
                                  .status = status,
                                  .in_flight = call->in_flight,
                                  .fault = fault_name(c->fault),
                                  .cause = cause,
                                  .taken = c->taken,
                                  .valid = verdict_of(call),
                                  .why = call->why};

    if (c->headers.customer.ptr && span_to_id(c->headers.customer, &entry.customer) != 0)
        entry.customer = 0;
    if (is_enroll(call) && !call->too_large && entry.valid == JOURNAL_INVALID)
        entry.judgement = &c->judgement;
    if (c->headers.cid.ptr && entry.valid != JOURNAL_UNJUDGED && is_enroll(call) && !c->judgement.cid_ok)
        entry.cid = (struct span){NULL, 0}; /* not a UUID: it may be anything */
    call->journaled = true;
    if (journal_add(&desk->journal, &entry, now_us / 1000, &desk->fail) != 0)
        desk->failed = desk->closing = true;
}

/* ---- answering ---- */

static void leave_flight(struct call *call)
{
    if (call->flying)
        limits_leave(&call->desk->limits);
    call->flying = false;
}

static struct span stream_text(const struct call *call)
{
    return call->c.answer.body.len > 0 ? buf_span(&call->c.answer.body) : SPAN("{\"status\":\"accepted\"}");
}

/* libmicrohttpd's reader of a slow answer: a byte, a pause, a byte. */
static ssize_t read_slow(void *cls, uint64_t at, char *out, size_t max)
{
    struct call *call = cls;
    struct span text = stream_text(call);

    if (call->stage == STAGE_OVER || max == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (at >= text.len)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!call->paused) {
        call->paused = true;
        suspend(call);
        timers_insert(&call->desk->timers, clock_mono_us() + SLOW_STEP_US, call);
        return 0;
    }
    call->paused = false;
    *out = text.ptr[at];
    return 1;
}

static ssize_t read_half(void *cls, uint64_t at, char *out, size_t max)
{
    struct span text = stream_text(cls);
    size_t half = text.len / 2;

    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (max > half - at)
        max = half - at;
    memcpy(out, text.ptr + at, max);
    return (ssize_t)max;
}

static struct MHD_Response *make_response(struct call *call)
{
    struct answer *answer = &call->c.answer;

    switch (answer->way) {
    case ANSWER_SLOW:
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 256, read_slow, call, NULL);
    case ANSWER_TRUNCATED:
        return MHD_create_response_from_callback(stream_text(call).len, 1024, read_half, call, NULL);
    default:
        return MHD_create_response_from_buffer(answer->body.len, answer->body.ptr, MHD_RESPMEM_MUST_COPY);
    }
}

static enum MHD_Result send_answer(struct call *call)
{
    const struct answer *answer = &call->c.answer;
    struct MHD_Response *response;
    enum MHD_Result done = MHD_YES;

    call->stage = STAGE_ANSWERED;
    if (answer->way == ANSWER_WHOLE && answer->body.len == 0)
        return MHD_queue_response(call->connection, (unsigned)answer->status, call->desk->accepted);
    response = make_response(call);
    if (!response)
        return MHD_NO;
    if (answer->type || answer->way == ANSWER_SLOW || answer->way == ANSWER_TRUNCATED)
        done = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                       answer->type ? answer->type : "application/json");
    if (done && answer->retry_after)
        done = MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after);
    if (done && answer->status == 405)
        done = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    if (done && answer->way == ANSWER_CLOSE)
        done = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (done)
        done = MHD_queue_response(call->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return done;
}

static void count_answer(struct call *call)
{
    struct desk *desk = call->desk;

    if (desk->stop_after == 0 || !is_enroll(call) || answer_status(&call->c.answer) == 0)
        return;
    if (--desk->stop_after > 0)
        return;
    call->last = true;
    desk->closing = true;
}

/* The latency has passed: the request takes effect and is answered. */
static enum MHD_Result finish(struct call *call)
{
    struct desk *desk = call->desk;
    enum answer_way way = call->c.answer.way;

    if (is_enroll(call) && enroll_end(desk->enroll, &call->c, clock_mono_ms(), &desk->fail) != 0)
        desk->failed = desk->closing = true;
    call->stage = STAGE_ANSWERED;
    journal(call, answer_status(&call->c.answer), call->c.cause);
    count_answer(call);
    if (way == ANSWER_HANG) {
        hang(call);
        return MHD_YES;
    }
    if (way == ANSWER_RESET) {
        reset_socket(call);
        return MHD_NO;
    }
    if (way != ANSWER_SLOW && way != ANSWER_TRUNCATED)
        leave_flight(call); /* the client may know before libmicrohttpd reports completion */
    return send_answer(call);
}

static void decide_token(struct call *call)
{
    static const enum passport_call calls[] = {
        [ROUTE_S2S] = PASSPORT_S2S, [ROUTE_OPENID] = PASSPORT_OPENID, [ROUTE_OAUTH2] = PASSPORT_OAUTH2};
    struct desk *desk = call->desk;
    struct passport_request request = {calls[call->route], call->c.headers.content_type,
                                       buf_span(&call->body)};
    struct passport_outcome outcome = {0};
    struct answer *answer = &call->c.answer;

    if (passport_answer(desk->passport, &request, &outcome, answer, &desk->fail) != 0)
        desk->failed = desk->closing = true;
    call->c.account = outcome.account;
    call->why = outcome.fault;
    if (answer->status != 200)
        call->c.cause = outcome.fault ? "invalid" : "refused";
    (void)answer_fault(answer, call->c.fault, &desk->fault_rng);
    answer->way = answer_way_of(call->c.fault);
    buf_wipe(&call->body);
}

static void decide(struct call *call)
{
    struct answer *answer = &call->c.answer;

    if (call->too_large) {
        answer_message(answer, 413, "body too large");
        call->why = "body too large";
        call->c.cause = "invalid";
    } else if (call->route == ROUTE_UNKNOWN) {
        answer_message(answer, 404, "not found");
        call->why = "unknown path";
        call->c.cause = "invalid";
    } else if (strcmp(call->method, "POST") != 0) {
        answer_message(answer, 405, "method not allowed");
        call->why = "the method must be POST";
        call->c.cause = "invalid";
    } else if (is_enroll(call)) {
        enroll_begin(call->desk->enroll, &call->c, buf_span(&call->body));
    } else {
        decide_token(call);
    }
}

static int64_t latency_us(struct call *call)
{
    struct desk *desk = call->desk;
    uint64_t width = (uint64_t)(desk->latency_max_us - desk->latency_min_us) + 1;

    if (desk->latency_max_us == 0 || call->c.limit)
        return 0; /* a limit is known without work */
    return desk->latency_min_us + (int64_t)rng_below(&desk->latency_rng, width);
}

static enum MHD_Result handle_whole(struct call *call)
{
    int64_t delay_us;

    call->stage = STAGE_WAITING;
    decide(call);
    delay_us = latency_us(call);
    if (delay_us == 0)
        return finish(call);
    suspend(call);
    timers_insert(&call->desk->timers, call->arrived_us + delay_us, call);
    return MHD_YES;
}

/* ---- the beginning and the end ---- */

static enum route route_of(const char *url)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        size_t len = strlen(routes[i].prefix);
        const char *rest = strncmp(url, routes[i].prefix, len) == 0 ? url + len : url;
        if (strcmp(rest, routes[i].path) == 0)
            return routes[i].route;
    }
    return ROUTE_UNKNOWN;
}

static struct span header(const struct call *call, const char *name)
{
    const char *value = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);

    return (struct span){value, value ? strlen(value) : 0};
}

static struct call *take_spare(struct desk *desk)
{
    struct call *call = desk->spare;

    if (call) {
        struct buf body = call->body;
        struct answer answer = call->c.answer;
        desk->spare = call->next;
        *call = (struct call){.body = body, .c.answer = answer};
        buf_reset(&call->body);
        answer_reset(&call->c.answer);
    } else {
        call = mem_alloc(sizeof(*call));
        buf_init(&call->body, BODY_CAP);
        answer_init(&call->c.answer);
    }
    call->desk = desk;
    call->next = desk->live;
    if (desk->live)
        desk->live->previous = call;
    desk->live = call;
    return call;
}

static void put_spare(struct call *call)
{
    struct desk *desk = call->desk;

    if (call->previous)
        call->previous->next = call->next;
    else
        desk->live = call->next;
    if (call->next)
        call->next->previous = call->previous;
    call->next = desk->spare;
    desk->spare = call;
}

static struct call *start(struct desk *desk, struct MHD_Connection *connection, const char *url,
                          const char *method)
{
    struct call *call = take_spare(desk);

    call->connection = connection;
    call->method = method;
    call->path = url;
    call->route = route_of(url);
    call->arrived_us = clock_mono_us();
    call->arrived_ms = clock_wall_ms();
    call->c.call = call->route == ROUTE_CARD ? JUDGE_ENROLL_CARD : JUDGE_ENROLL_CUSTOMER;
    call->c.headers.content_type = header(call, "Content-Type");
    call->c.headers.tenant = header(call, "x-tenant");
    call->c.headers.customer = header(call, "x-customer-id");
    call->c.headers.cid = header(call, "x-cid");
    call->c.authorization = header(call, "Authorization");
    call->c.fault = FAULT_NONE;
    if (is_enroll(call)) {
        call->c.limit = limits_enter(&desk->limits, call->arrived_us);
        call->flying = true;
        call->c.fault = faults_draw(desk->faults.enroll, &desk->fault_rng);
    } else if (call->route != ROUTE_UNKNOWN) {
        call->c.fault = faults_draw(desk->faults.token, &desk->fault_rng);
    }
    call->in_flight = (int)desk->limits.in_flight;
    return call;
}

static enum MHD_Result begin(struct desk *desk, struct MHD_Connection *connection, const char *url,
                             const char *method, void **out)
{
    struct call *call = start(desk, connection, url, method);

    *out = call;
    if (call->c.fault != FAULT_RESET || rng_below(&desk->fault_rng, 2) == 0)
        return MHD_YES;
    journal(call, 0, NULL); /* half of the resets come before the body is read */
    reset_socket(call);
    return MHD_NO;
}

/* The parameters are libmicrohttpd's. NOLINTNEXTLINE(readability-function-size) */
enum MHD_Result call_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *upload, size_t *upload_size, void **out)
{
    struct desk *desk = cls;
    struct call *call = *out;

    (void)version;
    if (desk->closing)
        return MHD_NO;
    if (!call)
        return begin(desk, connection, url, method, out);
    if (*upload_size > 0) {
        buf_add(&call->body, upload, *upload_size);
        call->too_large = call->body.full;
        *upload_size = 0;
        return MHD_YES;
    }
    if (call->stage == STAGE_READING)
        return handle_whole(call);
    return call->stage == STAGE_WAITING ? finish(call) : MHD_NO;
}

void call_completed(void *cls, struct MHD_Connection *connection, void **out,
                    enum MHD_RequestTerminationCode how)
{
    struct desk *desk = cls;
    struct call *call = *out;

    (void)connection;
    (void)how;
    if (!call)
        return;
    enroll_drop(desk->enroll, &call->c);
    if (!call->journaled)
        journal(call, 0, "gone");
    if (call->last)
        desk->stop = true;
    leave_flight(call);
    put_spare(call);
    *out = NULL;
}
