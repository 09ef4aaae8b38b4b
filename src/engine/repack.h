/* repack.h - whether ggml is to rearrange the weights of a model while they are loaded.
 *
 * Rows of weights that are woven together ("repacked") make products with one token
 * fastest. K-quants that stand as they do in the file are multiplied tile by tile as soon
 * as eight tokens come at once: nearly always, for who reads. And what is not rearranged
 * can be mapped, which loads sooner and shares the memory between processes.
 *
 * Qwen2.5 1.5B Q4_K_M on two cores, `legwork tune`, tokens a second, rearranged and not:
 *
 *     Zen 5, AVX-512 with VNNI      reads 171, 185 and 272   writes 39, 41 and 31
 *     the same with AVX2 alone      reads  99      and 122   writes 40     and 29
 *
 * 36 replies in JSON about 12 excerpts of 800 tokens: 104 and 80 s. Of the 0.5B, which
 * has few K-quants, both are as fast. */
#ifndef LW_ENGINE_REPACK_H
#define LW_ENGINE_REPACK_H

#include "engine/gguf_info.h"

/* Is this model read faster rearranged? True too where nothing is known: on processors
 * other than these, and on those with AMX, whose products need it. */
bool repack_pays(const struct gguf_info *info);

#endif
