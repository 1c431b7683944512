/* The easy handle keeps its options from request to request; a new request changes only the URL (when it is
 * another), the time-out, the texts of the header nodes and the body. The callbacks copy what comes and judge
 * nothing but its length; http_judge.c says how a request ended. */
#include "http_impl.h"

#include "kit/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_CAP = 65536,    /* one header of a request; a token is about 1 KB */
    BODY_CAP = 4 << 20,    /* of a request */
    URL_CAP = 8192,        /* of a request */
    HEAD_CAP = 65536,      /* all headers of a reply together */
    CAPTURE_CAP = 1024,    /* one header of a reply that is kept */
    UPLOAD_BUFFER = 16384, /* libcurl's default is 64 KiB a TLS transfer */
    KEEPALIVE_IDLE_S = 45, /* below the idle time-outs of usual load balancers and NATs */
    KEEPALIVE_INTERVAL_S = 15,
    /* A connection unused that long is not used again: servers commonly close after 60 s and more, and a
     * request that meets the close on its way is a lost answer. */
    IDLE_MAX_S = 50
};

static char expect[] = "Expect:"; /* a header without value: libcurl leaves its own out */

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

static bool on_header_line(struct http_slot *slot, struct span line)
{
    switch (tolower((unsigned char)line.ptr[0])) {
    case 'r':
        return capture(line, "retry-after", &slot->retry_after);
    case 'd':
        return capture(line, "date", &slot->date);
    case 'c':
        return capture(line, "content-type", &slot->content_type);
    default:
        return true;
    }
}

static void begin_head(struct http_slot *slot)
{
    long status = 0;

    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    slot->reply.status = (int)status;
    slot->in_head = true;
    slot->head_ended = false;
    buf_reset(&slot->retry_after);
    buf_reset(&slot->date);
    buf_reset(&slot->content_type);
}

bool http_slot_stalled(struct http_slot *slot, int64_t now_us)
{
    curl_off_t uploaded = 0;
    bool leaving, coming = slot->head_bytes > 0 && (slot->in_head || slot->reply.status >= 200);

    (void)curl_easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (uploaded != slot->uploaded) {
        slot->uploaded = uploaded;
        slot->moved_us = now_us;
    }
    leaving = slot->sends > 0 && uploaded < (curl_off_t)slot->body.len;
    if ((!leaving && !coming) || now_us - slot->moved_us < slot->http->stall_ms * 1000)
        return false;
    slot->trouble = coming ? "the reply stalled" : "the request stalled on its way";
    return true;
}

/* One line of a head, with its line end: a status line, headers, a blank line; for 1xx answers more than
 * once. Trailers of a chunked body come here too. */
static size_t on_header(char *bytes, size_t one, size_t len, void *userp)
{
    struct http_slot *slot = userp;

    (void)one; /* always 1 */
    slot->moved_us = clock_mono_us();
    slot->head_bytes += len;
    if (slot->head_bytes > HEAD_CAP) {
        slot->trouble = "the headers of the reply are too long";
        return 0;
    }
    if (!slot->in_head) {
        bool trailer = slot->head_ended && slot->reply.status >= 200;
        if (!trailer)
            begin_head(slot);
        return len;
    }
    if (len == 0 || bytes[0] == '\r' || bytes[0] == '\n') {
        slot->in_head = false;
        slot->head_ended = true;
        return len;
    }
    if (!on_header_line(slot, (struct span){bytes, len})) {
        slot->trouble = "a header of the reply is too long";
        return 0;
    }
    return len;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *userp)
{
    struct http_slot *slot = userp;

    (void)one; /* always 1 */
    slot->moved_us = clock_mono_us();
    buf_add(&slot->answer, bytes, len);
    if (!slot->answer.full)
        return len;
    slot->trouble = "the body of the reply is longer than the limit";
    return 0;
}

static int on_send(void *userp, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http_slot *slot = userp;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    slot->moved_us = clock_mono_us();
    if (slot->refused)
        http_judge_forgive(slot);
    slot->refused = false;
    if (slot->sends++ == 0 || !http_judge_left(slot))
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
        slot->refused = true;
    return 0;
}

/* ---- making ---- */

#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)

static CURLcode set_transport(const struct http *http, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT,
        1L); /* else the end of a slow resolve blocks the loop until the resolver is done */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)(http->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(CURLOPT_PIPEWAIT, http->http2 ? 1L : 0L); /* else every request of the first moment connects */
    SET(CURLOPT_VERBOSE, http->http2 ? 1L : 0L);  /* for on_text */
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_timeout_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, http->min_version);
    SET(CURLOPT_CAINFO, http->ca_file);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSLCERT, http->cert_file);
    SET(CURLOPT_SSLKEY, http->key_file);
    SET(CURLOPT_KEYPASSWD, ""); /* else OpenSSL asks the terminal for the passphrase of an encrypted key */
    return code;
}

static CURLcode set_proxy(const struct http *http, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_NOPROXY, http->no_proxy);
    SET(CURLOPT_PROXYUSERNAME, http->proxy_user);
    SET(CURLOPT_PROXYPASSWORD, http->proxy_password);
    SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* the bearer is not for the proxy */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSLVERSION, http->min_version);
    SET(CURLOPT_PROXY_CAINFO, http->ca_file);
    SET(CURLOPT_PROXY_CAPATH, NULL);
    return code;
}

static CURLcode set_callbacks(struct http_slot *slot, CURL *easy)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PRIVATE, slot);
    SET(CURLOPT_ERRORBUFFER, slot->error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, slot);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_PREREQFUNCTION, on_send);
    SET(CURLOPT_PREREQDATA, slot);
    SET(CURLOPT_DEBUGFUNCTION, on_text);
    SET(CURLOPT_DEBUGDATA, slot);
    SET(CURLOPT_OPENSOCKETFUNCTION, http_loop_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, slot);
    SET(CURLOPT_CLOSESOCKETFUNCTION, http_loop_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, slot->http); /* a connection outlives the slot that opened it */
    return code;
}

static CURLcode set_options(struct http_slot *slot)
{
    CURL *easy = slot->easy;
    CURLcode code = set_transport(slot->http, easy);

    if (code == CURLE_OK)
        code = set_proxy(slot->http, easy);
    if (code == CURLE_OK)
        code = set_callbacks(slot, easy);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_ACCEPT_ENCODING, NULL);
    SET(CURLOPT_USERAGENT, "ctp-enroll/" CTP_VERSION);
    SET(CURLOPT_HTTPHEADER, &slot->nodes[0]);
    return code;
}

struct http_slot *http_slot_open(struct http *http, struct fail *fail)
{
    struct http_slot *slot = mem_alloc(sizeof *slot);
    CURLcode code = CURLE_FAILED_INIT;

    slot->http = http;
    slot->nodes[0].data = expect;
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        buf_init(&slot->headers[i], HEADER_CAP);
    buf_init(&slot->url, URL_CAP);
    buf_init(&slot->body, BODY_CAP);
    buf_init(&slot->answer, http->reply_cap);
    buf_init(&slot->retry_after, CAPTURE_CAP);
    buf_init(&slot->date, CAPTURE_CAP);
    buf_init(&slot->content_type, CAPTURE_CAP);
    slot->easy = curl_easy_init();
    if (slot->easy)
        code = set_options(slot);
    if (code == CURLE_OK)
        return slot;
    (void)fail_set(fail, FAIL_INTERNAL, "libcurl: cannot set up a transfer: %s", curl_easy_strerror(code));
    http_slot_close(slot);
    return NULL;
}

void http_slot_close(struct http_slot *slot)
{
    if (!slot)
        return;
    curl_easy_cleanup(slot->easy);
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++) {
        buf_wipe(&slot->headers[i]); /* one of them is the Authorization */
        buf_free(&slot->headers[i]);
    }
    if (slot->secret) {
        buf_wipe(&slot->body);
        buf_wipe(&slot->answer);
    }
    buf_free(&slot->url);
    buf_free(&slot->body);
    buf_free(&slot->answer);
    buf_free(&slot->retry_after);
    buf_free(&slot->date);
    buf_free(&slot->content_type);
    free(slot);
}

/* ---- filling ---- */

/* Replaces the text. A buffer that must grow moves: nothing may stay behind in the old place. */
static void set_text(struct buf *buf, struct span text)
{
    if (text.len >= buf->size)
        buf_wipe(buf);
    else
        buf_reset(buf);
    buf_add_span(buf, text);
}

/* libcurl would drop a header without value in silence, and send what follows a line end as a further
 * header. */
static bool is_header(struct span line)
{
    struct span name;

    if (line.len == 0 || memchr(line.ptr, '\r', line.len) || memchr(line.ptr, '\n', line.len) ||
        memchr(line.ptr, '\0', line.len))
        return false;
    return span_cut(&line, ':', &name) == 1 && name.len > 0 && span_trim(line).len > 0;
}

static int fill_headers(struct http_slot *slot, const struct http_request *request, struct fail *fail)
{
    if (request->header_count > HTTP_HEADERS_MAX)
        return fail_set(fail, FAIL_INTERNAL, "a request has %zu headers, at most %d are possible",
                        request->header_count, HTTP_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        struct buf *header = &slot->headers[i];
        if (!is_header(request->headers[i]))
            return fail_set(fail, FAIL_INTERNAL, "header %zu of a request is not \"name: value\"", i + 1);
        set_text(header, request->headers[i]);
        if (header->full)
            return fail_set(fail, FAIL_INTERNAL, "header %zu of a request is longer than %d bytes", i + 1,
                            HEADER_CAP);
        slot->nodes[i].next = &slot->nodes[i + 1];
        slot->nodes[i + 1].data = header->ptr;
    }
    slot->nodes[request->header_count].next = NULL;
    return 0;
}

static int fill_url(struct http_slot *slot, const char *url, struct fail *fail)
{
    CURLcode code;

    if (slot->url.len > 0 && span_is(buf_span(&slot->url), url))
        return 0;
    if (http_check_url(url, fail) < 0) {
        fail->kind = FAIL_INTERNAL; /* whoever reads the configuration has checked it */
        return -1;
    }
    code = curl_easy_setopt(slot->easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(slot->easy, CURLOPT_PROXY, http_proxy_for(slot->http, url));
    buf_reset(&slot->url);
    if (code != CURLE_OK)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    buf_add_text(&slot->url, url); /* one too long for it is only set again each time */
    return 0;
}

int http_slot_fill(struct http_slot *slot, const struct http_request *request, struct fail *fail)
{
    CURL *easy = slot->easy;
    CURLcode code = CURLE_OK;
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : slot->http->timeout_ms;

    if (fill_url(slot, request->url, fail) < 0 || fill_headers(slot, request, fail) < 0)
        return -1;
    slot->secret = request->secret;
    set_text(&slot->body, request->body);
    if (slot->body.full)
        return fail_set(fail, FAIL_INTERNAL, "the body of a request is longer than %d bytes", BODY_CAP);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_POSTFIELDS, buf_text(&slot->body));
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)slot->body.len);
    if (code != CURLE_OK)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: %s", curl_easy_strerror(code));
    slot->once = request->once;
    slot->opened = slot->resent = slot->refused = slot->in_head = slot->head_ended = false;
    slot->sends = 0;
    slot->unread_head = 0;
    slot->unread_body = slot->uploaded = 0;
    slot->head_bytes = 0;
    slot->trouble = NULL;
    slot->error[0] = '\0';
    buf_reset(&slot->answer);
    buf_reset(&slot->retry_after);
    buf_reset(&slot->date);
    buf_reset(&slot->content_type);
    slot->started_us = slot->moved_us = clock_mono_us();
    slot->reply = (struct http_reply){.tag = request->tag, .started_ms = slot->started_us / 1000};
    return 0;
}

void http_slot_release(struct http_slot *slot)
{
    if (slot->secret)
        buf_wipe(&slot->answer);
}
