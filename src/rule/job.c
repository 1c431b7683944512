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

/* The customer is there; whether this card is only its own call tells. Where it cannot be made that is all
 * there is to know. */
static void settle_already(struct job *job, const struct job_rules *rules)
{
    if (job->uncertain) { /* it was most likely our own lost attempt that enrolled */
        job->state = JOB_ACCEPTED;
    } else if (rules->card_path && job->call == CALL_CUSTOMER) {
        job->state = JOB_READY;
        job->call = CALL_FOLLOW;
        job->before = job->attempts;
    } else {
        job->state = JOB_ALREADY;
    }
}

void job_settle(struct job *job, enum job_verdict verdict, bool lost, const struct job_rules *rules)
{
    assert(job->state == JOB_SENT && job->attempts > 0);
    if (lost)
        job->uncertain = true;
    switch (verdict) {
    case VERDICT_ACCEPTED:
        job->state = JOB_ACCEPTED;
        return;
    case VERDICT_ALREADY:
        settle_already(job, rules);
        return;
    case VERDICT_REJECTED:
        job->state = JOB_REJECTED;
        return;
    case VERDICT_TRANSIENT:
        job->state = job->attempts - job->before >= rules->max_attempts ? JOB_EXHAUSTED : JOB_READY;
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

const char *job_retry_refused(enum job_state state)
{
    check_state(state);
    switch (state) {
    case JOB_HELD:
    case JOB_ACCEPTED:
    case JOB_DECLINED:
    case JOB_ALREADY:
    case JOB_REJECTED:
    case JOB_EXHAUSTED:
        return NULL;
    case JOB_INVALID:
        return "its record was refused: correct it (cards.rejects.csv) and load it";
    case JOB_SKIPPED:
        return "it is excluded by its status (input.skip_status)";
    case JOB_READY:
    case JOB_SENT:
        return "it is to be sent anyway";
    case JOB_ENROLLED:
        return "it is enrolled";
    case JOB_STATE_COUNT:
        break;
    }
    assert(!"a state that does not exist");
    return NULL;
}

bool job_frees(const struct job *job, const struct job_rules *rules)
{
    if (job_state_failed(job->state) || job->state == JOB_SKIPPED)
        return true;
    return rules->card_path &&
           (job->state == JOB_ALREADY || (job->state == JOB_ACCEPTED && job->call != CALL_CUSTOMER));
}

/* A request of the row may have left. */
static bool was_sent(const struct job *job)
{
    return job->attempts > 0 || job->uncertain;
}

/* Whether success is possible for a row in this state, its answer being on record. Transient answers say
 * nothing about whether their request was taken. */
static bool can_be_enrolled(const struct job *job, bool weak)
{
    switch (job->state) {
    case JOB_ACCEPTED:
    case JOB_DECLINED:
        return true;
    case JOB_INVALID:
    case JOB_SKIPPED:
    case JOB_HELD:
    case JOB_READY:
    case JOB_EXHAUSTED:
        return !weak && was_sent(job);
    case JOB_ALREADY:
    case JOB_REJECTED: /* the last request was not taken, but one before it may have been */
        return !weak && (job->attempts > 1 || job->uncertain);
    case JOB_SENT:
    case JOB_ENROLLED:
    case JOB_STATE_COUNT:
        break;
    }
    return false;
}

enum job_event job_event(struct job *job, bool well, bool weak, bool lost_held)
{
    bool open = (job->state == JOB_READY || job->state == JOB_HELD) && was_sent(job);

    check_state(job->state);
    if (job->state == JOB_SENT || (open && weak))
        return JOB_EVENT_WAITS;
    if (well) {
        if (!can_be_enrolled(job, weak))
            return JOB_EVENT_STANDS;
        job->state = JOB_ENROLLED;
        return JOB_EVENT_SETTLES;
    }
    if (job->state == JOB_ACCEPTED || (job->state == JOB_HELD && lost_held && !weak)) {
        job->state = JOB_DECLINED;
        return JOB_EVENT_SETTLES;
    }
    return open ? JOB_EVENT_WAITS : JOB_EVENT_STANDS;
}
