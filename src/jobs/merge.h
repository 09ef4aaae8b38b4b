/* merge.h - from answered jobs to findings: dedupe, vote, check, rank.
 *
 * Drops absent jobs; joins samples of a job by majority (absent votes too);
 * joins equal values of a task (numbers by value, dates by day, text folded)
 * and keeps the best place; takes the quote from the source (text/quote.h);
 * asks whether the excerpt supports the value (finding.supported: a veto for
 * numbers that stand nowhere in it); ranks by confidence, agreement, support
 * and search. Each item of a list is a finding of its own.
 *
 * An item of a list that asks for one name's, "the leaks of the Heron", is not
 * supported where its sentence names another and nothing around it the one asked for.
 *
 * Where equal values are different things they are not joined: amounts that
 * are to be summed (of one excerpt, as often as it holds the number), and places that say
 * yes and are to be counted. */
#ifndef LW_JOBS_MERGE_H
#define LW_JOBS_MERGE_H

#include "flow/finding.h"
#include "jobs/reading.h"

/* Findings of all tasks, in the reading's arena, sorted by task, then rank. Ids
 * "f1"... go on from first_id. */
void merge_jobs(const struct reading *r, const struct plan *plan,
                const struct job_list *jobs, int first_id, struct finding_list *out);

/* Are two values the same answer? Numbers by value (with scale words and signs;
 * a unit that only one names does not count), dates by day, text folded: what stands
 * around a number or a date has to be the same, and C is not C++. */
bool merge_same_value(const char *a, const char *b);

#endif
