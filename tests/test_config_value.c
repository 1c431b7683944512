/* config: what every kind of value may be, what it becomes, and what is refused. */
#include "config_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void getters_convert(void **state)
{
    struct config *config = config_opened();
    struct quantity_limit limit = {.count = -7};

    (void)state;
    assert_int_equal(config_ms(config, SET_API_CONNECT_TIMEOUT), 10000);
    assert_int_equal(config_ms(config, SET_EVENTS_OVERDUE), 86400000);
    assert_int_equal(config_ms(config, SET_RUN_MAX_DURATION), 0);
    assert_int_equal(config_int(config, SET_INPUT_MAX_RECORD_BYTES), 65536);
    assert_int_equal(config_int(config, SET_PACE_BURST), 0);
    assert_true(config_rate(config, SET_PACE_RATE) == 50.0);
    assert_true(config_bool(config, SET_PACE_ADAPTIVE));
    assert_false(config_bool(config, SET_INPUT_ALLOW_INTERNAL));
    assert_int_equal(config_char(config, SET_INPUT_DELIMITER), ',');
    assert_false(config_limit(config, SET_INPUT_MAX_BAD, &limit));
    assert_int_equal(limit.count, -7);
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, 0), -1);
    assert_false(config_is_set(config, SET_API_BASE_URL));
    assert_string_equal(config_text(config, SET_API_BASE_URL), "");

    config_set_ok(config, "input.max_bad", "5%");
    assert_true(config_limit(config, SET_INPUT_MAX_BAD, &limit));
    assert_true(limit.is_share && limit.percent == 5.0);
    config_set_ok(config, "input.max_bad", "12");
    assert_true(config_limit(config, SET_INPUT_MAX_BAD, &limit));
    assert_true(!limit.is_share && limit.count == 12);
    config_set_ok(config, "input.max_bad", "none");
    assert_false(config_limit(config, SET_INPUT_MAX_BAD, &limit));
    config_set_ok(config, "input.max_record_bytes", "64k");
    assert_int_equal(config_int(config, SET_INPUT_MAX_RECORD_BYTES), 65536);
    config_set_ok(config, "pace.rate", "3000/m");
    assert_true(config_rate(config, SET_PACE_RATE) == 50.0);
    config_set_ok(config, "input.calling_code", "+55");
    assert_string_equal(config_text(config, SET_INPUT_CALLING_CODE), "55");
    config_close(config);
}

static void delimiters(void **state)
{
    static const struct {
        const char *text;
        char c;
    } good[] = {{";", ';'}, {"|", '|'}, {"tab", '\t'}, {"\\t", '\t'}, {"\t", '\t'}, {"auto", '\0'}};
    struct config *config = config_opened();

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        config_set_ok(config, "input.delimiter", good[i].text);
        assert_int_equal(config_char(config, SET_INPUT_DELIMITER), good[i].c);
    }
    config_close(config);
    config_set_refused("input.delimiter", "\"",
                       "--set: input.delimiter: '\"' is neither one punctuation character nor auto nor tab");
    config_set_refused("input.delimiter", ",,",
                       "--set: input.delimiter: ',,' is neither one punctuation character nor auto nor tab");
    config_set_refused("input.delimiter", "x",
                       "--set: input.delimiter: 'x' is neither one punctuation character nor auto nor tab");
    config_set_refused("input.list_separator", "auto",
                       "--set: input.list_separator: 'auto' is neither one punctuation character nor tab");
}

static void values_of_the_wrong_form(void **state)
{
    (void)state;
    config_set_refused("pace.rate", "fast", "--set: pace.rate: 'fast' is no rate, such as 50/s or 3000/m");
    config_set_refused("pace.rate", "0/s", "--set: pace.rate: 0/s is not within 0.001/s..100000/s");
    config_set_refused("pace.rate", "", "--set: pace.rate: the value is empty");
    config_set_refused("pace.concurrency", "0", "--set: pace.concurrency: 0 is not within 1..4096");
    config_set_refused("pace.concurrency", "5000", "--set: pace.concurrency: 5000 is not within 1..4096");
    config_set_refused("pace.concurrency", "-1", "--set: pace.concurrency: '-1' is no whole number");
    config_set_refused("pace.adaptive", "true", "--set: pace.adaptive: 'true' is neither yes nor no");
    config_set_refused("api.timeout", "30",
                       "--set: api.timeout: '30' is no duration, such as 250ms, 30s, 5m, 4h or 90d");
    config_set_refused("api.timeout", "0s", "--set: api.timeout: 0s is not within 1ms..1h");
    config_set_refused("log.level", "loud",
                       "--set: log.level: 'loud' is none of debug, info, warning, error");
    config_set_refused("input.calling_code", "0055",
                       "--set: input.calling_code: '0055' is no country calling code, such as 55");
    config_set_refused("events.status_pointer", "data",
                       "--set: events.status_pointer: 'data' is no JSON pointer, such as /data/status");
    config_set_refused("events.status_pointer", "/a~2b",
                       "--set: events.status_pointer: '/a~2b' is no JSON pointer, such as /data/status");
    config_set_refused("api.tenant", "TN\r\nX-Evil: 1",
                       "--set: api.tenant: the value has control characters");
    config_refused("[pace]\nrate = fast\n", ":2: pace.rate: 'fast' is no rate, such as 50/s or 3000/m");
    config_refused("[api]\ntenant = \"TN-1\"\n", ":2: api.tenant: write the value without quotes");
}

static void plain_http_only_to_loopback(void **state)
{
    struct config *config = config_opened();
    struct fail fail = {0};

    (void)state;
    config_set_ok(config, "api.base_url", "https://api.example.com/cards-tokenization");
    config_set_ok(config, "api.base_url", "http://127.0.0.1:8080/cards-tokenization");
    assert_int_equal(config_set(config, "api.base_url", "http://api.example.com", "--base-url", &fail), -1);
    assert_int_equal(fail.kind, FAIL_USAGE);
    assert_memory_equal(fail.text, "--base-url: api.base_url: ", 26);
    assert_string_equal(config_text(config, SET_API_BASE_URL), "http://127.0.0.1:8080/cards-tokenization");
    config_close(config);
}

static void the_card_path_is_a_path(void **state)
{
    static const char *const wrong[] = {
        "card", "/", "//card ", "/card?x=1", "/card#there", "/c%61rd", "https://api.example.com/card"};
    struct config *config = config_opened();

    (void)state;
    assert_string_equal(config_text(config, SET_API_ENROLL_CARD_PATH), "");
    config_set_ok(config, "api.enroll_card_path", "/v1/clicktopay/visa/enroll/card");
    assert_string_equal(config_text(config, SET_API_ENROLL_CARD_PATH), "/v1/clicktopay/visa/enroll/card");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char message[200];
        (void)snprintf(message, sizeof message,
                       "--set: api.enroll_card_path: '%s' is no path such as /v1/clicktopay/visa/enroll/card",
                       wrong[i]);
        config_set_refused("api.enroll_card_path", wrong[i], message);
    }
    config_set_ok(config, "api.enroll_card_path", "");
    assert_string_equal(config_text(config, SET_API_ENROLL_CARD_PATH), "");
    config_close(config);
}

static void timetables(void **state)
{
    struct config *config = config_opened();

    (void)state;
    config_set_ok(config, "pace.timetable", "Mon-Fri 08:00-20:00 5/s; * 50/s");
    assert_string_equal(config_text(config, SET_PACE_TIMETABLE), "Mon-Fri 08:00-20:00 5/s; * 50/s");
    config_set_refused(
        "pace.timetable", "Mon-Fri 08:00-20:00 5/s; Mom 50/s",
        "--set: pace.timetable: character 26: 'Mom' is no day (Mon ... Sun) and no range of days "
        "such as Mon-Fri");
    config_set_ok(config, "pace.timetable", "");
    config_close(config);
}

static void deadlines(void **state)
{
    struct config *config = config_opened();
    int64_t noon = INT64_C(1769860800000); /* 2026-01-31T12:00:00Z */

    (void)state;
    assert_int_equal(setenv("TZ", "UTC-2", 1), 0); /* two hours east of UTC: noon UTC is 14:00 */
    tzset();
    config_set_ok(config, "run.deadline", "14:30");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), noon + 30 * 60000);
    config_set_ok(config, "run.deadline", "14:00");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), noon + 24 * 3600000);
    config_set_ok(config, "run.deadline", "06:00");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), noon + 16 * 3600000);
    config_set_ok(config, "run.deadline", "2026-01-31T12:00:01Z");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), noon + 1000);
    config_set_ok(config, "run.deadline", "2026-01-31T09:00:00-03:00");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), noon);
    config_set_ok(config, "run.deadline", "");
    assert_int_equal(config_deadline(config, SET_RUN_DEADLINE, noon), -1);
    config_close(config);
    config_set_refused("run.deadline", "24:00",
                       "--set: run.deadline: '24:00' is no time of day such as 06:30, or RFC 3339 such as "
                       "2026-01-31T06:30:00Z");
    config_set_refused(
        "run.deadline", "2026-01-31T06:30:00",
        "--set: run.deadline: '2026-01-31T06:30:00' is no time of day such as 06:30, or RFC 3339 such as "
        "2026-01-31T06:30:00Z");
    config_set_refused(
        "run.deadline", "2026-02-29T06:30:00Z",
        "--set: run.deadline: '2026-02-29T06:30:00Z' is no time of day such as 06:30, or RFC 3339 such as "
        "2026-01-31T06:30:00Z");
    config_set_refused(
        "run.deadline", "2026-01-31T06:30:00.5",
        "--set: run.deadline: '2026-01-31T06:30:00.5' is no time of day such as 06:30, or RFC 3339 such as "
        "2026-01-31T06:30:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(getters_convert),
        cmocka_unit_test(delimiters),
        cmocka_unit_test(values_of_the_wrong_form),
        cmocka_unit_test(plain_http_only_to_loopback),
        cmocka_unit_test(the_card_path_is_a_path),
        cmocka_unit_test(timetables),
        cmocka_unit_test(deadlines),
    };

    return cmocka_run_group_tests_name("config values", tests, config_file_name, config_file_remove);
}
