#include "work/portfolio.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BODY_CAP = 1 << 18, CODES_CAP = 1 << 14, PATH_CAP = 8192 };

struct entry {
    int64_t file;
    struct table *table;
};

struct portfolio {
    const struct table_options *options;
    struct entry *entry;
    size_t count;
    struct buf body, codes, fields, own_codes, own_fields;
    bool own; /* the card record has problems of its own */
};

struct table_options portfolio_table_options(const struct table_options *options,
                                             const struct ledger_file *file)
{
    struct table_options own = *options;

    own.reader.delimiter = file->delimiter[0];
    own.reader.encoding = file->encoding;
    return own;
}

void portfolio_open(struct portfolio **out, const struct table_options *options)
{
    struct portfolio *portfolio = mem_alloc(sizeof *portfolio);

    portfolio->options = options;
    buf_init(&portfolio->body, BODY_CAP);
    buf_init(&portfolio->codes, CODES_CAP);
    buf_init(&portfolio->fields, CODES_CAP);
    buf_init(&portfolio->own_codes, CODES_CAP);
    buf_init(&portfolio->own_fields, CODES_CAP);
    *out = portfolio;
}

void portfolio_close(struct portfolio *portfolio)
{
    if (!portfolio)
        return;
    for (size_t i = 0; i < portfolio->count; i++)
        table_close(portfolio->entry[i].table);
    free(portfolio->entry);
    buf_wipe(&portfolio->body);
    buf_free(&portfolio->body);
    buf_free(&portfolio->codes);
    buf_free(&portfolio->fields);
    buf_free(&portfolio->own_codes);
    buf_free(&portfolio->own_fields);
    free(portfolio);
}

struct table *portfolio_table(const struct portfolio *portfolio, int64_t file)
{
    for (size_t i = 0; i < portfolio->count; i++)
        if (portfolio->entry[i].file == file)
            return portfolio->entry[i].table;
    return NULL;
}

void portfolio_adopt(struct portfolio *portfolio, int64_t file, struct table *table)
{
    if (portfolio_table(portfolio, file)) {
        table_close(table);
        return;
    }
    portfolio->entry = mem_grow(portfolio->entry, portfolio->count + 1, sizeof *portfolio->entry);
    portfolio->entry[portfolio->count++] = (struct entry){file, table};
}

void portfolio_forget_changed(struct portfolio *portfolio)
{
    size_t kept = 0;
    struct fail ignored;

    for (size_t i = 0; i < portfolio->count; i++)
        if (table_check(portfolio->entry[i].table, &ignored) < 0)
            table_close(portfolio->entry[i].table);
        else
            portfolio->entry[kept++] = portfolio->entry[i];
    portfolio->count = kept;
}

/* Whether a source holds the bytes that were loaded, whatever can be made of their header. Closes it. */
static bool is_loaded_source(struct source *source, const struct ledger_file *file)
{
    char digest[DIGEST_TEXT_SIZE];
    struct fail fail;
    bool same = source_size(source) == file->size && digest_file(source_fd(source), digest, &fail) == 0 &&
                strcmp(digest, file->sha256) == 0;

    source_close(source);
    return same;
}

static bool is_loaded_file(const struct ledger_file *file, const char *path)
{
    struct source *source;
    struct fail fail;

    if (source_reopen(&source, path, &fail) != 0)
        return access(path, F_OK) == 0; /* there, but not to be opened: that is another trouble */
    return is_loaded_source(source, file);
}

static int check_same(struct table *table, const struct ledger_file *file, struct fail *fail)
{
    char digest[DIGEST_TEXT_SIZE];

    if (table_size(table) == file->size && table_digest(table, digest, fail) == 0 &&
        strcmp(digest, file->sha256) == 0)
        return 0;
    return fail_set(fail, FAIL_INPUT, "%s: changed since it was loaded", table_path(table));
}

/* Results as those of portfolio_add. */
static int add_from(struct portfolio *portfolio, const struct ledger_file *file, const char *path,
                    struct fail *fail)
{
    struct table_options options = portfolio_table_options(portfolio->options, file);
    struct table *table;

    if (table_reopen(&table, path, file->carries, &options, fail) != 0)
        return is_loaded_file(file, path) ? -1 : 1;
    if (check_same(table, file, fail) != 0) {
        table_close(table);
        return 1;
    }
    portfolio_adopt(portfolio, file->id, table);
    return 0;
}

/* Only a regular file is there a second time. */
static bool can_unpack_again(const struct ledger_file *file)
{
    struct stat info;

    return file->path[0] == '/' && stat(file->path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Without its spool file, the file is made again from what was given, where that still is what it was. */
static int unpack_again(struct portfolio *portfolio, const struct ledger_file *file, struct fail *fail)
{
    const struct table_options options = portfolio_table_options(portfolio->options, file);
    const struct source_spool nameless = {options.spool.base, false};
    struct source *source;
    struct table *table;
    struct fail why;
    bool kept;

    if (!can_unpack_again(file))
        return 1;
    if (table_open(&table, file->path, file->carries, &options, &why) != 0) {
        struct fail ignored;
        if (why.kind != FAIL_LEDGER &&
            (source_open(&source, file->path, &nameless, &ignored) != 0 || !is_loaded_source(source, file)))
            return 1;
        *fail = why;
        return -1;
    }
    if (check_same(table, file, &why) != 0) {
        table_close(table);
        return 1;
    }
    if (file->spool == SPOOL_KEPT && table_keep(table, &kept, fail) != 0) {
        table_close(table);
        return -1;
    }
    portfolio_adopt(portfolio, file->id, table);
    return 0;
}

static int add_spooled(struct portfolio *portfolio, const struct ledger_file *file, struct fail *fail)
{
    struct buf path;
    int rc = 1;

    buf_init(&path, PATH_CAP);
    source_spool_path(portfolio->options->spool.base, file->sha256, &path);
    if (file->spool == SPOOL_KEPT)
        rc = add_from(portfolio, file, buf_text(&path), fail);
    if (rc == 1) {
        if (file->spool == SPOOL_KEPT)
            (void)fail_set(fail, FAIL_INPUT, "%s: its spool file %s is gone or changed", file->path,
                           buf_text(&path));
        else
            (void)fail_set(
                fail, FAIL_INPUT,
                "%s: its spool file was removed when all its rows were final, so it is to be loaded "
                "again",
                file->path);
        rc = unpack_again(portfolio, file, fail);
    }
    buf_free(&path);
    return rc;
}

int portfolio_add(struct portfolio *portfolio, const struct ledger_file *file, struct fail *fail)
{
    if (portfolio_table(portfolio, file->id))
        return 0;
    return file->spool == SPOOL_NONE ? add_from(portfolio, file, file->path, fail)
                                     : add_spooled(portfolio, file, fail);
}

int portfolio_check(const struct portfolio *portfolio, struct fail *fail)
{
    int again = 0;

    for (size_t i = 0; i < portfolio->count; i++) {
        int rc = table_check(portfolio->entry[i].table, fail);
        if (rc < 0)
            return -1;
        again = again || rc == 1;
    }
    return again;
}

static int fetch(struct portfolio *portfolio, const struct ledger_place *place, int64_t now_ms,
                 struct table_row *row, struct fail *fail)
{
    struct table *table = portfolio_table(portfolio, place->file);

    if (!table)
        return fail_set(fail, FAIL_INPUT,
                        "a file that was gone or changed when the run began is needed now; bring it back, or "
                        "load a newer one");
    return table_fetch(table, &(struct table_place){place->offset, place->length, 0}, now_ms, row, fail);
}

static int check_numbers(const struct ledger_claim *claim, const struct record *card,
                         const struct record *customer, struct fail *fail)
{
    if (card->card_id == claim->card_id && card->account_id == claim->account_id &&
        card->customer_id == claim->customer_id && customer->customer_id == claim->customer_id)
        return 0;
    return fail_set(fail, FAIL_INPUT,
                    "the files are not what they were when they were loaded: card %" PRId64
                    " is no longer at its place",
                    claim->card_id);
}

static void add_problem(struct portfolio *portfolio, const char *code, const char *field)
{
    const char *separator = portfolio->codes.len > 0 ? ";" : ""; /* the first field may be the empty one */

    buf_addf(&portfolio->codes, "%s%s", separator, code);
    buf_addf(&portfolio->fields, "%s%s", separator, field);
}

/* What the records, or their being together, are refused for now: the configuration may have changed
 * since. */
static void collect_problems(struct portfolio *portfolio, const struct portfolio_request *request)
{
    bool address = request->card->has_address || request->customer->has_address ||
                   portfolio->options->rules.allow_internal;

    table_problem_codes(request->card, &portfolio->codes, &portfolio->fields);
    portfolio->own = portfolio->codes.len > 0;
    buf_reset(&portfolio->own_codes);
    buf_reset(&portfolio->own_fields);
    buf_add_span(&portfolio->own_codes, buf_span(&portfolio->codes));
    buf_add_span(&portfolio->own_fields, buf_span(&portfolio->fields));
    if (request->card != request->customer && request->customer->problem_count > 0) {
        add_problem(portfolio, "customer_invalid", "customer_id");
    } else if (request->card != request->customer && !address) {
        add_problem(portfolio, "required", "billing_address_line1");
    }
}

static void write_body(enum job_call call, const struct portfolio_request *request, struct buf *out)
{
    if (call == CALL_CUSTOMER)
        api_enroll_body(request->card, request->customer, out);
    else
        api_enroll_card_body(request->card, request->customer, out);
}

int portfolio_compose(struct portfolio *portfolio, const struct ledger_claim *claim, int64_t now_ms,
                      struct portfolio_request *out, struct fail *fail)
{
    struct table_row card, customer;

    if (fetch(portfolio, &claim->card, now_ms, &card, fail) != 0)
        return -1;
    customer = card;
    if (claim->customer.file != 0 && fetch(portfolio, &claim->customer, now_ms, &customer, fail) != 0)
        return -1;
    if (check_numbers(claim, card.record, customer.record, fail) != 0)
        return -1;
    *out = (struct portfolio_request){
        .card = card.record, .customer = customer.record, .body = &portfolio->body};
    collect_problems(portfolio, out);
    out->codes = buf_text(&portfolio->codes);
    out->fields = buf_text(&portfolio->fields);
    out->own_codes = portfolio->own ? buf_text(&portfolio->own_codes) : NULL;
    out->own_fields = portfolio->own ? buf_text(&portfolio->own_fields) : NULL;
    out->skip = card.record->skip || customer.record->skip;
    out->valid = portfolio->codes.len == 0;
    buf_reset(&portfolio->body);
    if (out->valid && !out->skip)
        write_body(claim->job.call, out, &portfolio->body);
    if (portfolio->body.full)
        return fail_set(fail, FAIL_INTERNAL, "the request of card %" PRId64 " is too long", claim->card_id);
    return 0;
}
