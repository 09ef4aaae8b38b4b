/* test_expand.c - which chunks a task reads, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "desk.h"
#include "jobs/expand.h"
#include "toy_embedder.h"

#include <string.h>

static const char *const docs[] = {
    "The garden has roses.\n\nThe budget was 5 dollars.\n\nThe cat sleeps.\n\n"
    "Another budget, of 7 dollars.\n\nThe dog barks.\n\nThe sea is wide.",
    "A second text on roses.\n\nA second budget.",
    NULL,
};
enum { CHUNKS = 8 };

static void expand(struct desk *d, struct expansion *out)
{
    static const struct job_list none;
    int *phase = arena_array(d->arena, d->plan.n_tasks, sizeof *phase);
    expand_phases(&d->plan, phase);
    struct expand_input in = {
        .reading = &d->reading,
        .plan = &d->plan,
        .phase = phase,
        .done = &none,
    };
    assert_int_equal(expand_plan(&in, out, &d->err), 0);
}

static struct expansion expand_one(struct desk *d, const char *plan)
{
    struct expansion e;
    desk_init(d, docs, DESK_SERVER, "");
    assert_int_equal(d->chunks.n, CHUNKS);
    desk_plan(d, plan);
    expand(d, &e);
    return e;
}

static int chunk_at(const struct expansion *e, int task, size_t rank)
{
    assert_true(rank < e->tasks[task].n);
    return e->jobs[e->tasks[task].order[rank]].chunk;
}

static void test_everything_best_first(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e =
        expand_one(&d, "{\"tasks\":[{\"ask\":\"How large was the budget?\"}]}");
    assert_int_equal(e.n, CHUNKS);
    assert_int_equal(e.tasks[0].n, CHUNKS);
    assert_true(e.tasks[0].look_up);
    bool seen[CHUNKS] = { false };
    for (size_t i = 0; i < CHUNKS; i++) {
        const struct job *j = &e.jobs[e.tasks[0].order[i]];
        assert_false(seen[j->chunk]);
        seen[j->chunk] = true;
        if (i > 0) assert_true(j->search <= e.jobs[e.tasks[0].order[i - 1]].search);
        bool about = j->chunk == 1 || j->chunk == 3 || j->chunk == 7;
        assert_true(about == (i < 3));
        assert_true(about == (j->search > 0));
    }
    assert_true(e.jobs[e.tasks[0].order[0]].search == 1);
    desk_release(&d);
}

static void test_terms_lead_and_the_question_helps(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e =
        expand_one(&d, "{\"tasks\":[{\"ask\":\"How large was the budget?\","
                       "\"where\":{\"terms\":[\"roses\"]}}]}");
    int first = chunk_at(&e, 0, 0), second = chunk_at(&e, 0, 1);
    assert_true((first == 0 && second == 6) || (first == 6 && second == 0));
    assert_true(e.jobs[e.tasks[0].order[2]].search > 0); /* a budget */
    desk_release(&d);
}

static void test_documents_and_top(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e = expand_one(&d, "{\"tasks\":[{\"ask\":\"budget\","
                                        "\"where\":{\"docs\":[\"d2\"]}}]}");
    assert_int_equal(e.n, 2);
    assert_int_equal(chunk_at(&e, 0, 0), 7);
    assert_int_equal(chunk_at(&e, 0, 1), 6);
    desk_release(&d);
}

/* A poor guess of terms still reads something; a good one reads no more than asked. */
static void test_floor_and_top(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e = expand_one(&d, "{\"tasks\":[{\"ask\":\"zzz\",\"where\":{"
                                        "\"terms\":[\"qqq\"],\"top\":2}}]}");
    assert_int_equal(e.n, 4);
    desk_release(&d);
    e = expand_one(
        &d, "{\"tasks\":[{\"ask\":\"budget roses cat dog\",\"where\":{\"top\":5}}]}");
    assert_int_equal(e.n, 5);
    desk_release(&d);
    e = expand_one(&d, "{\"tasks\":[{\"ask\":\"budget\",\"where\":{\"top\":100}}]}");
    assert_int_equal(e.n, 4); /* three match, the floor is four */
    desk_release(&d);
}

static void test_pages(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e;
    desk_init(&d, docs, DESK_SERVER, "");
    for (int i = 0; i < 6; i++) {
        d.chunks.items[i].page_first = i + 1;
        d.chunks.items[i].page_last = i + 2;
    }
    desk_plan(
        &d,
        "{\"tasks\":[{\"ask\":\"budget\",\"where\":{\"docs\":[\"d1\"],\"pages\":[3,4]}},"
        "{\"ask\":\"budget\",\"where\":{\"docs\":[\"d2\"],\"pages\":[3,4]}}]}");
    expand(&d, &e);
    assert_int_equal(e.tasks[0].n, 3); /* chunks 1, 2 and 3 touch pages 3 to 4 */
    assert_int_equal(e.tasks[1].n, 2); /* a document without pages */
    assert_false(e.tasks[0].look_up);
    desk_release(&d);
}

static void test_order_shares_chunks(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e = expand_one(&d, "{\"tasks\":[{\"ask\":\"budget\",\"samples\":2},"
                                        "{\"ask\":\"roses\"}]}");
    assert_int_equal(e.n, 3 * CHUNKS);
    for (size_t i = 0; i < e.n; i += 3) {
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(e.jobs[i + k].chunk, e.jobs[i].chunk);
        assert_int_equal(e.jobs[i].task, 0);
        assert_int_equal(e.jobs[i].sample, 0);
        assert_int_equal(e.jobs[i + 1].sample, 1);
        assert_int_equal(e.jobs[i + 2].task, 1);
    }
    /* The two best chunks of both tasks come before what neither wants. */
    for (size_t i = 0; i < 6; i++) {
        int c = e.jobs[i].chunk;
        assert_true(c == 0 || c == 1 || c == 3 || c == 6 || c == 7);
    }
    desk_release(&d);
}

static void test_which_are_look_ups(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e = expand_one(
        &d, "{\"tasks\":[{\"ask\":\"a\",\"answer\":\"number\",\"reduce\":\"vote\"},"
            "{\"ask\":\"a\",\"answer\":\"list\"},{\"ask\":\"a\",\"reduce\":\"sum\"},"
            "{\"ask\":\"a\",\"reduce\":\"count\"},{\"ask\":\"a\",\"where\":{\"pages\":[1,"
            "2]}},"
            "{\"ask\":\"a\",\"where\":{\"found_in\":\"t1\"}},"
            "{\"ask\":\"a\",\"where\":{\"docs\":[\"d1\"],\"top\":3}}]}");
    const bool expected[] = { true, false, false, false, false, false, true };
    for (size_t i = 0; i < 7; i++) assert_int_equal(e.tasks[i].look_up, expected[i]);
    desk_release(&d);
}

static void test_phases(void **state)
{
    (void)state;
    struct desk d;
    int phase[5];
    desk_init(&d, docs, DESK_SERVER, "");
    desk_plan(
        &d, "{\"tasks\":[{\"ask\":\"a\"},{\"ask\":\"b\",\"where\":{\"found_in\":\"t1\"}},"
            "{\"ask\":\"c\",\"where\":{\"found_in\":\"t2\"}},"
            "{\"ask\":\"d\"},{\"ask\":\"e\"}]}");
    assert_int_equal(expand_phases(&d.plan, phase), 3);
    const int expected[] = { 0, 1, 2, 0, 0 };
    assert_memory_equal(phase, expected, sizeof phase);
    desk_release(&d);
}

/* Two documents of 5,000 paragraphs, 16 samples, two tasks: over the limit. */
static void test_cap(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024 * 1024);
    for (int i = 0; i < 5000; i++) buf_addf(&b, "Paragraph %d.\n\n", i);
    const char *const many[] = { b.data, NULL };
    struct desk d;
    struct expansion e;
    desk_init(&d, many, DESK_SERVER, "");
    desk_plan(&d, "{\"tasks\":[{\"ask\":\"Paragraph 77\",\"samples\":16},"
                  "{\"ask\":\"Paragraph 99\",\"samples\":16}]}");
    expand(&d, &e);
    assert_true(e.n <= LIMIT_JOBS && e.n > LIMIT_JOBS * 9 / 10);
    assert_int_equal(e.left_out * 16 + e.n, 2 * 5000 * 16);
    assert_int_equal(chunk_at(&e, 0, 0), 77);
    assert_int_equal(chunk_at(&e, 1, 0), 99);
    desk_release(&d);
    buf_release(&b);
}

/* --- By meaning ------------------------------------------------------------ */

/* The same with an embedding model that knows topics. */
static struct expansion expand_by_meaning_until(struct desk *d, const char *plan,
                                                const struct cancel *cancel)
{
    struct expansion e;
    struct meaning meaning;
    struct toy_embedder toy;
    desk_init(d, docs, DESK_SERVER, "");
    toy_embedder_init(&toy);
    struct meaning_style style = meaning_style_of("toy");
    assert_int_equal(meaning_init(&meaning, &toy.llm, style, CHUNKS, &d->err), 0);
    assert_int_equal(meaning_read(&meaning, &d->set, &d->chunks, 0, CHUNKS, NULL, NULL),
                     0);
    d->reading.meaning = &meaning;
    d->reading.cancel = cancel ? cancel : d->reading.cancel;
    desk_plan(d, plan);
    expand(d, &e);
    d->reading.meaning = NULL;
    meaning_release(&meaning);
    return e;
}

static struct expansion expand_by_meaning(struct desk *d, const char *plan)
{
    return expand_by_meaning_until(d, plan, NULL);
}

/* A run that was stopped has its jobs all the same, to be skipped and counted. */
static void test_stopped_ranks_by_words(void **state)
{
    (void)state;
    struct desk d;
    struct cancel cancel;
    const char *plan = "{\"tasks\":[{\"ask\":\"Which pet is there?\"}]}";
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    struct expansion e = expand_by_meaning_until(&d, plan, &cancel);
    assert_int_equal(e.n, CHUNKS);
    assert_int_equal(chunk_at(&e, 0, 0), 0);
    desk_release(&d);
}

static void test_no_word_in_common(void **state)
{
    (void)state;
    struct desk d;
    const char *plan = "{\"tasks\":[{\"ask\":\"Which pet is there?\"}]}";
    struct expansion e = expand_one(&d, plan);
    assert_int_equal(chunk_at(&e, 0, 0), 0); /* words know nothing: as they stand */
    desk_release(&d);
    e = expand_by_meaning(&d, plan);
    assert_int_equal(e.n, CHUNKS);
    assert_int_equal(chunk_at(&e, 0, 0), 2); /* the cat */
    assert_int_equal(chunk_at(&e, 0, 1), 4); /* the dog */
    assert_int_equal(chunk_at(&e, 0, 2), 0); /* no topic: in their order again */
    assert_int_equal(chunk_at(&e, 0, 3), 1);
    const struct job *jobs = e.jobs;
    assert_true(jobs[e.tasks[0].order[0]].search == 1);
    assert_true(jobs[e.tasks[0].order[1]].search == 1);
    assert_true(jobs[e.tasks[0].order[2]].search < 1);
    desk_release(&d);
}

/* A chunk that has both comes before those that have one; none of these is lost. */
static void test_words_and_meaning(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e = expand_by_meaning(
        &d, "{\"tasks\":[{\"ask\":\"What was spent?\",\"where\":{\"terms\":[\"7\","
            "\"sea\"]}}]}");
    int second = chunk_at(&e, 0, 1), third = chunk_at(&e, 0, 2);
    assert_int_equal(chunk_at(&e, 0, 0), 3); /* another budget, of 7 */
    assert_true(second != third);
    for (size_t i = 1; i < 4; i++) {
        int c = chunk_at(&e, 0, i);
        assert_true(c == 1 || c == 5 || c == 7); /* budgets, and the sea */
    }
    desk_release(&d);
}

static void test_restrictions_hold(void **state)
{
    (void)state;
    struct desk d;
    struct expansion e =
        expand_by_meaning(&d, "{\"tasks\":[{\"ask\":\"Which flower?\",\"where\":{"
                              "\"docs\":[\"d2\"]}}]}");
    assert_int_equal(e.n, 2);
    assert_int_equal(chunk_at(&e, 0, 0), 6);
    assert_int_equal(chunk_at(&e, 0, 1), 7);
    desk_release(&d);
    e = expand_by_meaning(
        &d, "{\"tasks\":[{\"ask\":\"Which flower?\",\"where\":{\"top\":5}}]}");
    assert_int_equal(e.n, 5);
    desk_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_best_first),
        cmocka_unit_test(test_terms_lead_and_the_question_helps),
        cmocka_unit_test(test_documents_and_top),
        cmocka_unit_test(test_floor_and_top),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_order_shares_chunks),
        cmocka_unit_test(test_which_are_look_ups),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_no_word_in_common),
        cmocka_unit_test(test_words_and_meaning),
        cmocka_unit_test(test_stopped_ranks_by_words),
        cmocka_unit_test(test_restrictions_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
