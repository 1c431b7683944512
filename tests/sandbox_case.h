/* sandbox_case: one test case's sandbox and bearer, and a request with its expected answer in one line. */
#ifndef TESTS_SANDBOX_CASE_H
#define TESTS_SANDBOX_CASE_H

#include "sandbox_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct sandbox sandbox;
static char *bearer;

#define JOURNAL " --journal journal.jsonl"
#define EVENTS " --events events.jsonl"

static inline void start(const char *arguments)
{
    sandbox = (struct sandbox){0};
    sandbox_start(&sandbox, arguments);
    bearer = sandbox_token(&sandbox, 42);
}

static inline void stop(void)
{
    assert_int_equal(sandbox_stop(&sandbox), 0);
    sandbox_remove(&sandbox);
    free(bearer);
    bearer = NULL;
}

/* Sends one request; the body must be `expected`, or hold it when it begins with "~". */
static inline void expect(const struct sandbox_request *request, int status, const char *expected)
{
    struct sandbox_reply reply;
    size_t mark = strspn(expected, "~");

    sandbox_send(&sandbox, request, &reply, 1);
    assert_int_equal(reply.status, status);
    if (mark == 0)
        assert_string_equal(buf_text(&reply.body), expected);
    else if (!strstr(buf_text(&reply.body), expected + mark))
        fail_msg("%s\ndoes not hold %s", buf_text(&reply.body), expected + mark);
    sandbox_free(&reply, 1);
}

static inline void expect_enroll(const char *customer, int status, const char *expected)
{
    struct sandbox_request request = sandbox_enroll(bearer, customer);

    expect(&request, status, expected);
}

/* Stops the sandbox; the journal without the line of the token, owned by the caller. */
static inline cJSON *stop_and_read(const char *file)
{
    cJSON *lines;

    assert_int_equal(sandbox_stop(&sandbox), 0);
    lines = sandbox_lines(&sandbox, file, NULL);
    sandbox_remove(&sandbox);
    free(bearer);
    bearer = NULL;
    if (strcmp(file, "journal.jsonl") == 0)
        cJSON_DeleteItemFromArray(lines, 0);
    return lines;
}

static inline double number(const cJSON *object, const char *name)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

#endif
