/* Which files rows still to be sent need. To ask all of them takes half a minute where there are ten
 * millions, and a run asks before its first request. So that a file is needed is seen from some of the rows,
 * and that one is not needed is noted once it was proven by all: it holds until rows come to be sent anew, by
 * a load, a retry or a card path, which ledger_revive counts. */
#include "driver/ledger_read.h"

#include "ledger_impl.h"

#include <stdlib.h>

/* Files that may be needed. */
struct wanted {
    int64_t *id;
    size_t count;
    int64_t revived; /* as of when */
};

int ledger_revive(struct ledger *ledger, struct fail *fail)
{
    return ledger_run(ledger, ST_REVIVE, fail, "");
}

static int list_wanted(struct ledger *ledger, struct wanted *out, struct fail *fail)
{
    sqlite3_stmt *row;
    int rc;

    if (ledger_value(ledger, ST_REVIVED, &out->revived, fail) != 0)
        return -1;
    row = ledger_statement(ledger, ST_FILE_WANTED, fail);
    if (!row || ledger_bind(ledger, row, fail, "i", out->revived) != 0)
        return -1;
    while ((rc = ledger_step(ledger, row, fail)) == 1) {
        out->id = mem_grow(out->id, out->count + 1, sizeof *out->id);
        out->id[out->count++] = sqlite3_column_int64(row, 0);
    }
    return rc;
}

/* Both are in the order of the files. */
static int note_idle(struct ledger *ledger, const struct wanted *wanted, const struct ledger_files *due,
                     struct fail *fail)
{
    size_t at = 0;

    for (size_t i = 0; i < wanted->count; i++) {
        while (at < due->count && due->file[at].id < wanted->id[i])
            at++;
        if (at < due->count && due->file[at].id == wanted->id[i])
            continue;
        if (ledger_run(ledger, ST_FILE_IDLE, fail, "ii", wanted->revived, wanted->id[i]) != 0)
            return -1;
    }
    return 0;
}

/* A retry beside this may have come between the two looks: as many are not the same. */
static bool all_seen(const struct wanted *wanted, const struct ledger_files *due)
{
    if (due->count != wanted->count)
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        if (due->file[i].id != wanted->id[i])
            return false;
    return true;
}

int ledger_files_due(struct ledger *ledger, struct ledger_files *out, struct fail *fail)
{
    struct wanted wanted = {.count = 0};
    int rc = list_wanted(ledger, &wanted, fail);

    if (rc == 0)
        rc = ledger_list_files(ledger, ST_FILE_DUE_SOME, out, fail);
    if (rc == 0 && !all_seen(&wanted, out)) {
        ledger_files_free(out);
        rc = ledger_list_files(ledger, ST_FILE_DUE, out, fail);
        if (rc == 0 && note_idle(ledger, &wanted, out, fail) != 0) {
            ledger_files_free(out);
            rc = -1;
        }
    }
    free(wanted.id);
    return rc;
}

int ledger_file_rows(struct ledger *ledger, int64_t file, int64_t *rows, struct fail *fail)
{
    return ledger_value_of(ledger, ST_FILE_DUE_ROWS, file, rows, fail);
}
