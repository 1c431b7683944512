/* The speed is smoothed over about ten seconds, so that the time left neither jumps nor lags. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR "\r\033[K"

enum { TTY_MS = 250, PLAIN_MS = 10000, CLOSED_MS = 60000, LINE_CAP = 512 };

static enum progress_form choose(const char *form, int fd)
{
    const char *term = getenv("TERM");

    if (form && strcmp(form, "none") == 0)
        return PROGRESS_NONE;
    if (form && strcmp(form, "tty") == 0)
        return PROGRESS_TTY;
    if (form && strcmp(form, "plain") == 0)
        return PROGRESS_PLAIN;
    return isatty(fd) && term && strcmp(term, "dumb") != 0 ? PROGRESS_TTY : PROGRESS_PLAIN;
}

void progress_open(struct progress *progress, const char *form, bool quiet, int fd, int64_t done,
                   int64_t now_ms)
{
    *progress = (struct progress){.form = quiet ? PROGRESS_NONE : choose(form, fd),
                                  .fd = fd,
                                  .begun_ms = now_ms,
                                  .shown_ms = now_ms,
                                  .speed_done = done,
                                  .speed_ms = now_ms};
    buf_init(&progress->line, LINE_CAP);
}

bool progress_due(const struct progress *progress, int64_t now_ms)
{
    int64_t every = progress->form == PROGRESS_TTY ? TTY_MS : PLAIN_MS;

    return progress->form != PROGRESS_NONE && now_ms - progress->shown_ms >= every;
}

static void measure(struct progress *progress, int64_t done, int64_t now_ms)
{
    double seconds = (double)(now_ms - progress->speed_ms) / 1000;
    double span = (double)(now_ms - progress->begun_ms) / 1000, speed;

    if (seconds <= 0)
        return;
    speed = (double)(done - progress->speed_done) / seconds;
    span = span < 10 ? span : 10; /* a mean at first, for a run begins with a burst */
    progress->speed += (seconds < span ? seconds / span : 1) * (speed - progress->speed);
    progress->speed_done = done;
    progress->speed_ms = now_ms;
}

static void add_time(struct buf *line, int64_t seconds)
{
    if (seconds >= 3600)
        buf_addf(line, "%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds / 60 % 60);
    else if (seconds >= 60)
        buf_addf(line, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
    else
        buf_addf(line, "%" PRId64 "s", seconds);
}

static void add_closed(struct buf *line, int opens_at)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

    if (opens_at < 0)
        buf_add_text(line, ", closed by pace.timetable");
    else
        buf_addf(line, ", closed until %s %02d:%02d", days[opens_at / 1440 % 7], opens_at % 1440 / 60,
                 opens_at % 60);
}

static void compose(struct progress *progress, const struct progress_state *state)
{
    struct buf *line = &progress->line;
    int64_t left = state->total - state->done;

    buf_addf(line, "%" PRId64 " of %" PRId64 " rows (%d%%)", state->done, state->total,
             state->total > 0 ? (int)(state->done * 100 / state->total) : 100);
    buf_addf(line, ", %" PRId64 " accepted, %" PRId64 " failed", state->accepted, state->failed);
    buf_addf(line, ", %.0f rows/s, %d in flight", progress->speed, state->flying);
    if (state->stopping)
        buf_add_text(line, ", stopping");
    else if (state->closed)
        add_closed(line, state->opens_at);
    else if (state->broken)
        buf_add_text(line, ", the server is away");
    else if (state->held_ms > 0)
        buf_add_text(line, ", held by the server");
    else if (progress->speed > 0.01 && left > 0) {
        buf_add_text(line, ", ");
        add_time(line, (int64_t)((double)left / progress->speed) + 1);
        buf_add_text(line, " left");
    }
}

static void begin_line(struct progress *progress)
{
    buf_reset(&progress->line);
    if (progress->form == PROGRESS_TTY)
        buf_add_text(&progress->line, CLEAR);
}

/* A moving line that wraps could not be cleared. The last cell stays free: some terminals wrap there. */
static void fit(struct progress *progress)
{
    struct buf *line = &progress->line;
    struct winsize window = {0};
    size_t most;

    if (ioctl(progress->fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
        return;
    most = strlen(CLEAR) + window.ws_col - 1;
    if (line->len <= most)
        return;
    while (((unsigned char)line->ptr[most] & 0xC0) == 0x80)
        most--; /* not within a character */
    buf_cut(line, most);
}

static void end_line(struct progress *progress, bool moving)
{
    ssize_t done;

    if (moving)
        fit(progress);
    else
        buf_add_char(&progress->line, '\n');
    progress->line_open = moving;
    done = write(progress->fd, progress->line.ptr, progress->line.len);
    (void)done; /* a closed terminal must not stop the run */
}

static void write_line(struct progress *progress, const struct progress_state *state, bool moving)
{
    begin_line(progress);
    compose(progress, state);
    end_line(progress, moving);
}

void progress_tell(struct progress *progress, const char *text, int64_t now_ms)
{
    if (progress->form == PROGRESS_NONE)
        return;
    progress->shown_ms = now_ms;
    begin_line(progress);
    buf_add_text(&progress->line, text);
    end_line(progress, progress->form == PROGRESS_TTY);
}

void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ms)
{
    if (progress->form == PROGRESS_NONE)
        return;
    progress->shown_ms = now_ms;
    if (progress->form == PROGRESS_PLAIN && state->closed)
        progress->shown_ms += CLOSED_MS - PLAIN_MS; /* a night of the same line */
    measure(progress, state->done, now_ms);
    write_line(progress, state, progress->form == PROGRESS_TTY);
}

void progress_print(struct progress *progress, const struct progress_state *state, int64_t now_ms)
{
    measure(progress, state->done, now_ms);
    write_line(progress, state, false);
}

void progress_close(struct progress *progress)
{
    if (progress->line_open) {
        ssize_t done = write(progress->fd, CLEAR, strlen(CLEAR));
        (void)done; /* as above */
    }
    progress->line_open = false;
    buf_free(&progress->line);
}
