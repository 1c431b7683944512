/* reconcile: event files -> ledger, in constant memory whatever their size.
 *
 * Pulled from outside: reconcile_begin opens a file, reconcile_turn reads a little of it and returns, so that
 * the caller can show progress. Events go to the ledger in batches, a transaction each; a process that ends
 * in between leaves what was settled, and reading the files again does the rest. A file that is cut off or
 * damaged fails, after what stands before that was settled. Parts of a file that are no events are stepped
 * over, logged with their place, and counted. */
#ifndef FLOW_RECONCILE_H
#define FLOW_RECONCILE_H

#include "driver/ledger_event.h"
#include "kit/log.h"
#include "rule/api_event.h"

enum { RECONCILE_VALUES = 8, RECONCILE_SAMPLES = 5, RECONCILE_LATE = 20 };

struct reconcile_options {
    const struct api_event_rules *rules;
    int64_t now_ms;
    struct log *log;
};

/* Values that were met most early, with their counts; further ones together. */
struct reconcile_values {
    struct reconcile_value {
        char text[API_EVENT_VALUE_SIZE];
        int64_t count;
    } value[RECONCILE_VALUES];
    size_t count;
    int64_t others;
};

/* One event as an example. */
struct reconcile_sample {
    char event_id[API_EVENT_ID_SIZE];
    char cid[UUID_TEXT_SIZE]; /* "": none that is a UUID */
    int64_t card_id;          /* 0: none */
    bool well;
    enum job_state state; /* of its row */
};
/* Events that are told apart by what an example shows, each once. */
struct reconcile_samples {
    struct reconcile_sample one[RECONCILE_LATE];
    size_t count;
};

/* read = matched + unmatched + contradicting + foreign + other_types + other_operations + unknown_statuses;
 * matched = enrolled + declined + duplicates + further + late + waiting + listed. */
struct reconcile_figures {
    int64_t files, bytes; /* unpacked */
    int64_t read, matched, unmatched, contradicting, foreign, other_types, other_operations, unknown_statuses;
    int64_t enrolled, declined, duplicates, further, late, waiting, listed;
    int64_t weak;             /* of the matched */
    int64_t unfit;            /* objects that are no events */
    int64_t junk, junk_bytes; /* stretches that are no objects */
    struct reconcile_values types, operations, statuses;
    struct reconcile_samples unmatched_ones, weak_ones, contradicting_ones; /* at most RECONCILE_SAMPLES */
    struct reconcile_samples listed_ones, late_ones;                        /* at most RECONCILE_LATE */
    int64_t left; /* events that wait in the ledger for their row's answer, those of earlier files included */
};

struct reconcile;

/* Borrows all of it. Without reconcile_turn the ledger may be one for reading. */
void reconcile_open(struct reconcile **out, struct ledger *ledger, const struct reconcile_options *options);
void reconcile_close(struct reconcile *reconcile);

/* The next file; "-" is standard input. FAIL_INPUT. */
int reconcile_begin(struct reconcile *reconcile, const char *path, struct fail *fail) MUST_CHECK;

/* 1 go on, 0 the file is through, -1: FAIL_INPUT, the file is not what it should be, or FAIL_LEDGER. */
int reconcile_turn(struct reconcile *reconcile, struct fail *fail) MUST_CHECK;

/* Events that waited for their row's answer: those of the rows that have it by now. Before the first file and
 * after the last. */
int reconcile_resume(struct reconcile *reconcile, struct fail *fail) MUST_CHECK;

/* Bytes of the file at hand, as they lie there; *size -1: unknown. */
void reconcile_place(const struct reconcile *reconcile, int64_t *done, int64_t *size);
const struct reconcile_figures *reconcile_figures(const struct reconcile *reconcile);

/* An event as it was read and what would become of it. */
struct reconcile_sight {
    const char *path;
    int64_t offset; /* of the object that holds it */
    struct api_event event;
    struct ledger_event_result result; /* of a success or a failure */
};
/* The next event of the file at hand, without settling anything: 1, 0 at the end, -1. Borrowed until the next
 * call. */
int reconcile_look(struct reconcile *reconcile, struct reconcile_sight *out, struct fail *fail) MUST_CHECK;

#endif
