/* test_engine_queue.c - several threads ask one engine at once.
 *
 * Also run under the thread sanitizer, which sees our side of it: libllama is
 * not built for it, and gets one thread here. */
#include "engine_help.h"

#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { CALLERS = 3, ROUNDS = 3, REQUESTS = 4 };

struct caller {
    struct llm *llm;
    int number;
    int n_right, n_cancelled, n_streamed;
};

static void count_text(void *user, const char *text, size_t len)
{
    (void)text;
    *(int *)user += (int)len;
}

static void *ask_often(void *arg)
{
    struct caller *c = arg;

    for (int round = 0; round < ROUNDS; round++) {
        struct ask asks[REQUESTS];
        struct llm_request reqs[REQUESTS];
        struct kept kept[REQUESTS] = { { .times = 0 } };
        char texts[REQUESTS][64];
        for (int i = 0; i < REQUESTS; i++) {
            snprintf(texts[i], sizeof texts[i], "Note %d: the code is %d.", i % 2,
                     c->number);
            ask_init(&asks[i], "Count.", texts[i], "one, two, three, four");
            reqs[i] = asks[i].req;
            reqs[i].prefill = "one, two, three,";
            reqs[i].max_tokens = 2;
            reqs[i].on_text = count_text;
            reqs[i].user = &c->n_streamed;
        }
        llm_count_tokens(c->llm, texts[0], strlen(texts[0]));
        if (llm_chat_many(c->llm, reqs, REQUESTS, keep_reply, kept, NULL, NULL) == 0) {
            for (int i = 0; i < REQUESTS; i++) {
                c->n_right +=
                    kept[i].times == 1 && strncmp(kept[i].text, " four", 5) == 0;
            }
        }
    }
    return NULL;
}

static void *ask_and_cancel(void *arg)
{
    struct caller *c = arg;

    for (int round = 0; round < ROUNDS; round++) {
        struct cancel cancel;
        struct ask ask;
        struct kept kept = { .times = 0 };
        cancel_init(&cancel, clock_ms() + 60 * round);
        ask_init(&ask, "Tell a very long story.", NULL, NULL);
        ask.req.max_tokens = 300;
        ask.req.temperature = 1;
        llm_chat_many(c->llm, &ask.req, 1, keep_reply, &kept, &cancel, NULL);
        c->n_cancelled += kept.times == 1 && kept.reply.finish == LLM_CANCELLED;
    }
    return NULL;
}

static void test_threads_share_an_engine(void **state)
{
    struct llm *llm = help_open(NULL);
    pthread_t threads[CALLERS + 1];
    struct caller callers[CALLERS + 1];
    (void)state;

    if (!llm) {
        skip();
    }
    for (int i = 0; i <= CALLERS; i++) {
        callers[i] = (struct caller){ .llm = llm, .number = i };
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i < CALLERS ? ask_often : ask_and_cancel,
                                        &callers[i]),
                         0);
    }
    for (int i = 0; i <= CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(callers[i].n_right, ROUNDS * REQUESTS);
        assert_true(callers[i].n_streamed >= ROUNDS * REQUESTS * 5);
    }
    assert_int_equal(callers[CALLERS].n_cancelled, ROUNDS);
    llm_close(llm);
}

static void test_two_engines_at_once(void **state)
{
    struct llm *a = help_open(NULL);
    (void)state;

    if (!a) {
        skip();
    }
    struct llm *b = help_open(NULL);
    pthread_t threads[2];
    struct caller callers[2] = { { .llm = a, .number = 1 }, { .llm = b, .number = 2 } };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &callers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].n_right, ROUNDS * REQUESTS);
    }
    llm_close(a);
    llm_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_an_engine),
        cmocka_unit_test(test_two_engines_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
