/* token: the life of the bearer tokens, one an account: none -> minting -> valid -> (rejected | expired) ->
 * none.
 *
 * Bounded, in memory only, overwritten when dropped. At most one mint is in flight per account. Renewal is
 * due a margin before the end (at most half the token's life). Times are monotonic milliseconds from the
 * caller. When the cache is full the least recently used entry that is not being minted goes; when all are
 * being minted a further account is told TOKEN_MINTING. */
#ifndef RULE_TOKEN_H
#define RULE_TOKEN_H

#include "kit/buf.h"

enum token_answer {
    TOKEN_VALID,   /* *out is set, borrowed until the next call */
    TOKEN_MINTING, /* a mint is in flight, or failed lately: ask again */
    TOKEN_WANTED   /* the caller must mint now; the entry is marked as minting */
};

struct token_cache;

void token_open(struct token_cache **out, size_t most_entries, int64_t margin_ms);
void token_close(struct token_cache *cache);

enum token_answer token_get(struct token_cache *cache, int64_t account, int64_t now_ms,
                            struct span *out) MUST_CHECK;
/* The mint in flight brought a token that lives for life_ms from now; 0: not known, taken as five minutes.
 * The text is copied. Returns for how long it is handed out. An account with no mint in flight is an assert,
 * here and in token_failed. */
int64_t token_done(struct token_cache *cache, int64_t account, struct span text, int64_t life_ms,
                   int64_t now_ms);
/* The mint in flight failed, or was never started: wanted again. */
void token_failed(struct token_cache *cache, int64_t account);
/* A request with this token was answered 401. Drops it if it is still the one in the cache, so that a storm
 * of 401s costs one mint; a newer one stays. */
void token_reject(struct token_cache *cache, int64_t account, struct span text);

#endif
