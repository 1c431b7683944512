/* field: the columns of the two input files and the problem codes, each named once.
 *
 * One line a field in FIELD_TABLE yields the enum, the canonical column name and the file it belongs to; the
 * limits stand there too. Reports, rejects, the configuration's [columns] and the request all use these
 * names. Sources: docs/api.md names where each limit comes from. */
#ifndef VALUE_FIELD_H
#define VALUE_FIELD_H

#include "kit/buf.h"

/* Files a column may stand in. */
enum { IN_CARDS = 1, IN_CUSTOMERS = 2, IN_BOTH = 3 };

enum { LIST_MAX = 5 }; /* e-mails, phones, national identifiers of one customer */

/* X(id, name, file, most code points) */
#define FIELD_TABLE(X)                                                \
    X(CUSTOMER_ID, "customer_id", IN_BOTH, 0)                         \
    X(ACCOUNT_ID, "account_id", IN_CARDS, 0)                          \
    X(CARD_ID, "card_id", IN_CARDS, 0)                                \
    X(OWNER_BID, "owner_bid", IN_CARDS, 0)                            \
    X(LOCALE, "locale", IN_CUSTOMERS, 0)                              \
    X(FIRST_NAME, "first_name", IN_CUSTOMERS, 35)                     \
    X(MIDDLE_NAME, "middle_name", IN_CUSTOMERS, 35)                   \
    X(LAST_NAME, "last_name", IN_CUSTOMERS, 35)                       \
    X(COUNTRY_CODE, "country_code", IN_CUSTOMERS, 0)                  \
    X(EMAILS, "emails", IN_CUSTOMERS, 255)                            \
    X(PHONES, "phones", IN_CUSTOMERS, 0)                              \
    X(NATIONAL_IDENTIFIERS, "national_identifiers", IN_CUSTOMERS, 24) \
    X(CONSENT_TIME, "consent_time", IN_CUSTOMERS, 0)                  \
    X(CONSENT_VERSION, "consent_version", IN_CUSTOMERS, 9)            \
    X(CONSENT_PRESENTER, "consent_presenter", IN_CUSTOMERS, 30)       \
    X(BILLING_LINE1, "billing_address_line1", IN_BOTH, 64)            \
    X(BILLING_LINE2, "billing_address_line2", IN_BOTH, 64)            \
    X(BILLING_LINE3, "billing_address_line3", IN_BOTH, 64)            \
    X(BILLING_CITY, "billing_city", IN_BOTH, 32)                      \
    X(BILLING_STATE, "billing_state", IN_BOTH, 3)                     \
    X(BILLING_POSTAL_CODE, "billing_postal_code", IN_BOTH, 9)         \
    X(BILLING_COUNTRY_CODE, "billing_country_code", IN_BOTH, 0)       \
    X(STATUS, "status", IN_BOTH, 0)

enum field {
#define X(id, name, file, most) FIELD_##id,
    FIELD_TABLE(X)
#undef X
        FIELD_COUNT,
    FIELD_RECORD = FIELD_COUNT /* the record as a whole: column_count, unclosed_quote, ... */
};

#define PROBLEM_TABLE(X)                        \
    X(REQUIRED, "required")                     \
    X(TOO_LONG, "too_long")                     \
    X(BAD_INTEGER, "bad_integer")               \
    X(BAD_FORMAT, "bad_format")                 \
    X(BAD_CHARACTER, "bad_character")           \
    X(BAD_UTF8, "bad_utf8")                     \
    X(BAD_COUNTRY, "bad_country")               \
    X(BAD_LOCALE, "bad_locale")                 \
    X(BAD_EMAIL, "bad_email")                   \
    X(BAD_PHONE, "bad_phone")                   \
    X(BAD_IDENTIFIER, "bad_identifier")         \
    X(BAD_TIMESTAMP, "bad_timestamp")           \
    X(IN_FUTURE, "in_future")                   \
    X(TOO_MANY, "too_many")                     \
    X(LOOKS_LIKE_PAN, "looks_like_pan")         \
    X(COLUMN_COUNT, "column_count")             \
    X(RECORD_TOO_LONG, "record_too_long")       \
    X(UNCLOSED_QUOTE, "unclosed_quote")         \
    X(SOURCE_LOST, "source_lost")               \
    X(NO_CUSTOMER, "no_customer")               \
    X(CUSTOMER_INVALID, "customer_invalid")     \
    X(DUPLICATE_CUSTOMER, "duplicate_customer") \
    X(DUPLICATE_CARD, "duplicate_card")         \
    X(CUSTOMER_TWO_ACCOUNTS, "customer_two_accounts")

enum problem_code {
#define X(id, name) PROBLEM_##id,
    PROBLEM_TABLE(X)
#undef X
        PROBLEM_COUNT
};

const char *field_name(enum field field); /* FIELD_RECORD: "" */
unsigned field_files(enum field field);   /* IN_CARDS, IN_CUSTOMERS or both */
size_t field_most(enum field field);      /* code points; 0: no limit of its own here */
const char *problem_name(enum problem_code code);
/* The other way: 0, or -1 and *out untouched when there is no such name. "" is FIELD_RECORD. */
int field_find(struct span name, enum field *out) MUST_CHECK;
int problem_find(struct span name, enum problem_code *out) MUST_CHECK;

/* The raw cells of one record, by field: borrowed from the reader's record. A cell that is not there, or not
 * mapped, is the empty span. Numbered columns (email_2, national_identifier_value_3) stand beside the whole
 * list column; a record may use either or both. */
struct raw_fields {
    struct span whole[FIELD_COUNT];
    struct span emails[LIST_MAX];
    struct span phones[LIST_MAX];
    struct span identifier_types[LIST_MAX];
    struct span identifier_values[LIST_MAX];
};

#endif
