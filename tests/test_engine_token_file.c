/* auth.method = file: tokens at hand, but perhaps not for every account, nor good for ever. */
#include "engine_case.h"

#include <string.h>

static void give_tokens(struct rig *rig, struct span text)
{
    rig->minting = (struct mint_options){.method = MINT_FILE, .token_file = rig->token_path};
    rig_write(rig->token_path, text);
}

static void the_token_file_serves_each_account(void **state)
{
    struct rig *rig = *state;

    give_tokens(rig, SPAN("account_id,token\n8,opaque-8\n7,opaque-7\n"));
    rig_cards(rig, 1, 2, 7);
    rig_cards(rig, 101, 2, 8);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(fake_count(true), 0);
    assert_int_equal(fake_count(false), 4);
    assert_string_equal(fake_header(fake_card(2, 0), "Authorization"), "Bearer opaque-7");
    assert_string_equal(fake_header(fake_card(101, 0), "Authorization"), "Bearer opaque-8");
    assert_int_equal(fake_card(101, 0)->at_ms, 0);
}

/* Rows of accounts that the file does not know spend their attempts, and hold up nobody. */
static void an_account_missing_from_the_file_holds_up_nobody(void **state)
{
    struct rig *rig = *state;

    give_tokens(rig, SPAN("2,opaque-2\n3,opaque-3\n5,opaque-5\n"));
    for (int64_t account = 1; account <= 5; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 3);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE state = 10 AND code = 'no_token'"),
                     2);
    assert_int_equal(fake_card(2, 0)->at_ms, 0);
    assert_int_equal(fake_card(3, 0)->at_ms, 0);
    assert_int_equal(fake_card(5, 0)->at_ms, 0);
}

static void refuses_all(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)request;
    (void)context;
    answer->status = 401;
}

static void a_refused_token_file_ends_the_run(void **state)
{
    struct rig *rig = *state;

    give_tokens(rig, SPAN("opaque-for-all\n"));
    fake_serve(refuses_all, NULL, NULL);
    rig->options.pace.concurrency = 1;
    rig_cards(rig, 1, 30, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_int_equal(rig_count(rig, "ready"), 30);
    assert_int_equal(rig_number(rig, "SELECT sum(attempts) FROM card_now"), 10);
}

/* Without claims its life is taken as five minutes, a minute of which is the margin; then it is read
 * again. */
static void a_token_of_the_file_is_taken_again(void **state)
{
    struct rig *rig = *state;

    give_tokens(rig, SPAN("opaque-for-all\n"));
    rig->options.pace.rate = 1;
    rig_cards(rig, 1, 500, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 500);
    assert_int_equal(rig->figures.tokens, 3);
}

/* {"exp":1772450000}, before the clock. */
static void an_expired_token_ends_the_run(void **state)
{
    struct rig *rig = *state;

    give_tokens(rig, SPAN("eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3NzI0NTAwMDB9.s\n"));
    rig_cards(rig, 1, 5, 7);
    rig_load(rig);
    assert_int_equal(rig_run(rig), FAIL_REMOTE);
    assert_non_null(strstr(rig->fail.text, "the token has expired"));
    assert_int_equal(fake_count(false), 0);
    assert_int_equal(rig_count(rig, "ready"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_token_file_serves_each_account),
        RIG_TEST(an_account_missing_from_the_file_holds_up_nobody),
        RIG_TEST(a_refused_token_file_ends_the_run),
        RIG_TEST(a_token_of_the_file_is_taken_again),
        RIG_TEST(an_expired_token_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
