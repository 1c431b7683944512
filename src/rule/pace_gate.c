/* Two things stop all sends: Retry-After until its moment, and the breaker until a probe succeeds. The
 * breaker closes after N failures in a row, or when for a whole pause there was nothing but failures and
 * pushback: a server that answers 503 for minutes is away as much as one that does not answer.
 *
 * A server that names a time is not given up before that: a hold that began within breaker.limit is waited
 * for, and the request behind it decides. A further one, beyond the limit, is not, or there would be no end.
 *
 * Pauses double, but not beyond what the outage so far justifies: a probe every few seconds for the first
 * minute, then in proportion to the time away. So the end of an outage is noticed within a twelfth of it. */
#include "pace_impl.h"

enum { PATIENCE_MS = 4000, OUTAGE_SHARE = 12 };

void pace_gate_init(struct pace *pace, int64_t now_ms)
{
    pace->gate = (struct pace_gate){.held_ms = now_ms};
}

static bool is_limit_over(const struct pace *pace, int64_t now_ms)
{
    return pace->gate.closed && now_ms - pace->gate.closed_ms >= pace->options.breaker_limit_ms;
}

void pace_gate_hold(struct pace *pace, int64_t started_ms, int64_t retry_after_ms, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;

    if (started_ms >= gate->held_ms)
        gate->patient = false;
    if (retry_after_ms <= 0 || now_ms + retry_after_ms <= gate->held_ms)
        return;
    gate->held_ms = now_ms + retry_after_ms;
    gate->patient = gate->patient || !is_limit_over(pace, now_ms);
}

int64_t pace_held(const struct pace *pace, int64_t now_ms)
{
    return pace->gate.held_ms > now_ms ? pace->gate.held_ms - now_ms : 0;
}

int64_t pace_gate_wait(struct pace *pace, int flying, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;
    int64_t held_ms = pace_held(pace, now_ms);

    if (flying == 0)
        gate->probing = false;
    if (!gate->closed || held_ms > 0)
        return held_ms;
    if (gate->probing)
        return INT64_MAX;
    return gate->due_ms > now_ms ? gate->due_ms - now_ms : 0;
}

/* A probe under way when nothing flies never left, or its end was not told. */
bool pace_gate_due(const struct pace *pace, int flying, int64_t now_ms)
{
    return (!pace->gate.probing || flying == 0) && pace->gate.due_ms <= now_ms;
}

void pace_gate_sent(struct pace *pace, int64_t now_ms)
{
    if (!pace->gate.closed)
        return;
    pace->gate.probing = true;
    pace->gate.probe_ms = now_ms;
}

void pace_gate_skip(struct pace *pace, int64_t since_ms, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;

    gate->trouble_ms += now_ms - (gate->trouble_ms > since_ms ? gate->trouble_ms : since_ms);
    gate->closed_ms += now_ms - (gate->closed_ms > since_ms ? gate->closed_ms : since_ms);
}

/* The jitter only shortens a pause, so that no pause exceeds its cap. */
static void plan_probe(struct pace *pace, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;
    double share = 0.75 + 0.2 * pace_random(&pace->random);
    int64_t wait_ms = (int64_t)((double)gate->pause_ms * share);

    gate->probing = false;
    gate->due_ms = now_ms + (wait_ms > 1 ? wait_ms : 1);
}

static void grow_pause(struct pace *pace, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;
    int64_t most_ms = (now_ms - gate->closed_ms) / OUTAGE_SHARE;

    if (most_ms < PATIENCE_MS)
        most_ms = PATIENCE_MS;
    if (most_ms < pace->options.breaker_pause_ms)
        most_ms = pace->options.breaker_pause_ms;
    if (most_ms > pace->options.breaker_pause_cap_ms)
        most_ms = pace->options.breaker_pause_cap_ms;
    gate->pause_ms = gate->pause_ms > most_ms / 2 ? most_ms : gate->pause_ms * 2;
}

static void close_gate(struct pace *pace, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;

    gate->closed = true;
    gate->closed_ms = now_ms;
    gate->pause_ms = pace->options.breaker_pause_ms;
    plan_probe(pace, now_ms);
}

static void succeed(struct pace_gate *gate)
{
    gate->succeeded = !gate->closed; /* the success that opens the gate proves one request only */
    gate->closed = gate->probing = false;
    gate->failures = gate->troubles = 0;
}

void pace_gate_answer(struct pace *pace, enum pace_signal signal, int64_t started_ms, int64_t now_ms)
{
    struct pace_gate *gate = &pace->gate;
    int most = pace->options.breaker_failures;

    if (signal == PACE_OK) {
        succeed(gate);
        return;
    }
    if (gate->troubles++ == 0)
        gate->trouble_ms = now_ms;
    gate->failures += signal == PACE_FAILURE;
    if (gate->closed) {
        if (gate->probing && started_ms >= gate->probe_ms) {
            grow_pause(pace, now_ms);
            plan_probe(pace, now_ms);
        }
        return;
    }
    bool nothing_else = gate->troubles >= most && now_ms - gate->trouble_ms >= pace->options.breaker_pause_ms;
    if (most > 0 && (gate->failures >= most || nothing_else))
        close_gate(pace, now_ms);
}

bool pace_broken(const struct pace *pace)
{
    return pace->gate.closed;
}

bool pace_counts(const struct pace *pace)
{
    return !pace->gate.closed || pace->gate.succeeded;
}

bool pace_given_up(const struct pace *pace, int64_t now_ms)
{
    return is_limit_over(pace, now_ms) && !pace->options.closed && !pace->gate.patient;
}
