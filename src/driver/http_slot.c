/* What is the same of a request whatever carries it: its buffers, its time, and what is kept of its reply.
 * Nothing is judged here but the length of what comes; http_judge.c says how a request ended. */
#include "http_impl.h"

#include "kit/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CAPTURE_CAP = 1024 }; /* one header of a reply that is kept */

/* ---- what comes of a reply ---- */

void http_slot_begin_head(struct http_slot *slot, int status)
{
    slot->reply.status = status;
    slot->in_head = true;
    slot->head_ended = false;
    buf_reset(&slot->retry_after);
    buf_reset(&slot->date);
}

int http_slot_count_head(struct http_slot *slot, size_t bytes)
{
    slot->head_bytes += bytes;
    if (slot->head_bytes <= HTTP_HEAD_CAP)
        return 0;
    slot->trouble = "the headers of the reply are too long";
    return -1;
}

static struct span header_value(struct span line, const char *name)
{
    struct span found = {NULL, 0}, part;

    if (span_cut(&line, ':', &part) == 1 && line.ptr && span_is_nocase(part, name))
        found = span_trim(line);
    return found;
}

/* Keeps the value when `line` is the header `name`. False when it is longer than we keep. */
static bool capture(struct span line, const char *name, struct buf *into)
{
    struct span value = header_value(line, name);

    if (!value.ptr)
        return true;
    buf_reset(into);
    buf_add_span(into, value);
    return !into->full;
}

static bool capture_line(struct http_slot *slot, struct span line)
{
    switch (tolower((unsigned char)line.ptr[0])) {
    case 'r':
        return capture(line, "retry-after", &slot->retry_after);
    case 'd':
        return capture(line, "date", &slot->date);
    default:
        return true;
    }
}

int http_slot_header(struct http_slot *slot, struct span line)
{
    if (line.len == 0 || capture_line(slot, line))
        return 0;
    slot->trouble = "a header of the reply is too long";
    return -1;
}

int http_slot_body(struct http_slot *slot, const char *bytes, size_t len)
{
    buf_add(&slot->answer, bytes, len);
    if (!slot->answer.full)
        return 0;
    slot->trouble = "the body of the reply is longer than the limit";
    return -1;
}

bool http_slot_stalled(struct http_slot *slot, int64_t now_us)
{
    bool coming =
        slot->head_bytes > 0 && (slot->reply.status == 0 || slot->in_head || slot->reply.status >= 200);
    bool leaving = slot->transfer ? http_transfer_leaving(slot, now_us)
                                  : (slot->sent > 0 || slot->blocked) && slot->sent < slot->request.len;

    if ((!leaving && !coming) || now_us - slot->moved_us < slot->http->stall_ms * 1000)
        return false;
    slot->trouble = coming ? "the reply stalled" : "the request stalled on its way";
    return true;
}

/* ---- making ---- */

struct http_slot *http_slot_open(struct http *http, struct fail *fail)
{
    struct http_slot *slot = mem_alloc(sizeof *slot);

    slot->http = http;
    buf_init(&slot->answer, http->reply_cap);
    buf_init(&slot->retry_after, CAPTURE_CAP);
    buf_init(&slot->date, CAPTURE_CAP);
    buf_init(&slot->request, HTTP_REQUEST_CAP);
    buf_init(&slot->reader.line, HTTP_HEAD_CAP);
    if (!http->http2 || http_transfer_open(slot, fail) == 0)
        return slot;
    http_slot_close(slot);
    return NULL;
}

void http_slot_close(struct http_slot *slot)
{
    if (!slot)
        return;
    http_transfer_close(slot);
    http_slot_release(slot);
    buf_wipe(&slot->request); /* the Authorization is in it */
    buf_free(&slot->request);
    buf_free(&slot->reader.line);
    buf_free(&slot->answer);
    buf_free(&slot->retry_after);
    buf_free(&slot->date);
    free(slot);
}

/* ---- filling ---- */

void http_slot_set_text(struct buf *buf, struct span text)
{
    if (text.len >= buf->size)
        buf_wipe(buf);
    else
        buf_reset(buf);
    buf_add_span(buf, text);
}

/* What follows a line end would be a further header; and libcurl drops a header without value in silence. */
static bool is_header(struct span line)
{
    struct span name;

    if (line.len == 0 || memchr(line.ptr, '\r', line.len) || memchr(line.ptr, '\n', line.len) ||
        memchr(line.ptr, '\0', line.len))
        return false;
    return span_cut(&line, ':', &name) == 1 && name.len > 0 && span_trim(line).len > 0;
}

static int check(const struct http_request *request, struct fail *fail)
{
    if (request->header_count > HTTP_HEADERS_MAX)
        return fail_set(fail, FAIL_INTERNAL, "a request has %zu headers, at most %d are possible",
                        request->header_count, HTTP_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_header(request->headers[i]))
            return fail_set(fail, FAIL_INTERNAL, "header %zu of a request is not \"name: value\"", i + 1);
        if (request->headers[i].len > HTTP_HEADER_CAP)
            return fail_set(fail, FAIL_INTERNAL, "header %zu of a request is longer than %d bytes", i + 1,
                            HTTP_HEADER_CAP);
    }
    if (request->body.len > HTTP_BODY_CAP)
        return fail_set(fail, FAIL_INTERNAL, "the body of a request is longer than %d bytes", HTTP_BODY_CAP);
    return 0;
}

int http_slot_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail)
{
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : slot->http->timeout_ms;

    if (check(request, fail) < 0)
        return -1;
    slot->secret = request->secret;
    if ((slot->transfer ? http_transfer_fill(slot, request, fail) : http_line_fill(slot, request, fail)) < 0)
        return -1;
    slot->once = request->once;
    slot->resent = slot->left = slot->in_head = slot->head_ended = false;
    slot->head_bytes = 0;
    slot->proxy_status = 0;
    slot->trouble = NULL;
    slot->error[0] = '\0';
    buf_reset(&slot->answer);
    buf_reset(&slot->retry_after);
    buf_reset(&slot->date);
    slot->started_us = slot->moved_us = clock_mono_us();
    slot->end_us = slot->started_us + timeout_ms * 1000;
    slot->reply = (struct http_reply){.tag = request->tag, .started_ms = slot->started_us / 1000};
    return 0;
}

void http_slot_release(struct http_slot *slot)
{
    if (!slot->secret)
        return;
    buf_wipe(&slot->answer);
    buf_wipe(&slot->reader.line);
}
