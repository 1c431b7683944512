/* options: the command line of ctp-sandbox. */
#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H

#include "events.h"
#include "faults.h"

enum options_wish { OPTIONS_SERVE, OPTIONS_HELP, OPTIONS_VERSION };

struct options {
    uint16_t port; /* 0: any free one */
    const char *port_file;
    char *tls_cert, *tls_key; /* files, owned; NULL: plain HTTP */
    const char *client_ca;
    int64_t token_ttl_s;
    int64_t latency_min_us, latency_max_us;
    int64_t max_in_flight; /* 0: no limit */
    int64_t max_rate;      /* requests a second, 0: no limit */
    int64_t stop_after;    /* answers, 0: never */
    uint64_t seed;
    struct faults faults;
    uint32_t event_faults[EVENT_FAULTS];
    const char *events_file, *truth_file, *journal_file;
    const char *tenant, *server_key, *server_secret, *openid_key, *already; /* NULL: not given */
    bool not_enabled, allow_internal;
};

/* Texts are borrowed from argv. */
int options_parse(int argc, char **argv, struct options *out, enum options_wish *wish,
                  struct fail *fail) MUST_CHECK;
void options_free(struct options *options);
const char *options_help(void);

#endif
