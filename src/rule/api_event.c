/* One envelope at a time is judged by the rules; the order of the questions is that of enum
 * api_event_kind. */
#include "api_event_impl.h"

#include "value/pan.h"
#include "value/timestamp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const int64_t LATEST_MS = INT64_C(253402300799999); /* the end of the year 9999 */

const char *api_event_kind_name(enum api_event_kind kind)
{
    static const char *const names[] = {
        [API_EVENT_UNFIT] = "no event",         [API_EVENT_FOREIGN] = "foreign",
        [API_EVENT_TYPE] = "other type",        [API_EVENT_OPERATION] = "other operation",
        [API_EVENT_UNKNOWN] = "unknown status", [API_EVENT_SUCCESS] = "success",
        [API_EVENT_FAILURE] = "failure",
    };

    assert((unsigned)kind < sizeof names / sizeof names[0]);
    return names[kind];
}

bool api_event_is(const struct json_view *view)
{
    return json_view_member(view, "event_type").kind != JSON_NONE ||
           (json_view_member(view, "event_id").kind != JSON_NONE &&
            json_view_member(view, "data").kind != JSON_NONE);
}

/* ---- words ---- */

static char plain_letter(char c)
{
    if (c == '_' || c == ' ')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (plain_letter(a.ptr[i]) != plain_letter(b.ptr[i]))
            return false;
    return true;
}

static bool on_list(struct span list, struct span name)
{
    struct span rest = list, word;

    while (span_cut(&rest, ';', &word)) {
        word = span_trim(word);
        if (word.len > 0 && same_name(word, name))
            return true;
    }
    return false;
}

/* Without the version at its end. */
static struct span without_version(struct span type)
{
    size_t len = type.len;

    while (len > 0 && type.ptr[len - 1] >= '0' && type.ptr[len - 1] <= '9')
        len--;
    if (len > 1 && len < type.len && type.ptr[len - 1] == '-')
        type.len = len - 1;
    return type;
}

static bool is_type(struct span list, struct span type)
{
    struct span rest = list, word;

    while (span_cut(&rest, ';', &word)) {
        word = span_trim(word);
        if (word.len > 0 && same_name(without_version(word), without_version(type)))
            return true;
    }
    return false;
}

/* "enroll*" stands for every name that begins so. */
static bool is_operation(struct span list, struct span name)
{
    struct span rest = list, word;

    while (span_cut(&rest, ';', &word)) {
        struct span front = name;
        word = span_trim(word);
        if (word.len > 0 && word.ptr[word.len - 1] == '*') {
            word.len--;
            front.len = front.len < word.len ? front.len : word.len;
        } else if (word.len == 0) {
            continue;
        }
        if (same_name(word, front))
            return true;
    }
    return false;
}

int api_event_check(const struct api_event_rules *rules, struct fail *fail)
{
    struct span rest = rules->success, word;

    if (span_trim(rules->types).len == 0)
        return fail_set(fail, FAIL_USAGE, "events.types is empty: no event would count");
    if (rules->status[0] == '\0' || span_trim(rules->success).len == 0)
        return fail_set(fail, FAIL_USAGE, "events.success is empty: no event could be a success");
    while (span_cut(&rest, ';', &word)) {
        word = span_trim(word);
        if (word.len > 0 && on_list(rules->failure, word))
            return fail_set(fail, FAIL_USAGE, "events.success and events.failure both have '%.*s'",
                            (int)word.len, word.ptr);
    }
    return 0;
}

/* ---- values ---- */

/* What a string says, or a number's digits, as a text; nothing of anything else. In `room` only where it has
 * escapes. */
static struct span text_of(struct json_value value, struct buf *room)
{
    struct span text = value.text;

    switch (value.kind) {
    case JSON_STRING:
        text = (struct span){text.ptr + 1, text.len - 2};
        break;
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    default:
        return (struct span){"", 0};
    }
    if (memchr(text.ptr, '\\', text.len)) {
        buf_reset(room);
        json_decode(value, room);
        text = room->full ? (struct span){"", 0} : buf_span(room);
    }
    return text.len > API_EVENT_TEXT ? (struct span){"", 0} : span_trim(text);
}

static struct json_value look(struct json_view *view, const char *pointer)
{
    return pointer[0] ? json_view_at(view, pointer) : (struct json_value){JSON_NONE, {"", 0}};
}

static void read_id(struct json_view *view, const char *pointer, int64_t *out)
{
    if (json_to_id(look(view, pointer), out) != 0)
        *out = 0;
}

/* No card of a ledger's has a number like a PAN, and it must not be told. */
static void read_card(struct api_event_reading *reading, int64_t *out)
{
    struct json_value value = look(&reading->view, reading->rules->card);

    if (json_to_id(value, out) != 0 || pan_like(text_of(value, &reading->a)))
        *out = 0;
}

static bool is_id_text(struct span text)
{
    if (text.len == 0 || text.len >= API_EVENT_ID_SIZE || pan_like(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c != '\0' && strchr("-_.:/", c));
        if (!good)
            return false;
    }
    return true;
}

static void read_event_id(struct json_value value, struct buf *room, char out[API_EVENT_ID_SIZE])
{
    struct span text = text_of(value, room);

    out[0] = '\0';
    if (!is_id_text(text))
        return;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

/* RFC 3339, or a number of seconds or milliseconds since 1970. */
static int64_t read_time(struct json_value value, struct buf *room)
{
    static const int64_t seconds_most = INT64_C(100000000000);
    int64_t at_ms = 0;

    if (value.kind == JSON_STRING && timestamp_ms(text_of(value, room), &at_ms) != 0)
        at_ms = 0;
    if (value.kind == JSON_NUMBER && json_to_id(value, &at_ms) == 0 && at_ms < seconds_most)
        at_ms *= 1000;
    return at_ms > 0 && at_ms <= LATEST_MS ? at_ms : 0;
}

/* A reason may be a text, a number, or an object of such: {"code": ..., "message": ...}. */
static void read_reason(struct json_value value, struct buf *room, struct buf *out)
{
    struct span rest = value.text;
    struct json_value part;

    buf_reset(out);
    if (value.kind != JSON_OBJECT) {
        buf_add_span(out, text_of(value, room));
        return;
    }
    while (json_each(&rest, NULL, &part)) {
        struct span text = text_of(part, room);
        if (text.len > 0 && out->len > 0)
            buf_add_text(out, "; ");
        buf_add_span(out, text);
    }
}

static void add_name(struct span text, char *out, size_t size)
{
    size_t used = strlen(out);

    api_event_name(text, out + used, size - used);
}

static void name_type(struct span domain, struct span type, char out[API_EVENT_VALUE_SIZE])
{
    out[0] = '\0';
    add_name(domain, out, API_EVENT_VALUE_SIZE / 2);
    if (domain.len > 0)
        memcpy(out + strlen(out), "/", 2);
    add_name(type, out, API_EVENT_VALUE_SIZE);
}

/* ---- the questions ---- */

static bool is_ours(struct api_event_reading *reading, struct api_event *out)
{
    const struct api_event_rules *rules = reading->rules;
    struct span org = text_of(json_view_member(&reading->view, "org_id"), &reading->a);

    out->own_org = rules->tenant.len > 0 && span_same(org, rules->tenant);
    return rules->tenant.len == 0 || org.len == 0 || out->own_org;
}

static bool counts(struct api_event_reading *reading, struct api_event *out)
{
    const struct api_event_rules *rules = reading->rules;
    struct span domain = text_of(json_view_member(&reading->view, "domain"), &reading->a);
    struct span type = text_of(json_view_member(&reading->view, "event_type"), &reading->b);

    if (is_type(rules->types, type) &&
        (span_trim(rules->domains).len == 0 || domain.len == 0 || on_list(rules->domains, domain)))
        return true;
    name_type(domain, type, out->value);
    return false;
}

static bool enrols(struct api_event_reading *reading, struct api_event *out)
{
    const struct api_event_rules *rules = reading->rules;
    struct json_value value = look(&reading->view, rules->operation);
    struct span name = text_of(value, &reading->a);

    out->has_operation =
        value.kind != JSON_NONE && value.kind != JSON_NULL && (value.kind != JSON_STRING || name.len > 0);
    if (!out->has_operation || is_operation(rules->operations, name))
        return true;
    api_event_name(name.len > 0 ? name : span_of(json_kind_name(value.kind)), out->value, sizeof out->value);
    return false;
}

static void set_message(struct api_event_reading *reading, struct span status, struct api_event *out)
{
    struct buf reason = {.cap = API_EVENT_TEXT};
    size_t used;

    api_event_name(status, out->message, sizeof out->message);
    read_reason(look(&reading->view, reading->rules->reason), &reading->b, &reason);
    if (reason.full) {
        buf_reset(&reason);
        buf_add_text(&reason, "***");
    }
    if (reason.len > 0) {
        used = strlen(out->message);
        memcpy(out->message + used, ": ", 3);
        api_event_words(buf_span(&reason), out->message + used + 2, sizeof out->message - used - 2);
    }
    buf_free(&reason);
}

static enum api_event_kind judge_status(struct api_event_reading *reading, struct api_event *out)
{
    const struct api_event_rules *rules = reading->rules;
    struct json_value value = look(&reading->view, rules->status);
    struct span status = text_of(value, &reading->a);

    if (status.len > 0 && on_list(rules->success, status))
        return API_EVENT_SUCCESS;
    if (status.len > 0 && on_list(rules->failure, status)) {
        set_message(reading, status, out);
        return API_EVENT_FAILURE;
    }
    if (status.len > 0)
        api_event_name(status, out->value, sizeof out->value);
    else
        (void)snprintf(out->value, sizeof out->value, "(%s)",
                       value.kind == JSON_STRING ? "empty" : json_kind_name(value.kind));
    return API_EVENT_UNKNOWN;
}

static enum api_event_kind judge(struct api_event_reading *reading, struct api_event *out)
{
    if (!is_ours(reading, out))
        return API_EVENT_FOREIGN;
    if (!counts(reading, out))
        return API_EVENT_TYPE;
    if (!enrols(reading, out))
        return API_EVENT_OPERATION;
    return judge_status(reading, out);
}

void api_event_judge(struct api_event_reading *reading, struct api_event *out)
{
    const struct api_event_rules *rules = reading->rules;
    struct json_view *view = &reading->view;
    struct json_value cid = json_view_member(view, "cid");

    *out = (struct api_event){.envelope = view->root.object, .cid = {"", 0}};
    read_event_id(json_view_member(view, "event_id"), &reading->a, out->event_id);
    out->at_ms = read_time(json_view_member(view, "timestamp"), &reading->a);
    if (cid.kind == JSON_STRING && cid.text.len > 2)
        out->cid = (struct span){cid.text.ptr + 1, cid.text.len - 2};
    read_id(view, rules->account, &out->account_id);
    read_card(reading, &out->card_id);
    read_id(view, rules->customer, &out->customer_id);
    out->kind = judge(reading, out);
}
