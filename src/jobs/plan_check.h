/* plan_check.h - a supervisor's plan from JSON, turned away if it is broken,
 * capped if it is too large.
 *
 *   {"tasks": [{"id": "t1", "ask": "...", "hint": "...",
 *               "where": {"docs": ["d1"], "pages": [1, 12], "terms": ["..."], "top": 12,
 *                         "found_in": "t0"},
 *               "answer": "text|number|date|yes_no|list|choice", "choices": ["..."],
 *               "unit": "...", "samples": 1,
 *               "reduce": "list|vote|count|sum|min|max|latest|earliest"}],
 *    "note": "..."}
 *
 * Only "ask" is required of a task. "found_in" names a task before it, of this plan or
 * of the round before. Unknown fields are ignored, null is absent. */
#ifndef LW_JOBS_PLAN_CHECK_H
#define LW_JOBS_PLAN_CHECK_H

#include "base/err.h"
#include "base/json.h"
#include "flow/doc.h"
#include "flow/plan.h"
#include "jobs/reading.h"

enum { PLAN_ASK_BYTES_MAX = 4096 }; /* of one question to the worker */

struct plan_limits {
    int tasks_max; /* <= LIMIT_TASKS; more in the plan are dropped and counted */
    int samples_max;
    const struct plan *earlier; /* of the round before, or NULL: "found_in" may name it */
};

/* The JSON schema of a plan (new reference), for response_format and grammars. */
json_t *plan_schema(void);

/* 0, or LW_ERR_INPUT with the exact complaint, in words that a model can act on
 * (task 2: "reduce" is "average"; allowed are list, vote, ...) and an empty plan.
 * *dropped counts tasks over the limit. */
int plan_from_json(const json_t *json, const struct doc_set *set,
                   const struct plan_limits *limits, struct plan *plan, size_t *dropped,
                   struct lw_error *err);
/* Does each task leave room in the worker's context for the largest part? 0, or
 * LW_ERR_INPUT with the complaint. A worker that does not tell its context takes all. */
int plan_fits_worker(const struct plan *plan, const struct reading *r,
                     struct lw_error *err);
json_t *plan_to_json(const struct plan *plan, const struct doc_set *set);

#endif
