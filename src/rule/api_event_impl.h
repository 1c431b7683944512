/* What the files of the event reader share. Private to src/rule/api_event*.c. */
#ifndef RULE_API_EVENT_IMPL_H
#define RULE_API_EVENT_IMPL_H

#include "rule/api_event.h"

/* Judges an envelope; fills all but the wraps. */
void api_event_judge(const struct api_event_rules *rules, struct json_value envelope, struct api_event *out);
/* Whether the object is an envelope. */
bool api_event_is(struct json_value object);

#endif
