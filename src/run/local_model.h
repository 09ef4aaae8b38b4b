/* local_model.h - a model of this process in its slot.
 *
 * Its file is opened with the options of the session and stays resident: it
 * leaves memory when it is idle or when another one needs the room, and comes
 * back with the next request (models/resident.h). */
#ifndef LW_RUN_LOCAL_MODEL_H
#define LW_RUN_LOCAL_MODEL_H

#include "run/session.h"

/* Sets the slot's llm, resident and path; the slot is empty before, and after an error.
 * In the embedder's slot it makes embeddings, in the others it chats. path: a GGUF file.
 * Codes: those of engine_open() and embed_open(). The session's thread. */
int local_model_open(lw_session *s, const char *path, struct model_slot *slot,
                     struct lw_error *err);

/* Tells the resident models, if there are any, how long they may be idle now. */
void local_models_set_idle(lw_session *s);

#endif
