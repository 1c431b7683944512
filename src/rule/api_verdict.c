/* One table judges the answers, top down. The body is read only when a line asks for its words or the answer
 * is a refusal: most answers are 202 and cost a look at the table's first line. */
#include "api_impl.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A pattern stands for status 400 only: that is where the API text shows these messages. What is not listed
 * as certain in docs/api.md can be overruled by a line of [verdicts]. */
static const struct api_verdict VERDICTS[] = {
    {202, 202, "", VERDICT_ACCEPTED, "accepted"},
    {400, 400, "not enabled to tenant", VERDICT_FATAL, "not_enabled_to_tenant"},
    {400, 400, "accountid: cannot be blank", VERDICT_FATAL, "account_blank"},
    {400, 400, "orgid: cannot be blank", VERDICT_FATAL, "org_blank"},
    {400, 400, "already on click to pay", VERDICT_ALREADY, "already_on_click_to_pay"},
    {400, 400, "", VERDICT_REJECTED, "bad_request"},
    {401, 401, "", VERDICT_TOKEN, "unauthorized"},
    {403, 403, "", VERDICT_FATAL, "forbidden"},
    {404, 404, "", VERDICT_FATAL, "not_found"},
    {405, 405, "", VERDICT_FATAL, "method_not_allowed"},
    /* Credentials are refused, though by a proxy that stands in the way unasked: no row is at fault. */
    {407, 407, "", VERDICT_FATAL, "proxy_auth_required"},
    {408, 408, "", VERDICT_TRANSIENT, "request_timeout"},
    {409, 409, "", VERDICT_TRANSIENT, "conflict"},
    {425, 425, "", VERDICT_TRANSIENT, "too_early"},
    {429, 429, "", VERDICT_TRANSIENT, "too_many_requests"},
    {400, 499, "", VERDICT_REJECTED, NULL},
    {500, 500, "", VERDICT_TRANSIENT, "server_error"},
    {501, 599, "", VERDICT_TRANSIENT, NULL},
    {300, 399, "", VERDICT_FATAL, "redirected"},
    {0, INT_MAX, "", VERDICT_FATAL, "unexpected_status"},
};

enum { VERDICT_LINES = sizeof VERDICTS / sizeof VERDICTS[0] };

const struct api_verdict *api_verdicts(size_t *count)
{
    *count = VERDICT_LINES;
    return VERDICTS;
}

/* ---- a line of the configuration ---- */

static int verdict_fault(const char *key, const char *value, struct fail *fail)
{
    return fail_set(
        fail, FAIL_USAGE,
        "verdicts.%s = %s: the form is 'STATUS [TEXT] = VERDICT', STATUS from 100 to 599, VERDICT "
        "accepted, already, rejected, transient, token or fatal",
        key, value);
}

int api_verdict_parse(const char *key, const char *value, struct api_verdict *out, struct fail *fail)
{
    enum job_verdict verdict;
    const char *pattern;
    int64_t status = 0;

    while (*key == ' ' || *key == '\t')
        key++;
    pattern = key + strcspn(key, " \t");
    if (pattern - key != 3 || span_to_id((struct span){key, 3}, &status) != 0 || status < 100 || status > 599)
        return verdict_fault(key, value, fail);
    if (job_verdict_parse(value, &verdict) != 0 || verdict >= VERDICT_RELEASED)
        return verdict_fault(key, value, fail);
    while (*pattern == ' ' || *pattern == '\t')
        pattern++;
    *out = (struct api_verdict){(int)status, (int)status, pattern, verdict, NULL};
    return 0;
}

/* ---- the words of a body ---- */

static void add_word(const char *text, struct buf *out)
{
    size_t len = strlen(text);

    if (len == 0)
        return;
    if (out->len > 0 && out->ptr[out->len - 1] != ' ')
        buf_add_text(out, "; ");
    buf_add(out, text, len);
}

/* Details are documented as a list of texts; one text, or objects that hold texts, are taken as well. */
static void add_details(const cJSON *details, struct buf *out)
{
    const cJSON *item, *part;

    if (cJSON_IsString(details))
        add_word(details->valuestring, out);
    cJSON_ArrayForEach(item, details)
    {
        if (cJSON_IsString(item))
            add_word(item->valuestring, out);
        cJSON_ArrayForEach(part, item) if (cJSON_IsString(part)) add_word(part->valuestring, out);
    }
}

static enum api_words read_words(const cJSON *root, struct buf *out)
{
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(root, "message");
    const cJSON *details = cJSON_GetObjectItemCaseSensitive(root, "details");
    size_t start = out->len;

    if (!cJSON_IsObject(root))
        return WORDS_NOT_JSON;
    if (cJSON_IsString(message)) {
        buf_add_text(out, message->valuestring);
        if (out->len > start && cJSON_GetArraySize(details) > 0)
            buf_add_text(out, ": ");
    }
    add_details(details, out);
    if (out->full)
        return WORDS_TOO_LONG;
    return out->len > start ? WORDS_FOUND : WORDS_NONE;
}

enum api_words api_words(struct span body, struct buf *out)
{
    cJSON *root = body.len > 0 ? cJSON_ParseWithLength(body.ptr, body.len) : NULL;
    enum api_words words = root ? read_words(root, out) : WORDS_NOT_JSON;

    cJSON_Delete(root);
    return words;
}

/* ---- judging ---- */

/* An answer's body while it is judged: its words are looked for at most once. */
struct reading {
    struct span body;
    struct buf words;
    bool read;
    enum api_words found;
};

static void read_body(struct reading *reading)
{
    if (reading->read)
        return;
    reading->read = true;
    reading->found = api_words(reading->body, &reading->words);
}

static bool holds_nocase(struct span text, const char *pattern)
{
    size_t len = strlen(pattern);

    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.ptr + i, pattern, len) == 0)
            return true;
    return false;
}

static bool matches(const struct api_verdict *line, int status, struct reading *reading)
{
    if (status < line->status_from || status > line->status_to)
        return false;
    if (!line->pattern[0])
        return true;
    read_body(reading);
    return holds_nocase(reading->found == WORDS_FOUND ? buf_span(&reading->words) : reading->body,
                        line->pattern);
}

/* The built-in table's last line matches everything. */
static const struct api_verdict *decide(const struct api_verdict *extra, size_t extra_count, int status,
                                        struct reading *reading)
{
    const struct api_verdict *line = VERDICTS;

    for (size_t i = 0; i < extra_count; i++)
        if (matches(&extra[i], status, reading))
            return &extra[i];
    while (!matches(line, status, reading)) {
        line++;
        assert(line < VERDICTS + VERDICT_LINES);
    }
    return line;
}

static void set_code(struct api_outcome *out, const char *code, int status)
{
    size_t len = code ? strlen(code) : 0;

    assert(len < sizeof out->code);
    if (code)
        memcpy(out->code, code, len + 1);
    else
        (void)snprintf(out->code, sizeof out->code, "http_%d", status);
}

static void set_message(struct reading *reading, const struct record *card, const struct record *customer,
                        char out[API_MESSAGE_SIZE])
{
    static const char *const reasons[] = {
        [WORDS_NONE] = "no message", [WORDS_TOO_LONG] = "too long to quote", [WORDS_NOT_JSON] = "not JSON"};

    read_body(reading);
    if (reading->found == WORDS_FOUND)
        api_mask(buf_span(&reading->words), card, customer, out);
    else if (reading->body.len > 0)
        (void)snprintf(out, API_MESSAGE_SIZE, "(%s, %zu bytes)", reasons[reading->found], reading->body.len);
}

static void judge_end(enum api_end end, struct api_outcome *out)
{
    switch (end) {
    case API_NOT_SENT:
        out->verdict = VERDICT_TRANSIENT;
        set_code(out, "connect_failed", 0);
        return;
    case API_LOST:
        out->verdict = VERDICT_TRANSIENT;
        out->lost = true;
        set_code(out, "answer_lost", 0);
        return;
    case API_TLS:
        out->verdict = VERDICT_FATAL;
        set_code(out, "tls_failed", 0);
        return;
    case API_PROXY:
        out->verdict = VERDICT_FATAL;
        set_code(out, "proxy_refused", 0);
        return;
    case API_ANSWERED:
        break;
    }
    assert(!"an end that does not exist");
}

void api_judge(const struct api_answer *answer, const struct api_verdict *extra, size_t extra_count,
               const struct record *card, const struct record *customer, struct api_outcome *out)
{
    struct reading reading = {.body = answer->body, .words = {.cap = API_TEXT_CAP}};
    const struct api_verdict *line;

    out->lost = false;
    out->message[0] = '\0';
    if (answer->end != API_ANSWERED) {
        judge_end(answer->end, out);
        return;
    }
    line = decide(extra, extra_count, answer->status, &reading);
    out->verdict = line->verdict;
    set_code(out, line->code, answer->status);
    if (line->verdict != VERDICT_ACCEPTED)
        set_message(&reading, card, customer, out->message);
    buf_free(&reading.words);
}
