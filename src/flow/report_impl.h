/* What the parts of the report share. */
#ifndef FLOW_REPORT_IMPL_H
#define FLOW_REPORT_IMPL_H

#include "flow/report.h"

#include "driver/outfile.h"
#include "rule/api.h"

/* report_rejects.c */
enum { REJECTS_MOST = 64 }; /* rejects files of a kind */
/* The name of the number-th rejects file of a kind, from 1 on. */
void report_rejects_name(bool customers, size_t number, struct buf *out);
int report_rejects(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                   const struct ledger_files *files, struct fail *fail) MUST_CHECK;

/* report_tally.c: what went wrong or waits for more than time, grouped while results.csv is written, so that
 * it costs no reading of its own. A refused record counts under each of its problems, a declined card under
 * the code in its event's reason or, where that has none, under its words; any other row under its code.
 * Beyond TALLY_GROUPS kinds rows are only counted. */
enum { TALLY_GROUPS = 256, TALLY_TEXTS = 40, TALLY_NAME_SIZE = 40 };
struct tally_group {
    enum job_state state;
    bool customers;            /* records of a customers file */
    enum problem_code problem; /* PROBLEM_COUNT: none of the rules' */
    char code[TALLY_NAME_SIZE];
    char words[API_MESSAGE_SIZE]; /* of an event whose reason has no code: masked; "": none */
    int64_t count;
    int64_t fields[FIELD_COUNT + 1]; /* of these, by column; the last: the record as a whole */
    int64_t file, line;              /* of the first one */
};
struct report_tally {
    struct tally_group group[TALLY_GROUPS];
    size_t count, texts; /* groups; of these, such with words */
    int64_t other;
    int64_t overdue_ms;             /* what was accepted at or before this time is overdue */
    int64_t lines[JOB_STATE_COUNT]; /* of results.csv: what was purged has none */
    int64_t asleep;                 /* of these, `already` cards for which the card call is not made */
    bool broken;                    /* the ledger's totals do not add up */
};
void report_tally_card(struct report_tally *tally, const struct ledger_row_state *row);
/* The refused records of customers files, which results.csv does not list. */
int report_tally_customers(struct report_tally *tally, struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Cards with an event against what they are. */
int report_tally_events(struct report_tally *tally, struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Most frequent first. */
void report_tally_sort(struct report_tally *tally);

/* report_words.c: what people read about codes, each once. */
struct report_advice {
    const char *code, *meaning, *advice;
    bool transient; /* it is tried again by itself: the advice is for while it is */
};
/* Of a code of a row, or "http_NNN"; never NULL: what has no line of its own gets its family's. */
const struct report_advice *report_advice(const char *code);
/* Of an answer's status where no row's code is at hand. */
const struct report_advice *report_advice_status(int http_status);
/* What to do about the reason for which a run ended with 4; NULL: it is none of those known. */
const char *report_advice_reason(const char *reason);
/* Whether such an answer ends a run, whatever its words. */
bool report_status_fatal(int http_status);

/* report_html*.c */
int report_html(struct ledger *ledger, const struct report_options *options, const struct ledger_files *files,
                const struct report_tally *tally, struct fail *fail) MUST_CHECK;

/* report_manifest.c: SHA256SUMS of the files of the set that are there. */
int report_manifest(const struct report_options *options, struct fail *fail) MUST_CHECK;

/* Of one histogram, as report_latency. */
int64_t report_quantile(const int64_t latency[LEDGER_BUCKETS], double share);
const char *report_base_name(const char *path);
const char *report_carries_text(unsigned carries); /* "cards", "customers", "cards and customers" */

#endif
