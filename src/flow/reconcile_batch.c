/* The larger a batch, the more of its events lie on one page of the ledger, whatever their order in the file;
 * the texts stand one behind the other, because most events have one of 36 bytes and no message. */
#include "reconcile_batch.h"

#include "kit/uuid.h"
#include "rule/api_event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = 1 << 17,
    TEXTS = 4 << 20,
    ENTRY_TEXTS = API_EVENT_ID_SIZE + API_MESSAGE_SIZE + UUID_TEXT_SIZE
};

void batch_open(struct batch *batch)
{
    *batch = (struct batch){.entries = mem_array(EVENTS, sizeof *batch->entries),
                            .order = mem_array(EVENTS, sizeof *batch->order),
                            .texts = mem_array(TEXTS, 1)};
}

void batch_close(struct batch *batch)
{
    free(batch->entries);
    free(batch->order);
    free(batch->texts);
}

static const char *keep(struct batch *batch, struct span text)
{
    char *copy = batch->texts + batch->texts_len;

    assert(text.len < TEXTS - batch->texts_len);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    batch->texts_len += text.len + 1;
    return copy;
}

void batch_add(struct batch *batch, const struct ledger_event *event, struct span cid)
{
    struct batch_entry *entry = &batch->entries[batch->count++];

    *entry = (struct batch_entry){.event = *event, .cid = cid.ptr ? keep(batch, cid) : NULL};
    entry->event.event_id = keep(batch, span_of(event->event_id));
    entry->event.message = keep(batch, span_of(event->message));
}

bool batch_full(const struct batch *batch)
{
    return batch->count == EVENTS || TEXTS - batch->texts_len < ENTRY_TEXTS;
}

static int compare(const void *a, const void *b)
{
    const struct batch_entry *x = *(const struct batch_entry *const *)a;
    const struct batch_entry *y = *(const struct batch_entry *const *)b;

    if (x->event.row != y->event.row)
        return x->event.row < y->event.row ? -1 : 1;
    return x < y ? -1 : x > y;
}

const struct batch_entry **batch_sorted(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->order[i] = &batch->entries[i];
    if (batch->count > 1)
        qsort(batch->order, batch->count, sizeof *batch->order, compare);
    return batch->order;
}

void batch_clear(struct batch *batch)
{
    batch->count = batch->texts_len = 0;
}
