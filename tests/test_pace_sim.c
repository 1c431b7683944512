/* pace against servers whose limits it does not know, in virtual time: requests in flight, or requests a
 * second counted in three ways, at about 25 ms an answer; pushback comes after that time too, or at once. */
#include "rule/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum {
    FLIGHT_MOST = 256,
    CLIENTS_MOST = 2,
    SECONDS_MOST = 900,
    SETTLED_S = 10,
    LATENCY_MS = 25,
    SPREAD_MS = 5
};

/* How a server counts requests a second: in any second; in seconds of the clock; by a bucket of one second's
 * worth. */
enum counting { COUNT_FLIGHT, COUNT_ANY_SECOND, COUNT_CLOCK_SECOND, COUNT_BUCKET };

struct server {
    const char *name;
    enum counting counting;
    int most; /* in flight or a second */
    bool pushes_at_once;
    int noise_percent; /* of all requests, pushed back whatever their number */
    int flying;
    int in_second;
    int sent[1000];
    double tokens;
};

struct request {
    int64_t due_ms, started_ms;
    enum pace_signal signal;
};

struct client {
    struct pace *pace;
    struct request requests[FLIGHT_MOST];
    int flying;
    int64_t due_ms; /* nothing comes back before */
    int64_t ask_ms; /* pace wants to be asked again; 0: now */
    int ok[SECONDS_MOST], pushback[SECONDS_MOST];
};

struct run {
    struct server server;
    struct client clients[CLIENTS_MOST];
    int client_count;
    int seed;
    uint64_t random;
};

static int draw(struct run *run, int below)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return (int)((run->random >> 33) % (uint64_t)below);
}

static void server_tick(struct server *server, int64_t now_ms)
{
    int slot = (int)(now_ms % 1000);

    if (server->counting == COUNT_ANY_SECOND) {
        server->in_second -= server->sent[slot];
        server->sent[slot] = 0;
    }
    if (server->counting == COUNT_CLOCK_SECOND && slot == 0)
        server->in_second = 0;
    server->tokens += server->most / 1000.0;
    if (server->tokens > server->most)
        server->tokens = server->most;
}

static bool server_takes(struct server *server, int64_t now_ms)
{
    switch (server->counting) {
    case COUNT_FLIGHT:
        return server->flying < server->most;
    case COUNT_BUCKET:
        if (server->tokens < 1)
            return false;
        server->tokens -= 1;
        return true;
    case COUNT_ANY_SECOND:
    case COUNT_CLOCK_SECOND:
    default:
        if (server->in_second >= server->most)
            return false;
        server->sent[now_ms % 1000]++;
        server->in_second++;
        return true;
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void deliver(struct run *run, struct client *client, int64_t now_ms)
{
    if (now_ms < client->due_ms)
        return;
    client->due_ms = INT64_MAX;
    for (int i = 0; i < client->flying;) {
        struct request request = client->requests[i];

        if (request.due_ms > now_ms) {
            client->due_ms = least(client->due_ms, request.due_ms);
            i++;
            continue;
        }
        client->requests[i] = client->requests[--client->flying];
        client->ask_ms = 0;
        if (request.signal == PACE_OK) {
            run->server.flying--;
            client->ok[now_ms / 1000]++;
        } else {
            client->pushback[now_ms / 1000]++;
        }
        pace_answer(client->pace, request.signal, request.started_ms, -1, now_ms);
    }
}

static bool may_start(struct client *client, int64_t now_ms)
{
    int64_t wait_ms;

    if (client->flying == FLIGHT_MOST || now_ms < client->ask_ms)
        return false;
    wait_ms = pace_take(client->pace, client->flying, now_ms);
    client->ask_ms = wait_ms == INT64_MAX ? wait_ms : now_ms + wait_ms;
    return wait_ms == 0;
}

static bool start_one(struct run *run, struct client *client, int64_t now_ms)
{
    struct request *request = &client->requests[client->flying];

    if (!may_start(client, now_ms))
        return false;
    *request =
        (struct request){now_ms + LATENCY_MS - SPREAD_MS + draw(run, 2 * SPREAD_MS + 1), now_ms, PACE_OK};
    client->flying++;
    if (draw(run, 100) >= run->server.noise_percent && server_takes(&run->server, now_ms)) {
        run->server.flying++;
    } else {
        request->signal = PACE_PUSHBACK;
        if (run->server.pushes_at_once)
            request->due_ms = now_ms + 1;
    }
    client->due_ms = least(client->due_ms, request->due_ms);
    return true;
}

static void run_open(struct run *run, struct server server, int client_count, int seed)
{
    struct pace_options options = {.concurrency = FLIGHT_MOST,
                                   .adaptive = true,
                                   .breaker_failures = 20,
                                   .breaker_pause_ms = 5000,
                                   .breaker_pause_cap_ms = 120000,
                                   .breaker_limit_ms = 1800000};

    *run = (struct run){.server = server,
                        .client_count = client_count,
                        .seed = seed,
                        .random = 88172645463325252U + (unsigned)seed};
    run->server.tokens = server.most;
    for (int c = 0; c < client_count; c++)
        pace_open(&run->clients[c].pace, &options, (unsigned)seed + (unsigned)c, 0);
    for (int i = 0; i < 9; i++)
        (void)draw(run, 2);
}

static void run_close(struct run *run)
{
    for (int c = 0; c < run->client_count; c++)
        pace_close(run->clients[c].pace);
}

static void run_for(struct run *run, int from_s, int to_s)
{
    assert_true(to_s <= SECONDS_MOST);
    for (int64_t now_ms = from_s * 1000; now_ms < to_s * 1000; now_ms++) {
        bool going = true;
        int first = draw(run, run->client_count);

        server_tick(&run->server, now_ms);
        for (int c = 0; c < run->client_count; c++)
            deliver(run, &run->clients[c], now_ms);
        while (going) { /* one each in turn, so that none is served first */
            going = false;
            for (int c = 0; c < run->client_count; c++)
                going |= start_one(run, &run->clients[(c + first) % run->client_count], now_ms);
        }
    }
}

static int sum(const int *counts, int from_s, int to_s)
{
    int total = 0;

    for (int s = from_s; s < to_s; s++)
        total += counts[s];
    return total;
}

/* What the server could have served in that time, in hundredths. */
static int percent_used(const struct run *run, int from_s, int to_s)
{
    int a_second =
        run->server.counting == COUNT_FLIGHT ? run->server.most * 1000 / LATENCY_MS : run->server.most;
    int total = 0;

    for (int c = 0; c < run->client_count; c++)
        total += sum(run->clients[c].ok, from_s, to_s);
    return (int)((int64_t)100 * total / ((int64_t)a_second * (to_s - from_s)));
}

static const struct server SERVERS[] = {
    {.name = "8 in flight", .counting = COUNT_FLIGHT, .most = 8},
    {.name = "40 in flight", .counting = COUNT_FLIGHT, .most = 40},
    {.name = "200 in flight", .counting = COUNT_FLIGHT, .most = 200},
    {.name = "50 in any second", .counting = COUNT_ANY_SECOND, .most = 50},
    {.name = "50 a second of the clock", .counting = COUNT_CLOCK_SECOND, .most = 50},
    {.name = "50 a second, bucket", .counting = COUNT_BUCKET, .most = 50},
    {.name = "1000 in any second", .counting = COUNT_ANY_SECOND, .most = 1000},
    {.name = "1000 a second of the clock", .counting = COUNT_CLOCK_SECOND, .most = 1000},
    {.name = "1000 a second, bucket", .counting = COUNT_BUCKET, .most = 1000},
};

enum { SERVER_COUNT = sizeof SERVERS / sizeof SERVERS[0], SEEDS = 5 };

/* At least 90 % of the possible, and of all answers fewer than 1 % pushback, between the two moments. */
static void assert_good(const struct run *run, int from_s, int to_s)
{
    int used = percent_used(run, from_s, to_s), ok = 0, pushback = 0;

    for (int c = 0; c < run->client_count; c++) {
        ok += sum(run->clients[c].ok, from_s, to_s);
        pushback += sum(run->clients[c].pushback, from_s, to_s);
    }
    if (used < 90 || 100 * pushback >= ok + pushback)
        fail_msg("%s %s, seed %d, %d s to %d s: %d %% of the possible, %d of %d pushed back",
                 run->server.name, run->server.pushes_at_once ? "at once" : "", run->seed, from_s, to_s, used,
                 pushback, ok + pushback);
}

static int per_myriad_pushed(const struct client *client, int from_s, int to_s)
{
    int ok = sum(client->ok, from_s, to_s), pushback = sum(client->pushback, from_s, to_s);

    return 10000 * pushback / (ok + pushback);
}

/* On average pushback is well below the 1 % that no run exceeds. */
static void test_hidden_limits_are_found(void **state)
{
    static struct run run;
    (void)state;

    for (int i = 0; i < 2 * SERVER_COUNT; i++) {
        struct server server = SERVERS[i / 2];
        int pushed = 0;

        server.pushes_at_once = i % 2;
        for (int seed = 1; seed <= SEEDS; seed++) {
            run_open(&run, server, 1, seed);
            run_for(&run, 0, 60);
            assert_good(&run, SETTLED_S, 60);
            pushed += per_myriad_pushed(&run.clients[0], SETTLED_S, 60);
            run_close(&run);
        }
        assert_true(pushed < SEEDS * 65);
    }
}

static void test_halved_capacity_is_found_again(void **state)
{
    static struct run run;
    (void)state;

    for (int i = 0; i < 2 * SERVER_COUNT * SEEDS; i++) {
        struct server server = SERVERS[i / 2 % SERVER_COUNT];

        server.pushes_at_once = i % 2;
        run_open(&run, server, 1, 1 + i / (2 * SERVER_COUNT));
        run_for(&run, 0, 30);
        run.server.most /= 2;
        run_for(&run, 30, 70);
        assert_good(&run, 30 + SETTLED_S, 70);
        run_close(&run);
    }
}

/* A quarter of an hour shows what a minute alone would not. */
static void test_long_runs_stay_good(void **state)
{
    static struct run run;
    (void)state;

    for (int i = 0; i < SERVER_COUNT; i++) {
        struct server server = SERVERS[i];

        server.pushes_at_once = i % 2;
        run_open(&run, server, 1, 1);
        run_for(&run, 0, SECONDS_MOST);
        assert_good(&run, SETTLED_S, SECONDS_MOST);
        run_close(&run);
    }
}

/* 200 in flight stays: twice that is beyond the client's own limit. */
static void test_doubled_capacity_is_used(void **state)
{
    static struct run run;
    (void)state;

    for (int i = 0; i < SERVER_COUNT; i++) {
        if (SERVERS[i].most == 200)
            continue;
        run_open(&run, SERVERS[i], 1, 3);
        run_for(&run, 0, 30);
        run.server.most *= 2;
        run_for(&run, 30, 100);
        assert_good(&run, 60, 100);
        run_close(&run);
    }
}

/* Pushback that has nothing to do with the load must not slow a run to a standstill. */
static void test_noise_is_no_brake(void **state)
{
    static struct run run;
    (void)state;

    for (int percent = 1; percent <= 5; percent++) {
        struct server server = {.counting = COUNT_FLIGHT, .most = 40, .noise_percent = percent};
        int total = 0;

        for (int seed = 1; seed <= SEEDS; seed++) {
            int used;

            run_open(&run, server, 1, seed);
            run_for(&run, 0, 100);
            used = percent_used(&run, 20, 100);
            if (used < 70)
                fail_msg("%d %% noise, seed %d: %d %% of the possible", percent, seed, used);
            total += used;
            run_close(&run);
        }
        assert_true(total >= SEEDS * 85);
    }
}

/* Work done by the lesser of two clients, in hundredths of the other's. */
static int percent_shared(const struct run *run, int from_s, int to_s)
{
    int a = sum(run->clients[0].ok, from_s, to_s), b = sum(run->clients[1].ok, from_s, to_s);

    return a < b ? 100 * a / b : 100 * b / a;
}

/* Who is pushed back is chance, and with fewer than one pushback in a hundred chances are few: what two
 * clients have done is compared after a quarter of an hour. */
static void test_two_clients_share(void **state)
{
    static struct run run;
    (void)state;

    for (int i = 0; i < SERVER_COUNT; i++) {
        int shared = 0, worst = 100;

        for (int seed = 1; seed <= SEEDS; seed++) {
            int percent;

            run_open(&run, SERVERS[i], 2, seed);
            run_for(&run, 0, SECONDS_MOST);
            assert_good(&run, SETTLED_S, SECONDS_MOST);
            percent = percent_shared(&run, 0, SECONDS_MOST);
            shared += percent;
            worst = percent < worst ? percent : worst;
            run_close(&run);
        }
        print_message("%-28s the lesser of two has %d %% of the other on average, %d %% at worst\n",
                      SERVERS[i].name, shared / SEEDS, worst);
        assert_true(shared >= SEEDS * 90);
        assert_true(worst >= 80);
    }
}

/* One comes a minute later, when the other has all. */
static void test_newcomer_gets_a_share(void **state)
{
    static struct run run;
    static const int servers[] = {0, 6};
    (void)state;

    for (int i = 0; i < 6; i++) {
        run_open(&run, SERVERS[servers[i / 3]], 2, 1 + i % 3);
        run.client_count = 1;
        run_for(&run, 0, 60);
        run.client_count = 2;
        run_for(&run, 60, 660);
        if (percent_shared(&run, 60, 660) < 75)
            fail_msg("%s, seed %d: %d %%", run.server.name, run.seed, percent_shared(&run, 60, 660));
        run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hidden_limits_are_found), cmocka_unit_test(test_halved_capacity_is_found_again),
        cmocka_unit_test(test_long_runs_stay_good),     cmocka_unit_test(test_doubled_capacity_is_used),
        cmocka_unit_test(test_noise_is_no_brake),       cmocka_unit_test(test_two_clients_share),
        cmocka_unit_test(test_newcomer_gets_a_share),
    };

    return cmocka_run_group_tests_name("pace_sim", tests, NULL, NULL);
}
