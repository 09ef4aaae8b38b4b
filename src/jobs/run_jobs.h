/* run_jobs.h - run a plan: jobs = tasks x chunks x samples, each one request.
 *
 * Expand: every task names its chunks (documents, pages, an earlier task's
 * findings, the best by search); best-ranked chunks come first, all tasks of
 * a chunk stand together so that they share its state.
 *
 * A worker that scores cheaply reads in three steps: *screen* each job by one
 * forward pass, look again at the few that may hold something (a *probe*, one more
 * pass), and *answer* only those that do (decide.h). Any other worker gets one request a
 * job, whose "not stated" means absent; first-token log-probabilities are asked for with
 * it and compared in the same way where the server gives them.
 *
 * Look-up tasks (answer text, number, date, yes_no, choice with reduce list or
 * vote, and no restriction that names the chunks) read in waves, best first, and
 * stop by decide_stop(); all others read all that the task names. What was not
 * read ends as JOB_SKIPPED with the reason. ANSWER_LIST and _CHOICE are asked as
 * JSON of a schema.
 *
 * Cancel or deadline: jobs not finished end as JOB_SKIPPED; what was found stays. */
#ifndef LW_JOBS_RUN_JOBS_H
#define LW_JOBS_RUN_JOBS_H

#include "jobs/reading.h"

/* earlier: the jobs and plan of the round before, for "found_in"; NULL if none. An
 * error only if nothing could be read at all for a reason that is everybody's
 * (worker unreachable, no key): the first job's; or for CANCEL_ABORT. Jobs have
 * ended all the same. Requests that are too large for the worker are failed jobs. */
int run_jobs(const struct reading *r, const struct plan *plan,
             const struct job_list *earlier, const struct plan *earlier_plan,
             struct job_list *out, struct lw_error *err);

void jobs_coverage(const struct job_list *jobs, size_t n_chunks, struct coverage *out);

#endif
