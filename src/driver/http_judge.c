/* "Not sent" makes a row free to be sent again as if nothing had happened, "lost" marks it as uncertain, and
 * "TLS" stops the whole run. So NOT_SENT is said only when no byte can have left, and TLS only when TLS
 * itself objected, not when the network broke in the middle of it. What the judgement must know of
 * libcurl 7.88.1:
 *
 * A reply that ends inside its headers is CURLE_OK. Only the blank line says that a head was whole.
 *
 * A client certificate refused under TLS 1.3 shows after the handshake, as CURLE_RECV_ERROR with the alert in
 * the error text. Broken chunks are CURLE_RECV_ERROR, known by the text only. A handshake that the network
 * cut off is CURLE_SSL_CONNECT_ERROR like one that failed; again the text tells. The text is that of the
 * first error of the request, also when libcurl has tried again since: then the next attempt of the row tells
 * more. */
#include "http_impl.h"

#include "kit/clock.h"

#include <string.h>

/* Whether a proxy answered CONNECT, and so that asking again would get the same: it wants other credentials
 * or does not lead there. Its 5xx and the like pass. */
static bool is_proxy_refusal(const struct http_slot *slot)
{
    long status = slot->proxy_status;

    return status >= 300 && status <= 499 && status != 408 && status != 425 && status != 429;
}

/* The first error is kept: that of the socket, if there was one. Else OpenSSL queued no error of its own, or
 * only noticed that the stream ended. All three are the network's doing, not that of TLS. */
static bool is_cut_handshake(const char *text)
{
    return strstr(text, "Recv failure:") || strstr(text, "Send failure:") || strstr(text, "SSL_connect:") ||
           strstr(text, "unexpected eof");
}

static enum http_end judge_whole(const struct http_slot *slot)
{
    if (!slot->head_ended)
        return HTTP_LOST;
    return slot->reply.status >= 200 ? HTTP_ANSWERED
                                     : HTTP_BROKEN; /* 101 ends the transfer: nobody asked for it */
}

/* `unanswered` is the end when nothing speaks against it: LOST when bytes may have left, else NOT_SENT. */
static enum http_end judge_error(const struct http_slot *slot, CURLcode code, enum http_end unanswered)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return HTTP_TLS;
    case CURLE_SSL_CONNECT_ERROR:
        return is_cut_handshake(slot->error) ? unanswered : HTTP_TLS;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        if (!slot->left && is_proxy_refusal(slot))
            return HTTP_PROXY;
        /* An alert after the status line is a connection that broke, not one that was refused. */
        if (strstr(slot->error, " alert ") && slot->reply.status == 0)
            return HTTP_TLS;
        return strstr(slot->error, "chunk") ? HTTP_BROKEN : unanswered;
    case CURLE_WRITE_ERROR: /* our own callbacks refused to take more */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* no HTTP status line, or one of another version */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_OUT_OF_MEMORY: /* libcurl's name also for a header line beyond its limit of 100 KiB */
        return unanswered == HTTP_LOST ? HTTP_BROKEN : unanswered;
    default: /* time-outs, no or half a reply, connecting and resolving */
        return unanswered;
    }
}

static const char *words(const struct http_slot *slot, CURLcode code)
{
    if (slot->trouble)
        return slot->trouble;
    if (code == CURLE_OK)
        return slot->head_ended ? "an upgrade that was not asked for" : "the reply ended inside its headers";
    return slot->error[0] ? slot->error : curl_easy_strerror(code);
}

void http_judge(struct http_slot *slot, CURLcode code)
{
    struct http_reply *reply = &slot->reply;

    if (code == CURLE_OK)
        reply->end = judge_whole(slot);
    else
        reply->end = judge_error(slot, code, slot->left ? HTTP_LOST : HTTP_NOT_SENT);
    reply->resent = slot->resent;
    /* A handshake comes before the first send: one that failed after it was that of a second try. */
    if (reply->end == HTTP_TLS && slot->left && code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR)
        reply->resent = true;
    reply->body = buf_span(&slot->answer);
    reply->retry_after = buf_span(&slot->retry_after);
    reply->date = buf_span(&slot->date);
    reply->elapsed_us = clock_mono_us() - slot->started_us;
    reply->error = reply->end == HTTP_ANSWERED ? "" : words(slot, code);
    if (slot->secret)
        buf_wipe(&slot->request);
}
