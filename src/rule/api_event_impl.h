/* What the files of the event reader share. Private to src/rule/api_event*.c. */
#ifndef RULE_API_EVENT_IMPL_H
#define RULE_API_EVENT_IMPL_H

#include "rule/api_event.h"

enum { API_EVENT_TEXT = 4096 }; /* a longer text of an event's is none */

/* What an envelope is judged with. */
struct api_event_reading {
    const struct api_event_rules *rules;
    struct json_view view; /* the envelope */
    struct buf a, b;       /* room for texts that are looked at together, with that cap */
};

/* Judges the envelope in view; fills all but the wraps. */
void api_event_judge(struct api_event_reading *reading, struct api_event *out);
/* Whether the object in view is an envelope. */
bool api_event_is(const struct json_view *view);

#endif
