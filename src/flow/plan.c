/* plan.c - the plan as plain data: its memory, its tasks by their ids, and the
 * names of its enums.
 *
 * Nothing here judges a plan; jobs/plan_check.c does. */
#include "flow/plan.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ORDER ANSWERS */
static const char *const answer_names[ANSWER_KINDS] = {
    [ANSWER_TEXT] = "text",     [ANSWER_NUMBER] = "number", [ANSWER_DATE] = "date",
    [ANSWER_YES_NO] = "yes_no", [ANSWER_LIST] = "list",     [ANSWER_CHOICE] = "choice",
    [ANSWER_GIST] = "gist",
};

/* ORDER REDUCES */
static const char *const reduce_names[REDUCE_KINDS] = {
    [REDUCE_LIST] = "list",     [REDUCE_VOTE] = "vote",         [REDUCE_COUNT] = "count",
    [REDUCE_SUM] = "sum",       [REDUCE_MIN] = "min",           [REDUCE_MAX] = "max",
    [REDUCE_LATEST] = "latest", [REDUCE_EARLIEST] = "earliest",
};

const char *answer_kind_name(enum answer_kind kind)
{
    return answer_names[kind];
}

const char *reduce_kind_name(enum reduce_kind kind)
{
    return reduce_names[kind];
}

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}

int answer_kind_from_name(const char *name)
{
    return find_name(answer_names, ANSWER_KINDS, name);
}

int reduce_kind_from_name(const char *name)
{
    return find_name(reduce_names, REDUCE_KINDS, name);
}

/* --- Memory -------------------------------------------------------------- */

static void free_strings(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++) mem_free(strings[i]);
    mem_free(strings);
}

static void task_release(struct task *task)
{
    mem_free(task->ask);
    mem_free(task->hint);
    mem_free(task->docs);
    mem_free(task->unit);
    free_strings(task->terms, task->n_terms);
    free_strings(task->choices, task->n_choices);
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_tasks; i++) task_release(&plan->tasks[i]);
    mem_free(plan->tasks);
    mem_free(plan->note);
    *plan = (struct plan){ .tasks = NULL };
}

struct task *plan_add_task(struct plan *plan)
{
    mem_grow((void **)&plan->tasks, &plan->cap_tasks, plan->n_tasks + 1,
             sizeof *plan->tasks);
    struct task *task = &plan->tasks[plan->n_tasks++];
    *task = (struct task){ .n_samples = 1 };
    snprintf(task->id, sizeof task->id, "t%u", (unsigned)plan->n_tasks);
    return task;
}

/* --- Tasks by their ids ---------------------------------------------------- */

int plan_find_task(const struct plan *plan, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(plan->tasks[i].id, id) == 0) return (int)i;
    }
    return -1;
}
