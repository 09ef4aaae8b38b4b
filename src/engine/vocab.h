/* vocab.h - text to tokens and back, for one model.
 *
 * A prompt is tokenised in parts (template, instructions, excerpt, question),
 * each going on where the one before ended: no space is invented at its
 * beginning, as some vocabularies do at the start of a text.
 *
 * Plain text never becomes a control token. There are vocabularies whose
 * templates speak by tokens that are not marked as such ("user defined"): those
 * are taken apart into letters too.
 *
 * Threads: everything here only reads, any thread. */
#ifndef LW_ENGINE_VOCAB_H
#define LW_ENGINE_VOCAB_H

#include <llama.h>
#include <stdbool.h>
#include <stddef.h>

enum { VOCAB_PIECE_MAX = 256 }; /* bytes of a token; longer ones are never written */

struct tokens {
    llama_token *ids;
    size_t n, cap;
};

struct vocab {
    const struct llama_vocab *llama;
    int n;              /* tokens in the vocabulary */
    llama_token bos;    /* to begin a prompt with; LLAMA_TOKEN_NULL: none */
    llama_token end;    /* one that ends a reply; LLAMA_TOKEN_NULL: none */
    bool spaced;        /* puts a space in front of a text */
    struct tokens lead; /* of the line end that keeps it from doing so */
    /* Texts of tokens by which chats are written and that the library finds in plain
     * text as well; borrowed from the model. */
    const char **signs;
    size_t n_signs, cap_signs;
    /* For each byte a token that is this byte and nothing else; LLAMA_TOKEN_NULL: none.
     */
    llama_token bytes[256];
    bool spells_bytes; /* there is one for every byte that a text can have */
    /* A bit a token: control tokens that end nothing, and unused ones. */
    unsigned char *never;
};

/* Can every text be made tokens of? A vocabulary of the SentencePiece kind without a
 * token for each byte makes libllama throw, which ends the process. To be asked before
 * vocab_init(). */
bool vocab_takes_any_text(const struct llama_model *model);
void vocab_init(struct vocab *v, const struct llama_model *model);
void vocab_release(struct vocab *v);

enum vocab_special { VOCAB_PLAIN, VOCAB_SPECIAL };

void tokens_release(struct tokens *t);
void tokens_add(struct tokens *t, llama_token id);
void tokens_add_all(struct tokens *t, const llama_token *ids, size_t n);
bool tokens_equal(const struct tokens *t, const llama_token *ids, size_t n);

/* Append the tokens of text, as it goes on. VOCAB_SPECIAL: names of special
 * tokens in it are these tokens (text of a template, never of a document). */
void vocab_tokenize(const struct vocab *v, const char *text, size_t len,
                    enum vocab_special special, struct tokens *out);
/* Bytes of a token, without a NUL; 0 for special and oversized ones. */
size_t vocab_piece(const struct vocab *v, llama_token id, char out[VOCAB_PIECE_MAX]);
/* Never to be chosen for a reply. */
bool vocab_never(const struct vocab *v, llama_token id);
bool vocab_ends(const struct vocab *v, llama_token id);

/* The tokens that stand for any of the alternatives (llm.h): each one's single
 * token, or its first where it takes several. No token twice. */
void vocab_alternatives(const struct vocab *v, const char *const *alt, size_t n_alt,
                        struct tokens *out);

#endif
