/* reply.h - what a worker's reply to one job means: a value, nothing there, or
 * a failure with its reason. A malformed reply is a failed job, never an error
 * of the run. */
#ifndef LW_JOBS_REPLY_H
#define LW_JOBS_REPLY_H

#include "base/mem.h"
#include "flow/job.h"
#include "flow/plan.h"
#include "llm/llm.h"

/* What a reply that was cut off at its token limit is worth: a worker that was
 * made to answer in one line has said what matters by then; one that may write
 * what it likes may not have begun. */
enum reply_cut { REPLY_CUT_KEEPS, REPLY_CUT_FAILS };

struct reply_value {
    enum job_state state; /* ANSWERED, ABSENT, FAILED or SKIPPED (cancelled) */
    const char *answer;   /* ANSWERED: in the arena, one line */
    const char *items;    /* ANSWER_LIST: JSON array of strings, else NULL */
    const char *why;      /* FAILED and SKIPPED: a sentence, in the arena or static */
};

/* schema: prompt_schema() of the task, NULL for kinds of one line. */
void reply_read(struct arena *a, const struct task *task, const json_t *schema,
                const struct llm_reply *reply, enum reply_cut cut,
                struct reply_value *out);

/* Does this text say that there is nothing to say ("not stated", "None.", "n/a")? */
bool reply_says_absent(const char *text, size_t len);

#endif
