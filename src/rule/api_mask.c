/* Server messages can echo what was sent, and what is stored must hold no personal data. The bytes to hide
 * are marked first, each rule for itself, so that values which overlap are hidden as a whole; then the text
 * is written with every marked run as "***".
 *
 * Hidden: every value of the request of three bytes or more, ASCII case ignored; words with an '@'; runs of
 * four or more digits; groups of digits joined by separators that have seven or more (telephone numbers as
 * people write them). Values shorter than WHOLE_BELOW count as whole words only: a first name "Ana" turning
 * "banana" into "b***na" would tell the name. Codes of public lists (countries, locale, kind of identifier)
 * are no secrets, yet values of the request: whole words, as written, else country EST would spoil
 * "request". */
#include "api_impl.h"

#include "value/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LEAST_VALUE = 3, WHOLE_BELOW = 5, LEAST_RUN = 4, LEAST_GROUPED = 7 };

struct mask {
    struct span text;
    unsigned char *marks; /* one a byte of the text: 1 hides it */
};

static void mark(struct mask *mask, size_t from, size_t len)
{
    memset(mask->marks + from, 1, len);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of other scripts count as letters. */
static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool stands_alone(struct span text, size_t from, size_t len)
{
    return (from == 0 || !is_word(text.ptr[from - 1])) &&
           (from + len == text.len || !is_word(text.ptr[from + len]));
}

static void mark_value(struct mask *mask, struct span value)
{
    bool whole = value.len < WHOLE_BELOW;

    if (value.len < LEAST_VALUE)
        return;
    for (size_t i = 0; i + value.len <= mask->text.len; i++)
        if (strncasecmp(mask->text.ptr + i, value.ptr, value.len) == 0 &&
            (!whole || stands_alone(mask->text, i, value.len)))
            mark(mask, i, value.len);
}

static void mark_code(struct mask *mask, struct span code)
{
    if (code.len < LEAST_VALUE)
        return;
    for (size_t i = 0; i + code.len <= mask->text.len; i++)
        if (memcmp(mask->text.ptr + i, code.ptr, code.len) == 0 && stands_alone(mask->text, i, code.len))
            mark(mask, i, code.len);
}

static void mark_number(struct mask *mask, int64_t number)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);

    assert(len > 0 && (size_t)len < sizeof digits);
    mark_value(mask, (struct span){digits, (size_t)len});
}

static bool is_code(enum field field)
{
    return field == FIELD_LOCALE || field == FIELD_COUNTRY_CODE || field == FIELD_BILLING_COUNTRY_CODE ||
           field == FIELD_BILLING_STATE;
}

/* The status column is not part of the request. */
static void mark_record(struct mask *mask, const struct record *record)
{
    mark_number(mask, record->customer_id);
    mark_number(mask, record->account_id);
    mark_number(mask, record->card_id);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (i == FIELD_STATUS)
            continue;
        if (is_code((enum field)i))
            mark_code(mask, record->text[i]);
        else
            mark_value(mask, record->text[i]);
    }
    for (size_t i = 0; i < record->email_count; i++)
        mark_value(mask, record->emails[i]);
    for (size_t i = 0; i < record->phone_count; i++)
        mark_value(mask, record->phones[i]);
    for (size_t i = 0; i < record->identifier_count; i++) {
        mark_code(mask, record->identifiers[i].type);
        mark_value(mask, record->identifiers[i].value);
    }
}

static bool ends_word(char c)
{
    return (unsigned char)c <= ' ' || strchr("\"'`()<>[]{},;:=|", c) != NULL;
}

static void mark_emails(struct mask *mask)
{
    const struct span text = mask->text;

    for (size_t i = 0; i < text.len; i++) {
        size_t from = i, to = i + 1;
        if (text.ptr[i] != '@')
            continue;
        while (from > 0 && !ends_word(text.ptr[from - 1]))
            from--;
        while (to < text.len && !ends_word(text.ptr[to]))
            to++;
        mark(mask, from, to - from);
        i = to - 1;
    }
}

static void mark_runs(struct mask *mask)
{
    const struct span text = mask->text;

    for (size_t i = 0, from; i < text.len; i++) {
        for (from = i; i < text.len && is_digit(text.ptr[i]);)
            i++;
        if (i - from >= LEAST_RUN)
            mark(mask, from, i - from);
    }
}

/* The end of the group of digits that begins at `from`: digits, at most two separators between them. */
static size_t group_end(struct span text, size_t from, size_t *digits)
{
    size_t end = from;

    *digits = 0;
    for (size_t i = from; i < text.len && i - end <= 2; i++) {
        if (is_digit(text.ptr[i])) {
            (*digits)++;
            end = i + 1;
        } else if (!strchr(" -./()", text.ptr[i]) || text.ptr[i] == '\0') {
            break;
        }
    }
    return end;
}

static void mark_groups(struct mask *mask)
{
    size_t digits, end;

    for (size_t i = 0; i < mask->text.len; i++) {
        if (!is_digit(mask->text.ptr[i]))
            continue;
        end = group_end(mask->text, i, &digits);
        if (digits >= LEAST_GROUPED)
            mark(mask, i, end - i);
        i = end - 1;
    }
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
    struct mask mask = {words, marks};
    struct buf masked = {.cap = (size_t)API_TEXT_CAP * 2};

    assert(words.len <= API_TEXT_CAP);
    if (!text_is_utf8(words)) {
        (void)snprintf(out, API_MESSAGE_SIZE, "(not UTF-8, %zu bytes)", words.len);
        return;
    }
    if (card)
        mark_record(&mask, card);
    if (customer && customer != card)
        mark_record(&mask, customer);
    mark_emails(&mask);
    mark_runs(&mask);
    mark_groups(&mask);
    write_masked(&mask, &masked);
    assert(!masked.full); /* a marked run of one byte grows to three, but an unmarked byte follows it */
    copy_cut(span_trim(buf_span(&masked)), out);
    buf_free(&masked);
}
