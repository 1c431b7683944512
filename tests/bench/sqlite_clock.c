/* sqlite_clock: how much of a program's CPU is spent in SQLite, kernel included. Preloaded (LD_PRELOAD), it
 * takes the thread's CPU clock before and after every call that may work (prepare, step, reset, exec, open,
 * close) and writes the sums to $SQLITE_CLOCK when the program ends: a line `total`, its microseconds, calls,
 * and the microseconds that the looks at the clock themselves cost; then a line for each statement. Values
 * bound and read are not timed: a look at the clock costs more than they do.
 *
 * There is no run without a ledger to compare with, because the ledger is also how cards find their
 * customers; so "on against off" is the whole beside the whole less this. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATEMENTS = 1024, TEXT_MOST = 200, LOOKS = 20000 };

struct statement {
    uint64_t hash; /* 0: free */
    int64_t ns, calls;
    char text[TEXT_MOST];
};

static struct statement statements[STATEMENTS];
static int64_t total_ns, total_calls, look_ns;
static int depth; /* what SQLite calls of itself is part of the outer call; the program has one thread */

static int64_t cpu_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* fails for no thread that runs */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Fills a pointer to a function, which ISO C does not let dlsym's result be cast to. */
static void find_next(const char *name, void *pointer)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    memcpy(pointer, &found, sizeof found);
}

static void add(const char *text, int64_t ns)
{
    uint64_t hash = 0xcbf29ce484222325U;
    size_t i;

    for (const char *c = text; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3U;
    hash |= 1;
    for (i = hash % STATEMENTS; statements[i].hash && statements[i].hash != hash; i = (i + 1) % STATEMENTS)
        ;
    if (!statements[i].hash) {
        statements[i].hash = hash;
        (void)snprintf(statements[i].text, TEXT_MOST, "%s", text);
    }
    statements[i].ns += ns;
    statements[i].calls++;
    total_ns += ns;
    total_calls++;
}

/* Times a call; `text` says of what, and is read before a call that ends the statement. */
#define TIMED(text, call)                    \
    do {                                     \
        int64_t before_ns;                   \
        if (depth++ > 0) {                   \
            call;                            \
        } else {                             \
            before_ns = cpu_ns();            \
            call;                            \
            add(text, cpu_ns() - before_ns); \
        }                                    \
        depth--;                             \
    } while (0)

#define REAL(name)                 \
    static __typeof__(name) *real; \
    if (!real)                     \
    find_next(#name, (void *)&real)

int sqlite3_step(sqlite3_stmt *statement)
{
    int code;
    REAL(sqlite3_step);

    TIMED(sqlite3_sql(statement), code = real(statement));
    return code;
}

int sqlite3_reset(sqlite3_stmt *statement)
{
    int code;
    REAL(sqlite3_reset);

    TIMED("(reset)", code = real(statement));
    return code;
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *userp,
                 char **error)
{
    int code;
    REAL(sqlite3_exec);

    TIMED(sql, code = real(db, sql, row, userp, error));
    return code;
}

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len, sqlite3_stmt **out, const char **tail)
{
    int code;
    REAL(sqlite3_prepare_v2);

    TIMED("(prepare)", code = real(db, sql, len, out, tail));
    return code;
}

int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len, unsigned flags, sqlite3_stmt **out,
                       const char **tail)
{
    int code;
    REAL(sqlite3_prepare_v3);

    TIMED("(prepare)", code = real(db, sql, len, flags, out, tail));
    return code;
}

int sqlite3_open_v2(const char *path, sqlite3 **out, int flags, const char *vfs)
{
    int code;
    REAL(sqlite3_open_v2);

    TIMED("(open)", code = real(path, out, flags, vfs));
    return code;
}

int sqlite3_close(sqlite3 *db)
{
    int code;
    REAL(sqlite3_close);

    TIMED("(close)", code = real(db));
    return code;
}

/* Each interval holds one look's cost beside the call; the program pays two. */
static __attribute__((constructor)) void weigh_looks(void)
{
    int64_t start = cpu_ns();

    for (int i = 0; i < LOOKS; i++)
        (void)cpu_ns();
    look_ns = (cpu_ns() - start) / LOOKS;
}

static __attribute__((destructor)) void tell(void)
{
    const char *path = getenv("SQLITE_CLOCK");
    FILE *file = path && total_calls > 0 ? fopen(path, "w") : NULL;

    if (!file) /* or a program in front of the one that is meant, such as time */
        return;
    (void)fprintf(file, "total\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n",
                  (total_ns - total_calls * look_ns) / 1000, total_calls, 2 * total_calls * look_ns / 1000);
    for (size_t i = 0; i < STATEMENTS; i++)
        if (statements[i].hash)
            (void)fprintf(file, "statement\t%" PRId64 "\t%" PRId64 "\t%s\n",
                          (statements[i].ns - statements[i].calls * look_ns) / 1000, statements[i].calls,
                          statements[i].text);
    (void)fclose(file); /* a figure that is missing is seen by who reads it */
}
