/* E-mails, phones and national identifiers: the parts of the whole list cell first, then the numbered
 * columns. Empty parts are no values, so a trailing separator is harmless. Values beyond LIST_MAX are
 * counted, not judged: the record cannot be sent with them anyway. */
#include "record_impl.h"

#include "value/email.h"
#include "value/phone.h"
#include "value/text.h"

#include <stdio.h>
#include <string.h>

/* Judges one clean value that stands at desk->next. */
typedef void judge_value(struct desk *desk, struct place place, const struct text *text);

static void too_many(struct desk *desk, enum field field, size_t count)
{
    char detail[40];

    if (count <= LIST_MAX)
        return;
    (void)snprintf(detail, sizeof detail, "%zu", count);
    desk_problem(desk, PROBLEM_TOO_MANY, (struct place){field, 0}, detail);
}

/* One part of a list: counted when it is given, judged when it is among the first LIST_MAX. */
static void judge_part(struct desk *desk, enum field field, struct span raw, size_t *count,
                       judge_value *judge)
{
    struct place place = {field, (unsigned)*count + 1};
    struct text text;

    if (*count >= LIST_MAX) {
        *count += span_trim(raw).len > 0;
        return;
    }
    switch (desk_take(desk, place, raw, &text)) {
    case TAKEN_EMPTY:
        return;
    case TAKEN_TEXT:
        judge(desk, place, &text);
        break;
    case TAKEN_FAULT:
        break;
    }
    (*count)++;
}

static size_t judge_list(struct desk *desk, enum field field, struct span whole, const struct span *numbered,
                         judge_value *judge)
{
    struct span rest = whole, part;
    size_t count = 0;

    while (whole.len > 0 && span_cut(&rest, desk->rules->list_separator, &part))
        judge_part(desk, field, part, &count, judge);
    for (size_t i = 0; numbered && i < LIST_MAX; i++)
        if (numbered[i].len > 0)
            judge_part(desk, field, numbered[i], &count, judge);
    return count;
}

static void judge_email(struct desk *desk, struct place place, const struct text *text)
{
    struct record *record = desk->record;
    size_t len = text->span.len;
    const char *fault = text_damage(text->span);

    if (desk_too_long(desk, place, text->points))
        return;
    if (!fault)
        fault = email_normalise(desk->next, &len, len * 2);
    if (fault)
        desk_problem(desk, PROBLEM_BAD_EMAIL, place, fault);
    else
        record->emails[record->email_count++] = desk_keep(desk, len);
}

static void judge_phone(struct desk *desk, struct place place, const struct text *text)
{
    struct record *record = desk->record;
    const char *fault = text_damage(text->span);
    size_t len = 0;

    if (!fault)
        fault = phone_normalise(text->span, desk->rules->calling_code, desk->next, &len);
    if (fault)
        desk_problem(desk, PROBLEM_BAD_PHONE, place, fault);
    else
        record->phones[record->phone_count++] = desk_keep(desk, len);
}

static const char *const TYPES[] = {"PASSPORT", "DRIVING_LICENSE", "NATIONAL_IDENTITY"}; /* the API's */

/* Empty when it is none of them. */
static struct span identifier_type(struct span text)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (span_is_nocase(text, TYPES[i]))
            return span_of(TYPES[i]);
    return (struct span){"", 0};
}

/* Two identifiers that something else than the list's separator parts. */
static bool holds_another(struct span value)
{
    for (size_t t = 0; t < sizeof TYPES / sizeof TYPES[0]; t++) {
        size_t len = strlen(TYPES[t]);
        for (size_t i = len; i < value.len; i++)
            if (value.ptr[i] == ':' && span_is_nocase((struct span){value.ptr + i - len, len}, TYPES[t]))
                return true;
    }
    return false;
}

/* `value` stands in the record's bytes, at or behind desk->next. */
static void judge_identifier_parts(struct desk *desk, struct place place, struct span type, struct span value)
{
    struct record *record = desk->record;
    struct span known = identifier_type(type);
    const char *fault = text_damage(value);

    if (type.len == 0)
        fault = "no type";
    else if (known.len == 0)
        fault = "unknown type";
    else if (value.len == 0)
        fault = "no value";
    else if (holds_another(value))
        fault = "another TYPE: inside its value";
    if (fault) {
        desk_problem(desk, PROBLEM_BAD_IDENTIFIER, place, fault);
        return;
    }
    if (desk_too_long(desk, place, text_points(value)))
        return;
    memmove(desk->next, value.ptr, value.len);
    record->identifiers[record->identifier_count++] = (struct identifier){known, desk_keep(desk, value.len)};
}

static void judge_identifier(struct desk *desk, struct place place, const struct text *text)
{
    struct span rest = text->span, type = {"", 0};

    if (!memchr(rest.ptr, ':', rest.len)) {
        desk_problem(desk, PROBLEM_BAD_IDENTIFIER, place, "no ':' between type and value");
        return;
    }
    (void)span_cut(&rest, ':', &type);
    judge_identifier_parts(desk, place, span_trim(type), span_trim(rest));
}

/* national_identifier_type_N and national_identifier_value_N; both stand in the record's bytes while
 * judged. */
static void judge_pair(struct desk *desk, struct span raw_type, struct span raw_value, size_t *count)
{
    struct place place = {FIELD_NATIONAL_IDENTIFIERS, (unsigned)*count + 1};
    struct text type = {.span = {"", 0}}, value = {.span = {"", 0}};
    char *start = desk->next;
    enum taken type_taken, value_taken;

    if (*count >= LIST_MAX) {
        *count += span_trim(raw_type).len > 0 || span_trim(raw_value).len > 0;
        return;
    }
    type_taken = desk_take(desk, place, raw_type, &type);
    if (type_taken == TAKEN_TEXT)
        (void)desk_keep(desk, type.span.len);
    value_taken = type_taken == TAKEN_FAULT ? TAKEN_FAULT : desk_take(desk, place, raw_value, &value);
    desk->next = start;
    if (type_taken == TAKEN_EMPTY && value_taken == TAKEN_EMPTY)
        return;
    if (value_taken != TAKEN_FAULT)
        judge_identifier_parts(desk, place, type_taken == TAKEN_TEXT ? type.span : SPAN(""),
                               value_taken == TAKEN_TEXT ? value.span : SPAN(""));
    (*count)++;
}

bool record_judge_emails(struct desk *desk, const struct raw_fields *raw)
{
    size_t count = judge_list(desk, FIELD_EMAILS, raw->whole[FIELD_EMAILS], raw->emails, judge_email);

    too_many(desk, FIELD_EMAILS, count);
    return count > 0;
}

bool record_judge_phones(struct desk *desk, const struct raw_fields *raw)
{
    size_t count = judge_list(desk, FIELD_PHONES, raw->whole[FIELD_PHONES], raw->phones, judge_phone);

    too_many(desk, FIELD_PHONES, count);
    return count > 0;
}

void record_judge_identifiers(struct desk *desk, const struct raw_fields *raw)
{
    size_t count = judge_list(desk, FIELD_NATIONAL_IDENTIFIERS, raw->whole[FIELD_NATIONAL_IDENTIFIERS], NULL,
                              judge_identifier);

    for (size_t i = 0; i < LIST_MAX; i++)
        if (raw->identifier_types[i].len > 0 || raw->identifier_values[i].len > 0)
            judge_pair(desk, raw->identifier_types[i], raw->identifier_values[i], &count);
    too_many(desk, FIELD_NATIONAL_IDENTIFIERS, count);
}
