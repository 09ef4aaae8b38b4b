/* test_threads.c - how many threads compute, from made-up times of a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/threads.h"

static void test_fit(void **state)
{
    (void)state;
    assert_int_equal(threads_fit(0, 2, 2, 2), 2);
    assert_int_equal(threads_fit(0.4, 2, 2, 2), 2);
    assert_int_equal(threads_fit(0.67, 2, 2, 2),
                     1); /* one busy program beside two of ours */
    assert_int_equal(threads_fit(1, 2, 2, 1), 1);
    assert_int_equal(threads_fit(0.3, 2, 2, 1), 1); /* in between nothing changes */
    assert_int_equal(threads_fit(0.3, 2, 2, 2), 2);
    assert_int_equal(threads_fit(0.2, 2, 2, 1), 2);
    assert_int_equal(threads_fit(5, 2, 2, 2), 1);
    assert_int_equal(threads_fit(1, 8, 8, 8), 7);
    assert_int_equal(threads_fit(3, 8, 4, 4), 4); /* cores enough for all */
    assert_int_equal(threads_fit(5.1, 8, 4, 4), 3);
    assert_int_equal(threads_fit(0, 8, 4, 1), 4);
    /* Neighbours on a large machine, of which eight cores are ours by a quota. */
    assert_int_equal(threads_fit(60, 64, 8, 8), 7);
    assert_int_equal(threads_fit(55, 64, 8, 8), 8);
    assert_int_equal(threads_fit(0, 0, 4, 4), 4); /* not known */
}

/* A look after `seconds` in which others took `others` cores, and the step came
 * `operations` further. */
static bool look(struct threads *t, double seconds, double others, long operations)
{
    struct cpu_times now = t->last;
    now.wall += seconds;
    now.busy += seconds * (others + t->now);
    now.own += seconds * t->now;
    now.cores = 2;
    t->operations = operations;
    return threads_look(t, &now);
}

static struct threads two_threads(void)
{
    struct threads t;
    threads_init(&t, 2);
    t.last = (struct cpu_times){ .wall = t.last.wall, .cores = 2 };
    return t;
}

static void test_a_step_that_is_held_up_from_its_start(void **state)
{
    (void)state;
    struct threads t = two_threads();
    assert_false(look(&t, 0.2, 0.7, 100)); /* may be a moment's work */
    assert_true(look(&t, 0.2, 0.7, 100));
    assert_int_equal(threads_begin(&t), 1);
    assert_false(look(&t, 0.2, 1, 100)); /* with one there is nothing to give */
    assert_false(look(&t, 0.2, 1, 100));
    assert_int_equal(threads_begin(&t), 1);
    look(&t, 0.2, 0, 100);
    assert_int_equal(threads_begin(&t), 2);
}

static void test_a_step_that_was_fast_is_kept_unless_it_crawls(void **state)
{
    (void)state;
    struct threads t = two_threads();
    assert_false(look(&t, 0.2, 0, 1000));
    assert_false(look(&t, 0.2, 0.7, 500));
    assert_false(look(&t, 0.2, 0.7, 500)); /* half as fast: it goes on */
    assert_true(look(&t, 0.2, 0.7, 100));
    assert_int_equal(threads_begin(&t), 1);

    t = two_threads();
    look(&t, 0.2, 0, 1000);
    look(&t, 0.2, 0.7, 500);
    look(&t, 0.2, 0.7, 500);
    assert_int_equal(threads_begin(&t), 1); /* the next one has fewer all the same */
}

static void test_a_moment_changes_nothing(void **state)
{
    (void)state;
    struct threads t = two_threads();
    look(&t, 0.2, 1, 10);
    assert_false(look(&t, 0.2, 0, 1000));
    assert_false(look(&t, 0.2, 1, 10));
    assert_int_equal(threads_begin(&t), 2);
    /* Nothing was computed for a minute: what others did then says little. */
    look(&t, 60, 1, 0);
    look(&t, 60, 1, 0);
    assert_int_equal(threads_begin(&t), 2);
}

/* A program that gives way to others takes the core that we left. */
static void test_most_are_tried_again(void **state)
{
    (void)state;
    struct threads t = two_threads();
    look(&t, 0.2, 1, 10);
    look(&t, 0.2, 1, 10);
    assert_int_equal(threads_begin(&t), 1);
    for (int i = 0; i < 19; i++) {
        look(&t, 1, 1, 10);
        assert_int_equal(threads_begin(&t), 1);
    }
    look(&t, 1.1, 1, 10);
    assert_int_equal(threads_begin(&t), 2);
    assert_false(look(&t, 0.2, 0.1, 1000));
    assert_int_equal(threads_begin(&t), 2);
}

static void test_one_thread_has_nothing_to_give(void **state)
{
    (void)state;
    struct threads t;
    threads_init(&t, 1);
    for (int i = 0; i < 1000; i++) assert_false(threads_held_up(&t));
    assert_int_equal(threads_begin(&t), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_a_step_that_is_held_up_from_its_start),
        cmocka_unit_test(test_a_step_that_was_fast_is_kept_unless_it_crawls),
        cmocka_unit_test(test_a_moment_changes_nothing),
        cmocka_unit_test(test_most_are_tried_again),
        cmocka_unit_test(test_one_thread_has_nothing_to_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
