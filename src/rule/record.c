/* The order of judgement is the order of FIELD_TABLE. Every cell is cleaned straight into the record's bytes,
 * which are reserved from the raw length up front and used again for the next record: nothing is allocated
 * per record once the longest has been seen. Lists, the billing address and the sentences for people stand in
 * record_list.c, record_address.c and record_text.c. */
#include "rule/record.h"

#include "record_impl.h"
#include "value/country.h"
#include "value/locale.h"
#include "value/pan.h"
#include "value/text.h"
#include "value/timestamp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CELLS_MOST = 64 }; /* cells and list items that one record can keep */

_Static_assert(sizeof(struct raw_fields) % sizeof(struct span) == 0, "raw_fields is spans only");
_Static_assert(sizeof(struct raw_fields) / sizeof(struct span) <= CELLS_MOST,
               "every cell has its extra bytes");

void record_init(struct record *record)
{
    *record = (struct record){.bytes = {.cap = SIZE_MAX - 1}};
}

void record_free(struct record *record)
{
    buf_free(&record->bytes);
    record_init(record);
}

/* Problems are few: the place in field order is found from the end. The last slot is kept for the notice that
 * there were more. */
static void note(struct record *record, const struct problem *problem)
{
    size_t at = record->problem_count;

    if (at == RECORD_PROBLEMS_MAX) {
        (void)snprintf(record->problems[at - 1].detail, sizeof problem->detail, "and more problems");
        return;
    }
    while (at > 0 && record->problems[at - 1].field > problem->field) {
        record->problems[at] = record->problems[at - 1];
        at--;
    }
    record->problems[at] = *problem;
    record->problem_count++;
}

static void note_parts(struct record *record, enum problem_code code, struct place place, const char *detail)
{
    struct problem problem = {.code = code, .field = place.field, .item = place.item};

    (void)snprintf(problem.detail, sizeof problem.detail, "%s", detail ? detail : "");
    note(record, &problem);
}

void record_add_problem(struct record *record, enum problem_code code, enum field field, const char *detail)
{
    note_parts(record, code, (struct place){field, 0}, detail);
}

void desk_problem(struct desk *desk, enum problem_code code, struct place place, const char *detail)
{
    note_parts(desk->record, code, place, detail);
}

/* Forgets the last judgement; the bytes stay allocated. */
static void clear(struct record *record)
{
    record->files = 0;
    record->customer_id = record->account_id = record->card_id = 0;
    memset(record->text, 0, sizeof record->text);
    record->email_count = record->phone_count = record->identifier_count = 0;
    record->skip = record->has_address = record->unusual_address = false;
    record->problem_count = 0;
    buf_reset(&record->bytes);
}

void record_refuse(struct record *record, enum problem_code code, const char *detail)
{
    clear(record);
    record_add_problem(record, code, FIELD_RECORD, detail);
}

static size_t raw_length(const struct raw_fields *raw, const struct record_rules *rules)
{
    const struct span *cells = (const struct span *)raw;
    size_t sum = rules->owner_bid.len + rules->locale.len + rules->consent_time.len +
                 rules->consent_version.len + rules->consent_presenter.len;

    for (size_t i = 0; i < sizeof *raw / sizeof *cells; i++)
        sum += cells[i].len;
    return sum;
}

static void reserve(struct buf *bytes, size_t raw_len)
{
    size_t want = raw_len * CELL_GROWTH + (size_t)CELLS_MOST * CELL_EXTRA;

    assert(raw_len < SIZE_MAX / 16);
    if (bytes->size > want)
        return;
    buf_free(bytes); /* nothing in it is needed any more: no copy */
    bytes->size = want + want / 2 + 1;
    bytes->ptr = mem_grow(NULL, bytes->size, 1);
}

static enum taken note_text_fault(struct desk *desk, struct place place, enum text_fault fault,
                                  const struct text *text)
{
    char control[24];

    if (fault == TEXT_NOT_UTF8) {
        desk_problem(desk, PROBLEM_BAD_UTF8, place, desk->rules->encoding);
    } else {
        (void)snprintf(control, sizeof control, "control U+%04X", (unsigned)text->control);
        desk_problem(desk, PROBLEM_BAD_CHARACTER, place, control);
    }
    return TAKEN_FAULT;
}

enum taken desk_clean(struct desk *desk, struct place place, struct span raw, struct text *text)
{
    enum text_fault fault = text_clean(raw, desk->next, text);

    if (fault != TEXT_OK)
        return note_text_fault(desk, place, fault, text);
    return text->span.len == 0 ? TAKEN_EMPTY : TAKEN_TEXT;
}

struct span desk_keep(struct desk *desk, size_t len)
{
    struct span kept = {desk->next, len};

    desk->next += len;
    return kept;
}

static void note_too_long(struct desk *desk, struct place place, size_t points)
{
    char detail[64]; /* two 20-digit numbers would fit; a problem keeps 40, which these never reach */

    (void)snprintf(detail, sizeof detail, "%zu characters, %zu at most", points, field_most(place.field));
    desk_problem(desk, PROBLEM_TOO_LONG, place, detail);
}

bool desk_too_long(struct desk *desk, struct place place, size_t points)
{
    if (points <= field_most(place.field))
        return false;
    note_too_long(desk, place, points);
    return true;
}

static void required(struct desk *desk, enum field field)
{
    desk_problem(desk, PROBLEM_REQUIRED, (struct place){field, 0}, NULL);
}

/* The cell, or the default where the cell is empty. */
static enum taken take_or(struct desk *desk, enum field field, struct span raw, struct span fallback,
                          struct text *text)
{
    enum taken taken = desk_take(desk, (struct place){field, 0}, raw, text);

    return taken == TAKEN_EMPTY ? desk_take(desk, (struct place){field, 0}, fallback, text) : taken;
}

static const char *integer_fault(struct span text)
{
    const char *damage = text_damage(text);
    bool zero = true;

    if (damage)
        return damage;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return NULL;
        zero = zero && text.ptr[i] == '0';
    }
    return zero ? "zero" : "too large";
}

static void judge_id(struct desk *desk, enum field field, struct span raw, int64_t *out)
{
    struct place place = {field, 0};
    struct text text = {.span = raw};
    int64_t id = 0;
    /* Digits alone are clean as they stand. */
    enum taken taken = span_to_id(raw, &id) == 0 ? TAKEN_TEXT : desk_take(desk, place, raw, &text);

    if (taken == TAKEN_EMPTY)
        required(desk, field);
    if (taken != TAKEN_TEXT)
        return;
    if (field == FIELD_CARD_ID && pan_like(text.span))
        desk_problem(desk, PROBLEM_LOOKS_LIKE_PAN, place, NULL);
    else if (id > 0 || span_to_id(text.span, &id) == 0)
        *out = id;
    else
        desk_problem(desk, PROBLEM_BAD_INTEGER, place, integer_fault(text.span));
}

/* Text of any characters. */
static enum taken judge_text(struct desk *desk, enum field field, struct span raw, struct span fallback)
{
    struct place place = {field, 0};
    struct text text;
    enum taken taken = take_or(desk, field, raw, fallback, &text);
    const char *damage;

    if (taken != TAKEN_TEXT)
        return taken;
    damage = text_damage(text.span);
    if (damage) {
        desk_problem(desk, PROBLEM_BAD_FORMAT, place, damage);
        return TAKEN_FAULT;
    }
    if (field_most(field) > 0 && desk_too_long(desk, place, text.points))
        return TAKEN_FAULT;
    desk->record->text[field] = desk_keep(desk, text.span.len);
    return taken;
}

static void judge_locale(struct desk *desk, struct span raw)
{
    struct place place = {FIELD_LOCALE, 0};
    struct text text;
    enum taken taken = take_or(desk, FIELD_LOCALE, raw, desk->rules->locale, &text);
    char detail[16];

    if (taken == TAKEN_EMPTY)
        required(desk, FIELD_LOCALE);
    if (taken != TAKEN_TEXT)
        return;
    switch (locale_normalise(text.span, desk->next)) {
    case LOCALE_OK:
        desk->record->text[FIELD_LOCALE] = desk_keep(desk, LOCALE_LEN);
        break;
    case LOCALE_FORM:
        desk_problem(desk, PROBLEM_BAD_LOCALE, place, text_damage(text.span));
        break;
    case LOCALE_LANGUAGE:
        (void)snprintf(detail, sizeof detail, "language %.2s", text.span.ptr);
        desk_problem(desk, PROBLEM_BAD_LOCALE, place, detail);
        break;
    case LOCALE_COUNTRY:
        (void)snprintf(detail, sizeof detail, "country %.2s", text.span.ptr + 3);
        desk_problem(desk, PROBLEM_BAD_LOCALE, place, detail);
        break;
    }
}

/* What a program made of a date: a count of days (45234, 45234.5) or of seconds. */
static const char *time_damage(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '.' && text.ptr[i] != ',')
            return text_damage(text);
    return "a number instead of a date";
}

/* consent_time; returns whether one is given, valid or not. */
static bool judge_consent_time(struct desk *desk, struct span raw)
{
    static const char *const FAULTS[] = {
        [TIMESTAMP_CALENDAR] = "no day of the calendar", [TIMESTAMP_CLOCK] = "no time of the day"};
    struct place place = {FIELD_CONSENT_TIME, 0};
    struct text text;
    enum taken taken = take_or(desk, FIELD_CONSENT_TIME, raw, desk->rules->consent_time, &text);
    enum timestamp_fault fault;

    if (taken != TAKEN_TEXT)
        return taken == TAKEN_FAULT;
    fault = timestamp_normalise(text.span, desk->rules->now_ms, desk->next);
    if (fault == TIMESTAMP_OK)
        desk->record->text[FIELD_CONSENT_TIME] = desk_keep(desk, TIMESTAMP_LEN);
    else if (fault == TIMESTAMP_FUTURE)
        desk_problem(desk, PROBLEM_IN_FUTURE, place, NULL);
    else
        desk_problem(desk, PROBLEM_BAD_TIMESTAMP, place,
                     fault == TIMESTAMP_FORM ? time_damage(text.span) : FAULTS[fault]);
    return true;
}

static void judge_consent(struct desk *desk, const struct raw_fields *raw)
{
    const struct record_rules *rules = desk->rules;
    bool time = judge_consent_time(desk, raw->whole[FIELD_CONSENT_TIME]);
    enum taken version =
        judge_text(desk, FIELD_CONSENT_VERSION, raw->whole[FIELD_CONSENT_VERSION], rules->consent_version);
    enum taken presenter = judge_text(desk, FIELD_CONSENT_PRESENTER, raw->whole[FIELD_CONSENT_PRESENTER],
                                      rules->consent_presenter);

    if (!time && (version != TAKEN_EMPTY || presenter != TAKEN_EMPTY))
        required(desk, FIELD_CONSENT_TIME);
}

static void judge_name(struct desk *desk, enum field field, const struct raw_fields *raw, bool needed)
{
    enum taken taken = judge_text(desk, field, raw->whole[field], (struct span){"", 0});

    if (taken == TAKEN_EMPTY && needed)
        required(desk, field);
}

/* Short enough to be a code, and nothing but letters and digits: such a text identifies nobody. */
static bool may_quote(const struct text *text)
{
    for (size_t i = 0; i < text->span.len; i++) {
        char c = text->span.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return text->span.len <= 3;
}

static void note_country(struct desk *desk, struct place place, const struct text *text)
{
    const char *meant = country_meant(text->span);
    char detail[8] = "";

    if (may_quote(text))
        (void)snprintf(detail, sizeof detail, "%.*s", (int)text->span.len, text->span.ptr);
    else if (meant)
        (void)snprintf(detail, sizeof detail, "=%s", meant);
    desk_problem(desk, PROBLEM_BAD_COUNTRY, place, detail);
}

bool desk_country(struct desk *desk, enum field field, struct span raw)
{
    struct place place = {field, 0};
    const char *alpha3 = country_alpha3(raw); /* a code is clean as it stands */
    struct text text;

    if (!alpha3) {
        enum taken taken = desk_take(desk, place, raw, &text);
        if (taken != TAKEN_TEXT)
            return taken == TAKEN_FAULT;
        alpha3 = country_alpha3(text.span);
    }
    if (alpha3)
        desk->record->text[field] = (struct span){alpha3, ALPHA3_LEN};
    else
        note_country(desk, place, &text);
    return true;
}

/* The sender's settings list statuses joined by ';'. */
static bool is_skipped(struct span status, struct span list)
{
    struct span rest = list, item;

    while (list.len > 0 && status.len > 0 && span_cut(&rest, ';', &item)) {
        item = span_trim(item);
        if (item.len == status.len && strncasecmp(item.ptr, status.ptr, item.len) == 0)
            return true;
    }
    return false;
}

/* A status that a spreadsheet lost may have been one to skip: nobody may be enrolled on it. */
static void judge_status(struct desk *desk, struct span raw)
{
    struct place place = {FIELD_STATUS, 0};
    struct text text;
    const char *damage;

    if (desk_take(desk, place, raw, &text) != TAKEN_TEXT)
        return;
    desk->record->text[FIELD_STATUS] = desk_keep(desk, text.span.len);
    desk->record->skip = is_skipped(text.span, desk->rules->skip_status);
    damage = text_damage(text.span);
    if (damage && !desk->record->skip)
        desk_problem(desk, PROBLEM_BAD_FORMAT, place, damage);
}

static void judge_card(struct desk *desk, const struct raw_fields *raw)
{
    judge_id(desk, FIELD_ACCOUNT_ID, raw->whole[FIELD_ACCOUNT_ID], &desk->record->account_id);
    judge_id(desk, FIELD_CARD_ID, raw->whole[FIELD_CARD_ID], &desk->record->card_id);
    if (judge_text(desk, FIELD_OWNER_BID, raw->whole[FIELD_OWNER_BID], desk->rules->owner_bid) == TAKEN_EMPTY)
        required(desk, FIELD_OWNER_BID);
}

static void judge_customer(struct desk *desk, const struct raw_fields *raw)
{
    bool needed = !desk->rules->allow_internal;

    judge_locale(desk, raw->whole[FIELD_LOCALE]);
    judge_name(desk, FIELD_FIRST_NAME, raw, needed);
    judge_name(desk, FIELD_MIDDLE_NAME, raw, false);
    judge_name(desk, FIELD_LAST_NAME, raw, needed);
    desk_country(desk, FIELD_COUNTRY_CODE, raw->whole[FIELD_COUNTRY_CODE]);
    if (!record_judge_emails(desk, raw) && needed)
        required(desk, FIELD_EMAILS);
    if (!record_judge_phones(desk, raw) && needed)
        required(desk, FIELD_PHONES);
    record_judge_identifiers(desk, raw);
    judge_consent(desk, raw);
}

void record_judge(struct record *record, const struct record_rules *rules, unsigned files,
                  const struct raw_fields *raw)
{
    struct desk desk = {.record = record, .rules = rules};

    clear(record);
    reserve(&record->bytes, raw_length(raw, rules));
    record->files = files;
    desk.next = record->bytes.ptr;
    judge_id(&desk, FIELD_CUSTOMER_ID, raw->whole[FIELD_CUSTOMER_ID], &record->customer_id);
    if (files & IN_CARDS)
        judge_card(&desk, raw);
    if (files & IN_CUSTOMERS)
        judge_customer(&desk, raw);
    record_judge_address(&desk, raw);
    if (files == IN_BOTH && !record->has_address && !rules->allow_internal)
        required(&desk, FIELD_BILLING_LINE1);
    judge_status(&desk, raw->whole[FIELD_STATUS]);
    record->bytes.len = (size_t)(desk.next - record->bytes.ptr);
}
