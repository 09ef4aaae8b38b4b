/* keep.h - states of prefixes: where a group finds one, and where its own goes.
 *
 * A group that begins takes what saves it most: the state of its whole prefix from
 * disk (kv_disk.h), whichever of its requests' sources it is under, one from memory
 * (prefix.h), or what a group beside it has computed of the same tokens. One that ends
 * leaves its state in memory, and on disk under each source that its requests have.
 *
 * Who screens an excerpt soon asks the best ones for an answer, in the same words. So
 * the state that is left in memory is not that of the excerpt alone but has the prompt of
 * the group's most promising screening behind it: the answer computes the last token of
 * its prompt only, and another question as much as it does not share. On disk the
 * questions would be in the way: there it is the excerpt alone.
 *
 * Threads: the engine thread. */
#ifndef LW_ENGINE_KEEP_H
#define LW_ENGINE_KEEP_H

#include "engine/call.h"
#include "engine/kv_disk.h"
#include "engine/prefix.h"

struct keep {
    const struct loaded *m;
    struct schedule *sched; /* the groups inside */
    struct kv_disk *disk;   /* NULL: none; borrowed */
    struct prefix_store *memory;
};

/* All but `memory` are the caller's. memory_bytes: for states in memory; rest_bytes: for
 * all of them while some are of groups that rest, no less than memory_bytes. */
void keep_init(struct keep *k, const struct loaded *m, struct schedule *sched,
               struct kv_disk *disk, uint64_t memory_bytes, uint64_t rest_bytes);
void keep_release(struct keep *k);

/* Put what is known of the group's prefix into its sequence, which is empty. Returns how
 * many tokens that is; behind a whole prefix there may be more (g->behind). */
int keep_begin(struct keep *k, struct turn_group *g);

/* The group's whole prefix is in its sequence, and other excerpts are read before anyone
 * goes on from it: move it to memory, but for what it shares with the call's next group.
 * Returns how many tokens stay in the sequence; negative: all. keep_begin() brings it
 * back. */
int keep_rest(struct keep *k, struct turn_group *g);

/* Copy what the group's sequence holds of the turn's prompt into the turn's, which is
 * empty. Returns how many tokens that is: not the prompt's last one, which has to be
 * computed for its logits. */
int keep_start(struct keep *k, struct turn *t);

/* The turn's whole prompt was read, and its sequence is still there: keep it if it was a
 * screening. */
void keep_scored(struct keep *k, const struct turn *t);

/* Nothing of the group will run any more: keep its prefix, if it was computed whole. A
 * spoiled one is dropped, here and on disk. */
void keep_end(struct keep *k, struct turn_group *g);

/* Is the state of the group's whole prefix on disk under this source (NULL: no)? It
 * counts as used now. */
bool keep_is_on_disk(struct keep *k, const struct turn_group *g,
                     const struct llm_source *source);

#endif
