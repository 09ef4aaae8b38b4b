/* plan.h - what a supervisor asks for: a few small questions, each over some
 * chunks, each with a way to merge its answers. Plain data; jobs/plan_check.c
 * reads one from JSON and turns hostile or broken ones away. */
#ifndef LW_FLOW_PLAN_H
#define LW_FLOW_PLAN_H

#include <stdbool.h>
#include <stddef.h>

/* ORDER ANSWERS: names in plan.c, schema in jobs/plan_check.c */
enum answer_kind {
    ANSWER_TEXT,
    ANSWER_NUMBER,
    ANSWER_DATE,
    ANSWER_YES_NO,
    ANSWER_LIST,
    ANSWER_CHOICE,
    ANSWER_GIST, /* a sentence on what a chunk says, for summaries */
    ANSWER_KINDS
};
/* ORDER REDUCES: names in plan.c, code in jobs/reduce.c */
enum reduce_kind {
    REDUCE_LIST,
    REDUCE_VOTE,
    REDUCE_COUNT,
    REDUCE_SUM,
    REDUCE_MIN,
    REDUCE_MAX,
    REDUCE_LATEST,
    REDUCE_EARLIEST,
    REDUCE_KINDS
};

const char *answer_kind_name(enum answer_kind kind);
const char *reduce_kind_name(enum reduce_kind kind);
int answer_kind_from_name(const char *name); /* -1 if unknown */
int reduce_kind_from_name(const char *name); /* -1 if unknown */

struct task {
    char id[16]; /* "t1" */
    char *ask;   /* one small question */
    char *hint;  /* NULL or what it may look like in the text */
    /* where: which chunks. All restrictions hold at once. */
    int *docs; /* indices; n_docs 0: every document */
    size_t n_docs;
    int page_first, page_last; /* 0: any */
    char **terms;              /* search terms for ranking */
    size_t n_terms;
    int top;           /* the best `top` chunks by search; 0: all */
    char found_in[16]; /* "" or an earlier task: only where it found something */
    /* answer */
    enum answer_kind answer;
    char *unit;     /* NULL or "USD millions" */
    char **choices; /* for ANSWER_CHOICE */
    size_t n_choices;
    int n_samples; /* >= 1 */
    bool read_all; /* all its chunks, also if it looks one thing up */
    enum reduce_kind reduce;
};

struct plan {
    struct task *tasks;
    size_t n_tasks;
    size_t cap_tasks;
    char *note; /* the supervisor's note to itself, or NULL */
};

void plan_release(struct plan *plan);
/* Zeroed but for n_samples 1 and its id; owned by the plan, strings by mem_.
 * The pointer is valid until the next plan_add_task(). */
struct task *plan_add_task(struct plan *plan);
/* The one of the first n tasks that has this id, -1 if none. */
int plan_find_task(const struct plan *plan, size_t n, const char *id);

#endif
