/* The token file is read once and kept as sorted (account, place) pairs over its bytes. */
#include "mint_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mint_read_file(const char *path, const char *what, struct buf *out, struct fail *fail)
{
    char block[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    ssize_t got;

    if (fd < 0)
        return fail_set(fail, FAIL_USAGE, "%s: cannot open the %s: %s", path, what, strerror(errno));
    while ((got = read(fd, block, sizeof block)) > 0)
        buf_add(out, block, (size_t)got);
    if (got < 0)
        (void)fail_set(fail, FAIL_USAGE, "%s: cannot read the %s: %s", path, what, strerror(errno));
    else if (out->full)
        (void)fail_set(fail, FAIL_USAGE, "%s: the %s is larger than %zu bytes", path, what, out->cap);
    else
        rc = 0;
    explicit_bzero(block, sizeof block);
    (void)close(fd); /* read only: nothing can be lost */
    return rc;
}

static int by_account(const void *a, const void *b)
{
    const struct mint_pair *x = a, *y = b;

    return (x->account > y->account) - (x->account < y->account);
}

static int add_line(struct mint *mint, struct span line, int64_t number, struct fail *fail)
{
    struct span rest = line, account, token;
    struct mint_pair pair;

    if (span_cut(&rest, ',', &account) == 1 && rest.ptr) {
        token = span_trim(rest);
        if (span_to_id(span_trim(account), &pair.account) != 0 || token.len == 0)
            return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": not 'account_id,token'",
                            mint->options.token_file, number);
        pair.token = token;
        if (mint->file.count == mint->file.room) {
            mint->file.room = mint->file.room ? mint->file.room * 2 : 64;
            mint->file.pairs = mem_grow(mint->file.pairs, mint->file.room, sizeof pair);
        }
        mint->file.pairs[mint->file.count++] = pair;
        return 0;
    }
    if (mint->file.only.len > 0)
        return fail_set(fail, FAIL_USAGE,
                        "%s:%" PRId64 ": a second token for all accounts; write 'account_id,token'",
                        mint->options.token_file, number);
    mint->file.only = line;
    return 0;
}

/* Which of two tokens of an account is meant cannot be told. The pairs are sorted. */
static int check_twice(const struct mint *mint, struct fail *fail)
{
    for (size_t i = 1; i < mint->file.count; i++) {
        const struct mint_pair *a = &mint->file.pairs[i - 1], *b = &mint->file.pairs[i];
        const char *later = a->token.ptr > b->token.ptr ? a->token.ptr : b->token.ptr;
        int64_t number = 1;
        if (a->account != b->account || span_same(a->token, b->token))
            continue;
        for (const char *c = mint->file.bytes.ptr; c < later; c++)
            number += *c == '\n';
        return fail_set(fail, FAIL_USAGE, "%s:%" PRId64 ": a second token for account %" PRId64,
                        mint->options.token_file, number, a->account);
    }
    return 0;
}

int mint_file_open(struct mint *mint, struct fail *fail)
{
    struct span rest, line;
    int64_t number = 0;

    if (!mint->options.token_file || !mint->options.token_file[0])
        return fail_set(fail, FAIL_USAGE, "auth.method = file needs auth.token_file");
    if (mint_read_file(mint->options.token_file, "token file", &mint->file.bytes, fail) != 0)
        return -1;
    rest = buf_span(&mint->file.bytes);
    while (span_cut(&rest, '\n', &line)) {
        number++;
        line = span_trim(line);
        if (line.len == 0 || line.ptr[0] == '#' ||
            (mint->file.count == 0 && span_is_nocase(line, "account_id,token")))
            continue;
        if (add_line(mint, line, number, fail) != 0)
            return -1;
    }
    if (mint->file.count > 0 && mint->file.only.len > 0)
        return fail_set(fail, FAIL_USAGE,
                        "%s: both 'account_id,token' lines and a token for all accounts; use one form",
                        mint->options.token_file);
    if (mint->file.count == 0 && mint->file.only.len == 0)
        return fail_set(fail, FAIL_USAGE, "%s: the token file holds no token", mint->options.token_file);
    if (mint->file.count > 0)
        qsort(mint->file.pairs, mint->file.count, sizeof *mint->file.pairs, by_account);
    return check_twice(mint, fail);
}

void mint_file_close(struct mint_file *file)
{
    buf_wipe(&file->bytes);
    buf_free(&file->bytes);
    free(file->pairs);
}

enum api_token_result mint_local(struct mint *mint, int64_t account, int64_t wall_ms, struct api_token *out)
{
    const struct api_token_ask ask = {.account = account, .wall_ms = wall_ms};
    struct mint_pair key = {.account = account}, *found;

    if (mint->file.only.len > 0)
        return api_token_check(&ask, mint->file.only, out);
    found = bsearch(&key, mint->file.pairs, mint->file.count, sizeof key, by_account);
    if (found)
        return api_token_check(&ask, found->token, out);
    *out = (struct api_token){.text = {"", 0}};
    (void)snprintf(out->reason, sizeof out->reason, "the token file has no token for account %" PRId64,
                   account);
    return API_TOKEN_NO_ACCOUNT;
}
