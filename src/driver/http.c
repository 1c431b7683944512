/* Slots go round: free -> in flight -> queue of finished ones -> lent to the caller -> free. All waiting is
 * in http_loop.c, what carries a request in http_line.c or http_transfer.c. */
#include "driver/http.h"

#include "http_impl.h"

#include "kit/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char DEFAULT_CA_FILE[] = "/etc/ssl/certs/ca-certificates.crt"; /* Debian, Ubuntu */

enum { STALL_LOOK_MOST_US = 1000000 };

/* ---- opening and closing ---- */

static int check_file(const char *what, const char *path, struct fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = -1;
    int error;
    char byte;

    if (fd >= 0)
        len = read(fd, &byte, 1);
    error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (len < 0)
        return fail_set(fail, FAIL_USAGE, "%s %s: %s", what, path, strerror(error));
    if (len == 0)
        return fail_set(fail, FAIL_USAGE, "%s %s: the file is empty", what, path);
    return 0;
}

int http_check(const struct http_options *options, int64_t wall_ms, int64_t *end_ms, struct fail *fail)
{
    const char *version = options->min_version, *key_file = options->key_file;
    const char *ca_file = options->ca_file ? options->ca_file : DEFAULT_CA_FILE;
    int64_t until_ms = 0;

    assert(options->connections > 0 && options->timeout_ms > 0 && options->connect_timeout_ms > 0);
    if (version && strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0)
        return fail_set(fail, FAIL_USAGE, "the lowest TLS version is 1.2 or 1.3, not %s", version);
    if (options->key_file && !options->cert_file)
        return fail_set(fail, FAIL_USAGE, "private key %s: there is no client certificate for it",
                        options->key_file);
    if (check_file("CA file", ca_file, fail) < 0 || http_cert_check_ca(ca_file, fail) < 0)
        return -1;
    if (options->cert_file && check_file("client certificate", options->cert_file, fail) < 0)
        return -1;
    if (key_file && check_file("private key", key_file, fail) < 0)
        return -1;
    if (options->cert_file &&
        http_cert_check_client(options->cert_file, key_file ? key_file : options->cert_file, wall_ms,
                               &until_ms, fail) < 0)
        return -1;
    if (http_proxy_check(options, fail) < 0)
        return -1;
    *end_ms = until_ms;
    return 0;
}

static int open_multi(struct http *http, struct fail *fail)
{
    CURLMcode code;

    http->multi = curl_multi_init();
    if (!http->multi)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: no multi handle");
    code = curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_LINES(http->connections));
    if (code != CURLM_OK)
        return fail_set(fail, FAIL_INTERNAL, "curl_multi_setopt: %s", curl_multi_strerror(code));
    return http_loop_open(http, fail);
}

int http_open(struct http **out, const struct http_options *options, struct fail *fail)
{
    struct http *http;
    int64_t end_ms;

    if (http_check(options, clock_wall_ms(), &end_ms, fail) < 0)
        return -1;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* counts; http_close undoes it */
        return fail_set(fail, FAIL_INTERNAL, "libcurl cannot be initialised");
    http = mem_alloc(sizeof *http);
    http->epoll_fd = -1;
    http->late_us = INT64_MAX;
    http->connections = options->connections;
    http->connect_timeout_ms = options->connect_timeout_ms;
    http->timeout_ms = options->timeout_ms;
    http->stall_ms = options->stall_ms;
    http->http2 = options->http2;
    http->reply_cap = options->reply_cap;
    http->min_version = options->min_version && strcmp(options->min_version, "1.3") == 0
                            ? CURL_SSLVERSION_TLSv1_3
                            : CURL_SSLVERSION_TLSv1_2;
    http->ca_file = mem_text(options->ca_file ? options->ca_file : DEFAULT_CA_FILE);
    http->cert_file = mem_text(options->cert_file);
    http->key_file = mem_text(options->key_file);
    http_proxy_open(http, options);
    http->slots = mem_array((size_t)http->connections + 1, sizeof *http->slots);
    http->lines = mem_array((size_t)HTTP_LINES(http->connections), sizeof *http->lines);
    http->received = mem_alloc(HTTP_RECEIVE_SIZE);
    if (open_multi(http, fail) < 0) {
        http_close(http);
        return -1;
    }
    *out = http;
    return 0;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    for (int i = 0; i < http->slot_count; i++)
        http_slot_close(http->slots[i]);
    http_line_close_all(http);
    (void)curl_multi_cleanup(http->multi); /* closes the connections, which calls back into the loop */
    http_loop_close(http);
    http_url_close(http);
    free(http->slots);
    free(http->ca_file);
    free(http->cert_file);
    free(http->key_file);
    http_proxy_close(http);
    free(http);
    curl_global_cleanup();
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- the way of a slot ---- */

int http_flying(const struct http *http)
{
    return http->flying;
}

static void put_free(struct http *http, struct http_slot *slot)
{
    slot->next = http->free;
    http->free = slot;
}

int http_start(struct http *http, const struct http_request *request, struct fail *fail)
{
    struct http_slot *slot = http->free;

    assert(http->flying < http->connections);
    if (!slot) {
        assert(http->slot_count <= http->connections);
        slot = http_slot_open(http, fail);
        if (!slot)
            return -1;
        http->slots[http->slot_count++] = slot;
        put_free(http, slot);
    }
    if (http_slot_fill(slot, request, fail) < 0)
        return -1;
    if (slot->transfer && http_transfer_start(slot, fail) < 0)
        return -1;
    http->free = slot->next;
    slot->next = NULL;
    if (!slot->transfer) {
        http_line_start(slot);
        http->late_us = earlier(http->late_us, slot->end_us);
    }
    http->started = slot->flying = true;
    http->flying++;
    return 0;
}

void http_done(struct http *http, struct http_slot *slot, CURLcode code)
{
    slot->flying = false;
    http_judge(slot, code);
    slot->next = NULL;
    if (http->done_last)
        http->done_last->next = slot;
    else
        http->done_first = slot;
    http->done_last = slot;
}

/* What libcurl has finished: transfers, or connecting. */
static void collect(struct http *http)
{
    const CURLMsg *message;
    void *keeper;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        keeper = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &keeper);
        assert(keeper);
        if (http->http2)
            http_transfer_end(keeper, message->data.result);
        else
            http_line_connected(keeper, message->data.result);
    }
}

int http_take(struct http *http, struct http_reply *reply)
{
    struct http_slot *slot = http->done_first;

    if (http->lent) {
        http_slot_release(http->lent);
        put_free(http, http->lent);
        http->lent = NULL;
    }
    if (!slot)
        return 0;
    http->done_first = slot->next;
    if (!http->done_first)
        http->done_last = NULL;
    http->lent = slot;
    http->flying--;
    *reply = slot->reply;
    return 1;
}

/* ---- waiting ---- */

static void end_early(struct http_slot *slot)
{
    if (slot->transfer)
        http_transfer_end(slot, CURLE_OPERATION_TIMEDOUT);
    else
        http_line_abort(slot, CURLE_OPERATION_TIMEDOUT);
}

/* libcurl's own low-speed limit counts the time in which a server thinks as a stall. */
static void end_stalled(struct http *http, int64_t now_us)
{
    int64_t pause_us = http->stall_ms * 1000 / 4;

    if (http->stall_ms == 0 || now_us < http->stall_us)
        return;
    for (int i = 0; i < http->slot_count; i++)
        if (http->slots[i]->flying && http_slot_stalled(http->slots[i], now_us))
            end_early(http->slots[i]);
    http->stall_us = now_us + (pause_us < STALL_LOOK_MOST_US ? pause_us : STALL_LOOK_MOST_US);
}

/* Those that go by lines; libcurl looks after its transfers' time. One time for all is enough: it comes once
 * in the life of a request, and most have been answered then. */
static void end_late(struct http *http, int64_t now_us)
{
    if (now_us < http->late_us)
        return;
    http->late_us = INT64_MAX;
    for (int i = 0; i < http->slot_count; i++) {
        struct http_slot *slot = http->slots[i];
        if (!slot->flying || slot->transfer)
            continue;
        if (slot->end_us > now_us) {
            http->late_us = earlier(http->late_us, slot->end_us);
            continue;
        }
        slot->trouble =
            slot->sent > 0 || slot->blocked ? "the reply did not come in time" : "connecting took too long";
        end_early(slot);
    }
}

/* Whether to look at the sockets before anything is done. Before something is sent: many a server closes
 * right behind its reply, and what is sent into that is lost. Before a request's time is over: after a pause
 * of this process its reply may wait there. */
static bool must_look(const struct http *http, int64_t now_us)
{
    return http->started || now_us >= http->late_us || (http->stall_ms > 0 && now_us >= http->stall_us);
}

/* libcurl acts on its timer, what waits gets its line, then one look at the sockets, waiting until `end_us`
 * or the next time that matters unless a reply is there. Returns 1 when the caller has something to do, 0
 * when not, -1. */
static int step(struct http *http, int64_t end_us, struct fail *fail)
{
    int64_t now_us = clock_mono_us(), until_us;
    int woken;

    if (must_look(http, now_us) && http_loop_look(http, 0, fail) < 0)
        return -1;
    if (http_line_dispatch(http, fail) < 0 || http_loop_tick(http, now_us, fail) < 0)
        return -1;
    collect(http);
    end_stalled(http, now_us);
    end_late(http, now_us);
    until_us = http->done_first ? now_us : earlier(end_us, earlier(http->timer_us, http->late_us));
    if (http->stall_ms > 0 && http->flying > 0)
        until_us = earlier(until_us, http->stall_us);
    woken = http_loop_look(http, until_us == INT64_MAX ? INT64_MAX : until_us - now_us, fail);
    if (woken < 0)
        return -1;
    collect(http);
    return woken || http->done_first ? 1 : 0;
}

int http_wait(struct http *http, int wake_fd, int64_t timeout_ms, struct fail *fail)
{
    int64_t now_us = clock_mono_us(), end_us = INT64_MAX;
    int ready;

    if (http_loop_wake_on(http, wake_fd, fail) < 0)
        return -1;
    if (timeout_ms >= 0 && timeout_ms < (INT64_MAX - now_us) / 1000)
        end_us = now_us + timeout_ms * 1000;
    do
        ready = step(http, end_us, fail);
    while (ready == 0 && clock_mono_us() < end_us);
    return ready < 0 ? -1 : 0;
}

const char *http_version(void)
{
    return curl_version();
}
