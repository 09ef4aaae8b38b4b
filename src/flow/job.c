/* job.c - the names of the states of a job, as progress, logs and --json show
 * them. What moves a job from one state to the next lives in jobs/. */
#include "flow/job.h"

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {
        [JOB_PENDING] = "pending", [JOB_ANSWERED] = "answered", [JOB_ABSENT] = "absent",
        [JOB_FAILED] = "failed",   [JOB_SKIPPED] = "skipped",
    };
    return names[state];
}
