/* reader.c - steps to requests, replies to jobs.
 *
 * All requests of a call are made before any is sent: the worker sees the
 * whole batch and may order it. Their messages live in an arena of the call;
 * a document's text is never copied into it. */
#include "jobs/reader.h"

#include "base/clock.h"
#include "jobs/prompts.h"
#include "jobs/reply.h"
#include "text/names.h"
#include "text/quote.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Samples beyond the first are drawn, the first is greedy. */
static const double SAMPLE_TEMPERATURE = 0.6;

/* A server reports tokens as text, and without a prefill the reply's first
 * word has no space before it. */
static const char *const ABSENT_FIRST_WORDS[] = { " not", " Not", "not", "Not" };

void step_list_add(struct step_list *list, enum step_kind kind, size_t job)
{
    mem_grow((void **)&list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (struct step){ .kind = kind, .job = job };
}

void step_list_release(struct step_list *list)
{
    mem_free(list->items);
    *list = (struct step_list){ .items = NULL };
}

/* --- Life ------------------------------------------------------------------ */

static double unknown_names(const struct reader *rd, const struct task *task)
{
    struct names names;
    bool weighed = llm_info(rd->r->worker)->cheap_scoring && task->answer != ANSWER_GIST;
    if (!weighed) return 0;
    names_look_up(rd->r->search, task->ask, &names);
    if (names.unknown == 0) return 0;
    reader_trace(rd, "%s: \"%s\" stands nowhere in the documents", task->id,
                 names.first_unknown);
    return (double)names.unknown / names.n;
}

void reader_init(struct reader *rd, const struct reading *r, const struct plan *plan)
{
    *rd = (struct reader){ .r = r, .plan = plan, .began = clock_seconds() };
    rd->schemas = mem_array(plan->n_tasks, sizeof *rd->schemas);
    rd->unknown_names = mem_array(plan->n_tasks, sizeof *rd->unknown_names);
    for (size_t i = 0; i < plan->n_tasks; i++) {
        rd->schemas[i] = prompt_schema(&plan->tasks[i]);
        rd->unknown_names[i] = unknown_names(rd, &plan->tasks[i]);
    }
}

void reader_release(struct reader *rd)
{
    for (size_t i = 0; i < rd->plan->n_tasks; i++) json_decref(rd->schemas[i]);
    mem_free(rd->schemas);
    mem_free(rd->unknown_names);
    mem_free(rd->slots);
}

void reader_begin(struct reader *rd, struct expansion *jobs)
{
    rd->jobs = jobs;
    mem_free(rd->slots);
    rd->slots = mem_array(jobs->n, sizeof *rd->slots);
    for (size_t i = 0; i < jobs->n; i++) rd->slots[i] = (struct slot){ .yn = NAN };
}

void reader_trace(const struct reader *rd, const char *fmt, ...)
{
    if (!rd->r->trace) return;
    char sentence[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    rd->r->trace(rd->r->user, sentence);
}

const char *reader_stopped(const struct reader *rd)
{
    if (cancel_level(rd->r->cancel) == CANCEL_NONE) return NULL;
    return cancel_timed_out(rd->r->cancel) ? "the time limit was reached"
                                           : "the run was stopped";
}

/* --- Requests --------------------------------------------------------------- */

static struct llm_part excerpt_of(const struct reader *rd, const struct job *j)
{
    const struct chunk *c = &rd->r->chunks->items[j->chunk];
    const struct doc *doc = rd->r->set->docs[c->doc];
    return (struct llm_part){ .text = doc->text + c->start, .len = c->end - c->start };
}

static void sample_request(const struct job *j, struct llm_request *req)
{
    if (j->sample == 0) return;
    req->temperature = SAMPLE_TEMPERATURE;
    req->seed = (uint32_t)j->sample;
}

/* Everything in one request, for a worker that is not scored first. */
static void make_whole(struct llm_request *req)
{
    req->alt = req->schema ? NULL : ABSENT_FIRST_WORDS;
    req->n_alt = req->schema ? 0 : sizeof ABSENT_FIRST_WORDS / sizeof *ABSENT_FIRST_WORDS;
    req->forbid_alt = false;
    req->stop = NULL;
    if (req->max_tokens < PROMPT_SERVER_TOKENS) req->max_tokens = PROMPT_SERVER_TOKENS;
}

static void make_request(const struct reader *rd, const struct step *step,
                         struct arena *a, struct llm_request *req)
{
    const struct job *j = &rd->jobs->jobs[step->job];
    const struct task *task = &rd->plan->tasks[j->task];
    struct llm_part e = excerpt_of(rd, j);
    if (step->kind == STEP_SCREEN) {
        prompt_screen(a, e.text, e.len, task, req);
    } else if (step->kind == STEP_PROBE) {
        prompt_probe(a, e.text, e.len, task, req);
    } else {
        prompt_read(a, e.text, e.len, task, req);
        req->schema = rd->schemas[j->task];
        if (step->kind == STEP_WHOLE && !llm_info(rd->r->worker)->cheap_scoring) {
            make_whole(req);
        }
        sample_request(j, req);
    }
    if (rd->r->sources) {
        req->source = &rd->r->sources[rd->r->chunks->items[j->chunk].doc];
    }
}

/* --- Replies ---------------------------------------------------------------- */

struct running {
    struct reader *rd;
    const struct step *steps;
    size_t failed;
};

static void end_job(struct reader *rd, struct job *j, const struct reply_value *v)
{
    if (j->state != JOB_PENDING) return;
    j->state = v->state;
    j->why = v->why;
    j->answer = v->answer;
    j->items = v->items;
    rd->progress.found += v->state == JOB_ANSWERED;
}

static void take_whole(struct reader *rd, size_t job, const struct llm_reply *reply)
{
    struct job *j = &rd->jobs->jobs[job];
    struct reply_value v;
    const struct task *task = &rd->plan->tasks[j->task];
    reply_read(rd->r->arena, task, rd->schemas[j->task], reply,
               task->answer == ANSWER_GIST ? REPLY_CUT_KEEPS : REPLY_CUT_FAILS, &v);
    j->screen = -reply->logprob_alt;
    end_job(rd, j, &v);
}

/* A number that stands neither in the excerpt nor in the question is an invention
 * (worker's numbers are copied, never computed). */
static bool is_invented(const struct reader *rd, const struct job *j, const char *answer)
{
    struct llm_part e = excerpt_of(rd, j);
    bool in_excerpt = true, in_question = true;
    quote_supports(answer, e.text, e.len, &in_excerpt);
    if (in_excerpt) return false;
    const char *both = arena_printf(rd->r->arena, "%.*s\n%s", (int)e.len, e.text,
                                    rd->plan->tasks[j->task].ask);
    quote_supports(answer, both, strlen(both), &in_question);
    return !in_question;
}

static void take_answer(struct reader *rd, size_t job, const struct llm_reply *reply)
{
    struct job *j = &rd->jobs->jobs[job];
    struct reply_value v;
    reply_read(rd->r->arena, &rd->plan->tasks[j->task], rd->schemas[j->task], reply,
               REPLY_CUT_KEEPS, &v);
    if (v.answer && !v.items && is_invented(rd, j, v.answer)) {
        reader_trace(rd, "chunk %d: \"%s\" has a number that stands nowhere in it",
                     j->chunk, v.answer);
        return;
    }
    rd->slots[job].answer = v.answer;
    rd->slots[job].items = v.items;
    if (v.state == JOB_FAILED || v.state == JOB_SKIPPED) end_job(rd, j, &v);
}

/* A request that failed or was cancelled ends its job, and a score those of all
 * samples, which share it. */
static bool take_broken(struct reader *rd, const struct step *step,
                        const struct llm_reply *reply)
{
    if (reply->finish != LLM_FAILED && reply->finish != LLM_CANCELLED) return false;
    struct job *j = &rd->jobs->jobs[step->job];
    const struct task *task = &rd->plan->tasks[j->task];
    bool shared = step->kind == STEP_SCREEN || step->kind == STEP_PROBE;
    struct reply_value v;
    reply_read(rd->r->arena, task, NULL, reply, REPLY_CUT_KEEPS, &v);
    for (int s = 0; s < (shared ? task->n_samples : 1); s++) end_job(rd, &j[s], &v);
    return true;
}

static void take_reply(struct reader *rd, const struct step *step,
                       const struct llm_reply *reply)
{
    struct slot *slot = &rd->slots[step->job];
    if (take_broken(rd, step, reply)) return;
    switch (step->kind) {
    case STEP_SCREEN: rd->jobs->jobs[step->job].screen = -reply->logprob_alt; break;
    case STEP_PROBE: slot->yn = reply->logprob_alt - reply->logprob_alt2; break;
    case STEP_ANSWER: take_answer(rd, step->job, reply); break;
    case STEP_WHOLE: take_whole(rd, step->job, reply); break;
    }
}

static void count_reply(struct running *run, const struct step *step,
                        const struct llm_reply *reply)
{
    struct reader *rd = run->rd;
    usage_add(rd->r->usage, &reply->usage);
    rd->progress.prompt_tokens += reply->usage.prompt_tokens - reply->usage.cached_tokens;
    if (reply->finish == LLM_FAILED) {
        run->failed++;
        rd->n_failed++;
        if (rd->failure.code == 0) rd->failure = reply->error;
    } else if (reply->finish != LLM_CANCELLED) {
        rd->n_read++;
    }
    if (step->kind == STEP_WHOLE) {
        rd->progress.done++;
    } else if (step->kind == STEP_SCREEN) {
        int task = rd->jobs->jobs[step->job].task;
        rd->progress.done += rd->plan->tasks[task].n_samples;
    }
}

static void show_progress(struct reader *rd)
{
    if (!rd->r->progress) return;
    rd->progress.seconds = clock_seconds() - rd->began;
    rd->r->progress(rd->r->user, &rd->progress);
}

static void on_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct running *run = user;
    take_reply(run->rd, &run->steps[index], reply);
    count_reply(run, &run->steps[index], reply);
    show_progress(run->rd);
}

/* Jobs stand chunk by chunk, so their order is the order that shares. */
static int compare_steps(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->job != y->job) return x->job < y->job ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

int reader_run(struct reader *rd, struct step_list *steps, size_t *failed,
               struct lw_error *err)
{
    if (failed) *failed = 0;
    if (steps->n == 0) return 0;
    qsort(steps->items, steps->n, sizeof *steps->items, compare_steps);
    struct arena *a = arena_new();
    struct llm_request *reqs = arena_array(a, steps->n, sizeof *reqs);
    for (size_t i = 0; i < steps->n; i++) make_request(rd, &steps->items[i], a, &reqs[i]);
    struct running run = { .rd = rd, .steps = steps->items };
    if (rd->progress.done == 0) show_progress(rd); /* what is ahead */
    int code =
        llm_chat_many(rd->r->worker, reqs, steps->n, on_reply, &run, rd->r->cancel, err);
    arena_free(a);
    if (failed) *failed = run.failed;
    return code;
}

/* --- After the screen -------------------------------------------------------- */

void reader_add_probe(struct reader *rd, size_t job, struct step_list *steps)
{
    rd->slots[job].probed = true;
    step_list_add(steps, STEP_PROBE, job);
}

void reader_add_answers(struct reader *rd, size_t job, struct step_list *steps)
{
    int samples = rd->plan->tasks[rd->jobs->jobs[job].task].n_samples;
    for (int s = 0; s < samples; s++) step_list_add(steps, STEP_ANSWER, job + (size_t)s);
}

struct decide_look reader_look(const struct reader *rd, size_t job)
{
    const struct job *j = &rd->jobs->jobs[job];
    return (struct decide_look){
        .screen = j->screen,
        .yn = rd->slots[job].yn,
        .unknown_names = rd->unknown_names[j->task],
    };
}

void reader_margins(struct reader *rd, const struct expanded_task *t, size_t n)
{
    double *screen = mem_array(n, sizeof *screen), *margin = mem_array(n, sizeof *margin);
    int *doc = mem_array(n, sizeof *doc);
    for (size_t i = 0; i < n; i++) {
        const struct job *j = &rd->jobs->jobs[t->order[i]];
        screen[i] = j->screen;
        doc[i] = rd->r->chunks->items[j->chunk].doc;
    }
    decide_margins(screen, doc, n, margin);
    for (size_t i = 0; i < n; i++) {
        struct job *j = &rd->jobs->jobs[t->order[i]];
        for (int s = 0; s < t->task->n_samples; s++) {
            j[s].screen = screen[i];
            j[s].margin = margin[i];
        }
    }
    mem_free(screen);
    mem_free(margin);
    mem_free(doc);
}

void reader_settle(struct reader *rd, size_t job, bool worth, bool found)
{
    struct job *first = &rd->jobs->jobs[job];
    const struct slot *slots = &rd->slots[job];
    const char *stopped = reader_stopped(rd);
    bool cut_off = stopped && worth && !slots->probed;
    struct decide_look look = reader_look(rd, job);
    for (int s = 0; s < rd->plan->tasks[first->task].n_samples; s++) {
        struct job *j = &first[s];
        const struct slot *slot = &slots[s];
        j->strength = decide_strength(&look);
        struct reply_value v = { .state = JOB_ABSENT };
        if (cut_off) {
            v = (struct reply_value){ .state = JOB_SKIPPED, .why = stopped };
        } else if (found && slot->answer) {
            v = (struct reply_value){
                .state = JOB_ANSWERED,
                .answer = slot->answer,
                .items = slot->items,
            };
        }
        end_job(rd, j, &v);
    }
}

void reader_skip(struct reader *rd, const struct expanded_task *t, size_t from,
                 const char *why)
{
    for (size_t i = from; i < t->n; i++) {
        struct job *j = &rd->jobs->jobs[t->order[i]];
        for (int s = 0; s < t->task->n_samples; s++) {
            if (j[s].state != JOB_PENDING) continue;
            j[s].state = JOB_SKIPPED;
            j[s].why = why;
        }
    }
    if (from < t->n && !rd->stop_reason) rd->stop_reason = why;
}
