/* ctp-sandbox: trouble on purpose, limits, TLS and the command line. */
#include "sandbox_case.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* ---- trouble on purpose ---- */

struct trouble {
    const char *name;
    int status; /* as the client sees it; 0: no answer */
    bool whole, taken;
    const char *body; /* as in expect */
};

static void test_each_fault(void **state)
{
    static const struct trouble troubles[] = {
        {"429", 429, true, false, "{\"message\":\"too many requests\"}"},
        {"500", 500, true, false, "{\"code\":500,\"message\":\"internal server error\"}"},
        {"502", 502, true, false, "~<h1>Bad Gateway</h1>"},
        {"503", 503, true, false, "{\"message\":\"service unavailable\"}"},
        {"504", 504, true, false, "~<h1>Gateway Timeout</h1>"},
        {"401", 401, true, false, "{\"message\":\"Unauthorized\"}"},
        {"html403", 403, true, false, "~<h1>Forbidden</h1>"},
        {"echo400", 400, true, false, "~Ada <ada@mail.example>"},
        {"already", 400, true, false, "{\"code\":400,\"message\":\"customer already on click to pay\"}"},
        {"slow", 202, true, true, "{\"status\":\"accepted\"}"},
        {"truncated", 202, false, true, "{\"status\":"},
        {"close", 202, true, true, ""},
        {"hang", 0, false, true, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        const struct trouble *trouble = &troubles[i];
        struct sandbox_request request;
        struct sandbox_reply reply;
        char arguments[128];
        cJSON *lines, *line;
        (void)snprintf(arguments, sizeof(arguments), "--fault %s" JOURNAL, trouble->name);
        start(arguments);
        request = sandbox_enroll(bearer, "1001");
        request.timeout_ms = strcmp(trouble->name, "hang") == 0 ? 500 : 0;
        sandbox_send(&sandbox, &request, &reply, 1);
        assert_int_equal(reply.status, trouble->status);
        assert_int_equal(reply.code == 0, trouble->whole);
        assert_non_null(strstr(buf_text(&reply.body), trouble->body + strspn(trouble->body, "~")));
        lines = stop_and_read("journal.jsonl");
        line = cJSON_GetArrayItem(lines, 0);
        assert_int_equal((int)number(line, "status"), trouble->status);
        assert_string_equal(sandbox_text(line, "fault"), trouble->name);
        assert_int_equal(sandbox_flag(line, "taken"), trouble->taken);
        assert_true(sandbox_flag(line, "valid"));
        cJSON_Delete(lines);
        sandbox_free(&reply, 1);
    }
}

static void test_reset_before_and_after_processing(void **state)
{
    struct sandbox_request requests[40];
    struct sandbox_reply replies[40];
    char customers[40][16];
    int taken = 0;
    cJSON *lines, *line, *events;

    (void)state;
    start("--fault reset" JOURNAL EVENTS);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(customers[i], sizeof(customers[i]), "%d", 3000 + i);
        requests[i] = sandbox_enroll(bearer, customers[i]);
    }
    sandbox_send(&sandbox, requests, replies, 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(replies[i].status, 0);
        assert_non_null(strstr(replies[i].error, "reset by peer")); /* not an orderly end */
    }
    sandbox_free(replies, 40);
    assert_int_equal(sandbox_stop(&sandbox), 0);
    lines = sandbox_lines(&sandbox, "journal.jsonl", NULL);
    events = sandbox_lines(&sandbox, "events.jsonl", NULL);
    cJSON_ArrayForEach(line, lines) taken += sandbox_flag(line, "taken");
    assert_true(taken > 5 && taken < 35);
    assert_int_equal(cJSON_GetArraySize(events), taken);
    cJSON_Delete(lines);
    cJSON_Delete(events);
    sandbox_remove(&sandbox);
    free(bearer);
}

static void test_some_429_say_retry_after(void **state)
{
    int with = 0, without = 0;

    (void)state;
    start("--fault 429");
    for (int i = 0; i < 80; i++) {
        struct sandbox_request request = sandbox_enroll(bearer, "1001");
        struct sandbox_reply reply;
        sandbox_send(&sandbox, &request, &reply, 1);
        if (strstr(buf_text(&reply.headers), "Retry-After: 1\r\n"))
            with++;
        else
            without++;
        sandbox_free(&reply, 1);
    }
    assert_true(with >= 3 && without >= 50);
    stop();
}

/* Statuses of 60 requests as one text. */
static void statuses(const char *arguments, char out[60 * 4 + 1])
{
    start(arguments);
    for (int i = 0; i < 60; i++) {
        char customer[16];
        struct sandbox_request request = sandbox_enroll(bearer, customer);
        (void)snprintf(customer, sizeof(customer), "%d", 1000 + i);
        (void)snprintf(out + (size_t)i * 4, 5, "%03d ", sandbox_status(&sandbox, &request));
    }
    stop();
}

static void test_seed_decides(void **state)
{
    char first[60 * 4 + 1], again[60 * 4 + 1], other[60 * 4 + 1];

    (void)state;
    statuses("--fault 500=30%,429=20% --seed 7", first);
    statuses("--fault 500=30%,429=20% --seed 7", again);
    statuses("--fault 500=30%,429=20% --seed 8", other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_non_null(strstr(first, "500"));
    assert_non_null(strstr(first, "429"));
    assert_non_null(strstr(first, "202"));
}

static void test_token_faults(void **state)
{
    struct sandbox_request request = {.path = S2S, .content_type = "application/json", .body = "{}"};

    (void)state;
    sandbox = (struct sandbox){0};
    sandbox_start(&sandbox, "--fault token-503");
    expect(&request, 503, "~unavailable");
    assert_int_equal(sandbox_stop(&sandbox), 0);
    sandbox_remove(&sandbox);
}

static void test_max_in_flight(void **state)
{
    struct sandbox_request requests[3];
    struct sandbox_reply replies[3];
    int refused = 0;
    cJSON *lines;

    (void)state;
    start("--max-in-flight 2 --latency 300ms" JOURNAL);
    requests[0] = sandbox_enroll(bearer, "1001");
    requests[1] = sandbox_enroll(bearer, "1002");
    requests[2] = sandbox_enroll(bearer, "1003");
    sandbox_send(&sandbox, requests, replies, 3);
    for (int i = 0; i < 3; i++)
        refused += replies[i].status == 429;
    assert_int_equal(refused, 1);
    sandbox_free(replies, 3);
    lines = stop_and_read("journal.jsonl"); /* the refusal comes without latency: its line is the first */
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(lines, 0), "cause"), "in_flight");
    assert_int_equal((int)number(cJSON_GetArrayItem(lines, 0), "in_flight"), 3);
    cJSON_Delete(lines);
}

/* The client of a hung request closes: it is in flight no more. */
static void test_hung_request_ends_with_its_client(void **state)
{
    struct sandbox_request request;
    int status = 429;

    (void)state;
    start("--max-in-flight 1 --fault hang");
    request = sandbox_enroll(bearer, "1001");
    request.timeout_ms = 300;
    assert_int_equal(sandbox_status(&sandbox, &request), 0);
    for (int tries = 0; tries < 100 && status == 429; tries++)
        status = sandbox_status(&sandbox, &request);
    assert_int_equal(status, 0); /* admitted, and left hanging as the first was */
    stop();
}

static void test_max_rate(void **state)
{
    cJSON *lines;

    (void)state;
    start("--max-rate 2" JOURNAL);
    expect_enroll("1001", 202, "");
    expect_enroll("1002", 202, "");
    expect_enroll("1003", 429, "~too many");
    lines = stop_and_read("journal.jsonl");
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(lines, 2), "cause"), "rate");
    cJSON_Delete(lines);
}

static void test_stop_after(void **state)
{
    struct sandbox_request request;
    cJSON *lines, *events;

    (void)state;
    start("--stop-after 2" JOURNAL EVENTS);
    expect_enroll("1001", 202, "");
    expect_enroll("1001", 400, "~already");
    assert_int_equal(sandbox_wait(&sandbox), 0);
    request = sandbox_enroll(bearer, "1002");
    assert_int_equal(sandbox_status(&sandbox, &request), 0);
    lines = sandbox_lines(&sandbox, "journal.jsonl", NULL);
    events = sandbox_lines(&sandbox, "events.jsonl", NULL);
    assert_int_equal(cJSON_GetArraySize(lines), 3);
    assert_int_equal(cJSON_GetArraySize(events), 1);
    cJSON_Delete(lines);
    cJSON_Delete(events);
    sandbox_remove(&sandbox);
    free(bearer);
}

/* Calls that wait out their latency when the sandbox is told to end have no effect, and a line. */
static void test_signal_ends_waiting_calls(void **state)
{
    struct sandbox_request requests[4];
    struct sandbox_reply replies[4];
    cJSON *lines, *line;
    int gone = 0;

    (void)state;
    start("--latency 1500ms" JOURNAL);
    for (int i = 0; i < 4; i++)
        requests[i] = sandbox_enroll(bearer, i == 0 ? "1" : i == 1 ? "2" : i == 2 ? "3" : "4");
    for (int i = 0; i < 4; i++)
        requests[i].timeout_ms = 300;
    sandbox_send(&sandbox, requests, replies, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(replies[i].status, 0);
    sandbox_free(replies, 4);
    lines = stop_and_read("journal.jsonl");
    cJSON_ArrayForEach(line, lines)
    {
        assert_false(sandbox_flag(line, "taken"));
        gone += strcmp(sandbox_text(line, "cause"), "gone") == 0;
    }
    assert_int_equal(gone, 4);
    cJSON_Delete(lines);
}

/* ---- TLS ---- */

/* One self-signed certificate is server, authority and client in one. `path` receives it with its key. */
static void make_certificate(const char *name, char path[256])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509V3_CTX context;
    X509_EXTENSION *san;
    FILE *out;

    assert_true(key && cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -86400L));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400L));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    san = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "IP:127.0.0.1");
    assert_int_equal(X509_add_ext(cert, san, -1), 1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    (void)snprintf(path, 256, "%s/%s.pem", sandbox.folder, name);
    out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, cert), 1);
    assert_int_equal(PEM_write_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(out), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* The error of a request that must not be answered. */
static void expect_alert(const struct sandbox_tls *tls, const char *alert)
{
    struct sandbox_request request = sandbox_enroll(bearer, "1002");
    struct sandbox_reply reply;

    sandbox_use_tls(tls);
    sandbox_send(&sandbox, &request, &reply, 1);
    assert_int_equal(reply.status, 0);
    if (!strstr(reply.error, alert))
        fail_msg("\"%s\" does not hold \"%s\"", reply.error, alert);
    sandbox_free(&reply, 1);
}

static void test_tls(void **state)
{
    char own[256];

    (void)state;
    sandbox = (struct sandbox){0};
    sandbox_folder(&sandbox);
    make_certificate("own", own);
    sandbox_use_tls(&(struct sandbox_tls){.ca = own});
    sandbox_start(&sandbox, "--tls own.pem,own.pem --latency 1ms..5ms");
    bearer = sandbox_token(&sandbox, 42);
    expect_enroll("1001", 202, "");
    sandbox_use_tls(NULL);
    stop();
}

static void test_client_certificates(void **state)
{
    char own[256], stranger[256];
    cJSON *lines;

    (void)state;
    sandbox = (struct sandbox){0};
    sandbox_folder(&sandbox);
    make_certificate("own", own);
    make_certificate("stranger", stranger);
    sandbox_use_tls(&(struct sandbox_tls){.ca = own, .cert = own});
    sandbox_start(&sandbox, "--tls own.pem,own.pem --client-ca own.pem" JOURNAL);
    assert_non_null(strstr(sandbox.line, "https://127.0.0.1:"));
    bearer = sandbox_token(&sandbox, 42);
    expect_enroll("1001", 202, "");
    expect_alert(&(struct sandbox_tls){.ca = own}, "alert certificate required");
    expect_alert(&(struct sandbox_tls){.ca = own, .tls12 = true}, "alert certificate required");
    expect_alert(&(struct sandbox_tls){.ca = own, .cert = stranger}, "alert bad certificate");
    expect_alert(&(struct sandbox_tls){.ca = own, .cert = stranger, .tls12 = true}, "alert bad certificate");
    sandbox_use_tls(NULL);
    lines = stop_and_read("journal.jsonl");
    assert_int_equal(cJSON_GetArraySize(lines), 1); /* no byte of the others was read */
    cJSON_Delete(lines);
}

/* ---- the command line ---- */

static void expect_usage(const char *arguments, const char *words)
{
    struct buf text = {.cap = 10000};

    assert_int_equal(sandbox_run(arguments, &text), 2);
    if (!strstr(buf_text(&text), words))
        fail_msg("%s: %s", arguments, buf_text(&text));
    buf_free(&text);
}

static void test_usage(void **state)
{
    struct buf text = {.cap = 10000};

    (void)state;
    expect_usage("", "--port is required");
    expect_usage("--port 65536", "\"65536\" is no number of 0 to 65535");
    expect_usage("--port 0 --fault 418=1%", "unknown name \"418\"");
    expect_usage("--port 0 --fault 429=60%,500=41%", "more than 100%");
    expect_usage("--port 0 --fault 429=101%", "more than 100%");
    expect_usage("--port 0 --fault 429=0.00001%", "no percentage");
    expect_usage("--port 0 --fault token-already", "token calls have no");
    expect_usage("--port 0 --latency 80ms..20ms", "neither 50ms nor 20ms..80ms");
    expect_usage("--port 0 --already x", "--already takes");
    expect_usage("--port 0 --client-ca x", "--client-ca needs --tls");
    expect_usage("--port 0 extra", "\"extra\": no such argument");
    assert_int_equal(sandbox_run("--help", &text), 0);
    assert_non_null(strstr(buf_text(&text), "Examples\n  ctp-sandbox --port 8080\n"));
    buf_reset(&text);
    assert_int_equal(sandbox_run("--version", &text), 0);
    assert_memory_equal(buf_text(&text), "ctp-sandbox ", 12);
    buf_free(&text);
}

static void test_port_file(void **state)
{
    char path[256], port[16] = "";
    FILE *file;

    (void)state;
    start("--port-file port");
    (void)snprintf(path, sizeof(path), "%s/port", sandbox.folder);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(port, sizeof(port), file));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(strtol(port, NULL, 10), sandbox.port);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault),
        cmocka_unit_test(test_reset_before_and_after_processing),
        cmocka_unit_test(test_some_429_say_retry_after),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_token_faults),
        cmocka_unit_test(test_max_in_flight),
        cmocka_unit_test(test_hung_request_ends_with_its_client),
        cmocka_unit_test(test_max_rate),
        cmocka_unit_test(test_stop_after),
        cmocka_unit_test(test_signal_ends_waiting_calls),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_port_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
