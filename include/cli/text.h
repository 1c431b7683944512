/* text: totals, files and problems as people read them on a terminal. The --json documents come from
 * flow/report. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "flow/report.h"

/* States with their counts, those at zero left out, and the sum. */
void text_totals(const struct ledger_totals *totals, struct buf *out);
/* One line a file: name, records and their parts, the digest's beginning. */
void text_files(const struct ledger_files *files, struct buf *out);
/* Problem codes with counts and an example's place, most frequent first. */
void text_problems(const struct report_problems *problems, const struct ledger_files *files, struct buf *out);
/* What an exit code of a run or a check means, in a few words. */
const char *text_exit(int exit_code);

#endif
