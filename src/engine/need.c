/* need.c - estimate a model's memory before it is loaded.
 *
 * Weights, KV cache and the states of recurrent layers follow from the header. The
 * rest is a formula laid above what libllama reports for models of 0.1 to 1.5
 * billion weights (40 to 130 MiB; 90 to 170 estimated):
 *
 *     activations of the widest batch    24 rows as wide as an embedding
 *     masks                              a half a cell and token, for two kinds of layers
 *     logits                             32 rows; one a token with an encoder, and in a
 *                                        decoder that makes embeddings; none in bert
 *     tables of the vocabulary           350 bytes a token
 *
 * Weights are counted once: they are read, not mapped (load.c), and where the user has
 * them mapped the file's pages are the first to go when memory is short. */
#include "engine/need.h"

#include "engine/schedule.h"

#include <string.h>

enum { TABLE_BYTES = 350, FIXED_BYTES = 24 << 20 };

struct need need_of(const struct gguf_info *info, int cells, enum need_use use)
{
    bool only_reads = use == NEED_TO_EMBED && strstr(info->architecture, "bert");
    bool all_rows = use == NEED_TO_EMBED || strcmp(info->architecture, "t5") == 0;
    uint64_t n_cells = (uint64_t)cells, words = (uint64_t)info->vocabulary;
    uint64_t states = NEED_STATES + SCHED_GROUPS_MAX;
    uint64_t rows = only_reads ? 0 : all_rows ? NEED_BATCH_TOKENS : NEED_LOGITS;
    uint64_t cached = only_reads ? 0 : info->kv_bytes_per_token * n_cells;
    uint64_t floats = (uint64_t)info->embedding * 24 * NEED_BATCH_TOKENS + words * rows;
    uint64_t masks = n_cells * NEED_BATCH_TOKENS * 2 * 2;

    return (struct need){
        .weights = info->tensor_bytes,
        .kv = cached + info->state_bytes * states,
        .scratch = FIXED_BYTES + floats * sizeof(float) + words * TABLE_BYTES + masks,
    };
}

uint64_t need_sum(const struct need *n)
{
    return n->weights + n->kv + n->scratch;
}
