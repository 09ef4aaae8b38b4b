/* test_fuse.c - several orders become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "text/fuse.h"

#include <math.h>

static void check(double got, double want)
{
    if (fabs(got - want) > 1e-12) fail_msg("%.12f, not %.12f", got, want);
}

static void test_places_count_not_scores(void **state)
{
    (void)state;
    const double small[] = { 3, 1, 2 }, large[] = { 900, -5, 1 };
    double a[3] = { 0 }, b[3] = { 0 };
    fuse_add(small, 3, a);
    fuse_add(large, 3, b);
    check(a[0], 1.0 / 61);
    check(a[1], 1.0 / 63);
    check(a[2], 1.0 / 62);
    for (int i = 0; i < 3; i++) check(a[i], b[i]);
}

/* What stands second in both orders beats what is first in one and last in the other. */
static void test_two_orders(void **state)
{
    (void)state;
    const double one[] = { 9, 8, 1, 2, 3 }, other[] = { 1, 8, 9, 2, 3 };
    double fused[5] = { 0 };
    fuse_add(one, 5, fused);
    fuse_add(other, 5, fused);
    check(fused[0], 1.0 / 61 + 1.0 / 65);
    check(fused[1], 1.0 / 62 + 1.0 / 62);
    check(fused[2], fused[0]);
    assert_true(fused[1] > fused[0] && fused[0] > fused[4]);
}

static void test_ties_share_the_better_place(void **state)
{
    (void)state;
    const double score[] = { 5, 7, 5, 5, 1 };
    double fused[5] = { 0 };
    fuse_add(score, 5, fused);
    check(fused[1], 1.0 / 61);
    for (int i = 0; i < 4; i++) {
        if (i != 1) check(fused[i], 1.0 / 62);
    }
    check(fused[4], 1.0 / 65);
}

static void test_not_in_the_order(void **state)
{
    (void)state;
    const double score[] = { NAN, 0, NAN, -1 }, none[] = { NAN, NAN, NAN, NAN };
    double fused[4] = { 0 };
    fuse_add(score, 4, fused);
    fuse_add(none, 4, fused);
    fuse_add(none, 0, fused);
    check(fused[0], 0);
    check(fused[1], 1.0 / 61);
    check(fused[2], 0);
    check(fused[3], 1.0 / 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_count_not_scores),
        cmocka_unit_test(test_two_orders),
        cmocka_unit_test(test_ties_share_the_better_place),
        cmocka_unit_test(test_not_in_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
