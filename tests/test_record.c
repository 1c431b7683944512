/* Whole records: requiredness, defaults, one-file and two-file mode, lists, skipping, order and cap of the
 * problems. Single cells stand in testdata/normalize.tsv, sentences in test_record_text.c. */
#include "rule/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct bench {
    struct record_rules rules;
    struct raw_fields raw;
    struct record record;
};

/* A card with its customer that has nothing wrong; every field that may be missing but the address is left
 * out. */
static int set_up(void **state)
{
    static struct bench bench;

    memset(&bench, 0, sizeof bench);
    bench.rules = (struct record_rules){.list_separator = ';',
                                        .check_address = true,
                                        .skip_status = SPAN("OPTED_OUT; closed ;"),
                                        .now_ms = INT64_C(1781524800000)}; /* 2026-06-15T12:00:00Z */
    bench.raw.whole[FIELD_CUSTOMER_ID] = SPAN("100");
    bench.raw.whole[FIELD_ACCOUNT_ID] = SPAN("200");
    bench.raw.whole[FIELD_CARD_ID] = SPAN("300");
    bench.raw.whole[FIELD_OWNER_BID] = SPAN("1000052");
    bench.raw.whole[FIELD_LOCALE] = SPAN("pt_BR");
    bench.raw.whole[FIELD_FIRST_NAME] = SPAN("Ana");
    bench.raw.whole[FIELD_LAST_NAME] = SPAN("Exemplo");
    bench.raw.whole[FIELD_EMAILS] = SPAN("ana@example.com");
    bench.raw.whole[FIELD_PHONES] = SPAN("5545999999999");
    bench.raw.whole[FIELD_BILLING_LINE1] = SPAN("Rua das Flores, 12");
    record_init(&bench.record);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    record_free(&((struct bench *)*state)->record);
    return 0;
}

/* "field:code field:code" of all problems, with the place in a list as field#2. */
static const char *problems(const struct record *record)
{
    static char text[4096];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < record->problem_count; i++) {
        const struct problem *problem = &record->problems[i];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? " " : "",
                                field_name(problem->field));
        if (problem->item > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "#%u", problem->item);
        len += (size_t)snprintf(text + len, sizeof text - len, ":%s", problem_name(problem->code));
        assert_true(len < sizeof text);
    }
    return text;
}

static const char *judged(struct bench *bench, unsigned files)
{
    record_judge(&bench->record, &bench->rules, files, &bench->raw);
    return problems(&bench->record);
}

#define assert_span(span, text)                            \
    do {                                                   \
        assert_int_equal((span).len, strlen(text));        \
        assert_memory_equal((span).ptr, text, (span).len); \
    } while (0)

static void test_good_record(void **state)
{
    struct bench *bench = *state;

    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_int_equal(bench->record.files, IN_BOTH);
    assert_int_equal(bench->record.customer_id, 100);
    assert_int_equal(bench->record.account_id, 200);
    assert_int_equal(bench->record.card_id, 300);
    assert_span(bench->record.text[FIELD_OWNER_BID], "1000052");
    assert_span(bench->record.text[FIELD_LOCALE], "pt_BR");
    assert_int_equal(bench->record.email_count, 1);
    assert_span(bench->record.emails[0], "ana@example.com");
    assert_span(bench->record.phones[0], "5545999999999");
    assert_int_equal(bench->record.text[FIELD_MIDDLE_NAME].len, 0);
    assert_true(bench->record.has_address);
    assert_false(bench->record.unusual_address);
    assert_false(bench->record.skip);
}

static void test_required_of_each_file(void **state)
{
    struct bench *bench = *state;

    memset(&bench->raw, 0, sizeof bench->raw);
    assert_string_equal(judged(bench, IN_CARDS), "customer_id:required account_id:required card_id:required "
                                                 "owner_bid:required");
    assert_string_equal(judged(bench, IN_CUSTOMERS),
                        "customer_id:required locale:required first_name:required last_name:required "
                        "emails:required phones:required");
    assert_string_equal(
        judged(bench, IN_BOTH),
        "customer_id:required account_id:required card_id:required owner_bid:required "
        "locale:required first_name:required last_name:required emails:required phones:required "
        "billing_address_line1:required");
}

static void test_allow_internal_relaxes_five(void **state)
{
    struct bench *bench = *state;

    memset(&bench->raw, 0, sizeof bench->raw);
    bench->rules.allow_internal = true;
    assert_string_equal(judged(bench, IN_BOTH), "customer_id:required account_id:required card_id:required "
                                                "owner_bid:required locale:required");
    assert_false(bench->record.has_address);
}

static void test_fields_of_the_other_file_are_not_judged(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_EMAILS] = SPAN("nonsense");
    bench->raw.whole[FIELD_CONSENT_VERSION] = SPAN("1.0");
    assert_string_equal(judged(bench, IN_CARDS), "");
    assert_int_equal(bench->record.email_count, 0);
    assert_int_equal(bench->record.text[FIELD_FIRST_NAME].len, 0);
    bench->raw.whole[FIELD_EMAILS] = SPAN("ana@example.com");
    bench->raw.whole[FIELD_CONSENT_VERSION] = SPAN("");
    bench->raw.whole[FIELD_CARD_ID] = SPAN("nonsense");
    assert_string_equal(judged(bench, IN_CUSTOMERS), "");
    assert_int_equal(bench->record.customer_id, 100);
    assert_int_equal(bench->record.account_id, 0);
}

static void test_blank_cells_count_as_not_given(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_FIRST_NAME] = SPAN(" \t");
    bench->raw.whole[FIELD_EMAILS] = SPAN(" ; ;");
    bench->raw.whole[FIELD_BILLING_LINE1] = SPAN("\xC2\xA0");
    assert_string_equal(judged(bench, IN_BOTH),
                        "first_name:required emails:required billing_address_line1:required");
}

static void test_a_bad_value_is_not_also_missing(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_EMAILS] = SPAN("nonsense");
    bench->raw.whole[FIELD_PHONES] = SPAN("1");
    bench->raw.whole[FIELD_FIRST_NAME] = SPAN("\x01");
    bench->raw.whole[FIELD_LOCALE] = SPAN("x");
    bench->raw.whole[FIELD_BILLING_LINE1] = SPAN("#");
    assert_string_equal(judged(bench, IN_BOTH),
                        "locale:bad_locale first_name:bad_character emails#1:bad_email phones#1:bad_phone "
                        "billing_address_line1:bad_character");
    assert_true(bench->record.has_address);
}

static void test_defaults_fill_empty_cells(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_OWNER_BID] = SPAN(" ");
    bench->raw.whole[FIELD_LOCALE] = SPAN("");
    bench->rules.owner_bid = SPAN("0007");
    bench->rules.locale = SPAN("en-gb");
    bench->rules.consent_time = SPAN("2020-05-05");
    bench->rules.consent_version = SPAN("1.0");
    bench->rules.consent_presenter = SPAN("Acme Bank");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_span(bench->record.text[FIELD_OWNER_BID], "0007");
    assert_span(bench->record.text[FIELD_LOCALE], "en_GB");
    assert_span(bench->record.text[FIELD_CONSENT_TIME], "2020-05-05T00:00:00.000Z");
    assert_span(bench->record.text[FIELD_CONSENT_VERSION], "1.0");
    assert_span(bench->record.text[FIELD_CONSENT_PRESENTER], "Acme Bank");
}

static void test_a_cell_wins_over_its_default(void **state)
{
    struct bench *bench = *state;

    bench->rules.owner_bid = SPAN("7");
    bench->rules.locale = SPAN("en_GB");
    bench->raw.whole[FIELD_CONSENT_TIME] = SPAN("2021-01-01");
    bench->rules.consent_time = SPAN("2020-05-05");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_span(bench->record.text[FIELD_OWNER_BID], "1000052");
    assert_span(bench->record.text[FIELD_LOCALE], "pt_BR");
    assert_span(bench->record.text[FIELD_CONSENT_TIME], "2021-01-01T00:00:00.000Z");
    bench->raw.whole[FIELD_LOCALE] = SPAN("xx_XX");
    assert_string_equal(judged(bench, IN_BOTH), "locale:bad_locale");
}

static void test_defaults_obey_the_same_rules(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_LOCALE] = SPAN("");
    bench->rules.locale = SPAN("en_UK");
    bench->rules.consent_time = SPAN("2030-01-01");
    bench->rules.consent_version = SPAN("0123456789");
    assert_string_equal(judged(bench, IN_BOTH),
                        "locale:bad_locale consent_time:in_future consent_version:too_long");
}

static void test_consent_needs_its_time(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_CONSENT_VERSION] = SPAN("1.0");
    assert_string_equal(judged(bench, IN_BOTH), "consent_time:required");
    bench->raw.whole[FIELD_CONSENT_VERSION] = SPAN("");
    bench->raw.whole[FIELD_CONSENT_PRESENTER] = SPAN("Acme Bank");
    assert_string_equal(judged(bench, IN_BOTH), "consent_time:required");
    bench->raw.whole[FIELD_CONSENT_PRESENTER] = SPAN("");
    bench->rules.consent_presenter = SPAN("Acme Bank");
    assert_string_equal(judged(bench, IN_BOTH), "consent_time:required");
    bench->raw.whole[FIELD_CONSENT_TIME] = SPAN("soon");
    assert_string_equal(judged(bench, IN_BOTH), "consent_time:bad_timestamp");
    bench->raw.whole[FIELD_CONSENT_TIME] = SPAN("2020-05-05");
    assert_string_equal(judged(bench, IN_BOTH), "");
}

static void test_consent_now_is_not_the_future(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_CONSENT_TIME] = SPAN("2026-06-15T12:00:00Z");
    assert_string_equal(judged(bench, IN_BOTH), "");
    bench->rules.now_ms--;
    assert_string_equal(judged(bench, IN_BOTH), "consent_time:in_future");
}

static void test_any_billing_field_makes_an_address(void **state)
{
    struct bench *bench = *state;

    for (unsigned field = FIELD_BILLING_LINE1; field <= FIELD_BILLING_COUNTRY_CODE; field++) {
        for (unsigned other = FIELD_BILLING_LINE1; other <= FIELD_BILLING_COUNTRY_CODE; other++)
            bench->raw.whole[other] = SPAN("");
        bench->raw.whole[field] = field == FIELD_BILLING_COUNTRY_CODE ? SPAN("BR") : SPAN("12");
        assert_string_equal(judged(bench, IN_BOTH), "");
        assert_true(bench->record.has_address);
    }
}

static void test_no_address_is_the_join_s_matter_in_two_files(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_BILLING_LINE1] = SPAN("");
    assert_string_equal(judged(bench, IN_CARDS), "");
    assert_false(bench->record.has_address);
    assert_string_equal(judged(bench, IN_CUSTOMERS), "");
    assert_false(bench->record.has_address);
    assert_string_equal(judged(bench, IN_BOTH), "billing_address_line1:required");
}

static void test_state_is_judged_by_a_country_that_comes_later(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_BILLING_STATE] = SPAN("CA");
    bench->raw.whole[FIELD_BILLING_COUNTRY_CODE] = SPAN("076");
    assert_string_equal(judged(bench, IN_BOTH), "billing_state:bad_format");
    bench->raw.whole[FIELD_BILLING_COUNTRY_CODE] = SPAN("Brasilia");
    bench->raw.whole[FIELD_BILLING_STATE] = SPAN("C*");
    assert_string_equal(judged(bench, IN_BOTH),
                        "billing_state:bad_character billing_country_code:bad_country");
}

static void test_unusual_address_is_no_problem(void **state)
{
    static const char *const unusual[] = {"\xE2\x98\xBA", "a\xC3\x97", "a\xC3\xB7", "\xC2\xBF", "\xCB\x9C"};
    struct bench *bench = *state;

    bench->raw.whole[FIELD_BILLING_LINE2] = SPAN("50% off + more");
    bench->raw.whole[FIELD_BILLING_CITY] = SPAN("Sampleton");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_true(bench->record.unusual_address);
    bench->raw.whole[FIELD_BILLING_LINE2] = SPAN("Rue de l'\xC3\x89glise 3/4 (fond), no. 5_b-c");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_false(bench->record.unusual_address);
    bench->raw.whole[FIELD_BILLING_CITY] = SPAN("\xC3\x80\xC3\xBF \xC4\x80\xCA\xBF");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_false(bench->record.unusual_address);
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
        bench->raw.whole[FIELD_BILLING_CITY] = span_of(unusual[i]);
        assert_string_equal(judged(bench, IN_BOTH), "");
        assert_true(bench->record.unusual_address);
    }
}

static void test_numbered_columns_join_the_list(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_EMAILS] = SPAN("a@example.com;b@example.com;");
    bench->raw.emails[1] = SPAN("C@Example.com");
    bench->raw.emails[4] = SPAN(" d@example.com ");
    bench->raw.phones[2] = SPAN("+55 45 99999 9998");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_int_equal(bench->record.email_count, 4);
    assert_span(bench->record.emails[2], "C@example.com");
    assert_span(bench->record.emails[3], "d@example.com");
    assert_int_equal(bench->record.phone_count, 2);
    assert_span(bench->record.phones[1], "5545999999998");
}

static void test_five_values_at_most_over_both_forms(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < LIST_MAX; i++)
        bench->raw.emails[i] = SPAN("x@example.com");
    assert_string_equal(judged(bench, IN_BOTH), "emails:too_many");
    assert_string_equal(bench->record.problems[0].detail, "6");
    bench->raw.emails[4] = SPAN("  ");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_int_equal(bench->record.email_count, 5);
    bench->raw.phones[0] = bench->raw.phones[1] = SPAN("55451111111;55452222222");
    assert_string_equal(judged(bench, IN_BOTH), "phones#2:bad_phone phones#3:bad_phone");
}

static void test_each_bad_value_is_named_by_its_place(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_EMAILS] = SPAN("bad;;ok@example.com;worse");
    bench->raw.emails[0] = SPAN("worst@");
    assert_string_equal(judged(bench, IN_BOTH), "emails#1:bad_email emails#3:bad_email emails#4:bad_email");
    assert_int_equal(bench->record.email_count, 1);
}

static void test_numbered_identifiers(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_NATIONAL_IDENTIFIERS] = SPAN("PASSPORT:A1");
    bench->raw.identifier_types[0] = SPAN("national_identity");
    bench->raw.identifier_values[0] = SPAN(" 12 : 34 ");
    bench->raw.identifier_types[2] = SPAN("Driving_License");
    bench->raw.identifier_values[2] = SPAN("X9");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_int_equal(bench->record.identifier_count, 3);
    assert_span(bench->record.identifiers[0].type, "PASSPORT");
    assert_span(bench->record.identifiers[1].type, "NATIONAL_IDENTITY");
    assert_span(bench->record.identifiers[1].value, "12 : 34");
    assert_span(bench->record.identifiers[2].type, "DRIVING_LICENSE");
    assert_span(bench->record.identifiers[2].value, "X9");
}

static void test_half_an_identifier_is_refused(void **state)
{
    struct bench *bench = *state;

    bench->raw.identifier_types[0] = SPAN("PASSPORT");
    bench->raw.identifier_values[1] = SPAN("A1");
    bench->raw.identifier_types[2] = SPAN("CPF");
    bench->raw.identifier_values[2] = SPAN("1");
    bench->raw.identifier_types[3] = SPAN("\x01");
    bench->raw.identifier_values[3] = SPAN("1");
    assert_string_equal(judged(bench, IN_BOTH),
                        "national_identifiers#1:bad_identifier national_identifiers#2:bad_identifier "
                        "national_identifiers#3:bad_identifier national_identifiers#4:bad_character");
}

static void test_six_identifiers_over_both_forms(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_NATIONAL_IDENTIFIERS] = SPAN("PASSPORT:1;PASSPORT:2;PASSPORT:3;PASSPORT:4");
    for (size_t i = 0; i < 2; i++) {
        bench->raw.identifier_types[i] = SPAN("PASSPORT");
        bench->raw.identifier_values[i] = SPAN("9");
    }
    assert_string_equal(judged(bench, IN_BOTH), "national_identifiers:too_many");
    bench->raw.identifier_types[1] = bench->raw.identifier_values[1] = SPAN("");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_int_equal(bench->record.identifier_count, 5);
}

static void test_skip_status(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_STATUS] = SPAN(" opted_out ");
    assert_string_equal(judged(bench, IN_BOTH), "");
    assert_true(bench->record.skip);
    bench->raw.whole[FIELD_STATUS] = SPAN("CLOSED");
    (void)judged(bench, IN_CARDS);
    assert_true(bench->record.skip);
    bench->raw.whole[FIELD_STATUS] = SPAN("CLOSED_2");
    (void)judged(bench, IN_BOTH);
    assert_false(bench->record.skip);
    bench->raw.whole[FIELD_STATUS] = SPAN("");
    (void)judged(bench, IN_BOTH);
    assert_false(bench->record.skip);
    bench->raw.whole[FIELD_STATUS] = SPAN("CLOSED");
    bench->rules.skip_status = SPAN("");
    (void)judged(bench, IN_BOTH);
    assert_false(bench->record.skip);
}

static void test_a_skipped_record_keeps_its_problems(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_STATUS] = SPAN("CLOSED");
    bench->raw.whole[FIELD_CARD_ID] = SPAN("x");
    assert_string_equal(judged(bench, IN_BOTH), "card_id:bad_integer");
    assert_true(bench->record.skip);
}

static void test_a_pan_is_never_echoed(void **state)
{
    struct bench *bench = *state;
    struct buf text = {.cap = 1024};

    bench->raw.whole[FIELD_CARD_ID] = SPAN("9999 9900 0123 4562");
    assert_string_equal(judged(bench, IN_BOTH), "card_id:looks_like_pan");
    assert_int_equal(bench->record.card_id, 0);
    record_problem_text(&bench->record.problems[0], &text);
    for (const char *c = buf_text(&text); *c; c++)
        assert_true(*c < '0' || *c > '9');
    buf_free(&text);
}

static void test_no_trace_of_the_last_record(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_STATUS] = SPAN("CLOSED");
    bench->raw.whole[FIELD_MIDDLE_NAME] = SPAN("Maria");
    bench->raw.whole[FIELD_BILLING_LINE2] = SPAN("50%");
    bench->raw.whole[FIELD_NATIONAL_IDENTIFIERS] = SPAN("PASSPORT:1");
    (void)judged(bench, IN_BOTH);
    memset(&bench->raw, 0, sizeof bench->raw);
    bench->rules.allow_internal = true;
    assert_string_equal(judged(bench, IN_CUSTOMERS), "customer_id:required locale:required");
    assert_int_equal(bench->record.card_id, 0);
    assert_int_equal(bench->record.email_count + bench->record.phone_count + bench->record.identifier_count,
                     0);
    assert_false(bench->record.skip || bench->record.has_address || bench->record.unusual_address);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        assert_int_equal(bench->record.text[field].len, 0);
}

static void test_a_longer_record_after_a_short_one(void **state)
{
    static char long_text[60000];
    struct bench *bench = *state;

    (void)judged(bench, IN_BOTH);
    memset(long_text, 'x', sizeof long_text);
    bench->raw.whole[FIELD_OWNER_BID] = (struct span){long_text, sizeof long_text};
    bench->raw.whole[FIELD_LAST_NAME] = (struct span){long_text, sizeof long_text};
    assert_string_equal(judged(bench, IN_BOTH), "last_name:too_long");
    assert_int_equal(bench->record.text[FIELD_OWNER_BID].len, sizeof long_text);
    assert_string_equal(bench->record.problems[0].detail, "60000 characters, 35 at most");
}

static void test_refused_records_have_one_problem(void **state)
{
    struct bench *bench = *state;

    (void)judged(bench, IN_BOTH);
    record_refuse(&bench->record, PROBLEM_COLUMN_COUNT, "expected 12, found 11");
    assert_string_equal(problems(&bench->record), ":column_count");
    assert_int_equal(bench->record.problems[0].field, FIELD_RECORD);
    assert_int_equal(bench->record.customer_id, 0);
    assert_int_equal(bench->record.text[FIELD_FIRST_NAME].len, 0);
    record_refuse(&bench->record, PROBLEM_UNCLOSED_QUOTE, NULL);
    assert_string_equal(problems(&bench->record), ":unclosed_quote");
    assert_string_equal(bench->record.problems[0].detail, "");
}

static void test_added_problems_keep_field_order(void **state)
{
    struct bench *bench = *state;

    bench->raw.whole[FIELD_PHONES] = SPAN("x");
    (void)judged(bench, IN_BOTH);
    record_add_problem(&bench->record, PROBLEM_SOURCE_LOST, FIELD_RECORD, NULL);
    record_add_problem(&bench->record, PROBLEM_DUPLICATE_CARD, FIELD_CARD_ID, "line 12");
    record_add_problem(&bench->record, PROBLEM_NO_CUSTOMER, FIELD_CUSTOMER_ID, NULL);
    assert_string_equal(problems(&bench->record), "customer_id:no_customer card_id:duplicate_card "
                                                  "phones#1:bad_phone :source_lost");
    assert_string_equal(bench->record.problems[1].detail, "line 12");
}

static void test_too_many_problems_end_in_a_notice(void **state)
{
    struct bench *bench = *state;

    (void)judged(bench, IN_BOTH);
    for (size_t i = 0; i < RECORD_PROBLEMS_MAX + 3; i++)
        record_add_problem(&bench->record, PROBLEM_BAD_FORMAT, FIELD_STATUS,
                           "a detail that is longer than fits there");
    assert_int_equal(bench->record.problem_count, RECORD_PROBLEMS_MAX);
    assert_string_equal(bench->record.problems[RECORD_PROBLEMS_MAX - 1].detail, "and more problems");
    assert_string_equal(bench->record.problems[0].detail, "a detail that is longer than fits there");
}

static void test_everything_wrong_at_once(void **state)
{
    struct bench *bench = *state;

    for (unsigned field = 0; field < FIELD_COUNT; field++)
        bench->raw.whole[field] = SPAN("a#\x02;b#;c#;d#;e#;f#");
    for (size_t i = 0; i < LIST_MAX; i++)
        bench->raw.emails[i] = bench->raw.phones[i] = bench->raw.identifier_types[i] = SPAN("\xFF");
    (void)judged(bench, IN_BOTH);
    assert_true(bench->record.problem_count < RECORD_PROBLEMS_MAX);
    assert_false(bench->record.has_address && bench->record.text[FIELD_BILLING_LINE1].len > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good_record),
        TEST(test_required_of_each_file),
        TEST(test_allow_internal_relaxes_five),
        TEST(test_fields_of_the_other_file_are_not_judged),
        TEST(test_blank_cells_count_as_not_given),
        TEST(test_a_bad_value_is_not_also_missing),
        TEST(test_defaults_fill_empty_cells),
        TEST(test_a_cell_wins_over_its_default),
        TEST(test_defaults_obey_the_same_rules),
        TEST(test_consent_needs_its_time),
        TEST(test_consent_now_is_not_the_future),
        TEST(test_any_billing_field_makes_an_address),
        TEST(test_no_address_is_the_join_s_matter_in_two_files),
        TEST(test_state_is_judged_by_a_country_that_comes_later),
        TEST(test_unusual_address_is_no_problem),
        TEST(test_numbered_columns_join_the_list),
        TEST(test_five_values_at_most_over_both_forms),
        TEST(test_each_bad_value_is_named_by_its_place),
        TEST(test_numbered_identifiers),
        TEST(test_half_an_identifier_is_refused),
        TEST(test_six_identifiers_over_both_forms),
        TEST(test_skip_status),
        TEST(test_a_skipped_record_keeps_its_problems),
        TEST(test_a_pan_is_never_echoed),
        TEST(test_no_trace_of_the_last_record),
        TEST(test_a_longer_record_after_a_short_one),
        TEST(test_refused_records_have_one_problem),
        TEST(test_added_problems_keep_field_order),
        TEST(test_too_many_problems_end_in_a_notice),
        TEST(test_everything_wrong_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
