/* What people read about a problem: every sentence, and the details that judging leaves for it. */
#include "rule/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct sentence {
    struct problem problem;
    const char *text;
};

static const struct sentence SENTENCES[] = {
    {{PROBLEM_REQUIRED, FIELD_FIRST_NAME, 0, ""}, "first_name: required but not given; fill it in"},
    {{PROBLEM_REQUIRED, FIELD_OWNER_BID, 0, ""},
     "owner_bid: required but not given; fill it in, or set enroll.owner_bid"},
    {{PROBLEM_REQUIRED, FIELD_LOCALE, 0, ""},
     "locale: required but not given; fill it in, or set enroll.locale"},
    {{PROBLEM_REQUIRED, FIELD_CONSENT_TIME, 0, ""},
     "consent_time: required with consent_version or consent_presenter, but not given; fill it in, or leave "
     "all three out"},
    {{PROBLEM_REQUIRED, FIELD_BILLING_LINE1, 0, ""},
     "billing_address_line1: no billing address, neither with the card nor with the customer; fill in the "
     "billing columns of one of them"},
    {{PROBLEM_TOO_LONG, FIELD_EMAILS, 2, "256 characters, 255 at most"},
     "emails (value 2): too long (256 characters, 255 at most); shorten it"},
    {{PROBLEM_BAD_INTEGER, FIELD_CARD_ID, 0, "a spreadsheet's exponent form"},
     "card_id: not a whole number from 1 to 9223372036854775807 (a spreadsheet's exponent form); give the "
     "Pismo ID in digits only; in a spreadsheet format the column as text"},
    {{PROBLEM_BAD_FORMAT, FIELD_FIRST_NAME, 0, "a spreadsheet's error value"},
     "first_name: not in the expected form (a spreadsheet's error value); correct it at the source and "
     "export again"},
    {{PROBLEM_BAD_FORMAT, FIELD_BILLING_STATE, 0, "no such subdivision"},
     "billing_state: not a subdivision of the billing country (no such subdivision); give the part after the "
     "hyphen of its ISO 3166-2 code, such as RJ of BR-RJ, or leave it empty"},
    {{PROBLEM_BAD_FORMAT, FIELD_BILLING_POSTAL_CODE, 0, "odd characters"},
     "billing_postal_code: not a postal code (odd characters); use letters, digits, single blanks and "
     "hyphens; in a spreadsheet format the column as text"},
    {{PROBLEM_BAD_CHARACTER, FIELD_BILLING_LINE1, 0, "# is refused by Visa"},
     "billing_address_line1: holds a character that is not allowed (# is refused by Visa); remove or replace "
     "that character"},
    {{PROBLEM_BAD_UTF8, FIELD_LAST_NAME, 0, "WINDOWS-1252"},
     "last_name: does not decode as WINDOWS-1252; export as UTF-8, or name the file's encoding in "
     "input.encoding"},
    {{PROBLEM_BAD_UTF8, FIELD_LAST_NAME, 0, ""},
     "last_name: not valid UTF-8; export as UTF-8, or name the file's encoding in input.encoding"},
    {{PROBLEM_BAD_COUNTRY, FIELD_COUNTRY_CODE, 0, "UK"},
     "country_code: 'UK' is not in ISO 3166-1; the code of the United Kingdom is GBR"},
    {{PROBLEM_BAD_COUNTRY, FIELD_COUNTRY_CODE, 0, "ZZ"},
     "country_code: 'ZZ' is not in ISO 3166-1; use the alpha-2, alpha-3 or three-digit numeric code"},
    {{PROBLEM_BAD_COUNTRY, FIELD_BILLING_COUNTRY_CODE, 0, "=BRA"},
     "billing_country_code: a country's name instead of its code; the code of Brazil is BRA"},
    {{PROBLEM_BAD_COUNTRY, FIELD_COUNTRY_CODE, 0, ""},
     "country_code: not a country code of ISO 3166-1; use the alpha-2, alpha-3 or three-digit numeric code"},
    {{PROBLEM_BAD_LOCALE, FIELD_LOCALE, 0, "country UK"},
     "locale: 'UK' is not in ISO 3166-1; the code of the United Kingdom is GB"},
    {{PROBLEM_BAD_LOCALE, FIELD_LOCALE, 0, "language xx"},
     "locale: not a locale (language xx); give an ISO 639-1 language and an ISO 3166-1 alpha-2 country, such "
     "as en_US"},
    {{PROBLEM_BAD_EMAIL, FIELD_EMAILS, 1, "two dots in a row"},
     "emails (value 1): not an e-mail address (two dots in a row); correct it, or leave it out if another "
     "one is given"},
    {{PROBLEM_BAD_PHONE, FIELD_PHONES, 3, "fewer than 8 digits"},
     "phones (value 3): not a telephone number (fewer than 8 digits); give 8 to 15 digits that begin with "
     "the country's calling code, or set input.calling_code; in a spreadsheet format the column as text"},
    {{PROBLEM_BAD_IDENTIFIER, FIELD_NATIONAL_IDENTIFIERS, 1, "unknown type"},
     "national_identifiers (value 1): not a national identifier (unknown type); give TYPE:VALUE; TYPE is "
     "PASSPORT, DRIVING_LICENSE or NATIONAL_IDENTITY, VALUE has 1 to 24 characters"},
    {{PROBLEM_BAD_TIMESTAMP, FIELD_CONSENT_TIME, 0, "no day of the calendar"},
     "consent_time: not a date and time (no day of the calendar); write YYYY-MM-DDThh:mm:ss.000Z, or a date "
     "as YYYY-MM-DD"},
    {{PROBLEM_IN_FUTURE, FIELD_CONSENT_TIME, 0, ""},
     "consent_time: lies in the future; give the time at which consent was given, with its UTC offset"},
    {{PROBLEM_TOO_MANY, FIELD_PHONES, 0, "6"}, "phones: more than 5 values (6); keep the 5 that matter most"},
    {{PROBLEM_LOOKS_LIKE_PAN, FIELD_CARD_ID, 0, ""},
     "card_id: looks like a payment card's number (PAN); give Pismo's card ID, and remove card numbers from "
     "this file"},
    {{PROBLEM_COLUMN_COUNT, FIELD_RECORD, 0, "expected 12, found 11"},
     "the record has not as many cells as the header (expected 12, found 11); look for a missing delimiter, "
     "or for one inside a value without quotes"},
    {{PROBLEM_RECORD_TOO_LONG, FIELD_RECORD, 0, ""},
     "the record is longer than input.max_record_bytes; look for a quote that is not closed where it should "
     "be, or raise the limit"},
    {{PROBLEM_UNCLOSED_QUOTE, FIELD_RECORD, 0, "line 17"},
     "a quote is opened and never closed (line 17); close it, or double a quote that belongs to the value"},
    {{PROBLEM_SOURCE_LOST, FIELD_RECORD, 0, ""},
     "the input file of this row is gone or changed; load the row again from a new file"},
    {{PROBLEM_NO_CUSTOMER, FIELD_CUSTOMER_ID, 0, ""},
     "customer_id: no record of the customers file has this customer_id; add the customer, or remove the "
     "card"},
    {{PROBLEM_CUSTOMER_INVALID, FIELD_CUSTOMER_ID, 0, ""},
     "customer_id: the record of this customer in the customers file is refused; correct the customer's "
     "record"},
    {{PROBLEM_DUPLICATE_CUSTOMER, FIELD_CUSTOMER_ID, 0, ""},
     "customer_id: another record with this customer_id says otherwise; the first one stands; keep one of "
     "the two"},
    {{PROBLEM_DUPLICATE_CARD, FIELD_CARD_ID, 0, "line 12"},
     "card_id: another record with this card_id says otherwise; the first one stands (line 12); keep one of "
     "the two"},
    {{PROBLEM_CUSTOMER_TWO_ACCOUNTS, FIELD_ACCOUNT_ID, 0, ""},
     "account_id: this customer's cards stand under two accounts; check account_id, or set "
     "input.one_account_per_customer = no"},
};

static void test_every_sentence(void **state)
{
    bool seen[PROBLEM_COUNT] = {false};
    struct buf text = {.cap = 4096};

    (void)state;
    for (size_t i = 0; i < sizeof SENTENCES / sizeof SENTENCES[0]; i++) {
        buf_reset(&text);
        record_problem_text(&SENTENCES[i].problem, &text);
        assert_string_equal(buf_text(&text), SENTENCES[i].text);
        seen[SENTENCES[i].problem.code] = true;
    }
    for (unsigned code = 0; code < PROBLEM_COUNT; code++)
        if (!seen[code])
            fail_msg("no sentence is tested for %s", problem_name((enum problem_code)code));
    buf_free(&text);
}

struct detail {
    enum field field;
    const char *cell, *detail;
};

/* What judging leaves in the detail: our own words, never the value. */
static const struct detail DETAILS[] = {
    {FIELD_CUSTOMER_ID, "5.54E+12", "a spreadsheet's exponent form"},
    {FIELD_CUSTOMER_ID, "1234567.0", "decimals behind a whole number"},
    {FIELD_CUSTOMER_ID, "'00123", "a spreadsheet's text mark in front"},
    {FIELD_CUSTOMER_ID, "=A1", "a spreadsheet's formula"},
    {FIELD_CUSTOMER_ID, "0", "zero"},
    {FIELD_CUSTOMER_ID, "9223372036854775808", "too large"},
    {FIELD_CUSTOMER_ID, "12a", ""},
    {FIELD_FIRST_NAME, "#REF!", "a spreadsheet's error value"},
    {FIELD_FIRST_NAME, "A\x07", "control U+0007"},
    {FIELD_COUNTRY_CODE, "UK", "UK"},
    {FIELD_COUNTRY_CODE, "uk", "uk"},
    {FIELD_COUNTRY_CODE, "United Kingdom", "=GBR"},
    {FIELD_COUNTRY_CODE, "Santa Claus", ""},
    {FIELD_COUNTRY_CODE, "=1", ""},
    {FIELD_LOCALE, "en_UK", "country UK"},
    {FIELD_LOCALE, "xx-us", "language xx"},
    {FIELD_LOCALE, "english", ""},
    {FIELD_EMAILS, "ana", "no @"},
    {FIELD_EMAILS, "a@b@c.example", "more than one @"},
    {FIELD_EMAILS, "@example.com", "nothing before the @"},
    {FIELD_EMAILS, "a@localhost", "a domain without a dot"},
    {FIELD_EMAILS, "jos\xC3\xA9@example.com", "a character no mailbox name has"},
    {FIELD_EMAILS, "'ana@example.com'", "an apostrophe in front"},
    {FIELD_PHONES, "045999999999", "no calling code in front"},
    {FIELD_PHONES, "+44 (0)20 7946 0000", "a (0), which may or may not be dialled"},
    {FIELD_PHONES, "1234567", "fewer than 8 digits"},
    {FIELD_PHONES, "1234567890123456", "more than 15 digits"},
    {FIELD_PHONES, "5.54E+12", "a spreadsheet's exponent form"},
    {FIELD_PHONES, "55 45 x", "a character no number has"},
    {FIELD_NATIONAL_IDENTIFIERS, "A1", "no ':' between type and value"},
    {FIELD_NATIONAL_IDENTIFIERS, "CPF:1", "unknown type"},
    {FIELD_NATIONAL_IDENTIFIERS, "PASSPORT:", "no value"},
    {FIELD_NATIONAL_IDENTIFIERS, "PASSPORT:1,PASSPORT:2", "another TYPE: inside its value"},
    {FIELD_CONSENT_TIME, "45234.5", "a number instead of a date"},
    {FIELD_CONSENT_TIME, "#VALUE!", "a spreadsheet's error value"},
    {FIELD_CONSENT_TIME, "2021-02-29", "no day of the calendar"},
    {FIELD_CONSENT_TIME, "2021-02-28T25:00Z", "no time of the day"},
    {FIELD_CONSENT_TIME, "soon", ""},
    {FIELD_BILLING_LINE1, "Flat #12", "# is refused by Visa"},
    {FIELD_BILLING_LINE1, "a\xE2\x80\x9D", "U+201D is refused by Visa"},
    {FIELD_BILLING_STATE, "RJX", "no such subdivision"},
    {FIELD_BILLING_STATE, "1", "a leading zero is missing"},
    {FIELD_BILLING_STATE, "BR-RJ", "it names another country"},
    {FIELD_BILLING_STATE, "XX-RJ", "its first two letters are no country"},
    {FIELD_STATUS, "#N/A", "a spreadsheet's error value"},
    {FIELD_BILLING_POSTAL_CODE, "1.234", "odd characters"},
    {FIELD_BILLING_POSTAL_CODE, "1400", "a leading zero is missing"},
};

static void test_details_never_hold_the_value(void **state)
{
    const struct record_rules rules = {.list_separator = ';',
                                       .allow_internal = true,
                                       .check_address = true,
                                       .now_ms = INT64_C(1781524800000)}; /* 2026-06-15T12:00:00Z */
    struct record record;

    (void)state;
    record_init(&record);
    for (size_t i = 0; i < sizeof DETAILS / sizeof DETAILS[0]; i++) {
        struct raw_fields raw = {0};
        raw.whole[FIELD_CUSTOMER_ID] = raw.whole[FIELD_CARD_ID] = SPAN("1");
        raw.whole[FIELD_ACCOUNT_ID] = raw.whole[FIELD_OWNER_BID] = SPAN("1");
        raw.whole[FIELD_LOCALE] = SPAN("en_US");
        raw.whole[FIELD_BILLING_COUNTRY_CODE] = SPAN("FRA");
        raw.whole[DETAILS[i].field] = span_of(DETAILS[i].cell);
        record_judge(&record, &rules, IN_BOTH, &raw);
        assert_int_equal(record.problem_count, 1);
        assert_int_equal(record.problems[0].field, DETAILS[i].field);
        assert_string_equal(record.problems[0].detail, DETAILS[i].detail);
    }
    record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sentence),
        cmocka_unit_test(test_details_never_hold_the_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
