/* resolve.c - which model a name means here, and the rules on where it may be.
 *
 * A name is a provider's or a URL (providers/ knows), else a GGUF file
 * (models/ knows). This is also where keys are looked up: each provider gets
 * its own and no other, and a server named by URL only LEGWORK_API_KEY, so that
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

static const char url_key_variable[] = "LEGWORK_API_KEY";

/* --- Opening ------------------------------------------------------------- */

static const struct provider_spec *provider_of(const char *model)
{
    size_t len = strcspn(model, "/");
    for (const struct provider_spec *p = provider_table(); p->id; p++) {
        if (strlen(p->id) == len && strncmp(p->id, model, len) == 0) return p;
    }
    return NULL;
}

static int open_server(lw_session *s, const char *model, struct model_slot *slot,
                       struct lw_error *err)
{
    struct http_options http = { .user_agent = "legwork/" LW_VERSION };
    int code = s->http ? 0 : http_open(&s->http, &http, err);
    if (code) return code;
    const struct provider_spec *spec = strstr(model, "://") ? NULL : provider_of(model);
    const char *key_variable = spec ? spec->key_variable : url_key_variable;
    const char *url_variable = spec ? spec->url_variable : NULL;
    struct provider_options opt = {
        .model = model,
        .base_url = url_variable ? options_secret(url_variable) : NULL,
        .key = key_variable ? options_secret(key_variable) : NULL,
        .parallel = (int)options_int(&s->options, OPT_PARALLEL),
        .http = s->http,
        .notice = event_post_notice,
        .user = &s->events,
    };
    code = provider_open(&slot->llm, &opt, err);
    if (!code) slot->server = provider_info(slot->llm);
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
    OPT_MMAP,    OPT_NUMA,    OPT_KV_TYPE,
};

static char *slot_key(const lw_session *s, const char *model)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    const char *dir = options_string(&s->options, OPT_MODELS_DIR);
    buf_addf(&key, "%s\n%s\n%" PRIu64, model ? model : "", dir ? dir : "",
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
    if (!slot->server || (slot == &s->worker && slot->server->on_device)) return;
    slot->llm = guard_wrap(slot->llm, &s->docs, &s->egress);
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

/* --- The worker's place -------------------------------------------------- */

/* Does "host" or "host:port" of the list name where? */
static bool host_is(const char *allowed, size_t len, const char *where)
{
    const char *colon = strrchr(where, ':');
    size_t host_len = colon ? (size_t)(colon - where) : strlen(where);
    bool whole = len == strlen(where) && strncasecmp(allowed, where, len) == 0;
    return whole || (len == host_len && strncasecmp(allowed, where, len) == 0);
}

static bool host_is_allowed(const char *list, const char *where)
{
    while (list && *list) {
        size_t len = strcspn(list, ",");
        if (host_is(list, len, where)) return true;
        list += len + (list[len] == ',');
    }
    return false;
}

/* The documents would leave the machine: only where the user has said so. */
static int allow_elsewhere(lw_session *s, const struct llm_info *info,
                           struct lw_error *err)
{
    const char *where = info->where;
    if (!host_is_allowed(options_string(&s->options, OPT_ALLOW_WORKER), where)) {
        const char *colon = strrchr(where, ':');
        int len = colon ? (int)(colon - where) : (int)strlen(where);
        return err_set(
            err, LW_ERR_POLICY,
            "the worker %s is on another machine (%s) and would be sent the "
            "documents; allow it with --allow-worker %.*s, or choose a model on this "
            "machine",
            info->name, where, len, where);
    }
    char notice[512];
    snprintf(notice, sizeof notice,
             "The worker is on another machine: the text of the documents is sent to %s.",
             where);
    event_notice(&s->events, notice);
    return 0;
}

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
    const struct llm_info *server = s->worker.server;
    if (server && !server->on_device) code = allow_elsewhere(s, server, err);
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
