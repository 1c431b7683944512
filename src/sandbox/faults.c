#include "faults.h"

static const char *const names[] = {"429",  "500",     "502",       "503",     "504",
                                    "401",  "html403", "echo400",   "already", "reset",
                                    "hang", "slow",    "truncated", "close",   NULL};

static const char *const token_names[] = {
    "token-429",  "token-500",     "token-502",       "token-503",     "token-504",
    "token-401",  "token-html403", "token-echo400",   "token-already", "token-reset",
    "token-hang", "token-slow",    "token-truncated", "token-close",   NULL};

const char *fault_name(enum fault fault)
{
    return names[fault];
}

static int check_sum(const uint32_t *chances, struct fail *fail)
{
    uint64_t sum = 0;

    for (int i = 0; i < FAULT_COUNT; i++)
        sum += chances[i];
    return sum <= RNG_MILLION ? 0 : fail_set(fail, FAIL_USAGE, "the faults sum up to more than 100%%");
}

int faults_parse(struct faults *faults, struct span text, struct fail *fail)
{
    struct span rest = text, entry;

    while (span_cut(&rest, ',', &entry) == 1) {
        bool token = entry.len > 6 && span_is((struct span){entry.ptr, 6}, "token-");
        if (odds_parse(entry, token ? token_names : names, token ? faults->token : faults->enroll, fail) != 0)
            return -1;
    }
    if (faults->token[FAULT_ECHO400] || faults->token[FAULT_ALREADY])
        return fail_set(fail, FAIL_USAGE, "token calls have no echo400 and no already");
    return check_sum(faults->enroll, fail) != 0 ? -1 : check_sum(faults->token, fail);
}

enum fault faults_draw(const uint32_t *chances, struct rng *rng)
{
    int index = odds_draw(chances, FAULT_COUNT, rng);

    return index < 0 ? FAULT_NONE : (enum fault)index;
}
