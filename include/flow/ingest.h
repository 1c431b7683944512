/* ingest: files -> ledger: reader, rules, staging, one load. Bounded memory whatever the files' size.
 *
 * Customers are read before cards. A file that was loaded before (same bytes) adds nothing, but cards that
 * were given up (source_lost) come back by it; a new customers file alone still has the waiting cards judged
 * anew. Loads all or nothing. */
#ifndef FLOW_INGEST_H
#define FLOW_INGEST_H

#include "driver/ledger_load.h"
#include "kit/log.h"
#include "work/portfolio.h"

struct ingest_options {
    const char *cards;
    const char *customers; /* NULL: one-file mode */
    const struct table_options *tables;
    struct ledger_load_options load;
    struct log *log;
    /* The first problems as lines "FILE:LINE: code: sentence", first the records' own, then what is found
     * between them; NULL: none. */
    struct buf *samples;
};

struct ingest_result {
    struct ledger_file cards, customers; /* id 0: not part of this load; paths owned: ingest_result_free */
    bool cards_known, customers_known;   /* loaded before: nothing was added, but see their `found` */
    int64_t unusual_addresses;           /* records with characters that Visa's side may dislike */
};

/* FAIL_USAGE when both files would be read from standard input; names may be NULL. */
int ingest_check(const char *cards, const char *customers, struct fail *fail) MUST_CHECK;

/* The tables stay open in the portfolio, under their files' ids. FAIL_INPUT for file faults. */
int ingest(struct ledger *ledger, const struct ingest_options *options, struct portfolio *portfolio,
           struct ingest_result *out, struct fail *fail) MUST_CHECK;
/* Warns where delimiter or encoding were set, and otherwise than a known file was loaded with: for its rows
 * the ledger's word holds. */
void ingest_tell_form(const struct table_options *set, const struct ledger_file *file, struct log *log);
void ingest_result_free(struct ingest_result *result);

#endif
