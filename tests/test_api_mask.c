/* What of a server's words is stored: literal messages, and what is left of them. */
#include "rule/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define JOSE "Jos\xC3\xA9"        /* e with acute, one code point */
#define JOSE_APART "Jose\xCC\x81" /* e and a combining acute */
#define JOSE_CAPITAL "JOS\xC3\x89"

/* A record with nothing but names. */
static struct record named(const char *first, const char *last)
{
    struct record record;

    record_init(&record);
    record.text[FIELD_FIRST_NAME] = span_of(first);
    record.text[FIELD_LAST_NAME] = span_of(last);
    return record;
}

static struct record full_record(void)
{
    struct record record = named("Zelda", "M\xC3\xB6rkson");

    record.customer_id = 123456;
    record.text[FIELD_OWNER_BID] = SPAN("0010052");
    record.text[FIELD_LOCALE] = SPAN("en_US");
    record.text[FIELD_MIDDLE_NAME] = SPAN("\"Q\"");
    record.text[FIELD_COUNTRY_CODE] = SPAN("EST");
    record.emails[0] = SPAN("z.zonk@mail.example");
    record.email_count = 1;
    record.phones[0] = SPAN("16505550100");
    record.phone_count = 1;
    record.identifiers[0] = (struct identifier){SPAN("PASSPORT"), SPAN("XY-77")};
    record.identifiers[1] = (struct identifier){SPAN("DRIVING_LICENSE"), SPAN("B9")};
    record.identifier_count = 2;
    record.text[FIELD_CONSENT_VERSION] = SPAN("1.0");
    record.text[FIELD_CONSENT_PRESENTER] = SPAN("Example Bank");
    record.text[FIELD_BILLING_LINE1] = SPAN("1 Sample Street");
    record.text[FIELD_BILLING_LINE2] = SPAN("Building 5");
    record.text[FIELD_BILLING_LINE3] = SPAN("Suite 9");
    record.text[FIELD_BILLING_CITY] = SPAN("Sampleton Ka");
    record.text[FIELD_BILLING_STATE] = SPAN("CA");
    record.text[FIELD_BILLING_POSTAL_CODE] = SPAN("K1A 0B6");
    record.text[FIELD_BILLING_COUNTRY_CODE] = SPAN("USA");
    record.text[FIELD_STATUS] = SPAN("ACTIVE");
    record.has_address = true;
    return record;
}

/* The text is what stands in the JSON body, escapes and all. */
static void check_masked(const struct record *card, const struct record *customer, const char *text,
                         const char *expected)
{
    char body[512];
    struct api_answer answer = {API_ANSWERED, 400, {body, 0}};
    struct api_outcome outcome;
    int len = snprintf(body, sizeof body, "{\"message\":\"%s\"}", text);

    assert_true(len > 0 && (size_t)len < sizeof body);
    answer.body.len = (size_t)len;
    api_judge(&answer, NULL, 0, card, customer, &outcome);
    assert_string_equal(outcome.message, expected);
}

static void check_one(const struct record *record, const char *text, const char *expected)
{
    check_masked(record, record, text, expected);
}

static void check_names(const char *first, const char *last, const char *text, const char *expected)
{
    struct record record = named(first, last);

    check_masked(&record, &record, text, expected);
}

/* ---- values ---- */

static void values_of_the_request_are_masked(void **state)
{
    struct record record = full_record();

    (void)state;
    check_one(&record, "first_name Zelda is odd", "first_name *** is odd");
    check_one(&record, "ZELDA or zelda", "*** or ***");
    check_one(&record, "last name 'M\xC3\xB6rkson'", "last name '***'");
    check_one(&record, "last name M\xC3\xB6RKSON!", "last name ***!");
    check_one(&record, "address 1 Sample Street, Sampleton Ka", "address ***, ***");
    check_one(&record, "Suite 9 Building 5", "*** ***");
    check_one(&record, "identifier xy-77 of type PASSPORT", "identifier *** of type ***");
    check_one(&record, "presenter:Example Bank;version:1.0", "presenter:***;version:***");
    check_one(&record, "locale en_US in USA", "locale *** in ***");
    check_one(&record, "middle \\\"Q\\\"", "middle ***");
    check_one(&record, "xZeldax", "x***x");
    check_one(&record, "status ACTIVE", "status ACTIVE");
    check_masked(NULL, NULL, "first_name Zelda is odd", "first_name Zelda is odd");
}

/* The country EST must not spoil "request", nor a short name the words it is part of. */
static void short_values_are_masked_as_words(void **state)
{
    struct record record = full_record();

    (void)state;
    record.text[FIELD_FIRST_NAME] = SPAN("Ana");
    record.text[FIELD_LAST_NAME] = SPAN("Val");
    check_one(&record, "bad request: invalid banana for ana, VAL.",
              "bad request: invalid banana for ***, ***.");
    check_one(&record, "country EST, est, WEST", "country ***, est, WEST");
    check_one(&record, "state CA, bid B9", "state CA, bid ***");
}

static void names_of_two_letters_are_masked(void **state)
{
    (void)state;
    check_names("Li", "Wu", "name Li Wu is odd", "name *** *** is odd");
    check_names("Li", "Wu", "WU, li", "***, ***");
    check_names("Li", "Wu", "'Li' \\\"Wu\\\" last_name=Wu_ Li's", "'***' \"***\" last_name=***_ ***'s");
    check_names("Li", "Wu", "limit wuss Liz 2Li", "limit wuss Liz 2Li");
    check_names("Li", "Wu", "\xE2\x80\x9CLi\xE2\x80\x9D\xE3\x80\x82Wu\xE3\x80\x82",
                "\xE2\x80\x9C***\xE2\x80\x9D\xE3\x80\x82***\xE3\x80\x82");
}

static void parts_of_a_value_are_masked(void **state)
{
    struct record record = full_record();

    (void)state;
    check_names("Maria Clara", "de So", "Maria is odd", "*** is odd");
    check_names("Maria Clara", "de So", "CLARA and so", "*** and ***");
    check_names("Maria Clara", "de So", "Maria  Clara; mariaclara; MARIA-CLARA", "***; ***; ***-***");
    check_names("Jean-Luc", "O'Ra", "Jean, Luc, O'Ra, O\xE2\x80\x99RA, Ra, ORa",
                "***, ***, ***, ***, ***, ***");
    check_names("Ann O'Ra", "Xu", "O'Ra", "***");
    check_one(&record, "Street of Sampleton, not Streets", "*** of ***, not Streets");
    check_one(&record, "city ka, K1A, 0b6 and K1A0B6", "city ***, ***, *** and ***");
    check_names("Ann", "#Xu", "no#xu", "no***");
    check_one(&record, "identifier XY77, XY, code 77", "identifier ***, ***, code ***");
}

static void parts_of_an_e_mail_are_masked(void **state)
{
    struct record record = named("Ann", "Xu");

    (void)state;
    record.emails[0] = SPAN("z.zonk.a_b+ad@mail.example");
    record.email_count = 1;
    check_one(&record, "user z.zonk.a_b+ad", "user ***");
    check_one(&record, "user ZONK or a_b+ad or ad", "user *** or *** or ***");
    check_one(&record, "domain mail.example, mail of z", "domain ***, mail of z");
}

/* One letter is hidden only if it is all there is of a name; punctuation never. */
static void single_letters_are_masked_as_whole_names_only(void **state)
{
    struct record record = named("J", "B Klein");

    (void)state;
    record.text[FIELD_MIDDLE_NAME] = SPAN("V.");
    record.text[FIELD_BILLING_LINE1] = SPAN("X");
    check_one(&record, "names j, v, b; line x", "names ***, ***, b; line x");
    check_names(".", "-", "cardId: cannot be blank. - no", "cardId: cannot be blank. - no");
    check_names("\xE7\x8E\x8B", "\xE6\x98\x8E", "\xE5\xA7\x93\xE7\x8E\x8B\xE5\x90\x8D",
                "\xE5\xA7\x93***\xE5\x90\x8D");
}

/* ---- forms ---- */

static void case_is_that_of_unicode(void **state)
{
    (void)state;
    check_names(JOSE, "Xu", "name " JOSE_CAPITAL " is odd", "name *** is odd");
    check_names(JOSE_CAPITAL, "Xu", "name " JOSE " is odd", "name *** is odd");
    check_names("Stra\xC3\x9F", "Xu", "STRASS", "***");
    check_names("\xCE\x9D\xCE\xAF\xCE\xBA\xCE\xBF\xCF\x82", "Xu", "\xCE\x9D\xCE\x8A\xCE\x9A\xCE\x9F\xCE\xA3!",
                "***!");
    check_names("\xD0\x98\xD1\x8F", "Xu", "\xD0\x98\xD0\xAF, \xD0\x98\xD1\x8F\xD0\xB7",
                "***, \xD0\x98\xD1\x8F\xD0\xB7");
    check_names("I\xC5\x9F\xC4\xB1k", "Xu", "I\xC5\x9EIK", "***");
}

static void forms_of_a_character_are_one(void **state)
{
    (void)state;
    check_names(JOSE, "Xu", "name " JOSE_APART " is odd", "name *** is odd");
    check_names(JOSE, "Xu", "name Jos\\u0065\\u0301.", "name ***.");
    check_names(JOSE, "Xu", "name JOSE, Josefa", "name ***, Josefa");
    check_names("Li", "Xu", "\xEF\xBC\xAC\xEF\xBD\x89 L\xE2\x80\x8Bi L\xC2\xADi", "*** *** ***");
    check_names("O\xEF\xAC\x81", "Xu", "OFI offi", "*** offi");
    check_names("\xEA\xB9\x80", "Xu", "\xE1\x84\x80\xE1\x85\xB5\xE1\x86\xB7 ok", "*** ok");
    check_names("Ann", "Xu",
                "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93\xEF\xBC\x94 or \xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4",
                "*** or ***");
    check_names("Kazof", "Xu", "kazo\xEF\xAC\x81x", "***x"); /* found up to the middle of a ligature */
    check_names("Ann", "Xu", "user x\xEF\xBC\xA0y.example", "user ***");
}

/* Folded, the name is part of "something" and "nothing": it counts as a word. */
static void accents_make_no_value_long(void **state)
{
    (void)state;
    check_names("Th\xE1\xBB\x8B", "Xu", "something thi Th\xE1\xBB\x8B", "something *** ***");
    check_names(JOSE, "Xu", "x" JOSE "x xjosex", "x***x xjosex");
    check_names("L\xE1\xBA\xA3n", "Xu", "cannot be blank", "cannot be blank");
}

static void escaped_forms_are_masked(void **state)
{
    struct record record = named(JOSE, "Li");

    (void)state;
    record.text[FIELD_BILLING_CITY] = SPAN("\xF0\x90\x90\x80\xF0\x90\x90\x81");
    check_one(&record, "name=Jos%C3%A9&x=%4Ci", "name=***&x=***");
    check_one(&record, "name=JOS%c3%89+Li%20Li", "name=***+***%20***");
    check_one(&record, "name Jos%E9 Jose%CC%81", "name *** ***");
    check_one(&record, "name Jos\\\\u00e9 \\\\u004ci", "name *** ***");
    check_one(&record, "city \\\\ud801\\\\udc28\\\\uD801\\\\uDC29", "city ***");
    check_one(&record, "user some%40one.example", "user ***");
    check_one(&record, "100% of %1234 \\\\u12 \\\\ud801 %", "100% of %*** \\u12 \\ud801 %");
}

/* ---- the documented messages ---- */

static void documented_messages_stay_whole(void **state)
{
    static const char *const messages[] = {
        "customer already on click to pay", "bad request",           "CustomerID: cannot be blank",
        "cardId: cannot be blank.",         "internal server error", "click to pay is not enabled to tenant",
    };
    struct record record = full_record();

    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        check_one(&record, messages[i], messages[i]);
        check_names("Li", "Wu", messages[i], messages[i]);
        check_names("Customers", "Nable Requ", messages[i], messages[i]);
    }
}

/* A person may be named like a word of theirs; the verdict is not touched. */
static void a_name_is_hidden_also_where_it_is_a_word(void **state)
{
    struct record record = named("Will", "Pay");
    const struct api_answer answer = {API_ANSWERED, 400,
                                      SPAN("{\"message\":\"customer already on click to pay\"}")};
    struct api_outcome outcome;

    (void)state;
    api_judge(&answer, NULL, 0, &record, &record, &outcome);
    assert_string_equal(outcome.message, "customer already on click to ***");
    assert_string_equal(outcome.code, "already_on_click_to_pay");
    assert_int_equal(outcome.verdict, VERDICT_ALREADY);
    check_names("Tenant", "Bad", "click to pay is not enabled to tenant",
                "click to pay is not enabled to ***");
    check_names("Tenant",
                "B\xC3\xA4"
                "d",
                "bad request", "*** request");
}

/* ---- more ---- */

static void both_records_are_masked(void **state)
{
    struct record card, customer;

    (void)state;
    record_init(&card);
    record_init(&customer);
    card.card_id = 321;
    card.text[FIELD_BILLING_CITY] = SPAN("Sampleton");
    customer.customer_id = 654;
    customer.text[FIELD_FIRST_NAME] = SPAN("Zelda");
    check_masked(&card, &customer, "Zelda of Sampleton, 654/321", "*** of ***, ***/***");
    check_masked(&card, NULL, "Zelda of Sampleton", "Zelda of ***");
    check_masked(NULL, &customer, "Zelda of Sampleton", "*** of Sampleton");
}

/* "Sample" is hidden, and so is the longer value that begins inside of it. */
static void overlapping_values_are_masked_as_one(void **state)
{
    struct record record;

    (void)state;
    record_init(&record);
    record.text[FIELD_FIRST_NAME] = SPAN("Joanne");
    record.text[FIELD_LAST_NAME] = SPAN("Anneliese");
    check_masked(&record, &record, "name Joanneliese.", "name ***.");
}

static void e_mails_and_digits_are_masked(void **state)
{
    (void)state;
    check_masked(NULL, NULL, "no such user: someone@mail.example.", "no such user: ***");
    check_masked(NULL, NULL, "<a.b+c@x>, (d@e) and @ alone", "<***>, (***) and *** alone");
    check_masked(NULL, NULL, "email=some@one.example;x", "email=***;x");
    check_masked(NULL, NULL, "card 123 and 1234 and 4111111111111111x", "card 123 and *** and ***x");
    check_masked(NULL, NULL, "call +1 650 555-0100 now", "call +*** now");
    check_masked(NULL, NULL, "id 123-45-6789", "id ***");
    check_masked(NULL, NULL, "length 1-35, code 12 of 30, 10.0.0.1", "length 1-35, code 12 of 30, 10.0.0.1");
    check_masked(NULL, NULL, "999", "999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_request_are_masked),
        cmocka_unit_test(short_values_are_masked_as_words),
        cmocka_unit_test(names_of_two_letters_are_masked),
        cmocka_unit_test(parts_of_a_value_are_masked),
        cmocka_unit_test(parts_of_an_e_mail_are_masked),
        cmocka_unit_test(single_letters_are_masked_as_whole_names_only),
        cmocka_unit_test(case_is_that_of_unicode),
        cmocka_unit_test(forms_of_a_character_are_one),
        cmocka_unit_test(accents_make_no_value_long),
        cmocka_unit_test(escaped_forms_are_masked),
        cmocka_unit_test(documented_messages_stay_whole),
        cmocka_unit_test(a_name_is_hidden_also_where_it_is_a_word),
        cmocka_unit_test(both_records_are_masked),
        cmocka_unit_test(overlapping_values_are_masked_as_one),
        cmocka_unit_test(e_mails_and_digits_are_masked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
