/* ctp-sandbox: what it answers, journals and announces. Its judgement of requests stands in
 * test_sandbox_judge.c, trouble on purpose in test_sandbox_faults.c. */
#include "sandbox_case.h"

#include <poll.h>
#include <stdio.h>

/* ---- enrolling ---- */

static void test_accepts_once(void **state)
{
    (void)state;
    start("--seed 1");
    expect_enroll("1001", 202, "");
    expect_enroll("1001", 400, "{\"code\":400,\"message\":\"customer already on click to pay\"}");
    expect_enroll("1002", 202, "");
    stop();
}

static void test_customers_belong_to_tenants(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--seed 1");
    expect_enroll("1001", 202, "");
    request = sandbox_enroll(bearer, "1001");
    request.tenant = "TN-other";
    expect(&request, 202, "");
    stop();
}

static void test_paths_without_prefix(void **state)
{
    struct sandbox_request request, unknown = {.path = "/v1/other", .body = "{}"};

    (void)state;
    start("--seed 1");
    request = sandbox_enroll(bearer, "1001");
    request.path = "/v1/clicktopay/visa/enroll/customer";
    expect(&request, 202, "");
    expect(&unknown, 404, "{\"message\":\"not found\"}");
    request.body = NULL; /* GET */
    expect(&request, 405, "{\"message\":\"method not allowed\"}");
    stop();
}

static void test_enroll_card(void **state)
{
    struct sandbox_request request;

    (void)state;
    start("--seed 1" EVENTS);
    request = sandbox_enroll(bearer, "1001");
    request.path = ENROLL_CARD;
    request.body = "{\"owner_bid\":\"1000052\",\"card_id\":9001}";
    expect(&request, 400, "{\"code\":400,\"message\":\"customer is not on click to pay\"}");
    expect_enroll("1001", 202, "");
    expect(&request, 202, "");
    cJSON *events = stop_and_read("events.jsonl");
    assert_int_equal(cJSON_GetArraySize(events), 2);
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(events, 1), "data.operation"), "enroll-card");
    cJSON_Delete(events);
}

static void test_second_request_of_a_customer_in_flight(void **state)
{
    struct sandbox_request requests[2];
    struct sandbox_reply replies[2];

    (void)state;
    start("--latency 300ms");
    requests[0] = requests[1] = sandbox_enroll(bearer, "1001");
    sandbox_send(&sandbox, requests, replies, 2);
    assert_int_equal(replies[0].status + replies[1].status, 202 + 409);
    sandbox_free(replies, 2);
    expect_enroll("1001", 400, "~already on click to pay");
    stop();
}

static void test_known_and_foreign_customers(void **state)
{
    (void)state;
    start("--already 1001,1003");
    expect_enroll("1001", 400, "~already on click to pay");
    expect_enroll("1002", 202, "");
    stop();
    start("--already 100%");
    expect_enroll("1002", 400, "~already on click to pay");
    stop();
    start("--tenant TN-else");
    expect_enroll("1001", 400, "{\"code\":400,\"message\":\"click to pay is not enabled to tenant\"}");
    stop();
    start("--tenant TN-example --not-enabled");
    expect_enroll("1001", 400, "{\"code\":400,\"message\":\"click to pay is not enabled to tenant\"}");
    stop();
}

/* ---- the journal and the events ---- */

static void test_journal_line(void **state)
{
    struct buf text = {.cap = 100000};
    struct sandbox_request request;
    cJSON *lines, *line;

    (void)state;
    start("--seed 1" JOURNAL);
    request = sandbox_enroll(bearer, "9223372036854775807");
    request.body =
        "{\"owner_bid\":\"1\",\"card_information\":{\"card_id\":9007199254740993,\"billing_address\":{}},"
        "\"customer_information\":{\"locale\":\"en_US\",\"first_name\":\"Canary\",\"last_name\":\"Bird\","
        "\"emails\":[\"canary@mail.example\"],\"phones\":[\"16505550100\"]}}";
    expect(&request, 202, "");
    assert_int_equal(sandbox_stop(&sandbox), 0);
    lines = sandbox_lines(&sandbox, "journal.jsonl", &text);
    assert_int_equal(cJSON_GetArraySize(lines), 2);
    line = cJSON_GetArrayItem(lines, 0);
    assert_string_equal(sandbox_text(line, "path"), S2S);
    assert_int_equal((int)number(line, "account"), 42);
    line = cJSON_GetArrayItem(lines, 1);
    assert_string_equal(sandbox_text(line, "path"), ENROLL_CUSTOMER);
    assert_string_equal(sandbox_text(line, "tenant"), "TN-example");
    assert_string_equal(sandbox_text(line, "cid"), "7c7737f0-53d4-4b49-9833-e4c47483634e");
    assert_int_equal((int)number(line, "status"), 202);
    assert_int_equal((int)number(line, "account"), 42);
    assert_int_equal((int)number(line, "in_flight"), 1);
    assert_true(sandbox_flag(line, "taken"));
    assert_true(sandbox_flag(line, "valid"));
    /* Digit for digit: beyond 2^53 a double would have changed them. */
    assert_non_null(strstr(buf_text(&text), "\"customer\":9223372036854775807,"));
    assert_non_null(strstr(buf_text(&text), "\"card\":9007199254740993,"));
    assert_null(strstr(buf_text(&text), "anary"));
    cJSON_Delete(lines);
    buf_free(&text);
    sandbox_remove(&sandbox);
    free(bearer);
}

/* Without being stopped: a line is in the file within 100 ms of the request. */
static void test_journal_is_flushed_when_idle(void **state)
{
    int lines = 0;

    (void)state;
    start("--seed 1" JOURNAL);
    for (int tries = 0; tries < 500 && lines == 0; tries++) {
        cJSON *read = sandbox_lines(&sandbox, "journal.jsonl", NULL);
        lines = cJSON_GetArraySize(read);
        cJSON_Delete(read);
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(lines, 1);
    stop();
}

static void test_event_of_an_accepted_request(void **state)
{
    cJSON *events, *event;

    (void)state;
    start("--seed 1" EVENTS);
    expect_enroll("1001", 202, "");
    expect_enroll("1001", 400, "~already");
    events = stop_and_read("events.jsonl");
    assert_int_equal(cJSON_GetArraySize(events), 1);
    event = cJSON_GetArrayItem(events, 0);
    assert_int_equal((int)strlen(sandbox_text(event, "event_id")), 36);
    assert_string_equal(sandbox_text(event, "domain"), "cards-tokenization");
    assert_string_equal(sandbox_text(event, "event_type"), "click-to-pay-1");
    assert_int_equal((int)number(event, "schema_version"), 1);
    assert_string_equal(sandbox_text(event, "org_id"), "TN-example");
    assert_string_equal(sandbox_text(event, "cid"), "7c7737f0-53d4-4b49-9833-e4c47483634e");
    assert_int_equal((int)strlen(sandbox_text(event, "timestamp")), 24);
    event = cJSON_GetObjectItem(event, "data");
    assert_int_equal((int)number(event, "account_id"), 42);
    assert_int_equal((int)number(event, "customer_id"), 1001);
    assert_int_equal((int)number(event, "card_id"), 6743052);
    assert_string_equal(sandbox_text(event, "operation"), "enroll-customer");
    assert_string_equal(sandbox_text(event, "status"), "SUCCESS");
    cJSON_Delete(events);
}

/* The events of `count` accepted requests of customers 2001, 2002 ... */
static cJSON *events_of(int count, const char *arguments)
{
    start(arguments);
    for (int i = 1; i <= count; i++) {
        char customer[16];
        (void)snprintf(customer, sizeof(customer), "%d", 2000 + i);
        expect_enroll(customer, 202, "");
    }
    return stop_and_read("events.jsonl");
}

static void test_event_faults(void **state)
{
    cJSON *events;

    (void)state;
    events = events_of(3, "--event-faults drop" EVENTS);
    assert_int_equal(cJSON_GetArraySize(events), 0);
    cJSON_Delete(events);
    events = events_of(1, "--event-faults duplicate" EVENTS);
    assert_int_equal(cJSON_GetArraySize(events), 2);
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(events, 0), "event_id"),
                        sandbox_text(cJSON_GetArrayItem(events, 1), "event_id"));
    cJSON_Delete(events);
    events = events_of(1, "--event-faults failure" EVENTS);
    assert_string_equal(sandbox_text(cJSON_GetArrayItem(events, 0), "data.status"), "FAILURE");
    assert_memory_equal(sandbox_text(cJSON_GetArrayItem(events, 0), "data.reason"), "VIDC-", 5);
    cJSON_Delete(events);
    events = events_of(1, "--event-faults foreign,unknown" EVENTS);
    assert_int_equal(cJSON_GetArraySize(events), 3);
    assert_string_not_equal(sandbox_text(cJSON_GetArrayItem(events, 0), "org_id"), "TN-example");
    assert_string_not_equal(sandbox_text(cJSON_GetArrayItem(events, 1), "event_type"), "click-to-pay-1");
    cJSON_Delete(events);
}

static void test_reordered_events_are_all_there(void **state)
{
    cJSON *events = events_of(50, "--event-faults reorder" EVENTS), *event;
    int sum = 0, descents = 0, last = 0;

    (void)state;
    assert_int_equal(cJSON_GetArraySize(events), 50);
    cJSON_ArrayForEach(event, events)
    {
        int customer = (int)number(cJSON_GetObjectItem(event, "data"), "customer_id");
        sum += customer;
        descents += customer < last;
        last = customer;
    }
    assert_int_equal(sum, 50 * 2000 + 1275); /* 2001 + ... + 2050 */
    assert_true(descents > 0);
    cJSON_Delete(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_once),
        cmocka_unit_test(test_customers_belong_to_tenants),
        cmocka_unit_test(test_paths_without_prefix),
        cmocka_unit_test(test_enroll_card),
        cmocka_unit_test(test_second_request_of_a_customer_in_flight),
        cmocka_unit_test(test_known_and_foreign_customers),
        cmocka_unit_test(test_journal_line),
        cmocka_unit_test(test_journal_is_flushed_when_idle),
        cmocka_unit_test(test_event_of_an_accepted_request),
        cmocka_unit_test(test_event_faults),
        cmocka_unit_test(test_reordered_events_are_all_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
