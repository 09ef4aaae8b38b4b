/* test_reply.c - what a worker wrote, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cases.h"
#include "jobs/prompts.h"
#include "jobs/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum llm_finish finish_of(const struct test_case *c)
{
    const char *name = case_text(c, "finish");
    if (!name || strcmp(name, "stop") == 0) return LLM_STOP;
    if (strcmp(name, "length") == 0) return LLM_LENGTH;
    if (strcmp(name, "repeat") == 0) return LLM_REPEAT;
    if (strcmp(name, "cancelled") == 0) return LLM_CANCELLED;
    return LLM_FAILED;
}

/* One choice a line; they live in the arena. */
static void take_choices(struct arena *a, const char *text, struct task *task)
{
    task->choices = arena_array(a, 16, sizeof *task->choices);
    while (text && *text && task->n_choices < 16) {
        size_t len = strcspn(text, "\n");
        task->choices[task->n_choices++] = arena_strndup(a, text, len);
        text += len + (text[len] == '\n');
    }
}

static void check_case(const struct test_case *c)
{
    struct arena *a = arena_new();
    const char *kind = case_text(c, "kind"), *cut = case_text(c, "cut");
    struct task task = {
        .answer = (enum answer_kind)answer_kind_from_name(kind ? kind : "text"),
    };
    take_choices(a, case_text(c, "choices"), &task);
    json_t *schema = prompt_schema(&task);
    struct llm_reply reply = { .finish = finish_of(c) };
    char *text = case_unescape(case_need(c, "reply"), &reply.len);
    reply.text = text;
    const char *tokens = case_text(c, "tokens");
    reply.usage.completion_tokens = tokens ? atol(tokens) : 0;
    snprintf(reply.error.message, sizeof reply.error.message, "the server is gone");
    struct reply_value v;
    reply_read(a, &task, schema, &reply,
               cut && strcmp(cut, "keeps") == 0 ? REPLY_CUT_KEEPS : REPLY_CUT_FAILS, &v);
    const char *got =
        arena_printf(a, "%s%s%s", job_state_name(v.state), v.answer || v.why ? ": " : "",
                     v.answer ? v.answer
                     : v.why  ? v.why
                              : "");
    case_equal(c, "result", got, strlen(got));
    if (case_text(c, "items"))
        case_equal(c, "items", v.items, v.items ? strlen(v.items) : 0);
    if (!!v.items != (task.answer == ANSWER_LIST && v.state == JOB_ANSWERED)) {
        case_fail(c, "items where none belong, or none where they do");
    }
    json_decref(schema);
    free(text);
    arena_free(a);
}

static void test_cases(void **state)
{
    (void)state;
    cases_run("tests/cases/replies", check_case);
}

/* A server may send megabytes whatever was asked. */
static void test_huge_list(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .answer = ANSWER_LIST };
    json_t *schema = prompt_schema(&task);
    struct buf b;
    buf_init(&b, 16 * 1024 * 1024);
    buf_add_str(&b, "{\"items\":[\"x0\"");
    for (int i = 1; i < 100000; i++) buf_addf(&b, ",\"x%d\"", i);
    buf_add_str(&b, "]}");
    struct llm_reply reply = { .finish = LLM_STOP, .text = b.data, .len = b.len };
    struct reply_value v;
    reply_read(a, &task, schema, &reply, REPLY_CUT_FAILS, &v);
    assert_int_equal(v.state, JOB_ANSWERED);
    assert_true(arena_bytes(a) < 256 * 1024);
    json_decref(schema);
    buf_release(&b);
    arena_free(a);
}

static void test_huge_line(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .answer = ANSWER_TEXT };
    char text[5000];
    memset(text, 'x', sizeof text);
    struct llm_reply reply = { .finish = LLM_STOP, .text = text, .len = sizeof text };
    struct reply_value v;
    reply_read(a, &task, NULL, &reply, REPLY_CUT_FAILS, &v);
    assert_int_equal(v.state, JOB_ANSWERED);
    assert_int_equal(strlen(v.answer), 403);
    assert_string_equal(v.answer + 400, "...");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_huge_list),
        cmocka_unit_test(test_huge_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
