/* http.h - many HTTP requests at once (libcurl).
 *
 * One transfer thread owns the curl multi handle. Any thread starts a request;
 * its events (piece of body, end) come back through the queue that the caller
 * named, so callbacks never run on the transfer thread. At most `per_host`
 * requests to a host are in flight, the others wait in order. Connections are kept
 * and reused.
 *
 * Redirects are not followed. TLS is verified. Proxy variables are honoured
 * by curl itself, except for loopback. The error of a transfer is a
 * sentence that names the host, never the key.
 *
 * Limits: LIMIT_HTTP_REPLY_BYTES a body, LIMIT_HTTP_HEADER_BYTES of headers. */
#ifndef LW_NET_HTTP_H
#define LW_NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/queue.h"

#include <stdbool.h>
#include <stdint.h>

struct http;         /* the transfer thread */
struct http_request; /* one in flight; owned by http until its END event is taken */

struct http_options {
    int connect_timeout_ms; /* 0: 10,000 */
    /* Once a reply has begun, so long without a byte ends it; 0: 120,000. Before that
     * only the call's own timeout counts, since a model may think for minutes. */
    int idle_timeout_ms;
    const char *user_agent;
};

int http_open(struct http **out, const struct http_options *opt, struct lw_error *err);
void http_close(struct http *h); /* ends what is in flight without events */

struct http_call {
    const char *method; /* "POST" or "GET" */
    const char *url;
    const char *const *headers; /* "Name: value", n of them */
    size_t n_headers;
    const char *body; /* copied */
    size_t body_len;
    int per_host;         /* limit for this host, > 0 */
    int timeout_ms;       /* whole request from the time it leaves; 0: none */
    bool stream;          /* DATA events as bytes come; else END has the body */
    bool metered;         /* END tells how much of the body left */
    struct queue *events; /* gets struct http_event * */
    void *user;
};

enum http_event_kind { HTTP_EVENT_DATA, HTTP_EVENT_END };

struct http_event {
    enum http_event_kind kind;
    void *user; /* of the call */
    char *data; /* DATA: bytes; END: the body (empty if streamed) */
    size_t len;
    int status; /* of HTTP, in DATA too; 0: there was none */
    char content_type[64];
    /* END: from Retry-After or retry-after-ms, or at 429 the longest x-ratelimit-reset-*
     * that is no more than RETRY_AFTER_MAX_MS; -1: absent. */
    int retry_after_ms;
    bool should_retry_no; /* END: x-should-retry: false, or a proxy refuses for good */
    bool sent;            /* END: the request left this machine at least in part */
    /* END of a metered call. Bytes of the call's body that were written to connections,
     * and how often the request was begun there (its body, if it has one): twice where a
     * kept connection proved dead and curl began again by itself, 0 where it never got so
     * far. */
    int64_t body_bytes, tries;
    const char *body; /* the call's, until the event is freed */
    size_t body_len;
    /* END: code 0, or why there is no (whole) reply: LW_TIMEOUT, LW_CANCELLED,
     * LW_ERR_USAGE (the URL) or LW_ERR_REMOTE (all else). */
    struct lw_error error;
};
void http_event_free(struct http_event *e);

/* Thread-safe. Never fails: problems come as an END event. The queue must outlive it. */
struct http_request *http_start(struct http *h, const struct http_call *call);
/* The END event comes soon, with error code LW_CANCELLED unless the reply was whole
 * already. Allowed until END was taken. */
void http_cancel(struct http *h, struct http_request *r);

#endif
