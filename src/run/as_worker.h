/* as_worker.h - a model in the worker's role: what it cannot be reached for is
 * the worker's fault. */
#ifndef LW_RUN_AS_WORKER_H
#define LW_RUN_AS_WORKER_H

#include "llm/llm.h"

/* Takes inner. The same model, whose failures that providers/ calls LW_ERR_REMOTE
 * are LW_ERR_LOCAL. */
struct llm *as_worker(struct llm *inner);

#endif
