/* json_split: every form of a file of objects, in blocks of any size; junk and where reading resumes. */
#include "kit/json_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What comes out of a text that goes in by blocks of `step` bytes: objects as "OFFSET TEXT", junk as
 * "OFFSET+LENGTH WHY", joined by '|'; "!" behind it all: the text ended inside of something. */
static void pieces(struct span text, size_t limit, size_t step, struct buf *out)
{
    static const char *const why[] = {"foreign", "broken", "long", "cut"};
    struct json_split split;
    struct json_piece piece;
    enum json_split_result result;
    size_t fed = 0;

    buf_reset(out);
    json_split_init(&split, limit);
    while ((result = json_split_next(&split, &piece)) != JSON_SPLIT_END) {
        size_t n = text.len - fed < step ? text.len - fed : step;
        if (result == JSON_SPLIT_MORE && n == 0) {
            json_split_finish(&split);
        } else if (result == JSON_SPLIT_MORE) {
            json_split_feed(&split, (struct span){text.ptr + fed, n});
            fed += n;
        } else {
            buf_add_text(out, out->len ? "|" : "");
            buf_addf(out, "%" PRId64, piece.offset);
        }
        if (result == JSON_SPLIT_OBJECT) {
            assert_int_equal(piece.length, piece.text.len);
            buf_addf(out, " %.*s", (int)piece.text.len, piece.text.ptr);
        }
        if (result == JSON_SPLIT_JUNK)
            buf_addf(out, "+%" PRId64 " %s", piece.length, why[piece.junk]);
    }
    buf_add_text(out, json_split_cut(&split) ? "!" : "");
    json_split_free(&split);
}

/* The same whatever the blocks. */
static void gives_within(size_t limit, struct span text, const char *want)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 1000};
    struct buf out = {.cap = 1 << 20};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        pieces(text, limit, steps[i], &out);
        assert_string_equal(buf_text(&out), want);
    }
    buf_free(&out);
}

static void gives(const char *text, const char *want)
{
    gives_within(100, span_of(text), want);
}

static void objects_in_every_arrangement(void **state)
{
    (void)state;
    gives("", "");
    gives(" \r\n\t", "");
    gives("{}", "0 {}");
    gives("{\"a\":1}\n{\"b\":2}\n", "0 {\"a\":1}|8 {\"b\":2}");
    gives("{\"a\":1}{\"b\":2}", "0 {\"a\":1}|7 {\"b\":2}");
    gives("[{\"a\":1},{\"b\":2}]", "1 {\"a\":1}|9 {\"b\":2}");
    gives("\xEF\xBB\xBF [\r\n {} ,\n [ {} ] ]\n[]", "8 {}|16 {}");
    gives("{}\n\xEF\xBB\xBF{}", "0 {}|6 {}");
    gives("\x1E{}\n\x1E{}\n", "1 {}|5 {}");
}

static void brackets_in_strings_say_nothing(void **state)
{
    (void)state;
    gives("{\"a\":\"}{][\\\"}\\\\\"}{}", "0 {\"a\":\"}{][\\\"}\\\\\"}|17 {}");
    gives("{\"}\":[{\"{\":[]}, -1.5e+3, true,null ]}", "0 {\"}\":[{\"{\":[]}, -1.5e+3, true,null ]}");
}

/* They are stepped over several bytes at a time: what ends one, and what ends the object, does so at every
 * place. */
static void strings_of_every_length(void **state)
{
    char text[64], want[80];

    (void)state;
    for (int n = 0; n < 20; n++) {
        (void)snprintf(text, sizeof text, "{\"%.*s\\\"%.*s\":1}{}", n, "aaaaaaaaaaaaaaaaaaaa", 20 - n,
                       "}}}}}}}}}}}}}}}}}}}}");
        (void)snprintf(want, sizeof want, "0 %.28s|28 {}", text);
        gives(text, want);
        (void)snprintf(text, sizeof text, "{\"%.*s\\n\":1}{}", n, "aaaaaaaaaaaaaaaaaaaa");
        (void)snprintf(want, sizeof want, "0 %.*s|%d {}", n + 8, text, n + 8);
        gives(text, want);
        (void)snprintf(text, sizeof text, "{\"%.*s\n\":1}\n{}", n,
                       "\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9"
                       "\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9\xE9");
        (void)snprintf(want, sizeof want, "0+%d broken|%d {}", n + 8, n + 8);
        gives(text, want);
    }
}

static void junk_is_told_and_costs_nothing(void **state)
{
    (void)state;
    gives("junk", "0+4 foreign");
    gives("junk {} more\n{}", "0+5 foreign|5 {}|8+5 foreign|13 {}");
    gives("1, 2, \"x\" {}", "0+10 foreign|10 {}");
    gives_within(100, (struct span){"\0\0{}", 4}, "0+2 foreign|2 {}");
    gives("\xEF\xBB{}", "0+2 foreign|2 {}");
    gives("\xEF", "0+1 foreign");
    gives("} {}", "0+2 foreign|2 {}");
}

/* A line that was cut costs itself, wherever it was cut; so does one with a fault inside. */
static void a_broken_line_costs_itself(void **state)
{
    static const char *const heads[] = {
        "{",         "{\"a",      "{\"a\"",     "{\"a\":",          "{\"a\":1",  "{\"a\":1,",
        "{\"a\":[",  "{\"a\":[1", "{\"a\":[1,", "{\"a\":{\"b\":2}", "{\"a\":tr", "{\"a\" 1}",
        "{\"a\":1]", "{a:1}",     "{\"a\":1,}", "{\"a\":\"\\"};

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct buf text = {.cap = 1000}, want = {.cap = 1000};
        size_t n = strlen(heads[i]) + 5;
        buf_addf(&text, "{\"x\"}\n%s\n{\"b\":2}\n{\"c\":3}\n", heads[i]);
        text.ptr[1] = ' ', text.ptr[2] = ' ', text.ptr[3] = ' '; /* the first line: an empty object */
        buf_addf(&want, "0 {   }|6+%zu broken|%zu {\"b\":2}|%zu {\"c\":3}", n - 4, n + 2, n + 10);
        gives(buf_text(&text), buf_text(&want));
        buf_free(&text);
        buf_free(&want);
    }
}

static void without_lines_the_fault_is_the_end(void **state)
{
    (void)state;
    gives("{\"a\":{\"b\":1}{\"c\":2}{}", "0+12 broken|12 {\"c\":2}|19 {}");
    gives("{\"a\"x{}", "0+5 broken|5 {}");
}

static void what_the_end_cuts_is_told(void **state)
{
    (void)state;
    gives("{}{\"a\":1", "0 {}|2+6 cut!");
    gives("[{}", "1 {}|3+0 cut!");
    gives("[{},{\"a", "1 {}|4+3 cut|7+0 cut!");
    /* Lines of what was begun are looked at again: that makes the file no more whole. */
    gives("{\"a\":\n{}\n", "0+6 broken|6 {}!");
    gives("{\n\"a\": {\"b\": 1},\n\"c\": \"d", "0+7 broken|7 {\"b\": 1}|17+7 foreign!");
    gives("{\"a\":1}", "0 {\"a\":1}"); /* its last line lacks an end, and nothing else */
    gives("{\"a\":\n{}{}", "0+6 broken|6 {}|8 {}");
    /* A bracket in front of other text begins no array of objects; one behind other text may end it. */
    gives("[main] {}\n[ 07:00] {}\n", "1+6 foreign|7 {}|12+7 foreign|19 {}");
    gives("{}\n[done\n", "0 {}|4+5 foreign");
    gives("{}\n[ done\n", "0 {}|5+5 foreign");
    gives("[{}, null]\n{}\n", "1 {}|5+6 foreign|11 {}");
    gives("[{}, null, ", "1 {}|5+6 foreign|11+0 cut!");
    gives("[[x] {}", "2+3 foreign|5 {}");
    gives("[\n[{}],\n", "3 {}|8+0 cut!");
}

static void too_long_an_object_is_stepped_over(void **state)
{
    (void)state;
    gives_within(10, SPAN("{\"a\":1234}{\"a\":12345}{}"), "0 {\"a\":1234}|10+11 long|21 {}");
    gives_within(10, SPAN("{\"a\":\"}}}}}}}}}}}}}}}}}}\"}{}"), "0+26 long|26 {}");
    gives_within(10, SPAN("{\"a\":123456789 {}\n{}"), "0+15 long|15 {}|18 {}");
    gives_within(10, SPAN("{\"a\":123456789"), "0+14 long!");
}

static void nesting_too_deep_is_broken(void **state)
{
    char text[200];

    (void)state;
    memset(text, '[', sizeof text);
    memcpy(text, "{\"a\":", 5);
    memcpy(text + 100, "{}", 3);
    gives_within(150, (struct span){text, 102}, "0+100 broken|100 {}");
}

/* Memory is that of one object and one block, whatever goes through. */
static void memory_is_constant(void **state)
{
    static char block[JSON_SPLIT_BLOCK];
    struct json_split split;
    struct json_piece piece;
    size_t objects = 0;

    (void)state;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = "{\"k\":\"0123456789\"}\n"[i % 19];
    json_split_init(&split, 1000);
    for (int round = 0; round < 200; round++) {
        enum json_split_result result;
        while ((result = json_split_next(&split, &piece)) != JSON_SPLIT_MORE)
            objects += result == JSON_SPLIT_OBJECT;
        json_split_feed(&split, (struct span){block, round % 2 ? sizeof block : 19});
    }
    assert_true(objects > 1300000);
    assert_true(split.window.size <= 4 * sizeof block);
    json_split_free(&split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_in_every_arrangement), cmocka_unit_test(brackets_in_strings_say_nothing),
        cmocka_unit_test(strings_of_every_length),      cmocka_unit_test(junk_is_told_and_costs_nothing),
        cmocka_unit_test(a_broken_line_costs_itself),   cmocka_unit_test(without_lines_the_fault_is_the_end),
        cmocka_unit_test(what_the_end_cuts_is_told),    cmocka_unit_test(too_long_an_object_is_stepped_over),
        cmocka_unit_test(nesting_too_deep_is_broken),   cmocka_unit_test(memory_is_constant),
    };

    return cmocka_run_group_tests_name("json_split", tests, NULL, NULL);
}
