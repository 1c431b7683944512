/* text: totals, files and problems as people read them on a terminal. The --json documents come from
 * flow/report. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "flow/ingest.h"
#include "flow/report.h"
#include "kit/json.h"

/* States with their counts, those at zero left out, and the sum. */
void text_totals(const struct ledger_totals *totals, struct buf *out);
/* What a command moved rows from: a line for each state, and the members schema_version to from of the JSON
 * document, whose object stays open. */
void text_moved(const int64_t from[JOB_STATE_COUNT], struct buf *out);
void text_moved_json(const int64_t from[JOB_STATE_COUNT], int64_t rows, bool dry, struct json *json);
/* The control totals of a load's files side by side, under the names that the user gave: whole digest,
 * records and their parts, codes with an example's line, most frequent first. Nothing where nothing was
 * loaded. */
void text_loaded(const struct ledger_files *files, const struct ingest_options *names,
                 const struct ingest_result *loaded, struct buf *out);
/* The same of the newest load, then its predecessors in brief, newest first. */
void text_files(const struct ledger_files *files, struct buf *out);

#endif
