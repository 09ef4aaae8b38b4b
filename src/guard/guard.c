/* guard.c - the llm that counts what goes through it.
 *
 * It changes nothing: the request that comes in is the request that is handed
 * on, the same pointer. A model with a wire tells, through its meter, what it
 * has sent, and that is counted; of one without a wire, what is handed on is.
 * The index of the documents is made by the first that needs it, under the
 * lock, and only read after; the totals are added to under the same lock. */
#include "guard/guard.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct guard {
    struct llm llm; /* first: an llm pointer is a guard pointer */
    struct llm *inner;
    bool metered; /* inner tells what it sends */
    const struct doc_set *set;
    struct egress *egress;
    struct guard_index *index;
    pthread_mutex_t lock;
};

static const struct guard_index *index_of(struct guard *g)
{
    pthread_mutex_lock(&g->lock);
    if (!g->index) g->index = guard_index_new(g->set);
    const struct guard_index *index = g->index;
    pthread_mutex_unlock(&g->lock);
    return index;
}

static void add(struct guard *g, const struct egress *part)
{
    pthread_mutex_lock(&g->lock);
    egress_add(g->egress, part);
    pthread_mutex_unlock(&g->lock);
}

/* --- What was sent ------------------------------------------------------- */

static void on_sent(void *user, const char *body, size_t len, int64_t tries,
                    int64_t bytes)
{
    struct guard *g = user;
    int64_t chars = len > 0 ? guard_body_count(index_of(g), body, len) : 0;
    struct egress part = { .calls = tries,
                           .bytes = bytes,
                           .document_chars = tries * chars };
    add(g, &part);
}

/* --- What is handed to a model without a wire ---------------------------- */

/* A run may lie over the seam of two parts: the model gets them as one text. */
static int64_t message_document_chars(const struct guard_index *ix,
                                      const struct llm_message *m)
{
    if (m->n_parts == 1) return guard_index_count(ix, m->parts[0].text, m->parts[0].len);
    size_t len = 0;
    for (size_t i = 0; i < m->n_parts; i++) len += m->parts[i].len;
    char *whole = mem_alloc(len);
    size_t at = 0;
    for (size_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].len > 0) memcpy(whole + at, m->parts[i].text, m->parts[i].len);
        at += m->parts[i].len;
    }
    int64_t n = guard_index_count(ix, whole, len);
    mem_free(whole);
    return n;
}

static size_t schema_bytes(const json_t *schema)
{
    return schema ? json_dumpb(schema, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) : 0;
}

static struct egress measure(struct guard *g, const struct guard_index *ix,
                             const struct llm_request *req)
{
    struct egress sum = { .calls = 1 };
    size_t bytes = llm_request_bytes(req) + schema_bytes(req->schema);
    for (size_t i = 0; i < req->n_messages; i++) {
        sum.document_chars += message_document_chars(ix, &req->messages[i]);
    }
    if (req->prefill && llm_info(g->inner)->prefill) {
        size_t len = strlen(req->prefill);
        bytes += len;
        sum.document_chars += guard_index_count(ix, req->prefill, len);
    }
    sum.bytes = (int64_t)bytes;
    return sum;
}

/* --- The llm ------------------------------------------------------------- */

static int guard_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                           llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                           struct lw_error *err)
{
    struct guard *g = (struct guard *)llm;
    for (size_t i = 0; i < n && !g->metered; i++) {
        struct egress part = measure(g, index_of(g), &reqs[i]);
        add(g, &part);
    }
    return llm_chat_many(g->inner, reqs, n, on_reply, user, cancel, err);
}

static const struct llm_info *guard_info(struct llm *llm)
{
    return llm_info(((struct guard *)llm)->inner);
}

static int guard_count_tokens(struct llm *llm, const char *text, size_t len)
{
    return llm_count_tokens(((struct guard *)llm)->inner, text, len);
}

static void guard_close(struct llm *llm)
{
    struct guard *g = (struct guard *)llm;
    llm_close(g->inner);
    guard_index_free(g->index);
    pthread_mutex_destroy(&g->lock);
    mem_free(g);
}

struct llm *guard_wrap(struct llm *inner, const struct doc_set *set,
                       struct egress *egress)
{
    static const struct llm_ops ops = {
        .close = guard_close,
        .info = guard_info,
        .count_tokens = guard_count_tokens,
        .chat_many = guard_chat_many,
    };
    struct guard *g = mem_alloc(sizeof *g);
    g->llm.ops = &ops;
    g->inner = inner;
    g->set = set;
    g->egress = egress;
    pthread_mutex_init(&g->lock, NULL);
    g->metered = llm_set_meter(inner, &(struct llm_meter){ .sent = on_sent, .user = g });
    return &g->llm;
}
