/* Streams gzip and zstd into a spool file with two blocks of memory and the format's window: 32 KiB, or what
 * zstd's own limit allows (128 MiB). Both formats may come in several parts one after another; anything else
 * behind the end is damage, because nobody can tell what it was. */
#include "source_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

static bool has_end(const char *path, const char *end)
{
    size_t len = strlen(path), n = strlen(end);

    return len > n && strcasecmp(path + len - n, end) == 0;
}

static bool begins(struct span head, const char *magic, size_t len)
{
    return head.len >= len && memcmp(head.ptr, magic, len) == 0;
}

/* zstd's skippable frames, which some writers put first: 0x184D2A50 to 0x184D2A5F, little-endian. */
static bool is_zstd(struct span head)
{
    return begins(head, "\x28\xB5\x2F\xFD", 4) ||
           (head.len >= 4 && (head.ptr[0] & 0xF0) == 0x50 && memcmp(head.ptr + 1, "\x2A\x4D\x18", 3) == 0);
}

static const char *foreign_name(struct span head)
{
    if (begins(head, "PK\x03\x04", 4))
        return "a ZIP archive or a spreadsheet";
    if (begins(head,
               "\xFD"
               "7zXZ\0",
               6))
        return "an xz file";
    if (begins(head, "BZh", 3) && head.len > 3 && head.ptr[3] >= '1' && head.ptr[3] <= '9')
        return "a bzip2 file";
    return NULL;
}

int packing_find(const char *path, struct span head, enum packing *out, struct fail *fail)
{
    const char *foreign = foreign_name(head);

    if (foreign)
        return fail_set(fail, FAIL_INPUT,
                        "%s: %s, which is not read here; give the CSV itself, plain, or as "
                        ".gz or .zst",
                        path, foreign);
    *out = PACKING_NONE;
    if (begins(head, "\x1F\x8B", 2))
        *out = PACKING_GZIP;
    else if (is_zstd(head))
        *out = PACKING_ZSTD;
    else if (has_end(path, ".gz") || has_end(path, ".zst"))
        return fail_set(
            fail, FAIL_INPUT,
            "%s: neither gzip nor zstd in spite of its name%s; export it again, or rename it if it "
            "is plain CSV",
            path, head.len == 0 ? ", but empty" : "");
    return 0;
}

static int refuse(const struct spooling *spooling, size_t at, const char *format, const char *what,
                  struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT,
                    "%s: damaged %s stream at byte %" PRId64
                    ": %s; get an undamaged copy. Nothing was loaded",
                    spooling->path, format, spooling->offset + (int64_t)at, what);
}

static int cut_off(const struct spooling *spooling, const char *format, struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT,
                    "%s: truncated: the %s stream stops at byte %" PRId64
                    " before its end; get the whole file. Nothing was loaded",
                    spooling->path, format, spooling->offset + (int64_t)spooling->len);
}

/* ---- gzip ---- */

/* Between two members (`*between`) only another one may follow. Returns 0 when the block is used up. */
static int inflate_block(struct spooling *spooling, z_stream *z, unsigned char *out, bool *between,
                         struct fail *fail)
{
    int rc;

    z->next_in = spooling->block;
    z->avail_in = (uInt)spooling->len;
    do {
        if (*between && z->avail_in > 0) {
            size_t at = spooling->len - z->avail_in;
            if (spooling->block[at] != 0x1F)
                return refuse(spooling, at, "gzip", "something else follows its end", fail);
            *between = false;
            (void)inflateReset(z); /* fails for a broken z_stream only */
        }
        z->next_out = out;
        z->avail_out = SOURCE_BLOCK;
        rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return refuse(spooling, spooling->len - z->avail_in, "gzip", z->msg ? z->msg : "not readable",
                          fail);
        *between = rc == Z_STREAM_END;
        if (spooling_write(spooling, out, SOURCE_BLOCK - z->avail_out, fail) != 0)
            return -1;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return 0;
}

int unpack_gzip(struct spooling *spooling, struct fail *fail)
{
    unsigned char *out = mem_alloc(SOURCE_BLOCK);
    z_stream z = {0};
    bool between = false;
    int rc = 1;

    if (inflateInit2(&z, 15 + 16) != Z_OK) { /* the largest window; gzip only */
        free(out);
        return fail_set(fail, FAIL_INTERNAL, "zlib cannot be used");
    }
    while (rc == 1) {
        if (inflate_block(spooling, &z, out, &between, fail) != 0)
            rc = -1;
        else
            rc = spooling_read(spooling, fail);
    }
    if (rc == 0 && !between)
        rc = cut_off(spooling, "gzip", fail);
    (void)inflateEnd(&z); /* nothing is lost */
    free(out);
    return rc;
}

/* ---- zstd ---- */

/* *more: what the frame still waits for, 0 at its end. */
static int decompress_block(struct spooling *spooling, ZSTD_DStream *z, unsigned char *out, size_t *more,
                            struct fail *fail)
{
    ZSTD_inBuffer in = {spooling->block, spooling->len, 0};
    ZSTD_outBuffer to = {out, SOURCE_BLOCK, 0};

    do {
        to.pos = 0;
        *more = ZSTD_decompressStream(z, &to, &in);
        if (ZSTD_isError(*more))
            return refuse(spooling, in.pos, "zstd", ZSTD_getErrorName(*more), fail);
        if (spooling_write(spooling, out, to.pos, fail) != 0)
            return -1;
    } while (in.pos < in.size || (*more != 0 && to.pos == to.size)); /* at an end it would ask for another */
    return 0;
}

int unpack_zstd(struct spooling *spooling, struct fail *fail)
{
    unsigned char *out = mem_alloc(SOURCE_BLOCK);
    ZSTD_DStream *z = ZSTD_createDStream();
    size_t more = 1;
    int rc = 1;

    if (!z || ZSTD_isError(ZSTD_initDStream(z)))
        rc = fail_set(fail, FAIL_INTERNAL, "zstd cannot be used");
    while (rc == 1) {
        if (decompress_block(spooling, z, out, &more, fail) != 0)
            rc = -1;
        else
            rc = spooling_read(spooling, fail);
    }
    if (rc == 0 && more != 0)
        rc = cut_off(spooling, "zstd", fail);
    (void)ZSTD_freeDStream(z); /* accepts NULL */
    free(out);
    return rc;
}
