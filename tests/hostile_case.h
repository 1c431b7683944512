/* hostile_case: one run of the real program against a server that misbehaves, and what is expected of it.
 *
 * Two rows of two customers go out with two attempts at most and short time-outs. `state`, `code`, `status`,
 * `attempts` and `uncertain` are those of the row with the most attempts. After exit code 4 or 5 both rows
 * must be ready, and a further run against servers that are well must end with 0 and both accepted. In every
 * case: the listener that redirects point at never gets a connection, nothing that the program writes holds a
 * bearer or a secret, and each run ends within LIMIT_MS. Rows that Retry-After put off are not due in a
 * further run. */
#ifndef TESTS_HOSTILE_CASE_H
#define TESTS_HOSTILE_CASE_H

#include "http2_server.h"
#include "http_identity.h"
#include "http_tunnel.h"
#include "scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { LIMIT_MS = 15000, WORDS_MAX = 80 };

enum hostile_flag {
    OVER_TLS = 1,       /* the server has a certificate */
    ASKS_CERT = 2,      /* and wants one of the client */
    SHOWS_STRANGER = 4, /* which has one of another CA */
    TRUSTS_OTHER = 8,   /* the client trusts another CA only */
    ONLY_TLS11 = 16,    /* the server speaks nothing newer */
    HTTPS_URL = 32,     /* the client is told that it speaks TLS */
    AT_TOKEN_HOST = 64, /* the token host misbehaves, the API is well */
    AS_PROXY = 128,     /* a proxy on the way misbehaves, the API is well */
    BY_HTTP2 = 256,
    NOBODY = 512 /* nobody listens there */
};

struct hostile {
    const char *what;
    script_fn script;
    const char *text;
    int flags;
    const char *state, *code;
    int status, attempts;
    bool uncertain;
    int exit;
    const char *settings; /* further ones of the first run, separated by blanks; NULL: none */
    const char *cert;     /* of the server; NULL: "server" */
    const char *says;     /* words in the first run's output; NULL: any */
};

static struct server elsewhere; /* where redirects point */
static struct server well;      /* an API and token host in good health, without TLS */
static struct server well_tls;  /* the same with TLS, behind a proxy */

#define BEARER "bearer-of-two-accounts"
#define SECRET "hush-hush"

/* ---- servers ---- */

/* Answers both calls; every bearer is that of the file. */
static inline void script_well(struct peer *peer)
{
    static const char token[] = "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"token\":\"" BEARER "\"}";

    while (peer_request(peer) && peer_send(peer, strstr(peer->request, "access-token") ? token : OK))
        ;
}

static inline void script_redirect(struct peer *peer)
{
    char answer[256];

    (void)snprintf(
        answer, sizeof answer,
        "%sLocation: http://127.0.0.1:%u/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        peer->server->text, (unsigned)elsewhere.port);
    if (peer_request(peer))
        (void)peer_send(peer, answer);
}

static inline void start_hostile(const struct hostile *hostile)
{
    static atomic_int offers;
    int version = hostile->flags & ONLY_TLS11 ? TLS1_1_VERSION : 0;

    if (!(hostile->flags & OVER_TLS)) {
        server.tls = NULL;
        server_start(&server, hostile->script, hostile->text);
        return;
    }
    serve(hostile->cert ? hostile->cert : "server", (hostile->flags & ASKS_CERT) != 0, version,
          hostile->script, hostile->text);
    if (hostile->flags & BY_HTTP2)
        server.ssl.SSL_CTX_set_alpn_select_cb(server.tls, h2_choose, &offers);
}

/* The port of a listener that is gone. */
static inline unsigned short free_port(void)
{
    unsigned short port;

    (void)close(listen_on_loopback(1, &port));
    return port;
}

/* ---- the program ---- */

struct command_line {
    char *words[WORDS_MAX];
    int count;
};

static inline void add_word(struct command_line *line, const char *word)
{
    assert_true(line->count < WORDS_MAX - 1);
    line->words[line->count++] = mem_text(word);
}

static inline void add_set(struct command_line *line, const char *name, const char *value)
{
    struct buf setting = {.cap = 1024};

    buf_addf(&setting, "%s=%s", name, value);
    add_word(line, "--set");
    add_word(line, buf_text(&setting));
    buf_free(&setting);
}

static inline void add_set_file(struct command_line *line, const char *name, const char *file)
{
    char path[200];

    file_name(path, file);
    add_set(line, name, path);
}

static inline void free_words(struct command_line *line)
{
    for (int i = 0; i < line->count; i++)
        free(line->words[i]);
}

/* ctp-enroll of the build; its exit code, -1 when it had to be killed. */
static inline int run_program(const struct command_line *line, const char *output)
{
    const char *path = scratch_path(output), *program = getenv("CTP_ENROLL_BIN");
    int status = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct pollfd ended = {.events = POLLIN};
    bool in_time;
    pid_t pid;

    assert_true(fd >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
            (void)execv(program ? program : "build/ctp-enroll", line->words);
        _exit(127);
    }
    (void)close(fd);
    ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(ended.fd >= 0);
    in_time = poll(&ended, 1, LIMIT_MS) == 1;
    (void)close(ended.fd);
    if (!in_time)
        (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!in_time)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static inline void add_common(struct command_line *line)
{
    static const char *const settings[][2] = {{"enroll.owner_bid", "0001000052"},
                                              {"api.connect_timeout", "700ms"},
                                              {"api.timeout", "700ms"},
                                              {"auth.timeout", "700ms"},
                                              {"api.stall_timeout", "250ms"},
                                              {"retry.max_attempts", "2"},
                                              {"retry.base", "1ms"},
                                              {"retry.cap", "2ms"},
                                              {"proxy.url", "none"}};

    add_word(line, "ctp-enroll");
    add_word(line, "run");
    add_word(line, "--ledger");
    add_word(line, scratch_path("ledger.db"));
    add_word(line, "--out");
    add_word(line, scratch_path("out"));
    add_word(line, "--tenant");
    add_word(line, "TN-example");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        add_set(line, settings[i][0], settings[i][1]);
}

static inline void add_url(struct command_line *line, const char *name, bool tls, unsigned short port)
{
    char url[64];

    (void)snprintf(url, sizeof url, "http%s://127.0.0.1:%u/prefix", tls ? "s" : "", (unsigned)port);
    add_set(line, name, url);
}

static inline void add_words(struct command_line *line, const char *text)
{
    struct span rest = span_of(text), part;
    struct buf word = {.cap = 256};

    while (span_cut(&rest, ' ', &part)) {
        buf_reset(&word);
        buf_add_span(&word, part);
        add_word(line, "--set");
        add_word(line, buf_text(&word));
    }
    buf_free(&word);
}

static inline void add_case(struct command_line *line, const struct hostile *hostile, unsigned short port)
{
    int flags = hostile->flags;
    bool tls = (flags & (OVER_TLS | HTTPS_URL)) != 0, at_api = !(flags & (AT_TOKEN_HOST | AS_PROXY));
    char proxy[64];

    add_set_file(line, "tls.ca_file", flags & TRUSTS_OTHER ? "other.pem" : "ca.pem");
    if (flags & SHOWS_STRANGER) {
        add_set_file(line, "tls.cert_file", "stranger.pem");
        add_set_file(line, "tls.key_file", "stranger.key");
    }
    if (at_api)
        add_url(line, "api.base_url", tls, port);
    else
        add_url(line, "api.base_url", (flags & AS_PROXY) != 0, flags & AS_PROXY ? well_tls.port : well.port);
    if (flags & AT_TOKEN_HOST)
        add_url(line, "auth.url", tls, port);
    add_set(line, "auth.method", flags & AT_TOKEN_HOST ? "s2s" : "file");
    (void)snprintf(proxy, sizeof proxy, "proxy.url=http://127.0.0.1:%u", (unsigned)port);
    if (flags & AS_PROXY)
        add_words(line, proxy);
    if (flags & BY_HTTP2)
        add_words(line, "api.http_version=2");
    if (hostile->settings)
        add_words(line, hostile->settings);
}

/* ---- what came of it ---- */

struct row {
    char state[16], code[40];
    int status, attempts;
    bool uncertain;
};

/* The columns of results.csv up to the code: none of them is quoted here. */
static inline void read_row(struct span line, struct row *row)
{
    struct span cell = {NULL, 0};
    char text[40];

    *row = (struct row){.attempts = -1};
    for (int column = 0; column <= 10 && span_cut(&line, ',', &cell); column++) {
        (void)snprintf(text, sizeof text, "%.*s", (int)cell.len, cell.ptr);
        if (column == 6)
            (void)snprintf(row->state, sizeof row->state, "%.15s", text);
        else if (column == 7)
            row->uncertain = strcmp(text, "yes") == 0;
        else if (column == 8)
            row->attempts = (int)strtol(text, NULL, 10);
        else if (column == 9)
            row->status = (int)strtol(text, NULL, 10);
        else if (column == 10)
            (void)snprintf(row->code, sizeof row->code, "%s", text);
    }
}

static inline int read_rows(struct row rows[2])
{
    struct buf text = {.cap = 1 << 20};
    struct span rest, line;
    int count = -1; /* the header */

    scratch_read("out/results.csv", &text);
    rest = buf_span(&text);
    while (span_cut(&rest, '\n', &line) && line.len > 0) {
        if (count >= 0 && count < 2)
            read_row(line, &rows[count]);
        count++;
    }
    buf_free(&text);
    return count;
}

static inline bool output_holds(const char *file, const char *words)
{
    struct buf text = {.cap = 1 << 20};
    bool there;

    scratch_read(file, &text);
    there = strstr(buf_text(&text), words) != NULL;
    buf_free(&text);
    return there;
}

static inline void show_output(const char *file)
{
    struct buf text = {.cap = 1 << 20};

    scratch_read(file, &text);
    print_message("%s\n", buf_text(&text));
    buf_free(&text);
}

static inline void assert_secret_kept(const char *what, const char *file)
{
    if (output_holds(file, BEARER) || output_holds(file, SECRET))
        fail_msg("%s: %s holds a secret", what, file);
}

static inline void check_rows(const struct hostile *hostile)
{
    struct row rows[2] = {{.attempts = -1}, {.attempts = -1}}, *most;

    if (read_rows(rows) != 2)
        fail_msg("%s: not two rows", hostile->what);
    most = rows[1].attempts > rows[0].attempts ? &rows[1] : &rows[0];
    if (strcmp(most->state, hostile->state) != 0 || strcmp(most->code, hostile->code) != 0 ||
        most->status != hostile->status || most->attempts != hostile->attempts ||
        most->uncertain != hostile->uncertain) {
        show_output("first.txt");
        fail_msg("%s: %s %s %d, %d attempts%s", hostile->what, most->state, most->code, most->status,
                 most->attempts, most->uncertain ? ", uncertain" : "");
    }
    if (hostile->says && !output_holds("first.txt", hostile->says)) {
        show_output("first.txt");
        fail_msg("%s: it does not say '%s'", hostile->what, hostile->says);
    }
    for (int i = 0; i < 2; i++)
        if ((hostile->exit == 4 || hostile->exit == 5) && strcmp(rows[i].state, "ready") != 0)
            fail_msg("%s: a row is %s", hostile->what, rows[i].state);
}

/* ---- the case ---- */

static inline void write_input(void)
{
    scratch_clear();
    (void)scratch_write("token", SPAN(BEARER "\n"));
    (void)chmod(scratch_path("token"), 0600);
    (void)scratch_write(
        "cards.csv",
        SPAN("customer_id,account_id,card_id,locale,first_name,last_name,emails,phones,billing_address_line1,"
             "billing_city,billing_postal_code,billing_country_code\n"
             "101,7,9001,en_GB,Quara,Fictibus,a@example.com,442079460001,1 Sample Street,London,AB1 2CD,GBR\n"
             "102,7,9002,en_GB,Tania,Fictibus,b@example.com,442079460002,2 Sample Street,London,AB1 "
             "2CD,GBR\n"));
}

static inline void run_first(const struct hostile *hostile, unsigned short port)
{
    struct command_line line = {.count = 0};
    int code;

    add_common(&line);
    add_word(&line, "--cards");
    add_word(&line, scratch_path("cards.csv"));
    add_set(&line, "auth.token_file", scratch_path("token"));
    add_case(&line, hostile, port);
    code = run_program(&line, "first.txt");
    free_words(&line);
    if (code != hostile->exit) {
        show_output("first.txt");
        fail_msg("%s: exit code %d instead of %d", hostile->what, code, hostile->exit);
    }
    check_rows(hostile);
    assert_secret_kept(hostile->what, "first.txt");
    assert_secret_kept(hostile->what, "out/results.csv");
    assert_secret_kept(hostile->what, "out/summary.json");
}

/* The cause is gone. */
static inline void run_again(const struct hostile *hostile)
{
    struct command_line line = {.count = 0};
    struct row rows[2] = {{.attempts = -1}, {.attempts = -1}};
    int code;

    add_common(&line);
    add_set_file(&line, "tls.ca_file", "ca.pem");
    add_set(&line, "auth.method", "file");
    add_set(&line, "auth.token_file", scratch_path("token"));
    add_url(&line, "api.base_url", false, well.port);
    code = run_program(&line, "again.txt");
    free_words(&line);
    if (code != 0 || read_rows(rows) != 2) {
        show_output("again.txt");
        fail_msg("%s: exit code %d of the second run", hostile->what, code);
    }
    for (int i = 0; i < 2; i++)
        if (strcmp(rows[i].state, "accepted") != 0)
            fail_msg("%s: a row is %s after the second run", hostile->what, rows[i].state);
}

static inline void hostile_run(const struct hostile *hostile)
{
    bool nobody = (hostile->flags & NOBODY) != 0;

    write_input();
    if (!nobody)
        start_hostile(hostile);
    run_first(hostile, nobody ? free_port() : server.port);
    if ((hostile->exit == 4 || hostile->exit == 5) && hostile->status != 429)
        run_again(hostile);
    if (!nobody)
        server_stop(&server);
    if (elsewhere.connections != 0)
        fail_msg("%s: a redirect was followed", hostile->what);
}

/* ---- the group ---- */

static inline void make_identities(void)
{
    struct identity ca = make_identity("Example Test CA", NULL, 10, NULL);
    struct identity other = make_identity("Example Other CA", NULL, 10, NULL);
    struct identity made = make_identity("server", "IP:127.0.0.1,DNS:localhost", 10, &ca);

    save(&ca, "ca", NULL);
    save(&other, "other", NULL);
    save(&made, "server", NULL);
    drop(&made);
    made = make_identity("expired", "IP:127.0.0.1", -1, &ca);
    save(&made, "expired", NULL);
    drop(&made);
    made = make_identity("elsewhere", "DNS:api.example.com", 10, &ca);
    save(&made, "elsewhere", NULL);
    drop(&made);
    made = make_identity("alone", "IP:127.0.0.1", 10, NULL);
    save(&made, "alone", NULL);
    drop(&made);
    made = make_identity("stranger", "DNS:client.example.com", 100, &other);
    save(&made, "stranger", NULL);
    drop(&made);
    drop(&ca);
    drop(&other);
}

static inline int hostile_begin(void **state)
{
    if (scratch_open(state) != 0)
        return -1;
    assert_non_null(http_version()); /* else libcurl, and with it the OpenSSL of the servers, is not linked */
    identity_begin();
    make_identities();
    (void)setenv("CTP_ENROLL_AUTH_SERVER_KEY", SECRET "-key", 1);
    (void)setenv("CTP_ENROLL_AUTH_SERVER_SECRET", SECRET "-secret", 1);
    (void)setenv("CTP_ENROLL_PROXY_CREDENTIALS", "bob:" SECRET, 1);
    give_identity(&well_tls, "server", false);
    server_start(&well_tls, script_well, NULL);
    server_start(&well, script_well, NULL);
    server_start(&elsewhere, script_close, OK);
    return 0;
}

static inline int hostile_end(void **state)
{
    server_stop(&well_tls);
    server_stop(&well);
    server_stop(&elsewhere);
    return identity_end() == 0 ? scratch_close(state) : -1;
}

#endif
