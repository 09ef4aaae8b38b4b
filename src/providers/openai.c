/* openai.c - the llm of an OpenAI-compatible server: its life, and what it has
 * to ask the server about itself.
 *
 * Missing at the start may be the model's name (a plain URL without #MODEL) and, for
 * Ollama, the context that it serves and whether it runs the model itself. They are asked
 * for once, by provider_ask() or at the first use, since opening sends nothing; no answer
 * is remembered as one. A server that is silent about its context has an unknown one:
 * what a model was trained for says nothing about what is served. */
#include "providers/openai.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 600 * 1000, ATTEMPTS_MAX = 5, ASK_MS = 10 * 1000, POLL_MS = 50 };

/* --- Headers ---------------------------------------------------------------- */

void openai_headers_init(struct openai_headers *h, const struct openai *o)
{
    *h = (struct openai_headers){
        .lines = { "Content-Type: application/json",
                   "Accept: application/json, text/event-stream" },
        .n = 2
    };
    if (o->at.key != NULL) {
        static const char begin[] = "Authorization: Bearer ";
        size_t len = sizeof begin + strlen(o->at.key);
        h->authorization = mem_alloc(len);
        snprintf(h->authorization, len, "%s%s", begin, o->at.key);
        h->lines[h->n++] = h->authorization;
    }
}

void openai_headers_release(struct openai_headers *h)
{
    mem_free(h->authorization);
}

/* --- Asking the server about itself ----------------------------------------- */

/* One call and its END, on the calling thread. NULL: cancelled. */
static struct http_event *call_server(struct openai *o, const char *method,
                                      const char *url, const struct buf *body,
                                      const struct cancel *cancel)
{
    struct openai_headers headers;
    struct queue *events = queue_new();
    openai_headers_init(&headers, o);
    struct http_call call = {
        .method = method,
        .url = url,
        .headers = headers.lines,
        .n_headers = headers.n,
        .body = body->data,
        .body_len = body->len,
        .per_host = o->parallel + 1,
        .timeout_ms = ASK_MS,
        .metered = o->meter.sent != NULL,
        .events = events,
    };
    struct http_request *r = http_start(o->http, &call);
    struct http_event *e = NULL;
    bool cut = false;
    while ((e = queue_take(events, POLL_MS)) == NULL) {
        if (!cut && cancel_level(cancel) != CANCEL_NONE) {
            http_cancel(o->http, r);
            cut = true;
        }
    }
    openai_tell_meter(o, e);
    openai_headers_release(&headers);
    queue_free(events);
    return e;
}

static json_t *ask(struct openai *o, const char *method, const char *url,
                   const struct buf *body, const struct cancel *cancel,
                   struct lw_error *err)
{
    struct http_event *e = call_server(o, method, url, body, cancel);
    struct lw_error why;
    json_t *root = NULL;
    if (e->error.code) {
        err_set(err, LW_ERR_REMOTE, "%s: %s", o->at.name, e->error.message);
    } else if (e->status != 200) {
        struct api_error refusal;
        api_error_read(&refusal, e->status, e->data, e->len);
        api_error_say(&refusal, o->at.name, o->at.key, err);
    } else {
        root = json_parse(e->data, e->len, &why);
        if (root == NULL) {
            api_error_blot(why.message, o->at.key);
            err_set(err, LW_ERR_REMOTE, "%s sent something that is no answer: %s",
                    o->at.name, why.message);
        }
    }
    http_event_free(e);
    return root;
}

static char *url_of(const struct openai *o, const char *path)
{
    struct buf url;
    buf_init(&url, 2048);
    buf_addf(&url, "%s%s", o->at.base_url, path);
    char *text = buf_take(&url, NULL);
    buf_release(&url);
    return text;
}

static void set_model(struct openai *o, const char *id)
{
    pthread_mutex_lock(&o->lock);
    mem_free(o->model);
    o->model = mem_strdup(id);
    pthread_mutex_unlock(&o->lock);
}

static void set_served(struct openai *o, int context)
{
    pthread_mutex_lock(&o->lock);
    o->cut.context = context;
    pthread_mutex_unlock(&o->lock);
}

/* Who is on this device was settled before anything was asked: the guard and the rule on
 * where documents may go rest on it. A model that the server would pass on to a cloud is
 * therefore not taken from a list, only by its name. */
static int check_place(const struct openai *o, const char *id, struct lw_error *err)
{
    if (!o->at.on_device || !endpoint_is_cloud_tag(id)) {
        return 0;
    }
    char listed[80];
    api_error_piece(listed, sizeof listed, id, o->at.key);
    return err_set(err, LW_ERR_POLICY,
                   "%s lists %s first and would pass on to a cloud what it is sent; "
                   "name a model of this machine behind # in the URL",
                   o->at.name, listed);
}

/* {"data":[{"id":"m","max_model_len":8192}]}: vLLM tells the served context there. */
static int take_first_model(struct openai *o, const json_t *root, struct lw_error *err)
{
    const json_t *first = json_array_get(json_object_get(root, "data"), 0);
    const char *id = json_str(first, "id", "");
    if (id[0] == '\0') {
        return err_set(err, LW_ERR_REMOTE,
                       "%s lists no model; name one behind # in the URL", o->at.name);
    }
    if (check_place(o, id, err)) {
        return LW_ERR_POLICY;
    }
    set_model(o, id);
    o->info.context = (int)json_int(first, "max_model_len", 0, 0, INT_MAX);
    return 0;
}

static int ask_model(struct openai *o, const struct cancel *cancel, struct lw_error *err)
{
    struct buf none = { .data = NULL };
    char *url = url_of(o, "/models");
    json_t *root = ask(o, "GET", url, &none, cancel, err);
    mem_free(url);
    int code = root == NULL ? LW_ERR_REMOTE : take_first_model(o, root, err);
    json_decref(root);
    return code;
}

/* A line "num_ctx   8192" among the parameters of the model file; 0: none. */
static int num_ctx_of(const char *parameters)
{
    const char *at = strstr(parameters, "num_ctx");
    int context = 0;
    if (at != NULL && sscanf(at, "num_ctx %d", &context) == 1 && context > 0) {
        return context;
    }
    return 0;
}

/* An address of Ollama's own interface, which is not below /v1. */
static json_t *ask_ollama(struct openai *o, const char *method, const char *path,
                          const struct buf *body, const struct cancel *cancel)
{
    size_t len = strlen(o->at.base_url);
    struct buf url;
    json_t *root = NULL;
    buf_init(&url, 2048);
    if (len > 3 && strcmp(o->at.base_url + len - 3, "/v1") == 0) {
        buf_addf(&url, "%.*s%s", (int)len - 3, o->at.base_url, path);
        root = ask(o, method, url.data, body, cancel, NULL);
    }
    buf_release(&url);
    return root;
}

/* Its manifest says where a model runs; a cloud model may have any name. */
static int check_host(const struct openai *o, const char *host, struct lw_error *err)
{
    if (!o->at.on_device || host[0] == '\0') {
        return 0;
    }
    char piece[120];
    api_error_piece(piece, sizeof piece, host, o->at.key);
    return err_set(err, LW_ERR_POLICY,
                   "%s passes on to %s what it is sent; name a model of this machine, or "
                   "the cloud model by its own name, which ends in cloud, and allow that",
                   o->at.name, piece);
}

/* What the model file sets. With ask_lock held and a model known, as below. */
static int ask_model_file(struct openai *o, const struct cancel *cancel,
                          struct lw_error *err)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_add_str(&body, "{\"model\":");
    json_write_string(o->model, strlen(o->model), &body);
    buf_add_str(&body, "}");
    json_t *root = ask_ollama(o, "POST", "/api/show", &body, cancel);
    int context = num_ctx_of(json_str(root, "parameters", ""));
    if (context > 0) {
        o->info.context = context;
    }
    int code = check_host(o, json_str(root, "remote_host", ""), err);
    json_decref(root);
    buf_release(&body);
    return code;
}

static bool is_name_of(const char *listed, const char *model)
{
    size_t len = strlen(model);
    return strncmp(listed, model, len) == 0 &&
           (listed[len] == '\0' || strcmp(listed + len, ":latest") == 0);
}

/* What it serves, if the model is loaded. */
static int ask_loaded(struct openai *o, const struct cancel *cancel)
{
    struct buf none = { .data = NULL };
    json_t *root = ask_ollama(o, "GET", "/api/ps", &none, cancel), *item;
    int context = 0;
    size_t i;
    json_array_foreach(json_object_get(root, "models"), i, item) {
        if (is_name_of(json_str(item, "name", ""), o->model)) {
            context = (int)json_int(item, "context_length", 0, 0, INT_MAX);
        }
    }
    json_decref(root);
    return context;
}

/* An Ollama that is away is simply not known, nor is one that is too old to pass
 * anything on. */
static int ask_about_model(struct openai *o, const struct cancel *cancel,
                           struct lw_error *err)
{
    int code = ask_model_file(o, cancel, err);
    if (code == 0 && o->info.context == 0) {
        o->info.context = ask_loaded(o, cancel);
    }
    return code;
}

static bool has_model(struct openai *o)
{
    pthread_mutex_lock(&o->lock);
    bool has = o->model != NULL;
    pthread_mutex_unlock(&o->lock);
    return has;
}

/* With ask_lock held. */
static int ask_all(struct openai *o, const struct cancel *cancel, struct lw_error *err)
{
    int code = has_model(o) ? 0 : ask_model(o, cancel, err);
    return code == 0 && o->at.is_ollama ? ask_about_model(o, cancel, err) : code;
}

static int stopped_asking(const struct openai *o, const struct cancel *cancel,
                          struct lw_error *err)
{
    return err_set(err, cancel_timed_out(cancel) ? LW_TIMEOUT : LW_CANCELLED,
                   "stopped while %s was asked about itself", o->at.name);
}

/* With ask_lock held. What was cut short says nothing of the server and is not
 * remembered; what failed is, or everybody who looks at info would wait again. */
static int ask_once(struct openai *o, const struct cancel *cancel, struct lw_error *err)
{
    struct lw_error why = { .code = 0 };
    if (!o->asked) {
        if (cancel_level(cancel) == CANCEL_NONE) {
            ask_all(o, cancel, &why);
        }
        if (cancel_level(cancel) != CANCEL_NONE) {
            return stopped_asking(o, cancel, err);
        }
        set_served(o, o->info.context);
        o->unasked = why;
        o->asked = true;
    }
    return o->unasked.code ? err_set(err, o->unasked.code, "%s", o->unasked.message) : 0;
}

int openai_ask_server(struct openai *o, const struct cancel *cancel, struct lw_error *err)
{
    pthread_mutex_lock(&o->ask_lock);
    int code = ask_once(o, cancel, err);
    pthread_mutex_unlock(&o->ask_lock);
    return code;
}

int provider_ask(struct llm *provider, const struct cancel *cancel, struct lw_error *err)
{
    struct openai *o = (struct openai *)provider;
    pthread_mutex_lock(&o->ask_lock);
    o->asked = o->asked && o->unasked.code == 0;
    int code = ask_once(o, cancel, err);
    pthread_mutex_unlock(&o->ask_lock);
    return code;
}

/* --- Prompts that were cut --------------------------------------------------- */

/* Ollama loads a model for its first request, and tells only then what it serves: asked
 * once, when the first long prompt was answered. */
static void ask_served(struct openai *o, const struct cancel *cancel)
{
    pthread_mutex_lock(&o->ask_lock);
    if (!o->served_asked && o->info.context == 0) {
        set_served(o, ask_loaded(o, cancel));
    }
    o->served_asked = true;
    pthread_mutex_unlock(&o->ask_lock);
}

int openai_check_prompt(struct openai *o, const struct llm_request *req, int64_t tokens,
                        const struct cancel *cancel, struct lw_error *err)
{
    struct cut_prompt p = { .bytes = (int64_t)llm_request_bytes(req) };
    pthread_mutex_lock(&o->lock);
    bool wanted = cut_wants(&o->cut, p.bytes);
    pthread_mutex_unlock(&o->lock);
    if (wanted) p = cut_prompt_of(req);
    if (o->at.is_ollama && tokens > 0 && p.bytes >= CUT_BYTES_MIN) {
        ask_served(o, cancel);
    }
    pthread_mutex_lock(&o->lock);
    bool cut = cut_is_certain(&o->cut, &p, tokens);
    if (!cut) {
        cut_learn(&o->cut, &p, tokens);
    }
    pthread_mutex_unlock(&o->lock);
    if (!cut) {
        return 0;
    }
    return err_set(err, LW_ERR_REMOTE,
                   "%s read only %lld tokens of a prompt of %lld bytes: its context is "
                   "too small and it cuts silently (for Ollama raise num_ctx, for "
                   "example by OLLAMA_CONTEXT_LENGTH)",
                   o->at.name, (long long)tokens, (long long)p.bytes);
}

/* --- The llm ---------------------------------------------------------------- */

static void openai_close(struct llm *llm)
{
    struct openai *o = (struct openai *)llm;
    endpoint_release(&o->at);
    pthread_mutex_destroy(&o->lock);
    pthread_mutex_destroy(&o->ask_lock);
    mem_free(o->model);
    mem_free(o);
}

static const struct llm_info *openai_info(struct llm *llm)
{
    struct openai *o = (struct openai *)llm;
    openai_ask_server(o, NULL, NULL);
    return &o->info;
}

/* Small models split prose, figures and code into pieces of about three bytes; a
 * guess that is too high makes excerpts smaller, one that is too low cuts them. */
static int openai_count_tokens(struct llm *llm, const char *text, size_t len)
{
    (void)llm, (void)text;
    return len / 3 < INT_MAX ? (int)(len / 3) + (len % 3 != 0) : INT_MAX;
}

static void openai_meter(struct llm *llm, const struct llm_meter *meter)
{
    ((struct openai *)llm)->meter = *meter;
}

void openai_tell_meter(const struct openai *o, const struct http_event *end)
{
    if (o->meter.sent != NULL && end->tries > 0) {
        o->meter.sent(o->meter.user, end->body, end->body_len, end->tries,
                      end->body_bytes);
    }
}

const struct llm_info *provider_info(struct llm *provider)
{
    return &((struct openai *)provider)->info;
}

static int openai_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                            llm_reply_fn on_reply, void *user,
                            const struct cancel *cancel, struct lw_error *err)
{
    return batch_run((struct openai *)llm, reqs, n, on_reply, user, cancel, err);
}

static const struct llm_ops ops = {
    .close = openai_close,
    .info = openai_info,
    .count_tokens = openai_count_tokens,
    .chat_many = openai_chat_many,
    .meter = openai_meter,
};

int provider_open(struct llm **out, const struct provider_options *opt,
                  struct lw_error *err)
{
    struct endpoint at;
    int code = endpoint_init(&at, opt, err);
    if (code) {
        return code;
    }
    struct openai *o = mem_alloc(sizeof *o);
    *o = (struct openai){
        .llm = { .ops = &ops },
        .at = at,
        .http = opt->http,
        .parallel = opt->parallel > 0 ? opt->parallel : at.spec->parallel,
        .timeout_ms = opt->timeout_ms > 0 ? opt->timeout_ms : TIMEOUT_MS,
        .attempts_max = opt->attempts_max > 0 ? opt->attempts_max : ATTEMPTS_MAX,
        .notice = opt->notice,
        .user = opt->user,
        .model = at.model != NULL ? mem_strdup(at.model) : NULL,
    };
    o->info = (struct llm_info){
        .name = at.name,
        .where = at.where,
        .on_device = at.on_device,
        .parallel = o->parallel,
    };
    pthread_mutex_init(&o->lock, NULL);
    pthread_mutex_init(&o->ask_lock, NULL);
    *out = &o->llm;
    return 0;
}
