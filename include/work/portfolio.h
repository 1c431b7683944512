/* portfolio: the input files behind the ledger's rows, open and verified; makes the request of a row.
 *
 * A row is its place in a file, so its request is made from the file again at each send, by the rules of the
 * load. Every file is bound by its digest when it is added; the identifiers read again must be the
 * ledger's. */
#ifndef WORK_PORTFOLIO_H
#define WORK_PORTFOLIO_H

#include "driver/ledger_read.h"
#include "rule/api.h"
#include "work/table.h"

struct portfolio;

/* The options with which a file of the ledger is read: cut and decoded as when it was loaded. They borrow
 * from both. */
struct table_options portfolio_table_options(const struct table_options *options,
                                             const struct ledger_file *file);

void portfolio_open(struct portfolio **out, const struct table_options *options);
void portfolio_close(struct portfolio *portfolio);

/* Opens a file of the ledger where its bytes are and checks size and digest; a spool file that is gone is
 * made again from the file it came from, where that is still there. 1 when it is missing or not the file that
 * was loaded, told in FAIL_INPUT words; -1 when it is there but cannot be used, such as with these [columns].
 */
int portfolio_add(struct portfolio *portfolio, const struct ledger_file *file, struct fail *fail) MUST_CHECK;
/* The same for a table that is open already; the portfolio owns it from here on, also when it has it
 * already. */
void portfolio_adopt(struct portfolio *portfolio, int64_t file, struct table *table);
/* Closes what was changed since it was opened, so that portfolio_add looks at it anew. */
void portfolio_forget_changed(struct portfolio *portfolio);
struct table *portfolio_table(const struct portfolio *portfolio, int64_t file); /* NULL: not added */
/* Of all its files, as table_check: 1 when what was composed since the last check is to be composed again. */
int portfolio_check(const struct portfolio *portfolio, struct fail *fail) MUST_CHECK;

struct portfolio_request {
    const struct record *card, *customer; /* the same record in one-file mode */
    const struct buf *body;
    bool skip;  /* excluded by a status: never to be sent */
    bool valid; /* false: the rules refuse it now, codes and fields say why */
    const char *codes, *fields;
    const char *own_codes, *own_fields; /* of these the card record's own; NULL: none */
};

/* Everything in *out is borrowed until the next call. FAIL_INPUT when a file is not what it was. */
int portfolio_compose(struct portfolio *portfolio, const struct ledger_claim *claim, int64_t now_ms,
                      struct portfolio_request *out, struct fail *fail) MUST_CHECK;

#endif
