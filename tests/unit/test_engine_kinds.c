/* test_engine_kinds.c - tiny random models of every kind, through the whole engine.
 *
 * Three ways to the same numbers. `Plain`: libllama alone, one sequence, first the
 * part of the prompt that may be shared, then the rest, then token by token.
 * `Alone`: one request in a fresh engine. `Together`: many requests at once.
 *
 * ggml computes a row alike whatever else is computed, as long as the batch has
 * the same shape: alone and plain are equal to the last bit. A batch of another
 * shape takes other kernels and sums in another order, so together and alone
 * agree within CLOSE, and replies do wherever the best token leads by more. */
#include "engine_help.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/detok.h"
#include "engine/load.h"
#include "engine/need.h"
#include "engine/sample.h"
#include "engine/template.h"
#include "llm/schema.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 1024, REPLY_TOKENS = 12, PROMPT_MAX = 512 };

static const double CLOSE = 0.01;

static const struct engine_options plain_options = { .context = PROMPT_MAX };

static void be_quiet(enum ggml_log_level level, const char *text, void *user)
{
    (void)level;
    (void)text;
    (void)user;
}

/* --- Requests ------------------------------------------------------------- */

static const char *const alt[] = { " not", "not" }, *const alt2[] = { " The" };
static const char *const questions[] = { "\nWho is the landlord?", "\nHow much is it?" };

enum want { WANT_SCORE, WANT_REPLY, WANT_JSON, WANT_COPY, WANTS };

struct set {
    struct ask asks[2 * 2 * WANTS + 3];
    struct llm_request reqs[2 * 2 * WANTS + 3];
    enum want wants[2 * 2 * WANTS + 3];
    size_t n;
    json_t *schema;
};

static void add_ask(struct set *set, const char *excerpt, const char *question,
                    enum want want)
{
    struct ask *ask = &set->asks[set->n];

    ask_init(ask, "Excerpt:\n", excerpt, question);
    ask->req.alt = alt;
    ask->req.n_alt = 2;
    ask->req.alt2 = alt2;
    ask->req.n_alt2 = 1;
    ask->req.prefill = want == WANT_JSON ? NULL : "Answer:";
    ask->req.max_tokens = want == WANT_SCORE ? 0 : REPLY_TOKENS;
    if (want == WANT_JSON) {
        ask->req.schema = set->schema;
        ask->req.max_tokens = 100;
    }
    if (want == WANT_COPY) {
        ask->req.copy_from = excerpt;
        ask->req.copy_from_len = strlen(excerpt);
    }
    set->reqs[set->n] = ask->req;
    set->wants[set->n++] = want;
}

/* Two excerpts, two questions, four wants, and two requests a second time. */
static void set_init(struct set *set)
{
    *set = (struct set){ .n = 0 };
    set->schema =
        json_pack("{s:s, s:{s:{s:s, s:i}, s:{s:s}}, s:[s,s], s:b}", "type", "object",
                  "properties", "name", "type", "string", "maxLength", 8, "rent", "type",
                  "boolean", "required", "name", "rent", "additionalProperties", 0);
    assert_non_null(set->schema);
    for (int i = 0; i < 4; i++) {
        for (int want = 0; want < WANTS; want++) {
            add_ask(set, i < 2 ? help_lease : help_garden, questions[i % 2],
                    (enum want)want);
        }
    }
    add_ask(set, help_lease, questions[0], WANT_SCORE);
    add_ask(set, help_garden, questions[1], WANT_REPLY);
}

static void set_release(struct set *set)
{
    json_decref(set->schema);
}

/* --- Plain: libllama alone ------------------------------------------------ */

struct plain {
    struct llama_model *model;
    struct llama_context *ctx;
    struct vocab vocab;
    struct prompt prompt;
    double logprob_alt;
    char text[HELP_TEXT_MAX];
    double margin; /* the smallest lead of a chosen token */
};

static void plain_decode(struct plain *p, llama_token *ids, size_t n)
{
    if (n > 0) {
        assert_int_equal(llama_decode(p->ctx, llama_batch_get_one(ids, (int)n)), 0);
    }
}

static void plain_open(struct plain *p, const char *kind)
{
    char path[HELP_PATH_MAX];
    struct llama_context_params params = llama_context_default_params();

    *p = (struct plain){ .margin = INFINITY };
    if (!help_tiny_path(kind, path)) {
        skip();
    }
    p->model = llama_model_load_from_file(path, llama_model_default_params());
    assert_non_null(p->model);
    params.n_ctx = CELLS;
    params.n_batch = params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = 1;
    params.swa_full = true;
    p->ctx = llama_init_from_model(p->model, params);
    assert_non_null(p->ctx);
    vocab_init(&p->vocab, p->model);
}

static void plain_close(struct plain *p)
{
    prompt_release(&p->prompt);
    vocab_release(&p->vocab);
    llama_free(p->ctx);
    llama_model_free(p->model);
}

static void plain_read(struct plain *p, const struct llm_request *req)
{
    struct part_memo memo = { .text = NULL };
    struct lw_error err;
    struct tokens *t = &p->prompt.tokens;

    if (llama_model_has_encoder(p->model)) {
        struct tokens *source = &p->prompt.source;
        llama_token start = llama_model_decoder_start_token(p->model);
        assert_int_equal(template_render_source(&p->vocab, start, req, &p->prompt, &err),
                         0);
        assert_int_equal(
            llama_encode(p->ctx, llama_batch_get_one(source->ids, (int)source->n)), 0);
    } else {
        assert_int_equal(template_render(template_of(p->model), &p->vocab, req, &memo,
                                         &p->prompt, &err),
                         0);
        tokens_release(&memo.tokens);
    }
    plain_decode(p, t->ids, p->prompt.n_prefix);
    plain_decode(p, t->ids + p->prompt.n_prefix, t->n - p->prompt.n_prefix);
}

/* The best token; its lead over the next is noted. */
static llama_token plain_choose(struct plain *p, const float *logits)
{
    llama_token best = LLAMA_TOKEN_NULL;
    float first = -INFINITY, second = -INFINITY;

    for (llama_token id = 0; id < p->vocab.n; id++) {
        if (vocab_never(&p->vocab, id)) {
            continue;
        }
        if (logits[id] > first) {
            second = first;
            first = logits[id];
            best = id;
        } else if (logits[id] > second) {
            second = logits[id];
        }
    }
    p->margin = fmin(p->margin, (double)(first - second));
    return best;
}

static void plain_run(struct plain *p, const struct llm_request *req)
{
    struct tokens ids = { .n = 0 };
    struct detok out;

    plain_read(p, req);
    vocab_alternatives(&p->vocab, req->alt, req->n_alt, &ids);
    detok_init(&out, NULL, HELP_TEXT_MAX);
    for (int i = 0; i == 0 || i < req->max_tokens; i++) {
        char piece[VOCAB_PIECE_MAX];
        struct logits l = logits_of(llama_get_logits_ith(p->ctx, -1), p->vocab.n);
        if (i == 0) {
            p->logprob_alt = logits_logprob_any(&l, &ids);
        }
        llama_token id = plain_choose(p, l.at);
        if (req->max_tokens == 0 || vocab_ends(&p->vocab, id)) {
            break;
        }
        detok_push(&out, piece, vocab_piece(&p->vocab, id, piece));
        plain_decode(p, &id, 1);
    }
    detok_finish(&out);
    snprintf(p->text, sizeof p->text, "%s", out.text.data ? out.text.data : "");
    detok_release(&out);
    tokens_release(&ids);
}

/* --- The three ways ------------------------------------------------------- */

static bool can_write_json(const char *kind)
{
    return strcmp(kind, "t5") != 0;
}

static void check_reply(const char *kind, const struct set *set, size_t i,
                        const struct kept *kept)
{
    struct lw_error err;

    if (set->wants[i] == WANT_JSON && !can_write_json(kind)) {
        assert_int_equal(kept->reply.finish, LLM_FAILED);
        assert_non_null(strstr(kept->reply.error.message, "cannot write JSON"));
    } else if (set->wants[i] == WANT_JSON) {
        assert_int_equal(kept->reply.finish, LLM_STOP);
        json_t *value = json_parse(kept->text, kept->reply.len, &err);
        if (!value || schema_validate(set->schema, value, &err) != 0) {
            fail_msg("%s: %s: %s", kind, kept->text, err.message);
        }
        json_decref(value);
    } else if (set->wants[i] == WANT_COPY) {
        assert_true(kept->reply.len > 0);
        assert_non_null(strstr(set->reqs[i].copy_from, kept->text));
    } else {
        assert_int_not_equal(kept->reply.finish, LLM_FAILED);
    }
    assert_int_equal(utf8_valid(kept->text, kept->reply.len), kept->reply.len);
}

static void check_close(const char *kind, size_t i, const struct kept *a,
                        const struct kept *b, double margin)
{
    if (!(fabs(a->reply.logprob_alt - b->reply.logprob_alt) < CLOSE) ||
        !(fabs(a->reply.logprob_alt2 - b->reply.logprob_alt2) < CLOSE)) {
        fail_msg("%s, request %zu: %.6f and %.6f", kind, i, a->reply.logprob_alt,
                 b->reply.logprob_alt);
    }
    if (margin > CLOSE && strcmp(a->text, b->text) != 0) {
        fail_msg("%s, request %zu: \"%s\" and \"%s\"", kind, i, a->text, b->text);
    }
}

static struct kept *run_alone(const char *kind, const struct llm_request *req)
{
    struct llm *llm = help_open_tiny(kind, &plain_options);
    struct kept *kept = help_run(llm, req, 1);

    llm_close(llm);
    return kept;
}

/* Returns by how much the reply's tokens led. */
static double check_plain(const char *kind, const struct set *set, size_t i,
                          const struct kept *alone)
{
    struct plain p;
    double margin = INFINITY;

    if (set->wants[i] != WANT_SCORE && set->wants[i] != WANT_REPLY) {
        return margin;
    }
    plain_open(&p, kind);
    plain_run(&p, &set->reqs[i]);
    if (p.logprob_alt < alone->reply.logprob_alt ||
        p.logprob_alt > alone->reply.logprob_alt) {
        fail_msg("%s, request %zu: %.9f plainly, %.9f in the engine", kind, i,
                 p.logprob_alt, alone->reply.logprob_alt);
    }
    assert_string_equal(p.text, alone->text);
    margin = p.margin;
    plain_close(&p);
    return margin;
}

static void test_together_alone_and_plain(void **state)
{
    const char *kind = *state;
    struct llm *llm = help_open_tiny(kind, &plain_options);
    struct set set;

    set_init(&set);
    struct kept *together = help_run(llm, set.reqs, set.n);
    /* Now from kept states, where the kind has any. */
    struct kept *again = help_run(llm, set.reqs, set.n);
    for (size_t i = 0; i < set.n; i++) {
        struct kept *alone = run_alone(kind, &set.reqs[i]);
        double margin = check_plain(kind, &set, i, alone);
        check_reply(kind, &set, i, &together[i]);
        check_close(kind, i, alone, &together[i], margin);
        check_close(kind, i, alone, &again[i], margin);
        mem_free(alone);
    }
    mem_free(together);
    mem_free(again);
    set_release(&set);
    llm_close(llm);
}

/* --- Drafts ---------------------------------------------------------------- */

static bool can_cut(const char *kind)
{
    char path[HELP_PATH_MAX];
    struct engine_options opt = { .path = path, .threads = 1, .context = CELLS };
    struct loaded m;

    assert_true(help_tiny_path(kind, path));
    assert_int_equal(load_model(&m, &opt, NULL), 0);
    bool can = m.sharing == LOAD_SHARE_ANY;
    load_release(&m);
    return can;
}

/* One word of single digits. A copy of it has no choice but what a token is, and every
 * two digits stand there more than once: of the guesses some are wrong and some right. */
static const char digits[] =
    "447933974499944493343737999994733494797997947374734773399373.";

/* On a machine where a step of many tokens costs no more than one of one, replies are
 * drafted where they seem to copy, and what comes out is the same: the numbers, too, so
 * that nothing of a wrong guess stays in the cache. */
static void test_drafts_change_nothing(void **state)
{
    static const struct lw_point costs[] = { { 1, 1 }, { 40, 1 } };
    const char *kind = *state;
    struct drafts drafts = { .guessed = 0 };
    struct engine_options opt = plain_options;
    struct set set;

    opt.step_costs = costs;
    opt.n_step_costs = 2;
    opt.trace = help_hear_drafts;
    opt.user = &drafts;
    struct llm *llm = help_open_tiny(kind, &opt);
    set_init(&set);
    for (size_t i = 0; i < set.n; i++) {
        set.reqs[i].max_tokens *= 4;
    }
    add_ask(&set, digits, questions[0], WANT_COPY);
    set.reqs[set.n - 1].max_tokens = 2 * sizeof digits;
    struct kept *together = help_run(llm, set.reqs, set.n);
    for (size_t i = 0; i < set.n; i++) {
        struct kept *plain = run_alone(kind, &set.reqs[i]);
        struct kept *drafted = help_run(llm, &set.reqs[i], 1);
        double margin = check_plain(kind, &set, i, plain);
        check_reply(kind, &set, i, &together[i]);
        check_close(kind, i, plain, &together[i], margin);
        check_close(kind, i, plain, drafted, margin);
        assert_int_equal(plain->reply.usage.completion_tokens,
                         drafted->reply.usage.completion_tokens);
        if (margin > CLOSE && !isnan(plain->reply.logprob_mean)) {
            double more = plain->reply.logprob_mean - drafted->reply.logprob_mean;
            assert_true(fabs(more) < CLOSE);
        }
        mem_free(plain);
        mem_free(drafted);
    }
    bool drafts_some = drafts.right > 0 && drafts.right < drafts.guessed;
    assert_true(can_cut(kind) ? drafts_some : drafts.guessed == 0);
    mem_free(together);
    set_release(&set);
    llm_close(llm);
}

/* --- What is shared ------------------------------------------------------- */

static void test_sharing_is_counted(void **state)
{
    const char *kind = *state;
    struct llm *llm = help_open_tiny(kind, &plain_options);
    bool two_sided = strcmp(kind, "t5") == 0;
    bool has_states = strcmp(kind, "mamba") == 0 || strcmp(kind, "jamba") == 0;
    struct set set;

    set_init(&set);
    assert_int_equal(llm_info(llm)->parallel, two_sided ? 1 : has_states ? 8 : 12);
    assert_true(llm_info(llm)->cheap_scoring);
    /* The same excerpt with another question: read once, but for an encoder. */
    struct llm_request reqs[2] = { set.reqs[0], set.reqs[WANTS] };
    struct kept *kept = help_run(llm, reqs, 2);
    int64_t excerpt = help_tokens(llm, help_lease);
    assert_int_equal(kept[0].reply.usage.cached_tokens, 0);
    if (two_sided) {
        assert_int_equal(kept[1].reply.usage.cached_tokens, 0);
    } else {
        assert_true(kept[1].reply.usage.cached_tokens > excerpt);
    }
    mem_free(kept);
    /* The same prompt with another beginning of the reply: read once by all. */
    reqs[0] = reqs[1];
    reqs[1].prefill = "It is";
    kept = help_run(llm, reqs, 2);
    assert_true(kept[1].reply.usage.cached_tokens > excerpt);
    assert_true(kept[1].reply.usage.cached_tokens < kept[1].reply.usage.prompt_tokens);
    mem_free(kept);
    set_release(&set);
    llm_close(llm);
}

/* --- Cancelling beside others --------------------------------------------- */

struct quitter {
    struct llm *llm;
    struct llm_request reqs[4];
    struct cancel cancel;
};

static void quit(void *user, const char *text, size_t len)
{
    struct quitter *q = user;

    (void)text;
    (void)len;
    cancel_raise(&q->cancel);
}

static void *ask_and_quit(void *arg)
{
    struct quitter *q = arg;

    for (int round = 0; round < 6; round++) {
        struct kept kept[4] = { { .times = 0 } };
        cancel_init(&q->cancel, 0);
        llm_chat_many(q->llm, q->reqs, 4, keep_reply, kept, &q->cancel, NULL);
    }
    return NULL;
}

/* The requests of all that the two tests below run. */
static void take_replies(struct quitter *q, const struct set *set)
{
    for (int i = 0; i < 4; i++) {
        q->reqs[i] = set->reqs[i * WANTS + WANT_REPLY];
        q->reqs[i].max_tokens = 60;
    }
}

/* A step that is aborted for one caller is computed again for the others. */
static void test_cancelled_beside_others(void **state)
{
    const char *kind = *state;
    struct quitter q = { .llm = help_open_tiny(kind, &plain_options) };
    struct set set;
    pthread_t thread;

    set_init(&set);
    take_replies(&q, &set);
    for (int i = 0; i < 4; i++) {
        q.reqs[i].on_text = quit;
        q.reqs[i].user = &q;
    }
    const struct llm_request *req = &set.reqs[WANT_REPLY];
    struct kept *alone = run_alone(kind, req);
    double margin = check_plain(kind, &set, WANT_REPLY, alone);
    assert_int_equal(pthread_create(&thread, NULL, ask_and_quit, &q), 0);
    for (int round = 0; round < 12; round++) {
        struct kept *kept = help_run(q.llm, req, 1);
        check_close(kind, WANT_REPLY, alone, kept, margin);
        mem_free(kept);
    }
    pthread_join(thread, NULL);
    mem_free(alone);
    set_release(&set);
    llm_close(q.llm);
}

/* Time limits that end in the middle of a step. */
static void *ask_in_a_hurry(void *arg)
{
    struct quitter *q = arg;

    for (int round = 0; round < 60; round++) {
        struct kept kept[4] = { { .times = 0 } };
        struct cancel hurry;
        cancel_init(&hurry, clock_ms() + 1 + round % 4);
        llm_chat_many(q->llm, q->reqs, 4, keep_reply, kept, &hurry, NULL);
    }
    return NULL;
}

/* What others lose by it is computed again, from what they share, and counted once. */
static void test_time_limits_beside_others(void **state)
{
    const char *kind = *state;
    struct quitter q = { .llm = help_open_tiny(kind, &plain_options) };
    struct set set;
    pthread_t thread;

    set_init(&set);
    take_replies(&q, &set);
    assert_int_equal(pthread_create(&thread, NULL, ask_in_a_hurry, &q), 0);
    for (int round = 0; round < 12; round++) {
        struct kept *kept = help_run(q.llm, q.reqs, 4);
        for (int i = 0; i < 4; i++) {
            const struct usage *u = &kept[i].reply.usage;
            if (kept[i].reply.finish == LLM_FAILED) {
                fail_msg("%s: %s", kind, kept[i].reply.error.message);
            }
            if (u->cached_tokens < 0 || u->cached_tokens > u->prompt_tokens) {
                fail_msg("%s: %d of %d tokens cached", kind, (int)u->cached_tokens,
                         (int)u->prompt_tokens);
            }
        }
        mem_free(kept);
    }
    pthread_join(thread, NULL);
    set_release(&set);
    llm_close(q.llm);
}

/* --- Memory --------------------------------------------------------------- */

struct buffers {
    double memory, all; /* MiB: caches and states; with weights and working space */
};

/* "llama_kv_cache:        CPU KV buffer size =    96.00 MiB" */
static void hear_buffers(enum ggml_log_level level, const char *text, void *user)
{
    static const char mark[] = "buffer size =";
    struct buffers *b = user;
    const char *at = strstr(text, mark);
    double mib = at ? atof(at + sizeof mark - 1) : 0;

    (void)level;
    b->all += mib;
    if (strstr(text, "KV buffer") || strstr(text, "RS buffer")) {
        b->memory += mib;
    }
}

/* What libllama says that it takes, against the estimate from the header. */
static void test_need_is_enough(void **state)
{
    const char *kind = *state;
    char path[HELP_PATH_MAX];
    struct loaded m;
    struct gguf_info info;
    struct buffers real = { .memory = 0 };
    struct engine_options opt = { .path = path, .threads = 1, .context = CELLS };
    bool embeds = strcmp(kind, "bert") == 0;

    if (!help_tiny_path(kind, path)) {
        skip();
    }
    assert_int_equal((embeds ? load_embedder : load_model)(&m, &opt, NULL), 0);
    assert_int_equal(gguf_info_read(path, &info, NULL), 0);
    struct need need = need_of(&info, m.cells, embeds ? NEED_TO_EMBED : NEED_TO_WRITE);
    llama_log_set(hear_buffers, &real);
    struct llama_context *again = llama_init_from_model(m.model, m.params);
    llama_log_set(be_quiet, NULL);
    assert_non_null(again);
    double want = (double)need.kv / (1024 * 1024);
    if (fabs(want - real.memory) > 0.15 * real.memory + 0.1) {
        fail_msg("%s: %.2f MiB of memory, not %.2f", kind, real.memory, want);
    }
    assert_true(real.all < (double)(need.kv + need.scratch) / (1024 * 1024));
    llama_free(again);
    load_release(&m);
}

/* --- Resting -------------------------------------------------------------- */

static void hear_rests(void *user, const char *sentence)
{
    int n;

    if (sscanf(sentence, "%d excerpts left the KV cache", &n) == 1) {
        *(int *)user += n;
    }
}

/* Four excerpts, each longer than a half of a step, with two questions each. */
static void long_set_init(struct set *set)
{
    enum { TEXTS = 4, REPEATS = 6 };
    static const char *const of[TEXTS] = { help_lease, help_garden, help_lease,
                                           help_garden };
    static char texts[TEXTS][4096];

    *set = (struct set){ .n = 0 };
    for (int i = 0; i < TEXTS; i++) {
        size_t len = 0;
        for (int k = 0; k < REPEATS; k++) {
            len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len, "%d. %s\n",
                                    k + 10 * i, of[i]);
        }
        assert_true(len < sizeof texts[i]);
        add_ask(set, texts[i], questions[0], WANT_REPLY);
        add_ask(set, texts[i], questions[1], WANT_REPLY);
    }
}

/* Excerpts that leave the cache while others are read come back as they were, and are
 * computed once. */
static void test_excerpts_rest(void **state)
{
    const char *kind = *state;
    struct engine_options opt = { .context = 4 * PROMPT_MAX, .trace = hear_rests };
    int n_rested = 0, n_alone = 0;
    struct set set;

    long_set_init(&set);
    opt.user = &n_rested;
    struct llm *llm = help_open_tiny(kind, &opt);
    struct kept *together = help_run(llm, set.reqs, set.n);
    llm_close(llm);
    opt.user = &n_alone;
    opt.kv_ram_bytes = 1;
    llm = help_open_tiny(kind, &opt);
    for (size_t i = 0; i < set.n; i++) {
        const struct usage *u = &together[i].reply.usage;
        struct kept *alone = help_run(llm, &set.reqs[i], 1);
        check_reply(kind, &set, i, &together[i]);
        check_close(kind, i, alone, &together[i], 0);
        assert_in_range(u->cached_tokens, 0, u->prompt_tokens - 1);
        mem_free(alone);
    }
    llm_close(llm);
    bool can = strncmp(kind, "qwen", 4) == 0 || strcmp(kind, "llama") == 0;
    assert_in_range(n_rested, can ? 1 : 0, can ? 3 : 0);
    assert_int_equal(n_alone, 0);
    mem_free(together);
}

/* --- Limits --------------------------------------------------------------- */

static void test_too_long_fails_alone(void **state)
{
    const char *kind = *state;
    struct llm *llm = help_open_tiny(kind, &plain_options);
    struct ask good, bad;
    char text[8192];

    memset(text, 0, sizeof text);
    for (size_t i = 0; i + 8 < sizeof text; i += 8) {
        memcpy(text + i, "lease 7 ", 8);
    }
    ask_init(&good, "Excerpt:\n", help_lease, "\nWho?");
    ask_init(&bad, "Excerpt:\n", text, "\nWho?");
    struct llm_request reqs[2] = { bad.req, good.req };
    reqs[1].max_tokens = 2000;
    reqs[1].temperature = 2;
    struct kept *kept = help_run(llm, reqs, 2);
    assert_int_equal(kept[0].reply.finish, LLM_FAILED);
    assert_int_equal(kept[0].reply.error.code, LW_ERR_INPUT);
    assert_int_not_equal(kept[1].reply.finish, LLM_FAILED);
    assert_true(kept[1].reply.usage.completion_tokens > 0);
    assert_true(kept[1].reply.usage.completion_tokens <= PROMPT_MAX);
    mem_free(kept);
    llm_close(llm);
}

int main(void)
{
    static char kinds[][8] = { "qwen2",  "qwen3", "llama", "gemma2",
                               "gemma3", "mamba", "jamba", "t5" };
    static char embedder[] = "bert";
    enum { KINDS = sizeof kinds / sizeof kinds[0], EACH = 8 };
    struct CMUnitTest tests[KINDS * EACH + 1];
    static char names[KINDS * EACH][64];
    const struct CMUnitTest each[EACH] = {
        cmocka_unit_test(test_together_alone_and_plain),
        cmocka_unit_test(test_drafts_change_nothing),
        cmocka_unit_test(test_sharing_is_counted),
        cmocka_unit_test(test_cancelled_beside_others),
        cmocka_unit_test(test_time_limits_beside_others),
        cmocka_unit_test(test_excerpts_rest),
        cmocka_unit_test(test_need_is_enough),
        cmocka_unit_test(test_too_long_fails_alone),
    };

    llama_log_set(be_quiet, NULL);
    for (size_t i = 0; i < KINDS * EACH; i++) {
        tests[i] = each[i % EACH];
        snprintf(names[i], sizeof names[i], "%s: %s", kinds[i / EACH], tests[i].name);
        tests[i].name = names[i];
        tests[i].initial_state = kinds[i / EACH];
    }
    tests[KINDS * EACH] =
        (struct CMUnitTest)cmocka_unit_test_prestate(test_need_is_enough, embedder);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
