/* A remote side that is away, or as good as that: the breaker, its probes, and what an outage costs the rows.
 * In virtual time. */
#include "engine_case.h"

#include <regex.h>
#include <string.h>

/* Extended form. */
static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("'%s' does not match '%s'", text, pattern);
    regfree(&regex);
}

static int64_t left_ms(int i)
{
    return fake_request(false, i)->at_ms;
}

struct outage {
    int64_t from_ms, to_ms;
};

static void away(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct outage *outage = context;

    if (request->at_ms < outage->from_ms || request->at_ms >= outage->to_ms)
        return;
    answer->end = HTTP_NOT_SENT;
    answer->after_ms = 1;
}

static int64_t last_left_ms(void)
{
    return left_ms(fake_count(false) - 1);
}

static int64_t first_after(int64_t at_ms)
{
    int i = 0;

    while (left_ms(i) < at_ms)
        i++;
    return left_ms(i);
}

/* 100 a second; away from 2 s to 62 s. What is sent meanwhile are probes, one at a time, each another row;
 * after the probe that succeeds the rest leaves at the rate. */
static void an_outage_of_a_minute_exhausts_nothing(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {2000, 62000};
    int64_t back_ms;
    int probes = 0, again = 0;

    fake_serve(away, NULL, &outage);
    rig->options.pace.rate = 100;
    rig->options.pace.concurrency = 64;
    rig_cards(rig, 1, 1200, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 1200);
    assert_in_range(rig_number(rig, "SELECT max(attempts) FROM card_now"), 2, 3);
    for (int i = 0; i < fake_count(false); i++) {
        const struct fake_request *request = fake_request(false, i);
        if (request->at_ms < 3000 || request->at_ms >= 62000)
            continue;
        assert_int_equal(request->flying, 1);
        probes++;
        again += request->nth > 1; /* claimed before the gate closed */
    }
    assert_in_range(probes, 8, 20);
    assert_in_range(again, 0, 2);
    back_ms = first_after(62000);
    assert_in_range(back_ms, 62000, 66990);
    assert_in_range(last_left_ms() - back_ms, 9500, 12000);
    assert_int_equal(rig_count(rig, "exhausted"), 0);
    assert_int_equal(rig_logs(rig, "the server seems to be away"), 1);
    assert_int_equal(rig_logs(rig, "the server answers again"), 1);
}

/* The first twenty failures close the gate, and cost an attempt each. Nothing has succeeded, so nothing after
 * them does. Probes are rows that were never tried, as long as there are any. */
static void expect_twenty_attempts(struct rig *rig, fake_host *api)
{
    struct outage outage = {0, 600000};
    int probes = 0, again = 0;

    fake_serve(api, NULL, &outage);
    rig_cards(rig, 1, 80, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 80);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 100);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM attempt"), 20);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE uncertain"), 0);
    for (int i = 0; i < fake_count(false); i++)
        if (left_ms(i) >= 10000 && left_ms(i) < 600000) {
            probes++;
            again += fake_request(false, i)->nth > 1;
        }
    assert_in_range(probes, 20, 55);
    assert_in_range(again, 0, 2);
}

static void an_outage_from_the_start_costs_twenty_attempts(void **state)
{
    expect_twenty_attempts(*state, away);
}

/* Two rows are left, so few that their failures never close the gate: the connections that fail are no
 * attempts that could exhaust them. */
static void an_outage_with_two_rows_left_exhausts_none(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {0, 900000};

    fake_serve(away, NULL, &outage);
    rig->options.max_attempts = 3;
    rig->options.pace.retry_cap_ms = 60000;
    rig_cards(rig, 1, 2, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    rig_expect(rig, 1, "accepted", 3);
    rig_expect(rig, 2, "accepted", 3);
}

static void broken(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct outage *outage = context;

    if (request->at_ms < outage->to_ms)
        answer->status = 500;
}

static void a_broken_server_is_as_good_as_away(void **state)
{
    expect_twenty_attempts(*state, broken);
}

static void a_server_that_stays_away_ends_the_run(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {0, FAKE_NEVER};

    fake_serve(away, NULL, &outage);
    rig->options.pace.breaker_limit_ms = 120000;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_matches(
        rig->fail.text,
        "^no success for breaker.limit: the server seems to be away: api.example.com, "
        "[234][0-9] failures since 2026-03-02T12:00:0[0-9.]+Z, the last: connect_failed: scripted "
        "end; nothing is lost: look at network, name service, proxy and firewall, then run again$");
    assert_int_equal(rig_logs(rig, "trying one request at a time last=\"connect_failed: scripted end\""), 1);
    assert_in_range(fake_now_ms(), 120000, 125000);
    assert_int_equal(rig_count(rig, "ready"), 30);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 20);
}

static void recovers_once(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->at_ms >= 1000 && request->at_ms < 2000)
        return;
    answer->status = 503;
    answer->body = "{\"message\":\"Out for lunch, 4111111111111111\"}";
}

/* What is told is of the time since the last success, and masked. */
static void the_end_tells_the_last_failure(void **state)
{
    struct rig *rig = *state;

    fake_serve(recovers_once, NULL, NULL);
    rig->options.pace.breaker_limit_ms = 120000;
    rig_cards(rig, 1, 300, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_matches(
        rig->fail.text,
        "^no success for breaker.limit: the server seems to be away: api.example.com, "
        "[0-9]+ failures since 2026-03-02T12:00:0[2-9.][0-9.]+Z, the last: HTTP 503: Out for lunch, "
        "[^0-9]+; nothing is lost: wait until the service is back \\(for hours: ask Pismo\\), then "
        "run again$");
}

enum { HOUR_MS = 3600000 };

static void ask_for_an_hour(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    const struct outage *outage = context;

    if (request->at_ms < outage->from_ms || request->at_ms >= outage->to_ms)
        return;
    answer->status = 503;
    answer->retry_after = "3600";
}

/* The server says when it will be back, twice: pushback closes the gate after the first hour, and the second
 * is longer than breaker.limit. */
static void a_server_that_names_its_time_is_waited_for(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {0, 2 * HOUR_MS};

    fake_serve(ask_for_an_hour, NULL, &outage);
    rig->options.pace.breaker_failures = 3;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 30);
    assert_int_equal(rig_logs(rig, "the server seems to be away"), 1);
    assert_in_range(first_after(HOUR_MS + 10000), 2 * HOUR_MS, 2 * HOUR_MS + 1000);
}

/* It says so a third time when it is asked: that ends the run, with one request more. */
static void a_server_that_names_a_time_for_ever_ends_the_run(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {0, FAKE_NEVER};
    int sent = 0;

    fake_serve(ask_for_an_hour, NULL, &outage);
    rig->options.pace.breaker_failures = 3;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_non_null(strstr(rig->fail.text, "breaker.limit"));
    assert_in_range(fake_now_ms(), 2 * HOUR_MS, 2 * HOUR_MS + 1000);
    assert_int_equal(rig_count(rig, "ready"), 30);
    for (int i = 0; i < fake_count(false); i++)
        sent += left_ms(i) >= HOUR_MS + 10000;
    assert_int_equal(sent, 1);
}

static void a_token_host_that_stays_away_ends_the_run(void **state)
{
    struct rig *rig = *state;
    struct outage outage = {0, FAKE_NEVER};

    fake_serve(NULL, away, &outage);
    rig->options.token_pace.breaker_failures = 5;
    rig->options.token_pace.breaker_limit_ms = 120000;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_matches(rig->fail.text,
                   "^no success for breaker.limit: the token host seems to be away: auth.example.com, [0-9]+ "
                   "failures since 2026-03-02T12:00:0[0-9.]+Z, the last: [^;]*scripted end; nothing is lost: "
                   "look at network, name service, proxy and firewall, then run again$");
    assert_int_equal(fake_count(false), 0);
    assert_int_equal(rig_count(rig, "ready"), 30);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(an_outage_of_a_minute_exhausts_nothing),
        RIG_TEST(an_outage_from_the_start_costs_twenty_attempts),
        RIG_TEST(an_outage_with_two_rows_left_exhausts_none),
        RIG_TEST(a_broken_server_is_as_good_as_away),
        RIG_TEST(a_server_that_stays_away_ends_the_run),
        RIG_TEST(the_end_tells_the_last_failure),
        RIG_TEST(a_server_that_names_its_time_is_waited_for),
        RIG_TEST(a_server_that_names_a_time_for_ever_ends_the_run),
        RIG_TEST(a_token_host_that_stays_away_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
