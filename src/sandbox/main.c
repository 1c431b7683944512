/* ctp-sandbox: a local stand-in for the remote side. Puts the parts together and tells where it listens. */
#include "kit/clock.h"
#include "options.h"
#include "server.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parts {
    struct bearer *bearer;
    struct desk desk;
    struct server *server;
};

static int open_parts(struct parts *parts, const struct options *options, struct fail *fail)
{
    struct enroll_options enroll = {.tenant = options->tenant,
                                    .already = options->already,
                                    .event_faults = options->event_faults,
                                    .events_file = options->events_file,
                                    .truth_file = options->truth_file,
                                    .seed = options->seed,
                                    .not_enabled = options->not_enabled,
                                    .allow_internal = options->allow_internal};
    struct passport_options passport = {.tenant = options->tenant,
                                        .server_key = options->server_key,
                                        .server_secret = options->server_secret,
                                        .openid_key = options->openid_key};
    struct desk *desk = &parts->desk;

    desk->faults = options->faults;
    desk->latency_min_us = options->latency_min_us;
    desk->latency_max_us = options->latency_max_us;
    desk->stop_after = options->stop_after;
    rng_init(&desk->fault_rng, options->seed, 'f');
    rng_init(&desk->latency_rng, options->seed, 'l');
    limits_init(&desk->limits, options->max_in_flight, options->max_rate);
    if (bearer_open(&parts->bearer, options->token_ttl_s, fail) != 0 ||
        enroll_open(&desk->enroll, &enroll, parts->bearer, fail) != 0 ||
        passport_open(&desk->passport, &passport, parts->bearer, fail) != 0 ||
        journal_open(&desk->journal, options->journal_file, fail) != 0 || desk_open(desk, fail) != 0)
        return -1;
    return server_open(&parts->server, options, desk, fail);
}

/* The files first: what follows may be cut short. */
static int close_parts(struct parts *parts, struct fail *fail)
{
    int rc = 0;

    server_close(parts->server);
    if (journal_close(&parts->desk.journal, fail) != 0)
        rc = -1;
    if (enroll_close(parts->desk.enroll, fail) != 0)
        rc = -1;
    passport_close(parts->desk.passport);
    bearer_close(parts->bearer);
    desk_close(&parts->desk);
    return rc;
}

/* Whole or not at all: who waits for the file must not read half a number. */
static int write_port_file(const char *path, int port, struct fail *fail)
{
    struct buf name = {.cap = 4096};
    FILE *file;
    bool written;

    buf_addf(&name, "%s.%ld", path, (long)getpid());
    file = fopen(buf_text(&name), "we");
    written = file && fprintf(file, "%d\n", port) > 0;
    if (file && fclose(file) != 0)
        written = false;
    if (!written || rename(buf_text(&name), path) != 0) {
        (void)fail_set(fail, FAIL_INTERNAL, "%s: %s", path, strerror(errno));
        (void)unlink(buf_text(&name));
        buf_free(&name);
        return -1;
    }
    buf_free(&name);
    return 0;
}

/* The file first: who has read the line may read the file. */
static int announce(const struct options *options, int port, struct fail *fail)
{
    const char *scheme = options->tls_cert ? "https" : "http";

    if (options->port_file && write_port_file(options->port_file, port, fail) != 0)
        return -1;
    if (printf("base URL %s://127.0.0.1:%d/cards-tokenization auth URL %s://127.0.0.1:%d/passport\n", scheme,
               port, scheme, port) < 0 ||
        fflush(stdout) != 0)
        return fail_set(fail, FAIL_INTERNAL, "stdout: %s", strerror(errno));
    return 0;
}

static int serve(const struct options *options, struct fail *fail)
{
    struct parts parts = {.desk = {.hang_fd = -1, .journal.lines.fd = -1}};
    struct fail closing;
    int rc = 0;

    if (options->port_file && unlink(options->port_file) != 0 && errno != ENOENT)
        return fail_set(fail, FAIL_USAGE, "%s: %s", options->port_file, strerror(errno));
    if (open_parts(&parts, options, fail) != 0 || announce(options, server_port(parts.server), fail) != 0 ||
        server_run(parts.server, fail) != 0)
        rc = -1;
    if (parts.desk.stop) {
        /* A crash for the client: what is buffered is kept, connections end with the process. */
        if (journal_close(&parts.desk.journal, fail) != 0 || enroll_close(parts.desk.enroll, fail) != 0)
            _exit(FAIL_INTERNAL);
        _exit(0);
    }
    if (close_parts(&parts, &closing) != 0 && rc == 0) {
        *fail = closing;
        rc = -1;
    }
    return rc;
}

static void print_version(void)
{
    (void)printf("ctp-sandbox %s (libmicrohttpd %s, %s)\n", CTP_VERSION, MHD_get_version(),
                 OpenSSL_version(OPENSSL_VERSION));
}

int main(int argc, char **argv)
{
    struct options options;
    enum options_wish wish;
    struct fail fail = {0};
    int rc = options_parse(argc, argv, &options, &wish, &fail);

    if (rc == 0 && wish == OPTIONS_HELP)
        (void)fputs(options_help(), stdout);
    else if (rc == 0 && wish == OPTIONS_VERSION)
        print_version();
    else if (rc == 0)
        rc = serve(&options, &fail);
    options_free(&options);
    if (rc == 0)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "ctp-sandbox: %s\n", fail.text);
    return fail.kind;
}
