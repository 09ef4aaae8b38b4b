/* test_value.c - numbers and dates as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"
#include "jobs/value.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_number(const struct test_case *c, const char *text)
{
    struct value_number n;
    char got[DECIMAL_TEXT] = "none";
    if (value_find_number(text, case_text(c, "unit"), &n)) {
        decimal_format(n.value, got);
        if (n.start >= n.end || n.end > strlen(text))
            case_fail(c, "a place outside the text");
    }
    case_equal(c, "number", got, strlen(got));
}

static void check_date(const struct test_case *c, const char *text)
{
    int day;
    char got[16] = "none";
    if (value_find_date(text, &day)) snprintf(got, sizeof got, "%d", day);
    case_equal(c, "date", got, strlen(got));
}

static void check_case(const struct test_case *c)
{
    char *text = case_unescape(case_need(c, "text"), NULL);
    if (case_text(c, "number")) check_number(c, text);
    if (case_text(c, "date")) check_date(c, text);
    free(text);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/numbers", check_case);
}

static void assert_sum(struct decimal a, struct decimal b, const char *text)
{
    struct decimal sum;
    char got[DECIMAL_TEXT];
    assert_true(decimal_add(a, b, &sum));
    decimal_format(sum, got);
    assert_string_equal(got, text);
}

static void test_sums_are_exact(void **state)
{
    (void)state;
    assert_sum((struct decimal){ 1, 1 }, (struct decimal){ 2, 1 }, "0.3");
    assert_sum((struct decimal){ 1250, 2 }, (struct decimal){ 5, 0 }, "17.50");
    assert_sum((struct decimal){ -5, 3 }, (struct decimal){ 0, 0 }, "-0.005");
    struct decimal sum;
    assert_false(
        decimal_add((struct decimal){ LLONG_MAX, 0 }, (struct decimal){ 1, 0 }, &sum));
    assert_false(
        decimal_add((struct decimal){ LLONG_MAX, 0 }, (struct decimal){ 1, 9 }, &sum));
}

static void test_comparing(void **state)
{
    (void)state;
    assert_int_equal(
        decimal_compare((struct decimal){ 1250, 2 }, (struct decimal){ 125, 1 }), 0);
    assert_int_equal(
        decimal_compare((struct decimal){ -1, 0 }, (struct decimal){ 1, 18 }), -1);
    assert_int_equal(decimal_compare((struct decimal){ LLONG_MAX, 0 },
                                     (struct decimal){ LLONG_MAX, 18 }),
                     1);
    assert_int_equal(decimal_compare((struct decimal){ LLONG_MAX, 18 },
                                     (struct decimal){ LLONG_MIN, 0 }),
                     1);
}

static void test_widest(void **state)
{
    (void)state;
    char text[DECIMAL_TEXT];
    decimal_format((struct decimal){ LLONG_MIN, 18 }, text);
    assert_string_equal(text, "-9.223372036854775808");
    decimal_format((struct decimal){ 7, 18 }, text);
    assert_string_equal(text, "0.000000000000000007");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_sums_are_exact),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_widest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
