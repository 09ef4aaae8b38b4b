/* keep.c - what a group takes when it begins, and what it and its screenings leave. */
#include "engine/keep.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_TOKENS_MIN = 48 }; /* a shorter prefix is computed again sooner than kept */

void keep_init(struct keep *k, const struct loaded *m, struct schedule *sched,
               struct kv_disk *disk, uint64_t memory_bytes, uint64_t rest_bytes)
{
    *k = (struct keep){
        .m = m,
        .sched = sched,
        .disk = disk,
        .memory = prefix_store_new(memory_bytes, rest_bytes),
    };
}

void keep_release(struct keep *k)
{
    prefix_store_free(k->memory);
    *k = (struct keep){ .m = NULL };
}

/* --- A group begins ------------------------------------------------------- */

static bool holds_all_from_start(const struct keep *k, int seq)
{
    return llama_memory_seq_pos_min(k->m->memory, seq) == 0;
}

/* The group inside whose sequence shares most with g. */
static struct turn_group *best_neighbour(struct keep *k, const struct turn_group *g,
                                         int *common)
{
    struct turn_group *best = NULL;

    *common = 0;
    for (int i = 0; i < k->sched->n_groups; i++) {
        struct turn_group *other = (struct turn_group *)k->sched->groups[i];
        if (other == g || other->spoiled ||
            !holds_all_from_start(k, other->sched.prefix.seq)) {
            continue;
        }
        int same = prefix_common(other->prefix.ids, other->sched.prefix.n_done,
                                 g->prefix.ids, (int)g->prefix.n);
        if (same > *common) {
            best = other;
            *common = same;
        }
    }
    return best;
}

/* Is it worth bringing back this state for its first `common` tokens? */
static bool worth_restoring(const struct keep *k, const struct prefix_entry *e,
                            int common)
{
    if (common == e->n_tokens) {
        return true;
    }
    return k->m->sharing == LOAD_SHARE_ANY && common >= KEEP_TOKENS_MIN &&
           common >= e->n_tokens / 2;
}

/* The state's first `common` tokens into a sequence that is empty. */
static bool restore(struct keep *k, const struct prefix_entry *e, int seq, int common)
{
    llama_memory_t memory = k->m->memory;
    size_t used = llama_state_seq_set_data(k->m->ctx, e->state, e->state_bytes, seq);

    if (used != e->state_bytes) {
        llama_memory_seq_rm(memory, seq, -1, -1);
        return false;
    }
    if (common < e->n_tokens) {
        llama_memory_seq_rm(memory, seq, common, -1);
    }
    bool from_start = k->m->sharing != LOAD_SHARE_ANY || holds_all_from_start(k, seq);
    if (llama_memory_seq_pos_max(memory, seq) != common - 1 || !from_start) {
        llama_memory_seq_rm(memory, seq, -1, -1);
        return false;
    }
    return true;
}

static struct disk_account *account_of(const struct turn_group *g)
{
    return &((struct call *)g->sched.call)->disk;
}

/* The sources of the group's requests, each once: the same text may stand in several
 * documents, and each may be asked about many times. *r is where to go on, at first
 * the group's first request. NULL: that was the last. */
static const struct llm_source *next_source(const struct sched_request **r)
{
    while (*r) {
        const struct turn *t = (const struct turn *)*r;
        *r = (*r)->next;
        if (t->first_of_source) {
            return t->req->source;
        }
    }
    return NULL;
}

bool keep_is_on_disk(struct keep *k, const struct turn_group *g,
                     const struct llm_source *source)
{
    return k->disk && source &&
           kv_disk_use(k->disk, source->id, g->prefix.ids, (int)g->prefix.n);
}

/* The whole prefix, as it was kept under this source, into the group's sequence, which is
 * empty. */
static bool restore_from_disk(struct keep *k, struct turn_group *g,
                              const struct llm_source *source)
{
    struct prefix_entry e = { .n_tokens = (int)g->prefix.n };

    e.state =
        kv_disk_load(k->disk, source->id, g->prefix.ids, e.n_tokens, &e.state_bytes);
    bool restored = e.state && restore(k, &e, g->sched.prefix.seq, e.n_tokens);
    if (e.state && !restored) {
        kv_disk_refuse(k->disk, source->id, g->prefix.ids, e.n_tokens,
                       "libllama does not take it");
    }
    free(e.state);
    if (restored) {
        struct disk_account *a = account_of(g);
        a->n_found++;
        a->tokens_found += e.n_tokens;
        a->bytes_found += e.state_bytes;
    }
    return restored;
}

/* Under whichever of its sources it is there. */
static bool find_on_disk(struct keep *k, struct turn_group *g)
{
    const struct sched_request *r = g->sched.first;
    const struct llm_source *source;
    bool found = false;

    while (k->disk && g->prefix.n > 0 && !found && (source = next_source(&r))) {
        found = restore_from_disk(k, g, source);
    }
    return found;
}

/* The prompt of the group's first turn that is still open, but for its last token. Where
 * states cannot be cut the group's prefix. */
static struct tokens wanted(const struct keep *k, const struct turn_group *g)
{
    const struct sched_request *r = g->sched.first;
    struct tokens all = { .n = 0 };

    while (r->next && r->state == SCHED_OVER) r = r->next;
    const struct turn *t = (const struct turn *)r;
    tokens_add_all(&all, g->prefix.ids, g->prefix.n);
    if (k->m->sharing == LOAD_SHARE_ANY) tokens_add_all(&all, t->own.ids, t->own.n - 1);
    return all;
}

/* The first n tokens of what is wanted, from the state in memory. */
static bool restore_from_memory(struct keep *k, struct turn_group *g,
                                const struct prefix_entry *e, const struct tokens *want,
                                int n)
{
    int n_prefix = (int)g->prefix.n, n_behind = n > n_prefix ? n - n_prefix : 0;

    if (!worth_restoring(k, e, n)) {
        return false;
    }
    if (!sched_reserve_behind(k->sched, &g->sched, n_behind)) {
        n_behind = 0;
        n = n_prefix;
    }
    if (!restore(k, e, g->sched.prefix.seq, n)) {
        sched_reserve_behind(k->sched, &g->sched, 0);
        return false;
    }
    tokens_add_all(&g->behind, want->ids + n_prefix, (size_t)n_behind);
    return true;
}

int keep_begin(struct keep *k, struct turn_group *g)
{
    int n_prefix = (int)g->prefix.n, near_common, kept_common;
    struct turn_group *near = best_neighbour(k, g, &near_common);
    struct tokens want = wanted(k, g);
    struct prefix_entry *e = prefix_find(k->memory, want.ids, (int)want.n, &kept_common);
    int most = kept_common > near_common ? kept_common : near_common, found = near_common;

    if (most < n_prefix && find_on_disk(k, g)) {
        found = n_prefix;
    } else if (e && kept_common > near_common &&
               restore_from_memory(k, g, e, &want, kept_common)) {
        prefix_touch(k->memory, e, isinf(e->promise) ? g->promise : e->promise);
        found = kept_common < n_prefix ? kept_common : n_prefix;
    } else if (near) {
        llama_memory_seq_cp(k->m->memory, near->sched.prefix.seq, g->sched.prefix.seq, 0,
                            near_common);
    }
    tokens_release(&want);
    return found;
}

int keep_start(struct keep *k, struct turn *t)
{
    const struct turn_group *g = (const struct turn_group *)t->sched.group;
    int n = (int)g->prefix.n +
            prefix_common(g->behind.ids, (int)g->behind.n, t->own.ids, (int)t->own.n - 1);

    llama_memory_seq_cp(k->m->memory, g->sched.prefix.seq, t->sched.work.seq, 0, n);
    return n;
}

/* --- States in memory ---------------------------------------------------- */

/* The sequence's state in memory; NULL if it has no place there. */
static struct prefix_entry *put(struct keep *k, const struct tokens *tokens, int seq,
                                double promise)
{
    size_t bytes = llama_state_seq_get_size(k->m->ctx, seq);
    struct prefix_entry *e =
        bytes > 0 ? prefix_put(k->memory, tokens->ids, (int)tokens->n, bytes, promise)
                  : NULL;

    if (e && llama_state_seq_get_data(k->m->ctx, e->state, bytes, seq) != bytes) {
        prefix_drop(k->memory, e);
        e = NULL;
    }
    return e;
}

/* The kept state that begins with the group's whole prefix; NULL: there is none. */
static struct prefix_entry *find_whole(struct keep *k, const struct turn_group *g)
{
    int common, n = (int)g->prefix.n;
    struct prefix_entry *e = prefix_find(k->memory, g->prefix.ids, n, &common);

    return e && common == n ? e : NULL;
}

/* --- A group rests -------------------------------------------------------- */

/* One that rests stays whatever else promises: who reads it again loses seconds. */
int keep_rest(struct keep *k, struct turn_group *g)
{
    const struct turn_group *next = (const struct turn_group *)g->sched.next;
    struct prefix_entry *e = find_whole(k, g);
    int seq = g->sched.prefix.seq;
    int n = next ? prefix_common(g->prefix.ids, (int)g->prefix.n, next->prefix.ids,
                                 (int)next->prefix.n)
                 : 0;

    if (k->m->sharing != LOAD_SHARE_ANY || k->m->on_gpu || g->spoiled ||
        (int)g->prefix.n < n + KEEP_TOKENS_MIN) {
        return -1;
    }
    if (e) {
        prefix_touch(k->memory, e, INFINITY);
    } else if (!put(k, &g->prefix, seq, INFINITY)) {
        return -1;
    }
    llama_memory_seq_rm(k->m->memory, seq, n, -1);
    return n;
}

/* --- A screening ends ----------------------------------------------------- */

void keep_scored(struct keep *k, const struct turn *t)
{
    const struct turn_group *g = (const struct turn_group *)t->sched.group;
    int seq = t->sched.work.seq;

    if (k->m->sharing != LOAD_SHARE_ANY || t->max_reply > 0 || !turn_screens(t) ||
        t->sched.state != SCHED_INSIDE || g->prefix.n < KEEP_TOKENS_MIN ||
        isnan(t->logprob_alt) || -t->logprob_alt < g->promise ||
        !holds_all_from_start(k, seq)) {
        return;
    }
    /* One state an excerpt. */
    struct prefix_entry *before = find_whole(k, g);
    if (before) prefix_drop(k->memory, before);
    struct tokens all = { .n = 0 };
    tokens_add_all(&all, g->prefix.ids, g->prefix.n);
    tokens_add_all(&all, t->own.ids, t->own.n);
    put(k, &all, seq, g->promise);
    tokens_release(&all);
}

/* --- A group ends --------------------------------------------------------- */

/* What was behind it is not to go to disk, and nobody needs it any more. */
static void cut_behind(struct keep *k, const struct turn_group *g)
{
    if (g->behind.n > 0) {
        llama_memory_seq_rm(k->m->memory, g->sched.prefix.seq, (llama_pos)g->prefix.n,
                            -1);
    }
}

/* Was the question behind it gone on with, and not only begun in the same words? */
static bool was_answered(const struct turn_group *g, const struct prefix_entry *e)
{
    return g->behind.n > 0 && (size_t)e->n_tokens <= g->prefix.n + g->behind.n + 1;
}

/* Returns the state of the prefix alone in memory, NULL if it is not there. */
static struct prefix_entry *keep_in_memory(struct keep *k, const struct turn_group *g,
                                           bool on_disk)
{
    struct prefix_entry *e = find_whole(k, g);

    if (!e) {
        return g->sched.rests ? NULL
                              : put(k, &g->prefix, g->sched.prefix.seq, g->promise);
    }
    if (on_disk && was_answered(g, e)) {
        prefix_drop(k->memory, e); /* room for those that wait for theirs */
    } else {
        prefix_touch(k->memory, e, g->promise);
    }
    e = find_whole(k, g);
    return e && (size_t)e->n_tokens == g->prefix.n ? e : NULL;
}

/* Under each of its documents? Each may be asked for, or forgotten, by itself. */
static bool all_on_disk(struct keep *k, const struct turn_group *g)
{
    const struct sched_request *r = g->sched.first;
    const struct llm_source *source;
    bool all = g->has_source;

    while ((source = next_source(&r))) {
        all = keep_is_on_disk(k, g, source) && all;
    }
    return all;
}

static void save(struct keep *k, const struct turn_group *g, const unsigned char *state,
                 size_t bytes)
{
    const struct sched_request *r = g->sched.first;
    const struct llm_source *source;
    struct disk_account *a = account_of(g);

    while ((source = next_source(&r))) {
        if (kv_disk_save(k->disk, source->id, source->name, g->prefix.ids,
                         (int)g->prefix.n, state, bytes)) {
            a->n_kept++;
            a->tokens_kept += (int64_t)g->prefix.n;
            a->bytes_kept += bytes;
        }
    }
}

/* in_memory: the same state, NULL if it is not there. */
static void keep_on_disk(struct keep *k, const struct turn_group *g,
                         const struct prefix_entry *in_memory)
{
    if (in_memory) {
        save(k, g, in_memory->state, in_memory->state_bytes);
        return;
    }
    int seq = g->sched.prefix.seq;
    size_t bytes = llama_state_seq_get_size(k->m->ctx, seq);
    unsigned char *state = bytes > 0 ? malloc(bytes) : NULL;
    if (state && llama_state_seq_get_data(k->m->ctx, state, bytes, seq) == bytes) {
        save(k, g, state, bytes);
    }
    free(state);
}

/* What was computed whole, and is long or a document's: a short part of one is its
 * instructions too. */
static bool worth_keeping(const struct keep *k, const struct turn_group *g)
{
    size_t least = g->has_source ? 1 : KEEP_TOKENS_MIN;

    return k->m->sharing != LOAD_SHARE_NOTHING && g->prefix.n >= least &&
           (g->sched.rests || (size_t)g->sched.prefix.n_done >= g->prefix.n);
}

/* Its prefix may be to blame or the tokens behind it: who knows computes both again. */
static void drop_spoiled(struct keep *k, const struct turn_group *g)
{
    const struct sched_request *r = g->sched.first;
    const struct llm_source *source;
    struct prefix_entry *e = find_whole(k, g);

    if (e) prefix_drop(k->memory, e);
    while ((source = next_source(&r))) {
        if (keep_is_on_disk(k, g, source)) {
            kv_disk_refuse(k->disk, source->id, g->prefix.ids, (int)g->prefix.n,
                           "the model computes no numbers from it");
        }
    }
}

void keep_end(struct keep *k, struct turn_group *g)
{
    if (g->spoiled) {
        drop_spoiled(k, g);
        return;
    }
    if (!worth_keeping(k, g)) {
        return;
    }
    cut_behind(k, g);
    bool on_disk = all_on_disk(k, g);
    const struct prefix_entry *e = keep_in_memory(k, g, on_disk);
    if (k->disk && g->has_source && !on_disk && (e || !g->sched.rests)) {
        keep_on_disk(k, g, e);
    }
}
