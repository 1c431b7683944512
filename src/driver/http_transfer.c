/* libcurl's own transfer, where HTTP/2 was asked for. The easy handle keeps its options from request to
 * request; a new request changes only the URL (when it is another), the time-out, the texts of the header
 * nodes and the body. What must be known of libcurl 7.88.1:
 *
 * A request that dies on a kept connection before the first byte of a reply is sent again by libcurl itself,
 * on another connection, which may be a kept one that is dead too. PREREQFUNCTION is called before each send,
 * and CURLINFO_REQUEST_SIZE adds up over them: a later call with a size above zero is a second copy. After
 * five such retries in the life of one easy handle the next is refused once, as CURLE_SEND_ERROR: lost, like
 * the others. */
#include "http_impl.h"

#include "kit/clock.h"

#include <stdlib.h>
#include <string.h>

enum { UPLOAD_BUFFER = 16384 }; /* libcurl's default is 64 KiB a TLS transfer */

static char expect[] = "Expect:"; /* a header without value: libcurl leaves its own out */

/* ---- what has left ---- */

static void get_sizes(const struct http_transfer *transfer, long *head, curl_off_t *body)
{
    *head = 0;
    *body = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, head);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, body);
}

/* Whether bytes have left on any connection tried so far, but for those that the server did not look at. */
static bool has_left(const struct http_transfer *transfer)
{
    long head;
    curl_off_t body;

    get_sizes(transfer, &head, &body);
    return head > transfer->unread_head || body > transfer->unread_body;
}

bool http_transfer_leaving(struct http_slot *slot, int64_t now_us)
{
    struct http_transfer *transfer = slot->transfer;
    curl_off_t uploaded = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (uploaded != transfer->uploaded) {
        transfer->uploaded = uploaded;
        slot->moved_us = now_us;
    }
    return transfer->sends > 0 && uploaded < (curl_off_t)transfer->body.len;
}

/* ---- callbacks ---- */

/* One line of a head, with its line end: a status line, headers, a blank line; for 1xx answers more than
 * once. Trailers of a chunked body come here too. */
static size_t on_header(char *bytes, size_t one, size_t len, void *userp)
{
    struct http_slot *slot = userp;
    long status = 0;

    (void)one; /* always 1 */
    slot->moved_us = clock_mono_us();
    if (http_slot_count_head(slot, len) < 0)
        return 0;
    if (!slot->in_head) {
        bool trailer = slot->head_ended && slot->reply.status >= 200;
        (void)curl_easy_getinfo(slot->transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        if (!trailer)
            http_slot_begin_head(slot, (int)status);
        return len;
    }
    if (len == 0 || bytes[0] == '\r' || bytes[0] == '\n') {
        slot->in_head = false;
        slot->head_ended = true;
        return len;
    }
    return http_slot_header(slot, (struct span){bytes, len}) < 0 ? 0 : len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *userp)
{
    struct http_slot *slot = userp;

    (void)one; /* always 1 */
    slot->moved_us = clock_mono_us();
    return http_slot_body(slot, bytes, len) < 0 ? 0 : len;
}

static int on_send(void *userp, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http_slot *slot = userp;
    struct http_transfer *transfer = slot->transfer;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    slot->moved_us = clock_mono_us();
    if (transfer->refused)
        get_sizes(transfer, &transfer->unread_head, &transfer->unread_body);
    transfer->refused = false;
    if (transfer->sends++ == 0 || !has_left(transfer))
        return CURL_PREREQFUNC_OK;
    if (slot->once) {
        slot->trouble = "the connection was closed before a reply came";
        return CURL_PREREQFUNC_ABORT;
    }
    slot->resent = true;
    return CURL_PREREQFUNC_OK;
}

/* The only way to learn that libcurl begins anew because the stream was refused (RFC 9113, 8.7: by a GOAWAY
 * or REFUSED_STREAM the server says that it did nothing). */
static int on_text(CURL *easy, curl_infotype type, char *bytes, size_t len, void *userp)
{
    static const char refused[] = "REFUSED_STREAM";
    struct http_slot *slot = userp;

    (void)easy;
    if (type == CURLINFO_TEXT && len >= sizeof refused - 1 && memcmp(bytes, refused, sizeof refused - 1) == 0)
        slot->transfer->refused = true;
    return 0;
}

/* ---- making ---- */

#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)

static CURLcode set_options(struct http_slot *slot, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_VERBOSE, 1L); /* for on_text */
    SET(CURLOPT_MAXAGE_CONN, (long)HTTP_IDLE_MAX_S);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_ACCEPT_ENCODING, NULL);
    SET(CURLOPT_HTTPHEADER, &slot->transfer->nodes[0]);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_PREREQFUNCTION, on_send);
    SET(CURLOPT_PREREQDATA, slot);
    SET(CURLOPT_DEBUGFUNCTION, on_text);
    SET(CURLOPT_DEBUGDATA, slot);
    return code;
}

int http_transfer_open(struct http_slot *slot, struct fail *fail)
{
    struct http_transfer *transfer = slot->transfer = mem_alloc(sizeof *transfer);
    CURLcode code;

    transfer->nodes[0].data = expect;
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        buf_init(&transfer->headers[i], HTTP_HEADER_CAP);
    buf_init(&transfer->url, HTTP_URL_CAP);
    buf_init(&transfer->body, HTTP_BODY_CAP);
    if (http_easy_open(slot->http, slot, slot->error, &transfer->easy, fail) < 0)
        return -1;
    code = set_options(slot, transfer->easy);
    return code == CURLE_OK ? 0 : fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
}

void http_transfer_close(struct http_slot *slot)
{
    struct http_transfer *transfer = slot->transfer;

    if (!transfer)
        return;
    if (transfer->easy) {
        (void)curl_multi_remove_handle(slot->http->multi,
                                       transfer->easy); /* harmless for one not in flight */
        curl_easy_cleanup(transfer->easy);
    }
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++) {
        buf_wipe(&transfer->headers[i]); /* one of them is the Authorization */
        buf_free(&transfer->headers[i]);
    }
    if (slot->secret)
        buf_wipe(&transfer->body);
    buf_free(&transfer->url);
    buf_free(&transfer->body);
    free(transfer);
    slot->transfer = NULL;
}

/* ---- the way of a request ---- */

static int fill_url(struct http_slot *slot, const char *url, struct fail *fail)
{
    struct http_transfer *transfer = slot->transfer;
    CURL *easy = transfer->easy;
    CURLcode code;

    if (transfer->url.len > 0 && span_is(buf_span(&transfer->url), url))
        return 0;
    if (http_check_url(url, fail) < 0) {
        fail->kind = FAIL_INTERNAL; /* whoever reads the configuration has checked it */
        return -1;
    }
    /* Else every request of the first moment connects. Without TLS libcurl may wait for ever, behind a
     * connection whose first reply did not tell its version. */
    code = curl_easy_setopt(easy, CURLOPT_PIPEWAIT, strncmp(url, "https", 5) == 0 ? 1L : 0L);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROXY, http_proxy_for(slot->http, url));
    buf_reset(&transfer->url);
    if (code != CURLE_OK)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    buf_add_text(&transfer->url, url); /* one too long for it is only set again each time */
    return 0;
}

int http_transfer_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail)
{
    struct http_transfer *transfer = slot->transfer;
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    if (fill_url(slot, request->url, fail) < 0)
        return -1;
    for (size_t i = 0; i < request->header_count; i++) {
        http_slot_set_text(&transfer->headers[i], request->headers[i]);
        transfer->nodes[i].next = &transfer->nodes[i + 1];
        transfer->nodes[i + 1].data = transfer->headers[i].ptr;
    }
    transfer->nodes[request->header_count].next = NULL;
    http_slot_set_text(&transfer->body, request->body);
    SET(CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms > 0 ? request->timeout_ms : slot->http->timeout_ms));
    SET(CURLOPT_POSTFIELDS, buf_text(&transfer->body));
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len);
    if (code != CURLE_OK)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    transfer->refused = false;
    transfer->sends = 0;
    transfer->unread_head = 0;
    transfer->unread_body = transfer->uploaded = 0;
    return 0;
}

int http_transfer_start(struct http_slot *slot, struct fail *fail)
{
    CURLMcode code = curl_multi_add_handle(slot->http->multi, slot->transfer->easy);

    if (code != CURLM_OK)
        return fail_set(fail, FAIL_INTERNAL, "curl_multi_add_handle: %s", curl_multi_strerror(code));
    return 0;
}

static void keep_connection(struct http *http, CURL *easy)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    long version = CURL_HTTP_VERSION_NONE;

    (void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        http_loop_kept(http, fd, version == CURL_HTTP_VERSION_2_0);
}

void http_transfer_end(struct http_slot *slot, CURLcode code)
{
    struct http_transfer *transfer = slot->transfer;

    keep_connection(slot->http, transfer->easy);
    /* A send that failed before its first byte is the one case in which sending began and nothing left. */
    slot->left =
        transfer->sends > 0 && !transfer->refused && (code != CURLE_SEND_ERROR || has_left(transfer));
    if (transfer->sends == 0)
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &slot->proxy_status);
    if (transfer->refused && !slot->trouble)
        slot->trouble = "the server refused to look at the request (HTTP/2)";
    (void)curl_multi_remove_handle(slot->http->multi, transfer->easy);
    if (slot->secret)
        buf_wipe(&transfer->body);
    http_done(slot->http, slot, code);
}
