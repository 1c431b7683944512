/* api_event: literal events of every envelope, the rules that judge them, and what is let out of them. */
#include "rule/api_event.h"

#include "value/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define CID "7c7737f0-53d4-4b49-9833-e4c47483634e"
#define HEAD                                                                                                \
    "{\"event_id\":\"252212bf-cde2-43f9-b28f-33ea2b452b32\",\"domain\":\"cards-tokenization\","             \
    "\"event_type\":\"click-to-pay-1\",\"schema_version\":1,\"org_id\":\"TN-EXAMPLE\",\"cid\":\"" CID "\"," \
    "\"timestamp\":\"2026-01-31T06:30:00.250Z\",\"data\":"
#define EVENT(data) HEAD data "}"

static struct api_event_rules usual(void)
{
    return (struct api_event_rules){
        .types = SPAN("click-to-pay;click_to_pay"),
        .domains = SPAN("cards-tokenization"),
        .tenant = SPAN("TN-EXAMPLE"),
        .success = SPAN("SUCCESS;SUCCEEDED;ENROLLED;COMPLETED;APPROVED"),
        .failure = SPAN("FAILURE;FAILED;ERROR;DECLINED;DENIED;REJECTED"),
        .operations = SPAN("enroll*;enrol*"),
        .status = "/data/status",
        .reason = "/data/reason",
        .operation = "/data/operation",
        .account = "/data/account_id",
        .card = "/data/card_id",
        .customer = "/data/customer_id",
    };
}

/* The events of an object as their kinds, with status, type or operation where they have one. */
static void kinds(const struct api_event_rules *rules, const char *object, const char *want)
{
    struct buf out = {.cap = 4096};
    struct api_events *events;
    struct api_event event;

    api_events_open(&events, rules);
    api_events_put(events, span_of(object));
    while (api_events_next(events, &event)) {
        buf_add_text(&out, out.len ? "|" : "");
        buf_add_text(&out, api_event_kind_name(event.kind));
        if (event.value[0])
            buf_addf(&out, " %s", event.value);
        for (size_t i = 0; i < event.wrap_count; i++)
            buf_addf(&out, " in %s", event.wraps[i]);
    }
    assert_string_equal(buf_text(&out), want);
    api_events_close(events);
    buf_free(&out);
}

static void is(const char *object, const char *want)
{
    struct api_event_rules rules = usual();

    kinds(&rules, object, want);
}

/* The one event of an object; its spans point into the text. */
static struct api_event only(const char *object)
{
    struct api_event_rules rules = usual();
    struct api_events *events;
    struct api_event event, more;

    api_events_open(&events, &rules);
    api_events_put(events, span_of(object));
    assert_int_equal(api_events_next(events, &event), 1);
    assert_int_equal(api_events_next(events, &more), 0);
    api_events_close(events);
    return event;
}

static void a_whole_event_is_read(void **state)
{
    struct api_event event =
        only(EVENT("{\"account_id\":9223372036854775807,\"customer_id\":9007199254740993,"
                   "\"card_id\":\"6743052\",\"operation\":\"enroll-customer\","
                   "\"status\":\"SUCCESS\",\"more\":{\"x\":[null]}}"));

    (void)state;
    assert_int_equal(event.kind, API_EVENT_SUCCESS);
    assert_string_equal(event.event_id, "252212bf-cde2-43f9-b28f-33ea2b452b32");
    assert_true(span_is(event.cid, CID));
    assert_int_equal(event.at_ms, INT64_C(1769841000250));
    assert_int_equal(event.account_id, INT64_MAX);
    assert_int_equal(event.customer_id, INT64_C(9007199254740993));
    assert_int_equal(event.card_id, 6743052);
    assert_true(event.own_org);
    assert_true(event.has_operation);
    assert_string_equal(event.message, "");
}

static void a_failure_tells_its_reason(void **state)
{
    (void)state;
    assert_string_equal(only(EVENT("{\"status\":\"FAILURE\",\"reason\":\"VIDC-2003 expired card\"}")).message,
                        "FAILURE: VIDC-2003 expired card");
    assert_string_equal(only(EVENT("{\"status\":\"declined\"}")).message, "declined");
    assert_string_equal(
        only(EVENT("{\"status\":\"FAILED\",\"reason\":{\"code\":\"VIDC-3000\",\"message\":\"not found\"}}"))
            .message,
        "FAILED: VIDC-3000; not found");
    assert_string_equal(only(EVENT("{\"status\":\"ERROR\",\"reason\":42}")).message, "ERROR: 42");
}

/* Canaries: a name, an address, a mail, telephone and card numbers, an identity. */
static void nothing_personal_comes_out(void **state)
{
    struct api_event event =
        only(EVENT("{\"status\":\"FAILURE\",\"reason\":\"customer Quillon Zebraton not found: "
                   "quillon@mail.example, phone +1 (650) 555-0100; card 4111111111111111 address 12 "
                   "Wexford-Street\"}"));

    (void)state;
    assert_int_equal(event.kind, API_EVENT_FAILURE);
    assert_null(strstr(event.message, "uillon"));
    assert_null(strstr(event.message, "ebraton"));
    assert_null(strstr(event.message, "555"));
    assert_null(strstr(event.message, "4111"));
    assert_null(strstr(event.message, "exford"));
    assert_string_equal(event.message, "FAILURE: customer *** not found: *** phone *** card *** address ***");
    is(EVENT("{\"status\":\"Quillon Zebraton\"}"), "unknown status ***");
    is(EVENT("{\"status\":\"quillon@mail.example\"}"), "unknown status ***");
    is(EVENT("{\"status\":\"5550100123\"}"), "unknown status ***");
    is(EVENT("{\"status\":\"123.456.789-09\"}"), "unknown status ***");
    is(EVENT("{\"status\":\"STATE-1.2\"}"), "unknown status STATE-1.2");
    assert_int_equal(only(EVENT("{\"card_id\":4111111111111111,\"status\":\"SUCCESS\"}")).card_id, 0);
    assert_int_equal(only(EVENT("{\"card_id\":4111111111111112,\"status\":\"SUCCESS\"}")).card_id,
                     INT64_C(4111111111111112));
}

static void codes_and_known_words_come_out(void **state)
{
    static const char *const pairs[][2] = {
        {"VIDC-2003", "VIDC-2003"},
        {"E1042: Card EXPIRED.", "E1042: Card EXPIRED."},
        {"INVALID_CARD_NUMBER", "INVALID_CARD_NUMBER"},
        {"cardNotFound", "cardNotFound"},
        {"APIError 503", "APIError 503"},
        {"INVALID_QUILLON", "***"},
        {"Quillon", "***"},
        {"O'Quill not found", "*** not found"},
        {"1234", "***"},
        {"error 400", "error 400"},
        {"call 555 010 0123", "call ***"},
        {"card 12 Quill 34", "card ***"},
        {"not found: 123.456.789-09.", "not found: ***"},
        {"call 06.12.34.56.78", "call ***"},
        {"call 21-9 98-7 65-4", "call ***"},
        {"code 4.5.6", "code 4.5.6"},
        {"AB123456", "***"},
        {"a card quux quuz by", "a card *** by"},
        {"", ""},
        {"\xC3\x89mile invalid", "*** invalid"},
    };
    char out[100];

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        api_event_words(span_of(pairs[i][0]), out, sizeof out);
        assert_string_equal(out, pairs[i][1]);
    }
    api_event_words(SPAN("card not found card not found"), out, 16);
    assert_string_equal(out, "card not fou...");
}

static void which_types_count(void **state)
{
    static const char *const same[] = {"click-to-pay",    "click-to-pay-1", "click_to_pay",
                                       "click_to_pay-12", "CLICK-TO-PAY-1", "Click_To_Pay"};
    static const char *const others[] = {
        "click-to-pay-1x", "click-to-pay-", "clicktopay", "token-resync-1", "-1", "x-click-to-pay-1"};
    char text[400], want[100];

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"event_type\":\"%s\",\"data\":{\"status\":\"SUCCESS\"}}",
                       same[i]);
        is(text, "success");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"event_type\":\"%s\",\"data\":{\"status\":\"SUCCESS\"}}",
                       others[i]);
        (void)snprintf(want, sizeof want, "other type %s", others[i]);
        is(text, want);
    }
    is("{\"domain\":\"account\",\"event_type\":\"click-to-pay-1\",\"data\":{\"status\":\"SUCCESS\"}}",
       "other type account/click-to-pay-1");
    is("{\"domain\":\"CARDS_TOKENIZATION\",\"event_type\":\"click-to-pay-1\",\"data\":{\"status\":"
       "\"SUCCESS\"}}",
       "success");
    is("{\"event_id\":\"x\",\"data\":{}}", "other type");
}

static void other_organisations_are_foreign(void **state)
{
    struct api_event_rules rules = usual();
    const char *theirs = "{\"event_type\":\"click-to-pay-1\",\"org_id\":\"TN-OTHER\",\"data\":"
                         "{\"status\":\"SUCCESS\"}}";

    (void)state;
    is(theirs, "foreign");
    is("{\"event_type\":\"click-to-pay-1\",\"data\":{\"status\":\"SUCCESS\"}}", "success");
    rules.tenant = (struct span){"", 0};
    kinds(&rules, theirs, "success");
}

static void only_operations_that_enrol_count(void **state)
{
    static const char *const enrolling[] = {"enroll-customer", "ENROLL_CARD", "enrol", "Enrollment",
                                            "enrollCustomer"};
    static const char *const others[] = {"delete-card", "update-customer", "unenroll", "manage_card"};
    char text[400], want[100];

    (void)state;
    for (size_t i = 0; i < sizeof enrolling / sizeof enrolling[0]; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"event_type\":\"click-to-pay\",\"data\":{\"operation\":\"%s\",\"status\":\"SUCCESS\"}}",
            enrolling[i]);
        is(text, "success");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"event_type\":\"click-to-pay\",\"data\":{\"operation\":\"%s\",\"status\":\"SUCCESS\"}}",
            others[i]);
        (void)snprintf(want, sizeof want, "other operation %s", others[i]);
        is(text, want);
    }
    is(EVENT("{\"operation\":null,\"status\":\"SUCCESS\"}"), "success");
    is(EVENT("{\"operation\":\"\",\"status\":\"SUCCESS\"}"), "success");
    is(EVENT("{\"operation\":{\"x\":1},\"status\":\"SUCCESS\"}"), "other operation object");
}

static void statuses_by_the_lists(void **state)
{
    struct api_event_rules rules = usual();

    (void)state;
    is(EVENT("{\"status\":\"success\"}"), "success");
    is(EVENT("{\"status\":\" Approved \"}"), "success");
    is(EVENT("{\"status\":\"DENIED\"}"), "failure");
    is(EVENT("{\"status\":\"PENDING\"}"), "unknown status PENDING");
    is(EVENT("{\"status\":\"SUCCESSFUL\"}"), "unknown status SUCCESSFUL");
    is(EVENT("{\"status\":200}"), "unknown status 200");
    is(EVENT("{\"status\":true}"), "unknown status true");
    is(EVENT("{\"status\":\"\"}"), "unknown status (empty)");
    is(EVENT("{\"status\":{}}"), "unknown status (object)");
    is(EVENT("{}"), "unknown status (nothing)");
    is(EVENT("null"), "unknown status (nothing)");
    rules.status = "/data/results/0/outcome~1code";
    rules.success = SPAN(" 200 ; ok");
    kinds(&rules, EVENT("{\"results\":[{\"outcome/code\":200}]}"), "success");
    kinds(&rules, EVENT("{\"results\":[{\"outcome/code\":\"OK\"}]}"), "success");
    kinds(&rules, EVENT("{\"results\":[]}"), "unknown status (nothing)");
}

static void wrappers_are_opened(void **state)
{
    (void)state;
    is("{\"Type\":\"Notification\",\"MessageId\":\"m\",\"Message\":\"{\\\"event_type\\\":\\\"click-to-pay-"
       "1\\\","
       "\\\"data\\\":{\\\"status\\\":\\\"SUCCESS\\\",\\\"x\\\":\\\"\\\\\\\"}{\\\"}}\"}",
       "success in Message");
    is("{\"Message\":\"[{\\\"event_type\\\":\\\"click-to-pay\\\",\\\"data\\\":{\\\"status\\\":\\\"FAILED\\\"}"
       "},\\n"
       "{\\\"event_type\\\":\\\"x\\\"}] {\\\"event_type\\\":\\\"click-to-pay\\\"}\"}",
       "failure in Message|other type x in Message|unknown status (nothing) in Message");
    is("{\"Message\":{\"event_type\":\"x\"}}", "other type x in Message");
    is("{\"version\":\"0\",\"id\":\"i\",\"detail-type\":\"t\",\"source\":\"s\",\"account\":\"1\","
       "\"detail\":{\"event_type\":\"click-to-pay-1\",\"data\":{\"status\":\"SUCCESS\"}}}",
       "success in detail");
    is("{\"Records\":[{\"Sns\":{\"Message\":\"{\\\"event_type\\\":\\\"x\\\"}\"}},"
       "{\"body\":\"{\\\"Message\\\":\\\"{\\\\\\\"event_type\\\\\\\":\\\\\\\"y\\\\\\\"}\\\"}\"}]}",
       "other type x in Records in Sns in Message|other type y in Records in body in Message");
}

static void what_is_no_event_is_unfit(void **state)
{
    (void)state;
    is("{}", "no event");
    is("{\"a\":1,}", "no event");
    is("{\"Message\":\"not JSON\"}", "no event");
    is("{\"Message\":\"{\\\"cut\"}", "no event");
    is("{\"Message\":42}", "no event");
    is("{\"Records\":[1,\"x\",{}]}", "no event|no event|no event");
    is("{\"Message\":{\"Message\":{\"Message\":{\"Message\":{\"Message\":{\"event_type\":\"x\"}}}}}}",
       "no event");
    is("{\"Message\":{\"Message\":{\"Message\":{\"Message\":{\"event_type\":\"x\"}}}}}",
       "other type x in Message in Message in Message in Message");
}

static void odd_members_do_no_harm(void **state)
{
    struct api_event event;

    (void)state;
    event = only("{\"event_type\":\"click-to-pay\",\"event_id\":42,\"schema_version\":\"1\",\"cid\":7,"
                 "\"timestamp\":\"yesterday\",\"data\":{\"status\":\"SUCCESS\",\"card_id\":-1,"
                 "\"account_id\":1.5,\"customer_id\":null}}");
    assert_string_equal(event.event_id, "42");
    assert_int_equal(event.cid.len, 0);
    assert_int_equal(event.at_ms, 0);
    assert_int_equal(event.card_id + event.account_id + event.customer_id, 0);
    event =
        only("{\"event_type\":\"click-to-pay\",\"event_id\":\"4111 1111 1111 1111\",\"timestamp\":1769841000,"
             "\"data\":{\"status\":\"SUCCESS\"}}");
    assert_string_equal(event.event_id, "");
    assert_int_equal(event.at_ms, INT64_C(1769841000000));
    event =
        only("{\"event_type\":\"click-to-pay\",\"event_id\":\"4111111111111111\",\"timestamp\":1769841000250,"
             "\"data\":{\"status\":\"SUCCESS\"}}");
    assert_string_equal(event.event_id, "");
    assert_int_equal(event.at_ms, INT64_C(1769841000250));
    event = only("{\"event_type\":\"click-to-pay\",\"timestamp\":\"2026-01-31T03:30:00-03:00\",\"data\":1}");
    assert_int_equal(event.at_ms, INT64_C(1769841000000));
}

static void rules_that_contradict_themselves_are_refused(void **state)
{
    struct api_event_rules rules = usual();
    struct fail fail;

    (void)state;
    assert_int_equal(api_event_check(&rules, &fail), 0);
    rules.failure = SPAN("FAILED; success");
    assert_int_equal(api_event_check(&rules, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, "events.success and events.failure both have 'SUCCESS'");
    rules = usual();
    rules.types = SPAN(" ");
    assert_int_equal(api_event_check(&rules, &fail), -1);
    rules = usual();
    rules.success = SPAN("");
    assert_int_equal(api_event_check(&rules, &fail), -1);
}

static void times_have_milliseconds(void **state)
{
    int64_t at_ms;

    (void)state;
    assert_int_equal(timestamp_ms(SPAN("2026-01-31T06:30:00.25Z"), &at_ms), 0);
    assert_int_equal(at_ms, INT64_C(1769841000250));
    assert_int_equal(timestamp_ms(SPAN("2026-01-31T06:30:00.123456789+00:00"), &at_ms), 0);
    assert_int_equal(at_ms, INT64_C(1769841000123));
    assert_int_equal(timestamp_ms(SPAN("1969-12-31T23:59:59Z"), &at_ms), 0);
    assert_int_equal(at_ms, -1000);
    assert_int_equal(timestamp_ms(SPAN("2026-02-30T06:30:00Z"), &at_ms), -1);
}

static void codes_in_a_message(void **state)
{
    (void)state;
    assert_true(api_event_has_code(SPAN("VIDC-2003"), SPAN("VIDC-2003")));
    assert_true(api_event_has_code(SPAN("DECLINED: VIDC-2003; card expired"), SPAN("VIDC-2003")));
    assert_true(api_event_has_code(SPAN("(E1042)"), SPAN("E1042")));
    assert_true(api_event_has_code(SPAN("VIDC-20031, VIDC-2003"), SPAN("VIDC-2003")));
    assert_false(api_event_has_code(SPAN("VIDC-20031"), SPAN("VIDC-2003")));
    assert_false(api_event_has_code(SPAN("XVIDC-2003"), SPAN("VIDC-2003")));
    assert_false(api_event_has_code(SPAN("VIDC-2003-7"), SPAN("VIDC-2003")));
    assert_false(api_event_has_code(SPAN("vidc-2003"), SPAN("vidc-2003")));
    assert_false(api_event_has_code(SPAN("card expired"), SPAN("expired")));
    assert_false(api_event_has_code(SPAN("http_503"), SPAN("http_503")));
    assert_false(api_event_has_code(SPAN(""), SPAN("E1")));
    assert_false(api_event_has_code(SPAN("card"), SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_event_is_read),
        cmocka_unit_test(a_failure_tells_its_reason),
        cmocka_unit_test(nothing_personal_comes_out),
        cmocka_unit_test(codes_and_known_words_come_out),
        cmocka_unit_test(which_types_count),
        cmocka_unit_test(other_organisations_are_foreign),
        cmocka_unit_test(only_operations_that_enrol_count),
        cmocka_unit_test(statuses_by_the_lists),
        cmocka_unit_test(wrappers_are_opened),
        cmocka_unit_test(what_is_no_event_is_unfit),
        cmocka_unit_test(odd_members_do_no_harm),
        cmocka_unit_test(rules_that_contradict_themselves_are_refused),
        cmocka_unit_test(times_have_milliseconds),
        cmocka_unit_test(codes_in_a_message),
    };

    return cmocka_run_group_tests_name("api_event", tests, NULL, NULL);
}
