/* ledger: opening, the schema, the statements and their plans. The exchange has a test of its own. */
#include "ledger_case.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- opening ---- */

static void open_fails(enum ledger_mode mode, enum fail_kind kind, const char *words)
{
    struct ledger *ledger = NULL;
    struct fail fail;

    assert_int_equal(ledger_open(&ledger, desk_path(), mode, &fail), -1);
    assert_null(ledger);
    assert_int_equal(fail.kind, kind);
    assert_memory_equal(fail.text, desk_path(), strlen(desk_path()));
    assert_string_equal(fail.text + strlen(desk_path()), words);
}

static int clear(void **state)
{
    (void)state;
    scratch_clear();
    return 0;
}

static void a_ledger_that_is_missing_is_an_input_error(void **state)
{
    (void)state;
    open_fails(LEDGER_READ, FAIL_INPUT, ": there is no such ledger; name it with --ledger");
    open_fails(LEDGER_WRITE, FAIL_INPUT, ": there is no such ledger; name it with --ledger");
    assert_false(scratch_exists("ledger.db"));
    assert_false(scratch_exists("ledger.db.lock"));
}

static void an_empty_file_is_filled_by_a_run_alone(void **state)
{
    struct ledger *ledger;
    struct fail fail;

    (void)state;
    (void)scratch_write("ledger.db", SPAN(""));
    open_fails(LEDGER_READ, FAIL_INPUT, ": the ledger is empty; the first run fills it");
    open_fails(LEDGER_WRITE, FAIL_INPUT, ": the ledger is empty; the first run fills it");
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail), 0);
    ledger_close(ledger);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_READ, &fail), 0);
    ledger_close(ledger);
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    (void)state;
    (void)scratch_write("ledger.db", SPAN("customer_id,account_id\n11,21\n"));
    open_fails(LEDGER_READ, FAIL_LEDGER, ": not a ledger of this program, or one whose head is damaged");
    open_fails(LEDGER_RUN, FAIL_LEDGER, ": not a ledger of this program, or one whose head is damaged");
    scratch_holds("ledger.db", "customer_id,account_id\n11,21\n");
}

static void run_sql(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void somebody_elses_database_is_left_alone(void **state)
{
    struct buf before, after;

    (void)state;
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    run_sql("CREATE TABLE theirs (a); PRAGMA user_version = 7");
    scratch_read("ledger.db", &before);
    open_fails(LEDGER_RUN, FAIL_LEDGER, ": not a ledger of this program");
    open_fails(LEDGER_WRITE, FAIL_LEDGER, ": not a ledger of this program");
    scratch_read("ledger.db", &after);
    assert_true(span_same(buf_span(&before), buf_span(&after)));
    buf_free(&before);
    buf_free(&after);
}

static void a_ledger_of_another_version_is_refused(void **state)
{
    struct ledger *ledger;
    struct fail fail;

    (void)state;
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail), 0);
    ledger_close(ledger);
    run_sql("PRAGMA user_version = 5");
    open_fails(LEDGER_RUN, FAIL_LEDGER, ": written by a newer version of this program (schema 5, not 4)");
    open_fails(LEDGER_READ, FAIL_LEDGER, ": written by a newer version of this program (schema 5, not 4)");
    run_sql("PRAGMA user_version = 1");
    open_fails(LEDGER_RUN, FAIL_LEDGER, ": written by an older version of this program (schema 1, not 4)");
}

/* As version 3 left it: claims in the rows, and every row to be sent in card_live. */
static void a_ledger_of_the_version_before_goes_on(void **state)
{
    struct desk *desk = *state;
    struct ledger_claim claims[4];
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n13,21,503\n14,21,504\n", NULL);
    ledger_close(desk->ledger);
    desk->ledger = NULL;
    run_sql("DROP VIEW card_open; DROP VIEW card_fresh; DROP VIEW card_now; DROP TABLE claimed;"
            "DROP INDEX card_live; CREATE INDEX card_live ON card (state, due_ms) WHERE state <= 4;"
            "UPDATE card SET state = 5, attempts = 1 WHERE card_id = 501;"
            "UPDATE card SET state = 4, attempts = 1 WHERE card_id = 502;"
            "UPDATE card SET attempts = 1, due_ms = 5 WHERE card_id = 503;"
            "UPDATE tally SET n = 2 WHERE kind = 'state' AND key = 3;"
            "INSERT INTO tally VALUES ('state', 4, 1), ('state', 5, 1), ('accepted', 1700000000000, 1);"
            "PRAGMA user_version = 3");
    open_fails(
        LEDGER_READ, FAIL_LEDGER,
        ": written by an older version of this program (schema 3, not 4); `ctp-enroll run` brings it up "
        "to date");
    open_fails(
        LEDGER_EVENTS, FAIL_LEDGER,
        ": written by an older version of this program (schema 3, not 4); `ctp-enroll run` brings it up "
        "to date");
    assert_int_equal(ledger_open(&desk->ledger, desk_path(), LEDGER_RESUME, &desk->fail), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM sqlite_schema WHERE name = 'card_live' "
                                 "AND sql LIKE '%due_ms <> 0%'"),
                     1);
    ROWS_ARE(desk, "1/1 501 accepted\n1/2 502 sent\n1/3 503 ready\n1/4 504 ready\n");
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    assert_int_equal(recovered, 1);
    desk_check(desk);
    assert_int_equal(desk_claim(desk, claims, 4, NOW_MS), 3);
    assert_int_equal(claims[0].card_id, 503); /* a retry */
    assert_int_equal(claims[1].card_id, 502);
    assert_true(claims[1].job.uncertain);
    assert_int_equal(claims[2].card_id, 504);
    desk_check(desk);
    desk_reopen(desk, LEDGER_READ);
}

static void a_ledger_is_for_its_owner_only(void **state)
{
    struct ledger *ledger;
    struct fail fail;
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail), 0);
    (void)umask(mask);
    assert_int_equal(scratch_mode("ledger.db"), 0600);
    assert_int_equal(scratch_mode("ledger.db-wal"), 0600);
    assert_int_equal(scratch_mode("ledger.db-shm"), 0600);
    assert_int_equal(scratch_mode("ledger.db.lock"), 0600);
    assert_string_equal(desk_text("PRAGMA journal_mode"), "wal");
    ledger_close(ledger);
}

static void a_folder_is_no_ledger(void **state)
{
    (void)state;
    assert_int_equal(mkdir(desk_path(), 0700), 0);
    open_fails(LEDGER_RUN, FAIL_LEDGER, ": cannot open the ledger: Is a directory");
    open_fails(LEDGER_READ, FAIL_LEDGER, ": a folder, not a ledger");
    open_fails(LEDGER_RESUME, FAIL_LEDGER, ": a folder, not a ledger");
}

/* Holds the ledger in another process until the pipe closes. */
static pid_t hold(int ready[2], int release[2])
{
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ledger *ledger;
        struct fail fail;
        char byte = ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail) == 0 ? 'y' : 'n';
        (void)close(release[1]);
        if (write(ready[1], &byte, 1) != 1)
            _exit(2);
        _exit(read(release[0], &byte, 1) == 0 ? 0 : 1); /* dies without closing the ledger */
    }
    return child;
}

static void one_run_at_a_time(void **state)
{
    int ready[2], release[2], status;
    struct ledger *ledger;
    struct fail fail;
    char host[64] = "", words[256], byte = 0;
    pid_t child = hold(ready, release);

    (void)state;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    (void)snprintf(words, sizeof words,
                   ": another run holds this ledger (process %ld on %s); try again when it has ended",
                   (long)child, host);
    open_fails(LEDGER_RUN, FAIL_BUSY, words);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_READ, &fail), 0);
    ledger_close(ledger);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_WRITE, &fail), 0);
    ledger_close(ledger);
    (void)close(release[0]);
    (void)close(release[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_RUN, &fail), 0); /* the kernel freed it */
    ledger_close(ledger);
}

static void a_scratch_ledger_leaves_no_file(void **state)
{
    struct ledger *ledger;
    struct fail fail;

    (void)state;
    assert_int_equal(ledger_open(&ledger, NULL, LEDGER_SCRATCH, &fail), 0);
    ledger_close(ledger);
    assert_int_equal(ledger_open(&ledger, desk_path(), LEDGER_SCRATCH, &fail), 0);
    ledger_close(ledger);
    assert_int_equal(scratch_count("."), 0);
}

static void a_scratch_ledger_starts_as_a_copy(void **state)
{
    struct desk *desk = *state;
    char cid[UUID_TEXT_SIZE], copied[UUID_TEXT_SIZE];

    desk_load(desk, CARDS "11,21,501\n", NULL);
    (void)ledger_cid(desk->ledger, 1, cid);
    desk_reopen(desk, LEDGER_SCRATCH);
    ROWS_ARE(desk, "1/1 501 ready\n");
    assert_string_equal(ledger_cid(desk->ledger, 1, copied), cid);
    desk_load(desk, CARDS "12,21,502\n", NULL);
    ROWS_ARE(desk, "1/1 501 ready\n2/1 502 ready\n");
    assert_int_equal(ledger_check(desk->ledger, &desk->fail), 0);
    assert_int_equal(desk_number("SELECT count(*) FROM card_now"), 1);
}

/* As a run's last connection locks it for a moment, or the first one after a kill. */
static void a_copy_waits_for_who_locks_the_ledger(void **state)
{
    struct desk *desk = *state;
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int ready[2], status;
    char byte;
    pid_t child;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    ledger_close(desk->ledger);
    desk->ledger = NULL;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = open(desk_path(), O_RDWR | O_CLOEXEC);
        if (fd < 0 || fcntl(fd, F_SETLK, &all) != 0 || write(ready[1], "y", 1) != 1)
            _exit(2);
        (void)poll(NULL, 0, 200); /* that somebody waits cannot be seen */
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(ledger_open(&desk->ledger, desk_path(), LEDGER_SCRATCH, &desk->fail), 0);
    ROWS_ARE(desk, "1/1 501 ready\n");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* `retry --card` looks at its card first, and a run beside it may commit before it changes anything. */
static void who_looked_at_a_row_can_still_write(void **state)
{
    struct desk *desk = *state;
    struct ledger_row_state row;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    assert_int_equal(ledger_card_begin(desk->ledger, 501, &desk->fail), 0);
    assert_int_equal(ledger_card_next(desk->ledger, &row, &desk->fail), 1);
    assert_int_equal(desk_number("UPDATE meta SET value = 9 WHERE key = 'revived' RETURNING value"), 9);
    if (ledger_set_card_path(desk->ledger, true, NOW_MS, &desk->fail) != 0)
        fail_msg("%s", desk->fail.text);
}

static void a_reader_changes_nothing(void **state)
{
    struct desk *desk = *state;
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n", NULL);
    desk_reopen(desk, LEDGER_READ);
    assert_int_equal(ledger_file_known(desk->ledger, &desk->result.cards, &desk->fail), 1);
    assert_int_equal(ledger_file_seen(desk->ledger, &desk->result.cards, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_LEDGER);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), -1);
    ROWS_ARE(desk, "1/1 501 ready\n");
}

/* Closes the ledger and overwrites what nobody needs to open it. */
static void spoil_index(struct desk *desk)
{
    int64_t page = desk_number("SELECT rootpage FROM sqlite_schema WHERE name = 'card_customer'");
    char noise[4096];
    int fd;

    ledger_close(desk->ledger);
    desk->ledger = NULL;
    memset(noise, 0x55, sizeof noise);
    fd = open(desk_path(), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, noise, sizeof noise, (page - 1) * 4096), sizeof noise);
    assert_int_equal(close(fd), 0);
}

/* Only where the last run did not end, and the machine did not stay up, does the next one look closer. */
static void a_damaged_ledger_is_named_so(void **state)
{
    struct desk *desk = *state;
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    spoil_index(desk);
    /* A process was killed: that does no damage. Has the machine been down, all is looked at. */
    run_sql("UPDATE meta SET value = 'another start' WHERE key = 'boot'");
    desk_reopen(desk, LEDGER_RUN);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), -1);
    assert_int_equal(desk->fail.kind, FAIL_LEDGER);
    assert_non_null(strstr(desk->fail.text, ": damaged: "));
    assert_non_null(strstr(desk->fail.text, "; restore it from a backup"));
}

static void a_killed_run_costs_no_look_at_everything(void **state)
{
    struct desk *desk = *state;
    int64_t recovered;

    desk_load(desk, CARDS "11,21,501\n12,21,502\n", NULL);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
    spoil_index(desk);
    desk_reopen(desk, LEDGER_RUN);
    assert_int_equal(ledger_run_begin(desk->ledger, "t", NOW_MS, &recovered, &desk->fail), 0);
}

/* ---- the schema ---- */

/* C, SQL and report name the states from one list. */
static void the_state_table_is_the_list_of_states(void **state)
{
    (void)state;
    assert_string_equal(desk_text("SELECT group_concat(id || ' ' || name || ' ' || final, ';') FROM "
                                  "(SELECT * FROM state ORDER BY id)"),
                        "0 invalid 0;1 skipped 1;2 held 0;3 ready 0;4 sent 0;5 accepted 0;6 enrolled 1;"
                        "7 declined 1;8 already 1;9 rejected 1;10 exhausted 1");
#define X(id, number, name, final, failed)                                                       \
    assert_string_equal(desk_text("SELECT name || ' ' || final FROM state WHERE id = " #number), \
                        (final) ? name " 1" : name " 0");
    JOB_STATE_TABLE(X)
#undef X
    assert_int_equal(desk_number("SELECT count(*) FROM state"), JOB_STATE_COUNT);
}

static void a_state_that_does_not_exist_is_refused(void **state)
{
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO card (file, record, line, offset, length, flags, state, updated_ms) "
                     "VALUES (1, 1, 2, 0, 1, 0, 11, 0)",
                     NULL, NULL, NULL),
        SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void no_column_could_hold_personal_data(void **state)
{
    (void)state;
    assert_string_equal(desk_text("SELECT group_concat(name, ' ') FROM pragma_table_info('customer')"),
                        "customer_id file record line offset length flags");
    assert_string_equal(
        desk_text("SELECT group_concat(name, ' ') FROM pragma_table_info('card')"),
        "id file record line offset length card_id customer_id account_id flags own_code own_field "
        "mark state uncertain attempts attempts_before call due_ms http_status code field message event_id "
        "event_ms updated_ms");
    assert_string_equal(desk_text("SELECT group_concat(name, ' ') FROM pragma_table_info('event_wait')"),
                        "card at_ms event_id well weak message");
}

/* ---- the statements ---- */

/* A connection with all tables, the temporary ones of a load too. */
static sqlite3 *with_stage(void)
{
    struct buf sql;
    sqlite3 *db;
    int fd = open("sql/stage.sql", O_RDONLY | O_CLOEXEC);
    char block[4096];
    ssize_t got;

    assert_true(fd >= 0);
    buf_init(&sql, 1 << 16);
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(&sql, block, (size_t)got);
    assert_int_equal(close(fd), 0);
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, desk_staged, NULL, NULL, NULL), SQLITE_OK);
    buf_free(&sql);
    return db;
}

static void read_statement(const char *name, struct buf *out)
{
    char path[300], block[4096];
    ssize_t got;
    int fd;

    (void)snprintf(path, sizeof path, "sql/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s is not there", path);
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    assert_int_equal(close(fd), 0);
    assert_in_range(out->len, 1, 4094); /* a string literal of C11 holds no more */
}

/* Prepares every statement of a file without running it; CREATE TABLE of what is there fails in itself. */
static void prepare_file(sqlite3 *db, const char *name)
{
    struct buf sql;
    const char *rest;

    buf_init(&sql, 1 << 16);
    read_statement(name, &sql);
    for (rest = buf_text(&sql); *rest != '\0';) {
        sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(db, rest, -1, &statement, &rest) != SQLITE_OK)
            fail_msg("sql/%s: %s", name, sqlite3_errmsg(db));
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    buf_free(&sql);
}

static void every_file_in_sql_is_a_statement(void **state)
{
    sqlite3 *db = with_stage();
    DIR *folder = opendir("sql");
    struct dirent *entry;
    int files = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        size_t len = strlen(entry->d_name);
        if (len < 4 || strcmp(entry->d_name + len - 4, ".sql") != 0)
            continue;
        files++;
        if (strcmp(entry->d_name, "schema.sql") != 0 && strcmp(entry->d_name, "schema_claims.sql") != 0 &&
            strcmp(entry->d_name, "stage.sql") != 0)
            prepare_file(db, entry->d_name);
    }
    assert_true(files > 60);
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- correlation IDs ---- */

static void every_row_has_a_correlation_id_of_its_own(void **state)
{
    struct desk *desk = *state;
    char first[UUID_TEXT_SIZE], second[UUID_TEXT_SIZE], again[UUID_TEXT_SIZE];
    int64_t row;

    (void)ledger_cid(desk->ledger, 1, first);
    (void)ledger_cid(desk->ledger, 2, second);
    assert_string_not_equal(first, second);
    assert_int_equal(first[14], '4');
    assert_int_equal(uuid_parse(ledger_seed(desk->ledger), span_of(second), &row), 0);
    assert_int_equal(row, 2);
    desk_reopen(desk, LEDGER_READ);
    assert_string_equal(ledger_cid(desk->ledger, 1, again), first);
}

static void no_two_ledgers_share_their_seed(void **state)
{
    struct desk *desk = *state;
    struct ledger *other;
    struct fail fail;

    assert_int_equal(ledger_open(&other, scratch_path("other.db"), LEDGER_RUN, &fail), 0);
    assert_memory_not_equal(ledger_seed(desk->ledger), ledger_seed(other), sizeof(struct uuid_seed));
    ledger_close(other);
}

#define OPEN_TEST(name) cmocka_unit_test_setup(name, clear)

/* The states that lead stand in SQL and in rule/job: one list, written twice. */
static void the_states_that_lead_are_those_of_the_rules(void **state)
{
    static const char *const names[] = {"sql/card_lead.sql", "sql/card_lead_one.sql"};
    char text[4096];
    struct buf list;

    (void)state;
    buf_init(&list, 64);
    for (int i = 0; i < JOB_STATE_COUNT; i++)
        if (job_state_leads((enum job_state)i))
            buf_addf(&list, "%s%d", list.len > 0 ? ", " : "c.state IN (", i);
    buf_add_text(&list, ")");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        FILE *file = fopen(names[i], "r");
        size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
        assert_non_null(file);
        assert_int_equal(fclose(file), 0);
        text[got] = '\0';
        assert_non_null(strstr(text, buf_text(&list)));
    }
    buf_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_states_that_lead_are_those_of_the_rules),
        OPEN_TEST(a_ledger_that_is_missing_is_an_input_error),
        OPEN_TEST(an_empty_file_is_filled_by_a_run_alone),
        OPEN_TEST(a_file_that_is_no_database_is_left_alone),
        OPEN_TEST(somebody_elses_database_is_left_alone),
        OPEN_TEST(a_ledger_of_another_version_is_refused),
        DESK_TEST(a_ledger_of_the_version_before_goes_on),
        OPEN_TEST(a_ledger_is_for_its_owner_only),
        OPEN_TEST(a_folder_is_no_ledger),
        OPEN_TEST(one_run_at_a_time),
        OPEN_TEST(a_scratch_ledger_leaves_no_file),
        DESK_TEST(a_scratch_ledger_starts_as_a_copy),
        DESK_TEST(a_copy_waits_for_who_locks_the_ledger),
        DESK_TEST(who_looked_at_a_row_can_still_write),
        DESK_TEST(a_reader_changes_nothing),
        DESK_TEST(a_damaged_ledger_is_named_so),
        DESK_TEST(a_killed_run_costs_no_look_at_everything),
        DESK_TEST(the_state_table_is_the_list_of_states),
        DESK_TEST(a_state_that_does_not_exist_is_refused),
        DESK_TEST(no_column_could_hold_personal_data),
        DESK_TEST(every_file_in_sql_is_a_statement),
        DESK_TEST(every_row_has_a_correlation_id_of_its_own),
        DESK_TEST(no_two_ledgers_share_their_seed),
    };

    return cmocka_run_group_tests_name("ledger", tests, scratch_open, scratch_close);
}
