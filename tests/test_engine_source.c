/* What becomes of rows whose records, or whose files, are not what they were when they were loaded. */
#include "engine_case.h"

#include "driver/ledger_change.h"
#include "flow/ingest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Card 2 lives by the default that the configuration no longer has; card 3 is held behind it. */
static void a_record_that_became_invalid_is_not_sent(void **state)
{
    struct rig *rig = *state;

    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id,owner_bid\n"
                              "51,7,1,1000052\n52,7,2,\n52,7,3,1000052\n");
    rig_load(rig);
    rig_restart(rig, false);
    rig->tables.rules.owner_bid = (struct span){"", 0};
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "invalid", 0);
    rig_expect(rig, 3, "accepted", 1);
    assert_int_equal(fake_count(false), 2);
    assert_null(fake_card(2, 0));
    assert_string_equal(rig_text(rig, "SELECT code || ' ' || field FROM card_now WHERE card_id = 2"),
                        "required owner_bid");
    assert_string_equal(rig_text(rig, "SELECT own_code || ' ' || own_field FROM card_now WHERE card_id = 2"),
                        "required owner_bid");
}

/* The customer's record is at fault, not the card's: a corrected customers file is to heal it. */
static void a_customer_that_became_invalid_is_not_sent(void **state)
{
    struct rig *rig = *state;

    buf_add_text(&rig->cards, "5,7,1\n6,7,2\n");
    buf_add_text(&rig->customers, "customer_id,locale\n5,pt_BR\n6,\n");
    rig_load(rig);
    rig->tables.rules.locale = (struct span){"", 0};
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "invalid", 0);
    assert_string_equal(rig_text(rig, "SELECT code || ' ' || field FROM card_now WHERE card_id = 2"),
                        "customer_invalid customer_id");
    assert_int_equal(rig_number(rig, "SELECT own_code IS NULL FROM card_now WHERE card_id = 2"), 1);
}

/* The configuration excludes a status that it did not exclude when the file was loaded. */
static void a_record_that_is_now_to_be_skipped_is_not_sent(void **state)
{
    struct rig *rig = *state;

    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id,status\n"
                              "51,7,1,ACTIVE\n52,7,2,OPTED_OUT\n52,7,3,ACTIVE\n");
    rig_load(rig);
    rig->tables.rules.skip_status = SPAN("OPTED_OUT;CLOSED");
    rig_restart(rig, false);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 1);
    rig_expect(rig, 2, "skipped", 0);
    rig_expect(rig, 3, "accepted", 1);
    assert_null(fake_card(2, 0));
}

/* ---- rows that become due beside the run ---- */

static void refused(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 400;
    answer->body = "{\"code\":400,\"message\":\"bad request\"}";
}

static void retry_all(void *context)
{
    struct ledger_retry retry = {.states = 1U << JOB_REJECTED, .now_ms = FAKE_WALL_MS};
    struct rig *rig = context;
    struct ledger_retried done = {.ready = 0};
    struct ledger *ledger;

    if (ledger_open(&ledger, rig->ledger_path, LEDGER_WRITE, &rig->fail) != 0 ||
        ledger_retry(ledger, &retry, &done, &rig->fail) != 0)
        fail_msg("%s", rig->fail.text);
    assert_int_equal(done.ready, 2);
    ledger_close(ledger);
}

/* Cards 1 and 2 are refused, in a file that no row needs when the next run begins with another file. */
static void two_files(struct rig *rig)
{
    struct ingest_options options = {.tables = &rig->tables, .load = rig->load, .log = &rig->log};
    struct ingest_result result;
    struct buf path;
    int rc;

    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    fake_serve(refused, NULL, NULL);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_restart(rig, false);
    fake_serve(NULL, NULL, NULL);
    buf_init(&path, 4096);
    buf_addf(&path, "%s/second.csv", rig->folder);
    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id\n");
    rig_cards(rig, 101, 40, 7);
    rig_write(buf_text(&path), buf_span(&rig->cards));
    options.cards = buf_text(&path);
    rc = ingest(rig->ledger, &options, rig->portfolio, &result, &rig->fail);
    assert_int_equal(unlink(buf_text(&path)), 0); /* it is open */
    assert_int_equal(rc, 0);
    ingest_result_free(&result);
    buf_free(&path);
    rig->options.pace.rate = 20;
}

static void a_retry_beside_the_run_brings_its_file(void **state)
{
    struct rig *rig = *state;

    two_files(rig);
    fake_at(1001, retry_all, rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 2);
    rig_expect(rig, 2, "accepted", 2);
    assert_int_equal(rig_count(rig, "accepted"), 42);
}

static void a_retry_beside_the_run_without_its_file_stops_it(void **state)
{
    struct rig *rig = *state;

    two_files(rig);
    assert_int_equal(unlink(rig->cards_path), 0);
    fake_at(1001, retry_all, rig);
    assert_int_equal(rig_run(rig), FAIL_INPUT);
    assert_non_null(strstr(rig->fail.text, rig->cards_path));
    rig_expect(rig, 1, "ready", 1);
    assert_int_equal(rig_count(rig, "sent"), 0);
}

/* 40 rows at 20 a second; half-way something happens to their file, between two requests. */
static void run_beside(struct rig *rig, void (*what)(void *context), int outcome)
{
    rig->options.pace.rate = 20;
    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    fake_at(1001, what, rig);
    assert_int_equal(rig_run(rig), outcome);
}

static void expect_stop_at_1001(struct rig *rig)
{
    int sent = fake_count(false);

    assert_in_range(sent, 15, 25);
    assert_true(fake_request(false, sent - 1)->at_ms <= 1001);
    assert_int_equal(rig_count(rig, "accepted"), sent);
    assert_int_equal(rig_count(rig, "ready"), 40 - sent);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), sent);
    assert_true(fake_now_ms() <= 2100);
}

static void grow_file(void *context)
{
    struct rig *rig = context;

    buf_add_text(&rig->cards, "99,7,99\n");
    rig_write(rig->cards_path, buf_span(&rig->cards));
}

static void a_file_that_grows_ends_the_run(void **state)
{
    struct rig *rig = *state;

    run_beside(rig, grow_file, FAIL_INPUT);
    expect_stop_at_1001(rig);
    assert_non_null(strstr(rig->fail.text, "cards.csv: changed"));
}

static void touch_file(void *context)
{
    struct rig *rig = context;
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    assert_int_equal(utimensat(AT_FDCWD, rig->cards_path, times, 0), 0);
}

static void a_file_of_another_time_ends_the_run(void **state)
{
    struct rig *rig = *state;

    run_beside(rig, touch_file, FAIL_INPUT);
    expect_stop_at_1001(rig);
}

/* The same size and times. */
static void forge_file(void *context)
{
    struct rig *rig = context;
    struct timespec times[2];
    struct stat info;
    char *at = rig->cards.ptr;

    assert_int_equal(stat(rig->cards_path, &info), 0);
    for (at = strstr(at, ",7,"); at; at = strstr(at, ",7,"))
        at[1] = '8';
    rig_write(rig->cards_path, buf_span(&rig->cards));
    times[0] = info.st_atim;
    times[1] = info.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, rig->cards_path, times, 0), 0);
}

static void a_file_of_other_numbers_ends_the_run(void **state)
{
    struct rig *rig = *state;

    rig->options.pace.rate = 20;
    buf_reset(&rig->cards);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id,note\n");
    for (int card = 1; card <= 40; card++) /* too long to be read ahead */
        buf_addf(&rig->cards, "%d,7,%d,%020000d\n", 1000000 + card, card, 0);
    rig_load(rig);
    fake_at(1001, forge_file, rig);
    assert_int_equal(rig_run(rig), FAIL_INPUT);
    expect_stop_at_1001(rig);
    assert_non_null(strstr(rig->fail.text, "no longer at its place"));
}

/* The next rows were read ahead, before the file was forged: their numbers are right. */
static void a_file_forged_behind_what_was_read_ends_the_run(void **state)
{
    struct rig *rig = *state;

    run_beside(rig, forge_file, FAIL_INPUT);
    expect_stop_at_1001(rig);
    assert_non_null(strstr(rig->fail.text, "cards.csv: changed while it was in use"));
}

static void forge_card_9(void *context)
{
    struct rig *rig = context;
    struct timespec times[2];
    struct stat info;

    assert_int_equal(stat(rig->cards_path, &info), 0);
    strstr(rig->cards.ptr, ",7,9\n")[1] = '8';
    rig_write(rig->cards_path, buf_span(&rig->cards));
    times[0] = info.st_atim;
    times[1] = info.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, rig->cards_path, times, 0), 0);
}

/* Eight places are free when card 9's turn comes: those behind it must not take them. */
static void nothing_leaves_behind_a_record_that_changed(void **state)
{
    struct rig *rig = *state;

    rig_cards(rig, 1, 40, 7);
    rig_load(rig);
    fake_at(45, forge_card_9, rig);
    assert_int_equal(rig_run(rig), FAIL_INPUT);
    assert_int_equal(fake_count(false), 8);
    assert_int_equal(fake_now_ms(), 70);
    assert_int_equal(rig_count(rig, "accepted"), 8);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now WHERE state = 3"), 0);
}

static void cut_file(void *context)
{
    struct rig *rig = context;

    assert_int_equal(truncate(rig->cards_path, 40), 0);
}

static void a_file_that_is_cut_ends_the_run(void **state)
{
    struct rig *rig = *state;

    run_beside(rig, cut_file, FAIL_INPUT);
    expect_stop_at_1001(rig);
}

static void remove_file(void *context)
{
    struct rig *rig = context;

    assert_int_equal(unlink(rig->cards_path), 0);
    rig_write(rig->cards_path, SPAN("another file\n"));
}

static void a_name_that_is_given_to_another_file_does_no_harm(void **state)
{
    struct rig *rig = *state;

    run_beside(rig, remove_file, RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_retry_beside_the_run_brings_its_file),
        RIG_TEST(a_retry_beside_the_run_without_its_file_stops_it),
        RIG_TEST(a_record_that_became_invalid_is_not_sent),
        RIG_TEST(a_customer_that_became_invalid_is_not_sent),
        RIG_TEST(a_record_that_is_now_to_be_skipped_is_not_sent),
        RIG_TEST(a_file_that_grows_ends_the_run),
        RIG_TEST(a_file_of_another_time_ends_the_run),
        RIG_TEST(a_file_of_other_numbers_ends_the_run),
        RIG_TEST(a_file_forged_behind_what_was_read_ends_the_run),
        RIG_TEST(nothing_leaves_behind_a_record_that_changed),
        RIG_TEST(a_file_that_is_cut_ends_the_run),
        RIG_TEST(a_name_that_is_given_to_another_file_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
