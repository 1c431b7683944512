/* kit: buf and span, json, clock, uuid, fail, log: the edges that everything above relies on. */
#include "kit/buf.h"
#include "kit/clock.h"
#include "kit/fail.h"
#include "kit/json.h"
#include "kit/log.h"
#include "kit/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- buf ---- */

static void a_buf_never_passes_its_cap(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    buf_add_text(&buf, "abc");
    assert_false(buf.full);
    buf_add_text(&buf, "def"); /* refused as a whole */
    assert_true(buf.full);
    assert_string_equal(buf_text(&buf), "abc");
    buf_add_text(&buf, "de");
    assert_string_equal(buf_text(&buf), "abcde");
    assert_true(buf.full); /* remembered until the reset */
    buf_add_char(&buf, 'f');
    assert_int_equal(buf.len, 5);
    buf_reset(&buf);
    assert_false(buf.full);
    assert_string_equal(buf_text(&buf), "");
    buf_addf(&buf, "%d", 123456);
    assert_true(buf.full);
    assert_int_equal(buf.len, 0);
    buf_addf(&buf, "%d", 12345);
    assert_string_equal(buf_text(&buf), "12345");
    buf_free(&buf);
    buf_add_text(&buf, "again");
    assert_string_equal(buf_text(&buf), "again");
    buf_free(&buf);
}

static void a_buf_without_room_holds_nothing(void **state)
{
    struct buf buf = {.cap = 0};

    (void)state;
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_span(&buf).len, 0);
    buf_add(&buf, "", 0);
    assert_false(buf.full);
    buf_add_char(&buf, 'x');
    assert_true(buf.full);
    buf_free(&buf);
}

static void a_buf_may_hold_nul_bytes(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    buf_add_span(&buf, SPAN("a\0b"));
    buf_add_char(&buf, '\0');
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.ptr, "a\0b\0", 5);
    buf_free(&buf);
}

static void wiping_overwrites_what_was_held(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    buf_add_text(&buf, "secret");
    buf_wipe(&buf);
    assert_int_equal(buf.len, 0);
    assert_memory_equal(buf.ptr, "\0\0\0\0\0\0\0", 7);
    buf_free(&buf);
}

/* ---- span ---- */

static void ids_are_1_to_2_to_the_63_minus_1(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "000",
                                      "9223372036854775808",
                                      "18446744073709551616",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x10",
                                      "1e3",
                                      "٣",
                                      "99999999999999999999999999"};
    int64_t id = -7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(span_to_id(span_of(bad[i]), &id), -1);
    assert_int_equal(span_to_id((struct span){"1\0", 2}, &id), -1);
    assert_int_equal(id, -7);
    assert_int_equal(span_to_id(SPAN("1"), &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(span_to_id(SPAN("9223372036854775807"), &id), 0);
    assert_true(id == INT64_C(9223372036854775807));
    assert_int_equal(span_to_id(SPAN("00000000000000000000000000042"), &id), 0);
    assert_int_equal(id, 42);
    assert_int_equal(span_to_id(SPAN("009223372036854775807"), &id), 0);
    assert_true(id == INT64_C(9223372036854775807));
}

static void spans_are_compared_by_their_bytes(void **state)
{
    (void)state;
    assert_true(span_is(SPAN("abc"), "abc"));
    assert_false(span_is(SPAN("abc"), "ab"));
    assert_false(span_is(SPAN("ab\0"), "ab"));
    assert_true(span_is(span_of(NULL), ""));
    assert_true(span_is_nocase(SPAN("AbC-1"), "aBc-1"));
    assert_false(span_is_nocase(SPAN("ab"), "abc"));
    assert_true(span_same((struct span){NULL, 0}, SPAN("")));
    assert_true(span_is(span_trim(SPAN(" \t\r\n a b \n")), "a b"));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
}

static void cutting_yields_every_part(void **state)
{
    struct span rest = SPAN(";a;;b"), part;

    (void)state;
    assert_int_equal(span_cut(&rest, ';', &part), 1);
    assert_true(span_is(part, ""));
    assert_int_equal(span_cut(&rest, ';', &part), 1);
    assert_true(span_is(part, "a"));
    assert_int_equal(span_cut(&rest, ';', &part), 1);
    assert_true(span_is(part, ""));
    assert_int_equal(span_cut(&rest, ';', &part), 1);
    assert_true(span_is(part, "b"));
    assert_int_equal(span_cut(&rest, ';', &part), 0);
    rest = SPAN("");
    assert_int_equal(span_cut(&rest, ';', &part), 1);
    assert_int_equal(span_cut(&rest, ';', &part), 0);
}

/* ---- json ---- */

static void json_ends(struct buf *out, const char *expected)
{
    assert_false(out->full);
    assert_string_equal(buf_text(out), expected);
    buf_free(out);
}

static void json_sets_commas_and_colons(void **state)
{
    struct buf out;
    struct json json;

    (void)state;
    buf_init(&out, 4096);
    json_init(&json, &out, false);
    json_object(&json);
    json_key(&json, "a");
    json_int(&json, INT64_C(-9223372036854775807) - 1);
    json_key(&json, "b");
    json_array(&json);
    json_bool(&json, true);
    json_null(&json);
    json_text(&json, NULL);
    json_object(&json);
    json_end_object(&json);
    json_end_array(&json);
    json_key(&json, "c");
    json_double(&json, 1.0005);
    json_key(&json, "d");
    json_text(&json, "x");
    json_end_object(&json);
    json_ends(&out, "{\"a\":-9223372036854775808,\"b\":[true,null,null,{}],\"c\":1.000,\"d\":\"x\"}");
}

static void json_is_pretty_for_people(void **state)
{
    struct buf out;
    struct json json;

    (void)state;
    buf_init(&out, 4096);
    json_init(&json, &out, true);
    json_object(&json);
    json_key(&json, "a");
    json_array(&json);
    json_int(&json, 1);
    json_int(&json, 2);
    json_end_array(&json);
    json_key(&json, "none");
    json_object(&json);
    json_end_object(&json);
    json_end_object(&json);
    json_ends(&out, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"none\": {}\n}");
}

static void json_string(struct span text, const char *expected)
{
    struct buf out;
    struct json json;

    buf_init(&out, 4096);
    json_init(&json, &out, false);
    json_span(&json, text);
    json_ends(&out, expected);
}

static void json_escapes_what_must_be(void **state)
{
    (void)state;
    json_string(SPAN("say \"hi\" \\ /"), "\"say \\\"hi\\\" \\\\ /\"");
    json_string(SPAN("\n\r\t\b\x01\x1F\x7F"), "\"\\n\\r\\t\\u0008\\u0001\\u001f\\u007f\"");
    json_string(SPAN("a\0b"), "\"a\\u0000b\"");
    json_string(SPAN(""), "\"\"");
    json_string(SPAN("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

/* What is escaped, its neighbours that are not, at every place of a text of up to so many characters. */
static void json_escapes_at_every_place(void **state)
{
    static const char *const bytes[][2] = {{"\x1F", "\\u001f"},
                                           {" ", " "},
                                           {"!", "!"},
                                           {"\"", "\\\""},
                                           {"#", "#"},
                                           {"[", "["},
                                           {"\\", "\\\\"},
                                           {"]", "]"},
                                           {"~", "~"},
                                           {"\x7F", "\\u007f"},
                                           {"\xC2\xA2", "\xC2\xA2"}};
    enum { MOST = 20 };
    static const char xs[] = "xxxxxxxxxxxxxxxxxxxx";
    struct buf text = {.cap = 64}, expected = {.cap = 64};

    (void)state;
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        for (int len = 0; len <= MOST; len++)
            for (int at = 0; at <= len; at++) {
                buf_reset(&text);
                buf_reset(&expected);
                buf_addf(&text, "%.*s%s%.*s", at, xs, bytes[i][0], len - at, xs);
                buf_addf(&expected, "\"%.*s%s%.*s\"", at, xs, bytes[i][1], len - at, xs);
                json_string(buf_span(&text), buf_text(&expected));
            }
    buf_free(&text);
    buf_free(&expected);
}

#define BAD "\xEF\xBF\xBD"

static void json_is_valid_whatever_the_bytes(void **state)
{
    (void)state;
    json_string(SPAN("a\xFFz"), "\"a" BAD "z\"");
    json_string(SPAN("\x80"), "\"" BAD "\"");
    json_string(SPAN("\xC3"), "\"" BAD "\""); /* cut short */
    json_string(SPAN("\xE2\x82"), "\"" BAD BAD "\"");
    json_string(SPAN("\xE2\x82z"), "\"" BAD BAD "z\"");
    json_string(SPAN("\xC0\xAF"), "\"" BAD BAD "\""); /* overlong */
    json_string(SPAN("\xE0\x80\x80"), "\"" BAD BAD BAD "\"");
    json_string(SPAN("\xF0\x80\x80\x80"), "\"" BAD BAD BAD BAD "\"");
    json_string(SPAN("\xED\xA0\x80"), "\"" BAD BAD BAD "\"");         /* a surrogate */
    json_string(SPAN("\xF4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* beyond U+10FFFF */
    json_string(SPAN("\xF4\x8F\xBF\xBF"), "\"\xF4\x8F\xBF\xBF\"");
    json_string(SPAN("\xED\x9F\xBF\xEE\x80\x80"), "\"\xED\x9F\xBF\xEE\x80\x80\"");
}

/* ---- clock ---- */

static void times_are_written_in_utc(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {INT64_C(86399999), "1970-01-01T23:59:59.999Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
        {INT64_C(1709251199999), "2024-02-29T23:59:59.999Z"},
        {INT64_C(4107542399000), "2100-02-28T23:59:59.000Z"}, /* no leap year */
        {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
        {INT64_C(1798761599000), "2026-12-31T23:59:59.000Z"},
        {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(clock_format(cases[i].ms, text), cases[i].text);
}

static void days_are_counted_from_1970(void **state)
{
    (void)state;
    assert_int_equal(clock_days(1970, 1, 1), 0);
    assert_int_equal(clock_days(1970, 3, 1), 59);
    assert_int_equal(clock_days(1969, 12, 31), -1);
    assert_int_equal(clock_days(2000, 2, 29), 11016);
    assert_int_equal(clock_days(2000, 3, 1), 11017);
    assert_int_equal(clock_days(1900, 3, 1) - clock_days(1900, 2, 28), 1);
    assert_int_equal(clock_days(1, 1, 1), -719162);
    assert_int_equal(clock_days(9999, 12, 31), 2932896);
}

static void the_clocks_run(void **state)
{
    int64_t before = clock_mono_us();

    (void)state;
    assert_true(clock_mono_us() >= before && clock_mono_ms() >= before / 1000);
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
}

/* ---- uuid ---- */

static const struct uuid_seed SEED = {
    {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};

static void a_uuid_is_made_of_seed_and_row(void **state)
{
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_string_equal(uuid_format(&SEED, 0, text), "12345678-9abc-4ef0-bedc-ba9876543210");
    assert_string_equal(uuid_format(&SEED, 1, text), "12345678-9abc-4ef0-bedc-ba9876543211");
    assert_string_equal(uuid_format(&SEED, 0x10, text), "12345678-9abc-4ef0-bedc-ba9876543200");
    assert_string_equal(uuid_format(&SEED, (INT64_C(1) << 61) - 1, text),
                        "12345678-9abc-4ef0-a123-456789abcdef");
}

static void a_uuid_leads_back_to_its_row(void **state)
{
    static const int64_t rows[] = {0, 1, 2, 255, 256, 1000000, INT64_C(4294967296), (INT64_C(1) << 61) - 1};
    char text[UUID_TEXT_SIZE];
    int64_t row;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        row = -1;
        assert_int_equal(uuid_parse(&SEED, span_of(uuid_format(&SEED, rows[i], text)), &row), 0);
        assert_true(row == rows[i]);
    }
    assert_int_equal(uuid_parse(&SEED, SPAN("12345678-9ABC-4EF0-BEDC-BA9876543211"), &row), 0);
    assert_int_equal(row, 1);
}

static void a_foreign_uuid_is_none_of_ours(void **state)
{
    static const char *const foreign[] = {
        "",
        "12345678-9abc-4ef0-bedc-ba987654321",   /* too short */
        "12345678-9abc-4ef0-bedc-ba98765432110", /* too long */
        "12345678-9abc-4ef0-bedc-ba987654321g",
        "12345678+9abc-4ef0-bedc-ba9876543210",
        "123456789-abc-4ef0-bedc-ba9876543210",
        "22345678-9abc-4ef0-bedc-ba9876543210", /* another seed */
        "12345678-9abc-5ef0-bedc-ba9876543210", /* another version */
        "12345678-9abc-4ef0-fedc-ba9876543210", /* another variant */
        "12345678-9abc-4ef0-9edc-ba9876543210", /* a row of 2^61 and more */
    };
    int64_t row = -7;

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (uuid_parse(&SEED, span_of(foreign[i]), &row) != -1)
            fail_msg("%s was taken", foreign[i]);
    assert_int_equal(row, -7);
}

/* ---- fail ---- */

static void a_failure_carries_its_context(void **state)
{
    struct fail fail;

    (void)state;
    assert_int_equal(fail_set(&fail, FAIL_INPUT, "line %d", 7), -1);
    assert_int_equal(fail_context(&fail, "file %s", "x.csv"), -1);
    assert_int_equal(fail_context(&fail, "loading"), -1);
    assert_string_equal(fail.text, "loading: file x.csv: line 7");
    assert_int_equal(fail.kind, FAIL_INPUT);
}

static void a_long_failure_is_cut(void **state)
{
    char wide[3000];
    struct fail fail;

    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_int_equal(fail_set(&fail, FAIL_USAGE, "%s", wide), -1);
    assert_int_equal(strlen(fail.text), 1023);
    assert_int_equal(fail_context(&fail, "why"), -1);
    assert_int_equal(strlen(fail.text), 1023);
    assert_memory_equal(fail.text, "why: www", 8);
    assert_int_equal(fail_set(&fail, FAIL_USAGE, "the text"), -1);
    assert_int_equal(fail_context(&fail, "%s", wide), -1);
    assert_string_equal(fail.text + strlen(fail.text) - 13, "www: the text");
}

/* ---- log ---- */

struct channel {
    struct log log;
    int pipe[2];
    char line[8192];
};

static void channel_open(struct channel *channel, bool json)
{
    assert_int_equal(pipe(channel->pipe), 0);
    log_open(&channel->log, channel->pipe[1], LOG_INFO, json);
}

static void channel_close(struct channel *channel)
{
    log_close(&channel->log);
    assert_int_equal(close(channel->pipe[0]), 0);
    assert_int_equal(close(channel->pipe[1]), 0);
}

/* The one line that was written, behind its time. */
static const char *logged(struct channel *channel, size_t time_at)
{
    ssize_t got = read(channel->pipe[0], channel->line, sizeof channel->line - 1);

    assert_true(got > 0);
    channel->line[got] = '\0';
    assert_ptr_equal(strchr(channel->line, '\n'), channel->line + got - 1);
    channel->line[got - 1] = '\0';
    assert_int_equal(channel->line[time_at + 10], 'T');
    assert_int_equal(channel->line[time_at + 23], 'Z');
    return channel->line + time_at + 24;
}

static void a_text_line_has_level_event_and_pairs(void **state)
{
    struct channel channel;

    (void)state;
    channel_open(&channel, false);
    log_add(&channel.log, LOG_DEBUG, "not this one");
    log_add(&channel.log, LOG_INFO, "file loaded", LOG_TEXT("file", "cards.csv"), LOG_INT("records", 1200));
    assert_string_equal(logged(&channel, 0), " info    file loaded file=cards.csv records=1200");
    log_add(&channel.log, LOG_ERROR, "no pairs");
    assert_string_equal(logged(&channel, 0), " error   no pairs");
    log_add(&channel.log, LOG_WARN, "odd values", LOG_TEXT("a", ""), LOG_TEXT("b", "x y"),
            LOG_TEXT("c", "q\"\\=\n\x1b"), LOG_INT("d", INT64_MIN));
    assert_string_equal(logged(&channel, 0),
                        " warning odd values a=\"\" b=\"x y\" c=\"q\\\"\\\\=??\" d=-9223372036854775808");
    log_add(&channel.log, LOG_WARN, "one\nline\x1b[2J");
    assert_string_equal(logged(&channel, 0), " warning one?line?[2J");
    channel.log.color = channel.log.over_line = true; /* over_line: \r, ESC, [ and K stand before the time */
    log_add(&channel.log, LOG_WARN, "on a terminal", LOG_INT("a", 1));
    assert_string_equal(logged(&channel, 4), " \033[33mwarning\033[0m on a terminal a=1");
    assert_memory_equal(channel.line, "\r\033[K", 4);
    log_add(&channel.log, LOG_INFO, "plain words");
    assert_string_equal(logged(&channel, 4), " info    plain words");
    channel_close(&channel);
}

static void a_json_line_has_level_event_and_pairs(void **state)
{
    struct channel channel;

    (void)state;
    channel_open(&channel, true);
    log_add(&channel.log, LOG_INFO, "file loaded", LOG_TEXT("file", "a\"b\n\xFF.csv"),
            LOG_INT("records", 1200));
    assert_string_equal(logged(&channel, 9), "\",\"level\":\"info\",\"event\":\"file loaded\","
                                             "\"file\":\"a\\\"b\\n" BAD ".csv\",\"records\":1200}");
    channel.log.color = channel.log.over_line = true;
    log_add(&channel.log, LOG_ERROR, "no colour");
    assert_string_equal(logged(&channel, 13), "\",\"level\":\"error\",\"event\":\"no colour\"}");
    channel_close(&channel);
}

/* What does not fit is left out, pair by pair, and the line stays a line. */
static void a_long_line_is_cut_at_a_pairs_end(void **state)
{
    char wide[5000], event[5000];
    const char *file = wide;
    struct channel channel;

    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    channel_open(&channel, true);
    log_add(&channel.log, LOG_INFO, "long", LOG_INT("a", 1), LOG_TEXT("file", file), LOG_INT("b", 2));
    assert_string_equal(logged(&channel, 9), "\",\"level\":\"info\",\"event\":\"long\",\"a\":1}");
    memset(event, '\x01', sizeof event - 1);
    event[sizeof event - 1] = '\0';
    log_add(&channel.log, LOG_INFO, event, LOG_TEXT("file", file));
    assert_memory_equal(logged(&channel, 9), "\",\"level\":\"info\",\"event\":\"\\u0001\\u0001",
                        sizeof "\",\"level\":\"info\",\"event\":\"\\u0001\\u0001" - 1);
    assert_string_equal(channel.line + strlen(channel.line) - 8, "\\u0001\"}");
    channel.log.json = false;
    log_add(&channel.log, LOG_INFO, "long", LOG_INT("a", 1), LOG_TEXT("file", file), LOG_INT("b", 2));
    assert_string_equal(logged(&channel, 0), " info    long a=1");
    channel_close(&channel);
}

/* Pairs of every length about the limit: whole with its value, or not there. */
static void a_line_of_4_kib_is_whole(void **state)
{
    char value[4096];
    const char *text = value;
    struct channel channel;
    size_t most = 0;

    (void)state;
    channel_open(&channel, true);
    for (size_t len = 3900; len < sizeof value; len++) {
        const char *line;
        memset(value, 'v', len);
        value[len] = '\0';
        log_add(&channel.log, LOG_INFO, "x", LOG_TEXT("k", text));
        line = logged(&channel, 9);
        assert_int_equal(line[strlen(line) - 1], '}');
        if (strcmp(line, "\",\"level\":\"info\",\"event\":\"x\"}") != 0) {
            assert_string_equal(line + strlen(line) - 3, "v\"}");
            most = strlen(channel.line) + 1;
        }
    }
    assert_int_equal(most, 4096);
    channel_close(&channel);
}

static void a_log_that_cannot_be_written_stops_nothing(void **state)
{
    struct log log;

    (void)state;
    log_open(&log, -1, LOG_INFO, false);
    log_add(&log, LOG_INFO, "nobody hears");
    log_close(&log);
    log_add((struct log *)NULL, LOG_INFO, "nobody hears");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buf_never_passes_its_cap),
        cmocka_unit_test(a_buf_without_room_holds_nothing),
        cmocka_unit_test(a_buf_may_hold_nul_bytes),
        cmocka_unit_test(wiping_overwrites_what_was_held),
        cmocka_unit_test(ids_are_1_to_2_to_the_63_minus_1),
        cmocka_unit_test(spans_are_compared_by_their_bytes),
        cmocka_unit_test(cutting_yields_every_part),
        cmocka_unit_test(json_sets_commas_and_colons),
        cmocka_unit_test(json_is_pretty_for_people),
        cmocka_unit_test(json_escapes_what_must_be),
        cmocka_unit_test(json_escapes_at_every_place),
        cmocka_unit_test(json_is_valid_whatever_the_bytes),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(the_clocks_run),
        cmocka_unit_test(a_uuid_is_made_of_seed_and_row),
        cmocka_unit_test(a_uuid_leads_back_to_its_row),
        cmocka_unit_test(a_foreign_uuid_is_none_of_ours),
        cmocka_unit_test(a_failure_carries_its_context),
        cmocka_unit_test(a_long_failure_is_cut),
        cmocka_unit_test(a_text_line_has_level_event_and_pairs),
        cmocka_unit_test(a_json_line_has_level_event_and_pairs),
        cmocka_unit_test(a_long_line_is_cut_at_a_pairs_end),
        cmocka_unit_test(a_line_of_4_kib_is_whole),
        cmocka_unit_test(a_log_that_cannot_be_written_stops_nothing),
    };

    return cmocka_run_group_tests_name("kit", tests, NULL, NULL);
}
