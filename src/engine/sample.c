/* sample.c - choose a token: the best, or one drawn from the best.
 *
 * libllama's own samplers go over the whole vocabulary several times and are
 * not asked here, but for its grammar engine. One pass finds the few best;
 * refused ones are struck out and the choice made again among the others, which
 * is the same as drawing from the allowed ones alone. */
#include "engine/sample.h"

#include "base/mem.h"
#include "engine/detok.h"

#include <math.h>
#include <string.h>

struct logits logits_of(const float *at, int n)
{
    struct logits l = { .at = at, .n = n };
    float max = at[0];
    double sum = 0;

    for (int i = 1; i < n; i++) {
        max = at[i] > max ? at[i] : max;
    }
    for (int i = 0; i < n; i++) {
        sum += (double)expf(at[i] - max);
    }
    l.log_sum = (double)max + log(sum);
    return l;
}

double logits_logprob(const struct logits *l, llama_token id)
{
    return (double)l->at[id] - l->log_sum;
}

double logits_logprob_any(const struct logits *l, const struct tokens *ids)
{
    double sum = 0;

    if (ids->n == 0) {
        return NAN;
    }
    for (size_t i = 0; i < ids->n; i++) {
        sum += exp(logits_logprob(l, ids->ids[i]));
    }
    return log(sum);
}

void sampler_init(struct sampler *s, const struct vocab *vocab, double temperature,
                  uint32_t seed)
{
    *s = (struct sampler){
        .vocab = vocab,
        .temperature = temperature,
        .random = seed,
    };
}

void sampler_release(struct sampler *s)
{
    if (s->grammar) {
        llama_sampler_free(s->grammar);
        s->grammar = NULL;
    }
    tokens_release(&s->forbidden);
}

/* splitmix64: every seed is a good one. Uniform in [0, 1). */
static double next_random(struct sampler *s)
{
    uint64_t z = s->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

/* --- Constraints ---------------------------------------------------------- */

static bool is_forbidden(const struct sampler *s, llama_token id)
{
    if (vocab_never(s->vocab, id)) {
        return true;
    }
    for (size_t i = 0; s->n_picked == 0 && i < s->forbidden.n; i++) {
        if (s->forbidden.ids[i] == id) {
            return true;
        }
    }
    return false;
}

static bool copy_allows(const struct sampler *s, llama_token id)
{
    char piece[VOCAB_PIECE_MAX];

    if (vocab_ends(s->vocab, id)) {
        return copier_may_end(s->copier);
    }
    size_t len = vocab_piece(s->vocab, id, piece);
    return copier_allows(s->copier, piece, len);
}

static bool grammar_allows(const struct sampler *s, llama_token id)
{
    llama_token_data one = { .id = id };
    llama_token_data_array list = { .data = &one, .size = 1, .selected = -1 };

    llama_sampler_apply(s->grammar, &list);
    return !isinf(one.logit);
}

/* The reply so far and this token, as far as it is not whole characters. */
static bool join_held(const struct sampler *s, llama_token id, char rest[4],
                      size_t *n_rest)
{
    char piece[VOCAB_PIECE_MAX], bytes[VOCAB_PIECE_MAX + sizeof s->held];
    size_t len = vocab_piece(s->vocab, id, piece);

    memcpy(bytes, s->held, s->n_held);
    memcpy(bytes + s->n_held, piece, len);
    len += s->n_held;
    if (!detok_begins_text(bytes, len, n_rest)) {
        return false;
    }
    memcpy(rest, bytes + len - *n_rest, *n_rest);
    return true;
}

/* The library's grammars count bytes that make no character as one. */
static bool keeps_text(const struct sampler *s, llama_token id)
{
    char rest[4];
    size_t n_rest;

    return join_held(s, id, rest, &n_rest);
}

static bool allows(const struct sampler *s, llama_token id)
{
    if (s->copier && !copy_allows(s, id)) {
        return false;
    }
    return !s->grammar || (keeps_text(s, id) && grammar_allows(s, id));
}

/* --- Choosing ------------------------------------------------------------- */

struct best {
    llama_token ids[SAMPLE_BEST];
    float logits[SAMPLE_BEST];
    int n;
};

static void insert(struct best *b, llama_token id, float logit)
{
    int i = b->n < SAMPLE_BEST ? b->n++ : b->n - 1;

    for (; i > 0 && b->logits[i - 1] < logit; i--) {
        b->ids[i] = b->ids[i - 1];
        b->logits[i] = b->logits[i - 1];
    }
    b->ids[i] = id;
    b->logits[i] = logit;
}

static void find_best(const struct sampler *s, const float *logits, struct best *b)
{
    b->n = 0;
    for (llama_token id = 0; id < s->vocab->n; id++) {
        bool worth = b->n < SAMPLE_BEST ? logits[id] > -INFINITY
                                        : logits[id] > b->logits[SAMPLE_BEST - 1];
        if (worth && !is_forbidden(s, id)) {
            insert(b, id, logits[id]);
        }
    }
}

static void strike(struct best *b, int i)
{
    b->n--;
    memmove(&b->ids[i], &b->ids[i + 1], (size_t)(b->n - i) * sizeof b->ids[0]);
    memmove(&b->logits[i], &b->logits[i + 1], (size_t)(b->n - i) * sizeof b->logits[0]);
}

static int draw(struct sampler *s, const struct best *b)
{
    double weights[SAMPLE_BEST], sum = 0;

    if (s->temperature <= 0) {
        return 0;
    }
    for (int i = 0; i < b->n; i++) {
        weights[i] = exp(((double)b->logits[i] - (double)b->logits[0]) / s->temperature);
        sum += weights[i];
    }
    double point = next_random(s) * sum;
    for (int i = 0; i < b->n - 1; i++) {
        point -= weights[i];
        if (point < 0) {
            return i;
        }
    }
    return b->n - 1;
}

/* The best of all tokens that a grammar allows, asked in one go. */
static llama_token best_of_grammar(const struct sampler *s, const float *logits)
{
    llama_token_data_array list = { .data =
                                        mem_array((size_t)s->vocab->n, sizeof *list.data),
                                    .selected = -1 };
    llama_token best = LLAMA_TOKEN_NULL;

    for (llama_token id = 0; id < s->vocab->n; id++) {
        if (!is_forbidden(s, id) && keeps_text(s, id) &&
            (!s->copier || copy_allows(s, id))) {
            list.data[list.size++] = (llama_token_data){ .id = id, .logit = logits[id] };
        }
    }
    llama_sampler_apply(s->grammar, &list);
    for (size_t i = 0; i < list.size; i++) {
        llama_token id = list.data[i].id;
        if (list.data[i].logit > -INFINITY &&
            (best == LLAMA_TOKEN_NULL || logits[id] > logits[best])) {
            best = id;
        }
    }
    mem_free(list.data);
    return best;
}

static llama_token best_of_copies(const struct sampler *s, const float *logits)
{
    llama_token best = LLAMA_TOKEN_NULL;

    for (llama_token id = 0; id < s->vocab->n; id++) {
        if ((best == LLAMA_TOKEN_NULL || logits[id] > logits[best]) &&
            !is_forbidden(s, id) && copy_allows(s, id)) {
            best = id;
        }
    }
    return best;
}

llama_token sampler_pick(struct sampler *s, const float *logits)
{
    struct best b;

    find_best(s, logits, &b);
    while (b.n > 0) {
        int i = draw(s, &b);
        if (allows(s, b.ids[i])) {
            return b.ids[i];
        }
        strike(&b, i);
    }
    if (s->grammar) {
        return best_of_grammar(s, logits);
    }
    return s->copier ? best_of_copies(s, logits) : LLAMA_TOKEN_NULL;
}

size_t sampler_accept(struct sampler *s, llama_token id)
{
    char piece[VOCAB_PIECE_MAX];

    s->n_picked++;
    if (s->grammar) {
        llama_sampler_accept(s->grammar, id);
        join_held(s, id, s->held, &s->n_held);
    }
    if (!s->copier) {
        return 0;
    }
    size_t len = vocab_piece(s->vocab, id, piece);
    return copier_push(s->copier, piece, len);
}

/* JSON that closed its outermost bracket: the grammar would allow only an end,
 * and the step to compute that token can be saved. */
bool sampler_complete(const struct sampler *s, const char *text, size_t len)
{
    if (s->copier && copier_at_end(s->copier)) {
        return true;
    }
    if (!s->grammar || len == 0 || !strchr("}]\"", text[len - 1])) {
        return false;
    }
    return s->vocab->end != LLAMA_TOKEN_NULL && grammar_allows(s, s->vocab->end);
}
