/* Events on their way to the ledger, with copies of their texts, in memory of a fixed size. Private to
 * src/flow/reconcile*.c. */
#ifndef FLOW_RECONCILE_BATCH_H
#define FLOW_RECONCILE_BATCH_H

#include "driver/ledger_event.h"
#include "kit/buf.h"

struct batch_entry {
    struct ledger_event event;
    const char *cid; /* "": none that is a UUID; NULL: as its row's is written */
};

struct batch {
    struct batch_entry *entries;
    const struct batch_entry **order;
    size_t count;
    char *texts;
    size_t texts_len;
};

void batch_open(struct batch *batch);
void batch_close(struct batch *batch);

/* Not while it is full. `cid`: ptr NULL becomes NULL. */
void batch_add(struct batch *batch, const struct ledger_event *event, struct span cid);
bool batch_full(const struct batch *batch);

/* The `count` entries by row, those of a row as they came. Borrowed until batch_clear. */
const struct batch_entry **batch_sorted(struct batch *batch);
void batch_clear(struct batch *batch);

#endif
