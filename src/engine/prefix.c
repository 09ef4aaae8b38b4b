/* prefix.c - a bounded list of kept states, the least promising out first.
 *
 * A hundred entries of megabytes each: a plain list is searched in no time, as
 * entries differ within their first tokens or share them all. Entries are
 * allocated one by one, so a pointer to one stays good while others go.
 *
 * Invariant: bytes is the sum over the entries, never more than lent_max, and never more
 * than bytes_max but for entries that are lent. */
#include "engine/prefix.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct prefix_store {
    struct prefix_entry **entries;
    size_t n, cap;
    uint64_t bytes, bytes_max, lent_max;
    uint64_t offered; /* puts and touches so far */
};

struct prefix_store *prefix_store_new(uint64_t bytes_max, uint64_t lent_max)
{
    struct prefix_store *store = mem_alloc(sizeof *store);

    assert(lent_max >= bytes_max);
    store->bytes_max = bytes_max;
    store->lent_max = lent_max;
    return store;
}

static void free_entry(struct prefix_entry *entry)
{
    free(entry->state);
    mem_free(entry->tokens);
    mem_free(entry);
}

void prefix_store_free(struct prefix_store *store)
{
    if (!store) {
        return;
    }
    for (size_t i = 0; i < store->n; i++) {
        free_entry(store->entries[i]);
    }
    mem_free(store->entries);
    mem_free(store);
}

uint64_t prefix_store_bytes(const struct prefix_store *store)
{
    return store->bytes;
}

size_t prefix_store_count(const struct prefix_store *store)
{
    return store->n;
}

int prefix_common(const int32_t *a, int n_a, const int32_t *b, int n_b)
{
    int n = n_a < n_b ? n_a : n_b, i = 0;

    while (i < n && a[i] == b[i]) {
        i++;
    }
    return i;
}

struct prefix_entry *prefix_find(struct prefix_store *store, const int32_t *tokens, int n,
                                 int *common)
{
    struct prefix_entry *best = NULL;
    int best_common = 0;

    for (size_t i = 0; i < store->n; i++) {
        struct prefix_entry *e = store->entries[i];
        int same = prefix_common(e->tokens, e->n_tokens, tokens, n);
        /* Of equals the shortest: less to restore. */
        if (same > best_common ||
            (best && same == best_common && e->n_tokens < best->n_tokens)) {
            best = e;
            best_common = same;
        }
    }
    *common = best_common;
    return best;
}

static uint64_t entry_bytes(int n_tokens, size_t state_bytes)
{
    return sizeof(struct prefix_entry) + (uint64_t)n_tokens * sizeof(int32_t) +
           state_bytes;
}

void prefix_drop(struct prefix_store *store, struct prefix_entry *entry)
{
    size_t i = 0;

    while (store->entries[i] != entry) {
        i++;
    }
    store->entries[i] = store->entries[--store->n];
    store->bytes -= entry_bytes(entry->n_tokens, entry->state_bytes);
    free_entry(entry);
}

static bool is_stale(const struct prefix_store *store, const struct prefix_entry *entry)
{
    return !isinf(entry->promise) && store->offered - entry->touched > 2 * store->n;
}

/* Does a go before b? */
static bool goes_first(const struct prefix_store *store, const struct prefix_entry *a,
                       const struct prefix_entry *b)
{
    bool stale_a = is_stale(store, a), stale_b = is_stale(store, b);

    if (stale_a != stale_b) {
        return stale_a;
    }
    if (a->promise < b->promise || a->promise > b->promise) {
        return a->promise < b->promise;
    }
    return a->touched < b->touched;
}

/* The next to go for the sake of a state that promises this much; NULL: none. */
static struct prefix_entry *victim(const struct prefix_store *store, double promise)
{
    struct prefix_entry *worst = NULL;

    for (size_t i = 0; i < store->n; i++) {
        struct prefix_entry *e = store->entries[i];
        if ((is_stale(store, e) || e->promise < promise) &&
            (!worst || goes_first(store, e, worst))) {
            worst = e;
        }
    }
    return worst;
}

/* Bytes held by those that would have to give way. */
static uint64_t bytes_below(const struct prefix_store *store, double promise)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < store->n; i++) {
        const struct prefix_entry *e = store->entries[i];
        if (is_stale(store, e) || e->promise < promise) {
            sum += entry_bytes(e->n_tokens, e->state_bytes);
        }
    }
    return sum;
}

static uint64_t most_for(const struct prefix_store *store, double promise)
{
    return isinf(promise) ? store->lent_max : store->bytes_max;
}

/* Drop what promises less, until `bytes` more fit. */
static bool make_room(struct prefix_store *store, uint64_t bytes, double promise)
{
    uint64_t most = most_for(store, promise), wanted = store->bytes + bytes;

    if (wanted > most && wanted - most > bytes_below(store, promise)) {
        return false;
    }
    while (store->bytes + bytes > most) {
        prefix_drop(store, victim(store, promise));
    }
    return true;
}

void prefix_touch(struct prefix_store *store, struct prefix_entry *entry, double promise)
{
    struct prefix_entry *worst;

    entry->promise = promise;
    entry->touched = ++store->offered;
    while (store->bytes > most_for(store, promise) && (worst = victim(store, INFINITY))) {
        prefix_drop(store, worst);
    }
}

struct prefix_entry *prefix_put(struct prefix_store *store, const int32_t *tokens, int n,
                                size_t state_bytes, double promise)
{
    uint64_t bytes = entry_bytes(n, state_bytes);

    assert(n > 0 && state_bytes > 0);
    store->offered++;
    if (!make_room(store, bytes, promise)) {
        return NULL;
    }
    /* Megabytes: here a machine without memory is no reason to end. */
    unsigned char *state = malloc(state_bytes);
    if (!state) {
        return NULL;
    }
    struct prefix_entry *entry = mem_alloc(sizeof *entry);
    *entry = (struct prefix_entry){
        .tokens = mem_array((size_t)n, sizeof *tokens),
        .n_tokens = n,
        .state = state,
        .state_bytes = state_bytes,
        .promise = promise,
        .touched = store->offered,
    };
    memcpy(entry->tokens, tokens, (size_t)n * sizeof *tokens);
    mem_grow((void **)&store->entries, &store->cap, store->n + 1, sizeof *store->entries);
    store->entries[store->n++] = entry;
    store->bytes += bytes;
    return entry;
}
