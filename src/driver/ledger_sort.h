/* ledger_sort: rows of a few integers, sorted by the first of them, in bounded memory.
 *
 * Rows that are equal in the first integer keep the order in which they were added. What does not fit in
 * memory lies in a temporary file where SQLite has its own; it has no name and goes with the process. First
 * rows are added, then they are taken. FAIL_LEDGER when the file cannot be written or read. */
#ifndef DRIVER_LEDGER_SORT_H
#define DRIVER_LEDGER_SORT_H

#include "kit/fail.h"

#include <stddef.h>
#include <stdint.h>

struct sort;

struct sort *sort_open(size_t width); /* integers a row */
void sort_close(struct sort *sort);   /* accepts NULL */
int sort_add(struct sort *sort, const int64_t *row, struct fail *fail) MUST_CHECK;
/* 1 and a row that is borrowed until the next call, 0 at the end, -1. */
int sort_next(struct sort *sort, const int64_t **row, struct fail *fail) MUST_CHECK;
/* Back to the first row; nothing can be added any more. */
int sort_rewind(struct sort *sort, struct fail *fail) MUST_CHECK;

#endif
