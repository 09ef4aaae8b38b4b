/* test_cpu.c - who was busy, from made-up numbers and from this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/cpu.h"

#include <string.h>

static void test_lines(void **state)
{
    (void)state;
    double ticks = -1;
    assert_int_equal(cpu_read_line("cpu3 100 20 30 999 888 4 5 6 7 8\n", &ticks), 3);
    assert_float_equal(ticks, 165, 0.01);
    assert_int_equal(cpu_read_line("cpu  100 20 30 999 888 4 5 6 7 8\n", &ticks), -1);
    assert_int_equal(cpu_read_line("intr 5 6\n", &ticks), -1);
    assert_int_equal(cpu_read_line("cpu0 1 2\n", &ticks), -1);
    assert_int_equal(cpu_read_line("", &ticks), -1);
    assert_float_equal(ticks, 165, 0.01);
}

static double others(double wall, double busy, double own)
{
    struct cpu_times before = { .wall = 10, .busy = 100, .own = 50 };
    struct cpu_times after = { .wall = 10 + wall, .busy = 100 + busy, .own = 50 + own };
    return cpu_others(&before, &after);
}

static void test_others(void **state)
{
    (void)state;
    assert_float_equal(others(2, 4, 3), 0.5, 1e-9);
    assert_float_equal(others(2, 4, 4), 0, 1e-9);
    assert_float_equal(others(2, 4, 4.02), 0, 1e-9); /* ticks lag behind */
    assert_float_equal(others(0, 4, 3), 0, 1e-9);
}

static void test_others_not_known(void **state)
{
    (void)state;
    struct cpu_times before = { .wall = 1, .busy = -1 },
                     after = { .wall = 2, .busy = -1 };
    assert_float_equal(cpu_others(&before, &after), 0, 1e-9);
}

static void test_disturbed(void **state)
{
    (void)state;
    assert_false(cpu_disturbed(0, 1, 2, 2));
    assert_false(cpu_disturbed(0.15, 1, 2, 2));
    assert_true(cpu_disturbed(0.5, 1, 2, 2));
    /* A core is left for them. */
    assert_false(cpu_disturbed(1.0, 1, 2, 1));
    assert_true(cpu_disturbed(1.5, 1, 2, 1));
    /* Two ticks in a short time are no disturbance. */
    assert_false(cpu_disturbed(0.3, 0.1, 2, 2));
}

static void test_this_machine(void **state)
{
    (void)state;
    char name[CPU_NAME_BYTES];
    cpu_name(name);
    assert_true(strlen(name) > 0);
    assert_null(strchr(name, '\n'));
    struct cpu_times a = cpu_look(), b = cpu_look();
    assert_true(b.wall >= a.wall && b.own >= a.own && b.busy >= a.busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_others_not_known),
        cmocka_unit_test(test_disturbed),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
