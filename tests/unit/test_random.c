/* test_random.c - no two numbers alike. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_numbers_differ(void **state)
{
    (void)state;
    uint64_t ones = 0, zeros = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t number = random_number();
        assert_true(number != random_number());
        ones |= number;
        zeros |= ~number;
    }
    assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers_differ) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
