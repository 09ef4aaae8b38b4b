/* test_question.c - jobs/question.c: what a question wants, by its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"

#include "base/limits.h"
#include "base/mem.h"
#include "jobs/question.h"

#include <string.h>

static void check(const struct test_case *c)
{
    const char *question = case_need(c, "question");
    const char *kind = question_kind_name(question_kind(question));
    struct plan plan;
    question_plan(&plan, question, 1);
    case_equal(c, "kind", kind, strlen(kind));
    if (case_text(c, "ask")) {
        case_equal(c, "ask", plan.tasks[0].ask, strlen(plan.tasks[0].ask));
    }
    plan_release(&plan);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/question", check);
}

static void test_what_is_put_together(void **state)
{
    (void)state;
    struct plan plan;
    question_plan(&plan, "When was she born?", 3);
    assert_int_equal(plan.n_tasks, 1);
    assert_int_equal(plan.tasks[0].n_docs, 0);
    assert_string_equal(plan.tasks[0].id, "t1");
    assert_int_equal(plan.tasks[0].n_samples, 1);
    assert_int_equal(plan.tasks[0].top, 0);
    assert_int_equal(plan.tasks[0].answer, ANSWER_TEXT);
    plan_release(&plan);
    question_plan(&plan, "How many times did it leak?", 3);
    assert_int_equal(plan.tasks[0].answer, ANSWER_LIST);
    assert_int_equal(plan.tasks[0].reduce, REDUCE_COUNT);
    plan_release(&plan);
}

static void test_each_document_apart(void **state)
{
    (void)state;
    static const char *const questions[] = { "What is the rent in each lease?",
                                             "Compare the rents" };
    for (size_t q = 0; q < 2; q++) {
        struct plan plan;
        question_plan(&plan, questions[q], 3);
        assert_int_equal(plan.n_tasks, 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(plan.tasks[i].n_docs, 1);
            assert_int_equal(plan.tasks[i].docs[0], i);
            assert_int_equal(plan.tasks[i].answer, ANSWER_TEXT);
            assert_int_equal(plan.tasks[i].reduce, REDUCE_LIST);
            assert_int_equal(plan.tasks[i].read_all, q == 1);
        }
        assert_string_equal(plan.tasks[2].id, "t3");
        plan_release(&plan);
    }
}

/* Years alone are no things to ask about. */
static void test_sides_without_words(void **state)
{
    (void)state;
    struct plan plan;
    question_plan(&plan, "What is the difference between 2020 and 2021?", 1);
    assert_int_equal(plan.n_tasks, 1);
    assert_true(plan.tasks[0].read_all);
    plan_release(&plan);
}

static void test_both_sides_apart(void **state)
{
    (void)state;
    static const struct {
        const char *question, *first, *second;
    } cases[] = {
        { "What is the difference between the rent of the flat and that of the shop?",
          "What is the rent of the flat?", "What is the rent of the shop?" },
        { "Compare the revenue in 2021 with the revenue in 2022.",
          "What is the revenue in 2021?", "What is the revenue in 2022?" },
        { "Difference between a tort and a crime", "What is a tort?",
          "What is a crime?" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan;
        question_plan(&plan, cases[i].question, 3);
        assert_int_equal(plan.n_tasks, 2);
        assert_string_equal(plan.tasks[0].ask, cases[i].first);
        assert_string_equal(plan.tasks[1].ask, cases[i].second);
        assert_int_equal(plan.tasks[1].n_docs, 0);
        plan_release(&plan);
    }
}

static void test_the_longest_question(void **state)
{
    (void)state;
    static const char end[] = " how many times?";
    char *question = mem_alloc(LIMIT_QUESTION_BYTES + 1);
    memset(question, 'x', LIMIT_QUESTION_BYTES);
    memcpy(question + LIMIT_QUESTION_BYTES - strlen(end), end, sizeof end);
    struct plan plan;
    question_plan(&plan, question, 1);
    assert_non_null(strstr(plan.tasks[0].ask, " when?"));
    plan_release(&plan);
    mem_free(question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_what_is_put_together),
        cmocka_unit_test(test_each_document_apart),
        cmocka_unit_test(test_sides_without_words),
        cmocka_unit_test(test_both_sides_apart),
        cmocka_unit_test(test_the_longest_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
