/* desk.h - documents on a desk and a scripted worker, for tests of jobs/.
 *
 * Documents are given as texts and cut at blank lines, one chunk a paragraph,
 * so that a test can say which paragraph is which chunk. A document of pages is
 * the test's to make, by setting them in the chunks.
 *
 * A look-up may stop early (read_max 64), unless the test says otherwise.
 *
 * Life: desk_init, change what the test is about, read, look, desk_release. */
#ifndef LW_TESTS_DESK_H
#define LW_TESTS_DESK_H

#include "base/buf.h"
#include "jobs/run_jobs.h"
#include "llm/fake.h"

struct desk {
    struct doc_set set;
    struct chunk_list chunks;
    struct search *search;
    struct arena *arena;
    struct cancel cancel;
    struct usage usage;
    struct llm *worker; /* a fake; NULL with an empty script */
    struct reading reading;
    struct plan plan;
    const struct plan *earlier; /* that a plan may refer to; NULL: none */
    struct job_list jobs;
    struct buf traces;
    struct reading_progress progress; /* the last one */
    size_t n_progress;
    struct lw_error err;
};

/* A worker in process scores cheaply; one that is not gets one request a job. */
enum desk_worker { DESK_IN_PROCESS, DESK_SERVER };

/* docs: NULL-ended. */
void desk_init(struct desk *d, const char *const *docs, enum desk_worker kind,
               const char *script);
/* A plan from its JSON; a broken one fails the test. */
void desk_plan(struct desk *d, const char *json);
/* Runs the plan; the code. Checks what holds after every run: all jobs ended, reasons
 * where they belong, coverage sums to the chunks. */
int desk_run(struct desk *d);
void desk_release(struct desk *d);

/* The first job of a task over a chunk; fails the test if there is none. */
const struct job *desk_job(const struct desk *d, int task, int chunk);
/* How many jobs ended so. */
size_t desk_count(const struct desk *d, enum job_state state);
/* How many of the worker's requests hold this text. */
size_t desk_requests(const struct desk *d, const char *needle);

#endif
