/* A window slides over the stream. It keeps the object at hand from its first byte, so that after a fault the
 * lines that a broken object seemed to hold are looked at again: a line that was cut off costs itself only.
 * That happens at most once a level of nesting for each byte, because whole objects are handed out. */
#include "kit/json_split.h"

#include "json_impl.h"

#include <assert.h>
#include <string.h>

enum mode { MODE_BETWEEN, MODE_OBJECT, MODE_LONG, MODE_JUNK };

/* The last thing that stood inside the object, strings and numbers as a whole. */
enum previous { PREVIOUS_OPEN, PREVIOUS_KEY, PREVIOUS_COLON, PREVIOUS_COMMA, PREVIOUS_VALUE, PREVIOUS_WORD };

enum scan { SCAN_MORE, SCAN_DONE, SCAN_FAULT };

enum { DEPTH_MOST = 64 };

void json_split_init(struct json_split *split, size_t limit)
{
    *split = (struct json_split){.limit = limit};
    buf_init(&split->window, limit + JSON_SPLIT_BLOCK + 1);
}

void json_split_free(struct json_split *split)
{
    buf_free(&split->window);
}

/* Drops what lies before the place. */
static void slide(struct json_split *split, size_t before)
{
    struct buf *window = &split->window;

    if (before == 0)
        return;
    memmove(window->ptr, window->ptr + before, window->len - before);
    window->len -= before;
    split->base += (int64_t)before;
    split->at -= before;
    split->start = split->start > before ? split->start - before : 0;
}

void json_split_feed(struct json_split *split, struct span bytes)
{
    assert(bytes.len <= JSON_SPLIT_BLOCK && !split->ended);
    slide(split, split->mode == MODE_OBJECT ? split->start : split->at);
    buf_add_span(&split->window, bytes);
    assert(!split->window.full);
}

void json_split_finish(struct json_split *split)
{
    split->ended = true;
}

/* ---- inside an object ---- */

static bool in_object(const struct json_split *split)
{
    return (split->objects & 1) != 0;
}

/* Whether a value may begin here. */
static bool wants_value(const struct json_split *split)
{
    if (in_object(split))
        return split->previous == PREVIOUS_COLON;
    return split->previous == PREVIOUS_OPEN || split->previous == PREVIOUS_COMMA;
}

static bool open_level(struct json_split *split, bool object)
{
    if (split->depth == DEPTH_MOST)
        return false;
    split->depth++;
    split->objects = split->objects << 1 | (uint64_t)object;
    split->previous = PREVIOUS_OPEN;
    return true;
}

static bool close_level(struct json_split *split, bool object)
{
    if (object != in_object(split) || split->previous == PREVIOUS_COLON ||
        split->previous == PREVIOUS_COMMA || split->previous == PREVIOUS_KEY)
        return false;
    split->depth--;
    split->objects >>= 1;
    split->previous = PREVIOUS_VALUE;
    return true;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static bool begin_string(struct json_split *split)
{
    bool key = in_object(split) && (split->previous == PREVIOUS_OPEN || split->previous == PREVIOUS_COMMA);

    if (!key && !wants_value(split))
        return false;
    split->previous = key ? PREVIOUS_KEY : PREVIOUS_VALUE;
    split->in_string = true;
    return true;
}

/* One byte outside of strings. */
static bool step(struct json_split *split, char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        if (split->previous == PREVIOUS_WORD)
            split->previous = PREVIOUS_VALUE;
        return true;
    case '{':
    case '[':
        return wants_value(split) && open_level(split, c == '{');
    case '}':
    case ']':
        return close_level(split, c == '}');
    case ',':
        if (split->previous != PREVIOUS_VALUE && split->previous != PREVIOUS_WORD)
            return false;
        split->previous = PREVIOUS_COMMA;
        return true;
    case ':':
        if (split->previous != PREVIOUS_KEY)
            return false;
        split->previous = PREVIOUS_COLON;
        return true;
    case '"':
        return begin_string(split);
    default:
        if (!is_word(c) || (split->previous != PREVIOUS_WORD && !wants_value(split)))
            return false;
        split->previous = PREVIOUS_WORD;
        return true;
    }
}

/* Inside a string, up to its end, to `len`, or to a fault: control characters stand there as escapes only. */
static bool step_string(struct json_split *split, size_t len)
{
    const char *at = split->window.ptr + split->at, *end = split->window.ptr + len;

    while (split->in_string && at < end) {
        if (!split->escaped)
            at += json_plain(at, end);
        if (at == end || (unsigned char)*at < 0x20)
            break;
        split->in_string = split->escaped || *at != '"';
        split->escaped = !split->escaped && *at == '\\';
        at++;
    }
    split->at = (size_t)(at - split->window.ptr);
    return !split->in_string || at == end;
}

static enum scan scan_object(struct json_split *split, size_t end)
{
    while (split->at < end) {
        if (split->in_string) {
            if (!step_string(split, end))
                return SCAN_FAULT;
            continue;
        }
        if (!step(split, split->window.ptr[split->at]))
            return SCAN_FAULT;
        split->at++;
        if (split->depth == 0)
            return SCAN_DONE;
    }
    return SCAN_MORE;
}

static void begin_object(struct json_split *split)
{
    split->mode = MODE_OBJECT;
    split->start = split->at++;
    split->depth = 1;
    split->objects = 1;
    split->previous = PREVIOUS_OPEN;
    split->in_string = split->escaped = false;
}

/* ---- between objects ---- */

static void begin_junk(struct json_split *split, int64_t at, enum json_junk junk)
{
    split->mode = MODE_JUNK;
    split->junk_at = at;
    split->junk = junk;
}

static enum json_split_result tell_junk(struct json_split *split, struct json_piece *out)
{
    split->mode = MODE_BETWEEN;
    *out = (struct json_piece){
        .offset = split->junk_at,
        .length = split->base + (int64_t)split->at - split->junk_at,
        .junk = split->junk,
    };
    return JSON_SPLIT_JUNK;
}

/* Whether a byte order mark stands here: 1, 0, or -1 where that cannot be told yet. */
static int at_mark(const struct json_split *split)
{
    size_t left = split->window.len - split->at, n = left < 3 ? left : 3;

    if (memcmp(split->window.ptr + split->at, "\xEF\xBB\xBF", n) != 0)
        return 0;
    return n == 3 ? 1 : split->ended ? 0 : -1;
}

/* What may stand between objects and says nothing: bytes that were stepped over. -1: more is needed. */
static int skip_nothing(struct json_split *split)
{
    char c = split->window.ptr[split->at];
    int mark;

    if (c != '\xEF' && (c == '\0' || !strchr(" \t\r\n,[]\x1E", c)))
        return 0;
    if (c != '\xEF') {
        split->arrays += c == '[' ? 1 : c == ']' && split->arrays > 0 ? -1 : 0;
        split->bracket = c == '[' || (split->bracket && c != ',' && c != ']');
        split->at++;
        return 1;
    }
    mark = at_mark(split);
    if (mark == 1)
        split->at += 3;
    return mark;
}

/* False: more is needed. */
static bool look_between(struct json_split *split)
{
    int skipped = 1;

    while (split->at < split->window.len && (skipped = skip_nothing(split)) == 1)
        ;
    if (split->at == split->window.len || skipped < 0)
        return false;
    if (split->window.ptr[split->at] == '{') {
        begin_object(split);
    } else {
        split->arrays -= split->bracket; /* of a text such as "[main] " */
        begin_junk(split, split->base + (int64_t)split->at, JSON_JUNK_FOREIGN);
    }
    split->bracket = false;
    return true;
}

/* Junk reaches up to the next brace: it is the one byte that can begin an object. True: its end is found. */
static bool skip_junk(struct json_split *split)
{
    const char *from = split->window.ptr + split->at;
    const char *brace = memchr(from, '{', split->window.len - split->at);

    split->at = brace ? (size_t)(brace - split->window.ptr) : split->window.len;
    while (split->junk == JSON_JUNK_FOREIGN && split->arrays > 0 && from < split->window.ptr + split->at)
        split->arrays -= *from++ == ']'; /* "null]" */
    return brace != NULL;
}

/* ---- faults ---- */

/* The object at hand is none. Back to the line behind its first one, where the window has that. */
static void give_up(struct json_split *split, enum json_junk junk)
{
    const char *from = split->window.ptr + split->start;
    const char *line = memchr(from, '\n', split->at - split->start);

    if (line) {
        split->at = (size_t)(line - split->window.ptr) + 1;
        junk = JSON_JUNK_BROKEN;
    }
    begin_junk(split, split->base + (int64_t)split->start, junk);
}

static void begin_long(struct json_split *split)
{
    split->mode = MODE_LONG;
    split->junk_at = split->base + (int64_t)split->start;
    split->junk = JSON_JUNK_LONG;
}

/* True: *out is a result. */
static bool go_on_object(struct json_split *split, struct json_piece *out, enum json_split_result *result)
{
    size_t most = split->start + split->limit + 1, length;
    enum scan scan = scan_object(split, most < split->window.len ? most : split->window.len);

    if (scan == SCAN_FAULT) {
        split->at += split->at < split->window.len && (unsigned char)split->window.ptr[split->at] < 0x20;
        give_up(split, JSON_JUNK_BROKEN);
        return false;
    }
    length = split->at - split->start;
    if (length > split->limit) {
        begin_long(split);
        if (scan == SCAN_DONE)
            *result = tell_junk(split, out);
        return scan == SCAN_DONE;
    }
    if (scan == SCAN_MORE) {
        *result = JSON_SPLIT_MORE;
        split->cut = split->cut || split->ended;
        if (split->ended)
            give_up(split, JSON_JUNK_CUT);
        return !split->ended;
    }
    split->mode = MODE_BETWEEN;
    *out = (struct json_piece){.offset = split->base + (int64_t)split->start,
                               .length = (int64_t)length,
                               .text = {split->window.ptr + split->start, length}};
    *result = JSON_SPLIT_OBJECT;
    return true;
}

/* True: its end, or a fault, is found. */
static bool go_on_long(struct json_split *split)
{
    enum scan scan = scan_object(split, split->window.len);

    if (scan == SCAN_FAULT && (unsigned char)split->window.ptr[split->at] < 0x20)
        split->at++;
    split->cut = split->cut || (scan == SCAN_MORE && split->ended);
    return scan != SCAN_MORE || split->ended;
}

/* An array that was never closed is told once, as a place without length at the end. */
static enum json_split_result end(struct json_split *split, struct json_piece *out)
{
    if (split->arrays == 0)
        return JSON_SPLIT_END;
    split->arrays = 0;
    split->cut = true;
    *out = (struct json_piece){.offset = split->base + (int64_t)split->at, .junk = JSON_JUNK_CUT};
    return JSON_SPLIT_JUNK;
}

enum json_split_result json_split_next(struct json_split *split, struct json_piece *out)
{
    enum json_split_result result = JSON_SPLIT_MORE;

    for (;;) {
        switch ((enum mode)split->mode) {
        case MODE_BETWEEN:
            if (look_between(split))
                break;
            if (!split->ended)
                return JSON_SPLIT_MORE;
            return end(split, out);
        case MODE_OBJECT:
            if (go_on_object(split, out, &result))
                return result;
            break;
        case MODE_LONG:
            if (go_on_long(split))
                return tell_junk(split, out);
            return JSON_SPLIT_MORE;
        case MODE_JUNK:
            if (skip_junk(split) || split->ended)
                return tell_junk(split, out);
            return JSON_SPLIT_MORE;
        }
    }
}

bool json_split_cut(const struct json_split *split)
{
    return split->cut;
}
