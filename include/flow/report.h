/* report: the ledger and the source rows -> what people and programs read. Never from the memory of a run, so
 * next week gives the same numbers. No personal data but the original bytes of the rejects. Source: contract
 * section 6. */
#ifndef FLOW_REPORT_H
#define FLOW_REPORT_H

#include "driver/ledger_read.h"
#include "kit/json.h"
#include "kit/log.h"
#include "work/portfolio.h"

struct report_options {
    const char *folder;
    int64_t overdue_ms; /* accepted longer than this without an event */
    int64_t now_ms;
    bool check; /* nothing will be sent: no correlation IDs */
    struct log *log;
};

/* Writes results.csv, cards.rejects.csv, customers.rejects.csv, summary.json, report.html and, last,
 * SHA256SUMS over all of them, from the ledger at one instant. Refused records of files with another header
 * than the newest go to cards.rejects.2.csv and so on. A source file that is gone or changed, or does not fit
 * the settings, costs the rejects of that file, and a warning. FAIL_LEDGER: disk trouble; FAIL_INTERNAL: the
 * ledger's totals do not add up. */
int report_write(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                 struct fail *fail) MUST_CHECK;

/* The document of summary.json and status --json. */
int report_summary(struct ledger *ledger, const struct report_options *options, struct buf *out,
                   struct fail *fail) MUST_CHECK;

/* The member "totals" of a document: every state with its count. */
void report_totals_json(const struct ledger_totals *totals, struct json *json);

/* Exit code that the totals call for when a run is over: 3 when a record was refused or a row failed, 5 when
 * rows are still to be sent, else 0. */
int report_exit_code(const struct ledger_totals *totals);
/* Whether the totals hold anything for a person: a refused record or a failed row. */
bool report_needs_person(const struct ledger_totals *totals);

/* What a state, or an exit code of a run or a check, means in a few words. */
const char *report_state_text(enum job_state state);
const char *report_exit_text(int exit_code);

/* Latency below which `share` (0 ... 1) of the answers came, in microseconds, as if those of a bucket were
 * spread evenly over it; 0 without answers. */
int64_t report_latency(const struct ledger_totals *totals, double share);

/* The control totals of a file beside its parts, of its load: see ledger_load.h. */
struct report_file {
    int64_t valid;
    int64_t duplicates;       /* refused as duplicate_card or duplicate_customer */
    int64_t without_customer; /* cards refused as no_customer; -1: not a cards file */
    int64_t without_card;     /* valid customers that no card names; -1: not a customers file */
};
/* Of the i-th of the files that ledger_files_all lists. */
struct report_file report_file(const struct ledger_files *files, size_t i);

#endif
