/* test_reduce.c - many findings, one value, exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"
#include "jobs/reduce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS_MAX = 32 };

/* A line: `[votes] value`, `? value` for one that its excerpt does not support. */
static struct finding finding_of(struct arena *a, const char *line, size_t len)
{
    struct finding f = { .task = 1, .supported = true, .votes = 1, .of = 1 };
    if (len > 2 && strncmp(line, "? ", 2) == 0) {
        f.supported = false;
        line += 2;
        len -= 2;
    } else if (len > 4 && line[0] == '[') {
        f.votes = line[1] - '0';
        line += 4;
        len -= 4;
    }
    f.value = arena_strndup(a, line, len);
    return f;
}

/* The findings stand between some of another task, which must not count. */
static struct finding_list findings_of(struct arena *a, const char *text)
{
    struct finding_list list = { .items =
                                     arena_array(a, FINDINGS_MAX, sizeof *list.items) };
    struct finding other = {
        .task = 0, .supported = true, .value = "1000", .votes = 9, .of = 9
    };
    list.items[list.n++] = other;
    while (*text && list.n < FINDINGS_MAX - 1) {
        size_t len = strcspn(text, "\n");
        list.items[list.n++] = finding_of(a, text, len);
        text += len + (text[len] == '\n');
    }
    other.task = 2;
    list.items[list.n++] = other;
    return list;
}

static const char *indices(struct arena *a, const size_t *items, size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        text = arena_printf(a, "%s%s%zu", text, i ? " " : "", items[i]);
    }
    return text;
}

static void check_case(const struct test_case *c)
{
    struct arena *a = arena_new();
    const char *kind = case_text(c, "answer"), *unit = case_text(c, "unit");
    struct task tasks[3] = { { .n_samples = 1 } };
    tasks[1] = (struct task){
        .answer = (enum answer_kind)answer_kind_from_name(kind ? kind : "text"),
        .reduce = (enum reduce_kind)reduce_kind_from_name(case_need(c, "reduce")),
        .unit = unit ? arena_strdup(a, unit) : NULL,
    };
    struct plan plan = { .tasks = tasks, .n_tasks = 3 };
    struct finding_list findings = findings_of(a, case_need(c, "findings"));
    struct reduced r;
    reduce_task(a, &plan, 1, &findings, &r);
    const char *value = r.value ? r.value : "nothing";
    const char *from = indices(a, r.from, r.n_from), *told = indices(a, r.left, r.n_left);
    case_equal(c, "value", value, strlen(value));
    case_equal(c, "from", from, strlen(from));
    if (case_text(c, "told")) case_equal(c, "told", told, strlen(told));
    size_t lines = findings.n - 2;
    if (r.used + r.left_out != lines)
        case_fail(c, "used %zu, left out %zu", r.used, r.left_out);
    if (case_number(c, "left", 0) != (long)r.left_out)
        case_fail(c, "left out %zu", r.left_out);
    arena_free(a);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/reduce", check_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
