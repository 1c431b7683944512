/* ledger_load: what a later file does to what earlier ones have brought. */
#include "ledger_case.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Settles all that is due, one row after the other. */
static void settle_due(struct desk *desk, enum job_verdict verdict)
{
    struct ledger_claim claims[16];
    size_t count = desk_claim(desk, claims, 16, NOW_MS);

    for (size_t i = 0; i < count; i++)
        desk_settle(desk, &claims[i], verdict, verdict == VERDICT_ACCEPTED ? "accepted" : "bad_request");
}

/* ---- the same content ---- */

static void the_same_content_adds_nothing(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\nx,22,502\n", NULL);
    desk_load_again(desk);
    assert_true(desk->result.cards_known);
    assert_int_equal(desk->result.cards.id, 1);
    /* Under another name it is the same file; the ledger knows where it was seen last. */
    desk_load(desk, CARDS "11,21,501\nx,22,502\n", NULL);
    assert_true(desk->result.cards_known);
    ROWS_ARE(desk, "1/1 501 ready\n1/2 502 invalid bad_integer customer_id\n");
    assert_int_equal(desk_number("SELECT count(*) FROM file"), 1);
    assert_non_null(strstr(desk_text("SELECT path FROM file"), "/cards.2.csv"));
    desk_check(desk);
}

/* The same bytes as cards of two files and as one file are two things. */
static void a_file_is_known_by_content_and_by_what_it_carries(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n");
    assert_false(desk->result.cards_known);
    assert_string_equal(desk_counts(desk, false), "1 0 1 0 0 0");
    ROWS_ARE(desk, "3/1 501 ready\n");
    desk_check(desk);
}

/* ---- other content ---- */

static void a_newer_file_re_points_what_is_to_be_sent(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    char before[UUID_TEXT_SIZE], after[UUID_TEXT_SIZE];

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,x,503\n13,21,504\n", NULL);
    (void)ledger_cid(desk->ledger, desk_number("SELECT id FROM card_now WHERE card_id = 502"), before);
    desk_load(desk, CARDS "14,21,505\n11,21,502\n11,21,501\n12,21,503\n", NULL);
    assert_string_equal(desk_counts(desk, false), "4 1 3 0 0 0");
    /* 501 leads on, though 502 comes first in the newer file; 504 is in neither and stays where it was. */
    ROWS_ARE(desk, "1/4 504 ready\n"
                   "2/1 505 ready\n"
                   "2/2 502 held\n"
                   "2/3 501 ready\n"
                   "2/4 503 ready\n");
    (void)ledger_cid(desk->ledger, desk_number("SELECT id FROM card_now WHERE card_id = 502"), after);
    assert_string_equal(before, after);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 4);
    /* The row that could not be judged before stands before those of an account. */
    assert_int_equal(claims[0].card_id, 503);
    assert_int_equal(claims[0].card.offset, 61);
    assert_int_equal(claims[1].card_id, 501);
    assert_int_equal(claims[1].card.file, 2);
    assert_int_equal(claims[1].card.offset, 51);
    assert_int_equal(claims[2].card_id, 504);
    assert_int_equal(claims[2].card.file, 1);
    assert_int_equal(claims[2].card.offset, 60);
    assert_int_equal(claims[3].card_id, 505);
    desk_check(desk);
}

static void taken_and_final_cards_are_known_and_left_alone(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    settle_due(desk, VERDICT_ACCEPTED);
    desk_load(
        desk,
        "customer_id,account_id,card_id,status\n13,21,503,CLOSED\n14,21,504,\n11,21,501,\n12,x,502,CLOSED\n",
        NULL);
    settle_due(desk, VERDICT_REJECTED);
    desk_load(desk, CARDS "11,21,501\n12,y,502\n13,21,503\n14,x,504\n15,21,505\n", NULL);
    assert_string_equal(desk_counts(desk, false), "5 1 0 4 0 0");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n"
                   "1/2 502 accepted accepted\n"
                   "2/1 503 skipped\n"
                   "2/2 504 rejected bad_request\n"
                   "3/5 505 ready\n");
    desk_check(desk);
}

static void a_row_in_flight_is_left_alone(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    desk_load(desk, CARDS "11,21,502\n11,x,501\n", NULL);
    assert_string_equal(desk_counts(desk, false), "2 0 1 1 0 0");
    ROWS_ARE(desk, "1/1 501 sent\n2/1 502 held\n");
    desk_settle(desk, &claims[0], VERDICT_ACCEPTED, "accepted");
    ROWS_ARE(desk, "1/1 501 accepted accepted\n2/1 502 held\n");
    desk_check(desk);
}

static void a_newer_file_may_refuse_or_skip_what_was_ready(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,503\n", NULL);
    desk_load(desk, "customer_id,account_id,card_id,status\n11,x,501,\n12,21,503,CLOSED\n11,21,502,\n", NULL);
    assert_string_equal(desk_counts(desk, false), "3 0 1 0 1 1");
    ROWS_ARE(desk, "2/1 501 invalid bad_integer account_id\n"
                   "2/2 503 skipped\n"
                   "2/3 502 ready\n");
    desk_check(desk);
}

/* A retry that waits for its time still waits, and what was tried before leads. */
static void attempts_and_times_survive_a_newer_file(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];
    struct ledger_outcome outcome;
    struct ledger_exchange exchange = {
        .outcomes = &outcome, .outcome_count = 1, .max_attempts = 3, .now_ms = NOW_MS};

    desk_load(desk, CARDS "11,21,501\n11,21,502\n", NULL);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    outcome = desk_outcome(&claims[0], VERDICT_TRANSIENT, "http_503");
    outcome.due_ms = NOW_MS + 5000;
    outcome.lost = true;
    assert_int_equal(ledger_exchange(desk->ledger, &exchange, &desk->fail), 0);
    desk_load(desk, CARDS "11,21,502\n11,21,501\n", NULL);
    ROWS_ARE(desk, "2/1 502 held\n2/2 501 ready\n");
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 4999), 0);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS + 5000), 1);
    assert_int_equal(claims[0].card_id, 501);
    assert_int_equal(claims[0].job.attempts, 2);
    assert_true(claims[0].job.uncertain);
    desk_check(desk);
}

static void duplicates_give_way_to_a_newer_file(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,501\n13,21,502\n14,21,502\n", NULL);
    desk_load(desk, CARDS "11,21,501\n", NULL);
    ROWS_ARE(desk, "1/3 502 ready\n"
                   "1/4 502 invalid duplicate_card card_id\n"
                   "2/1 501 ready\n");
    /* Known or not, the second record of a number in one file is refused. */
    settle_due(desk, VERDICT_ACCEPTED);
    desk_load(desk, CARDS "14,21,502\n13,21,502\n", NULL);
    assert_string_equal(desk_counts(desk, false), "2 0 0 1 0 1");
    ROWS_ARE(desk, "1/3 502 accepted accepted\n"
                   "2/1 501 accepted accepted\n"
                   "3/2 502 invalid duplicate_card card_id\n");
    desk_check(desk);
}

/* ---- refused records without a number ---- */

static void refused_records_are_told_by_their_bytes(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,\n12,21,502\n11,21,\n13,21,x\n", NULL);
    assert_string_equal(desk_counts(desk, false), "4 1 0 0 0 3");
    desk_load(desk, CARDS "13,21,x\n12,21,502\n14,21,\n11,21,\n11,21,\n11,21,\n", NULL);
    assert_string_equal(desk_counts(desk, false), "6 0 1 0 0 5");
    ROWS_ARE(desk, "2/1 - invalid bad_integer card_id\n"
                   "2/2 502 ready\n"
                   "2/3 - invalid required card_id\n"
                   "2/4 - invalid required card_id\n"
                   "2/5 - invalid required card_id\n"
                   "2/6 - invalid required card_id\n");
    desk_check(desk);
}

/* Its bytes tell a customer again, too: nothing is refused twice. */
static void refused_customers_are_told_by_number_or_bytes(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n", "customer_id,country_code\n11,XX\nx,USA\n,USA\n");
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", "customer_id,country_code\n,USA\n11,YY\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS), "1/2 - invalid bad_integer customer_id\n"
                                                                 "3/1 - invalid required customer_id\n"
                                                                 "3/2 - invalid bad_country country_code\n");
    desk_load(desk, CARDS "11,21,501\n13,21,503\n", "customer_id,country_code\n11,USA\n");
    assert_string_equal(desk_rows(desk, ROWS_REFUSED_CUSTOMERS), "1/2 - invalid bad_integer customer_id\n"
                                                                 "3/1 - invalid required customer_id\n");
    desk_check(desk);
}

/* ---- customers ---- */

static void a_newer_customers_file_alone_heals_waiting_cards(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n12,21,503\n13,x,504\n", "customer_id,country_code\n11,XX\n");
    ROWS_ARE(desk, "2/1 501 invalid customer_invalid customer_id\n"
                   "2/2 502 invalid no_customer customer_id\n"
                   "2/3 503 invalid no_customer customer_id\n"
                   "2/4 504 invalid bad_integer;no_customer account_id;customer_id\n");
    (void)scratch_write("customers.2.csv", SPAN("customer_id,country_code\n11,USA\n12,USA\n13,USA\n"));
    desk->customers_files = 2;
    desk_load_again(desk);
    assert_true(desk->result.cards_known);
    assert_false(desk->result.customers_known);
    ROWS_ARE(desk, "2/1 501 ready\n"
                   "2/2 502 ready\n"
                   "2/3 503 held\n"
                   "2/4 504 invalid bad_integer account_id\n");
    /* What the files' own counts say is what they said when they were loaded. */
    assert_string_equal(desk_text("SELECT group_concat(added || '/' || invalid, ' ') FROM file"),
                        "0/1 0/4 3/0");
    desk_check(desk);
}

static void a_newer_customers_file_alone_may_refuse_and_skip(void **state)
{
    struct desk *desk = *state;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n",
              "customer_id,country_code,status\n11,USA,\n12,USA,\n13,USA,\n");
    (void)scratch_write("customers.2.csv", SPAN("customer_id,country_code,status\n11,XX,\n12,USA,CLOSED\n"));
    desk->customers_files = 2;
    desk_load_again(desk);
    ROWS_ARE(desk, "2/1 501 invalid customer_invalid customer_id\n"
                   "2/2 502 skipped\n"
                   "2/3 503 ready\n");
    desk_check(desk);
}

/* A customer's newest place is what a later send reads, also of a card loaded before. */
static void cards_follow_their_customers_newest_place(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[2];

    desk_load(desk, CARDS "11,21,501\n", CUSTOMERS "11,\n");
    (void)scratch_write("customers.2.csv", SPAN(CUSTOMERS "10,\n11,\n"));
    desk->customers_files = 2;
    desk_load_again(desk);
    assert_int_equal(desk_claim(desk, claims, 2, NOW_MS), 1);
    assert_int_equal(claims[0].card.file, 2);
    assert_int_equal(claims[0].customer.file, 3);
    assert_int_equal(claims[0].customer.offset, 23);
}

/* ---- files that are gone ---- */

static int64_t due_rows(struct desk *desk, int64_t file)
{
    int64_t rows = -1;

    assert_int_equal(ledger_file_rows(desk->ledger, file, &rows, &desk->fail), 0);
    return rows;
}

static void rows_of_a_lost_file_become_invalid(void **state)
{
    struct desk *desk = *state;
    struct ledger_files files;
    int64_t rows;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,503\n", NULL);
    settle_due(desk, VERDICT_ACCEPTED);
    desk_load(desk, CARDS "13,21,504\n", NULL);
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 2);
    assert_int_equal(files.file[0].id, 1);
    assert_int_equal(due_rows(desk, 1), 0); /* 502 waits for 501 */
    assert_int_equal(due_rows(desk, 2), 1);
    ledger_files_free(&files);
    assert_int_equal(ledger_file_drop(desk->ledger, 1, NOW_MS + 1, &rows, &desk->fail), 0);
    assert_int_equal(rows, 1);
    ROWS_ARE(desk, "1/1 501 accepted accepted\n"
                   "1/2 502 invalid source_lost\n"
                   "1/3 503 accepted accepted\n"
                   "2/1 504 ready\n");
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 1);
    ledger_files_free(&files);
    /* Whoever brings the record again brings it back. */
    desk_load(desk, CARDS "11,21,502\n", NULL);
    assert_string_equal(desk_counts(desk, false), "1 0 1 0 0 0");
    desk_check(desk);
}

static void a_lost_customers_file_takes_its_cards_along(void **state)
{
    struct desk *desk = *state;
    struct ledger_files files;
    int64_t rows;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", CUSTOMERS "11,\n12,\n");
    assert_int_equal(ledger_files_due(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 2);
    assert_int_equal(due_rows(desk, 1), 2);
    assert_int_equal(due_rows(desk, 2), 2);
    ledger_files_free(&files);
    assert_int_equal(ledger_file_drop(desk->ledger, 1, NOW_MS, &rows, &desk->fail), 0);
    assert_int_equal(rows, 2);
    ROWS_ARE(desk, "2/1 501 invalid source_lost\n2/2 502 invalid source_lost\n");
    desk_check(desk);
}

/* ---- the files behind it ---- */

static void files_tell_what_they_still_have_refused(void **state)
{
    struct desk *desk = *state;
    struct ledger_files files;

    desk_load(desk, CARDS "11,21,501\nx,21,502\n13,21,503\n", CUSTOMERS "11,\nx,\n13,\n");
    desk_load(desk, CARDS "11,21,501\n11,21,502\n14,21,504\n", CUSTOMERS "11,\n");
    assert_int_equal(ledger_files_all(desk->ledger, &files, &desk->fail), 0);
    assert_int_equal(files.count, 4);
    assert_int_equal(files.file[0].carries, IN_CUSTOMERS);
    assert_int_equal(files.rows[0], 1);
    assert_int_equal(files.file[1].carries, IN_CARDS);
    assert_int_equal(files.file[1].records, 3);
    assert_int_equal(files.file[1].invalid, 1);
    assert_int_equal(files.rows[1], 0); /* 502 is good now */
    assert_int_equal(files.rows[2], 0);
    assert_int_equal(files.rows[3], 1);
    assert_int_equal(strlen(files.file[3].sha256), 64);
    assert_int_equal(files.file[3].size, 31 + 30);
    assert_int_equal(files.file[3].loaded_ms, NOW_MS);
    ledger_files_free(&files);
}

static void problems_are_counted_over_files(void **state)
{
    struct desk *desk = *state;
    struct ledger_problem problem;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n14,x,504\n", NULL);
    desk_load(desk, CARDS "y,21,505\n15,x,506\n", NULL);
    assert_int_equal(ledger_problems_begin(desk->ledger, &desk->fail), 0);
    assert_int_equal(ledger_problems_next(desk->ledger, &problem, &desk->fail), 1);
    assert_true(span_is(problem.codes, "bad_integer"));
    assert_int_equal(problem.count, 3);
    assert_int_equal(ledger_problems_next(desk->ledger, &problem, &desk->fail), 0);
}

/* Writes to the ledger without end, a commit every other millisecond; tells of the first one. */
static void write_on(int ready)
{
    static const char sql[] = "INSERT OR REPLACE INTO meta (key, value) VALUES ('other', 1)";
    sqlite3 *db;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && sqlite3_open(desk_path(), &db) == SQLITE_OK &&
        sqlite3_busy_timeout(db, 60000) == SQLITE_OK &&
        sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK && write(ready, "w", 1) == 1)
        while (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK && poll(NULL, 0, 2) == 0)
            ;
    _exit(1);
}

/* A process beside the run may write: a load waits for it rather than failing over what it has read
 * before. */
static void a_load_does_not_trip_over_another_writer(void **state)
{
    struct desk *desk = *state;
    struct buf text;
    int ready[2], status;
    char byte;
    pid_t child;

    buf_init(&text, 1 << 20);
    assert_int_equal(pipe(ready), 0);
    ledger_close(desk->ledger); /* no connection is to live on both sides of a fork */
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_on(ready[1]);
    desk->ledger = NULL;
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    desk_reopen(desk, LEDGER_RUN);
    for (int n = 0; n < 10; n++) {
        buf_reset(&text);
        buf_add_text(&text, CARDS);
        for (int i = 0; i < 3000; i++)
            buf_addf(&text, "%d,21,%d\n", n * 2000 + i + 1, n * 2000 + i + 1);
        desk_load(desk, buf_text(&text), NULL);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(close(ready[0]), 0);
    buf_free(&text);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 21000);
    desk_check(desk);
}

static void a_cancelled_load_leaves_nothing(void **state)
{
    struct desk *desk = *state;
    const struct ledger_row row = {.record = 1,
                                   .line = 2,
                                   .length = 9,
                                   .card_id = 501,
                                   .customer_id = 11,
                                   .account_id = 21,
                                   .flags = ROW_OWN_CUSTOMER};

    ledger_load_cancel(desk->ledger); /* nothing was begun */
    assert_int_equal(ledger_load_begin(desk->ledger, &desk->fail), 0);
    assert_int_equal(ledger_load_card(desk->ledger, &row, &desk->fail), 0);
    ledger_load_cancel(desk->ledger);
    ROWS_ARE(desk, "");
    desk_load(desk, CARDS "12,21,502\n", NULL);
    ROWS_ARE(desk, "1/1 502 ready\n");
    desk_check(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_same_content_adds_nothing),
        DESK_TEST(a_file_is_known_by_content_and_by_what_it_carries),
        DESK_TEST(a_newer_file_re_points_what_is_to_be_sent),
        DESK_TEST(taken_and_final_cards_are_known_and_left_alone),
        DESK_TEST(a_row_in_flight_is_left_alone),
        DESK_TEST(a_newer_file_may_refuse_or_skip_what_was_ready),
        DESK_TEST(attempts_and_times_survive_a_newer_file),
        DESK_TEST(duplicates_give_way_to_a_newer_file),
        DESK_TEST(refused_records_are_told_by_their_bytes),
        DESK_TEST(refused_customers_are_told_by_number_or_bytes),
        DESK_TEST(a_newer_customers_file_alone_heals_waiting_cards),
        DESK_TEST(a_newer_customers_file_alone_may_refuse_and_skip),
        DESK_TEST(cards_follow_their_customers_newest_place),
        DESK_TEST(rows_of_a_lost_file_become_invalid),
        DESK_TEST(a_lost_customers_file_takes_its_cards_along),
        DESK_TEST(files_tell_what_they_still_have_refused),
        DESK_TEST(problems_are_counted_over_files),
        DESK_TEST(a_load_does_not_trip_over_another_writer),
        DESK_TEST(a_cancelled_load_leaves_nothing),
    };

    return cmocka_run_group_tests_name("ledger_again", tests, scratch_open, scratch_close);
}
