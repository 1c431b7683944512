/* http_line_case: what the tests of lines share: a server's identity, a client that trusts it, one request.
 */
#ifndef TESTS_HTTP_LINE_CASE_H
#define TESTS_HTTP_LINE_CASE_H

#include "driver/http.h"
#include "../src/driver/http_impl.h"
#include "http_identity.h"

static inline struct http *tls_client(int64_t stall_ms)
{
    char ca_file[200];
    struct http_options options = {.ca_file = ca_file,
                                   .connect_timeout_ms = 5000,
                                   .timeout_ms = 20000,
                                   .stall_ms = stall_ms,
                                   .reply_cap = 1000,
                                   .connections = 1};
    struct http *http = NULL;

    file_name(ca_file, "ca.pem");
    if (http_open(&http, &options, &fail) < 0)
        fail_msg("%s", fail.text);
    return http;
}

/* A request that must go out once only. */
static inline void ask_once(struct http *http, struct span body, struct http_reply *reply)
{
    struct http_request request = a_request(server.url);

    request.once = true;
    if (body.len > 0)
        request.body = body;
    start(http, &request);
    take(http, reply);
}

#endif
