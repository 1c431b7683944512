/* Rejects are valid input again once corrected: the original header and bytes, then three columns of ours, in
 * the encoding of the file. Files with different headers cannot share a rejects file, so refused records are
 * grouped by header: the newest file's group has the plain name. A corrected rejects file has our columns
 * already: its cells of them give way to the new ones, so it shares the file of the records it came from. */
#include "report_impl.h"

#include "driver/descriptors.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_CAP = 1 << 16,
    TAIL_CAP = 1 << 20,
    GROUPS_MAX = REJECTS_MOST,
    OTHER_DESCRIPTORS = 32 + GROUPS_MAX
};

struct group {
    struct table *table; /* one with this header; borrowed from the portfolio */
    struct outfile *file;
};

struct rejects {
    struct ledger *ledger;
    struct portfolio *portfolio;
    const struct report_options *options;
    const struct ledger_files *files;
    bool customers;
    enum ledger_rows rows;
    struct group group[GROUPS_MAX];
    size_t group_count;
    struct buf name, text, message;
    struct buf tail, encoded; /* what stands behind the original bytes of a record */
    int64_t lost;             /* refused records whose file is gone or changed */
    int64_t written;          /* refused records of this kind that could be written */
    const char *lost_path;    /* one of these files */
    bool lost_spool;          /* whether its spool file was removed */
    int64_t unfit;            /* refused records whose file is there, but not as these settings say */
    bool *unfit_file;         /* one a file */
    const char *unfit_path;   /* one of these files, ... */
    struct fail unfit_reason; /* ... and what is the matter */
};

/* Its place among the files; their number: not there. */
static size_t find_file(const struct rejects *rejects, int64_t id)
{
    size_t i = 0;

    while (i < rejects->files->count && rejects->files->file[i].id != id)
        i++;
    return i;
}

static struct span own_header(struct table *table)
{
    return table_without_own(table, table_header(table));
}

static bool same_header(struct table *a, struct table *b)
{
    return table_delimiter(a) == table_delimiter(b) && span_same(own_header(a), own_header(b));
}

static struct group *find_group(struct rejects *rejects, struct table *table)
{
    for (size_t i = 0; i < rejects->group_count; i++)
        if (same_header(rejects->group[i].table, table))
            return &rejects->group[i];
    return NULL;
}

void report_rejects_name(bool customers, size_t number, struct buf *out)
{
    buf_addf(out, "%s.rejects", customers ? "customers" : "cards");
    if (number > 1)
        buf_addf(out, ".%zu", number);
    buf_add_text(out, ".csv");
}

static void set_name(struct rejects *rejects, size_t number)
{
    buf_reset(&rejects->name);
    report_rejects_name(rejects->customers, number, &rejects->name);
}

/* Three cells of ours and the line end, behind what is written already. */
static void add_tail(struct rejects *rejects, struct group *group, struct table *table,
                     const struct span cells[TABLE_OWN_COUNT])
{
    char delimiter = table_delimiter(table);

    buf_reset(&rejects->tail);
    buf_reset(&rejects->encoded);
    for (size_t i = 0; i < TABLE_OWN_COUNT; i++) {
        buf_add_char(&rejects->tail, delimiter);
        outfile_cell(&rejects->tail, cells[i], delimiter);
    }
    buf_add_char(&rejects->tail, '\n');
    table_encode(table, buf_span(&rejects->tail), &rejects->encoded);
    assert(!rejects->tail.full && !rejects->encoded.full);
    outfile_add(group->file, buf_span(&rejects->encoded));
}

static int open_group(struct rejects *rejects, struct table *table, struct fail *fail)
{
    struct group *group = &rejects->group[rejects->group_count];
    struct span names[TABLE_OWN_COUNT];

    if (rejects->group_count == GROUPS_MAX)
        return fail_set(fail, FAIL_INPUT,
                        "refused records of more than %d different headers; settle some first", GROUPS_MAX);
    set_name(rejects, rejects->group_count + 1);
    if (outfile_open(&group->file, rejects->options->folder, buf_text(&rejects->name), fail) != 0)
        return -1;
    group->table = table;
    rejects->group_count++;
    for (size_t i = 0; i < TABLE_OWN_COUNT; i++)
        names[i] = span_of(table_own_columns[i]);
    outfile_add(group->file, table_mark(table));
    outfile_add(group->file, own_header(table));
    add_tail(rejects, group, table, names);
    return 0;
}

/* Every file with refused records stays open until they are written. */
static void make_room(const struct ledger_files *files)
{
    int want = OTHER_DESCRIPTORS;

    for (size_t i = 0; i < files->count && want < INT_MAX; i++)
        want += files->rows[i] > 0;
    (void)descriptors_raise(want); /* what cannot be opened is told as lost */
}

/* A group for the newest file of this kind, and for every other header among those with refused records,
 * newest first. Files that are gone are noted only when a refused record needs them. */
static int open_groups(struct rejects *rejects, struct fail *fail)
{
    make_room(rejects->files);
    for (size_t i = rejects->files->count; i-- > 0;) {
        const struct ledger_file *file = &rejects->files->file[i];
        struct table *table;
        struct fail why;
        int rc;
        if ((file->carries == IN_CUSTOMERS) != rejects->customers)
            continue;
        if (rejects->files->rows[i] == 0 && rejects->group_count > 0)
            continue;
        rc = portfolio_add(rejects->portfolio, file, &why);
        if (rc < 0) {
            rejects->unfit_file[i] = true;
            rejects->unfit_path = file->path;
            rejects->unfit_reason = why;
        }
        if (rc != 0)
            continue;
        table = portfolio_table(rejects->portfolio, file->id);
        if (!find_group(rejects, table) && open_group(rejects, table, fail) != 0)
            return -1;
    }
    return 0;
}

/* A sentence a code: the record's own problems come first in the list and are told as the rules tell them;
 * what the load added (duplicates, the customer) is told from the code alone. `record` is NULL where it is
 * too long. */
static void make_message(struct rejects *rejects, const struct ledger_row_state *row,
                         const struct record *record)
{
    struct span codes = row->code, fields = row->field, code, field;
    size_t i = 0;

    buf_reset(&rejects->message);
    while (span_cut(&codes, ';', &code)) {
        struct problem problem = {.code = PROBLEM_SOURCE_LOST, .field = FIELD_RECORD};
        if (problem_find(code, &problem.code) != 0)
            continue;
        if (span_cut(&fields, ';', &field) && field_find(field, &problem.field) != 0)
            problem.field = FIELD_RECORD;
        if (record && i < record->problem_count && record->problems[i].code == problem.code)
            problem = record->problems[i];
        if (i++ > 0)
            buf_add_text(&rejects->message, "; ");
        buf_reset(&rejects->text);
        record_problem_text(&problem, &rejects->text);
        buf_add_span(&rejects->message, buf_span(&rejects->text));
    }
}

/* Original bytes that are too many to be read as a record, piece by piece. */
static int add_long(struct rejects *rejects, struct table *table, struct group *group,
                    const struct ledger_row_state *row, struct fail *fail)
{
    size_t done = 0;

    while (done < row->place.length) {
        size_t left = row->place.length - done, n = left < TABLE_BYTES_MAX ? left : TABLE_BYTES_MAX;
        struct span bytes;
        if (table_bytes(table, row->place.offset + (int64_t)done, n, &bytes, fail) != 0)
            return -1;
        outfile_add(group->file, bytes);
        done += n;
    }
    make_message(rejects, row, NULL);
    return 0;
}

static int add_record(struct rejects *rejects, struct table *table, struct group *group,
                      const struct ledger_row_state *row, struct fail *fail)
{
    struct table_place place = {row->place.offset, row->place.length, row->place.line};
    struct table_row at;

    if (place.length > TABLE_BYTES_MAX)
        return add_long(rejects, table, group, row, fail);
    if (table_fetch(table, &place, rejects->options->now_ms, &at, fail) != 0)
        return -1;
    make_message(rejects, row, at.record);
    outfile_add(group->file, table_without_own(table, at.at.bytes));
    return 0;
}

static void count_lost(struct rejects *rejects, int64_t id)
{
    size_t i = find_file(rejects, id);

    if (i < rejects->files->count && rejects->unfit_file[i]) {
        rejects->unfit++;
        return;
    }
    rejects->lost++;
    rejects->lost_path = i < rejects->files->count ? rejects->files->file[i].path : "";
    rejects->lost_spool = i < rejects->files->count && rejects->files->file[i].spool == SPOOL_REMOVED;
}

static int add_reject(struct rejects *rejects, const struct ledger_row_state *row, struct fail *fail)
{
    struct table *table = portfolio_table(rejects->portfolio, row->place.file);
    struct group *group = table ? find_group(rejects, table) : NULL;

    if (!group) {
        count_lost(rejects, row->place.file);
        return 0;
    }
    if (add_record(rejects, table, group, row, fail) != 0)
        return -1;
    add_tail(rejects, group, table, (struct span[]){row->code, row->field, buf_span(&rejects->message)});
    rejects->written++;
    return 0;
}

static int write_groups(struct rejects *rejects, struct fail *fail)
{
    struct ledger_row_state row;
    int64_t lost = rejects->lost + rejects->unfit;
    int rc;

    if (open_groups(rejects, fail) != 0 || ledger_rows_begin(rejects->ledger, rejects->rows, fail) != 0)
        return -1;
    while ((rc = ledger_rows_next(rejects->ledger, &row, fail)) == 1)
        if (add_reject(rejects, &row, fail) != 0)
            return -1;
    if (rc < 0)
        return -1;
    if (rejects->written == 0 && rejects->lost + rejects->unfit > lost)
        return 0; /* nothing can be written, and what an earlier report wrote may be all there is left */
    for (size_t i = 0; i < rejects->group_count; i++) {
        struct outfile *file = rejects->group[i].file;
        rejects->group[i].file = NULL;
        if (outfile_commit(file, fail) != 0)
            return -1;
    }
    /* Left-overs of an earlier report would be taken for this one's. */
    for (size_t i = rejects->group_count + 1; i <= GROUPS_MAX; i++) {
        set_name(rejects, i);
        if (outfile_remove(rejects->options->folder, buf_text(&rejects->name), fail) != 0)
            return -1;
    }
    return 0;
}

static int write_kind(struct rejects *rejects, bool customers, struct fail *fail)
{
    int rc;

    rejects->customers = customers;
    rejects->rows = customers ? ROWS_REFUSED_CUSTOMERS : ROWS_REFUSED_CARDS;
    rejects->group_count = 0;
    rejects->written = 0;
    rc = write_groups(rejects, fail);
    for (size_t i = 0; i < rejects->group_count; i++) {
        outfile_cancel(rejects->group[i].file);
        rejects->group[i].file = NULL;
    }
    return rc;
}

static void warn_of_lost(const struct rejects *rejects)
{
    struct log *log = rejects->options->log;

    if (rejects->lost > 0)
        log_add(log, LOG_WARN,
                rejects->lost_spool
                    ? "refused records cannot be written again: their spool file was removed when all its "
                      "rows were final; load the file again to have them"
                    : "refused records cannot be written again: their file is gone or changed",
                LOG_TEXT("file", rejects->lost_path), LOG_INT("records", rejects->lost));
    if (rejects->unfit > 0)
        log_add(log, LOG_WARN,
                "refused records cannot be written again with these settings; give the settings with which "
                "their file was loaded",
                LOG_TEXT("file", rejects->unfit_path), LOG_TEXT("reason", rejects->unfit_reason.text),
                LOG_INT("records", rejects->unfit));
}

int report_rejects(struct ledger *ledger, struct portfolio *portfolio, const struct report_options *options,
                   const struct ledger_files *files, struct fail *fail)
{
    struct rejects rejects = {.ledger = ledger, .portfolio = portfolio, .options = options, .files = files};
    int rc;

    portfolio_forget_changed(portfolio); /* as in a run that ended because its files changed */
    rejects.unfit_file = mem_array(files->count + 1, sizeof *rejects.unfit_file);
    buf_init(&rejects.name, 256);
    buf_init(&rejects.text, TEXT_CAP);
    buf_init(&rejects.message, TEXT_CAP);
    buf_init(&rejects.tail, TAIL_CAP);
    buf_init(&rejects.encoded, TAIL_CAP);
    rc = write_kind(&rejects, false, fail) == 0 && write_kind(&rejects, true, fail) == 0 ? 0 : -1;
    if (rc == 0)
        warn_of_lost(&rejects);
    free(rejects.unfit_file);
    buf_free(&rejects.name);
    buf_free(&rejects.text);
    buf_free(&rejects.message);
    buf_free(&rejects.tail);
    buf_free(&rejects.encoded);
    return rc;
}
