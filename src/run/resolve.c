/* resolve.c - which model a name means here, and the rules on where it may be.
 *
 * A name is a provider's or a URL (providers/ knows), else a GGUF file
 * (models/ knows). This is also where keys are looked up: each provider gets
 * its own and no other, and a server named by URL only that of its role, so that
 * no key ever reaches a host that it was not meant for. */
#include "run/resolve.h"

#include "base/mem.h"
#include "guard/guard.h"
#include "models/models.h"
#include "models/resident.h"
#include "providers/provider.h"
#include "run/as_worker.h"
#include "run/local_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES_MAX = 256 * 1024 };

/* --- The worker's place -------------------------------------------------- */

static bool is_word(const char *word, size_t len, const char *text, size_t text_len)
{
    return len == text_len && strncasecmp(word, text, len) == 0;
}

/* Does "host" or "host:port" of the list name where? An IPv6 address alone needs no
 * brackets. */
static bool host_is(const char *allowed, size_t len, const char *where)
{
    const char *colon = strrchr(where, ':');
    size_t host_len = colon ? (size_t)(colon - where) : strlen(where);
    return is_word(allowed, len, where, strlen(where)) ||
           is_word(allowed, len, where, host_len) ||
           (where[0] == '[' && is_word(allowed, len, where + 1, host_len - 2));
}

static bool host_is_allowed(const char *list, const char *where)
{
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t all = strcspn(list, ","), len = all;
        while (len > 0 && strchr(" \t", list[len - 1])) len--;
        if (host_is(list, len, where)) return true;
        list += all;
    }
    return false;
}

/* The documents would leave the machine: only where the user has said so. */
static int check_allowed(const lw_session *s, const char *name, const char *where,
                         struct lw_error *err)
{
    if (host_is_allowed(options_string(&s->options, OPT_ALLOW_WORKER), where)) return 0;
    const char *colon = strrchr(where, ':');
    int len = colon ? (int)(colon - where) : (int)strlen(where);
    return err_set(err, LW_ERR_POLICY,
                   "the worker %s is on another machine (%s) and would be sent the "
                   "documents; allow it with --allow-worker %.*s, or choose a model on "
                   "this machine",
                   name, where, len, where);
}

static void say_elsewhere(lw_session *s, const char *where)
{
    char notice[512];
    snprintf(notice, sizeof notice,
             "The worker is on another machine: the text of the documents is sent to %s.",
             where);
    event_notice(&s->events, notice);
}

/* --- Opening ------------------------------------------------------------- */

/* Is another server than the worker's, named by its URL as well, to supervise? */
static bool supervisor_is_elsewhere(const lw_session *s, const char *worker)
{
    const char *remote = options_string(&s->options, OPT_REMOTE);
    const char *protocol = options_string(&s->options, OPT_PROTOCOL);
    struct provider_options there = { .model = remote }, here = { .model = worker };
    struct provider_place place_there, place_here;
    if (!remote || !strstr(remote, "://")) return false;
    if (protocol && strcmp(protocol, "local") == 0) return false;
    return provider_find(&place_here, &here, NULL) ||
           provider_find(&place_there, &there, NULL) ||
           strcmp(place_here.where, place_there.where) != 0;
}

/* A server named by its URL gets the key of its role. The one without a role is the
 * supervisor's where that is another server: what listens on a port of this machine has
 * no business with the key of a server elsewhere. */
static const char *key_for_url(const lw_session *s, const struct model_slot *slot,
                               const char *model)
{
    bool is_worker = slot == &s->worker;
    const char *own =
        options_secret(is_worker ? "LEGWORK_LOCAL_API_KEY" : "LEGWORK_REMOTE_API_KEY");
    if (own) return own;
    if (is_worker && supervisor_is_elsewhere(s, model)) return NULL;
    return options_secret("LEGWORK_API_KEY");
}

/* Before anybody is asked for a key: who gave one would be a step nearer to sending. */
static int check_place(lw_session *s, const struct provider_options *opt,
                       struct lw_error *err)
{
    struct provider_place place;
    int code = provider_find(&place, opt, err);
    return code || place.on_device ? code
                                   : check_allowed(s, opt->model, place.where, err);
}

static int open_server(lw_session *s, const char *model, struct model_slot *slot,
                       struct lw_error *err)
{
    struct http_options http = { .user_agent = "legwork/" LW_VERSION };
    const struct provider_spec *spec =
        strstr(model, "://") ? NULL : provider_spec_of(model);
    const char *url_variable = spec ? spec->url_variable : NULL;
    const char *key_variable = spec ? spec->key_variable : NULL;
    struct provider_options opt = {
        .model = model,
        .base_url = url_variable ? options_secret(url_variable) : NULL,
        .key = key_variable ? options_secret(key_variable) : NULL,
        .parallel = (int)options_int(&s->options, OPT_PARALLEL),
        .notice = event_post_notice,
        .user = &s->events,
    };
    if (!spec) opt.key = key_for_url(s, slot, model);
    int code = slot == &s->worker ? check_place(s, &opt, err) : 0;
    if (!code && !s->http) code = http_open(&s->http, &http, err);
    if (code) return code;
    opt.http = s->http;
    code = provider_open(&slot->llm, &opt, err);
    if (!code) slot->server = slot->llm;
    return code;
}

/* "acme/large" is no file and no provider that we know: the providers' complaint names
 * the known ones, which is what the user needs then. */
static bool looks_like_provider(const char *model)
{
    const char *slash = strchr(model, '/');
    size_t len = strlen(model);
    bool gguf = len >= 5 && strcasecmp(model + len - 5, ".gguf") == 0;
    return strstr(model, "://") ||
           (slash && slash > model && *model != '.' && *model != '~' && !gguf);
}

static int open_model(lw_session *s, const char *model, struct model_slot *slot,
                      struct lw_error *err)
{
    if (model && provider_is_name(model)) return open_server(s, model, slot, err);
    char *dir = options_models_dir(&s->options);
    struct buf path;
    buf_init(&path, KEY_BYTES_MAX);
    int code =
        model ? models_find(dir, model, &path, err) : models_default(dir, &path, err);
    mem_free(dir);
    if (!code) {
        code = local_model_open(s, path.data, slot, err);
    } else if (model && slot != &s->embedder && looks_like_provider(model)) {
        code = open_server(s, model, slot, err);
    } else if (slot == &s->supervisor && !strpbrk(model, "/.")) {
        code =
            err_set(err, LW_ERR_USAGE,
                    "no model is called %s: the supervisor is PROVIDER/MODEL, like "
                    "openai/gpt-5, a URL, self, or a GGUF file (`legwork models` lists "
                    "them)",
                    model);
    }
    buf_release(&path);
    return code;
}

/* --- Slots --------------------------------------------------------------- */

void slot_close(struct model_slot *slot)
{
    llm_close(slot->llm);
    mem_free(slot->made_for);
    mem_free(slot->path);
    *slot = (struct model_slot){ .llm = NULL };
}

/* What a model depends on besides its name, as one string to compare. */
static const enum option_id opens_with[] = {
    OPT_CONTEXT, OPT_THREADS, OPT_PARALLEL, OPT_GPU_LAYERS,
    OPT_MMAP,    OPT_REPACK,  OPT_NUMA,     OPT_KV_TYPE,
};

static char *slot_key(const lw_session *s, const char *model)
{
    bool elsewhere = model && strstr(model, "://") && supervisor_is_elsewhere(s, model);
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    const char *dir = options_string(&s->options, OPT_MODELS_DIR);
    buf_addf(&key, "%s\n%s\n%d %" PRIu64, model ? model : "", dir ? dir : "", elsewhere,
             options_size(&s->options, OPT_KV_CACHE));
    for (size_t i = 0; i < sizeof opens_with / sizeof *opens_with; i++) {
        const char *value = options_string(&s->options, opens_with[i]);
        buf_addf(&key, " %s", value ? value : "-");
    }
    char *out = buf_take(&key, NULL);
    buf_release(&key);
    return out;
}

static bool slot_serves(const lw_session *s, const struct model_slot *slot,
                        const char *key)
{
    return slot->llm && strcmp(slot->made_for, key) == 0 &&
           (!slot->guarded || slot->n_docs == s->docs.n_docs);
}

/* Whatever is not in this process and supervises, or is not on this device, is behind
 * the guard from before its first request. */
static void slot_guard(lw_session *s, struct model_slot *slot)
{
    if (!slot->server) return;
    if (slot == &s->worker && provider_info(slot->server)->on_device) return;
    slot->llm = guard_wrap(slot->llm, &s->docs, &slot->egress);
    slot->guarded = true;
    slot->n_docs = s->docs.n_docs;
}

static int slot_get(lw_session *s, struct model_slot *slot, const char *model,
                    struct lw_error *err)
{
    char *key = slot_key(s, model);
    local_models_set_idle(s);
    if (slot_serves(s, slot, key)) {
        mem_free(key);
        /* Parts are cut by the worker's own count of tokens. */
        bool counts = slot == &s->worker && slot->resident;
        return counts ? resident_wake(slot->resident, err) : 0;
    }
    slot_close(slot);
    int code = open_model(s, model, slot, err);
    if (code) {
        slot->llm = NULL;
        mem_free(key);
        return code;
    }
    slot_guard(s, slot);
    if (slot == &s->worker) slot->llm = as_worker(slot->llm);
    slot->made_for = key;
    return 0;
}

/* --- Servers ------------------------------------------------------------- */

static struct llm *server_behind(const lw_session *s, const struct llm *model)
{
    if (model && model == s->worker.llm) return s->worker.server;
    return model && model == s->supervisor.llm ? s->supervisor.server : NULL;
}

const struct llm_info *server_place(const lw_session *s, const struct llm *model)
{
    struct llm *server = server_behind(s, model);
    return server ? provider_info(server) : NULL;
}

int server_ask(lw_session *s, const struct llm *model, struct lw_error *err)
{
    struct llm *server = server_behind(s, model);
    struct lw_error why = { .code = 0 };
    int code = server ? provider_ask(server, &s->cancel, &why) : 0;
    if (!code) return 0;
    bool worker = model == s->worker.llm;
    return err_set(err, worker && code == LW_ERR_REMOTE ? LW_ERR_LOCAL : code, "%s",
                   why.message);
}

/* --- The models of a session --------------------------------------------- */

bool worker_is_server(const lw_session *s)
{
    const char *model = options_string(&s->options, OPT_LOCAL);
    return model && (strstr(model, "://") || provider_is_name(model));
}

int worker_get(lw_session *s, struct llm **out, struct lw_error *err)
{
    const char *model = options_string(&s->options, OPT_LOCAL);
    if (model && strstr(model, ",http")) {
        return err_set(err, LW_ERR_USAGE,
                       "local names several servers; legwork works with one, which "
                       "may itself spread the requests");
    }
    int code = slot_get(s, &s->worker, model, err);
    if (code) return code;
    const struct llm_info *place = server_place(s, s->worker.llm);
    if (place && !place->on_device) {
        code = check_allowed(s, place->name, place->where, err);
        if (!code) say_elsewhere(s, place->where);
    }
    if (!code) *out = s->worker.llm;
    return code;
}

int supervisor_get(lw_session *s, struct llm **out, struct lw_error *err)
{
    int code = slot_get(s, &s->supervisor, options_string(&s->options, OPT_REMOTE), err);
    if (!code) *out = s->supervisor.llm;
    return code;
}

/* A server would be sent the documents for the sake of a better order: not before
 * somebody needs that. */
int embedder_get(lw_session *s, struct llm **out, struct lw_error *err)
{
    const char *model = options_string(&s->options, OPT_EMBED);
    *out = NULL;
    if (!model) return 0;
    if (strstr(model, "://") || provider_is_name(model)) {
        return err_set(err, LW_ERR_USAGE,
                       "%s is a server, and embeddings are made in this process only: "
                       "name a GGUF file with --embed",
                       model);
    }
    int code = slot_get(s, &s->embedder, model, err);
    if (!code) *out = s->embedder.llm;
    return code;
}
