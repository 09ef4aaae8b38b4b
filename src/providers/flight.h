/* flight.h - one request of a batch in the air: the inside of batch.c.
 *
 * A flight takes a request, writes its JSON, starts the transfer, and when the
 * end comes reports, goes again with the next round of the loop (the server named
 * a parameter that it does not take), waits for another try, or gives up. One that
 * waits keeps its place, so that a server which is overloaded gets fewer requests,
 * not more.
 *
 *     FREE -> IN_AIR -> FREE        replied, failed, cancelled
 *               |  ^
 *               v  |
 *             WAITING -> FREE       cancelled, or nothing can be sent any more
 *
 * Memory: a flight keeps its buffers from request to request, so thousands of
 * requests need what a few do.
 * Threads: all of it runs on the thread that called chat_many. */
#ifndef LW_PROVIDERS_FLIGHT_H
#define LW_PROVIDERS_FLIGHT_H

#include "net/sse.h"
#include "providers/openai.h"
#include "providers/reply.h"

enum flight_state { FLIGHT_FREE, FLIGHT_IN_AIR, FLIGHT_WAITING };

struct flight {
    enum flight_state state;
    size_t index; /* of its request */
    int attempt, n_timeouts;
    int64_t n_sent;   /* requests whose body left */
    int64_t again_ms; /* WAITING: until when */
    struct http_request *http;
    bool cut; /* http was told to cancel it */
    struct caps used;
    caps_set sent;
    bool streams; /* the reply was asked for in pieces */
    struct chat_reply reply;
    struct sse sse;
    struct buf body;         /* of a streamed reply that is no event stream */
    bool spoke;              /* on_text has had a piece: no way back */
    struct api_error broken; /* an event that was none; message "": none */
};

struct batch {
    struct openai *o;
    const struct llm_request *reqs;
    size_t n, next, n_done;
    llm_reply_fn on_reply;
    void *user;
    const struct cancel *cancel;
    struct queue *events;
    struct flight *flights;
    size_t n_flights;
    char *model, *url;
    struct openai_headers headers;
    struct buf json, scratch;
    struct lw_error stop;  /* code 0: none; ends the requests not yet sent */
    bool reached;          /* the server has answered something */
    int64_t marked_ms;     /* until when the time is accounted for */
    int64_t told_until_ms; /* the user knows that until then there is waiting */
    uint64_t random;
};

void flight_init(struct flight *f);
void flight_release(struct flight *f);

/* FREE: take the request index. It may have failed, and been reported, on return. */
void flight_begin(struct batch *b, struct flight *f, size_t index);
/* WAITING, and the time has come. */
void flight_go_on(struct batch *b, struct flight *f);
/* IN_AIR: end it soon. It is reported when its END event comes. */
void flight_cut(struct batch *b, struct flight *f);
/* What http says of a flight. The event stays the caller's. */
void flight_take_event(struct batch *b, struct flight *f, const struct http_event *e);

/* Report and become FREE. */
void flight_fail(struct batch *b, struct flight *f, const struct lw_error *why);
void flight_cancel(struct batch *b, struct flight *f);

#endif
