/* metrics: where the portfolio stands, for machines: a file in Prometheus' text format that the node
 * exporter's textfile collector reads.
 *
 * All of it comes from the ledger, so counters go on over runs; only what flies, the limit and the hold are
 * the run's own. Written whole under another name and renamed, mode 0644 because the exporter is another
 * user: there are numbers in it, states, HTTP statuses and one name of the operator's choice, nothing of a
 * person, no identifier and no file name. A file that cannot be written is a warning and never more:
 * functions that write cannot fail. Times are wall clock. Source: contract section 9, docs/operations.md. */
#ifndef FLOW_METRICS_H
#define FLOW_METRICS_H

#include "driver/ledger_read.h"
#include "kit/log.h"

struct metrics_options {
    const char *path;      /* "": none, and nothing is done */
    const char *portfolio; /* label of every line, for several ledgers on one machine; "": none */
    int64_t interval_ms;   /* while a run submits */
    int64_t overdue_ms;    /* accepted longer than this without an event */
    struct log *log;
};

/* What a run that is at work adds to the ledger's figures. */
struct metrics_run {
    int flying, limit;
    int64_t held_ms;
};

struct metrics {
    struct metrics_options options;
    int64_t due_ms; /* monotonic; 0: at once */
    bool warned;    /* of a failure that lasts */
};

void metrics_init(struct metrics *metrics, const struct metrics_options *options);

/* Whether the interval is over. */
bool metrics_due(const struct metrics *metrics, int64_t mono_ms);

/* `run`: NULL when none is at work. */
void metrics_write(struct metrics *metrics, struct ledger *ledger, const struct metrics_run *run);
/* At the end of a run, whatever it was, under the exit code that it will have: also where the ledger could
 * not take that down any more. */
void metrics_end(struct metrics *metrics, struct ledger *ledger, int exit_code);
/* For commands that change the ledger beside a run. Where one is at work it writes the file itself, soon;
 * where one was killed the file stays as that left it, so that its age tells. */
void metrics_refresh(struct metrics *metrics, struct ledger *ledger);

#endif
