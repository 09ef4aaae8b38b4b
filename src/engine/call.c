/* call.c - from requests to turns, grouped, ready for the engine thread.
 *
 * Grouping goes by the prompt's leading tokens up to where sharing ends (see
 * template.h), found by hash; within a group, equal prompts are twins. All of
 * it happens on the calling thread, so that the engine thread only computes. */
#include "engine/call.h"

#include "base/limits.h"
#include "base/mem.h"
#include "engine/prefix.h"
#include "engine/template.h"
#include "llm/schema.h"

#include <math.h>
#include <string.h>

enum { REPLY_BYTES_MAX = 1 << 20, GRAMMAR_BYTES_MAX = 1 << 22 };

/* --- Events --------------------------------------------------------------- */

void call_send(struct call *call, enum event_kind kind, size_t index,
               const struct llm_reply *reply, const char *text, size_t len)
{
    struct event *e = mem_alloc(sizeof *e + len + 1);

    e->kind = kind;
    e->index = index;
    e->len = len;
    if (len > 0) {
        memcpy(e->text, text, len);
    }
    if (reply) {
        e->reply = *reply;
        e->reply.text = e->text;
        e->reply.len = len;
    }
    queue_put(call->events, e);
}

/* --- Groups and twins ----------------------------------------------------- */

static uint64_t hash_tokens(uint64_t h, const struct tokens *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        h = (h ^ (uint64_t)(uint32_t)t->ids[i]) * UINT64_C(0x100000001b3);
    }
    return h ^ h >> 29;
}

/* What is known while a call is built. Open addressing, at most half full:
 * groups by their prefix, the first turn of each prompt by its prompt, and the first of
 * each source in a group by the source. */
struct tables {
    struct turn_group **groups;
    struct turn **firsts, **of_sources;
    size_t n_slots;
    struct part_memo memo;
};

static void tables_init(struct tables *table, size_t n_requests)
{
    while (table->n_slots < 2 * n_requests) {
        table->n_slots *= 2;
    }
    table->groups = mem_array(table->n_slots, sizeof *table->groups);
    table->firsts = mem_array(table->n_slots, sizeof *table->firsts);
    table->of_sources = mem_array(table->n_slots, sizeof *table->of_sources);
}

static void tables_release(struct tables *table)
{
    tokens_release(&table->memo.tokens);
    mem_free(table->groups);
    mem_free(table->firsts);
    mem_free(table->of_sources);
}

static struct turn_group *new_group(struct call *call, const struct tokens *prompt,
                                    size_t n, uint64_t hash)
{
    struct turn_group *g = mem_alloc(sizeof *g);

    g->hash = hash;
    tokens_add_all(&g->prefix, prompt->ids, n);
    sched_group_init(&g->sched, (int)n);
    sched_call_append(&call->sched, &g->sched);
    call->groups[call->n_groups++] = g;
    return g;
}

/* The group of the prompt's first n tokens, made if it is not there yet. */
static struct turn_group *find_group(struct tables *table, struct call *call,
                                     const struct tokens *prompt, size_t n)
{
    uint64_t hash = hash_tokens(UINT64_C(0xcbf29ce484222325), prompt, 0, n);
    size_t i = (size_t)hash & (table->n_slots - 1);

    for (; table->groups[i]; i = (i + 1) & (table->n_slots - 1)) {
        if (table->groups[i]->hash == hash &&
            tokens_equal(&table->groups[i]->prefix, prompt->ids, n)) {
            return table->groups[i];
        }
    }
    table->groups[i] = new_group(call, prompt, n, hash);
    return table->groups[i];
}

static bool same_source(const struct llm_request *a, const struct llm_request *b)
{
    return a->source && b->source && strcmp(a->source->id, b->source->id) == 0;
}

/* Of the group and the source, if there is one. */
static uint64_t hash_source(const struct turn_group *g, const struct llm_request *req)
{
    uint64_t h = g->hash;

    for (const char *id = req->source ? req->source->id : ""; *id; id++) {
        h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
    }
    return h ^ h >> 29;
}

/* Is no turn before it of this source in the group? */
static bool is_first_of_source(struct tables *table, const struct turn_group *g,
                               struct turn *t)
{
    if (!t->req->source) {
        return false;
    }
    size_t i = (size_t)hash_source(g, t->req) & (table->n_slots - 1);
    for (; table->of_sources[i]; i = (i + 1) & (table->n_slots - 1)) {
        const struct turn *first = table->of_sources[i];
        if (first->sched.group == &g->sched && same_source(first->req, t->req)) {
            return false;
        }
    }
    table->of_sources[i] = t;
    return true;
}

/* What is kept for one document is not what is kept for another: whose reply says that
 * nothing was computed was there before. */
static bool may_be_twins(const struct llm_request *a, const struct llm_request *b)
{
    return !b->keep_only || same_source(a, b);
}

/* The first turn of the group with the same prompt; NULL: it is t itself. */
static struct sched_request *find_twin(struct tables *table, const struct turn_group *g,
                                       struct turn *t)
{
    uint64_t start = t->req->keep_only ? hash_source(g, t->req) : g->hash;
    uint64_t hash = hash_tokens(start, &t->own, 0, t->own.n);
    size_t i = (size_t)hash & (table->n_slots - 1);

    for (; table->firsts[i]; i = (i + 1) & (table->n_slots - 1)) {
        struct turn *first = table->firsts[i];
        if (first->sched.group == &g->sched && may_be_twins(first->req, t->req) &&
            tokens_equal(&first->own, t->own.ids, t->own.n)) {
            first->has_twins = true;
            return &first->sched;
        }
    }
    table->firsts[i] = t;
    return NULL;
}

/* --- Turns ---------------------------------------------------------------- */

static int make_grammar(struct turn *t, const struct loaded *m, struct lw_error *err)
{
    struct buf text;

    buf_init(&text, GRAMMAR_BYTES_MAX);
    int rc = schema_to_gbnf(t->req->schema, &text, err);
    if (rc == 0) {
        t->sampler.grammar =
            llama_sampler_init_grammar(m->vocab.llama, text.data, "root");
        if (!t->sampler.grammar) {
            rc = err_set(err, LW_ERR, "the schema makes a grammar that libllama refuses");
        }
    }
    buf_release(&text);
    return rc;
}

static int make_constraints(struct turn *t, const struct loaded *m, struct lw_error *err)
{
    const struct llm_request *req = t->req;

    if (req->schema && req->copy_from) {
        return err_set(err, LW_ERR_USAGE,
                       "a reply cannot be of a schema and a copy as well");
    }
    if (req->copy_from) {
        copier_init(&t->copier, req->copy_from, req->copy_from_len);
        t->sampler.copier = &t->copier;
    }
    return req->schema && req->max_tokens > 0 ? make_grammar(t, m, err) : 0;
}

/* How long the reply may become. LW_ERR_INPUT for a prompt that does not fit. An
 * encoder's side and its decoder's have the same room, each for itself. */
static int measure(struct turn *t, const struct loaded *m, struct lw_error *err)
{
    int most =
        t->req->max_tokens < LIMIT_REPLY_TOKENS ? t->req->max_tokens : LIMIT_REPLY_TOKENS;
    int room = m->context - t->n_prompt, source = (int)t->source.n;

    if (room < (most > 0 ? 1 : 0) || source > m->context) {
        return err_set(err, LW_ERR_INPUT,
                       "a request of %d tokens does not fit the model's context of %d",
                       source > m->context ? source : t->n_prompt, m->context);
    }
    t->max_reply = most < 0 ? 0 : most < room ? most : room;
    return 0;
}

static int render(struct turn *t, const struct loaded *m, struct part_memo *memo,
                  struct prompt *prompt, struct lw_error *err)
{
    if (m->decoder_start == LLAMA_TOKEN_NULL) {
        return template_render(m->tmpl, &m->vocab, t->req, memo, prompt, err);
    }
    int rc = template_render_source(&m->vocab, m->decoder_start, t->req, prompt, err);
    t->source = prompt->source;
    prompt->source = (struct tokens){ .n = 0 };
    return rc;
}

static void init_turn(struct turn *t, const struct loaded *m)
{
    const struct llm_request *req = t->req;

    sampler_init(&t->sampler, &m->vocab, req->temperature, req->seed);
    detok_init(&t->out, req->stop, REPLY_BYTES_MAX);
    reasoning_init(&t->reasoning);
    if (req->prefill || req->schema || req->copy_from) {
        t->reasoning.state = REASONING_OVER; /* the reply has no beginning of its own */
    }
}

static int begin_turn(struct turn *t, const struct loaded *m, struct part_memo *memo,
                      struct prompt *prompt, struct lw_error *err)
{
    const struct llm_request *req = t->req;
    int rc;

    if ((rc = render(t, m, memo, prompt, err))) {
        return rc;
    }
    t->n_prompt = (int)prompt->tokens.n;
    if ((rc = measure(t, m, err)) || (rc = make_constraints(t, m, err))) {
        return rc;
    }
    vocab_alternatives(&m->vocab, req->alt, req->n_alt, &t->alt);
    vocab_alternatives(&m->vocab, req->alt2, req->n_alt2, &t->alt2);
    if (req->forbid_alt) {
        vocab_alternatives(&m->vocab, req->alt, req->n_alt, &t->sampler.forbidden);
    }
    return 0;
}

static void place_turn(struct call *call, struct tables *table, struct turn *t,
                       const struct prompt *prompt, size_t n_shared)
{
    struct turn_group *g = find_group(table, call, &prompt->tokens, n_shared);

    tokens_add_all(&t->own, prompt->tokens.ids + n_shared, prompt->tokens.n - n_shared);
    turn_begin(t);
    sched_request_init(&t->sched, t->n_prompt + t->n_reply, t->n_prompt + t->max_reply);
    sched_group_append(&g->sched, &t->sched);
    g->has_source = g->has_source || t->req->source;
    t->first_of_source = is_first_of_source(table, g, t);
    t->sched.twin = find_twin(table, g, t);
}

static void add_turn(struct call *call, struct tables *table, const struct loaded *m,
                     size_t i, const struct llm_request *req)
{
    struct turn *t = &call->turns[i];
    struct prompt prompt = { .n_prefix = 0 };
    struct lw_error err = { .code = 0 };

    *t = (struct turn){
        .call = call, .index = i, .req = req, .logprob_alt = NAN, .logprob_alt2 = NAN
    };
    init_turn(t, m);
    /* To tokenise thousands of prompts takes seconds. */
    if (cancel_level(call->cancel) != CANCEL_NONE) {
        return;
    }
    if (begin_turn(t, m, &table->memo, &prompt, &err) != 0) {
        *turn_error(t) = err;
    } else if (m->sharing == LOAD_SHARE_NOTHING) {
        place_turn(call, table, t, &prompt, 0);
        t->sched.twin = NULL;
    } else {
        place_turn(call, table, t, &prompt, prompt.n_prefix);
    }
    prompt_release(&prompt);
}

struct call *call_new(const struct loaded *m, const struct llm_request *reqs, size_t n,
                      const struct cancel *cancel)
{
    struct call *call = mem_alloc(sizeof *call);
    struct tables table = { .n_slots = 16 };

    *call = (struct call){
        .cancel = cancel,
        .turns = mem_array(n, sizeof *call->turns),
        .n_turns = n,
        .n_left = n,
        .groups = mem_array(n, sizeof *call->groups),
        .events = queue_new(),
    };
    sched_call_init(&call->sched);
    tables_init(&table, n);
    for (size_t i = 0; i < n; i++) {
        add_turn(call, &table, m, i, &reqs[i]);
    }
    tables_release(&table);
    return call;
}

void call_free(struct call *call)
{
    struct event *e;

    while ((e = queue_take(call->events, 0))) {
        mem_free(e);
    }
    for (size_t i = 0; i < call->n_turns; i++) {
        turn_release(&call->turns[i]);
    }
    for (size_t i = 0; i < call->n_groups; i++) {
        tokens_release(&call->groups[i]->prefix);
        tokens_release(&call->groups[i]->behind);
        mem_free(call->groups[i]);
    }
    mem_free(call->turns);
    mem_free(call->groups);
    queue_free(call->events);
    mem_free(call);
}
