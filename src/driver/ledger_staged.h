/* ledger_staged: where a load gathers its records before it touches the ledger. Besides temporary tables
 * these are rows of integers that are not in a database, and yet tables which SQL may read:
 * `staged_customer`, the records of the customers file sorted by number, and `staged_batch`, some cards on
 * their way into stage_card. A set of rows then takes one statement instead of one each.
 *
 * A table has one reader at a time. What fails under it stands in the ledger (staged_fail) until
 * ledger_trouble tells it. */
#ifndef DRIVER_LEDGER_STAGED_H
#define DRIVER_LEDGER_STAGED_H

#include "ledger_impl.h"

/* A staged customer, as it stands in its sort. `flags` hold STAGED_REFUSED where it has problems. */
enum {
    CUSTOMER_NUMBER,
    CUSTOMER_RECORD,
    CUSTOMER_LINE,
    CUSTOMER_OFFSET,
    CUSTOMER_LENGTH,
    CUSTOMER_FLAGS,
    CUSTOMER_WIDTH
};
enum { STAGED_REFUSED = 64 };

enum { CARD_NUMBER, CARD_NUMBER_RECORD, CARD_NUMBER_WIDTH }; /* a staged card in its sort */

/* A card of the batch: no problems, and no mark, which only records without a number have. */
enum {
    BATCH_RECORD,
    BATCH_LINE,
    BATCH_OFFSET,
    BATCH_LENGTH,
    BATCH_CARD,
    BATCH_CUSTOMER,
    BATCH_ACCOUNT,
    BATCH_FLAGS,
    BATCH_WIDTH
};

/* Cards of a batch that is not full yet. */
int staged_flush(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Ends staging: the rows are gone, and so are the statements of a load. */
void staged_forget(struct ledger *ledger);
/* The temporary tables, once no statement names them any more. */
int staged_drop(struct ledger *ledger, struct fail *fail) MUST_CHECK;
/* Frees what is staged. */
void staged_close(struct ledger *ledger);

#endif
