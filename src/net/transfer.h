/* transfer.h - one request as a curl transfer: the inside of http.c.
 *
 * A struct http_request is filled by the thread that starts it, then belongs
 * to the transfer thread until its END event is put on the caller's queue. The
 * event is its first member: http_event_free() of the END frees the request.
 *
 * Threads: request_new() and request_free() any, the rest the transfer thread. */
#ifndef LW_NET_TRANSFER_H
#define LW_NET_TRANSFER_H

#include "net/http.h"

#include <curl/curl.h>
#include <stdatomic.h>

enum { AUTHORITY_BYTES = 320 };

struct http_request {
    struct http_event end;     /* first, see above */
    struct http_request *next; /* in the inbox or in its host's queue */
    struct http_host *host;
    size_t active_at;      /* its place among the active */
    atomic_bool cancelled; /* set by http_cancel() */

    /* The call, copied. */
    struct queue *events;
    char *url, *body;
    size_t body_len;
    struct curl_slist *headers;
    bool is_get, stream, metered;
    int per_host, timeout_ms;
    char authority[AUTHORITY_BYTES]; /* "host:port" as the URL has it */

    /* The transfer. */
    CURL *easy;
    struct buf reply; /* not streamed: the body so far */
    size_t reply_bytes, header_bytes;
    int64_t last_byte_ms; /* of the reply; 0: none yet */
    int limit_reset_ms;   /* until the limits on requests are reset; -1: not told */
    bool too_large;
    bool in_body; /* metered: what leaves now is the body */
};

struct http_request *request_new(const struct http_call *call);
/* With everything that END would have handed over. */
void request_free(struct http_request *r);

/* Set up easy, which is fresh or reset. Not 0: END has the error. */
int transfer_begin(struct http_request *r, CURL *easy, const struct http_options *opt);
/* Fill END from the ended transfer. r->easy is free for another request after it. */
void transfer_end(struct http_request *r, CURLcode result);
/* The same for one that is cut short; the caller sets END's error. */
void transfer_cut(struct http_request *r);

#endif
