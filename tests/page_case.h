/* page_case: a report of a desk whose ledger is changed as a test wants it, and what its page holds, for the
 * tests of report.html. */
#ifndef TESTS_PAGE_CASE_H
#define TESTS_PAGE_CASE_H

#include "flow/report.h"

#include "ledger_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static inline int write_to(struct desk *desk, bool check)
{
    struct report_options options = {.folder = scratch_path("out"),
                                     .overdue_ms = 86400000,
                                     .now_ms = NOW_MS + 1000,
                                     .check = check,
                                     .log = &desk->log};

    return report_write(desk->ledger, desk->portfolio, &options, &desk->fail);
}

/* The page as text, in the desk's buffer. */
static inline const char *page_of(struct desk *desk, bool check)
{
    if (write_to(desk, check) != 0)
        fail_msg("%s", desk->fail.text);
    buf_reset(&desk->text);
    scratch_read("out/report.html", &desk->text);
    return buf_text(&desk->text);
}

static inline void holds(const char *page, const char *text)
{
    if (!strstr(page, text))
        fail_msg("'%s' is not in the page:\n%s", text, page);
}

static inline void lacks(const char *page, const char *text)
{
    if (strstr(page, text))
        fail_msg("'%s' is in the page", text);
}

/* Changes the ledger behind the program's back; the totals follow the rows. */
static inline void change(const char *sql)
{
    static const char tally[] =
        ";DELETE FROM tally WHERE kind IN ('state', 'accepted');"
        "INSERT INTO tally (kind, key, n) SELECT 'state', state, count(*) FROM card_now GROUP BY state;"
        "INSERT INTO tally (kind, key, n) SELECT 'accepted', updated_ms, count(*) FROM card_now WHERE state "
        "= 5 "
        "GROUP BY updated_ms";
    struct buf text;
    sqlite3 *db;

    buf_init(&text, 1 << 16);
    buf_add_text(&text, sql);
    buf_add_text(&text, tally);
    assert_int_equal(sqlite3_open(desk_path(), &db), SQLITE_OK);
    if (sqlite3_exec(db, buf_text(&text), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    buf_free(&text);
}

static inline void load_cards(struct desk *desk, int count)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_add_text(&text, CARDS);
    for (int i = 1; i <= count; i++)
        buf_addf(&text, "%d,%d,%d\n", i, 1000 + i, 500000 + i);
    desk_load(desk, buf_text(&text), NULL);
    buf_free(&text);
}

#define RUN \
    "INSERT INTO run (id, started_ms, last_ms, ended_ms, exit_code, version, requests, tokens) VALUES "
/* One run of 2023-11-14 22:00:00 to 22:10:00 UTC. */
#define ONE_RUN(code) RUN "(1, 1699999200000, 1699999790000, 1699999800000, " code ", 't', 1200, 3)"

#endif
