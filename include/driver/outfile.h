/* outfile: a file that is written whole or not at all, mode 0600 unless it is opened to all.
 *
 * Bytes go to a temporary name in the same folder; the commit flushes them to disk and renames. Write errors
 * are kept and come out of outfile_commit, so that a writer need not look at each piece. FAIL_LEDGER: disk
 * trouble. */
#ifndef DRIVER_OUTFILE_H
#define DRIVER_OUTFILE_H

#include "kit/buf.h"

struct outfile;

/* Makes the folder (mode 0700) where it is missing; its parent must exist. */
int outfile_folder(const char *folder, struct fail *fail) MUST_CHECK;
/* Whether that would do, as far as it can be told without making anything. */
int outfile_check(const char *folder, struct fail *fail) MUST_CHECK;

int outfile_open(struct outfile **out, const char *folder, const char *name, struct fail *fail) MUST_CHECK;
/* Mode 0644, for a reader that is another user: nothing personal may stand in such a file. */
void outfile_open_to_all(struct outfile *file);
void outfile_add(struct outfile *file, struct span bytes);
/* One CSV cell of ours: quoted where it must be, and never the start of a spreadsheet formula. */
void outfile_cell(struct buf *out, struct span text, char delimiter);
void outfile_add_cell(struct outfile *file, struct span text, char delimiter);
/* Ends the handle, also when it fails; the temporary file is gone then. */
int outfile_commit(struct outfile *file, struct fail *fail) MUST_CHECK;
void outfile_cancel(struct outfile *file); /* accepts NULL */

/* Removes a file of an earlier report; one that is not there is fine. */
int outfile_remove(const char *folder, const char *name, struct fail *fail) MUST_CHECK;

#endif
