/* sweep.c - read everything that the tasks name, in as few calls as can be.
 *
 * A worker that scores cheaply gets two: all screens, then the answers of all
 * candidates. Any other gets all jobs at once. There is no rule for stopping:
 * a sum over half of the chunks would be a wrong number. Nearly every chunk has
 * a gist, so nobody screens for those. */
#include "jobs/sweep.h"

#include "jobs/decide.h"

static bool is_gist(const struct expanded_task *task)
{
    return task->task->answer == ANSWER_GIST;
}

static void add_all(const struct reader *rd, enum step_kind kind, struct step_list *steps)
{
    for (size_t i = 0; i < rd->jobs->n; i++) {
        const struct job *j = &rd->jobs->jobs[i];
        const struct expanded_task *task = &rd->jobs->tasks[j->task];
        if (task->look_up) continue;
        enum step_kind as = is_gist(task) ? STEP_WHOLE : kind;
        if (as == STEP_WHOLE || j->sample == 0) step_list_add(steps, as, i);
    }
}

struct candidates {
    size_t *jobs;
    size_t n, cap;
};

static void collect_candidates(struct reader *rd, struct candidates *c)
{
    for (size_t t = 0; t < rd->jobs->n_tasks; t++) {
        const struct expanded_task *task = &rd->jobs->tasks[t];
        if (task->look_up || is_gist(task)) continue;
        reader_margins(rd, task, task->n);
        size_t before = c->n;
        for (size_t i = 0; i < task->n; i++) {
            const struct job *j = &rd->jobs->jobs[task->order[i]];
            if (j->state != JOB_PENDING || !decide_worth_listing(j->screen)) continue;
            mem_grow((void **)&c->jobs, &c->cap, c->n + 1, sizeof *c->jobs);
            c->jobs[c->n++] = task->order[i];
        }
        if (task->n > 0) {
            reader_trace(rd, "%s: %zu chunks screened, %zu to answer", task->task->id,
                         task->n, c->n - before);
        }
    }
}

static void settle_all(struct reader *rd)
{
    for (size_t i = 0; i < rd->jobs->n; i++) {
        const struct job *j = &rd->jobs->jobs[i];
        const struct expanded_task *task = &rd->jobs->tasks[j->task];
        if (task->look_up || is_gist(task) || j->sample > 0) continue;
        bool found = rd->slots[i].asked && decide_listed(j->screen, rd->slots[i].yn);
        struct decide_look look = { .screen = j->screen, .yn = rd->slots[i].yn };
        reader_settle(rd, i, found, decide_strength(&look));
    }
}

static int sweep_in_two_steps(struct reader *rd, struct step_list *steps,
                              struct lw_error *err)
{
    add_all(rd, STEP_SCREEN, steps);
    int code = reader_run(rd, steps, NULL, err);
    struct candidates c = { .jobs = NULL };
    collect_candidates(rd, &c);
    if (code == 0 && !reader_stopped(rd)) {
        steps->n = 0;
        for (size_t i = 0; i < c.n; i++) reader_add_answer(rd, c.jobs[i], steps);
        code = reader_run(rd, steps, NULL, err);
    }
    settle_all(rd);
    mem_free(c.jobs);
    return code;
}

static int sweep_at_once(struct reader *rd, struct step_list *steps, struct lw_error *err)
{
    add_all(rd, STEP_WHOLE, steps);
    int code = reader_run(rd, steps, NULL, err);
    for (size_t t = 0; t < rd->jobs->n_tasks; t++) {
        const struct expanded_task *task = &rd->jobs->tasks[t];
        if (!task->look_up) reader_margins(rd, task, task->n);
    }
    return code;
}

int sweep_run(struct reader *rd, struct lw_error *err)
{
    struct step_list steps = { .items = NULL };
    int code = llm_info(rd->r->worker)->cheap_scoring
                   ? sweep_in_two_steps(rd, &steps, err)
                   : sweep_at_once(rd, &steps, err);
    step_list_release(&steps);
    return code;
}
