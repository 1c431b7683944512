/* nearest: the word a person most likely meant: for unknown settings, columns and header names.
 *
 * Distance counts letters put in, left out, replaced or swapped with their neighbour; ASCII case, spaces, '-'
 * and '_' do not count. Near is at most a third of the longer word, and at most three. Pure; nothing is
 * allocated; words longer than 64 bytes are near to nothing. */
#ifndef VALUE_NEAREST_H
#define VALUE_NEAREST_H

#include <stddef.h>

/* The nearest of `count` words, the first of equals, or NULL when none is near. */
const char *nearest(const char *word, const char *const *words, size_t count);

#endif
