/* How one event was read: for whoever sets events.* by a first file of Pismo's. */
#include "reconcile_impl.h"

#include "kit/clock.h"
#include "kit/json.h"
#include "value/pan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_SIZE = 160, LINES_MOST = 16, TEXT_CAP = 4096, KIND_WIDE = 8 };

/* What was looked at and what was there. */
struct line {
    const char *name, *pointer;
    enum json_kind kind;
    char shown[SHOWN_SIZE]; /* "": nothing to show */
};

enum form { FORM_NAME, FORM_TEXT, FORM_NUMBER };

static void show(struct json_value value, enum form form, char out[SHOWN_SIZE])
{
    struct buf text = {.cap = TEXT_CAP};
    int64_t number;

    out[0] = '\0';
    if (value.kind == JSON_STRING)
        json_decode(value, &text);
    else if (value.kind == JSON_NUMBER)
        buf_add_span(&text, value.text);
    if (form == FORM_NUMBER && pan_like(buf_span(&text)))
        memcpy(out, "***", sizeof "***");
    else if (form == FORM_NUMBER && json_to_id(value, &number) == 0)
        (void)snprintf(out, SHOWN_SIZE, "%" PRId64, number);
    else if (form == FORM_NAME && text.len > 0)
        api_event_name(span_trim(buf_span(&text)), out, SHOWN_SIZE);
    else if (form == FORM_TEXT && text.len > 0)
        api_event_words(buf_span(&text), out, SHOWN_SIZE);
    buf_free(&text);
}

static void look_at(struct line *line, const char *name, const char *pointer, struct json_value envelope,
                    enum form form)
{
    struct json_value value = json_at(envelope, pointer);

    *line = (struct line){.name = name, .pointer = pointer, .kind = value.kind};
    show(value, form, line->shown);
}

static void set_shown(struct line *line, struct span text)
{
    if (text.len < SHOWN_SIZE) {
        memcpy(line->shown, text.ptr, text.len);
        line->shown[text.len] = '\0';
    }
}

static size_t look_at_all(const struct reconcile_sight *sight, const struct api_event_rules *rules,
                          struct line lines[LINES_MOST])
{
    const struct api_event *event = &sight->event;
    struct json_value root = event->envelope;
    char at[CLOCK_TEXT_SIZE];
    size_t n = 0;

    look_at(&lines[n++], "event_id", "/event_id", root, FORM_NUMBER);
    set_shown(&lines[n - 1], span_of(event->event_id));
    look_at(&lines[n++], "domain", "/domain", root, FORM_NAME);
    look_at(&lines[n++], "event_type", "/event_type", root, FORM_NAME);
    look_at(&lines[n++], "org_id", "/org_id", root, FORM_NAME);
    if (event->own_org)
        set_shown(&lines[n - 1], SPAN("that of api.tenant"));
    look_at(&lines[n++], "cid", "/cid", root, FORM_NUMBER);
    set_shown(&lines[n - 1], event->cid.len == UUID_TEXT_SIZE - 1 ? event->cid : SPAN(""));
    look_at(&lines[n++], "timestamp", "/timestamp", root, FORM_NUMBER);
    set_shown(&lines[n - 1],
              event->at_ms ? span_of(clock_format(event->at_ms, at)) : SPAN("none that is one"));
    look_at(&lines[n++], "status", rules->status, root, FORM_NAME);
    look_at(&lines[n++], "reason", rules->reason, root, FORM_TEXT);
    if (lines[n - 1].kind == JSON_OBJECT && strstr(event->message, ": "))
        set_shown(&lines[n - 1], span_of(strstr(event->message, ": ") + 2)); /* "STATUS: reason" */
    look_at(&lines[n++], "operation", rules->operation, root, FORM_NAME);
    look_at(&lines[n++], "account", rules->account, root, FORM_NUMBER);
    look_at(&lines[n++], "card", rules->card, root, FORM_NUMBER);
    look_at(&lines[n++], "customer", rules->customer, root, FORM_NUMBER);
    return n;
}

static const char *reading(const struct api_event *event)
{
    switch (event->kind) {
    case API_EVENT_UNFIT:
        return "no event";
    case API_EVENT_FOREIGN:
        return "foreign: its org_id is not api.tenant";
    case API_EVENT_TYPE:
        return "of another type: not in events.types, or its domain not in events.domains";
    case API_EVENT_OPERATION:
        return "of another operation: not in events.operations";
    case API_EVENT_UNKNOWN:
        return "of unknown status: neither in events.success nor in events.failure";
    case API_EVENT_SUCCESS:
        return "success";
    case API_EVENT_FAILURE:
        return "failure";
    }
    return "";
}

static const char *decision(const struct reconcile_sight *sight)
{
    if (sight->event.kind < API_EVENT_SUCCESS)
        return "settles nothing";
    switch (sight->result.fate) {
    case FATE_UNMATCHED:
        return "settles nothing: no card of this ledger has its correlation ID, or its account and card";
    case FATE_CONTRADICTS:
        return "settles nothing: its correlation ID is a card's, its card or customer is another one";
    case FATE_ENROLLED:
        return "the card becomes enrolled";
    case FATE_DECLINED:
        return "the card becomes declined";
    case FATE_DUPLICATE:
        return "nothing: it is known already";
    case FATE_FURTHER:
        return "the card stays as it is: an older event, or the same outcome again";
    case FATE_LATE:
        return "the card stays enrolled: a later failure is kept in its story";
    case FATE_WAITS:
        return "waits until the answer to the card's request is on record";
    case FATE_LISTED:
        return "the card stays as it is: its state is not one that this event can change";
    }
    return "";
}

static const char *match(const struct reconcile_sight *sight)
{
    if (sight->result.row == 0)
        return NULL;
    return sight->result.weak ? "account and card" : "correlation ID";
}

void reconcile_explain(const struct reconcile_sight *sight, const struct api_event_rules *rules,
                       struct buf *out)
{
    struct line lines[LINES_MOST];
    size_t count = look_at_all(sight, rules, lines);
    const char *by = match(sight);

    buf_addf(out, "%s, byte %" PRId64, sight->path, sight->offset);
    for (size_t i = 0; i < sight->event.wrap_count; i++)
        buf_addf(out, "%s%s", i ? " > " : ", inside ", sight->event.wraps[i]);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < count; i++) {
        bool shown = lines[i].shown[0] != '\0';
        buf_addf(out, "  %-10s %-20s %-*s%s%s\n", lines[i].name, lines[i].pointer, shown ? KIND_WIDE : 0,
                 json_kind_name(lines[i].kind), shown ? " " : "", lines[i].shown);
    }
    buf_addf(out, "read as    %s\n", reading(&sight->event));
    if (by)
        buf_addf(out, "matched    by %s: card %" PRId64 ", %s\n", by, sight->result.card_id,
                 job_state_name(sight->result.was));
    buf_addf(out, "then       %s\n", decision(sight));
    buf_add_text(out, "nothing was changed\n");
}

static void add_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_text(json, text && text[0] ? text : NULL);
}

void reconcile_explain_json(const struct reconcile_sight *sight, const struct api_event_rules *rules,
                            struct buf *out)
{
    struct line lines[LINES_MOST];
    size_t count = look_at_all(sight, rules, lines);
    bool matched = sight->result.row != 0;
    struct json json;

    json_init(&json, out, true);
    json_object(&json);
    add_text(&json, "file", sight->path);
    json_key(&json, "byte");
    json_int(&json, sight->offset);
    json_key(&json, "inside");
    json_array(&json);
    for (size_t i = 0; i < sight->event.wrap_count; i++)
        json_text(&json, sight->event.wraps[i]);
    json_end_array(&json);
    json_key(&json, "looked_at");
    json_array(&json);
    for (size_t i = 0; i < count; i++) {
        json_object(&json);
        add_text(&json, "name", lines[i].name);
        add_text(&json, "pointer", lines[i].pointer);
        add_text(&json, "kind", json_kind_name(lines[i].kind));
        add_text(&json, "value", lines[i].shown);
        json_end_object(&json);
    }
    json_end_array(&json);
    add_text(&json, "read_as", api_event_kind_name(sight->event.kind));
    add_text(&json, "matched_by", match(sight));
    json_key(&json, "card_id");
    if (matched)
        json_int(&json, sight->result.card_id);
    else
        json_null(&json);
    add_text(&json, "state", matched ? job_state_name(sight->result.was) : NULL);
    add_text(&json, "fate",
             sight->event.kind < API_EVENT_SUCCESS ? NULL : ledger_fate_name(sight->result.fate));
    add_text(&json, "decision", decision(sight));
    json_end_object(&json);
    buf_add_char(out, '\n');
}
