#include "driver/source_stream.h"

#include "source_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct source_stream {
    struct spooling input;
    struct unpack *unpack;
    char *path;
    int64_t size;
};

_Static_assert((int)SOURCE_STREAM_BLOCK == (int)SOURCE_BLOCK, "what unpack_next gives at once");

static int open_file(struct source_stream *stream, const char *path, struct fail *fail)
{
    struct stat info;

    if (strcmp(path, "-") == 0)
        stream->input.in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        stream->input.in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (stream->input.in < 0 || fstat(stream->input.in, &info) != 0)
        return fail_set(fail, FAIL_INPUT, "%s: cannot open: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return fail_set(fail, FAIL_INPUT, "%s: a folder, not a file", path);
    stream->size = S_ISREG(info.st_mode) ? info.st_size : -1;
    return 0;
}

int source_stream_open(struct source_stream **out, const char *path, struct fail *fail)
{
    struct source_stream *stream = mem_alloc(sizeof *stream);

    stream->path = mem_text(path);
    stream->input = (struct spooling){.path = stream->path,
                                      .in = -1,
                                      .out = -1,
                                      .block = mem_alloc(SOURCE_BLOCK),
                                      .outcome = "What stands before that was read"};
    if (open_file(stream, path, fail) != 0 || spooling_begin(&stream->input, &stream->unpack, fail) != 0) {
        source_stream_close(stream);
        return -1;
    }
    *out = stream;
    return 0;
}

void source_stream_close(struct source_stream *stream)
{
    if (!stream)
        return;
    unpack_close(stream->unpack);
    if (stream->input.in >= 0)
        (void)close(stream->input.in); /* read only: nothing can be lost */
    free(stream->input.block);
    free(stream->path);
    free(stream);
}

int source_stream_next(struct source_stream *stream, struct span *out, struct fail *fail)
{
    return unpack_next(stream->unpack, &stream->input, out, fail);
}

int64_t source_stream_done(const struct source_stream *stream)
{
    return stream->input.offset + (int64_t)stream->input.len;
}

int64_t source_stream_size(const struct source_stream *stream)
{
    return stream->size;
}
