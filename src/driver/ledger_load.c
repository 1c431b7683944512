/* A load stages the files in temporary tables, then does the rest set by set in SQL: sorting beats looking up
 * when millions of shuffled numbers meet, and one transaction makes the load all or nothing. The first load
 * of a ledger drops the indexes and builds them afterwards, in one sort each. */
#include "driver/ledger_load.h"

#include "ledger_impl.h"

#include "sql/drop_indexes.h"
#include "sql/schema_indexes.h"
#include "sql/stage.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char SQL_UNSTAGE[] =
    "DROP TABLE IF EXISTS temp.stage_customer; DROP TABLE IF EXISTS temp.stage_card;"
    "DROP TABLE IF EXISTS temp.duplicate; DROP TABLE IF EXISTS temp.several;"
    "DROP TABLE IF EXISTS temp.joined_field;";

/* Before the first look at the ledger: a look that another process's change made old could not be followed by
 * a write any more, and the load would fail instead of waiting. */
static const char SQL_TAKE_WRITE_LOCK[] = "DELETE FROM meta WHERE false";

int ledger_file_known(struct ledger *ledger, const char *sha256, unsigned carries, const char *path,
                      int64_t *id, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, ST_FILE_FIND, fail);
    int rc;

    if (!statement || ledger_bind(ledger, statement, fail, "td", sha256, (int)carries) != 0)
        return -1;
    rc = ledger_step(ledger, statement, fail);
    if (rc != 1)
        return rc;
    *id = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return ledger_run(ledger, ST_FILE_SEEN, fail, "ti", path, *id) == 0 ? 1 : -1;
}

/* Statements that name the temporary tables outlive them only unprepared. */
static void forget_prepared(struct ledger *ledger)
{
    for (int i = ST_STAGE_ADD_CUSTOMER; i <= ST_LOAD_CARD_REPOINT; i++) {
        (void)sqlite3_finalize(ledger->prepared[i]); /* repeats errors that were reported */
        ledger->prepared[i] = NULL;
    }
}

int ledger_load_begin(struct ledger *ledger, struct fail *fail)
{
    forget_prepared(ledger);
    if (ledger_script(ledger, SQL_UNSTAGE, fail) != 0 || ledger_script(ledger, SQL_STAGE, fail) != 0)
        return -1;
    ledger->staged = true;
    /* One transaction around all staging: the temporary tables need no durability, only no commit a row. */
    return ledger_script(ledger, "BEGIN", fail);
}

void ledger_load_cancel(struct ledger *ledger)
{
    struct fail ignored;

    if (!ledger->staged)
        return;
    ledger_rollback(ledger);
    forget_prepared(ledger);
    ledger->staged = false;
    if (ledger_script(ledger, SQL_UNSTAGE, &ignored) != 0)
        return; /* what stays behind goes with the handle */
}

int ledger_load_customer(struct ledger *ledger, const struct ledger_row *row, struct fail *fail)
{
    return ledger_run(ledger, ST_STAGE_ADD_CUSTOMER, fail, "iiiizzdtt", row->record, row->line, row->offset,
                      (int64_t)row->length, row->customer_id, row->mark, row->flags, row->code, row->field);
}

int ledger_load_card(struct ledger *ledger, const struct ledger_row *row, struct fail *fail)
{
    return ledger_run(ledger, ST_STAGE_ADD_CARD, fail, "iiiizzzzdtt", row->record, row->line, row->offset,
                      (int64_t)row->length, row->card_id, row->customer_id, row->account_id, row->mark,
                      row->flags, row->code, row->field);
}

static int read_counts(struct ledger *ledger, struct ledger_file *file, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_FILE_COUNTS, fail);

    if (!row || ledger_bind(ledger, row, fail, "i", file->id) != 0)
        return -1;
    if (ledger_step(ledger, row, fail) != 1)
        return -1;
    file->records = sqlite3_column_int64(row, 1);
    file->added = sqlite3_column_int64(row, 2);
    file->repointed = sqlite3_column_int64(row, 3);
    file->known = sqlite3_column_int64(row, 4);
    file->skipped = sqlite3_column_int64(row, 5);
    file->invalid = sqlite3_column_int64(row, 6);
    (void)sqlite3_reset(row);
    return 0;
}

int ledger_file_limit(const struct ledger_file *file, const struct ledger_load_options *options,
                      struct fail *fail)
{
    bool many = options->bad_most >= 0 && file->invalid > options->bad_most;
    bool share =
        options->bad_share >= 0 && (double)file->invalid > options->bad_share * (double)file->records;

    if (!many && !share)
        return 0;
    return fail_set(fail, FAIL_INPUT,
                    "%s: %" PRId64 " of %" PRId64 " records are refused, more than input.max_bad "
                    "allows; ctp-enroll check writes them out",
                    file->path, file->invalid, file->records);
}

static int finish_customers(struct ledger *ledger, struct ledger_file *file,
                            const struct ledger_load_options *options, struct fail *fail)
{
    file->loaded_ms = options->now_ms;
    if (ledger_value(ledger, ST_FILE_NEXT, &file->id, fail) != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_DUPLICATES, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_DUPLICATES_MARK, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_FILE, fail, "ititi", file->id, file->sha256, file->size,
                   file->path, options->now_ms) != 0)
        return -1;
    if (file->corrected && ledger_run(ledger, ST_LOAD_CUSTOMER_CORRECTED, fail, "") != 0)
        return -1;
    if (ledger_run(ledger, ST_LOAD_CUSTOMER_SUPERSEDE, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_WITHDRAW, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_STORE, fail, "i", file->id) != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_REFUSE, fail, "i", file->id) != 0)
        return -1;
    return read_counts(ledger, file, fail) == 0 ? ledger_file_limit(file, options, fail) : -1;
}

/* Judges everything staged against each other, the ledger and the customers. */
static int judge_cards(struct ledger *ledger, bool first, bool restage,
                       const struct ledger_load_options *options, struct fail *fail)
{
    if (restage && ledger_run(ledger, ST_LOAD_CARD_RESTAGE, fail, "") != 0)
        return -1;
    if (ledger_run(ledger, ST_LOAD_DUPLICATES_RESET, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CARD_DUPLICATES, fail, "") != 0)
        return -1;
    if (sqlite3_changes64(ledger->db) > 0 && ledger_run(ledger, ST_LOAD_CARD_DUPLICATES_MARK, fail, "") != 0)
        return -1;
    if (!first && (ledger_run(ledger, ST_LOAD_CARD_EXISTING, fail, "") != 0 ||
                   ledger_run(ledger, ST_LOAD_CARD_MARKED, fail, "") != 0))
        return -1;
    if (ledger_run(ledger, ST_LOAD_CARD_JOIN, fail, "d", (int)options->allow_internal) != 0 ||
        ledger_run(ledger, ST_LOAD_CARD_SEVERAL, fail, "") != 0)
        return -1;
    return options->one_account ? ledger_run(ledger, ST_LOAD_CARD_TWO_ACCOUNTS, fail, "") : 0;
}

static int store_cards(struct ledger *ledger, bool first, int64_t file,
                       const struct ledger_load_options *options, struct fail *fail)
{
    int64_t now_ms = options->now_ms;

    if (first && ledger_script(ledger, SQL_DROP_INDEXES, fail) != 0)
        return -1;
    if (!first && (ledger_run(ledger, ST_LOAD_CARD_FORGET_DUPLICATES, fail, "") != 0 ||
                   ledger_run(ledger, ST_LOAD_CARD_REPOINT, fail, "ii", file, now_ms) != 0))
        return -1;
    if (ledger_run(ledger, ST_LOAD_CARD_INSERT, fail, "idi", file, (int)first, now_ms) != 0)
        return -1;
    if (!options->throwaway && ledger_script(ledger, SQL_SCHEMA_INDEXES, fail) != 0)
        return -1;
    if (!first && ledger_run(ledger, ST_CARD_LEAD, fail, "") != 0)
        return -1;
    if (ledger_run(ledger, ST_TALLY_RESET, fail, "") != 0)
        return -1;
    return ledger_run(ledger, ST_TALLY_STATES, fail, "");
}

static int finish_cards(struct ledger *ledger, struct ledger_file *file, bool restage,
                        const struct ledger_load_options *options, struct fail *fail)
{
    int64_t any, id;

    if (ledger_value(ledger, ST_CARD_COUNT, &any, fail) != 0 ||
        ledger_value(ledger, ST_FILE_NEXT, &id, fail) != 0)
        return -1;
    if (judge_cards(ledger, any == 0, restage && any != 0, options, fail) != 0)
        return -1;
    if (file) {
        file->id = id;
        file->loaded_ms = options->now_ms;
        if (ledger_run(ledger, ST_LOAD_CARD_FILE, fail, "idtiti", id, (int)file->carries, file->sha256,
                       file->size, file->path, options->now_ms) != 0 ||
            read_counts(ledger, file, fail) != 0 || ledger_file_limit(file, options, fail) != 0 ||
            ledger_value(ledger, ST_LOAD_CARD_ACCOUNTS, &file->two_accounts, fail) != 0 ||
            (file->corrected && ledger_run(ledger, ST_LOAD_CARD_CORRECTED, fail, "") != 0))
            return -1;
    }
    return store_cards(ledger, any == 0, id, options, fail);
}

int ledger_load_finish(struct ledger *ledger, struct ledger_file *customers, struct ledger_file *cards,
                       const struct ledger_load_options *options, struct fail *fail)
{
    assert(ledger->staged);
    if (ledger_script(ledger, SQL_TAKE_WRITE_LOCK, fail) != 0 ||
        (customers && finish_customers(ledger, customers, options, fail) != 0) ||
        finish_cards(ledger, cards, customers != NULL, options, fail) != 0) {
        ledger_load_cancel(ledger);
        return -1;
    }
    forget_prepared(ledger);
    ledger->staged = false;
    if (ledger_commit(ledger, fail) != 0)
        return -1;
    return ledger_script(ledger, SQL_UNSTAGE, fail);
}
