/* Statements, binding and stepping. Each statement is a file in sql/, embedded at build. Parameters are bound
 * by position, in the order of their first appearance, because looking up names costs more than the
 * binding. */
#include "ledger_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "sql/meta_set.h"
#include "sql/meta_get.h"
#include "sql/state_add.h"
#include "sql/tally_reset.h"
#include "sql/tally_add.h"
#include "sql/tally_read.h"
#include "sql/card_states.h"
#include "sql/file_check.h"
#include "sql/file_find.h"
#include "sql/file_next.h"
#include "sql/file_seen.h"
#include "sql/file_settled.h"
#include "sql/file_list.h"
#include "sql/file_problems.h"
#include "sql/file_problem_add.h"
#include "sql/file_due.h"
#include "sql/file_due_some.h"
#include "sql/file_due_rows.h"
#include "sql/file_wanted.h"
#include "sql/file_idle.h"
#include "sql/revive.h"
#include "sql/revived.h"
#include "sql/file_forget.h"
#include "sql/file_found.h"
#include "sql/lost_any.h"
#include "sql/load_card_lost.h"
#include "sql/load_customer_back.h"
#include "sql/file_unfollow.h"
#include "sql/file_lost.h"
#include "sql/run_begin.h"
#include "sql/run_end.h"
#include "sql/run_unclean.h"
#include "sql/run_close_unclean.h"
#include "sql/run_count.h"
#include "sql/run_last.h"
#include "sql/run_totals.h"
#include "sql/recover.h"
#include "sql/recover_hold.h"
#include "sql/sent_lost.h"
#include "sql/claim.h"
#include "sql/claim_fresh.h"
#include "sql/claim_mark.h"
#include "sql/claim_reach.h"
#include "sql/claim_settled.h"
#include "sql/claim_store.h"
#include "sql/claim_reset.h"
#include "sql/settle.h"
#include "sql/settle_back.h"
#include "sql/settle_follow.h"
#include "sql/settle_invalid.h"
#include "sql/attempt_add.h"
#include "sql/next_due.h"
#include "sql/card_lead.h"
#include "sql/card_lead_one.h"
#include "sql/card_path_on.h"
#include "sql/card_path_off.h"
#include "sql/retry_scan.h"
#include "sql/retry_card.h"
#include "sql/retry_keep.h"
#include "sql/retry_row.h"
#include "sql/retry_mark.h"
#include "sql/purge_cards.h"
#include "sql/purge_attempts.h"
#include "sql/card_last.h"
#include "sql/customer_cards.h"
#include "sql/pulse_add.h"
#include "sql/latency_add.h"
#include "sql/latency_read.h"
#include "sql/pulse_totals.h"
#include "sql/pulse_list.h"
#include "sql/latency_run.h"
#include "sql/run_list.h"
#include "sql/stage_add_customer.h"
#include "sql/stage_add_card.h"
#include "sql/stage_add_batch.h"
#include "sql/load_customer_duplicate.h"
#include "sql/load_customer_file.h"
#include "sql/load_customer_supersede.h"
#include "sql/load_customer_withdraw.h"
#include "sql/load_customer_store.h"
#include "sql/load_customer_refuse.h"
#include "sql/load_customer_problems.h"
#include "sql/load_card_restage.h"
#include "sql/load_card_corrected.h"
#include "sql/load_customer_corrected.h"
#include "sql/load_card_duplicate.h"
#include "sql/load_card_existing.h"
#include "sql/load_card_marked.h"
#include "sql/load_card_customers.h"
#include "sql/load_customer_from.h"
#include "sql/load_customer_is_refused.h"
#include "sql/load_card_mark.h"
#include "sql/load_several_add.h"
#include "sql/load_card_accounts.h"
#include "sql/load_card_two_accounts.h"
#include "sql/load_card_file.h"
#include "sql/load_card_problems.h"
#include "sql/load_named_alone.h"
#include "sql/load_without_card.h"
#include "sql/load_card_forget_duplicates.h"
#include "sql/load_card_insert.h"
#include "sql/load_card_insert_in_order.h"
#include "sql/load_card_repoint.h"
#include "sql/file_counts.h"
#include "sql/card_count.h"
#include "sql/card_find.h"
#include "sql/card_read.h"
#include "sql/card_all.h"
#include "sql/card_in_order.h"
#include "sql/card_refused.h"
#include "sql/customer_refused.h"
#include "sql/attempt_list.h"
#include "sql/problem_list.h"
#include "sql/plan.h"
#include "sql/overdue.h"
#include "sql/refused_count.h"
#include "sql/event_row.h"
#include "sql/event_card.h"
#include "sql/event_settle.h"
#include "sql/event_note.h"
#include "sql/event_hold.h"
#include "sql/event_against.h"
#include "sql/event_wait_add.h"
#include "sql/event_wait_of.h"
#include "sql/event_wait_next.h"
#include "sql/event_wait_drop.h"
#include "sql/tally_drop.h"
#include "sql/tally_leave.h"
#include "sql/tally_waiting.h"

static const char *const statements[ST_COUNT] = {
#define X(name) SQL_##name,
    STATEMENT_TABLE(X)
#undef X
};

int ledger_trouble(struct ledger *ledger, const char *doing, struct fail *fail)
{
    int code = ledger->db ? sqlite3_extended_errcode(ledger->db) : SQLITE_NOMEM;
    const char *name = ledger->path ? ledger->path : "temporary ledger";
    const char *words = ledger->db ? sqlite3_errmsg(ledger->db) : "out of memory";

    if (ledger->staged_fail.kind != FAIL_NONE) {
        *fail = ledger->staged_fail;
        ledger->staged_fail.kind = FAIL_NONE;
        return -1;
    }
    if ((code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_WRITE)
        return fail_set(fail, FAIL_LEDGER, "%s: no room to write while %s: %s; free disk space and run again",
                        name, doing, words);
    if ((code & 0xFF) == SQLITE_NOTADB)
        return fail_set(fail, FAIL_LEDGER, "%s: not a ledger of this program, or one whose head is damaged",
                        name);
    if ((code & 0xFF) == SQLITE_CORRUPT)
        return fail_set(fail, FAIL_LEDGER, "%s: damaged: %s (while %s); restore it from a backup", name,
                        words, doing);
    return fail_set(fail, FAIL_LEDGER, "%s: %s while %s (SQLite %d)", name, words, doing, code);
}

sqlite3_stmt *ledger_statement(struct ledger *ledger, enum statement which, struct fail *fail)
{
    sqlite3_stmt **slot = &ledger->prepared[which];

    if (!*slot && sqlite3_prepare_v3(ledger->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, slot,
                                     NULL) != SQLITE_OK) {
        (void)ledger_trouble(ledger, "preparing a statement", fail);
        return NULL;
    }
    (void)sqlite3_reset(*slot); /* repeats the error of the last step, which was reported then */
    return *slot;
}

static int bind_all(sqlite3_stmt *statement, const char *types, va_list args)
{
    int rc = SQLITE_OK;

    for (int at = 1; types[at - 1] && rc == SQLITE_OK; at++) {
        int64_t number;
        const char *text;
        switch (types[at - 1]) {
        case 'i':
            rc = sqlite3_bind_int64(statement, at, va_arg(args, int64_t));
            break;
        case 'z':
            number = va_arg(args, int64_t);
            rc = number ? sqlite3_bind_int64(statement, at, number) : sqlite3_bind_null(statement, at);
            break;
        case 'd':
            rc = sqlite3_bind_int(statement, at, va_arg(args, int));
            break;
        case 't':
            text = va_arg(args, const char *);
            rc = sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
            break;
        default:
            assert(!"unknown type letter");
        }
    }
    return rc;
}

static int bind_checked(struct ledger *ledger, sqlite3_stmt *statement, struct fail *fail, const char *types,
                        va_list args)
{
    assert(sqlite3_bind_parameter_count(statement) == (int)strlen(types));
    if (bind_all(statement, types, args) != SQLITE_OK)
        return ledger_trouble(ledger, "binding a value", fail);
    return 0;
}

int ledger_bind(struct ledger *ledger, sqlite3_stmt *statement, struct fail *fail, const char *types, ...)
{
    va_list args;
    int rc;

    va_start(args, types);
    rc = bind_checked(ledger, statement, fail, types, args);
    va_end(args);
    return rc;
}

int ledger_step(struct ledger *ledger, sqlite3_stmt *statement, struct fail *fail)
{
    int rc = sqlite3_step(statement);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE) {
        (void)ledger_trouble(ledger, "reading or changing rows", fail);
        (void)sqlite3_reset(statement);
        return -1;
    }
    (void)sqlite3_reset(statement); /* after DONE it cannot fail */
    return 0;
}

int ledger_run(struct ledger *ledger, enum statement which, struct fail *fail, const char *types, ...)
{
    sqlite3_stmt *statement = ledger_statement(ledger, which, fail);
    va_list args;
    int rc;

    if (!statement)
        return -1;
    va_start(args, types);
    rc = bind_checked(ledger, statement, fail, types, args);
    va_end(args);
    if (rc != 0)
        return -1;
    rc = ledger_step(ledger, statement, fail);
    assert(rc != 1);
    return rc;
}

int ledger_value(struct ledger *ledger, enum statement which, int64_t *out, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, which, fail);
    int rc;

    if (!statement)
        return -1;
    rc = ledger_step(ledger, statement, fail);
    if (rc < 0)
        return -1;
    assert(rc == 1);
    *out = sqlite3_column_type(statement, 0) == SQLITE_NULL ? -1 : sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return 0;
}

/* The number of the only row of a statement that is bound; 0 where there is no row. */
static int take_number(struct ledger *ledger, sqlite3_stmt *row, int64_t *out, struct fail *fail)
{
    int rc = ledger_step(ledger, row, fail);

    if (rc < 0)
        return -1;
    *out = rc == 1 ? sqlite3_column_int64(row, 0) : 0;
    (void)sqlite3_reset(row);
    return 0;
}

int ledger_value_of(struct ledger *ledger, enum statement which, int64_t key, int64_t *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, which, fail);

    if (!row || ledger_bind(ledger, row, fail, "i", key) != 0)
        return -1;
    return take_number(ledger, row, out, fail);
}

int ledger_meta_number(struct ledger *ledger, const char *key, int64_t *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_META_GET, fail);

    if (!row || ledger_bind(ledger, row, fail, "t", key) != 0)
        return -1;
    return take_number(ledger, row, out, fail);
}

int ledger_script(struct ledger *ledger, const char *sql, struct fail *fail)
{
    if (sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return ledger_trouble(ledger, "setting up", fail);
    return 0;
}

bool ledger_state_known(int64_t state)
{
    return state >= 0 && state < JOB_STATE_COUNT;
}

bool ledger_time_known(int64_t ms)
{
    return ms >= 0 && ms <= INT64_C(253402300799999);
}

int ledger_tally(struct ledger *ledger, const char *kind, int64_t key, int64_t n, struct fail *fail)
{
    return n == 0 ? 0 : ledger_run(ledger, ST_TALLY_ADD, fail, "tii", kind, key, n);
}

/* A row that somebody read and did not let go of keeps the view of that moment open, on which nothing can be
 * written once somebody else has: SQLite says "locked" at once, whatever the time that it may wait. */
static void end_reads(struct ledger *ledger)
{
    for (int i = 0; i < ST_COUNT; i++)
        if (ledger->prepared[i] && sqlite3_stmt_busy(ledger->prepared[i]))
            (void)sqlite3_reset(ledger->prepared[i]); /* repeats an error that was reported */
}

int ledger_transaction(struct ledger *ledger, struct fail *fail)
{
    end_reads(ledger);
    return ledger_script(ledger, "BEGIN IMMEDIATE", fail);
}

int ledger_commit(struct ledger *ledger, struct fail *fail)
{
    if (sqlite3_exec(ledger->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    (void)ledger_trouble(ledger, "committing", fail);
    ledger_rollback(ledger);
    return -1;
}

void ledger_rollback(struct ledger *ledger)
{
    for (int i = 0; i < ST_COUNT; i++)
        if (ledger->prepared[i])
            (void)sqlite3_reset(ledger->prepared[i]);
    /* Fails only where SQLite has rolled back by itself already. */
    (void)sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
}
