/* Runs testdata/normalize.tsv, whose head explains its form: every line is one cell of an otherwise empty
 * record. CTP_TESTDATA names the folder when it is not ./testdata. */
#include "rule/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_CASES = 400 };

struct table {
    const char *path;
    size_t line, cases, failed;
    struct record_rules rules;
    char country[64], calling_code[64]; /* what the rules and the records borrow from "@" lines */
    struct record record;
    struct buf input, expected, got;
};

static void add_point(struct buf *out, unsigned long point)
{
    char bytes[4];
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char LEAD[] = {0, 0x00, 0xC0, 0xE0, 0xF0};

    for (size_t i = len; i-- > 1; point >>= 6)
        bytes[i] = (char)(0x80 | (point & 0x3F));
    bytes[0] = (char)(LEAD[len] | point);
    buf_add(out, bytes, len);
}

static unsigned long hex(const char **at, size_t most)
{
    char digits[9] = "";
    size_t len = strspn(*at, "0123456789ABCDEFabcdef");

    len = len > most ? most : len;
    assert_true(len > 0 && len < sizeof digits);
    memcpy(digits, *at, len);
    *at += len;
    return strtoul(digits, NULL, 16);
}

/* One character or escape at *at. */
static void expand_one(const char **at, struct buf *out)
{
    static const char PLAIN[] = "tnrs\\", MEANT[] = "\t\n\r \\";
    const char *found;

    if (**at != '\\') {
        buf_add_char(out, *(*at)++);
        return;
    }
    ++*at;
    found = **at ? strchr(PLAIN, **at) : NULL;
    if (found) {
        buf_add_char(out, MEANT[found - PLAIN]);
        ++*at;
    } else if (strncmp(*at, "u{", 2) == 0) {
        *at += 2;
        add_point(out, hex(at, 6));
        assert_int_equal(*(*at)++, '}');
    } else if (**at == 'u') {
        ++*at;
        add_point(out, hex(at, 4));
    } else {
        assert_int_equal(*(*at)++, 'x');
        buf_add_char(out, (char)hex(at, 2));
    }
}

/* "{{x*35}}", where x may be several characters and escapes. */
static void expand_repeat(const char **at, struct buf *out)
{
    struct buf piece = {.cap = 256};
    unsigned long times;
    char *end;

    for (*at += 2; **at != '*';)
        expand_one(at, &piece);
    times = strtoul(*at + 1, &end, 10);
    assert_int_equal(strncmp(end, "}}", 2), 0);
    *at = end + 2;
    while (times-- > 0)
        buf_add_span(out, buf_span(&piece));
    buf_free(&piece);
}

static void expand(const char *text, struct buf *out)
{
    buf_reset(out);
    while (*text)
        if (strncmp(text, "{{", 2) == 0)
            expand_repeat(&text, out);
        else
            expand_one(&text, out);
}

static void reset_rules(struct table *table)
{
    table->country[0] = table->calling_code[0] = '\0';
    table->rules = (struct record_rules){.list_separator = ';',
                                         .allow_internal = true,
                                         .check_address = true,
                                         .now_ms = INT64_C(1781524800000)}; /* 2026-06-15T12:00:00Z */
}

/* "@ reset" or "@ key = value". */
static void apply_setting(struct table *table, const char *line)
{
    struct span value = span_of(line + 1), key;
    const char *text;

    if (strcmp(line, "@ reset") == 0) {
        reset_rules(table);
        return;
    }
    (void)span_cut(&value, '=', &key);
    key = span_trim(key);
    value = span_trim(value);
    if (value.len == 0 || value.len >= sizeof table->country)
        fail_msg("%s:%zu: not a setting", table->path, table->line);
    text = value.ptr;
    if (span_is(key, "billing_country_code"))
        (void)snprintf(table->country, sizeof table->country, "%.*s", (int)value.len, text);
    else if (span_is(key, "calling_code"))
        (void)snprintf(table->calling_code, sizeof table->calling_code, "%.*s", (int)value.len, text);
    else if (span_is(key, "address_check"))
        table->rules.check_address = !span_is(value, "off");
    else if (span_is(key, "list_separator"))
        table->rules.list_separator = text[0];
    else
        fail_msg("%s:%zu: unknown setting %.*s", table->path, table->line, (int)key.len, key.ptr);
    table->rules.calling_code = span_of(table->calling_code);
}

static void add_item(struct buf *out, struct span item)
{
    if (out->len > 0)
        buf_add_text(out, " ; ");
    buf_add_span(out, item);
}

/* The value or the codes of one field, in the form of the third column. */
static void describe(const struct record *record, enum field field, struct buf *out)
{
    int64_t id = field == FIELD_CUSTOMER_ID ? record->customer_id
                 : field == FIELD_CARD_ID   ? record->card_id
                                            : record->account_id;

    buf_reset(out);
    for (size_t i = 0; i < record->problem_count; i++)
        if (record->problems[i].field == field)
            buf_addf(out, "%s%s", out->len ? " " : "!", problem_name(record->problems[i].code));
    if (out->len > 0)
        return;
    if (field <= FIELD_CARD_ID)
        buf_addf(out, "%lld", (long long)id);
    for (size_t i = 0; field == FIELD_EMAILS && i < record->email_count; i++)
        add_item(out, record->emails[i]);
    for (size_t i = 0; field == FIELD_PHONES && i < record->phone_count; i++)
        add_item(out, record->phones[i]);
    for (size_t i = 0; field == FIELD_NATIONAL_IDENTIFIERS && i < record->identifier_count; i++) {
        add_item(out, record->identifiers[i].type);
        buf_add_char(out, ':');
        buf_add_span(out, record->identifiers[i].value);
    }
    buf_add_span(out, record->text[field]);
    if (out->len == 0)
        buf_add_text(out, "(nothing)");
}

static enum field find_field(const struct table *table, const char *name)
{
    unsigned field = 0;

    while (field < FIELD_COUNT && strcmp(field_name((enum field)field), name) != 0)
        field++;
    if (field == FIELD_COUNT)
        fail_msg("%s:%zu: there is no field '%s'", table->path, table->line, name);
    return (enum field)field;
}

static void run_case(struct table *table, char *line)
{
    char *input = strchr(line, '\t'), *expected = input ? strchr(input + 1, '\t') : NULL;
    struct raw_fields raw = {0};
    enum field field;

    if (!input || !expected) {
        fail_msg("%s:%zu: not three cells", table->path, table->line);
        return;
    }
    *input++ = *expected++ = '\0';
    field = find_field(table, line);
    expand(input, &table->input);
    expand(expected, &table->expected);
    raw.whole[FIELD_BILLING_COUNTRY_CODE] = span_of(table->country);
    raw.whole[field] = buf_span(&table->input);
    record_judge(&table->record, &table->rules, IN_BOTH, &raw);
    describe(&table->record, field, &table->got);
    table->cases++;
    if (span_same(buf_span(&table->got), buf_span(&table->expected)))
        return;
    table->failed++;
    print_error("%s:%zu: %s '%s': expected '%s', got '%s'\n", table->path, table->line, line, input, expected,
                buf_text(&table->got));
}

static void test_every_line(void **state)
{
    const char *folder = getenv("CTP_TESTDATA");
    struct table table = {.input.cap = 65536, .expected.cap = 65536, .got.cap = 65536};
    char path[4096], *line = NULL;
    size_t size = 0;
    ssize_t len;
    FILE *file;

    (void)state;
    assert_true(snprintf(path, sizeof path, "%s/normalize.tsv", folder ? folder : "testdata") <
                (int)sizeof path);
    table.path = path;
    file = fopen(path, "r");
    assert_non_null(file);
    record_init(&table.record);
    reset_rules(&table);
    while ((len = getline(&line, &size, file)) >= 0) {
        table.line++;
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (line[0] == '@')
            apply_setting(&table, line);
        else if (line[0] != '\0' && line[0] != '#')
            run_case(&table, line);
    }
    print_message("%zu cases, %zu failed\n", table.cases, table.failed);
    assert_true(table.cases >= LEAST_CASES);
    assert_int_equal(table.failed, 0);
    (void)fclose(file);
    free(line);
    record_free(&table.record);
    buf_free(&table.input);
    buf_free(&table.expected);
    buf_free(&table.got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_line)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
