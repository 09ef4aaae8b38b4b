/* reader.h - the jobs of a plan while they are read: steps out, replies in.
 *
 * A step is one request for one job. The reader makes the requests of many
 * steps, sends them in one call, and writes each reply into its job; what to
 * ask next is the caller's to decide (sweep.c, look_up.c).
 *
 *     worker that scores cheaply      any other, and gists of both
 *     SCREEN  job.screen              WHOLE  job.state, answer, screen
 *     PROBE   slot.yn
 *     ANSWER  slot.answer
 *
 * Invariant: a step that fails or is cancelled ends its job as FAILED or
 * SKIPPED with the reason; a job with state PENDING is still open.
 *
 * Threads: the run's. Memory: requests live for one call of reader_run();
 * what jobs and slots point to lives in the reading's arena. */
#ifndef LW_JOBS_READER_H
#define LW_JOBS_READER_H

#include "jobs/decide.h"
#include "jobs/expand.h"
#include "jobs/reading.h"

enum step_kind { STEP_SCREEN, STEP_PROBE, STEP_ANSWER, STEP_WHOLE };

struct step {
    enum step_kind kind;
    size_t job;
};

struct step_list {
    struct step *items;
    size_t n, cap;
};

void step_list_add(struct step_list *list, enum step_kind kind, size_t job);
void step_list_release(struct step_list *list);

/* What is known of a job beside its result. */
struct slot {
    double yn;          /* NAN: not asked */
    bool probed;        /* a PROBE step was made: once for all samples, in the first */
    const char *answer; /* what it said; NULL: nothing, or that nothing is there */
    const char *items;
};

struct reader {
    const struct reading *r;
    const struct plan *plan;
    struct expansion *jobs;
    struct slot *slots;    /* one for each job */
    json_t **schemas;      /* one for each task, or NULL */
    double *unknown_names; /* one for each task: share of its names, where
                            * looks are weighed */
    struct reading_progress progress;
    double began;            /* clock_seconds() */
    size_t n_read, n_failed; /* requests of the whole run: with a reply, LLM_FAILED */
    struct lw_error failure; /* the first LLM_FAILED; code 0: none */
    const char *stop_reason; /* the first reason why something was left unread, or NULL */
};

void reader_init(struct reader *rd, const struct reading *r, const struct plan *plan);
void reader_release(struct reader *rd);
/* Take on the jobs of the next phase. */
void reader_begin(struct reader *rd, struct expansion *jobs);

/* Run the steps, sorted so that jobs of a chunk stand together. *failed, which may be
 * NULL, counts the requests that failed. An error only for CANCEL_ABORT. */
int reader_run(struct reader *rd, struct step_list *steps, size_t *failed,
               struct lw_error *err);

/* The second look of a worker that scores cheaply: does the chunk of this screened job
 * hold an answer? */
void reader_add_probe(struct reader *rd, size_t job, struct step_list *steps);
/* And then the answers, of the job and all its samples. */
void reader_add_answers(struct reader *rd, size_t job, struct step_list *steps);

/* What is known of a screened job. */
struct decide_look reader_look(const struct reader *rd, size_t job);

/* Margins of the task's jobs order[0, n), from their screens. */
void reader_margins(struct reader *rd, const struct expanded_task *t, size_t n);

/* The last word on a screened job and its samples: answered, absent, or, if it was worth
 * a second look and the run was stopped before that, skipped. Ended jobs stay as they
 * are. */
void reader_settle(struct reader *rd, size_t job, bool worth, bool found);

/* End the jobs order[from, n) that are still open as skipped. */
void reader_skip(struct reader *rd, const struct expanded_task *t, size_t from,
                 const char *why);

/* Has the user or the clock stopped the run? The sentence, NULL if not. */
const char *reader_stopped(const struct reader *rd);
void reader_trace(const struct reader *rd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
