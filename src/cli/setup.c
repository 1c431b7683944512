#include "cli/setup.h"

#include "kit/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

enum { RETRY_FLOOR = 5 }; /* retries a second */
enum { SECRET_CAP = 1 << 16, REPLY_CAP = 1 << 16, PATH_CAP = 8192 };

static struct span setting_span(const struct config *config, enum setting setting)
{
    return span_of(config_text(config, setting));
}

void setup_tables(const struct config *config, int64_t now_ms, struct table_options *out)
{
    *out = (struct table_options){
        .reader = {.delimiter = config_char(config, SET_INPUT_DELIMITER),
                   .max_record_bytes = (size_t)config_int(config, SET_INPUT_MAX_RECORD_BYTES),
                   .encoding = config_text(config, SET_INPUT_ENCODING)},
        .delimiter_given = config_is_given(config, SET_INPUT_DELIMITER),
        .encoding_given = config_is_given(config, SET_INPUT_ENCODING),
        .columns = {.has_owner_bid = config_is_set(config, SET_ENROLL_OWNER_BID),
                    .has_locale = config_is_set(config, SET_ENROLL_LOCALE),
                    .allow_internal = config_bool(config, SET_INPUT_ALLOW_INTERNAL)},
        .rules = {.list_separator = config_char(config, SET_INPUT_LIST_SEPARATOR),
                  .calling_code = setting_span(config, SET_INPUT_CALLING_CODE),
                  .allow_internal = config_bool(config, SET_INPUT_ALLOW_INTERNAL),
                  .check_address = strcmp(config_text(config, SET_INPUT_ADDRESS_CHECK), "off") != 0,
                  .skip_status = setting_span(config, SET_INPUT_SKIP_STATUS),
                  .owner_bid = setting_span(config, SET_ENROLL_OWNER_BID),
                  .locale = setting_span(config, SET_ENROLL_LOCALE),
                  .consent_time = setting_span(config, SET_ENROLL_CONSENT_TIME),
                  .consent_version = setting_span(config, SET_ENROLL_CONSENT_VERSION),
                  .consent_presenter = setting_span(config, SET_ENROLL_CONSENT_PRESENTER),
                  .now_ms = now_ms},
    };
    out->columns.settings = config_columns(config, &out->columns.count);
}

void setup_load(const struct config *config, int64_t now_ms, struct ledger_load_options *out)
{
    struct quantity_limit limit;

    *out =
        (struct ledger_load_options){.allow_internal = config_bool(config, SET_INPUT_ALLOW_INTERNAL),
                                     .one_account = config_bool(config, SET_INPUT_ONE_ACCOUNT_PER_CUSTOMER),
                                     .bad_most = -1,
                                     .bad_share = -1,
                                     .now_ms = now_ms};
    if (!config_limit(config, SET_INPUT_MAX_BAD, &limit))
        return;
    if (limit.is_share)
        out->bad_share = limit.percent / 100;
    else
        out->bad_most = limit.count;
}

static const char *text_or_null(const struct config *config, enum setting setting)
{
    return config_is_set(config, setting) ? config_text(config, setting) : NULL;
}

static void warn_if_readable(int fd, const char *path, struct log *log)
{
    struct stat info;

    if (fstat(fd, &info) == 0 && (info.st_mode & 077) != 0)
        log_add(log, LOG_WARN, "a secret's file can be read by others; chmod 600 it", LOG_TEXT("file", path));
}

static void warn_of_key(const struct http_options *options, struct log *log)
{
    const char *path = options->key_file ? options->key_file : options->cert_file;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    warn_if_readable(fd, path, log);
    (void)close(fd);
}

static void warn_of_end(const struct http_options *options, int64_t left_ms, int64_t end_ms, struct log *log)
{
    char end[CLOCK_TEXT_SIZE];

    log_add(log, LOG_WARN, "the client certificate ends soon: renew it", LOG_TEXT("file", options->cert_file),
            LOG_TEXT("ends", clock_format(end_ms, end)), LOG_INT("days", left_ms / DAY_MS));
}

int setup_http(const struct config *config, const struct setup_secrets *secrets, struct log *log,
               struct http_options *out, struct fail *fail)
{
    bool no_proxy = strcmp(config_text(config, SET_PROXY_URL), "none") == 0;
    int64_t now_ms = clock_wall_ms(), end_ms;

    *out = (struct http_options){
        .ca_file = text_or_null(config, SET_TLS_CA_FILE),
        .cert_file = text_or_null(config, SET_TLS_CERT_FILE),
        .key_file = text_or_null(config, SET_TLS_KEY_FILE),
        .min_version = config_text(config, SET_TLS_MIN_VERSION),
        .http2 = strcmp(config_text(config, SET_API_HTTP_VERSION), "2") == 0,
        .proxy = no_proxy ? "" : text_or_null(config, SET_PROXY_URL),
        .proxy_user = secrets && secrets->proxy.len > 0 ? buf_text(&secrets->proxy) : NULL,
        .no_proxy = text_or_null(config, SET_PROXY_EXCEPT),
        .connect_timeout_ms = config_ms(config, SET_API_CONNECT_TIMEOUT),
        .timeout_ms = config_ms(config, SET_API_TIMEOUT),
        .stall_ms = config_ms(config, SET_API_STALL_TIMEOUT),
        .reply_cap = REPLY_CAP,
        .connections =
            (int)(config_int(config, SET_PACE_CONCURRENCY) + config_int(config, SET_PACE_TOKEN_CONCURRENCY)),
    };
    if (http_check(out, now_ms, &end_ms, fail) != 0)
        return -1;
    warn_of_key(out, log);
    if (end_ms > 0 && end_ms - now_ms < config_ms(config, SET_TLS_EXPIRY_WARNING))
        warn_of_end(out, end_ms - now_ms, end_ms, log);
    return 0;
}

/* A share of all requests and RETRY_FLOOR a second beside, or so many a second; "none" leaves both at 0. */
static void set_budget(const struct config *config, struct pace_options *out)
{
    struct quantity_limit limit;

    if (!config_limit(config, SET_RETRY_BUDGET, &limit))
        return;
    out->retry_share = limit.is_share ? limit.percent / 100 : 0;
    out->retry_floor = limit.is_share ? RETRY_FLOOR : (double)limit.count;
    if (out->retry_floor < 1)
        out->retry_floor = 1; /* none at all would leave rows behind for ever */
}

static struct pace_options pace_of(const struct config *config, enum setting rate, enum setting concurrency)
{
    struct pace_options pace = {
        .rate = config_rate(config, rate),
        .concurrency = (int)config_int(config, concurrency),
        .adaptive = config_bool(config, SET_PACE_ADAPTIVE),
        .retry_base_ms = config_ms(config, SET_RETRY_BASE),
        .retry_cap_ms = config_ms(config, SET_RETRY_CAP),
        .after_cap_ms = config_ms(config, SET_RETRY_AFTER_CAP),
        .breaker_failures = (int)config_int(config, SET_BREAKER_FAILURES),
        .breaker_pause_ms = config_ms(config, SET_BREAKER_PAUSE),
        .breaker_pause_cap_ms = config_ms(config, SET_BREAKER_PAUSE_CAP),
        .breaker_limit_ms = config_ms(config, SET_BREAKER_LIMIT),
    };

    pace.burst = pace.rate > 1 ? pace.rate : 1;
    set_budget(config, &pace);
    return pace;
}

static void set_timetable(const struct config *config, struct engine_options *out)
{
    struct fail fail = {.kind = FAIL_NONE};
    int bad = timetable_parse(span_of(config_text(config, SET_PACE_TIMETABLE)), &out->timetable, &fail);

    assert(!bad); /* checked when it was set */
}

/* Where there are descriptors for it, engine_set may go up to so many times what a run begins with. */
static int room_for(int concurrency)
{
    enum { ROOM = 4, ROOM_MOST = 4096 };

    return concurrency < ROOM_MOST / ROOM ? ROOM * concurrency : ROOM_MOST;
}

void setup_engine(const struct config *config, int64_t now_ms, struct engine_options *out)
{
    int64_t deadline = config_deadline(config, SET_RUN_DEADLINE, now_ms);

    *out = (struct engine_options){
        .base_url = config_text(config, SET_API_BASE_URL),
        .card_path = config_text(config, SET_API_ENROLL_CARD_PATH),
        .tenant = config_text(config, SET_API_TENANT),
        .pace = pace_of(config, SET_PACE_RATE, SET_PACE_CONCURRENCY),
        .token_pace = pace_of(config, SET_PACE_TOKEN_RATE, SET_PACE_TOKEN_CONCURRENCY),
        .token_margin_ms = config_ms(config, SET_AUTH_RENEW_MARGIN),
        .max_attempts = (int)config_int(config, SET_RETRY_MAX_ATTEMPTS),
        .grace_ms = config_ms(config, SET_RUN_GRACE),
        .deadline_ms = deadline > 0 ? deadline : 0,
    };
    out->room = room_for(out->pace.concurrency);
    out->token_room = room_for(out->token_pace.concurrency);
    set_timetable(config, out);
    out->burst_given = config_is_set(config, SET_PACE_BURST);
    if (out->burst_given)
        out->pace.burst = (double)config_int(config, SET_PACE_BURST);
    if (config_is_set(config, SET_RUN_MAX_DURATION)) {
        int64_t end = now_ms + config_ms(config, SET_RUN_MAX_DURATION);
        out->deadline_ms = out->deadline_ms > 0 && out->deadline_ms < end ? out->deadline_ms : end;
    }
    out->verdicts = config_verdicts(config, &out->verdict_count);
    if (getrandom(&out->random_seed, sizeof out->random_seed, 0) != (ssize_t)sizeof out->random_seed)
        out->random_seed = (uint64_t)now_ms; /* jitter needs no secrecy */
}

void setup_metrics(const struct config *config, struct log *log, struct metrics *out)
{
    struct metrics_options options = {.path = config_text(config, SET_METRICS_TEXTFILE),
                                      .portfolio = config_text(config, SET_METRICS_PORTFOLIO),
                                      .interval_ms = config_ms(config, SET_METRICS_INTERVAL),
                                      .overdue_ms = config_ms(config, SET_EVENTS_OVERDUE),
                                      .log = log};

    metrics_init(out, &options);
}

int setup_events(const struct config *config, struct api_event_rules *out, struct fail *fail)
{
    *out = (struct api_event_rules){
        .types = setting_span(config, SET_EVENTS_TYPES),
        .domains = setting_span(config, SET_EVENTS_DOMAINS),
        .tenant = setting_span(config, SET_API_TENANT),
        .success = setting_span(config, SET_EVENTS_SUCCESS),
        .failure = setting_span(config, SET_EVENTS_FAILURE),
        .operations = setting_span(config, SET_EVENTS_OPERATIONS),
        .status = config_text(config, SET_EVENTS_STATUS_POINTER),
        .reason = config_text(config, SET_EVENTS_REASON_POINTER),
        .operation = config_text(config, SET_EVENTS_OPERATION_POINTER),
        .account = config_text(config, SET_EVENTS_ACCOUNT_POINTER),
        .card = config_text(config, SET_EVENTS_CARD_POINTER),
        .customer = config_text(config, SET_EVENTS_CUSTOMER_POINTER),
    };
    return api_event_check(out, fail);
}

enum log_level setup_log_level(const struct config *config, bool quiet)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    enum log_level level = LOG_INFO;

    for (int i = 0; i < 4; i++)
        if (strcmp(config_text(config, SET_LOG_LEVEL), names[i]) == 0)
            level = (enum log_level)i;
    return quiet && level < LOG_WARN ? LOG_WARN : level;
}

static int read_secret(const char *path, struct log *log, struct buf *out, struct fail *fail)
{
    char block[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail_set(fail, FAIL_USAGE, "%s: cannot open the secret's file: %s", path, strerror(errno));
    warn_if_readable(fd, path, log);
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    explicit_bzero(block, sizeof block);
    (void)close(fd); /* read only: nothing can be lost */
    if (got < 0 || out->full)
        return fail_set(fail, FAIL_USAGE, "%s: cannot read the secret: %s", path,
                        got < 0 ? strerror(errno) : "longer than 64 KiB");
    while (out->len > 0 && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
        out->ptr[--out->len] = '\0';
    return 0;
}

static int one_secret(const struct config *config, enum setting value, enum setting file, struct log *log,
                      struct buf *out, struct fail *fail)
{
    if (config_is_set(config, value)) {
        buf_add_text(out, config_text(config, value));
        return 0;
    }
    return config_is_set(config, file) ? read_secret(config_text(config, file), log, out, fail) : 0;
}

static enum mint_method method_of(const struct config *config)
{
    static const char *const names[] = {
#define X(id, name) [MINT_##id] = name,
        MINT_METHOD_TABLE(X)
#undef X
    };
    const char *text = config_text(config, SET_AUTH_METHOD);
    size_t method = 0;

    while (strcmp(names[method], text) != 0) /* one of them: the setting's words were checked */
        method++;
    return (enum mint_method)method;
}

/* The token file may hold a token for every account: the mint reads it, the mode is looked at here. */
static void look_at_token_file(const struct config *config, struct log *log)
{
    const char *path = config_text(config, SET_AUTH_TOKEN_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return; /* the mint will say so */
    warn_if_readable(fd, path, log);
    (void)close(fd);
}

int setup_secrets(const struct config *config, struct log *log, struct setup_secrets *out, struct fail *fail)
{
    enum mint_method method = method_of(config);
    int rc = 0;

    buf_init(&out->key, SECRET_CAP);
    buf_init(&out->secret, SECRET_CAP);
    buf_init(&out->proxy, SECRET_CAP);
    buf_init(&out->private_key, SECRET_CAP);
    if (method == MINT_FILE)
        look_at_token_file(config, log);
    if (method == MINT_OPENID && config_is_set(config, SET_AUTH_PRIVATE_KEY_FILE))
        rc = read_secret(config_text(config, SET_AUTH_PRIVATE_KEY_FILE), log, &out->private_key, fail);
    if (rc == 0 &&
        one_secret(config, SET_AUTH_SERVER_KEY, SET_AUTH_SERVER_KEY_FILE, log, &out->key, fail) == 0 &&
        one_secret(config, SET_AUTH_SERVER_SECRET, SET_AUTH_SERVER_SECRET_FILE, log, &out->secret, fail) ==
            0 &&
        one_secret(config, SET_PROXY_CREDENTIALS, SET_PROXY_CREDENTIALS_FILE, log, &out->proxy, fail) == 0)
        return 0;
    setup_secrets_free(out);
    return -1;
}

void setup_secrets_free(struct setup_secrets *secrets)
{
    struct buf *const all[] = {&secrets->key, &secrets->secret, &secrets->proxy, &secrets->private_key};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        buf_wipe(all[i]);
        buf_free(all[i]);
    }
}

void setup_mint(const struct config *config, const struct setup_secrets *secrets, struct log *log,
                struct mint_options *out)
{
    *out = (struct mint_options){
        .method = method_of(config),
        .url = config_text(config, SET_AUTH_URL),
        .server_key = buf_text(&secrets->key),
        .server_secret = buf_text(&secrets->secret),
        .scope = config_text(config, SET_AUTH_SCOPE),
        .private_key = buf_span(&secrets->private_key),
        .private_key_file = config_text(config, SET_AUTH_PRIVATE_KEY_FILE),
        .issuer = config_text(config, SET_AUTH_ISSUER),
        .subject = config_text(config, SET_AUTH_SUBJECT),
        .audience = config_text(config, SET_AUTH_AUDIENCE),
        .claims_file = config_text(config, SET_AUTH_CLAIMS_FILE),
        .assertion_field = config_text(config, SET_AUTH_ASSERTION_FIELD),
        .assertion_life_ms = config_ms(config, SET_AUTH_ASSERTION_LIFE),
        .tenant = config_text(config, SET_API_TENANT),
        .token_field = config_text(config, SET_AUTH_TOKEN_FIELD),
        .token_file = config_text(config, SET_AUTH_TOKEN_FILE),
        .command = config_text(config, SET_AUTH_COMMAND),
        .concurrency = (int)config_int(config, SET_PACE_TOKEN_CONCURRENCY),
        .timeout_ms = config_ms(config, SET_AUTH_TIMEOUT),
        .log = log,
    };
}

static char *in_folder(const char *folder, size_t len, const char *name)
{
    struct buf path;
    char *copy;

    buf_init(&path, PATH_CAP);
    buf_add(&path, folder, len);
    buf_addf(&path, "%s%s", len > 0 ? "/" : "", name);
    copy = mem_text(buf_text(&path));
    buf_free(&path);
    return copy;
}

char *setup_ledger_path(const struct options *options)
{
    const char *given = options_get(options, "ledger"), *folder = getenv("STATE_DIRECTORY");

    if (given)
        return mem_text(given);
    /* systemd joins several state directories with ':'; the first is ours. */
    return folder && *folder ? in_folder(folder, strcspn(folder, ":"), "ctp-enroll.db")
                             : mem_text("ctp-enroll.db");
}

char *setup_out_folder(const struct options *options, const char *ledger_path)
{
    const char *given = options_get(options, "out"), *slash = strrchr(ledger_path, '/');

    if (given)
        return mem_text(given);
    if (!slash)
        return mem_text("ctp-enroll-out");
    return in_folder(slash == ledger_path ? "" : ledger_path, (size_t)(slash - ledger_path),
                     "ctp-enroll-out");
}
