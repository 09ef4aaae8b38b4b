/* vocab.c - tokens of one model's vocabulary.
 *
 * The trap here: vocabularies of the SentencePiece kind put a space in front
 * of whatever they are given, so a prompt tokenised in parts would gain a
 * space at each seam. A line end in front takes that space, and its tokens,
 * which never melt into what follows, are then cut off. */
#include "engine/vocab.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
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

void tokens_add_all(struct tokens *t, const llama_token *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tokens_add(t, ids[i]);
    }
}

bool tokens_equal(const struct tokens *t, const llama_token *ids, size_t n)
{
    return t->n == n && (n == 0 || memcmp(t->ids, ids, n * sizeof *ids) == 0);
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

static void tokenize_piece(const struct vocab *v, const char *text, size_t len,
                           bool special, struct tokens *out)
{
    if (v->lead.n > 0) {
        tokenize_after_lead(v, text, len, special, out);
    } else {
        tokenize_raw(v, text, len, special, out);
    }
}

static bool is_sign(const struct vocab *v, const char *text, size_t len)
{
    for (size_t i = 0; i < v->n_signs; i++) {
        size_t n = strlen(v->signs[i]);
        if (n <= len && memcmp(text, v->signs[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* Bytes up to and with the first one of a sign, which is nothing without it; all of
 * the text where none is in it. */
static size_t before_sign(const struct vocab *v, const char *text, size_t len)
{
    for (size_t i = 0; v->n_signs > 0 && i < len; i++) {
        if (ispunct((unsigned char)text[i]) && is_sign(v, text + i, len - i)) {
            return i + 1;
        }
    }
    return len;
}

void vocab_tokenize(const struct vocab *v, const char *text, size_t len,
                    enum vocab_special special, struct tokens *out)
{
    while (len > 0) {
        size_t n = special == VOCAB_SPECIAL ? len : before_sign(v, text, len);
        tokenize_piece(v, text, n, special == VOCAB_SPECIAL, out);
        text += n;
        len -= n;
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

/* Can a token with this text be a single byte? Most are not asked for their bytes: a byte
 * is written as itself, as another letter, as a mark for a space, or as <0x0A>. */
static bool may_be_byte(const char *text)
{
    size_t len = strnlen(text, 7);

    return len <= 3 || (len == 6 && memcmp(text, "<0x", 3) == 0);
}

/* What a text can have of bytes: letters and signs, and all of which UTF-8 makes others.
 */
static bool is_of_text(int byte)
{
    return (byte >= 0x20 && byte != 0x7f && byte < 0xc0) || (byte >= 0xc2 && byte < 0xf5);
}

static void find_bytes(struct vocab *v)
{
    char piece[VOCAB_PIECE_MAX];

    for (int byte = 0; byte < 256; byte++) v->bytes[byte] = LLAMA_TOKEN_NULL;
    for (llama_token id = 0; id < v->n; id++) {
        if (may_be_byte(llama_vocab_get_text(v->llama, id)) && !vocab_never(v, id) &&
            vocab_piece(v, id, piece) == 1) {
            v->bytes[(unsigned char)piece[0]] = id;
        }
    }
    v->spells_bytes = v->end != LLAMA_TOKEN_NULL;
    for (int byte = 0; byte < 256; byte++) {
        v->spells_bytes &= !is_of_text(byte) || v->bytes[byte] != LLAMA_TOKEN_NULL;
    }
}

/* The byte that a token of this text is looked up for, as libllama does it; -1: none. */
static int byte_of_text(const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = strnlen(text, 7);

    if (len == 1) {
        return (unsigned char)text[0];
    }
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') {
        return -1;
    }
    const char *high = strchr(digits, text[3]), *low = strchr(digits, text[4]);
    return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

bool vocab_takes_any_text(const struct llama_model *model)
{
    const struct llama_vocab *v = llama_model_get_vocab(model);
    bool has[256] = { false }, has_all = true;

    if (llama_vocab_type(v) != LLAMA_VOCAB_TYPE_SPM) {
        return true;
    }
    for (llama_token id = 0; id < llama_vocab_n_tokens(v); id++) {
        int byte = byte_of_text(llama_vocab_get_text(v, id));
        if (byte >= 0) {
            has[byte] = true;
        }
    }
    for (int byte = 1; byte < 256; byte++) {
        has_all &= has[byte] || !(byte < 0x20 || byte == 0x7f || is_of_text(byte));
    }
    return has_all;
}

/* User-defined tokens by which a chat is written: named by the template, or made to
 * look like it. Others are words, or white space in bulk. */
static bool speaks(const char *text, const char *tmpl)
{
    size_t len = strlen(text);

    if (len < 2 || !ispunct((unsigned char)text[0])) {
        return false;
    }
    return (tmpl && strstr(tmpl, text)) ||
           (len > 4 && memcmp(text, "<|", 2) == 0 && strcmp(text + len - 2, "|>") == 0);
}

static void find_signs(struct vocab *v, const char *tmpl)
{
    enum { LOOSE = LLAMA_TOKEN_ATTR_USER_DEFINED };

    for (llama_token id = 0; id < v->n; id++) {
        const char *text = llama_vocab_get_text(v->llama, id);
        if (((int)llama_vocab_get_attr(v->llama, id) & LOOSE) != 0 &&
            speaks(text, tmpl)) {
            mem_grow((void **)&v->signs, &v->cap_signs, v->n_signs + 1, sizeof *v->signs);
            v->signs[v->n_signs++] = text;
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
    find_bytes(v);
    find_signs(v, llama_model_chat_template(model, NULL));
    v->spaced = adds_space(v);
    /* Unigram vocabularies melt a line end and the space that follows it. */
    if (v->spaced && llama_vocab_type(llama) != LLAMA_VOCAB_TYPE_UGM) {
        tokenize_raw(v, lead_text, sizeof lead_text - 1, false, &v->lead);
    }
}

void vocab_release(struct vocab *v)
{
    tokens_release(&v->lead);
    mem_free(v->signs);
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
