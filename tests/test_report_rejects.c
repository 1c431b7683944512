/* report: refused records as they are written out again, to be corrected and fed back. */
#include "flow/report.h"

#include "ledger_case.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void write_report(struct desk *desk)
{
    const struct report_options options = {
        .folder = scratch_path("out"), .overdue_ms = 86400000, .now_ms = NOW_MS + 1000, .log = &desk->log};

    if (report_write(desk->ledger, desk->portfolio, &options, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

/* Everything that was logged into the file "log". */
static void log_to_file(struct desk *desk)
{
    int fd = open(scratch_path("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    log_open(&desk->log, fd, LOG_WARN, false);
}

#define NUMBER(column)                                                                                   \
    column ": not a whole number from 1 to 9223372036854775807; give the Pismo ID in digits only; in a " \
           "spreadsheet "                                                                                \
           "format the column as text"

static void rejects_are_the_original_bytes_and_why(void **state)
{
    struct desk *desk = *state;

    desk_load(
        desk,
        "\xEF\xBB\xBF\"customer_id\", account_id,card_id\r\n11,21,501\r\n x ,\"2\"\"1\",501\r\n13,21\r\n"
        "14,\"2\r\n1\",503\r\n\xFF,21,504\r\n\"1\r\n5\",\"21,505\r\n",
        NULL);
    assert_string_equal(desk_counts(desk, false), "6 1 0 0 0 5");
    write_report(desk);
    scratch_holds(
        "out/cards.rejects.csv",
        "\xEF\xBB\xBF\"customer_id\", account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
        " x "
        ",\"2\"\"1\",501,bad_integer;bad_integer;duplicate_card,customer_id;account_id;card_"
        "id," NUMBER("customer_id") "; " NUMBER(
            "account_id") "; card_id: another record with this card_id says otherwise; the first "
                          "one stands; keep one "
                          "of the two\n"
                          "13,21,column_count,,\"the record has not as many cells as the header (2 "
                          "instead of 3); look for a missing "
                          "delimiter, or for one inside a value without quotes\"\n"
                          "14,\"2\r\n1\",503,bad_integer,account_id," NUMBER(
                              "account_id") "\n"
                                            "\xFF,21,504,bad_utf8,customer_id,\"customer_id: not "
                                            "valid UTF-8; export as UTF-8, or name the file's "
                                            "encoding "
                                            "in input.encoding\"\n"
                                            "\"1\r\n5\",\"21,505,unclosed_quote,,\"a quote is opened and "
                                            "never closed (on line 9); close it, or double a quote "
                                            "that "
                                            "belongs to the value\"\n");
    assert_false(scratch_exists("out/customers.rejects.csv"));
}

static void rejects_use_the_files_own_delimiter(void **state)
{
    struct desk *desk = *state;

    desk->tables.reader.delimiter = 0;
    desk_load(desk, "customer_id;account_id;card_id\n11;x;501\n", NULL);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id;account_id;card_id;_ctp_code;_ctp_field;_ctp_message\n"
                  "11;x;501;bad_integer;account_id;\"" NUMBER("account_id") "\"\n");
}

static void both_files_have_their_rejects(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "x,\n12,\n12,\n");
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "11,21,501,no_customer,customer_id,\"customer_id: no record of the customers file has this "
                  "customer_id; add the "
                  "customer, or remove the card\"\n");
    scratch_holds("out/customers.rejects.csv",
                  "customer_id,status,_ctp_code,_ctp_field,_ctp_message\n"
                  "x,,bad_integer,customer_id," NUMBER(
                      "customer_id") "\n"
                                     "12,,duplicate_customer,customer_id,customer_id: another record with "
                                     "this customer_id says otherwise; the "
                                     "first one stands; keep one of the two\n");
}

/* Corrected, the file is input again: our own columns are no warning and no fault. */
static void corrected_rejects_are_input_again(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n12,21,502\n", NULL);
    write_report(desk);
    desk_load(desk,
              "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n11,21,501,bad_integer,"
              "account_id,why\n",
              NULL);
    ROWS_ARE(desk, "1/2 502 ready\n2/1 501 ready\n");
    write_report(desk);
    scratch_holds("out/cards.rejects.csv", /* of the newest file's header, without a record */
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n");
}

#define OWN ",_ctp_code,_ctp_field,_ctp_message"

/* Our cells give way to the new ones; every other byte stays, and the file is that of the first records. */
static void rejects_of_corrected_rejects_have_our_columns_once(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n12,y,502\n", NULL);
    desk_load(desk,
              "customer_id,account_id,card_id" OWN "\n"
              " 11,\"x,\"\"\" ,501, bad_integer,\"account_id\",\"a, \"\"b\"\"\nc\"\n",
              NULL);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id,account_id,card_id" OWN "\n"
                  "12,y,502,bad_integer,account_id," NUMBER(
                      "account_id") "\n"
                                    " 11,\"x,\"\"\" ,501,bad_integer,account_id," NUMBER("account_id") "\n");
    assert_false(scratch_exists("out/cards.rejects.2.csv"));
}

#define COUNT(have)                                                                             \
    ",column_count,,\"the record has not as many cells as the header (" have " instead of 6); " \
    "look for a missing delimiter, or for one inside a value without quotes\"\n"

/* In a record of another number of cells ours are only found while they hold codes. */
static void cells_that_may_not_be_ours_stay(void **state)
{
    struct desk *desk = *state;

    desk_load(desk,
              "customer_id,account_id,card_id" OWN "\n"
              "11,21,50,1,bad_integer;no_customer,card_id;customer_id,why\n"
              "12,21,50,2,fixed,,why\n"
              "13,21,503\n"
              "14,21,\"504,unclosed_quote,,why\n",
              NULL);
    write_report(desk);
    scratch_holds(
        "out/cards.rejects.csv",
        "customer_id,account_id,card_id" OWN "\n"
        "11,21,50,1" COUNT("7") "12,21,50,2,fixed,,why" COUNT("7") "13,21,503" COUNT(
            "3") "14,21,\"504,unclosed_quote,,why,unclosed_quote,,\"a quote is opened and never closed (on "
                 "line 5); close it, or double a quote that belongs to the value\"\n");
}

/* Columns of ours that are not the last ones stay where somebody put them. */
static void our_columns_elsewhere_stay(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, "_ctp_code,_ctp_field,_ctp_message,customer_id,account_id,card_id\n,,,11,x,501\n", NULL);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "_ctp_code,_ctp_field,_ctp_message,customer_id,account_id,card_id" OWN "\n"
                  ",,,11,x,501,bad_integer,account_id," NUMBER("account_id") "\n");
}

/* The second byte of the katakana PO is the delimiter's. */
static void rejects_are_in_the_encoding_of_the_file(void **state)
{
    struct desk *desk = *state;

    desk->tables.reader.delimiter = '|';
    desk->tables.reader.encoding = "shift_jis";
    desk_load(desk,
              "customer_id|account_id|card_id|\x83\x7C|_ctp_code|_ctp_field|_ctp_message\n"
              "11|x|501|\x83\x7C\x83\x7C|a|b|\x83\x7C\n12|21|\xFD|2|||\n",
              NULL);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id|account_id|card_id|\x83\x7C|_ctp_code|_ctp_field|_ctp_message\n"
                  "11|x|501|\x83\x7C\x83\x7C|bad_integer|account_id|" NUMBER(
                      "account_id") "\n"
                                    "12|21|\xFD|2|bad_utf8|card_id|card_id: does not decode as SHIFT_JIS; "
                                    "export as UTF-8, or name "
                                    "the file's encoding in input.encoding\n");
}

/* Line ends, delimiters and our words are bytes of their own there. */
static void rejects_in_ebcdic(void **state)
{
    struct desk *desk = *state;

    desk->tables.reader.encoding = "IBM500";
    desk_load(desk,
              "\x83\xA4\xA2\xA3\x96\x94\x85\x99\x6D\x89\x84\x6B\x81\x83\x83\x96\xA4\x95\xA3\x6D\x89\x84\x6B"
              "\x83\x81\x99\x84\x6D\x89\x84\x15" /* customer_id,account_id,card_id NEL */
              "\xF1\x6B\xF2\x15",                /* 1,2 NEL */
              NULL);
    ROWS_ARE(desk, "1/1 - invalid column_count\n");
    write_report(desk);
    scratch_holds(
        "out/cards.rejects.csv",
        "\x83\xA4\xA2\xA3\x96\x94\x85\x99\x6D\x89\x84\x6B\x81\x83\x83\x96\xA4\x95\xA3\x6D\x89\x84\x6B"
        "\x83\x81\x99\x84\x6D\x89\x84" /* then ,_ctp_code,_ctp_field,_ctp_message LF */
        "\x6B\x6D\x83\xA3\x97\x6D\x83\x96\x84\x85\x6B\x6D\x83\xA3\x97\x6D\x86\x89\x85\x93\x84"
        "\x6B\x6D\x83\xA3\x97\x6D\x94\x85\xA2\xA2\x81\x87\x85\x25"
        "\xF1\x6B\xF2" /* then ,column_count,,"the record has not as many cells as the header (2 instead of
                          3); */
        "\x6B\x83\x96\x93\xA4\x94\x95\x6D\x83\x96\xA4\x95\xA3\x6B\x6B\x7F"
        "\xA3\x88\x85\x40\x99\x85\x83\x96\x99\x84\x40\x88\x81\xA2\x40\x95\x96\xA3\x40\x81\xA2\x40"
        "\x94\x81\x95\xA8\x40\x83\x85\x93\x93\xA2\x40\x81\xA2\x40\xA3\x88\x85\x40\x88\x85\x81\x84\x85\x99"
        "\x40\x4D\xF2\x40\x89\x95\xA2\xA3\x85\x81\x84\x40\x96\x86\x40\xF3\x5D\x5E\x40"
        /* look for a missing delimiter, or for one inside a value without quotes" LF */
        "\x93\x96\x96\x92\x40\x86\x96\x99\x40\x81\x40\x94\x89\xA2\xA2\x89\x95\x87\x40"
        "\x84\x85\x93\x89\x94\x89\xA3\x85\x99\x6B\x40\x96\x99\x40\x86\x96\x99\x40\x96\x95\x85\x40"
        "\x89\x95\xA2\x89\x84\x85\x40\x81\x40\xA5\x81\x93\xA4\x85\x40\xA6\x89\xA3\x88\x96\xA4\xA3\x40"
        "\x98\xA4\x96\xA3\x85\xA2\x7F\x25");
}

/* Records under different headers cannot share a file. */
static void another_header_has_a_file_of_its_own(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n", NULL);
    desk_load(desk, "card_id,account_id,customer_id\n502,y,12\n", NULL);
    desk_load(desk, CARDS "13,z,503\n", NULL);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "11,x,501,bad_integer,account_id," NUMBER(
                      "account_id") "\n"
                                    "13,z,503,bad_integer,account_id," NUMBER("account_id") "\n");
    scratch_holds("out/cards.rejects.2.csv",
                  "card_id,account_id,customer_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "502,y,12,bad_integer,account_id," NUMBER("account_id") "\n");
    assert_false(scratch_exists("out/cards.rejects.3.csv"));
    /* Corrected: the second file goes. */
    desk_load(desk, "card_id,account_id,customer_id\n502,21,12\n", NULL);
    desk_load(desk, CARDS "14,21,504\n", NULL);
    write_report(desk);
    assert_true(scratch_exists("out/cards.rejects.csv"));
    assert_false(scratch_exists("out/cards.rejects.2.csv"));
}

/* A later customers file may refuse cards of a file that was faultless when it was loaded. */
/* An earlier report may have had as many groups as there can be. */
static void the_last_of_many_groups_goes_too(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n", NULL);
    write_report(desk);
    (void)scratch_write("out/cards.rejects.64.csv", SPAN("left over\n"));
    write_report(desk);
    assert_true(scratch_exists("out/cards.rejects.csv"));
    assert_false(scratch_exists("out/cards.rejects.64.csv"));
}

static void rejects_of_a_file_that_was_faultless_are_written(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", "customer_id,country_code\n11,USA\n");
    desk_load(desk, "card_id,account_id,customer_id\n502,21,12\n",
              "customer_id,country_code\n12,USA\n11,XX\n");
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "card_id,account_id,customer_id,_ctp_code,_ctp_field,_ctp_message\n");
    scratch_holds("out/cards.rejects.2.csv",
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "11,21,501,customer_invalid,customer_id,customer_id: the record of this "
                  "customer in the customers file is refused; correct the customer's record\n");
}

static void a_file_that_is_gone_costs_its_rejects_and_a_warning(void **state)
{
    struct desk *desk = *state;
    struct buf log;

    log_to_file(desk);
    desk_load(desk, CARDS "11,x,501\n12,y,502\n", NULL);
    desk_load(desk, CARDS "13,z,503\n", NULL);
    assert_int_equal(unlink(scratch_path("cards.1.csv")), 0);
    portfolio_close(desk->portfolio); /* as in a process that did not load it */
    portfolio_open(&desk->portfolio, &desk->tables);
    write_report(desk);
    scratch_holds("out/cards.rejects.csv",
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "13,z,503,bad_integer,account_id," NUMBER("account_id") "\n");
    buf_init(&log, 1 << 16);
    scratch_read("log", &log);
    assert_non_null(strstr(buf_text(&log),
                           " warning refused records cannot be written again: their file is gone or changed "
                           "file="));
    assert_non_null(strstr(buf_text(&log), "/cards.1.csv records=2\n"));
    buf_free(&log);
    assert_int_equal(close(desk->log.fd), 0);
    assert_true(scratch_exists("out/results.csv"));
    assert_true(scratch_exists("out/summary.json"));
}

static void a_file_that_was_changed_costs_its_rejects(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n", NULL);
    (void)scratch_write("cards.1.csv", SPAN(CARDS "11,y,501\n"));
    portfolio_close(desk->portfolio);
    portfolio_open(&desk->portfolio, &desk->tables);
    write_report(desk);
    assert_false(scratch_exists("out/cards.rejects.csv"));
    assert_true(scratch_exists("out/summary.json"));
}

/* As behind a run that the change has ended: the file is still open. */
static void a_file_that_is_changed_while_it_is_open_costs_its_rejects(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,x,501\n", NULL);
    (void)scratch_write("cards.1.csv", SPAN(CARDS "11,21,501\n12,21,502\n"));
    write_report(desk);
    assert_false(scratch_exists("out/cards.rejects.csv"));
    assert_true(scratch_exists("out/summary.json"));
}

/* The file is there and the same, but these settings do not find its columns. */
static void settings_that_do_not_fit_a_file_are_named(void **state)
{
    struct desk *desk = *state;
    struct buf log;

    log_to_file(desk);
    desk_load(desk, CARDS "11,x,501\n12,y,502\n", NULL);
    write_report(desk);
    portfolio_close(desk->portfolio);
    desk->tables.columns.settings = (const struct column_setting[]){{.column = "card_id", .header = "Card"}};
    desk->tables.columns.count = 1;
    portfolio_open(&desk->portfolio, &desk->tables);
    write_report(desk);
    buf_init(&log, 1 << 16);
    scratch_read("log", &log);
    assert_non_null(
        strstr(buf_text(&log),
               " warning refused records cannot be written again with these settings; give the settings "
               "with which their file was loaded file="));
    assert_non_null(strstr(buf_text(&log), "/cards.1.csv: header: [columns] names what is not there: "));
    assert_non_null(strstr(buf_text(&log), " records=2\n"));
    assert_null(strstr(buf_text(&log), "gone or changed"));
    buf_free(&log);
    assert_int_equal(close(desk->log.fd), 0);
    scratch_holds("out/cards.rejects.csv", /* of the first report */
                  "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "11,x,501,bad_integer,account_id," NUMBER(
                      "account_id") "\n"
                                    "12,y,502,bad_integer,account_id," NUMBER("account_id") "\n");
}

/* Longer than anything that is kept in memory. */
static void a_huge_record_is_written_whole(void **state)
{
    enum { HUGE = 5 << 20 };
    struct desk *desk = *state;
    struct buf text, rejects;
    char *run = mem_array(HUGE, 1);
    static const char head[] = "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n";

    memset(run, 'x', HUGE);
    buf_init(&text, 2 * HUGE);
    buf_init(&rejects, 2 * HUGE);
    buf_add_text(&text, CARDS "11,21,");
    buf_add(&text, run, HUGE);
    buf_add_text(&text, "\n12,21,502\n");
    desk_load(desk, buf_text(&text), NULL);
    ROWS_ARE(desk, "1/1 - invalid record_too_long\n1/2 502 ready\n");
    write_report(desk);
    scratch_read("out/cards.rejects.csv", &rejects);
    assert_memory_equal(rejects.ptr, head, sizeof head - 1);
    assert_memory_equal(rejects.ptr + sizeof head - 1, text.ptr + sizeof CARDS - 1, HUGE + 6);
    assert_string_equal(
        rejects.ptr + sizeof head - 1 + HUGE + 6,
        ",record_too_long,,\"the record is longer than input.max_record_bytes; look for a quote that is not "
        "closed where it should be, or raise the limit\"\n");
    buf_free(&text);
    buf_free(&rejects);
    free(run);
}

static void more_files_than_may_be_open_at_first(void **state)
{
    struct desk *desk = *state;
    struct rlimit before, few;
    struct buf want;

    buf_init(&want, 1 << 16);
    buf_add_text(&want, "customer_id,account_id,card_id,_ctp_code,_ctp_field,_ctp_message\n");
    for (int card = 501; card < 561; card++) {
        buf_reset(&desk->text);
        buf_addf(&desk->text, CARDS "11,x,%d\n", card);
        desk_load(desk, buf_text(&desk->text), NULL);
        buf_addf(&want, "11,x,%d,bad_integer,account_id," NUMBER("account_id") "\n", card);
    }
    portfolio_close(desk->portfolio);
    portfolio_open(&desk->portfolio, &desk->tables);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 40;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    write_report(desk);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    scratch_holds("out/cards.rejects.csv", buf_text(&want));
    buf_free(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(rejects_are_the_original_bytes_and_why),
        DESK_TEST(rejects_use_the_files_own_delimiter),
        DESK_TEST(both_files_have_their_rejects),
        DESK_TEST(corrected_rejects_are_input_again),
        DESK_TEST(rejects_of_corrected_rejects_have_our_columns_once),
        DESK_TEST(cells_that_may_not_be_ours_stay),
        DESK_TEST(our_columns_elsewhere_stay),
        DESK_TEST(rejects_are_in_the_encoding_of_the_file),
        DESK_TEST(rejects_in_ebcdic),
        DESK_TEST(another_header_has_a_file_of_its_own),
        DESK_TEST(the_last_of_many_groups_goes_too),
        DESK_TEST(rejects_of_a_file_that_was_faultless_are_written),
        DESK_TEST(a_file_that_is_gone_costs_its_rejects_and_a_warning),
        DESK_TEST(a_file_that_was_changed_costs_its_rejects),
        DESK_TEST(a_file_that_is_changed_while_it_is_open_costs_its_rejects),
        DESK_TEST(settings_that_do_not_fit_a_file_are_named),
        DESK_TEST(a_huge_record_is_written_whole),
        DESK_TEST(more_files_than_may_be_open_at_first),
    };

    return cmocka_run_group_tests_name("report_rejects", tests, scratch_open, scratch_close);
}
