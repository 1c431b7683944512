/* retry: what is chosen is looked at first, and nothing changes where it cannot be meant; then the ledger
 * moves the rows. The next run sends them, from their files. A dry run does the same to a copy of the ledger.
 */
#include "command/command.h"

#include "cli/setup.h"
#include "cli/text.h"
#include "driver/ledger_change.h"
#include "driver/ledger_read.h"
#include "driver/source.h"
#include "kit/clock.h"
#include "kit/json.h"
#include "value/pan.h"
#include "value/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REASON_POINTS = 120, PATH_CAP = 8192 };

static const unsigned FAILED = 1U << JOB_REJECTED | 1U << JOB_DECLINED | 1U << JOB_EXHAUSTED;
/* Without --state: not ACCEPTED, because what was taken is not to be sent again by the way. */
static const unsigned USUAL =
    1U << JOB_REJECTED | 1U << JOB_DECLINED | 1U << JOB_EXHAUSTED | 1U << JOB_ALREADY | 1U << JOB_HELD;

/* What the command line chose. */
struct choice {
    struct ledger_retry retry;
    struct span *codes;
    int64_t *cards;
    bool by_state;
};

/* Digits in one run, or in groups. */
static bool has_card_number(struct span text)
{
    static const char parts[] = "0123456789 -";
    size_t from = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && memchr(parts, text.ptr[i], sizeof parts - 1))
            continue;
        if (pan_like(span_trim((struct span){text.ptr + from, i - from})))
            return true;
        from = i + 1;
    }
    return false;
}

static int read_states(const struct options *options, struct choice *choice, struct fail *fail)
{
    const char *name;
    size_t at = 0;

    while ((name = options_next(options, "state", &at))) {
        enum job_state state;
        const char *refused;
        if (job_state_parse(name, &state) != 0)
            return fail_set(fail, FAIL_USAGE,
                            "--state: '%s' is none of rejected, declined, exhausted, already, held, accepted",
                            has_card_number(span_of(name)) ? "..." : name);
        refused = job_retry_refused(state);
        if (refused)
            return fail_set(fail, FAIL_USAGE, "--state: a card that is %s cannot be retried: %s", name,
                            refused);
        choice->retry.states |= 1U << state;
    }
    if (options_has(options, "all-failed"))
        choice->retry.states |= FAILED;
    choice->by_state = choice->retry.states != 0;
    if (!choice->by_state)
        choice->retry.states = USUAL;
    return 0;
}

static bool is_card_number(int64_t card)
{
    struct buf digits;
    bool like;

    buf_init(&digits, 32);
    buf_addf(&digits, "%" PRId64, card);
    like = pan_like(buf_span(&digits));
    buf_free(&digits);
    return like;
}

static int read_cards(const struct options *options, struct choice *choice, struct fail *fail)
{
    const char *text;
    size_t at = 0;

    while ((text = options_next(options, "card", &at))) {
        int64_t card;
        if (span_to_id(span_of(text), &card) != 0)
            return fail_set(fail, FAIL_USAGE, "--card needs a decimal card_id");
        if (is_card_number(card)) /* the ledger has none, and it must not be repeated */
            return fail_set(fail, FAIL_USAGE,
                            "--card takes Pismo's card_id, not the number on a card: looks_like_pan");
        choice->cards = mem_grow(choice->cards, choice->retry.card_count + 1, sizeof *choice->cards);
        choice->cards[choice->retry.card_count++] = card;
    }
    choice->retry.cards = choice->cards;
    return 0;
}

static void read_codes(const struct options *options, struct choice *choice)
{
    const char *text;
    size_t at = 0;

    while ((text = options_next(options, "code", &at))) {
        choice->codes = mem_grow(choice->codes, choice->retry.code_count + 1, sizeof *choice->codes);
        choice->codes[choice->retry.code_count++] = span_of(text);
    }
    choice->retry.codes = choice->codes;
}

/* It is kept in the ledger and shown: a ticket's number, not a person. */
static int read_reason(const struct options *options, struct choice *choice, struct fail *fail)
{
    const char *reason = options_get(options, "reason");
    struct span text = span_of(reason);
    char *cleaned;
    struct text clean;
    bool good;

    if (!reason || !reason[0])
        return 0;
    cleaned = mem_alloc(TEXT_GROWTH * text.len);
    good = text_clean(text, cleaned, &clean) == TEXT_OK && clean.points <= REASON_POINTS &&
           !memchr(text.ptr, '@', text.len) && !has_card_number(text);
    free(cleaned);
    if (!good)
        return fail_set(fail, FAIL_USAGE,
                        "--reason takes one line of up to %d characters, without e-mail addresses and card "
                        "numbers",
                        REASON_POINTS);
    choice->retry.reason = reason;
    return 0;
}

static int read_choice(const struct command *command, struct choice *choice, struct fail *fail)
{
    const struct options *options = command->options;
    int64_t now_ms = clock_wall_ms();

    choice->retry.now_ms = now_ms;
    choice->retry.overdue_ms = now_ms - config_ms(command->config, SET_EVENTS_OVERDUE);
    if (read_states(options, choice, fail) != 0 || read_cards(options, choice, fail) != 0 ||
        read_reason(options, choice, fail) != 0)
        return -1;
    read_codes(options, choice);
    if (!choice->by_state && choice->retry.card_count == 0 && choice->retry.code_count == 0)
        return fail_set(fail, FAIL_USAGE,
                        "retry needs to know which rows: --state, --code, --card or --all-failed");
    return 0;
}

/* Why a card that was named cannot be retried; NULL: it can. */
static const char *refusal(const struct choice *choice, const struct ledger_row_state *row)
{
    if (row->place.file == 0)
        return "it was purged, and its record with it";
    if (row->state == JOB_HELD && row->due_ms >= 0)
        return "it waits for another card of its customer (ctp-enroll show tells which)";
    if (row->state == JOB_ACCEPTED && !choice->by_state)
        return "it was taken; --state accepted sends it again if its event is overdue";
    return job_retry_refused(row->state);
}

static int check_card(struct ledger *ledger, const struct choice *choice, int64_t card, struct fail *fail)
{
    struct ledger_row_state row;
    const char *why;
    int rc;

    if (ledger_card_begin(ledger, card, fail) != 0)
        return -1;
    rc = ledger_card_next(ledger, &row, fail);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return fail_set(fail, FAIL_USAGE, "the ledger has no card %" PRId64, card);
    why = refusal(choice, &row);
    if (!why)
        return 0;
    return fail_set(fail, FAIL_USAGE, "card %" PRId64 " (%s) cannot be retried: %s", card,
                    job_state_name(row.state), why);
}

static int check_cards(struct ledger *ledger, const struct choice *choice, struct fail *fail)
{
    for (size_t i = 0; i < choice->retry.card_count; i++)
        if (check_card(ledger, choice, choice->retry.cards[i], fail) != 0)
            return -1;
    return 0;
}

static bool is_there(const char *base, const struct ledger_file *file)
{
    struct buf path;
    bool there = false;

    if (file->spool == SPOOL_KEPT) {
        buf_init(&path, PATH_CAP);
        source_spool_path(base, file->sha256, &path);
        there = access(buf_text(&path), R_OK) == 0;
        buf_free(&path);
    }
    return there || (file->path[0] == '/' && access(file->path, R_OK) == 0);
}

static int warn_of_file(struct command *command, struct ledger *ledger, const struct ledger_file *file,
                        struct fail *fail)
{
    int64_t rows;

    if (ledger_file_rows(ledger, file->id, &rows, fail) != 0)
        return -1;
    if (rows > 0)
        log_add(command->log, LOG_WARN,
                file->spool == SPOOL_NONE
                    ? "rows to be sent need a file that is gone: bring it back, or load a newer one"
                    : "rows to be sent need a file whose spool file was removed and which is not where it "
                      "was: bring it back, or load it again",
                LOG_TEXT("file", file->path), LOG_INT("rows", rows));
    return 0;
}

/* The next run reads the records again. Whether a file is what it was that run will see; that it is gone can
 * be told now. */
static int warn_of_files(struct command *command, struct ledger *ledger, struct fail *fail)
{
    struct ledger_files files;
    int rc = 0;

    if (ledger_files_due(ledger, &files, fail) != 0)
        return -1;
    for (size_t i = 0; i < files.count && rc == 0; i++)
        if (!is_there(command->ledger_path, &files.file[i]))
            rc = warn_of_file(command, ledger, &files.file[i], fail);
    ledger_files_free(&files);
    return rc;
}

static void print_json(const struct ledger_retried *done, bool dry, struct buf *out)
{
    struct json json;

    json_init(&json, out, true);
    text_moved_json(done->from, done->rows, dry, &json);
    json_key(&json, "ready");
    json_int(&json, done->ready);
    json_key(&json, "held");
    json_int(&json, done->rows - done->ready);
    json_end_object(&json);
    buf_add_char(out, '\n');
}

static void print_text(const struct ledger_retried *done, bool dry, struct buf *out)
{
    text_moved(done->from, out);
    buf_addf(out, "%12" PRId64 "  rows in all: %" PRId64 " ready, %" PRId64 " held behind another card\n",
             done->rows, done->ready, done->rows - done->ready);
    if (dry)
        buf_add_text(out, "dry run: nothing was changed\n");
    else if (done->rows > 0)
        buf_add_text(out, "the next run sends them\n");
}

static void refresh_metrics(const struct command *command, struct ledger *ledger)
{
    struct metrics metrics;

    setup_metrics(command->config, command->log, &metrics);
    metrics_refresh(&metrics, ledger);
}

static int retry_in(struct command *command, struct ledger *ledger, const struct choice *choice,
                    struct fail *fail)
{
    bool dry = options_has(command->options, "dry-run");
    struct ledger_retried done;

    if (ledger_retry(ledger, &choice->retry, &done, fail) != 0 || ledger_check(ledger, fail) != 0)
        return -1;
    if (done.rows > 0 && warn_of_files(command, ledger, fail) != 0)
        return -1;
    if (done.from[JOB_ACCEPTED] > 0)
        log_add(
            command->log, LOG_WARN,
            "cards that were taken are sent again, under the same correlation IDs; where their events were "
            "only lost, Pismo answers \"already\"",
            LOG_INT("rows", done.from[JOB_ACCEPTED]));
    if (!dry)
        refresh_metrics(command, ledger);
    if (command->json)
        print_json(&done, dry, &command->result);
    else
        print_text(&done, dry, &command->result);
    return 0;
}

static int retry(struct command *command, const struct choice *choice, struct fail *fail)
{
    struct ledger *ledger;
    int rc;

    if (ledger_open(&ledger, command->ledger_path, LEDGER_WRITE, fail) != 0)
        return -1;
    rc = check_cards(ledger, choice, fail);
    if (rc == 0 && options_has(command->options, "dry-run")) {
        ledger_close(ledger);
        if (ledger_open(&ledger, command->ledger_path, LEDGER_SCRATCH, fail) != 0)
            return -1;
    }
    if (rc == 0)
        rc = retry_in(command, ledger, choice, fail);
    ledger_close(ledger);
    return rc;
}

int command_retry(struct command *command, int *exit_code, struct fail *fail)
{
    struct choice choice = {.by_state = false};
    int rc = read_choice(command, &choice, fail);

    if (rc == 0)
        rc = retry(command, &choice, fail);
    free(choice.codes);
    free(choice.cards);
    *exit_code = 0;
    return rc;
}
