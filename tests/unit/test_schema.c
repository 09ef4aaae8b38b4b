/* test_schema.c - what our part of JSON Schema takes, and what is of a schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"
#include "llm/schema.h"

#include <stdio.h>
#include <string.h>

static json_t *parse(const char *text)
{
    struct lw_error err;
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value) fail_msg("%s\n%s", err.message, text);
    return value;
}

static void check_case(const struct test_case *c)
{
    struct lw_error err = { .message = "ok" };
    json_t *schema = parse(case_need(c, "schema"));
    const char *text = case_text(c, "value");
    int code = schema_check(schema, &err);
    if (code && code != LW_ERR_USAGE) case_fail(c, "schema_check() returned %d", code);
    if (code == 0 && text) {
        json_t *value = parse(text);
        code = schema_validate(schema, value, &err);
        if (code && code != LW_ERR_INPUT)
            case_fail(c, "schema_validate() returned %d", code);
        json_decref(value);
    }
    case_equal(c, "result", err.message, strlen(err.message));
    json_decref(schema);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/schema", check_case);
}

/* Definitions that use the next one twice: 2^30 paths, 30 definitions. */
static void test_many_paths_cost_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64 * 1024);
    buf_add_str(&b, "{\"$ref\":\"#/$defs/a0\",\"$defs\":{");
    for (int i = 0; i < 30; i++) {
        buf_addf(&b,
                 "\"a%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%d\"},{\"$ref\":\"#/$defs/"
                 "a%d\"}]},",
                 i, i + 1, i + 1);
    }
    buf_add_str(&b, "\"a30\":{\"type\":\"null\"}}}");
    json_t *schema = parse(b.data);
    struct lw_error err = { .message = "" };
    assert_int_equal(schema_check(schema, &err), 0);
    buf_clear(&b);
    assert_int_equal(schema_to_gbnf(schema, &b, &err), 0);
    json_decref(schema);
    buf_release(&b);
}

/* A long chain of refs is too deep whichever end is met first. */
static void test_deep_chain(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        struct buf b;
        buf_init(&b, 1024 * 1024);
        buf_add_str(&b, "{\"type\":\"null\",\"$defs\":{\"d0\":{\"type\":\"null\"}");
        for (int i = 1; i < 5000; i++) {
            int n = reverse ? 5000 - i : i;
            buf_addf(&b, ",\"d%d\":{\"$ref\":\"#/$defs/d%d\"}", n, n - 1);
        }
        buf_add_str(&b, "}}");
        json_t *schema = parse(b.data);
        struct lw_error err;
        assert_int_equal(schema_check(schema, &err), LW_ERR_USAGE);
        assert_non_null(strstr(err.message, "too deeply"));
        json_decref(schema);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_many_paths_cost_nothing),
        cmocka_unit_test(test_deep_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
