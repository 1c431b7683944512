/* Server messages can echo what was sent, and what is stored must hold no personal data. The bytes to hide
 * are marked first, each rule for itself, so that values which overlap are hidden as a whole; then the text
 * is written with every marked run as "***".
 *
 * Text and values are compared folded (value/fold.h). Where the text seems to hold escapes it is searched
 * twice, as it stands and with the escapes read, for what looks like an escape may be none.
 *
 * Hidden of a personal value: itself, also without its blanks and signs, anywhere where it has five bytes or
 * more, else as a word; and each of its words of two or more code points, with apostrophes and hyphens
 * ("O'Ra") and without. The value as such must have two code points, a name one. Values below five bytes
 * count as words only: a first name "Ana" turning "banana" into "b***na" would tell the name. A name that
 * happens to be a word of the server's ("Pay") hides that word: better a poor message than a name. Hidden as
 * well: words with an '@'; runs of four or more digits; groups of digits joined by separators that have seven
 * or more (telephone numbers as people write them). The other values of the request, of three bytes or more,
 * are hidden as a whole. Codes of public lists (countries, locale, kind of identifier) are no secrets: whole
 * words, as written, else country EST would spoil "request". */
#include "api_impl.h"

#include "value/fold.h"
#include "value/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LEAST_VALUE = 3, LEAST_WORD = 2, LEAST_NAME = 1, WHOLE_BELOW = 5, LEAST_RUN = 4, LEAST_GROUPED = 7 };

struct mask {
    struct span text;
    unsigned char *marks; /* one a byte of the text: 1 hides it */
    struct fold view;     /* the text as it is searched */
    struct fold value;    /* the value at hand */
    uint32_t *squeezed;   /* the value at hand without blanks and signs */
    size_t squeezed_size;
};

/* Points of the view; `to` is not included. */
static void mark(struct mask *mask, size_t from, size_t to)
{
    struct span source = fold_source(&mask->view, from, to);

    memset(mask->marks + (source.ptr - mask->text.ptr), 1, source.len);
}

/* ---- values ---- */

/* An edge that is no word character itself stands alone anywhere. */
static bool stands_alone(const struct fold *view, size_t from, size_t to)
{
    const uint32_t *points = view->points;

    return (from == 0 || !fold_joins(points[from]) || !fold_joins(points[from - 1])) &&
           (to == view->count || !fold_joins(points[to - 1]) || !fold_joins(points[to]));
}

static void mark_points(struct mask *mask, const uint32_t *points, size_t count, bool anywhere)
{
    const struct fold *view = &mask->view;

    if (count == 0)
        return;
    for (size_t i = 0; i + count <= view->count; i++)
        if (view->points[i] == points[0] && memcmp(view->points + i, points, count * sizeof *points) == 0 &&
            (anywhere || stands_alone(view, i, i + count)))
            mark(mask, i, i + count);
}

/* Long as written, a value is hidden anywhere as written, also where it is short when folded. */
static void mark_literal(struct mask *mask, struct span value)
{
    if (value.len < WHOLE_BELOW)
        return;
    for (size_t i = 0; i + value.len <= mask->text.len; i++)
        if (strncasecmp(mask->text.ptr + i, value.ptr, value.len) == 0)
            memset(mask->marks + i, 1, value.len);
}

static bool is_long(const uint32_t *points, size_t count)
{
    return fold_bytes(points, count) >= WHOLE_BELOW;
}

/* A dash or a dot put in for a name hides no punctuation. */
static bool tells_something(const struct fold *value)
{
    for (size_t i = 0; i < value->count; i++)
        if (fold_is_word(value->points[i]))
            return true;
    return is_long(value->points, value->count);
}

/* The value as a whole; leaves it in mask->value. */
static void mark_whole(struct mask *mask, struct span value, size_t least)
{
    const struct fold *folded = &mask->value;

    fold_set(&mask->value, value, false);
    if (text_points(value) < least || !tells_something(folded))
        return;
    mark_literal(mask, value);
    mark_points(mask, folded->points, folded->count, is_long(folded->points, folded->count));
}

static void mark_squeezed(struct mask *mask, size_t least)
{
    const struct fold *folded = &mask->value;
    size_t count = 0;

    if (mask->squeezed_size < folded->count) {
        mask->squeezed = mem_grow(mask->squeezed, folded->count, sizeof *mask->squeezed);
        mask->squeezed_size = folded->count;
    }
    for (size_t i = 0; i < folded->count; i++)
        if (fold_is_word(folded->points[i]))
            mask->squeezed[count++] = folded->points[i];
    if (count >= least)
        mark_points(mask, mask->squeezed, count, is_long(mask->squeezed, count));
}

static bool is_inside(uint32_t point, bool compound)
{
    return fold_is_word(point) || (compound && (point == '\'' || point == '-'));
}

/* Each word of the value at hand; a compound one has its apostrophes and hyphens. */
static void mark_words(struct mask *mask, bool compound)
{
    const struct fold *folded = &mask->value;

    for (size_t i = 0, from; i < folded->count; i++) {
        for (from = i; i < folded->count && is_inside(folded->points[i], compound);)
            i++;
        if (i > from && text_points(fold_source(folded, from, i)) >= LEAST_WORD)
            mark_points(mask, folded->points + from, i - from, false);
    }
}

static void mark_personal(struct mask *mask, struct span value, size_t least)
{
    mark_whole(mask, value, least);
    mark_squeezed(mask, least);
    mark_words(mask, true);
    mark_words(mask, false);
}

/* Of the domain only the whole: its words are those of every other address. */
static void mark_address(struct mask *mask, struct span email)
{
    struct span domain = email, local, part;

    mark_whole(mask, email, LEAST_WORD);
    if (span_cut(&domain, '@', &local) != 1)
        return;
    mark_personal(mask, local, LEAST_WORD);
    while (span_cut(&local, '.', &part) == 1)
        mark_personal(mask, part, LEAST_WORD);
    if (domain.ptr)
        mark_whole(mask, domain, LEAST_WORD);
}

static void mark_code(struct mask *mask, struct span code)
{
    const struct fold *view = &mask->view;

    if (code.len < LEAST_VALUE)
        return;
    fold_set(&mask->value, code, false);
    for (size_t i = 0; mask->value.count > 0 && i + mask->value.count <= view->count; i++)
        if (memcmp(view->points + i, mask->value.points, mask->value.count * sizeof *view->points) == 0 &&
            stands_alone(view, i, i + mask->value.count) &&
            span_same(fold_source(view, i, i + mask->value.count), code))
            mark(mask, i, i + mask->value.count);
}

static void mark_number(struct mask *mask, int64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);

    assert(len > 0 && (size_t)len < sizeof digits);
    mark_whole(mask, (struct span){digits, (size_t)len}, LEAST_VALUE);
}

static void mark_field(struct mask *mask, enum field field, struct span value)
{
    switch (field) {
    case FIELD_STATUS: /* not part of the request */
        return;
    case FIELD_LOCALE:
    case FIELD_COUNTRY_CODE:
    case FIELD_BILLING_COUNTRY_CODE:
    case FIELD_BILLING_STATE:
        mark_code(mask, value);
        return;
    case FIELD_FIRST_NAME:
    case FIELD_MIDDLE_NAME:
    case FIELD_LAST_NAME:
        mark_personal(mask, value, LEAST_NAME);
        return;
    case FIELD_BILLING_LINE1:
    case FIELD_BILLING_LINE2:
    case FIELD_BILLING_LINE3:
    case FIELD_BILLING_CITY:
    case FIELD_BILLING_POSTAL_CODE:
        mark_personal(mask, value, LEAST_WORD);
        return;
    default:
        mark_whole(mask, value, LEAST_VALUE);
    }
}

static void mark_record(struct mask *mask, const struct record *record)
{
    mark_number(mask, record->customer_id);
    mark_number(mask, record->account_id);
    mark_number(mask, record->card_id);
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        mark_field(mask, (enum field)i, record->text[i]);
    for (size_t i = 0; i < record->email_count; i++)
        mark_address(mask, record->emails[i]);
    for (size_t i = 0; i < record->phone_count; i++)
        mark_personal(mask, record->phones[i], LEAST_WORD);
    for (size_t i = 0; i < record->identifier_count; i++) {
        mark_code(mask, record->identifiers[i].type);
        mark_personal(mask, record->identifiers[i].value, LEAST_WORD);
    }
}

/* ---- what looks personal ---- */

static bool is_digit(uint32_t point)
{
    return point >= '0' && point <= '9';
}

static bool is_one_of(uint32_t point, const char *signs)
{
    return point > 0 && point < 0x80 && strchr(signs, (int)point) != NULL;
}

static bool ends_word(uint32_t point)
{
    return point <= ' ' || is_one_of(point, "\"'`()<>[]{},;:=|");
}

static void mark_emails(struct mask *mask)
{
    const struct fold *view = &mask->view;

    for (size_t i = 0; i < view->count; i++) {
        size_t from = i, to = i + 1;
        if (view->points[i] != '@')
            continue;
        while (from > 0 && !ends_word(view->points[from - 1]))
            from--;
        while (to < view->count && !ends_word(view->points[to]))
            to++;
        mark(mask, from, to);
        i = to - 1;
    }
}

static void mark_runs(struct mask *mask)
{
    const struct fold *view = &mask->view;

    for (size_t i = 0, from; i < view->count; i++) {
        for (from = i; i < view->count && is_digit(view->points[i]);)
            i++;
        if (i - from >= LEAST_RUN)
            mark(mask, from, i);
    }
}

/* The end of the group of digits that begins at `from`: digits, at most two separators between them. */
static size_t group_end(const struct fold *view, size_t from, size_t *digits)
{
    size_t end = from;

    *digits = 0;
    for (size_t i = from; i < view->count && i - end <= 2; i++) {
        if (is_digit(view->points[i])) {
            (*digits)++;
            end = i + 1;
        } else if (!is_one_of(view->points[i], " -./()")) {
            break;
        }
    }
    return end;
}

static void mark_groups(struct mask *mask)
{
    const struct fold *view = &mask->view;
    size_t digits, end;

    for (size_t i = 0; i < view->count; i++) {
        if (!is_digit(view->points[i]))
            continue;
        end = group_end(view, i, &digits);
        if (digits >= LEAST_GROUPED)
            mark(mask, i, end);
        i = end - 1;
    }
}

/* ---- the whole ---- */

static void mark_view(struct mask *mask, bool escapes, const struct record *card,
                      const struct record *customer)
{
    fold_set(&mask->view, mask->text, escapes);
    if (card)
        mark_record(mask, card);
    if (customer && customer != card)
        mark_record(mask, customer);
    mark_emails(mask);
    mark_runs(mask);
    mark_groups(mask);
}

/* C0, DEL, and C1 as UTF-8 writes it: none may reach a terminal. The length in bytes, 0 for any other
 * character. */
static size_t control_length(struct span text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];

    if (c < 0x20 || c == 0x7F)
        return 1;
    return c == 0xC2 && (unsigned char)text.ptr[at + 1] < 0xA0 ? 2 : 0;
}

/* Appends the text with what is marked as "***" and control characters as blanks. */
static void write_masked(const struct mask *mask, struct buf *out)
{
    for (size_t i = 0; i < mask->text.len; i++) {
        if (mask->marks[i]) {
            if (i == 0 || !mask->marks[i - 1])
                buf_add_text(out, "***");
            continue;
        }
        size_t control = control_length(mask->text, i);
        buf_add_char(out, control ? ' ' : mask->text.ptr[i]);
        i += control ? control - 1 : 0;
    }
}

static void copy_cut(struct span text, char out[API_MESSAGE_SIZE])
{
    static const char more[] = "...";
    size_t len = text.len;

    if (len >= API_MESSAGE_SIZE) {
        len = API_MESSAGE_SIZE - sizeof more;
        while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
            len--;
    }
    memcpy(out, text.ptr, len);
    memcpy(out + len, more, len < text.len ? sizeof more : 0);
    out[len < text.len ? len + sizeof more - 1 : len] = '\0';
}

void api_mask(struct span words, const struct record *card, const struct record *customer,
              char out[API_MESSAGE_SIZE])
{
    unsigned char marks[API_TEXT_CAP] = {0};
    struct mask mask = {.text = words, .marks = marks};
    struct buf masked = {.cap = (size_t)API_TEXT_CAP * 2};

    assert(words.len <= API_TEXT_CAP);
    if (!text_is_utf8(words)) {
        (void)snprintf(out, API_MESSAGE_SIZE, "(not UTF-8, %zu bytes)", words.len);
        return;
    }
    mark_view(&mask, false, card, customer);
    if (memchr(words.ptr, '%', words.len) || memchr(words.ptr, '\\', words.len))
        mark_view(&mask, true, card, customer);
    write_masked(&mask, &masked);
    assert(!masked.full); /* a marked run of one byte grows to three, but an unmarked byte follows it */
    copy_cut(span_trim(buf_span(&masked)), out);
    buf_free(&masked);
    fold_free(&mask.view);
    fold_free(&mask.value);
    free(mask.squeezed);
}
