/* forced.h - what a grammar leaves no choice about.
 *
 * Much of a JSON reply is known before the model writes it: names of properties, marks
 * between values, the rest of a choice that its first letters decide. These bytes go in
 * as one piece of a batch instead of one token a step.
 *
 * Seam. Where the known text ends the model would perhaps have written a token that
 * reaches over the end (`":"` for `":`). So the last token of the known text is left
 * to the model, which the grammar keeps to what begins in the same way.
 *
 * Threads: one at a time for each grammar. */
#ifndef LW_ENGINE_FORCED_H
#define LW_ENGINE_FORCED_H

#include "engine/vocab.h"

enum { FORCED_BYTES_MAX = 256 }; /* at a time; the next step goes on from there */

/* The bytes that must come next, whole characters, at most FORCED_BYTES_MAX. Returns
 * how many; 0 where there is a choice, the text may end, or the vocabulary has no token
 * for some byte. The grammar stays as it was. */
size_t forced_text(const struct vocab *v, struct llama_sampler *grammar,
                   char out[FORCED_BYTES_MAX]);

/* Append the tokens of that text, without its last one. */
void forced_tokens(const struct vocab *v, struct llama_sampler *grammar,
                   struct tokens *out);

#endif
