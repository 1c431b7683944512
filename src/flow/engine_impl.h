/* What the parts of the engine share. engine.c turns the loop; engine_send.c takes rows to the wire;
 * engine_reap.c judges what comes back; engine_limits.c knows what the operator allows at this hour;
 * engine_trouble.c, what failed since it last succeeded. */
#ifndef FLOW_ENGINE_IMPL_H
#define FLOW_ENGINE_IMPL_H

#include "flow/engine.h"

#include "rule/api_token.h"
#include "rule/token.h"

enum {
    EXCHANGE_ROWS = 1000,    /* outcomes that make an exchange due, and the most rows one claims */
    EXCHANGE_MS = 250,       /* age of the oldest outcome that makes an exchange due ... */
    EXCHANGE_MOST_MS = 2000, /* ... on a slow disk up to this: ... */
    TOKEN_AHEAD_MS = 2000,   /* rows are claimed by the time of a token call sooner, up to this */
    EXCHANGE_SHARE = 4,      /* ... at least so many times what an exchange takes */
    BUDGET_MS = 100,         /* between looks at retries that wait for their budget */
    FAILED_IN_A_ROW = 3,     /* token calls, each after a pause: then other accounts are tried */
    REJECTED_IN_A_ROW = 10 /* rows refused with two tokens, or accounts without a token, before it is fatal */
};

/* A claimed row that has not left yet: a member of a singly linked list through `next`. */
struct waiting {
    struct ledger_claim claim;
    bool refused; /* 401 since it was claimed: it left before, with another token */
    int next;     /* -1: the last */
};

/* A request to the API in the air; its index is the request's tag. */
struct flight {
    struct ledger_claim claim;
    struct buf token; /* the bearer it left with */
    bool refused;     /* as in struct waiting */
    bool busy;
};

/* A token request in the air; tag = -1 - index. */
struct mint_flight {
    int64_t account;
    bool busy;
};

/* An outcome on its way to the ledger, with the texts that it points to. */
struct settled {
    struct api_outcome text;
    char *texts[4]; /* VERDICT_INVALID: codes, fields, own codes, own fields; owned */
};

/* What a host gave since its last success. */
struct trouble {
    int64_t count;    /* of failures and pushback */
    int64_t since_ms; /* wall clock: the first of them */
    bool reached;     /* the last was an answer */
    char last[512];   /* its words: masked, without secrets; longer ones are cut */
};

enum engine_mode { MODE_RUN, MODE_DRAIN, MODE_ABORT };

struct engine {
    struct engine_options options;
    struct engine_handles handles;
    char *url, *card_url; /* of the two calls; card_url NULL: it cannot be made */
    struct buf tenant_header, customer_header, cid_header, bearer_header;

    struct pace *pace, *token_pace;
    struct trouble trouble, token_trouble; /* beside them */
    struct token_cache *tokens;
    int64_t now_ms, wall_ms; /* of this turn */

    struct waiting *waiting; /* EXCHANGE_ROWS + flights entries */
    int waiting_size, free_entry, first, last;
    int waiting_count;
    struct flight *flight;
    int flying;
    struct mint_flight *mint;
    int minting;

    struct ledger_outcome *outbox;
    struct settled *settled; /* beside the outbox, entry by entry */
    size_t outbox_size, outbox_count;
    int64_t outbox_since_ms;
    int64_t exchange_ms;                            /* from EXCHANGE_MS to EXCHANGE_MOST_MS */
    int64_t tokens_unstored, unauthorized_unstored; /* figures for the next exchange */

    struct ledger_claim *claims; /* room for one exchange */
    int64_t next_due_ms;         /* wall clock: the next row's time; -1: no row is left */
    bool claim_empty;            /* the last claim found less than it wanted */
    int64_t pace_wait_ms;        /* what pace said when it last said no; INT64_MAX: a reply must come first */

    bool untried_out;  /* the last claim found fewer rows never tried than it had room for */
    int64_t budget_ms; /* retries that are due wait for their budget: no claim before */
    bool look;         /* an exchange is due only to learn what is left */

    bool closed;  /* by the timetable */
    int opens_at; /* minute of the local week; -1: never */
    double rate;  /* in force */
    int64_t limits_second;
    int limits_minute;

    enum engine_mode mode;
    bool stopped;       /* by signal or deadline */
    struct fail ending; /* why the run ends early, when it is an error */
    int64_t grace_until_ms;
    int refused_in_a_row, no_token_in_a_row;
    int64_t no_token_account; /* the last that counted */
    int mint_failures;        /* in a row, transient */
    int64_t mint_after_ms;    /* no mint before */
    bool minted_once;
    int64_t token_use_ms; /* how long the last token is handed out */
    int64_t token_ms;     /* what a token call takes of late; 0: tokens are at hand */
    bool may_send;        /* pace and slots let the row looked at go */
    bool may_mint;        /* the row looked at is near enough to leaving to be worth a token */
    int wake_fd;          /* signals and commands; -1: neither */
    bool hold_logged, token_hold_logged, gate_logged, nameless_logged, touched_logged;
    struct engine_figures figures;
};

/* engine_send.c */
/* A refused row goes to the front, the others behind the last. */
void waiting_add(struct engine *engine, const struct ledger_claim *claim, bool refused);
int engine_start(struct engine *engine, struct fail *fail) MUST_CHECK;
void engine_release_waiting(struct engine *engine);
/* A row's request from its files. LATER: they were touched while they were read, and nothing that was read
 * counts. NEVER: they are not what they were, so the run ends. */
enum composed { COMPOSED, COMPOSED_LATER, COMPOSED_NEVER };
enum composed engine_compose(struct engine *engine, const struct ledger_claim *claim,
                             struct portfolio_request *out);
/* Whether a waiting row of the account is at its first attempt. */
bool engine_account_untried(const struct engine *engine, int64_t account);
/* Every waiting row of an account that can have no token spends an attempt and goes back. Without a reason it
 * spends none, and is due some time after tokens are asked for again: first other accounts have their turn.
 */
void engine_defer_account(struct engine *engine, int64_t account, const char *reason);

/* engine_limits.c */
void engine_limits_open(struct engine *engine);
void engine_limits_turn(struct engine *engine);

/* engine_trouble.c */
/* An answer of the API host, or that there was none; `error` "" where it is one. */
void engine_trouble_api(struct engine *engine, enum pace_signal signal, const struct api_answer *answer,
                        const struct api_outcome *judged, const char *error);
/* The same of whoever makes tokens; `reason` as struct api_token has it. */
void engine_trouble_token(struct engine *engine, enum pace_signal signal, bool reached, const char *reason,
                          const char *error);
/* Ends the run where one of the two had no success for breaker.limit. */
void engine_trouble_end(struct engine *engine);

/* engine_reap.c */
void engine_reap(struct engine *engine);
/* Appends an outcome for a claim that is no longer waiting or flying. */
struct ledger_outcome *outbox_add(struct engine *engine, const struct ledger_claim *claim,
                                  enum job_verdict verdict);
/* No new sends from here on; when the rest is settled the run ends with this error. The first one stays. */
void engine_end_with(struct engine *engine, enum fail_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* What a token source said, whichever way it came. */
void engine_token_result(struct engine *engine, int64_t account, enum api_token_result result,
                         const struct api_token *token);

#endif
