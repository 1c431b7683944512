/* fake: clock and network of the engine's tests, linked in place of kit/clock.o and driver/http.o.
 *
 * Time is virtual and moves in http_wait alone: to the next reply, the next appointment (fake_at) or the end
 * of the wait, whichever comes first; nothing else takes any, unless a host's function sets the clock. All
 * times here are milliseconds since fake_reset. A test scripts two hosts (fake_serve): each request is shown
 * to its host's function when it leaves, together with an answer filled in for the case that all is well; the
 * function changes what it wants otherwise. Every request is kept with its time, its headers and its body. A
 * loop that waits without end, or that keeps asking without letting time pass, fails the test. */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include "driver/http.h"

/* The clocks at fake_reset: the wall clock stands at 2026-03-02T12:00:00Z, a Monday. */
#define FAKE_WALL_MS INT64_C(1772452800000)
#define FAKE_MONO_MS INT64_C(500000)

enum { FAKE_API_MS = 50, FAKE_TOKEN_MS = 20, FAKE_TOKEN_LIFE_MS = 600000 };
#define FAKE_NEVER INT64_MAX

struct fake_request {
    int number;              /* of all requests, from 1 */
    bool token;              /* to the token host */
    int nth;                 /* of this card's requests, or of this account's token requests, from 1 */
    int host;                /* of the host's requests, from 1 */
    int flying;              /* to the same host, with this one */
    int64_t at_ms, ended_ms; /* ended_ms: -1 while it flies; when its reply was taken, or its handle closed */
    int64_t left_ms;         /* the first wait after it was started; -1: none yet */
    int64_t account, card, customer; /* as body and headers name them; 0: not */
    int bearer;                      /* the number of the mint that gave its token, 0: none of ours */
    bool once, secret;
    char *url, *headers[HTTP_HEADERS_MAX], *body;
    size_t header_count;
};

struct fake_answer {
    int64_t after_ms; /* FAKE_NEVER: none at all */
    enum http_end end;
    int status; /* of a whole answer 0 is 202; with HTTP_LOST and HTTP_BROKEN the head's, 0: none came */
    const char *body, *retry_after, *date; /* copied at once */
    bool resent;
    char store[1024]; /* for a body that is made up */
};

/* Makes the answer a new token. `claims_account` 0: an opaque one; `life_ms` 0: one without exp. Tokens are
 * told apart by a number, that of the mint (fake_request.bearer). */
void fake_token(struct fake_answer *answer, int64_t claims_account, int64_t life_ms);

typedef void fake_host(const struct fake_request *request, struct fake_answer *answer, void *context);

/* Forgets everything: time 0, no requests, both hosts well: 202 after FAKE_API_MS, and a token of the right
 * account after FAKE_TOKEN_MS. */
void fake_reset(void);
/* NULL: all is well at that host. */
void fake_serve(fake_host *api, fake_host *token, void *context);
/* Called for each request to the API, before its host is asked. */
void fake_watch(void (*watch)(const struct fake_request *request, void *context), void *context);
/* Called when the time has come, inside http_wait. */
void fake_at(int64_t at_ms, void (*call)(void *context), void *context);

int64_t fake_now_ms(void);
void fake_zone(int minutes_east);    /* of local time; 0 after fake_reset */
void fake_clock_set(int64_t now_ms); /* for fake_http.c; and for tests */

int fake_count(bool token); /* requests to that host so far */
int fake_flying(bool token);
/* The requests to a host in the order of leaving; i from 0. */
const struct fake_request *fake_request(bool token, int i);
/* The i-th request of a card, from 0; NULL: there were fewer. */
const struct fake_request *fake_card(int64_t card, int i);
/* The header's value; NULL: not there. Names are compared exactly. */
const char *fake_header(const struct fake_request *request, const char *name);

#endif
