/* purge: empties what has been finished long enough, then gives the room back and removes spool files that no
 * row needs. A dry run does the first to a copy of the ledger. */
#include "command/command.h"

#include "cli/setup.h"
#include "cli/text.h"
#include "driver/ledger_change.h"
#include "flow/spool.h"
#include "kit/clock.h"
#include "kit/json.h"
#include "value/quantity.h"

#include <inttypes.h>

static void print_json(const struct ledger_purged *done, bool dry, struct buf *out)
{
    struct json json;

    json_init(&json, out, true);
    text_moved_json(done->from, done->rows, dry, &json);
    json_end_object(&json);
    buf_add_char(out, '\n');
}

static void print_text(const struct ledger_purged *done, bool dry, struct buf *out)
{
    text_moved(done->from, out);
    buf_addf(out, "%12" PRId64 "  rows %s; totals and digests stay\n", done->rows,
             dry ? "would be purged" : "purged");
    if (dry)
        buf_add_text(out, "dry run: nothing was changed\n");
}

static int purge(struct command *command, struct ledger *ledger, int64_t before_ms, struct fail *fail)
{
    bool dry = options_has(command->options, "dry-run");
    struct ledger_purged done;
    struct metrics metrics;
    struct fail full;

    if (ledger_purge(ledger, before_ms, &done, fail) != 0 || ledger_check(ledger, fail) != 0)
        return -1;
    if (!dry && ledger_shrink(ledger, &full) != 0)
        log_add(command->log, LOG_WARN, "rows are purged, but the ledger is as large as it was",
                LOG_TEXT("reason", full.text));
    if (!dry && spools_remove(ledger, command->ledger_path, command->log, fail) != 0)
        return -1;
    setup_metrics(command->config, command->log, &metrics);
    if (!dry)
        metrics_refresh(&metrics, ledger);
    if (command->json)
        print_json(&done, dry, &command->result);
    else
        print_text(&done, dry, &command->result);
    return 0;
}

/* A copy may be made of nothing; the real ledger must be there, and ours alone unless it is only looked at.
 */
static int open_ledger(const struct command *command, struct ledger **out, struct fail *fail)
{
    if (!options_has(command->options, "dry-run"))
        return ledger_open(out, command->ledger_path, LEDGER_RESUME, fail);
    if (ledger_open(out, command->ledger_path, LEDGER_READ, fail) != 0)
        return -1;
    ledger_close(*out);
    return ledger_open(out, command->ledger_path, LEDGER_SCRATCH, fail);
}

int command_purge(struct command *command, int *exit_code, struct fail *fail)
{
    const char *age = options_get(command->options, "older-than");
    struct ledger *ledger;
    int64_t age_ms;
    int rc;

    *exit_code = 0;
    if (!age)
        return fail_set(fail, FAIL_USAGE, "purge needs --older-than DURATION, such as 90d");
    if (quantity_duration(span_of(age), &age_ms) != 0)
        return fail_set(fail, FAIL_USAGE, "--older-than: '%s' is no duration, such as 90d", age);
    if (open_ledger(command, &ledger, fail) != 0)
        return -1;
    rc = purge(command, ledger, clock_wall_ms() - age_ms, fail);
    ledger_close(ledger);
    return rc;
}
