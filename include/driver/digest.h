/* digest: SHA-256 of a file's bytes, and short keyed marks. The only user of libcrypto besides jwt. */
#ifndef DRIVER_DIGEST_H
#define DRIVER_DIGEST_H

#include "kit/uuid.h"

enum { DIGEST_TEXT_SIZE = 65 }; /* lower-case hexadecimal and its terminator */

/* Of all bytes from offset 0, by pread: the descriptor's place is untouched. FAIL_INPUT when it cannot be
 * read. */
int digest_file(int fd, char out[DIGEST_TEXT_SIZE], struct fail *fail) MUST_CHECK;

/* Of a file of a folder; 1 when it is not there. FAIL_LEDGER: disk trouble. */
int digest_named(const char *folder, const char *name, char out[DIGEST_TEXT_SIZE],
                 struct fail *fail) MUST_CHECK;

/* A 63-bit mark of the bytes under a key, never 0: equal bytes have equal marks, and a mark tells nothing
 * about the bytes to whoever has not the key. */
int64_t digest_mark(const struct uuid_seed *key, struct span bytes);

#endif
