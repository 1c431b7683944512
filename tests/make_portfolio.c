/* make_portfolio: writes the invented portfolio of portfolio.h: customers.csv, cards.csv, and truth.json,
 * which tells what was planted and what a run must end with. Streams; memory does not depend on the size. */
#include "kit/json.h"
#include "portfolio.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CANARY_MOST = 12, FLUSH_AT = 1 << 16, ROW_MOST = 1 << 20 };

struct output {
    FILE *stream;
    const char *name;
    struct buf text;
    int64_t records;
};

struct maker {
    struct options options;
    struct output files[FILE_COUNT];
    FILE *truth;
    struct json json; /* of truth.json */
    struct buf truth_text;
    int64_t planted[FAULT_COUNT];
    int64_t multi_card, card_records_bad, customer_records_bad, enrollable, held;
};

/* ---- files ---- */

static int flush(struct output *output, size_t at_least)
{
    if (output->text.len < at_least)
        return 0;
    assert(!output->text.full);
    if (fwrite(buf_text(&output->text), 1, output->text.len, output->stream) != output->text.len) {
        (void)fprintf(stderr, "make_portfolio: %s: %s\n", output->name, strerror(errno));
        return -1;
    }
    buf_reset(&output->text);
    return 0;
}

static void note_fault(struct maker *maker, enum file file, const char *code, const char *field, bool derived)
{
    const struct output *output = &maker->files[file];
    struct json *json = &maker->json;

    json_object(json);
    json_key(json, "file");
    json_text(json, output->name);
    json_key(json, "record");
    json_int(json, output->records);
    json_key(json, "line");
    json_int(json, output->records + 1);
    json_key(json, "code");
    json_text(json, code);
    json_key(json, "field");
    json_text(json, field);
    json_key(json, "derived");
    json_bool(json, derived);
    json_end_object(json);
    if (file == CARDS)
        maker->card_records_bad++;
    else
        maker->customer_records_bad++;
    if (maker->truth_text.len > FLUSH_AT) {
        (void)fwrite(maker->truth_text.ptr, 1, maker->truth_text.len, maker->truth); /* checked at the end */
        buf_reset(&maker->truth_text);
    }
}

static void note_planted(struct maker *maker, enum file file, enum fault fault)
{
    maker->planted[fault]++;
    note_fault(maker, file, portfolio_fault(fault)->code, portfolio_fault(fault)->field, false);
}

static int write_customer(struct maker *maker, int64_t place)
{
    const struct options *options = &maker->options;
    struct output *output = &maker->files[CUSTOMERS];
    struct group group = portfolio_plan(options, place);
    enum fault fault = group.fault[place - group.first];
    int rows = fault == FAULT_DUPLICATE_CUSTOMER ? 2 : 1;

    if (fault != FAULT_NONE && portfolio_fault(fault)->file != CUSTOMERS)
        fault = FAULT_NONE;
    for (int i = 0; i < rows; i++) {
        portfolio_add_number(&output->text, portfolio_id(options, ID_CUSTOMER, place, options->customers));
        portfolio_add_customer(options, &output->text, place + i,
                               fault); /* the second row contradicts the first */
        portfolio_add_address(options, &output->text, place + i, FAULT_NONE);
        buf_add_char(&output->text, '\n');
        output->records++;
        if (fault != FAULT_NONE && i == rows - 1)
            note_planted(maker, CUSTOMERS, fault);
    }
    return flush(output, FLUSH_AT);
}

struct card {
    int64_t place, customer;
    enum fault fault;  /* of this record, in this file */
    bool customer_bad; /* its customer's record is refused */
};

static struct card find_card(const struct options *options, int64_t place)
{
    struct group group = portfolio_plan_of_card(options, place);
    int64_t rest = place - group.first_card;
    struct card card = {.place = place, .fault = FAULT_NONE};
    enum fault fault;
    int i = 0;

    for (; rest >= group.cards[i]; i++)
        rest -= group.cards[i];
    card.customer = group.first + i;
    fault = group.fault[i];
    if (fault == FAULT_NONE)
        return card;
    if (portfolio_fault(fault)->file == CARDS ? rest == 0 : options->one_file)
        card.fault = fault;
    else
        card.customer_bad = portfolio_fault(fault)->file == CUSTOMERS && fault != FAULT_DUPLICATE_CUSTOMER;
    return card;
}

static void add_card_ids(const struct options *options, struct buf *out, const struct card *card)
{
    if (card->fault == FAULT_NO_CUSTOMER)
        portfolio_add_number(out, 9000001 + card->place % 900000);
    else
        portfolio_add_number(out, portfolio_id(options, ID_CUSTOMER, card->customer, options->customers));
    buf_add_char(out, ',');
    if (card->fault != FAULT_REQUIRED)
        portfolio_add_number(
            out, portfolio_id(options, ID_ACCOUNT, card->customer % options->accounts, options->accounts));
    buf_add_char(out, ',');
    if (card->fault == FAULT_BAD_INTEGER) {
        buf_add_text(out, "12a45");
    } else if (card->fault == FAULT_LOOKS_LIKE_PAN) {
        portfolio_add_number(out, portfolio_pan(card->place));
    } else {
        portfolio_add_number(out, portfolio_id(options, ID_CARD, card->place, options->cards));
    }
    buf_add_text(out, ",1000052,NORMAL");
}

static bool has_own_address(const struct options *options, const struct card *card)
{
    return card->fault == FAULT_BAD_FORMAT || card->fault == FAULT_BAD_CHARACTER ||
           card->fault == FAULT_BAD_UTF8 || card->fault == FAULT_DUPLICATE_CARD ||
           portfolio_draw(options, card->place, 16, 10) < 3;
}

static int write_card(struct maker *maker, int64_t place)
{
    const struct options *options = &maker->options;
    struct output *output = &maker->files[CARDS];
    struct card card = find_card(options, place);
    int rows = card.fault == FAULT_DUPLICATE_CARD ? 2 : 1;

    for (int i = 0; i < rows; i++) {
        struct buf *out = &output->text;
        add_card_ids(options, out, &card);
        if (options->one_file)
            portfolio_add_customer(options, out, card.customer, card.fault);
        if (options->one_file || has_own_address(options, &card))
            portfolio_add_address(options, out, card.place + i,
                                  card.fault); /* the second row contradicts the first */
        else
            buf_add_text(out, ",,,,,,");
        buf_add_text(out, card.fault == FAULT_COLUMN_COUNT ? ",surplus\n" : "\n");
        output->records++;
        if (card.fault != FAULT_NONE && i == rows - 1)
            note_planted(maker, CARDS, card.fault);
    }
    if (card.customer_bad)
        note_fault(maker, CARDS, "customer_invalid", "customer_id", true);
    return flush(output, FLUSH_AT);
}

#define CUSTOMER_COLUMNS                                                                       \
    "first_name,middle_name,last_name,locale,country_code,emails,phones,national_identifiers," \
    "consent_time,consent_version,consent_presenter"
#define ADDRESS_COLUMNS                                                                           \
    "billing_address_line1,billing_address_line2,billing_city,billing_state,billing_postal_code," \
    "billing_country_code"

static int write_files(struct maker *maker)
{
    const struct options *options = &maker->options;

    buf_addf(&maker->files[CARDS].text, "customer_id,account_id,card_id,owner_bid,status,%s%s\n",
             options->one_file ? CUSTOMER_COLUMNS "," : "", ADDRESS_COLUMNS);
    if (!options->one_file)
        buf_add_text(&maker->files[CUSTOMERS].text, "customer_id," CUSTOMER_COLUMNS "," ADDRESS_COLUMNS "\n");
    for (int64_t i = 0; i < options->customers && !options->one_file; i++)
        if (write_customer(maker, portfolio_shuffled(options, i, 0, options->customers)) < 0)
            return -1;
    for (int64_t i = 0; i < options->cards; i++)
        if (write_card(maker, portfolio_shuffled(options, i, 1, options->cards)) < 0)
            return -1;
    return 0;
}

/* ---- truth.json ---- */

/* What a run must end with: one card a customer can be enrolled, its further valid cards are held. */
static void count_expected(struct maker *maker)
{
    const struct options *options = &maker->options;

    for (int64_t customer = 0; customer < options->customers; customer += GROUP) {
        struct group group = portfolio_plan(options, customer);
        for (int i = 0; i < group.size; i++) {
            enum fault fault = group.fault[i];
            int valid = group.cards[i];
            maker->multi_card += group.cards[i] > 1;
            if (fault != FAULT_NONE && fault != FAULT_DUPLICATE_CARD && fault != FAULT_DUPLICATE_CUSTOMER)
                valid = portfolio_fault(fault)->file == CUSTOMERS ? 0 : valid - 1;
            maker->enrollable += valid > 0;
            maker->held += valid > 1 ? valid - 1 : 0;
        }
    }
}

static void add_count(struct json *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

static void end_truth(struct maker *maker)
{
    const struct options *options = &maker->options;
    struct json *json = &maker->json;

    json_end_array(json);
    json_key(json, "planted");
    json_object(json);
    for (int i = 0; i < FAULT_COUNT; i++)
        if (maker->planted[i] > 0)
            add_count(json, i == FAULT_CUSTOMER_INVALID ? "customer_invalid" : portfolio_fault(i)->code,
                      maker->planted[i]);
    json_end_object(json);
    add_count(json, "seed", (int64_t)options->seed);
    add_count(json, "customers", options->customers);
    add_count(json, "cards", options->cards);
    add_count(json, "accounts",
              options->accounts < options->customers ? options->accounts : options->customers);
    add_count(json, "multi_card_customers", maker->multi_card);
    add_count(json, "customer_records", maker->files[CUSTOMERS].records);
    add_count(json, "card_records", maker->files[CARDS].records);
    add_count(json, "customer_records_bad", maker->customer_records_bad);
    add_count(json, "card_records_bad", maker->card_records_bad);
    add_count(json, "enrollable", maker->enrollable);
    add_count(json, "held", maker->held);
    json_end_object(json);
    buf_add_char(&maker->truth_text, '\n');
}

/* ---- command line ---- */

static FILE *open_in(const char *folder, const char *name)
{
    struct buf path;
    FILE *stream;

    buf_init(&path, 4096);
    buf_addf(&path, "%s/%s", folder, name);
    stream = path.full ? NULL : fopen(buf_text(&path), "wb");
    if (!stream)
        (void)fprintf(stderr, "make_portfolio: %s: %s\n", buf_text(&path), strerror(errno));
    buf_free(&path);
    return stream;
}

static int close_stream(FILE *stream, const char *name)
{
    bool bad = ferror(stream) != 0;

    if (fclose(stream) != 0 || bad) {
        (void)fprintf(stderr, "make_portfolio: %s: %s\n", name, strerror(errno));
        return -1;
    }
    return 0;
}

static int make(struct maker *maker)
{
    static const char *const NAMES[] = {[CARDS] = "cards.csv", [CUSTOMERS] = "customers.csv"};
    int result = 0;

    maker->truth = open_in(maker->options.out, "truth.json");
    if (!maker->truth)
        return -1;
    buf_init(&maker->truth_text, ROW_MOST);
    json_init(&maker->json, &maker->truth_text, false);
    json_object(&maker->json);
    json_key(&maker->json, "faults");
    json_array(&maker->json);
    for (int i = 0; i < FILE_COUNT; i++) {
        maker->files[i].name = NAMES[i];
        buf_init(&maker->files[i].text, ROW_MOST);
        maker->files[i].stream =
            open_in(maker->options.out, NAMES[i]); /* one file: customers.csv stays empty */
        if (!maker->files[i].stream)
            result = -1;
    }
    if (result == 0)
        result = write_files(maker);
    for (int i = 0; i < FILE_COUNT; i++) {
        if (maker->files[i].stream && result == 0)
            result = flush(&maker->files[i], 0);
        if (maker->files[i].stream && close_stream(maker->files[i].stream, NAMES[i]) < 0)
            result = -1;
        buf_free(&maker->files[i].text);
    }
    count_expected(maker);
    end_truth(maker);
    (void)fwrite(maker->truth_text.ptr, 1, maker->truth_text.len, maker->truth);
    buf_free(&maker->truth_text);
    return close_stream(maker->truth, "truth.json") < 0 ? -1 : result;
}

static const char HELP[] =
    "make_portfolio --customers N --cards N --out DIR\n"
    "               [--seed S] [--accounts N] [--bad N] [--quoted PERCENT] [--canary WORD]\n"
    "               [--shuffle] [--big-ids] [--one-file]\n"
    "Writes DIR/customers.csv, DIR/cards.csv and DIR/truth.json. At most four cards a customer; --bad plants "
    "at\n"
    "most one fault a customer.\n";

static int64_t number_of(const char *text)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    return errno || end == text || *end || value < 0 ? -1 : value;
}

static bool canary_fits(const char *word)
{
    return !word || (*word && strlen(word) <= CANARY_MOST &&
                     strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == strlen(word));
}

static bool options_fit(struct options *options)
{
    if (options->accounts == 0) /* one customer in sixteen shares the account of another */
        options->accounts = options->customers - options->customers / 16;
    return options->out && options->customers > 0 && options->cards > 0 && options->accounts > 0 &&
           options->customers <= 50000000 && options->cards <= 4 * options->customers && options->bad >= 0 &&
           options->bad <= options->customers && options->bad <= options->cards && options->quoted >= 0 &&
           canary_fits(options->canary);
}

static bool parse(struct options *options, int argc, char **argv)
{
    enum {
        CUSTOMERS_N = 1,
        CARDS_N,
        ACCOUNTS_N,
        BAD_N,
        QUOTED,
        SEED,
        CANARY,
        OUT,
        SHUFFLE,
        BIG_IDS,
        ONE_FILE
    };
    static const struct option LONG[] = {{"customers", required_argument, NULL, CUSTOMERS_N},
                                         {"cards", required_argument, NULL, CARDS_N},
                                         {"accounts", required_argument, NULL, ACCOUNTS_N},
                                         {"bad", required_argument, NULL, BAD_N},
                                         {"quoted", required_argument, NULL, QUOTED},
                                         {"seed", required_argument, NULL, SEED},
                                         {"canary", required_argument, NULL, CANARY},
                                         {"out", required_argument, NULL, OUT},
                                         {"shuffle", no_argument, NULL, SHUFFLE},
                                         {"big-ids", no_argument, NULL, BIG_IDS},
                                         {"one-file", no_argument, NULL, ONE_FILE},
                                         {NULL, 0, NULL, 0}};
    int64_t *const numbers[] = {[CUSTOMERS_N] = &options->customers,
                                [CARDS_N] = &options->cards,
                                [ACCOUNTS_N] = &options->accounts,
                                [BAD_N] = &options->bad,
                                [QUOTED] = &options->quoted};
    int64_t seed = 1;

    for (int option; (option = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        if (option >= CUSTOMERS_N && option <= QUOTED)
            *numbers[option] = number_of(optarg);
        else if (option == SEED)
            seed = number_of(optarg);
        else if (option == CANARY)
            options->canary = optarg;
        else if (option == OUT)
            options->out = optarg;
        else if (option == SHUFFLE)
            options->shuffle = true;
        else if (option == BIG_IDS)
            options->big_ids = true;
        else if (option == ONE_FILE)
            options->one_file = true;
        else
            return false;
    }
    options->seed = (uint64_t)seed;
    return optind == argc && seed >= 0 && options_fit(options);
}

int main(int argc, char **argv)
{
    struct maker maker = {.options = {.quoted = 20}};

    if (!parse(&maker.options, argc, argv)) {
        (void)fputs(HELP, stderr);
        return 2;
    }
    if (mkdir(maker.options.out, 0777) < 0 && errno != EEXIST) {
        (void)fprintf(stderr, "make_portfolio: %s: %s\n", maker.options.out, strerror(errno));
        return 1;
    }
    return make(&maker) < 0 ? 1 : 0;
}
