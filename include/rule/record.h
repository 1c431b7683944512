/* record: the rules of the input, field by field: normalise, then validate; every problem of a record is
 * kept.
 *
 * check, run and each single send judge with this module alone, so they cannot differ. It is pure: the time
 * comes with the rules. What normalising cannot make valid is a problem; nothing is cut, guessed or dropped.
 * A card record and its customer record are judged apart; what only both together show (a billing address in
 * neither: `required` on billing_address_line1) the caller adds, except with IN_BOTH, where one record is
 * both. A record whose status is skipped is judged all the same; the caller gives the skip precedence.
 * Problem texts name the remedy and never a value that could identify a person: only country and locale
 * codes, single characters and counts are ever quoted. Source: docs/input-rules.md. */
#ifndef RULE_RECORD_H
#define RULE_RECORD_H

#include "value/field.h"

struct record_rules {
    char list_separator;      /* ';' */
    struct span calling_code; /* digits, put before national numbers; empty: numbers are international */
    bool allow_internal;      /* names, e-mails, phones, address may be missing */
    bool check_address;       /* Visa's forbidden characters are errors */
    struct span skip_status;  /* list joined by ';' of values to skip, matched trimmed, ASCII case ignored */
    struct span owner_bid, locale; /* defaults for empty cells; empty: none */
    struct span consent_time, consent_version, consent_presenter;
    int64_t now_ms;       /* wall clock: consent must not lie after it */
    const char *encoding; /* the file's, which a bad_utf8 names; NULL: UTF-8 */
};

struct problem {
    enum problem_code code;
    enum field field;
    unsigned item;   /* 1-based place in a list field, else 0 */
    char detail[40]; /* a code or count that the text may quote; never personal */
};

enum { RECORD_PROBLEMS_MAX = 64 }; /* more than the fields can yield; the last slot says so if ever reached */

struct identifier {
    struct span type, value;
};

/* The normalised record. Spans point into the record's own bytes until the next judgement. */
struct record {
    unsigned files;                           /* what it carries: IN_CARDS, IN_CUSTOMERS or IN_BOTH */
    int64_t customer_id, account_id, card_id; /* 0: not given or not valid */
    struct span text[FIELD_COUNT];            /* single-valued fields but the IDs; empty: leave the key out */
    struct span emails[LIST_MAX];
    struct span phones[LIST_MAX];
    struct identifier identifiers[LIST_MAX];
    size_t email_count, phone_count, identifier_count;
    bool skip;            /* its status is one of skip_status */
    bool has_address;     /* at least one billing field is given */
    bool unusual_address; /* characters outside the usual ones: worth a warning, not a problem */
    struct problem problems[RECORD_PROBLEMS_MAX];
    size_t problem_count;
    struct buf bytes; /* owned */
};

void record_init(struct record *record);
void record_free(struct record *record);

/* Judges the fields that `files` says the record carries. With IN_BOTH all of them. The record's problems are
 * in field order; of a list each value's problem names its 1-based place among the values given, the whole
 * cell first, then the numbered columns. Of more than LIST_MAX values the first are judged, the others
 * counted. */
void record_judge(struct record *record, const struct record_rules *rules, unsigned files,
                  const struct raw_fields *raw);

/* A record that could not be read as fields (column_count, unclosed_quote, record_too_long, bad_utf8): it has
 * no fields and this only problem; `detail` (such as "expected 12, found 11") may be NULL. */
void record_refuse(struct record *record, enum problem_code code, const char *detail);

/* Adds a problem found outside the record's own fields (duplicates, the join, source_lost). */
void record_add_problem(struct record *record, enum problem_code code, enum field field, const char *detail);

/* Appends the sentence for people: what is wrong and what to do, such as
 * "country_code: 'UK' is not in ISO 3166-1; the code of the United Kingdom is GBR". */
void record_problem_text(const struct problem *problem, struct buf *out);

#endif
