/* sweep.h - tasks that read every chunk they name: lists, counts, sums, and
 * whatever is restricted to pages or to what was found before. */
#ifndef LW_JOBS_SWEEP_H
#define LW_JOBS_SWEEP_H

#include "jobs/reader.h"

/* Read and settle all jobs of all tasks that are not look-ups. An error only for
 * CANCEL_ABORT. */
int sweep_run(struct reader *rd, struct lw_error *err);

#endif
