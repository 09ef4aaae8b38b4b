/* test_structured.c - JSON from models that do not quite give it, and the one repair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "llm/fake.h"
#include "llm/structured.h"

#include <string.h>

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"string\"},"
    "\"page\":{\"type\":\"integer\"}},\"required\":[\"answer\"]}";

static json_t *schema(void)
{
    return json_parse(schema_text, strlen(schema_text), NULL);
}

/* --- The checking half --------------------------------------------------------- */

static int parse(const char *text, json_t **out, struct lw_error *err)
{
    json_t *s = schema();
    int code = structured_parse(s, text, strlen(text), out, err);
    json_decref(s);
    return code;
}

static void assert_good(const char *text, const char *answer)
{
    json_t *value = NULL;
    struct lw_error err;
    if (parse(text, &value, &err)) fail_msg("%s\n%s", err.message, text);
    assert_string_equal(json_str(value, "answer", ""), answer);
    json_decref(value);
}

static void assert_bad(const char *text, const char *complaint)
{
    json_t *value = NULL;
    struct lw_error err = { .message = "" };
    assert_int_equal(parse(text, &value, &err), LW_ERR_INPUT);
    assert_null(value);
    if (!strstr(err.message, complaint))
        fail_msg("\"%s\" lacks \"%s\"", err.message, complaint);
}

static void test_plain_wrapped_and_fenced(void **state)
{
    (void)state;
    assert_good("{\"answer\":\"12\"}", "12");
    assert_good("  \n{\"answer\":\"12\",\"page\":3}\n", "12");
    assert_good("```json\n{\"answer\": \"12\"}\n```", "12");
    assert_good("Sure! Here it is: {\"answer\": \"a {b} c\"} Hope that helps.",
                "a {b} c");
}

static void test_broken(void **state)
{
    (void)state;
    assert_bad("", "empty");
    assert_bad(" \n\t", "empty");
    assert_bad("I cannot help with that.", "not JSON");
    assert_bad("{\"answer\": \"12", "not JSON");
    assert_bad("{\"page\": 3}", "\"answer\" is missing");
    assert_bad("{\"answer\": 12}", "/answer: must be of type \"string\"");
}

static void test_schema_echo(void **state)
{
    (void)state;
    assert_bad(schema_text, "repeats the JSON schema");
    assert_bad(
        "{\"type\":\"object\",\"properties\":{\"answer\":\"12\"},\"answer\":\"12\"}",
        "repeats the JSON schema");
}

/* --- The asking half ------------------------------------------------------------- */

struct asked {
    int code;
    json_t *value;
    struct usage usage;
    struct lw_error err;
    struct llm *llm;
};

static struct asked ask(const char *script, const struct cancel *cancel)
{
    struct asked a = { .err = { .message = "" } };
    json_t *s = schema();
    struct llm_message m = llm_message_text(LLM_USER, "When?");
    struct llm_request req = {
        .messages = &m,
        .n_messages = 1,
        .schema = s,
        .max_tokens = 60,
    };
    if (fake_open(&a.llm, script, &(struct fake_options){ .parallel = 1 }, &a.err)) {
        fail_msg("%s", a.err.message);
    }
    a.code = structured_chat(a.llm, &req, &a.value, &a.usage, cancel, &a.err);
    json_decref(s);
    return a;
}

static void asked_release(struct asked *a)
{
    json_decref(a->value);
    llm_close(a->llm);
}

static void test_first_try_holds(void **state)
{
    (void)state;
    struct asked a = ask("say {\"answer\":\"12\"}", NULL);
    assert_int_equal(a.code, 0);
    assert_int_equal(a.usage.requests, 1);
    assert_true(fake_request_had_schema(a.llm, 0));
    asked_release(&a);
}

/* The Python program tries a broken final JSON five times in the same words and
 * then loses everything: the second request here says what was wrong. */
static void test_repair_says_what_is_wrong(void **state)
{
    (void)state;
    struct asked a = ask("when any lacks \"cannot be used\"\n"
                         "say {\"page\":3}\n"
                         "when user contains \"\\\"answer\\\" is missing\"\n"
                         "say {\"answer\":\"12\"}\n",
                         NULL);
    assert_int_equal(a.code, 0);
    assert_string_equal(json_str(a.value, "answer", ""), "12");
    assert_int_equal(fake_request_count(a.llm), 2);
    assert_non_null(strstr(fake_request_at(a.llm, 1), "[assistant]\n{\"page\":3}"));
    asked_release(&a);
}

/* Synthesis calls are not counted by the Python program; here both tries are. */
static void test_both_tries_are_counted(void **state)
{
    (void)state;
    struct asked a = ask("say {\"answer\": \"half", NULL);
    assert_int_equal(a.code, LW_ERR);
    assert_non_null(strstr(a.err.message, "fake replied twice"));
    assert_int_equal(fake_request_count(a.llm), 2);
    assert_int_equal(a.usage.requests, 2);
    assert_true(a.usage.completion_tokens > 0);
    asked_release(&a);
}

static void test_cut_reply_is_said_to_be_too_long(void **state)
{
    (void)state;
    struct asked a = ask("when any lacks \"cut off after 60 tokens\"\n"
                         "say {\"answer\": \"and so on\n"
                         "finish length\n"
                         "when any contains \"\"\n"
                         "say {\"answer\":\"short\"}\n",
                         NULL);
    assert_int_equal(a.code, 0);
    assert_int_equal(a.usage.requests, 2);
    asked_release(&a);
}

static void test_failures_are_not_repaired(void **state)
{
    (void)state;
    struct asked a = ask("finish failed no such model", NULL);
    assert_int_equal(a.code, LW_ERR);
    assert_string_equal(a.err.message, "no such model");
    assert_int_equal(a.usage.requests, 1);
    asked_release(&a);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct cancel cancel;
    cancel_init(&cancel, 0);
    cancel_raise(&cancel);
    struct asked a = ask("say {}", &cancel);
    assert_int_equal(a.code, LW_CANCELLED);
    assert_null(a.value);
    asked_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_wrapped_and_fenced),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_schema_echo),
        cmocka_unit_test(test_first_try_holds),
        cmocka_unit_test(test_repair_says_what_is_wrong),
        cmocka_unit_test(test_both_tries_are_counted),
        cmocka_unit_test(test_cut_reply_is_said_to_be_too_long),
        cmocka_unit_test(test_failures_are_not_repaired),
        cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
