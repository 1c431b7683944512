/* Uses libcurl's own URL parser, so that what is judged here is what will be connected to: it turns 127.1 and
 * 0x7f000001 into 127.0.0.1 before the comparison. */
#include "http_impl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* libcurl resolves "localhost" to the loopback addresses by itself, whatever the resolver says. */
static bool is_loopback(const char *host)
{
    size_t len = strlen(host);
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (len < 3 || len - 2 >= sizeof text || host[0] != '[' || host[len - 1] != ']')
        return false;
    memcpy(text, host + 1, len - 2);
    text[len - 2] = '\0';
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Whether the URL has that part. The parser says "none" also for one that is there but empty. */
static bool has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return there;
}

static int judge(CURLU *parsed, const char *url, const char *scheme, const char *host, struct fail *fail)
{
    const char *authority = strstr(url, "://");

    /* The parser forgives one slash, or three, and takes what follows for the host. */
    if (!authority || authority[3] == '/')
        return fail_set(fail, FAIL_USAGE, "%s: not an absolute https:// URL", strchr(url, '@') ? "URL" : url);
    /* Never echoed: what is before the @ may be a password. */
    if (has(parsed, CURLUPART_USER) || has(parsed, CURLUPART_PASSWORD) ||
        memchr(authority + 3, '@', strcspn(authority + 3, "/?#")))
        return fail_set(fail, FAIL_USAGE, "a URL must not carry a user name or a password");
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return fail_set(fail, FAIL_USAGE, "%s: must begin with https://", url);
    if (strpbrk(url, "?#"))
        return fail_set(fail, FAIL_USAGE, "%s: must not carry a query or a fragment", url);
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return fail_set(fail, FAIL_USAGE,
                        "%s: plain http is refused except to localhost, 127.0.0.0/8 and [::1]", url);
    return 0;
}

int http_url_place(const char *url, struct http_place *out)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    bool whole = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK;

    if (whole)
        *out = (struct http_place){.plain = strcmp(scheme, "http") == 0, .loopback = is_loopback(host)};
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return whole ? 0 : -1;
}

int http_check_url(const char *url, struct fail *fail)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    CURLUcode code;
    int result;

    if (!parsed)
        return fail_set(fail, FAIL_INTERNAL, "libcurl: no memory to parse a URL");
    /* CURLU_NON_SUPPORT_SCHEME leaves the judgement of the scheme, and its wording, to us. */
    code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        result = judge(parsed, url, scheme, host, fail);
    else
        result = fail_set(fail, FAIL_USAGE, "%s: not an absolute https:// URL (%s)",
                          strchr(url, '@') ? "URL" : url, curl_url_strerror(code));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return result;
}

/* ---- targets ---- */

/* Whether host, port and scheme are those of the origin, which is made when it is a new one. */
static struct http_origin *origin_of(struct http *http, const char *url)
{
    struct http_origin *origin = http->origins;

    while (origin && strcmp(origin->url, url) != 0)
        origin = origin->next;
    if (origin)
        return origin;
    origin = mem_alloc(sizeof *origin);
    origin->url = mem_text(url);
    origin->next = http->origins;
    http->origins = origin;
    return origin;
}

/* The port is named unless it is the scheme's own (RFC 9110, 7.2). */
static void write_head(struct buf *head, const char *host, const char *port, const char *path)
{
    buf_addf(head, "POST %s HTTP/1.1\r\nHost: %s%s%s\r\n", path, host, port ? ":" : "", port ? port : "");
    buf_add_text(head, "User-Agent: " HTTP_USER_AGENT "\r\nAccept: */*\r\n");
}

static CURLUcode read_target(struct http *http, CURLU *parsed, struct http_target *target)
{
    char *host = NULL, *port = NULL, *path = NULL, *origin = NULL;
    CURLUcode code = curl_url_get(parsed, CURLUPART_HOST, &host, CURLU_PUNYCODE);

    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_PATH, &path, 0);
    if (code == CURLUE_OK && curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
        port = NULL;
    if (code == CURLUE_OK) {
        write_head(&target->head, host, port, path);
        code = curl_url_set(parsed, CURLUPART_PATH, "/", 0);
    }
    if (code == CURLUE_OK)
        code = curl_url_get(parsed, CURLUPART_URL, &origin, 0);
    if (code == CURLUE_OK)
        target->origin = origin_of(http, origin);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(origin);
    return code;
}

static void drop_target(struct http_target *target)
{
    buf_free(&target->head);
    free(target->url);
    free(target);
}

static int new_target(struct http *http, const char *url, struct http_target **out, struct fail *fail)
{
    struct http_target *target;
    CURLU *parsed;
    CURLUcode code;

    if (http_check_url(url, fail) < 0) {
        fail->kind = FAIL_INTERNAL; /* whoever reads the configuration has checked it */
        return -1;
    }
    target = mem_alloc(sizeof *target);
    target->url = mem_text(url);
    buf_init(&target->head, HTTP_URL_CAP * 2);
    parsed = curl_url();
    code = parsed ? curl_url_set(parsed, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        code = read_target(http, parsed, target);
    curl_url_cleanup(parsed);
    if (code != CURLUE_OK || target->head.full) {
        drop_target(target);
        return fail_set(fail, FAIL_INTERNAL, "%s: %s", url,
                        code == CURLUE_OK ? "the URL is too long" : curl_url_strerror(code));
    }
    target->next = http->targets;
    http->targets = *out = target;
    return 0;
}

int http_url_target(struct http *http, const char *url, struct http_target **out, struct fail *fail)
{
    struct http_target *target = http->targets;

    while (target && strcmp(target->url, url) != 0)
        target = target->next;
    if (!target)
        return new_target(http, url, out, fail);
    *out = target;
    return 0;
}

void http_url_close(struct http *http)
{
    while (http->targets) {
        struct http_target *target = http->targets;
        http->targets = target->next;
        drop_target(target);
    }
    while (http->origins) {
        struct http_origin *origin = http->origins;
        http->origins = origin->next;
        free(origin->url);
        free(origin);
    }
}
