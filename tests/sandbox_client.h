/* sandbox_client: what the tests of ctp-sandbox share: the program started in a folder of its own, requests
 * to it, and what it wrote. Every trouble of the scaffolding itself fails the test at hand.
 *
 * The program is $CTP_SANDBOX_BIN, else ctp-sandbox in the folder above the test's own. */
#ifndef TESTS_SANDBOX_CLIENT_H
#define TESTS_SANDBOX_CLIENT_H

#include "kit/buf.h"

#include <cjson/cJSON.h>
#include <sys/types.h>

struct sandbox {
    pid_t pid;
    int port;
    bool tls;
    char folder[128]; /* its working directory: journal.jsonl and events.jsonl are there when asked for */
    char line[256];   /* what it printed when it began to listen */
};

struct sandbox_request {
    const char *path;
    const char *bearer; /* NULL: no Authorization */
    const char *tenant; /* NULL: no header; so for the next three */
    const char *customer, *cid, *content_type;
    const char *body;
    long timeout_ms; /* 0: 10 s */
};

struct sandbox_reply {
    int code;        /* libcurl's: 0 is a whole answer */
    int status;      /* 0: none */
    char error[256]; /* libcurl's words */
    struct buf headers, body;
};

#define ENROLL_CUSTOMER "/cards-tokenization/v1/clicktopay/visa/enroll/customer"
#define ENROLL_CARD "/cards-tokenization/v1/clicktopay/visa/enroll/card"
#define S2S "/passport/v2/s2s/access-token"

/* Files for the client side of TLS, in the sandbox's folder. */
struct sandbox_tls {
    const char *ca, *cert; /* `cert` holds certificate and key; NULL: none is shown */
    bool tls12;            /* TLS 1.2 at most */
};

extern const char SANDBOX_BODY[]; /* of a valid enrol request */

void sandbox_folder(struct sandbox *sandbox); /* makes the folder; sandbox_start does it when there is none */
/* `arguments`: in one text, separated by blanks; --port 0 is put before them. Returns when it listens. */
void sandbox_start(struct sandbox *sandbox, const char *arguments);
/* Runs it to its end, which must come by itself: the exit code; what it wrote to stderr is in `text`. */
int sandbox_run(const char *arguments, struct buf *text);
int sandbox_stop(struct sandbox *sandbox);    /* SIGTERM; the exit code */
int sandbox_wait(struct sandbox *sandbox);    /* for an end that comes by itself; the exit code */
void sandbox_remove(struct sandbox *sandbox); /* the folder */

/* Sends all at once and waits for all. `tls` may be NULL. Replies are freed with sandbox_free. */
void sandbox_send(const struct sandbox *sandbox, const struct sandbox_request *requests,
                  struct sandbox_reply *replies, size_t count);
void sandbox_use_tls(const struct sandbox_tls *tls); /* for the requests that follow; NULL: the default */
void sandbox_free(struct sandbox_reply *replies, size_t count);

/* A new bearer for the account, at most 2 KiB, owned by the caller. */
char *sandbox_token(const struct sandbox *sandbox, int64_t account);
struct sandbox_request sandbox_enroll(const char *bearer, const char *customer);
/* Sends one request and frees the reply: its status, 0 when none came. */
int sandbox_status(const struct sandbox *sandbox, const struct sandbox_request *request);

/* The lines of a file in the sandbox's folder, as a JSON array, owned by the caller; `text` (may be NULL)
 * receives the file as it is. */
cJSON *sandbox_lines(const struct sandbox *sandbox, const char *file, struct buf *text);
const char *sandbox_text(const cJSON *object, const char *path); /* "data.status"; "" when it is no string */
bool sandbox_flag(const cJSON *object, const char *name);        /* it must be true or false */

#endif
