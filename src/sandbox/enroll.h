/* enroll: the enrol API: which request is taken, which is refused and with what words.
 *
 * enroll_begin judges and reserves the customer; the time between it and enroll_end is the API's latency, in
 * which a second request for the same customer is refused with 409. enroll_end takes the request: the
 * customer is on Click to Pay from then on, and its event is written. enroll_drop gives up in between. */
#ifndef SANDBOX_ENROLL_H
#define SANDBOX_ENROLL_H

#include "answer.h"
#include "bearer.h"
#include "events.h"
#include "judge.h"

struct enroll_options {
    const char *tenant;  /* the one that may enrol; NULL: any */
    const char *already; /* customers on Click to Pay from the start: "5%" or "17,18"; NULL: none */
    const uint32_t *event_faults;
    const char *events_file, *truth_file; /* NULL: none */
    uint64_t seed;
    bool not_enabled;
    bool allow_internal;
};

struct enroll_case {
    /* set by the caller; texts live until the case is over */
    enum judge_call call;
    struct judge_headers headers;
    struct span authorization; /* ptr NULL: missing */
    enum fault fault;
    const char *limit; /* why it is over a limit: "rate", "in_flight"; NULL: it is not */
    /* set by enroll_begin */
    struct judgement judgement;
    int64_t account; /* of the token; 0: unknown */
    const char *cause;
    uint64_t key;         /* of the customer */
    bool accepted;        /* enroll_end or enroll_drop must follow */
    struct answer answer; /* initialised by the caller */
    /* set by enroll_end */
    bool taken;
};

struct enroll;

/* Borrows `bearer` and the options' texts. */
int enroll_open(struct enroll **out, const struct enroll_options *options, struct bearer *bearer,
                struct fail *fail) MUST_CHECK;
int enroll_close(struct enroll *enroll, struct fail *fail) MUST_CHECK;
void enroll_begin(struct enroll *enroll, struct enroll_case *c, struct span body);
int enroll_end(struct enroll *enroll, struct enroll_case *c, int64_t now_ms, struct fail *fail) MUST_CHECK;
void enroll_drop(struct enroll *enroll, struct enroll_case *c);
/* The events' lines, so that the caller's loop can write them out when they are old. */
struct lines *enroll_lines(struct enroll *enroll);

#endif
