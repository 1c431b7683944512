/* report.html: what needs a look, grouped by code, with the words and the advice of each. */
#include "page_case.h"

static void errors_are_grouped_with_count_example_and_advice(void **state)
{
    struct desk *desk = *state;
    const char *page;

    desk_load(desk, CARDS "11,x,501\n12,y,502\n13,z,x\n14,,504\n15,21,505\n16,22,506\n17,23,507\n",
              CUSTOMERS "11,\n12,\n13,\n14,\n15,\n16,\n17,\nq,\n");
    change("UPDATE card SET state = 9, code = 'bad_request' WHERE card_id = 505;"
           "UPDATE card SET state = 10, code = 'server_error' WHERE card_id = 506;"
           "UPDATE card SET code = 'too_many_requests', due_ms = 5 WHERE card_id = 507");
    page = page_of(desk, false);
    holds(page, "<code>bad_integer</code></th><td data-label=\"Count\" class=\"n\">4</td><td "
                "data-label=\"State\">invalid"
                "</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;2</td><td "
                "data-label=\"Advice\">"
                "Not a whole number from 1 to 9223372036854775807; give the Pismo ID in digits only; in a "
                "spreadsheet "
                "format the column as text. In <code>account_id</code>&nbsp;(3), "
                "<code>card_id</code>&nbsp;(1).</td>");
    holds(page, "<code>required</code></th><td data-label=\"Count\" class=\"n\">1</td><td "
                "data-label=\"State\">invalid"
                "</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;5</td><td "
                "data-label=\"Advice\">"
                "account_id: required but not given; fill it in.</td>");
    holds(page, "<code>bad_integer</code></th><td data-label=\"Count\" class=\"n\">1</td><td "
                "data-label=\"State\">customer "
                "record</td><td data-label=\"First\" class=\"place\">customers.1.csv, line&nbsp;9</td>");
    holds(page, "rejected</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;6</td><td "
                "data-label=\"Advice\">"
                "The API refuses the data. Read the column message of results.csv");
    holds(page, "The server failed. At every attempt, while others got through: <code>ctp-enroll retry");
    holds(page, "<td data-label=\"State\">ready</td>");
    holds(page, "Too fast for the server. Nothing: it is tried again by itself. Often: lower pace.rate");
    assert_true(strstr(page, "<code>bad_integer</code>") < strstr(page, "<code>required</code>"));
}

/* Declined cards: by Visa's reason code, else by the event's own words. */
static void declined_cards_are_grouped_by_the_reason_of_their_event(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 9);
    change(
        "UPDATE card SET state = 7, code = 'event_failure', message = 'FAILED: VIDC-2003 expired card' WHERE "
        "record "
        "<= 2;"
        "UPDATE card SET state = 7, code = 'event_failure_weak', message = 'FAILED: card expired "
        "(VIDC-2003); matched "
        "by account and card, not by correlation ID' WHERE record = 3;"
        "UPDATE card SET state = 7, code = 'event_failure', message = 'FAILED: VIDC-9999' WHERE record = 4;"
        "UPDATE card SET state = 7, code = 'event_failure', message = 'FAILED: VIDC-20035' WHERE record = 5;"
        "UPDATE card SET state = 7, code = 'event_failure', message = 'FAILED: card blocked' WHERE record <= "
        "7 AND "
        "record > 5;"
        "UPDATE card SET state = 7, code = 'event_failure_weak', message = 'FAILED: card blocked; matched by "
        "account "
        "and card, not by correlation ID' WHERE record = 8;"
        "UPDATE card SET state = 7, code = 'event_failure', message = 'DENIED: Ann Example, 4111 1111 1111 "
        "1111' WHERE "
        "record = 9");
    page = page_of(desk, false);
    holds(page, "<code>VIDC-2003</code></th><td data-label=\"Count\" class=\"n\">3</td><td "
                "data-label=\"State\">declined"
                "</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;2</td><td "
                "data-label=\"Advice\">"
                "The card has expired. Nothing: the next extract brings its successor.");
    holds(page, "<code>VIDC-9999</code></th><td data-label=\"Count\" class=\"n\">1</td>");
    holds(page, "A reason code of Visa that has no words here. Ask Pismo");
    lacks(page, "<code>VIDC-2003</code></th><td data-label=\"Count\" class=\"n\">4");
    holds(page, "<code>event_failure</code></th><td data-label=\"Count\" class=\"n\">2</td>");
    holds(page, "The event says no: <q>FAILED: card blocked</q>. When the cause is gone");
    holds(page, "<code>event_failure_weak</code></th><td data-label=\"Count\" class=\"n\">1</td>");
    holds(page, "An event says no; it was matched by account and card: <q>FAILED: card blocked</q>.");
    holds(page, "The event says no: <q>DENIED: ***</q>.");
    lacks(page, "Ann");
    lacks(page, "1111");
}

static void every_reason_code_of_visa_has_its_words(void **state)
{
    static const int codes[] = {1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003,
                                2004, 2005, 2006, 2007, 2008, 3000, 5000, 7000};
    enum { COUNT = sizeof codes / sizeof codes[0] };
    struct desk *desk = *state;
    const char *page;
    struct buf sql;

    buf_init(&sql, 1 << 16);
    load_cards(desk, COUNT);
    for (int i = 0; i < COUNT; i++)
        buf_addf(&sql,
                 "UPDATE card SET state = 7, code = 'event_failure', message = 'FAILURE: VIDC-%d' WHERE "
                 "record = %d;",
                 codes[i], i + 1);
    change(buf_text(&sql));
    page = page_of(desk, false);
    for (int i = 0; i < COUNT; i++) {
        buf_reset(&sql);
        buf_addf(&sql, "<code>VIDC-%d</code>", codes[i]);
        holds(page, buf_text(&sql));
    }
    lacks(page, "has no words here");
    buf_free(&sql);
}

/* Reasons without end are one group in the end, and all are counted. */
static void many_reasons_do_not_crowd_out_the_rest(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 400);
    change("UPDATE card SET state = 7, code = 'event_failure', message = 'FAILED: E' || record WHERE record "
           "< 400;"
           "UPDATE card SET state = 9, code = 'bad_request' WHERE record = 400");
    page = page_of(desk, false);
    holds(page, "<code>event_failure</code></th><td data-label=\"Count\" class=\"n\">359</td>");
    holds(page, "The event says no. When the cause is gone");
    holds(page, "<p class=\"note\">And 2 records of rarer kinds. ");
}

static void what_waits_too_long_and_what_contradicts_is_told(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 8);
    change(
        "UPDATE card SET state = 5, updated_ms = 1699913601000 WHERE record = 1;" /* 24 h before the report */
        "UPDATE card SET state = 5, updated_ms = 1699913601001 WHERE record = 2;"
        "UPDATE card SET state = 8, code = 'already_on_click_to_pay' WHERE record = 3;"
        "UPDATE card SET state = 8, code = 'already_on_click_to_pay', call = 1 WHERE record = 4;"
        "UPDATE card SET state = 6, code = 'event_success', event_ms = 1000 WHERE record IN (5, 6, 7);"
        "UPDATE card SET state = 9, code = 'bad_request' WHERE record = 8;"
        "INSERT INTO attempt SELECT id, 1, 1001, NULL, 'event_failure', 'event x: FAILED' FROM card_now "
        "WHERE "
        "record = 5;"
        "INSERT INTO attempt SELECT id, 1, 1002, NULL, 'event_failure', 'event y: FAILED' FROM card_now "
        "WHERE "
        "record = 5;"
        "INSERT INTO attempt SELECT id, 1, 1001, NULL, 'event_failure_weak', 'event z' FROM card_now WHERE "
        "record = 6;"
        "INSERT INTO attempt SELECT id, 1, 999, NULL, 'event_failure', 'event o' FROM card_now WHERE record "
        "= 7;"
        "INSERT INTO attempt SELECT id, 1, 1001, NULL, 'event_success', 'event s' FROM card_now WHERE record "
        "= "
        "8");
    page = page_of(desk, false);
    holds(page, "<code>overdue</code></th><td data-label=\"Count\" class=\"n\">1</td><td "
                "data-label=\"State\">accepted"
                "</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;2</td>");
    holds(page, "<code>already_on_click_to_pay</code></th><td data-label=\"Count\" class=\"n\">1</td>");
    holds(page, "With api.enroll_card_path set the next run asks for the card itself.");
    holds(page,
          "<code>late_failure</code></th><td data-label=\"Count\" class=\"n\">2</td><td data-label=\"State\">"
          "enrolled</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;6</td>");
    holds(page,
          "<code>late_success</code></th><td data-label=\"Count\" class=\"n\">1</td><td data-label=\"State\">"
          "rejected</td><td data-label=\"First\" class=\"place\">cards.1.csv, line&nbsp;9</td>");
}

/* The words of codes of ours only; whatever else a ledger may hold is not shown. */
static void a_code_that_is_none_is_not_shown(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 2);
    change("UPDATE card SET state = 7, code = 'Ann Example <b>' WHERE record = 1;"
           "UPDATE card SET state = 7, code = 'card_gone', message = 'Ann Example' WHERE record = 2");
    page = page_of(desk, false);
    holds(page, "<code>other</code>");
    holds(page, "<code>card_gone</code>");
    lacks(page, "Ann");
}

static void every_answer_has_a_meaning(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1);
    change("UPDATE card SET state = 5;" RUN
           "(1, 1699999200000, 1699999790000, 1699999800000, 3, 't', 1000020, 3);"
           "INSERT INTO tally VALUES ('http', 202, 1000000), ('http', 302, 1), ('http', 400, 1), ('http', "
           "401, 1),"
           "('http', 403, 1), ('http', 404, 1), ('http', 405, 1), ('http', 407, 1), ('http', 408, 1), "
           "('http', 409, 1),"
           "('http', 418, 1), ('http', 425, 1), ('http', 429, 1), ('http', 500, 1), ('http', 503, 1), "
           "('http', 204, 1)");
    page = page_of(desk, false);
    holds(page, "<tr><th scope=\"row\">202</th><td data-label=\"Answers\" class=\"n\">1,000,000</td><td "
                "data-label=\"Meaning\">Taken; the outcome comes by event</td>");
    holds(page, "<th scope=\"row\">418</th><td data-label=\"Answers\" class=\"n\">1</td><td "
                "data-label=\"Meaning\">The "
                "API refuses the request</td>");
    holds(page, "<th scope=\"row\">503</th><td data-label=\"Answers\" class=\"n\">1</td><td "
                "data-label=\"Meaning\">The "
                "server, or one before it, failed</td>");
    holds(page, "<th scope=\"row\">302</th><td data-label=\"Answers\" class=\"n\">1</td><td "
                "data-label=\"Meaning\">The "
                "host leads elsewhere, for the whole run</td>");
    holds(page, "<th scope=\"row\">none</th><td data-label=\"Answers\" class=\"n\">5</td>");
    lacks(page, "See the column message of results.csv"); /* what a code without words gets */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(errors_are_grouped_with_count_example_and_advice),
        DESK_TEST(declined_cards_are_grouped_by_the_reason_of_their_event),
        DESK_TEST(every_reason_code_of_visa_has_its_words),
        DESK_TEST(many_reasons_do_not_crowd_out_the_rest),
        DESK_TEST(what_waits_too_long_and_what_contradicts_is_told),
        DESK_TEST(a_code_that_is_none_is_not_shown),
        DESK_TEST(every_answer_has_a_meaning),
    };

    return cmocka_run_group_tests_name("report_words", tests, scratch_open, scratch_close);
}
