/* rng: the sandbox's own dice (SplitMix64), so that a seed gives the same faults on every machine.
 *
 * Each user of chance has a stream of its own: turning one option on does not change what another one draws.
 * Not for keys or identifiers: those come from OpenSSL. */
#ifndef SANDBOX_RNG_H
#define SANDBOX_RNG_H

#include <stdint.h>

enum { RNG_MILLION = 1000000 }; /* chances are in parts per million */

struct rng {
    uint64_t state;
};

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_next(struct rng *rng);
/* 0 ... bound-1; bound must be above 0. */
uint64_t rng_below(struct rng *rng, uint64_t bound);
/* A bijection of 64 bits that spreads neighbours: for hashing. */
uint64_t rng_mix(uint64_t value);

#endif
