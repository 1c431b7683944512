/* Unpacks gzip and zstd block by block, in the memory of two blocks and the format's window: 32 KiB, or what
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
                        "%s: %s, which is not read here; give what is in it, plain, or as "
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
            "is not packed",
            path, head.len == 0 ? ", but empty" : "");
    return 0;
}

static int refuse(const struct spooling *input, size_t at, const char *format, const char *what,
                  struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT,
                    "%s: damaged %s stream at byte %" PRId64 ": %s; get an undamaged copy. %s", input->path,
                    format, input->offset + (int64_t)at, what, input->outcome);
}

static int cut_off(const struct spooling *input, const char *format, struct fail *fail)
{
    return fail_set(fail, FAIL_INPUT,
                    "%s: truncated: the %s stream stops at byte %" PRId64
                    " before its end; get the whole file. %s",
                    input->path, format, input->offset + (int64_t)input->len, input->outcome);
}

struct unpack {
    enum packing packing;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool gzip_open;
    bool between;       /* gzip: two members; only another one may follow */
    size_t more;        /* zstd: what the frame still waits for, 0 at its end */
    size_t at;          /* of the input's block, used up to here */
    bool full;          /* the last output filled its block: there may be more of it without input */
    unsigned char *out; /* SOURCE_BLOCK bytes */
};

int unpack_open(struct unpack **out, enum packing packing, struct fail *fail)
{
    struct unpack *unpack = mem_alloc(sizeof *unpack);

    unpack->packing = packing;
    unpack->more = 1;
    unpack->out = mem_alloc(SOURCE_BLOCK);
    if (packing == PACKING_GZIP) /* the largest window; gzip only */
        unpack->gzip_open = inflateInit2(&unpack->gzip, 15 + 16) == Z_OK;
    if (packing == PACKING_ZSTD)
        unpack->zstd = ZSTD_createDStream();
    if ((packing == PACKING_GZIP && !unpack->gzip_open) ||
        (packing == PACKING_ZSTD && (!unpack->zstd || ZSTD_isError(ZSTD_initDStream(unpack->zstd))))) {
        unpack_close(unpack);
        return fail_set(fail, FAIL_INTERNAL, "%s cannot be used", packing == PACKING_GZIP ? "zlib" : "zstd");
    }
    *out = unpack;
    return 0;
}

void unpack_close(struct unpack *unpack)
{
    if (!unpack)
        return;
    if (unpack->gzip_open)
        (void)inflateEnd(&unpack->gzip);  /* nothing is lost */
    (void)ZSTD_freeDStream(unpack->zstd); /* accepts NULL */
    explicit_bzero(unpack->out, SOURCE_BLOCK);
    free(unpack->out);
    free(unpack);
}

/* Some output of the block at hand, as far as there is any: *len. */
static int inflate_some(struct unpack *unpack, struct spooling *input, size_t *len, struct fail *fail)
{
    z_stream *z = &unpack->gzip;
    int rc;

    if (unpack->between && unpack->at < input->len) {
        if (input->block[unpack->at] != 0x1F)
            return refuse(input, unpack->at, "gzip", "something else follows its end", fail);
        unpack->between = false;
        (void)inflateReset(z); /* fails for a broken z_stream only */
    }
    z->next_in = input->block + unpack->at;
    z->avail_in = (uInt)(input->len - unpack->at);
    z->next_out = unpack->out;
    z->avail_out = SOURCE_BLOCK;
    rc = inflate(z, Z_NO_FLUSH);
    unpack->at = input->len - z->avail_in;
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return refuse(input, unpack->at, "gzip", z->msg ? z->msg : "not readable", fail);
    unpack->between = rc == Z_STREAM_END;
    *len = SOURCE_BLOCK - z->avail_out;
    return 0;
}

static int decompress_some(struct unpack *unpack, struct spooling *input, size_t *len, struct fail *fail)
{
    ZSTD_inBuffer in = {input->block, input->len, unpack->at};
    ZSTD_outBuffer to = {unpack->out, SOURCE_BLOCK, 0};

    unpack->more = ZSTD_decompressStream(unpack->zstd, &to, &in);
    if (ZSTD_isError(unpack->more))
        return refuse(input, in.pos, "zstd", ZSTD_getErrorName(unpack->more), fail);
    unpack->at = in.pos;
    *len = to.pos;
    return 0;
}

/* Whether the block at hand can yield more: of zstd not at the end of a frame, where it would ask for the
 * next one. */
static bool has_more(const struct unpack *unpack, const struct spooling *input)
{
    if (unpack->at < input->len)
        return true;
    if (unpack->packing == PACKING_GZIP)
        return unpack->full && !unpack->between;
    return unpack->packing == PACKING_ZSTD && unpack->full && unpack->more != 0;
}

static int read_on(struct unpack *unpack, struct spooling *input, struct fail *fail)
{
    int rc = spooling_read(input, fail);

    unpack->at = 0;
    unpack->full = false;
    if (rc == 0 && unpack->packing == PACKING_GZIP && !unpack->between)
        return cut_off(input, "gzip", fail);
    if (rc == 0 && unpack->packing == PACKING_ZSTD && unpack->more != 0)
        return cut_off(input, "zstd", fail);
    return rc;
}

int unpack_next(struct unpack *unpack, struct spooling *input, struct span *out, struct fail *fail)
{
    size_t len = 0;
    int rc;

    while (len == 0) {
        if (!has_more(unpack, input) && (rc = read_on(unpack, input, fail)) != 1)
            return rc;
        if (unpack->packing == PACKING_NONE) {
            *out = (struct span){(const char *)input->block, input->len};
            unpack->at = input->len;
            return 1;
        }
        if ((unpack->packing == PACKING_GZIP ? inflate_some(unpack, input, &len, fail)
                                             : decompress_some(unpack, input, &len, fail)) != 0)
            return -1;
        unpack->full = len == SOURCE_BLOCK;
    }
    *out = (struct span){(const char *)unpack->out, len};
    return 1;
}
