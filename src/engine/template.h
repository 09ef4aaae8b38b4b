/* template.h - a chat as the tokens that the model was trained to see.
 *
 * The model's own template is rendered once with marks in place of the
 * messages, then cut at the marks: what stands between them is template and
 * may name special tokens; what takes the place of a mark is content and may
 * not, so an excerpt that holds "<|im_end|>" ends nothing.
 *
 *     <|im_start|>system\n  M0  <|im_end|>\n<|im_start|>user\n  M1  <|im_end|>\n<|im...
 *     special               plain  special                      plain: each part apart
 *
 * Where the template lets a model think before it replies, the turn begins with an
 * empty thought, which is how such templates say that there shall be none: a
 * worker's first token is its answer's.
 *
 * Threads: any; nothing is kept between calls. */
#ifndef LW_ENGINE_TEMPLATE_H
#define LW_ENGINE_TEMPLATE_H

#include "base/err.h"
#include "engine/vocab.h"
#include "llm/llm.h"

struct prompt {
    struct tokens tokens;
    struct tokens source; /* for the encoder, if there is one; then tokens is the rest */
    /* Where sharing ends: behind the last document text, or behind what follows it and
     * is not the last part of its message (the last one is the request's own, but where
     * it only asks to keep all); without a document before the last message. Less than
     * tokens.n. */
    size_t n_prefix;
};

/* The template to use for this model: its own where the library knows it, else
 * NULL for the plain one ("User: ...", for models that have none). */
const char *template_of(const struct llama_model *model);

/* The document text of the last prompt and its tokens: the tasks of an excerpt
 * come one after the other, and tokenising it is most of the work. */
struct part_memo {
    const char *text;
    size_t len;
    struct tokens tokens;
};

/* LW_ERR if the library cannot render the chat. Release the tokens in any case.
 * The memo starts zeroed, serves calls with the same vocabulary and is released
 * by tokens_release(&memo->tokens). */
int template_render(const char *tmpl, const struct vocab *v,
                    const struct llm_request *req, struct part_memo *memo,
                    struct prompt *out, struct lw_error *err);

/* For a model with an encoder, which knows no roles: the encoder gets all texts,
 * one below the other, the decoder its start token and the prefill. */
int template_render_source(const struct vocab *v, llama_token decoder_start,
                           const struct llm_request *req, struct prompt *out,
                           struct lw_error *err);

void prompt_release(struct prompt *prompt);

#endif
