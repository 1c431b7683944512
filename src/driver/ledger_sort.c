/* Rows are gathered in a block of memory. A full block is sorted by radix, byte by byte, which keeps the
 * order of equals and looks at no row twice a byte, and written as a run; at the end the runs are merged by a
 * heap. Runs lie one behind the other in one file. The merge reads each of them through a share of the same
 * block. */
#include "ledger_sort.h"

#include "kit/buf.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_SIZE = 1 << 20, /* bytes; there are two of them */
    SHARE_MIN = 1 << 10,  /* of a run in the merge */
    IO_MAX = 1 << 16,     /* SQLite's files take less than 128 KiB at a time */
    KEY_BYTES = 8,
    BYTE_VALUES = 256
};

/* A sorted part of the file, and what of it is in memory. */
struct run {
    int64_t from, size;       /* in the file, in bytes */
    int64_t at, left;         /* what of it is still to be read */
    const int64_t *row, *end; /* of those in memory, the next and the last's end */
    int64_t *share;
};

struct sort {
    size_t width; /* integers a row */
    size_t block_rows;
    int64_t *block, *other; /* the rows; room to sort them */
    size_t rows, taken;     /* in the block */
    sqlite3_file *file;
    int64_t file_size;
    struct run *runs;
    size_t run_count;
    size_t *heap; /* runs that have rows left, the one with the smallest row on top */
    size_t heap_count, share_rows;
    bool sorted;         /* the block, where there are no runs */
    bool merging, moved; /* the top's row was taken */
};

struct sort *sort_open(size_t width)
{
    struct sort *sort = mem_alloc(sizeof *sort);

    sort->width = width;
    sort->block_rows = BLOCK_SIZE / (width * sizeof(int64_t));
    sort->block = mem_array(sort->block_rows * width, sizeof(int64_t));
    sort->other = mem_array(sort->block_rows * width, sizeof(int64_t));
    return sort;
}

void sort_close(struct sort *sort)
{
    if (!sort)
        return;
    if (sort->file && sort->file->pMethods)
        (void)sort->file->pMethods->xClose(sort->file); /* nothing of it is needed any more */
    free(sort->file);
    free(sort->block);
    free(sort->other);
    free(sort->runs);
    free(sort->heap);
    free(sort);
}

static int trouble(int code, struct fail *fail)
{
    if ((code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_WRITE)
        return fail_set(fail, FAIL_LEDGER,
                        "no room for a temporary file while sorting; free disk space and run again");
    return fail_set(fail, FAIL_LEDGER, "%s while sorting in a temporary file (SQLite %d)",
                    sqlite3_errstr(code), code);
}

/* In SQLite's own folder for such files, and by its means, so that both fill and fail alike. */
static int open_file(struct sort *sort, struct fail *fail)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
                SQLITE_OPEN_DELETEONCLOSE | SQLITE_OPEN_TEMP_JOURNAL;
    int code;

    sort->file = mem_alloc((size_t)vfs->szOsFile);
    code = vfs->xOpen(vfs, NULL, sort->file, flags, &flags);
    return code == SQLITE_OK ? 0 : trouble(code, fail);
}

/* Negative numbers come before the others. */
static unsigned key_byte(int64_t key, int byte)
{
    return (unsigned)(((uint64_t)key ^ (UINT64_C(1) << 63)) >> (8 * byte)) & 0xFF;
}

static void sort_by_byte(struct sort *sort, int byte, const size_t counts[BYTE_VALUES])
{
    size_t place[BYTE_VALUES], width = sort->width, next = 0;
    int64_t *swap = sort->block;

    for (int value = 0; value < BYTE_VALUES; value++) {
        place[value] = next;
        next += counts[value];
    }
    for (size_t i = 0; i < sort->rows; i++) {
        const int64_t *row = sort->block + i * width;
        memcpy(sort->other + place[key_byte(row[0], byte)]++ * width, row, width * sizeof *row);
    }
    sort->block = sort->other;
    sort->other = swap;
}

static void sort_block(struct sort *sort)
{
    size_t counts[KEY_BYTES][BYTE_VALUES] = {{0}};

    for (size_t i = 0; i < sort->rows; i++)
        for (int byte = 0; byte < KEY_BYTES; byte++)
            counts[byte][key_byte(sort->block[i * sort->width], byte)]++;
    for (int byte = 0; byte < KEY_BYTES; byte++)
        /* Where all rows have the same byte there is nothing to do: most bytes of most numbers. */
        if (sort->rows > 0 && counts[byte][key_byte(sort->block[0], byte)] < sort->rows)
            sort_by_byte(sort, byte, (const size_t *)counts[byte]);
}

static int write_block(struct sort *sort, size_t bytes, struct fail *fail)
{
    for (size_t done = 0, part; done < bytes; done += part) {
        int code;
        part = bytes - done < IO_MAX ? bytes - done : IO_MAX;
        code = sort->file->pMethods->xWrite(sort->file, (const char *)sort->block + done, (int)part,
                                            sort->file_size + (int64_t)done);
        if (code != SQLITE_OK)
            return trouble(code, fail);
    }
    return 0;
}

static int write_run(struct sort *sort, struct fail *fail)
{
    size_t bytes = sort->rows * sort->width * sizeof(int64_t);

    sort_block(sort);
    if ((!sort->file && open_file(sort, fail) != 0) || write_block(sort, bytes, fail) != 0)
        return -1;
    sort->runs = mem_grow(sort->runs, sort->run_count + 1, sizeof *sort->runs);
    sort->runs[sort->run_count++] = (struct run){.from = sort->file_size, .size = (int64_t)bytes};
    sort->file_size += (int64_t)bytes;
    sort->rows = 0;
    return 0;
}

int sort_add(struct sort *sort, const int64_t *row, struct fail *fail)
{
    assert(!sort->merging && !sort->sorted);
    if (sort->rows == sort->block_rows && write_run(sort, fail) != 0)
        return -1;
    memcpy(sort->block + sort->rows++ * sort->width, row, sort->width * sizeof *row);
    return 0;
}

/* Reads on in a run: 1, 0 when it is used up, -1. */
static int run_fill(struct sort *sort, struct run *run, struct fail *fail)
{
    int64_t bytes = (int64_t)(sort->share_rows * sort->width * sizeof(int64_t));
    int code;

    if (run->left < bytes)
        bytes = run->left;
    if (bytes == 0)
        return 0;
    code = sort->file->pMethods->xRead(sort->file, run->share, (int)bytes, run->at);
    if (code != SQLITE_OK)
        return trouble(code, fail);
    run->at += bytes;
    run->left -= bytes;
    run->row = run->share;
    run->end = run->share + (size_t)bytes / sizeof(int64_t);
    return 1;
}

/* Of equals the earlier run has the earlier rows. */
static bool comes_before(const struct sort *sort, size_t a, size_t b)
{
    int64_t x = sort->runs[a].row[0], y = sort->runs[b].row[0];

    return x < y || (x == y && a < b);
}

static void heap_sink(struct sort *sort, size_t at)
{
    size_t run = sort->heap[at];

    for (size_t child; (child = 2 * at + 1) < sort->heap_count; at = child) {
        if (child + 1 < sort->heap_count && comes_before(sort, sort->heap[child + 1], sort->heap[child]))
            child++;
        if (!comes_before(sort, sort->heap[child], run))
            break;
        sort->heap[at] = sort->heap[child];
    }
    sort->heap[at] = run;
}

/* Every run from its beginning. */
static int merge_begin(struct sort *sort, struct fail *fail)
{
    sort->heap_count = 0;
    sort->moved = false;
    for (size_t i = 0; i < sort->run_count; i++) {
        sort->runs[i].at = sort->runs[i].from;
        sort->runs[i].left = sort->runs[i].size;
        if (run_fill(sort, &sort->runs[i], fail) != 1)
            return -1;
        sort->heap[sort->heap_count++] = i;
    }
    for (size_t i = sort->heap_count; i-- > 0;)
        heap_sink(sort, i);
    return 0;
}

/* The block becomes the shares of the runs. */
static void share_block(struct sort *sort)
{
    size_t row_size = sort->width * sizeof(int64_t), share = BLOCK_SIZE / sort->run_count;

    share = share < SHARE_MIN ? SHARE_MIN : share > IO_MAX ? IO_MAX : share;
    sort->share_rows = share / row_size;
    free(sort->other);
    sort->other = NULL;
    sort->block = mem_grow(sort->block, sort->share_rows * sort->run_count, row_size);
    sort->heap = mem_array(sort->run_count, sizeof *sort->heap);
    for (size_t i = 0; i < sort->run_count; i++)
        sort->runs[i].share = sort->block + i * sort->share_rows * sort->width;
    sort->merging = true;
}

static int merge_next(struct sort *sort, const int64_t **row, struct fail *fail)
{
    struct run *top;

    if (sort->heap_count == 0)
        return 0;
    if (sort->moved) {
        size_t run = sort->heap[0];
        int rc = 1;
        sort->runs[run].row += sort->width;
        if (sort->runs[run].row == sort->runs[run].end)
            rc = run_fill(sort, &sort->runs[run], fail);
        if (rc < 0)
            return -1;
        if (rc == 0)
            sort->heap[0] = sort->heap[--sort->heap_count];
        if (sort->heap_count == 0)
            return 0;
        heap_sink(sort, 0);
    }
    top = &sort->runs[sort->heap[0]];
    sort->moved = true;
    *row = top->row;
    return 1;
}

int sort_rewind(struct sort *sort, struct fail *fail)
{
    sort->taken = 0;
    if (sort->run_count == 0) {
        if (!sort->sorted)
            sort_block(sort);
        sort->sorted = true;
        return 0;
    }
    if (!sort->merging) {
        if (write_run(sort, fail) != 0)
            return -1;
        share_block(sort);
    }
    return merge_begin(sort, fail);
}

int sort_next(struct sort *sort, const int64_t **row, struct fail *fail)
{
    if (!sort->sorted && !sort->merging && sort_rewind(sort, fail) != 0)
        return -1;
    if (sort->run_count > 0)
        return merge_next(sort, row, fail);
    if (sort->taken == sort->rows)
        return 0;
    *row = sort->block + sort->taken++ * sort->width;
    return 1;
}
