/* What the parts of the mint share. mint.c: requests and their replies; mint_file.c: token files;
 * mint_openid.c: assertions; mint_command.c: commands. */
#ifndef WORK_MINT_IMPL_H
#define WORK_MINT_IMPL_H

#include "work/mint.h"

#include "driver/jwt.h"
#include "driver/process.h"
#include "rule/api_claims.h"

enum { MINT_TEXT_CAP = 1 << 16 }; /* bodies, answers, secrets */

/* The token file: its bytes, and sorted (account, place) pairs over them. */
struct mint_pair {
    int64_t account;
    struct span token;
};

struct mint_file {
    struct buf bytes;
    struct mint_pair *pairs;
    size_t count, room;
    struct span only; /* the token for every account */
};

struct mint {
    struct mint_options options;
    char *url;
    struct buf key, secret;  /* copies that are overwritten at close */
    struct buf body, store;  /* request and reply of the passport call */
    struct buf claims, text; /* openid: claims and assertion; command: lines for the log */
    int64_t skew_ms;         /* the token host's clock minus ours, where it is worth mention */
    int64_t skew_since_ms;   /* monotonic: assertions from before it bear the time of another skew */
    int skew_changes;
    struct mint_file file;
    struct jwt *jwt;
    struct api_claims *template;
    struct process *process;
};

/* mint_file.c. `what` is the file's name in messages. FAIL_USAGE. */
int mint_read_file(const char *path, const char *what, struct buf *out, struct fail *fail) MUST_CHECK;
int mint_file_open(struct mint *mint, struct fail *fail) MUST_CHECK;
void mint_file_close(struct mint_file *file);

/* mint_openid.c */
int mint_openid_open(struct mint *mint, struct fail *fail) MUST_CHECK;
void mint_openid_close(struct mint *mint);
/* The assertion as of wall_ms, by the token host's clock; borrowed until the next call. */
int mint_openid_sign(struct mint *mint, int64_t account, int64_t wall_ms, struct fail *fail) MUST_CHECK;

/* mint_command.c */
int mint_command_open(struct mint *mint, struct fail *fail) MUST_CHECK;

#endif
