/* The words of states, exit codes and codes, each in one place: what the terminal prints and what the page
 * shows come from here. The advice is docs/operations.md in one line. */
#include "report_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *report_state_text(enum job_state state)
{
    static const char *const words[JOB_STATE_COUNT] = {
        [JOB_INVALID] = "refused by the rules; see the rejects",
        [JOB_SKIPPED] = "excluded by their status",
        [JOB_HELD] = "further cards of a customer, waiting for the first",
        [JOB_READY] = "still to be sent",
        [JOB_SENT] = "in flight, or their answer was lost",
        [JOB_ACCEPTED] = "taken by Pismo; the outcome comes by event",
        [JOB_ENROLLED] = "confirmed by event",
        [JOB_DECLINED] = "declined by event",
        [JOB_ALREADY] = "were on Click to Pay already",
        [JOB_REJECTED] = "refused by the API",
        [JOB_EXHAUSTED] = "failed at every attempt",
    };

    return words[state];
}

const char *report_exit_text(int exit_code)
{
    switch (exit_code) {
    case 0:
        return "nothing is left to do";
    case 3:
        return "finished; some records need a person, see the rejects and results.csv";
    case 2:
        return "stopped by the command line or the configuration";
    case 4:
        return "stopped by what is fatal for the whole run";
    case 5:
        return "stopped early with work left; run again";
    case 6:
        return "the input files are missing, changed or unfit";
    case 7:
        return "ledger or disk trouble";
    default:
        return "internal error";
    }
}

#define ASK_PISMO "Ask Pismo, with two or three correlation IDs (column cid of results.csv)."
#define BY_ITSELF "Nothing: it is tried again by itself."
#define READ_REASON                                                                                          \
    "When the cause is gone: ctp-enroll retry --state declined, then run again. Not clear: ask Pismo, with " \
    "two "                                                                                                   \
    "or three correlation IDs (column cid of results.csv)."
#define RETRY_DECLINED "ctp-enroll retry --card, or --state declined for all of them, then run again."
#define CORRECT_DECLINED                                                                                  \
    "Correct the data at its source. Then ctp-enroll retry --card, or --state declined, and run --cards " \
    "with "                                                                                               \
    "the new file: in this order."
#define LEAVE_OUT "Leave such cards out of the extract, or skip them by a status (input.skip_status)."

static const struct report_advice ADVICE[] = {
    {"accepted", "taken; the outcome comes by event", "Nothing.", false},
    {"already_on_click_to_pay", "the customer is on Click to Pay already; of this card nothing is known",
     "With api.enroll_card_path set the next run asks for the card itself.", false},
    {"overdue", "taken, but no event came in time (events.overdue)",
     "See whether all event files were read; then ask Pismo, with two or three correlation IDs (column cid "
     "of "
     "results.csv). None is guessed.",
     false},
    {"late_failure", "a failure came after the success: the cards stay enrolled",
     "ctp-enroll show --card tells the event. Other operations, such as deleting a card, share the type of "
     "events; ask Pismo where it was none of yours.",
     false},
    {"late_success", "an event says enrolled, but these cards cannot have been taken",
     "ctp-enroll show --card tells the event; ask Pismo which of the two is right.", false},
    {"event_failure", "the event says no", READ_REASON, false},
    {"event_failure_weak", "an event says no; it was matched by account and card", READ_REASON, false},
    {"VIDC-1000", "Visa misses a field", CORRECT_DECLINED, false},
    {"VIDC-1001", "Visa takes a value for wrong", CORRECT_DECLINED, false},
    {"VIDC-1002", "Visa finds a value too long or too short", CORRECT_DECLINED, false},
    {"VIDC-1003", "Visa finds too many or too few values in a list", CORRECT_DECLINED, false},
    {"VIDC-2000", "Visa has the customer already",
     "Set api.enroll_card_path, then retry: the card goes by the call for further cards.", false},
    {"VIDC-2001", "Visa does not have the customer yet",
     "ctp-enroll show --card names the customer's other cards; when one of them is enrolled, retry.", false},
    {"VIDC-2002", "the issuer or this kind of card has no entitlement",
     "Look at owner_bid; then ask Pismo. When it is granted, retry.", false},
    {"VIDC-2003", "the card has expired",
     "Nothing: the next extract brings its successor. Leave expired cards out of it.", false},
    {"VIDC-2004", "Visa has the card already", "Nothing.", false},
    {"VIDC-2005", "Visa does not have the card", ASK_PISMO, false},
    {"VIDC-2006", "not a Visa card", LEAVE_OUT, false},
    {"VIDC-2007", "Visa does not take this kind of card", LEAVE_OUT, false},
    {"VIDC-2008", "a field cannot be changed any more", ASK_PISMO, false},
    {"VIDC-3000", "another request for the customer was at work", RETRY_DECLINED, false},
    {"VIDC-5000", "Visa's service failed", RETRY_DECLINED " For hours: ask Pismo.", false},
    {"VIDC-7000", "tokenisation was declined, or the card may not have a token",
     "Ask who runs the cards' tokens (Pismo, the processor) whether these card ranges are open for it. To "
     "retry alone changes nothing.",
     false},
    {"VIDC-", "a reason code of Visa that has no words here", ASK_PISMO, false},
    {"bad_request", "the API refuses the data",
     "Read the column message of results.csv and correct the data at its source. Many with one message: ask "
     "Pismo, with two or three correlation IDs (column cid).",
     false},
    {"unauthorized", "the token was refused; a new one was made", "Nothing, unless the run stopped.", false},
    {"forbidden", "refused at the edge, for the whole run",
     "Look at the rights of the key, the client certificate, the sending address.", false},
    {"not_found", "no such path, for the whole run",
     "Look at api.base_url: it must hold host and prefix, such as https://host.example/cards-tokenization.",
     false},
    {"method_not_allowed", "no such call, for the whole run",
     "Look at api.base_url: it leads to another service.", false},
    {"not_enabled_to_tenant", "Click to Pay is off for this tenant", "Look at api.tenant; then ask Pismo.",
     false},
    {"account_blank", "the tokens carry no account", "Look at auth.method: the wrong kind of credentials.",
     false},
    {"org_blank", "the tokens carry no organisation", "Look at auth.method: the wrong kind of credentials.",
     false},
    {"proxy_auth_required", "a proxy wants credentials", "Look at proxy.url and proxy.credentials_file.",
     false},
    {"proxy_refused", "the proxy refuses to lead there",
     "Look at proxy.credentials_file and the proxy's rules.", false},
    {"tls_failed", "TLS with the host failed", "Look at tls.ca_file, tls.cert_file and the clock.", false},
    {"redirected", "the host leads elsewhere, for the whole run",
     "Look at api.base_url: it must be the API's own address.", false},
    {"unexpected_status", "an answer that the API text does not know", ASK_PISMO, false},
    {"request_timeout", "the server gave up waiting", BY_ITSELF, true},
    {"conflict", "another request for the same data was at work", BY_ITSELF, true},
    {"too_early", "the server was not ready for it", BY_ITSELF, true},
    {"too_many_requests", "too fast for the server", BY_ITSELF " Often: lower pace.rate or pace.concurrency.",
     true},
    {"server_error", "the server failed", BY_ITSELF " For hours: ask Pismo.", true},
    {"http_5xx", "the server, or one before it, failed", BY_ITSELF " For hours: ask Pismo.", true},
    {"http_4xx", "the API refuses the request", ASK_PISMO, false},
    {"answer_lost", "sent, but no answer came: it may have been taken",
     "It is tried again under the same correlation ID. Where it is held for that (retry.on_lost_answer): ask "
     "Pismo, then retry.",
     true},
    {"connect_failed", "no connection to the API",
     BY_ITSELF " Often: look at network, name service and firewall.", true},
    {"no_token", "the token host gives none for the account", "Look at the account with Pismo.", false},
    {"", "see the column message of results.csv", "ctp-enroll show --card tells the card's whole story.",
     false},
};

enum { ADVICE_COUNT = sizeof ADVICE / sizeof ADVICE[0] };

const struct report_advice *report_advice(const char *code)
{
    char family[] = "http_?xx";

    for (size_t i = 0; i < ADVICE_COUNT; i++)
        if (strcmp(ADVICE[i].code, code) == 0)
            return &ADVICE[i];
    if (strncmp(code, "VIDC-", 5) == 0 && strlen(code) > 5)
        return report_advice("VIDC-");
    if (strncmp(code, "http_", 5) == 0 && strlen(code) == 8 && strcmp(code + 6, "xx") != 0) {
        family[5] = code[5];
        return report_advice(family);
    }
    return &ADVICE[ADVICE_COUNT - 1];
}

/* The built-in table's line for the status that asks for no words of the body; its last line takes any. */
static const struct api_verdict *line_of(int http_status)
{
    size_t count;
    const struct api_verdict *line = api_verdicts(&count);

    while (http_status < line->status_from || http_status > line->status_to || line->pattern[0])
        line++;
    return line;
}

const struct report_advice *report_advice_status(int http_status)
{
    const struct api_verdict *line = line_of(http_status);
    char code[16];

    if (line->code)
        return report_advice(line->code);
    (void)snprintf(code, sizeof code, "http_%d", http_status % 1000);
    return report_advice(code);
}

/* What stands in the reason of a run that ended with 4; the first that is found. */
static const struct {
    const char *words, *advice;
} REASONS[] = {
    {"breaker.limit",
     "No request succeeded for as long as breaker.limit. Run again when the service is back."},
    {"refuses the credentials",
     "Look at the credentials that auth.method names: the key, its secret, the environment they are of."},
    {"fresh tokens are refused",
     "Look whether auth.url and api.base_url are of one environment, and at api.tenant."},
    {"is another account's",
     "Stop and ask: a wrong token file, or the token host mixes accounts. Nothing was sent with it."},
    {"answer cannot be read", "Look at what answers under auth.url, and at auth.token_field."},
    {"no token", "Look at auth.method and its settings: the first accounts could have no token."},
};

const char *report_advice_reason(const char *reason)
{
    const char *code;

    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++)
        if (strstr(reason, REASONS[i].words))
            return REASONS[i].advice;
    /* ": not_enabled_to_tenant (400) ...": a code as a word of its own */
    for (size_t i = 0; i + 1 < ADVICE_COUNT; i++) {
        size_t len = strlen(ADVICE[i].code);
        code = strstr(reason, ADVICE[i].code);
        if (code && code > reason && code[-1] == ' ' && code[len] == ' ')
            return ADVICE[i].advice;
    }
    return NULL;
}

bool report_status_fatal(int http_status)
{
    return line_of(http_status)->verdict == VERDICT_FATAL;
}
