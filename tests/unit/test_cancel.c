/* test_cancel.c - levels, the deadline, and raising from threads and handlers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cancel.h"
#include "base/clock.h"

#include <pthread.h>
#include <signal.h>

static void test_levels(void **state)
{
    (void)state;
    struct cancel c;
    cancel_init(&c, 0);
    assert_int_equal(cancel_level(&c), CANCEL_NONE);
    cancel_raise(&c);
    assert_int_equal(cancel_level(&c), CANCEL_FINISH);
    cancel_raise(&c);
    assert_int_equal(cancel_level(&c), CANCEL_ABORT);
    for (int i = 0; i < 1000; i++) {
        cancel_raise(&c);
    }
    assert_int_equal(cancel_level(&c), CANCEL_ABORT);
    assert_false(cancel_timed_out(&c));
    cancel_init(&c, 0);
    assert_int_equal(cancel_level(&c), CANCEL_NONE);
}

static void test_no_token(void **state)
{
    (void)state;
    assert_int_equal(cancel_level(NULL), CANCEL_NONE);
    assert_false(cancel_timed_out(NULL));
}

static void test_deadline_means_finish(void **state)
{
    (void)state;
    struct cancel c;
    cancel_init(&c, clock_ms() + 50);
    assert_int_equal(cancel_level(&c), CANCEL_NONE);
    assert_false(cancel_timed_out(&c));
    clock_sleep_ms(60);
    assert_true(cancel_timed_out(&c));
    assert_int_equal(cancel_level(&c), CANCEL_FINISH);
    assert_int_equal(cancel_level(&c), CANCEL_FINISH);
}

static void test_first_raise_after_deadline_still_finishes(void **state)
{
    (void)state;
    struct cancel c;
    cancel_init(&c, clock_ms());
    assert_int_equal(cancel_level(&c), CANCEL_FINISH);
    cancel_raise(&c);
    assert_int_equal(cancel_level(&c), CANCEL_FINISH);
    cancel_raise(&c);
    assert_int_equal(cancel_level(&c), CANCEL_ABORT);
    assert_true(cancel_timed_out(&c));
}

static void *raise_once(void *arg)
{
    cancel_raise(arg);
    return NULL;
}

/* Two threads raise at once: neither raise may be lost. */
static void test_two_threads_raise_twice(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct cancel c;
        cancel_init(&c, 0);
        pthread_t threads[2];
        for (int t = 0; t < 2; t++) {
            assert_int_equal(pthread_create(&threads[t], NULL, raise_once, &c), 0);
        }
        for (int t = 0; t < 2; t++) {
            pthread_join(threads[t], NULL);
        }
        assert_int_equal(cancel_level(&c), CANCEL_ABORT);
    }
}

static void *poll_until_abort(void *arg)
{
    const struct cancel *c = arg;
    int last = CANCEL_NONE, fell = 0;
    while (last != CANCEL_ABORT) {
        int level = (int)cancel_level(c);
        fell += level < last;
        last = level;
    }
    return fell == 0 ? arg : NULL;
}

static void test_pollers_see_levels_rise(void **state)
{
    (void)state;
    struct cancel c;
    cancel_init(&c, clock_ms() + 5);
    pthread_t poller;
    assert_int_equal(pthread_create(&poller, NULL, poll_until_abort, &c), 0);
    clock_sleep_ms(10);
    cancel_raise(&c);
    cancel_raise(&c);
    void *rose = NULL;
    pthread_join(poller, &rose);
    assert_ptr_equal(rose, &c);
}

static struct cancel interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    cancel_raise(&interrupted);
}

static void test_from_a_signal_handler(void **state)
{
    (void)state;
    cancel_init(&interrupted, 0);
    struct sigaction old, act = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &act, &old);
    raise(SIGUSR1);
    assert_int_equal(cancel_level(&interrupted), CANCEL_FINISH);
    raise(SIGUSR1);
    assert_int_equal(cancel_level(&interrupted), CANCEL_ABORT);
    sigaction(SIGUSR1, &old, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_deadline_means_finish),
        cmocka_unit_test(test_first_raise_after_deadline_still_finishes),
        cmocka_unit_test(test_two_threads_raise_twice),
        cmocka_unit_test(test_pollers_see_levels_rise),
        cmocka_unit_test(test_from_a_signal_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
