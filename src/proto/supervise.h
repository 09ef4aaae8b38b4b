/* supervise.h - one call of the supervisor: a question under a schema.
 *
 * On top of structured_chat(), which repairs a reply that is no JSON of the
 * schema, this repairs one whose content cannot be used (a plan for a document
 * that does not exist): the supervisor sees its reply and the exact complaint,
 * and gets one more try. Usage of all tries goes to run->remote_usage. */
#ifndef LW_PROTO_SUPERVISE_H
#define LW_PROTO_SUPERVISE_H

#include "proto/prompts.h"

/* 0, or LW_ERR_INPUT with a complaint that the supervisor can act on. */
typedef int (*supervise_check_fn)(void *user, const json_t *value, struct lw_error *err);

/* messages: SUPERVISOR_MESSAGES of them. schema: its reference is taken. check may
 * be NULL. *out: new reference. Errors: as llm_chat(), or such that
 * supervise_is_broken(). */
int supervise(const struct proto_run *run, const struct llm_message *messages,
              json_t *schema, supervise_check_fn check, void *user, json_t **out,
              struct lw_error *err);

/* Did the supervisor answer, but nothing that can be used (rather than not at all)? */
bool supervise_is_broken(int code);
/* The code, with the sentence in *err, that a run ends with: a broken reply is
 * LW_ERR_REMOTE, anything else is what it is. */
int supervise_failure(int code, struct lw_error *err);

/* Tokens left in the model's context for what was found, when the rest of the
 * prompt is this and the reply must still fit; never more than is worth
 * paying for. */
int supervise_room(struct llm *model, const struct llm_message *rest);

/* Rounds of reading that the supervisor is good for: a small one plans once. */
int supervise_rounds(const struct proto_run *run);

/* Tokens of one reply. */
int supervise_reply_tokens(struct llm *model);

#endif
