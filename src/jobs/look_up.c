/* look_up.c - reading in waves.
 *
 * All look-ups of a plan go through the waves together, so that a chunk that
 * two of them want is read once. After each wave a task compares all it has
 * read so far; with a worker that scores cheaply the best few chunks not yet
 * asked about are looked at a second time, and those that hold an answer give it; then
 * decide_stop() says whether the task goes on. With read_max 0 (all) it always does.
 *
 *     reading --(a wave)--> reading
 *        |--> stopped: clearly found
 *        |--> stopped: all read, or as many as may be
 *        `--> stopped: cancelled, or a whole wave failed */
#include "jobs/look_up.h"

#include <math.h>
#include <stdlib.h>

enum {
    WAVE_CHUNKS = 3,  /* a task reads in one wave; more where a server takes more */
    PROBES_A_WAVE = 2 /* candidates of a task that are looked at again after a wave */
};

static const char CLEARLY_FOUND[] = "the answer was found, clearly enough not to read on";
static const char READ_LIMIT[] = "as many chunks were read as a question may read";

struct look_up {
    const struct expanded_task *t;
    size_t next;  /* order[0, next) are read */
    size_t limit; /* how many may be */
    long best;    /* place in order of the best found one; -1: none */
    bool stopped;
    const char *why; /* something stays unread; NULL: all was read */
};

struct look_ups {
    struct look_up *items;
    size_t n;
    size_t wave_chunks;
    int wave; /* from 1 */
    bool cheap;
};

static double strength_of(const struct reader *rd, size_t job)
{
    struct decide_look look = reader_look(rd, job);
    return decide_strength(&look);
}

/* --- A wave ----------------------------------------------------------------- */

static void add_whole(struct reader *rd, size_t job, struct step_list *steps)
{
    int samples = rd->plan->tasks[rd->jobs->jobs[job].task].n_samples;
    for (int s = 0; s < samples; s++) step_list_add(steps, STEP_WHOLE, job + (size_t)s);
}

static void add_wave(struct reader *rd, struct look_ups *all, struct step_list *steps)
{
    for (size_t i = 0; i < all->n; i++) {
        struct look_up *l = &all->items[i];
        size_t until = l->next + all->wave_chunks;
        if (until > l->limit) until = l->limit;
        for (; !l->stopped && l->next < until; l->next++) {
            size_t job = l->t->order[l->next];
            if (all->cheap)
                step_list_add(steps, STEP_SCREEN, job);
            else
                add_whole(rd, job, steps);
        }
    }
}

/* The best screened jobs that are worth a second look and had none yet. */
static size_t choose_candidates(struct reader *rd, const struct look_up *l,
                                size_t out[PROBES_A_WAVE])
{
    size_t n = 0;
    for (size_t i = 0; i < l->next; i++) {
        size_t job = l->t->order[i];
        const struct job *j = &rd->jobs->jobs[job];
        if (j->state != JOB_PENDING || rd->slots[job].probed) continue;
        if (!decide_worth_asking(j->screen)) continue;
        size_t at = n < PROBES_A_WAVE ? n++ : PROBES_A_WAVE;
        while (at > 0 && rd->jobs->jobs[out[at - 1]].screen < j->screen) {
            if (at < PROBES_A_WAVE) out[at] = out[at - 1];
            at--;
        }
        if (at < PROBES_A_WAVE) out[at] = job;
    }
    return n;
}

static void trace_candidate(struct reader *rd, const struct look_up *l, size_t job)
{
    const struct job *j = &rd->jobs->jobs[job];
    const struct slot *slot = &rd->slots[job];
    reader_trace(rd, "%s chunk %d: s %.2f, yn %.2f, strength %.2f: %s", l->t->task->id,
                 j->chunk, j->screen, slot->yn, strength_of(rd, job),
                 slot->answer ? slot->answer : "no answer");
}

struct candidates {
    size_t jobs[PROBES_A_WAVE];
    size_t n;
};

static void add_probes(struct reader *rd, const struct candidates *c,
                       struct step_list *steps)
{
    for (size_t k = 0; k < c->n; k++) reader_add_probe(rd, c->jobs[k], steps);
}

/* Of those that hold one: nobody would look at the others'. */
static void add_answers(struct reader *rd, const struct candidates *c,
                        struct step_list *steps)
{
    for (size_t k = 0; k < c->n; k++) {
        struct decide_look look = reader_look(rd, c->jobs[k]);
        bool open = rd->jobs->jobs[c->jobs[k]].state == JOB_PENDING;
        if (open && decide_found(&look)) reader_add_answers(rd, c->jobs[k], steps);
    }
}

static int look_again(struct reader *rd, struct look_ups *all, struct lw_error *err)
{
    struct candidates *c = mem_array(all->n, sizeof *c);
    struct step_list steps = { .items = NULL };
    for (size_t i = 0; i < all->n; i++) {
        const struct look_up *l = &all->items[i];
        if (!l->stopped) c[i].n = choose_candidates(rd, l, c[i].jobs);
        add_probes(rd, &c[i], &steps);
    }
    int code = reader_run(rd, &steps, NULL, err);
    steps.n = 0;
    for (size_t i = 0; i < all->n; i++) add_answers(rd, &c[i], &steps);
    if (code == 0) code = reader_run(rd, &steps, NULL, err);
    for (size_t i = 0; i < all->n; i++) {
        for (size_t k = 0; k < c[i].n; k++) {
            trace_candidate(rd, &all->items[i], c[i].jobs[k]);
        }
    }
    step_list_release(&steps);
    mem_free(c);
    return code;
}

/* --- After a wave ----------------------------------------------------------- */

static bool is_found(struct reader *rd, const struct look_ups *all, size_t job)
{
    const struct job *j = &rd->jobs->jobs[job];
    if (!all->cheap) return j->state == JOB_ANSWERED;
    struct decide_look look = reader_look(rd, job);
    return j->state == JOB_PENDING && rd->slots[job].answer && decide_found(&look);
}

/* The strongest found one; where the worker gives no scores, the best-ranked. */
static void find_best(struct reader *rd, const struct look_ups *all, struct look_up *l)
{
    l->best = -1;
    for (size_t i = 0; i < l->next; i++) {
        size_t job = l->t->order[i];
        if (!is_found(rd, all, job)) continue;
        if (l->best < 0 || strength_of(rd, job) > strength_of(rd, l->t->order[l->best])) {
            l->best = (long)i;
        }
    }
}

/* Of what was looked at twice beside the best; NAN: there is none. */
static double next_strength(const struct reader *rd, const struct look_up *l)
{
    double next = NAN;
    for (size_t i = 0; i < l->next; i++) {
        size_t job = l->t->order[i];
        if ((long)i == l->best) continue;
        next = fmax(next, strength_of(rd, job)); /* of NAN and a number: the number */
    }
    return next;
}

static void judge(struct reader *rd, const struct look_ups *all, struct look_up *l)
{
    find_best(rd, all, l);
    struct decide_wave w = {
        .unread = l->limit - l->next,
        .found = l->best >= 0,
        .best_strength = NAN,
        .next_strength = NAN,
    };
    if (w.found) {
        w.best_strength = strength_of(rd, l->t->order[l->best]);
        w.next_strength = next_strength(rd, l);
        w.since_best = l->next - 1 - (size_t)l->best;
    }
    bool read_all = rd->r->read_max == 0;
    l->stopped = w.unread == 0 || (!read_all && decide_stop(&w));
    if (w.unread > 0 && l->stopped)
        l->why = CLEARLY_FOUND;
    else if (l->stopped && l->limit < l->t->n)
        l->why = READ_LIMIT;
    reader_trace(rd, "wave %d, %s: %zu of %zu chunks read%s%s", all->wave, l->t->task->id,
                 l->next, l->t->n, w.found ? ", found" : "", l->stopped ? ", done" : "");
}

/* Every one failed: the worker is gone, and the rest would fail as slowly. */
static void give_up(struct reader *rd, struct look_ups *all)
{
    const char *why =
        arena_printf(rd->r->arena, "the worker failed: %s", rd->failure.message);
    for (size_t i = 0; i < all->n; i++) {
        struct look_up *l = &all->items[i];
        if (l->stopped) continue;
        l->stopped = true;
        l->why = why;
    }
}

static int run_wave(struct reader *rd, struct look_ups *all, struct step_list *steps,
                    struct lw_error *err)
{
    size_t failed = 0, n = steps->n;
    int code = reader_run(rd, steps, &failed, err);
    if (code) return code;
    for (size_t i = 0; i < all->n; i++) {
        struct look_up *l = &all->items[i];
        if (!l->stopped) reader_margins(rd, l->t, l->next);
    }
    if (all->cheap && !reader_stopped(rd)) code = look_again(rd, all, err);
    for (size_t i = 0; i < all->n && code == 0; i++) {
        if (!all->items[i].stopped) judge(rd, all, &all->items[i]);
    }
    if (failed == n) give_up(rd, all);
    return code;
}

/* --- All waves -------------------------------------------------------------- */

static int run_waves(struct reader *rd, struct look_ups *all, struct lw_error *err)
{
    struct step_list steps = { .items = NULL };
    int code = 0;
    while (code == 0 && !reader_stopped(rd)) {
        steps.n = 0;
        add_wave(rd, all, &steps);
        if (steps.n == 0) break;
        all->wave++;
        code = run_wave(rd, all, &steps, err);
    }
    step_list_release(&steps);
    return code;
}

static void settle(struct reader *rd, const struct look_ups *all, struct look_up *l)
{
    for (size_t i = 0; i < l->next && all->cheap; i++) {
        size_t job = l->t->order[i];
        if (rd->jobs->jobs[job].state == JOB_PENDING) {
            reader_settle(rd, job, decide_worth_asking(rd->jobs->jobs[job].screen),
                          is_found(rd, all, job));
        }
    }
    const char *stopped = reader_stopped(rd);
    reader_skip(rd, l->t, l->next, l->why ? l->why : stopped ? stopped : READ_LIMIT);
}

static size_t wave_chunks(const struct llm_info *info)
{
    bool wide = !info->cheap_scoring && info->parallel > WAVE_CHUNKS;
    return wide ? (size_t)info->parallel : WAVE_CHUNKS;
}

size_t look_up_limit(const struct reading *r, const struct expanded_task *t)
{
    size_t most = (size_t)r->read_max;
    bool own = r->top_decides && t->task->top > 0;
    return own || most == 0 || t->n < most ? t->n : most;
}

static void collect(struct reader *rd, struct look_ups *all)
{
    for (size_t i = 0; i < rd->jobs->n_tasks; i++) {
        const struct expanded_task *t = &rd->jobs->tasks[i];
        if (!t->look_up || t->n == 0) continue;
        all->items[all->n++] = (struct look_up){
            .t = t,
            .limit = look_up_limit(rd->r, t),
            .best = -1,
        };
    }
}

int look_up_run(struct reader *rd, struct lw_error *err)
{
    const struct llm_info *info = llm_info(rd->r->worker);
    struct look_ups all = {
        .items = mem_array(rd->jobs->n_tasks, sizeof *all.items),
        .wave_chunks = wave_chunks(info),
        .cheap = info->cheap_scoring,
    };
    collect(rd, &all);
    int code = run_waves(rd, &all, err);
    for (size_t i = 0; i < all.n; i++) settle(rd, &all, &all.items[i]);
    mem_free(all.items);
    return code;
}
