/* Lines: connections over which requests of HTTP/1.1 go one after the other. libcurl makes each of them
 * (CURLOPT_CONNECT_ONLY) and moves its bytes (curl_easy_send, curl_easy_recv); its easy handle stays known to
 * the multi handle as long as the connection lives, and taking it out is what closes it. Once connected, the
 * socket's events come here and not to libcurl.
 *
 * A request waits until a line of its origin is idle, or for a new one; the last used goes first, so that
 * what is not needed grows old. Whatever an idle connection has to say is its end, but for TLS's own business
 * (session tickets), which leaves nothing to read. When a kept connection dies under a request before a byte
 * of the reply has come, the request goes out again on a new one if nothing of it had left, or, unless it
 * must go out once only, as a second copy that the reply tells of.
 *
 * Bytes behind a reply belong to no request, so they end the connection. A line is also given up when the
 * reply comes before the whole request has left. */
#include "http_impl.h"

#include "kit/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* A record of TLS: a send of more, of which a later record fails, would say nothing of those that have left.
 */
enum { SEND_MOST = 16384 };

static const char EARLY_END[] = "the connection was closed before a reply came";

/* ---- the request's bytes ---- */

/* In one piece of memory, and nothing of an earlier one is left where it was. */
static void make_room(struct buf *bytes, size_t len)
{
    if (len < bytes->size) {
        buf_reset(bytes);
        return;
    }
    buf_wipe(bytes);
    if (buf_extend(bytes, len))
        buf_reset(bytes);
}

int http_line_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail)
{
    enum { LENGTH_LINE = 64 };
    struct buf *bytes = &slot->request;
    size_t len = LENGTH_LINE + request->body.len;

    if (http_url_target(slot->http, request->url, &slot->target, fail) < 0)
        return -1;
    len += slot->target->head.len;
    for (size_t i = 0; i < request->header_count; i++)
        len += request->headers[i].len + 2;
    make_room(bytes, len);
    buf_add_span(bytes, buf_span(&slot->target->head));
    for (size_t i = 0; i < request->header_count; i++) {
        buf_add_span(bytes, request->headers[i]);
        buf_add_text(bytes, "\r\n");
    }
    buf_addf(bytes, "Content-Length: %zu\r\n\r\n", request->body.len);
    buf_add_span(bytes, request->body);
    assert(!bytes->full); /* its parts are within their limits */
    slot->fresh = false;
    return 0;
}

/* ---- waiting for a line ---- */

void http_line_start(struct http_slot *slot)
{
    struct http *http = slot->http;

    slot->line = NULL;
    slot->sent = 0;
    slot->blocked = false;
    http_reader_begin(slot);
    slot->next = NULL;
    if (http->waiting_last)
        http->waiting_last->next = slot;
    else
        http->waiting_first = slot;
    http->waiting_last = slot;
}

static struct http_slot *next_waiting(struct http *http)
{
    struct http_slot *slot = http->waiting_first;

    if (!slot)
        return NULL;
    http->waiting_first = slot->next;
    if (!http->waiting_first)
        http->waiting_last = NULL;
    slot->next = NULL;
    return slot;
}

static void stop_waiting(struct http *http, struct http_slot *slot)
{
    struct http_slot **at = &http->waiting_first, *last = NULL;

    while (*at && *at != slot) {
        last = *at;
        at = &(*at)->next;
    }
    if (!*at)
        return;
    *at = slot->next;
    if (http->waiting_last == slot)
        http->waiting_last = last;
    slot->next = NULL;
}

/* ---- lines come and go ---- */

static void close_connection(struct http_line *line)
{
    struct http *http = line->http;

    http_loop_part(line);
    (void)curl_multi_remove_handle(http->multi, line->easy); /* closes it, which calls back into the loop */
    line->fd = -1;
    line->origin = NULL;
    line->next = http->spare;
    http->spare = line;
}

static void put_idle(struct http_line *line, int64_t now_us)
{
    line->kept = true;
    line->idle_us = now_us;
    line->next = line->origin->idle;
    line->origin->idle = line;
}

static void drop_idle(struct http_line *line)
{
    struct http_line **at;

    assert(line->origin);
    for (at = &line->origin->idle; *at && *at != line; at = &(*at)->next)
        ;
    assert(*at);
    *at = line->next;
    close_connection(line);
}

static struct http_line *take_idle(struct http_origin *origin, int64_t now_us)
{
    while (origin->idle) {
        struct http_line *line = origin->idle;
        if (now_us - line->idle_us < HTTP_IDLE_MAX_S * INT64_C(1000000)) {
            origin->idle = line->next;
            line->next = NULL;
            return line;
        }
        drop_idle(line);
    }
    return NULL;
}

/* Of all origins. */
static struct http_line *longest_idle(struct http *http)
{
    struct http_line *oldest = NULL;

    for (struct http_origin *origin = http->origins; origin; origin = origin->next)
        for (struct http_line *line = origin->idle; line; line = line->next)
            if (!oldest || line->idle_us < oldest->idle_us)
                oldest = line;
    assert(oldest); /* no line is spare, and at most `connections` are at work */
    return oldest;
}

static struct http_line *new_line(struct http *http, struct fail *fail)
{
    struct http_line *line = mem_alloc(sizeof *line);
    CURLcode code;

    line->http = http;
    line->fd = -1;
    if (http_easy_open(http, line, line->error, &line->easy, fail) < 0) {
        free(line);
        return NULL;
    }
    code = curl_easy_setopt(line->easy, CURLOPT_CONNECT_ONLY, 1L);
    assert(code == CURLE_OK);
    http->lines[http->line_count++] = line;
    return line;
}

static struct http_line *spare_line(struct http *http, struct fail *fail)
{
    struct http_line *line;

    if (!http->spare && http->line_count < HTTP_LINES(http->connections))
        return new_line(http, fail);
    if (!http->spare)
        drop_idle(longest_idle(http));
    line = http->spare;
    assert(line);
    http->spare = line->next;
    line->next = NULL;
    return line;
}

static int connect_line(struct http_line *line, struct http_slot *slot, struct fail *fail)
{
    struct http *http = line->http;
    struct http_origin *origin = slot->target->origin;
    CURLcode code = curl_easy_setopt(line->easy, CURLOPT_URL, origin->url);
    CURLMcode added;

    if (code == CURLE_OK)
        code = curl_easy_setopt(line->easy, CURLOPT_PROXY, http_proxy_for(http, origin->url));
    if (code != CURLE_OK)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    line->origin = origin;
    line->slot = slot;
    line->kept = false;
    line->error[0] = '\0';
    slot->line = line;
    added = curl_multi_add_handle(http->multi, line->easy);
    return added == CURLM_OK
               ? 0
               : fail_set(fail, FAIL_INTERNAL, "curl_multi_add_handle: %s", curl_multi_strerror(added));
}

/* ---- the end of a request ---- */

static struct http_slot *part(struct http_line *line)
{
    struct http_slot *slot = line->slot;

    line->slot = NULL;
    slot->line = NULL;
    return slot;
}

static bool may_have_left(const struct http_slot *slot)
{
    return slot->resent || slot->sent > 0 || slot->blocked;
}

static void finish(struct http_line *line, CURLcode code, bool keep)
{
    struct http *http = line->http;
    struct http_slot *slot = part(line);

    slot->left = may_have_left(slot);
    if (code != CURLE_OK) {
        memcpy(slot->error, line->error, sizeof slot->error);
        if (line->fd < 0)
            (void)curl_easy_getinfo(line->easy, CURLINFO_HTTP_CONNECTCODE, &slot->proxy_status);
    }
    if (keep)
        put_idle(line, slot->moved_us);
    else
        close_connection(line);
    http_done(http, slot, code);
}

/* The connection is of no use any more, and the reply not whole. What TLS says of a connection that has
 * carried a reply is its end, not a refusal. */
static void lose(struct http_line *line, CURLcode code)
{
    struct http_slot *slot = line->slot;
    bool left = slot->sent > 0 || slot->blocked;

    if (line->kept && slot->head_bytes == 0 && (!left || !slot->once)) {
        (void)part(line);
        close_connection(line);
        slot->resent = slot->resent || left;
        slot->fresh = true;
        http_line_start(slot);
        return;
    }
    if (line->kept && slot->head_bytes == 0)
        code = CURLE_GOT_NOTHING;
    if (!slot->trouble && slot->head_bytes == 0 && code == CURLE_GOT_NOTHING)
        slot->trouble = EARLY_END;
    finish(line, code, false);
}

void http_line_abort(struct http_slot *slot, CURLcode code)
{
    if (slot->line) {
        finish(slot->line, code, false);
        return;
    }
    stop_waiting(slot->http, slot);
    slot->left = may_have_left(slot);
    http_done(slot->http, slot, code);
}

/* ---- bytes ---- */

static void end_of_stream(struct http_line *line)
{
    struct http_slot *slot = line->slot;

    if (http_reader_end(slot)) {
        finish(line, CURLE_OK, false);
        return;
    }
    if (slot->in_head)
        slot->trouble = "the reply ended inside its headers";
    else if (slot->head_bytes > 0)
        slot->trouble = "the reply ended before it was whole";
    lose(line, slot->head_bytes > 0 ? CURLE_PARTIAL_FILE : CURLE_GOT_NOTHING);
}

/* Reads on in what has come. False when the request has left the line. */
static bool read_on(struct http_line *line, struct span bytes)
{
    struct http_slot *slot = line->slot;
    size_t len = bytes.len;
    char *received = line->http->received;
    int rc;

    slot->moved_us = clock_mono_us();
    rc = http_reader_feed(slot, &bytes);
    if (slot->secret)
        explicit_bzero(received, len);
    if (rc == 0)
        return true;
    if (rc < 0)
        finish(line, CURLE_WEIRD_SERVER_REPLY, false);
    else
        finish(line, CURLE_OK,
               slot->reader.lasting && !slot->reader.closing && bytes.len == 0 &&
                   slot->sent == slot->request.len);
    return false;
}

/* To the end of what is there: bytes that TLS holds already (in a proxy's TLS, many records at once) raise no
 * event. The caps on a reply bound it. */
static void pull(struct http_line *line)
{
    for (;;) {
        size_t len = 0;
        CURLcode code = curl_easy_recv(line->easy, line->http->received, HTTP_RECEIVE_SIZE, &len);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK) {
            lose(line, code);
            return;
        }
        if (len == 0) {
            end_of_stream(line);
            return;
        }
        if (!read_on(line, (struct span){line->http->received, len}))
            return;
    }
}

/* Sends on; what remains when the socket takes no more leaves when there is room. An answer may have come
 * though the rest of the request finds nobody. */
static void push(struct http_line *line)
{
    struct http_slot *slot = line->slot;
    bool was_blocked = slot->blocked;

    while (slot->sent < slot->request.len) {
        size_t len = slot->request.len - slot->sent, sent = 0;
        CURLcode code = curl_easy_send(line->easy, slot->request.ptr + slot->sent,
                                       len < SEND_MOST ? len : SEND_MOST, &sent);
        if (code == CURLE_AGAIN) {
            slot->blocked = true;
            http_loop_join(line, true);
            return;
        }
        if (code != CURLE_OK) {
            if (may_have_left(slot))
                pull(line);
            if (line->slot == slot)
                lose(line, code);
            return;
        }
        slot->sent += sent;
        slot->moved_us = clock_mono_us();
    }
    if (was_blocked)
        http_loop_join(line, false);
}

/* ---- events ---- */

static void look_at_idle(struct http_line *line)
{
    size_t len;

    if (curl_easy_recv(line->easy, line->http->received, HTTP_RECEIVE_SIZE, &len) != CURLE_AGAIN)
        drop_idle(line);
}

void http_line_event(struct http_line *line, uint32_t events)
{
    struct http_slot *slot = line->slot;

    if (!slot) {
        look_at_idle(line);
        return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        pull(line);
    if ((events & EPOLLOUT) && line->slot == slot && slot->sent < slot->request.len)
        push(line);
}

void http_line_connected(struct http_line *line, CURLcode code)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    assert(line->slot);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(line->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code == CURLE_OK && fd == CURL_SOCKET_BAD)
        code = CURLE_COULDNT_CONNECT;
    if (code != CURLE_OK) {
        finish(line, code, false);
        return;
    }
    line->fd = fd;
    http_loop_join(line, false);
    push(line);
}

int http_line_dispatch(struct http *http, struct fail *fail)
{
    struct http_slot *slot;
    int64_t now_us = http->waiting_first ? clock_mono_us() : 0;

    while ((slot = next_waiting(http))) {
        struct http_line *line = slot->fresh ? NULL : take_idle(slot->target->origin, now_us);
        if (line) {
            line->slot = slot;
            slot->line = line;
            push(line);
            continue;
        }
        line = spare_line(http, fail);
        if (!line || connect_line(line, slot, fail) < 0)
            return -1;
    }
    return 0;
}

void http_line_close_all(struct http *http)
{
    for (int i = 0; i < http->line_count; i++) {
        (void)curl_multi_remove_handle(http->multi, http->lines[i]->easy);
        curl_easy_cleanup(http->lines[i]->easy);
        free(http->lines[i]);
    }
    free(http->lines);
    if (http->received)
        explicit_bzero(http->received, HTTP_RECEIVE_SIZE);
    free(http->received);
}
