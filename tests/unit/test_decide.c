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
    assert_false(decide_worth_asking(0.01));    /* "not stated" is nearly certain */
    assert_false(decide_worth_asking(NAN));
}

static enum decide_verdict verdict(double screen, double yn, double wyn, double unknown)
{
    const struct decide_look look = {
        .screen = screen, .yn = yn, .wyn = wyn, .unknown_names = unknown,
    };
    return decide_look(&look);
}

static void test_a_look_settles_or_asks_for_the_sentence(void **state)
{
    (void)state;
    assert_int_equal(verdict(3, 4, NAN, 0), VERDICT_FOUND);
    assert_int_equal(verdict(0.1, -3, NAN, 0), VERDICT_ABSENT);
    assert_int_equal(verdict(1, 0.5, NAN, 0), VERDICT_UNSURE);
    assert_int_equal(verdict(1, 0.5, 4, 0), VERDICT_FOUND);
    assert_int_equal(verdict(1, 0.5, -4, 0), VERDICT_ABSENT);
    assert_int_equal(verdict(NAN, 4, 4, 0), VERDICT_ABSENT);
    assert_int_equal(verdict(3, NAN, NAN, 0), VERDICT_ABSENT);
    /* With the sentence looked at nothing stays open. */
    for (double s = 0; s < 5; s += 0.25) {
        for (double yn = -5; yn < 5; yn += 0.25) {
            assert_int_not_equal(verdict(s, yn, 0, 0), VERDICT_UNSURE);
        }
    }
}

/* A passage about another vault than the one that was asked about. */
static void test_unknown_names_weigh(void **state)
{
    (void)state;
    assert_int_equal(verdict(0.91, 2.10, NAN, 0), VERDICT_FOUND);
    assert_int_not_equal(verdict(0.91, 2.10, 3.41, 1), VERDICT_FOUND);
    assert_int_not_equal(verdict(0.91, 2.10, NAN, 1), VERDICT_FOUND);
}

static void test_listed(void **state)
{
    (void)state;
    assert_true(decide_listed(2, 1));
    assert_true(decide_listed(2, NAN));   /* not asked: the screen has to do */
    assert_false(decide_listed(2, -10));  /* the model is sure that it does not */
    assert_false(decide_listed(NAN, 10));
    /* What may be listed must be worth asking about. */
    for (double s = 0; s < 5; s += 0.25) {
        if (decide_listed(s, 10)) assert_true(decide_worth_listing(s));
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
    struct decide_wave w = { .unread = 90, .best_strength = NAN,
                             .best_with_sentence = NAN };
    w.since_best = 100;
    assert_false(decide_stop(&w));    /* nothing found: go on */
    w.found = true;
    assert_true(decide_stop(&w));     /* nobody contests it any more */
    w.since_best = 0;
    assert_false(decide_stop(&w));    /* the next may be better */
    w.best_strength = 20;
    assert_true(decide_stop(&w));     /* it may not */
    w.best_strength = 0;
    assert_false(decide_stop(&w));
    w.best_with_sentence = 20;
    assert_true(decide_stop(&w));
    w.unread = 0;
    assert_false(decide_stop(&w));    /* nothing to stop */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_margins_within_a_document),
        cmocka_unit_test(test_margins_leave_out_what_was_not_measured),
        cmocka_unit_test(test_worth_asking),
        cmocka_unit_test(test_a_look_settles_or_asks_for_the_sentence),
        cmocka_unit_test(test_unknown_names_weigh),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_confidence_rises_and_stays_in_range),
        cmocka_unit_test(test_stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
