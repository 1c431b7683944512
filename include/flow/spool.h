/* spool: the end of spool files. They hold personal data, so they go as soon as no row needs them: reports
 * come first, since the rejects are written from them. */
#ifndef FLOW_SPOOL_H
#define FLOW_SPOOL_H

#include "driver/ledger_read.h"
#include "kit/log.h"

/* For whoever has settled rows (run, reconcile, retry, purge): notes which spool files every row is done
 * with, and removes them, with what killed runs left. `base`: of struct source_spool. Takes the run's lock,
 * which the handle then keeps; beside a run nothing happens, because that run does it at its end. A file that
 * cannot be removed is a warning. */
int spools_remove(struct ledger *ledger, const char *base, struct log *log, struct fail *fail) MUST_CHECK;

/* Only what killed runs left: spool files that no file of the ledger stands for. Under the run's lock. */
int spools_sweep(struct ledger *ledger, const char *base, struct log *log, struct fail *fail) MUST_CHECK;

#endif
