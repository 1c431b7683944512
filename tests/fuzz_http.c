/* Replies of any bytes. The first four bytes of the input are the lengths of the pieces in which the rest
 * comes, in turn; the fifth chooses the cap of the body. What must hold: nothing beyond the caps is kept, all
 * bytes of a reply that is not whole yet are taken, none of those behind one that is, and in pieces comes out
 * what comes out whole. What is behind a reply is read as the next one, since a slot has one reply after the
 * other. */
#include "driver/http.h"
#include "../src/driver/http_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES = 4, FRONT = PIECES + 1, SIZE_MOST = 60000, CAPTURE_CAP = 1024, DUMP_CAP = 1 << 20 };

/* A way to cut it, and what came of that. */
struct trial {
    struct span text;
    const uint8_t *lengths; /* NULL: in one piece */
    struct http_slot *slot;
    struct buf dump; /* but for the bodies of broken replies */
    struct buf rest; /* the body of the last one, if it was one */
};

static struct http http; /* what a slot needs of it: the cap, and a list of targets that all runs share */

static void check_caps(const struct http_slot *slot)
{
    assert(slot->answer.len <= http.reply_cap);
    assert(slot->retry_after.len <= CAPTURE_CAP && slot->date.len <= CAPTURE_CAP);
    assert(slot->reader.line.len <= HTTP_HEAD_CAP);
    assert(slot->reader.left >= 0 && slot->reader.length >= 0);
    assert(slot->reply.status == 0 || (slot->reply.status >= 100 && slot->reply.status <= 999));
}

/* In a block of its own, so that reading past its end is noticed. Returns what is behind the reply. */
static size_t feed(struct http_slot *slot, struct span piece, int *rc)
{
    char *block = malloc(piece.len);
    struct span bytes = {block, piece.len};

    assert(block);
    memcpy(block, piece.ptr, piece.len);
    *rc = http_reader_feed(slot, &bytes);
    assert(*rc == -1 || *rc == 0 || *rc == 1);
    assert(bytes.len <= piece.len);
    assert(*rc != 0 || bytes.len == 0);
    assert(*rc != 1 || bytes.len == 0 || bytes.ptr == block + piece.len - bytes.len);
    assert((*rc == -1) == (slot->trouble != NULL));
    check_caps(slot);
    free(block);
    return bytes.len;
}

static void add_reply(struct trial *trial, int rc)
{
    const struct http_slot *slot = trial->slot;
    const struct http_reader *reader = &slot->reader;

    buf_addf(&trial->dump, "%d %d %d %d %d|", rc, slot->reply.status, (int)slot->in_head,
             (int)slot->head_ended, (int)http_reader_end(slot));
    buf_add_span(&trial->dump, buf_span(&slot->retry_after));
    buf_add_char(&trial->dump, '|');
    buf_add_span(&trial->dump, buf_span(&slot->date));
    if (rc < 0) {
        buf_add_span(&trial->rest, buf_span(&slot->answer));
        return;
    }
    buf_addf(&trial->dump, "|%d|", reader->lasting && !reader->closing);
    buf_add_span(&trial->dump, buf_span(&slot->answer));
    buf_add_char(&trial->dump, '\n');
    assert(!trial->dump.full);
}

/* One reply from the front of the text. 1: it is whole, and there may be another. */
static int read_reply(struct trial *trial)
{
    static const struct http_request request = {.url = "http://127.0.0.1:1/", .body = {"{}", 2}};
    struct fail fail;
    size_t behind = 0;
    int rc = 0;

    assert(http_slot_fill(trial->slot, &request, &fail) == 0);
    http_reader_begin(trial->slot);
    for (size_t i = 0; rc == 0 && trial->text.len > 0; i++) {
        struct span piece = trial->text;
        if (trial->lengths && piece.len > (size_t)trial->lengths[i % PIECES] + 1)
            piece.len = (size_t)trial->lengths[i % PIECES] + 1;
        behind = feed(trial->slot, piece, &rc);
        trial->text.ptr += piece.len - behind;
        trial->text.len -= piece.len - behind;
    }
    add_reply(trial, rc);
    if (rc == 1 && trial->text.len > 0) {
        behind = feed(trial->slot, trial->text, &rc);
        assert(behind == trial->text.len && rc == 1); /* it stays whole */
    }
    return rc;
}

static void run(struct trial *trial)
{
    struct fail fail;

    trial->slot = http_slot_open(&http, &fail);
    assert(trial->slot);
    while (read_reply(trial) == 1 && trial->text.len > 0)
        ;
    http_slot_close(trial->slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial whole = {.dump = {.cap = DUMP_CAP}, .rest = {.cap = DUMP_CAP}}, pieces = whole;

    if (size < FRONT || size > SIZE_MOST)
        return 0;
    http.reply_cap = data[PIECES] % 2 ? 16 : 4096;
    whole.text = pieces.text = (struct span){(const char *)data + FRONT, size - FRONT};
    pieces.lengths = data;
    run(&whole);
    run(&pieces);
    assert(span_same(buf_span(&whole.dump), buf_span(&pieces.dump)));
    /* A body beyond its cap is kept up to the piece that led there. */
    assert(whole.rest.len <= pieces.rest.len);
    assert(whole.rest.len == 0 || memcmp(whole.rest.ptr, pieces.rest.ptr, whole.rest.len) == 0);
    buf_free(&whole.dump);
    buf_free(&whole.rest);
    buf_free(&pieces.dump);
    buf_free(&pieces.rest);
    return 0;
}
