/* A stack of what is still to be looked into: the elements of an array, or the objects of a text. Nothing is
 * looked into twice, and the stack is short, so no input can make this long or deep. */
#include "api_event_impl.h"

#include "kit/json_split.h"

#include <assert.h>
#include <stdlib.h>

/* Members under which wrappers keep an event. */
static const char *const WRAPPERS[] = {"Message", "detail", "Records", "Sns", "body", "Body"};

enum { LEVELS = 2 * API_EVENT_DEPTH + 1 }; /* each wrapper may hold an array */

struct level {
    bool is_text;
    struct span rest; /* an array's elements, or what of the text was not fed yet */
    struct buf text;
    struct json_split split;
    size_t wraps; /* names on the list up to here */
};

struct api_events {
    struct api_event_reading reading; /* with the object at hand in view */
    struct level levels[LEVELS];
    size_t depth;
    struct span object; /* the one that was put; ptr NULL: looked into */
    const char *wraps[API_EVENT_DEPTH];
    size_t wrap_count;
};

void api_events_open(struct api_events **out, const struct api_event_rules *rules)
{
    struct api_events *events = mem_alloc(sizeof *events);

    events->reading.rules = rules;
    buf_init(&events->reading.a, API_EVENT_TEXT);
    buf_init(&events->reading.b, API_EVENT_TEXT);
    for (size_t i = 0; i < LEVELS; i++)
        buf_init(&events->levels[i].text, API_EVENT_BYTES);
    *out = events;
}

static void pop(struct api_events *events)
{
    struct level *level = &events->levels[--events->depth];

    if (level->is_text)
        json_split_free(&level->split);
    buf_reset(&level->text);
}

void api_events_close(struct api_events *events)
{
    if (!events)
        return;
    while (events->depth > 0)
        pop(events);
    for (size_t i = 0; i < LEVELS; i++)
        buf_free(&events->levels[i].text);
    buf_free(&events->reading.a);
    buf_free(&events->reading.b);
    free(events);
}

void api_events_put(struct api_events *events, struct span object)
{
    assert(events->depth == 0 && !events->object.ptr);
    events->object = object;
    events->wrap_count = 0;
}

static struct json_value unwrap(const struct json_view *view, const char **name)
{
    for (size_t i = 0; i < sizeof WRAPPERS / sizeof WRAPPERS[0]; i++) {
        struct json_value value = json_view_member(view, WRAPPERS[i]);
        if (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY && value.kind != JSON_STRING)
            continue;
        *name = WRAPPERS[i];
        return value;
    }
    return (struct json_value){JSON_NONE, {"", 0}};
}

static bool push(struct api_events *events, struct json_value value)
{
    struct level *level = &events->levels[events->depth];

    if (events->depth == LEVELS)
        return false;
    level->is_text = value.kind == JSON_STRING;
    level->wraps = events->wrap_count;
    if (level->is_text) {
        json_decode(value, &level->text); /* shorter than the object that it is a part of */
        json_split_init(&level->split, API_EVENT_BYTES);
        level->rest = buf_span(&level->text);
    } else {
        level->rest = value.text;
    }
    events->depth++;
    return true;
}

static void set_unfit(struct api_events *events, struct api_event *out)
{
    *out = (struct api_event){.kind = API_EVENT_UNFIT, .cid = {"", 0}, .envelope = {JSON_NONE, {"", 0}}};
    (void)events;
}

/* 1: *out is an event, or the want of one; 0: look on. An object is in view. */
static int take(struct api_events *events, struct json_value value, struct api_event *out)
{
    struct json_view *view = &events->reading.view;
    const char *name = NULL;

    while (value.kind == JSON_OBJECT && !api_event_is(view) && events->wrap_count < API_EVENT_DEPTH) {
        value = unwrap(view, &name);
        if (value.kind == JSON_NONE)
            break;
        events->wraps[events->wrap_count++] = name;
        if (value.kind == JSON_OBJECT)
            json_view_open(view, value);
    }
    if (value.kind == JSON_OBJECT && api_event_is(view)) {
        api_event_judge(&events->reading, out);
        for (size_t i = 0; i < events->wrap_count; i++)
            out->wraps[i] = events->wraps[i];
        out->wrap_count = events->wrap_count;
        return 1;
    }
    if ((value.kind == JSON_ARRAY || value.kind == JSON_STRING) && push(events, value))
        return 0;
    set_unfit(events, out);
    return 1;
}

static int take_element(struct api_events *events, struct json_value value, struct api_event *out)
{
    if (value.kind == JSON_OBJECT)
        json_view_open(&events->reading.view, value);
    return take(events, value, out);
}

static int take_text(struct api_events *events, struct span text, struct api_event *out)
{
    struct json_value value;

    if (json_parse(text, &events->reading.view, &value) == 0)
        return take(events, value, out);
    set_unfit(events, out);
    return 1;
}

static void feed(struct level *level)
{
    struct span part = level->rest;

    if (part.len > JSON_SPLIT_BLOCK)
        part.len = JSON_SPLIT_BLOCK;
    if (part.len == 0) {
        json_split_finish(&level->split);
        return;
    }
    json_split_feed(&level->split, part);
    level->rest.ptr += part.len;
    level->rest.len -= part.len;
}

static int next_of_text(struct api_events *events, struct level *level, struct api_event *out)
{
    struct json_piece piece;

    switch (json_split_next(&level->split, &piece)) {
    case JSON_SPLIT_MORE:
        feed(level);
        return 0;
    case JSON_SPLIT_OBJECT:
        return take_text(events, piece.text, out);
    case JSON_SPLIT_JUNK:
        set_unfit(events, out);
        return 1;
    case JSON_SPLIT_END:
        pop(events);
        return 0;
    }
    return 0;
}

static int next_of_level(struct api_events *events, struct api_event *out)
{
    struct level *level = &events->levels[events->depth - 1];
    struct json_value value;

    events->wrap_count = level->wraps;
    if (level->is_text)
        return next_of_text(events, level, out);
    if (json_each(&level->rest, NULL, &value))
        return take_element(events, value, out);
    pop(events);
    return 0;
}

int api_events_next(struct api_events *events, struct api_event *out)
{
    struct span object = events->object;

    events->object.ptr = NULL;
    if (object.ptr && take_text(events, object, out))
        return 1;
    while (events->depth > 0)
        if (next_of_level(events, out))
            return 1;
    return 0;
}
