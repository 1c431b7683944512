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
