/* The bias of the remainder is below 2^-40 for every bound the sandbox uses. */
#include "rng.h"

#include <assert.h>

uint64_t rng_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xBF58476D1CE4E5B9);
    value ^= value >> 27;
    value *= UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    rng->state = rng_mix(seed + rng_mix(stream + 1));
}

uint64_t rng_next(struct rng *rng)
{
    rng->state += UINT64_C(0x9E3779B97F4A7C15);
    return rng_mix(rng->state);
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    assert(bound > 0);
    return rng_next(rng) % bound;
}
