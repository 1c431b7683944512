#include "journal.h"

#include "kit/clock.h"
#include "kit/json.h"

enum { LINE_CAP = 16 * 1024, FOREIGN_TEXT_MAX = 128 };

int journal_open(struct journal *journal, const char *path, struct fail *fail)
{
    buf_init(&journal->line, LINE_CAP);
    return lines_open(&journal->lines, path, fail);
}

int journal_close(struct journal *journal, struct fail *fail)
{
    buf_free(&journal->line);
    return lines_close(&journal->lines, fail);
}

static void add_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_text(json, text);
}

/* What the client wrote, at a length that cannot flood the line. */
static void add_span(struct json *json, const char *key, struct span text)
{
    json_key(json, key);
    if (text.len > FOREIGN_TEXT_MAX)
        text.len = FOREIGN_TEXT_MAX;
    if (text.ptr)
        json_span(json, text);
    else
        json_null(json);
}

static void add_id(struct json *json, const char *key, int64_t id)
{
    json_key(json, key);
    if (id > 0)
        json_int(json, id);
    else
        json_null(json);
}

static void add_verdict(struct json *json, const struct journal_entry *entry)
{
    json_key(json, "valid");
    if (entry->valid == JOURNAL_UNJUDGED)
        json_null(json);
    else
        json_bool(json, entry->valid == JOURNAL_VALID);
    if (entry->valid != JOURNAL_INVALID)
        return;
    json_key(json, "why");
    json_array(json);
    for (size_t i = 0; entry->judgement && i < entry->judgement->count; i++)
        json_text(json, entry->judgement->complaints[i]);
    if (entry->why)
        json_text(json, entry->why);
    json_end_array(json);
}

int journal_add(struct journal *journal, const struct journal_entry *entry, int64_t now_ms, struct fail *fail)
{
    char time[CLOCK_TEXT_SIZE];
    struct json json;

    if (journal->lines.fd < 0)
        return 0;
    buf_reset(&journal->line);
    json_init(&json, &journal->line, false);
    json_object(&json);
    add_text(&json, "time", clock_format(entry->time_ms, time));
    add_text(&json, "method", entry->method);
    add_span(&json, "path", span_of(entry->path));
    add_span(&json, "tenant", entry->tenant);
    add_id(&json, "customer", entry->customer);
    add_id(&json, "account", entry->account);
    add_id(&json, "card", entry->card);
    add_span(&json, "cid", entry->cid);
    json_key(&json, "status");
    json_int(&json, entry->status);
    json_key(&json, "elapsed_us");
    json_int(&json, entry->elapsed_us);
    json_key(&json, "in_flight");
    json_int(&json, entry->in_flight);
    add_text(&json, "fault", entry->fault);
    add_text(&json, "cause", entry->cause);
    json_key(&json, "taken");
    json_bool(&json, entry->taken);
    add_verdict(&json, entry);
    json_end_object(&json);
    return lines_add(&journal->lines, buf_span(&journal->line), now_ms, fail);
}
