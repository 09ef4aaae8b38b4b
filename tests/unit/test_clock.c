/* test_clock.c - time goes forward, and a sleep ends early only by a signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

#include <signal.h>
#include <sys/time.h>

static void test_forward(void **state)
{
    (void)state;
    int64_t last_ms = clock_ms();
    double last = clock_seconds();
    assert_true(last_ms > 0);
    for (int i = 0; i < 100000; i++) {
        int64_t ms = clock_ms();
        double seconds = clock_seconds();
        assert_true(ms >= last_ms && seconds >= last);
        last_ms = ms;
        last = seconds;
    }
}

static void test_both_units_agree(void **state)
{
    (void)state;
    double before = (double)clock_ms() / 1000;
    double seconds = clock_seconds();
    double after = (double)clock_ms() / 1000;
    assert_true(seconds >= before && seconds <= after + 0.001);
}

static void test_sleep(void **state)
{
    (void)state;
    double start = clock_seconds();
    clock_sleep_ms(30);
    assert_true(clock_seconds() - start >= 0.030);
    start = clock_seconds();
    clock_sleep_ms(1001);
    assert_true(clock_seconds() - start >= 1.001);
}

static void test_no_sleep(void **state)
{
    (void)state;
    double start = clock_seconds();
    clock_sleep_ms(0);
    clock_sleep_ms(-5000);
    assert_true(clock_seconds() - start < 1);
}

static void ignore(int signal_number)
{
    (void)signal_number;
}

/* The timer repeats, so that a signal before the sleep began does not hang us. */
static void test_signal_wakes(void **state)
{
    (void)state;
    struct sigaction old, act = { .sa_handler = ignore };
    sigaction(SIGALRM, &act, &old);
    struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } };
    double start = clock_seconds();
    setitimer(ITIMER_REAL, &often, NULL);
    clock_sleep_ms(60000);
    setitimer(ITIMER_REAL, &off, NULL);
    sigaction(SIGALRM, &old, NULL);
    assert_true(clock_seconds() - start < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),      cmocka_unit_test(test_both_units_agree),
        cmocka_unit_test(test_sleep),        cmocka_unit_test(test_no_sleep),
        cmocka_unit_test(test_signal_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
