/* api_impl: what the files of the module `api` share. Private to src/rule/api*.c. */
#ifndef RULE_API_IMPL_H
#define RULE_API_IMPL_H

#include "rule/api.h"

/* Longer texts of a server are not taken apart: neither masked nor quoted. */
enum { API_TEXT_CAP = 8192 };

enum api_words { WORDS_FOUND, WORDS_NONE, WORDS_TOO_LONG, WORDS_NOT_JSON };

/* Appends the words of an error body, a JSON object's `message` and `details`: "bad request: first;
 * second". */
enum api_words api_words(struct span body, struct buf *out) MUST_CHECK;

/* api_mask.c: writes the words for storing: every value and every word of a personal value in them as "***"
 * (the rules stand at the head of that file), one line, cut at a code point (which shows as "..."). Words
 * that are to be judged must be judged before. The records may be NULL. */
void api_mask(struct span words, const struct record *card, const struct record *customer,
              char out[API_MESSAGE_SIZE]);

#endif
