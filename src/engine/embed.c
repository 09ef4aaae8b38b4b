/* embed.c - texts to pieces, pieces to steps, steps to means.
 *
 *     text   [#############################]
 *     pieces [CLS ########## SEP] [CLS ########## SEP] [CLS ### SEP]
 *     step   as many pieces as have room, of any texts, a sequence each
 *
 * The context is used under a lock on the caller's thread: an embedding is one step
 * or a few, there is no state to keep and nothing to schedule. */
#include "engine/embed.h"

#include "base/mem.h"
#include "engine/load.h"
#include "engine/need.h"
#include "engine/threads.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* A run of a text's tokens in the step, as a sequence of its own. */
struct piece {
    size_t text;
    int n_tokens;
};

struct embedder {
    struct llm llm; /* first */
    struct llm_info info;
    struct loaded model;
    pthread_mutex_t lock;     /* of all below and the context */
    struct tokens head, tail; /* around every piece */
    struct threads threads;
    struct llama_batch batch;
    struct piece pieces[LOAD_TEXTS];
    int n_pieces;
    const struct cancel *cancel; /* of the call that is under way */
};

/* --- Cancelling ----------------------------------------------------------- */

/* libllama asks before every operation of a step. */
static bool must_stop(void *user)
{
    struct embedder *e = user;

    return cancel_level(e->cancel) != CANCEL_NONE || threads_held_up(&e->threads);
}

static int check_cancel(const struct cancel *cancel, struct lw_error *err)
{
    if (cancel_level(cancel) == CANCEL_NONE) {
        return 0;
    }
    return cancel_timed_out(cancel)
               ? err_set(err, LW_TIMEOUT, "the time limit ended the embedding of texts")
               : err_set(err, LW_CANCELLED, "cancelled");
}

/* --- One step ------------------------------------------------------------- */

static void put_tokens(struct embedder *e, const llama_token *ids, size_t n, int *pos)
{
    struct llama_batch *b = &e->batch;

    for (size_t i = 0; i < n; i++) {
        int at = b->n_tokens++;
        b->token[at] = ids[i];
        b->pos[at] = (*pos)++;
        b->n_seq_id[at] = 1;
        b->seq_id[at][0] = e->n_pieces;
        b->logits[at] = true;
    }
}

static void put_piece(struct embedder *e, size_t text, const llama_token *ids, int n)
{
    int pos = 0;

    put_tokens(e, e->head.ids, e->head.n, &pos);
    put_tokens(e, ids, (size_t)n, &pos);
    put_tokens(e, e->tail.ids, e->tail.n, &pos);
    e->pieces[e->n_pieces++] = (struct piece){ .text = text, .n_tokens = n };
}

static int compute_once(struct embedder *e)
{
    int n = threads_begin(&e->threads);

    llama_set_n_threads(e->model.ctx, n, n);
    if (!e->model.memory) {
        return llama_encode(e->model.ctx, e->batch);
    }
    llama_memory_clear(e->model.memory, false);
    return llama_decode(e->model.ctx, e->batch);
}

/* What other programs held up begins anew, with fewer threads. */
static int compute(struct embedder *e)
{
    int rc;

    do {
        rc = compute_once(e);
    } while (rc == LOAD_STEP_ABORTED && cancel_level(e->cancel) == CANCEL_NONE);
    return rc;
}

/* Compute what was put and add it to the texts' sums. */
static int step(struct embedder *e, float *out, struct lw_error *err)
{
    int n = e->n_pieces, rc = n > 0 ? compute(e) : 0;
    int stopped = check_cancel(e->cancel, err);

    for (int i = 0; i < n && rc == 0; i++) {
        const float *of = llama_get_embeddings_seq(e->model.ctx, i);
        float *sum = out + e->pieces[i].text * (size_t)e->info.embedding;
        for (int k = 0; of && k < e->info.embedding; k++) {
            sum[k] += of[k] * (float)e->pieces[i].n_tokens;
        }
    }
    e->n_pieces = e->batch.n_tokens = 0;
    if (stopped) {
        return stopped;
    }
    if (rc) {
        return err_set(err, LW_ERR_LOCAL,
                       "the model %s could not compute a step (libllama says %d)",
                       e->info.name, rc);
    }
    return 0;
}

/* --- Texts ---------------------------------------------------------------- */

/* There is room for a token at least between head and tail (check_room()). A text may
 * have very many steps: each looks at the cancel token. */
static int add_text(struct embedder *e, size_t index, const struct tokens *t, float *out,
                    struct lw_error *err)
{
    int around = (int)(e->head.n + e->tail.n), rc = 0;
    int most = e->info.context - around;

    for (int from = 0; from < (int)t->n && rc == 0; from += most) {
        int left = (int)t->n - from, n = left < most ? left : most;
        if (e->n_pieces == LOAD_TEXTS ||
            e->batch.n_tokens + n + around > NEED_BATCH_TOKENS) {
            rc = step(e, out, err);
        }
        if (rc == 0) {
            put_piece(e, index, t->ids + from, n);
        }
    }
    return rc;
}

static void normalise(float *v, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        sum += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < n && sum > 0; i++) {
        v[i] = (float)((double)v[i] / sqrt(sum));
    }
}

static int embed_all(struct embedder *e, const struct llm_part *texts, size_t n,
                     float *out, struct lw_error *err)
{
    size_t width = (size_t)e->info.embedding;
    int rc = 0;

    memset(out, 0, n * width * sizeof *out);
    e->n_pieces = e->batch.n_tokens = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct tokens t = { .n = 0 };
        vocab_tokenize(&e->model.vocab, texts[i].text, texts[i].len, VOCAB_PLAIN, &t);
        rc = check_cancel(e->cancel, err);
        rc = rc ? rc : add_text(e, i, &t, out, err);
        tokens_release(&t);
    }
    rc = rc ? rc : step(e, out, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        normalise(out + i * width, e->info.embedding);
    }
    return rc;
}

static int embedder_embed(struct llm *llm, const struct llm_part *texts, size_t n,
                          float *out, const struct cancel *cancel, struct lw_error *err)
{
    struct embedder *e = (struct embedder *)llm;

    pthread_mutex_lock(&e->lock);
    e->cancel = cancel;
    int rc = embed_all(e, texts, n, out, err);
    e->cancel = NULL;
    pthread_mutex_unlock(&e->lock);
    return rc;
}

/* --- The llm -------------------------------------------------------------- */

static const struct llm_info *embedder_info(struct llm *llm)
{
    return &((struct embedder *)llm)->info;
}

static int embedder_count_tokens(struct llm *llm, const char *text, size_t len)
{
    struct tokens t = { .n = 0 };

    vocab_tokenize(&((struct embedder *)llm)->model.vocab, text, len, VOCAB_PLAIN, &t);
    int n = (int)t.n;
    tokens_release(&t);
    return n;
}

static int embedder_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                              llm_reply_fn on_reply, void *user,
                              const struct cancel *cancel, struct lw_error *err)
{
    struct llm_reply reply = llm_no_reply(LLM_FAILED);

    (void)reqs;
    (void)cancel;
    (void)err;
    err_set(&reply.error, LW_ERR_USAGE, "%s makes embeddings and cannot write",
            llm_info(llm)->name);
    for (size_t i = 0; i < n; i++) {
        on_reply(user, i, &reply);
    }
    return 0;
}

static void embedder_close(struct llm *llm)
{
    struct embedder *e = (struct embedder *)llm;

    llama_batch_free(e->batch);
    tokens_release(&e->head);
    tokens_release(&e->tail);
    pthread_mutex_destroy(&e->lock);
    load_release(&e->model);
    mem_free(e);
}

static const struct llm_ops embedder_ops = {
    .close = embedder_close,
    .info = embedder_info,
    .count_tokens = embedder_count_tokens,
    .chat_many = embedder_chat_many,
    .embed = embedder_embed,
};

/* What the vocabulary puts around a text. */
static void find_ends(struct embedder *e)
{
    enum { ENDS_MAX = 8 };
    const struct vocab *v = &e->model.vocab;
    llama_token ids[ENDS_MAX];
    int n = llama_tokenize(v->llama, "", 0, ids, ENDS_MAX, true, false);

    for (int i = 0; i < n; i++) {
        bool first = i == 0 && v->bos != LLAMA_TOKEN_NULL && ids[0] == v->bos;
        tokens_add(first ? &e->head : &e->tail, ids[i]);
    }
}

/* A text's tokens have to go between head and tail. */
static int check_room(const struct embedder *e, const char *path, struct lw_error *err)
{
    int around = (int)(e->head.n + e->tail.n);

    if (e->info.context > around) {
        return 0;
    }
    return err_set(
        err, LW_ERR_LOCAL,
        "the model %s takes %d tokens at once, and %d of them stand around every "
        "text: there is no room for the text",
        path, e->info.context, around);
}

uint64_t embed_need(const struct engine_options *opt)
{
    return load_need(opt, NEED_TO_EMBED);
}

int embed_open(struct llm **out, const struct engine_options *opt, struct lw_error *err)
{
    struct embedder *e = mem_alloc(sizeof *e);
    int rc = load_embedder(&e->model, opt, err);

    if (rc) {
        mem_free(e);
        return rc;
    }
    e->llm.ops = &embedder_ops;
    e->info = (struct llm_info){
        .name = e->model.name,
        .where = "this process",
        .on_device = true,
        .in_process = true,
        .context = e->model.context,
        .parallel = 1,
        .embedding = llama_model_n_embd_out(e->model.model),
    };
    pthread_mutex_init(&e->lock, NULL);
    e->batch = llama_batch_init(NEED_BATCH_TOKENS, 0, 1);
    find_ends(e);
    threads_init(&e->threads, llama_n_threads(e->model.ctx));
    llama_set_abort_callback(e->model.ctx, must_stop, e);
    if ((rc = check_room(e, opt->path, err))) {
        embedder_close(&e->llm);
        return rc;
    }
    *out = &e->llm;
    return 0;
}
