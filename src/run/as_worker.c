/* as_worker.c - the role of a model in its error codes.
 *
 * A server does not know whether it reads or supervises, and says LW_ERR_REMOTE
 * of itself in both cases. A script that runs legwork must know which of the
 * two is down, so the worker's errors change their code on the way. */
#include "run/as_worker.h"

#include "base/mem.h"

struct worker {
    struct llm llm; /* first: an llm pointer is a worker pointer */
    struct llm *inner;
};

/* One call under way: where replies go. */
struct relay {
    llm_reply_fn on_reply;
    void *user;
};

static struct worker *worker_of(struct llm *llm)
{
    return (struct worker *)llm;
}

static void relay_reply(void *user, size_t index, const struct llm_reply *reply)
{
    const struct relay *relay = user;
    struct llm_reply changed = *reply;
    if (changed.error.code == LW_ERR_REMOTE) changed.error.code = LW_ERR_LOCAL;
    relay->on_reply(relay->user, index, &changed);
}

static int worker_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                            llm_reply_fn on_reply, void *user,
                            const struct cancel *cancel, struct lw_error *err)
{
    struct relay relay = { .on_reply = on_reply, .user = user };
    struct lw_error why = { .code = 0 };
    int code =
        llm_chat_many(worker_of(llm)->inner, reqs, n, relay_reply, &relay, cancel, &why);
    if (!code) return 0;
    return err_set(err, code == LW_ERR_REMOTE ? LW_ERR_LOCAL : code, "%s", why.message);
}

static const struct llm_info *worker_info(struct llm *llm)
{
    return llm_info(worker_of(llm)->inner);
}

static int worker_count_tokens(struct llm *llm, const char *text, size_t len)
{
    return llm_count_tokens(worker_of(llm)->inner, text, len);
}

static void worker_close(struct llm *llm)
{
    llm_close(worker_of(llm)->inner);
    mem_free(llm);
}

struct llm *as_worker(struct llm *inner)
{
    static const struct llm_ops ops = { .close = worker_close,
                                        .info = worker_info,
                                        .count_tokens = worker_count_tokens,
                                        .chat_many = worker_chat_many };
    struct worker *w = mem_alloc(sizeof *w);
    w->llm.ops = &ops;
    w->inner = inner;
    return &w->llm;
}
