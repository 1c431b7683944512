/* judge: is this enrol request what the API text asks for?
 *
 * Written from the API text alone (schema, headers, notes), never from the rules of the program under test,
 * so that one cannot hide the other's mistake. Stricter than the schema where the text's intent is plain: no
 * unknown key, no null, no empty string, lists of 1 to 5, whole patterns, dates that exist. Complaints name
 * fields, never their values, so that they may stand in the journal. */
#ifndef SANDBOX_JUDGE_H
#define SANDBOX_JUDGE_H

#include "kit/buf.h"
#include "jtree.h"

enum { JUDGE_COMPLAINTS = 16, JUDGE_TEXT_SIZE = 112 };

enum judge_call { JUDGE_ENROLL_CUSTOMER, JUDGE_ENROLL_CARD };

struct judge {
    struct jtree tree;
    struct buf path;
    bool allow_internal; /* names, e-mails, phones and billing address may be missing */
};

struct judge_headers {
    struct span content_type, tenant, customer, cid; /* ptr NULL: the header is missing */
};

struct judgement {
    int64_t customer, card;        /* 0: unreadable */
    bool cid_ok;                   /* present and a UUID */
    struct span first_name, email; /* what echo400 sends back; borrowed until the next request is judged */
    size_t count;                  /* complaints; 0: valid */
    char complaints[JUDGE_COMPLAINTS][JUDGE_TEXT_SIZE];
};

void judge_open(struct judge *judge, bool allow_internal);
void judge_close(struct judge *judge);
void judge_request(struct judge *judge, enum judge_call call, const struct judge_headers *headers,
                   struct span body, struct judgement *out);
/* Body of a media type without its parameters, any letter case: "application/json; charset=utf-8". */
bool judge_is_json(struct span content_type);

#endif
