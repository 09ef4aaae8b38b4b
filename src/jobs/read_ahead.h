/* read_ahead.h - parts that are read before anybody asks, so that their states are kept.
 *
 * What is computed is exactly what every later question over the part begins with: the
 * same words by the same function (prompts.c). Parts that are kept already cost a look
 * at a file name.
 *
 * Threads: the run's. Memory: nothing outlives a call. */
#ifndef LW_JOBS_READ_AHEAD_H
#define LW_JOBS_READ_AHEAD_H

#include "jobs/reading.h"

struct read_ahead {
    size_t n_there, n_kept, n_failed; /* parts: kept already, kept now, neither */
    int64_t tokens_there, tokens_kept;
    struct lw_error failure;          /* the first; code 0: none */
    struct reading_progress progress; /* found is -1: nothing is looked for */
    double began;
};

/* total: parts that will be read in all. */
void read_ahead_init(struct read_ahead *ra, size_t total);

/* Read chunks [from, to) of r, whose sources are set, and add to what is counted. The
 * run may be stopped in between; what was read by then is kept. LW_CANCELLED for
 * CANCEL_ABORT, LW_ERR_LOCAL where states could not be kept (why: llm.h). */
int read_ahead(struct read_ahead *ra, const struct reading *r, size_t from, size_t to,
               struct lw_error *err);

#endif
