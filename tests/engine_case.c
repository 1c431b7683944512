#include "engine_case.h"

#include "flow/ingest.h"
#include "kit/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_CAP = 1 << 22 };

static char *path_of(const struct rig *rig, const char *name)
{
    struct buf path;
    char *out;

    buf_init(&path, 4096);
    buf_addf(&path, "%s/%s", rig->folder, name);
    out = mem_text(buf_text(&path));
    buf_free(&path);
    return out;
}

static void make_folder(struct rig *rig)
{
    const char *scratch = getenv("TMPDIR");
    struct buf path;

    buf_init(&path, 4096);
    buf_addf(&path, "%s/engine-XXXXXX", scratch ? scratch : "/tmp");
    rig->folder = mem_text(buf_text(&path));
    buf_free(&path);
    assert_non_null(mkdtemp(rig->folder));
    rig->cards_path = path_of(rig, "cards.csv");
    rig->customers_path = path_of(rig, "customers.csv");
    rig->ledger_path = path_of(rig, "ledger.db");
    rig->token_path = path_of(rig, "tokens.csv");
}

static void set_options(struct rig *rig)
{
    struct pace_options pace = {.burst = 1,
                                .concurrency = 8,
                                .retry_base_ms = 1000,
                                .retry_cap_ms = 300000,
                                .breaker_failures = 20,
                                .breaker_pause_ms = 5000,
                                .breaker_pause_cap_ms = 120000,
                                .breaker_limit_ms = 1800000};

    rig->tables =
        (struct table_options){.reader = {.delimiter = ',', .max_record_bytes = 65536},
                               .columns = {.has_owner_bid = true, .has_locale = true, .allow_internal = true},
                               .rules = {.list_separator = ';',
                                         .allow_internal = true,
                                         .check_address = true,
                                         .owner_bid = SPAN("1000052"),
                                         .locale = SPAN("pt_BR"),
                                         .now_ms = FAKE_WALL_MS}};
    rig->load = (struct ledger_load_options){
        .allow_internal = true, .bad_most = -1, .bad_share = -1, .now_ms = FAKE_WALL_MS};
    rig->options = (struct engine_options){.base_url = "https://api.example.com/cards-tokenization",
                                           .tenant = "TN-example",
                                           .pace = pace,
                                           .token_pace = pace,
                                           .token_margin_ms = 60000,
                                           .max_attempts = 8,
                                           .grace_ms = 30000,
                                           .random_seed = 7};
    rig->options.token_pace.concurrency = 4;
    rig->minting = (struct mint_options){.method = MINT_S2S,
                                         .url = "https://auth.example.com/passport",
                                         .server_key = "key-1",
                                         .server_secret = "secret-1",
                                         .timeout_ms = 30000};
}

int rig_open(void **state)
{
    struct rig *rig = mem_alloc(sizeof *rig);
    char *log_path;
    int fd;

    fake_reset();
    make_folder(rig);
    set_options(rig);
    log_path = path_of(rig, "log");
    fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    free(log_path);
    log_open(&rig->log, fd, LOG_DEBUG, false);
    buf_init(&rig->cards, TEXT_CAP);
    buf_init(&rig->customers, TEXT_CAP);
    buf_add_text(&rig->cards, "customer_id,account_id,card_id\n");
    *state = rig;
    return 0;
}

static void end_process(struct rig *rig)
{
    engine_close(rig->engine);
    http_close(rig->http);
    mint_close(rig->mint);
    signals_close(rig->signals);
    portfolio_close(rig->portfolio);
    (void)sqlite3_close(rig->look);
    ledger_close(rig->ledger);
    rig->engine = NULL;
    rig->http = NULL;
    rig->mint = NULL;
    rig->signals = NULL;
    rig->portfolio = NULL;
    rig->look = NULL;
    rig->ledger = NULL;
}

int rig_close(void **state)
{
    static const char *const names[] = {"cards.csv", "customers.csv", "tokens.csv",    "log",
                                        "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"};
    struct rig *rig = *state;

    end_process(rig);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = path_of(rig, names[i]);
        (void)unlink(path); /* not every test makes every file */
        free(path);
    }
    (void)close(rig->log.fd);
    log_close(&rig->log);
    assert_int_equal(rmdir(rig->folder), 0);
    buf_free(&rig->cards);
    buf_free(&rig->customers);
    free(rig->folder);
    free(rig->cards_path);
    free(rig->customers_path);
    free(rig->ledger_path);
    free(rig->token_path);
    free(rig);
    fake_reset();
    return 0;
}

/* ---- files ---- */

void rig_write(const char *path, struct span text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

void rig_card(struct rig *rig, int64_t customer, int64_t account, int64_t card)
{
    buf_addf(&rig->cards, "%" PRId64 ",%" PRId64 ",%" PRId64 "\n", customer, account, card);
}

void rig_cards(struct rig *rig, int64_t first, int count, int64_t account)
{
    for (int64_t card = first; card < first + count; card++)
        rig_card(rig, 1000000 + card, account, card);
}

/* ---- looking ---- */

static sqlite3_stmt *PRINTF_LIKE(2, 0) ask(struct rig *rig, const char *sql, va_list args)
{
    sqlite3_stmt *statement = NULL;
    char text[1024];

    if (!rig->look)
        assert_int_equal(sqlite3_open_v2(rig->ledger_path, &rig->look, SQLITE_OPEN_READONLY, NULL),
                         SQLITE_OK);
    assert_in_range(vsnprintf(text, sizeof text, sql, args), 1, (int)sizeof text - 1);
    if (sqlite3_prepare_v2(rig->look, text, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(rig->look));
    if (sqlite3_step(statement) != SQLITE_ROW)
        fail_msg("%s: no row", text);
    return statement;
}

int64_t rig_number(struct rig *rig, const char *sql, ...)
{
    sqlite3_stmt *statement;
    va_list args;
    int64_t out;

    va_start(args, sql);
    statement = ask(rig, sql, args);
    va_end(args);
    out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return out;
}

const char *rig_text(struct rig *rig, const char *sql, ...)
{
    static char out[512];
    sqlite3_stmt *statement;
    const unsigned char *text;
    va_list args;

    va_start(args, sql);
    statement = ask(rig, sql, args);
    va_end(args);
    text = sqlite3_column_text(statement, 0);
    assert_in_range(snprintf(out, sizeof out, "%s", text ? (const char *)text : ""), 0, (int)sizeof out - 1);
    (void)sqlite3_finalize(statement);
    return out;
}

void rig_expect(struct rig *rig, int64_t card, const char *state, int attempts)
{
    const char *is =
        rig_text(rig,
                 "SELECT s.name || ', attempts ' || c.attempts FROM card_now AS c JOIN state AS s "
                 "ON s.id = c.state WHERE c.card_id = %" PRId64,
                 card);
    char wanted[64];

    (void)snprintf(wanted, sizeof wanted, "%s, attempts %d", state, attempts);
    if (strcmp(is, wanted) != 0)
        fail_msg("card %" PRId64 ": %s; expected: %s", card, is, wanted);
}

int rig_count(struct rig *rig, const char *state)
{
    return (int)rig_number(
        rig, "SELECT count(*) FROM card_now AS c JOIN state AS s ON s.id = c.state WHERE s.name = '%s'",
        state);
}

int rig_logs(struct rig *rig, const char *text)
{
    static char all[1 << 20];
    char *path = path_of(rig, "log");
    FILE *file = fopen(path, "r");
    size_t got;
    int lines = 0;

    free(path);
    assert_non_null(file);
    got = fread(all, 1, sizeof all - 1, file);
    assert_int_equal(fclose(file), 0);
    all[got] = '\0';
    for (const char *at = all; (at = strstr(at, text)); at++)
        lines++;
    return lines;
}

/* I2 and I6, whenever a request leaves. */
static void watch(const struct fake_request *request, void *context)
{
    struct rig *rig = context;
    int64_t beyond = rig_number(rig, "SELECT count(*) FROM card_now WHERE state = 4") - fake_flying(false);

    if (rig_number(
            rig, "SELECT count(*) FROM card_now WHERE card_id = %" PRId64 " AND state = 4 AND attempts >= 1",
            request->card) != 1)
        fail_msg("card %" PRId64 " leaves and is not sent in the ledger", request->card);
    for (int i = 0; i < fake_count(false); i++) {
        const struct fake_request *other = fake_request(false, i);
        if (other != request && other->ended_ms < 0 && other->customer == request->customer)
            fail_msg("two requests of customer %" PRId64 " in the air", request->customer);
    }
    if (beyond > rig->waiting_most)
        rig->waiting_most = beyond;
}

/* ---- running ---- */

#define GOOD(call) good((call), &rig->fail)
static void good(int rc, const struct fail *fail)
{
    if (rc < 0)
        fail_msg("%s", fail->text);
}

static void start_process(struct rig *rig)
{
    fake_watch(watch, rig);
    portfolio_open(&rig->portfolio, &rig->tables);
    GOOD(ledger_open(&rig->ledger, rig->ledger_path, LEDGER_RUN, &rig->fail));
    ledger_set_hold_lost(rig->ledger, rig->hold_lost);
    GOOD(ledger_run_begin(rig->ledger, "test", clock_wall_ms(), &rig->recovered, &rig->fail));
    if (rig->with_signals) {
        GOOD(signals_open(&rig->signals, &rig->fail));
        signals_watch(rig->signals);
    }
}

void rig_load(struct rig *rig)
{
    struct ingest_options options = {
        .cards = rig->cards_path, .tables = &rig->tables, .load = rig->load, .log = &rig->log};
    struct ingest_result result;

    rig_write(rig->cards_path, buf_span(&rig->cards));
    if (rig->customers.len > 0) {
        rig_write(rig->customers_path, buf_span(&rig->customers));
        options.customers = rig->customers_path;
    }
    start_process(rig);
    GOOD(ingest(rig->ledger, &options, rig->portfolio, &result, &rig->fail));
    assert_int_equal(result.cards.invalid, 0);
    ingest_result_free(&result);
}

static void open_engine(struct rig *rig)
{
    int room = rig->options.room > 0 ? rig->options.room : rig->options.pace.concurrency;
    int token_room =
        rig->options.token_room > 0 ? rig->options.token_room : rig->options.token_pace.concurrency;
    struct http_options http = {.connections = room + token_room};
    struct engine_handles handles = {.ledger = rig->ledger, .portfolio = rig->portfolio, .log = &rig->log};

    GOOD(mint_open(&rig->mint, &rig->minting, &rig->fail));
    GOOD(http_open(&rig->http, &http, &rig->fail));
    handles.mint = rig->mint;
    handles.http = rig->http;
    handles.signals = rig->signals;
    GOOD(engine_open(&rig->engine, &rig->options, &handles, &rig->fail));
}

int rig_run(struct rig *rig)
{
    enum engine_end end = ENGINE_DONE;
    bool killed = false;
    struct fail fail;
    int rc = 1;

    open_engine(rig);
    rig->turns = 0;
    while (!killed && (rc = engine_turn(rig->engine, &end, &rig->fail)) == 1) {
        killed = rig->kill_at_ms > 0 && fake_now_ms() >= rig->kill_at_ms;
        rig->turns++;
    }
    engine_figures(rig->engine, &rig->figures);
    engine_close(rig->engine);
    http_close(rig->http);
    mint_close(rig->mint);
    rig->engine = NULL;
    rig->http = NULL;
    rig->mint = NULL;
    if (rc < 0 && rig->fail.kind == FAIL_LEDGER)
        return FAIL_LEDGER;
    if (ledger_check(rig->ledger, &fail) != 0)
        fail_msg("%s", fail.text);
    if (killed)
        return RUN_KILLED;
    if (rc != 0)
        return (int)rig->fail.kind;
    return end == ENGINE_STOPPED ? RUN_STOPPED : RUN_DONE;
}

void rig_restart(struct rig *rig, bool killed)
{
    struct ledger_files files;

    if (!killed)
        GOOD(ledger_run_end(rig->ledger, 0, NULL, clock_wall_ms(), &rig->fail));
    end_process(rig);
    start_process(rig);
    GOOD(ledger_files_due(rig->ledger, &files, &rig->fail));
    for (size_t i = 0; i < files.count; i++)
        if (portfolio_add(rig->portfolio, &files.file[i], &rig->fail) != 0)
            fail_msg("%s", rig->fail.text);
    ledger_files_free(&files);
}
