#include "driver/digest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 18 };

static int digest_blocks(int fd, EVP_MD_CTX *context, unsigned char *block, struct fail *fail)
{
    off_t offset = 0;

    for (;;) {
        ssize_t got = pread(fd, block, BLOCK, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_set(fail, FAIL_INPUT, "cannot read: %s", strerror(errno));
        if (got == 0)
            return 0;
        if (EVP_DigestUpdate(context, block, (size_t)got) != 1)
            return fail_set(fail, FAIL_INTERNAL, "SHA-256 is not available");
        offset += got;
    }
}

int digest_file(int fd, char out[DIGEST_TEXT_SIZE], struct fail *fail)
{
    static const char digits[] = "0123456789abcdef";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *block = mem_alloc(BLOCK), sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int rc = -1;

    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        (void)fail_set(fail, FAIL_INTERNAL, "SHA-256 is not available");
        goto out;
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice only */
    if (digest_blocks(fd, context, block, fail) != 0)
        goto out;
    if (EVP_DigestFinal_ex(context, sum, &len) != 1 || len * 2 + 1 != DIGEST_TEXT_SIZE) {
        (void)fail_set(fail, FAIL_INTERNAL, "SHA-256 is not available");
        goto out;
    }
    for (unsigned i = 0; i < len; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * len] = '\0';
    rc = 0;
out:
    EVP_MD_CTX_free(context);
    free(block);
    return rc;
}

int digest_named(const char *folder, const char *name, char out[DIGEST_TEXT_SIZE], struct fail *fail)
{
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder_fd < 0 ? -1 : openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    int rc = -1;

    if (fd < 0 && errno == ENOENT) {
        rc = 1;
    } else if (fd < 0) {
        (void)fail_set(fail, FAIL_LEDGER, "%s/%s: cannot read: %s", folder, name, strerror(errno));
    } else {
        rc = digest_file(fd, out, fail);
        if (rc != 0 && fail->kind == FAIL_INPUT)
            fail->kind = FAIL_LEDGER;
        (void)close(fd); /* it was only read */
    }
    if (folder_fd >= 0)
        (void)close(folder_fd);
    return rc;
}

int64_t digest_mark(const struct uuid_seed *key, struct span bytes)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    uint64_t mark = 0;
    unsigned char *made = HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, (const unsigned char *)bytes.ptr,
                               bytes.len, sum, &len);

    assert(made && len >= 8);
    for (int i = 0; i < 8; i++)
        mark = mark << 8 | sum[i];
    mark &= INT64_MAX;
    return mark ? (int64_t)mark : 1;
}
