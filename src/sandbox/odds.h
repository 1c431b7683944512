/* odds: how likely each of a list of named things is, as the command line says it:
 * "429=2%,reset=0.5%,reorder".
 *
 * Chances are in parts per million; a name without "=" is certain. */
#ifndef SANDBOX_ODDS_H
#define SANDBOX_ODDS_H

#include "kit/buf.h"
#include "rng.h"

/* "0.5%" -> 5000; at most 100%, at most four decimals. */
int odds_percent(struct span text, uint32_t *chance, struct fail *fail) MUST_CHECK;
/* Sets chances[i] for names[i], where names ends with NULL; the others stay as they are. */
int odds_parse(struct span text, const char *const *names, uint32_t *chances, struct fail *fail) MUST_CHECK;
/* True in `chance` of a million cases. */
bool odds_hit(uint32_t chance, struct rng *rng);
/* One of `count` things or none, in one throw: its index, or -1. The chances sum up to a million at most. */
int odds_draw(const uint32_t *chances, int count, struct rng *rng);

#endif
