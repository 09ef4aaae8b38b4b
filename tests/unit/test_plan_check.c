/* test_plan_check.c - plans from a supervisor: taken, capped, or turned away in
 * words that it can act on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cases.h"
#include "jobs/plan_check.h"
#include "llm/schema.h"

#include <stdio.h>
#include <string.h>

static const struct plan_limits limits = { .tasks_max = 4, .samples_max = 3 };

static void three_docs(struct doc_set *set)
{
    doc_set_init(set);
    for (int i = 0; i < 3; i++) {
        doc_set_take(set, doc_new("name", DOC_TEXT, mem_strdup("text"), 4));
    }
}

static json_t *parse(const char *text)
{
    struct lw_error err;
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value) fail_msg("%s\n%s", err.message, text);
    return value;
}

/* The plan as it was understood, or the complaint. */
static void check_case(const struct test_case *c)
{
    struct doc_set set;
    struct plan plan;
    struct lw_error err;
    size_t dropped = 0;
    struct buf out;
    buf_init(&out, 1024 * 1024);
    three_docs(&set);
    json_t *json = parse(case_need(c, "json"));
    struct task before = { .id = "before" };
    struct plan earlier = { .tasks = &before, .n_tasks = 1 };
    struct plan_limits all = limits;
    all.earlier = &earlier;
    int code = plan_from_json(json, &set, &all, &plan, &dropped, &err);
    if (code) {
        if (code != LW_ERR_INPUT) case_fail(c, "code %d", code);
        buf_add_str(&out, err.message);
    } else {
        json_t *again = plan_to_json(&plan, &set);
        json_write(again, &out);
        json_decref(again);
        plan_release(&plan);
    }
    case_equal(c, code ? "complaint" : "plan", out.data, out.len);
    if (case_number(c, "dropped", 0) != (long)dropped)
        case_fail(c, "dropped %zu", dropped);
    json_decref(json);
    doc_set_release(&set);
    buf_release(&out);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/plan", check_case);
}

static void test_ten_thousand_tasks(void **state)
{
    (void)state;
    struct doc_set set;
    struct plan plan;
    size_t dropped = 0;
    struct buf b;
    buf_init(&b, 1024 * 1024);
    buf_add_str(&b, "{\"tasks\":[{\"ask\":\"a\"}");
    for (int i = 1; i < 10000; i++) buf_add_str(&b, ",{\"ask\":\"a\"}");
    buf_add_str(&b, "]}");
    json_t *json = parse(b.data);
    three_docs(&set);
    struct plan_limits wide = { .tasks_max = 100000, .samples_max = 1 };
    assert_int_equal(plan_from_json(json, &set, &wide, &plan, &dropped, NULL), 0);
    assert_int_equal(plan.n_tasks, LIMIT_TASKS);
    assert_int_equal(dropped, 10000 - LIMIT_TASKS);
    plan_release(&plan);
    json_decref(json);
    doc_set_release(&set);
    buf_release(&b);
}

/* A list of ids is as long as a reply may be. */
static void test_many_document_ids(void **state)
{
    (void)state;
    struct doc_set set;
    struct plan plan;
    size_t dropped = 0;
    struct buf b;
    buf_init(&b, 4 * 1024 * 1024);
    buf_add_str(&b, "{\"tasks\":[{\"ask\":\"a\",\"where\":{\"docs\":[\"d3\"");
    for (int i = 1; i < 500000; i++) buf_add_str(&b, ",\"d1\"");
    buf_add_str(&b, "]}}]}");
    json_t *json = parse(b.data);
    three_docs(&set);
    assert_int_equal(plan_from_json(json, &set, &limits, &plan, &dropped, NULL), 0);
    assert_int_equal(plan.tasks[0].n_docs, 2);
    assert_int_equal(plan.tasks[0].docs[0], 2);
    assert_int_equal(plan.tasks[0].docs[1], 0);
    plan_release(&plan);
    json_decref(json);
    doc_set_release(&set);
    buf_release(&b);
}

static void test_long_questions(void **state)
{
    (void)state;
    struct doc_set set;
    struct plan plan;
    struct lw_error err;
    size_t dropped;
    char ask[6000];
    memset(ask, 'a', sizeof ask - 1);
    ask[sizeof ask - 1] = '\0';
    json_t *json = json_pack("{s:[{s:s}]}", "tasks", "ask", ask);
    three_docs(&set);
    assert_int_equal(plan_from_json(json, &set, &limits, &plan, &dropped, &err),
                     LW_ERR_INPUT);
    assert_non_null(strstr(err.message, "longer than"));
    assert_int_equal(plan.n_tasks, 0);
    json_decref(json);
    doc_set_release(&set);
}

/* ORDER ANSWERS, ORDER REDUCES: the schema names what the enums hold. */
static void test_schema_names_every_kind(void **state)
{
    (void)state;
    struct lw_error err = { .message = "" };
    struct buf grammar;
    buf_init(&grammar, 1024 * 1024);
    json_t *schema = plan_schema();
    assert_non_null(schema);
    if (schema_check(schema, &err)) fail_msg("%s", err.message);
    assert_int_equal(schema_to_gbnf(schema, &grammar, &err), 0);
    for (int i = 0; i < ANSWER_KINDS; i++) {
        char plan[128];
        snprintf(plan, sizeof plan, "{\"tasks\":[{\"ask\":\"?\",\"answer\":\"%s\"}]}",
                 answer_kind_name((enum answer_kind)i));
        json_t *value = parse(plan);
        assert_int_equal(schema_validate(schema, value, NULL), 0);
        json_decref(value);
    }
    for (int i = 0; i < REDUCE_KINDS; i++) {
        char plan[128];
        snprintf(plan, sizeof plan, "{\"tasks\":[{\"ask\":\"?\",\"reduce\":\"%s\"}]}",
                 reduce_kind_name((enum reduce_kind)i));
        json_t *value = parse(plan);
        assert_int_equal(schema_validate(schema, value, NULL), 0);
        json_decref(value);
    }
    json_decref(schema);
    buf_release(&grammar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_ten_thousand_tasks),
        cmocka_unit_test(test_many_document_ids),
        cmocka_unit_test(test_long_questions),
        cmocka_unit_test(test_schema_names_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
