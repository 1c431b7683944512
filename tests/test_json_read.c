/* json_read: what is JSON, looking into it, and what strings and numbers say. */
#include "kit/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct json_value parsed(const char *text)
{
    struct json_value value;

    if (json_parse(span_of(text), NULL, &value) != 0)
        fail_msg("not JSON: %s", text);
    return value;
}

static void is(struct json_value value, enum json_kind kind, const char *text)
{
    assert_int_equal(value.kind, kind);
    assert_int_equal(value.text.len, strlen(text));
    assert_memory_equal(value.text.ptr, text, value.text.len);
}

static void every_kind_of_value(void **state)
{
    (void)state;
    is(parsed(" {} \n"), JSON_OBJECT, "{}");
    is(parsed("[1, 2]"), JSON_ARRAY, "[1, 2]");
    is(parsed("\"a\\\"b\""), JSON_STRING, "\"a\\\"b\"");
    is(parsed("-12.5e+3"), JSON_NUMBER, "-12.5e+3");
    is(parsed("0"), JSON_NUMBER, "0");
    is(parsed("true"), JSON_TRUE, "true");
    is(parsed("false"), JSON_FALSE, "false");
    is(parsed("\tnull"), JSON_NULL, "null");
}

static void what_is_no_json(void **state)
{
    static const char *const bad[] = {
        "",         " ",          "{",           "}",         "{\"a\"}",   "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "[1,]",     "[1 2]",      "01",          "1.",        "-",         "1e",       "+1",         ".5",
        "\"a",      "\"\\x\"",    "\"\\u12G4\"", "\"\\u12\"", "tru",       "nul",      "{} {}",      "1 2",
        "\"a\nb\"", "{\"a\":1}x", "'a'",         "[",         "{\"a\" 1}", "{1:2}",    "[1:2]",
    };
    struct json_value value;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (json_parse(span_of(bad[i]), NULL, &value) == 0)
            fail_msg("taken for JSON: %s", bad[i]);
    assert_int_equal(json_parse((struct span){"{}\0", 3}, NULL, &value), -1);
}

static void nesting_has_an_end(void **state)
{
    char text[2 * JSON_READ_DEPTH + 2];
    struct json_value value;

    (void)state;
    memset(text, '[', JSON_READ_DEPTH);
    memset(text + JSON_READ_DEPTH, ']', JSON_READ_DEPTH);
    assert_int_equal(json_parse((struct span){text, 2 * JSON_READ_DEPTH}, NULL, &value), 0);
    memset(text, '[', JSON_READ_DEPTH + 1);
    memset(text + JSON_READ_DEPTH + 1, ']', JSON_READ_DEPTH + 1);
    assert_int_equal(json_parse((struct span){text, 2 * JSON_READ_DEPTH + 2}, NULL, &value), -1);
}

static void members_by_name(void **state)
{
    struct json_value root = parsed("{\"a\" : 1, \"b\":{\"c\":[]}, \"a\":2, \"\\u0064\":\"x\"}");

    (void)state;
    is(json_member(root, "a"), JSON_NUMBER, "1");
    is(json_member(root, "b"), JSON_OBJECT, "{\"c\":[]}");
    is(json_member(root, "d"), JSON_STRING, "\"x\"");
    is(json_member(root, "c"), JSON_NONE, "");
    is(json_member(json_member(root, "a"), "c"), JSON_NONE, "");
}

/* The examples of RFC 6901, section 5, and what leads nowhere. */
static void pointers(void **state)
{
    struct json_value root =
        parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
               "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");

    (void)state;
    assert_int_equal(json_at(root, "").kind, JSON_OBJECT);
    is(json_at(root, "/foo"), JSON_ARRAY, "[\"bar\",\"baz\"]");
    is(json_at(root, "/foo/0"), JSON_STRING, "\"bar\"");
    is(json_at(root, "/foo/1"), JSON_STRING, "\"baz\"");
    is(json_at(root, "/"), JSON_NUMBER, "0");
    is(json_at(root, "/a~1b"), JSON_NUMBER, "1");
    is(json_at(root, "/c%d"), JSON_NUMBER, "2");
    is(json_at(root, "/e^f"), JSON_NUMBER, "3");
    is(json_at(root, "/g|h"), JSON_NUMBER, "4");
    is(json_at(root, "/i\\j"), JSON_NUMBER, "5");
    is(json_at(root, "/k\"l"), JSON_NUMBER, "6");
    is(json_at(root, "/ "), JSON_NUMBER, "7");
    is(json_at(root, "/m~0n"), JSON_NUMBER, "8");
    assert_int_equal(json_at(root, "/foo/2").kind, JSON_NONE);
    assert_int_equal(json_at(root, "/foo/00").kind, JSON_NONE);
    assert_int_equal(json_at(root, "/foo/01").kind, JSON_NONE);
    assert_int_equal(json_at(root, "/foo/-").kind, JSON_NONE);
    assert_int_equal(json_at(root, "/foo/").kind, JSON_NONE);
    assert_int_equal(json_at(root, "/bar/0/x").kind, JSON_NONE);
}

static struct json_view view_of(const char *text)
{
    struct json_view view;
    struct json_value value;

    if (json_parse(span_of(text), &view, &value) != 0)
        fail_msg("not JSON: %s", text);
    return view;
}

/* The first of two counts; other containers are in view one after the other, and whatever stood in one
 * before. */
static void what_is_in_view(void **state)
{
    struct json_view view =
        view_of(" {\"a\" : 1, \"b\":{\"c\":[7,8], \"d\":{\"e\":9}}, \"a\":2, \"\\u0064\":\"x\", "
                "\"f\":{\"c\":3}, \"g~/\":4, \"h\":[{\"c\":5}], \"d\\\"\":6} ");

    (void)state;
    is(json_view_member(&view, "a"), JSON_NUMBER, "1");
    is(json_view_member(&view, "d"), JSON_STRING, "\"x\"");
    is(json_view_member(&view, "d\""), JSON_NUMBER, "6");
    is(json_view_member(&view, "\\u0064"), JSON_NONE, "");
    is(json_view_member(&view, "c"), JSON_NONE, "");
    is(json_view_at(&view, "/a"), JSON_NUMBER, "1");
    is(json_view_at(&view, "/b/c"), JSON_ARRAY, "[7,8]");
    is(json_view_at(&view, "/b/c/1"), JSON_NUMBER, "8");
    is(json_view_at(&view, "/b/d/e"), JSON_NUMBER, "9");
    is(json_view_at(&view, "/f/c"), JSON_NUMBER, "3");
    is(json_view_at(&view, "/b/c"), JSON_ARRAY, "[7,8]");
    is(json_view_at(&view, "/g~0~1"), JSON_NUMBER, "4");
    is(json_view_at(&view, "/h/0/c"), JSON_NUMBER, "5");
    is(json_view_at(&view, "/b/x"), JSON_NONE, "");
    is(json_view_at(&view, "/a/x"), JSON_NONE, "");
    is(json_view_at(&view, "/x/c"), JSON_NONE, "");
    is(json_view_at(&view, "/b/"), JSON_NONE, "");
    is(json_view_at(&view, "/"), JSON_NONE, "");
    assert_int_equal(json_view_at(&view, "").kind, JSON_OBJECT);
    json_view_open(&view, json_view_member(&view, "b"));
    is(json_view_member(&view, "a"), JSON_NONE, "");
    is(json_view_at(&view, "/d/e"), JSON_NUMBER, "9");
}

/* What is in view no longer depends on what stood at the same place before. */
static void a_place_that_is_used_again(void **state)
{
    char text[64] = "{\"data\":{\"status\":1}}";
    struct json_view view = view_of(text);
    struct json_value value;

    (void)state;
    is(json_view_at(&view, "/data/status"), JSON_NUMBER, "1");
    (void)snprintf(text, sizeof text, "%s", "{\"data\":{\"a\":0,\"reason\":2}}");
    assert_int_equal(json_parse(span_of(text), &view, &value), 0);
    is(json_view_at(&view, "/data/status"), JSON_NONE, "");
    is(json_view_at(&view, "/data/reason"), JSON_NUMBER, "2");
    assert_int_equal(json_parse(SPAN("[1]"), &view, &value), 0);
    is(json_view_member(&view, "data"), JSON_NONE, "");
    is(json_view_at(&view, "/data/reason"), JSON_NONE, "");
}

/* "{"k0":0,...,"k<count - 1>":...}" */
static void write_members(int count, struct buf *out)
{
    buf_reset(out);
    for (int i = 0; i < count; i++)
        buf_addf(out, "%c \"k%d\" : %d ", i ? ',' : '{', i, i);
    buf_add_char(out, '}');
}

static void however_many_members(void **state)
{
    struct buf text = {.cap = 4096}, nested = {.cap = 4096};

    (void)state;
    for (int count = JSON_MEMBERS - 1; count <= JSON_MEMBERS + 2; count++) {
        struct json_view view, outer;
        write_members(count, &text);
        buf_reset(&nested);
        buf_addf(&nested, "{\"in\":%s}", buf_text(&text));
        view = view_of(buf_text(&text));
        outer = view_of(buf_text(&nested));
        for (int i = 0; i <= count; i++) {
            char name[16], pointer[24], number[16];
            (void)snprintf(name, sizeof name, "k%d", i);
            (void)snprintf(pointer, sizeof pointer, "/in/k%d", i);
            (void)snprintf(number, sizeof number, "%d", i);
            is(json_view_member(&view, name), i < count ? JSON_NUMBER : JSON_NONE, i < count ? number : "");
            is(json_view_at(&outer, pointer), i < count ? JSON_NUMBER : JSON_NONE, i < count ? number : "");
        }
    }
    buf_free(&text);
    buf_free(&nested);
}

/* Strings are stepped over several bytes at a time: what ends one does so at every place. */
static void strings_of_every_length(void **state)
{
    char text[64];
    struct json_value value;

    (void)state;
    for (size_t n = 0; n < 20; n++) {
        static const char others[] = {'\n', '\0', '\x1f', '\t'};
        memset(text, '\xE9', sizeof text);
        text[0] = '"';
        text[n + 1] = '"';
        assert_int_equal(json_parse((struct span){text, n + 2}, NULL, &value), 0);
        assert_int_equal(value.text.len, n + 2);
        assert_int_equal(json_parse((struct span){text, n + 1}, NULL, &value), -1);
        assert_int_equal(json_parse((struct span){text, n + 30}, NULL, &value), -1);
        text[40] = '"';
        for (size_t i = 0; i < sizeof others; i++) {
            text[n + 1] = others[i];
            assert_int_equal(json_parse((struct span){text, 41}, NULL, &value), -1);
        }
        text[n + 1] = ' ';
        assert_int_equal(json_parse((struct span){text, 41}, NULL, &value), 0);
        text[n + 1] = '\\';
        text[n + 2] = '"';
        assert_int_equal(json_parse((struct span){text, 41}, NULL, &value), 0);
        text[n + 2] = 'x';
        assert_int_equal(json_parse((struct span){text, 41}, NULL, &value), -1);
    }
}

static void says(const char *text, const char *meant, size_t len)
{
    struct buf out = {.cap = 100};

    json_decode(parsed(text), &out);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.ptr, meant, len);
    buf_free(&out);
}

static void strings_are_decoded(void **state)
{
    (void)state;
    says("\"plain \xC3\xA9\"", "plain \xC3\xA9", 8);
    says("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    says("\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC", 6);
    says("\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4);
    says("\"\\ud83dx\"", "\xEF\xBF\xBDx", 4);
    says("\"\\ude00\\ud83d\"", "\xEF\xBF\xBD\xEF\xBF\xBD", 6);
    says("\"a\\u0000b\"", "a\0b", 3);
}

static void identifiers_keep_their_digits(void **state)
{
    struct json_value root =
        parsed("[9223372036854775807, \"9007199254740993\", 9007199254740993, 0, -1, 1.0, "
               "1e3, \"12a\", 9223372036854775808, null]");
    static const int64_t want[] = {INT64_MAX, INT64_C(9007199254740993), INT64_C(9007199254740993)};
    struct span rest = root.text;
    struct json_value value;
    int64_t number;
    int n = 0;

    (void)state;
    for (; json_each(&rest, NULL, &value); n++) {
        if (n < 3) {
            assert_int_equal(json_to_id(value, &number), 0);
            assert_int_equal(number, want[n]);
        } else {
            assert_int_equal(json_to_id(value, &number), -1);
        }
    }
    assert_int_equal(n, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(what_is_no_json),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(members_by_name),
        cmocka_unit_test(pointers),
        cmocka_unit_test(what_is_in_view),
        cmocka_unit_test(a_place_that_is_used_again),
        cmocka_unit_test(however_many_members),
        cmocka_unit_test(strings_of_every_length),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(identifiers_keep_their_digits),
    };

    return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
