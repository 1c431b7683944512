/* progress: how a run goes, on standard error: a line that moves on a terminal, a plain line now and then
 * elsewhere. Shows counts and times only. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "kit/buf.h"

enum progress_form { PROGRESS_NONE, PROGRESS_TTY, PROGRESS_PLAIN };

struct progress {
    enum progress_form form;
    int fd;
    int64_t begun_ms; /* monotonic, as all times here */
    int64_t shown_ms;
    int64_t speed_done, speed_ms;
    double speed; /* rows a second, smoothed */
    bool line_open;
    struct buf line;
};

struct progress_state {
    int64_t done, total; /* rows */
    int64_t accepted, failed, waiting;
    int flying;
    int64_t held_ms;
    bool broken, stopping;
    bool closed;  /* by the timetable ... */
    int opens_at; /* ... until this minute of the local week; -1: for ever */
};

/* `form` NULL or "auto": tty on a terminal that is not "dumb", else plain. `done`: rows settled before. */
void progress_open(struct progress *progress, const char *form, bool quiet, int fd, int64_t done,
                   int64_t now_ms);
/* True when a new line is due: ask before gathering the state. */
bool progress_due(const struct progress *progress, int64_t now_ms);
void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ms);
/* A line at once, whatever the form. */
void progress_print(struct progress *progress, const struct progress_state *state, int64_t now_ms);
/* The same with words of the caller's own, for work that is not rows. */
void progress_tell(struct progress *progress, const char *text, int64_t now_ms);
void progress_close(struct progress *progress); /* clears the moving line */

#endif
