/* expand.h - from the tasks of a plan to jobs: which chunks each one reads, and
 * in which order.
 *
 * A task reads the chunks that all its restrictions allow: documents, pages,
 * chunks where an earlier task found something. They are ranked by search for
 * its terms and its question. Where the reading knows what the chunks mean
 * (meaning.h), that order and the one of how near they are to the question become
 * one (text/fuse.h). With `top`, only the best so many are read that match (by
 * meaning all do), but never fewer than a floor, so that a poor guess of terms still
 * reads something. Chunks of a document without pages pass a restriction to pages.
 *
 * Order: the chunk that any task ranks best comes first, all jobs of a chunk
 * stand together (tasks, then samples), so that they share its state.
 *
 * Look-ups (text, number, date, yes_no or choice, reduced by list or vote, not
 * told to read all, not restricted to pages or to what was found) may stop before all is
 * read. */
#ifndef LW_JOBS_EXPAND_H
#define LW_JOBS_EXPAND_H

#include "jobs/reading.h"

struct expanded_task {
    const struct task *task;
    bool look_up;
    size_t *order; /* indices of its jobs of sample 0, best-ranked first */
    size_t n;
};

struct expansion {
    struct job *jobs; /* in the reading's arena, as everything here */
    size_t n;
    struct expanded_task *tasks; /* one for each of the plan; n 0: not of this phase */
    size_t n_tasks;
    size_t left_out; /* chunks over LIMIT_JOBS that no job was made for */
};

struct expand_input {
    const struct reading *reading;
    const struct plan *plan;
    const int *phase;               /* of each task, from expand_phases() */
    int now;                        /* tasks of this phase are expanded */
    const struct job_list *done;    /* jobs of this plan's earlier phases */
    const struct job_list *earlier; /* of the round before, or NULL */
    const struct plan *earlier_plan;
};

/* Tasks that read what another task of the plan found come a phase after it.
 * Fills phase[n_tasks] and returns the number of phases. */
int expand_phases(const struct plan *plan, int *phase);

/* Fails only where the embedding of a question does. */
int expand_plan(const struct expand_input *in, struct expansion *out,
                struct lw_error *err);

#endif
