/* reduce.h - list, vote, count, sum, min, max, latest, earliest: exactly, on
 * this machine, for no tokens. */
#ifndef LW_JOBS_REDUCE_H
#define LW_JOBS_REDUCE_H

#include "base/mem.h"
#include "flow/finding.h"
#include "flow/plan.h"

struct reduced {
    const char *value; /* in the arena; NULL: nothing to reduce */
    /* Findings that took part; that could not: no number, date, yes or no can be
     * read in them, or their excerpt does not support them. */
    size_t used, left_out;
    /* Indices of the findings behind the value: what said no is not. */
    const size_t *from;
    size_t n_from;
    const size_t *left; /* of those left out that their excerpt supports: to be told */
    size_t n_left;
};

/* Reduce the findings of one task.
 *
 *     list               the values, best first, joined by "; "
 *     vote               the value with most votes, the best-ranked of equals
 *     count              how many (of a yes_no task: how many say yes; what says
 *                        neither yes nor no is left out)
 *     sum                exact (jobs/value.h), in the task's unit
 *     min, max           the finding with that number, as it was stated
 *     latest, earliest   the same for dates
 *
 * List and vote take every finding; the others only supported ones. Amounts are added
 * and compared in one unit (jobs/unit.h): the task's, of amounts or of rates as most of
 * it are; else the kind of unit that most have, in its smallest that occurs. What is of
 * another kind, or has no exact number in that unit, is left out. */
void reduce_task(struct arena *arena, const struct plan *plan, int task,
                 const struct finding_list *findings, struct reduced *out);

#endif
