/* keep.c - what a group takes when it begins, and leaves when it ends. */
#include "engine/keep.h"

#include "base/mem.h"

#include <stdlib.h>

enum { KEEP_TOKENS_MIN = 48 }; /* a shorter prefix is computed again sooner than kept */

void keep_init(struct keep *k, const struct loaded *m, const struct schedule *sched,
               struct kv_disk *disk, uint64_t memory_bytes)
{
    *k = (struct keep){
        .m = m,
        .sched = sched,
        .disk = disk,
        .memory = prefix_store_new(memory_bytes),
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
        if (other == g || !holds_all_from_start(k, other->sched.prefix.seq)) {
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
    bool from_start =
        k->m->sharing != LOAD_SHARE_ANY || llama_memory_seq_pos_min(memory, seq) == 0;
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

bool keep_is_on_disk(struct keep *k, struct turn_group *g)
{
    if (!g->on_disk && k->disk && g->source) {
        g->on_disk = kv_disk_use(k->disk, g->source->id, g->prefix.ids, (int)g->prefix.n);
    }
    return g->on_disk;
}

/* The whole prefix from disk into the group's sequence, which is empty. A state that
 * libllama does not take is none: its tokens are computed. */
static bool restore_from_disk(struct keep *k, struct turn_group *g)
{
    struct prefix_entry e = { .n_tokens = (int)g->prefix.n };

    if (!k->disk || !g->source || e.n_tokens == 0) {
        return false;
    }
    e.state =
        kv_disk_load(k->disk, g->source->id, g->prefix.ids, e.n_tokens, &e.state_bytes);
    g->on_disk = e.state && restore(k, &e, g->sched.prefix.seq, e.n_tokens);
    free(e.state);
    if (g->on_disk) {
        struct disk_account *a = account_of(g);
        a->n_found++;
        a->tokens_found += e.n_tokens;
        a->bytes_found += e.state_bytes;
    }
    return g->on_disk;
}

int keep_begin(struct keep *k, struct turn_group *g)
{
    int near_common, kept_common;
    struct turn_group *near = best_neighbour(k, g, &near_common);
    struct prefix_entry *e =
        prefix_find(k->memory, g->prefix.ids, (int)g->prefix.n, &kept_common);
    int most = kept_common > near_common ? kept_common : near_common;

    if (most < (int)g->prefix.n && restore_from_disk(k, g)) {
        return (int)g->prefix.n;
    }
    if (e && kept_common > near_common && worth_restoring(k, e, kept_common) &&
        restore(k, e, g->sched.prefix.seq, kept_common)) {
        prefix_touch(k->memory, e, e->promise);
        return kept_common;
    }
    if (near) {
        llama_memory_seq_cp(k->m->memory, near->sched.prefix.seq, g->sched.prefix.seq, 0,
                            near_common);
    }
    return near_common;
}

/* --- A group ends --------------------------------------------------------- */

/* Returns the group's state in memory, NULL if it has no place there. */
static struct prefix_entry *keep_in_memory(struct keep *k, const struct turn_group *g)
{
    int n = (int)g->prefix.n, seq = g->sched.prefix.seq, common;
    struct prefix_entry *e = prefix_find(k->memory, g->prefix.ids, n, &common);

    if (e && common == n && e->n_tokens == n) {
        prefix_touch(k->memory, e, g->promise);
        return e;
    }
    size_t bytes = llama_state_seq_get_size(k->m->ctx, seq);
    e = bytes > 0 ? prefix_put(k->memory, g->prefix.ids, n, bytes, g->promise) : NULL;
    if (e && llama_state_seq_get_data(k->m->ctx, e->state, bytes, seq) != bytes) {
        prefix_drop(k->memory, e);
        e = NULL;
    }
    return e;
}

static void save(struct keep *k, struct turn_group *g, const unsigned char *state,
                 size_t bytes)
{
    struct disk_account *a = account_of(g);

    kv_disk_save(k->disk, g->source->id, g->source->name, g->prefix.ids, (int)g->prefix.n,
                 state, bytes);
    g->on_disk = true;
    a->n_kept++;
    a->tokens_kept += (int64_t)g->prefix.n;
    a->bytes_kept += bytes;
}

/* in_memory: the same state, NULL if it is not there. */
static void keep_on_disk(struct keep *k, struct turn_group *g,
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
    size_t least = g->source ? 1 : KEEP_TOKENS_MIN;

    return k->m->sharing != LOAD_SHARE_NOTHING && g->prefix.n >= least &&
           (size_t)g->sched.prefix.n_done >= g->prefix.n;
}

void keep_end(struct keep *k, struct turn_group *g)
{
    if (!worth_keeping(k, g)) {
        return;
    }
    const struct prefix_entry *e = keep_in_memory(k, g);
    if (k->disk && g->source && !keep_is_on_disk(k, g)) {
        keep_on_disk(k, g, e);
    }
}
