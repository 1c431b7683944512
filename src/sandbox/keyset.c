/* Linear probing; removal moves later keys of the run back, so that no tombstones gather. */
#include "keyset.h"

#include "kit/buf.h"
#include "rng.h"

#include <stdlib.h>

enum { FIRST_SIZE = 1024 };

void keyset_init(struct keyset *set)
{
    *set = (struct keyset){0};
}

void keyset_free(struct keyset *set)
{
    free(set->slots);
    keyset_init(set);
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct keyset *set, uint64_t key)
{
    size_t at = rng_mix(key) & (set->size - 1);

    while (set->slots[at] != 0 && set->slots[at] != key)
        at = (at + 1) & (set->size - 1);
    return at;
}

bool keyset_has(const struct keyset *set, uint64_t key)
{
    if (key == 0)
        return set->has_zero;
    return set->size > 0 && set->slots[slot_of(set, key)] == key;
}

static void grow(struct keyset *set)
{
    struct keyset bigger = {.size = set->size ? set->size * 2 : FIRST_SIZE, .count = set->count};

    bigger.slots = mem_array(bigger.size, sizeof(*bigger.slots));
    for (size_t i = 0; i < set->size; i++)
        if (set->slots[i] != 0)
            bigger.slots[slot_of(&bigger, set->slots[i])] = set->slots[i];
    free(set->slots);
    set->slots = bigger.slots;
    set->size = bigger.size;
}

bool keyset_insert(struct keyset *set, uint64_t key)
{
    size_t at;

    if (keyset_has(set, key))
        return false;
    if (key == 0) {
        set->has_zero = true;
        return true;
    }
    if ((set->count + 1) * 4 > set->size * 3)
        grow(set);
    at = slot_of(set, key);
    set->slots[at] = key;
    set->count++;
    return true;
}

void keyset_remove(struct keyset *set, uint64_t key)
{
    size_t hole, mask = set->size - 1;

    if (key == 0) {
        set->has_zero = false;
        return;
    }
    if (!keyset_has(set, key))
        return;
    hole = slot_of(set, key);
    for (size_t at = (hole + 1) & mask; set->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = rng_mix(set->slots[at]) & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it would land before its home */
        set->slots[hole] = set->slots[at];
        hole = at;
    }
    set->slots[hole] = 0;
    set->count--;
}
