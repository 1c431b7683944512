/* ledger_load: files into the ledger, all of a load or nothing.
 *
 * Records are staged outside the ledger first; ledger_load_finish joins, judges and stores them in one
 * transaction: duplicates within the file, cards the ledger knows already, the customer of each card, the
 * order of sending, each customer's leading card. Until then the ledger is as it was. Customers go before
 * cards.
 *
 * The control totals of a file are of its load and stay as they were: records = valid + skipped + invalid,
 * and valid = added + repointed + known. Of cards: added, the ledger had no such card; repointed, it had one
 * still to be sent (or refused), which moves to this record; known, it had one that was taken or is final
 * (also skipped), and this record changes nothing, so that it is known and not skipped or invalid whatever it
 * is worth, and has no problem. Of customers: added and repointed alike, known is 0. A record that is both
 * skipped and invalid is skipped. What was counted is held against what was stored: FAIL_INTERNAL. */
#ifndef DRIVER_LEDGER_LOAD_H
#define DRIVER_LEDGER_LOAD_H

#include "driver/ledger.h"
#include "value/charset.h"

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

/* Where the bytes of a file are: at its path, in a spool file beside the ledger, or nowhere any more because
 * every row that needs them is final. */
enum ledger_spool { SPOOL_NONE, SPOOL_KEPT, SPOOL_REMOVED };

struct ledger_file {
    int64_t id;
    unsigned carries; /* IN_CARDS, IN_CUSTOMERS or both */
    char sha256[65];
    int64_t size;
    char *path; /* as it was given last: absolute, or "-" */
    enum ledger_spool spool;
    char delimiter[2];                   /* what it was loaded with, ... */
    char encoding[CHARSET_NAME_MAX + 1]; /* ... and is to be read with as long as it is known */
    int64_t loaded_ms;
    int64_t records, added, repointed, known, skipped, invalid; /* as they were when it was loaded */
    int64_t without_card; /* of customers: valid ones that no card names; only ledger_files_all fills it */
    bool corrected;       /* of a load: it is a rejects file fed back */
    bool again;           /* of a load: it is known, and asked for rows that were given up (ledger_lost) */
    int64_t found;        /* of a load that is `again`: rows or customers that it has back */
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

/* Tells whether the file's content (sha256, carries) was loaded before: 1, its id set and what it was loaded
 * with; 0 when it is new. A file that was given up is known as well. */
int ledger_file_known(struct ledger *ledger, struct ledger_file *file, struct fail *fail) MUST_CHECK;
/* Notes where a file that is known is seen now (path, spool). */
int ledger_file_seen(struct ledger *ledger, const struct ledger_file *file, struct fail *fail) MUST_CHECK;
/* Notes that spool files are not needed any more (SPOOL_REMOVED) where all rows that are read from them are
 * final or invalid; *files counts them. */
int ledger_file_settle(struct ledger *ledger, int64_t *files, struct fail *fail) MUST_CHECK;

/* Whether there are cards that were given up with their file (source_lost). */
int ledger_lost(struct ledger *ledger, bool *out, struct fail *fail) MUST_CHECK;

int ledger_load_begin(struct ledger *ledger, struct fail *fail) MUST_CHECK;
int ledger_load_customer(struct ledger *ledger, const struct ledger_row *row, struct fail *fail) MUST_CHECK;
int ledger_load_card(struct ledger *ledger, const struct ledger_row *row, struct fail *fail) MUST_CHECK;
/* FAIL_INPUT when a file has more refused records than the options allow: nothing is loaded then.
 * `customers` and `cards` describe the staged files (path, spool, digest, size, carries); either may be NULL.
 * Their ids and counts are filled in. Of a file that is `again`, records count only where their card, or
 * their customer's record, was given up: these point to it from here on, and its totals stay as they were. */
int ledger_load_finish(struct ledger *ledger, struct ledger_file *customers, struct ledger_file *cards,
                       const struct ledger_load_options *options, struct fail *fail) MUST_CHECK;
void ledger_load_cancel(struct ledger *ledger);

/* Records that are neither skipped nor invalid. */
int64_t ledger_file_valid(const struct ledger_file *file);
/* FAIL_INPUT when a file has more refused records than the options allow: more than bad_most, or more than
 * bad_share of all its records. */
int ledger_file_limit(const struct ledger_file *file, const struct ledger_load_options *options,
                      struct fail *fail) MUST_CHECK;

#endif
