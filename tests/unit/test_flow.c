/* test_flow.c - names of the enums that are seen outside, plans and usage. */
#include "base/mem.h"
#include "flow/final.h"
#include "flow/job.h"
#include "flow/plan.h"
#include "flow/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_names_of_answers(void **state)
{
    (void)state;
    for (int i = 0; i < ANSWER_KINDS; i++) {
        const char *name = answer_kind_name((enum answer_kind)i);
        assert_int_equal(answer_kind_from_name(name), i);
    }
    assert_string_equal(answer_kind_name(ANSWER_YES_NO), "yes_no");
    assert_int_equal(answer_kind_from_name("Yes_No"), -1);
    assert_int_equal(answer_kind_from_name(""), -1);
}

static void test_names_of_reduces(void **state)
{
    (void)state;
    for (int i = 0; i < REDUCE_KINDS; i++) {
        const char *name = reduce_kind_name((enum reduce_kind)i);
        assert_int_equal(reduce_kind_from_name(name), i);
    }
    assert_int_equal(reduce_kind_from_name("average"), -1);
}

static void test_names_of_states(void **state)
{
    (void)state;
    assert_string_equal(job_state_name(JOB_PENDING), "pending");
    assert_string_equal(job_state_name(JOB_SKIPPED), "skipped");
    assert_string_equal(final_status_name(FINAL_NOT_FOUND), "not_found");
    assert_string_equal(final_status_name(FINAL_PARTIAL), "partial");
}

static void test_plan_owns_its_strings(void **state)
{
    (void)state;
    struct plan plan = { .n_tasks = 0 };
    for (int i = 0; i < 40; i++) {
        struct task *task = plan_add_task(&plan);
        assert_int_equal(task->n_samples, 1);
        assert_null(task->ask);
        task->ask = mem_strdup("ask");
        task->terms = mem_array(2, sizeof *task->terms);
        task->terms[0] = mem_strdup("a");
        task->terms[1] = mem_strdup("b");
        task->n_terms = 2;
    }
    plan.note = mem_strdup("note");
    assert_string_equal(plan.tasks[0].id, "t1");
    assert_string_equal(plan.tasks[39].id, "t40");
    plan_release(&plan);
    assert_int_equal(plan.n_tasks, 0);
}

static void test_usage_adds(void **state)
{
    (void)state;
    struct usage sum = { .requests = 1, .seconds = 0.5 };
    struct usage part = { 2, 30, 4, 5, 1.5 };
    usage_add(&sum, &part);
    assert_int_equal(sum.requests, 3);
    assert_int_equal(sum.prompt_tokens, 30);
    assert_int_equal(sum.cached_tokens, 4);
    assert_int_equal(sum.completion_tokens, 5);
    assert_true(sum.seconds == 2.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_answers),
        cmocka_unit_test(test_names_of_reduces),
        cmocka_unit_test(test_names_of_states),
        cmocka_unit_test(test_plan_owns_its_strings),
        cmocka_unit_test(test_usage_adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
