#include "driver/ledger_read.h"

#include "ledger_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct span column_span(sqlite3_stmt *row, int at)
{
    const char *text = (const char *)sqlite3_column_text(row, at);

    return (struct span){text ? text : "", text ? (size_t)sqlite3_column_bytes(row, at) : 0};
}

static void copy_text(struct span text, char *out, size_t size)
{
    memset(out, 0, size);
    if (text.len < size)
        memcpy(out, text.ptr, text.len);
}

void ledger_read_form(sqlite3_stmt *row, int at, struct ledger_file *out)
{
    copy_text(column_span(row, at), out->delimiter, sizeof out->delimiter);
    copy_text(column_span(row, at + 1), out->encoding, sizeof out->encoding);
}

static void read_file(sqlite3_stmt *row, struct ledger_file *out)
{
    *out = (struct ledger_file){.id = sqlite3_column_int64(row, 0),
                                .carries = (unsigned)sqlite3_column_int(row, 1),
                                .size = sqlite3_column_int64(row, 3),
                                .spool = (enum ledger_spool)sqlite3_column_int(row, 6)};
    copy_text(column_span(row, 2), out->sha256, sizeof out->sha256);
    out->path = mem_text((const char *)sqlite3_column_text(row, 4));
    ledger_read_form(row, 7, out);
}

int ledger_list_files(struct ledger *ledger, enum statement which, struct ledger_files *out,
                      struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, which, fail);
    struct ledger_files files = {0};
    int rc = -1;

    while (row && (rc = ledger_step(ledger, row, fail)) == 1) {
        struct ledger_file *file;
        files.file = mem_grow(files.file, files.count + 1, sizeof *files.file);
        files.rows = mem_grow(files.rows, files.count + 1, sizeof *files.rows);
        file = &files.file[files.count];
        read_file(row, file);
        files.rows[files.count++] = sqlite3_column_int64(row, 5);
        if (which != ST_FILE_LIST)
            continue;
        file->loaded_ms = sqlite3_column_int64(row, 9);
        file->records = sqlite3_column_int64(row, 10);
        file->added = sqlite3_column_int64(row, 11);
        file->repointed = sqlite3_column_int64(row, 12);
        file->known = sqlite3_column_int64(row, 13);
        file->skipped = sqlite3_column_int64(row, 14);
        file->invalid = sqlite3_column_int64(row, 15);
        file->without_card = sqlite3_column_int64(row, 16);
    }
    if (rc != 0) {
        ledger_files_free(&files);
        return -1;
    }
    *out = files;
    return 0;
}

static int list_file_problems(struct ledger *ledger, struct ledger_files *files, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_FILE_PROBLEMS, fail);
    size_t at = 0; /* both lists are in the order of the files */
    int rc = -1;

    files->problems = mem_array(files->count + 1, sizeof *files->problems);
    while (row && (rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t file = sqlite3_column_int64(row, 0);
        enum problem_code code;
        while (at < files->count && files->file[at].id < file)
            at++;
        if (at == files->count || files->file[at].id != file || problem_find(column_span(row, 1), &code) != 0)
            continue;
        files->problems[at].records[code] = sqlite3_column_int64(row, 2);
        files->problems[at].line[code] = sqlite3_column_int64(row, 3);
    }
    return rc;
}

int ledger_files_all(struct ledger *ledger, struct ledger_files *out, struct fail *fail)
{
    if (ledger_list_files(ledger, ST_FILE_LIST, out, fail) != 0)
        return -1;
    if (list_file_problems(ledger, out, fail) == 0)
        return 0;
    ledger_files_free(out);
    return -1;
}

void ledger_files_free(struct ledger_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->file[i].path);
    free(files->file);
    free(files->rows);
    free(files->problems);
    *files = (struct ledger_files){0};
}

int ledger_file_drop(struct ledger *ledger, int64_t file, int64_t now_ms, int64_t *rows, struct fail *fail)
{
    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (ledger_run(ledger, ST_FILE_LOST, fail, "ii", now_ms, file) != 0)
        goto undo;
    *rows = sqlite3_changes64(ledger->db);
    if (ledger_run(ledger, ST_FILE_FORGET, fail, "i", file) != 0)
        goto undo;
    if (ledger_lead(ledger, fail) != 0 || ledger_recount(ledger, fail) != 0)
        goto undo;
    return ledger_commit(ledger, fail);
undo:
    ledger_rollback(ledger);
    return -1;
}

static int read_states(struct ledger *ledger, struct ledger_totals *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_TALLY_READ, fail);
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "t", "state") != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t state = sqlite3_column_int64(row, 0);
        if (state >= 0 && state < JOB_STATE_COUNT)
            out->state[state] = sqlite3_column_int64(row, 1);
    }
    return rc;
}

static int read_http(struct ledger *ledger, struct ledger_totals *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_TALLY_READ, fail);
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "t", "http") != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        if (out->http_count == LEDGER_HTTP_MAX)
            continue;
        out->http_status[out->http_count] = sqlite3_column_int(row, 0);
        out->http_answers[out->http_count++] = sqlite3_column_int64(row, 1);
    }
    return rc;
}

static int read_purged(struct ledger *ledger, struct ledger_totals *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_TALLY_READ, fail);
    int rc;

    if (!row || ledger_bind(ledger, row, fail, "t", "purged") != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1)
        out->purged = sqlite3_column_int64(row, 1);
    return rc;
}

static int read_figures(struct ledger *ledger, struct ledger_totals *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_PULSE_TOTALS, fail);
    int rc;

    if (!row || ledger_step(ledger, row, fail) != 1)
        return -1;
    out->answers = sqlite3_column_int64(row, 0);
    out->latency_us = sqlite3_column_int64(row, 1);
    (void)sqlite3_reset(row);
    row = ledger_statement(ledger, ST_RUN_TOTALS, fail);
    if (!row || ledger_step(ledger, row, fail) != 1)
        return -1;
    out->runs = sqlite3_column_int64(row, 0);
    out->requests = sqlite3_column_int64(row, 1);
    out->tokens = sqlite3_column_int64(row, 2);
    out->run_ms = sqlite3_column_int64(row, 3);
    (void)sqlite3_reset(row);
    row = ledger_statement(ledger, ST_LATENCY_READ, fail);
    rc = row ? 1 : -1;
    while (rc == 1 && (rc = ledger_step(ledger, row, fail)) == 1) {
        int64_t bucket = sqlite3_column_int64(row, 0);
        if (bucket >= 0 && bucket < LEDGER_BUCKETS)
            out->latency[bucket] = sqlite3_column_int64(row, 1);
    }
    return rc;
}

int ledger_totals(struct ledger *ledger, struct ledger_totals *out, struct fail *fail)
{
    struct ledger_totals totals = {0};

    if (read_states(ledger, &totals, fail) != 0 || read_http(ledger, &totals, fail) != 0 ||
        read_purged(ledger, &totals, fail) != 0 || read_figures(ledger, &totals, fail) != 0 ||
        ledger_value(ledger, ST_REFUSED_COUNT, &totals.refused_customers, fail) != 0)
        return -1;
    *out = totals;
    return 0;
}

int ledger_last_run(struct ledger *ledger, struct ledger_last_run *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_RUN_LAST, fail);

    if (!row || ledger_step(ledger, row, fail) != 1)
        return -1;
    *out = (struct ledger_last_run){.started_ms = sqlite3_column_int64(row, 0),
                                    .open = sqlite3_column_int(row, 1) != 0,
                                    .ended_ms = sqlite3_column_int64(row, 2),
                                    .exit_code = sqlite3_column_int(row, 3),
                                    .success_ms = sqlite3_column_int64(row, 4)};
    (void)sqlite3_reset(row);
    return 0;
}

int ledger_overdue(struct ledger *ledger, int64_t before_ms, int64_t *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_OVERDUE, fail);

    if (!row || ledger_bind(ledger, row, fail, "i", before_ms) != 0 || ledger_step(ledger, row, fail) != 1)
        return -1;
    *out = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return 0;
}

int ledger_plan(struct ledger *ledger, int64_t *rows, int64_t *accounts, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, ST_PLAN, fail);

    if (!row || ledger_step(ledger, row, fail) != 1)
        return -1;
    *rows = sqlite3_column_int64(row, 0);
    *accounts = sqlite3_column_int64(row, 1);
    (void)sqlite3_reset(row);
    return 0;
}

/* A damaged page may hold anything: what others rely on is checked here. */
static int read_row(struct ledger *ledger, sqlite3_stmt *row, struct ledger_row_state *out, struct fail *fail)
{
    int64_t updated_ms = sqlite3_column_int64(row, 17), due_ms = sqlite3_column_int64(row, 18);

    if (!ledger_state_known(sqlite3_column_int64(row, 9)) || !ledger_time_known(updated_ms) ||
        !ledger_time_known(sqlite3_column_int64(row, 21)))
        return fail_set(fail, FAIL_LEDGER, "%s: damaged: row %lld; restore it from a backup", ledger->path,
                        (long long)sqlite3_column_int64(row, 0));
    *out = (struct ledger_row_state){
        .id = sqlite3_column_int64(row, 0),
        .place = {sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3),
                  sqlite3_column_int64(row, 4), (size_t)sqlite3_column_int64(row, 5)},
        .card_id = sqlite3_column_int64(row, 6),
        .customer_id = sqlite3_column_int64(row, 7),
        .account_id = sqlite3_column_int64(row, 8),
        .state = (enum job_state)sqlite3_column_int(row, 9),
        .uncertain = sqlite3_column_int(row, 10) != 0,
        .attempts = sqlite3_column_int(row, 11),
        .http_status = sqlite3_column_int(row, 12),
        .code = column_span(row, 13),
        .field = column_span(row, 14),
        .message = column_span(row, 15),
        .event_id = column_span(row, 16),
        .updated_ms = updated_ms,
        .due_ms = due_ms == DUE_AT_ONCE ? 0 : due_ms,
        .flags = sqlite3_column_int(row, 19),
        .call = (enum job_call)sqlite3_column_int(row, 20),
        .event_ms = sqlite3_column_int64(row, 21),
    };
    return 1;
}

static const enum statement rows_statement[] = {ST_CARD_ALL, ST_CARD_REFUSED, ST_CUSTOMER_REFUSED};

int ledger_rows_begin(struct ledger *ledger, enum ledger_rows which, struct fail *fail)
{
    ledger->iterated = which == ROWS_CARDS && ledger->in_order ? ST_CARD_IN_ORDER : rows_statement[which];
    return ledger_statement(ledger, ledger->iterated, fail) ? 0 : -1;
}

int ledger_rows_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail)
{
    int rc = ledger_step(ledger, ledger->prepared[ledger->iterated], fail);

    return rc == 1 ? read_row(ledger, ledger->prepared[ledger->iterated], out, fail) : rc;
}

static int begin_bound(struct ledger *ledger, enum statement which, int64_t value, struct fail *fail)
{
    sqlite3_stmt *row = ledger_statement(ledger, which, fail);

    return row ? ledger_bind(ledger, row, fail, "i", value) : -1;
}

int ledger_card_begin(struct ledger *ledger, int64_t card_id, struct fail *fail)
{
    return begin_bound(ledger, ST_CARD_FIND, card_id, fail);
}

int ledger_card_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail)
{
    int rc = ledger_step(ledger, ledger->prepared[ST_CARD_FIND], fail);

    if (rc != 1)
        return rc;
    if (begin_bound(ledger, ST_CARD_READ, sqlite3_column_int64(ledger->prepared[ST_CARD_FIND], 0), fail) != 0)
        return -1;
    rc = ledger_step(ledger, ledger->prepared[ST_CARD_READ], fail);
    return rc == 1 ? read_row(ledger, ledger->prepared[ST_CARD_READ], out, fail) : rc;
}

int ledger_customer_begin(struct ledger *ledger, int64_t customer_id, struct fail *fail)
{
    return begin_bound(ledger, ST_CUSTOMER_CARDS, customer_id, fail);
}

int ledger_customer_next(struct ledger *ledger, struct ledger_row_state *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger->prepared[ST_CUSTOMER_CARDS];
    int rc = ledger_step(ledger, row, fail);

    return rc == 1 ? read_row(ledger, row, out, fail) : rc;
}

int ledger_attempts_begin(struct ledger *ledger, int64_t row, struct fail *fail)
{
    return begin_bound(ledger, ST_ATTEMPT_LIST, row, fail);
}

int ledger_attempts_next(struct ledger *ledger, struct ledger_attempt *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger->prepared[ST_ATTEMPT_LIST];
    int rc = ledger_step(ledger, row, fail);

    if (rc == 1)
        *out = (struct ledger_attempt){.attempt = sqlite3_column_int(row, 0),
                                       .at_ms = sqlite3_column_int64(row, 1),
                                       .http_status = sqlite3_column_int(row, 2),
                                       .code = column_span(row, 3),
                                       .message = column_span(row, 4)};
    return rc;
}

int ledger_against_begin(struct ledger *ledger, struct fail *fail)
{
    return ledger_statement(ledger, ST_EVENT_AGAINST, fail) ? 0 : -1;
}

int ledger_against_next(struct ledger *ledger, struct ledger_against *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger->prepared[ST_EVENT_AGAINST];
    int rc = ledger_step(ledger, row, fail);

    if (rc != 1)
        return rc;
    if (!ledger_state_known(sqlite3_column_int64(row, 0)))
        return fail_set(fail, FAIL_LEDGER, "%s: damaged: row %lld; restore it from a backup", ledger->path,
                        (long long)sqlite3_column_int64(row, 3));
    *out = (struct ledger_against){.state = (enum job_state)sqlite3_column_int(row, 0),
                                   .well = sqlite3_column_int(row, 1) != 0,
                                   .cards = sqlite3_column_int64(row, 2),
                                   .file = sqlite3_column_int64(row, 4),
                                   .line = sqlite3_column_int64(row, 5)};
    return 1;
}

int ledger_problems_begin(struct ledger *ledger, struct fail *fail)
{
    return ledger_statement(ledger, ST_PROBLEM_LIST, fail) ? 0 : -1;
}

int ledger_problems_next(struct ledger *ledger, struct ledger_problem *out, struct fail *fail)
{
    sqlite3_stmt *row = ledger->prepared[ST_PROBLEM_LIST];
    int rc = ledger_step(ledger, row, fail);

    if (rc == 1)
        *out = (struct ledger_problem){.codes = column_span(row, 0), .count = sqlite3_column_int64(row, 1)};
    return rc;
}
