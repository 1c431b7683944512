/* One switch holds every edge out of SENT; the names come from the header's table, so that states are listed
 * once in C. */
#include "rule/job.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    bool final, failed;
} STATES[] = {
#define X(id, number, name, final, failed) [number] = {name, final, failed},
    JOB_STATE_TABLE(X)
#undef X
};

_Static_assert(sizeof STATES / sizeof STATES[0] == JOB_STATE_COUNT, "every state has its line");

static const char *const VERDICTS[] = {
    [VERDICT_ACCEPTED] = "accepted",   [VERDICT_ALREADY] = "already", [VERDICT_REJECTED] = "rejected",
    [VERDICT_TRANSIENT] = "transient", [VERDICT_TOKEN] = "token",     [VERDICT_FATAL] = "fatal",
    [VERDICT_RELEASED] = "released",   [VERDICT_INVALID] = "invalid", [VERDICT_SKIPPED] = "skipped",
};

enum { VERDICT_COUNT = sizeof VERDICTS / sizeof VERDICTS[0] };

static void check_state(enum job_state state)
{
    assert((unsigned)state < JOB_STATE_COUNT);
}

const char *job_state_name(enum job_state state)
{
    check_state(state);
    return STATES[state].name;
}

int job_state_parse(const char *name, enum job_state *out)
{
    for (unsigned i = 0; i < JOB_STATE_COUNT; i++)
        if (strcmp(name, STATES[i].name) == 0) {
            *out = (enum job_state)i;
            return 0;
        }
    return -1;
}

bool job_state_final(enum job_state state)
{
    check_state(state);
    return STATES[state].final;
}

bool job_state_failed(enum job_state state)
{
    check_state(state);
    return STATES[state].failed;
}

bool job_state_leads(enum job_state state)
{
    check_state(state);
    return state == JOB_READY || state == JOB_SENT || state == JOB_ACCEPTED || state == JOB_ENROLLED ||
           state == JOB_ALREADY;
}

const char *job_verdict_name(enum job_verdict verdict)
{
    assert((unsigned)verdict < VERDICT_COUNT);
    return VERDICTS[verdict];
}

int job_verdict_parse(const char *name, enum job_verdict *out)
{
    for (unsigned i = 0; i < VERDICT_COUNT; i++)
        if (strcmp(name, VERDICTS[i]) == 0) {
            *out = (enum job_verdict)i;
            return 0;
        }
    return -1;
}

void job_claim(struct job *job)
{
    assert(job->state == JOB_READY && job->attempts >= 0);
    job->state = JOB_SENT;
    job->attempts++;
}

/* Leaves SENT with the attempt given back. */
static void give_back(struct job *job, enum job_state state)
{
    job->attempts--;
    job->state = state;
}

void job_settle(struct job *job, enum job_verdict verdict, bool lost, int max_attempts)
{
    assert(job->state == JOB_SENT && job->attempts > 0);
    if (lost)
        job->uncertain = true;
    switch (verdict) {
    case VERDICT_ACCEPTED:
        job->state = JOB_ACCEPTED;
        return;
    case VERDICT_ALREADY: /* of an uncertain row it was most likely our own lost attempt that enrolled */
        job->state = job->uncertain ? JOB_ACCEPTED : JOB_ALREADY;
        return;
    case VERDICT_REJECTED:
        job->state = JOB_REJECTED;
        return;
    case VERDICT_TRANSIENT:
        job->state = job->attempts >= max_attempts ? JOB_EXHAUSTED : JOB_READY;
        return;
    case VERDICT_TOKEN:
    case VERDICT_FATAL:
    case VERDICT_RELEASED:
        give_back(job, JOB_READY);
        return;
    case VERDICT_INVALID:
        give_back(job, JOB_INVALID);
        return;
    case VERDICT_SKIPPED:
        give_back(job, JOB_SKIPPED);
        return;
    }
    assert(!"a verdict that does not exist");
}

void job_recover(struct job *job)
{
    assert(job->state == JOB_SENT && job->attempts > 0);
    job->state = JOB_READY;
    job->uncertain = true;
}

void job_hold(struct job *job)
{
    assert(job->state == JOB_READY && job->uncertain);
    job->state = JOB_HELD;
}
