/* test_read_ahead.c - what is kept under which document, with a model that only notes
 * what it was asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "jobs/read_ahead.h"
#include "jobs/run_jobs.h"
#include "world.h"

#include <math.h>
#include <string.h>

enum { NOTES_MAX = 256 };

/* Request i of a call was read before if there[i % 8]; the others read 100 tokens. */
struct noter {
    struct llm llm; /* first */
    struct llm_info info;
    bool there[8];
    enum llm_finish finish;
    const struct llm_source *sources[NOTES_MAX];
    int in_doc[NOTES_MAX]; /* the document that the excerpt is of */
    bool keep_only[NOTES_MAX];
    size_t n;
};

static const struct llm_info *noter_info(struct llm *llm)
{
    return &((struct noter *)llm)->info;
}

static int noter_count(struct llm *llm, const char *text, size_t len)
{
    (void)llm;
    (void)text;
    return (int)len / 4;
}

static void note(struct noter *noter, const struct llm_request *req)
{
    assert_true(noter->n < NOTES_MAX);
    noter->sources[noter->n] = req->source;
    noter->keep_only[noter->n] = req->keep_only;
    const struct llm_part *excerpt = &req->messages[1].parts[1];
    char *text = mem_strndup(excerpt->text, excerpt->len);
    noter->in_doc[noter->n++] = strstr(world_docs[0], text) ? 0 : 1;
    mem_free(text);
}

/* Every excerpt is worth an answer. */
static int noter_chat_many(struct llm *llm, const struct llm_request *reqs, size_t n,
                           llm_reply_fn on_reply, void *user, const struct cancel *cancel,
                           struct lw_error *err)
{
    struct noter *noter = (struct noter *)llm;
    (void)cancel;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        struct llm_reply reply = { .finish = noter->finish,
                                   .text = reqs[i].max_tokens > 0 ? "12 million" : "",
                                   .logprob_alt = reqs[i].alt2 ? -0.7 : -4,
                                   .logprob_alt2 = -0.7,
                                   .logprob_mean = -0.1,
                                   .usage = { .requests = 1, .prompt_tokens = 100 } };
        reply.len = strlen(reply.text);
        if (noter->there[i % 8]) reply.usage.cached_tokens = 100;
        note(noter, &reqs[i]);
        on_reply(user, i, &reply);
    }
    return 0;
}

static const struct llm_ops noter_ops = { .info = noter_info,
                                          .count_tokens = noter_count,
                                          .chat_many = noter_chat_many };

static struct noter new_noter(void)
{
    return (struct noter){ .llm = { .ops = &noter_ops },
                           .info = { .name = "noter",
                                     .cheap_scoring = true,
                                     .in_process = true,
                                     .prefill = true } };
}

static const struct world_options options = { .question = "What was the expenditure?",
                                              .worker = "" };
static const struct llm_source sources[] = { { .id = "a" }, { .id = "b" } };

static void test_each_part_under_its_document(void **state)
{
    (void)state;
    struct world w;
    struct noter noter = new_noter();
    struct read_ahead ra;
    world_init(&w, &options);
    struct reading r = w.run.reading;
    r.worker = &noter.llm;
    r.sources = sources;
    noter.there[1] = true;
    read_ahead_init(&ra, world_docs_chunks);
    assert_int_equal(read_ahead(&ra, &r, 0, 3, &w.err), 0);
    assert_int_equal(read_ahead(&ra, &r, 3, world_docs_chunks, &w.err), 0);
    assert_int_equal(noter.n, world_docs_chunks);
    for (size_t i = 0; i < noter.n; i++) {
        assert_true(noter.keep_only[i]);
        assert_ptr_equal(noter.sources[i], &sources[w.chunks.items[i].doc]);
    }
    assert_int_equal(ra.n_there, 2);
    assert_int_equal(ra.n_kept, world_docs_chunks - 2);
    assert_int_equal(ra.tokens_kept, 100 * ra.n_kept);
    assert_int_equal(ra.progress.done, ra.progress.total);
    world_release(&w);
}

static void test_failures_and_cancelled_parts_are_not_kept(void **state)
{
    (void)state;
    struct world w;
    struct noter noter = new_noter();
    struct read_ahead ra;
    world_init(&w, &options);
    struct reading r = w.run.reading;
    r.worker = &noter.llm;
    r.sources = sources;
    noter.finish = LLM_FAILED;
    read_ahead_init(&ra, world_docs_chunks);
    assert_int_equal(read_ahead(&ra, &r, 0, 2, &w.err), 0);
    noter.finish = LLM_CANCELLED;
    assert_int_equal(read_ahead(&ra, &r, 2, 4, &w.err), 0);
    assert_int_equal(ra.n_failed, 2);
    assert_int_equal(ra.n_kept + ra.n_there, 0);
    assert_int_equal(ra.progress.done, 2);
    world_release(&w);
}

/* So does every question. */
static void test_questions_name_their_document(void **state)
{
    (void)state;
    struct world w;
    struct noter noter = new_noter();
    struct job_list jobs;
    world_init(&w, &options);
    struct reading r = w.run.reading;
    r.worker = &noter.llm;
    r.sources = sources;
    struct task task = { .id = "t1",
                         .ask = arena_strdup(w.arena, options.question),
                         .n_samples = 1 };
    struct plan plan = { .tasks = &task, .n_tasks = 1 };
    assert_int_equal(run_jobs(&r, &plan, NULL, NULL, &jobs, &w.err), 0);
    assert_true(noter.n >= world_docs_chunks);
    for (size_t i = 0; i < noter.n; i++) {
        assert_false(noter.keep_only[i]);
        assert_ptr_equal(noter.sources[i], &sources[noter.in_doc[i]]);
    }
    /* Without a store nothing is named. */
    noter.n = 0;
    r.sources = NULL;
    assert_int_equal(run_jobs(&r, &plan, NULL, NULL, &jobs, &w.err), 0);
    for (size_t i = 0; i < noter.n; i++) assert_null(noter.sources[i]);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_part_under_its_document),
        cmocka_unit_test(test_failures_and_cancelled_parts_are_not_kept),
        cmocka_unit_test(test_questions_name_their_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
