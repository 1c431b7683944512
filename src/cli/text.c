#include "cli/text.h"

#include <inttypes.h>

static const char *const state_words[JOB_STATE_COUNT] = {
    [JOB_INVALID] = "refused by the rules; see the rejects",
    [JOB_SKIPPED] = "excluded by their status",
    [JOB_HELD] = "further cards of a customer, waiting for the first",
    [JOB_READY] = "still to be sent",
    [JOB_SENT] = "in flight, or their answer was lost",
    [JOB_ACCEPTED] = "taken by Pismo; the outcome comes by event",
    [JOB_ENROLLED] = "enrolled",
    [JOB_DECLINED] = "declined by event",
    [JOB_ALREADY] = "were on Click to Pay already",
    [JOB_REJECTED] = "refused by the API",
    [JOB_EXHAUSTED] = "failed at every attempt",
};

void text_totals(const struct ledger_totals *totals, struct buf *out)
{
    int64_t sum = 0;

    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        sum += totals->state[i];
        if (totals->state[i] > 0)
            buf_addf(out, "%12" PRId64 "  %-10s %s\n", totals->state[i], job_state_name((enum job_state)i),
                     state_words[i]);
    }
    buf_addf(out, "%12" PRId64 "  cards records in all\n", sum);
    if (totals->refused_customers > 0)
        buf_addf(out, "%12" PRId64 "  customers records refused\n", totals->refused_customers);
}

const char *text_exit(int exit_code)
{
    switch (exit_code) {
    case 0:
        return "nothing is left to do";
    case 3:
        return "finished; some records need a person, see the rejects and results.csv";
    case 4:
        return "stopped by an answer that is fatal for the whole run";
    case 5:
        return "stopped early with work left; run again";
    case 6:
        return "the input files are missing, changed or unfit";
    case 7:
        return "ledger or disk trouble";
    default:
        return "internal error";
    }
}
