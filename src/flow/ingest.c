#include "flow/ingest.h"

#include "driver/ledger_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES_CAP = 1 << 14, TEXT_CAP = 1 << 12, PROGRESS_RECORDS = 1000000, SAMPLES = 20 };

struct load {
    struct ledger *ledger;
    const struct ingest_options *options;
    struct ingest_result *result;
    struct buf codes, fields, text;
    int sample_count;
};

/* A number or an e-mail address instead of a name: a record stands in the header, behind a line end that was
 * lost. */
static bool is_data(const char *name)
{
    return strchr(name, '@') || (strlen(name) > 6 && strspn(name, "0123456789 +-().") == strlen(name));
}

/* Names the headers that nothing uses, once; none where any of them may be of a person. */
static void warn_ignored(const struct load *load, const struct table *table)
{
    struct buf names;
    const char *name;
    size_t count = 0;
    bool data = false;

    buf_init(&names, TEXT_CAP);
    for (; (name = columns_ignored(table_columns(table), count)); count++) {
        buf_addf(&names, "%s%s", count ? ", " : "", name);
        data = data || is_data(name);
    }
    if (data) {
        buf_reset(&names);
        buf_addf(&names, "(%zu, not named: there is data among them; see the end of the header line)", count);
    }
    if (names.len > 0)
        log_add(load->options->log, LOG_WARN, "columns that are not used",
                LOG_TEXT("file", table_path(table)), LOG_TEXT("columns", buf_text(&names)));
    buf_free(&names);
}

static bool wants_sample(const struct load *load)
{
    return load->options->samples && load->sample_count < SAMPLES;
}

/* The first problems, as compilers tell theirs: the rejects hold them all. */
static void add_sample(struct load *load, const struct table *table, int64_t line,
                       const struct problem *problem)
{
    buf_reset(&load->text);
    record_problem_text(problem, &load->text);
    buf_addf(load->options->samples, "%s:%" PRId64 ": %s: %s\n", table_name(table), line,
             problem_name(problem->code), buf_text(&load->text));
    load->sample_count++;
}

static void add_samples(struct load *load, const struct table *table, const struct table_row *row)
{
    for (size_t i = 0; i < row->record->problem_count && wants_sample(load); i++)
        add_sample(load, table, row->at.line, &row->record->problems[i]);
}

/* Whether the load found it: between records, or between a card and its customer, not in a record's own
 * cells. */
static bool is_between(const struct problem *problem, int flags)
{
    switch (problem->code) {
    case PROBLEM_NO_CUSTOMER:
    case PROBLEM_CUSTOMER_INVALID:
    case PROBLEM_DUPLICATE_CUSTOMER:
    case PROBLEM_DUPLICATE_CARD:
    case PROBLEM_CUSTOMER_TWO_ACCOUNTS:
        return true;
    case PROBLEM_REQUIRED: /* an address that neither of the two gives */
        return problem->field == FIELD_BILLING_LINE1 && !(flags & (ROW_ADDRESS | ROW_OWN_CUSTOMER));
    default:
        return false;
    }
}

static void add_between(struct load *load, const struct table *table, const struct ledger_row_state *row)
{
    struct span codes = row->code, fields = row->field, code, field;

    while (wants_sample(load) && span_cut(&codes, ';', &code)) {
        struct problem problem = {.field = FIELD_RECORD};
        bool named = span_cut(&fields, ';', &field) == 1 && field_find(field, &problem.field) == 0;
        if (named && problem_find(code, &problem.code) == 0 && is_between(&problem, row->flags))
            add_sample(load, table, row->place.line, &problem);
    }
}

/* What only the load could find, in the order of the file: one that was loaded before has nothing new. */
static int add_found(struct load *load, const struct table *table, const struct ledger_file *file,
                     enum ledger_rows which, struct fail *fail)
{
    struct ledger_row_state row;
    int rc = 1;

    if (!wants_sample(load) || file->invalid == 0)
        return 0;
    if (ledger_rows_begin(load->ledger, which, fail) != 0)
        return -1;
    while (wants_sample(load) && (rc = ledger_rows_next(load->ledger, &row, fail)) == 1)
        if (row.place.file == file->id)
            add_between(load, table, &row);
    if (rc < 0)
        return -1;
    return ledger_rows_begin(load->ledger, which, fail); /* lets go of the row at hand */
}

static int stage_row(struct load *load, struct table *table, const struct table_row *row, struct fail *fail)
{
    const struct record *record = row->record;
    unsigned carries = table_carries(table);
    bool cards = carries != IN_CUSTOMERS;
    struct ledger_row out = {
        .record = row->at.record,
        .line = row->at.line,
        .offset = row->at.offset,
        .length = row->at.length,
        .card_id = cards ? record->card_id : 0,
        .customer_id = record->customer_id,
        .account_id = cards ? record->account_id : 0,
        .flags = (record->skip ? ROW_SKIP : 0) | (record->has_address ? ROW_ADDRESS : 0) |
                 (carries == IN_BOTH ? ROW_OWN_CUSTOMER : 0),
    };

    load->result->unusual_addresses += record->unusual_address;
    if (record->problem_count > 0) {
        table_problem_codes(record, &load->codes, &load->fields);
        out.code = buf_text(&load->codes);
        out.field = buf_text(&load->fields);
        if (!record->skip)
            add_samples(load, table, row);
    }
    if ((cards ? out.card_id : out.customer_id) == 0)
        /* A reject that comes back as it was is the same record. */
        out.mark = digest_mark(ledger_seed(load->ledger), table_without_own(table, row->at.bytes));
    return cards ? ledger_load_card(load->ledger, &out, fail)
                 : ledger_load_customer(load->ledger, &out, fail);
}

static int stage_file(struct load *load, struct table *table, struct fail *fail)
{
    struct table_row row;
    int rc;

    warn_ignored(load, table);
    while ((rc = table_next(table, &row, fail)) == 1) {
        if (stage_row(load, table, &row, fail) != 0)
            return -1;
        if (row.at.record % PROGRESS_RECORDS == 0)
            log_add(load->options->log, LOG_INFO, "reading", LOG_TEXT("file", table_path(table)),
                    LOG_INT("records", row.at.record));
    }
    if (rc < 0)
        return -1;
    return table_check(table, fail) < 0 ? -1 : 0;
}

static const char *delimiter_name(const char *delimiter)
{
    return strcmp(delimiter, "\t") == 0 ? "tab" : delimiter;
}

void ingest_tell_form(const struct table_options *set, const struct ledger_file *file, struct log *log)
{
    const char delimiter[] = {set->reader.delimiter, '\0'};
    const char *encoding = set->reader.encoding ? set->reader.encoding : "UTF-8";

    if (set->delimiter_given && delimiter[0] && strcmp(delimiter, file->delimiter) != 0)
        log_add(log, LOG_WARN, "input.delimiter is not what this file was loaded with, which holds for it",
                LOG_TEXT("file", file->path), LOG_TEXT("loaded_with", delimiter_name(file->delimiter)),
                LOG_TEXT("set", delimiter_name(delimiter)));
    if (set->encoding_given && !charset_same(encoding, file->encoding))
        log_add(log, LOG_WARN, "input.encoding is not what this file was loaded with, which holds for it",
                LOG_TEXT("file", file->path), LOG_TEXT("loaded_with", file->encoding),
                LOG_TEXT("set", encoding));
}

/* Reads a file's header; where its bytes are known it is read as it was loaded. */
static int begin_file(const struct load *load, struct table *table, struct ledger_file *file, bool *known,
                      struct fail *fail)
{
    struct table_options options = *load->options->tables;
    int rc;

    *file = (struct ledger_file){.carries = table_carries(table), .size = table_size(table)};
    file->path = mem_text(table_path(table));
    if (table_digest(table, file->sha256, fail) != 0)
        return -1;
    rc = ledger_file_known(load->ledger, file, fail);
    if (rc < 0)
        return -1;
    *known = rc == 1;
    if (*known) {
        ingest_tell_form(&options, file, load->options->log);
        options = portfolio_table_options(&options, file);
    }
    return table_open_header(table, &options, fail);
}

/* Fills what else the ledger is to remember of the file. */
static int describe(const struct load *load, struct table *table, struct ledger_file *file, bool known,
                    struct fail *fail)
{
    bool kept;

    file->corrected = columns_corrected(table_columns(table));
    file->delimiter[0] = table_delimiter(table);
    (void)snprintf(file->encoding, sizeof file->encoding, "%s", table_encoding(table));
    if (table_keep(table, &kept, fail) != 0)
        return -1; /* the spool file has its name before a row points into it */
    file->spool = kept ? SPOOL_KEPT : SPOOL_NONE;
    if (table_spooled(table))
        log_add(load->options->log, LOG_INFO, "read through a spool file", LOG_TEXT("file", file->path),
                LOG_INT("bytes", file->size));
    return known ? ledger_file_seen(load->ledger, file, fail) : 0;
}

static int check_address_columns(const struct table *cards, const struct table *customers,
                                 bool allow_internal, struct fail *fail)
{
    if (allow_internal || columns_has_address(table_columns(cards)) ||
        (customers && columns_has_address(table_columns(customers))))
        return 0;
    return fail_set(fail, FAIL_INPUT,
                    "%s: no billing address: neither file has a column such as billing_address_line1; "
                    "add them, map them in [columns], or set input.allow_internal = yes",
                    table_path(cards));
}

/* What only both headers together show. */
static int check_headers(const struct load *load, const struct table *cards, const struct table *customers,
                         struct fail *fail)
{
    if (customers && columns_check_pair(table_columns(cards), table_columns(customers), fail) != 0)
        return fail_context(fail, "%s and %s", table_path(cards), table_path(customers));
    return check_address_columns(cards, customers, load->options->load.allow_internal, fail);
}

/* A file that is known adds nothing, unless rows were given up that it may have. */
static int look_for_lost(struct load *load, struct fail *fail)
{
    struct ingest_result *result = load->result;
    bool lost = false;

    if ((result->cards_known || result->customers_known) && ledger_lost(load->ledger, &lost, fail) != 0)
        return -1;
    result->cards.again = result->cards_known && lost;
    result->customers.again = result->customers_known && lost;
    return 0;
}

static int stage_and_finish(struct load *load, struct table *cards, struct table *customers,
                            struct fail *fail)
{
    struct ingest_result *result = load->result;
    bool stage_cards = !result->cards_known || result->cards.again;
    bool stage_customers = customers && (!result->customers_known || result->customers.again);

    if (!stage_cards && !stage_customers)
        return 0;
    if (ledger_load_begin(load->ledger, fail) != 0)
        return -1;
    if ((stage_customers && stage_file(load, customers, fail) != 0) ||
        (stage_cards && stage_file(load, cards, fail) != 0)) {
        ledger_load_cancel(load->ledger);
        return -1;
    }
    return ledger_load_finish(load->ledger, stage_customers ? &result->customers : NULL,
                              stage_cards ? &result->cards : NULL, &load->options->load, fail);
}

static void log_loaded(const struct load *load, const struct ledger_file *file, bool known)
{
    if (known && file->found > 0)
        log_add(load->options->log, LOG_INFO, "file known; what was given up is found in it",
                LOG_TEXT("file", file->path),
                file->carries == IN_CUSTOMERS ? LOG_INT("customers", file->found)
                                              : LOG_INT("rows", file->found));
    else if (known)
        log_add(load->options->log, LOG_INFO, "file known; nothing added", LOG_TEXT("file", file->path));
    else
        log_add(load->options->log, LOG_INFO, "file loaded", LOG_TEXT("file", file->path),
                LOG_INT("records", file->records), LOG_INT("new", file->added),
                LOG_INT("repointed", file->repointed), LOG_INT("known", file->known),
                LOG_INT("skipped", file->skipped), LOG_INT("invalid", file->invalid));
}

int ingest_check(const char *cards, const char *customers, struct fail *fail)
{
    static const char *const names[] = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
    int readers = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        readers += (cards && strcmp(cards, names[i]) == 0) + (customers && strcmp(customers, names[i]) == 0);
    if (readers < 2)
        return 0;
    return fail_set(fail, FAIL_USAGE,
                    "--cards and --customers cannot both be standard input; name a file for one of them");
}

static int load_tables(struct load *load, struct table *cards, struct table *customers, struct fail *fail)
{
    struct ingest_result *result = load->result;

    if ((customers && begin_file(load, customers, &result->customers, &result->customers_known, fail) != 0) ||
        begin_file(load, cards, &result->cards, &result->cards_known, fail) != 0 ||
        check_headers(load, cards, customers, fail) != 0 ||
        (customers && describe(load, customers, &result->customers, result->customers_known, fail) != 0) ||
        describe(load, cards, &result->cards, result->cards_known, fail) != 0 ||
        look_for_lost(load, fail) != 0 || stage_and_finish(load, cards, customers, fail) != 0 ||
        (customers && add_found(load, customers, &result->customers, ROWS_REFUSED_CUSTOMERS, fail) != 0) ||
        add_found(load, cards, &result->cards, ROWS_REFUSED_CARDS, fail) != 0)
        return -1;
    if (customers)
        log_loaded(load, &result->customers, result->customers_known);
    log_loaded(load, &result->cards, result->cards_known);
    if (result->cards.two_accounts > 0)
        log_add(load->options->log, LOG_WARN, "customers whose cards name more than one account",
                LOG_TEXT("file", result->cards.path), LOG_INT("customers", result->cards.two_accounts));
    if (result->unusual_addresses > 0)
        log_add(load->options->log, LOG_WARN,
                "billing addresses with unusual characters; they are sent as they are",
                LOG_INT("records", result->unusual_addresses));
    return 0;
}

int ingest(struct ledger *ledger, const struct ingest_options *options, struct portfolio *portfolio,
           struct ingest_result *out, struct fail *fail)
{
    struct load load = {.ledger = ledger, .options = options, .result = out};
    struct table *cards = NULL, *customers = NULL;
    int rc = -1;

    *out = (struct ingest_result){.cards_known = false};
    buf_init(&load.codes, CODES_CAP);
    buf_init(&load.fields, CODES_CAP);
    buf_init(&load.text, TEXT_CAP);
    if (options->customers &&
        table_open_bytes(&customers, options->customers, IN_CUSTOMERS, options->tables, fail) != 0)
        goto out;
    if (table_open_bytes(&cards, options->cards, options->customers ? IN_CARDS : IN_BOTH, options->tables,
                         fail) != 0)
        goto out;
    rc = load_tables(&load, cards, customers, fail);
    if (rc == 0) {
        portfolio_adopt(portfolio, out->cards.id, cards);
        if (customers)
            portfolio_adopt(portfolio, out->customers.id, customers);
        cards = customers = NULL;
    }
out:
    table_close(cards);
    table_close(customers);
    buf_free(&load.codes);
    buf_free(&load.fields);
    buf_free(&load.text);
    return rc;
}

void ingest_result_free(struct ingest_result *result)
{
    free(result->cards.path);
    free(result->customers.path);
    *result = (struct ingest_result){.cards_known = false};
}
