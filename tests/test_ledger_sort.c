/* ledger_sort: order, order of equals, and rows beyond what fits in memory. */
#include "../src/driver/ledger_sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { MANY = 300000 }; /* rows of three integers: seven blocks of 1 MiB */

static struct fail problem;

static void add(struct sort *sort, int64_t a, int64_t b, int64_t c)
{
    assert_int_equal(sort_add(sort, (const int64_t[]){a, b, c}, &problem), 0);
}

static void next_is(struct sort *sort, int64_t a, int64_t b, int64_t c)
{
    const int64_t *row;

    assert_int_equal(sort_next(sort, &row, &problem), 1);
    assert_int_equal(row[0], a);
    assert_int_equal(row[1], b);
    assert_int_equal(row[2], c);
}

static void ends(struct sort *sort)
{
    const int64_t *row;

    assert_int_equal(sort_next(sort, &row, &problem), 0);
    assert_int_equal(sort_next(sort, &row, &problem), 0);
    sort_close(sort);
}

static void no_rows(void **state)
{
    (void)state;
    ends(sort_open(3));
    sort_close(NULL);
}

static void numbers_of_all_sizes(void **state)
{
    struct sort *sort = sort_open(3);

    (void)state;
    add(sort, 256, 1, 1);
    add(sort, INT64_MAX, 2, 2);
    add(sort, 0, 3, 3);
    add(sort, -1, 4, 4);
    add(sort, 255, 5, 5);
    add(sort, INT64_MIN, 6, 6);
    add(sort, INT64_C(9007199254740993), 7, 7);
    add(sort, INT64_C(9007199254740992), 8, 8);
    next_is(sort, INT64_MIN, 6, 6);
    next_is(sort, -1, 4, 4);
    next_is(sort, 0, 3, 3);
    next_is(sort, 255, 5, 5);
    next_is(sort, 256, 1, 1);
    next_is(sort, INT64_C(9007199254740992), 8, 8);
    next_is(sort, INT64_C(9007199254740993), 7, 7);
    next_is(sort, INT64_MAX, 2, 2);
    ends(sort);
}

/* 7 and 300000 share no divisor: i * 7 modulo 300000 is each number once, and never in order. */
static void more_rows_than_fit_in_memory(void **state)
{
    struct sort *sort = sort_open(3);

    (void)state;
    for (int64_t i = 0; i < MANY; i++)
        add(sort, i * 7 % MANY, i, -i);
    for (int64_t key = 0; key < MANY; key++) {
        const int64_t *row;
        assert_int_equal(sort_next(sort, &row, &problem), 1);
        assert_int_equal(row[0], key);
        assert_int_equal(row[1] * 7 % MANY, key);
        assert_int_equal(row[2], -row[1]);
    }
    ends(sort);
}

static void equal_ones_keep_their_order(void **state)
{
    struct sort *sort = sort_open(3);

    (void)state;
    for (int64_t i = 0; i < MANY; i++)
        add(sort, i % 3, i, 0);
    for (int64_t key = 0; key < 3; key++)
        for (int64_t i = key; i < MANY; i += 3)
            next_is(sort, key, i, 0);
    ends(sort);
}

static void rewound_it_is_the_same_again(void **state)
{
    struct sort *sort = sort_open(3);

    (void)state;
    for (int64_t i = 0; i < 3; i++)
        add(sort, 2 - i, i, 0);
    next_is(sort, 0, 2, 0);
    assert_int_equal(sort_rewind(sort, &problem), 0);
    for (int64_t key = 0; key < 3; key++)
        next_is(sort, key, 2 - key, 0);
    assert_int_equal(sort_rewind(sort, &problem), 0);
    next_is(sort, 0, 2, 0);
    sort_close(sort);
}

/* From the beginning, from the middle of the runs, and from their end. */
static void so_it_is_beyond_memory(void **state)
{
    struct sort *sort = sort_open(3);

    (void)state;
    for (int64_t i = 0; i < MANY; i++)
        add(sort, MANY - i, i, 0);
    assert_int_equal(sort_rewind(sort, &problem), 0);
    for (int64_t key = 1; key <= MANY / 2; key++)
        next_is(sort, key, MANY - key, 0);
    for (int pass = 0; pass < 2; pass++) {
        const int64_t *row;
        assert_int_equal(sort_rewind(sort, &problem), 0);
        for (int64_t key = 1; key <= MANY; key++)
            next_is(sort, key, MANY - key, 0);
        assert_int_equal(sort_next(sort, &row, &problem), 0);
    }
    ends(sort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rows),
        cmocka_unit_test(numbers_of_all_sizes),
        cmocka_unit_test(more_rows_than_fit_in_memory),
        cmocka_unit_test(equal_ones_keep_their_order),
        cmocka_unit_test(rewound_it_is_the_same_again),
        cmocka_unit_test(so_it_is_beyond_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
