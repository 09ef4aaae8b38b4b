/* sweep.c - read everything that the tasks name.
 *
 * A worker that scores cheaply goes in waves: a few chunks are screened, then those that
 * promise something are looked at again and answered while their states are at hand, and
 * a run that is stopped has the answers of all waves before. Any other worker gets all
 * jobs at once. There is no rule for stopping: a sum over half of the chunks would be a
 * wrong number. Nearly every chunk has a gist, so nobody screens for those. */
#include "jobs/sweep.h"

/* Some more than a batch is filled with. The states that memory has room for are those
 * of the most promising ones. */
enum { SWEEP_WAVE_CHUNKS = 8 };

static bool is_swept(const struct reader *rd, size_t job)
{
    return !rd->jobs->tasks[rd->jobs->jobs[job].task].look_up;
}

static bool is_gist(const struct expanded_task *task)
{
    return task->task->answer == ANSWER_GIST;
}

/* One step for all samples, to begin with. */
static bool is_screened(const struct reader *rd, size_t job)
{
    return is_swept(rd, job) && !is_gist(&rd->jobs->tasks[rd->jobs->jobs[job].task]);
}

static void add_screens(const struct reader *rd, size_t from, size_t to,
                        struct step_list *steps)
{
    for (size_t i = from; i < to; i++) {
        if (!is_screened(rd, i)) {
            if (is_swept(rd, i)) step_list_add(steps, STEP_WHOLE, i);
        } else if (rd->jobs->jobs[i].sample == 0) {
            step_list_add(steps, STEP_SCREEN, i);
        }
    }
}

/* Where the jobs of the next few chunks that are screened end. */
static size_t wave_end(const struct reader *rd, size_t from)
{
    int chunk = -1, n_chunks = 0;
    size_t i = from;
    for (; i < rd->jobs->n; i++) {
        if (!is_screened(rd, i) || rd->jobs->jobs[i].chunk == chunk) continue;
        chunk = rd->jobs->jobs[i].chunk;
        if (++n_chunks > SWEEP_WAVE_CHUNKS) break;
    }
    return i;
}

static bool is_open(const struct reader *rd, size_t job)
{
    const struct job *j = &rd->jobs->jobs[job];
    return is_screened(rd, job) && j->sample == 0 && j->state == JOB_PENDING;
}

static void add_probes(struct reader *rd, size_t from, size_t to, struct step_list *steps)
{
    for (size_t i = from; i < to; i++) {
        bool worth = is_open(rd, i) && decide_worth_listing(rd->jobs->jobs[i].screen);
        if (worth) reader_add_probe(rd, i, steps);
    }
}

static bool is_listed(const struct reader *rd, size_t job)
{
    struct decide_look look = reader_look(rd, job);
    return rd->slots[job].probed && decide_listed(&look);
}

static void add_answers(struct reader *rd, size_t from, size_t to,
                        struct step_list *steps)
{
    for (size_t i = from; i < to; i++) {
        if (is_open(rd, i) && is_listed(rd, i)) reader_add_answers(rd, i, steps);
    }
}

static int run_wave(struct reader *rd, size_t from, size_t to, struct lw_error *err)
{
    struct step_list steps = { .items = NULL };
    add_screens(rd, from, to, &steps);
    int code = reader_run(rd, &steps, NULL, err);
    steps.n = 0;
    if (code == 0 && !reader_stopped(rd)) {
        add_probes(rd, from, to, &steps);
        code = reader_run(rd, &steps, NULL, err);
        steps.n = 0;
        add_answers(rd, from, to, &steps);
        if (code == 0) code = reader_run(rd, &steps, NULL, err);
    }
    step_list_release(&steps);
    return code;
}

static void trace_task(const struct reader *rd, const struct expanded_task *task)
{
    size_t listed = 0;
    for (size_t i = 0; i < task->n; i++) listed += is_listed(rd, task->order[i]);
    reader_trace(rd, "%s: %zu chunks screened, %zu listed", task->task->id, task->n,
                 listed);
}

static void settle(struct reader *rd, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct job *j = &rd->jobs->jobs[i];
        if (!is_screened(rd, i) || j->sample > 0) continue;
        struct decide_look look = reader_look(rd, i);
        bool found = is_listed(rd, i);
        if (rd->slots[i].probed) {
            reader_trace(rd, "%s chunk %d: s %.2f, yn %.2f, %s",
                         rd->jobs->tasks[j->task].task->id, j->chunk, look.screen,
                         look.yn, found ? "listed" : "not listed");
        }
        reader_settle(rd, i, decide_worth_listing(look.screen), found);
    }
}

static int sweep_in_waves(struct reader *rd, struct lw_error *err)
{
    size_t from = 0;
    int code = 0;
    while (from < rd->jobs->n && code == 0 && !reader_stopped(rd)) {
        size_t to = wave_end(rd, from);
        code = run_wave(rd, from, to, err);
        settle(rd, from, to);
        from = to;
    }
    for (size_t t = 0; t < rd->jobs->n_tasks; t++) {
        const struct expanded_task *task = &rd->jobs->tasks[t];
        if (task->look_up || task->n == 0) continue;
        reader_margins(rd, task, task->n);
        if (!is_gist(task)) trace_task(rd, task);
        if (reader_stopped(rd)) reader_skip(rd, task, 0, reader_stopped(rd));
    }
    return code;
}

static int sweep_at_once(struct reader *rd, struct lw_error *err)
{
    struct step_list steps = { .items = NULL };
    for (size_t i = 0; i < rd->jobs->n; i++) {
        if (is_swept(rd, i)) step_list_add(&steps, STEP_WHOLE, i);
    }
    int code = reader_run(rd, &steps, NULL, err);
    step_list_release(&steps);
    for (size_t t = 0; t < rd->jobs->n_tasks; t++) {
        const struct expanded_task *task = &rd->jobs->tasks[t];
        if (!task->look_up) reader_margins(rd, task, task->n);
    }
    return code;
}

int sweep_run(struct reader *rd, struct lw_error *err)
{
    bool cheap = llm_info(rd->r->worker)->cheap_scoring;
    return cheap ? sweep_in_waves(rd, err) : sweep_at_once(rd, err);
}
