/* forced.c - ask a grammar about every byte, and go on while it allows one only.
 *
 * libllama's grammars answer for tokens, so each byte is asked about by the token that
 * is this byte. Most steps are inside of a string, where two letters settle that there
 * is a choice. */
#include "engine/forced.h"

#include "engine/detok.h"

#include <math.h>

enum { BYTES = 256 };

/* The candidates' logits are -INFINITY afterwards where the grammar refuses. */
static size_t count_allowed(struct llama_sampler *grammar, llama_token_data *data,
                            size_t n, size_t *last)
{
    llama_token_data_array list = { .data = data, .size = n, .selected = -1 };
    size_t allowed = 0;

    llama_sampler_apply(grammar, &list);
    for (size_t i = 0; i < n; i++) {
        if (!isinf(data[i].logit)) {
            allowed++;
            *last = i;
        }
    }
    return allowed;
}

static bool is_free_text(const struct vocab *v, struct llama_sampler *grammar)
{
    llama_token_data two[] = { { .id = v->bytes['a'] }, { .id = v->bytes['b'] } };
    size_t last;

    return count_allowed(grammar, two, 2, &last) == 2;
}

/* The only byte that may come next, -1 if there is a choice, an end being one. */
static int only_byte(const struct vocab *v, struct llama_sampler *grammar)
{
    llama_token_data all[BYTES + 1];
    int bytes[BYTES];
    size_t n = 0, last = 0;

    if (is_free_text(v, grammar)) {
        return -1;
    }
    for (int byte = 0; byte < BYTES; byte++) {
        if (v->bytes[byte] != LLAMA_TOKEN_NULL) {
            bytes[n] = byte;
            all[n++] = (llama_token_data){ .id = v->bytes[byte] };
        }
    }
    all[n] = (llama_token_data){ .id = v->end };
    return count_allowed(grammar, all, n + 1, &last) == 1 && last < n ? bytes[last] : -1;
}

size_t forced_text(const struct vocab *v, struct llama_sampler *grammar,
                   char out[FORCED_BYTES_MAX])
{
    size_t len = 0, unfinished = 0;
    int byte = v->spells_bytes ? only_byte(v, grammar) : -1;

    if (byte < 0) {
        return 0;
    }
    struct llama_sampler *ahead = llama_sampler_clone(grammar);
    while (byte >= 0 && len < FORCED_BYTES_MAX) {
        out[len++] = (char)byte;
        llama_sampler_accept(ahead, v->bytes[byte]);
        byte = only_byte(v, ahead);
    }
    llama_sampler_free(ahead);
    return detok_begins_text(out, len, &unfinished) ? len - unfinished : 0;
}

void forced_tokens(const struct vocab *v, struct llama_sampler *grammar,
                   struct tokens *out)
{
    char text[FORCED_BYTES_MAX];
    size_t before = out->n;

    vocab_tokenize(v, text, forced_text(v, grammar, text), VOCAB_PLAIN, out);
    out->n -= out->n > before;
}
