/* test_agree.c - what counts as the expected answer, by text cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"

#include "run/agree.h"

#include <string.h>

static void run_case(const struct test_case *c)
{
    const char *got =
        answer_agrees(case_need(c, "answer"), case_need(c, "expected")) ? "yes" : "no";
    case_equal(c, "agrees", got, strlen(got));
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/agree", run_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
