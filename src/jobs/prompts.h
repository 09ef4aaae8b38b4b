/* prompts.h - every word that a worker is told, in one place.
 *
 * Order: instructions, excerpt, task: what repeats comes first, so that all
 * tasks of a chunk share its state. The excerpt is a verbatim part of its own,
 * without the blank space around it.
 *
 * The calls fill the whole request for a worker in process, greedy; what they
 * point to lives in the arena or is borrowed (excerpt, task). */
#ifndef LW_JOBS_PROMPTS_H
#define LW_JOBS_PROMPTS_H

#include "base/json.h"
#include "base/mem.h"
#include "flow/plan.h"
#include "llm/llm.h"

enum {
    PROMPT_MESSAGES = 2,
    PROMPT_ANSWER_TOKENS = 28, /* of a worker that goes on behind "Answer:" */
    PROMPT_GIST_TOKENS = 80,   /* of a sentence */
    PROMPT_SERVER_TOKENS = 48, /* of one that may say more than asked */
    PROMPT_JSON_TOKENS = 512   /* of a list or a choice */
};

/* The question over an excerpt, scored only: alt = " not". Words as for a text
 * answer whatever the kind, but for the kinds of one line (see
 * prompt_is_json()) exactly the request of prompt_read() with no token. */
void prompt_screen(struct arena *a, const char *excerpt, size_t len,
                   const struct task *task, struct llm_request *req);
/* The question over an excerpt, answered. One line after the prefill, or JSON
 * for the kinds that are asked so; then req->schema is the caller's to set. */
void prompt_read(struct arena *a, const char *excerpt, size_t len,
                 const struct task *task, struct llm_request *req);
/* "Does the excerpt contain the answer?" over an excerpt: alt = Yes, alt2 = No. */
void prompt_probe(struct arena *a, const char *excerpt, size_t len,
                  const struct task *task, struct llm_request *req);

/* No question: only what all questions over this excerpt begin with, to be kept. */
void prompt_excerpt(struct arena *a, const char *excerpt, size_t len,
                    struct llm_request *req);

/* Is this kind of answer asked as JSON (list, choice)? */
bool prompt_is_json(enum answer_kind kind);
/* Schema of the reply: {"items": ["..."]} or {"choice": "..."}; new reference,
 * NULL for the other kinds. A choice of nothing is PROMPT_ABSENT. */
json_t *prompt_schema(const struct task *task);
#define PROMPT_ABSENT "not stated"

/* What a chunk's size must leave room for: instructions, template, the longest
 * of the task's questions and the reply, in tokens of the worker. */
int prompt_overhead_tokens(struct llm *worker, const struct task *longest);

#endif
