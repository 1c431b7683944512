/* bare_client: the least that a client made with libcurl has to do: as many requests as asked for, so many at
 * a time, each with its own body and headers, no input, no ledger, nothing tried twice. It is what
 * `ctp-enroll run` is compared with where the server is some milliseconds away, and so it is written the
 * cheap way: curl_multi_socket_action on an epoll set that is changed as seldom as possible, easy handles and
 * header lists kept, texts edited in place. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { HEADERS = 5, HEADER_MOST = 4096, BODY_MOST = 65536, SOCKETS = 65536, EVENTS_A_LOOK = 64, DIGITS = 9 };

struct slot {
    CURL *easy;
    struct curl_slist nodes[HEADERS];
    char texts[HEADERS][HEADER_MOST];
    char body[BODY_MOST];
};

struct client {
    CURLM *multi;
    int epoll;
    int64_t timer_ms;          /* INT64_MAX: none */
    uint32_t watched[SOCKETS]; /* by descriptor: what the epoll set reports */
    uint32_t wanted[SOCKETS];  /* and what libcurl wants */
    long left, flying, taken;
    const char *url, *ca, *token;
    char body[BODY_MOST];
    char *place; /* in it: the card's DIGITS, another number in each request */
};

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        die("clock_gettime: %s", strerror(errno));
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the loop ---- */

static void watch(struct client *client, int fd, uint32_t mask)
{
    struct epoll_event event = {.events = mask, .data.fd = fd};
    int op = client->watched[fd] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (mask == client->watched[fd])
        return;
    if (mask == 0)
        op = EPOLL_CTL_DEL;
    if (epoll_ctl(client->epoll, op, fd, &event) < 0 && op != EPOLL_CTL_DEL)
        die("epoll_ctl: %s", strerror(errno));
    client->watched[fd] = mask;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
    struct client *client = userp;

    (void)easy;
    (void)socketp;
    if (fd >= SOCKETS)
        die("too many sockets");
    client->wanted[fd] = 0;
    if (what != CURL_POLL_REMOVE)
        client->wanted[fd] =
            (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (client->wanted[fd] & ~client->watched[fd])
        watch(client, fd, client->wanted[fd] | client->watched[fd]);
    return 0;
}

static int on_close(void *userp, curl_socket_t fd)
{
    struct client *client = userp;

    client->watched[fd] = client->wanted[fd] = 0;
    return close(fd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *userp)
{
    struct client *client = userp;

    (void)multi;
    client->timer_ms = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    return 0;
}

static void act(struct client *client, curl_socket_t fd, int ready)
{
    int running;
    CURLMcode code = curl_multi_socket_action(client->multi, fd, ready, &running);

    if (code != CURLM_OK)
        die("curl_multi_socket_action: %s", curl_multi_strerror(code));
}

static void look(struct client *client)
{
    struct epoll_event events[EVENTS_A_LOOK];
    int64_t wait_ms = client->timer_ms == INT64_MAX ? -1 : client->timer_ms - now_ms();
    int count;

    if (client->timer_ms != INT64_MAX && wait_ms < 0)
        wait_ms = 0;
    count = epoll_wait(client->epoll, events, EVENTS_A_LOOK, (int)wait_ms);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        uint32_t ready = events[i].events;
        if (ready & (EPOLLERR | EPOLLHUP))
            ready |= EPOLLIN | EPOLLOUT;
        ready &= client->wanted[fd];
        if (ready)
            act(client, fd,
                (ready & EPOLLIN ? CURL_CSELECT_IN : 0) | (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0));
        else
            watch(client, fd, client->wanted[fd]);
    }
    if (client->timer_ms != INT64_MAX && client->timer_ms <= now_ms()) {
        client->timer_ms = INT64_MAX;
        act(client, CURL_SOCKET_TIMEOUT, 0);
    }
}

/* ---- requests ---- */

static __attribute__((format(printf, 3, 4))) void set_header(struct slot *slot, int i, const char *format,
                                                             ...)
{
    va_list args;

    va_start(args, format);
    if (vsnprintf(slot->texts[i], HEADER_MOST, format, args) >= HEADER_MOST)
        die("a header is too long");
    va_end(args);
}

static void start(struct client *client, struct slot *slot)
{
    char digits[32];

    client->left--;
    client->flying++;
    (void)snprintf(digits, sizeof digits, "%09ld", 100000000 + client->left);
    if (client->place)
        memcpy(slot->body + (client->place - client->body), digits, DIGITS);
    set_header(slot, 2, "x-customer-id: %s", digits);
    set_header(slot, 3, "x-cid: 6ec0bd7f-11c0-43da-975e-%012lx", (unsigned long)client->left);
    if (curl_multi_add_handle(client->multi, slot->easy) != CURLM_OK)
        die("curl_multi_add_handle");
}

static void reap(struct client *client)
{
    CURLMsg *message;
    int rest;

    while ((message = curl_multi_info_read(client->multi, &rest))) {
        CURL *easy = message->easy_handle;
        struct slot *slot = NULL;
        long status = 0;
        if (message->data.result != CURLE_OK)
            die("%s", curl_easy_strerror(message->data.result));
        if (curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot) != CURLE_OK || status != 202)
            die("answered with %ld", status);
        if (curl_multi_remove_handle(client->multi, easy) != CURLM_OK)
            die("curl_multi_remove_handle");
        client->flying--;
        client->taken++;
        if (client->left > 0)
            start(client, slot);
    }
}

static size_t on_bytes(char *bytes, size_t one, size_t len, void *userp)
{
    (void)bytes;
    (void)one;
    (void)userp;
    return len;
}

static void open_slot(struct client *client, struct slot *slot)
{
    CURL *easy = slot->easy = curl_easy_init();
    CURLcode code = easy ? CURLE_OK : CURLE_FAILED_INIT;

#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)
    for (int i = 0; i < HEADERS; i++) {
        slot->nodes[i].data = slot->texts[i];
        slot->nodes[i].next = i + 1 < HEADERS ? &slot->nodes[i + 1] : NULL;
    }
    set_header(slot, 0, "Content-Type: application/json");
    set_header(slot, 1, "x-tenant: TN-BENCH");
    set_header(slot, 4, "Authorization: Bearer %s", client->token);
    memcpy(slot->body, client->body, sizeof slot->body);
    SET(CURLOPT_URL, client->url);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTPHEADER, &slot->nodes[0]);
    SET(CURLOPT_POSTFIELDS, slot->body);
    SET(CURLOPT_POSTFIELDSIZE, (long)strlen(slot->body));
    SET(CURLOPT_WRITEFUNCTION, on_bytes);
    SET(CURLOPT_PRIVATE, slot);
    SET(CURLOPT_CAINFO, client->ca);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(CURLOPT_CLOSESOCKETDATA, client);
    SET(CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    SET(CURLOPT_TIMEOUT_MS, 30000L);
#undef SET
    if (code != CURLE_OK)
        die("curl_easy_setopt: %s", curl_easy_strerror(code));
}

static void open_client(struct client *client)
{
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->timer_ms = INT64_MAX;
    if (client->epoll < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(client->multi = curl_multi_init()))
        die("libcurl cannot be set up");
    if (curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client) != CURLM_OK)
        die("curl_multi_setopt");
}

static void run(struct client *client, long concurrency)
{
    struct slot *slots = calloc((size_t)concurrency, sizeof *slots);

    if (!slots)
        die("memory");
    for (long i = 0; i < concurrency; i++)
        open_slot(client, &slots[i]);
    for (long i = 0; i < concurrency && client->left > 0; i++)
        start(client, &slots[i]);
    while (client->flying > 0) {
        look(client);
        reap(client);
    }
    for (long i = 0; i < concurrency; i++)
        curl_easy_cleanup(slots[i].easy);
    free(slots);
}

/* ---- command line ---- */

/* The file's first line or, for a body, all of it without a line end. */
static void read_text(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(out, 1, size - 1, file) : 0;

    if (!file || ferror(file) || len == 0 || fclose(file) != 0)
        die("%s: cannot be read", path);
    out[len] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
}

static long number_of(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (end == text || *end || value < 1 || value > 100000000)
        die("'%s' is no number from 1 to 100000000", text);
    return value;
}

/* Where the body names the card, if by DIGITS digits. */
static char *find_card(char *body)
{
    static const char KEY[] = "\"card_id\":";
    char *found = strstr(body, KEY);

    if (found)
        found += sizeof KEY - 1;
    return found && strspn(found, "0123456789") == DIGITS ? found : NULL;
}

int main(int argc, char **argv)
{
    static const struct option LONG[] = {{"url", required_argument, NULL, 'u'},
                                         {"ca", required_argument, NULL, 'a'},
                                         {"token-file", required_argument, NULL, 't'},
                                         {"body-file", required_argument, NULL, 'b'},
                                         {"requests", required_argument, NULL, 'n'},
                                         {"concurrency", required_argument, NULL, 'c'},
                                         {NULL, 0, NULL, 0}};
    static struct client client;
    static char token[HEADER_MOST];
    long concurrency = 64, requests = 0;

    for (int option; (option = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        switch (option) {
        case 'u':
            client.url = optarg;
            break;
        case 'a':
            client.ca = optarg;
            break;
        case 't':
            read_text(optarg, token, sizeof token);
            break;
        case 'b':
            read_text(optarg, client.body, sizeof client.body);
            break;
        case 'n':
            requests = number_of(optarg);
            break;
        case 'c':
            concurrency = number_of(optarg);
            break;
        default:
            return 2;
        }
    }
    if (!client.url || !token[0] || !client.body[0] || requests == 0 || optind != argc)
        die("bare_client --url URL --token-file F --body-file F --requests N [--concurrency N] [--ca F]");
    client.token = token;
    client.place = find_card(client.body);
    client.left = requests;
    open_client(&client);
    run(&client, concurrency);
    (void)curl_multi_cleanup(client.multi);
    curl_global_cleanup();
    return client.taken == requests ? 0 : 1;
}
