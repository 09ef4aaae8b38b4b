/* turn.c - a reply grows token by token, and goes to its caller.
 *
 * Everything that happens to one request between its logits and its reply:
 * screening scores, the choice of a token, text and streaming, the reasons to
 * end. It knows neither batches nor the cache; loop.c sees to those. */
#include "engine/turn.h"

#include "base/limits.h"
#include "base/mem.h"
#include "engine/call.h"
#include "engine/forced.h"

#include <float.h>
#include <math.h>

bool turn_screens(const struct turn *t)
{
    return t->alt.n > 0 && t->alt2.n == 0;
}

struct lw_error *turn_error(struct turn *t)
{
    if (!t->error) {
        t->error = mem_alloc(sizeof *t->error);
    }
    return t->error;
}

void turn_release(struct turn *t)
{
    tokens_release(&t->source);
    tokens_release(&t->own);
    tokens_release(&t->alt);
    tokens_release(&t->alt2);
    sampler_release(&t->sampler);
    copier_release(&t->copier);
    reasoning_release(&t->reasoning);
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
        .prompt_tokens = read ? t->n_prompt + (int)t->source.n : t->n_computed,
        .completion_tokens = t->n_reply,
        .seconds = t->seconds,
    };

    usage.cached_tokens = usage.prompt_tokens - t->n_computed;
    return usage;
}

/* No more tokens will come. Thoughts alone are no reply. */
static enum llm_finish close_text(struct turn *t, enum llm_finish finish)
{
    struct buf rest;

    buf_init(&rest, LIMIT_HTTP_REPLY_BYTES);
    reasoning_end(&t->reasoning, &rest);
    detok_push(&t->out, rest.data, rest.len);
    buf_release(&rest);
    detok_finish(&t->out);
    if (t->reasoning.seen && t->out.text.len == 0 && finish != LLM_CANCELLED &&
        finish != LLM_FAILED) {
        err_set(turn_error(t), LW_ERR_LOCAL,
                "the model spent its reply on reasoning and wrote no answer");
        return LLM_FAILED;
    }
    return finish;
}

void turn_reply(struct turn *t, enum llm_finish finish, bool read)
{
    finish = close_text(t, finish);
    struct llm_reply reply = {
        .finish = finish,
        .logprob_alt = t->logprob_alt,
        .logprob_alt2 = t->logprob_alt2,
        .logprob_mean =
            t->n_reply > t->n_forced ? t->logprob_sum / (t->n_reply - t->n_forced) : NAN,
        .usage = usage_of(t, read),
    };

    if (t->error) {
        reply.error = *t->error;
    }
    stream(t, true);
    call_send(t->call, EVENT_REPLY, t->index, &reply, t->out.text.data,
              text_ready(t, true));
    t->over = true;
    t->call->n_left--;
}

/* --- Going on ------------------------------------------------------------- */

/* Bytes that go into the text, thoughts held back. */
static void add_text(struct turn *t, const char *bytes, size_t len)
{
    struct buf text;

    if (t->reasoning.state == REASONING_OVER) {
        detok_push(&t->out, bytes, len);
        return;
    }
    buf_init(&text, LIMIT_HTTP_REPLY_BYTES);
    reasoning_feed(&t->reasoning, bytes, len, &text);
    detok_push(&t->out, text.data, text.len);
    buf_release(&text);
}

/* Does the space that begins this piece only say that a word begins? */
static bool is_word_mark(const struct turn *t, const struct vocab *v, const char *piece,
                         size_t len)
{
    return v->spaced && t->n_reply == 0 && !t->req->prefill && len > 0 && piece[0] == ' ';
}

/* Append a token to the reply. Returns false when that ends it, with *finish. */
static bool take_token(struct turn *t, const struct vocab *v, llama_token id,
                       enum llm_finish *finish)
{
    char piece[VOCAB_PIECE_MAX];
    size_t skip = sampler_accept(&t->sampler, id);
    size_t len = vocab_piece(v, id, piece);

    if (skip == 0 && is_word_mark(t, v, piece, len)) {
        skip = 1;
    }
    tokens_add(&t->own, id);
    t->n_reply++;
    add_text(t, piece + skip, len - skip);
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

/* Append what has to come now. Returns false when that ends the reply. */
static bool add_forced(struct turn *t, enum llm_finish *finish)
{
    struct tokens forced = { .n = 0 };
    bool more = true;

    if (t->sampler.grammar && t->sampler.n_held == 0) {
        forced_tokens(t->sampler.vocab, t->sampler.grammar, &forced);
    }
    for (size_t i = 0; i < forced.n && more; i++) {
        more = take_token(t, t->sampler.vocab, forced.ids[i], finish);
        t->n_forced++;
    }
    tokens_release(&forced);
    return more;
}

/* Not where the first token is scored, nor where the reply could be cut before the model
 * wrote any of it. What ends it in another way ends it at the model's first token. */
void turn_begin(struct turn *t)
{
    enum llm_finish finish;

    if (t->max_reply > FORCED_BYTES_MAX && t->alt.n + t->alt2.n == 0) {
        add_forced(t, &finish);
    }
}

static void score(struct turn *t, const struct logits *l)
{
    struct turn_group *g = (struct turn_group *)t->sched.group;

    t->logprob_alt = logits_logprob_any(l, &t->alt);
    t->logprob_alt2 = logits_logprob_any(l, &t->alt2);
    /* Infinity is another promise: see prefix.h. */
    if (turn_screens(t) && -t->logprob_alt > g->promise) {
        g->promise = fmin(-t->logprob_alt, DBL_MAX);
    }
}

bool turn_go_on(struct turn *t, const struct logits *l, enum llm_finish *finish)
{
    const struct vocab *v = t->sampler.vocab;

    *finish = LLM_STOP;
    if (!t->read) {
        score(t, l);
        t->read = true;
    }
    if (t->max_reply == 0) {
        return false;
    }
    llama_token id = sampler_pick(&t->sampler, l->at);
    if (id == LLAMA_TOKEN_NULL && t->sampler.grammar) {
        err_set(turn_error(t), LW_ERR_LOCAL,
                "the model has no token for what the schema wants next: its vocabulary "
                "cannot write JSON");
        *finish = LLM_FAILED;
        return false;
    }
    if (id == LLAMA_TOKEN_NULL || vocab_ends(v, id)) {
        return false;
    }
    t->logprob_sum += logits_logprob(l, id);
    return take_token(t, v, id, finish) && add_forced(t, finish);
}

/* --- Drafts ---------------------------------------------------------------- */

/* Not beyond what the turn has room for. */
void turn_draft(struct turn *t, int most)
{
    const struct turn_group *g = (const struct turn_group *)t->sched.group;
    int room = t->sched.n_total - t->sched.work.n_tokens;
    size_t n_reply = (size_t)t->n_reply;

    t->n_draft = draft_guess(g->prefix.ids, g->prefix.n, t->own.ids + t->own.n - n_reply,
                             n_reply, most < room ? most : room, t->draft);
}

int turn_draft_right(const struct turn *t, size_t n_own, int n_right)
{
    size_t n = (size_t)n_right;

    while (n < (size_t)t->n_draft && n_own + n < t->own.n &&
           t->own.ids[n_own + n] == t->draft[n]) {
        n++;
    }
    return (int)n - n_right;
}
