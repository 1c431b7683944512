/* The cache in virtual time: who must mint, what is handed out until when, what goes when it is full. */
#include "rule/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARGIN_MS = 60000 };

static struct token_cache *cache_of(size_t most)
{
    struct token_cache *cache = NULL;

    token_open(&cache, most, MARGIN_MS);
    return cache;
}

static void expect(struct token_cache *cache, int64_t account, int64_t now_ms, enum token_answer answer,
                   const char *text)
{
    struct span got = SPAN("untouched");

    assert_int_equal(token_get(cache, account, now_ms, &got), answer);
    if (got.len != strlen(text) || memcmp(got.ptr, text, got.len) != 0)
        fail_msg("got '%.*s', expected '%s'", (int)got.len, got.ptr, text);
}

static void expect_valid(struct token_cache *cache, int64_t account, int64_t now_ms, const char *text)
{
    expect(cache, account, now_ms, TOKEN_VALID, text);
}

static void expect_wanted(struct token_cache *cache, int64_t account, int64_t now_ms)
{
    expect(cache, account, now_ms, TOKEN_WANTED, "untouched");
}

static void expect_minting(struct token_cache *cache, int64_t account, int64_t now_ms)
{
    expect(cache, account, now_ms, TOKEN_MINTING, "untouched");
}

static void give(struct token_cache *cache, int64_t account, int64_t now_ms, const char *text)
{
    expect_wanted(cache, account, now_ms);
    token_done(cache, account, span_of(text), 600000, now_ms);
}

static void one_mint_serves_all(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    expect_wanted(cache, 7, 1000);
    expect_minting(cache, 7, 1001);
    expect_minting(cache, 7, 999000);
    token_done(cache, 7, SPAN("bearer-7"), 600000, 2000);
    expect_valid(cache, 7, 2000, "bearer-7");
    expect_valid(cache, 7, 2001, "bearer-7");
    token_close(cache);
}

/* Life 600 s from 2,000 ms, margin 60 s: handed out until 541,999 ms. */
static void renewal_is_due_a_margin_before_the_end(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    expect_wanted(cache, 7, 1000);
    token_done(cache, 7, SPAN("bearer-7"), 600000, 2000);
    expect_valid(cache, 7, 541999, "bearer-7");
    expect_wanted(cache, 7, 542000);
    expect_minting(cache, 7, 542000);
    token_close(cache);
}

static void the_margin_is_at_most_half_the_life(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    expect_wanted(cache, 7, 0);
    token_done(cache, 7, SPAN("short"), 10000, 0);
    expect_valid(cache, 7, 4999, "short");
    expect_wanted(cache, 7, 5000);
    token_done(cache, 7, SPAN("shortest"), 1, 5000);
    expect_valid(cache, 7, 5000, "shortest");
    expect_wanted(cache, 7, 5001);
    token_close(cache);
}

/* 300 s less the margin of 60 s. */
static void an_unknown_life_is_five_minutes(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    expect_wanted(cache, 7, 0);
    token_done(cache, 7, SPAN("opaque"), 0, 0);
    expect_valid(cache, 7, 239999, "opaque");
    expect_wanted(cache, 7, 240000);
    token_close(cache);
}

static void a_failed_mint_is_wanted_again(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    expect_wanted(cache, 7, 0);
    token_failed(cache, 7);
    expect_wanted(cache, 7, 0);
    expect_minting(cache, 7, 0);
    token_close(cache);
}

static void the_text_is_a_copy(void **state)
{
    struct token_cache *cache = cache_of(4);
    char text[] = "bearer";

    (void)state;
    expect_wanted(cache, 7, 0);
    token_done(cache, 7, (struct span){text, 6}, 600000, 0);
    memset(text, 'x', sizeof text);
    expect_valid(cache, 7, 1, "bearer");
    token_close(cache);
}

static void a_storm_of_401_costs_one_mint(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    give(cache, 7, 0, "first");
    token_reject(cache, 7, SPAN("first"));
    expect_wanted(cache, 7, 1);
    token_reject(cache, 7, SPAN("first"));
    token_reject(cache, 7, SPAN(""));
    expect_minting(cache, 7, 2);
    token_done(cache, 7, SPAN("second"), 600000, 3);
    token_reject(cache, 7, SPAN("first"));
    token_reject(cache, 7, SPAN("secon"));
    token_reject(cache, 7, SPAN("second2"));
    expect_valid(cache, 7, 4, "second");
    token_close(cache);
}

static void rejecting_touches_no_other_account(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    give(cache, 7, 0, "same");
    give(cache, 8, 0, "same");
    token_reject(cache, 9, SPAN("same"));
    token_reject(cache, 8, SPAN("same"));
    expect_valid(cache, 7, 1, "same");
    expect_wanted(cache, 8, 1);
    token_close(cache);
}

/* ---- the bound ---- */

static void the_least_recently_used_goes(void **state)
{
    struct token_cache *cache = cache_of(3);

    (void)state;
    give(cache, 1, 0, "one");
    give(cache, 2, 0, "two");
    give(cache, 3, 0, "three");
    expect_valid(cache, 1, 1, "one");
    give(cache, 4, 1, "four"); /* in place of 2 */
    expect_valid(cache, 3, 2, "three");
    expect_valid(cache, 4, 2, "four");
    expect_valid(cache, 1, 2, "one");
    expect_wanted(cache, 2, 3); /* in place of 3 */
    expect_valid(cache, 1, 3, "one");
    expect_valid(cache, 4, 3, "four");
    expect_wanted(cache, 3, 3);
    token_close(cache);
}

static void what_is_being_minted_stays(void **state)
{
    struct token_cache *cache = cache_of(2);

    (void)state;
    expect_wanted(cache, 1, 0);
    give(cache, 2, 0, "two");
    give(cache, 3, 0, "three"); /* in place of 2, though 1 is older */
    token_done(cache, 1, SPAN("one"), 600000, 1);
    expect_valid(cache, 1, 1, "one");
    expect_valid(cache, 3, 1, "three");
    expect_wanted(cache, 2, 1); /* in place of 1 */
    expect_valid(cache, 3, 1, "three");
    token_close(cache);
}

static void a_full_cache_that_mints_lets_others_wait(void **state)
{
    struct token_cache *cache = cache_of(2);

    (void)state;
    expect_wanted(cache, 1, 0);
    expect_wanted(cache, 2, 0);
    expect_minting(cache, 3, 0);
    token_failed(cache, 2);
    expect_wanted(cache, 3, 0);
    token_done(cache, 1, SPAN("one"), 600000, 0);
    token_done(cache, 3, SPAN("three"), 600000, 0);
    expect_valid(cache, 1, 0, "one");
    token_close(cache);
}

static void a_cache_of_one_works(void **state)
{
    struct token_cache *cache = cache_of(1);

    (void)state;
    give(cache, 1, 0, "one");
    give(cache, 2, 0, "two");
    give(cache, INT64_MAX, 0, "most");
    expect_valid(cache, INT64_MAX, 0, "most");
    expect_wanted(cache, 1, 0);
    token_close(cache);
}

/* Consecutive accounts through a small cache, so that runs of the hash form, wrap and are closed again: of
 * each window the last 100 must be there, with their own text. */
static void many_accounts_pass_through(void **state)
{
    struct token_cache *cache = cache_of(100);
    char text[32];

    (void)state;
    for (int64_t account = 1; account <= 20000; account++) {
        (void)snprintf(text, sizeof text, "bearer-%" PRId64, account * 17);
        give(cache, account * 17, 0, text);
        if (account % 997 != 0)
            continue;
        for (int64_t old = account - 99; old <= account; old++) {
            (void)snprintf(text, sizeof text, "bearer-%" PRId64, old * 17);
            expect_valid(cache, old * 17, 0, text);
        }
    }
    expect_wanted(cache, 17, 0);
    token_close(cache);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    token_close(NULL);
}

/* ---- bugs of the caller end the process ---- */

static void done_without_mint(struct token_cache *cache)
{
    token_done(cache, 9, SPAN("nine"), 600000, 0);
}

static void done_twice(struct token_cache *cache)
{
    token_done(cache, 7, SPAN("again"), 600000, 0);
}

static void failed_without_mint(struct token_cache *cache)
{
    token_failed(cache, 7);
}

static void done_with_nothing(struct token_cache *cache)
{
    struct span text;

    if (token_get(cache, 8, 0, &text) != TOKEN_WANTED)
        return;
    token_done(cache, 8, (struct span){"", 0}, 600000, 0);
}

static bool aborts(void (*action)(struct token_cache *), struct token_cache *cache)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        action(cache);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void an_end_without_a_mint_is_a_bug(void **state)
{
    struct token_cache *cache = cache_of(4);

    (void)state;
    give(cache, 7, 0, "seven");
    assert_true(aborts(done_without_mint, cache));
    assert_true(aborts(done_twice, cache));
    assert_true(aborts(failed_without_mint, cache));
    assert_true(aborts(done_with_nothing, cache));
    token_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mint_serves_all),
        cmocka_unit_test(renewal_is_due_a_margin_before_the_end),
        cmocka_unit_test(the_margin_is_at_most_half_the_life),
        cmocka_unit_test(an_unknown_life_is_five_minutes),
        cmocka_unit_test(a_failed_mint_is_wanted_again),
        cmocka_unit_test(the_text_is_a_copy),
        cmocka_unit_test(a_storm_of_401_costs_one_mint),
        cmocka_unit_test(rejecting_touches_no_other_account),
        cmocka_unit_test(the_least_recently_used_goes),
        cmocka_unit_test(what_is_being_minted_stays),
        cmocka_unit_test(a_full_cache_that_mints_lets_others_wait),
        cmocka_unit_test(a_cache_of_one_works),
        cmocka_unit_test(many_accounts_pass_through),
        cmocka_unit_test(closing_nothing_is_fine),
        cmocka_unit_test(an_end_without_a_mint_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
