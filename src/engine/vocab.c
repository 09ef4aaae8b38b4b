/* vocab.c - tokens of one model's vocabulary.
 *
 * The trap here: vocabularies of the SentencePiece kind put a space in front
 * of whatever they are given, so a prompt tokenised in parts would gain a
 * space at each seam. A line end in front takes that space, and its tokens,
 * which never melt into what follows, are then cut off. */
#include "engine/vocab.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

static const char lead_text[] = "\n";

void tokens_release(struct tokens *t)
{
    mem_free(t->ids);
    *t = (struct tokens){ .n = 0 };
}

void tokens_add(struct tokens *t, llama_token id)
{
    mem_grow((void **)&t->ids, &t->cap, t->n + 1, sizeof *t->ids);
    t->ids[t->n++] = id;
}

/* Append, as the library does it. A text never has more tokens than bytes and
 * a few; the second round is for vocabularies that think otherwise. */
static void tokenize_raw(const struct vocab *v, const char *text, size_t len,
                         bool special, struct tokens *out)
{
    size_t room = len + 16;

    assert(len < INT32_MAX / 2);
    for (int round = 0; round < 2; round++) {
        mem_grow((void **)&out->ids, &out->cap, out->n + room, sizeof *out->ids);
        int32_t n = llama_tokenize(v->llama, text, (int32_t)len, out->ids + out->n,
                                   (int32_t)room, false, special);
        if (n >= 0) {
            out->n += (size_t)n;
            return;
        }
        room = n == INT32_MIN ? room : (size_t)-n;
    }
}

static bool begins_with(const struct tokens *t, size_t from, const struct tokens *head)
{
    return t->n - from > head->n &&
           memcmp(t->ids + from, head->ids, head->n * sizeof *head->ids) == 0;
}

static void tokenize_after_lead(const struct vocab *v, const char *text, size_t len,
                                bool special, struct tokens *out)
{
    size_t from = out->n, lead_len = sizeof lead_text - 1;
    char *joined = mem_alloc(len + lead_len + 1);

    memcpy(joined, lead_text, lead_len);
    memcpy(joined + lead_len, text, len);
    tokenize_raw(v, joined, len + lead_len, special, out);
    mem_free(joined);
    if (begins_with(out, from, &v->lead)) {
        out->n -= v->lead.n;
        memmove(out->ids + from, out->ids + from + v->lead.n,
                (out->n - from) * sizeof *out->ids);
    } else {
        out->n = from;
        tokenize_raw(v, text, len, special, out);
    }
}

void vocab_tokenize(const struct vocab *v, const char *text, size_t len,
                    enum vocab_special special, struct tokens *out)
{
    if (len == 0) {
        return;
    }
    if (v->spaced) {
        tokenize_after_lead(v, text, len, special == VOCAB_SPECIAL, out);
    } else {
        tokenize_raw(v, text, len, special == VOCAB_SPECIAL, out);
    }
}

size_t vocab_piece(const struct vocab *v, llama_token id, char out[VOCAB_PIECE_MAX])
{
    int32_t n = llama_token_to_piece(v->llama, id, out, VOCAB_PIECE_MAX, 0, false);

    return n > 0 ? (size_t)n : 0;
}

bool vocab_never(const struct vocab *v, llama_token id)
{
    return v->never[id / 8] >> (id % 8) & 1;
}

bool vocab_ends(const struct vocab *v, llama_token id)
{
    return llama_vocab_is_eog(v->llama, id);
}

static void find_never(struct vocab *v)
{
    enum { WASTE = LLAMA_TOKEN_ATTR_UNKNOWN | LLAMA_TOKEN_ATTR_UNUSED };

    v->never = mem_alloc((size_t)v->n / 8 + 1);
    for (llama_token id = 0; id < v->n; id++) {
        bool waste = ((int)llama_vocab_get_attr(v->llama, id) & WASTE) != 0;
        if (vocab_ends(v, id)) {
            v->end = id;
        } else if (waste || llama_vocab_is_control(v->llama, id)) {
            v->never[id / 8] |= (unsigned char)(1u << (id % 8));
        }
    }
}

/* Does this vocabulary begin a text with a space of its own? */
static bool adds_space(const struct vocab *v)
{
    struct tokens t = { .n = 0 };
    char piece[VOCAB_PIECE_MAX];

    tokenize_raw(v, "a", 1, false, &t);
    bool spaced = t.n > 0 && vocab_piece(v, t.ids[0], piece) > 0 && piece[0] == ' ';
    tokens_release(&t);
    return spaced;
}

void vocab_init(struct vocab *v, const struct llama_model *model)
{
    const struct llama_vocab *llama = llama_model_get_vocab(model);

    *v = (struct vocab){
        .llama = llama,
        .n = llama_vocab_n_tokens(llama),
        .bos = llama_vocab_get_add_bos(llama) ? llama_vocab_bos(llama) : LLAMA_TOKEN_NULL,
        .end = LLAMA_TOKEN_NULL,
    };
    find_never(v);
    v->spaced = adds_space(v);
    if (v->spaced) {
        tokenize_raw(v, lead_text, sizeof lead_text - 1, false, &v->lead);
    }
}

void vocab_release(struct vocab *v)
{
    tokens_release(&v->lead);
    mem_free(v->never);
}

void vocab_alternatives(const struct vocab *v, const char *const *alt, size_t n_alt,
                        struct tokens *out)
{
    for (size_t i = 0; i < n_alt; i++) {
        struct tokens t = { .n = 0 };
        vocab_tokenize(v, alt[i], strlen(alt[i]), VOCAB_PLAIN, &t);
        bool known = t.n == 0;
        for (size_t k = 0; k < out->n && !known; k++) {
            known = out->ids[k] == t.ids[0];
        }
        if (!known) {
            tokens_add(out, t.ids[0]);
        }
        tokens_release(&t);
    }
}
