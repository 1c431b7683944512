/* Tokens that live for five seconds, 10,000 rows of 6,000 accounts: a mint for each account and hardly one
 * more, whatever the speed of the run, and no row is refused for a token that has ended. The host judges
 * tokens by their exp, in whole seconds, as the sandbox does. */
#include "engine_case.h"

#include <string.h>

enum { ROWS = 10000, ACCOUNTS = 6000, LIFE_MS = 5000 };

/* What the API host needs to know of the mints. */
struct host {
    int64_t ends_ms[4 * ACCOUNTS]; /* by the number of the mint */
    int64_t api_ms, token_ms;
    int refused;
};

static void mints(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    struct host *host = context;
    /* fake_token is asked twice for each, once for the answer that is replaced. */
    int number = 2 * fake_count(true);

    fake_token(answer, request->account, LIFE_MS);
    answer->after_ms = host->token_ms;
    assert_true(number < 4 * ACCOUNTS);
    host->ends_ms[number] = request->at_ms / 1000 * 1000 + LIFE_MS;
}

static void judges_tokens(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    struct host *host = context;

    answer->after_ms = host->api_ms;
    if (request->at_ms < host->ends_ms[request->bearer])
        return;
    host->refused++;
    answer->status = 401;
}

/* Accounts are spread over the file; a second row of an account stands far from its first. */
static void short_lives(struct rig *rig, struct host *host)
{
    fake_serve(judges_tokens, mints, host);
    for (int64_t row = 0; row < ROWS; row++)
        rig_card(rig, 1000000 + row, row * 7 % ACCOUNTS + 1, row + 1);
    rig_load(rig);
    fake_watch(NULL, NULL); /* 10,000 looks into the ledger: what they guard is tested elsewhere */
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), ROWS);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM card_now WHERE attempts <> 1"), 0);
    assert_int_equal(host->refused, 0);
    assert_in_range(fake_count(true), ACCOUNTS, ACCOUNTS * 11 / 10);
}

static void at_full_speed(void **state)
{
    static struct host host;
    struct rig *rig = *state;

    host = (struct host){.api_ms = 50, .token_ms = 20};
    rig->options.pace.concurrency = rig->options.token_pace.concurrency = 64;
    short_lives(rig, &host);
    assert_true(fake_now_ms() < 15000); /* 64 requests of 50 ms at once: 8 s at least */
}

/* A minute and a half at 100 rows/s: no token lives as long as the run, and the mints are not far ahead. */
static void at_a_hundred_a_second(void **state)
{
    static struct host host;
    struct rig *rig = *state;

    host = (struct host){.api_ms = 80, .token_ms = 120};
    rig->options.pace.rate = 100;
    rig->options.pace.burst = 100;
    rig->options.pace.concurrency = rig->options.token_pace.concurrency = 64;
    rig->options.pace.adaptive = rig->options.token_pace.adaptive = true;
    short_lives(rig, &host);
    assert_in_range(fake_now_ms(), 98000, 103000);
}

/* Here 64 tokens at once would last for six seconds. */
static void at_ten_a_second(void **state)
{
    static struct host host;
    struct rig *rig = *state;

    host = (struct host){.api_ms = 80, .token_ms = 120};
    rig->options.pace.rate = 10;
    rig->options.pace.concurrency = rig->options.token_pace.concurrency = 64;
    short_lives(rig, &host);
    assert_in_range(fake_now_ms(), 998000, 1015000);
}

/* The API slows the run down, not a rate: the claim sees only how fast answers come. */
static void when_the_api_is_slow(void **state)
{
    static struct host host;
    struct rig *rig = *state;

    host = (struct host){.api_ms = 800, .token_ms = 50};
    rig->options.pace.concurrency = 8;
    rig->options.token_pace.concurrency = 64;
    short_lives(rig, &host);
    assert_true(fake_now_ms() < 1010000 + 20000);
}

/* A call takes a second: the tokens of the next rows are asked for while those before them leave. */
static void when_the_token_host_is_slow(void **state)
{
    static struct host host;
    struct rig *rig = *state;

    host = (struct host){.api_ms = 50, .token_ms = 1000};
    rig->options.pace.concurrency = rig->options.token_pace.concurrency = 64;
    short_lives(rig, &host);
    assert_true(fake_now_ms() < 105000); /* 6,000 calls of a second, 64 at once: 94 s */
}

/* ---- a hold ---- */

static void asks_to_wait(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    if (request->at_ms < 1000 || request->at_ms >= 1100)
        return;
    answer->status = 429;
    answer->retry_after = "30";
}

static void lives_5_s(const struct fake_request *request, struct fake_answer *answer, void *context)
{
    (void)context;
    fake_token(answer, request->account, LIFE_MS);
}

static void while_sends_are_held_no_token_is_made(void **state)
{
    struct rig *rig = *state;
    int late = 0;

    fake_serve(asks_to_wait, lives_5_s, NULL);
    rig->options.pace.concurrency = 4;
    rig->options.token_pace.concurrency = 64;
    for (int64_t account = 1; account <= 200; account++)
        rig_cards(rig, account, 1, account);
    rig_load(rig);
    assert_int_equal(rig_run(rig), RUN_DONE);
    assert_int_equal(rig_count(rig, "accepted"), 200);
    for (int i = 0; i < fake_count(true); i++)
        late += fake_request(true, i)->at_ms > 1160 && fake_request(true, i)->at_ms < 30000;
    assert_int_equal(late, 0);
    for (int i = 0; i < fake_count(false); i++)
        assert_true(fake_request(false, i)->at_ms < 1160 || fake_request(false, i)->at_ms >= 31000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(at_full_speed),
        RIG_TEST(at_a_hundred_a_second),
        RIG_TEST(at_ten_a_second),
        RIG_TEST(when_the_api_is_slow),
        RIG_TEST(when_the_token_host_is_slow),
        RIG_TEST(while_sends_are_held_no_token_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
