/* Bytes, objects, events, batches: each step pulls from the one before. A batch goes to the ledger in slices,
 * in the order of its rows: neighbours are written together, and a run beside this waits for one slice at
 * most. */
#include "flow/reconcile.h"

#include "reconcile_batch.h"

#include "driver/source_stream.h"
#include "kit/json_split.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE = 2000, PIPE_EVENTS = 10000, TURN = 1000, LOGGED = 5, NOTHING_MIB = 64 };

struct reconcile {
    struct ledger *ledger;
    struct reconcile_options options;
    struct source_stream *stream;
    struct json_split split;
    struct api_events *events;
    char *path;
    int64_t offset, length;                     /* of the object at hand */
    int64_t objects, events_found, bytes, told; /* of the file at hand */
    bool failed;                                /* it is damaged, or no event file: why */
    struct fail why;
    struct batch batch;
    struct ledger_event *slice;
    struct ledger_event_result *results;
    struct reconcile_figures figures;
};

void reconcile_open(struct reconcile **out, struct ledger *ledger, const struct reconcile_options *options)
{
    struct reconcile *reconcile = mem_alloc(sizeof *reconcile);

    reconcile->ledger = ledger;
    reconcile->options = *options;
    batch_open(&reconcile->batch);
    reconcile->slice = mem_array(SLICE, sizeof *reconcile->slice);
    reconcile->results = mem_array(SLICE, sizeof *reconcile->results);
    *out = reconcile;
}

static void end_file(struct reconcile *reconcile)
{
    source_stream_close(reconcile->stream);
    json_split_free(&reconcile->split);
    api_events_close(reconcile->events);
    free(reconcile->path);
    reconcile->stream = NULL;
    reconcile->events = NULL;
    reconcile->path = NULL;
}

void reconcile_close(struct reconcile *reconcile)
{
    if (!reconcile)
        return;
    end_file(reconcile);
    batch_close(&reconcile->batch);
    free(reconcile->slice);
    free(reconcile->results);
    free(reconcile);
}

int reconcile_begin(struct reconcile *reconcile, const char *path, struct fail *fail)
{
    end_file(reconcile);
    if (source_stream_open(&reconcile->stream, path, fail) != 0)
        return -1;
    json_split_init(&reconcile->split, API_EVENT_BYTES);
    api_events_open(&reconcile->events, reconcile->options.rules);
    reconcile->path = mem_text(path);
    reconcile->objects = reconcile->events_found = reconcile->bytes = reconcile->told = 0;
    reconcile->failed = false;
    reconcile->figures.files++;
    return 0;
}

void reconcile_place(const struct reconcile *reconcile, int64_t *done, int64_t *size)
{
    *done = reconcile->stream ? source_stream_done(reconcile->stream) : 0;
    *size = reconcile->stream ? source_stream_size(reconcile->stream) : -1;
}

const struct reconcile_figures *reconcile_figures(const struct reconcile *reconcile)
{
    return &reconcile->figures;
}

/* ---- bytes to events ---- */

static void tell(struct reconcile *reconcile, const char *what, int64_t offset, int64_t bytes)
{
    if (++reconcile->told > LOGGED)
        return;
    log_add(reconcile->options.log, LOG_WARN, what, LOG_TEXT("file", reconcile->path),
            LOG_INT("byte", offset), LOG_INT("bytes", bytes));
}

static void step_over(struct reconcile *reconcile, const struct json_piece *piece)
{
    static const char *const words[] = {
        [JSON_JUNK_FOREIGN] = "bytes that belong to no JSON object were stepped over",
        [JSON_JUNK_BROKEN] = "a broken JSON object was stepped over",
        [JSON_JUNK_LONG] = "a JSON object longer than 1 MiB was stepped over",
        [JSON_JUNK_CUT] = "the file ends inside a JSON object or array",
    };

    reconcile->figures.junk++;
    reconcile->figures.junk_bytes += piece->length;
    tell(reconcile, words[piece->junk], piece->offset, piece->length);
}

/* What holds no event for so long is another file than was meant, and may have no end. */
static int read_block(struct reconcile *reconcile, struct span *out)
{
    if (reconcile->events_found == 0 && reconcile->bytes >= (int64_t)NOTHING_MIB << 20)
        return fail_set(&reconcile->why, FAIL_INPUT,
                        "%s: not one event in its first %d MiB, so it is no event file", reconcile->path,
                        (int)NOTHING_MIB);
    return source_stream_next(reconcile->stream, out, &reconcile->why);
}

/* The next block into the splitter; at the end, and where the file is damaged, its end. */
static void feed(struct reconcile *reconcile)
{
    struct span bytes;
    int rc = read_block(reconcile, &bytes);

    if (rc == 1) {
        json_split_feed(&reconcile->split, bytes);
        reconcile->figures.bytes += (int64_t)bytes.len;
        reconcile->bytes += (int64_t)bytes.len;
        return;
    }
    reconcile->failed = rc < 0;
    json_split_finish(&reconcile->split);
}

/* What is no JSON at all is another file than was meant. What ends inside an object or an array lacks events:
 * the same as a packed file that was cut off. */
static int finish(struct reconcile *reconcile, struct fail *fail)
{
    bool cut = json_split_cut(&reconcile->split);

    if (reconcile->failed) {
        *fail = reconcile->why;
        return -1;
    }
    if (reconcile->objects == 0 && reconcile->told > 0)
        return fail_set(fail, FAIL_INPUT, "%s: holds no %sJSON object, so it is no event file%s",
                        reconcile->path, cut ? "whole " : "", cut ? ", or was cut off" : "");
    if (cut)
        return fail_set(fail, FAIL_INPUT,
                        "%s: truncated: at byte %" PRId64 " it stops inside a JSON object or array; get the "
                        "whole file. What stands before that was read",
                        reconcile->path, reconcile->bytes);
    return 0;
}

enum { PULLED_END, PULLED_EVENT, PULLED_BLOCK };

/* PULLED_...; PULLED_BLOCK: nothing yet, but some bytes further on. -1. */
static int pull(struct reconcile *reconcile, struct api_event *out, struct fail *fail)
{
    struct json_piece piece;

    for (;;) {
        if (api_events_next(reconcile->events, out)) {
            reconcile->events_found += out->kind != API_EVENT_UNFIT;
            return PULLED_EVENT;
        }
        switch (json_split_next(&reconcile->split, &piece)) {
        case JSON_SPLIT_OBJECT:
            reconcile->objects++;
            reconcile->offset = piece.offset;
            reconcile->length = piece.length;
            api_events_put(reconcile->events, piece.text);
            break;
        case JSON_SPLIT_JUNK:
            step_over(reconcile, &piece);
            break;
        case JSON_SPLIT_MORE:
            feed(reconcile);
            return PULLED_BLOCK;
        case JSON_SPLIT_END:
            return finish(reconcile, fail) == 0 ? PULLED_END : -1;
        }
    }
}

/* ---- events to the ledger ---- */

static void count_value(struct reconcile_values *values, const char *text)
{
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->value[i].text, text) == 0) {
            values->value[i].count++;
            return;
        }
    if (values->count == RECONCILE_VALUES) {
        values->others++;
        return;
    }
    memcpy(values->value[values->count].text, text, strlen(text) + 1);
    values->value[values->count++].count = 1;
}

/* An event and what became of it. */
struct settled {
    const struct ledger *ledger;
    const struct batch_entry *entry;
    const struct ledger_event_result *result;
};

static void copy_text(char *out, size_t size, const char *text)
{
    assert(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
}

static bool same_sample(const struct reconcile_sample *a, const struct reconcile_sample *b)
{
    return a->card_id == b->card_id && a->well == b->well && strcmp(a->event_id, b->event_id) == 0 &&
           strcmp(a->cid, b->cid) == 0;
}

/* An event that comes twice is one example. */
static void sample(struct reconcile_samples *list, size_t most, const struct settled *settled)
{
    const struct batch_entry *entry = settled->entry;
    const struct ledger_event_result *result = settled->result;
    struct reconcile_sample out = {.card_id = result->card_id ? result->card_id : entry->event.card_id,
                                   .well = entry->event.well,
                                   .state = result->state};

    if (list->count == most)
        return;
    copy_text(out.event_id, sizeof out.event_id, entry->event.event_id);
    if (entry->cid)
        copy_text(out.cid, sizeof out.cid, entry->cid);
    else
        (void)ledger_cid(settled->ledger, entry->event.row, out.cid);
    for (size_t i = 0; i < list->count; i++)
        if (same_sample(&list->one[i], &out))
            return;
    list->one[list->count++] = out;
}

static void count_fate(struct reconcile_figures *f, const struct settled *settled)
{
    switch (settled->result->fate) {
    case FATE_UNMATCHED:
        f->unmatched++;
        sample(&f->unmatched_ones, RECONCILE_SAMPLES, settled);
        return;
    case FATE_CONTRADICTS:
        f->contradicting++;
        sample(&f->contradicting_ones, RECONCILE_SAMPLES, settled);
        return;
    case FATE_ENROLLED:
        f->enrolled++;
        break;
    case FATE_DECLINED:
        f->declined++;
        break;
    case FATE_DUPLICATE:
        f->duplicates++;
        break;
    case FATE_FURTHER:
        f->further++;
        break;
    case FATE_LATE:
        f->late++;
        sample(&f->late_ones, RECONCILE_LATE, settled);
        break;
    case FATE_WAITS:
        f->waiting++;
        break;
    case FATE_LISTED:
        f->listed++;
        sample(&f->listed_ones, RECONCILE_LATE, settled);
        break;
    }
    f->matched++;
    if (!settled->result->weak)
        return;
    f->weak++;
    sample(&f->weak_ones, RECONCILE_SAMPLES, settled);
}

static int settle_slice(struct reconcile *reconcile, const struct batch_entry **entries, size_t count,
                        struct fail *fail)
{
    for (size_t i = 0; i < count; i++)
        reconcile->slice[i] = entries[i]->event;
    if (ledger_events_apply(reconcile->ledger, reconcile->slice, count, reconcile->options.now_ms,
                            reconcile->results, fail) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct settled settled = {reconcile->ledger, entries[i], &reconcile->results[i]};
        count_fate(&reconcile->figures, &settled);
    }
    return 0;
}

static int flush(struct reconcile *reconcile, struct fail *fail)
{
    const struct batch_entry **order = batch_sorted(&reconcile->batch);

    for (size_t from = 0; from < reconcile->batch.count; from += SLICE) {
        size_t left = reconcile->batch.count - from;
        if (settle_slice(reconcile, order + from, left < SLICE ? left : SLICE, fail) != 0)
            return -1;
    }
    batch_clear(&reconcile->batch);
    return 0;
}

static bool is_uuid(struct span text)
{
    if (text.len != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.ptr[i] != '-' : hex_value(text.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* Numbers alone are evidence only among the tenant's own events: no tenant, no such evidence. Borrows the
 * texts. */
static void make_event(const struct reconcile *reconcile, const struct api_event *event,
                       struct ledger_event *out)
{
    *out = (struct ledger_event){.account_id = event->account_id,
                                 .card_id = event->card_id,
                                 .customer_id = event->customer_id,
                                 .well = event->kind == API_EVENT_SUCCESS,
                                 .at_ms = event->at_ms,
                                 .event_id = event->event_id,
                                 .message = event->message};
    if (uuid_parse(ledger_seed(reconcile->ledger), event->cid, &out->row) == 0)
        return;
    out->row = 0;
    if (!event->own_org)
        out->card_id = 0;
}

/* What comes from a pipe may come slowly: it does not wait as long. */
static bool is_enough(const struct reconcile *reconcile)
{
    return batch_full(&reconcile->batch) ||
           (reconcile->batch.count >= PIPE_EVENTS && source_stream_size(reconcile->stream) < 0);
}

static void gather(struct reconcile *reconcile, const struct api_event *event)
{
    struct ledger_event made;
    char own[UUID_TEXT_SIZE];
    struct span cid = is_uuid(event->cid) ? event->cid : (struct span){"", 0};

    make_event(reconcile, event, &made);
    if (made.row != 0 && span_is(cid, ledger_cid(reconcile->ledger, made.row, own)))
        cid.ptr = NULL;
    batch_add(&reconcile->batch, &made, cid);
}

static int take(struct reconcile *reconcile, const struct api_event *event, struct fail *fail)
{
    struct reconcile_figures *f = &reconcile->figures;

    f->read += event->kind != API_EVENT_UNFIT;
    switch (event->kind) {
    case API_EVENT_UNFIT:
        f->unfit++;
        tell(reconcile, "a JSON object that is no event was stepped over", reconcile->offset,
             reconcile->length);
        return 0;
    case API_EVENT_FOREIGN:
        f->foreign++;
        return 0;
    case API_EVENT_TYPE:
        f->other_types++;
        count_value(&f->types, event->value);
        return 0;
    case API_EVENT_OPERATION:
        f->other_operations++;
        count_value(&f->operations, event->value);
        return 0;
    case API_EVENT_UNKNOWN:
        f->unknown_statuses++;
        count_value(&f->statuses, event->value);
        return 0;
    case API_EVENT_SUCCESS:
    case API_EVENT_FAILURE:
        break;
    }
    gather(reconcile, event);
    return is_enough(reconcile) ? flush(reconcile, fail) : 0;
}

int reconcile_turn(struct reconcile *reconcile, struct fail *fail)
{
    struct api_event event;
    struct fail later;
    int pulled = PULLED_EVENT;

    assert(reconcile->stream);
    for (int i = 0; i < TURN && pulled == PULLED_EVENT; i++) {
        pulled = pull(reconcile, &event, fail);
        if (pulled == PULLED_EVENT && take(reconcile, &event, fail) != 0)
            return -1;
    }
    if (pulled != PULLED_END && pulled >= 0)
        return 1;
    if (flush(reconcile, &later) != 0) { /* trouble with the ledger goes before the file's */
        *fail = later;
        return -1;
    }
    return pulled == PULLED_END ? 0 : -1;
}

int reconcile_resume(struct reconcile *reconcile, struct fail *fail)
{
    return ledger_events_resume(reconcile->ledger, reconcile->options.now_ms, &reconcile->figures.left, fail);
}

int reconcile_look(struct reconcile *reconcile, struct reconcile_sight *out, struct fail *fail)
{
    struct ledger_event made;
    int pulled;

    do
        pulled = pull(reconcile, &out->event, fail);
    while (pulled == PULLED_BLOCK || (pulled == PULLED_EVENT && out->event.kind == API_EVENT_UNFIT));
    if (pulled != PULLED_EVENT)
        return pulled == PULLED_END ? 0 : -1;
    out->path = reconcile->path;
    out->offset = reconcile->offset;
    out->result = (struct ledger_event_result){.row = 0};
    if (out->event.kind < API_EVENT_SUCCESS)
        return 1;
    make_event(reconcile, &out->event, &made);
    return ledger_event_look(reconcile->ledger, &made, &out->result, fail) == 0 ? 1 : -1;
}
