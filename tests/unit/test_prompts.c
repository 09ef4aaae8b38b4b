/* test_prompts.c - what a worker is told: the measured recipe, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "jobs/prompts.h"
#include "llm/fake.h"
#include "llm/schema.h"

#include <string.h>

static const char excerpt[] = "\n  She was born on 12 March 1956.\n\n";

/* The user's message in one text. */
static const char *user_text(struct arena *a, const struct llm_request *req)
{
    const char *text = "";
    const struct llm_message *m = &req->messages[1];
    for (size_t i = 0; i < m->n_parts; i++) {
        text = arena_printf(a, "%s%.*s", text, (int)m->parts[i].len, m->parts[i].text);
    }
    return text;
}

static void test_recipe(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .ask = arena_strdup(a, "When was she born?") };
    struct llm_request req;
    prompt_read(a, excerpt, sizeof excerpt - 1, &task, &req);
    assert_int_equal(req.n_messages, PROMPT_MESSAGES);
    assert_string_equal(
        req.messages[0].parts[0].text,
        "You read one excerpt of a longer document and answer a question about "
        "it, using only the excerpt.");
    assert_string_equal(
        user_text(a, &req),
        "Excerpt:\n---\nShe was born on 12 March 1956.\n---\n"
        "Answer in a few words. If the excerpt does not say, answer: not stated.\n"
        "Question: When was she born?");
    /* All that can be read before the question is known is. */
    assert_string_equal(req.messages[1].parts[3].text, " When was she born?");
    assert_string_equal(req.prefill, "Answer:");
    assert_string_equal(req.stop, "\n");
    assert_int_equal(req.n_alt, 2);
    assert_string_equal(req.alt[0], " not");
    assert_string_equal(req.alt[1], " Not");
    assert_true(req.forbid_alt);
    arena_free(a);
}

/* An answer goes on from the state that the screen left: the same parts. */
static void test_screen_and_answer_share_every_byte(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .ask = arena_strdup(a, "How many?"), .answer = ANSWER_NUMBER };
    struct llm_request screen, read;
    prompt_screen(a, excerpt, sizeof excerpt - 1, &task, &screen);
    prompt_read(a, excerpt, sizeof excerpt - 1, &task, &read);
    assert_string_equal(user_text(a, &screen), user_text(a, &read));
    assert_string_equal(screen.prefill, read.prefill);
    assert_int_equal(screen.max_tokens, 0);
    arena_free(a);
}

static void test_tasks_of_a_chunk_share_up_to_the_question(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task one = { .ask = arena_strdup(a, "When?") };
    struct task two = { .ask = arena_strdup(a, "Which?"), .answer = ANSWER_LIST };
    struct llm_request req[4];
    prompt_screen(a, excerpt, sizeof excerpt - 1, &one, &req[0]);
    prompt_read(a, excerpt, sizeof excerpt - 1, &two, &req[1]);
    prompt_probe(a, excerpt, sizeof excerpt - 1, &one, &req[2]);
    prompt_screen(a, excerpt, sizeof excerpt - 1, &two, &req[3]);
    for (int i = 1; i < 4; i++) {
        for (int p = 0; p < 3; p++) {
            const struct llm_part *x = &req[0].messages[1].parts[p];
            const struct llm_part *y = &req[i].messages[1].parts[p];
            assert_int_equal(x->len, y->len);
            assert_memory_equal(x->text, y->text, x->len);
        }
    }
    assert_true(req[0].messages[1].parts[1].verbatim);
    assert_false(req[0].messages[1].parts[0].verbatim);
    arena_free(a);
}

/* What is kept beforehand is what every question begins with, to the last byte. */
static void test_an_excerpt_alone_begins_like_every_question(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .ask = arena_strdup(a, "When?") };
    struct llm_request alone, screen;
    prompt_excerpt(a, excerpt, sizeof excerpt - 1, &alone);
    prompt_screen(a, excerpt, sizeof excerpt - 1, &task, &screen);
    assert_true(alone.keep_only);
    assert_false(screen.keep_only);
    assert_int_equal(alone.max_tokens, 0);
    assert_int_equal(alone.n_messages, screen.n_messages);
    assert_string_equal(alone.messages[0].parts[0].text,
                        screen.messages[0].parts[0].text);
    assert_int_equal(alone.messages[1].n_parts, 3);
    for (int p = 0; p < 3; p++) {
        const struct llm_part *x = &alone.messages[1].parts[p];
        const struct llm_part *y = &screen.messages[1].parts[p];
        assert_int_equal(x->len, y->len);
        assert_int_equal(x->verbatim, y->verbatim);
        assert_memory_equal(x->text, y->text, x->len);
    }
    arena_free(a);
}

static void test_hint_unit_and_choices(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *choices[] = { arena_strdup(a, "up"), arena_strdup(a, "down") };
    struct task task = {
        .ask = arena_strdup(a, "What was it?"),
        .hint = arena_strdup(a, "a cash flow statement"),
        .unit = arena_strdup(a, "USD millions"),
        .answer = ANSWER_NUMBER,
    };
    struct llm_request req;
    prompt_read(a, "x", 1, &task, &req);
    assert_non_null(strstr(user_text(a, &req),
                           "Question: What was it?\nHint: a cash flow statement\n"
                           "Unit: USD millions\nAnswer with the number"));
    task = (struct task){
        .ask = arena_strdup(a, "Where?"),
        .answer = ANSWER_CHOICE,
        .choices = choices,
        .n_choices = 2,
    };
    prompt_read(a, "x", 1, &task, &req);
    assert_non_null(strstr(user_text(a, &req), "Question: Where?\nChoices: up; down\n"));
    assert_null(req.prefill);
    arena_free(a);
}

static void test_probe(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct task task = { .ask = arena_strdup(a, "When?") };
    struct llm_request req;
    prompt_probe(a, "x", 1, &task, &req);
    assert_non_null(strstr(user_text(a, &req),
                           "Question: When?\nDoes the excerpt contain the "
                           "answer to this question? Reply Yes or No."));
    assert_string_equal(req.alt[0], "Yes");
    assert_string_equal(req.alt2[0], "No");
    assert_int_equal(req.max_tokens, 0);
    arena_free(a);
}

static void test_schemas_are_of_our_subset(void **state)
{
    (void)state;
    char up[] = "up", quoted[] = "a \"b\"", *choices[] = { up, quoted };
    struct task task = { .answer = ANSWER_CHOICE, .choices = choices, .n_choices = 2 };
    json_t *schema = prompt_schema(&task);
    assert_int_equal(schema_check(schema, NULL), 0);
    json_decref(schema);
    task.answer = ANSWER_LIST;
    schema = prompt_schema(&task);
    assert_int_equal(schema_check(schema, NULL), 0);
    json_decref(schema);
    task.answer = ANSWER_TEXT;
    assert_null(prompt_schema(&task));
}

static void test_overhead_holds_what_is_added(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct llm *worker;
    assert_int_equal(
        fake_open(&worker, "", &(struct fake_options){ .in_process = true }, NULL), 0);
    struct task task = { .ask =
                             arena_strdup(a, "When was she born, and where was that?") };
    struct llm_request req;
    prompt_read(a, excerpt, sizeof excerpt - 1, &task, &req);
    int tokens = (int)llm_request_bytes(&req) / 4 + req.max_tokens;
    int excerpt_tokens = (int)(sizeof excerpt - 1) / 4;
    assert_true(prompt_overhead_tokens(worker, &task) > tokens - excerpt_tokens);
    assert_true(prompt_overhead_tokens(worker, &task) < tokens + 200);
    llm_close(worker);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe),
        cmocka_unit_test(test_screen_and_answer_share_every_byte),
        cmocka_unit_test(test_tasks_of_a_chunk_share_up_to_the_question),
        cmocka_unit_test(test_an_excerpt_alone_begins_like_every_question),
        cmocka_unit_test(test_hint_unit_and_choices),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_schemas_are_of_our_subset),
        cmocka_unit_test(test_overhead_holds_what_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
