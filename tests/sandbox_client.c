#define _GNU_SOURCE /* pipe2 */
#include "sandbox_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { ARGUMENTS_MAX = 40, REPLY_CAP = 256 * 1024, FILE_CAP = 16 * 1024 * 1024 };

const char SANDBOX_BODY[] =
    "{\"owner_bid\":\"1000052\",\"card_information\":{\"card_id\":6743052,\"billing_address\":{"
    "\"address_line1\":\"1 Example "
    "Street\",\"city\":\"Sampletown\",\"state\":\"CA\",\"postal_code\":\"94105\","
    "\"country_code\":\"USA\"}},\"customer_information\":{\"locale\":\"en_US\",\"first_name\":\"Ada\","
    "\"last_name\":\"Muster\",\"country_code\":\"USA\",\"emails\":[\"ada@mail.example\"],"
    "\"phones\":[\"16505550100\"],\"national_identifiers\":[{\"type\":\"PASSPORT\",\"value\":\"X1\"}],"
    "\"consent\":{\"time_of_consent\":\"2020-02-29T12:12:12.000Z\",\"version\":\"1.0\",\"presenter\":"
    "\"Bank\"}}}";

static const struct sandbox_tls *tls_in_use;

/* ---- the process ---- */

static const char *program(void)
{
    static char path[4096];
    const char *named = getenv("CTP_SANDBOX_BIN");
    ssize_t len;
    char *slash;

    if (named)
        return named;
    len = readlink("/proc/self/exe", path, sizeof(path) - 32);
    assert_true(len > 0);
    path[len] = '\0';
    for (int i = 0; i < 2; i++) {
        slash = strrchr(path, '/');
        assert_non_null(slash);
        *slash = '\0';
    }
    (void)snprintf(slash, 32, "/ctp-sandbox");
    return path;
}

void sandbox_folder(struct sandbox *sandbox)
{
    const char *scratch = getenv("TMPDIR");

    (void)snprintf(sandbox->folder, sizeof(sandbox->folder), "%s/sandbox.XXXXXX", scratch ? scratch : "/tmp");
    assert_non_null(mkdtemp(sandbox->folder));
}

/* The child. `out` is its stdout, `err` its stderr (-1: inherited). */
static _Noreturn void become_sandbox(const char *folder, const char *arguments, int out, int err)
{
    char *argv[ARGUMENTS_MAX + 1] = {mem_text(program()), NULL};
    char *text = mem_text(arguments), *rest = text, *word;
    int count = 1;

    while ((word = strsep(&rest, " ")) && count < ARGUMENTS_MAX)
        if (*word)
            argv[count++] = word;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves none behind */
    if ((folder && chdir(folder) != 0) || (out >= 0 && dup2(out, 1) < 0) || (err >= 0 && dup2(err, 2) < 0))
        _exit(126);
    (void)execv(argv[0], argv);
    _exit(127);
}

void sandbox_start(struct sandbox *sandbox, const char *arguments)
{
    struct buf all = {.cap = 4096};
    int ends[2];
    size_t len = 0;
    const char *colon;

    if (!sandbox->folder[0])
        sandbox_folder(sandbox);
    buf_addf(&all, "--port 0 %s", arguments);
    sandbox->tls = strstr(arguments, "--tls") != NULL;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    sandbox->pid = fork();
    assert_true(sandbox->pid >= 0);
    if (sandbox->pid == 0)
        become_sandbox(sandbox->folder, buf_text(&all), ends[1], -1);
    (void)close(ends[1]);
    while (len + 1 < sizeof(sandbox->line) && read(ends[0], sandbox->line + len, 1) == 1 &&
           sandbox->line[len] != '\n')
        len++;
    sandbox->line[len] = '\0';
    (void)close(ends[0]);
    buf_free(&all);
    colon = strstr(sandbox->line, "127.0.0.1:");
    if (!colon)
        fail_msg("%s did not start", program());
    sandbox->port = colon ? (int)strtol(colon + 10, NULL, 10) : 0;
}

static int end_of(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int sandbox_run(const char *arguments, struct buf *text)
{
    char piece[512];
    int ends[2];
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become_sandbox(NULL, arguments, ends[1], ends[1]);
    (void)close(ends[1]);
    while ((n = read(ends[0], piece, sizeof(piece))) > 0)
        buf_add(text, piece, (size_t)n);
    (void)close(ends[0]);
    return end_of(pid);
}

int sandbox_wait(struct sandbox *sandbox)
{
    return end_of(sandbox->pid);
}

int sandbox_stop(struct sandbox *sandbox)
{
    assert_int_equal(kill(sandbox->pid, SIGTERM), 0);
    return sandbox_wait(sandbox);
}

void sandbox_remove(struct sandbox *sandbox)
{
    static const char *const files[] = {"journal.jsonl", "events.jsonl", "port",
                                        "own.pem",       "stranger.pem", "key.pem"};
    char path[256];

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", sandbox->folder, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(sandbox->folder), 0);
}

/* ---- requests ---- */

void sandbox_use_tls(const struct sandbox_tls *tls)
{
    tls_in_use = tls;
}

static size_t keep(char *bytes, size_t size, size_t count, void *out)
{
    buf_add(out, bytes, size * count);
    return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    struct buf line = {.cap = 8192};

    if (!value)
        return list;
    buf_addf(&line, "%s: %s", name, value);
    list = curl_slist_append(list, buf_text(&line));
    buf_free(&line);
    assert_non_null(list);
    return list;
}

static struct curl_slist *headers_of(const struct sandbox_request *request)
{
    struct curl_slist *list = NULL;
    struct buf bearer = {.cap = 8192};

    if (request->bearer)
        buf_addf(&bearer, "Bearer %s", request->bearer);
    list = add_header(list, "Authorization", request->bearer ? buf_text(&bearer) : NULL);
    list = add_header(list, "x-tenant", request->tenant);
    list = add_header(list, "x-customer-id", request->customer);
    list = add_header(list, "x-cid", request->cid);
    list = curl_slist_append(list, "Content-Type:"); /* libcurl's own is left out */
    if (request->content_type)
        list = add_header(list, "Content-Type", request->content_type);
    buf_free(&bearer);
    return list;
}

static void set_tls(CURL *curl)
{
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, tls_in_use->ca);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION,
                           tls_in_use->tls12 ? CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2
                                             : CURL_SSLVERSION_TLSv1_3);
    if (tls_in_use->cert)
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, tls_in_use->cert);
}

static CURL *prepare(const struct sandbox *sandbox, const struct sandbox_request *request,
                     struct sandbox_reply *reply, struct curl_slist *headers)
{
    CURL *curl = curl_easy_init();
    char url[256];

    assert_non_null(curl);
    *reply = (struct sandbox_reply){.headers.cap = REPLY_CAP, .body.cap = REPLY_CAP};
    (void)snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", sandbox->tls ? "https" : "http", sandbox->port,
                   request->path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PRIVATE, reply);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reply->error);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply->headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request->timeout_ms ? request->timeout_ms : 10000L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->body)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    if (tls_in_use)
        set_tls(curl);
    return curl;
}

static void perform(CURLM *multi, size_t count)
{
    int left = (int)count, messages;
    CURLMsg *message;

    while (left > 0) {
        assert_int_equal(curl_multi_perform(multi, &left), CURLM_OK);
        if (left > 0)
            assert_int_equal(curl_multi_poll(multi, NULL, 0, 1000, NULL), CURLM_OK);
    }
    while ((message = curl_multi_info_read(multi, &messages))) {
        struct sandbox_reply *reply;
        long status;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &reply);
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        reply->code = (int)message->data.result;
        reply->status = (int)status;
    }
}

void sandbox_send(const struct sandbox *sandbox, const struct sandbox_request *requests,
                  struct sandbox_reply *replies, size_t count)
{
    CURLM *multi = curl_multi_init();
    CURL **easy = mem_array(count, sizeof(*easy));
    struct curl_slist **headers = mem_array(count, sizeof(struct curl_slist *));

    assert_non_null(multi);
    for (size_t i = 0; i < count; i++) {
        headers[i] = headers_of(&requests[i]);
        easy[i] = prepare(sandbox, &requests[i], &replies[i], headers[i]);
        assert_int_equal(curl_multi_add_handle(multi, easy[i]), CURLM_OK);
    }
    perform(multi, count);
    for (size_t i = 0; i < count; i++) {
        (void)curl_multi_remove_handle(multi, easy[i]);
        curl_easy_cleanup(easy[i]);
        curl_slist_free_all(headers[i]);
    }
    (void)curl_multi_cleanup(multi);
    free(easy);
    free(headers);
}

void sandbox_free(struct sandbox_reply *replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_free(&replies[i].headers);
        buf_free(&replies[i].body);
    }
}

char *sandbox_token(const struct sandbox *sandbox, int64_t account)
{
    char body[128];
    struct sandbox_request request = {.path = S2S, .content_type = "application/json", .body = body};
    struct sandbox_reply reply;
    cJSON *root;
    char *token;

    (void)snprintf(body, sizeof(body), "{\"server_key\":\"k\",\"server_secret\":\"s\",\"account_id\":%lld}",
                   (long long)account);
    sandbox_send(sandbox, &request, &reply, 1);
    assert_int_equal(reply.status, 200);
    root = cJSON_Parse(buf_text(&reply.body));
    token = mem_text(sandbox_text(root, "token"));
    assert_true(strlen(token) > 100);
    cJSON_Delete(root);
    sandbox_free(&reply, 1);
    return token;
}

struct sandbox_request sandbox_enroll(const char *bearer, const char *customer)
{
    return (struct sandbox_request){.path = ENROLL_CUSTOMER,
                                    .bearer = bearer,
                                    .tenant = "TN-example",
                                    .customer = customer,
                                    .cid = "7c7737f0-53d4-4b49-9833-e4c47483634e",
                                    .content_type = "application/json",
                                    .body = SANDBOX_BODY};
}

int sandbox_status(const struct sandbox *sandbox, const struct sandbox_request *request)
{
    struct sandbox_reply reply;

    sandbox_send(sandbox, request, &reply, 1);
    sandbox_free(&reply, 1);
    return reply.status;
}

/* ---- what it wrote ---- */

static void read_whole(const char *path, struct buf *out)
{
    char piece[4096];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(out, piece, (size_t)n);
    if (n < 0)
        fail_msg("%s: %s", path, strerror(errno));
    (void)close(fd);
}

cJSON *sandbox_lines(const struct sandbox *sandbox, const char *file, struct buf *text)
{
    struct buf own = {.cap = FILE_CAP};
    cJSON *all = cJSON_CreateArray();
    struct span rest, line;
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", sandbox->folder, file);
    read_whole(path, &own);
    rest = buf_span(&own);
    while (span_cut(&rest, '\n', &line) == 1) {
        cJSON *parsed = line.len > 0 ? cJSON_ParseWithLength(line.ptr, line.len) : NULL;
        if (line.len > 0)
            assert_non_null(parsed);
        if (parsed)
            assert_true(cJSON_AddItemToArray(all, parsed));
    }
    if (text)
        buf_add_span(text, buf_span(&own));
    buf_free(&own);
    return all;
}

const char *sandbox_text(const cJSON *object, const char *path)
{
    struct span rest = span_of(path), part;

    while (object && span_cut(&rest, '.', &part) == 1) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", (int)part.len, part.ptr);
        object = cJSON_GetObjectItemCaseSensitive(object, name);
    }
    return object && cJSON_IsString(object) ? object->valuestring : "";
}

bool sandbox_flag(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_true(cJSON_IsBool(item));
    return cJSON_IsTrue(item);
}
