/* test_measure.c - the rules of measuring; the measuring itself is a matter of
 * tests/cli/test_tune.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/measure.h"

static void test_median(void **state)
{
    (void)state;
    double one[] = { 3 }, two[] = { 4, 2 }, five[] = { 9, 1, 100, 2, 3 };
    assert_float_equal(measure_median(one, 1), 3, 1e-9);
    assert_float_equal(measure_median(two, 2), 3, 1e-9);
    assert_float_equal(measure_median(five, 5), 3, 1e-9);
}

static void test_fewer_threads(void **state)
{
    (void)state;
    assert_int_equal(measure_fewer_threads(1), 0);
    assert_int_equal(measure_fewer_threads(2), 1);
    assert_int_equal(measure_fewer_threads(4), 3);
    assert_int_equal(measure_fewer_threads(16), 12);
    /* Even on the largest machine it ends, and soon. */
    int steps = 0;
    for (int n = 1024; n > 0; n = measure_fewer_threads(n)) steps++;
    assert_true(steps < 40);
}

static void test_best_is_all_cores_unless_fewer_are_clearly_better(void **state)
{
    (void)state;
    const struct lw_speed alike[] = { { 4, 100, 30 }, { 3, 103, 30 }, { 2, 60, 30 } };
    const struct lw_speed fewer[] = { { 4, 50, 10 }, { 3, 100, 30 }, { 2, 80, 30 } };
    /* Replies hardly count. */
    const struct lw_speed replies[] = { { 4, 100, 30 }, { 3, 90, 60 } };
    assert_int_equal(measure_best(alike, 3), 0);
    assert_int_equal(measure_best(fewer, 3), 1);
    assert_int_equal(measure_best(replies, 2), 0);
    assert_int_equal(measure_best(alike, 1), 0);
}

static void test_slow_models_get_shorter_prompts(void **state)
{
    (void)state;
    assert_int_equal(measure_prompt_tokens(300, 60), 512);
    assert_int_equal(measure_prompt_tokens(60, 60), 256);
    assert_int_equal(measure_prompt_tokens(5, 60), 32);
    assert_int_equal(measure_prompt_tokens(0.1, 60), 32);
    assert_int_equal(measure_prompt_tokens(300, 5), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_fewer_threads),
        cmocka_unit_test(test_best_is_all_cores_unless_fewer_are_clearly_better),
        cmocka_unit_test(test_slow_models_get_shorter_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
