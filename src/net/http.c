/* http.c - the transfer thread: who may start, who waits, who is told.
 *
 * Callers put requests into an inbox under a lock and wake the thread; from
 * there on everything is the thread's alone and needs none: hosts with their
 * waiting lines, the active transfers, the idle curl handles. What happened
 * goes back as messages. So the only state shared between threads is the inbox
 * and two flags.
 *
 * A request is in exactly one place: inbox -> a host's waiting line -> active
 * -> its END event. Cancelling sets a flag on it, and the thread looks
 * for flags when told to; a request whose END is on its way is simply not
 * found any more. */
#include "net/transfer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "net/sockets.h"

#include <assert.h>
#include <string.h>

enum {
    IDLE_HANDLES_MAX = 64,
    CONNECTIONS_KEPT = 128,
    POLL_MS = 1000, /* at most, between two looks at stalled transfers */
    IDLE_TIMEOUT_MS = 120 * 1000
};

struct http_host {
    struct http_host *next;
    char authority[AUTHORITY_BYTES];
    int active;
    struct http_request *first, *last; /* waiting */
};

struct http {
    CURLM *multi;
    struct sockets sockets;
    pthread_t thread;
    struct http_options opt;
    char *user_agent;

    pthread_mutex_t lock; /* over the next three */
    struct http_request *inbox_first, *inbox_last;
    bool closing;

    atomic_bool cancels; /* some request has its flag set */

    /* The transfer thread's own. */
    struct http_host *hosts;
    struct http_request **active;
    size_t n_active, cap_active;
    CURL *idle[IDLE_HANDLES_MAX];
    size_t n_idle;
    int poll_ms;
    int64_t looked_ms; /* when stalled transfers were last looked for */
};

/* --- Lists ------------------------------------------------------------------ */

static void append(struct http_request **first, struct http_request **last,
                   struct http_request *r)
{
    r->next = NULL;
    if (*first == NULL) {
        *first = r;
    } else {
        (*last)->next = r;
    }
    *last = r;
}

static void active_add(struct http *h, struct http_request *r)
{
    mem_grow((void **)&h->active, &h->cap_active, h->n_active + 1, sizeof(*h->active));
    r->active_at = h->n_active;
    h->active[h->n_active++] = r;
    r->host->active++;
}

static void active_remove(struct http *h, struct http_request *r)
{
    struct http_request *last = h->active[--h->n_active];
    h->active[r->active_at] = last;
    last->active_at = r->active_at;
    r->host->active--;
    assert(r->host->active >= 0);
}

static struct http_host *host_of(struct http *h, const struct http_request *r)
{
    for (struct http_host *host = h->hosts; host != NULL; host = host->next) {
        if (strcmp(host->authority, r->authority) == 0) {
            return host;
        }
    }
    struct http_host *host = mem_alloc(sizeof *host);
    memcpy(host->authority, r->authority, sizeof host->authority);
    host->next = h->hosts;
    h->hosts = host;
    return host;
}

/* --- Handles ---------------------------------------------------------------- */

static CURL *handle_take(struct http *h)
{
    return h->n_idle > 0 ? h->idle[--h->n_idle] : curl_easy_init();
}

/* Connections belong to the multi handle; a reset drops the request only. */
static void handle_give(struct http *h, CURL *easy)
{
    if (h->n_idle == IDLE_HANDLES_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    h->idle[h->n_idle++] = easy;
}

/* --- Starting and ending ---------------------------------------------------- */

/* The receiver may free r at once. */
static void tell_end(struct http_request *r)
{
    queue_put(r->events, &r->end);
}

static void end_cancelled(struct http_request *r)
{
    err_set(&r->end.error, LW_CANCELLED, "the request to %s was cancelled", r->authority);
    tell_end(r);
}

static void leave(struct http *h, struct http_request *r)
{
    CURL *easy = r->easy;
    curl_multi_remove_handle(h->multi, easy);
    active_remove(h, r);
    handle_give(h, easy);
    r->easy = NULL;
}

static int begin(struct http *h, struct http_request *r)
{
    CURL *easy = handle_take(h);
    if (easy == NULL) {
        return err_set(&r->end.error, LW_ERR, "no memory for a request");
    }
    int code = transfer_begin(r, easy, &h->opt);
    if (code == 0 && curl_multi_add_handle(h->multi, easy) != CURLM_OK) {
        code = err_set(&r->end.error, LW_ERR, "no memory for a request");
    }
    if (code) {
        handle_give(h, easy);
        return code;
    }
    active_add(h, r);
    return 0;
}

static void start_waiting(struct http *h, struct http_host *host)
{
    while (host->first != NULL && host->active < host->first->per_host) {
        struct http_request *r = host->first;
        host->first = r->next;
        if (atomic_load(&r->cancelled)) {
            end_cancelled(r);
        } else if (begin(h, r)) {
            tell_end(r);
        }
    }
}

/* True if a transfer has ended, and another may have its place. */
static bool reap(struct http *h)
{
    size_t before = h->n_active;
    int left;
    const CURLMsg *msg;
    while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct http_request *r = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r);
        transfer_end(r, msg->data.result);
        leave(h, r);
        tell_end(r);
    }
    return h->n_active < before;
}

/* --- Cutting short ---------------------------------------------------------- */

static void cancel_waiting(struct http_host *host)
{
    struct http_request *r = host->first;
    host->first = NULL;
    while (r != NULL) {
        struct http_request *next = r->next;
        if (atomic_load(&r->cancelled)) {
            end_cancelled(r);
        } else {
            append(&host->first, &host->last, r);
        }
        r = next;
    }
}

static void cancel_flagged(struct http *h)
{
    if (!atomic_exchange(&h->cancels, false)) {
        return;
    }
    for (struct http_host *host = h->hosts; host != NULL; host = host->next) {
        cancel_waiting(host);
    }
    for (size_t i = h->n_active; i-- > 0;) {
        struct http_request *r = h->active[i];
        if (atomic_load(&r->cancelled)) {
            transfer_cut(r);
            leave(h, r);
            end_cancelled(r);
        }
    }
}

static void end_stalled(struct http *h, struct http_request *r)
{
    transfer_cut(r);
    leave(h, r);
    err_set(&r->end.error, LW_TIMEOUT,
            "%s stopped in the middle of its reply for %.4g seconds", r->authority,
            h->opt.idle_timeout_ms / 1000.0);
    tell_end(r);
}

/* Before its first byte a reply may take as long as the call allows: a model is
 * thinking. */
static void cut_stalled(struct http *h)
{
    int64_t now = clock_ms();
    if (now - h->looked_ms < h->poll_ms / 2) {
        return;
    }
    h->looked_ms = now;
    for (size_t i = h->n_active; i-- > 0;) {
        struct http_request *r = h->active[i];
        if (r->last_byte_ms > 0 && now - r->last_byte_ms > h->opt.idle_timeout_ms) {
            end_stalled(h, r);
        }
    }
}

/* --- The thread ------------------------------------------------------------- */

/* False when the thread should end. */
static bool take_inbox(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    struct http_request *r = h->inbox_first;
    h->inbox_first = NULL;
    bool go_on = !h->closing;
    pthread_mutex_unlock(&h->lock);
    while (r != NULL) {
        struct http_request *next = r->next;
        r->host = host_of(h, r);
        if (atomic_load(&r->cancelled)) {
            /* A look between its start and now may have missed it. */
            atomic_store(&h->cancels, true);
        }
        append(&r->host->first, &r->host->last, r);
        r = next;
    }
    return go_on;
}

static void *transfer_main(void *arg)
{
    struct http *h = arg;
    while (take_inbox(h)) {
        cancel_flagged(h);
        for (struct http_host *host = h->hosts; host != NULL; host = host->next) {
            start_waiting(h, host);
        }
        sockets_run_due(&h->sockets);
        cut_stalled(h);
        if (!reap(h)) {
            sockets_wait(&h->sockets, h->poll_ms);
        }
    }
    return NULL;
}

static struct http *new_with_multi(const struct http_options *opt)
{
    struct http *h = mem_alloc(sizeof *h);
    h->multi = curl_multi_init();
    if (h->multi == NULL || sockets_init(&h->sockets, h->multi)) {
        curl_multi_cleanup(h->multi);
        mem_free(h);
        return NULL;
    }
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    h->opt = *opt;
    h->user_agent =
        mem_strdup(opt->user_agent != NULL ? opt->user_agent : "legwork/" LW_VERSION);
    h->opt.user_agent = h->user_agent;
    h->opt.idle_timeout_ms =
        opt->idle_timeout_ms > 0 ? opt->idle_timeout_ms : IDLE_TIMEOUT_MS;
    h->poll_ms = h->opt.idle_timeout_ms < POLL_MS ? h->opt.idle_timeout_ms : POLL_MS;
    pthread_mutex_init(&h->lock, NULL);
    atomic_init(&h->cancels, false);
    return h;
}

static void free_idle(struct http *h)
{
    for (size_t i = 0; i < h->n_idle; i++) {
        curl_easy_cleanup(h->idle[i]);
    }
    sockets_release(&h->sockets);
    curl_multi_cleanup(h->multi);
    pthread_mutex_destroy(&h->lock);
    mem_free(h->active);
    mem_free(h->user_agent);
    mem_free(h);
    curl_global_cleanup();
}

int http_open(struct http **out, const struct http_options *opt, struct lw_error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, LW_ERR, "the HTTP library cannot be set up");
    }
    struct http *h = new_with_multi(opt);
    if (h == NULL) {
        curl_global_cleanup();
        return err_set(err, LW_ERR, "the HTTP library cannot be set up");
    }
    if (thread_start(&h->thread, transfer_main, h)) {
        free_idle(h);
        return err_set(err, LW_ERR, "no thread could be started for HTTP");
    }
    *out = h;
    return 0;
}

static void free_line(struct http_request *r)
{
    while (r != NULL) {
        struct http_request *next = r->next;
        request_free(r);
        r = next;
    }
}

void http_close(struct http *h)
{
    if (h == NULL) {
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_mutex_unlock(&h->lock);
    sockets_wake(&h->sockets);
    pthread_join(h->thread, NULL);
    while (h->n_active > 0) {
        struct http_request *r = h->active[h->n_active - 1];
        leave(h, r);
        request_free(r);
    }
    while (h->hosts != NULL) {
        struct http_host *host = h->hosts;
        h->hosts = host->next;
        free_line(host->first);
        mem_free(host);
    }
    free_idle(h);
}

/* --- Calls from any thread -------------------------------------------------- */

struct http_request *http_start(struct http *h, const struct http_call *call)
{
    assert(call->per_host > 0 && call->events != NULL);
    struct http_request *r = request_new(call);
    pthread_mutex_lock(&h->lock);
    bool was_empty = h->inbox_first == NULL;
    append(&h->inbox_first, &h->inbox_last, r);
    pthread_mutex_unlock(&h->lock);
    if (was_empty) {
        sockets_wake(&h->sockets);
    }
    return r;
}

void http_cancel(struct http *h, struct http_request *r)
{
    atomic_store(&r->cancelled, true);
    if (!atomic_exchange(&h->cancels, true)) {
        sockets_wake(&h->sockets);
    }
}

void http_event_free(struct http_event *e)
{
    if (e == NULL) {
        return;
    }
    if (e->kind == HTTP_EVENT_END) {
        request_free((struct http_request *)e);
        return;
    }
    mem_free(e->data);
    mem_free(e);
}
