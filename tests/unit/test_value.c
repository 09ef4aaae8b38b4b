/* test_value.c - numbers and dates as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"
#include "jobs/date.h"
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
    struct date date;
    char got[16] = "none";
    if (date_find(text, &date)) {
        snprintf(got, sizeof got, "%d", date.yyyymmdd);
        if (date.start >= date.end || date.end > strlen(text))
            case_fail(c, "a place outside the text");
    }
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

static void test_ratios_are_exact_or_none(void **state)
{
    (void)state;
    struct decimal d = { 35, 1 };
    assert_true(decimal_ratio(&d, 1000, 1));
    assert_int_equal(decimal_compare(d, (struct decimal){ 3500, 0 }), 0);
    assert_true(decimal_ratio(&d, 1, 8000));
    assert_int_equal(decimal_compare(d, (struct decimal){ 4375, 4 }), 0);
    assert_false(decimal_ratio(&d, 1, 3));
    assert_false(decimal_ratio(&(struct decimal){ LLONG_MAX, 0 }, 2, 1));
    assert_int_equal(decimal_compare(d, (struct decimal){ 4375, 4 }), 0);
}

static void test_numbers_are_counted(void **state)
{
    (void)state;
    const char *text = "In May 51 crowns, 5/7 of it; on 3 June 1901 51.0 crowns; 510.";
    assert_int_equal(value_count_number(text, (struct decimal){ 51, 0 }), 2);
    assert_int_equal(value_count_number(text, (struct decimal){ 510, 0 }), 1);
    assert_int_equal(value_count_number(text, (struct decimal){ 1901, 0 }), 0);
    assert_int_equal(value_count_number("", (struct decimal){ 0, 0 }), 0);
    /* None is read apart from what stands in front of it. */
    assert_int_equal(value_count_number("17 (51), 25 (51)", (struct decimal){ 51, 0 }),
                     2);
    assert_int_equal(value_count_number("51–51 crowns", (struct decimal){ 51, 0 }), 2);
    assert_int_equal(value_count_number("10/2, 10/5", (struct decimal){ 0, 0 }), 0);
    assert_int_equal(value_count_number(".½, .½", (struct decimal){ 5, 1 }), 2);
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
        cmocka_unit_test(test_ratios_are_exact_or_none),
        cmocka_unit_test(test_numbers_are_counted),
        cmocka_unit_test(test_widest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
