/* run_jobs.c - a plan from its tasks to finished jobs.
 *
 * Phase by phase (a task that reads what another found comes after it): expand
 * the tasks, sweep those that read everything, then look the others up. How a
 * chunk is read is in reader.c, what is decided in decide.c. */
#include "jobs/run_jobs.h"

#include "base/limits.h"
#include "jobs/look_up.h"
#include "jobs/sweep.h"

#include <string.h>

/* Jobs that a run is planned to read: what a look-up may not read does not count. */
static int planned(const struct reading *r, const struct expansion *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_tasks; i++) {
        const struct expanded_task *t = &e->tasks[i];
        size_t chunks = t->look_up ? look_up_limit(r, t) : t->n;
        n += chunks * (size_t)t->task->n_samples;
    }
    return (int)n;
}

/* The jobs of a phase behind those of the phases before. */
static void append(struct arena *arena, const struct expansion *e, struct job_list *out)
{
    if (out->n == 0) {
        out->items = e->jobs;
        out->n = e->n;
        return;
    }
    struct job *all = arena_array(arena, out->n + e->n, sizeof *all);
    memcpy(all, out->items, out->n * sizeof *all);
    memcpy(all + out->n, e->jobs, e->n * sizeof *all);
    out->items = all;
    out->n += e->n;
}

/* Jobs that an abort left open. */
static void close_open(struct reader *rd)
{
    const char *why = reader_stopped(rd);
    for (size_t i = 0; i < rd->jobs->n_tasks; i++) {
        reader_skip(rd, &rd->jobs->tasks[i], 0, why ? why : "the run was stopped");
    }
}

static int run_phase(struct reader *rd, const struct expand_input *in,
                     struct job_list *out, struct lw_error *err)
{
    struct expansion e;
    int code = expand_plan(in, &e, err);
    if (code) return code;
    if (e.left_out > 0 && !rd->stop_reason) {
        rd->stop_reason = arena_printf(in->reading->arena,
                                       "the plan asks for more than %d jobs", LIMIT_JOBS);
    }
    reader_begin(rd, &e);
    rd->progress.total += planned(in->reading, &e);
    code = sweep_run(rd, err);
    if (code == 0) code = look_up_run(rd, err);
    if (code) close_open(rd);
    append(in->reading->arena, &e, out);
    return code;
}

static int run_phases(struct reader *rd, struct expand_input *in, int phases,
                      struct job_list *out, struct lw_error *err)
{
    int code = 0;
    for (in->now = 0; in->now < phases && code == 0; in->now++) {
        code = run_phase(rd, in, out, err);
    }
    return code;
}

int run_jobs(const struct reading *r, const struct plan *plan,
             const struct job_list *earlier, const struct plan *earlier_plan,
             struct job_list *out, struct lw_error *err)
{
    struct reader rd;
    reader_init(&rd, r, plan);
    int *phase = mem_array(plan->n_tasks, sizeof *phase);
    *out = (struct job_list){ .stop_reason = "" };
    struct expand_input in = {
        .reading = r,
        .plan = plan,
        .phase = phase,
        .done = out,
        .earlier = earlier,
        .earlier_plan = earlier_plan,
    };
    int code = run_phases(&rd, &in, expand_phases(plan, phase), out, err);
    if (rd.stop_reason) out->stop_reason = rd.stop_reason;
    /* Nothing came back but failures: the reason is everybody's, but for requests that
     * were too large, which is the plan's. */
    bool nothing = rd.n_read == 0 && rd.n_failed > 0;
    if (code == 0 && nothing && rd.failure.code != LW_ERR_INPUT) {
        code = err_set(err, rd.failure.code, "%s", rd.failure.message);
    }
    mem_free(phase);
    reader_release(&rd);
    return code;
}

/* --- Coverage --------------------------------------------------------------- */

/* What a chunk counts as, the strongest first. */
enum chunk_state { CHUNK_SKIPPED, CHUNK_ABSENT, CHUNK_FAILED, CHUNK_FOUND };

static enum chunk_state chunk_state_of(enum job_state state)
{
    switch (state) {
    case JOB_ANSWERED: return CHUNK_FOUND;
    case JOB_FAILED: return CHUNK_FAILED;
    case JOB_ABSENT: return CHUNK_ABSENT;
    case JOB_PENDING:
    case JOB_SKIPPED: break;
    }
    return CHUNK_SKIPPED;
}

void jobs_coverage(const struct job_list *jobs, size_t n_chunks, struct coverage *out)
{
    unsigned char *best = mem_array(n_chunks, sizeof *best);
    size_t count[CHUNK_FOUND + 1] = { 0 };
    for (size_t i = 0; i < jobs->n; i++) {
        const struct job *j = &jobs->items[i];
        enum chunk_state state = chunk_state_of(j->state);
        if (state > best[j->chunk]) best[j->chunk] = (unsigned char)state;
    }
    for (size_t i = 0; i < n_chunks; i++) count[best[i]]++;
    *out = (struct coverage){
        .chunks = n_chunks,
        .read = count[CHUNK_FOUND] + count[CHUNK_ABSENT],
        .found = count[CHUNK_FOUND],
        .absent = count[CHUNK_ABSENT],
        .failed = count[CHUNK_FAILED],
        .skipped = count[CHUNK_SKIPPED],
    };
    mem_free(best);
}
