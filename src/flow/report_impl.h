/* What the parts of the report share. */
#ifndef FLOW_REPORT_IMPL_H
#define FLOW_REPORT_IMPL_H

#include "flow/report.h"

#include "driver/outfile.h"

/* report_rejects.c */
int report_rejects(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                   const struct ledger_files *files, struct fail *fail) MUST_CHECK;

#endif
