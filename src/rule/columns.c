/* Every name a column can have is a slot: one for each field, then the numbered ones. The header row and the
 * settings are turned once into a list of (cell, slot) pairs and a template that holds the constants; picking
 * a record is then a copy of the template and one assignment a pair.
 *
 * Constants of billing columns only complete an address: a record whose billing cells are all empty would
 * else have an address that consists of, say, a country alone, which would hide the customer's own. */
#include "rule/columns.h"

#include "value/nearest.h"
#include "value/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SLOT_EMAIL = FIELD_COUNT,
    SLOT_PHONE = SLOT_EMAIL + LIST_MAX,
    SLOT_TYPE = SLOT_PHONE + LIST_MAX,
    SLOT_VALUE = SLOT_TYPE + LIST_MAX,
    SLOT_COUNT = SLOT_VALUE + LIST_MAX
};

static const char *const NUMBERED[] = {"email_1",
                                       "email_2",
                                       "email_3",
                                       "email_4",
                                       "email_5",
                                       "phone_1",
                                       "phone_2",
                                       "phone_3",
                                       "phone_4",
                                       "phone_5",
                                       "national_identifier_type_1",
                                       "national_identifier_type_2",
                                       "national_identifier_type_3",
                                       "national_identifier_type_4",
                                       "national_identifier_type_5",
                                       "national_identifier_value_1",
                                       "national_identifier_value_2",
                                       "national_identifier_value_3",
                                       "national_identifier_value_4",
                                       "national_identifier_value_5"};

_Static_assert(sizeof NUMBERED / sizeof NUMBERED[0] == SLOT_COUNT - FIELD_COUNT,
               "a name for each numbered slot");
_Static_assert(sizeof(struct raw_fields) == SLOT_COUNT * sizeof(struct span),
               "raw_fields has one span a slot");

struct pair {
    size_t cell;
    size_t offset; /* of its span in raw_fields */
    unsigned slot;
};

struct columns {
    size_t count;
    struct pair *pairs;
    size_t pair_count;
    struct raw_fields constants;
    bool billing_constants; /* they count only beside a billing cell */
    bool billing_cells;
    bool constant_address;           /* constants alone make the address */
    char **headers;                  /* cleaned, one a cell; "" where it has no name */
    const char *lacking[SLOT_COUNT]; /* a mapped header that the other file may have; else NULL */
    const char **ignored;
    size_t ignored_count;
};

/* The header row being read. `keys` are the headers without what does not count in a comparison. */
struct reading {
    struct columns *columns;
    const struct column_options *options;
    char **keys;
    const char *wanted[SLOT_COUNT]; /* header looked for: canonical, or as mapped */
    bool mapped[SLOT_COUNT];        /* the header comes from a setting */
    bool constant[SLOT_COUNT];
    size_t found[SLOT_COUNT]; /* 1 + cell; 0: not there */
    bool is_data;             /* no required column is there: what stands in the cells is told to nobody */
};

static const char *slot_name(unsigned slot)
{
    return slot < FIELD_COUNT ? field_name((enum field)slot) : NUMBERED[slot - FIELD_COUNT];
}

static enum field slot_field(unsigned slot)
{
    if (slot < SLOT_EMAIL)
        return (enum field)slot;
    if (slot < SLOT_PHONE)
        return FIELD_EMAILS;
    return slot < SLOT_TYPE ? FIELD_PHONES : FIELD_NATIONAL_IDENTIFIERS;
}

static bool is_billing(unsigned slot)
{
    return slot >= FIELD_BILLING_LINE1 && slot <= FIELD_BILLING_COUNTRY_CODE;
}

static struct span *slot_span(struct raw_fields *raw, unsigned slot)
{
    if (slot < SLOT_EMAIL)
        return &raw->whole[slot];
    if (slot < SLOT_PHONE)
        return &raw->emails[slot - SLOT_EMAIL];
    if (slot < SLOT_TYPE)
        return &raw->phones[slot - SLOT_PHONE];
    if (slot < SLOT_VALUE)
        return &raw->identifier_types[slot - SLOT_TYPE];
    return &raw->identifier_values[slot - SLOT_VALUE];
}

/* What counts in a comparison of names: no blanks, '-' and '_', ASCII letters lower-cased. */
static char *key_of(const char *name)
{
    char *key = mem_text(name), *to = key;

    for (const char *from = name; *from; from++)
        if (*from != ' ' && *from != '-' && *from != '_')
            *to++ = *from >= 'A' && *from <= 'Z' ? (char)(*from + ('a' - 'A')) : *from;
    *to = '\0';
    return key;
}

static bool same_name(const char *a, const char *b)
{
    char *one = key_of(a), *two = key_of(b);
    bool same = strcmp(one, two) == 0;

    free(one);
    free(two);
    return same;
}

/* SLOT_COUNT when no column has this name. */
static unsigned slot_of(const char *name)
{
    unsigned slot = 0;

    while (slot < SLOT_COUNT && !same_name(slot_name(slot), name))
        slot++;
    return slot;
}

static const char *nearest_slot(const char *name)
{
    const char *names[SLOT_COUNT];

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        names[slot] = slot_name(slot);
    return nearest(name, names, SLOT_COUNT);
}

int columns_check(const struct column_setting *settings, size_t count, struct fail *fail)
{
    bool seen[SLOT_COUNT] = {false};

    for (size_t i = 0; i < count; i++) {
        unsigned slot = slot_of(settings[i].column);
        if (slot == SLOT_COUNT) {
            const char *near = nearest_slot(settings[i].column);
            return fail_set(fail, FAIL_USAGE, "[columns]: there is no column '%s'%s%s%s", settings[i].column,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
        if (seen[slot])
            return fail_set(fail, FAIL_USAGE, "[columns]: '%s' is set twice", slot_name(slot));
        seen[slot] = true;
    }
    return 0;
}

/* Cleans one header cell; a cell with control characters has no usable name and is kept as "". */
static int clean_header(struct span cell, size_t place, const char *encoding, char **out, struct fail *fail)
{
    char *clean = mem_array(cell.len * TEXT_GROWTH + 1, 1);
    struct text text;

    switch (text_clean(cell, clean, &text)) {
    case TEXT_OK:
        clean[text.span.len] = '\0';
        break;
    case TEXT_CONTROL:
        clean[0] = '\0';
        break;
    case TEXT_NOT_UTF8:
        free(clean);
        return fail_set(fail, FAIL_INPUT,
                        "header, cell %zu: %s%s; export the file as UTF-8, or name its encoding in "
                        "input.encoding",
                        place, encoding ? "does not decode as " : "not valid UTF-8",
                        encoding ? encoding : "");
    }
    *out = clean;
    return 0;
}

static int read_headers(struct reading *reading, const struct span *cells, size_t count, struct fail *fail)
{
    struct columns *columns = reading->columns;

    columns->headers = mem_array(count, sizeof *columns->headers);
    reading->keys = mem_array(count, sizeof *reading->keys);
    for (size_t i = 0; i < count; i++) {
        columns->count = i + 1;
        if (clean_header(cells[i], i + 1, reading->options->encoding, &columns->headers[i], fail) != 0)
            return -1;
        reading->keys[i] = key_of(columns->headers[i]);
    }
    return 0;
}

static void apply_settings(struct reading *reading)
{
    const struct column_options *options = reading->options;

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        reading->wanted[slot] = slot_name(slot);
    for (size_t i = 0; i < options->count; i++) {
        const struct column_setting *setting = &options->settings[i];
        unsigned slot = slot_of(setting->column);
        if (!(field_files(slot_field(slot)) & options->files))
            continue;
        reading->wanted[slot] = setting->header;
        reading->mapped[slot] = setting->header != NULL;
        reading->constant[slot] = setting->header == NULL;
        if (setting->constant)
            *slot_span(&reading->columns->constants, slot) = span_of(setting->constant);
    }
}

static int find_headers(struct reading *reading, struct fail *fail)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        char *key;
        if (!(field_files(slot_field(slot)) & reading->options->files) || !reading->wanted[slot])
            continue;
        key = key_of(reading->wanted[slot]);
        for (size_t i = 0; i < reading->columns->count; i++) {
            if (key[0] == '\0' || strcmp(key, reading->keys[i]) != 0)
                continue;
            if (reading->found[slot] != 0) {
                free(key);
                return fail_set(fail, FAIL_INPUT,
                                "header: the column '%s' stands twice (cells %zu and %zu); remove one",
                                slot_name(slot), reading->found[slot], i + 1);
            }
            reading->found[slot] = i + 1;
        }
        free(key);
    }
    return 0;
}

/* A numbered slot stands for its list too. */
static bool is_given(const struct reading *reading, enum field field)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (slot_field(slot) == field && (reading->found[slot] != 0 || reading->constant[slot]))
            return true;
    return false;
}

static bool is_required(const struct column_options *options, enum field field)
{
    if (!(field_files(field) & options->files))
        return false;
    switch (field) {
    case FIELD_CUSTOMER_ID:
    case FIELD_ACCOUNT_ID:
    case FIELD_CARD_ID:
        return true;
    case FIELD_OWNER_BID:
        return !options->has_owner_bid;
    case FIELD_LOCALE:
        return !options->has_locale;
    case FIELD_FIRST_NAME:
    case FIELD_LAST_NAME:
    case FIELD_EMAILS:
    case FIELD_PHONES:
        return !options->allow_internal;
    default:
        return false;
    }
}

/* The unused header nearest to `name`, or NULL. Headers in use are no candidates. */
static const char *nearest_header(const struct reading *reading, const char *name)
{
    const struct columns *columns = reading->columns;
    const char **free_headers = mem_array(columns->count, sizeof *free_headers), *found;
    size_t count = 0;

    for (size_t i = 0; i < columns->count; i++) {
        bool used = columns->headers[i][0] == '\0';
        for (unsigned slot = 0; slot < SLOT_COUNT && !used; slot++)
            used = reading->found[slot] == i + 1;
        if (!used)
            free_headers[count++] = columns->headers[i];
    }
    found = nearest(name, free_headers, count);
    free(free_headers);
    return found;
}

/* "'account_id' (the header has 'acount_id')", joined by commas; a mapped one with its setting in front. */
static void add_missing(const struct reading *reading, unsigned slot, struct buf *text)
{
    const char *name = reading->wanted[slot];
    const char *near = reading->is_data ? NULL : nearest_header(reading, name);

    buf_add_text(text, text->len > 0 ? ", " : "");
    if (reading->mapped[slot])
        buf_addf(text, "columns.%s = ", slot_name(slot));
    buf_addf(text, "'%s'", name);
    if (near)
        buf_addf(text, " (the header has '%s')", near);
}

/* A mapped header must be there; for an optional column of both files the other file may have it. */
static bool may_lack(const struct reading *reading, unsigned slot)
{
    return reading->options->files != IN_BOTH && field_files(slot_field(slot)) == IN_BOTH &&
           !is_required(reading->options, slot_field(slot));
}

/* Where nothing that must be there is, the file may have no header, and its first record is of a person. */
static bool seems_data(const struct reading *reading)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (reading->found[slot] != 0 && is_required(reading->options, slot_field(slot)))
            return false;
    return true;
}

static bool any_found(const struct reading *reading)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        if (reading->found[slot] != 0)
            return true;
    return false;
}

/* Mapped headers that are not there. */
static void list_unmatched(const struct reading *reading, struct buf *missing)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        if (!reading->mapped[slot] || reading->found[slot] != 0)
            continue;
        if (may_lack(reading, slot))
            reading->columns->lacking[slot] = reading->wanted[slot];
        else
            add_missing(reading, slot, missing);
    }
}

/* A cards file that came alone, and has nothing of what a customers file must have. */
static bool wants_customers(const struct reading *reading)
{
    if (reading->options->files != IN_BOTH)
        return false;
    for (unsigned slot = 0; slot < FIELD_COUNT; slot++)
        if (field_files((enum field)slot) == IN_CUSTOMERS &&
            is_required(reading->options, (enum field)slot) && is_given(reading, (enum field)slot))
            return false;
    return true;
}

static void list_required(const struct reading *reading, struct buf *missing)
{
    for (unsigned slot = 0; slot < FIELD_COUNT; slot++)
        if (is_required(reading->options, (enum field)slot) && !is_given(reading, (enum field)slot))
            add_missing(reading, slot, missing);
}

static int check_found(struct reading *reading, struct fail *fail)
{
    struct buf missing = {.cap = 700}; /* leaves room for the rest of the text in struct fail */
    int result = 0;

    reading->is_data = seems_data(reading);
    if (!any_found(reading)) {
        list_required(reading, &missing);
        result = fail_set(fail, FAIL_INPUT,
                          "no header: the first line names no known column, it seems to be %s; required: %s",
                          reading->columns->count == 1 && strpbrk(reading->columns->headers[0], ";,| ")
                              ? "parted by another delimiter (set input.delimiter, or auto)"
                              : "data (put a line with column names above it, or map its names in [columns])",
                          buf_text(&missing));
        goto out;
    }
    list_unmatched(reading, &missing);
    if (missing.len > 0) {
        result =
            fail_set(fail, FAIL_INPUT, "header: [columns] names what is not there: %s", buf_text(&missing));
        goto out;
    }
    list_required(reading, &missing);
    if (missing.len > 0)
        result = fail_set(
            fail, FAIL_INPUT, "header: required column missing: %s; add it, or map its name in [columns]%s",
            buf_text(&missing), wants_customers(reading) ? ", or name the customers file (--customers)" : "");
out:
    buf_free(&missing);
    return result;
}

static size_t slot_offset(struct raw_fields *raw, unsigned slot)
{
    return (size_t)((char *)slot_span(raw, slot) - (char *)raw);
}

static void make_pairs(struct reading *reading)
{
    struct columns *columns = reading->columns;

    columns->pairs = mem_array(SLOT_COUNT, sizeof *columns->pairs);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        if (reading->constant[slot] && is_billing(slot))
            columns->billing_constants = true;
        if (reading->found[slot] == 0)
            continue;
        columns->billing_cells = columns->billing_cells || is_billing(slot);
        columns->pairs[columns->pair_count++] =
            (struct pair){reading->found[slot] - 1, slot_offset(&columns->constants, slot), slot};
    }
    columns->constant_address =
        columns->billing_constants && !columns->billing_cells && reading->options->files == IN_BOTH;
}

bool columns_corrected(const struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcasecmp(columns->headers[i], "_ctp_code") == 0)
            return true;
    return false;
}

static void list_ignored(struct reading *reading)
{
    struct columns *columns = reading->columns;

    columns->ignored = mem_array(columns->count, sizeof *columns->ignored);
    for (size_t i = 0; i < columns->count; i++) {
        bool used = columns->headers[i][0] == '\0' || strncasecmp(columns->headers[i], "_ctp_", 5) == 0;
        for (unsigned slot = 0; slot < SLOT_COUNT && !used; slot++)
            used = reading->found[slot] == i + 1;
        if (!used)
            columns->ignored[columns->ignored_count++] = columns->headers[i];
    }
}

int columns_open(struct columns **out, const struct span *cells, size_t count,
                 const struct column_options *options, struct fail *fail)
{
    struct reading reading = {.columns = mem_alloc(sizeof(struct columns)), .options = options};
    int result = -1;

    if (columns_check(options->settings, options->count, fail) != 0 ||
        read_headers(&reading, cells, count, fail) != 0)
        goto out;
    apply_settings(&reading);
    if (find_headers(&reading, fail) != 0 || check_found(&reading, fail) != 0)
        goto out;
    make_pairs(&reading);
    list_ignored(&reading);
    *out = reading.columns;
    result = 0;
out:
    for (size_t i = 0; reading.keys && i < reading.columns->count; i++)
        free(reading.keys[i]);
    free(reading.keys);
    if (result != 0)
        columns_close(reading.columns);
    return result;
}

void columns_close(struct columns *columns)
{
    if (!columns)
        return;
    for (size_t i = 0; columns->headers && i < columns->count; i++)
        free(columns->headers[i]);
    free(columns->headers);
    free(columns->ignored);
    free(columns->pairs);
    free(columns);
}

size_t columns_count(const struct columns *columns)
{
    return columns->count;
}

bool columns_has_address(const struct columns *columns)
{
    return columns->billing_cells || columns->constant_address;
}

/* The header nearest to `name` that nothing uses in either file, or NULL. */
static const char *nearest_unused(const struct columns *cards, const struct columns *customers,
                                  const char *name)
{
    size_t count = cards->ignored_count + customers->ignored_count;
    const char **names = mem_array(count, sizeof *names), *found;

    for (size_t i = 0; i < count; i++)
        names[i] =
            i < cards->ignored_count ? cards->ignored[i] : customers->ignored[i - cards->ignored_count];
    found = nearest(name, names, count);
    free(names);
    return found;
}

int columns_check_pair(const struct columns *cards, const struct columns *customers, struct fail *fail)
{
    struct buf missing = {.cap = 700}; /* leaves room for the rest of the text in struct fail */
    int result = 0;

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        const char *name = cards->lacking[slot], *near;
        if (!name || !customers->lacking[slot])
            continue;
        near = nearest_unused(cards, customers, name);
        buf_addf(&missing, "%scolumns.%s = '%s'", missing.len > 0 ? ", " : "", slot_name(slot), name);
        if (near)
            buf_addf(&missing, " (there is '%s')", near);
    }
    if (missing.len > 0)
        result =
            fail_set(fail, FAIL_INPUT, "[columns] names what stands in neither file: %s", buf_text(&missing));
    buf_free(&missing);
    return result;
}

const char *columns_ignored(const struct columns *columns, size_t i)
{
    return i < columns->ignored_count ? columns->ignored[i] : NULL;
}

/* Takes the billing constants back out of a record that gives no billing cell. */
static void drop_billing_constants(const struct columns *columns, struct raw_fields *out)
{
    bool given = columns->constant_address;

    for (size_t i = 0; i < columns->pair_count && !given; i++)
        if (is_billing(columns->pairs[i].slot))
            given = span_trim(out->whole[columns->pairs[i].slot]).len > 0;
    if (given)
        return;
    for (unsigned field = FIELD_BILLING_LINE1; field <= FIELD_BILLING_COUNTRY_CODE; field++)
        out->whole[field] = (struct span){"", 0};
}

void columns_pick(const struct columns *columns, const struct span *cells, size_t count,
                  struct raw_fields *out)
{
    *out = columns->constants;
    for (size_t i = 0; i < columns->pair_count; i++) {
        const struct pair *pair = &columns->pairs[i];
        if (pair->cell < count)
            memcpy((char *)out + pair->offset, &cells[pair->cell], sizeof *cells);
    }
    if (columns->billing_constants)
        drop_billing_constants(columns, out);
}
