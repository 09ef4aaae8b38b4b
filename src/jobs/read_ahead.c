/* read_ahead.c - a request for each part that asks nothing. */
#include "jobs/read_ahead.h"

#include "base/clock.h"
#include "jobs/prompts.h"

struct running {
    struct read_ahead *ra;
    const struct reading *r;
};

void read_ahead_init(struct read_ahead *ra, size_t total)
{
    *ra = (struct read_ahead){ .progress = { .total = (int)total, .found = -1 },
                               .began = clock_seconds() };
}

static void count(struct read_ahead *ra, const struct llm_reply *reply)
{
    const struct usage *u = &reply->usage;
    if (reply->finish == LLM_CANCELLED) return;
    ra->progress.done++;
    if (reply->finish == LLM_FAILED) {
        if (ra->n_failed++ == 0) ra->failure = reply->error;
    } else if (u->cached_tokens == u->prompt_tokens) {
        ra->n_there++;
        ra->tokens_there += u->prompt_tokens;
    } else {
        ra->n_kept++;
        ra->tokens_kept += u->prompt_tokens;
    }
    ra->progress.prompt_tokens += u->prompt_tokens - u->cached_tokens;
}

static void on_reply(void *user, size_t index, const struct llm_reply *reply)
{
    struct running *run = user;
    (void)index;
    count(run->ra, reply);
    if (run->r->usage) usage_add(run->r->usage, &reply->usage);
    if (!run->r->progress) return;
    run->ra->progress.seconds = clock_seconds() - run->ra->began;
    run->r->progress(run->r->user, &run->ra->progress);
}

static void make_request(const struct reading *r, size_t chunk, struct arena *a,
                         struct llm_request *req)
{
    const struct chunk *c = &r->chunks->items[chunk];
    prompt_excerpt(a, r->set->docs[c->doc]->text + c->start, c->end - c->start, req);
    req->source = &r->sources[c->doc];
}

int read_ahead(struct read_ahead *ra, const struct reading *r, size_t from, size_t to,
               struct lw_error *err)
{
    struct running run = { .ra = ra, .r = r };
    struct arena *a = arena_new();
    struct llm_request *reqs = arena_array(a, to - from, sizeof *reqs);
    for (size_t i = from; i < to; i++) make_request(r, i, a, &reqs[i - from]);
    int code = llm_chat_many(r->worker, reqs, to - from, on_reply, &run, r->cancel, err);
    arena_free(a);
    return code;
}
