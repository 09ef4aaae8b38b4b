/* embed.h - a model in this process that makes embeddings: an llm that cannot chat.
 *
 * Texts are packed together into steps of at most 512 tokens; what a text's numbers
 * are does not depend on its company, but for rounding. The cancel token is looked at
 * before every operation of a step.
 *
 * Threads: any; they take turns. Errors at open: as engine.h, and LW_ERR_LOCAL for a
 * model that makes none, or whose context has no room for a text's tokens. Chat requests
 * fail, each with a sentence. */
#ifndef LW_ENGINE_EMBED_H
#define LW_ENGINE_EMBED_H

#include "engine/engine.h"

/* Of the options, sequences and kv_ram_bytes say nothing here. */
int embed_open(struct llm **out, const struct engine_options *opt, struct lw_error *err);

/* As engine_need(). */
uint64_t embed_need(const struct engine_options *opt);

#endif
