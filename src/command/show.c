/* One card's whole story: its row, every attempt and retry, the last answer, its place in the file, and the
 * customer's other cards, which decide when it goes; nothing personal. */
#include "command/command.h"

#include "driver/ledger_read.h"
#include "kit/clock.h"
#include "kit/json.h"

#include <inttypes.h>
#include <string.h>

static const char *file_path(const struct ledger_files *files, int64_t id)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i].id == id)
            return files->file[i].path;
    return "";
}

struct story {
    struct ledger *ledger;
    const struct ledger_files *files;
    struct buf *out;
    struct json json;
    bool as_json;
    bool card_path; /* the last run could make the card call */
};

/* It stays known after a retry, but then it is no part of what the row is now. */
static bool has_event_time(const struct ledger_row_state *row)
{
    return row->event_id.len > 0 && row->event_ms > 0;
}

static const char *call_name(enum job_call call)
{
    return call == CALL_CUSTOMER ? "customer" : "card";
}

/* What keeps the customer's held cards from going, as far as this one of its cards does; NULL: nothing. The
 * rule is that of sql/card_lead_one.sql. */
static const char *blocks(const struct story *story, const struct ledger_row_state *row)
{
    bool there = row->state == JOB_ENROLLED || row->state == JOB_ALREADY ||
                 (row->state == JOB_ACCEPTED && row->call != CALL_CUSTOMER);

    if (row->state == JOB_HELD && row->due_ms < 0)
        return "is held for a lost answer";
    if (there && !story->card_path)
        return "is there, and api.enroll_card_path is not set";
    if (row->state == JOB_READY || row->state == JOB_SENT)
        return "goes first";
    if (row->state == JOB_ACCEPTED && row->call == CALL_CUSTOMER)
        return "awaits its event";
    return NULL;
}

static void optional_span(struct json *json, const char *key, struct span text)
{
    json_key(json, key);
    if (text.len > 0)
        json_span(json, text);
    else
        json_null(json);
}

static void optional_int(struct json *json, const char *key, int64_t number)
{
    json_key(json, key);
    if (number != 0)
        json_int(json, number);
    else
        json_null(json);
}

static void row_json(struct story *story, const struct ledger_row_state *row)
{
    char cid[UUID_TEXT_SIZE], at[CLOCK_TEXT_SIZE];
    struct json *json = &story->json;

    json_key(json, "file");
    json_text(json, file_path(story->files, row->place.file));
    json_key(json, "record");
    json_int(json, row->place.record);
    json_key(json, "line");
    json_int(json, row->place.line);
    optional_int(json, "customer_id", row->customer_id);
    optional_int(json, "account_id", row->account_id);
    optional_int(json, "card_id", row->card_id);
    json_key(json, "state");
    json_text(json, job_state_name(row->state));
    json_key(json, "uncertain");
    json_bool(json, row->uncertain);
    json_key(json, "attempts");
    json_int(json, row->attempts);
    optional_int(json, "http_status", row->http_status);
    optional_span(json, "code", row->code);
    optional_span(json, "field", row->field);
    optional_span(json, "message", row->message);
    json_key(json, "cid");
    json_text(json, ledger_cid(story->ledger, row->id, cid));
    optional_span(json, "event_id", row->event_id);
    json_key(json, "event_at");
    if (has_event_time(row))
        json_text(json, clock_format(row->event_ms, at));
    else
        json_null(json);
    json_key(json, "updated_at");
    json_text(json, clock_format(row->updated_ms, at));
    json_key(json, "call");
    json_text(json, call_name(row->call));
    json_key(json, "purged");
    json_bool(json, row->place.file == 0);
    json_key(json, "due_at");
    if (row->state == JOB_READY && row->due_ms > 0)
        json_text(json, clock_format(row->due_ms, at));
    else
        json_null(json);
}

static void attempt_json(struct json *json, const struct ledger_attempt *attempt)
{
    char at[CLOCK_TEXT_SIZE];

    json_object(json);
    json_key(json, "attempt");
    json_int(json, attempt->attempt);
    json_key(json, "at");
    json_text(json, clock_format(attempt->at_ms, at));
    optional_int(json, "http_status", attempt->http_status);
    optional_span(json, "code", attempt->code);
    optional_span(json, "message", attempt->message);
    json_end_object(json);
}

/* Of a purged row nothing else is left. */
static void purged_text(const struct ledger_row_state *row, struct buf *out)
{
    char at[CLOCK_TEXT_SIZE];

    buf_addf(out, "card %" PRId64 ", customer %" PRId64 ", account %" PRId64 "\n", row->card_id,
             row->customer_id, row->account_id);
    buf_addf(out, "  state           %s\n", job_state_name(row->state));
    buf_addf(out, "  since           %s\n", clock_format(row->updated_ms, at));
    buf_add_text(out, "  purged          its record and its story were erased\n");
}

/* An event that did not decide, or that decided before a retry. */
static void event_json(struct json *json, const struct ledger_attempt *event)
{
    char at[CLOCK_TEXT_SIZE];

    json_object(json);
    json_key(json, "at");
    json_text(json, clock_format(event->at_ms, at));
    optional_span(json, "code", event->code);
    optional_span(json, "message", event->message);
    json_end_object(json);
}

static void retry_json(struct json *json, const struct ledger_attempt *retry)
{
    char at[CLOCK_TEXT_SIZE];

    json_object(json);
    json_key(json, "at");
    json_text(json, clock_format(retry->at_ms, at));
    optional_span(json, "reason", retry->message);
    json_end_object(json);
}

static void row_text(struct story *story, const struct ledger_row_state *row)
{
    char cid[UUID_TEXT_SIZE], at[CLOCK_TEXT_SIZE];
    struct buf *out = story->out;

    buf_addf(out, "card %" PRId64 ", customer %" PRId64 ", account %" PRId64 "\n", row->card_id,
             row->customer_id, row->account_id);
    buf_addf(out, "  record          %s:%" PRId64 " (record %" PRId64 ")\n",
             file_path(story->files, row->place.file), row->place.line, row->place.record);
    buf_addf(out, "  state           %s%s\n", job_state_name(row->state),
             row->uncertain ? " (uncertain: an attempt's answer was lost)" : "");
    buf_addf(out, "  correlation ID  %s\n", ledger_cid(story->ledger, row->id, cid));
    buf_addf(out, "  call            %s\n", call_name(row->call));
    buf_addf(out, "  attempts        %d\n", row->attempts);
    if (row->http_status != 0)
        buf_addf(out, "  HTTP status     %d\n", row->http_status);
    if (row->code.len > 0)
        buf_addf(out, "  code            %.*s\n", (int)row->code.len, row->code.ptr);
    if (row->field.len > 0)
        buf_addf(out, "  column          %.*s\n", (int)row->field.len, row->field.ptr);
    if (row->message.len > 0)
        buf_addf(out, "  message         %.*s\n", (int)row->message.len, row->message.ptr);
    if (row->event_id.len > 0)
        buf_addf(out, "  event           %.*s%s%s\n", (int)row->event_id.len, row->event_id.ptr,
                 has_event_time(row) ? " of " : "",
                 has_event_time(row) ? clock_format(row->event_ms, at) : "");
    buf_addf(out, "  since           %s\n", clock_format(row->updated_ms, at));
    if (row->state == JOB_READY && row->due_ms > 0)
        buf_addf(out, "  due again       %s\n", clock_format(row->due_ms, at));
    if (row->state == JOB_HELD && row->due_ms < 0)
        buf_add_text(out, "  held            its answer was lost (retry.on_lost_answer); retry or its event "
                          "frees it\n");
}

/* What a step of the story is: the ledger tells them apart by their codes. */
enum step { STEP_ATTEMPT, STEP_RETRY, STEP_EVENT };

static enum step step_of(const struct ledger_attempt *attempt)
{
    if (span_is(attempt->code, "retry"))
        return STEP_RETRY;
    return attempt->code.len > 6 && memcmp(attempt->code.ptr, "event_", 6) == 0 ? STEP_EVENT : STEP_ATTEMPT;
}

static void step_text(struct buf *out, const struct ledger_attempt *step)
{
    char at[CLOCK_TEXT_SIZE];
    const char *colon = step->message.len ? ": " : "";

    (void)clock_format(step->at_ms, at);
    switch (step_of(step)) {
    case STEP_RETRY:
        buf_addf(out, "  retry           %s%s%.*s\n", at, step->message.len ? "  " : "",
                 (int)step->message.len, step->message.ptr);
        return;
    case STEP_EVENT:
        buf_addf(out, "  event           %s  %.*s%s%.*s\n", at, (int)step->code.len, step->code.ptr, colon,
                 (int)step->message.len, step->message.ptr);
        return;
    case STEP_ATTEMPT:
        break;
    }
    buf_addf(out, "  attempt %d       %s  %d %.*s%s%.*s\n", step->attempt, at, step->http_status,
             (int)step->code.len, step->code.ptr, colon, (int)step->message.len, step->message.ptr);
}

static int attempts_text(struct story *story, int64_t row, struct fail *fail)
{
    struct ledger_attempt attempt;
    int rc;

    if (ledger_attempts_begin(story->ledger, row, fail) != 0)
        return -1;
    while ((rc = ledger_attempts_next(story->ledger, &attempt, fail)) == 1)
        step_text(story->out, &attempt);
    return rc;
}

/* The steps of one kind as an array. */
static int steps_json(struct story *story, int64_t row, enum step kind, struct fail *fail)
{
    static const char *const keys[] = {
        [STEP_ATTEMPT] = "failed_attempts", [STEP_RETRY] = "retries", [STEP_EVENT] = "events"};
    struct ledger_attempt step;
    int rc;

    if (ledger_attempts_begin(story->ledger, row, fail) != 0)
        return -1;
    json_key(&story->json, keys[kind]);
    json_array(&story->json);
    while ((rc = ledger_attempts_next(story->ledger, &step, fail)) == 1) {
        if (step_of(&step) != kind)
            continue;
        if (kind == STEP_RETRY)
            retry_json(&story->json, &step);
        else if (kind == STEP_EVENT)
            event_json(&story->json, &step);
        else
            attempt_json(&story->json, &step);
    }
    json_end_array(&story->json);
    return rc;
}

/* One of the customer's other cards; `held`: the card that the story is about waits. */
static void other_card(struct story *story, const struct ledger_row_state *row, bool held)
{
    const char *why = held ? blocks(story, row) : NULL;

    if (!story->as_json) {
        buf_addf(story->out, "  other card      %" PRId64 " %s%s%s\n", row->card_id,
                 job_state_name(row->state), why ? ": it " : "", why ? why : "");
        return;
    }
    json_object(&story->json);
    json_key(&story->json, "card_id");
    json_int(&story->json, row->card_id);
    json_key(&story->json, "state");
    json_text(&story->json, job_state_name(row->state));
    json_key(&story->json, "holds_back");
    json_text(&story->json, why);
    json_end_object(&story->json);
}

static int tell_others(struct story *story, int64_t id, int64_t customer_id, bool held, struct fail *fail)
{
    struct ledger_row_state other;
    int rc = 0;

    if (story->as_json) {
        json_key(&story->json, "customer_cards");
        json_array(&story->json);
    }
    if (customer_id != 0 && ledger_customer_begin(story->ledger, customer_id, fail) != 0)
        return -1;
    while (customer_id != 0 && (rc = ledger_customer_next(story->ledger, &other, fail)) == 1)
        if (other.id != id && other.card_id != 0 && (other.flags & ROW_DUPLICATE) == 0)
            other_card(story, &other, held);
    if (story->as_json)
        json_end_array(&story->json);
    return rc;
}

static int tell_row(struct story *story, const struct ledger_row_state *row, struct fail *fail)
{
    bool held = row->state == JOB_HELD && row->due_ms >= 0;
    int64_t id = row->id, customer_id = row->customer_id;

    if (!story->as_json) {
        if (row->place.file == 0)
            purged_text(row, story->out);
        else
            row_text(story, row);
        return attempts_text(story, id, fail) == 0 ? tell_others(story, id, customer_id, held, fail) : -1;
    }
    json_object(&story->json);
    row_json(story, row);
    if (steps_json(story, id, STEP_ATTEMPT, fail) != 0 || steps_json(story, id, STEP_RETRY, fail) != 0 ||
        steps_json(story, id, STEP_EVENT, fail) != 0 || tell_others(story, id, customer_id, held, fail) != 0)
        return -1;
    json_end_object(&story->json);
    return 0;
}

static int tell_card(struct story *story, int64_t card_id, struct fail *fail)
{
    struct ledger_row_state row;
    int rc, rows = 0;

    if (ledger_card_begin(story->ledger, card_id, fail) != 0)
        return -1;
    json_init(&story->json, story->out, true);
    if (story->as_json) {
        json_object(&story->json);
        json_key(&story->json, "card_id");
        json_int(&story->json, card_id);
        json_key(&story->json, "rows");
        json_array(&story->json);
    }
    for (; (rc = ledger_card_next(story->ledger, &row, fail)) == 1; rows++)
        if (tell_row(story, &row, fail) != 0)
            return -1;
    if (rc < 0)
        return -1;
    if (rows == 0)
        return fail_set(fail, FAIL_USAGE, "the ledger has no such card");
    if (story->as_json) {
        json_end_array(&story->json);
        json_end_object(&story->json);
        buf_add_char(story->out, '\n');
    }
    return 0;
}

int command_show(struct command *command, int *exit_code, struct fail *fail)
{
    const char *card = options_get(command->options, "card");
    struct story story = {.out = &command->result, .as_json = command->json};
    struct ledger_files files;
    int64_t card_id;
    int rc = -1;

    *exit_code = 0;
    if (!card)
        return fail_set(fail, FAIL_USAGE, "show needs --card ID, a card_id");
    if (span_to_id(span_of(card), &card_id) != 0) /* not repeated: it may be anything */
        return fail_set(fail, FAIL_USAGE, "--card: that is no card_id, which is a whole number in digits");
    if (ledger_open(&story.ledger, command->ledger_path, LEDGER_READ, fail) != 0)
        return -1;
    if (ledger_card_path(story.ledger, &story.card_path, fail) == 0 &&
        ledger_files_all(story.ledger, &files, fail) == 0) {
        story.files = &files;
        rc = tell_card(&story, card_id, fail);
        ledger_files_free(&files);
    }
    ledger_close(story.ledger);
    return rc;
}
