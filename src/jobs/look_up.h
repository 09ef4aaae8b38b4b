/* look_up.h - tasks that look for one thing: best chunks first, in waves, until
 * the answer is clearly found. */
#ifndef LW_JOBS_LOOK_UP_H
#define LW_JOBS_LOOK_UP_H

#include "jobs/reader.h"

/* Read the look-up tasks and settle their jobs; what was not read ends as
 * skipped, with the reason. An error only for CANCEL_ABORT. */
int look_up_run(struct reader *rd, struct lw_error *err);

/* Chunks that a look-up may read. */
size_t look_up_limit(const struct reading *r, const struct expanded_task *t);

#endif
