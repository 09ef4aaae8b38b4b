/* test_decide.c - the decisions of reading, as a table.
 *
 * Which numbers the thresholds are is not tested, they are fitted; what they must
 * do whatever they are, is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "jobs/decide.h"

#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_margins_within_a_document(void **state)
{
    (void)state;
    const double screen[] = { 3, 1, 1, 10, 12 };
    const int doc[] = { 0, 0, 0, 2, 2 };
    double margin[5];
    decide_margins(screen, doc, 5, margin);
    assert_true(near(margin[0], 2));
    assert_true(near(margin[1], -1));
    assert_true(near(margin[2], -1));
    assert_true(near(margin[3], -2));
    assert_true(near(margin[4], 2));
}

static void test_margins_leave_out_what_was_not_measured(void **state)
{
    (void)state;
    const double screen[] = { 3, NAN, 1, 7, NAN };
    const int doc[] = { 0, 0, 0, 1, 1 };
    double margin[5];
    decide_margins(screen, doc, 5, margin);
    assert_true(near(margin[0], 2));
    assert_true(isnan(margin[1]));
    assert_true(near(margin[2], -2));
    assert_true(isnan(margin[3])); /* alone */
    assert_true(isnan(margin[4]));
    decide_margins(NULL, NULL, 0, NULL);
}

static void test_worth_asking(void **state)
{
    (void)state;
    assert_true(decide_worth_asking(2));
    assert_false(decide_worth_asking(0.01)); /* "not stated" is nearly certain */
    assert_false(decide_worth_asking(NAN));
}

static bool found(double screen, double yn, double unknown)
{
    return decide_found(
        &(struct decide_look){ .screen = screen, .yn = yn, .unknown_names = unknown });
}

static void test_found_by_both_looks(void **state)
{
    (void)state;
    assert_true(found(3, 4, 0));
    assert_false(found(3, -4, 0));
    assert_false(found(0.1, 4, 0));
    assert_false(found(0.2, 1, 0));
    assert_false(found(NAN, 4, 0));
    assert_false(found(3, NAN, 0)); /* not asked */
    /* Only what was worth asking can be found. */
    for (double s = 0; s < 5; s += 0.25) {
        if (found(s, 100, 0)) assert_true(decide_worth_asking(s));
    }
}

/* A passage about another vault than the one that was asked about. */
static void test_unknown_names_weigh(void **state)
{
    (void)state;
    assert_true(found(0.91, 2.10, 0));
    assert_false(found(0.91, 2.10, 1));
}

static bool listed(double screen, double yn, double unknown)
{
    return decide_listed(
        &(struct decide_look){ .screen = screen, .yn = yn, .unknown_names = unknown });
}

static void test_listed(void **state)
{
    (void)state;
    assert_true(listed(2, 1, 0));
    assert_true(listed(2, NAN, 0));  /* not asked: the screen has to do */
    assert_false(listed(2, -10, 0)); /* the model is sure that it does not */
    assert_false(listed(NAN, 10, 0));
    assert_true(listed(0.25, 2.3, 0)); /* the two looks weigh against each other */
    assert_true(listed(1.2, -0.1, 0));
    assert_false(listed(0.25, -0.1, 0));
    assert_false(listed(1, 2, 1)); /* of somebody of whom the documents do not tell */
    /* What may be listed must be worth asking about. */
    for (double s = 0; s < 5; s += 0.25) {
        if (listed(s, 10, 0)) assert_true(decide_worth_listing(s));
    }
}

static void test_confidence_rises_and_stays_in_range(void **state)
{
    (void)state;
    double last = -1;
    for (double strength = -20; strength <= 20; strength += 0.5) {
        double c = decide_confidence(1, 1, strength);
        assert_true(c > last && c >= 0 && c <= 1);
        last = c;
    }
    assert_true(decide_confidence(1, 2, NAN) > decide_confidence(1, -2, NAN));
    assert_true(decide_confidence(3, NAN, NAN) > decide_confidence(0.1, NAN, NAN));
    assert_true(near(decide_confidence(NAN, NAN, NAN), 0.5));
}

static void test_stopping(void **state)
{
    (void)state;
    struct decide_wave w = {
        .unread = 5, .found = true, .best_strength = 5, .next_strength = 4.9
    };
    assert_true(decide_stop(&w)); /* clear by itself */
    w.best_strength = 1;
    w.next_strength = 0.9;
    w.since_best = 100;
    assert_false(decide_stop(&w)); /* another says nearly as much */
    w.next_strength = -3;
    assert_true(decide_stop(&w));
    w.next_strength = NAN; /* nothing else answers */
    assert_true(decide_stop(&w));
    w.unread = 0; /* there is nothing to stop */
    assert_false(decide_stop(&w));
    w.unread = 5;
    w.found = false;
    assert_false(decide_stop(&w));
}

static void test_stopping_without_scores(void **state)
{
    (void)state;
    struct decide_wave w = {
        .unread = 5, .found = true, .best_strength = NAN, .next_strength = NAN
    };
    assert_false(decide_stop(&w));
    w.since_best = 100;
    assert_true(decide_stop(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_margins_within_a_document),
        cmocka_unit_test(test_margins_leave_out_what_was_not_measured),
        cmocka_unit_test(test_worth_asking),
        cmocka_unit_test(test_found_by_both_looks),
        cmocka_unit_test(test_unknown_names_weigh),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_confidence_rises_and_stays_in_range),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_stopping_without_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
