/* Literal bodies and codes; the verdicts stand in testdata/verdicts.tsv, one case a line. */
#include "rule/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- request bodies ---- */

/* Everything that a record can carry. */
static struct record full_record(void)
{
    struct record record;

    record_init(&record);
    record.files = IN_BOTH;
    record.customer_id = 123456;
    record.account_id = 778899;
    record.card_id = 6743052;
    record.text[FIELD_OWNER_BID] = SPAN("0010052");
    record.text[FIELD_LOCALE] = SPAN("en_US");
    record.text[FIELD_FIRST_NAME] = SPAN("Zelda");
    record.text[FIELD_MIDDLE_NAME] = SPAN("\"Q\"");
    record.text[FIELD_LAST_NAME] = SPAN("M\xC3\xB6rkson");
    record.text[FIELD_COUNTRY_CODE] = SPAN("EST");
    record.emails[0] = SPAN("zelda@mail.example");
    record.emails[1] = SPAN("z.moerkson@example.com");
    record.email_count = 2;
    record.phones[0] = SPAN("16505550100");
    record.phone_count = 1;
    record.identifiers[0] = (struct identifier){SPAN("PASSPORT"), SPAN("XY-77")};
    record.identifiers[1] = (struct identifier){SPAN("DRIVING_LICENSE"), SPAN("B9")};
    record.identifier_count = 2;
    record.text[FIELD_CONSENT_TIME] = SPAN("2020-05-05T12:12:12.000Z");
    record.text[FIELD_CONSENT_VERSION] = SPAN("1.0");
    record.text[FIELD_CONSENT_PRESENTER] = SPAN("Example Bank");
    record.text[FIELD_BILLING_LINE1] = SPAN("1 Sample Street");
    record.text[FIELD_BILLING_LINE2] = SPAN("Building 5");
    record.text[FIELD_BILLING_LINE3] = SPAN("Suite 9");
    record.text[FIELD_BILLING_CITY] = SPAN("Sampleton");
    record.text[FIELD_BILLING_STATE] = SPAN("CA");
    record.text[FIELD_BILLING_POSTAL_CODE] = SPAN("01234");
    record.text[FIELD_BILLING_COUNTRY_CODE] = SPAN("USA");
    record.text[FIELD_STATUS] = SPAN("ACTIVE");
    record.has_address = true;
    return record;
}

static void check_body(const struct record *card, const struct record *customer, const char *expected)
{
    struct buf body;

    buf_init(&body, 65536);
    api_enroll_body(card, customer, &body);
    assert_string_equal(buf_text(&body), expected);
    buf_free(&body);
}

static void a_full_record_fills_every_key(void **state)
{
    struct record record = full_record();

    (void)state;
    check_body(&record, &record,
               "{\"owner_bid\":\"0010052\",\"card_information\":{\"card_id\":6743052,\"billing_address\":{"
               "\"address_line1\":\"1 Sample Street\",\"address_line2\":\"Building "
               "5\",\"address_line3\":\"Suite 9\","
               "\"city\":\"Sampleton\",\"state\":\"CA\",\"postal_code\":\"01234\",\"country_code\":\"USA\"}},"
               "\"customer_information\":{\"locale\":\"en_US\",\"first_name\":\"Zelda\",\"middle_name\":"
               "\"\\\"Q\\\"\","
               "\"last_name\":\"M\xC3\xB6rkson\",\"country_code\":\"EST\","
               "\"emails\":[\"zelda@mail.example\",\"z.moerkson@example.com\"],\"phones\":[\"16505550100\"],"
               "\"national_identifiers\":[{\"type\":\"PASSPORT\",\"value\":\"XY-77\"},"
               "{\"type\":\"DRIVING_LICENSE\",\"value\":\"B9\"}],"
               "\"consent\":{\"time_of_consent\":\"2020-05-05T12:12:12.000Z\",\"version\":\"1.0\","
               "\"presenter\":\"Example Bank\"}}}");
}

/* Numbers, text and address as in the customer call, without the customer's part and without an object around
 * the card. The address is the customer's where the card has none. */
static void the_card_call_has_the_card_alone(void **state)
{
    struct record customer = full_record(), card;
    struct buf body;

    (void)state;
    record_init(&card);
    card.card_id = INT64_C(9007199254740997);
    card.text[FIELD_OWNER_BID] = SPAN("0010052");
    buf_init(&body, 65536);
    api_enroll_card_body(&card, &customer, &body);
    assert_string_equal(
        buf_text(&body),
        "{\"owner_bid\":\"0010052\",\"card_id\":9007199254740997,\"billing_address\":{"
        "\"address_line1\":\"1 Sample Street\",\"address_line2\":\"Building 5\",\"address_line3\":\"Suite "
        "9\","
        "\"city\":\"Sampleton\",\"state\":\"CA\",\"postal_code\":\"01234\",\"country_code\":\"USA\"}}");
    buf_reset(&body);
    customer.has_address = false;
    api_enroll_card_body(&card, &customer, &body);
    assert_string_equal(buf_text(&body), "{\"owner_bid\":\"0010052\",\"card_id\":9007199254740997}");
    buf_free(&body);
}

/* The identifier is beyond 2^53: a double would end it in 6. */
static void empty_fields_leave_their_keys_out(void **state)
{
    struct record record;

    (void)state;
    record_init(&record);
    record.card_id = INT64_C(9007199254740997);
    record.text[FIELD_OWNER_BID] = SPAN("1000052");
    record.text[FIELD_LOCALE] = SPAN("pt_BR");
    check_body(&record, &record,
               "{\"owner_bid\":\"1000052\",\"card_information\":{\"card_id\":9007199254740997},"
               "\"customer_information\":{\"locale\":\"pt_BR\"}}");
    record.card_id = INT64_MAX;
    record.text[FIELD_CONSENT_TIME] = SPAN("2020-05-05T12:12:12.000Z");
    check_body(&record, &record,
               "{\"owner_bid\":\"1000052\",\"card_information\":{\"card_id\":9223372036854775807},"
               "\"customer_information\":{\"locale\":\"pt_BR\","
               "\"consent\":{\"time_of_consent\":\"2020-05-05T12:12:12.000Z\"}}}");
}

/* The customer's locale and names count, the card's owner_bid and card_id. */
static void the_address_is_one_record_s_as_a_whole(void **state)
{
    struct record card, customer;

    (void)state;
    record_init(&card);
    record_init(&customer);
    card.card_id = 12;
    customer.card_id = 99;
    card.text[FIELD_OWNER_BID] = SPAN("7");
    customer.text[FIELD_OWNER_BID] = SPAN("8");
    card.text[FIELD_LOCALE] = SPAN("xx_XX");
    customer.text[FIELD_LOCALE] = SPAN("en_GB");
    customer.text[FIELD_BILLING_LINE1] = SPAN("2 Other Road");
    customer.text[FIELD_BILLING_CITY] = SPAN("Otherham");
    customer.has_address = true;
    check_body(&card, &customer,
               "{\"owner_bid\":\"7\",\"card_information\":{\"card_id\":12,\"billing_address\":{"
               "\"address_line1\":\"2 Other Road\",\"city\":\"Otherham\"}},"
               "\"customer_information\":{\"locale\":\"en_GB\"}}");
    card.text[FIELD_BILLING_LINE1] = SPAN("1 Sample Street");
    card.has_address = true;
    check_body(&card, &customer,
               "{\"owner_bid\":\"7\",\"card_information\":{\"card_id\":12,\"billing_address\":{"
               "\"address_line1\":\"1 Sample Street\"}},\"customer_information\":{\"locale\":\"en_GB\"}}");
}

/* ---- verdicts ---- */

static struct api_outcome judge(enum api_end end, int status, const char *body)
{
    const struct api_answer answer = {end, status, span_of(body)};
    struct api_outcome outcome;

    memset(&outcome, 0x5A, sizeof outcome);
    api_judge(&answer, NULL, 0, NULL, NULL, &outcome);
    return outcome;
}

static enum api_end end_named(const char *word, int *status)
{
    *status = 0;
    if (strcmp(word, "not_sent") == 0)
        return API_NOT_SENT;
    if (strcmp(word, "lost") == 0)
        return API_LOST;
    if (strcmp(word, "tls") == 0)
        return API_TLS;
    if (strcmp(word, "proxy") == 0)
        return API_PROXY;
    *status = (int)strtol(word, NULL, 10);
    return API_ANSWERED;
}

static void check_case(char *line, int number)
{
    struct job job = {.state = JOB_SENT, .attempts = 1};
    struct api_outcome outcome;
    char *fields[6];
    enum api_end end;
    int status;

    for (int i = 0; i < 6; i++) {
        fields[i] = strsep(&line, "\t");
        if (!fields[i])
            fail_msg("verdicts.tsv:%d has %d fields", number, i);
    }
    assert_null(line);
    assert_true(strcmp(fields[2], "yes") == 0 || strcmp(fields[2], "no") == 0);
    job.uncertain = strcmp(fields[2], "yes") == 0;
    end = end_named(fields[0], &status);
    outcome = judge(end, status, fields[1]);
    job_settle(&job, outcome.verdict, outcome.lost, &(struct job_rules){.max_attempts = 8});
    if (strcmp(job_verdict_name(outcome.verdict), fields[3]) != 0 || strcmp(outcome.code, fields[4]) != 0 ||
        strcmp(job_state_name(job.state), fields[5]) != 0)
        fail_msg("verdicts.tsv:%d: %s %s: %s %s %s, expected %s %s %s", number, fields[0], fields[1],
                 job_verdict_name(outcome.verdict), outcome.code, job_state_name(job.state), fields[3],
                 fields[4], fields[5]);
    assert_int_equal(outcome.lost, strcmp(fields[0], "lost") == 0);
}

static void the_table_of_cases_holds(void **state)
{
    FILE *file = fopen("testdata/verdicts.tsv", "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int number = 0, cases = 0;

    (void)state;
    assert_non_null(file);
    while ((len = getline(&line, &size, file)) > 0) {
        number++;
        line[len - 1] = '\0';
        if (line[0] == '#' || !line[0])
            continue;
        check_case(line, number);
        cases++;
    }
    free(line);
    assert_int_equal(fclose(file), 0);
    assert_true(cases >= 100);
}

static void a_lost_answer_makes_the_row_uncertain(void **state)
{
    struct job job = {.state = JOB_SENT, .attempts = 1};
    struct api_outcome outcome = judge(API_LOST, 0, "");

    (void)state;
    job_settle(&job, outcome.verdict, outcome.lost, &(struct job_rules){.max_attempts = 8});
    assert_true(job.uncertain);
    assert_string_equal(outcome.message, "");
    job = (struct job){.state = JOB_SENT, .attempts = 1};
    outcome = judge(API_NOT_SENT, 0, "");
    job_settle(&job, outcome.verdict, outcome.lost, &(struct job_rules){.max_attempts = 8});
    assert_false(job.uncertain);
}

/* Every status has a line, every code can be stored, and the first 202 is at the top: it is the hot one. */
static void the_table_is_whole(void **state)
{
    size_t count = 0;
    const struct api_verdict *table = api_verdicts(&count);

    (void)state;
    assert_int_equal(count, 20);
    assert_int_equal(table[0].status_from, 202);
    assert_int_equal(table[0].status_to, 202);
    for (size_t i = 0; i < count; i++) {
        assert_true(table[i].status_from <= table[i].status_to);
        assert_true(!table[i].code || strlen(table[i].code) < API_CODE_SIZE);
        assert_true(!table[i].pattern[0] || (table[i].status_from == 400 && table[i].status_to == 400));
    }
}

/* ---- [verdicts] ---- */

static void a_line_of_the_configuration_is_read(void **state)
{
    struct api_verdict line;
    struct fail fail;

    (void)state;
    assert_int_equal(api_verdict_parse("400 card is not active", "rejected", &line, &fail), 0);
    assert_int_equal(line.status_from, 400);
    assert_int_equal(line.status_to, 400);
    assert_string_equal(line.pattern, "card is not active");
    assert_int_equal(line.verdict, VERDICT_REJECTED);
    assert_null(line.code);
    assert_int_equal(api_verdict_parse("  403", "transient", &line, &fail), 0);
    assert_int_equal(line.status_from, 403);
    assert_string_equal(line.pattern, "");
    assert_int_equal(line.verdict, VERDICT_TRANSIENT);
    assert_int_equal(api_verdict_parse("599\t  a b", "token", &line, &fail), 0);
    assert_string_equal(line.pattern, "a b");
    assert_int_equal(api_verdict_parse("100", "accepted", &line, &fail), 0);
    assert_int_equal(api_verdict_parse("200", "already", &line, &fail), 0);
    assert_int_equal(api_verdict_parse("302", "fatal", &line, &fail), 0);
}

static void a_bad_line_is_named(void **state)
{
    static const char *const lines[][2] = {
        {"", "rejected"},     {"40", "rejected"},  {"4000", "rejected"},     {"4xx", "rejected"},
        {"099", "rejected"},  {"600", "rejected"}, {"-40 text", "rejected"}, {"text", "rejected"},
        {"400text", "fatal"}, {"400 text", ""},    {"400 text", "Rejected"}, {"400 text", "retry"},
        {"400", "released"},  {"400", "invalid"},  {"400", "rejected "},     {"000", "fatal"},
    };
    struct api_verdict line = {.status_from = 7};
    struct fail fail;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fail = (struct fail){.kind = FAIL_NONE};
        assert_int_equal(api_verdict_parse(lines[i][0], lines[i][1], &line, &fail), -1);
        assert_int_equal(fail.kind, FAIL_USAGE);
        assert_int_equal(line.status_from, 7);
    }
    assert_int_equal(api_verdict_parse("400 text", "retry", &line, &fail), -1);
    assert_string_equal(fail.text,
                        "verdicts.400 text = retry: the form is 'STATUS [TEXT] = VERDICT', STATUS from 100 "
                        "to 599, VERDICT accepted, already, rejected, transient, token or fatal");
}

static struct api_outcome judge_with(const struct api_verdict *extra, size_t count, int status,
                                     const char *body)
{
    const struct api_answer answer = {API_ANSWERED, status, span_of(body)};
    struct api_outcome outcome;

    api_judge(&answer, extra, count, NULL, NULL, &outcome);
    return outcome;
}

static void lines_of_the_configuration_go_first(void **state)
{
    const struct api_verdict extra[] = {{400, 400, "Already On", VERDICT_REJECTED, NULL},
                                        {400, 400, "already", VERDICT_FATAL, NULL},
                                        {403, 403, "", VERDICT_TRANSIENT, NULL},
                                        {202, 202, "queue full", VERDICT_TRANSIENT, NULL}};
    struct api_outcome outcome;

    (void)state;
    outcome = judge_with(extra, 4, 400, "{\"message\":\"customer already on click to pay\"}");
    assert_int_equal(outcome.verdict, VERDICT_REJECTED);
    assert_string_equal(outcome.code, "http_400");
    outcome = judge_with(extra, 4, 403, "");
    assert_int_equal(outcome.verdict, VERDICT_TRANSIENT);
    assert_string_equal(outcome.code, "http_403");
    outcome = judge_with(extra, 4, 202, "{\"message\":\"Queue Full\"}");
    assert_int_equal(outcome.verdict, VERDICT_TRANSIENT);
    assert_string_equal(outcome.code, "http_202");
    assert_string_equal(outcome.message, "Queue Full");
    outcome = judge_with(extra, 4, 202, "");
    assert_int_equal(outcome.verdict, VERDICT_ACCEPTED);
    outcome = judge_with(extra, 4, 400, "{\"message\":\"bad request\"}");
    assert_string_equal(outcome.code, "bad_request");
}

/* ---- messages ---- */

static void check_message(int status, const char *body, const char *expected)
{
    assert_string_equal(judge(API_ANSWERED, status, body).message, expected);
}

static void the_server_s_words_are_kept(void **state)
{
    (void)state;
    check_message(400, "{\"code\":400,\"message\":\"bad request\"}", "bad request");
    check_message(400,
                  "{\"message\":\"bad request\",\"details\":[\"CustomerID: cannot be blank\",\"cardId: "
                  "cannot be blank.\"]}",
                  "bad request: CustomerID: cannot be blank; cardId: cannot be blank.");
    check_message(400, "{\"message\":\"bad request\",\"details\":[]}", "bad request");
    check_message(400, "{\"message\":\"bad request\",\"details\":null}", "bad request");
    check_message(400, "{\"details\":[\"first\",\"\",\"second\"]}", "first; second");
    check_message(
        400,
        "{\"message\":\"bad request\",\"details\":[{\"field\":\"city\",\"issue\":\"too long\"},\"more\"]}",
        "bad request: city; too long; more");
    check_message(500, "{\"code\":500,\"message\":\"internal server error\"}", "internal server error");
    check_message(401, "{\"message\":\"token expired\"}", "token expired");
    check_message(400, "{\"message\":\"two\\nlines\\tand \\u001b[31m red \\u0085 \"}",
                  "two lines and  [31m red");
    check_message(400, "{\"message\":\"CEP inv\\u00e1lido\"}", "CEP inv\xC3\xA1lido");
}

static void other_bodies_are_only_measured(void **state)
{
    (void)state;
    check_message(403, "<html><h1>zelda@mail.example</h1></html>", "(not JSON, 40 bytes)");
    check_message(503, "", "");
    check_message(400, "[\"bad\"]", "(not JSON, 7 bytes)");
    check_message(400, "{\"error\":\"bad\"}", "(no message, 15 bytes)");
    check_message(400, "{\"message\":\"\",\"details\":[]}", "(no message, 27 bytes)");
    check_message(400, "{\"message\":\"\xFF\xFE\"}", "(not UTF-8, 2 bytes)");
    check_message(202, "{\"message\":\"thank you\"}", "");
}

static void long_messages_end_in_dots(void **state)
{
    char body[400], expected[API_MESSAGE_SIZE];

    (void)state;
    (void)snprintf(body, sizeof body, "{\"message\":\"%0159d\"}", 0);
    memset(body + 12, 'a', 159);
    memset(expected, 'a', 159);
    expected[159] = '\0';
    check_message(400, body, expected);
    (void)snprintf(body, sizeof body, "{\"message\":\"%0160d\"}", 0);
    memset(body + 12, 'a', 160);
    memcpy(expected + 156, "...", 4);
    check_message(400, body, expected);
    memcpy(body + 12 + 155, "\xC3\xA9", 2); /* it would be cut in two */
    memcpy(expected + 155, "...", 4);
    check_message(400, body, expected);
}

static void endless_messages_are_not_quoted(void **state)
{
    char *body = malloc(9000);

    (void)state;
    assert_non_null(body);
    (void)snprintf(body, 9000, "{\"message\":\"%08500d\"}", 0);
    check_message(422, body, "(too long to quote, 8514 bytes)");
    memcpy(body + 12, "already on click to pay", 23);
    assert_int_equal(judge(API_ANSWERED, 400, body).verdict, VERDICT_ALREADY);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_record_fills_every_key),
        cmocka_unit_test(the_card_call_has_the_card_alone),
        cmocka_unit_test(empty_fields_leave_their_keys_out),
        cmocka_unit_test(the_address_is_one_record_s_as_a_whole),
        cmocka_unit_test(the_table_of_cases_holds),
        cmocka_unit_test(a_lost_answer_makes_the_row_uncertain),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(a_line_of_the_configuration_is_read),
        cmocka_unit_test(a_bad_line_is_named),
        cmocka_unit_test(lines_of_the_configuration_go_first),
        cmocka_unit_test(the_server_s_words_are_kept),
        cmocka_unit_test(other_bodies_are_only_measured),
        cmocka_unit_test(long_messages_end_in_dots),
        cmocka_unit_test(endless_messages_are_not_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
