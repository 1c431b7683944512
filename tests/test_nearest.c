#include "value/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const WORDS[] = {"base_url", "first_name", "last_name", "emails", "rate"};

static const char *near(const char *word)
{
    return nearest(word, WORDS, sizeof WORDS / sizeof WORDS[0]);
}

static void test_one_edit_of_each_kind(void **state)
{
    (void)state;
    assert_string_equal(near("fist_name"), "first_name");
    assert_string_equal(near("firsst_name"), "first_name");
    assert_string_equal(near("firzt_name"), "first_name");
    assert_string_equal(near("frist_name"), "first_name");
    assert_string_equal(near("email"), "emails");
}

static void test_case_and_separators_do_not_count(void **state)
{
    (void)state;
    assert_string_equal(near("First-Name"), "first_name");
    assert_string_equal(near("BASE URL"), "base_url");
}

static void test_swapped_neighbours_are_one_edit(void **state)
{
    const char *const words[] = {"ratx", "rate"};

    (void)state;
    assert_string_equal(nearest("raet", words, 2), "rate");
}

static void test_far_words_are_not_offered(void **state)
{
    (void)state;
    assert_null(near("colour"));
    assert_null(near("ra"));
    assert_null(near(""));
    assert_null(near("rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"));
    assert_null(nearest("rate", WORDS, 0));
}

static void test_at_most_three_edits(void **state)
{
    const char *const words[] = {"national_identifier_type_1"};

    (void)state;
    assert_string_equal(nearest("natinal_identifer_typ_1", words, 1), words[0]);
    assert_null(nearest("natinal_identifer_typ", words, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_edit_of_each_kind),
        cmocka_unit_test(test_case_and_separators_do_not_count),
        cmocka_unit_test(test_swapped_neighbours_are_one_edit),
        cmocka_unit_test(test_far_words_are_not_offered),
        cmocka_unit_test(test_at_most_three_edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
