/* api_event: an outcome event of the remote side -> what it says about a row.
 *
 * What goes in is one JSON object of an event file; what comes out are the events in it: the object itself,
 * or what its wrapper holds (an SNS notification's Message, EventBridge's detail, Records, Sns and body of
 * queues and functions), one inside the other, objects and arrays, as JSON or as a text that holds JSON. The
 * shape of the envelope is confirmed, that of its data is not (docs/api.md): so where status, reason,
 * operation and identifiers stand, and which words mean what, are rules that come from the settings. No
 * personal data comes out: of free text only words of a list of harmless ones and codes. Pure. */
#ifndef RULE_API_EVENT_H
#define RULE_API_EVENT_H

#include "kit/json_read.h"
#include "rule/api.h"

enum {
    API_EVENT_BYTES = 1 << 20, /* longest object */
    API_EVENT_DEPTH = 4,       /* wrappers inside each other */
    API_EVENT_ID_SIZE = 65,
    API_EVENT_VALUE_SIZE = 64
};

/* Texts are borrowed. Lists are joined by ';'. Names are compared without regard to ASCII case and to the
 * difference of '-', '_' and blank. */
struct api_event_rules {
    struct span types;   /* event types that count; a trailing -N is ignored on both sides */
    struct span domains; /* empty: any */
    struct span tenant;  /* the org_id that counts; empty: any */
    struct span success, failure;
    struct span operations; /* those that enrol; a trailing * stands for anything */
    const char *status, *reason, *operation, *account, *card, *customer; /* JSON pointers; "": not looked at
                                                                          */
};

/* In the order in which they are found. */
enum api_event_kind {
    API_EVENT_UNFIT,     /* no envelope */
    API_EVENT_FOREIGN,   /* another organisation's */
    API_EVENT_TYPE,      /* of another type or domain */
    API_EVENT_OPERATION, /* of an operation that enrols nothing */
    API_EVENT_UNKNOWN,   /* its status is on neither list */
    API_EVENT_SUCCESS,
    API_EVENT_FAILURE
};
const char *api_event_kind_name(enum api_event_kind kind);

struct api_event {
    enum api_event_kind kind;
    char event_id[API_EVENT_ID_SIZE];         /* "": none, or not in the form of an identifier */
    struct span cid;                          /* empty: none; borrowed as `envelope` */
    int64_t at_ms;                            /* 0: no timestamp */
    int64_t account_id, card_id, customer_id; /* 0: not given */
    bool own_org;                             /* its org_id is the tenant's */
    bool has_operation;
    char value[API_EVENT_VALUE_SIZE];   /* what made it TYPE ("domain/type"), OPERATION or UNKNOWN, masked */
    char message[API_MESSAGE_SIZE];     /* of a failure: "STATUS: reason", masked */
    struct json_value envelope;         /* borrowed until the next call */
    const char *wraps[API_EVENT_DEPTH]; /* names of the members that it came out of, outermost first */
    size_t wrap_count;
};

struct api_events;

/* Borrows the rules. */
void api_events_open(struct api_events **out, const struct api_event_rules *rules);
void api_events_close(struct api_events *events);

/* One object, which must live until api_events_next has returned 0. */
void api_events_put(struct api_events *events, struct span object);
/* 1 and the next event in it, or 0. */
int api_events_next(struct api_events *events, struct api_event *out);

/* Free text of the remote side as far as it cannot be personal: codes such as VIDC-2003 and words of the
 * list, everything else as "***". */
void api_event_words(struct span text, char *out, size_t size);

/* Whether such a code stands in a message by itself: VIDC-2003 in "DECLINED: VIDC-2003", not in "VIDC-20031".
 * False for what has not the form of such a code, as no code of ours has. */
bool api_event_has_code(struct span message, struct span code);

/* A word that names something (a status, a type): as it stands when it has the form of one, else as above. */
void api_event_name(struct span text, char *out, size_t size);

/* FAIL_USAGE when the rules contradict themselves: a word on both lists, no type, no status. */
int api_event_check(const struct api_event_rules *rules, struct fail *fail) MUST_CHECK;

#endif
