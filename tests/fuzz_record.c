/* Fuzz entry over the way of a record: header -> columns -> fields -> judgement -> sentences.
 *
 * The first byte chooses rules and files; the rest is cut at 0x1E (so that NUL and line ends can stand in
 * cells) into cells, which become a record under a header of all columns, and, once more, a header
 * themselves. Whatever comes, what is kept must keep the promises of record.h. Build: clang
 * -fsanitize=fuzzer,... */
#include "rule/columns.h"
#include "rule/record.h"

#include <assert.h>
#include <string.h>
#include <unistr.h>

enum { CELLS_MOST = 60, CELL_SEPARATOR = 0x1E };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t cut(const uint8_t *data, size_t size, struct span *cells)
{
    struct span rest = {(const char *)data, size};
    size_t count = 0;

    while (count < CELLS_MOST && span_cut(&rest, CELL_SEPARATOR, &cells[count]))
        count++;
    return count;
}

static size_t points(struct span text)
{
    assert(text.len == 0 || u8_check((const uint8_t *)text.ptr, text.len) == NULL);
    return text.len == 0 ? 0 : u8_mbsnlen((const uint8_t *)text.ptr, text.len);
}

static bool inside(const struct record *record, struct span text)
{
    return text.ptr >= record->bytes.ptr && text.ptr + text.len <= record->bytes.ptr + record->bytes.len;
}

static void check_lists(const struct record *record)
{
    assert(record->email_count <= LIST_MAX && record->phone_count <= LIST_MAX);
    assert(record->identifier_count <= LIST_MAX);
    for (size_t i = 0; i < record->email_count; i++) {
        assert(inside(record, record->emails[i]) &&
               memchr(record->emails[i].ptr, '@', record->emails[i].len));
        assert(points(record->emails[i]) >= 3);
    }
    for (size_t i = 0; i < record->phone_count; i++) {
        assert(inside(record, record->phones[i]) && record->phones[i].len >= 8 &&
               record->phones[i].len <= 15);
        for (size_t j = 0; j < record->phones[i].len; j++)
            assert(record->phones[i].ptr[j] >= '0' && record->phones[i].ptr[j] <= '9');
    }
    for (size_t i = 0; i < record->identifier_count; i++)
        assert(points(record->identifiers[i].value) >= 1 && points(record->identifiers[i].value) <= 24);
}

static void check_record(const struct record *record)
{
    assert(record->problem_count <= RECORD_PROBLEMS_MAX);
    assert(record->bytes.len < record->bytes.size || record->bytes.size == 0);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        struct span text = record->text[field];
        size_t most = field_most((enum field)field);
        assert(most == 0 || points(text) <= most);
        assert(text.len == 0 || (text.ptr[0] != ' ' && text.ptr[text.len - 1] != ' '));
    }
    check_lists(record);
    for (size_t i = 0; i < record->problem_count; i++) {
        struct buf text = {.cap = 1024};
        assert(i == 0 || record->problems[i - 1].field <= record->problems[i].field);
        record_problem_text(&record->problems[i], &text);
        assert(text.len > 0 && !text.full);
        (void)points(buf_span(&text));
        buf_free(&text);
    }
}

/* What is sent must be accepted again as it is: normalising twice changes nothing. */
static void check_again(const struct record *record, const struct record_rules *rules)
{
    struct raw_fields raw = {0};
    struct record_rules plain = *rules;
    struct record again;

    plain.calling_code = span_of(NULL);
    plain.owner_bid = plain.locale = plain.consent_time = span_of(NULL);
    plain.consent_version = plain.consent_presenter = span_of(NULL);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        raw.whole[field] = record->text[field];
    memcpy(raw.emails, record->emails, record->email_count * sizeof raw.emails[0]);
    record_init(&again);
    record_judge(&again, &plain, record->files, &raw);
    for (unsigned field = 0; field < FIELD_COUNT; field++)
        assert(span_same(again.text[field], record->text[field]));
    assert(again.email_count == record->email_count);
    for (size_t i = 0; i < record->email_count; i++)
        assert(span_same(again.emails[i], record->emails[i]));
    record_free(&again);
}

static void judge(struct record *record, uint8_t choice, const struct raw_fields *raw)
{
    struct record_rules rules = {.list_separator = choice & 4 ? ',' : ';',
                                 .allow_internal = choice & 8,
                                 .check_address = choice & 16,
                                 .skip_status = SPAN("OPTED_OUT; closed"),
                                 .now_ms = INT64_C(1781524800000)};

    if (choice & 32) {
        rules.calling_code = SPAN("55");
        rules.owner_bid = SPAN("1000052");
        rules.locale = SPAN("pt-br");
        rules.consent_time = SPAN("2020-05-05");
        rules.consent_version = SPAN("1.0");
    }
    record_judge(record, &rules, choice % 4 == 0 ? IN_BOTH : choice % 4, raw);
    check_record(record);
    check_again(record, &rules);
}

static void use_as_header(uint8_t choice, const struct span *cells, size_t count)
{
    struct column_setting settings[] = {{"first_name", "Given Name", NULL}, {"billing-city", NULL, "Lisboa"}};
    struct column_options options = {.settings = settings,
                                     .count = choice & 64 ? 2 : 0,
                                     .files = choice % 4 == 0 ? IN_BOTH : choice % 4,
                                     .has_owner_bid = choice & 8,
                                     .has_locale = choice & 16,
                                     .allow_internal = choice & 32};
    struct columns *columns = NULL;
    struct fail fail = {.kind = FAIL_NONE};
    struct raw_fields raw;

    if (columns_open(&columns, cells, count, &options, &fail) != 0) {
        assert(fail.kind == FAIL_INPUT && fail.text[0] != '\0');
        return;
    }
    for (size_t i = 0; columns_ignored(columns, i); i++)
        assert(columns_ignored(columns, i)[0] != '\0');
    columns_pick(columns, cells, count / 2, &raw);
    columns_close(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record record; /* kept over the runs, as the program does */
    struct span cells[CELLS_MOST] = {{0}};
    struct raw_fields raw = {0};
    size_t count;

    if (size == 0)
        return 0;
    if (record.bytes.cap == 0)
        record_init(&record);
    count = cut(data + 1, size - 1, cells);
    memcpy(&raw, cells, sizeof raw < sizeof cells ? sizeof raw : sizeof cells);
    judge(&record, data[0], &raw);
    use_as_header(data[0], cells, count);
    return 0;
}
