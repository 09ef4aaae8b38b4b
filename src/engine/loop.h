/* loop.h - the engine thread: takes calls, computes, answers.
 *
 * Threads: loop_new() and loop_free() on the opener's thread, loop_run() on
 * the engine thread, loop_submit() on any. */
#ifndef LW_ENGINE_LOOP_H
#define LW_ENGINE_LOOP_H

#include "engine/call.h"
#include "engine/kv_disk.h"

struct loop;

struct loop_options {
    uint64_t kept_bytes_max, rest_bytes_max; /* keep.h */
    struct kv_disk *disk;                    /* NULL: none; borrowed */
    const struct lw_point *step_costs;       /* as engine_options; copied */
    size_t n_step_costs;
    void (*trace)(void *user, const char *sentence); /* engine thread; NULL: none */
    void *user;
};

/* m must outlive the loop; its context belongs to the loop from now on. */
struct loop *loop_new(struct loaded *m, const struct loop_options *opt);
void loop_free(struct loop *loop); /* loop_run() has returned */
/* Until loop_stop(). */
void loop_run(struct loop *loop);
void loop_submit(struct loop *loop, struct call *call);
void loop_stop(struct loop *loop); /* no call is under way */

#endif
