#include "work/portfolio.h"

#include "driver/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_CAP = 1 << 18, CODES_CAP = 1 << 14 };

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

/* Whether the file under this path is the one that was loaded, whatever can be made of its header. */
static bool is_loaded_file(const struct ledger_file *file)
{
    char digest[DIGEST_TEXT_SIZE];
    struct source *source;
    struct fail fail;
    bool same;

    if (source_open(&source, file->path, &fail) != 0)
        return access(file->path, F_OK) == 0; /* there, but not to be opened: that is another trouble */
    same = source_size(source) == file->size && digest_file(source_fd(source), digest, &fail) == 0 &&
           strcmp(digest, file->sha256) == 0;
    source_close(source);
    return same;
}

int portfolio_add(struct portfolio *portfolio, const struct ledger_file *file, struct fail *fail)
{
    char digest[DIGEST_TEXT_SIZE];
    struct table *table;

    if (portfolio_table(portfolio, file->id))
        return 0;
    if (table_open(&table, file->path, file->carries, portfolio->options, fail) != 0)
        return is_loaded_file(file) ? -1 : 1;
    if (table_size(table) != file->size || table_digest(table, digest, fail) != 0 ||
        strcmp(digest, file->sha256) != 0) {
        table_close(table);
        (void)fail_set(fail, FAIL_INPUT, "%s: changed since it was loaded", file->path);
        return 1;
    }
    portfolio_adopt(portfolio, file->id, table);
    return 0;
}

int portfolio_check(const struct portfolio *portfolio, struct fail *fail)
{
    for (size_t i = 0; i < portfolio->count; i++)
        if (table_check(portfolio->entry[i].table, fail) != 0)
            return -1;
    return 0;
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
        api_enroll_body(out->card, out->customer, &portfolio->body);
    if (portfolio->body.full)
        return fail_set(fail, FAIL_INTERNAL, "the request of card %" PRId64 " is too long", claim->card_id);
    return 0;
}
