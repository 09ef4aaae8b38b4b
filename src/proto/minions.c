/* minions.c - MinionS: plan, read, merge, conclude, and again.
 *
 *     plan      the supervisor, who sees a description of the documents and none
 *               of their text, asks for a few small tasks
 *     read      each task over each of its chunks is a job for the worker
 *     merge     answers become findings: checked, joined, ranked, reduced, here
 *               and for no tokens
 *     conclude  the supervisor gets the findings and its own note, and either
 *               answers, naming the findings it rests on, or asks for new tasks
 *
 * after "Minions: Cost-efficient Collaboration Between On-device and Cloud
 * Language Models" (arXiv 2502.15964), with a plan in place of code and with
 * findings, note and what was missing carried into every later round.
 *
 * A run of R rounds costs R + 1 calls of the supervisor. Whatever fails on the
 * way, what was found until then is returned. */
#include "proto/ways.h"

#include "base/utf8.h"
#include "jobs/plan_check.h"
#include "jobs/question.h"
#include "jobs/run_jobs.h"
#include "proto/rounds.h"
#include "proto/schemas.h"
#include "proto/supervise.h"

#include <string.h>

struct minions {
    struct proto_run *run;
    struct rounds rounds;
    /* Of the round before, of this one, of the one to come. */
    struct plan earlier, plan, next;
    struct job_list earlier_jobs, jobs;
    const char *note; /* the supervisor's, from round to round */
};

/* --- Plan ------------------------------------------------------------------ */

/* Take the tasks of a reply as the next plan, or say what is wrong with them. */
static int take_tasks(struct minions *m, const json_t *reply, struct lw_error *err)
{
    const struct plan_limits limits = {
        .tasks_max = m->run->tasks_max,
        .samples_max = m->run->samples > 1 ? m->run->samples : 1,
        .earlier = &m->plan,
    };
    struct plan plan = { .tasks = NULL };
    size_t dropped = 0;
    int code = plan_from_json(reply, m->run->reading.set, &limits, &plan, &dropped, err);
    if (code == 0) code = plan_fits_worker(&plan, &m->run->reading, err);
    if (code) {
        plan_release(&plan);
        return code;
    }
    if (dropped > 0) {
        proto_warn(m->run, "the supervisor asked for %zu tasks more than the limit of %d",
                   dropped, limits.tasks_max);
    }
    proto_set_samples(m->run, &plan);
    plan_release(&m->next);
    m->next = plan;
    return 0;
}

static int take_plan(void *user, const json_t *reply, struct lw_error *err)
{
    struct minions *m = user;
    if (!prompt_is_small(m->run)) return take_tasks(m, reply, err);
    json_t *tasks = schema_plan_of_questions(reply, m->run->reading.question);
    int code = take_tasks(m, tasks, err);
    json_decref(tasks);
    return code;
}

static void plan_question_itself(struct minions *m, const char *why)
{
    proto_warn(m->run, "no plan came: %s; the question itself is read instead", why);
    plan_release(&m->next);
    question_plan(&m->next, m->run->reading.question, 1);
    proto_set_samples(m->run, &m->next);
}

static int plan(struct minions *m, struct lw_error *err)
{
    struct llm_message messages[SUPERVISOR_MESSAGES];
    json_t *reply = NULL;
    proto_stage(m->run, "planning");
    prompt_plan(m->run, messages);
    int code =
        supervise(m->run, messages, schema_of_plan(m->run), take_plan, m, &reply, err);
    json_decref(reply);
    if (supervise_is_broken(code)) {
        plan_question_itself(m, err->message);
        code = 0;
    }
    if (m->next.note) m->note = arena_strdup(m->run->reading.arena, m->next.note);
    return code;
}

/* --- Read and merge -------------------------------------------------------- */

static void next_round(struct minions *m)
{
    plan_release(&m->earlier);
    m->earlier = m->plan;
    m->earlier_jobs = m->jobs;
    m->plan = m->next;
    m->next = (struct plan){ .tasks = NULL };
    rounds_next(&m->rounds);
}

static void trace_plan(const struct minions *m)
{
    for (size_t i = 0; i < m->plan.n_tasks; i++) {
        proto_trace(m->run, "round %d, task %s: %s", m->rounds.round, m->plan.tasks[i].id,
                    m->plan.tasks[i].ask);
    }
}

static int read_and_merge(struct minions *m, struct lw_error *err)
{
    const struct job_list *earlier_jobs = m->rounds.round > 1 ? &m->earlier_jobs : NULL;
    const struct plan *earlier = m->rounds.round > 1 ? &m->earlier : NULL;
    trace_plan(m);
    proto_stage(m->run, "reading");
    int code = run_jobs(&m->run->reading, &m->plan, earlier_jobs, earlier, &m->jobs, err);
    if (code == 0) record_add_jobs(&m->rounds.record, &m->plan, &m->jobs);
    return code;
}

/* --- Conclude -------------------------------------------------------------- */

static int check_tasks(void *user, const json_t *reply, struct lw_error *err)
{
    if (json_array_size(json_object_get(reply, "tasks")) == 0) {
        return err_set(err, LW_ERR_INPUT, "\"answer\" and \"tasks\" are both empty");
    }
    return take_tasks(user, reply, err);
}

/* As much of it as a plan's note may have. */
static int note_length(const char *text)
{
    return (int)utf8_floor(text, strlen(text), PLAN_ASK_BYTES_MAX);
}

/* What the supervisor wants to remember of this round. */
static void carry_note(void *user, const json_t *reply)
{
    struct minions *m = user;
    const char *note = json_str(reply, "note", "");
    const char *missing = json_str(reply, "missing", "");
    if (!*note && !*missing) return;
    m->note =
        arena_printf(m->run->reading.arena, "%.*s%s%s%.*s", note_length(note), note,
                     *note && *missing ? " " : "", *missing ? "Missing so far: " : "",
                     note_length(missing), missing);
}

static void ask_for_conclusion(void *user, const char *found,
                               struct llm_message *messages)
{
    const struct minions *m = user;
    prompt_conclude(m->run, found, m->note, m->rounds.kind, messages);
}

static int conclude(struct minions *m, struct final *out, struct lw_error *err)
{
    const struct rounds_turn turn = {
        .prompt = ask_for_conclusion,
        .schema = schema_of_conclusion,
        .check_next = check_tasks,
        .keep = carry_note,
        .user = m,
    };
    return rounds_conclude(&m->rounds, &turn, out, err);
}

/* --- The algorithm --------------------------------------------------------- */

int minions_run(struct proto_run *run, struct final *out, struct lw_error *err)
{
    struct minions m = { .run = run };
    struct lw_error why = { .code = 0 };
    rounds_init(&m.rounds, run);
    int code = plan(&m, &why);
    while (code == 0 && !m.rounds.answered) {
        next_round(&m);
        code = read_and_merge(&m, &why);
        if (code == 0) code = conclude(&m, out, &why);
    }
    code = rounds_end(&m.rounds, code, &why, out, err);
    plan_release(&m.earlier);
    plan_release(&m.plan);
    plan_release(&m.next);
    return code;
}
