/* loop.c - one thread owns the llama context and steps through batches.
 *
 * Each round: take what came in, end what was cancelled, let the schedule fill
 * a batch, decode it, go on with every request whose logits it gave. The
 * schedule knows nothing of libllama; its hooks here copy and clear sequences,
 * and leave kept states to keep.c.
 *
 * Cancelling: the abort callback looks at the tokens of all callers before
 * every operation of a step. A step that is aborted leaves the cache as it was, so
 * the other callers' requests simply go through it again. So does a step that other
 * programs hold up (threads.h), with fewer threads. */
#include "engine/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/keep.h"
#include "engine/need.h"
#include "engine/threads.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loop {
    struct loaded *m;
    struct loop_options opt;
    struct schedule sched;
    struct keep keep;
    struct threads threads;
    struct llama_batch batch;
    struct llama_batch source; /* for the encoder, if the model has one */
    struct tokens encoded;     /* what it read last */
    struct queue *inbox;       /* of struct call; the loop's own `stop` ends it */
    struct call stop;
    struct call *calls;          /* under way */
    struct lw_point *step_costs; /* NULL: nobody knows */
};

/* --- The schedule's hooks ------------------------------------------------- */

/* What stood in the group's sequence will be computed again: once is what counts, or more
 * would be computed than a prompt has. */
static void take_back_prefix(struct sched_group *group)
{
    for (struct sched_request *r = group->first; r; r = r->next) {
        struct turn *t = (struct turn *)r;
        t->n_computed -= t->n_in_group;
        t->n_in_group = 0;
    }
}

/* For the first time, or after a rest, from which it should come back whole. */
static int group_begins(void *user, struct sched_group *group)
{
    struct loop *loop = user;
    int n = keep_begin(&loop->keep, (struct turn_group *)group);

    if (n < group->prefix.n_tokens) {
        take_back_prefix(group);
    }
    return n;
}

static int group_rests(void *user, struct sched_group *group)
{
    struct loop *loop = user;
    int n = keep_rest(&loop->keep, (struct turn_group *)group);

    ((struct call *)group->call)->n_rested += n >= 0;
    return n;
}

static int request_begins(void *user, struct sched_request *r)
{
    struct loop *loop = user;

    return keep_start(&loop->keep, (struct turn *)r);
}

static void group_ends(void *user, struct sched_group *group)
{
    struct loop *loop = user;

    keep_end(&loop->keep, (struct turn_group *)group);
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
    .group_rests = group_rests,
    .request_begins = request_begins,
    .group_ends = group_ends,
    .copy = copy_sequence,
    .clear = clear_sequence,
};

/* --- Turns ---------------------------------------------------------------- */

static void end_turn(struct loop *loop, struct turn *t, enum llm_finish finish)
{
    /* One that was put back has nothing in the cache. */
    bool read = t->read || t->sched.work.n_done >= t->n_prompt;

    if (read) {
        keep_scored(&loop->keep, t);
    }
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
    size_t before = t->own.n;

    if (turn_go_on(t, l, &finish)) {
        sched_extend(&t->sched, (int)(t->own.n - before));
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
        /* One that was put back goes on where it was. */
        if (r->twin != &t->sched || r->state != SCHED_WAITING || twin->read) {
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

/* --- Drafts --------------------------------------------------------------- */

/* The tokens of a step in which every piece is a reply that goes on; 0: it reads, too.
 * Tokens cost there what they cost. */
static int tokens_of_replies(const struct sched_piece *pieces, int n)
{
    int tokens = 0;

    for (int i = 0; i < n; i++) {
        const struct turn *t = (const struct turn *)pieces[i].request;
        if (!t || !t->read || !pieces[i].logits) {
            return 0;
        }
        tokens += pieces[i].count;
    }
    return tokens;
}

/* A guess that turns out wrong is cut off again: not every memory can. */
static void draft(struct loop *loop, const struct sched_piece *pieces, int n)
{
    bool can = loop->step_costs && loop->m->sharing == LOAD_SHARE_ANY;
    int tokens = can ? tokens_of_replies(pieces, n) : 0, n_guessed = 0;
    /* The context gives only so many logits a step, and takes only so many tokens. */
    int room = loop->m->logits_most - n + tokens;
    int most = room < loop->m->step_tokens ? room : loop->m->step_tokens;

    for (int i = 0; i < n; i++) {
        struct turn *t = (struct turn *)pieces[i].request;
        if (t) {
            t->n_draft = 0;
        }
        if (t && tokens > 0) {
            turn_draft(t, DRAFT_MAX);
            n_guessed += t->n_draft > 0;
        }
    }
    if (n_guessed == 0) {
        return;
    }
    int pays =
        draft_length(loop->step_costs, loop->opt.n_step_costs, tokens, n_guessed, most);
    for (int i = 0; i < n; i++) {
        struct turn *t = (struct turn *)pieces[i].request;
        t->n_draft = t->n_draft < pays ? t->n_draft : pays;
        t->call->n_drafted += t->n_draft;
    }
}

/* Tokens of the piece in the batch. */
static int with_draft(const struct sched_piece *piece)
{
    const struct turn *t = (const struct turn *)piece->request;

    return piece->count + (t ? t->n_draft : 0);
}

/* The turn took n_right tokens of its draft, which are in the cache; the rest is not to
 * stay there. */
static void end_draft(struct loop *loop, struct turn *t, int n_right)
{
    struct sched_work *work = &t->sched.work;

    t->call->n_right += n_right;
    if (t->over) {
        return;
    }
    work->n_done += n_right;
    if (n_right < t->n_draft) {
        llama_memory_seq_rm(loop->m->memory, work->seq, work->n_done, -1);
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

static void put_token(struct llama_batch *b, llama_token id, int pos, int seq,
                      bool logits)
{
    int at = b->n_tokens++;

    b->token[at] = id;
    b->pos[at] = pos;
    b->n_seq_id[at] = 1;
    b->seq_id[at][0] = seq;
    b->logits[at] = logits;
}

static void fill_batch(struct loop *loop, const struct sched_piece *pieces, int n)
{
    loop->batch.n_tokens = 0;
    for (int i = 0; i < n; i++) {
        const struct sched_piece *p = &pieces[i];
        const struct turn *t = (const struct turn *)p->request;
        int seq = p->work->seq;
        for (int k = 0; k < p->count; k++) {
            put_token(&loop->batch, token_at(p, p->start + k), p->start + k, seq,
                      p->logits && k == p->count - 1);
        }
        for (int k = 0; t && k < t->n_draft; k++) {
            put_token(&loop->batch, t->draft[k], p->start + p->count + k, seq, true);
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
        t->seconds += seconds * with_draft(&pieces[i]) / loop->batch.n_tokens;
        of_prompt = of_prompt > 0 ? of_prompt : 0;
        t->n_computed += of_prompt;
        *(pieces[i].request ? &t->n_in_own : &t->n_in_group) += of_prompt;
    }
}

/* What the piece's sequence held is lost and will be computed again. */
static void take_back(const struct sched_piece *piece)
{
    struct turn *own = (struct turn *)piece->request;

    if (own) {
        own->n_computed -= own->n_in_own;
        own->n_in_own = 0;
    } else {
        take_back_prefix(piece->group);
    }
}

/* The logits of the batch's token `at`. */
static struct logits logits_at(const struct loop *loop, int at)
{
    const float *values = llama_get_logits_ith(loop->m->ctx, at);

    return values ? logits_of(values, loop->m->vocab.n)
                  : (struct logits){ .log_sum = NAN };
}

/* The piece's last token is the batch's token `at`, the draft stands behind it. */
static void use_piece(struct loop *loop, struct turn *t, int at)
{
    size_t n_own = t->own.n;
    int n_right = 0;

    do {
        struct logits l = logits_at(loop, at + n_right);
        if (isnan(l.log_sum)) {
            ((struct turn_group *)t->sched.group)->spoiled = true;
            fail_turn(loop, t, "the model computes no numbers", 0);
            break;
        }
        if (!t->read && t->has_twins) {
            wake_twins(loop, t, &l);
        }
        go_on(loop, t, &l);
        n_right += turn_draft_right(t, n_own, n_right);
        /* Where all that was added is in the cache, its logits are here too. */
    } while (!t->over && n_own + (size_t)n_right == t->own.n);
    end_draft(loop, t, n_right);
}

static void use_logits(struct loop *loop, const struct sched_piece *pieces, int n)
{
    int end = 0;

    for (int i = 0; i < n; i++) {
        struct turn *t = (struct turn *)pieces[i].request;
        int at = end + pieces[i].count - 1;
        end += with_draft(&pieces[i]);
        if (pieces[i].logits && !t->over) {
            use_piece(loop, t, at);
        }
    }
}

/* After an aborted step the cache should be as before; where it is not (recurrent memory
 * cannot be cut back, nor an encoder's), the sequence begins again. */
static void check_work(struct loop *loop, const struct sched_piece *piece)
{
    llama_memory_t memory = loop->m->memory;

    if (loop->m->sharing != LOAD_SHARE_NOTHING &&
        llama_memory_seq_pos_max(memory, piece->work->seq) == piece->start - 1) {
        return;
    }
    take_back(piece);
    sched_lost(&loop->sched, piece);
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
        tokens_add_all(&loop->encoded, source->ids, source->n);
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

static void set_threads(struct loop *loop)
{
    int before = loop->threads.now, n = threads_begin(&loop->threads);
    char sentence[96];

    if (n == before) {
        return;
    }
    llama_set_n_threads(loop->m->ctx, n, n);
    if (loop->opt.trace) {
        snprintf(sentence, sizeof sentence,
                 "%d of %d threads compute, by what other programs leave of the cores", n,
                 loop->threads.most);
        loop->opt.trace(loop->opt.user, sentence);
    }
}

static void step(struct loop *loop, const struct sched_piece *pieces, int n)
{
    double begin = clock_seconds();
    draft(loop, pieces, n);
    set_threads(loop);
    int rc = compute(loop, pieces, n);

    if (rc == 0) {
        llama_synchronize(loop->m->ctx);
        account(loop, pieces, n, clock_seconds() - begin);
        sched_done(&loop->sched, pieces, n);
        use_logits(loop, pieces, n);
    } else if (rc == LOAD_STEP_ABORTED) {
        for (int i = 0; i < n; i++) {
            check_work(loop, &pieces[i]);
        }
    } else {
        fail_pieces(loop, pieces, n, rc);
    }
}

/* --- Calls ---------------------------------------------------------------- */

static bool any_cancelled(const struct loop *loop)
{
    for (const struct call *c = loop->calls; c; c = c->next) {
        if (cancel_level(c->cancel) != CANCEL_NONE) {
            return true;
        }
    }
    return false;
}

/* Before each operation of a step. What cannot be cut back is not computed anew. */
static bool must_end_step(void *user)
{
    struct loop *loop = user;
    bool held_up = threads_held_up(&loop->threads);

    return any_cancelled(loop) || (held_up && loop->m->sharing == LOAD_SHARE_ANY);
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

static void trace_drafts(const struct loop *loop, const struct call *c)
{
    char sentence[128];

    if (!loop->opt.trace || c->n_drafted == 0) {
        return;
    }
    snprintf(sentence, sizeof sentence,
             "Drafts: %" PRId64 " tokens guessed, %" PRId64 " right", c->n_drafted,
             c->n_right);
    loop->opt.trace(loop->opt.user, sentence);
}

static void trace_rests(const struct loop *loop, const struct call *c)
{
    char sentence[128];

    if (!loop->opt.trace || c->n_rested == 0) {
        return;
    }
    snprintf(sentence, sizeof sentence,
             "%d excerpts left the KV cache while others were read", c->n_rested);
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
        trace_drafts(loop, c);
        trace_rests(loop, c);
        /* From here on the call may be gone at any moment. */
        call_send(c, EVENT_END, 0, NULL, NULL, 0);
    }
}

static void check_turn(struct loop *loop, struct turn *t)
{
    if (!t->error && !t->sched.group) {
        turn_reply(t, LLM_CANCELLED, false);
        return;
    }
    if (!t->error && !sched_fits(&loop->sched, &t->sched)) {
        err_set(turn_error(t), LW_ERR_LOCAL,
                "a request of %d tokens does not fit the cache of %d", t->n_prompt,
                loop->m->cells);
        sched_finish(&loop->sched, &t->sched);
    }
    const struct turn_group *g = (const struct turn_group *)t->sched.group;
    if (t->error) {
        turn_reply(t, LLM_FAILED, false);
    } else if (t->req->keep_only && keep_is_on_disk(&loop->keep, g, t->req->source)) {
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
    if (opt->n_step_costs > 0) {
        size_t bytes = opt->n_step_costs * sizeof *opt->step_costs;
        loop->step_costs = mem_alloc(bytes);
        memcpy(loop->step_costs, opt->step_costs, bytes);
    }
    threads_init(&loop->threads, llama_n_threads(m->ctx));
    keep_init(&loop->keep, m, &loop->sched, opt->disk, opt->kept_bytes_max,
              opt->rest_bytes_max);
    loop->batch = llama_batch_init(NEED_BATCH_TOKENS, 0, 1);
    if (m->decoder_start != LLAMA_TOKEN_NULL) {
        loop->source = new_source_batch(m->n_seq);
    }
    loop->inbox = queue_new();
    sched_init(&loop->sched, m->step_tokens, m->sequences, m->cells, &hooks, loop);
    llama_set_abort_callback(m->ctx, must_end_step, loop);
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
    mem_free(loop->step_costs);
    keep_release(&loop->keep);
    queue_free(loop->inbox);
    mem_free(loop);
}
