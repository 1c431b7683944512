/* table: in any encoding the same names, streamed and read again by their place. */
#include "work/portfolio.h"
#include "work/table.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct table_options options_for(const char *encoding)
{
    return (struct table_options){
        .spool = {.base = scratch_path("ledger.db")},
        .reader = {.delimiter = ',', .max_record_bytes = 65536, .encoding = encoding},
        .columns = {.has_owner_bid = true, .has_locale = true, .allow_internal = true},
        .rules = {
            .list_separator = ';', .allow_internal = true, .owner_bid = SPAN("1"), .locale = SPAN("pt_BR")}};
}

static void check_name(const struct table_row *row, const char *first_name)
{
    assert_int_equal(row->record->problem_count, 0);
    assert_int_equal(row->record->customer_id, 7);
    if (!span_is(row->record->text[FIELD_FIRST_NAME], first_name))
        fail_msg("'%.*s' instead of '%s'", (int)row->record->text[FIELD_FIRST_NAME].len,
                 row->record->text[FIELD_FIRST_NAME].ptr, first_name);
}

/* A customers file of a header and one record, which stands at `offset`. */
static void reads_name(const char *encoding, struct span bytes, int64_t offset, const char *first_name)
{
    struct table_options options = options_for(encoding);
    struct table *table;
    struct table_row row;
    struct table_place place;
    struct fail fail;

    if (table_open(&table, scratch_write("customers.csv", bytes), IN_CUSTOMERS, &options, &fail) != 0)
        fail_msg("%s", fail.text);
    assert_int_equal(table_next(table, &row, &fail), 1);
    check_name(&row, first_name);
    assert_int_equal(row.at.record, 1);
    assert_int_equal(row.at.line, 3);
    assert_int_equal(row.at.offset, offset);
    place = (struct table_place){row.at.offset, row.at.length, row.at.line};
    assert_int_equal(table_fetch(table, &place, 0, &row, &fail), 0);
    check_name(&row, first_name);
    assert_int_equal(table_next(table, &row, &fail), 0);
    table_close(table);
}
#define READS_NAME(encoding, bytes, offset, name) reads_name(encoding, SPAN(bytes), offset, name)

#define HEADER "customer_id,first_name\n\n"
#define HEADER_LE "c\0u\0s\0t\0o\0m\0e\0r\0_\0i\0d\0,\0f\0i\0r\0s\0t\0_\0n\0a\0m\0e\0\n\0\n\0"
#define HEADER_BE "\0c\0u\0s\0t\0o\0m\0e\0r\0_\0i\0d\0,\0f\0i\0r\0s\0t\0_\0n\0a\0m\0e\0\n\0\n"

static void names_come_out_as_utf8_in_nfc(void **state)
{
    (void)state;
    READS_NAME("UTF-8", HEADER "7,Jos\xC3\xA9\n", 24, "Jos\xC3\xA9");
    READS_NAME("UTF-8", HEADER "7,Jose\xCC\x81\n", 24, "Jos\xC3\xA9");
    READS_NAME("WINDOWS-1252", HEADER "7,Jos\xE9 \x8A\n", 24, "Jos\xC3\xA9 \xC5\xA0");
    READS_NAME("ISO-8859-15", HEADER "7,Jos\xE9 \xA6\n", 24, "Jos\xC3\xA9 \xC5\xA0");
    READS_NAME("SHIFT_JIS", HEADER "7,\x83\x7C\x81\x5B\x83\x8B\n", 24,
               "\xE3\x83\x9D\xE3\x83\xBC\xE3\x83\xAB");
    READS_NAME("UTF-16", "\xFF\xFE" HEADER_LE "7\0,\0J\0e\0\x01\x03\n\0", 50, "J\xC3\xA9");
    READS_NAME("UTF-16",
               "\xFE\xFF" HEADER_BE "\0"
               "7\0,\0J\0e\x03\x01\0\n",
               50, "J\xC3\xA9");
    READS_NAME("UTF-16LE", HEADER_LE "7\0,\0J\0\x0A\x0A", 48, "J\xE0\xA8\x8A"); /* U+0A0A */
    READS_NAME("UTF-16BE",
               HEADER_BE "\0"
                         "7\0,\x0D\x0A\0\n",
               48, "\xE0\xB4\x8A"); /* U+0D0A */
}

static void opens(const char *encoding, struct span bytes, const char *why)
{
    struct table_options options = options_for(encoding);
    const char *path = scratch_write("customers.csv", bytes);
    char text[1200];
    struct table *table;
    struct fail fail;

    assert_int_equal(table_open(&table, path, IN_CUSTOMERS, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    (void)snprintf(text, sizeof text, "%s%s", path, why);
    assert_string_equal(fail.text, text);
}

static void a_header_that_does_not_decode_is_a_fault_of_the_file(void **state)
{
    (void)state;
    opens("WINDOWS-1252", SPAN("customer_id,caf\x81\n"),
          ": header, cell 2: does not decode as WINDOWS-1252; export the file as UTF-8, or name its encoding "
          "in "
          "input.encoding");
    opens("UTF-8", SPAN("customer_id,caf\xE9\n"),
          ": header, cell 2: not valid UTF-8; export the file as UTF-8, or name its encoding in "
          "input.encoding");
    opens("UTF-8", SPAN("\xFF\xFE" HEADER_LE),
          ": begins with the byte order mark of UTF-16LE, but input.encoding is UTF-8; set input.encoding = "
          "UTF-16LE");
    opens("UTF-16", SPAN(HEADER_LE),
          ": no byte order mark, which tells the order of bytes in UTF-16; set input.encoding = UTF-16LE or "
          "UTF-16BE");
    opens("UTF-16", SPAN(""), ": empty: a header line with column names is needed");
}

static void an_unknown_encoding_is_found_before_the_file_is_opened(void **state)
{
    struct table_options options = options_for("EBCDIC-NOWHERE");
    struct table *table;
    struct fail fail;

    (void)state;
    assert_int_equal(table_open(&table, scratch_path("missing.csv"), IN_CARDS, &options, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_string_equal(fail.text,
                        "input.encoding: unknown encoding 'EBCDIC-NOWHERE'; give a name that iconv knows "
                        "(iconv -l lists them), such as WINDOWS-1252, ISO-8859-15, UTF-16 or SHIFT_JIS, "
                        "without a suffix");
    options = options_for("SHIFT_JIS");
    options.reader.delimiter = '\\';
    assert_int_equal(table_open(&table, scratch_path("missing.csv"), IN_CARDS, &options, &fail), -1);
    assert_string_equal(fail.text, "input.delimiter: SHIFT_JIS has no '\\'; set the one that is in the file");
}

/* Changes the file in place, with its time of modification as it was; until its status has another time. */
static void forge(const char *path, struct span bytes)
{
    struct timespec times[2];
    struct stat before, now;

    assert_int_equal(stat(path, &before), 0);
    times[0] = before.st_atim;
    times[1] = before.st_mtim;
    do {
        (void)scratch_write("customers.csv", bytes);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        assert_int_equal(stat(path, &now), 0);
    } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

/* Changed and changed back: the bytes are those of before, but what was read in between is not. */
static void what_was_read_of_a_touched_file_is_to_be_read_again(void **state)
{
    struct table_options options = options_for("UTF-8");
    struct table_place place = {24, 5, 3};
    char digest[DIGEST_TEXT_SIZE];
    struct portfolio *portfolio;
    struct table *table;
    struct table_row row;
    struct fail fail;
    const char *path = scratch_write("customers.csv", SPAN(HEADER "7,Ana\n"));

    (void)state;
    assert_int_equal(table_open(&table, path, IN_CUSTOMERS, &options, &fail), 0);
    assert_int_equal(table_digest(table, digest, &fail), 0);
    portfolio_open(&portfolio, &options);
    portfolio_adopt(portfolio, 1, table);
    assert_int_equal(portfolio_check(portfolio, &fail), 0);
    forge(path, SPAN(HEADER "7,Eve\n"));
    assert_int_equal(table_fetch(table, &place, 0, &row, &fail), 0);
    check_name(&row, "Eve");
    forge(path, SPAN(HEADER "7,Ana\n"));
    assert_int_equal(portfolio_check(portfolio, &fail), 1);
    assert_int_equal(table_fetch(table, &place, 0, &row, &fail), 0);
    check_name(&row, "Ana");
    assert_int_equal(portfolio_check(portfolio, &fail), 0);
    portfolio_close(portfolio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_out_as_utf8_in_nfc),
        cmocka_unit_test(a_header_that_does_not_decode_is_a_fault_of_the_file),
        cmocka_unit_test(what_was_read_of_a_touched_file_is_to_be_read_again),
        cmocka_unit_test(an_unknown_encoding_is_found_before_the_file_is_opened),
    };

    return cmocka_run_group_tests_name("table", tests, scratch_open, scratch_close);
}
