/* Control totals: a sheet with a column a file, at most two, so that it fits a terminal of 80 columns
 * whatever the files are called: names and digests stand on lines of their own above it. */
#include "cli/text.h"

#include "kit/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHEET_FILES = 2, LABEL_WIDTH = 24, COUNT_WIDTH = 10, EXAMPLE_WIDTH = 16, EARLIER_MOST = 20 };

/* What the sheet shows, by its place among the ledger's files. */
struct sheet {
    const struct ledger_files *files;
    size_t count, at[SHEET_FILES];
    const char *name[SHEET_FILES], *note[SHEET_FILES];
};

/* The sheet's rows; indented ones are parts of the one above. */
static const char *const labels[] = {
    "records read", "  valid",   "    new",        "    re-pointed",       "    known",
    "  skipped",    "  invalid", "    duplicates", "    without customer", "customers without card"};
enum { ROWS = sizeof labels / sizeof labels[0] };

/* As the user would type it: without the current folder. */
static const char *short_path(const char *path)
{
    char here[4096];
    size_t len;

    if (!getcwd(here, sizeof here))
        return path;
    len = strlen(here);
    return strncmp(path, here, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static const char *kind_of(const struct ledger_file *file)
{
    return file->carries == IN_CUSTOMERS ? "customers" : "cards";
}

/* A row's figures in one column; -1: not of this kind of file. */
static void read_column(const struct ledger_files *files, size_t at, int64_t out[ROWS])
{
    const struct ledger_file *file = &files->file[at];
    struct report_file more = report_file(files, at);
    const int64_t values[ROWS] = {file->records,         more.valid,       file->added,   file->repointed,
                                  file->known,           file->skipped,    file->invalid, more.duplicates,
                                  more.without_customer, more.without_card};

    memcpy(out, values, sizeof values);
}

/* Cells are set at their column's place, so that no line ends in blanks. `start`: where the line begins. */
static void add_cell(const char *text, size_t start, size_t end, struct buf *out)
{
    size_t at = out->len - start, len = strlen(text);

    buf_addf(out, "%*s%s", (int)(at + len < end ? end - len - at : 1), "", text);
}

static size_t column_end(size_t column)
{
    return LABEL_WIDTH + COUNT_WIDTH + column * (COUNT_WIDTH + EXAMPLE_WIDTH);
}

static void add_count(int64_t count, size_t column, size_t start, struct buf *out)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, count);
    add_cell(text, start, column_end(column), out);
}

static void add_names(const struct sheet *sheet, struct buf *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        const struct ledger_file *file = &sheet->files->file[sheet->at[i]];
        buf_addf(out, "%-9s  %s%s\n", kind_of(file), sheet->name[i], sheet->note[i]);
        buf_addf(out, "  SHA-256  %s\n", file->sha256);
    }
}

static void add_row(const char *label, size_t columns, const int64_t *counts, struct buf *out)
{
    size_t start = out->len;

    buf_add_text(out, label);
    for (size_t i = 0; i < columns; i++)
        if (counts[i] >= 0)
            add_count(counts[i], i, start, out);
    buf_add_char(out, '\n');
}

static void add_rows(const struct sheet *sheet, struct buf *out)
{
    int64_t columns[SHEET_FILES][ROWS];
    size_t start = out->len;

    for (size_t i = 0; i < sheet->count; i++) {
        read_column(sheet->files, sheet->at[i], columns[i]);
        add_cell(kind_of(&sheet->files->file[sheet->at[i]]), start, column_end(i), out);
    }
    buf_add_char(out, '\n');
    for (size_t row = 0; row < ROWS; row++) {
        int64_t counts[SHEET_FILES];
        bool any = false;
        for (size_t i = 0; i < sheet->count; i++) {
            counts[i] = columns[i][row];
            any = any || counts[i] >= 0;
        }
        if (any)
            add_row(labels[row], sheet->count, counts, out);
    }
}

/* The code that most records have, of those not shown yet; -1: none. */
static int most_frequent(const struct sheet *sheet, const bool *shown)
{
    int64_t most = 0;
    int best = -1;

    for (int code = 0; code < PROBLEM_COUNT; code++) {
        int64_t sum = 0;
        for (size_t i = 0; i < sheet->count; i++)
            sum += sheet->files->problems[sheet->at[i]].records[code];
        if (shown[code] || sum <= most)
            continue;
        most = sum;
        best = code;
    }
    return best;
}

static void add_code(const struct sheet *sheet, int code, struct buf *out)
{
    size_t start = out->len;

    buf_addf(out, "  %s", problem_name((enum problem_code)code));
    for (size_t i = 0; i < sheet->count; i++) {
        const struct ledger_file_problems *problems = &sheet->files->problems[sheet->at[i]];
        if (problems->records[code] == 0)
            continue;
        add_count(problems->records[code], i, start, out);
        buf_addf(out, "  line %" PRId64, problems->line[code]);
    }
    buf_add_char(out, '\n');
}

static void add_codes(const struct sheet *sheet, struct buf *out)
{
    bool shown[PROBLEM_COUNT] = {false};
    int code, count = 0;

    while ((code = most_frequent(sheet, shown)) >= 0) {
        if (count++ == 0)
            buf_add_text(out, "invalid records by code\n");
        shown[code] = true;
        add_code(sheet, code, out);
    }
}

static void add_sheet(const struct sheet *sheet, struct buf *out)
{
    add_names(sheet, out);
    buf_add_char(out, '\n');
    add_rows(sheet, out);
    add_codes(sheet, out);
    buf_add_char(out, '\n');
}

static const char *loaded_note(const struct ledger_file *file, bool known)
{
    if (!known)
        return "";
    return file->found > 0 ? "  (loaded before; what was given up is back)"
                           : "  (loaded before; nothing was added)";
}

static void take_file(struct sheet *sheet, const struct ledger_file *file, const char *name, bool known)
{
    size_t at = 0;

    while (at < sheet->files->count && sheet->files->file[at].id != file->id)
        at++;
    if (file->id == 0 || at == sheet->files->count)
        return;
    assert(sheet->count < SHEET_FILES);
    sheet->at[sheet->count] = at;
    sheet->name[sheet->count] = name;
    sheet->note[sheet->count++] = loaded_note(file, known);
}

void text_loaded(const struct ledger_files *files, const struct ingest_options *names,
                 const struct ingest_result *loaded, struct buf *out)
{
    struct sheet sheet = {.files = files};

    take_file(&sheet, &loaded->customers, names->customers, loaded->customers_known);
    take_file(&sheet, &loaded->cards, names->cards, loaded->cards_known);
    if (sheet.count > 0)
        add_sheet(&sheet, out);
}

static void add_earlier(const struct ledger_files *files, size_t count, struct buf *out)
{
    char at[CLOCK_TEXT_SIZE];
    size_t shown = count < EARLIER_MOST ? count : EARLIER_MOST;

    for (size_t i = count; i > count - shown; i--) {
        const struct ledger_file *f = &files->file[i - 1];
        buf_addf(out, "%-9s  %s  (loaded %s)\n  SHA-256  %s\n", kind_of(f), short_path(f->path),
                 clock_format(f->loaded_ms, at), f->sha256);
        buf_addf(out,
                 "  %" PRId64 " records = %" PRId64 " new + %" PRId64 " re-pointed + %" PRId64
                 " known + %" PRId64 " skipped + %" PRId64 " invalid\n",
                 f->records, f->added, f->repointed, f->known, f->skipped, f->invalid);
    }
    if (shown < count)
        buf_addf(out, "and %zu earlier files; status --json has them all\n", count - shown);
    if (count > 0)
        buf_add_char(out, '\n');
}

void text_files(const struct ledger_files *files, struct buf *out)
{
    char note[SHEET_FILES][CLOCK_TEXT_SIZE + 16], at[CLOCK_TEXT_SIZE];
    struct sheet sheet = {.files = files};
    size_t first = files->count;

    if (files->count == 0)
        return;
    /* A customers file is loaded before its cards, in one load. */
    first--;
    if (first > 0 && files->file[first].carries == IN_CARDS &&
        files->file[first - 1].carries == IN_CUSTOMERS &&
        files->file[first].loaded_ms == files->file[first - 1].loaded_ms)
        first--;
    for (size_t i = first; i < files->count; i++) {
        (void)snprintf(note[i - first], sizeof note[0], "  (loaded %s)",
                       clock_format(files->file[i].loaded_ms, at));
        sheet.at[sheet.count] = i;
        sheet.note[sheet.count] = note[i - first];
        sheet.name[sheet.count++] = short_path(files->file[i].path);
    }
    add_sheet(&sheet, out);
    add_earlier(files, first, out);
}
