/* keyset: a set of 64-bit keys: which customers were seen, which are in flight.
 *
 * Open addressing, at most three quarters full; 10 million keys take 128 MiB and no memory per key
 * besides. */
#ifndef SANDBOX_KEYSET_H
#define SANDBOX_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyset {
    uint64_t *slots; /* 0: free */
    size_t size;     /* a power of two, or 0 */
    size_t count;
    bool has_zero; /* the key 0 has no slot */
};

void keyset_init(struct keyset *set);
void keyset_free(struct keyset *set);
bool keyset_has(const struct keyset *set, uint64_t key);
/* False when it was there already. */
bool keyset_insert(struct keyset *set, uint64_t key);
void keyset_remove(struct keyset *set, uint64_t key);

#endif
