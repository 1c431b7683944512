/* report.html and SHA256SUMS: what people read, from ledgers whose numbers are known. */
#include "page_case.h"

/* ---- the sentence ---- */

static void the_sentence_tells_every_state_with_its_count(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1202);
    change("UPDATE card SET state = 5 WHERE record <= 945; UPDATE card SET state = 6 WHERE record <= 100;"
           "UPDATE card SET state = 9, code = 'bad_request' WHERE record > 1201;" ONE_RUN("5"));
    page = page_of(desk, false);
    holds(page,
          "<p class=\"headline\">100 of 1,202 cards are enrolled; 845 were taken by Pismo and await their "
          "outcome, 256 are still to be sent and 1 was refused by the API.</p>");
    holds(page,
          "<p class=\"verdict look\">Stopped early with work left; run again <span class=\"code\">exit code "
          "5</span></p>");
    holds(page, "<td data-label=\"Cards\" class=\"n\">1,202</td>");
    holds(page, "<td data-label=\"Share\" class=\"n\">70.3&nbsp;%</td>");
    holds(page, "<td data-label=\"Share\" class=\"n\">&lt;0.1&nbsp;%</td>");
}

static void the_sentence_says_so_where_nothing_was_taken(void **state)
{
    struct desk *desk = *state;
    const char *page;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,x,503\n", CUSTOMERS "11,\n12,\n13,\ny,\n");
    page = page_of(desk, false);
    holds(
        page,
        ">None of 3 cards has been taken by Pismo; 2 are still to be sent, 1 was refused by the rules and 1 "
        "customer record was refused.<");
    holds(page, "<p class=\"verdict look\">No run yet</p>");
    lacks(page, "<h2>Throughput</h2>");
    lacks(page, "<h2>Runs");
    holds(page, "1 card record and 1 customer record: <code>cards.rejects.csv</code>");
}

static void an_empty_ledger_has_a_page_too(void **state)
{
    const char *page = page_of(*state, false);

    holds(page, ">The ledger holds no card.<");
    holds(page, "<strong>Load cards.</strong>");
    lacks(page, "<svg class=\"bar\"");
    lacks(page, "nan");
}

static void a_check_says_that_nothing_was_sent(void **state)
{
    struct desk *desk = *state;
    const char *page;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    page = page_of(desk, true);
    holds(page, ">Check: every record passes<");
    holds(page, ">2 of 2 cards pass the rules. Nothing was sent.<");
    desk_load(desk, CARDS "11,x,501\n12,21,502\n", NULL);
    page = page_of(desk, true);
    holds(page, ">Check: some records are refused<");
    holds(page, ">1 of 2 cards passes the rules; 1 was refused by the rules. Nothing was sent.<");
}

/* Many parts would be no sentence any more: what did not get through is one of them. */
static void a_long_sentence_takes_the_failed_together(void **state)
{
    struct desk *desk = *state;

    load_cards(desk, 20);
    change("UPDATE card SET state = 6 WHERE record <= 10; UPDATE card SET state = 5 WHERE record = 11;"
           "UPDATE card SET state = 2 WHERE record = 12; UPDATE card SET state = 7 WHERE record IN (13, 14);"
           "UPDATE card SET state = 9 WHERE record = 15");
    holds(page_of(desk, false), ">10 of 20 cards are enrolled; 1 was taken by Pismo and awaits its outcome, "
                                "5 are still to be sent, 1 is held "
                                "as a further card of its customer and 3 did not get through.<");
    change("UPDATE card SET state = 6 WHERE record = 11");
    holds(page_of(desk, false), ">11 of 20 cards are enrolled; 5 are still to be sent, 1 is held as a "
                                "further card of its customer, 2 were "
                                "declined and 1 was refused by the API.<");
}

/* ---- how it ended, and what to do ---- */

static void the_verdict_follows_the_last_run_and_the_states(void **state)
{
    struct desk *desk = *state;
    int64_t recovered;

    load_cards(desk, 2);
    change("UPDATE card SET state = 5;" ONE_RUN("0"));
    holds(page_of(desk, false),
          "<p class=\"verdict good\">Nothing is left to do <span class=\"code\">exit code 0<");
    /* What came after the run counts as well. */
    change("UPDATE card SET state = 7, code = 'declined' WHERE record = 1");
    holds(page_of(desk, false), "<p class=\"verdict look\">Finished; some records need a person");
    change("UPDATE run SET exit_code = -1");
    holds(page_of(desk, false), "exit code 3<");
    change("UPDATE card SET state = 3 WHERE record = 1");
    holds(page_of(desk, false), ">The last run was cut off; run again<");
    change("UPDATE run SET ended_ms = NULL, exit_code = NULL");
    holds(page_of(desk, false), ">The last run was cut off; run again<");
    holds(buf_text(&desk->text), "<td data-label=\"Exit code\">cut off</td>");
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    holds(page_of(desk, false), ">A run is at work<");
    holds(buf_text(&desk->text), "<td data-label=\"Exit code\">at work</td>");
    holds(buf_text(&desk->text), "<strong>Wait for the run.</strong> 1 card is still to be sent. While");
    change("DELETE FROM run WHERE id = 2");
    change("UPDATE run SET ended_ms = 1699999800000, exit_code = 6");
    holds(page_of(desk, false), "<p class=\"verdict stop\">The input files are missing, changed or unfit");
    holds(page_of(desk, false), "<li><strong>Bring the input files back.</strong>");
}

/* The last run ended well; a retry, or an event, came after it. */
static void what_came_due_after_the_last_run_is_not_its_fault(void **state)
{
    static const char *const ends[] = {"UPDATE run SET exit_code = 0", "UPDATE run SET exit_code = 3"};
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 3);
    change("UPDATE card SET state = 6 WHERE record = 1;" ONE_RUN("0"));
    for (size_t i = 0; i < 2; i++) {
        change(ends[i]);
        page = page_of(desk, false);
        holds(page, "<p class=\"verdict look\">Cards have come to be sent since the last run ended; run "
                    "again</p>");
        lacks(page, "exit code 5");
        lacks(page, "topped early");
        holds(page, "<strong>Run again.</strong> 2 cards are to be sent, by <code>retry</code>, or because");
    }
    change("UPDATE run SET exit_code = 5");
    holds(page_of(desk, false), ">Stopped early with work left; run again <span class=\"code\">exit code 5<");
}

static void a_fatal_end_names_the_answers_that_may_be_its_reason(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 2);
    change(ONE_RUN("4") "; INSERT INTO tally VALUES ('http', 403, 1), ('http', 429, 7)");
    page = page_of(desk, false);
    holds(page, "<p class=\"verdict stop\">Stopped by what is fatal for the whole run <span class=\"code\">"
                "exit code 4<");
    holds(page, "Among the answers so far: 1 × <b>403</b>, refused at the edge, for the whole run. Look at "
                "the rights "
                "of the key, the client certificate, the sending address. Nothing is lost");
    lacks(page, "Why it stopped");
    lacks(page, "<b>429</b>");
    holds(page, "<li><strong>Run again.</strong> 2 cards are still to be sent");
}

static void a_fatal_end_tells_its_reason_and_what_to_do(void **state)
{
    static const struct {
        const char *reason, *shown, *advice;
    } ends[] = {
        {"the API''s answer is fatal for the whole run: not_enabled_to_tenant (400) click to pay is not "
         "enabled to "
         "tenant",
         "The API&#39;s answer is fatal for the whole run: not_enabled_to_tenant (400) click to pay is not "
         "enabled to "
         "tenant.",
         "Look at api.tenant; then ask Pismo."},
        {"the API''s answer is fatal for the whole run: forbidden (403) <b>",
         "The API&#39;s answer is fatal for the whole run: forbidden (403) &lt;b&gt;.",
         "Look at the rights of the key, the client certificate, the sending address."},
        {"no success for breaker.limit: the server seems to be away",
         "No success for breaker.limit: the server seems to be away.", "Run again when the service is back."},
        {"the token host refuses the credentials: HTTP 401",
         "The token host refuses the credentials: HTTP 401.", "the key, its secret, the environment"},
        {"fresh tokens are refused (401) for 10 rows in a row",
         "Fresh tokens are refused (401) for 10 rows in a row.",
         "Look whether auth.url and api.base_url are of one environment"},
        {"no token for 10 accounts in a row: HTTP 404", "No token for 10 accounts in a row: HTTP 404.",
         "the first accounts could have no token"},
        {"something else", "Something else.", "<code>docs/operations.md</code> has what to do"},
    };
    struct desk *desk = *state;
    struct buf sql;

    buf_init(&sql, 1 << 16);
    load_cards(desk, 2);
    change(ONE_RUN("4") "; INSERT INTO tally VALUES ('http', 403, 1)");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const char *page;
        buf_reset(&sql);
        buf_addf(&sql, "UPDATE run SET reason = '%s'", ends[i].reason);
        change(buf_text(&sql));
        page = page_of(desk, false);
        buf_reset(&sql);
        buf_addf(&sql, "<p class=\"reason\"><b>Why it stopped:</b> %s</p>", ends[i].shown);
        holds(page, buf_text(&sql));
        holds(page, ends[i].advice);
        lacks(page, "Among the answers so far"); /* the reason is known */
    }
    /* A later run that came to its end has the last word. */
    change(RUN "(2, 1699999900000, 1699999990000, 1699999990000, 5, 't', 1, 1)");
    lacks(page_of(desk, false), "Why it stopped");
    holds(page_of(desk, false), "<td data-label=\"Exit code\"><b>4</b> something else</td>");
    buf_free(&sql);
}

static void purged_rows_stay_in_the_states(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 3);
    change("UPDATE card SET state = 9, file = 0, record = 0, line = 0 WHERE record = 1; UPDATE card SET "
           "state = 6;"
           "UPDATE card SET state = 9 WHERE file = 0; INSERT INTO tally VALUES ('purged', 0, 1)");
    page = page_of(desk, false);
    holds(page, ">2 of 3 cards are enrolled; 1 was refused by the API.<");
    holds(page, "1 row of these was purged: its state is kept, its story is gone.");
    lacks(page, "What needs a look");
    lacks(page, "Look at what the API refused"); /* it cannot be sent again */
}

static void every_state_has_its_step(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 8);
    change("UPDATE card SET state = 5, updated_ms = 1699900000000 WHERE record <= 2;"
           "UPDATE card SET state = 5 WHERE record = 3;"
           "UPDATE card SET state = 9, code = 'bad_request' WHERE record = 4;"
           "UPDATE card SET state = 10, code = 'server_error' WHERE record = 5;"
           "UPDATE card SET state = 7, code = 'declined' WHERE record = 6;"
           "UPDATE card SET state = 2, code = 'server_error' WHERE record = 7;"
           "UPDATE card SET state = 2, due_ms = -1, code = 'answer_lost', uncertain = 1 WHERE record = "
           "8;" ONE_RUN("3"));
    page = page_of(desk, false);
    holds(page, "</strong> 2 cards have waited for the outcome longer than 24 h (<code>events.overdue");
    holds(page, "</strong> 1 card awaits its outcome: <code>ctp-enroll reconcile FILE</code>");
    holds(page, "<code>ctp-enroll retry --state rejected</code>");
    holds(page, "<code>ctp-enroll retry --state exhausted</code>, then run again.</li>");
    holds(page, "<code>ctp-enroll retry --state declined</code>");
    holds(page, "<strong>Set up the call for further cards.</strong> 1 card waits behind another card");
    holds(page, "</strong> 1 card is held because the answer was lost");
    lacks(page, "<strong>Run again.</strong>");
    lacks(page, "<strong>Ask for cards of customers who were there.</strong>");
    change("UPDATE card SET state = 8, call = 0, code = 'already_on_click_to_pay' WHERE record IN (4, 5);"
           "UPDATE card SET state = 8, call = 1, code = 'already_on_click_to_pay' WHERE record = 6");
    page = page_of(desk, false);
    holds(
        page,
        "<strong>Ask for cards of customers who were there.</strong> 2 cards’ customers were on Click to Pay "
        "already; whether the card is, nobody said. Set <code>api.enroll_card_path</code>");
    change("INSERT INTO meta VALUES ('card_path', 1)");
    page = page_of(desk, false);
    holds(page, "nobody said. The next run asks for it, where the file");
    holds(page, "<strong>Leave further cards to themselves.</strong> 1 card waits for another card");
}

/* ---- charts ---- */

#define MINUTES(run, first, count)                                                                       \
    "INSERT INTO pulse WITH RECURSIVE m(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM m WHERE i < " #count \
    " - 1) SELECT " #run ", " #first " + i, 120, 100, 15, 120 * 30000, 90000 FROM m;"

static size_t moves_in(const char *page, const char *class)
{
    const char *at = strstr(page, class);
    size_t count = 0;

    assert_non_null(at);
    for (; *at && *at != '>'; at++)
        count += *at == 'M';
    return count;
}

static size_t times_in(const char *page, const char *text)
{
    size_t count = 0;

    for (const char *at = strstr(page, text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

static void minutes_are_bars_and_an_outage_is_a_gap(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1);
    /* 2023-11-14 22:00 is minute 28333320. */
    change(ONE_RUN("5") ";" MINUTES(
        1, 28333320, 10) "DELETE FROM pulse WHERE minute IN (28333324, 28333325);"
                         "UPDATE pulse SET answers = 1500, accepted = 1500 WHERE minute = 28333327;"
                         "UPDATE pulse SET latency_max_us = 262000 WHERE minute = 28333321;"
                         "INSERT INTO latency VALUES (1, 60, 80), (1, 72, 20)");
    page = page_of(desk, false);
    assert_int_equal(moves_in(page, "class=\"t-taken\""), 8);
    assert_int_equal(moves_in(page, "class=\"t-again\""), 8);
    assert_int_equal(moves_in(page, "class=\"l-mean\""), 2); /* before and after the gap */
    holds(page, "Each bar stands for 1 minute. The busiest began at <time "
                "datetime=\"2023-11-14T22:07:00.000Z\">2023-11-14 22:07:00</time>: 1,500 answers a minute.");
    holds(page, "half of the answers came within 30 ms, 95&nbsp;% within 251 ms");
    holds(page, ">14 Nov</text>");
    holds(page,
          "<td data-label=\"Took\" class=\"n\">10 min</td><td data-label=\"Requests\" "
          "class=\"n\">1,200</td>"
          "<td data-label=\"Tokens\" class=\"n\">3</td><td data-label=\"Per second\" class=\"n\">2.0</td>"
          "<td data-label=\"Median\" class=\"n\">30 ms</td><td data-label=\"95 %\" class=\"n\">251 ms</td>");
}

/* A percentile comes from a histogram: the true slowest answer bounds it. */
static void no_percentile_is_above_the_slowest_answer(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1);
    change(ONE_RUN("5") ";" MINUTES(1, 28333320,
                                    10) "UPDATE pulse SET latency_max_us = 230000 WHERE minute = 28333321;"
                                        "INSERT INTO latency VALUES (1, 60, 80), (1, 72, 20)");
    page = page_of(desk, false);
    holds(page, "half of the answers came within 30 ms, 95&nbsp;% within 230 ms, 99&nbsp;% within 230 ms. "
                "The slowest one shown took 230 ms");
    holds(page,
          "<td data-label=\"Median\" class=\"n\">30 ms</td><td data-label=\"95 %\" class=\"n\">230 ms</td>");
    /* Of runs that are not shown the slowest is not at hand. */
    change("UPDATE run SET id = 100; UPDATE pulse SET run = 100; UPDATE latency SET run = 100;"
           "WITH RECURSIVE m(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < 30)"
           "INSERT INTO run (id, started_ms, last_ms, ended_ms, exit_code, version, requests, tokens)"
           "SELECT i, 1699900000000, 0, 1699900060000, 5, 't', 0, 0 FROM m");
    page = page_of(desk, false);
    holds(page, "95&nbsp;% within 251 ms");
    holds(page, "<td data-label=\"95 %\" class=\"n\">230 ms</td>");
}

static void days_of_minutes_become_few_bars(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1);
    change(RUN "(1, 1699999200000, 1700239200000, 1700239200000, 5, 't', 1, 3),"
               "(2, 1701000000000, 1701030000000, 1701030000000, 5, 't', 1, 3);" MINUTES(1, 28333320, 4000)
                   MINUTES(2, 28350000, 500));
    page = page_of(desk, false);
    holds(page, "Each bar stands for 30 minutes. Dashed lines part the runs; the time between them "
                "is left out.");
    assert_int_equal(moves_in(page, "class=\"t-taken\""), 134 + 17);
    assert_int_equal(moves_in(page, "class=\"l-mean\""), 2);
    /* The same height though the last bar of a run holds fewer minutes: 100 of 150 a minute, of 180 pixels.
     */
    assert_int_equal(times_in(page, "V74.0H"), 134 + 17);
    holds(page, ": 120 answers a minute.");
}

static void of_many_runs_the_newest_are_shown(void **state)
{
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 1);
    change("WITH RECURSIVE m(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < 40)"
           "INSERT INTO run (id, started_ms, last_ms, ended_ms, exit_code, version, requests, tokens)"
           "SELECT i, 1699999200000 + i * 86400000, 0, 1699999260000 + i * 86400000, 5, 't', 120, 1 FROM m;"
           "INSERT INTO pulse SELECT id, 28333320 + id * 1440, 120, 100, 15, 120 * 30000, 90000 FROM run");
    page = page_of(desk, false);
    holds(page, "The charts and this table show the newest 30 of 40 runs");
    assert_int_equal(moves_in(page, "class=\"t-taken\""), 30);
    lacks(page, "2023-11-24 22:00:00"); /* the tenth run */
    holds(page, "2023-11-25 22:00:00");
}

static void damaged_figures_are_ledger_trouble(void **state)
{
    struct desk *desk = *state;

    load_cards(desk, 1);
    change(RUN "(1, 1699999200000, 9223372036854775807, 1699999800000, 5, 't', 1, 3)");
    assert_int_equal(write_to(desk, false), -1);
    assert_int_equal(desk->fail.kind, FAIL_LEDGER);
    holds(desk->fail.text, "damaged: run 1; restore it from a backup");
    change(
        "UPDATE run SET last_ms = NULL; INSERT INTO pulse VALUES (1, -9223372036854775807, 1, 1, 0, 1, 1)");
    assert_int_equal(write_to(desk, false), -1);
    holds(desk->fail.text, "damaged: run 1");
}

/* ---- the page itself ---- */

static void a_file_name_cannot_become_markup(void **state)
{
    struct desk *desk = *state;
    const char *page;

    desk_load(desk, CARDS "11,x,501\n", NULL);
    change("UPDATE file SET path = '/srv/in/<script>alert(1)</' || 'script>\"''&.csv'");
    page = page_of(desk, false);
    holds(page, "<h3>script&gt;&quot;&#39;&amp;.csv</h3>"); /* behind the last slash */
    change("UPDATE file SET path = '/srv/in/<script>alert(1)<b>\"''&' || char(10) || '.csv'");
    page = page_of(desk, false);
    holds(page, "<h3>&lt;script&gt;alert(1)&lt;b&gt;&quot;&#39;&amp;\xef\xbf\xbd.csv</h3>");
    holds(page, "class=\"place\">&lt;script&gt;alert(1)");
    lacks(page, "<script");
    lacks(page, "/srv/in");
}

static void the_page_needs_nothing_from_elsewhere(void **state)
{
    static const char *const outside[] = {
        "<script", "<link",  "<img",     "<iframe", " src=",    " href=",  "@import",
        "url(h",   "url(//", "url(data", " style=", " onclick", " onload", "javascript:"};
    struct desk *desk = *state;
    const char *page;

    load_cards(desk, 2);
    change(ONE_RUN("5") ";" MINUTES(1, 28333320, 10));
    page = page_of(desk, false);
    holds(page, "<!DOCTYPE html>\n<html lang=\"en\">");
    holds(page, "content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    holds(page, "prefers-color-scheme: dark");
    holds(page, "@media print");
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        lacks(page, outside[i]);
    holds(page, "ctp-enroll " CTP_VERSION
                ", written <time datetime=\"2023-11-14T22:13:21.000Z\">2023-11-14 22:13:21</time> "
                "UTC.");
}

static void files_have_their_digest_and_control_totals(void **state)
{
    struct desk *desk = *state;
    const char *page;

    desk_load(desk, CARDS "11,21,501\n11,21,502\n12,21,503\nx,y,504\n13,y,505\n",
              CUSTOMERS "11,\n12,\nx,\n14,CLOSED\n");
    page = page_of(desk, false);
    holds(page,
          "<h3>cards.1.csv</h3>\n<p>cards, loaded <time datetime=\"2023-11-14T22:13:20.000Z\">2023-11-14 "
          "22:13:20</time> UTC, 78 bytes</p>\n<p class=\"digest\">SHA-256 "
          "<code>76e55a51c05a0066af4538b4513b04541514aeaed0e393b24c34da9b606f2434</code></p>\n"
          "<dl><div><dt>records</dt><dd>5</dd></div><div><dt>valid</dt><dd>3</dd></div><div><dt>new</"
          "dt><dd>3</dd>"
          "</div><div><dt>re-pointed</dt><dd>0</dd></div><div><dt>known</dt><dd>0</dd></"
          "div><div><dt>skipped</dt>"
          "<dd>0</dd></div><div><dt>invalid</dt><dd>2</dd></div><div><dt>duplicates</dt><dd>0</dd></"
          "div><div><dt>"
          "without customer</dt><dd>1</dd></div></dl>");
    assert_true(strstr(page, "<h3>cards.1.csv") < strstr(page, "<h3>customers.1.csv"));
}

/* ---- the manifest, and totals that do not add up ---- */

static void the_manifest_names_every_file_of_the_set(void **state)
{
    struct desk *desk = *state;
    struct buf sums;

    buf_init(&sums, 1 << 16);
    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    desk_load(desk, "card_id,account_id,customer_id\nx,21,13\n", NULL);
    assert_int_equal(write_to(desk, false), 0);
    scratch_holds("out/cards.rejects.csv",
                  "card_id,account_id,customer_id,_ctp_code,_ctp_field,_ctp_message\n"
                  "x,21,13,bad_integer,card_id,card_id: not a whole number from 1 to 9223372036854775807; "
                  "give the Pismo "
                  "ID in digits only; in a spreadsheet format the column as text\n");
    scratch_read("out/SHA256SUMS", &sums);
    holds(buf_text(&sums),
          "9cff8b65073acc1783d7600cacaf0c0a4cf83994602fe9e3f0a6bb9dfea84cf5  cards.rejects.csv\n");
    holds(buf_text(&sums), "  report.html\n");
    holds(buf_text(&sums), "  results.csv\n");
    holds(buf_text(&sums), "  summary.json\n");
    lacks(buf_text(&sums), "SHA256SUMS");
    buf_free(&sums);
}

/* Purged rows have no line; all others do. */
static void lines_that_are_missing_are_told(void **state)
{
    struct desk *desk = *state;

    load_cards(desk, 3);
    change("UPDATE card SET state = 6; UPDATE card SET file = 0, record = 0, line = 0 WHERE record = 1");
    assert_int_equal(write_to(desk, false), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    holds(desk->fail.text,
          "totals do not add up: results.csv has 2 lines and 0 rows were purged, but 3 are counted");
    assert_false(scratch_exists("out/SHA256SUMS"));
    change("INSERT INTO tally VALUES ('purged', 0, 1)");
    assert_int_equal(write_to(desk, false), 0);
    assert_true(scratch_exists("out/SHA256SUMS"));
}

static void totals_that_do_not_add_up_are_told_and_have_no_manifest(void **state)
{
    struct desk *desk = *state;
    sqlite3 *db;

    load_cards(desk, 2);
    change(ONE_RUN("5"));
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE tally SET n = n + 1 WHERE kind = 'state'", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(write_to(desk, false), -1);
    assert_int_equal(desk->fail.kind, FAIL_INTERNAL);
    holds(desk->fail.text, "totals do not add up: 2 rows are ready, 3 are counted");
    assert_false(scratch_exists("out/SHA256SUMS"));
    buf_reset(&desk->text);
    scratch_read("out/report.html", &desk->text);
    holds(buf_text(&desk->text), "<p class=\"verdict stop\">The totals do not add up</p>");
    holds(buf_text(&desk->text), "no number here is to be relied on");
    lacks(buf_text(&desk->text), "<strong>Run again.</strong>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_sentence_tells_every_state_with_its_count),
        DESK_TEST(the_sentence_says_so_where_nothing_was_taken),
        DESK_TEST(a_long_sentence_takes_the_failed_together),
        DESK_TEST(an_empty_ledger_has_a_page_too),
        DESK_TEST(a_check_says_that_nothing_was_sent),
        DESK_TEST(the_verdict_follows_the_last_run_and_the_states),
        DESK_TEST(what_came_due_after_the_last_run_is_not_its_fault),
        DESK_TEST(a_fatal_end_names_the_answers_that_may_be_its_reason),
        DESK_TEST(a_fatal_end_tells_its_reason_and_what_to_do),
        DESK_TEST(purged_rows_stay_in_the_states),
        DESK_TEST(every_state_has_its_step),
        DESK_TEST(minutes_are_bars_and_an_outage_is_a_gap),
        DESK_TEST(no_percentile_is_above_the_slowest_answer),
        DESK_TEST(days_of_minutes_become_few_bars),
        DESK_TEST(of_many_runs_the_newest_are_shown),
        DESK_TEST(damaged_figures_are_ledger_trouble),
        DESK_TEST(a_file_name_cannot_become_markup),
        DESK_TEST(the_page_needs_nothing_from_elsewhere),
        DESK_TEST(files_have_their_digest_and_control_totals),
        DESK_TEST(the_manifest_names_every_file_of_the_set),
        DESK_TEST(lines_that_are_missing_are_told),
        DESK_TEST(totals_that_do_not_add_up_are_told_and_have_no_manifest),
    };

    return cmocka_run_group_tests_name("report_html", tests, scratch_open, scratch_close);
}
