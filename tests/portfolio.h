/* portfolio: what stands in which row of an invented portfolio, computed from (seed, place) alone.
 *
 * Nothing is kept: every cell can be computed at any time, so that memory does not depend on the size. The
 * customers stand in groups of 16; a group's plan says how many cards each customer owns and which of them
 * carries a planted fault. Shuffling is a bijection over the places (a Feistel network with cycle walking),
 * not an array. All names, domains and numbers are invented; card identifiers long enough to be taken for
 * card numbers never pass the Luhn test, but for planted faults. The writer of the files is
 * make_portfolio.c. */
#ifndef TESTS_PORTFOLIO_H
#define TESTS_PORTFOLIO_H

#include "kit/buf.h"

enum { GROUP = 16, CARDS_MOST = 4 };

struct options {
    int64_t customers, cards, accounts, bad, quoted; /* quoted: percent of the rows */
    uint64_t seed;
    bool shuffle, big_ids, one_file;
    const char *canary, *out;
};

/* What may be planted: the code expected, the file whose record is at fault, the field named. */
#define FAULT_TABLE(X)                                                                                     \
    X(REQUIRED, "required", CARDS, "account_id")                                                           \
    X(TOO_LONG, "too_long", CUSTOMERS, "last_name")                                                        \
    X(BAD_INTEGER, "bad_integer", CARDS, "card_id")                                                        \
    X(BAD_FORMAT, "bad_format", CARDS, "billing_state")                                                    \
    X(BAD_CHARACTER, "bad_character", CARDS, "billing_address_line1")                                      \
    X(BAD_UTF8, "bad_utf8", CARDS, "billing_city")                                                         \
    X(BAD_COUNTRY, "bad_country", CUSTOMERS, "country_code")                                               \
    X(BAD_LOCALE, "bad_locale", CUSTOMERS, "locale")                                                       \
    X(BAD_EMAIL, "bad_email", CUSTOMERS, "emails")                                                         \
    X(BAD_PHONE, "bad_phone", CUSTOMERS, "phones")                                                         \
    X(BAD_IDENTIFIER, "bad_identifier", CUSTOMERS, "national_identifiers")                                 \
    X(BAD_TIMESTAMP, "bad_timestamp", CUSTOMERS, "consent_time")                                           \
    X(IN_FUTURE, "in_future", CUSTOMERS, "consent_time")                                                   \
    X(TOO_MANY, "too_many", CUSTOMERS, "emails")                                                           \
    X(LOOKS_LIKE_PAN, "looks_like_pan", CARDS, "card_id")                                                  \
    X(COLUMN_COUNT, "column_count", CARDS, "")                                                             \
    X(DUPLICATE_CARD, "duplicate_card", CARDS, "card_id")                                                  \
    X(NO_CUSTOMER, "no_customer", CARDS, "customer_id")                                                    \
    X(CUSTOMER_INVALID, "required", CUSTOMERS, "first_name") /* what its cards show is customer_invalid */ \
    X(DUPLICATE_CUSTOMER, "duplicate_customer", CUSTOMERS, "customer_id")

enum fault {
    FAULT_NONE = -1,
#define X(id, code, file, field) FAULT_##id,
    FAULT_TABLE(X)
#undef X
        FAULT_COUNT
};

/* The last three need a customers file of its own. */
enum { FAULT_COUNT_ONE_FILE = FAULT_NO_CUSTOMER };

enum file { CARDS, CUSTOMERS, FILE_COUNT };

struct fault_kind {
    const char *code;
    enum file file;
    const char *field;
};

struct group {
    int64_t first; /* customer */
    int64_t first_card;
    int size;
    int cards[GROUP];
    enum fault fault[GROUP];
};

/* Identifier of the place-th of `count` customers, accounts or cards: eight or nine digits, or, with big_ids,
 * beyond 2^53 (down from 2^63 - 1), where a double goes wrong. */
enum id_kind { ID_CUSTOMER, ID_ACCOUNT, ID_CARD };
int64_t portfolio_id(const struct options *options, enum id_kind kind, int64_t place, int64_t count);
/* A sixteen-digit text that passes the Luhn test and that no card network issues. */
int64_t portfolio_pan(int64_t place);
/* A number below `below` that depends on the seed, the place and the purpose (0 ... 63) alone. */
int64_t portfolio_draw(const struct options *options, int64_t place, unsigned purpose, int64_t below);
/* The place written in row `place`: a bijection on 0 ... count - 1, the identity unless shuffling is asked
 * for. */
int64_t portfolio_shuffled(const struct options *options, int64_t place, unsigned purpose, int64_t count);

const struct fault_kind *portfolio_fault(enum fault fault);
struct group portfolio_plan(const struct options *options, int64_t customer);
struct group portfolio_plan_of_card(const struct options *options, int64_t card);

/* The cells of a customer after its identifier, and a billing address; each cell with its comma in front. */
void portfolio_add_number(struct buf *out, int64_t number);
void portfolio_add_customer(const struct options *options, struct buf *out, int64_t place, enum fault fault);
void portfolio_add_address(const struct options *options, struct buf *out, int64_t place, enum fault fault);

#endif
