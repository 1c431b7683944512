/* ini: what is an entry, what is a fault, and which line is named. */
#include "value/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void next_is(struct ini *ini, int line, const char *section, const char *key, const char *value)
{
    struct ini_entry entry;
    struct fail fail;

    assert_int_equal(ini_next(ini, &entry, &fail), 1);
    assert_int_equal(ini->line, line);
    assert_true(span_is(entry.section, section));
    assert_true(span_is(entry.key, key));
    assert_true(span_is(entry.value, value));
}

static void entries_and_their_lines(void **state)
{
    struct ini ini;
    struct ini_entry entry;
    struct fail fail;

    (void)state;
    ini_init(&ini, span_of("\xEF\xBB\xBF# a comment\r\n"
                           "; another\r\n"
                           "\r\n"
                           "[pace]\r\n"
                           "  rate\t=  3000/m  \r\n"
                           "burst = # no comment here\n"
                           "[ verdicts ]\n"
                           "400 some text = rejected = twice\n"
                           "empty ="));
    next_is(&ini, 5, "pace", "rate", "3000/m");
    next_is(&ini, 6, "pace", "burst", "# no comment here");
    next_is(&ini, 8, "verdicts", "400 some text", "rejected = twice");
    next_is(&ini, 9, "verdicts", "empty", "");
    assert_int_equal(ini_next(&ini, &entry, &fail), 0);
}

static void faults_name_their_line(void **state)
{
    static const struct {
        struct span text;
        int line;
    } bad[] = {
        {{"rate = 1\n", 9}, 1}, {{"[pace]\n\nrate 50\n", 16}, 3}, {{"[pace\n", 6}, 1},
        {{"[ ]\n", 4}, 1},      {{"[pace]\n= 5\n", 11}, 2},       {{"[pace]\nra\0te = 5\n", 17}, 2},
    };
    struct ini_entry entry;
    struct fail fail;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ini ini;
        ini_init(&ini, bad[i].text);
        assert_int_equal(ini_next(&ini, &entry, &fail), -1);
        assert_int_equal(fail.kind, FAIL_USAGE);
        assert_int_equal(ini.line, bad[i].line);
    }
}

static void an_indented_line_continues_nothing(void **state)
{
    struct ini ini;

    (void)state;
    ini_init(&ini, span_of("[auth]\ncommand = a\n    scope = b\n"));
    next_is(&ini, 2, "auth", "command", "a");
    next_is(&ini, 3, "auth", "scope", "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_and_their_lines),
        cmocka_unit_test(faults_name_their_line),
        cmocka_unit_test(an_indented_line_continues_nothing),
    };

    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
