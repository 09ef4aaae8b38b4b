/* keep.h - states of prefixes: where a group finds one, and where its own goes.
 *
 * A group that begins takes what saves it most: the state of its whole prefix from
 * disk (kv_disk.h), one from memory (prefix.h), or what a group beside it has computed
 * of the same tokens. One that ends leaves its state in memory, and on disk where its
 * requests have a source.
 *
 * Threads: the engine thread. */
#ifndef LW_ENGINE_KEEP_H
#define LW_ENGINE_KEEP_H

#include "engine/call.h"
#include "engine/kv_disk.h"
#include "engine/prefix.h"

struct keep {
    const struct loaded *m;
    const struct schedule *sched; /* the groups inside */
    struct kv_disk *disk;         /* NULL: none; borrowed */
    struct prefix_store *memory;
};

/* All but `memory` are the caller's. */
void keep_init(struct keep *k, const struct loaded *m, const struct schedule *sched,
               struct kv_disk *disk, uint64_t memory_bytes);
void keep_release(struct keep *k);

/* Put what is known of the group's prefix into its sequence, which is empty. Returns how
 * many tokens that is. */
int keep_begin(struct keep *k, struct turn_group *g);

/* Nothing of the group will run any more: keep its prefix, if it was computed whole. */
void keep_end(struct keep *k, struct turn_group *g);

/* Is the state of the group's whole prefix on disk? It counts as used now. */
bool keep_is_on_disk(struct keep *k, struct turn_group *g);

#endif
