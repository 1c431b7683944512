/* One table names the counts for both forms. */
#include "reconcile_impl.h"

#include "flow/report.h"
#include "kit/json.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct count {
    const char *key, *words;
    size_t at;
    unsigned indent;
    bool always; /* in the text also when it is 0 */
} counts[] = {
#define COUNT(member, key, words, indent, always)                              \
    {                                                                          \
        key, words, offsetof(struct reconcile_figures, member), indent, always \
    }
    COUNT(read, "read", "events read", 0, true),
    COUNT(matched, "matched", "matched with a card of this ledger", 1, true),
    COUNT(enrolled, "enrolled", "enrolled", 2, true),
    COUNT(declined, "declined", "declined", 2, true),
    COUNT(duplicates, "duplicates", "duplicates, known already", 2, true),
    COUNT(further, "further", "older ones, or the same outcome again: kept in the cards' stories", 2, false),
    COUNT(late, "late_failures", "failures after the success: the cards stay enrolled", 2, false),
    COUNT(waiting, "waiting", "before their request's answer: settled when that is there", 2, false),
    COUNT(listed, "listed", "of cards whose state they cannot change", 2, false),
    COUNT(weak, "weak", "of the matched: by account and card, not by correlation ID", 1, false),
    COUNT(unmatched, "unmatched", "unmatched", 1, true),
    COUNT(contradicting, "contradicting", "of a correlation ID of ours, but of another card or customer", 1,
          false),
    COUNT(foreign, "foreign", "of other organisations", 1, true),
    COUNT(other_types, "other_types", "of other types", 1, true),
    COUNT(other_operations, "other_operations", "of other operations", 1, true),
    COUNT(unknown_statuses, "unknown_statuses", "with an unknown status: they settled nothing", 1, true),
    COUNT(unfit, "unfit", "objects that are no events", 0, false),
    COUNT(junk, "junk", "stretches that are no JSON objects", 0, false),
    COUNT(left, "left_waiting", "events in all wait for their request's answer", 0, false),
#undef COUNT
};

enum { COUNTS = sizeof counts / sizeof counts[0] };

static int64_t value_of(const struct reconcile_figures *figures, const struct count *count)
{
    int64_t value;

    memcpy(&value, (const char *)figures + count->at, sizeof value);
    return value;
}

/* ---- text ---- */

static void print_values(const char *what, const struct reconcile_values *values, struct buf *out)
{
    if (values->count == 0)
        return;
    buf_addf(out, "%s:", what);
    for (size_t i = 0; i < values->count; i++)
        buf_addf(out, "%s %s (%" PRId64 ")", i ? "," : "", values->value[i].text, values->value[i].count);
    if (values->others > 0)
        buf_addf(out, ", others (%" PRId64 ")", values->others);
    buf_add_char(out, '\n');
}

static void print_sample(const struct reconcile_sample *sample, bool state, struct buf *out)
{
    buf_addf(out, "  %s of event %s", sample->well ? "success" : "failure",
             sample->event_id[0] ? sample->event_id : "without ID");
    if (sample->card_id != 0)
        buf_addf(out, ", card %" PRId64, sample->card_id);
    if (state)
        buf_addf(out, " (%s)", job_state_name(sample->state));
    if (sample->cid[0])
        buf_addf(out, ", cid %s", sample->cid);
    buf_add_char(out, '\n');
}

/* `count`: of the events, which may be more than the examples. */
static void print_samples(const char *what, const struct reconcile_samples *list, int64_t count, bool state,
                          struct buf *out)
{
    if (count == 0)
        return;
    buf_addf(out, "%s%s:\n", what, count > (int64_t)list->count ? ", for example" : "");
    for (size_t i = 0; i < list->count; i++)
        print_sample(&list->one[i], state, out);
}

void reconcile_print(const struct reconcile_figures *figures, int64_t overdue, struct buf *out)
{
    for (size_t i = 0; i < COUNTS; i++) {
        int64_t value = value_of(figures, &counts[i]);
        if (value != 0 || counts[i].always)
            buf_addf(out, "%12" PRId64 "  %*s%s\n", value, (int)counts[i].indent * 2, "", counts[i].words);
    }
    buf_addf(out, "%12" PRId64 "  cards accepted for longer than events.overdue without their event\n",
             overdue);
    print_values("unknown statuses", &figures->statuses, out);
    print_values("other types", &figures->types, out);
    print_values("other operations", &figures->operations, out);
    print_samples("unmatched", &figures->unmatched_ones, figures->unmatched, false, out);
    print_samples("of another card or customer", &figures->contradicting_ones, figures->contradicting, false,
                  out);
    print_samples("by account and card", &figures->weak_ones, figures->weak, true, out);
    print_samples("failures after the success", &figures->late_ones, figures->late, true, out);
    print_samples("cards whose state they cannot change", &figures->listed_ones, figures->listed, true, out);
}

/* ---- what the operator does next ---- */

struct hints {
    struct buf *out;
    bool begun;
};

static void hint(struct hints *hints, bool applies, const char *words)
{
    if (!applies)
        return;
    buf_addf(hints->out, "%s  %s\n", hints->begun ? "" : "\nwhat now:\n", words);
    hints->begun = true;
}

/* Files or settings that are not those that were meant: nothing at all was matched. */
static void hint_mistakes(struct hints *hints, const struct reconcile_figures *f)
{
    if (f->matched > 0)
        return;
    hint(hints, f->read == 0 && f->unfit > 0, "the files hold JSON, but no events: other files were meant");
    hint(hints, f->read > 0 && f->foreign == f->read,
         "all events are of other organisations: is api.tenant this portfolio's?");
    hint(hints, f->other_types > 0 && f->other_types + f->foreign == f->read,
         "no event is of events.types and events.domains: see \"other types\" above");
    hint(hints, f->other_operations > 0 && f->unmatched == 0,
         "no event is of events.operations: see \"other operations\" above");
    hint(hints, f->unknown_statuses > 0 && f->unmatched == 0,
         "no event has a known status: is events.status_pointer right? --explain tells where it looks");
    hint(hints, f->unmatched > 0, "no event is of a card of this ledger: is --ledger this portfolio's?");
}

void reconcile_print_next(const struct reconcile_figures *f, int64_t overdue,
                          const struct ledger_totals *totals, struct buf *out)
{
    struct hints hints = {out, false};
    char ready[80];

    (void)snprintf(ready, sizeof ready, "ready: the next run sends %" PRId64 " cards",
                   totals->state[JOB_READY]);
    hint_mistakes(&hints, f);
    hint(&hints, f->junk > 0,
         "no JSON: see the warnings; where a file was cut off, get it whole and read it again");
    hint(
        &hints, f->unknown_statuses > 0,
        "unknown status: ask Pismo what it means, name it in events.success or events.failure, read the same "
        "files again");
    hint(&hints, f->contradicting > 0,
         "another card or customer: ask Pismo, with event and correlation ID; nothing was settled by it");
    hint(&hints, f->late > 0, "failure after the success: ask Pismo whether the card is on Click to Pay");
    hint(
        &hints, f->declined > 0,
        "declined: reasons are in results.csv of ctp-enroll report; retry --state declined sends them again");
    hint(&hints, overdue > 0,
         "overdue: look for event files that were not read; then ask Pismo by the cid in results.csv");
    hint(&hints, totals->state[JOB_READY] > 0, ready);
}

/* ---- JSON ---- */

/* The others have a member of their own: a value may have any name. */
static void add_values(struct json *json, const char *key, const char *others,
                       const struct reconcile_values *values)
{
    json_key(json, key);
    json_object(json);
    for (size_t i = 0; i < values->count; i++) {
        json_key(json, values->value[i].text);
        json_int(json, values->value[i].count);
    }
    json_end_object(json);
    json_key(json, others);
    json_int(json, values->others);
}

static void add_samples(struct json *json, const char *key, const struct reconcile_samples *list)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < list->count; i++) {
        const struct reconcile_sample *one = &list->one[i];
        json_object(json);
        json_key(json, "event_id");
        json_text(json, one->event_id[0] ? one->event_id : NULL);
        json_key(json, "cid");
        json_text(json, one->cid[0] ? one->cid : NULL);
        json_key(json, "card_id");
        if (one->card_id != 0)
            json_int(json, one->card_id);
        else
            json_null(json);
        json_key(json, "success");
        json_bool(json, one->well);
        json_end_object(json);
    }
    json_end_array(json);
}

void reconcile_print_json(const struct reconcile_figures *figures, int64_t overdue,
                          const struct ledger_totals *totals, const char *error, struct buf *out)
{
    struct json json;

    json_init(&json, out, true);
    json_object(&json);
    json_key(&json, "schema_version");
    json_int(&json, 1);
    json_key(&json, "files");
    json_int(&json, figures->files);
    json_key(&json, "bytes");
    json_int(&json, figures->bytes);
    for (size_t i = 0; i < COUNTS; i++) {
        json_key(&json, counts[i].key);
        json_int(&json, value_of(figures, &counts[i]));
    }
    json_key(&json, "overdue");
    json_int(&json, overdue);
    add_values(&json, "unknown_status_values", "unknown_status_others", &figures->statuses);
    add_values(&json, "other_type_values", "other_type_others", &figures->types);
    add_values(&json, "other_operation_values", "other_operation_others", &figures->operations);
    add_samples(&json, "unmatched_examples", &figures->unmatched_ones);
    add_samples(&json, "contradicting_examples", &figures->contradicting_ones);
    add_samples(&json, "weak_examples", &figures->weak_ones);
    add_samples(&json, "late_failure_examples", &figures->late_ones);
    add_samples(&json, "listed_examples", &figures->listed_ones);
    report_totals_json(totals, &json);
    json_key(&json, "error");
    json_text(&json, error);
    json_end_object(&json);
    buf_add_char(out, '\n');
}
