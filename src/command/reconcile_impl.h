/* What the files of the command share. */
#ifndef COMMAND_RECONCILE_IMPL_H
#define COMMAND_RECONCILE_IMPL_H

#include "command/command.h"

#include "driver/ledger_read.h"
#include "flow/reconcile.h"

/* The figures, as text or as the members of a JSON document. `error`: why a file could not be read to its
 * end; NULL. */
void reconcile_print(const struct reconcile_figures *figures, int64_t overdue, struct buf *out);
/* What is to be done about them, in words; nothing where nothing is. */
void reconcile_print_next(const struct reconcile_figures *figures, int64_t overdue,
                          const struct ledger_totals *totals, struct buf *out);
void reconcile_print_json(const struct reconcile_figures *figures, int64_t overdue,
                          const struct ledger_totals *totals, const char *error, struct buf *out);

/* One event, pointer by pointer: what was read, what it matches, what would become of it. */
void reconcile_explain(const struct reconcile_sight *sight, const struct api_event_rules *rules,
                       struct buf *out);
void reconcile_explain_json(const struct reconcile_sight *sight, const struct api_event_rules *rules,
                            struct buf *out);

#endif
