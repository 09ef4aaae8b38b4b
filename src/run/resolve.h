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

/* Codes: LW_ERR_LOCAL, _USAGE, _AUTH, _POLICY, _REMOTE, _BUDGET, LW_CANCELLED. *out is
 * the session's. */
int worker_get(lw_session *s, struct llm **out, struct lw_error *err);
/* Does the option "local" name a server? Nothing is opened for that. */
bool worker_is_server(const lw_session *s);
/* The option "remote" is set and is not "self". */
int supervisor_get(lw_session *s, struct llm **out, struct lw_error *err);

/* The option "embed": a GGUF file in this process. *out is NULL where it is not set. */
int embedder_get(lw_session *s, struct llm **out, struct lw_error *err);

/* Ask the server behind a model of the session what is not known of it; nothing for one
 * in this process, or NULL. At the beginning of a run: it can be cancelled, and what
 * fails here would fail every request. Codes as above. */
int server_ask(lw_session *s, const struct llm *model, struct lw_error *err);
/* Where the server behind a model is, without asking it; NULL: the model is in this
 * process, or NULL. */
const struct llm_info *server_place(const lw_session *s, const struct llm *model);

void slot_close(struct model_slot *slot);

#endif
