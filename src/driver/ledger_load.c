/* A load stages the files in temporary tables, then does the rest set by set in SQL: sorting beats looking up
 * when millions of shuffled numbers meet, and one transaction makes the load all or nothing. The first load
 * of a ledger drops the large indexes and builds them afterwards, in one sort each. */
#include "driver/ledger_load.h"
#include "driver/ledger_read.h"

#include "ledger_impl.h"
#include "ledger_join.h"
#include "ledger_sort.h"
#include "ledger_staged.h"

#include "sql/drop_indexes.h"
#include "sql/drop_indexes_rare.h"
#include "sql/drop_indexes_unsent.h"
#include "sql/schema_indexes.h"
#include "sql/schema_refused.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RARE_ROWS = 100000, /* an index of so many stays in memory ... */
    RARE_PART = 10      /* ... and looking at all rows costs as much as putting in this part of them */
};
static const double SHARE_MARGIN = 1e-12; /* far below one record of any file */

/* Before the first look at the ledger: a look that another process's change made old could not be followed by
 * a write any more, and the load would fail instead of waiting. */
static const char SQL_TAKE_WRITE_LOCK[] = "DELETE FROM meta WHERE false";

int ledger_file_seen(struct ledger *ledger, const struct ledger_file *file, struct fail *fail)
{
    return ledger_run(ledger, ST_FILE_SEEN, fail, "tdi", file->path, (int)file->spool, file->id);
}

int ledger_file_known(struct ledger *ledger, struct ledger_file *file, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, ST_FILE_FIND, fail);
    int rc;

    if (!statement || ledger_bind(ledger, statement, fail, "td", file->sha256, (int)file->carries) != 0)
        return -1;
    rc = ledger_step(ledger, statement, fail);
    if (rc != 1)
        return rc;
    file->id = sqlite3_column_int64(statement, 0);
    ledger_read_form(statement, 1, file);
    (void)sqlite3_reset(statement);
    return 1;
}

int ledger_lost(struct ledger *ledger, bool *out, struct fail *fail)
{
    int64_t any;

    if (ledger_value(ledger, ST_LOST_ANY, &any, fail) != 0)
        return -1;
    *out = any != 0;
    return 0;
}

int ledger_file_settle(struct ledger *ledger, int64_t *files, struct fail *fail)
{
    if (ledger_run(ledger, ST_FILE_SETTLED, fail, "") != 0)
        return -1;
    *files = sqlite3_changes64(ledger->db);
    return 0;
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

int64_t ledger_file_valid(const struct ledger_file *file)
{
    return file->added + file->repointed + file->known;
}

int ledger_file_limit(const struct ledger_file *file, const struct ledger_load_options *options,
                      struct fail *fail)
{
    bool many = options->bad_most >= 0 && file->invalid > options->bad_most;
    /* A share is a decimal fraction: without the margin 29 of 100 would be more than 0.29 of them. */
    bool share = options->bad_share >= 0 &&
                 (double)file->invalid > options->bad_share * (double)file->records * (1 + SHARE_MARGIN);

    if (!many && !share)
        return 0;
    return fail_set(fail, FAIL_INPUT,
                    "%s: %" PRId64 " of %" PRId64 " records are refused, more than input.max_bad "
                    "allows; ctp-enroll check writes them out",
                    file->path, file->invalid, file->records);
}

/* A load on its way through its steps. */
struct load_steps {
    struct ledger *ledger;
    struct ledger_file *customers, *cards; /* NULL: not part of it */
    const struct ledger_load_options *options;
    bool first;       /* the ledger has no card yet */
    int64_t restaged; /* rows of the ledger that are judged anew */
    int64_t stored;   /* rows that the load made or moved */
    struct join_result joined;
};

/* What a file's totals say was counted before anything was stored; what was stored must be that many. */
static int check_stored(const struct ledger_file *file, int64_t counted, int64_t stored, struct fail *fail)
{
    if (counted == stored)
        return 0;
    return fail_set(fail, FAIL_INTERNAL,
                    "totals do not add up: %s: %" PRId64 " records are counted, %" PRId64 " are stored",
                    file->path, counted, stored);
}

/* A record counts once under each of its codes. */
static void count_codes(struct span codes, int64_t records, int64_t line, struct ledger_file_problems *out)
{
    bool counted[PROBLEM_COUNT] = {false};
    struct span name;
    enum problem_code code;

    while (span_cut(&codes, ';', &name)) {
        if (problem_find(name, &code) != 0 || counted[code])
            continue;
        counted[code] = true;
        out->records[code] += records;
        if (out->line[code] == 0 || line < out->line[code])
            out->line[code] = line;
    }
}

/* Remembers what a file was refused for. `lists` yields code lists, each with records and first line. */
static int store_problems(struct ledger *ledger, sqlite3_stmt *lists, int64_t file, struct fail *fail)
{
    struct ledger_file_problems problems = {.records = {0}};
    int rc;

    while ((rc = ledger_step(ledger, lists, fail)) == 1)
        count_codes(span_of((const char *)sqlite3_column_text(lists, 0)), sqlite3_column_int64(lists, 1),
                    sqlite3_column_int64(lists, 2), &problems);
    for (int code = 0; code < PROBLEM_COUNT && rc == 0; code++)
        if (problems.records[code] > 0)
            rc = ledger_run(ledger, ST_FILE_PROBLEM_ADD, fail, "itii", file,
                            problem_name((enum problem_code)code), problems.records[code],
                            problems.line[code]);
    return rc;
}

static int refuse_customers(const struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    struct ledger_file *file = steps->customers;
    sqlite3_stmt *lists;
    int64_t refused;

    if (ledger_run(ledger, ST_LOAD_CUSTOMER_REFUSE, fail, "i", file->id) != 0)
        return -1;
    refused = sqlite3_changes64(ledger->db);
    if (read_counts(ledger, file, fail) != 0 || ledger_file_limit(file, steps->options, fail) != 0 ||
        check_stored(file, file->invalid, refused, fail) != 0)
        return -1;
    lists = ledger_statement(ledger, ST_LOAD_CUSTOMER_PROBLEMS, fail);
    if (!lists || ledger_bind(ledger, lists, fail, "i", file->id) != 0)
        return -1;
    return store_problems(ledger, lists, file->id, fail);
}

/* A known file: customers whose records were given up, with it or with another one. */
static int find_customers(const struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    struct ledger_file *file = steps->customers;

    if (ledger_run(ledger, ST_LOAD_CUSTOMER_BACK, fail, "i", file->id) != 0)
        return -1;
    file->found = sqlite3_changes64(ledger->db);
    return ledger_run(ledger, ST_FILE_FOUND, fail, "i", file->id);
}

/* The same of a cards file: of what is staged only cards that were given up are left. */
static int find_cards(const struct load_steps *steps, struct fail *fail)
{
    if (ledger_run(steps->ledger, ST_LOAD_CARD_LOST, fail, "") != 0)
        return -1;
    return ledger_run(steps->ledger, ST_FILE_FOUND, fail, "i", steps->cards->id);
}

/* Whether the load says anything new of a customer. */
static bool has_customers(const struct load_steps *steps)
{
    return steps->customers && (!steps->customers->again || steps->customers->found > 0);
}

static int finish_customers(const struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    struct ledger_file *file = steps->customers;

    if (file->again)
        return find_customers(steps, fail);
    file->loaded_ms = steps->options->now_ms;
    if (ledger_value(ledger, ST_FILE_NEXT, &file->id, fail) != 0 ||
        ledger_join_duplicates(ledger, ledger->staged_customers, CUSTOMER_WIDTH, ST_LOAD_CUSTOMER_DUPLICATE,
                               fail) != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_FILE, fail, "ititttiii", file->id, file->sha256, file->size,
                   file->path, file->delimiter, file->encoding, file->loaded_ms, ledger->staged_records,
                   ledger->staged_skips) != 0 ||
        ledger_file_seen(ledger, file, fail) != 0)
        return -1;
    if (file->corrected && ledger_run(ledger, ST_LOAD_CUSTOMER_CORRECTED, fail, "") != 0)
        return -1;
    if (ledger_run(ledger, ST_LOAD_CUSTOMER_SUPERSEDE, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_WITHDRAW, fail, "") != 0 ||
        ledger_run(ledger, ST_LOAD_CUSTOMER_STORE, fail, "i", file->id) != 0)
        return -1;
    return refuse_customers(steps, fail);
}

/* Memory and temporary file of what no step reads any more: later ones take as much. */
static void release(struct sort **sort)
{
    sort_close(*sort);
    *sort = NULL;
}

/* Judges everything staged against each other, the ledger and the customers. */
static int judge_cards(struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    const struct ledger_load_options *options = steps->options;

    if (ledger_run(ledger, ST_CLAIM_STORE, fail, "") != 0 ||
        ledger_join_duplicates(ledger, ledger->staged_cards, CARD_NUMBER_WIDTH, ST_LOAD_CARD_DUPLICATE,
                               fail) != 0)
        return -1;
    release(&ledger->staged_cards);
    if (steps->cards && steps->cards->again && find_cards(steps, fail) != 0)
        return -1;
    if (has_customers(steps) && !steps->first) {
        if (ledger_run(ledger, ST_LOAD_CARD_RESTAGE, fail, "") != 0)
            return -1;
        steps->restaged = sqlite3_changes64(ledger->db);
    }
    if (!steps->first && (ledger_run(ledger, ST_LOAD_CARD_EXISTING, fail, "") != 0 ||
                          ledger_run(ledger, ST_LOAD_CARD_MARKED, fail, "") != 0))
        return -1;
    if (ledger_join_customers(ledger, steps->customers ? steps->customers->id : 0, options->allow_internal,
                              &steps->joined, fail) != 0)
        return -1;
    return options->one_account ? ledger_run(ledger, ST_LOAD_CARD_TWO_ACCOUNTS, fail, "") : 0;
}

/* An index is built in one sort, or row by row where few rows stand in it, or, as in card_live, each behind
 * the one before. */
static int drop_indexes(const struct load_steps *steps, struct fail *fail)
{
    int64_t records = steps->cards ? steps->cards->records : 0;
    int64_t rare = steps->cards ? records - steps->cards->added : 0;

    if (ledger_script(steps->ledger, SQL_DROP_INDEXES, fail) != 0 ||
        (steps->options->throwaway && ledger_script(steps->ledger, SQL_DROP_INDEXES_UNSENT, fail) != 0))
        return -1;
    if (rare <= RARE_ROWS && rare <= records / RARE_PART)
        return 0;
    return ledger_script(steps->ledger, SQL_DROP_INDEXES_RARE, fail);
}

/* `file`: 0 where the load has no cards file. */
static int store_cards(struct load_steps *steps, int64_t file, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    int64_t now_ms = steps->options->now_ms;
    bool in_order;

    assert(!ledger->staged_customers && !ledger->staged_cards); /* here the log's index is at its largest */
    if (steps->first && drop_indexes(steps, fail) != 0)
        return -1;
    if (!steps->first) {
        if (ledger_run(ledger, ST_LOAD_CARD_FORGET_DUPLICATES, fail, "") != 0 ||
            ledger_run(ledger, ST_LOAD_CARD_REPOINT, fail, "ii", file, now_ms) != 0)
            return -1;
        steps->stored = sqlite3_changes64(ledger->db);
    }
    if (ledger_run(ledger, ST_CLAIM_RESET, fail, "") != 0) /* new rows may get the ids of deleted ones */
        return -1;
    in_order = ledger->by_account || (steps->first && steps->options->throwaway);
    if (ledger_run(ledger, in_order ? ST_LOAD_CARD_INSERT_IN_ORDER : ST_LOAD_CARD_INSERT, fail, "idi", file,
                   (int)steps->first, now_ms) != 0)
        return -1;
    steps->stored += sqlite3_changes64(ledger->db);
    if (ledger_script(ledger, SQL_SCHEMA_REFUSED, fail) != 0)
        return -1;
    if (!steps->options->throwaway && ledger_script(ledger, SQL_SCHEMA_INDEXES, fail) != 0)
        return -1;
    if (!steps->first && ledger_lead(ledger, fail) != 0)
        return -1;
    return ledger_recount(ledger, fail);
}

/* The cards file's own account, before anything of it is stored. */
static int count_cards(const struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    struct ledger_file *file = steps->cards;

    file->loaded_ms = steps->options->now_ms;
    if (ledger_value(ledger, ST_FILE_NEXT, &file->id, fail) != 0 ||
        ledger_run(ledger, ST_LOAD_CARD_FILE, fail, "idtittti", file->id, (int)file->carries, file->sha256,
                   file->size, file->path, file->delimiter, file->encoding, file->loaded_ms) != 0 ||
        ledger_file_seen(ledger, file, fail) != 0 || read_counts(ledger, file, fail) != 0 ||
        ledger_file_limit(file, steps->options, fail) != 0)
        return -1;
    if (file->invalid > 0) {
        sqlite3_stmt *lists = ledger_statement(ledger, ST_LOAD_CARD_PROBLEMS, fail);
        if (!lists || store_problems(ledger, lists, file->id, fail) != 0)
            return -1;
    }
    if (steps->joined.several && ledger_value(ledger, ST_LOAD_CARD_ACCOUNTS, &file->two_accounts, fail) != 0)
        return -1;
    return file->corrected ? ledger_run(ledger, ST_LOAD_CARD_CORRECTED, fail, "") : 0;
}

/* A customers file without new cards is held against the cards of the ledger. */
static int count_named(struct load_steps *steps, struct fail *fail)
{
    struct ledger *ledger = steps->ledger;
    int64_t named = steps->joined.named, file = steps->customers->id;

    if ((!steps->cards || steps->cards->again) &&
        ledger_value_of(ledger, ST_LOAD_NAMED_ALONE, file, &named, fail) != 0)
        return -1;
    return ledger_run(ledger, ST_LOAD_WITHOUT_CARD, fail, "ii", named, file);
}

static int finish_cards(struct load_steps *steps, struct fail *fail)
{
    struct ledger_file *file = steps->cards;
    int64_t cards;

    release(&steps->ledger->staged_customers);
    if (ledger_value(steps->ledger, ST_CARD_COUNT, &cards, fail) != 0)
        return -1;
    steps->first = cards == 0;
    if (judge_cards(steps, fail) != 0 || (file && !file->again && count_cards(steps, fail) != 0))
        return -1;
    if (steps->customers && !steps->customers->again && count_named(steps, fail) != 0)
        return -1;
    if (store_cards(steps, file ? file->id : 0, fail) != 0)
        return -1;
    if (file && file->again)
        file->found = steps->stored - steps->restaged;
    /* Corrected records may have taken the place of rows that were to be judged anew. */
    if (!file || file->corrected || file->again)
        return 0;
    return check_stored(file, file->records - file->known, steps->stored - steps->restaged, fail);
}

int ledger_load_finish(struct ledger *ledger, struct ledger_file *customers, struct ledger_file *cards,
                       const struct ledger_load_options *options, struct fail *fail)
{
    struct load_steps steps = {.ledger = ledger, .customers = customers, .cards = cards, .options = options};

    assert(ledger->staged);
    if (staged_flush(ledger, fail) != 0 || ledger_script(ledger, SQL_TAKE_WRITE_LOCK, fail) != 0 ||
        (customers && finish_customers(&steps, fail) != 0) || finish_cards(&steps, fail) != 0 ||
        ledger_revive(ledger, fail) != 0) {
        ledger_load_cancel(ledger);
        return -1;
    }
    staged_forget(ledger);
    if (ledger_commit(ledger, fail) != 0)
        return -1;
    /* Dropping tables costs a journal of them; a throwaway ledger takes them with it. */
    if (options->throwaway)
        return 0;
    /* A large load leaves megabytes of the log's index mapped, as long as the connection lives. */
    return ledger->mode == LEDGER_SCRATCH ? staged_drop(ledger, fail) : ledger_renew(ledger, fail);
}
