/* engine.h - models in this process (libllama): a GGUF file as an llm.
 *
 * One engine thread owns the llama context; callers send it batches of
 * requests and get replies back through a queue. The engine orders requests by
 * what they share, decodes a shared prefix (instructions, excerpt) once for
 * all requests that begin alike, packs prefill pieces and decode steps of
 * different requests into one batch, admits by free room in the KV cache, and
 * looks at the cancel token before every step and within it (abort callback).
 *
 * Prefix states that were screened stay in memory up to kv_ram_bytes, the
 * least promising out first (by logprob_alt), so that an answer asked later
 * for the same excerpt computes only its own tokens; usage.cached_tokens
 * counts honestly what was not computed again.
 *
 * Kinds. Decoders share any prefix. Sliding windows and recurrent or hybrid memories
 * share whole prefixes only, from where they end. A model with an encoder (T5) reads
 * one prompt at a time (info.parallel is 1), at most 512 tokens, and shares nothing
 * but equal prompts that follow each other.
 *
 * With kv_folder, states of requests that name their document (llm_request.source) are
 * kept on disk as well (kv_disk.h) and found there by later processes. What is found
 * is what was computed, byte for byte; what libllama does not take is computed again.
 * Where the file was replaced while it was loaded nothing is kept, and a warning says so.
 *
 * Chat: the model's own template where libllama knows it, else a plain one (a
 * notice says so). Template text is tokenised with special tokens, contents
 * without.
 *
 * Errors at open: LW_ERR_LOCAL with what is wrong and what to do, for a file
 * that is missing, truncated, no GGUF, of an unknown architecture, no model that
 * writes (embeddings, a projector, an adapter, a vocabulary), or too
 * large for the memory that is free (weights + KV + scratch are estimated from
 * the header before loading). */
#ifndef LW_ENGINE_ENGINE_H
#define LW_ENGINE_ENGINE_H

#include "llm/llm.h"

#include <stdint.h>

/* AUTO: weights that ggml rearranges are read into memory of their own, since a mapped
 * file would stand in memory beside that a second time; others are mapped; with a GPU,
 * whatever libllama thinks best. YES shares the pages of the file between processes, for
 * formats that are computed with as they are. */
enum engine_mmap { ENGINE_MMAP_AUTO, ENGINE_MMAP_YES, ENGINE_MMAP_NO };

/* Does ggml rearrange the weights for the processor? AUTO: where that pays (repack.h). */
enum engine_repack { ENGINE_REPACK_AUTO, ENGINE_REPACK_YES, ENGINE_REPACK_NO };

/* Machines of several memory nodes: to be said with the first model of the process only.
 * DISTRIBUTE: threads on all nodes; ISOLATE: on the one where loading began. */
enum engine_numa { ENGINE_NUMA_OFF, ENGINE_NUMA_DISTRIBUTE, ENGINE_NUMA_ISOLATE };

enum { ENGINE_NO_GPU = -1 };

struct engine_options {
    const char *path; /* GGUF file */
    int context;    /* tokens a request may use; 0: 4096, or the model's own if smaller */
    int sequences;  /* requests in flight; 0: 12 */
    int threads;    /* 0: the cores this process may use */
    int gpu_layers; /* on a GPU, where there is one; 0: all; ENGINE_NO_GPU: none */
    enum engine_mmap mmap;
    enum engine_repack repack;
    enum engine_numa numa;
    bool kv_q8; /* the live KV cache as q8_0: half the memory of f16, and slower */
    /* Kept prefix states; 0: a quarter of the memory that is free after loading,
     * at most 144 MiB, or 48 if they are kept on disk as well; while excerpts rest
     * (schedule.h) and nothing was said, up to an eighth of the weights more. */
    uint64_t kv_ram_bytes;
    /* Prefix states on disk, at most so many bytes; NULL or 0: none. */
    const char *kv_folder;
    uint64_t kv_bytes;
    /* What a step of so many tokens costs, one is 1, as legwork tune measured it. Replies
     * are drafted from their excerpts (draft.h) as far as that pays by these costs; NULL:
     * never. */
    const struct lw_point *step_costs;
    size_t n_step_costs;
    /* Any thread, until the engine is closed: something is wrong with the states on
     * disk; what was found there and what goes there. Both may be NULL. */
    void (*warning)(void *user, const char *sentence);
    void (*trace)(void *user, const char *sentence);
    /* While opening, on the opener's thread. Both may be NULL. */
    void (*notice)(void *user, const char *sentence);
    void (*loading)(void *user, double share); /* 0..1 */
    void *user;
    const struct cancel *cancel; /* of the loading */
};

/* Bytes that a model opened like this takes (weights + KV + scratch, from the header);
 * 0: the file does not say. */
uint64_t engine_need(const struct engine_options *opt);

int engine_open(struct llm **out, const struct engine_options *opt, struct lw_error *err);

#endif
