#include "cli/text.h"

#include <inttypes.h>

void text_totals(const struct ledger_totals *totals, struct buf *out)
{
    int64_t sum = 0;

    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        sum += totals->state[i];
        if (totals->state[i] > 0)
            buf_addf(out, "%12" PRId64 "  %-10s %s\n", totals->state[i], job_state_name((enum job_state)i),
                     report_state_text((enum job_state)i));
    }
    buf_addf(out, "%12" PRId64 "  cards records in all\n", sum);
    if (totals->purged > 0)
        buf_addf(out, "%12" PRId64 "  of these purged; results.csv has the others\n", totals->purged);
    if (totals->refused_customers > 0)
        buf_addf(out, "%12" PRId64 "  customers records refused\n", totals->refused_customers);
}

void text_moved(const int64_t from[JOB_STATE_COUNT], struct buf *out)
{
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        if (from[i] > 0)
            buf_addf(out, "%12" PRId64 "  %s\n", from[i], job_state_name((enum job_state)i));
}

void text_moved_json(const int64_t from[JOB_STATE_COUNT], int64_t rows, bool dry, struct json *json)
{
    json_object(json);
    json_key(json, "schema_version");
    json_int(json, 1);
    json_key(json, "dry_run");
    json_bool(json, dry);
    json_key(json, "rows");
    json_int(json, rows);
    json_key(json, "from");
    json_object(json);
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        if (from[i] > 0) {
            json_key(json, job_state_name((enum job_state)i));
            json_int(json, from[i]);
        }
    json_end_object(json);
}
