/* One card's whole story: its row, every attempt, the last answer, its place in the file; nothing
 * personal. */
#include "command/command.h"

#include "driver/ledger_read.h"
#include "kit/clock.h"
#include "kit/json.h"

#include <inttypes.h>

static const char *file_path(const struct ledger_files *files, int64_t id)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->file[i].id == id)
            return files->file[i].path;
    return "";
}

/* One attempt that did not settle the card. */
struct story {
    struct ledger *ledger;
    const struct ledger_files *files;
    struct buf *out;
    struct json json;
    bool as_json;
};

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
    json_key(json, "updated_at");
    json_text(json, clock_format(row->updated_ms, at));
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
        buf_addf(out, "  event           %.*s\n", (int)row->event_id.len, row->event_id.ptr);
    buf_addf(out, "  since           %s\n", clock_format(row->updated_ms, at));
    if (row->state == JOB_READY && row->due_ms > 0)
        buf_addf(out, "  due again       %s\n", clock_format(row->due_ms, at));
}

static void attempt_text(struct buf *out, const struct ledger_attempt *attempt)
{
    char at[CLOCK_TEXT_SIZE];

    buf_addf(out, "  attempt %d       %s  %d %.*s%s%.*s\n", attempt->attempt,
             clock_format(attempt->at_ms, at), attempt->http_status, (int)attempt->code.len,
             attempt->code.ptr, attempt->message.len ? ": " : "", (int)attempt->message.len,
             attempt->message.ptr);
}

static int tell_attempts(struct story *story, int64_t row, struct fail *fail)
{
    struct ledger_attempt attempt;
    int rc;

    if (ledger_attempts_begin(story->ledger, row, fail) != 0)
        return -1;
    while ((rc = ledger_attempts_next(story->ledger, &attempt, fail)) == 1) {
        if (story->as_json)
            attempt_json(&story->json, &attempt);
        else
            attempt_text(story->out, &attempt);
    }
    return rc;
}

static int tell_row(struct story *story, const struct ledger_row_state *row, struct fail *fail)
{
    if (!story->as_json) {
        row_text(story, row);
        return tell_attempts(story, row->id, fail);
    }
    json_object(&story->json);
    row_json(story, row);
    json_key(&story->json, "failed_attempts");
    json_array(&story->json);
    if (tell_attempts(story, row->id, fail) != 0)
        return -1;
    json_end_array(&story->json);
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
    if (!card || span_to_id(span_of(card), &card_id) != 0)
        return fail_set(fail, FAIL_USAGE, "show needs --card ID, a decimal card_id");
    if (ledger_open(&story.ledger, command->ledger_path, LEDGER_READ, fail) != 0)
        return -1;
    if (ledger_files_all(story.ledger, &files, fail) == 0) {
        story.files = &files;
        rc = tell_card(&story, card_id, fail);
        ledger_files_free(&files);
    }
    ledger_close(story.ledger);
    return rc;
}
