/* scratch: files and a folder for tests, below $BUILD/tmp. A step that fails ends the test.
 *
 * Each process has a folder of its own, made by the group set-up and removed with all that is in it by the
 * tear-down. A test begins with scratch_clear, so that nothing of another one is there. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "kit/buf.h"

#include <sys/types.h>

int scratch_open(void **state); /* cmocka group set-up and tear-down */
int scratch_close(void **state);
void scratch_clear(void);

const char *scratch_folder(void);
/* The absolute path of a file in the folder; borrowed until eight calls later. */
const char *scratch_path(const char *name);
const char *scratch_write(const char *name, struct span bytes); /* returns its path */
/* All bytes of a file of the folder, appended to *out, which the caller frees. */
void scratch_read(const char *name, struct buf *out);
/* The file holds exactly this text. */
void scratch_holds(const char *name, const char *text);
bool scratch_exists(const char *name);
mode_t scratch_mode(const char *name);    /* its permission bits */
size_t scratch_count(const char *folder); /* entries of a sub-folder, all but . and .. */

#endif
