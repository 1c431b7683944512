/* What the parts of the source share: the handle, and the way from packed to plain bytes. */
#ifndef DRIVER_SOURCE_IMPL_H
#define DRIVER_SOURCE_IMPL_H

#include "driver/source.h"

#include <sys/stat.h>

struct source {
    char *path;
    int fd;
    struct stat at_open;
    struct buf bytes; /* read last ... */
    int64_t bytes_at; /* ... from here on */
    char *base;       /* of a spool file, real; NULL: the file itself is read */
    char *temporary;  /* name of a spool file where the file system cannot do without; NULL: none */
    bool keep, kept;
};

enum { SOURCE_BLOCK = 1 << 18, SOURCE_HEAD = 8 };

/* What the first bytes tell of a file. */
enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };
/* `head`: up to SOURCE_HEAD bytes. FAIL_INPUT for a form that is not unpacked here, and for a name that
 * promises another one. */
int packing_find(const char *path, struct span head, enum packing *out, struct fail *fail) MUST_CHECK;

/* Bytes on their way out of an input, and into a spool file where there is one. */
struct spooling {
    const char *path; /* for messages */
    const char *folder;
    int in, out;
    unsigned char *block; /* SOURCE_BLOCK bytes of input */
    size_t len;
    int64_t offset;      /* of the block in the input */
    const char *outcome; /* a sentence for messages: what becomes of the rest of a damaged file */
};
/* The next block: 1 / 0 at the end / -1. Only the last is shorter than SOURCE_BLOCK. */
int spooling_read(struct spooling *spooling, struct fail *fail) MUST_CHECK;
int spooling_write(const struct spooling *spooling, const unsigned char *bytes, size_t len,
                   struct fail *fail) MUST_CHECK;

/* Unpacks the input from the block at hand on, as far as it is good: 1 and the next bytes, borrowed until the
 * next call; 0; -1. */
struct unpack;
int unpack_open(struct unpack **out, enum packing packing, struct fail *fail) MUST_CHECK;
void unpack_close(struct unpack *unpack);
int unpack_next(struct unpack *unpack, struct spooling *input, struct span *out,
                struct fail *fail) MUST_CHECK;

/* Reads the first block, finds out how it is packed, and opens the unpacking. */
int spooling_begin(struct spooling *spooling, struct unpack **unpack, struct fail *fail) MUST_CHECK;

/* Reads all of `in` into a new spool file, which becomes the source's. */
int spool_fill(struct source *source, int in, const struct source_spool *spool, struct fail *fail) MUST_CHECK;

#endif
