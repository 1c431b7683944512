/* pairs[0] is a placeholder that lets the macro pass an empty list. */
#include "kit/log.h"

#include "kit/clock.h"
#include "kit/json.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};

enum { LINE_CAP = 4096 };

void log_open(struct log *log, int fd, enum log_level level, bool json)
{
    *log = (struct log){.fd = fd, .level = level, .json = json};
    buf_init(&log->line, LINE_CAP);
}

void log_close(struct log *log)
{
    buf_free(&log->line);
}

static bool needs_quotes(const char *text)
{
    return *text == '\0' || strpbrk(text, " \t\"=\\") != NULL;
}

/* Control characters would let a file name forge a line or drive a terminal: they show as '?'. */
static void add_safe(struct buf *line, const char *text)
{
    bool quote = needs_quotes(text);

    if (quote)
        buf_add_char(line, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(line, '\\');
        buf_add_char(line, (unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text);
    }
    if (quote)
        buf_add_char(line, '"');
}

static void write_text(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs,
                       size_t count)
{
    char now[CLOCK_TEXT_SIZE];

    static const char *const colors[] = {"\033[2m", "", "\033[33m", "\033[31m"};
    bool color = log->color && colors[level][0];

    if (log->over_line)
        buf_add_text(&log->line, "\r\033[K");
    buf_addf(&log->line, "%s %s%-7s%s %s", clock_format(clock_wall_ms(), now), color ? colors[level] : "",
             level_names[level], color ? "\033[0m" : "", event);
    for (size_t i = 1; i < count; i++) {
        buf_addf(&log->line, " %s=", pairs[i].key);
        if (pairs[i].text)
            add_safe(&log->line, pairs[i].text);
        else
            buf_addf(&log->line, "%" PRId64, pairs[i].number);
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
    json_text(&json, event);
    for (size_t i = 1; i < count; i++) {
        json_key(&json, pairs[i].key);
        if (pairs[i].text)
            json_text(&json, pairs[i].text);
        else
            json_int(&json, pairs[i].number);
    }
    json_end_object(&json);
}

void log_line(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs, size_t count)
{
    ssize_t done;

    if (!log || level < log->level || level >= LOG_OFF)
        return;
    buf_reset(&log->line);
    if (log->json)
        write_json(log, level, event, pairs, count);
    else
        write_text(log, level, event, pairs, count);
    log->line.cap++; /* the newline always fits */
    buf_add_char(&log->line, '\n');
    log->line.cap--;
    done = write(log->fd, log->line.ptr, log->line.len);
    (void)done; /* a full or closed log must not stop the run */
}
