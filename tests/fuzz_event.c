/* Fuzz entry over the splitter and the event reader: any bytes are an event file. The first byte is the size
 * of the blocks in which they go in. What must hold whatever comes: objects lie in the file as they came out,
 * junk and objects ascend and never overlap, the pieces do not depend on the blocks; what comes out of an
 * event is masked, within its sizes, and points into the text. */
#include "kit/json_split.h"
#include "rule/api_event.h"
#include "value/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096, TRACE_CAP = 1 << 22 };

static const struct api_event_rules RULES = {
    .types = {"click-to-pay;click_to_pay", 25},
    .domains = {"cards-tokenization", 18},
    .tenant = {"TN-EXAMPLE", 10},
    .success = {"SUCCESS;OK", 10},
    .failure = {"FAILURE;FAILED", 14},
    .operations = {"enroll*;enrol*", 14},
    .status = "/data/status",
    .reason = "/data/reason",
    .operation = "/data/operation",
    .account = "/data/account_id",
    .card = "/data/0/card~1id",
    .customer = "/data/customer_id",
};

/* One line of printable characters without long numbers and mail addresses. */
static void check_masked(const char *text, size_t size)
{
    size_t digits = 0, len = strlen(text);

    assert(len < size);
    for (size_t i = 0; i < len; i++) {
        assert((unsigned char)text[i] >= 0x20 && (unsigned char)text[i] < 0x7F && text[i] != '@');
        digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
        assert(digits <= 5);
    }
}

static void check_event(const struct api_event *event)
{
    check_masked(event->message, sizeof event->message);
    check_masked(event->value, sizeof event->value);
    assert(strlen(event->event_id) < sizeof event->event_id);
    assert(event->account_id >= 0 && event->card_id >= 0 && event->customer_id >= 0 && event->at_ms >= 0);
    assert(event->wrap_count <= API_EVENT_DEPTH);
    if (event->kind == API_EVENT_UNFIT)
        return;
    assert(event->envelope.kind == JSON_OBJECT);
    if (event->cid.len > 0)
        assert(event->cid.ptr > event->envelope.text.ptr &&
               event->cid.ptr + event->cid.len < event->envelope.text.ptr + event->envelope.text.len);
}

static void read_events(struct api_events *events, struct span object)
{
    struct api_event event;
    size_t most = object.len + 1;

    api_events_put(events, object);
    while (api_events_next(events, &event)) {
        check_event(&event);
        assert(most > 0);
        most--;
    }
}

/* Splits the file; the trace tells every piece. */
static void split_file(struct span file, size_t block, struct api_events *events, struct buf *trace)
{
    struct json_split split;
    struct json_piece piece;
    enum json_split_result result;
    size_t fed = 0;
    int64_t end = 0;

    json_split_init(&split, LIMIT);
    while ((result = json_split_next(&split, &piece)) != JSON_SPLIT_END) {
        size_t n = file.len - fed < block ? file.len - fed : block;
        if (result == JSON_SPLIT_MORE) {
            if (n == 0)
                json_split_finish(&split);
            else
                json_split_feed(&split, (struct span){file.ptr + fed, n});
            fed += n;
            continue;
        }
        assert(piece.offset >= end && piece.offset + piece.length <= (int64_t)fed);
        end = piece.offset + piece.length;
        buf_addf(trace, "%d %lld %lld\n", (int)result, (long long)piece.offset, (long long)piece.length);
        if (result != JSON_SPLIT_OBJECT)
            continue;
        assert(piece.text.len <= LIMIT && (int64_t)piece.text.len == piece.length);
        assert(memcmp(piece.text.ptr, file.ptr + piece.offset, piece.text.len) == 0);
        assert(piece.text.ptr[0] == '{' && piece.text.ptr[piece.text.len - 1] == '}');
        if (events)
            read_events(events, piece.text);
    }
    assert(fed == file.len);
    json_split_free(&split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf one = {.cap = TRACE_CAP}, other = {.cap = TRACE_CAP};
    struct api_events *events;
    struct span file;
    char words[API_MESSAGE_SIZE];

    if (size < 1)
        return 0;
    file = (struct span){(const char *)data + 1, size - 1};
    api_events_open(&events, &RULES);
    split_file(file, (size_t)data[0] + 1, events, &one);
    split_file(file, JSON_SPLIT_BLOCK, NULL, &other);
    assert(one.full || span_same(buf_span(&one), buf_span(&other)));
    api_event_words(file, words, sizeof words);
    check_masked(words, sizeof words);
    api_events_close(events);
    buf_free(&one);
    buf_free(&other);
    return 0;
}
