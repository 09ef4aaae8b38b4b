/* loop.c - one thread owns the llama context and steps through batches.
 *
 * Each round: take what came in, end what was cancelled, let the schedule fill
 * a batch, decode it, go on with every request whose logits it gave. The
 * schedule knows nothing of libllama; its hooks here copy and clear sequences
 * and bring back kept states, from memory or from disk.
 *
 * Cancelling: the abort callback looks at the tokens of all callers before
 * every operation of a step. A step that is aborted leaves the cache as it was, so
 * the other callers' requests simply go through it again. */
#include "engine/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/need.h"
#include "engine/prefix.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEEP_TOKENS_MIN = 48, /* a shorter prefix is computed again sooner than kept */
    DECODE_ABORTED = 2    /* llama_decode() */
};

struct loop {
    struct loaded *m;
    struct loop_options opt;
    struct schedule sched;
    struct prefix_store *kept;
    struct llama_batch batch;
    struct llama_batch source; /* for the encoder, if the model has one */
    struct tokens encoded;     /* what it read last */
    struct queue *inbox;       /* of struct call; the loop's own `stop` ends it */
    struct call stop;
    struct call *calls; /* under way */
};

/* --- The schedule's hooks ------------------------------------------------- */

static bool holds_all_from_start(const struct loop *loop, int seq)
{
    return llama_memory_seq_pos_min(loop->m->memory, seq) == 0;
}

/* The group inside whose sequence shares most with g. */
static struct turn_group *best_neighbour(struct loop *loop, const struct turn_group *g,
                                         int *common)
{
    struct turn_group *best = NULL;

    *common = 0;
    for (int i = 0; i < loop->sched.n_groups; i++) {
        struct turn_group *other = (struct turn_group *)loop->sched.groups[i];
        if (other == g || !holds_all_from_start(loop, other->sched.prefix.seq)) {
            continue;
        }
        int same = prefix_common(other->prefix.ids, other->sched.prefix.n_done,
                                 g->prefix.ids, (int)g->prefix.n);
        if (same > *common) {
            best = other;
            *common = same;
        }
    }
    return best;
}

/* Is it worth bringing back this state for its first `common` tokens? */
static bool worth_restoring(const struct loop *loop, const struct prefix_entry *e,
                            int common)
{
    if (common == e->n_tokens) {
        return true;
    }
    return loop->m->sharing == LOAD_SHARE_ANY && common >= KEEP_TOKENS_MIN &&
           common >= e->n_tokens / 2;
}

/* The state's first `common` tokens into a sequence that is empty. */
static bool restore(struct loop *loop, const struct prefix_entry *e, int seq, int common)
{
    llama_memory_t memory = loop->m->memory;
    size_t used = llama_state_seq_set_data(loop->m->ctx, e->state, e->state_bytes, seq);

    if (used != e->state_bytes) {
        llama_memory_seq_rm(memory, seq, -1, -1);
        return false;
    }
    if (common < e->n_tokens) {
        llama_memory_seq_rm(memory, seq, common, -1);
    }
    bool from_start =
        loop->m->sharing != LOAD_SHARE_ANY || llama_memory_seq_pos_min(memory, seq) == 0;
    if (llama_memory_seq_pos_max(memory, seq) != common - 1 || !from_start) {
        llama_memory_seq_rm(memory, seq, -1, -1);
        return false;
    }
    return true;
}

static struct disk_account *account_of(const struct turn_group *g)
{
    return &((struct call *)g->sched.call)->disk;
}

static bool is_on_disk(struct loop *loop, struct turn_group *g)
{
    if (!g->on_disk && loop->opt.disk && g->source) {
        g->on_disk =
            kv_disk_use(loop->opt.disk, g->source->id, g->prefix.ids, (int)g->prefix.n);
    }
    return g->on_disk;
}

/* The whole prefix from disk into the group's sequence, which is empty. A state that
 * libllama does not take is none: its tokens are computed. */
static bool restore_from_disk(struct loop *loop, struct turn_group *g)
{
    struct prefix_entry e = { .n_tokens = (int)g->prefix.n };

    if (!loop->opt.disk || !g->source || e.n_tokens == 0) {
        return false;
    }
    e.state = kv_disk_load(loop->opt.disk, g->source->id, g->prefix.ids, e.n_tokens,
                           &e.state_bytes);
    g->on_disk = e.state && restore(loop, &e, g->sched.prefix.seq, e.n_tokens);
    free(e.state);
    if (g->on_disk) {
        struct disk_account *a = account_of(g);
        a->n_found++;
        a->tokens_found += e.n_tokens;
        a->bytes_found += e.state_bytes;
    }
    return g->on_disk;
}

static int group_begins(void *user, struct sched_group *group)
{
    struct loop *loop = user;
    struct turn_group *g = (struct turn_group *)group;
    int near_common, kept_common;
    struct turn_group *near = best_neighbour(loop, g, &near_common);
    struct prefix_entry *e =
        prefix_find(loop->kept, g->prefix.ids, (int)g->prefix.n, &kept_common);
    int most = kept_common > near_common ? kept_common : near_common;

    if (most < (int)g->prefix.n && restore_from_disk(loop, g)) {
        return (int)g->prefix.n;
    }
    if (e && kept_common > near_common && worth_restoring(loop, e, kept_common) &&
        restore(loop, e, group->prefix.seq, kept_common)) {
        prefix_touch(loop->kept, e, e->promise);
        return kept_common;
    }
    if (near) {
        llama_memory_seq_cp(loop->m->memory, near->sched.prefix.seq, group->prefix.seq, 0,
                            near_common);
    }
    return near_common;
}

/* Returns the group's state in memory, NULL if it has no place there. */
static struct prefix_entry *keep_in_memory(struct loop *loop, const struct turn_group *g)
{
    int n = (int)g->prefix.n, seq = g->sched.prefix.seq, common;
    struct prefix_entry *e = prefix_find(loop->kept, g->prefix.ids, n, &common);

    if (e && common == n && e->n_tokens == n) {
        prefix_touch(loop->kept, e, g->promise);
        return e;
    }
    size_t bytes = llama_state_seq_get_size(loop->m->ctx, seq);
    e = bytes > 0 ? prefix_put(loop->kept, g->prefix.ids, n, bytes, g->promise) : NULL;
    if (e && llama_state_seq_get_data(loop->m->ctx, e->state, bytes, seq) != bytes) {
        prefix_drop(loop->kept, e);
        e = NULL;
    }
    return e;
}

static void save(struct loop *loop, struct turn_group *g, const unsigned char *state,
                 size_t bytes)
{
    struct disk_account *a = account_of(g);

    kv_disk_save(loop->opt.disk, g->source->id, g->source->name, g->prefix.ids,
                 (int)g->prefix.n, state, bytes);
    g->on_disk = true;
    a->n_kept++;
    a->tokens_kept += (int64_t)g->prefix.n;
    a->bytes_kept += bytes;
}

/* in_memory: the same state, NULL if it is not there. */
static void keep_on_disk(struct loop *loop, struct turn_group *g,
                         const struct prefix_entry *in_memory)
{
    if (in_memory) {
        save(loop, g, in_memory->state, in_memory->state_bytes);
        return;
    }
    int seq = g->sched.prefix.seq;
    size_t bytes = llama_state_seq_get_size(loop->m->ctx, seq);
    unsigned char *state = bytes > 0 ? malloc(bytes) : NULL;
    if (state && llama_state_seq_get_data(loop->m->ctx, state, bytes, seq) == bytes) {
        save(loop, g, state, bytes);
    }
    free(state);
}

/* What was computed whole, and is long or a document's: a short part of one is its
 * instructions too. */
static bool worth_keeping(const struct loop *loop, const struct turn_group *g)
{
    size_t least = g->source ? 1 : KEEP_TOKENS_MIN;

    return loop->m->sharing != LOAD_SHARE_NOTHING && g->prefix.n >= least &&
           (size_t)g->sched.prefix.n_done >= g->prefix.n;
}

/* Keep the group's prefix for later questions. */
static void group_ends(void *user, struct sched_group *group)
{
    struct loop *loop = user;
    struct turn_group *g = (struct turn_group *)group;

    if (!worth_keeping(loop, g)) {
        return;
    }
    const struct prefix_entry *e = keep_in_memory(loop, g);
    if (loop->opt.disk && g->source && !is_on_disk(loop, g)) {
        keep_on_disk(loop, g, e);
    }
}

static void copy_sequence(void *user, int from, int to, int n)
{
    struct loop *loop = user;

    llama_memory_seq_cp(loop->m->memory, from, to, 0, n);
}

static void clear_sequence(void *user, int seq)
{
    struct loop *loop = user;

    llama_memory_seq_rm(loop->m->memory, seq, -1, -1);
}

static const struct sched_hooks hooks = {
    .group_begins = group_begins,
    .group_ends = group_ends,
    .copy = copy_sequence,
    .clear = clear_sequence,
};

/* --- Turns ---------------------------------------------------------------- */

static void end_turn(struct loop *loop, struct turn *t, enum llm_finish finish)
{
    bool read = t->sched.work.n_done >= t->n_prompt;

    sched_finish(&loop->sched, &t->sched);
    turn_reply(t, finish, read);
}

static void fail_turn(struct loop *loop, struct turn *t, const char *why, int code)
{
    err_set(turn_error(t), LW_ERR_LOCAL, "%s (libllama says %d)", why, code);
    end_turn(loop, t, LLM_FAILED);
}

static void go_on(struct loop *loop, struct turn *t, const struct logits *l)
{
    enum llm_finish finish;

    if (turn_go_on(t, l, &finish)) {
        sched_extend(&t->sched);
    } else {
        end_turn(loop, t, finish);
    }
}

/* The prompt of t is read: turns with the same prompt start from here too. */
static void wake_twins(struct loop *loop, struct turn *t, const struct logits *l)
{
    struct sched_request *next;

    for (struct sched_request *r = t->sched.next; r; r = next) {
        struct turn *twin = (struct turn *)r;
        next = r->next;
        if (r->twin != &t->sched || r->state != SCHED_WAITING) {
            continue;
        }
        if (twin->max_reply == 0) {
            r->work.n_done = r->work.n_tokens;
        } else if (!sched_join(&loop->sched, &t->sched, r)) {
            continue;
        }
        go_on(loop, twin, l);
    }
}

/* --- One step ------------------------------------------------------------- */

static llama_token token_at(const struct sched_piece *piece, int pos)
{
    const struct turn_group *g = (const struct turn_group *)piece->group;
    const struct turn *t = (const struct turn *)piece->request;

    return (size_t)pos < g->prefix.n ? g->prefix.ids[pos]
                                     : t->own.ids[(size_t)pos - g->prefix.n];
}

static void fill_batch(struct loop *loop, const struct sched_piece *pieces, int n)
{
    struct llama_batch *b = &loop->batch;

    b->n_tokens = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < pieces[i].count; k++) {
            int at = b->n_tokens++;
            b->token[at] = token_at(&pieces[i], pieces[i].start + k);
            b->pos[at] = pieces[i].start + k;
            b->n_seq_id[at] = 1;
            b->seq_id[at][0] = pieces[i].work->seq;
            b->logits[at] = pieces[i].logits && k == pieces[i].count - 1;
        }
    }
}

/* On whose account is it? A group's prefix is the first turn's that needs it. */
static struct turn *turn_of(const struct sched_piece *piece)
{
    struct sched_request *r = piece->request;

    if (!r) {
        for (r = piece->group->first; r->next && r->state == SCHED_OVER; r = r->next) {
        }
    }
    return (struct turn *)r;
}

static void account(const struct loop *loop, const struct sched_piece *pieces, int n,
                    double seconds)
{
    for (int i = 0; i < n; i++) {
        struct turn *t = turn_of(&pieces[i]);
        int prompt_left = t->n_prompt - pieces[i].start;
        int of_prompt = pieces[i].count < prompt_left ? pieces[i].count : prompt_left;
        t->seconds += seconds * pieces[i].count / loop->batch.n_tokens;
        t->n_computed += of_prompt > 0 ? of_prompt : 0;
    }
}

static void use_logits(struct loop *loop, const struct sched_piece *pieces, int n)
{
    int end = 0;

    for (int i = 0; i < n; i++) {
        end += pieces[i].count;
        struct turn *t = (struct turn *)pieces[i].request;
        if (!pieces[i].logits || t->over) {
            continue;
        }
        const float *at = llama_get_logits_ith(loop->m->ctx, end - 1);
        struct logits l = { .log_sum = NAN };
        if (at) {
            l = logits_of(at, loop->m->vocab.n);
        }
        if (isnan(l.log_sum)) {
            fail_turn(loop, t, "the model computes no numbers", 0);
            continue;
        }
        if (t->n_reply == 0 && t->has_twins) {
            wake_twins(loop, t, &l);
        }
        go_on(loop, t, &l);
    }
}

/* After an aborted step the cache should be as before; where it is not, the
 * sequence begins again. */
static void check_work(struct loop *loop, const struct sched_piece *piece)
{
    llama_memory_t memory = loop->m->memory;

    if (loop->m->sharing != LOAD_SHARE_NOTHING &&
        llama_memory_seq_pos_max(memory, piece->work->seq) == piece->start - 1) {
        return;
    }
    llama_memory_seq_rm(memory, piece->work->seq, -1, -1);
    sched_lost(piece->work);
}

static void fail_pieces(struct loop *loop, const struct sched_piece *pieces, int n,
                        int code)
{
    const char *why = "the model could not compute a step";

    for (int i = 0; i < n; i++) {
        struct sched_request *r =
            pieces[i].request ? pieces[i].request : pieces[i].group->first;
        for (; r; r = pieces[i].request ? NULL : r->next) {
            if (r->state != SCHED_OVER) {
                fail_turn(loop, (struct turn *)r, why, code);
            }
        }
    }
}

/* What an encoder reads stands in the context until it reads again, and is good for
 * all sequences; only one request is inside at a time (engine.c). */
static int encode(struct loop *loop, struct turn *t)
{
    struct llama_batch *b = &loop->source;
    const struct tokens *source = &t->source;

    if (tokens_equal(&loop->encoded, source->ids, source->n)) {
        return 0;
    }
    loop->encoded.n = 0;
    for (size_t i = 0; i < source->n; i++) {
        b->token[i] = source->ids[i];
        b->pos[i] = (llama_pos)i;
        b->n_seq_id[i] = loop->m->n_seq;
        b->logits[i] = true;
    }
    b->n_tokens = (int32_t)source->n;
    int rc = llama_encode(loop->m->ctx, *b);
    if (rc == 0) {
        t->n_computed += b->n_tokens;
        for (size_t i = 0; i < source->n; i++) {
            tokens_add(&loop->encoded, source->ids[i]);
        }
    }
    return rc;
}

static int compute(struct loop *loop, const struct sched_piece *pieces, int n)
{
    int rc = 0;

    fill_batch(loop, pieces, n);
    if (loop->m->decoder_start != LLAMA_TOKEN_NULL && pieces[0].start == 0) {
        assert(n == 1 && pieces[0].request);
        rc = encode(loop, (struct turn *)pieces[0].request);
    }
    return rc ? rc : llama_decode(loop->m->ctx, loop->batch);
}

static void step(struct loop *loop, const struct sched_piece *pieces, int n)
{
    double begin = clock_seconds();
    int rc = compute(loop, pieces, n);

    if (rc == 0) {
        llama_synchronize(loop->m->ctx);
        account(loop, pieces, n, clock_seconds() - begin);
        sched_done(&loop->sched, pieces, n);
        use_logits(loop, pieces, n);
    } else if (rc == DECODE_ABORTED) {
        for (int i = 0; i < n; i++) {
            check_work(loop, &pieces[i]);
        }
    } else {
        fail_pieces(loop, pieces, n, rc);
    }
}

/* --- Calls ---------------------------------------------------------------- */

static bool any_cancelled(void *user)
{
    const struct loop *loop = user;

    for (const struct call *c = loop->calls; c; c = c->next) {
        if (cancel_level(c->cancel) != CANCEL_NONE) {
            return true;
        }
    }
    return false;
}

static void end_cancelled(struct loop *loop)
{
    for (struct call *c = loop->calls; c; c = c->next) {
        if (cancel_level(c->cancel) == CANCEL_NONE) {
            continue;
        }
        for (size_t i = 0; i < c->n_turns; i++) {
            if (!c->turns[i].over) {
                end_turn(loop, &c->turns[i], LLM_CANCELLED);
            }
        }
    }
}

static void trace_disk(const struct loop *loop, const struct disk_account *a)
{
    const double mib = 1024 * 1024;
    char sentence[256];

    if (!loop->opt.trace || a->n_found + a->n_kept == 0) {
        return;
    }
    snprintf(sentence, sizeof sentence,
             "KV store: %d states found (%" PRId64 " tokens, %.1f MiB), %d more to keep "
             "(%" PRId64 " tokens, %.1f MiB)",
             a->n_found, a->tokens_found, (double)a->bytes_found / mib, a->n_kept,
             a->tokens_kept, (double)a->bytes_kept / mib);
    loop->opt.trace(loop->opt.user, sentence);
}

/* Calls that have nothing left go back to their callers. */
static void give_back(struct loop *loop)
{
    struct call **link = &loop->calls;

    while (*link) {
        struct call *c = *link;
        if (c->n_left > 0) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        sched_remove(&loop->sched, &c->sched);
        trace_disk(loop, &c->disk);
        /* From here on the call may be gone at any moment. */
        call_send(c, EVENT_END, 0, NULL, NULL, 0);
    }
}

static void check_turn(struct loop *loop, struct turn *t)
{
    if (!t->error && !sched_fits(&loop->sched, &t->sched)) {
        err_set(turn_error(t), LW_ERR_LOCAL,
                "a request of %d tokens does not fit the cache of %d", t->n_prompt,
                loop->m->cells);
        sched_finish(&loop->sched, &t->sched);
    }
    if (t->error) {
        turn_reply(t, LLM_FAILED, false);
    } else if (t->req->keep_only &&
               is_on_disk(loop, (struct turn_group *)t->sched.group)) {
        sched_finish(&loop->sched, &t->sched);
        turn_reply(t, LLM_STOP, true);
    }
}

static void take_in(struct loop *loop, struct call *call)
{
    call->next = loop->calls;
    loop->calls = call;
    sched_add(&loop->sched, &call->sched);
    for (size_t i = 0; i < call->n_turns; i++) {
        check_turn(loop, &call->turns[i]);
    }
}

void loop_run(struct loop *loop)
{
    struct sched_piece pieces[SCHED_PIECES_MAX];
    struct call *call;

    for (;;) {
        while ((call = queue_take(loop->inbox, loop->calls ? 0 : -1))) {
            if (call == &loop->stop) {
                return;
            }
            take_in(loop, call);
        }
        end_cancelled(loop);
        give_back(loop);
        int n = sched_plan(&loop->sched, pieces);
        if (n > 0) {
            step(loop, pieces, n);
        }
    }
}

void loop_submit(struct loop *loop, struct call *call)
{
    queue_put(loop->inbox, call);
}

void loop_stop(struct loop *loop)
{
    queue_put(loop->inbox, &loop->stop);
}

/* Each token is of every sequence. */
static struct llama_batch new_source_batch(int n_seq)
{
    struct llama_batch b = llama_batch_init(NEED_BATCH_TOKENS, 0, n_seq);

    for (int i = 0; i < NEED_BATCH_TOKENS; i++) {
        for (int seq = 0; seq < n_seq; seq++) {
            b.seq_id[i][seq] = seq;
        }
    }
    return b;
}

struct loop *loop_new(struct loaded *m, const struct loop_options *opt)
{
    struct loop *loop = mem_alloc(sizeof *loop);

    loop->m = m;
    loop->opt = *opt;
    loop->kept = prefix_store_new(opt->kept_bytes_max);
    loop->batch = llama_batch_init(NEED_BATCH_TOKENS, 0, 1);
    if (m->decoder_start != LLAMA_TOKEN_NULL) {
        loop->source = new_source_batch(m->n_seq);
    }
    loop->inbox = queue_new();
    sched_init(&loop->sched, NEED_BATCH_TOKENS, m->sequences, m->cells, &hooks, loop);
    llama_set_abort_callback(m->ctx, any_cancelled, loop);
    return loop;
}

void loop_free(struct loop *loop)
{
    assert(!loop->calls);
    llama_set_abort_callback(loop->m->ctx, NULL, NULL);
    llama_batch_free(loop->batch);
    if (loop->m->decoder_start != LLAMA_TOKEN_NULL) {
        llama_batch_free(loop->source);
    }
    tokens_release(&loop->encoded);
    prefix_store_free(loop->kept);
    queue_free(loop->inbox);
    mem_free(loop);
}
