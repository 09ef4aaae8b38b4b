/* resolve.h - from a model's name in an option to an open model.
 *
 * The worker is a GGUF file in this process or a server; one that is not on
 * this machine must be allowed by name and goes through the guard. The
 * supervisor goes through the guard wherever it is, unless it is in this
 * process. The model that makes embeddings is always in this process. All stay open in
 * the session. */
#ifndef LW_RUN_RESOLVE_H
#define LW_RUN_RESOLVE_H

#include "run/session.h"

/* Codes: LW_ERR_LOCAL, _USAGE, _AUTH, _POLICY, _REMOTE, LW_CANCELLED. *out is the
 * session's. */
int worker_get(lw_session *s, struct llm **out, struct lw_error *err);
/* Does the option "local" name a server? Nothing is opened for that. */
bool worker_is_server(const lw_session *s);
/* The option "remote" is set and is not "self". */
int supervisor_get(lw_session *s, struct llm **out, struct lw_error *err);

/* The option "embed": a GGUF file in this process. *out is NULL where it is not set. */
int embedder_get(lw_session *s, struct llm **out, struct lw_error *err);

void slot_close(struct model_slot *slot);

#endif
