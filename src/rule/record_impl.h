/* record_impl: what the files of the module `record` share. Private to src/rule/record*.c.
 *
 * A desk is one judgement under way: cells are cleaned into the record's bytes at `next`; what is kept moves
 * `next` on. The bytes are reserved before the first cell and never move, so spans into them stay valid. */
#ifndef RULE_RECORD_IMPL_H
#define RULE_RECORD_IMPL_H

#include "rule/record.h"
#include "value/text.h"

/* Bytes of the record that one cell may fill: NFC makes it up to 3 times as long, lower-casing up to twice
 * that; the extra bytes are for a calling code or a timestamp written out. */
enum { CELL_GROWTH = 6, CELL_EXTRA = 32 };

struct desk {
    struct record *record;
    const struct record_rules *rules;
    char *next;
};

/* Where a value stands: the field and, in a list, its 1-based place. */
struct place {
    enum field field;
    unsigned item;
};

enum taken { TAKEN_EMPTY, TAKEN_TEXT, TAKEN_FAULT };

/* Cleans one cell at desk->next. TAKEN_FAULT: its problem is noted. Nothing is kept yet. */
enum taken desk_clean(struct desk *desk, struct place place, struct span raw, struct text *text) MUST_CHECK;

/* The same; most cells of a record are empty. */
static inline enum taken desk_take(struct desk *desk, struct place place, struct span raw, struct text *text)
{
    return raw.len == 0 ? TAKEN_EMPTY : desk_clean(desk, place, raw, text);
}

/* Keeps `len` bytes that stand at desk->next. */
struct span desk_keep(struct desk *desk, size_t len);

/* Notes a problem in field order; `detail` may be NULL. */
void desk_problem(struct desk *desk, enum problem_code code, struct place place, const char *detail);

/* Notes too_long and returns true when there are more code points than the field's most. */
bool desk_too_long(struct desk *desk, struct place place, size_t points);

/* Judges a country cell into record->text[field]. Returns whether it was given, valid or not. */
bool desk_country(struct desk *desk, enum field field, struct span raw);

/* record_list.c: the fields with several values. True when at least one value is given. */
bool record_judge_emails(struct desk *desk, const struct raw_fields *raw);
bool record_judge_phones(struct desk *desk, const struct raw_fields *raw);
void record_judge_identifiers(struct desk *desk, const struct raw_fields *raw);

/* record_address.c */
void record_judge_address(struct desk *desk, const struct raw_fields *raw);

#endif
