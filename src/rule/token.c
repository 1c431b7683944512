/* Entries stand in a fixed array; a hash by open addressing (linear probing, at most half full, deletion by
 * moving later entries of the run back) finds an account's entry, and a doubly linked list keeps the entries
 * in order of use. The index 0 stands for "none" everywhere, so entry 0 is never used.
 *
 * An entry that is being minted is never dropped: its answer is still to come. When all are, a further
 * account waits its turn. */
#include "rule/token.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_LIFE_MS = 300 * 1000 };

enum entry_state { ENTRY_NONE, ENTRY_MINTING, ENTRY_VALID };

struct entry {
    int64_t account;
    int64_t renew_ms; /* ENTRY_VALID: from here on it is no longer handed out */
    char *text;       /* owned; NULL unless ENTRY_VALID */
    size_t len;
    uint32_t newer, older;
    enum entry_state state;
};

struct token_cache {
    struct entry *entries;
    size_t most, used; /* entries 1 ... used are in the list */
    uint32_t *slots;
    size_t slot_mask;
    uint32_t newest, oldest;
    int64_t margin_ms;
};

void token_open(struct token_cache **out, size_t most_entries, int64_t margin_ms)
{
    struct token_cache *cache = mem_alloc(sizeof *cache);
    size_t slots = 4;

    assert(most_entries > 0 && most_entries < UINT32_MAX / 4 && margin_ms >= 0);
    while (slots < most_entries * 2)
        slots *= 2;
    cache->entries = mem_array(most_entries + 1, sizeof *cache->entries);
    cache->slots = mem_array(slots, sizeof *cache->slots);
    cache->slot_mask = slots - 1;
    cache->most = most_entries;
    cache->margin_ms = margin_ms;
    *out = cache;
}

static void drop_text(struct entry *entry)
{
    if (entry->text)
        explicit_bzero(entry->text, entry->len);
    free(entry->text);
    entry->text = NULL;
    entry->len = 0;
}

void token_close(struct token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 1; i <= cache->used; i++)
        drop_text(&cache->entries[i]);
    free(cache->entries);
    free(cache->slots);
    free(cache);
}

/* ---- the hash ---- */

/* Account numbers often are consecutive: the multiplication spreads them (Fibonacci hashing). */
static size_t home(const struct token_cache *cache, int64_t account)
{
    return (size_t)(((uint64_t)account * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & cache->slot_mask;
}

/* The slot that holds the account's entry, or the empty one where it would go. */
static size_t find_slot(const struct token_cache *cache, int64_t account)
{
    size_t at = home(cache, account);

    while (cache->slots[at] != 0 && cache->entries[cache->slots[at]].account != account)
        at = (at + 1) & cache->slot_mask;
    return at;
}

/* Later entries of the run move back where that brings them no further forward than their home. */
static void empty_slot(struct token_cache *cache, size_t hole)
{
    for (size_t at = (hole + 1) & cache->slot_mask; cache->slots[at] != 0; at = (at + 1) & cache->slot_mask) {
        size_t wanted = home(cache, cache->entries[cache->slots[at]].account);
        size_t from_home = (at - wanted) & cache->slot_mask, from_hole = (at - hole) & cache->slot_mask;
        if (from_home < from_hole)
            continue;
        cache->slots[hole] = cache->slots[at];
        hole = at;
    }
    cache->slots[hole] = 0;
}

/* ---- the order of use ---- */

static void unlink_entry(struct token_cache *cache, uint32_t index)
{
    struct entry *entry = &cache->entries[index];

    if (entry->newer)
        cache->entries[entry->newer].older = entry->older;
    else
        cache->newest = entry->older;
    if (entry->older)
        cache->entries[entry->older].newer = entry->newer;
    else
        cache->oldest = entry->newer;
}

static void link_newest(struct token_cache *cache, uint32_t index)
{
    struct entry *entry = &cache->entries[index];

    entry->newer = 0;
    entry->older = cache->newest;
    if (cache->newest)
        cache->entries[cache->newest].newer = index;
    else
        cache->oldest = index;
    cache->newest = index;
}

static void touch(struct token_cache *cache, uint32_t index)
{
    if (cache->newest == index)
        return;
    unlink_entry(cache, index);
    link_newest(cache, index);
}

/* An unlinked, empty entry, or 0 when every one is being minted. */
static uint32_t take_entry(struct token_cache *cache)
{
    uint32_t index = cache->oldest;

    if (cache->used < cache->most)
        return (uint32_t)++cache->used;
    while (index && cache->entries[index].state == ENTRY_MINTING)
        index = cache->entries[index].newer;
    if (!index)
        return 0;
    empty_slot(cache, find_slot(cache, cache->entries[index].account));
    unlink_entry(cache, index);
    drop_text(&cache->entries[index]);
    return index;
}

/* The account's entry, made where it has none; NULL when there is no room for it now. */
static struct entry *entry_of(struct token_cache *cache, int64_t account)
{
    uint32_t index = cache->slots[find_slot(cache, account)];

    if (index) {
        touch(cache, index);
        return &cache->entries[index];
    }
    index = take_entry(cache);
    if (!index)
        return NULL;
    cache->entries[index] = (struct entry){.account = account, .state = ENTRY_NONE};
    cache->slots[find_slot(cache, account)] = index; /* found again: making room may have moved the run */
    link_newest(cache, index);
    return &cache->entries[index];
}

/* The entry whose mint is in flight; there being none is a bug of the caller. */
static struct entry *minting_entry(struct token_cache *cache, int64_t account)
{
    uint32_t index = cache->slots[find_slot(cache, account)];

    assert(index != 0 && cache->entries[index].state == ENTRY_MINTING);
    return &cache->entries[index];
}

/* ---- the life of a token ---- */

enum token_answer token_get(struct token_cache *cache, int64_t account, int64_t now_ms, struct span *out)
{
    struct entry *entry = entry_of(cache, account);

    if (!entry || entry->state == ENTRY_MINTING)
        return TOKEN_MINTING;
    if (entry->state == ENTRY_VALID && now_ms < entry->renew_ms) {
        *out = (struct span){entry->text, entry->len};
        return TOKEN_VALID;
    }
    drop_text(entry);
    entry->state = ENTRY_MINTING;
    return TOKEN_WANTED;
}

int64_t token_done(struct token_cache *cache, int64_t account, struct span text, int64_t life_ms,
                   int64_t now_ms)
{
    struct entry *entry = minting_entry(cache, account);
    int64_t margin_ms;

    assert(text.len > 0 && life_ms >= 0 && life_ms <= INT64_MAX - now_ms);
    if (life_ms == 0)
        life_ms = UNKNOWN_LIFE_MS;
    margin_ms = cache->margin_ms < life_ms / 2 ? cache->margin_ms : life_ms / 2;
    entry->text = mem_alloc(text.len);
    memcpy(entry->text, text.ptr, text.len);
    entry->len = text.len;
    entry->renew_ms = now_ms + life_ms - margin_ms;
    entry->state = ENTRY_VALID;
    return life_ms - margin_ms;
}

void token_failed(struct token_cache *cache, int64_t account)
{
    minting_entry(cache, account)->state = ENTRY_NONE;
}

void token_reject(struct token_cache *cache, int64_t account, struct span text)
{
    uint32_t index = cache->slots[find_slot(cache, account)];
    struct entry *entry = &cache->entries[index];

    if (index == 0 || entry->state != ENTRY_VALID || !span_same(text, (struct span){entry->text, entry->len}))
        return;
    drop_text(entry);
    entry->state = ENTRY_NONE;
}
