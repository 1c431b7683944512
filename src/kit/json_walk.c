/* One recursive reader steps over values and checks them on the way. The characters of strings, most of what
 * events are made of, are stepped over eight at a time. */
#include "json_impl.h"

#include <endian.h>
#include <string.h>

/* Eight times the byte. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))

/* The highest bit of the first byte below `least` (128 at most) is set, no lower bit is, and higher ones tell
 * nothing: the borrow of the subtraction shows there, unless the bit was set before. */
static uint64_t below(uint64_t eight, unsigned char least)
{
    return (eight - EIGHT(least)) & ~eight & EIGHT(0x80);
}

size_t json_plain(const char *from, const char *end)
{
    const char *at = from;

    for (; end - at >= 8; at += 8) {
        uint64_t eight, ends;
        memcpy(&eight, at, 8);
        eight = le64toh(eight); /* the first byte is the lowest */
        ends = below(eight, ' ') | below(eight ^ EIGHT('"'), 1) | below(eight ^ EIGHT('\\'), 1);
        if (ends != 0)
            return (size_t)(at - from) + (size_t)__builtin_ctzll(ends) / 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ')
        at++;
    return (size_t)(at - from);
}

void json_skip_blanks(struct json_cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
        cursor->at++;
}

static bool take(struct json_cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

/* Behind the backslash. */
static bool skip_escape(struct json_cursor *cursor)
{
    if (cursor->at == cursor->end || !memchr("\"\\/bfnrtu", *cursor->at, 9))
        return false;
    if (*cursor->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, cursor->at++)
        if (cursor->at == cursor->end || hex_value(*cursor->at) < 0)
            return false;
    return true;
}

bool json_skip_string(struct json_cursor *cursor)
{
    if (!take(cursor, '"'))
        return false;
    for (;;) {
        char c;
        cursor->at += json_plain(cursor->at, cursor->end);
        if (cursor->at == cursor->end)
            return false;
        c = *cursor->at++;
        if (c == '"')
            return true;
        if (c != '\\' || !skip_escape(cursor))
            return false;
    }
}

static size_t skip_digits(struct json_cursor *cursor)
{
    const char *from = cursor->at;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        cursor->at++;
    return (size_t)(cursor->at - from);
}

static bool skip_number(struct json_cursor *cursor)
{
    const char *first;

    (void)take(cursor, '-');
    first = cursor->at;
    if (skip_digits(cursor) == 0 || (*first == '0' && cursor->at - first > 1))
        return false;
    if (take(cursor, '.') && skip_digits(cursor) == 0)
        return false;
    if (!take(cursor, 'e') && !take(cursor, 'E'))
        return true;
    if (!take(cursor, '+'))
        (void)take(cursor, '-');
    return skip_digits(cursor) > 0;
}

static bool skip_word(struct json_cursor *cursor, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

/* The list is that of the outermost value. */
static bool lists(const struct json_cursor *cursor, int depth)
{
    return cursor->list && depth == JSON_READ_DEPTH;
}

static void list_member(struct json_members *list, const struct json_member *member, const char *before)
{
    if (list->count == JSON_MEMBERS) {
        list->rest.ptr = list->rest.ptr ? list->rest.ptr : before;
        return;
    }
    list->member[list->count] = *member;
    list->member[list->count++].escaped = memchr(member->key.ptr, '\\', member->key.len) != NULL;
}

static void end_list(struct json_members *list, const char *end)
{
    if (list->rest.ptr)
        list->rest.len = (size_t)(end - list->rest.ptr);
}

/* One member or element; `before` is the bracket or the comma in front of it. */
static bool skip_item(struct json_cursor *cursor, bool object, int depth, const char *before)
{
    struct json_member member;

    json_skip_blanks(cursor);
    member.key.ptr = cursor->at + 1;
    if (object) {
        if (!json_skip_string(cursor))
            return false;
        member.key.len = (size_t)(cursor->at - 1 - member.key.ptr);
        json_skip_blanks(cursor);
        if (!take(cursor, ':'))
            return false;
        json_skip_blanks(cursor);
    }
    member.value.text.ptr = cursor->at;
    member.value.kind = json_skip_value(cursor, depth - 1);
    if (member.value.kind == JSON_NONE)
        return false;
    member.value.text.len = (size_t)(cursor->at - member.value.text.ptr);
    if (object && lists(cursor, depth))
        list_member(cursor->list, &member, before);
    return true;
}

static bool skip_container(struct json_cursor *cursor, bool object, int depth)
{
    char close = object ? '}' : ']';
    const char *before = cursor->at++;

    json_skip_blanks(cursor);
    if (take(cursor, close))
        return true;
    for (;;) {
        if (!skip_item(cursor, object, depth, before))
            return false;
        json_skip_blanks(cursor);
        before = cursor->at;
        if (take(cursor, close))
            break;
        if (!take(cursor, ','))
            return false;
    }
    if (lists(cursor, depth))
        end_list(cursor->list, cursor->at);
    return true;
}

enum json_kind json_skip_value(struct json_cursor *cursor, int depth)
{
    json_skip_blanks(cursor);
    if (cursor->at == cursor->end || depth == 0)
        return JSON_NONE;
    switch (*cursor->at) {
    case '{':
        return skip_container(cursor, true, depth) ? JSON_OBJECT : JSON_NONE;
    case '[':
        return skip_container(cursor, false, depth) ? JSON_ARRAY : JSON_NONE;
    case '"':
        return json_skip_string(cursor) ? JSON_STRING : JSON_NONE;
    case 't':
        return skip_word(cursor, "true") ? JSON_TRUE : JSON_NONE;
    case 'f':
        return skip_word(cursor, "false") ? JSON_FALSE : JSON_NONE;
    case 'n':
        return skip_word(cursor, "null") ? JSON_NULL : JSON_NONE;
    default:
        return skip_number(cursor) ? JSON_NUMBER : JSON_NONE;
    }
}
