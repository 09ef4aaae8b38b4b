/* sample.h - from logits to the next token.
 *
 * Greedy at temperature 0. Else one of the best SAMPLE_BEST tokens by their
 * probabilities, with a generator of its own: the same request with the same
 * seed gives the same draws, whatever else is in the batch.
 *
 * Constraints (a grammar, copying) are asked about single tokens in the order
 * in which the model prefers them; the whole vocabulary is only gone through when
 * all of the best were refused.
 *
 * Threads: one at a time for each sampler. */
#ifndef LW_ENGINE_SAMPLE_H
#define LW_ENGINE_SAMPLE_H

#include "engine/copy.h"
#include "engine/vocab.h"

#include <stdint.h>

enum { SAMPLE_BEST = 40 };

/* One position's logits and what makes them probabilities. */
struct logits {
    const float *at;
    int n;
    double log_sum; /* NAN if the model computes no numbers */
};

struct logits logits_of(const float *at, int n);
double logits_logprob(const struct logits *l, llama_token id);
/* ln of the sum of the probabilities of these tokens; NAN for none. */
double logits_logprob_any(const struct logits *l, const struct tokens *ids);

struct sampler {
    const struct vocab *vocab;
    double temperature;
    uint64_t random;
    struct tokens forbidden;       /* not as the first token */
    struct llama_sampler *grammar; /* owned; NULL: none */
    char held[4]; /* under a grammar: a character of which the end is still to come */
    size_t n_held;
    struct copier *copier; /* borrowed; NULL: none */
    int n_picked;
};

void sampler_init(struct sampler *s, const struct vocab *vocab, double temperature,
                  uint32_t seed);
void sampler_release(struct sampler *s);
/* LLAMA_TOKEN_NULL: no token is allowed. A token that ends the reply is
 * allowed only where the constraint is satisfied. */
llama_token sampler_pick(struct sampler *s, const float *logits);
/* The token becomes part of the reply. Returns how many of its first bytes do
 * not (space in front of a copy). */
size_t sampler_accept(struct sampler *s, llama_token id);
/* The constraint allows nothing more after the text, which ends so. */
bool sampler_complete(const struct sampler *s, const char *text, size_t len);

#endif
