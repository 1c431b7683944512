/* Most lines need no parser: each of their cells ends at the next delimiter, or stands in quotes with no
 * quote between them. Such a line is cut where it stands, without a copy. Whatever else a quote can do is
 * left to libcsv: inside an unquoted cell, doubled, with blanks beside it, open at the end of the line. */
#include "reader_impl.h"

#include <string.h>

void split_set(struct reader *reader)
{
    memset(reader->sign, 0, sizeof reader->sign);
    reader->sign['"'] = reader->sign['\n'] = reader->sign['\r'] = true;
    /* A text in another encoding is decoded into a buffer that the next line takes. */
    reader->splits = !reader->charset && !reader->sign[(unsigned char)reader->delimiter];
    reader->sign[(unsigned char)reader->delimiter] = true;
}

/* What stands between two delimiters, without the blanks around it. */
static struct span trim(const struct reader *reader, const char *from, const char *to)
{
    while (from < to && quotes_is_blank(reader, *from))
        from++;
    while (from < to && quotes_is_blank(reader, to[-1]))
        to--;
    return (struct span){from, (size_t)(to - from)};
}

/* Cuts the cell that begins at `from` and returns its end: a delimiter, or `to`. NULL: it is not for us. */
static const char *cut_cell(const struct reader *reader, const char *from, const char *to, struct span *cell)
{
    const char *end = from;

    if (from < to && *from == '"') {
        end = memchr(from + 1, '"', (size_t)(to - from) - 1);
        if (!end)
            return NULL;
        *cell = (struct span){from + 1, (size_t)(end - from) - 1};
        end++;
    } else {
        while (end < to && !reader->sign[(unsigned char)*end])
            end++;
        *cell = trim(reader, from, end);
    }
    return end == to || *end == reader->delimiter ? end : NULL;
}

bool split_line(struct reader *reader, struct span text)
{
    const char *at = text.ptr, *to = text.ptr + text.len;
    size_t count = 0;

    if (!reader->splits || text.len == 0)
        return false;
    for (;; at++) {
        if (count == READER_CELLS_MAX)
            return false;
        at = cut_cell(reader, at, to, &reader->cell[count++]);
        if (!at)
            return false;
        if (at == to)
            break;
    }
    if (count == 1 && reader->cell[0].len == 0)
        return false; /* of blanks alone libcsv makes no record */
    reader->cell_count = count;
    reader->split = reader->ended = true;
    return true;
}
