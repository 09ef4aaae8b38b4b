/* widen.h - read a model file as one that is computed with faster: Q5_0 as Q8_0.
 *
 * K-quants are blocks of 256 weights. Rows of another length (896 in Qwen2.5 0.5B, 576 in
 * SmolLM2 135M) are of a plain format in such a file, most of them Q5_0, for which ggml
 * has no rearranged product: it puts the fifth bits in their places again for every few
 * tokens. A weight of Q5_0 is a whole number from -16 to 15 times the scale of its
 * block, and Q8_0 writes the same number times the same scale, so nothing is rounded:
 *
 *     Q5_0   scale f16 | fifth bits 4 bytes | 32 x 4 bits        22 bytes a block
 *     Q8_0   scale f16 | 32 x 8 bits                             34
 *
 * The price is memory. The file stays as it is and no other one is written.
 *
 * Qwen2.5 0.5B Q4_K_M, two cores with AVX2, `legwork tune` both ways in turn, twice:
 * reads 107 and 115 tokens a second as it is, 141 and 142 widened, with 100 MB more. */
#ifndef LW_ENGINE_WIDEN_H
#define LW_ENGINE_WIDEN_H

#include "engine/gguf_info.h"

#include <stdint.h>
#include <stdio.h>

/* Bytes of memory more that the weights take when widened; 0: nothing to widen, or
 * nothing known to be gained on this kind of processor. */
uint64_t widen_more(const struct gguf_info *info);

/* The file at path, widened, as a stream that reads and seeks: a GGUF file again. NULL
 * where that cannot be (it is not there, is damaged, or one of several parts): whoever
 * loads it by its path hears why. The caller's to fclose(). */
FILE *widen_open(const char *path);

/* n blocks of Q5_0 as n blocks of Q8_0. */
void widen_blocks(const unsigned char *from, unsigned char *to, size_t n);

#endif
