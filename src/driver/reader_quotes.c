#include "reader_impl.h"

static void scan_unquoted(const struct reader *reader, struct quotes *q, char c)
{
    q->cells += c == reader->delimiter;
    if (c == reader->delimiter || c == '\n' || c == '\r')
        q->state = START;
    else if (q->state == CLOSED && c == '"')
        q->state = QUOTED; /* doubled: the field goes on */
    else if (q->state == CLOSED && quotes_is_blank(reader, c))
        q->state = SPACED;
    else if (q->state == CLOSED || q->state == SPACED)
        q->broken = !quotes_is_blank(reader, c);
    else if (q->state == START && c == '"') {
        q->state = QUOTED;
        q->opened_at = q->seen;
    } else if (!quotes_is_blank(reader, c)) {
        q->state = PLAIN;
    }
}

void quotes_scan(const struct reader *reader, struct quotes *q, struct span text)
{
    for (; q->seen < text.len && !q->broken; q->seen++) {
        char c = text.ptr[q->seen];
        if (q->state != QUOTED)
            scan_unquoted(reader, q, c);
        else if (c == '"')
            q->state = CLOSED;
    }
}

size_t quotes_find(const struct reader *reader, struct span text, size_t cells)
{
    struct quotes q = {.seen = 0};

    for (size_t len = text.len; q.seen < len && !q.broken && q.cells < cells;)
        quotes_scan(reader, &q, (struct span){text.ptr, q.seen + 1});
    return !q.broken && q.cells == cells && q.seen > 0 ? q.seen - 1 : SIZE_MAX;
}

int64_t quotes_count_lines(struct span text)
{
    int64_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines +=
            text.ptr[i] == '\n' || (text.ptr[i] == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n'));
    return lines;
}
