/* need.c - estimate a model's memory before it is loaded.
 *
 * Weights and KV cache follow from the header. The rest (activations of the
 * widest batch, logits, the vocabulary's tables) is a formula laid above
 * measurements of models of 0.1 to 1.5 billion weights: 50 to 170 MiB measured,
 * 110 to 190 estimated. */
#include "engine/need.h"

#include "engine/schedule.h"

struct need need_of(const struct gguf_info *info, int cells)
{
    uint64_t floats = (uint64_t)info->embedding * 24 * NEED_BATCH_TOKENS;
    uint64_t logits = (uint64_t)info->vocabulary * 2 * SCHED_SEQ_MAX;

    return (struct need){
        .weights = info->tensor_bytes,
        .kv = info->kv_bytes_per_token * (uint64_t)cells,
        .scratch = (UINT64_C(64) << 20) + (floats + logits) * sizeof(float),
    };
}

uint64_t need_sum(const struct need *n)
{
    return n->weights + n->kv + n->scratch;
}
