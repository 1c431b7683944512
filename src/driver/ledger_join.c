/* Cards sorted by customer walk beside the table of customers, which is in that order. What is found is
 * sorted again, by record, so that the staged rows are marked in the order in which they lie. Most records
 * have nothing to be marked. */
#include "ledger_join.h"

#include "driver/ledger_load.h"
#include "ledger_sort.h"
#include "ledger_staged.h"

#include <assert.h>
#include <string.h>

enum {
    FLAG_CUSTOMER_SKIP = 16, /* these two as in sql/load_card_mark.sql */
    FLAG_FURTHER = 32,
    FLAG_REFUSED = 64, /* here only: the record has problems of its own */
    NEAR = 16          /* rows of customers that are passed before the next one is searched */
};

enum joined { JOINED_WELL, JOINED_NO_CUSTOMER, JOINED_CUSTOMER_INVALID, JOINED_REQUIRED };

static const char *const joined_code[] = {
    [JOINED_WELL] = NULL,
    [JOINED_NO_CUSTOMER] = "no_customer",
    [JOINED_CUSTOMER_INVALID] = "customer_invalid",
    [JOINED_REQUIRED] = "required",
};

/* Rows of the two sorts. */
enum { CARD_CUSTOMER, CARD_RECORD, CARD_ACCOUNT, CARD_FLAGS, CARD_WIDTH };
enum { MARK_RECORD, MARK_FLAGS, MARK_JOINED, MARK_WIDTH };

struct join {
    struct ledger *ledger;
    int64_t file; /* of the customers of this load */
    bool allow_internal;
    struct sort *marks;
    struct join_result *result;
    /* the walk through the customers */
    sqlite3_stmt *customers;
    int64_t at; /* number of the customer at hand, INT64_MAX behind the last */
    /* the customer of the cards at hand */
    int64_t customer_id, account_id; /* account of its first good card, 0: none yet */
    bool found, named, several;
    int64_t customer_file;
    int customer_flags;
    enum joined missing; /* when it is not found */
};

static int customers_step(struct join *join, struct fail *fail)
{
    int rc = ledger_step(join->ledger, join->customers, fail);

    if (rc < 0)
        return -1;
    join->at = rc == 1 ? sqlite3_column_int64(join->customers, 0) : INT64_MAX;
    return 0;
}

static int customers_search(struct join *join, int64_t from, struct fail *fail)
{
    join->customers = ledger_statement(join->ledger, ST_LOAD_CUSTOMER_FROM, fail);
    if (!join->customers || ledger_bind(join->ledger, join->customers, fail, "i", from) != 0)
        return -1;
    return customers_step(join, fail);
}

/* Walks to the first customer that is not before this one; where it is far, by a search. */
static int customers_seek(struct join *join, int64_t customer_id, struct fail *fail)
{
    for (int passed = 0; join->at < customer_id; passed++) {
        if (passed == NEAR)
            return customers_search(join, customer_id, fail);
        if (customers_step(join, fail) != 0)
            return -1;
    }
    return 0;
}

static int find_missing(struct join *join, struct fail *fail)
{
    sqlite3_stmt *refused = ledger_statement(join->ledger, ST_LOAD_CUSTOMER_IS_REFUSED, fail);

    if (!refused || ledger_bind(join->ledger, refused, fail, "i", join->customer_id) != 0 ||
        ledger_step(join->ledger, refused, fail) != 1)
        return -1;
    join->missing = sqlite3_column_int(refused, 0) ? JOINED_CUSTOMER_INVALID : JOINED_NO_CUSTOMER;
    (void)sqlite3_reset(refused);
    return 0;
}

static int next_customer(struct join *join, int64_t customer_id, struct fail *fail)
{
    join->customer_id = customer_id;
    join->account_id = 0;
    join->named = join->several = false;
    if (customers_seek(join, customer_id, fail) != 0)
        return -1;
    join->found = join->at == customer_id;
    if (!join->found)
        return find_missing(join, fail);
    join->customer_file = sqlite3_column_int64(join->customers, 1);
    join->customer_flags = sqlite3_column_int(join->customers, 2);
    return 0;
}

static enum joined join_address(const struct join *join, int flags)
{
    if (!join->found)
        return join->missing;
    if ((flags | join->customer_flags) & ROW_ADDRESS || join->allow_internal)
        return JOINED_WELL;
    return JOINED_REQUIRED;
}

/* A customer's first good card leads and names the account. */
static int join_good(struct join *join, int64_t account_id, int *flags, struct fail *fail)
{
    if (join->account_id == 0) {
        join->account_id = account_id;
        return 0;
    }
    *flags |= FLAG_FURTHER;
    if (account_id == join->account_id || join->several)
        return 0;
    join->several = join->result->several = true;
    return ledger_run(join->ledger, ST_LOAD_SEVERAL_ADD, fail, "ii", join->customer_id, join->account_id);
}

static int join_card(struct join *join, const int64_t *card, struct fail *fail)
{
    int flags = (int)card[CARD_FLAGS], marks = 0;
    enum joined joined = JOINED_WELL;

    if (card[CARD_CUSTOMER] != join->customer_id && next_customer(join, card[CARD_CUSTOMER], fail) != 0)
        return -1;
    if (!(flags & ROW_OWN_CUSTOMER)) {
        marks = join->found && join->customer_flags & ROW_SKIP ? FLAG_CUSTOMER_SKIP : 0;
        joined = join_address(join, flags);
    }
    if (!join->named && card[CARD_RECORD] > 0 && join->found && join->customer_file == join->file &&
        !(join->customer_flags & ROW_SKIP)) {
        join->named = true;
        join->result->named++;
    }
    if (joined == JOINED_WELL && !((flags | marks) & (FLAG_REFUSED | ROW_SKIP | FLAG_CUSTOMER_SKIP)) &&
        join_good(join, card[CARD_ACCOUNT], &marks, fail) != 0)
        return -1;
    if (marks == 0 && joined == JOINED_WELL)
        return 0;
    return sort_add(join->marks, (const int64_t[MARK_WIDTH]){card[CARD_RECORD], marks, joined}, fail);
}

/* Sorts the staged cards that name a customer by it. */
static int sort_cards(struct ledger *ledger, struct sort *cards, struct fail *fail)
{
    sqlite3_stmt *staged = ledger_statement(ledger, ST_LOAD_CARD_CUSTOMERS, fail);
    int64_t card[CARD_WIDTH];
    int rc = -1;

    while (staged && (rc = ledger_step(ledger, staged, fail)) == 1) {
        for (int i = 0; i < CARD_WIDTH; i++)
            card[i] = sqlite3_column_int64(staged, i);
        card[CARD_FLAGS] |= sqlite3_column_int(staged, CARD_WIDTH) ? FLAG_REFUSED : 0;
        if (sort_add(cards, card, fail) != 0)
            return -1;
    }
    return rc;
}

static int store_marks(struct join *join, struct fail *fail)
{
    const int64_t *mark;
    int rc;

    while ((rc = sort_next(join->marks, &mark, fail)) == 1)
        if (ledger_run(join->ledger, ST_LOAD_CARD_MARK, fail, "dti", (int)mark[MARK_FLAGS],
                       joined_code[mark[MARK_JOINED]], mark[MARK_RECORD]) != 0)
            return -1;
    return rc;
}

static int join_all(struct join *join, struct sort *cards, struct fail *fail)
{
    const int64_t *card;
    int rc;

    if (sort_cards(join->ledger, cards, fail) != 0 || customers_search(join, INT64_MIN, fail) != 0)
        return -1;
    while ((rc = sort_next(cards, &card, fail)) == 1)
        if (join_card(join, card, fail) != 0)
            return -1;
    if (rc < 0)
        return -1;
    return store_marks(join, fail);
}

int ledger_join_customers(struct ledger *ledger, int64_t customers, bool allow_internal,
                          struct join_result *out, struct fail *fail)
{
    struct join join = {.ledger = ledger, .file = customers, .allow_internal = allow_internal, .result = out};
    struct sort *cards = sort_open(CARD_WIDTH);
    int rc;

    *out = (struct join_result){.several = false};
    join.marks = sort_open(MARK_WIDTH);
    rc = join_all(&join, cards, fail);
    (void)sqlite3_reset(join.customers); /* in the middle of the table; errors were reported */
    sort_close(cards);
    sort_close(join.marks);
    return rc;
}

/* The records that are not the first of their number: the same rows with the record in front. */
static int find_further(struct sort *numbers, size_t width, struct sort *further, struct fail *fail)
{
    const int64_t *row;
    int64_t last = 0; /* no number is 0 */
    int rc;

    while ((rc = sort_next(numbers, &row, fail)) == 1) {
        int64_t turned[CUSTOMER_WIDTH];
        if (row[0] != last) {
            last = row[0];
            continue;
        }
        memcpy(turned, row, width * sizeof *row);
        turned[0] = row[1];
        turned[1] = row[0];
        if (sort_add(further, turned, fail) != 0)
            return -1;
    }
    return rc;
}

/* The statement takes as many of the integers, from the first on, as it has parameters. */
static int mark_row(struct ledger *ledger, enum statement mark, const int64_t *row, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, mark, fail);

    if (!statement)
        return -1;
    for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++)
        if (sqlite3_bind_int64(statement, i + 1, row[i]) != SQLITE_OK)
            return ledger_trouble(ledger, "binding a value", fail);
    return ledger_step(ledger, statement, fail);
}

int ledger_join_duplicates(struct ledger *ledger, struct sort *numbers, size_t width, enum statement mark,
                           struct fail *fail)
{
    struct sort *further = sort_open(width);
    const int64_t *record;
    int rc;

    assert(width <= CUSTOMER_WIDTH);
    rc = find_further(numbers, width, further, fail);
    while (rc == 0 && (rc = sort_next(further, &record, fail)) == 1)
        rc = mark_row(ledger, mark, record, fail);
    sort_close(further);
    return rc;
}
