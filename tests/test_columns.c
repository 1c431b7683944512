/* Header matching, mapping, constants, numbered columns, and every file fault with its literal message. */
#include "rule/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { CELLS_MOST = 40 };

static const char CARDS[] = "customer_id,account_id,card_id,owner_bid";
static const char CUSTOMERS[] = "customer_id,locale,first_name,last_name,emails,phones";
static const char ONE_FILE[] =
    "customer_id,account_id,card_id,owner_bid,locale,first_name,last_name,emails,phones";

/* Cuts "a,b,c" into cells; no quoting. */
static size_t cells_of(struct span line, struct span *cells)
{
    size_t count = 0;

    while (span_cut(&line, ',', &cells[count])) {
        count++;
        assert_true(count < CELLS_MOST);
    }
    return count;
}

static int open_line(struct columns **out, const char *header, const struct column_options *options,
                     struct fail *fail)
{
    struct span cells[CELLS_MOST];
    size_t count = cells_of(span_of(header), cells);

    *fail = (struct fail){.kind = FAIL_NONE};
    return columns_open(out, cells, count, options, fail);
}

static struct columns *open_good(const char *header, const struct column_options *options)
{
    struct columns *columns = NULL;
    struct fail fail;

    if (open_line(&columns, header, options, &fail) != 0)
        fail_msg("%s", fail.text);
    return columns;
}

static void assert_fault(const char *header, const struct column_options *options, enum fail_kind kind,
                         const char *text)
{
    struct columns *columns = NULL;
    struct fail fail;

    assert_int_equal(open_line(&columns, header, options, &fail), -1);
    assert_null(columns);
    assert_string_equal(fail.text, text);
    assert_int_equal(fail.kind, kind);
}

static void pick(const struct columns *columns, const char *record, struct raw_fields *raw)
{
    struct span cells[CELLS_MOST];
    size_t count = cells_of(span_of(record), cells);

    for (size_t i = count; i < CELLS_MOST; i++)
        cells[i] = SPAN("beyond the record");
    columns_pick(columns, cells, count, raw);
}

#define assert_cell(span, text) assert_true(span_is(span, text))

static void test_canonical_names_in_any_order(void **state)
{
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = open_good("card_id,owner_bid,account_id,status,customer_id", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "3,BID,2,ACTIVE,1", &raw);
    assert_cell(raw.whole[FIELD_CUSTOMER_ID], "1");
    assert_cell(raw.whole[FIELD_ACCOUNT_ID], "2");
    assert_cell(raw.whole[FIELD_CARD_ID], "3");
    assert_cell(raw.whole[FIELD_OWNER_BID], "BID");
    assert_cell(raw.whole[FIELD_STATUS], "ACTIVE");
    assert_int_equal(raw.whole[FIELD_FIRST_NAME].len, 0);
    assert_int_equal(columns_count(columns), 5);
    assert_null(columns_ignored(columns, 0));
    columns_close(columns);
}

static void test_names_match_without_case_blanks_and_dashes(void **state)
{
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = open_good("Customer ID, ACCOUNT-ID ,cardid,O_w-n e r\xC2\xA0\xC2\xA0"
                                        "BID,Billing Address Line1",
                                        &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,2,3,4,5", &raw);
    assert_cell(raw.whole[FIELD_CUSTOMER_ID], "1");
    assert_cell(raw.whole[FIELD_ACCOUNT_ID], "2");
    assert_cell(raw.whole[FIELD_CARD_ID], "3");
    assert_cell(raw.whole[FIELD_OWNER_BID], "4");
    assert_cell(raw.whole[FIELD_BILLING_LINE1], "5");
    columns_close(columns);
}

static void test_short_and_long_records(void **state)
{
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = open_good(CARDS, &options);
    struct raw_fields raw;

    (void)state;
    memset(&raw, 0xFF, sizeof raw);
    pick(columns, "1,2", &raw);
    assert_cell(raw.whole[FIELD_ACCOUNT_ID], "2");
    assert_int_equal(raw.whole[FIELD_CARD_ID].len, 0);
    assert_int_equal(raw.emails[4].len, 0);
    assert_int_equal(raw.identifier_values[4].len, 0);
    pick(columns, "1,2,3,4,5,6", &raw);
    assert_cell(raw.whole[FIELD_OWNER_BID], "4");
    columns_close(columns);
}

static void test_numbered_columns(void **state)
{
    struct column_options options = {.files = IN_CUSTOMERS};
    struct columns *columns =
        open_good("customer_id,locale,first_name,last_name,Email 1,email-5,PHONE_2,phone3,"
                  "national_identifier_type_1,NationalIdentifierValue1,"
                  "national identifier value 5",
                  &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,l,f,n,e1,e5,p2,p3,t1,v1,v5", &raw);
    assert_cell(raw.emails[0], "e1");
    assert_cell(raw.emails[4], "e5");
    assert_int_equal(raw.emails[1].len, 0);
    assert_cell(raw.phones[1], "p2");
    assert_cell(raw.phones[2], "p3");
    assert_cell(raw.identifier_types[0], "t1");
    assert_cell(raw.identifier_values[0], "v1");
    assert_cell(raw.identifier_values[4], "v5");
    columns_close(columns);
}

static void test_mapped_headers(void **state)
{
    const struct column_setting settings[] = {{"first_name", "Given Name", NULL}, {"EMAIL-1", "mail", NULL}};
    struct column_options options = {.settings = settings, .count = 2, .files = IN_CUSTOMERS};
    struct columns *columns =
        open_good("customer_id,locale,given_NAME,last_name,first_name,Mail,phones", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,l,given,last,first,m,p", &raw);
    assert_cell(raw.whole[FIELD_FIRST_NAME], "given");
    assert_cell(raw.emails[0], "m");
    assert_string_equal(columns_ignored(columns, 0), "first_name");
    assert_null(columns_ignored(columns, 1));
    columns_close(columns);
}

static void test_one_header_for_two_fields(void **state)
{
    const struct column_setting settings[] = {{"first_name", "name", NULL}, {"last_name", "name", NULL}};
    struct column_options options = {.settings = settings, .count = 2, .files = IN_CUSTOMERS};
    struct columns *columns = open_good("customer_id,locale,name,emails,phones", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,l,both,e,p", &raw);
    assert_cell(raw.whole[FIELD_FIRST_NAME], "both");
    assert_cell(raw.whole[FIELD_LAST_NAME], "both");
    columns_close(columns);
}

static void test_constants(void **state)
{
    const struct column_setting settings[] = {{"owner_bid", NULL, "0001"}, {"status", NULL, ""}};
    struct column_options options = {.settings = settings, .count = 2, .files = IN_CARDS};
    struct columns *columns = open_good("customer_id,account_id,card_id,owner_bid,status", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,2,3,9,CLOSED", &raw);
    assert_cell(raw.whole[FIELD_OWNER_BID], "0001");
    assert_int_equal(raw.whole[FIELD_STATUS].len, 0);
    assert_string_equal(columns_ignored(columns, 0), "owner_bid");
    assert_string_equal(columns_ignored(columns, 1), "status");
    columns_close(columns);
}

static void test_settings_of_the_other_file_do_not_matter(void **state)
{
    const struct column_setting settings[] = {{"first_name", "Given Name", NULL}, {"locale", NULL, "en_US"}};
    struct column_options options = {.settings = settings, .count = 2, .files = IN_CARDS};
    struct columns *columns = open_good("customer_id,account_id,card_id,owner_bid,first_name", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,2,3,4,x", &raw);
    assert_int_equal(raw.whole[FIELD_FIRST_NAME].len, 0);
    assert_int_equal(raw.whole[FIELD_LOCALE].len, 0);
    assert_string_equal(columns_ignored(columns, 0), "first_name");
    columns_close(columns);
}

static void test_a_mapped_column_of_both_files_may_stand_in_one(void **state)
{
    const struct column_setting settings[] = {{"billing_city", "Town", NULL}, {"status", "State", NULL}};
    struct column_options options = {.settings = settings, .count = 2, .files = IN_CARDS};
    struct columns *columns = open_good(CARDS, &options);

    (void)state;
    assert_false(columns_has_address(columns));
    columns_close(columns);
    options.files = IN_BOTH;
    assert_fault(
        ONE_FILE, &options, FAIL_INPUT,
        "header: [columns] names what is not there: columns.billing_city = 'Town', columns.status = 'State'");
}

/* Opens both headers with the settings; NULL when the pair is accepted, else the fault's text. */
static const char *pair_fault(const char *cards, const char *customers, const struct column_setting *settings,
                              size_t count)
{
    static struct fail fail;
    struct column_options options = {.settings = settings, .count = count, .files = IN_CARDS};
    struct columns *first = open_good(cards, &options), *second;
    int rc;

    options.files = IN_CUSTOMERS;
    second = open_good(customers, &options);
    fail = (struct fail){.kind = FAIL_NONE};
    rc = columns_check_pair(first, second, &fail);
    columns_close(first);
    columns_close(second);
    assert_int_equal(fail.kind, rc == 0 ? FAIL_NONE : FAIL_INPUT);
    return rc == 0 ? NULL : fail.text;
}

#define CARDS_WITH(column) "customer_id,account_id,card_id,owner_bid," column
#define CUSTOMERS_WITH(column) "customer_id,locale,first_name,last_name,emails,phones," column

static void test_a_mapped_column_in_neither_file(void **state)
{
    const struct column_setting town[] = {{"Billing City", "Town Name", NULL}};
    const struct column_setting several[] = {
        {"status", "Zustand", NULL}, {"billing_state", "Region", NULL}, {"billing_city", "Town Name", NULL}};
    const struct column_setting constant[] = {{"billing_country_code", NULL, "BRA"}};

    (void)state;
    assert_null(pair_fault(CARDS_WITH("town_name"), CUSTOMERS, town, 1));
    assert_null(pair_fault(CARDS, CUSTOMERS_WITH("TOWN-NAME"), town, 1));
    assert_null(pair_fault(CARDS_WITH("town name"), CUSTOMERS_WITH("town name"), town, 1));
    assert_null(pair_fault(CARDS, CUSTOMERS, constant, 1));
    assert_string_equal(pair_fault(CARDS, CUSTOMERS, town, 1),
                        "[columns] names what stands in neither file: columns.billing_city = 'Town Name'");
    assert_string_equal(pair_fault(CARDS_WITH("Colour,Shoe"), CUSTOMERS_WITH("Shoe,TownNames"), town, 1),
                        "[columns] names what stands in neither file: columns.billing_city = 'Town Name' "
                        "(there is 'TownNames')");
    /* the canonical name was given away by the setting, so it is unused too */
    assert_string_equal(
        pair_fault(CARDS_WITH("Regon,Region of work"), CUSTOMERS_WITH("billing_city"), several, 3),
        "[columns] names what stands in neither file: columns.billing_city = 'Town Name', "
        "columns.billing_state = 'Region' (there is 'Regon'), columns.status = 'Zustand'");
    assert_string_equal(pair_fault(CARDS_WITH("Region"), CUSTOMERS_WITH("Town Name"), several, 3),
                        "[columns] names what stands in neither file: columns.status = 'Zustand'");
}

static void test_address(void **state)
{
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = open_good("customer_id,account_id,card_id,owner_bid,billing_state", &options);

    (void)state;
    assert_true(columns_has_address(columns));
    columns_close(columns);
    columns = open_good(CARDS, &options);
    assert_false(columns_has_address(columns));
    columns_close(columns);
}

static void test_billing_constants_only_complete_an_address(void **state)
{
    const struct column_setting settings[] = {{"billing_country_code", NULL, "BRA"}};
    struct column_options options = {.settings = settings, .count = 1, .files = IN_CARDS};
    struct columns *columns = open_good("customer_id,account_id,card_id,owner_bid,billing_city", &options);
    struct raw_fields raw;

    (void)state;
    pick(columns, "1,2,3,4,Rio", &raw);
    assert_cell(raw.whole[FIELD_BILLING_CITY], "Rio");
    assert_cell(raw.whole[FIELD_BILLING_COUNTRY_CODE], "BRA");
    pick(columns, "1,2,3,4, ", &raw);
    assert_int_equal(raw.whole[FIELD_BILLING_COUNTRY_CODE].len, 0);
    columns_close(columns);
    columns = open_good(CARDS, &options);
    assert_false(columns_has_address(columns));
    pick(columns, "1,2,3,4", &raw);
    assert_int_equal(raw.whole[FIELD_BILLING_COUNTRY_CODE].len, 0);
    columns_close(columns);
}

static void test_an_address_of_constants_in_one_file(void **state)
{
    const struct column_setting settings[] = {{"billing_address_line1", NULL, "Branch 7"}};
    struct column_options options = {.settings = settings, .count = 1, .files = IN_BOTH};
    struct columns *columns = open_good(ONE_FILE, &options);
    struct raw_fields raw;

    (void)state;
    assert_true(columns_has_address(columns));
    pick(columns, "1,2,3,4,5,6,7,8,9", &raw);
    assert_cell(raw.whole[FIELD_BILLING_LINE1], "Branch 7");
    columns_close(columns);
}

static void test_ignored_headers(void **state)
{
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = open_good(
        "customer_id,account_id,card_id,owner_bid,Colour,_ctp_code,,_CTP_message, Zo\xC3\xAB ,email_6,Colour",
        &options);

    (void)state;
    assert_string_equal(columns_ignored(columns, 0), "Colour");
    assert_string_equal(columns_ignored(columns, 1), "Zo\xC3\xAB");
    assert_string_equal(columns_ignored(columns, 2), "email_6");
    assert_string_equal(columns_ignored(columns, 3), "Colour");
    assert_null(columns_ignored(columns, 4));
    assert_int_equal(columns_count(columns), 11);
    columns_close(columns);
}

static void test_required_columns(void **state)
{
    struct column_options options = {.files = IN_CARDS};

    (void)state;
    assert_fault("customer_id,card_id,owner_bid", &options, FAIL_INPUT,
                 "header: required column missing: 'account_id'; add it, or map its name in [columns]");
    assert_fault("customer_id,acount_id,card_id,owner_bid", &options, FAIL_INPUT,
                 "header: required column missing: 'account_id' (the header has 'acount_id')"
                 "; add it, or map its name in [columns]");
    assert_fault("customer_id", &options, FAIL_INPUT,
                 "header: required column missing: 'account_id', 'card_id', 'owner_bid'"
                 "; add it, or map its name in [columns]");
    options.files = IN_CUSTOMERS;
    assert_fault(
        "customer_id,email", &options, FAIL_INPUT,
        "header: required column missing: 'locale', 'first_name', 'last_name', 'emails' (the header has "
        "'email'), 'phones'; add it, or map its name in [columns]");
}

static void test_requirements_that_settings_lift(void **state)
{
    struct column_options options = {.files = IN_CARDS, .has_owner_bid = true};

    (void)state;
    columns_close(open_good("customer_id,account_id,card_id", &options));
    options = (struct column_options){.files = IN_CUSTOMERS, .has_locale = true};
    columns_close(open_good("customer_id,first_name,last_name,emails,phones", &options));
    options = (struct column_options){.files = IN_CUSTOMERS, .allow_internal = true};
    columns_close(open_good("customer_id,locale", &options));
    options = (struct column_options){.files = IN_CUSTOMERS};
    columns_close(open_good("customer_id,locale,first_name,last_name,email_2,phone_5", &options));
    columns_close(open_good(CUSTOMERS, &options));
    options.files = IN_BOTH;
    columns_close(open_good(ONE_FILE, &options));
    assert_fault(CARDS, &options, FAIL_INPUT,
                 "header: required column missing: 'locale', 'first_name', 'last_name', 'emails', 'phones'"
                 "; add it, or map its name in [columns], or name the customers file (--customers)");
    assert_fault("customer_id,account_id,card_id,owner_bid,locale,first_name,last_name,emails", &options,
                 FAIL_INPUT,
                 "header: required column missing: 'phones'; add it, or map its name in [columns]");
}

static void test_the_same_column_twice(void **state)
{
    const struct column_setting settings[] = {{"owner_bid", "Bank", NULL}};
    struct column_options options = {.files = IN_CARDS};

    (void)state;
    assert_fault("customer_id,account_id,card_id,owner_bid,Customer ID", &options, FAIL_INPUT,
                 "header: the column 'customer_id' stands twice (cells 1 and 5); remove one");
    options.settings = settings;
    options.count = 1;
    assert_fault("customer_id,account_id,card_id,bank,BANK", &options, FAIL_INPUT,
                 "header: the column 'owner_bid' stands twice (cells 4 and 5); remove one");
}

/* A first record that was taken for the header may be of a person: none of its cells is told. */
static void test_a_first_record_is_not_echoed(void **state)
{
    const struct column_setting settings[] = {{"customer_id", "Kunde", NULL}};
    struct column_options options = {.files = IN_CUSTOMERS, .allow_internal = true};

    (void)state;
    assert_fault(
        "11,Emil,Locala,emil@example.com", &options, FAIL_INPUT,
        "no header: the first line names no known column, it seems to be data (put a line with column "
        "names above it, or map its names in [columns]); required: 'customer_id', 'locale'");
    assert_fault("11,Status,Customer Ida", &options, FAIL_INPUT,
                 "header: required column missing: 'customer_id', 'locale'; add it, or map its name in "
                 "[columns]");
    options.settings = settings;
    options.count = 1;
    assert_fault(
        "11,Kunda", &options, FAIL_INPUT,
        "no header: the first line names no known column, it seems to be data (put a line with column "
        "names above it, or map its names in [columns]); required: columns.customer_id = 'Kunde', "
        "'locale'");
}

static void test_a_mapped_header_that_is_not_there(void **state)
{
    const struct column_setting settings[] = {{"owner_bid", "Bank Code", NULL},
                                              {"card_id", "Kartennummer", NULL}};
    struct column_options options = {
        .settings = settings, .count = 2, .files = IN_CARDS, .has_owner_bid = true};

    (void)state;
    assert_fault(
        "customer_id,account_id,card_id,bank_cod", &options, FAIL_INPUT,
        "header: [columns] names what is not there: columns.card_id = 'Kartennummer', columns.owner_bid = "
        "'Bank Code' (the header has 'bank_cod')");
}

static void test_a_header_that_is_none(void **state)
{
    struct column_options options = {.files = IN_CARDS};

    (void)state;
    assert_fault(
        "1,2,3,Ana", &options, FAIL_INPUT,
        "no header: the first line names no known column, it seems to be data (put a line with column "
        "names above it, or map its names in [columns]); required: 'customer_id', 'account_id', "
        "'card_id', 'owner_bid'");
    assert_fault(
        "", &options, FAIL_INPUT,
        "no header: the first line names no known column, it seems to be data (put a line with column "
        "names above it, or map its names in [columns]); required: 'customer_id', 'account_id', "
        "'card_id', 'owner_bid'");
    assert_fault(
        "customer_id;account_id;card_id", &options, FAIL_INPUT,
        "no header: the first line names no known column, it seems to be parted by another delimiter "
        "(set input.delimiter, or auto); required: 'customer_id', 'account_id', 'card_id', "
        "'owner_bid'");
    assert_fault(
        "customer_id,Stra\xDF"
        "e",
        &options, FAIL_INPUT,
        "header, cell 2: not valid UTF-8; export the file as UTF-8, or name its encoding in input.encoding");
}

static void test_settings_are_checked(void **state)
{
    const struct column_setting unknown[] = {{"frist_name", "x", NULL}};
    const struct column_setting strange[] = {{"shoe size", "x", NULL}};
    const struct column_setting numbered[] = {{"phone_6", "x", NULL}};
    const struct column_setting twice[] = {{"email_1", "x", NULL}, {"E-Mail 1", "y", NULL}};
    struct column_options options = {.settings = unknown, .count = 1, .files = IN_CARDS};
    struct fail fail;

    (void)state;
    assert_int_equal(columns_check(unknown, 1, &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_string_equal(fail.text, "[columns]: there is no column 'frist_name'; did you mean 'first_name'?");
    assert_int_equal(columns_check(strange, 1, &fail), -1);
    assert_string_equal(fail.text, "[columns]: there is no column 'shoe size'");
    assert_int_equal(columns_check(numbered, 1, &fail), -1);
    assert_string_equal(fail.text, "[columns]: there is no column 'phone_6'; did you mean 'phones'?");
    assert_int_equal(columns_check(twice, 2, &fail), -1);
    assert_string_equal(fail.text, "[columns]: 'email_1' is set twice");
    assert_int_equal(columns_check(twice, 1, &fail), 0);
    assert_fault(CARDS, &options, FAIL_USAGE,
                 "[columns]: there is no column 'frist_name'; did you mean 'first_name'?");
}

static void test_control_characters_in_a_header(void **state)
{
    const struct span cells[] = {SPAN("customer_id"), SPAN("account_id"), SPAN("card_id"), SPAN("owner\0bid"),
                                 SPAN("owner_bid")};
    struct column_options options = {.files = IN_CARDS};
    struct columns *columns = NULL;
    struct fail fail;

    (void)state;
    assert_int_equal(columns_open(&columns, cells, 5, &options, &fail), 0);
    assert_null(columns_ignored(columns, 0));
    columns_close(columns);
    columns_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_names_in_any_order),
        cmocka_unit_test(test_names_match_without_case_blanks_and_dashes),
        cmocka_unit_test(test_short_and_long_records),
        cmocka_unit_test(test_numbered_columns),
        cmocka_unit_test(test_mapped_headers),
        cmocka_unit_test(test_one_header_for_two_fields),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_settings_of_the_other_file_do_not_matter),
        cmocka_unit_test(test_a_mapped_column_of_both_files_may_stand_in_one),
        cmocka_unit_test(test_a_mapped_column_in_neither_file),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_billing_constants_only_complete_an_address),
        cmocka_unit_test(test_an_address_of_constants_in_one_file),
        cmocka_unit_test(test_ignored_headers),
        cmocka_unit_test(test_required_columns),
        cmocka_unit_test(test_requirements_that_settings_lift),
        cmocka_unit_test(test_the_same_column_twice),
        cmocka_unit_test(test_a_first_record_is_not_echoed),
        cmocka_unit_test(test_a_mapped_header_that_is_not_there),
        cmocka_unit_test(test_a_header_that_is_none),
        cmocka_unit_test(test_settings_are_checked),
        cmocka_unit_test(test_control_characters_in_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
