/* expect.c - parts of average size, at the speed that was measured for prompts.
 *
 * Reading is prompts: what is written for a part is a few tokens. A look-up may
 * stop early, so this is the most that it takes, as is the progress line's own
 * estimate later. */
#include "run/expect.h"

#include "base/mem.h"
#include "jobs/prompts.h"

double expect_part_seconds(const lw_session *s, struct llm *worker, const char *question)
{
    const struct tuned *speed = &s->worker.tuned;
    const struct chunk_list *chunks = &s->matter.chunks;
    if (worker != s->worker.llm || speed->reads <= 0 || chunks->n == 0) return 0;
    double tokens = 0;
    for (size_t i = 0; i < chunks->n; i++) tokens += chunks->items[i].n_tokens;
    struct task task = { .ask = mem_strdup(question), .answer = ANSWER_TEXT };
    tokens = tokens / (double)chunks->n + prompt_overhead_tokens(worker, &task);
    mem_free(task.ask);
    return tokens / speed->reads;
}
