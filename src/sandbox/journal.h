/* journal: one JSON line a request, for tests and for people who rehearse: what came, how it was judged, what
 * was answered. No bodies, no names, no tokens. */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include "judge.h"
#include "lines.h"

enum journal_valid { JOURNAL_UNJUDGED, JOURNAL_VALID, JOURNAL_INVALID };

struct journal_entry {
    int64_t time_ms;    /* wall time of arrival */
    int64_t elapsed_us; /* from arrival to answer */
    const char *method, *path;
    struct span tenant, cid;         /* ptr NULL: missing */
    int64_t customer, account, card; /* 0: unknown */
    int status;                      /* 0: never answered */
    int in_flight;                   /* enrol requests under way at arrival, this one included */
    const char *fault;               /* injected on purpose; NULL: none */
    const char *cause; /* why it was not taken, in a word; NULL: it was, or the fault says why */
    bool taken;        /* the enrolment will have its event */
    enum journal_valid valid;
    const struct judgement *judgement; /* of an invalid request; NULL: `why` says it */
    const char *why;
};

struct journal {
    struct lines lines;
    struct buf line;
};

int journal_open(struct journal *journal, const char *path,
                 struct fail *fail) MUST_CHECK; /* path NULL: none */
int journal_close(struct journal *journal, struct fail *fail) MUST_CHECK;
int journal_add(struct journal *journal, const struct journal_entry *entry, int64_t now_ms,
                struct fail *fail) MUST_CHECK;

#endif
