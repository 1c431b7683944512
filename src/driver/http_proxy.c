/* Which proxy a URL goes through. A proxy that was set counts for every https URL; that of the environment is
 * not asked for loopback, where a test double would otherwise be looked for on the proxy's own machine. What
 * no_proxy excepts is judged by libcurl, which knows the forms that are in use. Plain http goes to loopback
 * only (http_check_url) and is never handed to anyone. */
#include "http_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which curl asks them. */
static const char *const VARIABLES[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

static const char *from_environment(const char **name)
{
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        const char *value = getenv(VARIABLES[i]);
        *name = VARIABLES[i];
        if (value)
            return value[0] ? value : NULL;
    }
    return NULL;
}

/* `words` are the schemes, joined by '|'. */
static bool has_scheme(CURLU *url, const char *words)
{
    struct span rest = span_of(words), word;
    char *scheme = NULL;
    bool found = false;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return false;
    while (span_cut(&rest, '|', &word))
        found = found || span_is_nocase(word, scheme);
    curl_free(scheme);
    return found;
}

int http_check_proxy(const char *text, struct fail *fail)
{
    CURLU *url = curl_url();
    bool good = url && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                has_scheme(url, "http|https");
    const char *authority = strstr(text, "://");

    curl_url_cleanup(url);
    if (strchr(text, '@'))
        return fail_set(fail, FAIL_USAGE,
                        "a proxy's URL must not carry a user name or a password: see proxy.credentials_file");
    if (!good || !authority || authority[3] == '/' ||
        strcspn(authority + 3, "/?#") < strlen(authority + 3) - 1 || strpbrk(authority, "?#"))
        return fail_set(fail, FAIL_USAGE, "%s: not a proxy's URL such as http://proxy.example.com:3128",
                        text);
    return 0;
}

/* Those of the environment may carry credentials, as they do for curl, and need no scheme; so they are never
 * repeated. */
static int check_environment(struct fail *fail)
{
    const char *name, *text = from_environment(&name);
    CURLU *url = text ? curl_url() : NULL;
    bool good = !text || (url &&
                          curl_url_set(url, CURLUPART_URL, text,
                                       CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
                          has_scheme(url, "http|https|socks4|socks4a|socks5|socks5h"));

    curl_url_cleanup(url);
    return good ? 0 : fail_set(fail, FAIL_USAGE, "the environment variable %s is no proxy's URL", name);
}

int http_proxy_check(const struct http_options *options, struct fail *fail)
{
    if (options->proxy && options->proxy[0] && http_check_proxy(options->proxy, fail) < 0)
        return fail_context(fail, "proxy");
    if (options->proxy_user && !strchr(options->proxy_user, ':'))
        return fail_set(fail, FAIL_USAGE, "the proxy's credentials are not of the form name:password");
    return options->proxy ? 0 : check_environment(fail);
}

void http_proxy_open(struct http *http, const struct http_options *options)
{
    const char *name, *proxy = options->proxy ? options->proxy : from_environment(&name);
    const char *colon = options->proxy_user ? strchr(options->proxy_user, ':') : NULL;

    http->proxy = mem_text(proxy && proxy[0] ? proxy : NULL);
    http->proxy_for_loopback = options->proxy != NULL;
    http->no_proxy = mem_text(options->no_proxy);
    for (char *c = http->no_proxy; c && *c; c++)
        if (*c == ';')
            *c = ',';
    if (!http->proxy || !colon)
        return;
    http->proxy_user = strndup(options->proxy_user, (size_t)(colon - options->proxy_user));
    assert(http->proxy_user);
    http->proxy_password = mem_text(colon + 1);
}

static void wipe_text(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void http_proxy_close(struct http *http)
{
    wipe_text(http->proxy); /* that of the environment may hold a password */
    wipe_text(http->proxy_password);
    free(http->proxy_user);
    free(http->no_proxy);
}

const char *http_proxy_for(const struct http *http, const char *url)
{
    struct http_place place;

    if (!http->proxy || http_url_place(url, &place) < 0 || place.plain)
        return "";
    return place.loopback && !http->proxy_for_loopback ? "" : http->proxy;
}
