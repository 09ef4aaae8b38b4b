/* expand.c - which chunks each task reads, and in which order.
 *
 * Each task is ranked alone: search scores for its terms, with its question as
 * a second opinion; fused, where vectors are there, with how near its question is
 * in meaning. Then the pairs of all tasks are sorted by the best rank
 * that any task gives a chunk, and samples are laid behind one another. */
#include "jobs/expand.h"

#include "base/limits.h"
#include "text/fuse.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Chunks that a task with `top` reads at least, as far as there are any. */
enum { READ_FLOOR = 4 };

/* What the question's words count beside the terms'. */
static const double QUESTION_SHARE = 0.5;

struct pair {
    int task, chunk;
    double search;
    size_t rank;       /* within the task */
    size_t chunk_rank; /* the best that any task gives the chunk */
};

struct pairs {
    struct pair *items;
    size_t n, cap;
};

/* --- Phases ---------------------------------------------------------------- */

int expand_phases(const struct plan *plan, int *phase)
{
    int phases = 0;
    for (size_t i = 0; i < plan->n_tasks; i++) {
        const char *id = plan->tasks[i].found_in;
        int on = *id ? plan_find_task(plan, i, id) : -1;
        phase[i] = on < 0 ? 0 : phase[on] + 1;
        if (phase[i] >= phases) phases = phase[i] + 1;
    }
    return phases;
}

/* --- Which chunks ---------------------------------------------------------- */

static void mark_found(const struct job_list *jobs, int task, bool *found)
{
    for (size_t i = 0; i < jobs->n; i++) {
        const struct job *j = &jobs->items[i];
        if (j->task == task && j->state == JOB_ANSWERED) found[j->chunk] = true;
    }
}

/* Chunks where the task that found_in names found something; NULL if there is
 * no such restriction, or nobody knows the task. The plan's own tasks come
 * before those of the round before. */
static const bool *chunks_found(const struct expand_input *in, size_t index,
                                struct arena *scratch)
{
    const char *id = in->plan->tasks[index].found_in;
    if (!*id) return NULL;
    const struct job_list *jobs = in->done;
    int task = plan_find_task(in->plan, index, id);
    if (task < 0 && in->earlier && in->earlier_plan) {
        jobs = in->earlier;
        task = plan_find_task(in->earlier_plan, in->earlier_plan->n_tasks, id);
    }
    if (task < 0) return NULL;
    bool *found = arena_array(scratch, in->reading->chunks->n + 1, sizeof *found);
    mark_found(jobs, task, found);
    return found;
}

static bool allows_doc(const struct task *task, int doc)
{
    for (size_t i = 0; i < task->n_docs; i++) {
        if (task->docs[i] == doc) return true;
    }
    return task->n_docs == 0;
}

static bool allows_pages(const struct task *task, const struct chunk *c)
{
    if (task->page_first == 0 || c->page_first == 0) return true;
    return c->page_last >= task->page_first && c->page_first <= task->page_last;
}

/* --- Ranking --------------------------------------------------------------- */

/* Add the search scores for some words to total[], scaled so that the best
 * allowed chunk gets `share`. */
static void add_scores(const struct reading *r, const char *const *texts, size_t n_texts,
                       double share, double *total)
{
    size_t n = r->chunks->n;
    double *score = mem_array(n, sizeof *score), best = 0;
    search_rank(r->search, texts, n_texts, score);
    for (size_t i = 0; i < n; i++) {
        if (total[i] >= 0 && score[i] > best) best = score[i];
    }
    for (size_t i = 0; i < n && best > 0; i++) {
        if (total[i] >= 0 && score[i] > 0) total[i] += share * score[i] / best;
    }
    mem_free(score);
}

/* Two orders of the allowed chunks become one: by words, as total[] says, of those that
 * have any in common with the task, and by meaning, of all. A run that is stopped still
 * ranks what it has begun, by words alone: its jobs end skipped, and are counted. */
static int fuse_meaning(const struct reading *r, const struct task *task, double *total,
                        struct lw_error *err)
{
    size_t n = r->chunks->n;
    double *near = mem_array(n, sizeof *near), *words = mem_array(n, sizeof *words);
    double *fused = mem_array(n, sizeof *fused);
    const char *question[] = { task->ask, task->hint };
    struct lw_error why;
    int code =
        meaning_near(r->meaning, question, task->hint ? 2 : 1, r->cancel, near, &why);
    bool stopped = code == LW_CANCELLED || code == LW_TIMEOUT;
    for (size_t i = 0; i < n; i++) {
        words[i] = total[i] > 0 ? total[i] : NAN;
        if (total[i] < 0) near[i] = NAN;
    }
    if (code == 0) {
        fuse_add(words, n, fused);
        fuse_add(near, n, fused);
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        if (total[i] >= 0) total[i] = fused[i];
    }
    mem_free(near);
    mem_free(words);
    mem_free(fused);
    return code == 0 || stopped ? 0 : err_set(err, why.code, "%s", why.message);
}

static void score_words(const struct reading *r, const struct task *task, double *total)
{
    const char *question[] = { task->ask, task->hint };
    add_scores(r, question, task->hint ? 2 : 1, task->n_terms > 0 ? QUESTION_SHARE : 1,
               total);
    if (task->n_terms > 0) {
        add_scores(r, (const char *const *)task->terms, task->n_terms, 1, total);
    }
}

/* Scores of the allowed chunks, the higher the better, 0 for no match; -1 for the
 * others. */
static int score_chunks(const struct expand_input *in, size_t index,
                        struct arena *scratch, double *total, struct lw_error *err)
{
    const struct reading *r = in->reading;
    const struct task *task = &in->plan->tasks[index];
    const bool *found = chunks_found(in, index, scratch);
    for (size_t i = 0; i < r->chunks->n; i++) {
        const struct chunk *c = &r->chunks->items[i];
        bool allowed =
            allows_doc(task, c->doc) && allows_pages(task, c) && (!found || found[i]);
        total[i] = allowed ? 0 : -1;
    }
    if (r->search) score_words(r, task, total);
    return r->meaning ? fuse_meaning(r, task, total, err) : 0;
}

static int compare_scores(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->search != y->search) return x->search > y->search ? -1 : 1;
    return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

/* How many of the ranked chunks a task with `top` reads: those that match, up
 * to top, but at least the floor. */
static size_t cut_at_top(const struct task *task, const struct pair *ranked, size_t n)
{
    if (task->top == 0) return n;
    size_t top = task->top > READ_FLOOR ? (size_t)task->top : READ_FLOOR, keep = 0;
    while (keep < n && keep < top && ranked[keep].search > 0) keep++;
    if (keep < READ_FLOOR) keep = READ_FLOOR;
    return keep < n ? keep : n;
}

/* The chunks of one task behind the pairs there are, best first. */
static int rank_task(const struct expand_input *in, size_t index, struct arena *scratch,
                     struct pairs *pairs, struct lw_error *err)
{
    size_t n_chunks = in->reading->chunks->n, from = pairs->n;
    double *score = mem_array(n_chunks, sizeof *score), best = 0;
    int code = score_chunks(in, index, scratch, score, err);
    mem_grow((void **)&pairs->items, &pairs->cap, pairs->n + n_chunks,
             sizeof *pairs->items);
    for (size_t i = 0; i < n_chunks; i++) {
        if (score[i] < 0) continue;
        if (score[i] > best) best = score[i];
        pairs->items[pairs->n++] = (struct pair){
            .task = (int)index,
            .chunk = (int)i,
            .search = score[i],
        };
    }
    mem_free(score);
    struct pair *own = pairs->items + from;
    size_t n = pairs->n - from;
    if (n > 0) qsort(own, n, sizeof *own, compare_scores);
    n = cut_at_top(&in->plan->tasks[index], own, n);
    for (size_t i = 0; i < n; i++) {
        own[i].rank = i;
        if (best > 0) own[i].search /= best;
    }
    pairs->n = from + n;
    return code;
}

/* --- Laying out ------------------------------------------------------------ */

static int compare_places(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->chunk_rank != y->chunk_rank) return x->chunk_rank < y->chunk_rank ? -1 : 1;
    if (x->chunk != y->chunk) return x->chunk < y->chunk ? -1 : 1;
    return (x->task > y->task) - (x->task < y->task);
}

/* All tasks of a chunk together, the chunk that any task ranks best first. */
static void sort_by_chunk(struct pairs *pairs, size_t n_chunks)
{
    size_t *best = mem_array(n_chunks, sizeof *best);
    for (size_t i = 0; i < n_chunks; i++) best[i] = SIZE_MAX;
    for (size_t i = 0; i < pairs->n; i++) {
        const struct pair *p = &pairs->items[i];
        if (p->rank < best[p->chunk]) best[p->chunk] = p->rank;
    }
    for (size_t i = 0; i < pairs->n; i++) {
        pairs->items[i].chunk_rank = best[pairs->items[i].chunk];
    }
    mem_free(best);
    if (pairs->n > 0) qsort(pairs->items, pairs->n, sizeof *pairs->items, compare_places);
}

static bool is_look_up(const struct task *task)
{
    bool reads_all = task->read_all || task->answer == ANSWER_LIST ||
                     task->answer == ANSWER_GIST || task->page_first > 0 ||
                     *task->found_in;
    return !reads_all && (task->reduce == REDUCE_LIST || task->reduce == REDUCE_VOTE);
}

static size_t count_jobs(const struct pairs *pairs, const struct plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        n += (size_t)plan->tasks[pairs->items[i].task].n_samples;
    }
    return n;
}

/* The worst-ranked pairs beyond the limit go. */
static size_t cap_jobs(struct pairs *pairs, const struct plan *plan)
{
    size_t before = pairs->n;
    while (count_jobs(pairs, plan) > LIMIT_JOBS) pairs->n -= (pairs->n + 15) / 16;
    return before - pairs->n;
}

static void lay_out(const struct pairs *pairs, const struct plan *plan,
                    struct arena *arena, struct expansion *out)
{
    out->jobs = arena_array(arena, count_jobs(pairs, plan), sizeof *out->jobs);
    for (size_t i = 0; i < pairs->n; i++) {
        const struct pair *p = &pairs->items[i];
        out->tasks[p->task].n++;
        for (int s = 0; s < plan->tasks[p->task].n_samples; s++) {
            out->jobs[out->n++] = (struct job){
                .task = p->task,
                .chunk = p->chunk,
                .sample = s,
                .search = p->search,
                .screen = NAN,
                .margin = NAN,
                .strength = NAN,
            };
        }
    }
}

/* Ranks are sorted and not used as places: jobs over the limit leave holes. */
struct ranked {
    size_t job, rank;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static void order_task(const struct pairs *pairs, const struct plan *plan, int task,
                       struct arena *arena, struct expanded_task *out)
{
    struct ranked *ranked = mem_array(out->n, sizeof *ranked);
    size_t n = 0, job = 0;
    for (size_t i = 0; i < pairs->n; i++) {
        const struct pair *p = &pairs->items[i];
        if (p->task == task) ranked[n++] = (struct ranked){ .job = job, .rank = p->rank };
        job += (size_t)plan->tasks[p->task].n_samples;
    }
    assert(n == out->n);
    if (n > 0) qsort(ranked, n, sizeof *ranked, compare_ranked);
    out->order = arena_array(arena, n, sizeof *out->order);
    for (size_t i = 0; i < n; i++) out->order[i] = ranked[i].job;
    mem_free(ranked);
}

int expand_plan(const struct expand_input *in, struct expansion *out,
                struct lw_error *err)
{
    struct arena *scratch = arena_new();
    struct pairs pairs = { .items = NULL };
    int code = 0;
    for (size_t i = 0; i < in->plan->n_tasks && code == 0; i++) {
        if (in->phase[i] == in->now) code = rank_task(in, i, scratch, &pairs, err);
    }
    if (code == 0) {
        struct arena *arena = in->reading->arena;
        sort_by_chunk(&pairs, in->reading->chunks->n);
        *out = (struct expansion){
            .tasks = arena_array(arena, in->plan->n_tasks, sizeof *out->tasks),
            .n_tasks = in->plan->n_tasks,
            .left_out = cap_jobs(&pairs, in->plan),
        };
        lay_out(&pairs, in->plan, arena, out);
        for (size_t i = 0; i < out->n_tasks; i++) {
            out->tasks[i].task = &in->plan->tasks[i];
            out->tasks[i].look_up = is_look_up(&in->plan->tasks[i]);
            order_task(&pairs, in->plan, (int)i, arena, &out->tasks[i]);
        }
    }
    mem_free(pairs.items);
    arena_free(scratch);
    return code;
}
