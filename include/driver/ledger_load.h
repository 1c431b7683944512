/* ledger_load: files into the ledger, all of a load or nothing.
 *
 * Records are staged outside the ledger first; ledger_load_finish joins, judges and stores them in one
 * transaction: duplicates within the file, cards the ledger knows already, the customer of each card, the
 * order of sending, each customer's leading card. Until then the ledger is as it was. Customers go before
 * cards. */
#ifndef DRIVER_LEDGER_LOAD_H
#define DRIVER_LEDGER_LOAD_H

#include "driver/ledger.h"

enum {
    ROW_SKIP = 1,        /* excluded by its status */
    ROW_ADDRESS = 2,     /* carries a billing address */
    ROW_DUPLICATE = 4,   /* set by the load: not the first record of its number in the file */
    ROW_OWN_CUSTOMER = 8 /* one-file mode: the record carries its customer */
};

/* One record as the rules left it. IDs are 0 where the record gives none that can be used. */
struct ledger_row {
    int64_t record, line, offset;
    size_t length;
    int64_t card_id, customer_id, account_id;
    int64_t mark; /* digest_mark of its bytes where its own number cannot tell it again, else 0 */
    int flags;
    const char *code;  /* problem codes joined by ';', NULL: none */
    const char *field; /* canonical columns in the same order */
};

struct ledger_file {
    int64_t id;
    unsigned carries; /* IN_CARDS, IN_CUSTOMERS or both */
    char sha256[65];
    int64_t size;
    char *path;
    int64_t loaded_ms;
    int64_t records, added, repointed, known, skipped, invalid;
    bool corrected;       /* of a load: it is a rejects file fed back */
    int64_t two_accounts; /* of a load: customers whose cards name more than one account, where that may be */
};

struct ledger_load_options {
    bool allow_internal; /* a card without any billing address is no problem */
    bool one_account;    /* customer_two_accounts is a problem */
    int64_t bad_most;    /* refused records of a file that are too many, -1: no limit; */
    double bad_share;    /* or their share of its records, 0 ... 1, negative: no limit */
    bool throwaway;      /* nothing will be sent from this ledger (a check): its indexes are not built */
    int64_t now_ms;
};

/* Tells whether this content was loaded before (1, *id set), and notes the path under which it is seen now;
 * 0 when it is new. */
int ledger_file_known(struct ledger *ledger, const char *sha256, unsigned carries, const char *path,
                      int64_t *id, struct fail *fail) MUST_CHECK;

int ledger_load_begin(struct ledger *ledger, struct fail *fail) MUST_CHECK;
int ledger_load_customer(struct ledger *ledger, const struct ledger_row *row, struct fail *fail) MUST_CHECK;
int ledger_load_card(struct ledger *ledger, const struct ledger_row *row, struct fail *fail) MUST_CHECK;
/* FAIL_INPUT when a file has more refused records than the options allow: nothing is loaded then.
 * `customers` and `cards` describe the staged files (path, digest, size, carries); either may be NULL. Their
 * ids and counts are filled in. */
int ledger_load_finish(struct ledger *ledger, struct ledger_file *customers, struct ledger_file *cards,
                       const struct ledger_load_options *options, struct fail *fail) MUST_CHECK;
void ledger_load_cancel(struct ledger *ledger);

/* FAIL_INPUT when a file has more refused records than the options allow. */
int ledger_file_limit(const struct ledger_file *file, const struct ledger_load_options *options,
                      struct fail *fail) MUST_CHECK;

#endif
