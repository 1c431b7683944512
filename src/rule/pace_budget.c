/* Retries may be a share of what leaves, and a few a second beside, so that rows that fail again and again
 * never crowd out those that were not tried yet, nor double the load of a server in trouble. Claims are
 * counted, not sends: a claim is where a retry takes the place of a first attempt.
 *
 * With share s, floor f a second, F first attempts, R retries and B places given back in the window W:
 * R <= s * (F + R) + f * W becomes R <= (s * F + f * W) / (1 - s), and a place given back counts as one more
 * of either. */
#include "pace_impl.h"

#include <limits.h>

void pace_budget_init(struct pace *pace, int64_t now_ms)
{
    pace->budget = (struct pace_budget){.slot = now_ms / 1000};
}

static void advance(struct pace_budget *budget, int64_t now_ms)
{
    int64_t slot = now_ms / 1000;

    if (slot - budget->slot > PACE_BUDGET_SLOTS)
        budget->slot = slot - PACE_BUDGET_SLOTS;
    while (budget->slot < slot) {
        int at = (int)(++budget->slot % PACE_BUDGET_SLOTS);
        budget->firsts[at] = budget->retries[at] = budget->back[at] = 0;
    }
}

int pace_retries(const struct pace *pace, int64_t now_ms)
{
    struct pace_budget budget = pace->budget;
    double share = pace->options.retry_share, floor = pace->options.retry_floor;
    double firsts = 0, retries = 0, most;

    if (share <= 0 && floor <= 0)
        return INT_MAX;
    if (share >= 1)
        return INT_MAX;
    advance(&budget, now_ms);
    for (int i = 0; i < PACE_BUDGET_SLOTS; i++) {
        firsts += budget.firsts[i] + budget.back[i];
        retries += budget.retries[i] - budget.back[i];
    }
    most = (share * firsts + floor * PACE_BUDGET_SLOTS) / (1 - share) - retries;
    return most < 1 ? 0 : (int)pace_min(most, INT_MAX);
}

void pace_claimed(struct pace *pace, int firsts, int retries, int64_t now_ms)
{
    struct pace_budget *budget = &pace->budget;

    advance(budget, now_ms);
    budget->firsts[budget->slot % PACE_BUDGET_SLOTS] += firsts;
    budget->retries[budget->slot % PACE_BUDGET_SLOTS] += retries;
}

void pace_retried(struct pace *pace, int64_t now_ms)
{
    struct pace_budget *budget = &pace->budget;

    advance(budget, now_ms);
    budget->back[budget->slot % PACE_BUDGET_SLOTS]++;
}
