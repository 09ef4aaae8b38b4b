/* prefix.h - states of prefixes that were computed, kept in memory.
 *
 * After a document was screened, the same excerpts are asked again: for the
 * answer, for the next question. The state of each prefix (its part of the KV
 * cache, as bytes) is kept here with its tokens, so that going on from it costs
 * a copy instead of seconds.
 *
 * Room. At most bytes_max for states and tokens together. When it is full the
 * least promising goes first: promise is what the caller says it is (how likely
 * the excerpt holds an answer). An entry that was not used while twice as many
 * states were offered as there are is stale, whatever it promised, and goes before all
 * others. A state that promises no more than what is there is not kept:
 * reading the same long document in rounds would otherwise push out each entry
 * just before its turn.
 *
 * One that promises INFINITY is lent to the store: it stays until it promises less, and
 * while such states are there, there is room for lent_max.
 *
 * A state is only good for the context it was taken from; that is the caller's
 * business, as the bytes are. Threads: one. */
#ifndef LW_ENGINE_PREFIX_H
#define LW_ENGINE_PREFIX_H

#include <stddef.h>
#include <stdint.h>

struct prefix_entry {
    int32_t *tokens;
    int n_tokens;
    unsigned char *state;
    size_t state_bytes;
    double promise;
    uint64_t touched;
};

struct prefix_store;

/* lent_max: for all together, no less than bytes_max. */
struct prefix_store *prefix_store_new(uint64_t bytes_max, uint64_t lent_max);
void prefix_store_free(struct prefix_store *store); /* NULL allowed */
uint64_t prefix_store_bytes(const struct prefix_store *store);
size_t prefix_store_count(const struct prefix_store *store);

/* How many leading tokens are equal. */
int prefix_common(const int32_t *a, int n_a, const int32_t *b, int n_b);

/* The entry that shares most leading tokens with tokens[0, n); *common is how
 * many (at least 1). NULL if there is none. Valid until the next put or drop. */
struct prefix_entry *prefix_find(struct prefix_store *store, const int32_t *tokens, int n,
                                 int *common);
/* The entry was used, and promises this much now. One that was lent may be dropped. */
void prefix_touch(struct prefix_store *store, struct prefix_entry *entry, double promise);
/* Keep a state: returns its entry, whose state[0, state_bytes) the caller
 * fills, or NULL if it is not worth its room or there is no memory. Tokens are
 * copied. There must be no entry for exactly these tokens. */
struct prefix_entry *prefix_put(struct prefix_store *store, const int32_t *tokens, int n,
                                size_t state_bytes, double promise);
void prefix_drop(struct prefix_store *store, struct prefix_entry *entry);

#endif
