/* schemas.h - the forms of a supervisor's replies.
 *
 * Fields stand in the order in which a small model does best: first what an
 * answer rests on, then the answer, then what is missing. A grammar follows
 * that order. Fields are flat and the same in every round, so that one way of
 * reading them does.
 *
 * Each call returns a new reference. */
#ifndef LW_PROTO_SCHEMAS_H
#define LW_PROTO_SCHEMAS_H

#include "proto/prompts.h"

/* {"tasks": [...]}; of a small supervisor {"questions": ["..."]}, from which
 * schema_plan_of_questions() makes the same. */
json_t *schema_of_plan(const struct proto_run *run);
json_t *schema_plan_of_questions(const json_t *reply, const char *question);
/* {"rests_on", "answer"}; before the last round also {"missing", "tasks", "note"}. */
json_t *schema_of_conclusion(const struct proto_run *run, enum prompt_round round);
/* {"message"} */
json_t *schema_of_first_message(void);
/* {"rests_on", "answer"}; before the last round also {"message"}. */
json_t *schema_of_next_message(const struct proto_run *run, enum prompt_round round);
/* {"answer", "quotes": [{"doc", "quote"}]} */
json_t *schema_of_cited_answer(const struct proto_run *run);

#endif
