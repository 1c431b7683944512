/* Which card of a customer goes next, and by which call: the rule stands at the head of rule/job.h, its two
 * forms in sql/card_lead*.sql. Whether the card call can be made is a setting of the run; the ledger keeps
 * what the last run said, so that events and retries between two runs decide as that run would. */
#include "driver/ledger_read.h"

#include "ledger_impl.h"

static const char KEY[] = "card_path";

int ledger_card_path(struct ledger *ledger, bool *out, struct fail *fail)
{
    int64_t set;

    if (ledger_meta_number(ledger, KEY, &set, fail) != 0)
        return -1;
    *out = set != 0;
    return 0;
}

int ledger_lead(struct ledger *ledger, struct fail *fail)
{
    bool card_path;

    if (ledger_card_path(ledger, &card_path, fail) != 0)
        return -1;
    return ledger_run(ledger, ST_CARD_LEAD, fail, "d", (int)card_path);
}

int ledger_lead_one(struct ledger *ledger, int64_t customer_id, bool card_path, int64_t now_ms,
                    int64_t *moved, struct fail *fail)
{
    if (ledger_run(ledger, ST_CARD_LEAD_ONE, fail, "idi", now_ms, (int)card_path, customer_id) != 0)
        return -1;
    *moved = sqlite3_changes64(ledger->db);
    return 0;
}

int ledger_customer_settled(struct ledger *ledger, int64_t customer_id, bool card_path, int64_t now_ms,
                            struct fail *fail)
{
    int64_t moved;

    if (ledger_lead_one(ledger, customer_id, card_path, now_ms, &moved, fail) != 0 ||
        ledger_tally(ledger, "state", JOB_HELD, -moved, fail) != 0)
        return -1;
    return ledger_tally(ledger, "state", JOB_READY, moved, fail);
}

static int switch_path(struct ledger *ledger, bool card_path, int64_t now_ms, struct fail *fail)
{
    if (ledger_run(ledger, ST_META_SET, fail, "ti", KEY, (int64_t)card_path) != 0 ||
        ledger_run(ledger, card_path ? ST_CARD_PATH_ON : ST_CARD_PATH_OFF, fail, "i", now_ms) != 0 ||
        ledger_revive(ledger, fail) != 0 || ledger_lead(ledger, fail) != 0)
        return -1;
    return ledger_recount(ledger, fail);
}

int ledger_set_card_path(struct ledger *ledger, bool card_path, int64_t now_ms, struct fail *fail)
{
    bool before;

    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (ledger_card_path(ledger, &before, fail) != 0 ||
        (before != card_path && switch_path(ledger, card_path, now_ms, fail) != 0)) {
        ledger_rollback(ledger);
        return -1;
    }
    ledger->card_path = card_path;
    return ledger_commit(ledger, fail);
}

int ledger_file_unfollow(struct ledger *ledger, int64_t file, int64_t *rows, struct fail *fail)
{
    int64_t moved;

    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (ledger_run(ledger, ST_FILE_UNFOLLOW, fail, "i", file) != 0)
        goto undo;
    moved = sqlite3_changes64(ledger->db);
    if (ledger_lead(ledger, fail) != 0 || ledger_recount(ledger, fail) != 0)
        goto undo;
    *rows = moved;
    return ledger_commit(ledger, fail);
undo:
    ledger_rollback(ledger);
    return -1;
}
