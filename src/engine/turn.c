/* turn.c - a reply grows token by token, and goes to its caller.
 *
 * Everything that happens to one request between its logits and its reply:
 * screening scores, the choice of a token, text and streaming, the reasons to
 * end. It knows neither batches nor the cache; loop.c sees to those. */
#include "engine/turn.h"

#include "base/mem.h"
#include "engine/call.h"

#include <math.h>

struct lw_error *turn_error(struct turn *t)
{
    if (!t->error) {
        t->error = mem_alloc(sizeof *t->error);
    }
    return t->error;
}

void turn_release(struct turn *t)
{
    tokens_release(&t->own);
    tokens_release(&t->alt);
    tokens_release(&t->alt2);
    sampler_release(&t->sampler);
    copier_release(&t->copier);
    detok_release(&t->out);
    mem_free(t->error);
}

/* --- The reply ------------------------------------------------------------ */

/* Bytes of the text that the caller may see. */
static size_t text_ready(const struct turn *t, bool at_end)
{
    size_t ready = at_end ? t->out.text.len : detok_ready(&t->out);

    /* A copy that was cut ends with its last whole word. */
    if (t->req->copy_from && t->copier.n_whole < ready) {
        ready = t->copier.n_whole;
    }
    return ready;
}

static void stream(struct turn *t, bool at_end)
{
    size_t ready = text_ready(t, at_end);

    if (t->req->on_text && ready > t->n_streamed) {
        call_send(t->call, EVENT_TEXT, t->index, NULL, t->out.text.data + t->n_streamed,
                  ready - t->n_streamed);
        t->n_streamed = ready;
    }
}

static struct usage usage_of(const struct turn *t, bool read)
{
    struct usage usage = {
        .requests = 1,
        .prompt_tokens = read ? t->n_prompt : t->n_computed,
        .completion_tokens = t->n_reply,
        .seconds = t->seconds,
    };

    usage.cached_tokens = usage.prompt_tokens - t->n_computed;
    return usage;
}

void turn_reply(struct turn *t, enum llm_finish finish, bool read)
{
    struct llm_reply reply = {
        .finish = finish,
        .logprob_alt = t->logprob_alt,
        .logprob_alt2 = t->logprob_alt2,
        .logprob_mean = t->n_reply > 0 ? t->logprob_sum / t->n_reply : NAN,
        .usage = usage_of(t, read),
    };

    if (t->error) {
        reply.error = *t->error;
    }
    detok_finish(&t->out);
    stream(t, true);
    call_send(t->call, EVENT_REPLY, t->index, &reply, t->out.text.data,
              text_ready(t, true));
    t->over = true;
    t->call->n_left--;
}

/* --- Going on ------------------------------------------------------------- */

/* Append a token to the reply. Returns false when that ends it, with *finish. */
static bool take_token(struct turn *t, const struct vocab *v, llama_token id,
                       enum llm_finish *finish)
{
    char piece[VOCAB_PIECE_MAX];
    size_t skip = sampler_accept(&t->sampler, id);
    size_t len = vocab_piece(v, id, piece);

    tokens_add(&t->own, id);
    t->n_reply++;
    detok_push(&t->out, piece + skip, len - skip);
    stream(t, false);
    *finish = LLM_STOP;
    if (t->out.stopped ||
        sampler_complete(&t->sampler, t->out.text.data, t->out.text.len)) {
        return false;
    }
    const llama_token *reply = t->own.ids + t->own.n - (size_t)t->n_reply;
    *finish = LLM_REPEAT;
    if (detok_repeats(reply, t->n_reply)) {
        return false;
    }
    *finish = LLM_LENGTH;
    return t->n_reply < t->max_reply && !buf_failed(&t->out.text);
}

static void score(struct turn *t, const struct logits *l)
{
    struct turn_group *g = (struct turn_group *)t->sched.group;

    t->logprob_alt = logits_logprob_any(l, &t->alt);
    t->logprob_alt2 = logits_logprob_any(l, &t->alt2);
    if (t->alt.n > 0 && -t->logprob_alt > g->promise) {
        g->promise = -t->logprob_alt;
    }
}

bool turn_go_on(struct turn *t, const struct logits *l, enum llm_finish *finish)
{
    const struct vocab *v = t->sampler.vocab;

    *finish = LLM_STOP;
    if (t->n_reply == 0) {
        score(t, l);
    }
    if (t->max_reply == 0) {
        return false;
    }
    llama_token id = sampler_pick(&t->sampler, l->at);
    if (id == LLAMA_TOKEN_NULL || vocab_ends(v, id)) {
        return false;
    }
    t->logprob_sum += logits_logprob(l, id);
    return take_token(t, v, id, finish);
}
