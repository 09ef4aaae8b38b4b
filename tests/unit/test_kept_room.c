/* test_kept_room.c - how much disk the states of what was read may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/kept_room.h"

static const uint64_t GIB = UINT64_C(1) << 30;

/* A disk with room gives what is allowed. */
static void test_room_enough(void **state)
{
    (void)state;
    assert_int_equal(kept_room(4 * GIB, 0, 100 * GIB), 4 * GIB);
    assert_int_equal(kept_room(4 * GIB, 0, 8 * GIB), 4 * GIB);
    assert_int_equal(kept_room(0, 0, 100 * GIB), 0);
}

/* Else half of what is free; what the states hold themselves counts as free. */
static void test_half_of_what_is_free(void **state)
{
    (void)state;
    assert_int_equal(kept_room(4 * GIB, 0, 6 * GIB), 3 * GIB);
    assert_int_equal(kept_room(4 * GIB, 3 * GIB, 3 * GIB), 3 * GIB);
    assert_int_equal(kept_room(4 * GIB, 4 * GIB, 2 * GIB), 3 * GIB);
}

static void test_two_gib_stay_free(void **state)
{
    (void)state;
    assert_int_equal(kept_room(4 * GIB, 0, 3 * GIB), GIB);
    assert_int_equal(kept_room(4 * GIB, 0, 2 * GIB), 0);
    assert_int_equal(kept_room(4 * GIB, 0, 0), 0);
    assert_int_equal(kept_room(4 * GIB, GIB, 0), 0);
    assert_int_equal(kept_room(4 * GIB, 2 * GIB, GIB), GIB);
}

static void test_no_overflow(void **state)
{
    (void)state;
    assert_int_equal(kept_room(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_enough),
        cmocka_unit_test(test_half_of_what_is_free),
        cmocka_unit_test(test_two_gib_stay_free),
        cmocka_unit_test(test_no_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
