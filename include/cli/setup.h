/* setup: the settings as the small option structs that the modules take. What it fills in borrows from the
 * configuration, which must outlive it. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/config.h"
#include "cli/options.h"
#include "driver/ledger_load.h"
#include "flow/engine.h"

/* `now_ms`: the time that consent is judged by. */
void setup_tables(const struct config *config, int64_t now_ms, struct table_options *out);
void setup_load(const struct config *config, int64_t now_ms, struct ledger_load_options *out);
void setup_http(const struct config *config, struct http_options *out);
/* The deadline is the earlier of run.deadline and now + run.max_duration. */
void setup_engine(const struct config *config, int64_t now_ms, struct engine_options *out);

/* Secrets of auth.*_file, read once; FAIL_USAGE when a file cannot be read. A file that others may read is
 * worth a warning in the log. The caller wipes and frees both. */
struct setup_secrets {
    struct buf key, secret;
};
int setup_secrets(const struct config *config, struct log *log, struct setup_secrets *out,
                  struct fail *fail) MUST_CHECK;
void setup_secrets_free(struct setup_secrets *secrets);
void setup_mint(const struct config *config, const struct setup_secrets *secrets, struct mint_options *out);

/* --ledger, else $STATE_DIRECTORY/ctp-enroll.db, else ./ctp-enroll.db; --out, else ctp-enroll-out beside the
 * ledger. The text is the caller's. */
char *setup_ledger_path(const struct options *options);
char *setup_out_folder(const struct options *options, const char *ledger_path);

#endif
