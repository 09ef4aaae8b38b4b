/* flight.c - what becomes of one request.
 *
 * The order of the questions when a transfer has ended is the heart of it:
 * were we cancelled, did the server refuse, did the connection fail, and only
 * then, what does the reply say. A refusal whose body was cut is a
 * refusal; a reply whose body was cut is none. */
#include "providers/flight.h"

#include "base/clock.h"
#include "base/limits.h"
#include "net/retry.h"
#include "providers/request.h"

#include <stdio.h>
#include <string.h>

enum { SAY_WAIT_MS = 3000, KEY_BYTES_MIN = 12 };

/* --- Reporting -------------------------------------------------------------- */

/* The parts add up to the time that the batch took, however many ran at once. */
static double seconds_since_mark(struct batch *b)
{
    int64_t now = clock_ms();
    double seconds = (double)(now - b->marked_ms) / 1000.0;
    b->marked_ms = now;
    return seconds;
}

static void report(struct batch *b, struct flight *f, struct llm_reply *reply)
{
    reply->usage.requests = f->n_sent;
    reply->usage.seconds = seconds_since_mark(b);
    f->state = FLIGHT_FREE;
    b->n_done++;
    b->on_reply(b->user, f->index, reply);
}

void flight_fail(struct batch *b, struct flight *f, const struct lw_error *why)
{
    struct llm_reply reply = llm_no_reply(LLM_FAILED);
    reply.error = *why;
    report(b, f, &reply);
}

/* What was streamed so far goes with it. */
void flight_cancel(struct batch *b, struct flight *f)
{
    struct llm_reply reply = llm_no_reply(LLM_CANCELLED);
    if (f->spoke) {
        reply.text = f->reply.text.data;
        reply.len = f->reply.text.len;
        reply.usage = f->reply.usage;
    }
    report(b, f, &reply);
}

static void tell(struct batch *b, const char *what)
{
    if (b->o->notice == NULL || what[0] == '\0') {
        return;
    }
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s: %s", b->o->at.name, what);
    b->o->notice(b->o->user, sentence);
}

/* --- Trying again ----------------------------------------------------------- */

static int64_t time_left_ms(const struct batch *b)
{
    if (b->cancel == NULL || b->cancel->deadline_ms == 0) {
        return INT64_MAX;
    }
    return b->cancel->deadline_ms - clock_ms();
}

/* splitmix64: jitter needs no more. */
static uint32_t next_random(struct batch *b)
{
    b->random += 0x9e3779b97f4a7c15u;
    uint64_t z = b->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* Once, not by every flight that waits. */
static void tell_wait(struct batch *b, int64_t delay_ms)
{
    int64_t now = clock_ms();
    if (delay_ms >= SAY_WAIT_MS && now >= b->told_until_ms) {
        char what[96];
        b->told_until_ms = now + delay_ms;
        snprintf(what, sizeof what, "busy or away, trying again in %lld seconds",
                 (long long)(delay_ms + 999) / 1000);
        tell(b, what);
    }
}

/* True if the flight waits now. A server that was too slow twice is not asked a
 * third time. */
static bool try_again(struct batch *b, struct flight *f, const struct http_event *e,
                      int status, bool transport_error)
{
    f->n_timeouts += e->error.code == LW_TIMEOUT;
    if (f->spoke || f->n_timeouts > 1) {
        return false;
    }
    struct retry_input in = {
        .attempt = f->attempt,
        .attempts_max = b->o->attempts_max,
        .status = status,
        .transport_error = transport_error,
        .should_retry_no = e->should_retry_no,
        .retry_after_ms = e->retry_after_ms,
        .random = next_random(b),
        .time_left_ms = time_left_ms(b),
    };
    int64_t delay_ms = retry_delay_ms(&in);
    if (delay_ms < 0) {
        return false;
    }
    f->attempt++;
    f->again_ms = clock_ms() + delay_ms;
    f->state = FLIGHT_WAITING;
    tell_wait(b, delay_ms);
    return true;
}

/* --- Taking off ------------------------------------------------------------- */

/* What is known of the server by now. */
static void look_at_server(struct openai *o, struct flight *f, bool wants_pieces)
{
    pthread_mutex_lock(&o->lock);
    f->used = o->caps;
    f->streams = (wants_pieces || o->streams) && f->used.level[CAPS_STREAM] == 0;
    pthread_mutex_unlock(&o->lock);
}

static void clear_flight(struct batch *b, struct flight *f)
{
    const struct llm_request *req = &b->reqs[f->index];
    chat_reply_clear(&f->reply, req);
    buf_clear(&f->body);
    f->broken.message[0] = '\0';
    if (f->streams) {
        sse_release(&f->sse);
        sse_init(&f->sse, f->sse.fn, f);
    }
}

static void take_off(struct batch *b, struct flight *f)
{
    const struct llm_request *req = &b->reqs[f->index];
    struct lw_error err;
    look_at_server(b->o, f, req->on_text != NULL);
    clear_flight(b, f);
    struct request_writer w = {
        .model = b->model, .caps = &f->used, .stream = f->streams, .scratch = &b->scratch
    };
    if (request_write(&w, req, &b->json, &f->sent, &err)) {
        flight_fail(b, f, &err);
        return;
    }
    f->state = FLIGHT_IN_AIR;
    f->cut = false;
    struct http_call call = {
        .method = "POST",
        .url = b->url,
        .headers = b->headers.lines,
        .n_headers = b->headers.n,
        .body = b->json.data,
        .body_len = b->json.len,
        .per_host = b->o->parallel,
        .timeout_ms = b->o->timeout_ms,
        .stream = f->streams,
        .metered = b->o->meter.sent != NULL,
        .events = b->events,
        .user = f,
    };
    f->http = http_start(b->o->http, &call);
}

void flight_begin(struct batch *b, struct flight *f, size_t index)
{
    f->index = index;
    f->attempt = 0;
    f->n_timeouts = 0;
    f->n_sent = 0;
    f->spoke = false;
    take_off(b, f);
}

void flight_go_on(struct batch *b, struct flight *f)
{
    take_off(b, f);
}

void flight_cut(struct batch *b, struct flight *f)
{
    if (!f->cut) {
        f->cut = true;
        http_cancel(b->o->http, f->http);
    }
}

/* --- Landing ---------------------------------------------------------------- */

static bool learn(struct batch *b, struct flight *f, const struct api_error *e)
{
    char notice[128];
    pthread_mutex_lock(&b->o->lock);
    bool learnt = caps_learn(&b->o->caps, &f->used, f->sent, e, notice, sizeof notice);
    pthread_mutex_unlock(&b->o->lock);
    if (learnt) {
        tell(b, notice);
    }
    return learnt;
}

/* A gateway ends a reply that is silent for longer than it waits, often 100 seconds (524:
 * Cloudflare's). A stream begins at once: nobody need want its pieces. */
static void note_gateway(struct openai *o, int status)
{
    if (status == 504 || status == 524) {
        pthread_mutex_lock(&o->lock);
        o->streams = true;
        pthread_mutex_unlock(&o->lock);
    }
}

/* A refusal that every other request would get too ends those not yet sent: of the key or
 * the quota for good, of the model or the address for this batch. */
static void draw_conclusions(struct batch *b, int status, const struct lw_error *err)
{
    if (err->code == LW_ERR_AUTH || err->code == LW_ERR_BUDGET) {
        pthread_mutex_lock(&b->o->lock);
        b->o->final = *err;
        pthread_mutex_unlock(&b->o->lock);
        b->stop = *err;
    } else if (status == 404) {
        b->stop = *err;
    }
}

static void refused(struct batch *b, struct flight *f, const struct http_event *end,
                    const struct api_error *e)
{
    struct lw_error err;
    if (!f->spoke && learn(b, f, e)) {
        f->state = FLIGHT_WAITING; /* for the loop, which knows whether all is over */
        f->again_ms = 0;
        return;
    }
    note_gateway(b->o, e->status);
    api_error_say(e, b->o->at.name, b->o->at.key, &err);
    if (err.code == LW_ERR_REMOTE && try_again(b, f, end, e->status, false)) {
        return;
    }
    const char *variable = b->o->at.spec->key_variable;
    if (err.code == LW_ERR_AUTH && variable != NULL) {
        err_set(&err, err.code, "%s; check %s", err.message, variable);
    }
    draw_conclusions(b, e->status, &err);
    flight_fail(b, f, &err);
}

static void lost(struct batch *b, struct flight *f, const struct http_event *end,
                 const struct lw_error *why)
{
    if (try_again(b, f, end, end->status, true)) {
        return;
    }
    if (!b->reached) {
        b->stop = *why;
    }
    flight_fail(b, f, why);
}

/* The transfer's sentence names the host; a provider's name is worth adding. */
static void lost_on_the_way(struct batch *b, struct flight *f,
                            const struct http_event *end)
{
    struct lw_error err = end->error;
    err.code = LW_ERR_REMOTE;
    if (b->o->at.spec != provider_spec_of_urls()) {
        err_prefix(&err, "%s", b->o->at.name);
    }
    lost(b, f, end, &err);
}

/* The body, whole or of a refused stream. */
static struct buf body_of(const struct flight *f, const struct http_event *end)
{
    return f->body.len > 0 ? f->body : (struct buf){ .data = end->data, .len = end->len };
}

/* status 200 and yet no reply. */
static void unreadable(struct batch *b, struct flight *f, const char *why)
{
    struct lw_error err;
    char piece[400];
    api_error_piece(piece, sizeof piece, why, b->o->at.key);
    err_set(&err, LW_ERR_REMOTE, "%s sent something that is no reply: %s", b->o->at.name,
            piece);
    flight_fail(b, f, &err);
}

static void wrong_type(struct batch *b, struct flight *f, const struct http_event *end)
{
    char excerpt[160], type[sizeof end->content_type], why[320];
    struct buf body = body_of(f, end);
    api_error_excerpt(excerpt, sizeof excerpt, body.data, body.len);
    api_error_piece(type, sizeof type, end->content_type, b->o->at.key);
    snprintf(why, sizeof why, "its type is %s (is the URL right? most end in /v1): %s",
             type, excerpt);
    unreadable(b, f, why);
}

/* Complaints about a reply quote it, and the layers that make them know no keys. A short
 * one is a placeholder ("ollama"), and may be a word of the reply. */
static void blot_text(const struct batch *b, struct flight *f)
{
    const char *key = b->o->at.key;
    if (key != NULL && strlen(key) >= KEY_BYTES_MIN) {
        api_error_blot_whole(f->reply.text.data, key);
    }
}

static void arrived(struct batch *b, struct flight *f)
{
    struct llm_reply reply;
    api_error_blot(f->reply.refusal, b->o->at.key);
    chat_reply_finish(&f->reply, b->o->at.name, &reply);
    blot_text(b, f);
    if (openai_check_prompt(b->o, &b->reqs[f->index], reply.usage.prompt_tokens,
                            b->cancel, &reply.error)) {
        reply.finish = LLM_FAILED;
    }
    api_error_blot(reply.error.message, b->o->at.key);
    report(b, f, &reply);
}

/* Reading failed: an error under the status 200, or no sense at all. */
static void misread(struct batch *b, struct flight *f, const struct http_event *end,
                    const struct api_error *e)
{
    if (e->status != 200) {
        refused(b, f, end, e);
    } else {
        unreadable(b, f, e->message);
    }
}

static void landed_whole(struct batch *b, struct flight *f, const struct http_event *end)
{
    struct buf body = body_of(f, end);
    struct api_error e;
    if (end->content_type[0] != '\0' && strstr(end->content_type, "json") == NULL) {
        wrong_type(b, f, end);
    } else if (chat_reply_read(&f->reply, body.data, body.len, &e)) {
        misread(b, f, end, &e);
    } else {
        const struct llm_request *req = &b->reqs[f->index];
        if (req->on_text != NULL && f->reply.text.len > 0) {
            req->on_text(req->user, f->reply.text.data, f->reply.text.len);
        }
        arrived(b, f);
    }
}

static bool is_event_stream(const struct http_event *e)
{
    return strstr(e->content_type, "event-stream") != NULL;
}

static void landed_stream(struct batch *b, struct flight *f, const struct http_event *end)
{
    if (f->broken.message[0] != '\0') {
        misread(b, f, end, &f->broken);
    } else if (!f->reply.done) {
        struct lw_error err;
        err_set(&err, LW_ERR_REMOTE, "%s ended its stream in the middle of the reply",
                b->o->at.name);
        lost(b, f, end, &err);
    } else {
        arrived(b, f);
    }
}

static void landed(struct batch *b, struct flight *f, const struct http_event *end)
{
    bool ok = end->status >= 200 && end->status < 300;
    bool streams = f->streams && is_event_stream(end);
    f->http = NULL;
    f->n_sent += end->sent;
    openai_tell_meter(b->o, end);
    b->reached = b->reached || end->status > 0;
    if (f->cut && end->error.code != 0) {
        flight_cancel(b, f);
    } else if (end->status > 0 && !ok) {
        struct api_error e;
        struct buf body = body_of(f, end);
        api_error_read(&e, end->status, body.data, body.len);
        refused(b, f, end, &e);
    } else if (end->error.code != 0 && f->broken.message[0] == '\0' &&
               !(streams && f->reply.done)) {
        lost_on_the_way(b, f, end);
    } else if (streams) {
        landed_stream(b, f, end);
    } else {
        landed_whole(b, f, end);
    }
}

/* --- Streams ---------------------------------------------------------------- */

static int on_stream_event(void *user, const char *event, const char *data, size_t len)
{
    (void)event;
    struct flight *f = user;
    size_t before = f->reply.text.len;
    if (f->reply.done && f->reply.finish[0] == '\0') {
        return 0; /* behind [DONE] */
    }
    if (chat_reply_event(&f->reply, data, len, &f->broken)) {
        return LW_ERR_REMOTE;
    }
    const struct llm_request *req = f->reply.req;
    if (req->on_text != NULL && f->reply.text.len > before) {
        f->spoke = true;
        req->on_text(req->user, f->reply.text.data + before, f->reply.text.len - before);
    }
    return 0;
}

static void on_piece(struct batch *b, struct flight *f, const struct http_event *e)
{
    if (f->cut || f->broken.message[0] != '\0') {
        return;
    }
    if (e->status < 200 || e->status > 299 || !is_event_stream(e)) {
        buf_add(&f->body, e->data, e->len);
        return;
    }
    if (sse_feed(&f->sse, e->data, e->len)) {
        if (f->broken.message[0] == '\0') {
            snprintf(f->broken.message, sizeof f->broken.message, "an event is too long");
            f->broken.status = 200;
        }
        http_cancel(b->o->http, f->http);
    }
}

void flight_take_event(struct batch *b, struct flight *f, const struct http_event *e)
{
    if (e->kind == HTTP_EVENT_DATA) {
        on_piece(b, f, e);
    } else {
        landed(b, f, e);
    }
}

/* --- Life ------------------------------------------------------------------- */

void flight_init(struct flight *f)
{
    *f = (struct flight){ .state = FLIGHT_FREE };
    chat_reply_init(&f->reply);
    sse_init(&f->sse, on_stream_event, f);
    buf_init(&f->body, LIMIT_HTTP_REPLY_BYTES);
}

void flight_release(struct flight *f)
{
    chat_reply_release(&f->reply);
    sse_release(&f->sse);
    buf_release(&f->body);
}
