/* draft.h - guess the next tokens of a reply from the text that it is about.
 *
 * Who answers from an excerpt often copies: where the last tokens of the reply stand in
 * it, what follows there may follow here. All guessed tokens are checked in one step and
 * the right ones taken, so the reply is what it would be without (Yang et al. 2023,
 * "Inference with Reference", section 3; known as prompt lookup). A step of several
 * tokens costs more than a step of one, on few cores nearly as many times more: whether
 * to guess, and how far, follows from what `legwork tune` measured on the machine.
 *
 * Pure functions. */
#ifndef LW_ENGINE_DRAFT_H
#define LW_ENGINE_DRAFT_H

#include "legwork.h"

#include <llama.h>
#include <stddef.h>

enum { DRAFT_MAX = 4 };

/* How many tokens to guess for each reply of a step, so that tokens come fastest; 0: it
 * does not pay, or nobody knows. The step has n_tokens without that, and n_guessed of its
 * replies have a guess; with all of them it is to have at most tokens_max. costs: of a
 * step of so many tokens, one is 1; in rising order. */
int draft_length(const struct lw_point *costs, size_t n_costs, int n_tokens,
                 int n_guessed, int tokens_max);

/* What follows in the text where it agrees longest with the end of the reply, the last
 * such place, at most `most` tokens (DRAFT_MAX). Returns how many. */
int draft_guess(const llama_token *text, size_t n_text, const llama_token *reply,
                size_t n_reply, int most, llama_token out[DRAFT_MAX]);

#endif
