/* Opening and closing, the life of a run. */
#include "ledger_impl.h"
#include "ledger_staged.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BUSY_MS = 10000 /* what a status beside a run may wait for, or the run for a reconcile's commit */ };

/* WAL needs memory shared between the processes: not to be had over a network. Magic numbers: statfs(2). */
static bool on_network(const char *path)
{
    static const unsigned long network[] = {0x6969, 0x517B, 0xFF534D42, 0xFE534D42, 0x564C, 0x5346414F};
    struct statfs info;

    if (statfs(path, &info) != 0)
        return false;
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++)
        if (((unsigned long)info.f_type & 0xFFFFFFFF) == network[i])
            return true;
    return false;
}

/* Makes the file with mode 0600 before SQLite does it with whatever the umask allows. */
static int touch(const char *path, struct fail *fail)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 && errno == ENOENT)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot make the ledger: its folder is not there", path);
    if (fd < 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot open the ledger: %s", path, strerror(errno));
    if (close(fd) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot open the ledger: %s", path, strerror(errno));
    return 0;
}

static int connect_database(struct ledger *ledger, const char *path, struct fail *fail)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (path[0] ? 0 : SQLITE_OPEN_CREATE);

    if (sqlite3_open_v2(path, &ledger->db, flags, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(ledger->db, BUSY_MS) != SQLITE_OK)
        return ledger_trouble(ledger, "opening", fail);
    return 0;
}

#define DURABLE "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=FILE; "
/* A run's load may take minutes. */
#define BESIDE DURABLE "PRAGMA busy_timeout=600000; PRAGMA wal_autocheckpoint=8000; "

static int configure(struct ledger *ledger, enum ledger_mode mode, struct fail *fail)
{
    static const char *const settings[] = {
        [LEDGER_RESUME] = DURABLE,
        [LEDGER_RUN] = DURABLE,
        /* Rows in any order touch the same pages again and again; batches of events come in their order. */
        [LEDGER_WRITE] = BESIDE "PRAGMA cache_size=-8192",
        [LEDGER_EVENTS] = BESIDE "PRAGMA cache_size=-4096",
        [LEDGER_READ] = "PRAGMA query_only=ON",
        /* Pages twice as large: half the reads and writes where all is read and written in order. */
        [LEDGER_SCRATCH] = "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF",
    };

    if (ledger_script(ledger, "PRAGMA cache_size=-2048", fail) != 0)
        return -1;
    return ledger_script(ledger, settings[mode], fail);
}

/* Makes a new ledger's tables, or brings those of an older version up to date, where the mode may do that. */
static int start_use(struct ledger *ledger, enum ledger_mode mode, struct fail *fail)
{
    bool may_change = mode == LEDGER_RUN || mode == LEDGER_RESUME || mode == LEDGER_SCRATCH;
    enum schema_age age;

    if (ledger_schema_look(ledger, may_change, &age, fail) != 0)
        return -1;
    if (age == SCHEMA_NONE && mode != LEDGER_RUN && mode != LEDGER_SCRATCH)
        return fail_set(fail, FAIL_INPUT, "%s: the ledger is empty; the first run fills it", ledger->path);
    if (configure(ledger, mode, fail) != 0)
        return -1;
    if (age == SCHEMA_NONE)
        return ledger_schema_make(ledger, fail);
    if (age == SCHEMA_OLD && ledger_schema_upgrade(ledger, fail) != 0)
        return -1;
    return ledger_schema_seed(ledger, fail);
}

/* A scratch ledger starts as a copy of the real one, where that exists. */
static int copy_from(struct ledger *ledger, struct fail *fail)
{
    sqlite3 *origin = NULL;
    sqlite3_backup *copy;
    int rc = -1;

    if (sqlite3_open_v2(ledger->path, &origin, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(origin, BUSY_MS) == SQLITE_OK) {
        copy = sqlite3_backup_init(ledger->db, "main", origin, "main");
        if (copy && sqlite3_backup_step(copy, -1) == SQLITE_DONE)
            rc = 0;
        if (copy && sqlite3_backup_finish(copy) != SQLITE_OK)
            rc = -1;
    }
    (void)sqlite3_close(origin);
    return rc == 0 ? 0 : fail_set(fail, FAIL_LEDGER, "%s: cannot copy the ledger", ledger->path);
}

/* The temporary tables of a load belong on the ledger's disk, not on a small /tmp. */
static void choose_temp_folder(const struct ledger *ledger)
{
    const char *slash = strrchr(ledger->path, '/');
    char *folder = slash ? strndup(ledger->path, slash == ledger->path ? 1 : (size_t)(slash - ledger->path))
                         : mem_text(".");

    if (folder && !getenv("SQLITE_TMPDIR"))
        (void)setenv("SQLITE_TMPDIR", folder, 0); /* without it SQLite takes its own default */
    free(folder);
}

/* Modes that lock the ledger and work it. */
static bool runs(enum ledger_mode mode)
{
    return mode == LEDGER_RUN || mode == LEDGER_RESUME;
}

static int check_place(const struct ledger *ledger, enum ledger_mode mode, struct fail *fail)
{
    struct stat info;

    if (mode == LEDGER_RUN)
        return 0;
    if (stat(ledger->path, &info) != 0)
        return fail_set(fail, FAIL_INPUT, "%s: there is no such ledger; name it with --ledger", ledger->path);
    if (S_ISDIR(info.st_mode))
        return fail_set(fail, FAIL_LEDGER, "%s: a folder, not a ledger", ledger->path);
    if (access(ledger->path, mode == LEDGER_READ ? R_OK : R_OK | W_OK) != 0)
        return fail_set(fail, FAIL_LEDGER, "%s: cannot open the ledger: %s", ledger->path, strerror(errno));
    return 0;
}

static int open_real(struct ledger *ledger, enum ledger_mode mode, struct fail *fail)
{
    if (check_place(ledger, mode, fail) != 0)
        return -1;
    if (runs(mode) && (touch(ledger->path, fail) != 0 || ledger_lock(ledger, fail) != 0))
        return -1;
    if (on_network(ledger->path))
        return fail_set(fail, FAIL_LEDGER,
                        "%s: on a network file system, where a ledger is not safe; use a local disk",
                        ledger->path);
    choose_temp_folder(ledger);
    if (connect_database(ledger, ledger->path, fail) != 0)
        return -1;
    return start_use(ledger, mode, fail);
}

int ledger_open(struct ledger **out, const char *path, enum ledger_mode mode, struct fail *fail)
{
    struct ledger *ledger = mem_alloc(sizeof *ledger);
    int rc;

    ledger->mode = mode;
    ledger->path = mem_text(path);
    ledger->lock_fd = -1;
    if (mode == LEDGER_SCRATCH) {
        rc = connect_database(ledger, "", fail); /* without a name: temporary */
        if (rc == 0)
            rc = configure(ledger, mode, fail);
        if (rc == 0 && path && access(path, F_OK) == 0)
            rc = copy_from(ledger, fail);
        if (rc == 0)
            rc = start_use(ledger, mode, fail);
    } else {
        rc = open_real(ledger, mode, fail);
    }
    if (rc != 0) {
        ledger_close(ledger);
        return -1;
    }
    *out = ledger;
    return 0;
}

static void disconnect_database(struct ledger *ledger)
{
    for (int i = 0; i < ST_COUNT; i++) {
        (void)sqlite3_finalize(ledger->prepared[i]); /* repeats errors that were reported */
        ledger->prepared[i] = NULL;
    }
    (void)sqlite3_close(ledger->db); /* all statements are gone: it can only succeed */
    ledger->db = NULL;
}

int ledger_renew(struct ledger *ledger, struct fail *fail)
{
    int rc;

    disconnect_database(ledger);
    rc = connect_database(ledger, ledger->path, fail);
    /* It may be another file than what was locked; where it is gone this says more than SQLite does. */
    if (ledger_lock_check(ledger, fail) != 0)
        rc = -1;
    if (rc == 0)
        rc = configure(ledger, ledger->mode, fail);
    if (rc != 0)
        disconnect_database(ledger);
    return rc;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    staged_close(ledger);
    disconnect_database(ledger);
    if (ledger->lock_fd >= 0)
        (void)close(ledger->lock_fd); /* lets the lock go */
    free(ledger->path);
    explicit_bzero(&ledger->seed, sizeof ledger->seed);
    free(ledger);
}

char *ledger_cid(const struct ledger *ledger, int64_t row, char out[UUID_TEXT_SIZE])
{
    return uuid_format(&ledger->seed, row, out);
}

const struct uuid_seed *ledger_seed(const struct ledger *ledger)
{
    return &ledger->seed;
}

void ledger_set_hold_lost(struct ledger *ledger, bool hold)
{
    ledger->hold_lost = hold;
}

static const char BOOT[] = "boot"; /* in meta: the start of the machine under which the last run began */

static int check_integrity(struct ledger *ledger, struct fail *fail)
{
    sqlite3_stmt *statement = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(ledger->db, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK)
        return ledger_trouble(ledger, "checking", fail);
    if (sqlite3_step(statement) != SQLITE_ROW)
        (void)ledger_trouble(ledger, "checking", fail);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        (void)fail_set(fail, FAIL_LEDGER, "%s: damaged: %s; restore it from a backup", ledger->path,
                       (const char *)sqlite3_column_text(statement, 0));
    else
        rc = 0;
    (void)sqlite3_finalize(statement);
    return rc;
}

/* This start of the machine, as the kernel names it; "": it does not. */
static void read_boot(struct buf *out)
{
    char text[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;

    if (got > 0)
        buf_add(out, text, (size_t)got);
    if (fd >= 0)
        (void)close(fd);
}

/* A killed process leaves a sound file. A machine that went down may have a disk that kept less than it said,
 * and so may one that this file was carried from. */
static int distrust(struct ledger *ledger, const char *boot, struct fail *fail)
{
    struct buf before;
    int64_t unclean = 0;
    int rc;

    buf_init(&before, 256);
    rc = ledger_value(ledger, ST_RUN_UNCLEAN, &unclean, fail);
    if (rc == 0 && unclean > 0)
        rc = ledger_meta_text(ledger, BOOT, &before, fail);
    if (rc == 0 && unclean > 0 && (!boot[0] || strcmp(boot, buf_text(&before)) != 0))
        rc = check_integrity(ledger, fail);
    buf_free(&before);
    return rc;
}

/* From here on every row says itself that it was sent. Only where nobody sends. */
static int store_claims(struct ledger *ledger, struct fail *fail)
{
    if (ledger_run(ledger, ST_CLAIM_STORE, fail, "") != 0)
        return -1;
    return ledger_run(ledger, ST_CLAIM_RESET, fail, "");
}

static int recover(struct ledger *ledger, int64_t now_ms, int64_t *recovered, struct fail *fail)
{
    int64_t rows;
    enum job_state then = ledger->hold_lost ? JOB_HELD : JOB_READY;

    if (store_claims(ledger, fail) != 0 ||
        ledger_run(ledger, ledger->hold_lost ? ST_RECOVER_HOLD : ST_RECOVER, fail, "i", now_ms) != 0)
        return -1;
    rows = sqlite3_changes64(ledger->db);
    if (ledger_tally(ledger, "state", JOB_SENT, -rows, fail) != 0 ||
        ledger_tally(ledger, "state", then, rows, fail) != 0)
        return -1;
    *recovered = rows;
    if (ledger_events_recovered(ledger, now_ms, fail) != 0)
        return -1;
    return ledger_run(ledger, ST_RUN_CLOSE_UNCLEAN, fail, "");
}

int ledger_run_begin(struct ledger *ledger, const char *version, int64_t now_ms, int64_t *recovered,
                     struct fail *fail)
{
    struct buf boot;
    int rc = -1;

    buf_init(&boot, 256);
    read_boot(&boot);
    if (distrust(ledger, buf_text(&boot), fail) != 0 || ledger_transaction(ledger, fail) != 0)
        goto out;
    if (recover(ledger, now_ms, recovered, fail) != 0 ||
        ledger_run(ledger, ST_META_SET, fail, "tt", BOOT, buf_text(&boot)) != 0 ||
        ledger_run(ledger, ST_RUN_BEGIN, fail, "it", now_ms, version) != 0 ||
        ledger_lock_run(ledger, sqlite3_last_insert_rowid(ledger->db), fail) != 0) {
        ledger_rollback(ledger);
        goto out;
    }
    ledger->run = sqlite3_last_insert_rowid(ledger->db);
    rc = ledger_commit(ledger, fail);
out:
    buf_free(&boot);
    return rc;
}

/* What was sent and has no answer by now will have none. */
static int give_up_sent(struct ledger *ledger, struct fail *fail)
{
    return store_claims(ledger, fail) != 0 ? -1 : ledger_run(ledger, ST_SENT_LOST, fail, "");
}

int ledger_run_end(struct ledger *ledger, int exit_code, const char *reason, int64_t now_ms,
                   struct fail *fail)
{
    if (ledger_transaction(ledger, fail) != 0)
        return -1;
    if (give_up_sent(ledger, fail) != 0 ||
        ledger_run(ledger, ST_RUN_END, fail, "idti", now_ms, exit_code, reason, ledger->run) != 0) {
        ledger_rollback(ledger);
        return -1;
    }
    return ledger_commit(ledger, fail);
}

const char *ledger_version(void)
{
    return sqlite3_libversion();
}
