/* need.h - how much memory a model will take, from its header. */
#ifndef LW_ENGINE_NEED_H
#define LW_ENGINE_NEED_H

#include "engine/gguf_info.h"

#include <stdint.h>

enum {
    /* Tokens in one decode step. Pieces of 256-512 tokens are the fastest on CPUs. */
    NEED_BATCH_TOKENS = 512,
    NEED_CONTEXT_DEFAULT = 4096,
    /* Cells of a cache whose size nobody asked for, if they take no more than this part
     * of the weights' bytes: room for four excerpts and their replies. */
    NEED_CELLS = 6144,
    NEED_CELLS_PART = 5,
    NEED_SEQUENCES = 12, /* requests in flight, if nobody asks for another number */
    NEED_STATES = 8,     /* at most, where recurrent layers keep a state for each */
    NEED_LOGITS = 32     /* tokens of a step whose logits there are, at least */
};

struct need {
    uint64_t weights, kv, scratch; /* bytes */
};

/* What for? Who makes embeddings has all tokens of a step in what the model gives, and
 * where there is only an encoder (bert and its kind) no cache. */
enum need_use { NEED_TO_WRITE, NEED_TO_EMBED };

/* With a KV cache of this many tokens, for NEED_SEQUENCES. */
struct need need_of(const struct gguf_info *info, int cells, enum need_use use);
uint64_t need_sum(const struct need *n);

#endif
