/* uuid: a row's correlation ID, computed and never stored.
 *
 * A ledger draws one random 16-byte seed when it is made. A row's UUID is the first half of the seed, then
 * the row's number (below 2^61) under the second half of the seed: unique in the ledger, the same at every
 * attempt, unguessable without one of the ledger's UUIDs, carrying nothing personal; and an event that brings
 * it back leads to its row without any index. Version and variant read as RFC 9562 version 4, because
 * validators that know only the versions 1 to 5 are common. */
#ifndef KIT_UUID_H
#define KIT_UUID_H

#include "kit/buf.h"

enum { UUID_SEED_SIZE = 16, UUID_TEXT_SIZE = 37 };

struct uuid_seed {
    unsigned char bytes[UUID_SEED_SIZE];
};

/* Lower-case text form with its terminator. Returns `out`. */
char *uuid_format(const struct uuid_seed *seed, int64_t row, char out[UUID_TEXT_SIZE]);

/* The row of a UUID in any letter case: 0, or -1 when it is not one of this seed. */
int uuid_parse(const struct uuid_seed *seed, struct span text, int64_t *row) MUST_CHECK;

#endif
