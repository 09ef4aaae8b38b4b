/* test_thread.c - threads without signals, waits that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"

#include <signal.h>

static void *look_at_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return NULL;
}

static void test_signals_stay_outside(void **state)
{
    sigset_t theirs, before, after;
    pthread_t thread;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(thread_start(&thread, look_at_mask, &theirs), 0);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    const int signals[] = { SIGINT, SIGTERM, SIGPIPE, SIGXFSZ };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal(sigismember(&theirs, signals[i]), 1);
        assert_int_equal(sigismember(&after, signals[i]),
                         sigismember(&before, signals[i]));
    }
}

static void test_a_wait_ends_at_its_time(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    int64_t end = clock_ms() + 20;
    (void)state;
    thread_condition_init(&condition);
    pthread_mutex_lock(&lock);
    while (clock_ms() < end) thread_wait_until(&condition, &lock, end);
    thread_wait_until(&condition, &lock, 0); /* long past */
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&condition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_stay_outside),
        cmocka_unit_test(test_a_wait_ends_at_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
