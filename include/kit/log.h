/* log: structured lines on a file descriptor: a level, an event in plain words, then key=value pairs.
 *
 * Text form for people, JSON for machines; one write(2) a line, so that lines of several processes do not
 * mix. A line never carries personal data or a secret: that is the duty of the caller, who passes IDs,
 * counts, codes and file names only. Lines longer than 4 KiB are cut at a pair's end. A log that cannot be
 * written is not an error of the run. */
#ifndef KIT_LOG_H
#define KIT_LOG_H

#include "kit/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_pair {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

struct log {
    int fd;
    enum log_level level; /* lines below it are dropped */
    bool json;
    bool color;     /* text form: the level's word in colour */
    bool over_line; /* a moving line may stand on the terminal: it is cleared before each log line */
    struct buf line;
};

#define LOG_TEXT(key, text) ((struct log_pair){key, text ? text : "", 0})
#define LOG_INT(key, number) ((struct log_pair){key, NULL, (int64_t)(number)})

/* log_add(log, LOG_INFO, "file loaded", LOG_TEXT("file", name), LOG_INT("records", n)) */
#define log_add(log, level, event, ...)                                        \
    log_line(log, level, event, (const struct log_pair[]){{0}, ##__VA_ARGS__}, \
             sizeof((const struct log_pair[]){{0}, ##__VA_ARGS__}) / sizeof(struct log_pair))

void log_open(struct log *log, int fd, enum log_level level, bool json);
void log_close(struct log *log); /* does not close the descriptor */
void log_line(struct log *log, enum log_level level, const char *event, const struct log_pair *pairs,
              size_t count);

#endif
