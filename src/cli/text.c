#include "cli/text.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

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

/* As the user would type it: without the current folder. */
static const char *short_path(const char *path)
{
    char here[4096];
    size_t len;

    if (!getcwd(here, sizeof here))
        return path;
    len = strlen(here);
    return strncmp(path, here, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

void text_files(const struct ledger_files *files, struct buf *out)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct ledger_file *f = &files->file[i];
        buf_addf(out,
                 "%s: %" PRId64 " records = %" PRId64 " new + %" PRId64 " re-pointed + %" PRId64
                 " known + %" PRId64 " skipped + %" PRId64 " invalid  (SHA-256 %.12s...)\n",
                 short_path(f->path), f->records, f->added, f->repointed, f->known, f->skipped, f->invalid,
                 f->sha256);
    }
}

static const char *path_of(const struct ledger_files *files, int64_t id)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i].id == id)
            return short_path(files->file[i].path);
    return "?";
}

static int most_frequent(const struct report_problems *problems, const bool *shown)
{
    int best = -1;

    for (int i = 0; i < PROBLEM_COUNT; i++)
        if (!shown[i] && problems->count[i] > 0 && (best < 0 || problems->count[i] > problems->count[best]))
            best = i;
    return best;
}

void text_problems(const struct report_problems *problems, const struct ledger_files *files, struct buf *out)
{
    bool shown[PROBLEM_COUNT] = {false};
    int code;

    while ((code = most_frequent(problems, shown)) >= 0) {
        shown[code] = true;
        buf_addf(out, "%12" PRId64 "  %-22s for example %s:%" PRId64 "\n", problems->count[code],
                 problem_name((enum problem_code)code), path_of(files, problems->file[code]),
                 problems->line[code]);
    }
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
