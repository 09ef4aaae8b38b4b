/* resident.c - who is in memory, who is asked, who may go.
 *
 * One lock for the set. A resident that is being opened or closed is `busy`: the lock
 * is not held meanwhile, and whoever needs that resident waits for `changed`. A model
 * that somebody uses is never closed; no call waits for room while it uses one, so that
 * waiting ends. What would not fit with all others gone is opened all the same, and
 * fails with its own sentence about memory. */
#include "models/resident.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

#include <stdio.h>

enum { LOOK_MS = 100 }; /* at the cancel token, while there is no room */

struct resident {
    struct llm llm; /* first: an llm pointer is a resident pointer */
    struct residents *set;
    struct resident *next;
    struct resident_model model;
    struct llm_info info;
    char *name, *info_name, *info_where;
    struct llm *inner; /* NULL: not in memory */
    uint64_t takes;    /* bytes, as far as known */
    int n_users;       /* calls under way */
    bool busy;         /* being opened or closed */
    int64_t used_ms;   /* when the last call ended */
};

struct residents {
    struct residents_options opt;
    pthread_mutex_t lock; /* for all below, and for the residents */
    pthread_cond_t changed;
    struct resident *first;
    int64_t idle_ms; /* 0: for ever */
    bool loading;    /* some resident is being opened */
    bool ending;
    bool has_thread;
    bool waits;       /* somebody waits for the end of a call */
    pthread_t thread; /* closes what is idle */
};

static struct resident *resident_of(struct llm *llm)
{
    return (struct resident *)llm;
}

/* --- Closing ------------------------------------------------------------- */

static void trace(const struct residents *set, const struct resident *r, const char *what)
{
    char sentence[400];
    if (!set->opt.trace) return;
    snprintf(sentence, sizeof sentence, "%s %s", r->name, what);
    set->opt.trace(set->opt.user, sentence);
}

static bool may_go(const struct resident *r)
{
    return r->inner && r->n_users == 0 && !r->busy;
}

/* With the lock, which is let go meanwhile. */
static void put_out(struct resident *r, const char *why)
{
    struct residents *set = r->set;
    r->busy = true;
    pthread_mutex_unlock(&set->lock);
    llm_close(r->inner);
    trace(set, r, why);
    pthread_mutex_lock(&set->lock);
    r->inner = NULL;
    r->busy = false;
    pthread_cond_broadcast(&set->changed);
}

static struct resident *longest_unused(const struct residents *set)
{
    struct resident *oldest = NULL;
    for (struct resident *r = set->first; r; r = r->next) {
        if (may_go(r) && (!oldest || r->used_ms < oldest->used_ms)) oldest = r;
    }
    return oldest;
}

/* --- Idle ---------------------------------------------------------------- */

static void *run_idle(void *arg)
{
    struct residents *set = arg;
    pthread_mutex_lock(&set->lock);
    while (!set->ending) {
        struct resident *r = longest_unused(set);
        if (!r || set->idle_ms == 0) {
            set->waits = true;
            pthread_cond_wait(&set->changed, &set->lock);
        } else if (clock_ms() < r->used_ms + set->idle_ms) {
            thread_wait_until(&set->changed, &set->lock, r->used_ms + set->idle_ms);
        } else {
            put_out(r, "was not used for a while and is out of memory");
        }
    }
    pthread_mutex_unlock(&set->lock);
    return NULL;
}

/* Without the thread models stay until another one needs their memory. */
static void start_idle(struct residents *set)
{
    if (set->has_thread || set->idle_ms == 0 || !set->first) return;
    set->has_thread = thread_start(&set->thread, run_idle, set) == 0;
}

/* --- Opening ------------------------------------------------------------- */

/* Would the rest fit if all others were gone? */
static bool is_worth_waiting(const struct residents *set, uint64_t missing)
{
    uint64_t others = 0;
    for (const struct resident *r = set->first; r; r = r->next) {
        if (r->inner) others += r->takes;
    }
    return missing <= others;
}

/* What free memory does not hold goes, as soon as it may. */
static void make_room(struct residents *set, struct resident *for_whom)
{
    const struct resident_model *model = &for_whom->model;
    uint64_t need = for_whom->takes = model->need ? model->need(model->user) : 0;
    while (set->opt.memory_free && cancel_level(model->cancel) == CANCEL_NONE) {
        uint64_t free_bytes = set->opt.memory_free();
        if (free_bytes == 0 || need <= free_bytes) return;
        struct resident *r = longest_unused(set);
        if (r) {
            put_out(r, "made room in memory for another model");
        } else if (is_worth_waiting(set, need - free_bytes)) {
            set->waits = true;
            thread_wait_until(&set->changed, &set->lock, clock_ms() + LOOK_MS);
        } else {
            return;
        }
    }
}

/* With the lock, which is let go while the model is opened. */
static int bring_in(struct resident *r, bool again, struct lw_error *err)
{
    struct residents *set = r->set;
    r->busy = true;
    while (set->loading) pthread_cond_wait(&set->changed, &set->lock);
    set->loading = true;
    make_room(set, r);
    pthread_mutex_unlock(&set->lock);
    struct llm *inner = NULL;
    int code = r->model.open(r->model.user, again, &inner, err);
    if (!code && again) trace(set, r, "is loaded again");
    pthread_mutex_lock(&set->lock);
    r->inner = code ? NULL : inner;
    set->loading = r->busy = false;
    pthread_cond_broadcast(&set->changed);
    return code;
}

/* From here to let_go() the model stays open. */
static int hold(struct resident *r, struct lw_error *err)
{
    struct residents *set = r->set;
    pthread_mutex_lock(&set->lock);
    while (r->busy) pthread_cond_wait(&set->changed, &set->lock);
    int code = r->inner ? 0 : bring_in(r, true, err);
    if (!code) r->n_users++;
    pthread_mutex_unlock(&set->lock);
    return code;
}

/* Counting tokens comes here thousands of times: nobody is woken for nothing. */
static void let_go(struct resident *r)
{
    struct residents *set = r->set;
    pthread_mutex_lock(&set->lock);
    r->n_users--;
    r->used_ms = clock_ms();
    if (set->waits) pthread_cond_broadcast(&set->changed);
    set->waits = false;
    pthread_mutex_unlock(&set->lock);
}

int resident_wake(struct llm *llm, struct lw_error *err)
{
    struct resident *r = resident_of(llm);
    int code = hold(r, err);
    if (!code) let_go(r);
    return code;
}

/* --- The llm ------------------------------------------------------------- */

static const struct llm_info *resident_info(struct llm *llm)
{
    return &resident_of(llm)->info;
}

static int resident_count_tokens(struct llm *llm, const char *text, size_t len)
{
    struct resident *r = resident_of(llm);
    struct lw_error err;
    if (hold(r, &err)) return (int)(len / 3) + 1;
    int n = llm_count_tokens(r->inner, text, len);
    let_go(r);
    return n;
}

static void fail_all(size_t n, const struct lw_error *why, llm_reply_fn on_reply,
                     void *user)
{
    bool cancelled = why->code == LW_CANCELLED || why->code == LW_TIMEOUT;
    struct llm_reply reply = llm_no_reply(cancelled ? LLM_CANCELLED : LLM_FAILED);
    reply.error = *why;
    for (size_t i = 0; i < n; i++) on_reply(user, i, &reply);
}

static int resident_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                              llm_reply_fn on_reply, void *user,
                              const struct cancel *cancel, struct lw_error *err)
{
    struct resident *r = resident_of(llm);
    struct lw_error why;
    if (hold(r, &why)) {
        fail_all(n, &why, on_reply, user);
        bool ends = cancel_level(cancel) == CANCEL_ABORT;
        return ends ? err_set(err, LW_CANCELLED, "cancelled") : 0;
    }
    int code = llm_chat_many(r->inner, reqs, n, on_reply, user, cancel, err);
    let_go(r);
    return code;
}

static int resident_embed(struct llm *llm, const struct llm_part *texts, size_t n,
                          float *out, const struct cancel *cancel, struct lw_error *err)
{
    struct resident *r = resident_of(llm);
    int code = hold(r, err);
    if (code) return code;
    code = llm_embed(r->inner, texts, n, out, cancel, err);
    let_go(r);
    return code;
}

static void take_out(struct resident *r)
{
    struct residents *set = r->set;
    pthread_mutex_lock(&set->lock);
    while (r->busy) pthread_cond_wait(&set->changed, &set->lock);
    for (struct resident **at = &set->first; *at; at = &(*at)->next) {
        if (*at == r) {
            *at = r->next;
            break;
        }
    }
    pthread_mutex_unlock(&set->lock);
}

static void resident_close(struct llm *llm)
{
    struct resident *r = resident_of(llm);
    take_out(r);
    llm_close(r->inner);
    if (r->model.release) r->model.release(r->model.user);
    mem_free(r->name);
    mem_free(r->info_name);
    mem_free(r->info_where);
    mem_free(r);
}

static const struct llm_ops resident_ops = { .close = resident_close,
                                             .info = resident_info,
                                             .count_tokens = resident_count_tokens,
                                             .chat_many = resident_chat_many,
                                             .embed = resident_embed };

int resident_open(struct llm **out, struct residents *set,
                  const struct resident_model *model, struct lw_error *err)
{
    struct resident *r = mem_alloc(sizeof *r);
    r->llm.ops = &resident_ops;
    r->set = set;
    r->model = *model;
    r->name = mem_strdup(model->name);
    pthread_mutex_lock(&set->lock);
    int code = bring_in(r, false, err);
    if (code) {
        pthread_mutex_unlock(&set->lock);
        mem_free(r->name);
        mem_free(r);
        return code;
    }
    r->info = *llm_info(r->inner);
    r->info.name = r->info_name = mem_strdup(r->info.name);
    r->info.where = r->info_where = mem_strdup(r->info.where);
    r->used_ms = clock_ms();
    r->next = set->first;
    set->first = r;
    start_idle(set);
    pthread_cond_broadcast(&set->changed);
    pthread_mutex_unlock(&set->lock);
    *out = &r->llm;
    return 0;
}

/* --- The set ------------------------------------------------------------- */

struct residents *residents_new(const struct residents_options *opt)
{
    struct residents *set = mem_alloc(sizeof *set);
    set->opt = *opt;
    pthread_mutex_init(&set->lock, NULL);
    thread_condition_init(&set->changed);
    return set;
}

void residents_free(struct residents *set)
{
    if (!set) return;
    if (set->has_thread) {
        pthread_mutex_lock(&set->lock);
        set->ending = true;
        pthread_cond_broadcast(&set->changed);
        pthread_mutex_unlock(&set->lock);
        pthread_join(set->thread, NULL);
    }
    pthread_cond_destroy(&set->changed);
    pthread_mutex_destroy(&set->lock);
    mem_free(set);
}

void residents_set_idle(struct residents *set, int64_t ms)
{
    pthread_mutex_lock(&set->lock);
    set->idle_ms = ms;
    start_idle(set);
    pthread_cond_broadcast(&set->changed);
    pthread_mutex_unlock(&set->lock);
}
