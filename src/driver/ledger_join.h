/* ledger_join: what only the staged records of a load together show, found in sorted order instead of by
 * look-ups: with millions of shuffled numbers a sort and one walk are cheaper than as many searches. */
#ifndef DRIVER_LEDGER_JOIN_H
#define DRIVER_LEDGER_JOIN_H

#include "ledger_impl.h"

struct join_result {
    int64_t named; /* customers of the customers file, none to be skipped, that a record of the cards file
                      names */
    bool several;  /* some customer's good cards name more than one account: the table `several` holds them */
};

/* Refuses every record of a file but the first of its number. `numbers`: rows of `width` integers, number and
 * record in front, that were added in record order. `mark` is the statement that refuses one; it takes as
 * many of these integers as it has parameters, the record first, then the number. */
int ledger_join_duplicates(struct ledger *ledger, struct sort *numbers, size_t width, enum statement mark,
                           struct fail *fail) MUST_CHECK;
/* Looks at the customer of each staged card: missing, refused, to be skipped, without an address; and at the
 * customer's cards among themselves. `customers`: the file of the load that carries them, or 0. */
int ledger_join_customers(struct ledger *ledger, int64_t customers, bool allow_internal,
                          struct join_result *out, struct fail *fail) MUST_CHECK;

#endif
