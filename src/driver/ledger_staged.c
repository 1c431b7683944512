/* A record without problems is a row of integers: a customer in a sort, a card in a batch that goes into
 * stage_card by one statement. Records with problems, which have texts, go into their table one by one.
 *
 * The tables are virtual tables of SQLite, read from end to end in the order in which their rows come. */
#include "ledger_staged.h"

#include "driver/ledger_load.h"
#include "ledger_sort.h"

#include "sql/stage.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BATCH_ROWS = 256,
    CUSTOMER_FIRST = CUSTOMER_WIDTH /* behind its columns: whether it is the first of its number */
};

struct staged_batch {
    size_t count;
    int64_t row[BATCH_ROWS][BATCH_WIDTH];
};

/* Temporary, because a look at a table of the ledger's would begin a transaction: a look that another
 * process's change made old could not be followed by a write any more. */
static const char SQL_STAGED[] = "CREATE VIRTUAL TABLE temp.staged_customer USING customers_of_load;"
                                 "CREATE VIRTUAL TABLE temp.staged_batch USING batch_of_load";

static const char SQL_UNSTAGE[] =
    "DROP TABLE IF EXISTS temp.staged_customer; DROP TABLE IF EXISTS temp.staged_batch;"
    "DROP VIEW IF EXISTS temp.card_part; DROP VIEW IF EXISTS temp.card_new; DROP TABLE IF EXISTS "
    "temp.stage_customer; DROP TABLE IF EXISTS temp.stage_card;"
    "DROP TABLE IF EXISTS temp.several; DROP TABLE IF EXISTS temp.joined_field;";

struct table {
    sqlite3_vtab base; /* first: SQLite's part */
    struct ledger *ledger;
};

struct cursor {
    sqlite3_vtab_cursor base;
    const int64_t *row; /* NULL: behind the last */
    size_t taken;       /* of a batch */
    int64_t number;     /* of the customer before */
    bool first;
};

static int connect_as(sqlite3 *db, void *ledger, const char *columns, sqlite3_vtab **out)
{
    struct table *table = mem_alloc(sizeof *table);
    int rc = sqlite3_declare_vtab(db, columns);

    table->ledger = ledger;
    if (rc == SQLITE_OK)
        *out = &table->base;
    else
        free(table);
    return rc;
}

/* The parameters that are not const are SQLite's types. */
static int connect_customers(sqlite3 *db, void *ledger, int argc, const char *const *argv, sqlite3_vtab **out,
                             char **error)
{
    (void)argc, (void)argv, (void)error;
    return connect_as(db, ledger, "CREATE TABLE x (number, record, line, offset, length, flags, first)", out);
}

static int connect_batch(sqlite3 *db, void *ledger, int argc, const char *const *argv, sqlite3_vtab **out,
                         char **error)
{
    (void)argc, (void)argv, (void)error;
    return connect_as(
        db, ledger, "CREATE TABLE x (record, line, offset, length, card_id, customer_id, account_id, flags)",
        out);
}

static int disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

/* All rows, always; the first column ascends in both tables. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1e9;
    info->estimatedRows = 1000000;
    info->orderByConsumed = info->nOrderBy == 1 && info->aOrderBy[0].iColumn == 0 && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    struct cursor *cursor = mem_alloc(sizeof *cursor);

    (void)table;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static struct ledger *ledger_of(const struct cursor *cursor)
{
    return ((struct table *)cursor->base.pVtab)->ledger;
}

static int next_customer(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    struct ledger *ledger = ledger_of(cursor);
    int rc = sort_next(ledger->staged_customers, &cursor->row, &ledger->staged_fail);

    if (rc < 0)
        return SQLITE_IOERR;
    if (rc == 0) {
        cursor->row = NULL;
        return SQLITE_OK;
    }
    cursor->first = cursor->row[CUSTOMER_NUMBER] != cursor->number;
    cursor->number = cursor->row[CUSTOMER_NUMBER];
    return SQLITE_OK;
}

static int filter_customers(sqlite3_vtab_cursor *base, int plan, const char *name, int argc,
                            sqlite3_value **argv)
{
    struct cursor *cursor = (struct cursor *)base;
    struct ledger *ledger = ledger_of(cursor);

    (void)plan, (void)name, (void)argc, (void)argv;
    cursor->number = 0; /* no number is 0 */
    if (sort_rewind(ledger->staged_customers, &ledger->staged_fail) != 0)
        return SQLITE_IOERR;
    return next_customer(base);
}

static int next_of_batch(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    const struct staged_batch *batch = ledger_of(cursor)->batch;

    cursor->row = cursor->taken < batch->count ? batch->row[cursor->taken] : NULL;
    cursor->taken++;
    return SQLITE_OK;
}

static int filter_batch(sqlite3_vtab_cursor *base, int plan, const char *name, int argc, sqlite3_value **argv)
{
    (void)plan, (void)name, (void)argc, (void)argv;
    ((struct cursor *)base)->taken = 0;
    return next_of_batch(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->row == NULL;
}

static int customer_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cursor *cursor = (const struct cursor *)base;

    sqlite3_result_int64(context, column == CUSTOMER_FIRST ? cursor->first : cursor->row[column]);
    return SQLITE_OK;
}

static int batch_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    int64_t value = ((const struct cursor *)base)->row[column];
    bool number = column == BATCH_CARD || column == BATCH_CUSTOMER || column == BATCH_ACCOUNT;

    if (!number || value != 0) /* without a result it is NULL */
        sqlite3_result_int64(context, value);
    return SQLITE_OK;
}

static int no_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

/* Makes the tables known to the connection. */
static int register_tables(struct ledger *ledger, struct fail *fail)
{
    static const sqlite3_module customers = {.xCreate = connect_customers,
                                             .xConnect = connect_customers,
                                             .xBestIndex = best_index,
                                             .xDisconnect = disconnect,
                                             .xDestroy = disconnect,
                                             .xOpen = open_cursor,
                                             .xClose = close_cursor,
                                             .xFilter = filter_customers,
                                             .xNext = next_customer,
                                             .xEof = at_end,
                                             .xColumn = customer_column,
                                             .xRowid = no_rowid};
    static const sqlite3_module batch = {.xCreate = connect_batch,
                                         .xConnect = connect_batch,
                                         .xBestIndex = best_index,
                                         .xDisconnect = disconnect,
                                         .xDestroy = disconnect,
                                         .xOpen = open_cursor,
                                         .xClose = close_cursor,
                                         .xFilter = filter_batch,
                                         .xNext = next_of_batch,
                                         .xEof = at_end,
                                         .xColumn = batch_column,
                                         .xRowid = no_rowid};

    if (sqlite3_create_module(ledger->db, "customers_of_load", &customers, ledger) != SQLITE_OK ||
        sqlite3_create_module(ledger->db, "batch_of_load", &batch, ledger) != SQLITE_OK)
        return ledger_trouble(ledger, "staging", fail);
    return ledger_script(ledger, SQL_STAGED, fail);
}

void staged_close(struct ledger *ledger)
{
    sort_close(ledger->staged_customers);
    sort_close(ledger->staged_cards);
    free(ledger->batch);
    ledger->staged_customers = ledger->staged_cards = NULL;
    ledger->batch = NULL;
}

/* Statements that name the temporary tables outlive them only unprepared. */
void staged_forget(struct ledger *ledger)
{
    ledger->staged = false;
    staged_close(ledger);
    for (int i = ST_STAGE_ADD_CUSTOMER; i <= ST_LOAD_CARD_REPOINT; i++) {
        (void)sqlite3_finalize(ledger->prepared[i]); /* repeats errors that were reported */
        ledger->prepared[i] = NULL;
    }
}

int staged_drop(struct ledger *ledger, struct fail *fail)
{
    return ledger_script(ledger, SQL_UNSTAGE, fail);
}

int ledger_load_begin(struct ledger *ledger, struct fail *fail)
{
    staged_forget(ledger);
    if (staged_drop(ledger, fail) != 0 || register_tables(ledger, fail) != 0 ||
        ledger_script(ledger, SQL_STAGE, fail) != 0)
        return -1;
    ledger->staged = ledger->by_account = true;
    ledger->last_account = ledger->staged_records = ledger->staged_skips = 0;
    ledger->staged_customers = sort_open(CUSTOMER_WIDTH);
    ledger->staged_cards = sort_open(CARD_NUMBER_WIDTH);
    ledger->batch = mem_alloc(sizeof *ledger->batch);
    /* One transaction around all staging: the temporary tables need no durability, only no commit a row. */
    return ledger_script(ledger, "BEGIN", fail);
}

void ledger_load_cancel(struct ledger *ledger)
{
    struct fail ignored;

    if (!ledger->staged)
        return;
    ledger_rollback(ledger);
    staged_forget(ledger);
    if (staged_drop(ledger, &ignored) != 0)
        return; /* what stays behind goes with the handle */
}

/* Numbers are 0 where the record gives none that can be used. */
int ledger_load_customer(struct ledger *ledger, const struct ledger_row *row, struct fail *fail)
{
    const int64_t staged[CUSTOMER_WIDTH] = {
        [CUSTOMER_NUMBER] = row->customer_id,
        [CUSTOMER_RECORD] = row->record,
        [CUSTOMER_LINE] = row->line,
        [CUSTOMER_OFFSET] = row->offset,
        [CUSTOMER_LENGTH] = (int64_t)row->length,
        [CUSTOMER_FLAGS] = row->flags | (row->code ? STAGED_REFUSED : 0),
    };

    ledger->staged_records++;
    ledger->staged_skips += (row->flags & ROW_SKIP) != 0;
    if (row->customer_id != 0 && sort_add(ledger->staged_customers, staged, fail) != 0)
        return -1;
    if (row->customer_id != 0 && !row->code)
        return 0;
    return ledger_run(ledger, ST_STAGE_ADD_CUSTOMER, fail, "iiiizzdtt", row->record, row->line, row->offset,
                      (int64_t)row->length, row->customer_id, row->mark, row->flags, row->code, row->field);
}

int staged_flush(struct ledger *ledger, struct fail *fail)
{
    int rc = ledger->batch->count == 0 ? 0 : ledger_run(ledger, ST_STAGE_ADD_BATCH, fail, "");

    ledger->batch->count = 0;
    return rc;
}

static int add_to_batch(struct ledger *ledger, const struct ledger_row *row, struct fail *fail)
{
    int64_t *staged = ledger->batch->row[ledger->batch->count++];

    staged[BATCH_RECORD] = row->record;
    staged[BATCH_LINE] = row->line;
    staged[BATCH_OFFSET] = row->offset;
    staged[BATCH_LENGTH] = (int64_t)row->length;
    staged[BATCH_CARD] = row->card_id;
    staged[BATCH_CUSTOMER] = row->customer_id;
    staged[BATCH_ACCOUNT] = row->account_id;
    staged[BATCH_FLAGS] = row->flags;
    return ledger->batch->count == BATCH_ROWS ? staged_flush(ledger, fail) : 0;
}

int ledger_load_card(struct ledger *ledger, const struct ledger_row *row, struct fail *fail)
{
    ledger->by_account = ledger->by_account && row->account_id >= ledger->last_account;
    ledger->last_account = row->account_id;
    if (row->card_id != 0 &&
        sort_add(ledger->staged_cards, (const int64_t[CARD_NUMBER_WIDTH]){row->card_id, row->record}, fail) !=
            0)
        return -1;
    if (!row->code && row->mark == 0)
        return add_to_batch(ledger, row, fail);
    /* In the order of the records. */
    if (staged_flush(ledger, fail) != 0)
        return -1;
    return ledger_run(ledger, ST_STAGE_ADD_CARD, fail, "iiiizzzzdtt", row->record, row->line, row->offset,
                      (int64_t)row->length, row->card_id, row->customer_id, row->account_id, row->mark,
                      row->flags, row->code, row->field);
}
