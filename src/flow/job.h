/* job.h - one task over one chunk, one sample; and how it ended.
 *
 * Invariant: a job never disappears. It ends as answered, absent, failed (why)
 * or skipped (why), and coverage is the count of those by chunk. */
#ifndef LW_FLOW_JOB_H
#define LW_FLOW_JOB_H

#include <stdbool.h>
#include <stddef.h>

enum job_state { JOB_PENDING, JOB_ANSWERED, JOB_ABSENT, JOB_FAILED, JOB_SKIPPED };
const char *job_state_name(enum job_state state);

struct job {
    int task;   /* index in the plan */
    int chunk;  /* index in the chunk list */
    int sample; /* from 0 */
    enum job_state state;
    const char *why;    /* for FAILED and SKIPPED: a sentence in the run's arena */
    double search;      /* search score of the chunk for the task, 0..1 of the best */
    double screen;      /* s = -log P(absent); NAN if the worker gives none */
    double margin;      /* s - mean of s over the task's other chunks; NAN if none */
    double strength;    /* of the second look (jobs/decide.h); NAN if not asked */
    const char *answer; /* ANSWERED: the value in the arena */
    const char *items;  /* ANSWER_LIST: the JSON array of strings; else NULL */
};

/* Sum: found + absent + failed + skipped == chunks; read == found + absent. A
 * chunk is found if any of its jobs answered, else failed if any failed, else
 * absent if any was read, else skipped. */
struct coverage {
    size_t chunks, read, found, absent, failed, skipped;
};

#endif
