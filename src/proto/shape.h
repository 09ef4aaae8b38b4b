/* shape.h - put a finished answer into the caller's JSON schema.
 *
 * One small call of its own, after the answer: the protocols never mix their
 * schemas with the caller's, and an answer that cannot be shaped is still an
 * answer. */
#ifndef LW_PROTO_SHAPE_H
#define LW_PROTO_SHAPE_H

#include "proto/prompts.h"

/* Nothing to do without run->schema or an answer. On success out->answer is the
 * JSON and out->shaped is true, its citations stay, and that no quote supports it, which
 * its words said, becomes a warning. Else, also where the run was stopped, it stays as it
 * is, marked partial with the cause. model: who writes it; its usage goes to *usage.
 * told: the answer as the model may read it, without names of files if it is elsewhere.
 */
void shape_answer(const struct proto_run *run, const struct record *rec,
                  struct llm *model, struct usage *usage, const char *told,
                  struct final *out);

#endif
