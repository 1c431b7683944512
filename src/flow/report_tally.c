#include "report_impl.h"

#include "rule/api_event.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Codes are ours and made of these; anything else would be text from outside. */
static bool is_code(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", text.ptr[i]) || text.ptr[i] == '\0')
            return false;
    return text.len > 0 && text.len < TALLY_NAME_SIZE;
}

static bool same_group(const struct tally_group *a, const struct tally_group *b)
{
    return a->state == b->state && a->customers == b->customers && a->problem == b->problem &&
           strcmp(a->code, b->code) == 0 && strcmp(a->words, b->words) == 0;
}

static void add(struct report_tally *tally, const struct tally_group *one, enum field field)
{
    size_t i = 0;

    while (i < tally->count && !same_group(&tally->group[i], one))
        i++;
    if (i == TALLY_GROUPS) {
        tally->other++;
        return;
    }
    if (i == tally->count)
        tally->group[tally->count++] = *one;
    tally->group[i].count++;
    tally->group[i].fields[field]++;
}

static void set_name(struct tally_group *group, struct span name)
{
    memcpy(group->code, name.ptr, name.len);
    group->code[name.len] = '\0';
}

static void set_code(struct tally_group *group, struct span code)
{
    set_name(group, is_code(code) ? code : SPAN("other"));
}

/* Codes and fields are lists in the same order. */
static void add_refused(struct report_tally *tally, const struct ledger_row_state *row,
                        const struct tally_group *common)
{
    struct span codes = row->code, fields = row->field, code, name;

    while (span_cut(&codes, ';', &code)) {
        struct tally_group one = *common;
        enum field field = FIELD_RECORD;
        if (span_cut(&fields, ';', &name) && field_find(name, &field) != 0)
            field = FIELD_RECORD;
        if (problem_find(code, &one.problem) != 0)
            one.problem = PROBLEM_COUNT;
        set_code(&one, code);
        add(tally, &one, field);
    }
}

static bool begins(struct span text, struct span with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

/* Visa's reason code in the words: VIDC and four digits. */
static bool find_reason_code(struct span text, struct span *out)
{
    static const char family[] = "VIDC-";
    size_t letters = sizeof family - 1, len = letters + 4;

    for (; text.len >= len; text.ptr++, text.len--) {
        size_t digits = 0;
        if (!begins(text, span_of(family)))
            continue;
        while (letters + digits < text.len && isdigit((unsigned char)text.ptr[letters + digits]))
            digits++;
        *out = (struct span){text.ptr, len};
        if (digits == 4)
            return true;
    }
    return false;
}

/* Masked a second time, since this goes from hand to hand; words that stand in a group already are known to
 * be masked. Evidence by numbers adds a sentence of its own behind the last semicolon. */
static void set_words(const struct report_tally *tally, struct tally_group *group, struct span message,
                      bool weak)
{
    size_t len = message.len;

    while (weak && len > 0 && message.ptr[len - 1] != ';')
        len--;
    message.len = weak && len > 0 ? len - 1 : len;
    for (size_t i = 0; i < tally->count; i++)
        if (span_same(message, span_of(tally->group[i].words))) {
            memcpy(group->words, tally->group[i].words, sizeof group->words);
            return;
        }
    if (message.len > 0 && tally->texts < TALLY_TEXTS)
        api_event_words(message, group->words, sizeof group->words);
}

static void add_declined(struct report_tally *tally, const struct ledger_row_state *row,
                         struct tally_group *one)
{
    size_t groups = tally->count;
    struct span reason;

    set_code(one, row->code);
    if (begins(row->code, SPAN("event_failure")) && find_reason_code(row->message, &reason))
        set_name(one, reason);
    else if (begins(row->code, SPAN("event_failure")))
        set_words(tally, one, row->message, row->code.len > sizeof "event_failure" - 1);
    add(tally, one, FIELD_RECORD);
    tally->texts += tally->count > groups && one->words[0];
}

void report_tally_card(struct report_tally *tally, const struct ledger_row_state *row)
{
    struct tally_group one = {
        .state = row->state, .problem = PROBLEM_COUNT, .file = row->place.file, .line = row->place.line};
    bool waits = row->state == JOB_READY || (row->state == JOB_HELD && row->due_ms < 0);
    bool asleep = row->state == JOB_ALREADY && row->call == CALL_CUSTOMER;

    tally->lines[row->state]++;
    tally->asleep += asleep;
    if (row->state == JOB_INVALID) {
        add_refused(tally, row, &one);
    } else if (row->state == JOB_DECLINED) {
        add_declined(tally, row, &one);
    } else if (row->state == JOB_ACCEPTED && row->updated_ms <= tally->overdue_ms) {
        set_code(&one, SPAN("overdue"));
        add(tally, &one, FIELD_RECORD);
    } else if (job_state_failed(row->state) || asleep || (waits && row->code.len > 0)) {
        set_code(&one, row->code);
        add(tally, &one, FIELD_RECORD);
    }
}

int report_tally_events(struct report_tally *tally, struct ledger *ledger, struct fail *fail)
{
    struct ledger_against against;
    int rc;

    if (ledger_against_begin(ledger, fail) != 0)
        return -1;
    while ((rc = ledger_against_next(ledger, &against, fail)) == 1) {
        struct tally_group one = {
            .state = against.state, .problem = PROBLEM_COUNT, .file = against.file, .line = against.line};
        set_code(&one, against.well ? SPAN("late_success") : SPAN("late_failure"));
        if (tally->count == TALLY_GROUPS) {
            tally->other += against.cards;
            continue;
        }
        one.count = against.cards;
        tally->group[tally->count++] = one;
    }
    return rc;
}

int report_tally_customers(struct report_tally *tally, struct ledger *ledger, struct fail *fail)
{
    struct ledger_row_state row;
    int rc;

    if (ledger_rows_begin(ledger, ROWS_REFUSED_CUSTOMERS, fail) != 0)
        return -1;
    while ((rc = ledger_rows_next(ledger, &row, fail)) == 1)
        add_refused(
            tally, &row,
            &(struct tally_group){
                .state = JOB_INVALID, .customers = true, .file = row.place.file, .line = row.place.line});
    return rc;
}

static int compare(const void *a, const void *b)
{
    const struct tally_group *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->state != y->state)
        return x->state < y->state ? -1 : 1;
    return strcmp(x->code, y->code) != 0 ? strcmp(x->code, y->code) : strcmp(x->words, y->words);
}

void report_tally_sort(struct report_tally *tally)
{
    qsort(tally->group, tally->count, sizeof tally->group[0], compare);
}
