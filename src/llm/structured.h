/* structured.h - a JSON reply of a schema from any model, with one repair.
 *
 * The model is asked with the schema (constrained in process, response_format
 * at a server). What comes back is parsed strictly, then searched for an
 * object in prose or fences, then checked. If it does not hold, the model gets
 * one more try with its reply and the exact complaint; a server sees the schema beside
 * it, as some take response_format and never read it. A reply that merely
 * echoes the schema counts as broken. */
#ifndef LW_LLM_STRUCTURED_H
#define LW_LLM_STRUCTURED_H

#include "llm/llm.h"

/* req->schema is required. *out: new reference. Usage of both tries is added to
 * *usage. LW_ERR if the second reply is broken too (the sentence says how);
 * llm_chat()'s errors otherwise. */
int structured_chat(struct llm *llm, const struct llm_request *req, json_t **out,
                    struct usage *usage, const struct cancel *cancel,
                    struct lw_error *err);

/* The checking half, without a model: a value, or LW_ERR_INPUT with the complaint. */
int structured_parse(const json_t *schema, const char *text, size_t len, json_t **out,
                     struct lw_error *err);

#endif
