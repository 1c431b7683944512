/* pairs[0] is a placeholder that lets the macro pass an empty list. */
#include "kit/log.h"

#include "kit/clock.h"
#include "kit/json.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static const char *const level_colors[] = {"\033[2m", "", "\033[33m", "\033[31m"};

enum {
    LINE_CAP = 4096,
    LINE_END = 2,    /* what a line needs in the end, whatever it holds: } and the newline */
    EVENT_MOST = 600 /* bytes of the event: fit also where each becomes the six of an escape */
};

void log_open(struct log *log, int fd, enum log_level level, bool json)
{
    *log = (struct log){.fd = fd, .level = level, .json = json};
    buf_init(&log->line, LINE_CAP - LINE_END);
}

void log_close(struct log *log)
{
    buf_free(&log->line);
}

static struct span cut_event(const char *event)
{
    return (struct span){event, strnlen(event, EVENT_MOST)};
}

static bool needs_quotes(const char *text)
{
    return *text == '\0' || strpbrk(text, " \t\"=\\") != NULL;
}

/* Control characters would let a file name forge a line or drive a terminal: they show as '?'. */
static void add_printable(struct buf *line, char c)
{
    buf_add_char(line, (unsigned char)c < 0x20 || c == 0x7F ? '?' : c);
}

static void add_safe(struct buf *line, const char *text)
{
    bool quote = needs_quotes(text);

    if (quote)
        buf_add_char(line, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(line, '\\');
        add_printable(line, *text);
    }
    if (quote)
        buf_add_char(line, '"');
}

/* Takes back what was written since `len` when not all of it fitted; true: the line ends here. */
static bool cut_back(struct buf *line, size_t len)
{
    if (!line->full)
        return false;
    line->full = false;
    line->len = len;
    return true;
}

static void write_text(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs,
                       size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    struct span words = cut_event(event);
    bool color = log->color && level_colors[level][0];

    buf_addf(&log->line, "%s %s%-7s%s ", clock_format(clock_wall_ms(), now), color ? level_colors[level] : "",
             level_names[level], color ? "\033[0m" : "");
    for (size_t i = 0; i < words.len; i++)
        add_printable(&log->line, words.ptr[i]);
    for (size_t i = 1; i < count; i++) {
        size_t before = log->line.len;
        buf_addf(&log->line, " %s=", pairs[i].key);
        if (pairs[i].text)
            add_safe(&log->line, pairs[i].text);
        else
            buf_addf(&log->line, "%" PRId64, pairs[i].number);
        if (cut_back(&log->line, before))
            return;
    }
}

static void write_json(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs,
                       size_t count)
{
    char now[CLOCK_TEXT_SIZE];
    struct json json;

    json_init(&json, &log->line, false);
    json_object(&json);
    json_key(&json, "time");
    json_text(&json, clock_format(clock_wall_ms(), now));
    json_key(&json, "level");
    json_text(&json, level_names[level]);
    json_key(&json, "event");
    json_span(&json, cut_event(event));
    for (size_t i = 1; i < count; i++) {
        size_t before = log->line.len;
        json_key(&json, pairs[i].key);
        if (pairs[i].text)
            json_text(&json, pairs[i].text);
        else
            json_int(&json, pairs[i].number);
        if (cut_back(&log->line, before))
            break;
    }
    log->line.cap = LINE_CAP;
    json_end_object(&json);
}

void log_line(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs,
              size_t count)
{
    ssize_t done;

    if (!log || level < log->level || level >= LOG_OFF)
        return;
    buf_reset(&log->line);
    log->line.cap = LINE_CAP - LINE_END;
    if (log->over_line)
        buf_add_text(&log->line, "\r\033[K");
    if (log->json)
        write_json(log, level, event, pairs, count);
    else
        write_text(log, level, event, pairs, count);
    log->line.cap = LINE_CAP;
    buf_add_char(&log->line, '\n');
    done = write(log->fd, log->line.ptr, log->line.len);
    (void)done; /* a full or closed log must not stop the run */
}
