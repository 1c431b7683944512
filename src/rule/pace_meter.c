/* Answers are counted in slots of a tenth of a second; the newest slot is still filling and counts for the
 * part of it that has passed. A pause of half a second starts the measurement anew: an idle time says nothing
 * about what the server takes. */
#include "pace_impl.h"

enum { RESTART_MS = 500, LEAST_SPAN_MS = 5000 };

static void meter_advance(struct pace_meter *meter, int64_t slot)
{
    if (slot - meter->slot > PACE_METER_SLOTS)
        meter->slot = slot - PACE_METER_SLOTS;
    while (meter->slot < slot)
        meter->count[++meter->slot % PACE_METER_SLOTS] = 0;
}

void pace_meter_add(struct pace_meter *meter, int64_t now_ms)
{
    if (meter->since_ms < 0 || now_ms - meter->last_ms > RESTART_MS)
        meter->since_ms = now_ms;
    meter_advance(meter, now_ms / PACE_METER_SLOT_MS);
    meter->count[meter->slot % PACE_METER_SLOTS]++;
    meter->last_ms = now_ms;
}

static uint32_t meter_sum(const struct pace_meter *meter, int64_t now_ms)
{
    int64_t oldest = now_ms / PACE_METER_SLOT_MS - PACE_METER_SLOTS + 1;
    uint32_t sum = 0;

    for (int64_t slot = oldest; slot <= meter->slot; slot++)
        if (slot > meter->slot - PACE_METER_SLOTS && slot >= 0)
            sum += meter->count[slot % PACE_METER_SLOTS];
    return sum;
}

static double covered_ms(int64_t now_ms)
{
    return (double)((PACE_METER_SLOTS - 1) * PACE_METER_SLOT_MS + now_ms % PACE_METER_SLOT_MS + 1);
}

double pace_meter_rate(const struct pace_meter *meter, int64_t now_ms)
{
    double covered = covered_ms(now_ms);

    if (meter->since_ms < 0)
        return 0;
    if ((double)(now_ms - meter->since_ms) < covered)
        covered = (double)(now_ms - meter->since_ms);
    if (covered < PACE_METER_SLOT_MS)
        covered = PACE_METER_SLOT_MS;
    return meter_sum(meter, now_ms) * 1000.0 / covered;
}

double pace_meter_second(const struct pace_meter *meter, int64_t now_ms)
{
    return meter_sum(meter, now_ms) * 1000.0 / covered_ms(now_ms);
}

void pace_least_add(struct pace_least *least, double ms, int64_t now_ms)
{
    if (now_ms - least->since_ms > LEAST_SPAN_MS) {
        least->before_ms = least->ms;
        least->ms = -1;
        least->since_ms = now_ms;
    }
    if (least->ms < 0 || ms < least->ms)
        least->ms = ms;
}

double pace_least_ms(const struct pace_least *least)
{
    double ms = least->ms;

    if (ms < 0 || (least->before_ms >= 0 && least->before_ms < ms))
        ms = least->before_ms;
    return ms < 0 ? 0 : pace_max(ms, 1);
}
