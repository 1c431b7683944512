/* The tables: made, known again, and brought from the version before to this one. */
#include "ledger_impl.h"

#include "sql/drop_live.h"
#include "sql/schema.h"
#include "sql/schema_claims.h"
#include "sql/schema_indexes.h"
#include "sql/schema_refused.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

enum {
    APPLICATION_ID = 0x43745045, /* "CtPE" */
    SCHEMA_BEFORE = 3,           /* can be brought up to date */
    SCHEMA_VERSION = 4,
};

static int pragma(struct ledger *ledger, const char *text, int64_t *out, struct fail *fail)
{
    sqlite3_stmt *statement = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(ledger->db, text, -1, &statement, NULL) != SQLITE_OK)
        return ledger_trouble(ledger, "opening", fail);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        rc = 0;
    }
    if (sqlite3_finalize(statement) != SQLITE_OK)
        rc = -1;
    return rc == 0 ? 0 : ledger_trouble(ledger, "opening", fail);
}

static int store_states(struct ledger *ledger, struct fail *fail)
{
    for (int64_t i = 0; i < JOB_STATE_COUNT; i++)
        if (ledger_run(ledger, ST_STATE_ADD, fail, "itd", i, job_state_name((enum job_state)i),
                       (int)job_state_final((enum job_state)i)) != 0)
            return -1;
    return 0;
}

static int store_seed(struct ledger *ledger, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, ST_META_SET, fail);

    if (!statement)
        return -1;
    if (getrandom(ledger->seed.bytes, UUID_SEED_SIZE, 0) != UUID_SEED_SIZE)
        return fail_set(fail, FAIL_INTERNAL, "no random numbers: %s", strerror(errno));
    if (sqlite3_bind_text(statement, 1, "seed", -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_blob(statement, 2, ledger->seed.bytes, UUID_SEED_SIZE, SQLITE_STATIC) != SQLITE_OK)
        return ledger_trouble(ledger, "storing the seed", fail);
    return ledger_step(ledger, statement, fail);
}

/* In the caller's transaction. */
static int sign(struct ledger *ledger, struct fail *fail)
{
    struct buf text;
    int rc;

    buf_init(&text, 256);
    buf_addf(&text, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, SCHEMA_VERSION);
    rc = ledger_script(ledger, buf_text(&text), fail);
    buf_free(&text);
    return rc;
}

int ledger_schema_make(struct ledger *ledger, struct fail *fail)
{
    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (ledger_script(ledger, SQL_SCHEMA, fail) != 0 || ledger_script(ledger, SQL_SCHEMA_CLAIMS, fail) != 0 ||
        ledger_script(ledger, SQL_SCHEMA_INDEXES, fail) != 0 ||
        ledger_script(ledger, SQL_SCHEMA_REFUSED, fail) != 0 || store_states(ledger, fail) != 0 ||
        store_seed(ledger, fail) != 0 || sign(ledger, fail) != 0) {
        ledger_rollback(ledger);
        return -1;
    }
    return ledger_commit(ledger, fail);
}

/* Version 3 wrote claims into each row and had every row to be sent in card_live. What it left in flight says
 * so itself, and what it left ready at the time 0, tried or not, is claimed by number like any row never
 * tried. */
int ledger_schema_upgrade(struct ledger *ledger, struct fail *fail)
{
    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (ledger_script(ledger, SQL_DROP_LIVE, fail) != 0 ||
        ledger_script(ledger, SQL_SCHEMA_CLAIMS, fail) != 0 ||
        ledger_script(ledger, SQL_SCHEMA_INDEXES, fail) != 0 || sign(ledger, fail) != 0) {
        ledger_rollback(ledger);
        return -1;
    }
    return ledger_commit(ledger, fail);
}

int ledger_schema_seed(struct ledger *ledger, struct fail *fail)
{
    sqlite3_stmt *statement = ledger_statement(ledger, ST_META_GET, fail);
    int rc;

    if (!statement || ledger_bind(ledger, statement, fail, "t", "seed") != 0)
        return -1;
    rc = ledger_step(ledger, statement, fail);
    if (rc < 0)
        return -1;
    if (rc == 0 || sqlite3_column_bytes(statement, 0) != UUID_SEED_SIZE)
        return fail_set(fail, FAIL_LEDGER, "%s: damaged: it has no seed", ledger->path);
    memcpy(ledger->seed.bytes, sqlite3_column_blob(statement, 0), UUID_SEED_SIZE);
    (void)sqlite3_reset(statement);
    return 0;
}

static int other_version(const struct ledger *ledger, int64_t version, struct fail *fail)
{
    const char *remedy = version == SCHEMA_BEFORE ? "; `ctp-enroll run` brings it up to date" : "";

    return fail_set(fail, FAIL_LEDGER,
                    "%s: written by %s version of this program (schema %" PRId64 ", not %d)%s", ledger->path,
                    version > SCHEMA_VERSION ? "a newer" : "an older", version, SCHEMA_VERSION, remedy);
}

int ledger_schema_look(struct ledger *ledger, bool may_change, enum schema_age *out, struct fail *fail)
{
    int64_t id = 0, version = 0, tables = 0;

    if (pragma(ledger, "PRAGMA application_id", &id, fail) != 0 ||
        pragma(ledger, "PRAGMA user_version", &version, fail) != 0 ||
        pragma(ledger, "SELECT count(*) FROM sqlite_schema", &tables, fail) != 0)
        return -1;
    *out = SCHEMA_NONE;
    if (id == 0 && version == 0 && tables == 0)
        return 0;
    if (id != APPLICATION_ID)
        return fail_set(fail, FAIL_LEDGER, "%s: not a ledger of this program", ledger->path);
    *out = version == SCHEMA_VERSION ? SCHEMA_NOW : SCHEMA_OLD;
    if (version == SCHEMA_VERSION || (version == SCHEMA_BEFORE && may_change))
        return 0;
    return other_version(ledger, version, fail);
}
