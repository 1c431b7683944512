/* source_stream: what comes out is what is in the file, packed or not, and a cut or damaged one gives all
 * that stands before the fault. */
#include "driver/source_stream.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* All that comes before the end (0) or the fault (-1). */
static int read_all(const char *path, struct buf *out, struct fail *fail)
{
    struct source_stream *stream;
    struct span bytes;
    int rc;

    buf_reset(out);
    if (source_stream_open(&stream, path, fail) != 0)
        return -1;
    while ((rc = source_stream_next(stream, &bytes, fail)) == 1) {
        assert_true(bytes.len > 0 && bytes.len <= SOURCE_STREAM_BLOCK);
        buf_add_span(out, bytes);
    }
    if (rc == 0 && source_stream_size(stream) >= 0)
        assert_int_equal(source_stream_done(stream), source_stream_size(stream));
    source_stream_close(stream);
    return rc;
}

/* A text that does not pack to nothing, and one gzip member of it. */
static void make_text(struct buf *text, size_t len)
{
    uint32_t dice = 1;

    buf_init(text, len);
    while (text->len < len) {
        dice = dice * 1103515245 + 12345;
        buf_add_char(text, (char)('a' + (dice >> 16) % 16));
    }
}

static void add_member(struct buf *out, struct span text)
{
    unsigned char *packed = mem_alloc(text.len + 1000);
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)mem_alloc(text.len);
    memcpy(z.next_in, text.ptr, text.len);
    unsigned char *in = z.next_in;
    z.avail_in = (uInt)text.len;
    z.next_out = packed;
    z.avail_out = (uInt)text.len + 1000;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_add(out, packed, text.len + 1000 - z.avail_out);
    assert_int_equal(deflateEnd(&z), Z_OK);
    free(in);
    free(packed);
}

static void every_form_gives_its_bytes(void **state)
{
    struct buf text, packed = {.cap = 1 << 24}, out = {.cap = 1 << 24};
    struct fail fail;

    (void)state;
    make_text(&text, 3 * SOURCE_STREAM_BLOCK + 17);
    scratch_clear();
    assert_int_equal(read_all(scratch_write("plain.jsonl", buf_span(&text)), &out, &fail), 0);
    assert_true(span_same(buf_span(&out), buf_span(&text)));
    add_member(&packed, (struct span){text.ptr, 1000});
    add_member(&packed, (struct span){text.ptr + 1000, text.len - 1000});
    assert_int_equal(read_all(scratch_write("members.gz", buf_span(&packed)), &out, &fail), 0);
    assert_true(span_same(buf_span(&out), buf_span(&text)));
    /* Recognised by its bytes, not its name. */
    assert_int_equal(read_all(scratch_write("packed.jsonl", buf_span(&packed)), &out, &fail), 0);
    assert_true(span_same(buf_span(&out), buf_span(&text)));
    assert_int_equal(
        read_all(scratch_write("a.zst", SPAN("\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00hello\n")), &out, &fail),
        0);
    assert_string_equal(buf_text(&out), "hello\n");
    assert_int_equal(read_all(scratch_write("empty", SPAN("")), &out, &fail), 0);
    assert_int_equal(out.len, 0);
    buf_free(&text);
    buf_free(&packed);
    buf_free(&out);
}

static void what_stands_before_a_cut_is_given(void **state)
{
    struct buf text, packed = {.cap = 1 << 24}, out = {.cap = 1 << 24};
    struct fail fail;

    (void)state;
    make_text(&text, 2 * SOURCE_STREAM_BLOCK);
    scratch_clear();
    add_member(&packed, buf_span(&text));
    packed.len /= 2;
    assert_int_equal(read_all(scratch_write("cut.gz", buf_span(&packed)), &out, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_non_null(strstr(fail.text, "cut.gz: truncated: the gzip stream stops at byte "));
    assert_non_null(strstr(fail.text, "What stands before that was read"));
    assert_true(out.len > SOURCE_STREAM_BLOCK / 2);
    assert_memory_equal(out.ptr, text.ptr, out.len);
    buf_reset(&packed);
    add_member(&packed, buf_span(&text));
    buf_add_text(&packed, "junk");
    assert_int_equal(read_all(scratch_write("bad.gz", buf_span(&packed)), &out, &fail), -1);
    assert_true(span_same(buf_span(&out), buf_span(&text)));
    assert_non_null(strstr(fail.text, "damaged gzip stream"));
    buf_free(&text);
    buf_free(&packed);
    buf_free(&out);
}

static void what_cannot_be_read_is_an_input_error(void **state)
{
    struct buf out = {.cap = 100};
    struct fail fail;

    (void)state;
    scratch_clear();
    assert_int_equal(read_all(scratch_path("none"), &out, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_int_equal(read_all(scratch_folder(), &out, &fail), -1);
    assert_int_equal(fail.kind, FAIL_INPUT);
    assert_int_equal(read_all(scratch_write("a.gz", SPAN("{}")), &out, &fail), -1);
    assert_non_null(strstr(fail.text, "neither gzip nor zstd in spite of its name"));
}

static void standard_input_is_read(void **state)
{
    int saved = dup(STDIN_FILENO), fd;
    struct buf out = {.cap = 100};
    struct fail fail;

    (void)state;
    scratch_clear();
    fd = open(scratch_write("in", SPAN("{}\n")), O_RDONLY);
    assert_true(fd >= 0 && saved >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(read_all("-", &out, &fail), 0);
    assert_string_equal(buf_text(&out), "{}\n");
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(saved);
    (void)close(fd);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_its_bytes),
        cmocka_unit_test(what_stands_before_a_cut_is_given),
        cmocka_unit_test(what_cannot_be_read_is_an_input_error),
        cmocka_unit_test(standard_input_is_read),
    };

    return cmocka_run_group_tests_name("source_stream", tests, scratch_open, scratch_close);
}
