/* setup: the settings as the small option structs that the modules take. What it fills in borrows from the
 * configuration, which must outlive it. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/config.h"
#include "cli/options.h"
#include "driver/ledger_load.h"
#include "flow/engine.h"
#include "flow/metrics.h"
#include "rule/api_event.h"

/* `now_ms`: the time that consent is judged by. */
void setup_tables(const struct config *config, int64_t now_ms, struct table_options *out);
void setup_load(const struct config *config, int64_t now_ms, struct ledger_load_options *out);
/* The deadline is the earlier of run.deadline and now + run.max_duration. */
void setup_engine(const struct config *config, int64_t now_ms, struct engine_options *out);

void setup_metrics(const struct config *config, struct log *log, struct metrics *out);

/* How events are read. FAIL_USAGE where the settings contradict each other. */
int setup_events(const struct config *config, struct api_event_rules *out, struct fail *fail) MUST_CHECK;

enum log_level setup_log_level(const struct config *config, bool quiet); /* quiet: warnings at least */

/* Secrets of auth.*_file and proxy.credentials_file, read once; FAIL_USAGE when a file cannot be read. A file
 * that others may read is worth a warning in the log. The caller wipes and frees them. */
struct setup_secrets {
    struct buf key, secret;
    struct buf proxy;       /* name:password */
    struct buf private_key; /* of auth.method = openid, PEM */
};
int setup_secrets(const struct config *config, struct log *log, struct setup_secrets *out,
                  struct fail *fail) MUST_CHECK;
void setup_secrets_free(struct setup_secrets *secrets);
/* Looks at certificates, keys and the proxy as http_check does; a client certificate near its end and a
 * private key that others may read are worth a warning in the log. `secrets` NULL: without credentials for
 * the proxy. */
int setup_http(const struct config *config, const struct setup_secrets *secrets, struct log *log,
               struct http_options *out, struct fail *fail) MUST_CHECK;
void setup_mint(const struct config *config, const struct setup_secrets *secrets, struct log *log,
                struct mint_options *out);

/* --ledger, else $STATE_DIRECTORY/ctp-enroll.db, else ./ctp-enroll.db; --out, else ctp-enroll-out beside the
 * ledger. The text is the caller's. */
char *setup_ledger_path(const struct options *options);
char *setup_out_folder(const struct options *options, const char *ledger_path);

#endif
