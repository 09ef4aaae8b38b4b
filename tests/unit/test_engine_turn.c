/* test_engine_turn.c - a reply from scripted tokens, without computing any.
 *
 * The vocabulary is that of a tiny reasoning model; the test plays the model by
 * logits that want one token, so that what it "writes" is known. */
#include "engine_help.h"

#include "base/mem.h"
#include "engine/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

struct desk {
    struct loaded m;
    struct ask ask;
    struct buf streamed;
    char text[HELP_TEXT_MAX];
    enum llm_finish finish;
    char error[sizeof((struct lw_error *)0)->message];
};

static void desk_open(struct desk *d)
{
    char path[HELP_PATH_MAX];
    struct engine_options opt = { .path = path, .threads = 1, .context = 512 };

    *d = (struct desk){ .finish = LLM_CANCELLED };
    if (!help_tiny_path("qwen3", path)) {
        skip();
    }
    assert_int_equal(load_model(&d->m, &opt, NULL), 0);
    buf_init(&d->streamed, HELP_TEXT_MAX);
    ask_init(&d->ask, "Who?", NULL, NULL);
}

static void desk_close(struct desk *d)
{
    buf_release(&d->streamed);
    load_release(&d->m);
}

/* The model wants this token and no other. */
static bool write_token(struct desk *d, struct turn *t, llama_token id,
                        enum llm_finish *finish)
{
    float *at = mem_array((size_t)d->m.vocab.n, sizeof *at);

    at[id] = 20;
    struct logits l = logits_of(at, d->m.vocab.n);
    bool more = turn_go_on(t, &l, finish);
    mem_free(at);
    return more;
}

static void take_event(struct desk *d, const struct event *e)
{
    if (e->kind == EVENT_TEXT) {
        buf_add(&d->streamed, e->text, e->len);
    } else if (e->kind == EVENT_REPLY) {
        snprintf(d->text, sizeof d->text, "%s", e->text);
        d->finish = e->reply.finish;
        snprintf(d->error, sizeof d->error, "%s",
                 e->reply.finish == LLM_FAILED ? e->reply.error.message : "");
    }
}

static void ignore_text(void *user, const char *text, size_t len)
{
    (void)user;
    (void)text;
    (void)len;
}

/* The model writes the text and, if it gets so far, ends the reply. */
static void run(struct desk *d, const char *text)
{
    struct tokens script = { .n = 0 };
    struct event *e;
    enum llm_finish finish = LLM_STOP;

    d->ask.req.on_text = ignore_text;
    buf_clear(&d->streamed);
    struct call *call = call_new(&d->m, &d->ask.req, 1, NULL);
    struct turn *t = &call->turns[0];
    assert_null(t->error);
    vocab_tokenize(&d->m.vocab, text, strlen(text), VOCAB_SPECIAL, &script);
    tokens_add(&script, d->m.vocab.end);
    for (size_t i = 0; i < script.n && write_token(d, t, script.ids[i], &finish); i++) {
    }
    turn_reply(t, finish, true);
    while ((e = queue_take(call->events, 0))) {
        take_event(d, e);
        mem_free(e);
    }
    call_free(call);
    tokens_release(&script);
    assert_string_equal(d->streamed.data ? d->streamed.data : "", d->text);
}

static void test_thoughts_are_no_answer(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.ask.req.max_tokens = 100;
    d.ask.req.stop = "\n";
    run(&d, "<think>\nThe tenant,\nor not?\n</think>\n\nMaria Schmidt\nShe is");
    assert_string_equal(d.text, "Maria Schmidt");
    assert_int_equal(d.finish, LLM_STOP);
    run(&d, "\n<think>\n\n</think>\n\nMaria");
    assert_string_equal(d.text, "Maria");
    run(&d, "<think></think>Maria");
    assert_string_equal(d.text, "Maria");
    desk_close(&d);
}

static void test_thoughts_alone_fail(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.ask.req.max_tokens = 8;
    run(&d, "<think>\nThe tenant, or is it the landlord, or who else can it be?");
    assert_string_equal(d.text, "");
    assert_int_equal(d.finish, LLM_FAILED);
    assert_non_null(strstr(d.error, "reasoning"));
    run(&d, "<think>\n</think>");
    assert_int_equal(d.finish, LLM_FAILED);
    desk_close(&d);
}

static void test_the_same_marks_as_text(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.ask.req.max_tokens = 100;
    run(&d, "Maria <think> of </think> it");
    assert_string_equal(d.text, "Maria <think> of </think> it");
    run(&d, "<thin");
    assert_string_equal(d.text, "<thin");
    /* A reply that was begun for the model has no beginning of its own. */
    d.ask.req.prefill = "Answer:";
    run(&d, "<think>x</think>y");
    assert_string_equal(d.text, "<think>x</think>y");
    desk_close(&d);
}

/* A model may give a token no chance at all. What that promises is a number still: an
 * infinite one would keep the state for ever. */
static void test_a_promise_is_a_number(void **state)
{
    static const char *const absent[] = { "Not" };
    enum llm_finish finish;
    struct desk d;

    (void)state;
    desk_open(&d);
    d.ask.req.alt = absent;
    d.ask.req.n_alt = 1;
    struct call *call = call_new(&d.m, &d.ask.req, 1, NULL);
    struct turn *t = &call->turns[0];
    float *at = mem_array((size_t)d.m.vocab.n, sizeof *at);
    assert_true(turn_screens(t));
    for (size_t i = 0; i < t->alt.n; i++) at[t->alt.ids[i]] = -INFINITY;
    struct logits l = logits_of(at, d.m.vocab.n);
    assert_false(turn_go_on(t, &l, &finish));
    const struct turn_group *g = (const struct turn_group *)t->sched.group;
    assert_true(isinf(t->logprob_alt));
    assert_true(g->promise > 1e9 && isfinite(g->promise));
    mem_free(at);
    turn_reply(t, finish, true);
    for (struct event *e; (e = queue_take(call->events, 0));) mem_free(e);
    call_free(call);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thoughts_are_no_answer),
        cmocka_unit_test(test_thoughts_alone_fail),
        cmocka_unit_test(test_the_same_marks_as_text),
        cmocka_unit_test(test_a_promise_is_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
