#include "answer.h"

#include "kit/json.h"

enum { BODY_CAP = 64 * 1024 };

static const char JSON_TYPE[] = "application/json";

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    buf_init(&answer->body, BODY_CAP);
}

void answer_reset(struct answer *answer)
{
    struct buf body = answer->body;

    buf_reset(&body);
    *answer = (struct answer){.body = body};
}

void answer_free(struct answer *answer)
{
    buf_free(&answer->body);
}

static void set_json(struct answer *answer, int status, bool code, const char *message)
{
    struct json json;

    answer->status = status;
    answer->type = JSON_TYPE;
    buf_reset(&answer->body);
    json_init(&json, &answer->body, false);
    json_object(&json);
    if (code) {
        json_key(&json, "code");
        json_int(&json, status);
    }
    json_key(&json, "message");
    json_text(&json, message);
    json_end_object(&json);
}

void answer_error(struct answer *answer, int status, const char *message)
{
    set_json(answer, status, true, message);
}

void answer_message(struct answer *answer, int status, const char *message)
{
    set_json(answer, status, false, message);
}

static void set_page(struct answer *answer, int status, const char *title)
{
    answer->status = status;
    answer->type = "text/html; charset=utf-8";
    buf_reset(&answer->body);
    buf_addf(&answer->body,
             "<!DOCTYPE html>\n<html><head><title>%d %s</title></head>\n<body><h1>%s</h1><p>Edge of "
             "sandbox.example"
             "</p></body></html>\n",
             status, title, title);
}

bool answer_fault(struct answer *answer, enum fault fault, struct rng *rng)
{
    switch (fault) {
    case FAULT_429:
        answer_message(answer, 429, "too many requests");
        /* Not oftener: a client holds all its sends for each, so they alone would set its pace. */
        if (rng_below(rng, 8) == 0)
            answer->retry_after = "1";
        return true;
    case FAULT_500:
        answer_error(answer, 500, "internal server error");
        return true;
    case FAULT_502:
        set_page(answer, 502, "Bad Gateway");
        return true;
    case FAULT_503:
        answer_message(answer, 503, "service unavailable");
        return true;
    case FAULT_504:
        set_page(answer, 504, "Gateway Timeout");
        return true;
    case FAULT_401:
        answer_message(answer, 401, "Unauthorized");
        return true;
    case FAULT_HTML403:
        set_page(answer, 403, "Forbidden");
        return true;
    default:
        return false;
    }
}

enum answer_way answer_way_of(enum fault fault)
{
    switch (fault) {
    case FAULT_RESET:
        return ANSWER_RESET;
    case FAULT_HANG:
        return ANSWER_HANG;
    case FAULT_SLOW:
        return ANSWER_SLOW;
    case FAULT_TRUNCATED:
        return ANSWER_TRUNCATED;
    case FAULT_CLOSE:
        return ANSWER_CLOSE;
    default:
        return ANSWER_WHOLE;
    }
}

int answer_status(const struct answer *answer)
{
    return answer->way == ANSWER_RESET || answer->way == ANSWER_HANG ? 0 : answer->status;
}
