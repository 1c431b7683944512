/* The ledger is told first, then the files go: a process that dies in between leaves files that the next
 * sweep finds. */
#include "flow/spool.h"

#include "driver/source.h"

#include <stdlib.h>

int spools_sweep(struct ledger *ledger, const char *base, struct log *log, struct fail *fail)
{
    struct ledger_files files;
    const char **kept;
    size_t count = 0;
    int64_t removed;
    struct fail why;

    if (ledger_files_all(ledger, &files, fail) != 0)
        return -1;
    kept = mem_array(files.count + 1, sizeof *kept);
    for (size_t i = 0; i < files.count; i++)
        if (files.file[i].spool == SPOOL_KEPT)
            kept[count++] = files.file[i].sha256;
    if (source_sweep(base, kept, count, &removed, &why) != 0)
        log_add(log, LOG_WARN, "spool files that nothing needs are still there; they hold input data",
                LOG_TEXT("reason", why.text));
    else if (removed > 0)
        log_add(log, LOG_INFO, "spool files removed; no row needs them", LOG_INT("files", removed));
    free(kept);
    ledger_files_free(&files);
    return 0;
}

int spools_remove(struct ledger *ledger, const char *base, struct log *log, struct fail *fail)
{
    int64_t settled;

    if (ledger_hold(ledger, fail) != 0)
        return fail->kind == FAIL_BUSY ? 0 : -1;
    if (ledger_file_settle(ledger, &settled, fail) != 0)
        return -1;
    return spools_sweep(ledger, base, log, fail);
}
