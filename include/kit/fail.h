/* fail: the one error value of operations (disk, configuration, network set-up).
 *
 * A fallible function returns 0 or -1 (pull functions 1 / 0 / -1) and fills the struct fail that its caller
 * lends as the last parameter; callers may put context in front and pass it on; main prints it once and maps
 * the kind to the exit code. Bad data (a refused row, a declined enrolment) is never a fail: that is a
 * verdict in the ledger. A bug is an assert. */
#ifndef KIT_FAIL_H
#define KIT_FAIL_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The values are the exit codes of docs/ctp-enroll.1. */
enum fail_kind {
    FAIL_NONE = 0,
    FAIL_INTERNAL = 1, /* a broken promise inside the program: totals that do not add up */
    FAIL_USAGE = 2,    /* command line or configuration */
    FAIL_REMOTE = 4, /* an answer that is fatal for the whole run, refused credentials, the breaker's limit */
    FAIL_INPUT = 6,  /* input files missing, changed or unfit */
    FAIL_LEDGER = 7, /* ledger or disk trouble */
    FAIL_BUSY = 75   /* another run holds the ledger */
};

struct fail {
    enum fail_kind kind;
    char text[1024];
};

/* Sets the error and returns -1, so that `return fail_set(...)` reads as what it is. A longer text is cut,
 * control characters become blanks. */
int fail_set(struct fail *fail, enum fail_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text that is there; the kind stays. Returns -1. */
int fail_context(struct fail *fail, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
