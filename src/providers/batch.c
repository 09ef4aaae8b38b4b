/* batch.c - many requests to one server: the loop behind chat_many.
 *
 * There are as many flights as requests may be in the air. The loop gives the
 * free ones the next requests, wakes those that waited long enough, hands over
 * the events of the transfer thread, and looks at the cancel token at least
 * every POLL_MS. What becomes of a single request is flight.c's business. */
#include "providers/flight.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

enum { POLL_MS = 50 };

/* --- The loop --------------------------------------------------------------- */

/* A conclusion of another batch counts here too. */
static bool is_stopped(struct batch *b)
{
    if (b->stop.code == 0) {
        pthread_mutex_lock(&b->o->lock);
        b->stop = b->o->final;
        pthread_mutex_unlock(&b->o->lock);
    }
    return b->stop.code != 0;
}

/* A request that no flight has taken. */
static void report_unsent(struct batch *b, size_t index, enum llm_finish finish)
{
    struct llm_reply reply = llm_no_reply(finish);
    if (finish == LLM_FAILED) {
        reply.error = b->stop;
    }
    b->n_done++;
    b->on_reply(b->user, index, &reply);
}

static void end_unsent(struct batch *b, enum llm_finish finish)
{
    while (b->next < b->n) {
        report_unsent(b, b->next++, finish);
    }
    for (size_t i = 0; i < b->n_flights; i++) {
        struct flight *f = &b->flights[i];
        if (f->state == FLIGHT_WAITING && finish == LLM_FAILED) {
            flight_fail(b, f, &b->stop);
        } else if (f->state == FLIGHT_WAITING) {
            flight_cancel(b, f);
        }
    }
}

static void cut_flights(struct batch *b)
{
    for (size_t i = 0; i < b->n_flights; i++) {
        struct flight *f = &b->flights[i];
        if (f->state == FLIGHT_IN_AIR) {
            flight_cut(b, f);
        }
    }
}

static void start_flights(struct batch *b)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < b->n_flights; i++) {
        struct flight *f = &b->flights[i];
        if (f->state == FLIGHT_WAITING && f->again_ms <= now) {
            flight_go_on(b, f);
        }
        while (f->state == FLIGHT_FREE && b->next < b->n) {
            flight_begin(b, f, b->next++);
        }
    }
}

static void take_events(struct batch *b)
{
    struct http_event *e = queue_take(b->events, POLL_MS);
    while (e != NULL) {
        flight_take_event(b, e->user, e);
        http_event_free(e);
        e = queue_take(b->events, 0);
    }
}

static void run(struct batch *b)
{
    while (b->n_done < b->n) {
        if (cancel_level(b->cancel) != CANCEL_NONE) {
            end_unsent(b, LLM_CANCELLED);
            cut_flights(b);
        } else if (is_stopped(b)) {
            end_unsent(b, LLM_FAILED);
        } else {
            start_flights(b);
        }
        if (b->n_done < b->n) {
            take_events(b);
        }
    }
}

/* --- Setting up ------------------------------------------------------------- */

static void init_flights(struct batch *b)
{
    size_t most = (size_t)b->o->parallel;
    b->n_flights = b->n < most ? b->n : most;
    b->flights = mem_array(b->n_flights, sizeof *b->flights);
    for (size_t i = 0; i < b->n_flights; i++) {
        flight_init(&b->flights[i]);
    }
}

static void release(struct batch *b)
{
    for (size_t i = 0; i < b->n_flights; i++) {
        flight_release(&b->flights[i]);
    }
    mem_free(b->flights);
    mem_free(b->model);
    mem_free(b->url);
    openai_headers_release(&b->headers);
    buf_release(&b->json);
    buf_release(&b->scratch);
    queue_free(b->events);
}

static void init(struct batch *b)
{
    struct buf url;
    buf_init(&url, 2048);
    buf_addf(&url, "%s/chat/completions", b->o->at.base_url);
    b->url = buf_take(&url, NULL);
    buf_release(&url);
    pthread_mutex_lock(&b->o->lock);
    b->model = mem_strdup(b->o->model != NULL ? b->o->model : "");
    pthread_mutex_unlock(&b->o->lock);
    openai_headers_init(&b->headers, b->o);
    buf_init(&b->json, LIMIT_REQUEST_BYTES);
    buf_init(&b->scratch, LIMIT_REQUEST_BYTES);
    b->events = queue_new();
    b->marked_ms = clock_ms();
    b->random = (uint64_t)b->marked_ms ^ (uint64_t)(uintptr_t)b;
    init_flights(b);
}

int batch_run(struct openai *o, const struct llm_request *reqs, size_t n,
              llm_reply_fn on_reply, void *user, const struct cancel *cancel,
              struct lw_error *err)
{
    struct batch b = {
        .o = o, .reqs = reqs, .n = n, .on_reply = on_reply, .user = user, .cancel = cancel
    };
    struct lw_error unasked = { .code = 0 };
    if (openai_ask_server(o, cancel, &unasked)) {
        b.stop = unasked;
    }
    init(&b);
    run(&b);
    release(&b);
    if (cancel_level(cancel) == CANCEL_ABORT) {
        return err_set(err, LW_CANCELLED, "cancelled while %s was asked", o->at.name);
    }
    return 0;
}
