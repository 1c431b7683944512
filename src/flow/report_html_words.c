/* What the page says in sentences: where the portfolio stands, how the run ended, what to do next. Which
 * steps there are follows from the states; which comes first, from how the run ended. */
#include "report_html_impl.h"

/* ---- the sentence ---- */

static const struct phrase {
    enum job_state state;
    const char *one, *many; /* behind the count */
} PHRASES[JOB_STATE_COUNT] = {
    {JOB_ENROLLED, "is enrolled", "are enrolled"},
    {JOB_ACCEPTED, "was taken by Pismo and awaits its outcome",
     "were taken by Pismo and await their outcome"},
    {JOB_ALREADY, "was on Click to Pay already", "were on Click to Pay already"},
    {JOB_SENT, "is in flight or lost its answer", "are in flight or lost their answer"},
    {JOB_READY, "is still to be sent", "are still to be sent"},
    {JOB_HELD, "is held as a further card of its customer", "are held as further cards of their customers"},
    {JOB_SKIPPED, "was excluded by its status", "were excluded by their status"},
    {JOB_INVALID, "was refused by the rules", "were refused by the rules"},
    {JOB_DECLINED, "was declined", "were declined"},
    {JOB_REJECTED, "was refused by the API", "were refused by the API"},
    {JOB_EXHAUSTED, "failed at every attempt", "failed at every attempt"},
};
enum {
    WELL = 3,      /* phrases of cards that got through ... */
    OPEN = 6,      /* ... and of all that are valid */
    PARTS_MOST = 5 /* of a sentence that is read in one go */
};

enum job_state html_state_at(size_t place)
{
    return PHRASES[place].state;
}

/* Parts of the sentence, counted first so that the last one gets its "and". */
struct sentence {
    struct page *page;
    size_t left, done; /* parts behind the first semicolon */
};

static void add_part(struct sentence *sentence, int64_t n, const char *one, const char *many)
{
    struct buf *out = sentence->page->out;

    sentence->left--;
    buf_add_text(out, sentence->done == 0 ? "; " : sentence->left == 0 ? " and " : ", ");
    sentence->done++;
    html_counted(out, n, one, many);
}

/* The states from here on. Of many the failed ones are one part: the table tells them apart. `first` has not
 * been named yet: it gets the number of all cards. */
static void add_parts(struct page *page, size_t from, bool first)
{
    const int64_t *n = page->totals.state;
    struct sentence sentence = {.page = page, .left = page->totals.refused_customers > 0};
    size_t failed = 0, parts = 0;
    int64_t lost = 0;

    for (size_t i = from; i < JOB_STATE_COUNT; i++) {
        bool fails = job_state_failed(PHRASES[i].state) && n[PHRASES[i].state] > 0;
        parts += n[PHRASES[i].state] > 0;
        failed += fails;
        lost += fails ? n[PHRASES[i].state] : 0;
    }
    if (failed < 2 || parts <= PARTS_MOST)
        failed = 0;
    sentence.left += failed > 0 ? parts - failed + 1 : parts;
    for (size_t i = from; i < JOB_STATE_COUNT; i++) {
        const struct phrase *phrase = &PHRASES[i];
        if (n[phrase->state] == 0 || (failed > 0 && job_state_failed(phrase->state)))
            continue;
        if (first) {
            html_count(page->out, n[phrase->state]);
            buf_add_text(page->out, " of ");
            html_counted(page->out, page->cards, "card ", "cards ");
            buf_add_text(page->out, n[phrase->state] == 1 ? phrase->one : phrase->many);
            sentence.left--;
            first = false;
        } else {
            add_part(&sentence, n[phrase->state], phrase->one, phrase->many);
        }
    }
    if (failed > 0)
        add_part(&sentence, lost, "did not get through", "did not get through");
    if (page->totals.refused_customers > 0)
        add_part(&sentence, page->totals.refused_customers, "customer record was refused",
                 "customer records were refused");
    buf_add_char(page->out, '.');
}

static int64_t sum_of(const struct page *page, size_t from, size_t to)
{
    int64_t sum = 0;

    for (size_t i = from; i < to; i++)
        sum += page->totals.state[PHRASES[i].state];
    return sum;
}

void html_headline(struct page *page)
{
    struct buf *out = page->out;
    int64_t passed = sum_of(page, 0, OPEN);

    if (page->cards == 0) {
        buf_add_text(out, page->options->check ? "The file holds no card" : "The ledger holds no card");
        add_parts(page, OPEN, false);
    } else if (page->options->check) {
        html_count(out, passed);
        buf_add_text(out, " of ");
        html_counted(out, page->cards, "card", "cards");
        buf_add_text(out, passed == 1 ? " passes the rules" : " pass the rules");
        add_parts(page, OPEN, false);
        buf_add_text(out, " Nothing was sent.");
    } else if (sum_of(page, 0, WELL) == 0) {
        buf_add_text(out, "None of ");
        html_counted(out, page->cards, "card", "cards");
        buf_add_text(out, " has been taken by Pismo");
        add_parts(page, WELL, false);
    } else {
        add_parts(page, 0, true);
    }
}

/* ---- how it ended ---- */

void html_verdict(struct page *page)
{
    struct buf *out = page->out;
    const char *class = page->code == 0                                        ? "good"
                        : page->code == 3 || page->code == 5 || page->code < 0 ? "look"
                                                                               : "stop";

    buf_addf(out, "<p class=\"verdict %s\">", class);
    if (page->tally->broken)
        buf_add_text(out, "The totals do not add up");
    else if (page->options->check)
        buf_add_text(out, page->code == 0 ? "Check: every record passes" : "Check: some records are refused");
    else if (page->code == CODE_AT_WORK)
        buf_add_text(out, page->run[0].life == LIFE_AT_WORK ? "A run is at work"
                                                            : "A run is at work, or was cut off just now");
    else if (page->code == CODE_CUT_OFF)
        buf_add_text(out, "The last run was cut off; run again");
    else if (page->code == CODE_DUE_AGAIN)
        buf_add_text(out, "Cards have come to be sent since the last run ended; run again");
    else if (page->runs == 0)
        buf_add_text(out, "No run yet");
    else
        html_sentence(out, report_exit_text(page->code), false);
    if (page->code >= 0 && page->runs > 0 && !page->tally->broken)
        buf_addf(out, " <span class=\"code\">exit code %d</span>", page->code);
    buf_add_text(out, "</p>\n");
}

void html_reason(struct page *page)
{
    if (!page->reason[0])
        return;
    buf_add_text(page->out, "<p class=\"reason\"><b>Why it stopped:</b> ");
    html_sentence(page->out, page->reason, page->reason[0] == '/');
    buf_add_text(page->out, ".</p>\n");
}

/* ---- what to do next ---- */

static void open_step(struct page *page, const char *title)
{
    buf_addf(page->out, "<li><strong>%s.</strong> ", title);
}

static void close_step(struct page *page, const char *text)
{
    buf_addf(page->out, "%s</li>\n", text);
}

/* Statuses among the answers so far that end a run, by the built-in table. */
static size_t add_fatal_answers(struct page *page)
{
    const struct ledger_totals *totals = &page->totals;
    size_t found = 0;

    for (size_t i = 0; i < totals->http_count; i++) {
        const struct report_advice *advice = report_advice_status(totals->http_status[i]);
        if (!report_status_fatal(totals->http_status[i]))
            continue;
        if (found++ == 0)
            buf_add_text(page->out, "Among the answers so far: ");
        else
            buf_add_char(page->out, ' ');
        html_count(page->out, totals->http_answers[i]);
        buf_addf(page->out, " × <b>%d</b>, %s. %s", totals->http_status[i], advice->meaning, advice->advice);
    }
    return found;
}

/* What stopped the run, as far as that is known. */
static void add_remedy(struct page *page)
{
    const char *advice = page->reason[0] ? report_advice_reason(page->reason) : NULL;

    if (advice)
        html_text(page->out, span_of(advice));
    else if (page->reason[0])
        buf_add_text(page->out,
                     "The reason stands above; <code>docs/operations.md</code> has what to do about each.");
    else if (add_fatal_answers(page) == 0)
        buf_add_text(page->out, "The last line of the run’s log names the reason.");
    buf_add_char(page->out, ' ');
}

static void add_stop_step(struct page *page)
{
    switch (page->code) {
    case 2:
        open_step(page, "Correct the configuration");
        close_step(page, "<code>ctp-enroll config check</code> and <code>run --dry-run</code> try it without "
                         "sending anything.");
        return;
    case 4:
        open_step(page, "Remove what stopped the run");
        add_remedy(page);
        close_step(page, "Nothing is lost: every card that was not settled can be sent again.");
        return;
    case 6:
        open_step(page, "Bring the input files back");
        close_step(page, "Cards still to be sent are read from their file again: bring it back as it was, "
                         "load a newer one, or give them up with <code>--drop-lost</code>.");
        return;
    case 7:
        open_step(page, "Look at the disk");
        close_step(page,
                   "The ledger or the reports could not be written. Nothing is to be repaired by hand.");
        return;
    case 1:
        open_step(page, "Ask for help");
        close_step(page, page->tally->broken
                             ? "The totals of the ledger do not add up: no number here is to be relied on. "
                               "Keep the ledger as it is."
                             : "The program found a fault of its own. Keep the ledger as it is.");
        return;
    default:
        return;
    }
}

/* Behind "2 cards are". */
static const char *work_words(const struct page *page)
{
    switch (page->code) {
    case CODE_AT_WORK:
        return " still to be sent. While a run is at work, a second one ends with exit code 75; "
               "<code>ctp-enroll status</code> tells whether it still is.";
    case CODE_DUE_AGAIN:
        return " to be sent, by <code>retry</code>, or because an event freed them: the last run itself left "
               "nothing.";
    default:
        return " still to be sent: <code>ctp-enroll run</code> carries on where the last run ended. No "
               "card is sent again once its answer is on record.";
    }
}

static void add_work_step(struct page *page)
{
    int64_t left = page->totals.state[JOB_READY] + page->totals.state[JOB_SENT];

    if (left == 0)
        return;
    open_step(page, page->code == CODE_AT_WORK ? "Wait for the run" : "Run again");
    html_counted(page->out, left, "card is", "cards are");
    close_step(page, work_words(page));
}

static void add_data_steps(struct page *page)
{
    const int64_t *n = page->totals.state;
    const int64_t *there = page->tally->lines; /* what was purged cannot be sent again */

    if (n[JOB_INVALID] + page->totals.refused_customers > 0) {
        open_step(page, "Correct the refused records");
        html_counted(page->out, n[JOB_INVALID], "card record", "card records");
        if (page->totals.refused_customers > 0) {
            buf_add_text(page->out, " and ");
            html_counted(page->out, page->totals.refused_customers, "customer record", "customer records");
        }
        close_step(
            page,
            ": <code>cards.rejects.csv</code> and <code>customers.rejects.csv</code> hold them with what "
            "is wrong in the last three columns. Correct them there or at the source, and load them "
            "with <code>run --cards FILE --customers FILE</code>.");
    }
    if (there[JOB_REJECTED] > 0) {
        open_step(page, "Look at what the API refused");
        html_counted(page->out, there[JOB_REJECTED], "card", "cards");
        close_step(
            page,
            ": the column <code>message</code> of <code>results.csv</code> says why. Correct the data at "
            "the source, or ask Pismo with the correlation IDs (column <code>cid</code>); then "
            "<code>ctp-enroll retry --state rejected</code> and run again, with the corrected file where "
            "there is one.");
    }
    if (there[JOB_DECLINED] > 0) {
        open_step(page, "Look at what was declined");
        html_counted(page->out, there[JOB_DECLINED], "card", "cards");
        close_step(
            page,
            ": their events said no, for the reasons grouped below. When the cause is gone: <code>ctp-enroll "
            "retry --state declined</code> and run again, with the corrected file where there is one.");
    }
    if (there[JOB_EXHAUSTED] > 0) {
        open_step(page, "Try again what failed at every attempt");
        html_counted(page->out, there[JOB_EXHAUSTED], "card", "cards");
        close_step(page, ": <code>ctp-enroll retry --state exhausted</code>, then run again.");
    }
}

static int64_t lost_answers(const struct page *page)
{
    int64_t count = 0;

    for (size_t i = 0; i < page->tally->count; i++)
        if (page->tally->group[i].state == JOB_HELD)
            count += page->tally->group[i].count;
    return count;
}

static void add_held_step(struct page *page, int64_t held)
{
    open_step(page,
              page->card_path ? "Leave further cards to themselves" : "Set up the call for further cards");
    html_counted(page->out, held, "card waits", "cards wait");
    close_step(
        page, page->card_path
                  ? " for another card of the same customer; each goes out once that one is settled."
                  : " behind another card of the same customer. Pismo has a call of its own for them: set "
                    "<code>api.enroll_card_path</code> when you have its path, and the next run sends them.");
}

static void add_wait_steps(struct page *page)
{
    int64_t lost = lost_answers(page), held = page->totals.state[JOB_HELD] - lost;

    if (page->overdue > 0) {
        open_step(page, "Ask for missing events");
        html_counted(page->out, page->overdue, "card has", "cards have");
        buf_add_text(page->out, " waited for the outcome longer than ");
        html_duration(page->out, page->options->overdue_ms);
        close_step(
            page,
            " (<code>events.overdue</code>). See whether all event files were read; then ask Pismo, with "
            "correlation IDs. None is guessed.");
    }
    if (page->totals.state[JOB_ACCEPTED] > page->overdue) {
        open_step(page, "Read the events");
        html_counted(page->out, page->totals.state[JOB_ACCEPTED] - page->overdue, "card awaits its",
                     "cards await their");
        close_step(page,
                   " outcome: <code>ctp-enroll reconcile FILE</code> reads Pismo’s events and settles them.");
    }
    if (page->tally->asleep > 0) {
        open_step(page, "Ask for cards of customers who were there");
        html_counted(page->out, page->tally->asleep, "card’s customer was", "cards’ customers were");
        close_step(page,
                   page->card_path
                       ? " on Click to Pay already; whether the card is, nobody said. The next run asks for "
                         "it, where the file with its record is there."
                       : " on Click to Pay already; whether the card is, nobody said. Set "
                         "<code>api.enroll_card_path</code>: the next run asks for the card itself.");
    }
    if (lost > 0) {
        open_step(page, "Ask about lost answers");
        html_counted(page->out, lost, "card is", "cards are");
        close_step(
            page,
            " held because the answer was lost (<code>retry.on_lost_answer</code>): ask Pismo about the "
            "correlation IDs, then <code>ctp-enroll retry --state held</code> or the event decides.");
    }
    if (held > 0)
        add_held_step(page, held);
}

void html_next(struct page *page)
{
    struct buf *out = page->out;
    size_t before;

    buf_add_text(out, "<section>\n<h2>What to do next</h2>\n<ol class=\"steps\">\n");
    before = out->len;
    if (page->tally->broken) {
        add_stop_step(page);
    } else if (page->options->check) {
        if (page->code != 0)
            add_data_steps(page);
        open_step(page, "Run it");
        close_step(page, "<code>ctp-enroll run</code> with the same files sends the cards that pass.");
    } else {
        add_stop_step(page);
        add_work_step(page);
        add_data_steps(page);
        add_wait_steps(page);
    }
    if (out->len == before) {
        open_step(page, page->cards == 0 ? "Load cards" : "Nothing");
        close_step(page,
                   page->cards == 0 ? "<code>ctp-enroll run --cards FILE</code>." : "Every card is settled.");
    }
    buf_add_text(out, "</ol>\n</section>\n");
}
