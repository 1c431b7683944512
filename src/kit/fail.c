/* The text is formatted into the caller's struct: no allocation, so that running out of memory or disk can
 * still be reported. */
#include "kit/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail_set(struct fail *fail, enum fail_kind kind, const char *format, ...)
{
    va_list args;

    fail->kind = kind;
    va_start(args, format);
    (void)vsnprintf(fail->text, sizeof fail->text, format, args);
    va_end(args);
    /* One line, whatever a library's words or a file's name hold. */
    for (char *c = fail->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    return -1;
}

int fail_context(struct fail *fail, const char *format, ...)
{
    char context[sizeof fail->text];
    va_list args;
    size_t room, keep;
    int len;

    va_start(args, format);
    len = vsnprintf(context, sizeof context / 2, format, args);
    va_end(args);
    if (len < 0)
        return -1;
    if ((size_t)len >= sizeof context / 2)
        len = (int)(sizeof context / 2) - 1;
    memcpy(context + len, ": ", 2);
    room = sizeof context - (size_t)len - 3;
    keep = strnlen(fail->text, room);
    memcpy(context + len + 2, fail->text, keep);
    context[(size_t)len + 2 + keep] = '\0';
    memcpy(fail->text, context, (size_t)len + 3 + keep);
    return -1;
}
